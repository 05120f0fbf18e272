/* SPDX-License-Identifier: BSD-2-Clause */
/* param.h - the parameters of a scenario: declared, replaced, evaluated */
#ifndef KV_SIM_PARAM_H
#define KV_SIM_PARAM_H

#include "in/attribute.h"
#include "in/names.h"
#include "in/scenario.h"
#include "in/yaml.h"

/* A text that becomes a value: in the file, or behind -D. */
struct kv_source {
	const char *text;
	struct kv_place place; /* of its first character */
	bool quoted, one_line; /* as in kv_node */
};

/* One parameter on its way to its value. */
struct kv_param_def {
	struct kv_source source;
	const struct kv_node *declared; /* its value in the file, or a list */
	bool defined;			/* by -D */
	enum {
		KV_PARAM_NEW,
		KV_PARAM_OPEN,
		KV_PARAM_DONE,
		KV_PARAM_FAILED
	} state;
	struct kv_expr *expr; /* owned; NULL: a word */
	struct kv_value value;
	const struct kv_param_def *same; /* all it does is name that one */
};

struct kv_params {
	struct kv_names names;
	struct kv_param_def *list; /* owned; as many as names, same order */
	struct kv_pool *pool;
	struct kv_errors *errors;
	const struct kv_machine *machine; /* for its attributes; may be NULL */
	const struct kv_layout *layout;	  /* likewise */
	size_t *open; /* numbers of those being evaluated; owned */
	size_t nopen;
};

/* The scalar as a text with its place. */
struct kv_source kv_source_of(const struct kv_node *node, const char *path);

/* Declare what the section says, a map.  path: of the file.  values: one a key,
 * of those that its list has; NULL: the first of each, and the others are
 * checked. */
void kv_params_read(struct kv_params *ps, const struct kv_node *section,
    const struct kv_node *const *values, const char *path);

/* Replace values as -D says; the last of one name wins. */
void kv_params_define(
    struct kv_params *ps, const struct kv_define *defines, size_t ndefines);

/* The text with what stood there, in brackets, for each '@'.  Of the pool. */
const char *kv_params_text(
    struct kv_pool *pool, const char *text, const char *old);

/* Replace a value, if there is one of that name, by such a text, which comes
 * from what path names. */
void kv_params_edit(
    struct kv_params *ps, const char *name, const char *text, const char *path);

/* Replace values by those of a map, which are evaluated over those of from; so
 * one may name what it replaces.  => 0; EINVAL, noted */
int kv_params_replace(struct kv_params *ps, struct kv_params *from,
    const struct kv_node *map, const char *path);

/* Evaluate all of them, each after those that it names. */
void kv_params_evaluate(struct kv_params *ps);

/* => the parameter of that name, or NULL */
const struct kv_param_def *kv_params_find(
    const struct kv_params *ps, const char *name);

/* Compile a text that is no longer than expressions may be.  => 0, EINVAL */
int kv_source_compile(const struct kv_source *source, bool reals,
    struct kv_expr **expr, struct kv_errors *errors);

/*
 * Evaluate an expression over the parameters.
 * => 0; EINVAL: noted, or because of a parameter whose error is noted already
 */
int kv_params_eval(struct kv_params *ps, const struct kv_source *source,
    bool reals, struct kv_value *value);

/* Free the lists; words stay in the pool. */
void kv_params_fini(struct kv_params *ps);

#endif
