/* SPDX-License-Identifier: BSD-2-Clause */
/* test_doc.c - trees that are written again say what they said */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "in/doc.h"
#include "kvtest.h"
#include "out/mem.h"

static struct kv_doc *
parse(const char *yaml)
{
	struct kv_text text = {.data = kv_mem_text(yaml),
	    .path = kv_mem_text("test.yaml"),
	    .size = strlen(yaml)};
	struct kv_errors errors = {0};
	struct kv_pool pool = {0};
	const struct kv_node *node = kv_yaml_parse(&text, &pool, &errors);
	struct kv_doc *doc;

	ck_assert_msg(node != NULL, "%s", yaml);
	ck_assert_uint_eq(kv_errors_noted(&errors), 0);
	doc = kv_doc_copy(node);
	kv_pool_fini(&pool);
	kv_errors_fini(&errors);
	kv_text_fini(&text);
	return doc;
}

static bool
same(const struct kv_doc *a, const struct kv_doc *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == KV_NODE_SCALAR)
		return a->quoted == b->quoted && strcmp(a->text, b->text) == 0;
	for (size_t i = 0; i < a->count; i++)
		if (!same(a->list[i], b->list[i]))
			return false;
	return true;
}

static void
round_trip(const char *yaml)
{
	struct kv_doc *a = parse(yaml), *b;
	struct kv_buf text = {0};

	kv_doc_write(a, &text);
	b = parse(text.data);
	ck_assert_msg(same(a, b), "%s", text.data);
	kv_doc_free(a);
	kv_doc_free(b);
	kv_buf_fini(&text);
}

START_TEST(what_is_hard_to_write)
{
	round_trip("a: 1\nb: [x, 'y z', \"1\"]\n");
	round_trip("a: min(b, 3)\nb: {c: 'min(b, 3)'}\n");
	round_trip("work:\n  - map: {a: 1}\n  - repeat:\n      times: "
		   "min(1, 2)\n      steps: [{b: {c: d}}]\n  - drain: {}\n");
	round_trip(
	    "a: x == \"y\"\nb:\n  - p == \"M\"\n  - violation(\"V8\")\n");
	round_trip("a: >-\n  b ? c : d\n");
	round_trip("a: -1\nb: -x\nc: ''\nd: \"a\\\\b\\\"c\"\n");
	round_trip("a: []\nb: {}\nc: [[1, 2], {d: e}]\n");
	round_trip("a: \"x: y # z\"\nb: x#y\n");
}
END_TEST

/* Every scenario that is shipped, but for what a fold makes of line ends. */
START_TEST(shipped_scenarios)
{
	struct dirent *entry;
	DIR *dir = opendir(KV_TESTS "/../scenarios");
	char path[600];
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		struct kv_errors errors = {0};
		struct kv_text text;

		if (strstr(entry->d_name, ".yaml") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/../scenarios/%s", KV_TESTS,
		    entry->d_name);
		ck_assert_int_eq(
		    kv_text_read(path, 1 << 20, &text, &errors), 0);
		round_trip(text.data);
		kv_text_fini(&text);
		n++;
	}
	closedir(dir);
	ck_assert_uint_gt(n, 100);
}
END_TEST

START_TEST(changes)
{
	struct kv_doc *d = parse("a: 1\nb: [x, y, z]\nc: {d: e}\n"), *copy;
	struct kv_buf text = {0};

	kv_doc_set(d, "a", kv_doc_scalar("2"));
	kv_doc_set(d, "f", kv_doc_raw("[violation(\"V8\")]"));
	kv_doc_remove(kv_doc_get(d, "b"), 1, 1);
	kv_doc_add(kv_doc_get(d, "b"), kv_doc_scalar("w"));
	copy = kv_doc_clone(d);
	kv_doc_unset(d, "c");
	kv_doc_unset(d, "g");
	kv_doc_write(d, &text);
	ck_assert_str_eq(
	    text.data, "a: 2\nb: [x, z, w]\nf: [violation(\"V8\")]\n");
	text.size = 0;
	kv_doc_write(copy, &text);
	ck_assert_str_eq(text.data,
	    "a: 2\nb: [x, z, w]\nc: {d: e}\nf: [violation(\"V8\")]\n");
	kv_buf_fini(&text);
	kv_doc_free(d);
	kv_doc_free(copy);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("doc");
	TCase *t = tcase_create("trees");

	tcase_add_test(t, what_is_hard_to_write);
	tcase_add_test(t, shipped_scenarios);
	tcase_add_test(t, changes);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
