/* SPDX-License-Identifier: BSD-2-Clause */
/* test_expr.c - expressions: values, errors with their column, random trees */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in/expr.h"
#include "kvtest.h"

static const struct kv_place place = {"f", 1, 1};

/* ---- Values ---------------------------------------------------------- */

static struct kv_value
uint_value(uint64_t u)
{
	return (struct kv_value){.kind = KV_VALUE_UINT, .u = u};
}

static bool
lookup(void *arg, const char *name, struct kv_value *v)
{
	(void)arg;
	if (strcmp(name, "pages") == 0)
		*v = uint_value(4);
	else if (strcmp(name, "kstack.live") == 0)
		*v = uint_value(868);
	else if (strcmp(name, "top") == 0)
		*v = uint_value(UINT64_MAX);
	else if (strcmp(name, "minus") == 0)
		*v = (struct kv_value){.kind = KV_VALUE_INT, .i = -5};
	else if (strcmp(name, "least") == 0)
		*v = (struct kv_value){.kind = KV_VALUE_INT, .i = INT64_MIN};
	else if (strcmp(name, "ratio") == 0)
		*v = (struct kv_value){.kind = KV_VALUE_REAL, .r = 0.25};
	else if (strcmp(name, "scheme") == 0)
		*v = (struct kv_value){.kind = KV_VALUE_WORD, .w = "new"};
	else if (strcmp(name, "absent") == 0)
		*v = (struct kv_value){.kind = KV_VALUE_NONE};
	else
		return false;
	return true;
}

/* A word of the result lives until the next call. */
static struct kv_value
value_of(const char *text)
{
	static struct kv_expr *x;
	struct kv_errors errors = {0};
	struct kv_value v = {.kind = KV_VALUE_NONE};

	kv_expr_free(x);
	x = NULL;
	if (kv_expr_compile(text, &place, true, &x, &errors) == 0)
		kv_expr_eval(x, lookup, NULL, &v, &errors);
	if (errors.count != 0)
		ck_abort_msg("%s: %s", text, errors.list[0].text);
	return v;
}

struct uint_case {
	const char *text;
	uint64_t u;
};

static void
check_uints(const struct uint_case *c, size_t n)
{
	for (; n != 0; c++, n--) {
		struct kv_value v = value_of(c->text);

		if (v.kind != KV_VALUE_UINT || v.u != c->u)
			ck_abort_msg("%s = %d %" PRIu64 ", not %" PRIu64,
			    c->text, v.kind, v.u, c->u);
	}
}
#define CHECK_UINTS(cases) check_uints(cases, sizeof(cases) / sizeof(*(cases)))

START_TEST(numbers)
{
	static const struct uint_case cases[] = {
	    {"0", 0},
	    {"010", 10},
	    {"0x10", 16},
	    {"0xfffffe0000000000", UINT64_C(0xfffffe0000000000)},
	    {"18446744073709551615", UINT64_MAX},
	    {"0XFf", 255},
	    {"64K", 65536},
	    {"64k", 65536},
	    {"64KiB", 65536},
	    {"3M", 3 << 20},
	    {"3MiB", 3 << 20},
	    {"2G", UINT64_C(2) << 30},
	    {"2T", UINT64_C(2) << 40},
	    {"0x10K", 16384},
	    {"16777215T", UINT64_C(16777215) << 40},
	    {"0000000000000000000000000000012", 12},
	};
	CHECK_UINTS(cases);
}
END_TEST

START_TEST(arithmetic)
{
	static const struct uint_case cases[] = {
	    {"1 + 2 * 3", 7},
	    {"(1 + 2) * 3", 9},
	    {"10 - 3 - 2", 5},
	    {"100 / 10 / 5", 2},
	    {"7 % 4 * 2", 6},
	    {"2 * 7 % 4", 2},
	    {"- -5", 5},
	    {"-5 + 7", 2},
	    {"7 + -5", 2},
	    {"-2 * -3", 6},
	    {"-7 / -2", 3},
	    {"5 - -3", 8},
	    {"!0 + !5", 1},
	    {"pages*1022", 4088},
	    {"top", UINT64_MAX},
	    {"-minus", 5},
	    {"minus * minus", 25},
	    {"-(least / 2)", UINT64_C(1) << 62},
	    {"least / -1", UINT64_C(1) << 63},
	    {"min(3, 2)", 2},
	    {"max(3, 2, 9, 4)", 9},
	    {"min(pages, 3) + max(pages, 3)", 7},
	    {"max(minus, 1)", 1},
	    {"roundup(5, 4)", 8},
	    {"roundup(8, 4)", 8},
	    {"roundup(10M, 14M)", 14 << 20},
	    {"rounddown(5, 4)", 4},
	    {"rounddown(top, 1)", UINT64_MAX},
	    {"log2(1)", 0},
	    {"log2(4096)", 12},
	    {"log2(4097)", 12},
	    {"log2(top)", 63},
	    {"1\n+\n2", 3},
	};
	CHECK_UINTS(cases);
}
END_TEST

