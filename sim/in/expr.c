/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr.c - expressions of the scenario language
 *
 * The text is compiled to a flat list of operations on a stack, so that a long
 * or deep expression can exhaust no C stack when it is evaluated or freed; the
 * parser recurses, and bounds its depth.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "in/expr_parts.h"
#include "in/lex.h"
#include "out/hint.h"
#include "out/mem.h"

enum { DEPTH_MAX = 100 };

struct parser {
	struct kv_lexer lx;
	struct kv_token token; /* the one that is looked at */
	struct kv_expr *expr;
	char *string;	   /* free room in expr->strings */
	size_t height;	   /* values on the stack here */
	size_t compare;	   /* op of the last comparison */
	size_t compare_at; /* ops of its left side */
	unsigned nested;
	bool reals, failed;
	struct kv_errors *errors;
};

static void parse_choice(struct parser *p);
static void parse_binary(struct parser *p, unsigned level);

/* Only the first error: what follows it is guesswork. */
static void
complain(struct parser *p, const struct kv_token *t, const char *what)
{
	if (!p->failed && t->kind == KV_TOKEN_END)
		kv_errors_add(p->errors, p->expr->path, t->line, t->column,
		    "%s, but the expression ends here", what);
	else if (!p->failed)
		kv_errors_add(p->errors, p->expr->path, t->line, t->column,
		    "%s, not '%.*s'", what,
		    (int)(t->length < 40 ? t->length : 40), t->text);
	p->failed = true;
}

static void
advance(struct parser *p)
{
	struct kv_token *t = &p->token;

	kv_lexer_next(&p->lx, t);
	if (t->kind == KV_TOKEN_REAL && !p->reals) {
		t->kind = KV_TOKEN_BAD;
		t->why = "a whole number is needed here";
	}
	if (t->kind != KV_TOKEN_BAD || p->failed)
		return;
	kv_errors_add(p->errors, p->expr->path, t->line, t->column,
	    "'%.*s': %s", (int)(t->length < 40 ? t->length : 40), t->text,
	    t->why);
	p->failed = true;
}

static bool
at_sign(const struct parser *p, unsigned sign)
{
	return p->token.kind == KV_TOKEN_SIGN && p->token.sign == sign;
}

static bool
take(struct parser *p, unsigned sign)
{
	if (p->failed || !at_sign(p, sign))
		return false;
	advance(p);
	return true;
}

static void
expect(struct parser *p, char sign)
{
	char what[] = "expected 'X'";

	what[sizeof(what) - 3] = sign;
	if (!take(p, (unsigned char)sign))
		complain(p, &p->token, what);
}

/* How many more values an operation leaves on the stack than it finds. */
static int
growth(enum code code)
{
	if (code <= PUSH_NAME)
		return 1;
	return code >= BINARY && code <= CHOOSE ? -1 : 0;
}

/* => index of the new operation, whose operand the caller fills in */
static size_t
emit(struct parser *p, enum code code, const struct kv_token *t)
{
	struct kv_expr *x = p->expr;

	if (x->nops == x->capacity) {
		x->capacity = x->capacity == 0 ? 8 : 2 * x->capacity;
		x->ops = kv_mem_resize(x->ops, x->capacity, sizeof(*x->ops));
	}
	x->ops[x->nops] =
	    (struct op){.code = code, .line = t->line, .column = t->column};
	p->height = (size_t)((ptrdiff_t)p->height + growth(code));
	if (p->height > x->depth)
		x->depth = p->height;
	return x->nops++;
}

static size_t
emit_op(struct parser *p, enum code code, enum kv_operator op,
    const struct kv_token *t)
{
	size_t at = emit(p, code, t);

	p->expr->ops[at].op = op;
	return at;
}

static void
land(struct parser *p, size_t op)
{
	p->expr->ops[op].target = p->expr->nops;
}

static void
emit_text(struct parser *p, enum code code, const struct kv_token *t)
{
	size_t op = emit(p, code, t);

	p->expr->ops[op].text = p->string;
	memcpy(p->string, t->text, t->length);
	p->string[t->length] = '\0';
	p->string += t->length + 1;
}

/* wrap is one as well, but no operator. */
static const struct function {
	const char *name;
	enum kv_operator op;
	unsigned min, max; /* arguments */
} functions[] = {{"min", KV_OP_MIN, 2, 1000}, {"max", KV_OP_MAX, 2, 1000},
    {"roundup", KV_OP_ROUNDUP, 2, 2}, {"rounddown", KV_OP_ROUNDDOWN, 2, 2},
    {"log2", KV_OP_LOG2, 1, 1}};
