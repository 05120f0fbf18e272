/* SPDX-License-Identifier: BSD-2-Clause */
/* lex.c - words, numbers and signs of an expression, each with its place */
#include "in/lex.h"

#include <string.h>

#include "alloc/arith.h"

enum { REAL_DIGITS = 15 }; /* 10^15 and less are exact in a double */

/* The C library's versions depend on the locale. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Value of a digit; base when it is none. */
static unsigned
digit_value(char c, unsigned base)
{
	unsigned v = base;

	if (is_digit(c))
		v = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		v = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		v = (unsigned)(c - 'A') + 10;
	return v < base ? v : base;
}

void
kv_lexer_init(struct kv_lexer *lx, const char *text, size_t length,
    unsigned line, unsigned column)
{
	*lx = (struct kv_lexer){text, text + length, line, column};
}

static void
step(struct kv_lexer *lx)
{
	char c = *lx->at++;

	if (c == '\n') {
		lx->line++;
		lx->column = 1;
	} else if (((unsigned char)c & 0xc0) != 0x80) {
		lx->column++;
	}
}

static char
peek(const struct kv_lexer *lx, size_t ahead)
{
	return ahead < (size_t)(lx->end - lx->at) ? lx->at[ahead] : '\0';
}

static void
bad(struct kv_token *token, const char *why)
{
	token->kind = KV_TOKEN_BAD;
	token->why = why;
}

/* Bits that a suffix shifts by: K, KiB, ...  => false: not a suffix */
static bool
suffix_shift(const char *s, size_t n, unsigned *shift)
{
	static const char letters[] = "KMGT";
	const char *p;

	*shift = 0;
	if (n == 0)
		return true;
	p = memchr(letters, s[0] == 'k' ? 'K' : s[0], sizeof(letters) - 1);
	if (p == NULL || (n != 1 && (n != 3 || memcmp(s + 1, "iB", 2) != 0)))
		return false;
	*shift = (unsigned)(p - letters + 1) * 10;
	return true;
}

static void
read_uint(struct kv_token *token)
{
	const char *s = token->text, *end = s + token->length;
	unsigned base = 10, shift, d;
	bool fits = true;
	uint64_t u = 0;

	if (end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
		if (digit_value(*s, base) == base) {
			bad(token, "0x needs hexadecimal digits");
			return;
		}
	}
	for (; s < end && (d = digit_value(*s, base)) < base; s++)
		fits = fits && kv_mul(u, base, &u) && kv_add(u, d, &u);
	if (!suffix_shift(s, (size_t)(end - s), &shift))
		bad(token, "not a number: digits or 0x..., then K, M, G or T");
	else if (!fits || !kv_mul(u, (uint64_t)1 << shift, &u))
		bad(token, "number above 18446744073709551615 (64 bits)");
	else
		token->u = u;
}

/* Digits '.' digits, few enough to be exact.  Not strtod: it minds locales. */
static void
read_real(struct kv_token *token)
{
	uint64_t mantissa = 0, scale = 1;
	bool point = false;
	size_t i;

	token->kind = KV_TOKEN_REAL;
	if (token->length > REAL_DIGITS + 1) {
		bad(token, "more than 15 digits");
		return;
	}
	for (i = 0; i < token->length; i++) {
		char c = token->text[i];

		if (!is_digit(c) && (c != '.' || point)) {
			bad(token, "not a decimal number");
			return;
		}
		if (c == '.') {
			point = true;
			continue;
		}
		mantissa = mantissa * 10 + (unsigned)(c - '0');
		scale *= point ? 10 : 1;
	}
	if (!is_digit(token->text[token->length - 1]))
		bad(token, "digits are missing behind the point");
	else
		token->r = (double)mantissa / (double)scale;
}

/* Everything that can belong to a name or a number. */
static void
read_word(struct kv_lexer *lx, struct kv_token *token)
{
	while (lx->at < lx->end &&
	       (is_letter(*lx->at) || is_digit(*lx->at) || *lx->at == '.'))
		step(lx);
	token->length = (size_t)(lx->at - token->text);
	if (!is_digit(*token->text)) {
		token->kind = KV_TOKEN_NAME;
		return;
	}
	token->kind = KV_TOKEN_UINT;
	if (memchr(token->text, '.', token->length) != NULL)
		read_real(token);
	else
		read_uint(token);
}

static void
read_string(struct kv_lexer *lx, struct kv_token *token)
{
	char quote = *lx->at;

	step(lx);
	token->kind = KV_TOKEN_STRING;
	token->text = lx->at;
	while (lx->at < lx->end && *lx->at != quote)
		step(lx);
	token->length = (size_t)(lx->at - token->text);
	if (lx->at == lx->end)
		bad(token, "the closing quote is missing");
	else
		step(lx);
}

static void
read_sign(struct kv_lexer *lx, struct kv_token *token)
{
	static const char *const doubles[] = {
	    "==", "!=", "<=", ">=", "&&", "||"};
	char a = *lx->at, b = peek(lx, 1);
	size_t i;

	token->kind = KV_TOKEN_SIGN;
	token->length = 1;
	token->sign = (unsigned char)a;
	for (i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++)
		if (a == doubles[i][0] && b == doubles[i][1]) {
			token->length = 2;
			token->sign = KV_SIGN2(a, b);
			step(lx);
		}
	step(lx);
	if (token->length == 2 || memchr("+-*/%()<>!?:,", a, 13) != NULL)
		return;
	if (a == '=')
		bad(token, "did you mean '=='?");
	else if (a == '&')
		bad(token, "did you mean '&&'?");
	else if (a == '|')
		bad(token, "did you mean '||'?");
	else
		bad(token, "not part of an expression");
}

void
kv_lexer_next(struct kv_lexer *lx, struct kv_token *token)
{
	while (lx->at < lx->end && is_space(*lx->at))
		step(lx);
	*token = (struct kv_token){
	    .text = lx->at, .line = lx->line, .column = lx->column};
	if (lx->at == lx->end)
		token->kind = KV_TOKEN_END;
	else if (is_letter(*lx->at) || is_digit(*lx->at))
		read_word(lx, token);
	else if (*lx->at == '"' || *lx->at == '\'')
		read_string(lx, token);
	else
		read_sign(lx, token);
}

bool
kv_is_name(const char *text, size_t length)
{
	size_t i;

	if (length == 0 || is_digit(text[0]))
		return false;
	for (i = 0; i < length; i++)
		if (!is_letter(text[i]) && !is_digit(text[i]))
			return false;
	return true;
}
