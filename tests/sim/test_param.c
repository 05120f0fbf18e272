/* SPDX-License-Identifier: BSD-2-Clause */
/* test_param.c - parameters: their values, and a file read at its points */
#include "scenariorig.h"

START_TEST(parameter_values)
{
	load("kvasir: 1\n"
	     "param:\n"
	     "  octal: 010\n"
	     "  sum: big + 1\n"
	     "  big: 0xfffffe0000000000\n"
	     "  negative: -5\n"
	     "  ratio: 0.25\n"
	     "  word: new\n"
	     "  same: word\n"
	     "  policy: freebsd-d38852\n"
	     "  difference: octal-three\n"
	     "  three: 3\n"
	     "  machine: arm64-4k\n"
	     "  quoted: \"64\"\n"
	     "  quoted_name: 'three'\n"
	     "  quoted_choice: 'three > 2 ? min(7, 9) : 1'\n"
	     "  numbers: 1 2 0x3\n"
	     "  text: 'E F: B'\n"
	     "  truth: yes\n"
	     "  first: [three, 4, x-y]\n",
	    NULL, 0);
	check_uint("octal", 10);
	check_uint("sum", UINT64_C(0xfffffe0000000001));
	ck_assert_int_eq(param("negative")->kind, KV_VALUE_INT);
	ck_assert_int_eq(param("negative")->i, -5);
	ck_assert_int_eq(param("ratio")->kind, KV_VALUE_REAL);
	check_word("word", "new");
	check_word("same", "new");
	check_word("policy", "freebsd-d38852");
	check_uint("difference", 7);
	check_word("machine", "arm64-4k");
	check_word("quoted", "64");
	check_word("quoted_name", "three");
	check_uint("quoted_choice", 7);
	check_word("numbers", "1 2 0x3");
	check_word("text", "E F: B");
	check_word("truth", "yes");
	check_uint("first", 3);
}
END_TEST

/* 4000 characters are the most that an expression has. */
START_TEST(parameter_length)
{
	char *text = malloc(5000), *at = text;
	unsigned i;

	at += sprintf(at, "kvasir: 1\nparam:\n  a: 10");
	for (i = 0; i < 1999; i++)
		at += sprintf(at, "+1");
	load(text, NULL, 0);
	check_uint("a", 2009);
	free(text);
}
END_TEST

/* A thousand of them, each naming the next. */
START_TEST(parameter_chain)
{
	char *text = malloc(40000), *at = text;
	unsigned i;

	at += sprintf(at, "kvasir: 1\nparam:\n");
	for (i = 0; i < 999; i++)
		at += sprintf(at, "  p%u: p%u + 1\n", i, i + 1);
	sprintf(at, "  p999: 1\n");
	load(text, NULL, 0);
	check_uint("p0", 1000);
	free(text);
}
END_TEST

/* One file, read at each of its points. */
START_TEST(points)
{
	const struct kv_define define = {"b", "a + 100"};
	struct kv_scenario_file *file = NULL;
	struct kv_errors errors = {0};
	const struct kv_node *values[3];
	const struct kv_axis *axes;
	size_t n, i;

	load("kvasir: 1\nparam: {a: [1, 2, 3], b: 10 * a, c: [x]}\n", NULL, 0);
	ck_assert_int_eq(kv_scenario_open(path, &file, &errors), 0);
	axes = kv_scenario_axes(file, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(axes[1].name, "b");
	ck_assert(axes[0].list && !axes[1].list && axes[2].list);
	ck_assert_uint_eq(axes[0].nvalues, 3);
	ck_assert_uint_eq(axes[1].nvalues, 1);
	ck_assert_uint_eq(axes[2].nvalues, 1);
	for (i = 0; i < 6; i++) {
		values[0] = axes[0].values[i % 3];
		values[1] = axes[1].values[0];
		values[2] = axes[2].values[0];
		kv_scenario_free(sc);
		ck_assert_int_eq(kv_scenario_read(file, values, &define, i / 3,
				     &sc, &errors),
		    0);
		ck_assert_uint_eq(param("a")->u, i % 3 + 1);
		ck_assert_uint_eq(
		    param("b")->u, i < 3 ? 10 * (i + 1) : 100 + i % 3 + 1);
		ck_assert_str_eq(param("c")->w, "x");
	}
	ck_assert_int_eq(
	    kv_scenario_check_params(file, &define, 1, &errors), 0);
	ck_assert_uint_eq(errors.count, 0);
	kv_scenario_free(sc);
	sc = NULL;
	kv_scenario_close(file);
}
END_TEST

/* What is wrong with a list is found whichever value is taken. */
START_TEST(points_refused)
{
	static const struct {
		const char *param, *define, *error;
	} rows[] = {{"{a: [1, [2], 3]}", "1", ":2:16: a parameter is"},
	    {"{a: []}", "1", ":2:12: an empty list"},
	    {"{a: [1, 2 +]}", "1", ":2:"}, {"{a: 1, a: 2}", "1", ":2:"},
	    {"{b: [1, 2]}", "1", "-D a:1:1: unknown parameter 'a'"}};
	struct kv_define define = {.name = "a"};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kv_scenario_file *file = NULL;
		struct kv_errors errors = {0};
		FILE *f = fopen(path, "w");

		define.value = rows[i].define;
		fprintf(f, "kvasir: 1\nparam: %s\n", rows[i].param);
		fclose(f);
		ck_assert_int_eq(kv_scenario_open(path, &file, &errors), 0);
		kv_scenario_check_params(file, &define, 1, &errors);
		ck_assert_uint_gt(errors.count, 0);
		ck_assert_msg(
		    strstr(errors.list[0].text, rows[i].error) != NULL, "%s",
		    errors.list[0].text);
		kv_errors_fini(&errors);
		kv_scenario_close(file);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {parameter_values, parameter_length,
	    parameter_chain, points, points_refused};

	return kv_test_main(
	    suite_of("param", tests, sizeof(tests) / sizeof(tests[0])));
}