enum { NFUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static const struct function *
find_function(struct parser *p, const struct kv_token *t)
{
	const char *names[NFUNCTIONS + 1] = {"wrap"};
	char word[49];
	size_t i;

	i = t->length < sizeof(word) ? t->length : sizeof(word) - 1;
	memcpy(word, t->text, i);
	word[i] = '\0';
	for (i = 0; i < NFUNCTIONS; i++) {
		names[i + 1] = functions[i].name;
		if (strcmp(functions[i].name, word) == 0)
			return &functions[i];
	}
	if (!p->failed)
		kv_errors_unknown(p->errors, p->expr->path, t->line, t->column,
		    "function", word, names, NFUNCTIONS + 1);
	p->failed = true;
	return NULL;
}

static void
parse_wrap(struct parser *p, const struct kv_token *name)
{
	emit(p, WRAP, name);
	parse_choice(p);
	expect(p, ')');
	emit(p, UNWRAP, name);
}

/* Another argument of f, when n have been read? */
static bool
another(struct parser *p, const struct function *f, unsigned n)
{
	if (n == 0)
		return true;
	if (n >= f->min)
		return n < f->max && take(p, ',');
	expect(p, ',');
	return !p->failed;
}

static void
parse_call(struct parser *p, const struct kv_token *name)
{
	const struct function *f = find_function(p, name);
	unsigned n;

	for (n = 0; !p->failed && another(p, f, n); n++) {
		parse_choice(p);
		if (n != 0)
			emit_op(p, BINARY, f->op, name);
	}
	if (!p->failed && f->max == 1)
		emit_op(p, UNARY, f->op, name);
	expect(p, ')');
}

static void
parse_primary(struct parser *p)
{
	struct kv_token t = p->token;
	size_t at;

	if (take(p, '(')) {
		parse_choice(p);
		expect(p, ')');
		return;
	}
	switch (t.kind) {
	case KV_TOKEN_UINT:
		at = emit(p, PUSH_UINT, &t);
		p->expr->ops[at].u = t.u;
		break;
	case KV_TOKEN_REAL:
		at = emit(p, PUSH_REAL, &t);
		p->expr->ops[at].r = t.r;
		break;
	case KV_TOKEN_STRING:
		emit_text(p, PUSH_WORD, &t);
		break;
	case KV_TOKEN_NAME:
		advance(p);
		if (!take(p, '('))
			emit_text(p, PUSH_NAME, &t);
		else if (t.length == 4 && memcmp(t.text, "wrap", 4) == 0)
			parse_wrap(p, &t);
		else
			parse_call(p, &t);
		return;
	default:
		complain(p, &t, "expected a number or a name");
		return;
	}
	advance(p);
}

static void
parse_unary(struct parser *p)
{
	struct kv_token t = p->token;

	if (p->nested == DEPTH_MAX)
		complain(p, &t, "nested too deeply (100 levels at most)");
	if (p->failed)
		return;
	p->nested++;
	if (take(p, '-')) {
		parse_unary(p);
		emit_op(p, UNARY, KV_OP_NEGATE, &t);
	} else if (take(p, '!')) {
		parse_unary(p);
		emit_op(p, UNARY, KV_OP_NOT, &t);
	} else {
		parse_primary(p);
	}
	p->nested--;
}

enum { OR_LEVEL = 1, AND_LEVEL, COMPARISON, SUM, PRODUCT };

static const struct binary {
	unsigned sign;
	unsigned level; /* a higher one binds tighter */
	enum code code;
	enum kv_operator op;
} binaries[] = {{KV_SIGN2('|', '|'), OR_LEVEL, OR, KV_OP_TRUTH},
    {KV_SIGN2('&', '&'), AND_LEVEL, AND, KV_OP_TRUTH},
    {'<', COMPARISON, BINARY, KV_OP_LESS},
    {'>', COMPARISON, BINARY, KV_OP_GREATER},
    {KV_SIGN2('<', '='), COMPARISON, BINARY, KV_OP_LESS_EQUAL},
    {KV_SIGN2('>', '='), COMPARISON, BINARY, KV_OP_GREATER_EQUAL},
    {KV_SIGN2('=', '='), COMPARISON, BINARY, KV_OP_EQUAL},
    {KV_SIGN2('!', '='), COMPARISON, BINARY, KV_OP_NOT_EQUAL},
    {'+', SUM, BINARY, KV_OP_ADD}, {'-', SUM, BINARY, KV_OP_SUBTRACT},
    {'*', PRODUCT, BINARY, KV_OP_MULTIPLY},
    {'/', PRODUCT, BINARY, KV_OP_DIVIDE},
    {'%', PRODUCT, BINARY, KV_OP_REMAINDER}};

static const struct binary *
at_binary(const struct parser *p, unsigned level)
{
	size_t i;

	for (i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++)
		if (binaries[i].level == level && at_sign(p, binaries[i].sign))
			return &binaries[i];
	return NULL;
}

/* The right side of && or ||, which may be jumped over. */
static void
parse_lazy(struct parser *p, const struct binary *b, const struct kv_token *t)
{
	size_t jump = emit(p, b->code, t);

	parse_binary(p, b->level + 1);
	emit_op(p, UNARY, b->op, t);
	land(p, jump);
}

static void
parse_eager(struct parser *p, const struct binary *b, const struct kv_token *t)
{
	size_t left = p->expr->nops, op;

	parse_binary(p, b->level + 1);
	op = emit_op(p, BINARY, b->op, t);
	if (b->level != COMPARISON)
		return;
	p->compare = op;
	p->compare_at = left;
	if (at_binary(p, COMPARISON) != NULL)
		complain(p, &p->token, "expected && or || between comparisons");
}

static void
parse_binary(struct parser *p, unsigned level)
{
	const struct binary *b;
	struct kv_token t;

	if (level > PRODUCT) {
		parse_unary(p);
		return;
	}
	parse_binary(p, level + 1);
	while (!p->failed && (b = at_binary(p, level)) != NULL) {
		t = p->token;
		advance(p);
		if (b->code == BINARY)
			parse_eager(p, b, &t);
		else
			parse_lazy(p, b, &t);
	}
}

/* The whole of an expression: a binary one, or cond ? yes : no. */
static void
parse_choice(struct parser *p)
{
	struct kv_token t;
	size_t choose, jump;

	parse_binary(p, OR_LEVEL);
	t = p->token;
	if (!take(p, '?'))
		return;
	if (p->nested == DEPTH_MAX)
		complain(p, &t, "nested too deeply (100 levels at most)");
	p->nested++;
	choose = emit(p, CHOOSE, &t);
	parse_choice(p);
	expect(p, ':');
	jump = emit(p, JUMP, &t);
	land(p, choose);
	p->height--;
	if (!p->failed)
		parse_choice(p);
	land(p, jump);
	p->compare = SIZE_MAX;
	p->nested--;
}

int
kv_expr_compile(const char *text, const struct kv_place *place, bool reals,
    struct kv_expr **expr, struct kv_errors *errors)
{
	struct kv_expr *x = kv_mem_resize(NULL, 1, sizeof(*x));
	size_t size = strlen(text);
	struct parser p = {
	    .expr = x, .compare = SIZE_MAX, .reals = reals, .errors = errors};

