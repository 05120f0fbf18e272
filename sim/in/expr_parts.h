/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_parts.h - a compiled expression: what is common to expr*.c */
#ifndef KV_SIM_EXPR_PARTS_H
#define KV_SIM_EXPR_PARTS_H

#include <stddef.h>

#include "in/expr.h"

enum code {
	PUSH_UINT,
	PUSH_REAL,
	PUSH_WORD,
	PUSH_NAME,
	UNARY,	/* op: kv_value_unary on the top */
	BINARY, /* op: kv_value_binary on the two at the top */
	/* flow: target is an index of ops */
	AND,	/* false or NONE: keep 0 or NONE, go to target; else pop */
	OR,	/* true or NONE: keep 1 or NONE, go to target; else pop */
	CHOOSE, /* false: pop, go to target; NONE: go to the JUMP before it */
	JUMP,
	/* arithmetic modulo 2^64 in between */
	WRAP,
	UNWRAP
};

struct op {
	enum code code;
	unsigned line, column;
	union {
		uint64_t u;
		double r;
		const char *text; /* in strings */
		size_t target;
		enum kv_operator op;
	};
};

struct kv_expr {
	const char *path;
	struct op *ops;
	size_t nops, capacity;
	char *strings; /* all names and words, each ended by NUL */
	size_t depth;  /* most values on the stack at once */
	size_t nleft;  /* ops of the left side of a comparison, or nops */
};

#endif
