/* SPDX-License-Identifier: BSD-2-Clause */
/* expr.h - expressions of the scenario language (interface.md) */
#ifndef KV_SIM_EXPR_H
#define KV_SIM_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "in/text.h"
#include "in/value.h"

/* Compiled text.  The path of its place must outlive it. */
struct kv_expr;

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

/* => the name that the text is, when it is nothing but one; else NULL */
const char *kv_expr_name(const struct kv_expr *expr);

/* Visit the names in the text, in the order in which they stand there.
 * => what the first cb that returned non-zero returned, else 0 */
typedef int kv_expr_name_fn(
    void *arg, const char *name, const struct kv_place *place);
int kv_expr_walk_names(
    const struct kv_expr *expr, kv_expr_name_fn *cb, void *arg);

/* Names that lookup gives a whole number for become that number. */
void kv_expr_bind(struct kv_expr *expr, kv_expr_lookup_fn *lookup, void *arg);

/*
 * Evaluate.  Whole numbers are unsigned 64-bit; only unary minus and signed
 * figures make negative ones.  Overflow, a difference below zero, division by
 * zero and unknown names are errors at their column; what is not evaluated
 * (behind && || ?:) is no error.  A NONE in makes a NONE out.  A word in
 * *value belongs to the expression or to what lookup gave.
 * => 0, or EINVAL
 */
int kv_expr_eval(const struct kv_expr *expr, kv_expr_lookup_fn *lookup,
    void *arg, struct kv_value *value, struct kv_errors *errors);

/* The left side of a comparison (what a report shows as its value); of any
 * other expression, all of it.  => as kv_expr_eval */
int kv_expr_eval_left(const struct kv_expr *expr, kv_expr_lookup_fn *lookup,
    void *arg, struct kv_value *value, struct kv_errors *errors);

/* The right side of a comparison; of any other expression there is none.
 * => as kv_expr_eval */
int kv_expr_eval_right(const struct kv_expr *expr, kv_expr_lookup_fn *lookup,
    void *arg, struct kv_value *value, struct kv_errors *errors);

#endif
