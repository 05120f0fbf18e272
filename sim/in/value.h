/* SPDX-License-Identifier: BSD-2-Clause */
/* value.h - values of expressions, and arithmetic that loses nothing */
#ifndef KV_SIM_VALUE_H
#define KV_SIM_VALUE_H

#include <stdbool.h>
#include <stdint.h>

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

enum kv_operator {
	/* one operand */
	KV_OP_NEGATE,
	KV_OP_NOT,
	KV_OP_TRUTH, /* to 0 or 1 */
	KV_OP_LOG2,  /* rounded down */
	/* two operands */
	KV_OP_ADD,
	KV_OP_SUBTRACT,
	KV_OP_MULTIPLY,
	KV_OP_DIVIDE, /* toward zero */
	KV_OP_REMAINDER,
	KV_OP_ROUNDUP, /* of the first to a multiple of the second */
	KV_OP_ROUNDDOWN,
	KV_OP_MIN,
	KV_OP_MAX,
	KV_OP_LESS,
	KV_OP_LESS_EQUAL,
	KV_OP_GREATER,
	KV_OP_GREATER_EQUAL,
	KV_OP_EQUAL,
	KV_OP_NOT_EQUAL
};

/*
 * Apply an operator to *a, or to *a and *b; the result replaces *a.  wrap:
 * whole numbers are taken modulo 2^64 (the operands are UINT then).
 * => NULL, or what is wrong; *a is undefined then
 */
const char *kv_value_unary(enum kv_operator op, bool wrap, struct kv_value *a);
const char *kv_value_binary(enum kv_operator op, bool wrap, struct kv_value *a,
    const struct kv_value *b);

/* Neither zero nor of no value; not for words. */
bool kv_value_true(const struct kv_value *v);

#endif
