/* SPDX-License-Identifier: BSD-2-Clause */
/* value.c - values of expressions, and arithmetic that loses nothing */
#include "in/value.h"

#include <stddef.h>
#include <string.h>

#include "alloc/arith.h"

static const uint64_t most_negative = (uint64_t)1 << 63;

static const char below_zero[] = "the difference is below zero";
static const char too_big[] = "the result does not fit in 64 bits";
static const char by_zero[] = "division by zero";
static const char not_negative[] = "not defined for negative numbers";
static const char not_whole[] = "needs whole numbers";
static const char not_word[] = "needs numbers, not words";

/* A whole number as sign and magnitude: nothing of 64 bits is lost. */
struct whole {
	bool negative; /* never with 0 */
	uint64_t size;
};

static struct kv_value
of_uint(uint64_t u)
{
	return (struct kv_value){.kind = KV_VALUE_UINT, .u = u};
}

static bool
is_whole(const struct kv_value *v)
{
	return v->kind == KV_VALUE_UINT || v->kind == KV_VALUE_INT;
}

static struct whole
to_whole(const struct kv_value *v)
{
	if (v->kind == KV_VALUE_INT && v->i < 0)
		return (struct whole){true, 0 - (uint64_t)v->i};
	return (struct whole){false, v->u};
}

static double
to_real(const struct kv_value *v)
{
	struct whole w;

	if (v->kind == KV_VALUE_REAL)
		return v->r;
	w = to_whole(v);
	return w.negative ? -(double)w.size : (double)w.size;
}

/* => false: does not fit in 64 bits */
static bool
of_whole(struct whole w, struct kv_value *v)
{
	if (!w.negative || w.size == 0) {
		*v = of_uint(w.size);
		return true;
	}
	if (w.size > most_negative)
		return false;
	/* -(size - 1) - 1: also right for -2^63 */
	*v = (struct kv_value){
	    .kind = KV_VALUE_INT, .i = -(int64_t)(w.size - 1) - 1};
	return true;
}

static bool
add(struct whole a, struct whole b, struct whole *sum)
{
	if (a.negative == b.negative) {
		sum->negative = a.negative;
		return kv_add(a.size, b.size, &sum->size);
	}
	if (a.size < b.size)
		*sum = (struct whole){b.negative, b.size - a.size};
	else
		*sum = (struct whole){a.negative, a.size - b.size};
	return true;
}

/* => NULL and *v, or what is wrong */
static const char *
whole_arith(
    enum kv_operator op, struct whole a, struct whole b, struct kv_value *v)
{
	struct whole w = {a.negative != b.negative, 0};
	bool fits = true;

	if (b.size == 0 && op >= KV_OP_DIVIDE && op <= KV_OP_ROUNDDOWN)
		return by_zero;
	if ((op == KV_OP_ROUNDUP || op == KV_OP_ROUNDDOWN) &&
	    (a.negative || b.negative))
		return not_negative;
	if (op == KV_OP_SUBTRACT && !a.negative && !b.negative &&
	    a.size < b.size)
		return below_zero;
	if (op == KV_OP_ADD) {
		fits = add(a, b, &w);
	} else if (op == KV_OP_SUBTRACT) {
		b.negative = !b.negative;
		fits = add(a, b, &w);
	} else if (op == KV_OP_MULTIPLY) {
		fits = kv_mul(a.size, b.size, &w.size);
	} else if (op == KV_OP_DIVIDE) {
		w.size = a.size / b.size;
	} else if (op == KV_OP_REMAINDER) {
		w = (struct whole){a.negative, a.size % b.size};
	} else if (op == KV_OP_ROUNDUP) {
		fits = kv_round_up(a.size, b.size, &w.size);
	} else {
		w.size = a.size - a.size % b.size;
	}
	return fits && of_whole(w, v) ? NULL : too_big;
}

static const char *
wrapped_arith(enum kv_operator op, uint64_t a, uint64_t b, struct kv_value *v)
{
	if (b == 0 && op >= KV_OP_DIVIDE && op <= KV_OP_ROUNDDOWN)
		return by_zero;
	if (op == KV_OP_ADD)
		*v = of_uint(a + b);
	else if (op == KV_OP_SUBTRACT)
		*v = of_uint(a - b);
	else if (op == KV_OP_MULTIPLY)
		*v = of_uint(a * b);
	else if (op == KV_OP_DIVIDE)
		*v = of_uint(a / b);
	else if (op == KV_OP_REMAINDER)
		*v = of_uint(a % b);
	else if (op == KV_OP_ROUNDUP)
		*v = of_uint(a % b == 0 ? a : a + (b - a % b));
	else
		*v = of_uint(a - a % b);
	return NULL;
}

