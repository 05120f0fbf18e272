/* SPDX-License-Identifier: BSD-2-Clause */
/* test_expr_trees.c - random expressions against 128-bit arithmetic */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in/expr.h"
#include "kvtest.h"

__extension__ typedef __int128 i128;

static const struct kv_place place = {"f", 1, 1};

static uint64_t random_state;

static unsigned
rnd(unsigned below)
{
	random_state =
	    random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % below;
}

/* One node; the printer and the evaluator each know what it means. */
struct node {
	enum { LEAF, UNARY, BINARY, CHOICE, CALL } shape;
	const char *sign; /* text of a leaf; operator; function */
	i128 leaf;
	int level; /* how tight it binds, for the printer */
	struct node *kid[3];
};

static struct node pool[200];
static size_t npool;

static const struct {
	const char *text;
	i128 value;
} leaves[] = {{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}, {"7", 7}, {"10", 10},
    {"010", 10}, {"0x1f", 31}, {"64", 64}, {"4K", 4096}, {"2M", 2097152},
    {"3GiB", (i128)3 << 30}, {"8388608T", (i128)1 << 63},
    {"9223372036854775807", ((i128)1 << 63) - 1},
    {"18446744073709551615", ((i128)1 << 64) - 1},
    {"0xfffffe0000000000", ((i128)1 << 64) - ((i128)2 << 40)}, {"pages", 4},
    {"top", ((i128)1 << 64) - 1}, {"minus", -5}, {"least", -((i128)1 << 63)}};

static const struct {
	const char *sign;
	int level;
} operators[] = {{"||", 1}, {"&&", 2}, {"<", 3}, {"<=", 3}, {">", 3}, {">=", 3},
    {"==", 3}, {"!=", 3}, {"+", 4}, {"-", 4}, {"*", 5}, {"/", 5}, {"%", 5},
    {"+", 4}, {"-", 4}, {"*", 5}};

static const char *const calls[] = {
    "min", "max", "roundup", "rounddown", "log2", "wrap"};

static struct node *
grow(unsigned depth)
{
	struct node *n = &pool[npool++];
	unsigned dice = depth == 0 ? 0 : rnd(10), i;

	*n = (struct node){.level = 7};
	if (dice < 2) {
		i = rnd(sizeof(leaves) / sizeof(*leaves));
		n->sign = leaves[i].text;
		n->leaf = leaves[i].value;
	} else if (dice == 2) {
		n->shape = UNARY;
		n->sign = rnd(2) ? "-" : "!";
		n->level = 6;
		n->kid[0] = grow(depth - 1);
	} else if (dice == 3) {
		n->shape = CHOICE;
		n->level = 0;
		for (i = 0; i < 3; i++)
			n->kid[i] = grow(depth - 1);
	} else if (dice == 4) {
		n->shape = CALL;
		i = rnd(6);
		n->sign = calls[i];
		n->kid[0] = grow(depth - 1);
		n->kid[1] = i < 4 ? grow(depth - 1) : NULL;
	} else {
		n->shape = BINARY;
		i = rnd(sizeof(operators) / sizeof(*operators));
		n->sign = operators[i].sign;
		n->level = operators[i].level;
		n->kid[0] = grow(depth - 1);
		n->kid[1] = grow(depth - 1);
	}
	return n;
}

static char *show(const struct node *n, int level, char *out);

static char *
show_bare(const struct node *n, char *out)
{
	const char *gap = rnd(2) ? " " : "";
	int l = n->level;

	switch (n->shape) {
	case LEAF:
		return out + sprintf(out, "%s", n->sign);
	case UNARY:
		return show(n->kid[0], l, out + sprintf(out, "%s", n->sign));
	case CHOICE:
		out = show(n->kid[0], 1, out);
		out = show(n->kid[1], 0, out + sprintf(out, "%s?%s", gap, gap));
		return show(
		    n->kid[2], 0, out + sprintf(out, "%s:%s", gap, gap));
	case CALL:
		out = show(n->kid[0], 0, out + sprintf(out, "%s(", n->sign));
		if (n->kid[1] != NULL)
			out =
			    show(n->kid[1], 0, out + sprintf(out, ",%s", gap));
		return out + sprintf(out, ")");
	default:
		/* Left to right; comparisons do not chain on either side. */
		out = show(n->kid[0], l == 3 ? 4 : l, out);
		out += sprintf(out, "%s%s%s", gap, n->sign, gap);
		return show(n->kid[1], l + 1, out);
	}
}

/* Print with the parentheses that are needed, and some that are not. */
static char *
show(const struct node *n, int level, char *out)
{
	if (n->level >= level && rnd(6) != 0)
		return show_bare(n, out);
	*out++ = '(';
	out = show_bare(n, out);
	*out++ = ')';
	*out = '\0';
	return out;
}

static const i128 two64 = (i128)1 << 64;

static i128
modulo(i128 x)
{
	x %= two64;
	return x < 0 ? x + two64 : x;
}

/* Fits in what a value can hold? */
static bool
fits(i128 x)
{
	return x < two64 && x >= -((i128)1 << 63);
}