START_TEST(logic)
{
	static const struct uint_case cases[] = {
	    {"1 < 2", 1},
	    {"2 < 1", 0},
	    {"2 <= 2", 1},
	    {"2 >= 3", 0},
	    {"3 > 2", 1},
	    {"3 == 3", 1},
	    {"3 != 3", 0},
	    {"minus < 0", 1},
	    {"minus < top", 1},
	    {"least < minus", 1},
	    {"minus == -5", 1},
	    {"1 + 1 == 2", 1},
	    {"1 == 2 || 2 == 2", 1},
	    {"1 || 0 && 0", 1},
	    {"(1 || 0) && 0", 0},
	    {"5 && 7", 1},
	    {"0 || 7", 1},
	    {"1 ? 2 : 3", 2},
	    {"0 ? 2 : 3", 3},
	    {"0 ? 1 : 0 ? 2 : 3", 3},
	    {"1 ? 0 ? 4 : 5 : 6", 5},
	    {"1 < 2 ? 10 : 20", 10},
	    {"scheme == \"new\"", 1},
	    {"scheme == 'old'", 0},
	    {"scheme != 'old'", 1},
	    {"ratio == 0.25", 1},
	    {"ratio < 0.26", 1},
	    {"ratio <= 0.24", 0},
	    {"ratio * 4 == 1", 1},
	    {"0.1 + 0.2 > 0.3", 1}, /* binary fractions, as everywhere */
	    {"1.5 > 1", 1},
	    {"2 > 1.5", 1},
	    {"-0.5 < 0", 1},
	    {"minus < -4.5", 1},
	    {"minus > -5.5", 1},
	    /* 2^64 - 1 is not a double; the nearest is 2^64. */
	    {"top < 18446744073709.0 * 1000000", 0},
	    {"top < 18446744073710.0 * 1000000", 1},
	    {"top == 4294967296.0 * 4294967296.0", 0},
	    {"top < 4294967296.0 * 4294967296.0", 1},
	};
	CHECK_UINTS(cases);
}
END_TEST

/* What is not evaluated cannot fail. */
START_TEST(lazy)
{
	static const struct uint_case cases[] = {
	    {"0 && 1 / 0", 0},
	    {"1 || 1 / 0", 1},
	    {"1 ? 2 : 1 / 0", 2},
	    {"0 ? nobody : 3", 3},
	    {"pages == 0 || 12 / pages == 3", 1},
	};
	CHECK_UINTS(cases);
}
END_TEST

START_TEST(wrapping)
{
	static const struct uint_case cases[] = {
	    {"wrap(3 - 5)", UINT64_MAX - 1},
	    {"wrap(-1)", UINT64_MAX},
	    {"wrap(top + 1)", 0},
	    {"wrap(top * top)", 1},
	    {"wrap(minus)", UINT64_MAX - 4},
	    {"wrap(minus + 6)", 1},
	    {"wrap(roundup(top, 4096))", 0},
	    {"wrap(least - 1)", INT64_MAX},
	    {"wrap(wrap(0 - 1) + 2)", 1},
	    {"wrap(1 ? 0 - 1 : 5) == top", 1},
	    {"wrap(-1 < 0)", 0},
	    {"wrap(0 && 3 - 5) + 1", 1},
	};
	CHECK_UINTS(cases);
}
END_TEST

START_TEST(other_kinds)
{
	struct kv_value v = value_of("minus");

	ck_assert_int_eq(v.kind, KV_VALUE_INT);
	ck_assert_int_eq(v.i, -5);
	v = value_of("-9223372036854775808");
	ck_assert_int_eq(v.kind, KV_VALUE_INT);
	ck_assert(v.i == INT64_MIN);
	v = value_of("-7 / 2");
	ck_assert_int_eq(v.i, -3);
	v = value_of("-7 % 4");
	ck_assert_int_eq(v.i, -3);
	v = value_of("0.75 / 2");
	ck_assert_int_eq(v.kind, KV_VALUE_REAL);
	ck_assert(v.r >= 0.375 && v.r <= 0.375);
	v = value_of("'a b'");
	ck_assert_int_eq(v.kind, KV_VALUE_WORD);
	ck_assert_str_eq(v.w, "a b");
}
END_TEST

