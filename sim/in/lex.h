/* SPDX-License-Identifier: BSD-2-Clause */
/* lex.h - words, numbers and signs of an expression, each with its place */
#ifndef KV_SIM_LEX_H
#define KV_SIM_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kv_token_kind {
	KV_TOKEN_END,	 /* of the text */
	KV_TOKEN_BAD,	 /* why says what is wrong */
	KV_TOKEN_UINT,	 /* u: 12, 0x1f, 64K, 2MiB; never octal */
	KV_TOKEN_REAL,	 /* r: 0.25 */
	KV_TOKEN_NAME,	 /* stacks, kstack.live */
	KV_TOKEN_STRING, /* "..." or '...', quotes not counted in text */
	KV_TOKEN_SIGN	 /* sign: one or two characters, such as '<=' */
};

/* Two characters as one number, for switch labels. */
#define KV_SIGN2(a, b) ((unsigned)(a) << 8 | (unsigned)(b))

struct kv_token {
	enum kv_token_kind kind;
	const char *text; /* inside the text; not ended by NUL */
	size_t length;
	unsigned line, column; /* of its first character */
	union {
		uint64_t u;
		double r;
		unsigned sign; /* '+', KV_SIGN2('<', '=') */
		const char *why;
	};
};

/* Where reading stands.  Columns count characters (UTF-8), not bytes. */
struct kv_lexer {
	const char *at, *end;
	unsigned line, column;
};

/* Start at the first byte of the text, which has this place. */
void kv_lexer_init(struct kv_lexer *lx, const char *text, size_t length,
    unsigned line, unsigned column);
/* Read one token; at the end, and from then on, KV_TOKEN_END. */
void kv_lexer_next(struct kv_lexer *lx, struct kv_token *token);

/* Letters, digits and '_', not a digit first: names of parameters, arenas,
 * blocks. */
bool kv_is_name(const char *text, size_t length);

#endif