	*x = (struct kv_expr){.path = place->path};
	/* Each token is at least one byte and gets one NUL. */
	x->strings = p.string = kv_mem_resize(NULL, size + 1, 2);
	kv_lexer_init(&p.lx, text, size, place->line, place->column);
	advance(&p);
	parse_choice(&p);
	if (!p.failed && p.token.kind != KV_TOKEN_END)
		complain(&p, &p.token, "expected an operator");
	if (p.failed) {
		kv_expr_free(x);
		return EINVAL;
	}
	x->nleft = p.compare == x->nops - 1 ? p.compare_at : x->nops;
	*expr = x;
	return 0;
}

void
kv_expr_free(struct kv_expr *expr)
{
	if (expr == NULL)
		return;
	kv_mem_free(expr->ops);
	kv_mem_free(expr->strings);
	kv_mem_free(expr);
}

const char *
kv_expr_name(const struct kv_expr *expr)
{
	return expr->nops == 1 && expr->ops[0].code == PUSH_NAME
		   ? expr->ops[0].text
		   : NULL;
}

int
kv_expr_walk_names(const struct kv_expr *expr, kv_expr_name_fn *cb, void *arg)
{
	size_t i;
	int stop = 0;

	for (i = 0; i < expr->nops && stop == 0; i++) {
		const struct op *op = &expr->ops[i];
		struct kv_place place = {expr->path, op->line, op->column};

		if (op->code == PUSH_NAME)
			stop = cb(arg, op->text, &place);
	}
	return stop;
}

void
kv_expr_bind(struct kv_expr *expr, kv_expr_lookup_fn *lookup, void *arg)
{
	struct kv_value v;
	size_t i;

	for (i = 0; i < expr->nops; i++) {
		struct op *op = &expr->ops[i];

		if (op->code != PUSH_NAME || !lookup(arg, op->text, &v) ||
		    v.kind != KV_VALUE_UINT)
			continue;
		op->code = PUSH_UINT;
		op->u = v.u;
	}
}