START_TEST(absent)
{
	static const char *const texts[] = {"absent", "absent + 1",
	    "absent == 0", "!absent", "-absent", "absent ? 1 : 2",
	    "absent && 1", "1 && absent", "absent || 0", "wrap(absent)",
	    "min(absent, 1)", "absent == 'a'"};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct kv_value v = value_of(texts[i]);

		ck_assert_msg(
		    v.kind == KV_VALUE_NONE && v.u == 0, "%s", texts[i]);
	}
	ck_assert_uint_eq(value_of("0 && absent").u, 0);
	ck_assert_int_eq(value_of("0 && absent").kind, KV_VALUE_UINT);
}
END_TEST

/* What a report shows beside a comparison. */
START_TEST(left_side)
{
	static const struct uint_case cases[] = {
	    {"kstack.live <= 900", 868},
	    {"(kstack.live + 1 == 7)", 869},
	    {"pages", 4},
	    {"1 ? 7 : 2 < 3", 7},
	    {"2 < 3 && 5 < 4", 0},
	    {"!(2 < 3)", 0},
	    {"(2 < 3) + 5 > 1", 6},
	};
	struct kv_errors errors = {0};
	struct kv_value v;
	struct kv_expr *x;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(
		    kv_expr_compile(cases[i].text, &place, true, &x, &errors),
		    0);
		ck_assert_int_eq(
		    kv_expr_eval_left(x, lookup, NULL, &v, &errors), 0);
		ck_assert_msg(v.u == cases[i].u, "%s", cases[i].text);
		kv_expr_free(x);
	}
}
END_TEST

START_TEST(right_side)
{
	static const struct {
		const char *text;
		enum kv_value_kind kind;
		uint64_t u;
	} cases[] = {{"1 + 2 <= 3 * 4", KV_VALUE_UINT, 12},
	    {"7 == (1 > 0 ? 5 : 6)", KV_VALUE_UINT, 5},
	    {"(1 || 0) != min(8, 9)", KV_VALUE_UINT, 8},
	    {"1 + 2", KV_VALUE_NONE, 0}, {"1 < 2 && 3 < 4", KV_VALUE_NONE, 0},
	    {"!(1 < 2)", KV_VALUE_NONE, 0}};
	struct kv_errors errors = {0};
	struct kv_place at = {"f", 1, 1};
	struct kv_expr *x;
	struct kv_value v;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(
		    kv_expr_compile(cases[i].text, &at, false, &x, &errors), 0);
		ck_assert_int_eq(
		    kv_expr_eval_right(x, lookup, NULL, &v, &errors), 0);
		ck_assert_msg(
		    v.kind == cases[i].kind &&
			(v.kind == KV_VALUE_NONE || v.u == cases[i].u),
		    "%s", cases[i].text);
		kv_expr_free(x);
	}
	ck_assert_uint_eq(errors.count, 0);
}
END_TEST

static int
note_name(void *arg, const char *name, const struct kv_place *p)
{
	char *at = arg;

	sprintf(at + strlen(at), "%s@%u:%u ", name, p->line, p->column);
	return strcmp(name, "stop") == 0;
}

START_TEST(names)
{
	struct kv_errors errors = {0};
	struct kv_place at = {"f", 7, 11};
	char seen[100] = "";
	struct kv_expr *x;

	ck_assert_int_eq(kv_expr_compile("a+min(b.c, 2)\n  +stop+'no'+after",
			     &at, false, &x, &errors),
	    0);
	ck_assert_int_eq(kv_expr_walk_names(x, note_name, seen), 1);
	ck_assert_str_eq(seen, "a@7:11 b.c@7:17 stop@8:4 ");
	kv_expr_free(x);
}
END_TEST

/* ---- Errors ---------------------------------------------------------- */

struct bad_case {
	const char *text;
	const char *message; /* all of it */
};

static void
check_bad(const struct bad_case *c, bool reals)
{
	struct kv_errors errors = {0};
	struct kv_value v = uint_value(99);
	struct kv_expr *x;
	int error = kv_expr_compile(c->text, &place, reals, &x, &errors);

	if (error == 0) {
		error = kv_expr_eval(x, lookup, NULL, &v, &errors);
		kv_expr_free(x);
	}
	ck_assert_msg(error == EINVAL, "%s is accepted", c->text);
	ck_assert_uint_eq(v.u, 99);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_str_eq(errors.list[0].text, c->message);
	kv_errors_fini(&errors);
}

