/* SPDX-License-Identifier: BSD-2-Clause */
/* expr.h - expressions of the scenario language (interface.md) */
#ifndef KV_SIM_EXPR_H
#define KV_SIM_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "in/text.h"

enum kv_value_kind {
	KV_VALUE_UINT, /* count, size, address: u */
	KV_VALUE_INT,  /* negative: i < 0 */
	KV_VALUE_REAL, /* ratio: r */
	KV_VALUE_WORD, /* text: w */
	KV_VALUE_NONE  /* a metric that this run did not produce */
};

struct kv_value {
	enum kv_value_kind kind;
	union {
		uint64_t u;
		int64_t i;
		double r;
		const char *w; /* not owned */
	};
};

struct kv_expr; /* compiled text */

/* Where the text stands, for messages. */
struct kv_place {
	const char *path;
	unsigned line, column; /* of its first character, from 1 */
};

/* Look a name up.  => true and *value */
typedef bool kv_expr_lookup_fn(
    void *arg, const char *name, struct kv_value *value);

/* Compile.  reals: decimals are allowed (in expect).
 * => 0, or EINVAL with entries in *errors */
int kv_expr_compile(const char *text, const struct kv_place *place, bool reals,
    struct kv_expr **expr, struct kv_errors *errors);
void kv_expr_free(struct kv_expr *expr);

/* Evaluate.  Overflow, division by zero, unknown names (with a hint) are
 * errors at their column.  => 0, or EINVAL */
int kv_expr_eval(const struct kv_expr *expr, kv_expr_lookup_fn *lookup,
    void *arg, struct kv_value *value, struct kv_errors *errors);

#endif