static bool
arithmetic_of(const char *s, bool wrap, i128 a, i128 b, i128 *r)
{
	bool up = strcmp(s, "roundup") == 0;

	if (*s == '+') {
		*r = a + b;
	} else if (*s == '-') {
		*r = a - b;
		if (!wrap && a >= 0 && b >= 0 && *r < 0)
			return false;
	} else if (*s == '*') {
		if (__builtin_mul_overflow(a, b, r)) {
			/* only 2^64 x 2^64 gets here */
			if (!wrap)
				return false;
			*r = (i128)(uint64_t)((uint64_t)a * (uint64_t)b);
		}
	} else {
		if (b == 0)
			return false;
		if (*s == 'r' && (a < 0 || b < 0))
			return false;
		*r = *s == '/' ? a / b : *s == '%' ? a % b : a - a % b;
		if (up && a % b != 0)
			*r += b;
	}
	if (wrap)
		*r = modulo(*r);
	return fits(*r);
}

static bool
comparison_of(const char *s, i128 a, i128 b)
{
	if (s[0] == '<')
		return s[1] == '=' ? a <= b : a < b;
	if (s[0] == '>')
		return s[1] == '=' ? a >= b : a > b;
	return s[0] == '=' ? a == b : a != b;
}

/* => false: an error */
static bool
solve(const struct node *n, bool wrap, i128 *r)
{
	i128 a, b;

	if (n->shape == LEAF) {
		*r = wrap ? modulo(n->leaf) : n->leaf;
		return true;
	}
	if (n->shape == CALL && n->sign[0] == 'w') {
		if (!solve(n->kid[0], true, r))
			return false;
		return true;
	}
	if (!solve(n->kid[0], wrap, &a))
		return false;
	if (n->shape == CHOICE)
		return solve(n->kid[a != 0 ? 1 : 2], wrap, r);
	if (n->shape == UNARY) {
		*r = n->sign[0] == '!' ? a == 0 : wrap ? modulo(-a) : -a;
		return fits(*r);
	}
	if (n->sign[0] == '|' || n->sign[0] == '&') {
		*r = n->sign[0] == '|';
		if ((a != 0) == (n->sign[0] == '|'))
			return true;
		if (!solve(n->kid[1], wrap, &b))
			return false;
		*r = b != 0;
		return true;
	}
	if (n->sign[0] == 'l') {
		if (a <= 0)
			return false;
		for (*r = 0; a > 1; a /= 2)
			++*r;
		return true;
	}
	if (!solve(n->kid[1], wrap, &b))
		return false;
	if (n->shape == CALL && n->sign[0] == 'm') {
		*r = (n->sign[1] == 'i') == (a < b) ? a : b;
		return true;
	}
	if (n->level == 3) {
		*r = comparison_of(n->sign, a, b);
		return true;
	}
	return arithmetic_of(n->sign, wrap, a, b, r);
}

/* The leaves that are names. */
static bool
lookup(void *arg, const char *name, struct kv_value *v)
{
	size_t i;

	(void)arg;
	for (i = 0; strcmp(leaves[i].text, name) != 0; i++)
		;
	if (leaves[i].value < 0)
		*v = (struct kv_value){
		    .kind = KV_VALUE_INT, .i = (int64_t)leaves[i].value};
	else
		*v = (struct kv_value){
		    .kind = KV_VALUE_UINT, .u = (uint64_t)leaves[i].value};
	return true;
}

static i128
wide(const struct kv_value *v)
{
	return v->kind == KV_VALUE_INT ? (i128)v->i : (i128)v->u;
}

START_TEST(random_trees)
{
	const char *seed = getenv("KV_SEED");
	uint64_t start = seed != NULL ? strtoull(seed, NULL, 0) : 20260101;
	unsigned i, right = 0, wrong = 0;
	static char text[20000];

	printf("test_expr_trees: seed %" PRIu64 "\n", start);
	random_state = start;
	for (i = 0; i < 60000; i++) {
		struct kv_errors errors = {0};
		struct kv_value v;
		struct kv_expr *x;
		struct node *n;
		i128 want;
		bool ok;
		int error;

		npool = 0;
		n = grow(1 + rnd(4));
		show(n, 0, text);
		ok = solve(n, false, &want);
		if (kv_expr_compile(text, &place, false, &x, &errors) != 0)
			ck_abort_msg("%s: %s", text, errors.list[0].text);
		error = kv_expr_eval(x, lookup, NULL, &v, &errors);
		if ((error == 0) != ok)
			ck_abort_msg("%s: %s", text,
			    error == 0 ? "must fail" : errors.list[0].text);
		if (ok && (wide(&v) != want ||
			      (v.kind == KV_VALUE_INT) != (want < 0)))
			ck_abort_msg("%s: value %" PRIx64, text, v.u);
		ck_assert_uint_eq(errors.count, ok ? 0 : 1);
		right += ok;
		wrong += !ok;
		kv_errors_fini(&errors);
		kv_expr_free(x);
	}
	/* both kinds have been met often enough to mean something */
	ck_assert_uint_gt(right, 10000);
	ck_assert_uint_gt(wrong, 10000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("expr_trees");
	TCase *tc = tcase_create("expr_trees");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, random_trees);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
