/* SPDX-License-Identifier: BSD-2-Clause */
/* test_json.c - strict JSON: what is read, what is refused, and where */
#include <stdio.h>

#include "in/json.h"
#include "kvtest.h"
#include "run/rng.h"

static struct kv_pool pool;
static struct kv_errors errors;

static void
teardown(void)
{
	kv_pool_fini(&pool);
	kv_errors_fini(&errors);
}

static const struct kv_json *
parse(const char *text)
{
	static char path[] = "x.json", data[4096];
	struct kv_text t = {path, data, strlen(text)};

	ck_assert_uint_lt(t.size, sizeof(data));
	memcpy(data, text, t.size + 1);
	return kv_json_parse(&t, &pool, &errors);
}

START_TEST(test_values)
{
	const struct kv_json *v = parse(" { \"a\" : [1, -0, 2.50e+3, true],\n"
					"\t\"b\":\"x\\n\\\"\\u00e9\\u20AC"
					"\\ud83d\\ude00\",\"c\":{},\"d\":[],"
					"\"e\":null , \"f\":false}\r\n");
	const struct kv_json *list;

	ck_assert_ptr_nonnull(v);
	list = kv_json_get(v, "a")->child;
	ck_assert_str_eq(list->text, "1");
	ck_assert_uint_eq(list->line, 1);
	ck_assert_uint_eq(list->column, 11);
	ck_assert_str_eq(list->next->text, "-0");
	ck_assert_str_eq(list->next->next->text, "2.50e+3");
	ck_assert_int_eq(list->next->next->next->kind, KV_JSON_TRUE);
	ck_assert_ptr_null(list->next->next->next->next);
	ck_assert_str_eq(kv_json_get(v, "b")->text,
	    "x\n\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	ck_assert_uint_eq(kv_json_get(v, "b")->line, 2);
	ck_assert_uint_eq(kv_json_get(v, "b")->column, 6);
	ck_assert_ptr_null(kv_json_get(v, "c")->child);
	ck_assert_ptr_null(kv_json_get(v, "d")->child);
	ck_assert_int_eq(kv_json_get(v, "e")->kind, KV_JSON_NULL);
	ck_assert_int_eq(kv_json_get(v, "f")->kind, KV_JSON_FALSE);
	ck_assert_ptr_null(kv_json_get(v, "g"));
	ck_assert_ptr_null(kv_json_get(list, "g"));
}
END_TEST

static const struct {
	const char *text, *place;
} refused[] = {{"", "x.json:1:1: a value expected"},
    {" \n ", "x.json:2:2: a value expected"},
    {"{", "x.json:1:2: a string in double quotes"},
    {"{}x", "x.json:1:3: the end of the file"},
    {"{'a':1}", "x.json:1:2: a string in double quotes"},
    {"{a:1}", "x.json:1:2: a string in double quotes"},
    {"{\"a\" 1}", "x.json:1:6: ':' expected"},
    {"{\"a\":1,}", "x.json:1:8: a string in double quotes"},
    {"{\"a\":1 \"b\":2}", "x.json:1:8: ',' or '}'"},
    {"{\"a\":1,\n \"a\":2}", "x.json:2:2: this key stands here twice"},
    {"[1,]", "x.json:1:4: a value expected"},
    {"[1 2]", "x.json:1:4: ',' or ']'"}, {"[1", "x.json:1:3: ',' or ']'"},
    {"[01]", "x.json:1:4: a number expected"},
    {"[-]", "x.json:1:3: a number expected"},
    {"[1.]", "x.json:1:4: a digit expected"},
    {"[1e]", "x.json:1:4: a digit expected"},
    {"[+1]", "x.json:1:2: a value expected"},
    {"[.5]", "x.json:1:2: a value expected"},
    {"[NaN]", "x.json:1:2: a value expected"},
    {"[0x10]", "x.json:1:3: ',' or ']'"},
    {"[nul]", "x.json:1:2: a value expected"},
    {"[truee]", "x.json:1:6: ',' or ']'"},
    {"[\"a", "x.json:1:4: the string does not end"},
    {"[\"a\\", "x.json:1:5: no such escape"},
    {"[\"a\nb\"]", "x.json:1:4: a control character"},
    {"[\"\\x\"]", "x.json:1:4: no such escape"},
    {"[\"\\u12g4\"]", "x.json:1:7: \\u needs"},
    {"[\"\\ud800\"]", "x.json:1:9: \\u needs"},
    {"[\"\\ude00\"]", "x.json:1:9: \\u needs"},
    {"[\"\\u0000\"]", "x.json:1:9: \\u needs"}};

START_TEST(test_refused)
{
	ck_assert_ptr_null(parse(refused[_i].text));
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_msg(strstr(errors.list[0].text, refused[_i].place) != NULL,
	    "%s, not %s", errors.list[0].text, refused[_i].place);
}
END_TEST

START_TEST(test_deep)
{
	char text[200] = "";
	int i;

	for (i = 0; i < 64; i++)
		strcat(text, "[");
	for (i = 0; i < 64; i++)
		strcat(text, "]");
	ck_assert_ptr_nonnull(parse(text));
	memset(text, '[', 100);
	text[100] = '\0';
	ck_assert_ptr_null(parse(text));
	ck_assert_ptr_nonnull(
	    strstr(errors.list[0].text, "x.json:1:65: deeper than 64"));
}
END_TEST

/* Damage is read or refused with one error. */
START_TEST(test_damage)
{
	static const char whole[] =
	    "{\"kvasir\": \"0.1.0\", \"metrics\": {\"a.b\": 12, \"c\": "
	    "\"x\\u00e9\\n\", \"d\": [1.5e-3, null, true]}}";
	struct kv_rng rng = kv_rng_stream((uint64_t)_i, "damage");
	char text[sizeof(whole)];
	size_t k;

	printf("seed %d\n", _i);
	memcpy(text, whole, sizeof(whole));
	for (k = 1 + kv_rng_below(&rng, 4); k != 0; k--)
		text[kv_rng_below(&rng, sizeof(whole) - 1)] =
		    "{}[]\",:\\u0-eE.\001 "[kv_rng_below(&rng, 17)];
	if (kv_rng_below(&rng, 2) == 0)
		text[kv_rng_below(&rng, sizeof(whole))] = '\0';
	if (parse(text) == NULL)
		ck_assert_uint_eq(errors.count, 1);
	else
		ck_assert_uint_eq(errors.count, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, test_values);
	tcase_add_loop_test(
	    t, test_refused, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, test_deep);
	tcase_add_loop_test(t, test_damage, 0, 500);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