static const char *
real_arith(enum kv_operator op, double a, double b, struct kv_value *v)
{
	double r;

	if (op == KV_OP_ADD)
		r = a + b;
	else if (op == KV_OP_SUBTRACT)
		r = a - b;
	else if (op == KV_OP_MULTIPLY)
		r = a * b;
	else if (op != KV_OP_DIVIDE)
		return not_whole;
	else if (b > 0 || b < 0)
		r = a / b;
	else
		return by_zero;
	if (!(r - r == 0)) /* infinite, or not a number */
		return "the result is not a finite number";
	*v = (struct kv_value){.kind = KV_VALUE_REAL, .r = r};
	return NULL;
}

/* Sign of w - r, exactly: 2^64 whole numbers do not fit in a double. */
static int
order_whole_real(struct whole w, double r)
{
	uint64_t floor;
	int order;

	if (w.negative || r < 0) {
		if (!(r < 0))
			return -1;
		if (!w.negative)
			return 1;
		return -order_whole_real((struct whole){false, w.size}, -r);
	}
	if (r >= 18446744073709551616.0)
		return -1;
	floor = (uint64_t)r;
	order = (w.size > floor) - (w.size < floor);
	return order != 0 || !(r > (double)floor) ? order : -1;
}

static int
order_whole(struct whole a, struct whole b)
{
	int order = (a.size > b.size) - (a.size < b.size);

	if (a.negative != b.negative)
		return a.negative ? -1 : 1;
	return a.negative ? -order : order;
}

/* Sign of a - b. */
static int
order(const struct kv_value *a, const struct kv_value *b)
{
	if (is_whole(a) && is_whole(b))
		return order_whole(to_whole(a), to_whole(b));
	if (is_whole(a))
		return order_whole_real(to_whole(a), b->r);
	if (is_whole(b))
		return -order_whole_real(to_whole(b), a->r);
	return (a->r > b->r) - (a->r < b->r);
}

static bool
compare(enum kv_operator op, int order)
{
	switch (op) {
	case KV_OP_LESS:
		return order < 0;
	case KV_OP_LESS_EQUAL:
		return order <= 0;
	case KV_OP_GREATER:
		return order > 0;
	case KV_OP_GREATER_EQUAL:
		return order >= 0;
	case KV_OP_EQUAL:
		return order == 0;
	default:
		return order != 0;
	}
}

bool
kv_value_true(const struct kv_value *v)
{
	if (v->kind == KV_VALUE_REAL)
		return v->r > 0 || v->r < 0;
	return v->kind != KV_VALUE_NONE && v->u != 0;
}

static const char *
negate(bool wrap, struct kv_value *v)
{
	struct whole w;

	if (v->kind == KV_VALUE_REAL) {
		v->r = -v->r;
		return NULL;
	}
	if (wrap) {
		*v = of_uint(0 - v->u);
		return NULL;
	}
	w = to_whole(v);
	w.negative = !w.negative;
	return of_whole(w, v) ? NULL : too_big;
}

const char *
kv_value_unary(enum kv_operator op, bool wrap, struct kv_value *a)
{
	if (a->kind == KV_VALUE_NONE)
		return NULL;
	if (a->kind == KV_VALUE_WORD)
		return not_word;
	if (op == KV_OP_NEGATE)
		return negate(wrap, a);
	if (op != KV_OP_LOG2) {
		*a = of_uint(kv_value_true(a) == (op == KV_OP_TRUTH));
		return NULL;
	}
	if (!is_whole(a))
		return not_whole;
	if (a->u == 0 || to_whole(a).negative)
		return "log2 needs a number above zero";
	*a = of_uint(kv_log2(a->u));
	return NULL;
}

static const char *
binary_words(enum kv_operator op, struct kv_value *a, const struct kv_value *b)
{
	if (op != KV_OP_EQUAL && op != KV_OP_NOT_EQUAL)
		return not_word;
	if (a->kind != b->kind)
		return "a word and a number cannot be compared";
	*a = of_uint(compare(op, strcmp(a->w, b->w)));
	return NULL;
}

const char *
kv_value_binary(enum kv_operator op, bool wrap, struct kv_value *a,
    const struct kv_value *b)
{
	if (a->kind == KV_VALUE_NONE || b->kind == KV_VALUE_NONE) {
		*a = (struct kv_value){.kind = KV_VALUE_NONE};
		return NULL;
	}
	if (a->kind == KV_VALUE_WORD || b->kind == KV_VALUE_WORD)
		return binary_words(op, a, b);
	if (op >= KV_OP_LESS) {
		*a = of_uint(compare(op, order(a, b)));
		return NULL;
	}
	if (op == KV_OP_MIN || op == KV_OP_MAX) {
		if (op == KV_OP_MIN ? order(b, a) < 0 : order(b, a) > 0)
			*a = *b;
		return NULL;
	}
	if (!is_whole(a) || !is_whole(b))
		return wrap ? not_whole
			    : real_arith(op, to_real(a), to_real(b), a);
	if (wrap)
		return wrapped_arith(op, a->u, b->u, a);
	return whole_arith(op, to_whole(a), to_whole(b), a);
}