#define SUFFIX_RULE "not a number: digits or 0x..., then K, M, G or T"
#define ABOVE "number above 18446744073709551615 (64 bits)"
#define WORD_HERE "is a word; a number is needed here"

START_TEST(refused)
{
	static const struct bad_case cases[] = {
	    {"", "f:1:1: expected a number or a name, but the expression "
		 "ends here"},
	    {"1 +", "f:1:4: expected a number or a name, but the expression "
		    "ends here"},
	    {"1 2", "f:1:3: expected an operator, not '2'"},
	    {"(1", "f:1:3: expected ')', but the expression ends here"},
	    {"1)", "f:1:2: expected an operator, not ')'"},
	    {"1 ? 2", "f:1:6: expected ':', but the expression ends here"},
	    {"* 2", "f:1:1: expected a number or a name, not '*'"},
	    {"4kk", "f:1:1: '4kk': " SUFFIX_RULE},
	    {"4m", "f:1:1: '4m': " SUFFIX_RULE},
	    {"4KB", "f:1:1: '4KB': " SUFFIX_RULE},
	    {"1e3", "f:1:1: '1e3': " SUFFIX_RULE},
	    {"12ab", "f:1:1: '12ab': " SUFFIX_RULE},
	    {"0x", "f:1:1: '0x': " SUFFIX_RULE},
	    {"0xK", "f:1:1: '0xK': 0x needs hexadecimal digits"},
	    {"2 + 18446744073709551616",
		"f:1:5: '18446744073709551616': " ABOVE},
	    {"0x10000000000000000", "f:1:1: '0x10000000000000000': " ABOVE},
	    {"16777216T", "f:1:1: '16777216T': " ABOVE},
	    {"1.2.3", "f:1:1: '1.2.3': not a decimal number"},
	    {"1.", "f:1:1: '1.': digits are missing behind the point"},
	    {"1.5K", "f:1:1: '1.5K': not a decimal number"},
	    {"0.1234567890123456",
		"f:1:1: '0.1234567890123456': more than 15 digits"},
	    {"1 = 1", "f:1:3: '=': did you mean '=='?"},
	    {"1 & 1", "f:1:3: '&': did you mean '&&'?"},
	    {"1 | 1", "f:1:3: '|': did you mean '||'?"},
	    {"1 ^ 1", "f:1:3: '^': not part of an expression"},
	    {"'abc", "f:1:1: 'abc': the closing quote is missing"},
	    {"1 < 2 < 3", "f:1:7: expected && or || between comparisons, "
			  "not '<'"},
	    {"mim(1, 2)", "f:1:1: unknown function 'mim'; did you mean 'min'?"},
	    {"f(1)", "f:1:1: unknown function 'f'; there are: wrap, min, max, "
		     "roundup, rounddown, log2"},
	    {"min(1)", "f:1:6: expected ',', not ')'"},
	    {"log2(1, 2)", "f:1:7: expected ')', not ','"},
	    {"roundup(1, 2, 3)", "f:1:13: expected ')', not ','"},
	    {"wrap()", "f:1:6: expected a number or a name, not ')'"},
	    {"top + 1", "f:1:5: the result does not fit in 64 bits"},
	    {"top * 2", "f:1:5: the result does not fit in 64 bits"},
	    {"roundup(top, 2)", "f:1:1: the result does not fit in 64 bits"},
	    {"least - 1", "f:1:7: the result does not fit in 64 bits"},
	    {"-top", "f:1:1: the result does not fit in 64 bits"},
	    {"pages - 5", "f:1:7: the difference is below zero"},
	    {"1 / 0", "f:1:3: division by zero"},
	    {"1 % (pages - 4)", "f:1:3: division by zero"},
	    {"wrap(1 / 0)", "f:1:8: division by zero"},
	    {"roundup(1, 0)", "f:1:1: division by zero"},
	    {"1.5 / 0", "f:1:5: division by zero"},
	    {"rounddown(minus, 2)", "f:1:1: not defined for negative numbers"},
	    {"log2(0)", "f:1:1: log2 needs a number above zero"},
	    {"log2(minus)", "f:1:1: log2 needs a number above zero"},
	    {"log2(ratio)", "f:1:1: needs whole numbers"},
	    {"ratio % 2", "f:1:7: needs whole numbers"},
	    {"wrap(ratio)", "f:1:1: wrap() needs a whole number"},
	    {"wrap(ratio + 1)", "f:1:12: needs whole numbers"},
	    {"1 + nobody", "f:1:5: unknown name 'nobody'"},
	    {"scheme + 1", "f:1:8: 'new' " WORD_HERE},
	    {"1 == scheme", "f:1:3: 'new' " WORD_HERE},
	    {"scheme < 'z'", "f:1:8: 'new' " WORD_HERE},
	    {"!scheme", "f:1:1: 'new' " WORD_HERE},
	    {"scheme ? 1 : 2", "f:1:8: 'new' " WORD_HERE},
	    {"scheme && 1", "f:1:8: 'new' " WORD_HERE},
	    {"1 && scheme", "f:1:3: 'new' " WORD_HERE},
	    /* columns count characters, lines end at \n */
	    {"'\xc3\xa9\xc3\xa9' == 1 $", "f:1:11: '$': not part of an "
					  "expression"},
	    {"1 +\n  $", "f:2:3: '$': not part of an expression"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_bad(&cases[i], true);
	check_bad(&(struct bad_case){"2 * 0.5",
		      "f:1:5: '0.5': a whole number is needed here"},
	    false);
}
END_TEST

/* n times what, then rest. */
static char *
repeat(const char *what, size_t n, const char *rest)
{
	size_t size = strlen(what);
	char *s = malloc(n * size + strlen(rest) + 1);
	size_t i;

	for (i = 0; i < n; i++)
		memcpy(s + i * size, what, size);
	strcpy(s + n * size, rest);
	return s;
}

START_TEST(deep)
{
	static const char *const nests[] = {"(", "-", "!", "1?",
	    "0?1:", "min(1,", "wrap(", "1+(", "1&&(", "a.b*("};
	struct kv_errors errors = {0};
	struct kv_expr *x;
	size_t i;

	for (i = 0; i < sizeof(nests) / sizeof(*nests); i++) {
		char *s = repeat(nests[i], 100000, "1");

		ck_assert_int_eq(
		    kv_expr_compile(s, &place, true, &x, &errors), EINVAL);
		ck_assert_uint_eq(errors.count, 1);
		ck_assert_ptr_nonnull(
		    strstr(errors.list[0].text, "nested too deeply"));
		kv_errors_fini(&errors);
		free(s);
	}
}
END_TEST

/* Long is not deep. */
START_TEST(long_text)
{
	struct kv_errors errors = {0};
	struct kv_value v;
	struct kv_expr *x;
	char *s = repeat("1+", 1000000, "0");

	ck_assert_int_eq(kv_expr_compile(s, &place, true, &x, &errors), 0);
	ck_assert_int_eq(kv_expr_eval(x, NULL, NULL, &v, &errors), 0);
	ck_assert_uint_eq(v.u, 1000000);
	kv_expr_free(x);
	free(s);
	s = repeat("(", 90, "7");
	ck_assert_int_eq(kv_expr_compile(s, &place, true, &x, &errors), EINVAL);
	ck_assert_ptr_nonnull(strstr(errors.list[0].text, "expected ')'"));
	kv_errors_fini(&errors);
	free(s);
}
END_TEST

/* ---- Noise ----------------------------------------------------------- */

static uint64_t random_state;

static unsigned
rnd(unsigned below)
{
	random_state =
	    random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % below;
}

/* Any bytes at all: an answer, and no more than one error. */
START_TEST(random_bytes)
{
	static const char alphabet[] =
	    "0123456789xabKMGTiB.+-*/%()<>=!&|?:,\"' \n\t_$\x80\xc3";
	char text[40];
	unsigned i, j, n;

	random_state = 7;
	for (i = 0; i < 200000; i++) {
		struct kv_errors errors = {0};
		struct kv_value v;
		struct kv_expr *x;

		n = rnd(sizeof(text));
		for (j = 0; j < n; j++)
			text[j] = alphabet[rnd(sizeof(alphabet) - 1)];
		text[n] = '\0';
		if (kv_expr_compile(text, &place, true, &x, &errors) == 0) {
			kv_expr_eval(x, lookup, NULL, &v, &errors);
			kv_expr_free(x);
		} else {
			ck_assert_uint_eq(errors.count, 1);
		}
		ck_assert_uint_le(errors.count, 1);
		kv_errors_fini(&errors);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {numbers, arithmetic, logic, lazy,
	    wrapping, other_kinds, absent, left_side, right_side, names,
	    refused, deep, long_text, random_bytes};
	Suite *s = suite_create("expr");
	TCase *tc = tcase_create("expr");
	size_t i;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
