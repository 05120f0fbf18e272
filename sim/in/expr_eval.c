/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_eval.c - the operations of an expression, on a stack of values */
#include <errno.h>

#include "in/expr_parts.h"
#include "out/mem.h"

struct eval {
	const struct kv_expr *expr;
	struct kv_value *stack;
	size_t n;	/* values on it */
	unsigned wraps; /* wrap() around this operation */
	kv_expr_lookup_fn *lookup;
	void *arg;
	struct kv_errors *errors;
};

static int
fail(struct eval *e, const struct op *op, const char *why)
{
	kv_errors_add(
	    e->errors, e->expr->path, op->line, op->column, "%s", why);
	return EINVAL;
}

/* Say which word was met where a number is needed. */
static int
fail_word(struct eval *e, const struct op *op, const char *word)
{
	kv_errors_add(e->errors, e->expr->path, op->line, op->column,
	    "'%.40s' is a word; a number is needed here", word);
	return EINVAL;
}

static int
eval_binary(struct eval *e, const struct op *op)
{
	const struct kv_value *b = &e->stack[--e->n];
	struct kv_value *a = &e->stack[e->n - 1];
	const struct kv_value *word = a->kind == KV_VALUE_WORD ? a : b;
	bool equality = op->op == KV_OP_EQUAL || op->op == KV_OP_NOT_EQUAL;
	const char *why;

	if (word->kind == KV_VALUE_WORD && a->kind != KV_VALUE_NONE &&
	    b->kind != KV_VALUE_NONE && !(equality && a->kind == b->kind))
		return fail_word(e, op, word->w);
	why = kv_value_binary(op->op, e->wraps != 0, a, b);
	return why == NULL ? 0 : fail(e, op, why);
}

static int
eval_unary(struct eval *e, const struct op *op)
{
	struct kv_value *v = &e->stack[e->n - 1];
	const char *why;

	if (v->kind == KV_VALUE_WORD)
		return fail_word(e, op, v->w);
	why = kv_value_unary(op->op, e->wraps != 0, v);
	return why == NULL ? 0 : fail(e, op, why);
}

static int
push(struct eval *e, const struct op *op)
{
	struct kv_value v = {.kind = KV_VALUE_UINT};

	if (op->code == PUSH_UINT) {
		v.u = op->u;
	} else if (op->code == PUSH_REAL) {
		v = (struct kv_value){.kind = KV_VALUE_REAL, .r = op->r};
	} else if (op->code == PUSH_WORD) {
		v = (struct kv_value){.kind = KV_VALUE_WORD, .w = op->text};
	} else if (e->lookup == NULL || !e->lookup(e->arg, op->text, &v)) {
		kv_errors_add(e->errors, e->expr->path, op->line, op->column,
		    "unknown name '%.40s'", op->text);
		return EINVAL;
	}
	/* In wrap() every number is one of 0 .. 2^64 - 1. */
	if (v.kind == KV_VALUE_INT && (v.i >= 0 || e->wraps != 0))
		v.kind = KV_VALUE_UINT;
	e->stack[e->n++] = v;
	return 0;
}

static struct kv_value
truth(bool is)
{
	return (struct kv_value){.kind = KV_VALUE_UINT, .u = is};
}

/* One of the operations that decide which one is next: *at. */
static int
flow(struct eval *e, const struct op *op, size_t *at)
{
	struct kv_value *v = &e->stack[e->n - 1];

	if (op->code == JUMP) {
		*at = op->target;
	} else if (v->kind == KV_VALUE_WORD) {
		return fail_word(e, op, v->w);
	} else if (v->kind == KV_VALUE_NONE) {
		*at = op->code == CHOOSE ? op->target - 1 : op->target;
	} else if (op->code == CHOOSE) {
		e->n--;
		*at = kv_value_true(v) ? *at + 1 : op->target;
	} else if (kv_value_true(v) == (op->code == OR)) {
		*v = truth(op->code == OR);
		*at = op->target;
	} else {
		e->n--;
		++*at;
	}
	return 0;
}

static int
unwrap(struct eval *e, const struct op *op)
{
	const struct kv_value *v = &e->stack[e->n - 1];

	e->wraps--;
	if (v->kind == KV_VALUE_REAL || v->kind == KV_VALUE_WORD)
		return fail(e, op, "wrap() needs a whole number");
	return 0;
}

static int
step(struct eval *e, size_t *at)
{
	const struct op *op = &e->expr->ops[*at];

	if (op->code >= AND && op->code <= JUMP)
		return flow(e, op, at);
	++*at;
	switch (op->code) {
	case UNARY:
		return eval_unary(e, op);
	case BINARY:
		return eval_binary(e, op);
	case WRAP:
		e->wraps++;
		return 0;
	case UNWRAP:
		return unwrap(e, op);
	default:
		return push(e, op);
	}
}

/* Operations [at, nops), which leave one value. */
static int
eval(struct eval *e, size_t at, size_t nops, struct kv_value *value)
{
	struct kv_value few[8];
	int error = 0;

	e->stack = e->expr->depth <= sizeof(few) / sizeof(few[0])
		       ? few
		       : kv_mem_resize(NULL, e->expr->depth, sizeof(*e->stack));
	while (error == 0 && at < nops)
		error = step(e, &at);
	if (error == 0)
		*value = e->stack[0];
	if (e->stack != few)
		kv_mem_free(e->stack);
	e->stack = NULL;
	return error;
}

int
kv_expr_eval(const struct kv_expr *expr, kv_expr_lookup_fn *lookup, void *arg,
    struct kv_value *value, struct kv_errors *errors)
{
	struct eval e = {
	    .expr = expr, .lookup = lookup, .arg = arg, .errors = errors};

	return eval(&e, 0, expr->nops, value);
}

int
kv_expr_eval_left(const struct kv_expr *expr, kv_expr_lookup_fn *lookup,
    void *arg, struct kv_value *value, struct kv_errors *errors)
{
	struct eval e = {
	    .expr = expr, .lookup = lookup, .arg = arg, .errors = errors};

	return eval(&e, 0, expr->nleft, value);
}

int
kv_expr_eval_right(const struct kv_expr *expr, kv_expr_lookup_fn *lookup,
    void *arg, struct kv_value *value, struct kv_errors *errors)
{
	struct eval e = {
	    .expr = expr, .lookup = lookup, .arg = arg, .errors = errors};

	if (expr->nleft != expr->nops)
		return eval(&e, expr->nleft, expr->nops - 1, value);
	*value = (struct kv_value){.kind = KV_VALUE_NONE};
	return 0;
}
