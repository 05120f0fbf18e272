/* SPDX-License-Identifier: BSD-2-Clause */
/* yaml.h - the strict subset of YAML as a tree in which all has its place */
#ifndef KV_SIM_YAML_H
#define KV_SIM_YAML_H

#include <stdbool.h>

#include "in/pool.h"
#include "in/text.h"

enum kv_node_kind {
	KV_NODE_SCALAR,
	KV_NODE_LIST, /* children are the items */
	KV_NODE_MAP,  /* children are key, value, key, value, ... */
	KV_NODE_BAD   /* refused already: pass over it */
};

/* All fields are constant once the tree is built. */
struct kv_node {
	enum kv_node_kind kind;
	unsigned line, column;	     /* where it starts, from 1 */
	const struct kv_node *child; /* first one */
	const struct kv_node *next;  /* in the same list or map */
	size_t count;		     /* children */
	const char *text;	     /* scalar; NUL-terminated, without NUL */
	unsigned text_column;	     /* of its first character */
	bool quoted;		     /* a string, even if it looks otherwise */
	bool one_line;		     /* column + i is that of character i */
};

/*
 * Parse one document.  Refused, with the place of each: bytes that are not
 * text, tabs in an indentation, anchors, aliases, tags, directives, merge
 * keys, keys that are not scalars, more than 32 levels, a second document.
 * Nodes live in the pool.
 * => the root; NULL when the syntax is broken.  The root also comes with
 *    entries in *errors, so that later checks can go on
 */
const struct kv_node *kv_yaml_parse(
    const struct kv_text *text, struct kv_pool *pool, struct kv_errors *errors);

#endif
