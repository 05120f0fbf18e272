/* SPDX-License-Identifier: BSD-2-Clause */
/* doc.h - the tree of a scenario, to change and to write again */
#ifndef KV_SIM_DOC_H
#define KV_SIM_DOC_H

#include "in/yaml.h"
#include "out/emit.h"

/* A node that owns what is below it. */
struct kv_doc {
	enum kv_node_kind kind;
	char *text;	      /* owned; of a scalar */
	bool quoted;	      /* a string, even if it looks otherwise */
	bool raw;	      /* text is YAML as it stands */
	struct kv_doc **list; /* owned; of a map: key, value, key, value */
	size_t count, capacity;
};

/* All that stands below a node; the same of a tree.  Owned. */
struct kv_doc *kv_doc_copy(const struct kv_node *node);
struct kv_doc *kv_doc_clone(const struct kv_doc *doc);

/* A scalar, YAML that is written as it stands, an empty list.  Owned. */
struct kv_doc *kv_doc_scalar(const char *text);
struct kv_doc *kv_doc_raw(const char *yaml);
struct kv_doc *kv_doc_list(void);

/* Free it and all below; NULL is nothing. */
void kv_doc_free(struct kv_doc *doc);

/* The value of a key of a map, or NULL. */
struct kv_doc *kv_doc_get(const struct kv_doc *map, const char *key);

/* Have that value there, which is owned then; what was there goes. */
void kv_doc_set(struct kv_doc *map, const char *key, struct kv_doc *value);

/* Without that key, if it has it. */
void kv_doc_unset(struct kv_doc *map, const char *key);

/* Append to a list; the item is owned then. */
void kv_doc_add(struct kv_doc *list, struct kv_doc *item);

/* Children [first, first + n) go. */
void kv_doc_remove(struct kv_doc *doc, size_t first, size_t n);

/* As a file: a section a line, of work an item a line. */
void kv_doc_write(const struct kv_doc *root, struct kv_buf *out);

#endif
