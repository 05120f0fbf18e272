/* SPDX-License-Identifier: BSD-2-Clause */
/* test_emit.c - text, JSON and columns; files appear whole or not at all */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvtest.h"
#include "out/emit.h"

static void
sample(struct kv_emit *e)
{
	kv_emit_open(e, NULL, '{');
	kv_emit_uint(e, "count", 868);
	kv_emit_int(e, "delta", -4);
	kv_emit_hex(e, "hash", 0xf956e7a4402e0e47);
	kv_emit_open(e, "list", '[');
	kv_emit_text(e, NULL, "a\"b\\c\n\x01");
	kv_emit_close(e, ']');
	kv_emit_open(e, "none", '{');
	kv_emit_close(e, '}');
	kv_emit_bool(e, "ok", true);
	kv_emit_ratio(e, "share", 0.25);
	kv_emit_close(e, '}');
}

START_TEST(test_json)
{
	struct kv_buf b = {0};
	struct kv_emit e;

	kv_emit_init(&e, &b, KV_FORM_JSON);
	sample(&e);
	ck_assert_str_eq(b.data, "{\n"
				 " \"count\": 868,\n"
				 " \"delta\": -4,\n"
				 " \"hash\": \"0xf956e7a4402e0e47\",\n"
				 " \"list\": [\n"
				 "  \"a\\\"b\\\\c\\n\\u0001\"\n"
				 " ],\n"
				 " \"none\": {},\n"
				 " \"ok\": true,\n"
				 " \"share\": 0.250000\n"
				 "}\n");
	kv_buf_fini(&b);
}
END_TEST

/* Values stand in one column, whatever the depth. */
START_TEST(test_text)
{
	struct kv_buf b = {0};
	struct kv_emit e;

	kv_emit_init(&e, &b, KV_FORM_TEXT);
	kv_emit_open(&e, NULL, '{');
	kv_emit_uint(&e, "a", 1);
	kv_emit_open(&e, "group", '{');
	kv_emit_uint(&e, "b", 2);
	kv_emit_close(&e, '}');
	kv_emit_close(&e, '}');
	ck_assert_str_eq(b.data, "a                            1\n"
				 "group\n"
				 "  b                          2\n");
	kv_buf_fini(&b);
}
END_TEST

/* No form can write infinity; very large ratios stay numbers. */
START_TEST(test_ratio)
{
	struct kv_buf b = {0};
	struct kv_emit e;

	kv_emit_init(&e, &b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '[');
	kv_emit_ratio(&e, NULL, INFINITY);
	kv_emit_ratio(&e, NULL, -(double)NAN);
	kv_emit_ratio(&e, NULL, -0.0);
	kv_emit_ratio(&e, NULL, 1e300);
	kv_emit_close(&e, ']');
	ck_assert_str_eq(b.data, "[\n 0.000000,\n 0.000000,\n 0.000000,\n"
				 " 1.000000e+300\n]\n");
	kv_buf_fini(&b);
}
END_TEST

START_TEST(test_metrics_sorted)
{
	struct kv_metrics m = {0};
	struct kv_buf b = {0};
	struct kv_emit e;

	kv_metrics_put_uint(&m, KV_METRIC_HEX, "b", 16);
	kv_metrics_put_text(&m, "a", "x");
	kv_emit_init(&e, &b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	kv_emit_metrics(&e, &m);
	kv_emit_close(&e, '}');
	ck_assert_str_eq(b.data, "{\n \"a\": \"x\",\n \"b\": \"0x10\"\n}\n");
	ck_assert_str_eq(m.list[0].name, "b");
	kv_metrics_fini(&m);
	kv_buf_fini(&b);
}
END_TEST

START_TEST(test_series)
{
	static const char *const columns[] = {"step", "share"};
	double rows[] = {0, 0.5, 1, -0.0};
	struct kv_series s = {"curve", "shares, none", columns, 2, rows, 2};
	struct kv_buf b = {0};
	struct kv_emit e;

	kv_emit_init(&e, &b, KV_FORM_COLUMNS);
	kv_emit_series(&e, &s);
	ck_assert_str_eq(b.data, "# curve: shares, none\n"
				 "# step share\n"
				 "0 0.500000\n"
				 "1 0\n");
	b.size = 0;
	kv_emit_init(&e, &b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	kv_emit_series(&e, &s);
	kv_emit_close(&e, '}');
	ck_assert_str_eq(b.data, "{\n"
				 " \"curve\": {\n"
				 "  \"columns\": [\n"
				 "   \"step\",\n"
				 "   \"share\"\n"
				 "  ],\n"
				 "  \"rows\": [\n"
				 "   [0,0.500000],\n"
				 "   [1,0]\n"
				 "  ]\n"
				 " }\n"
				 "}\n");
	kv_buf_fini(&b);
}
END_TEST

/* ---- Files ----------------------------------------------------------- */

static char folder[64];

static void
setup(void)
{
	strcpy(folder, "/tmp/kvasir-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void
teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(folder);
}

static unsigned
entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

START_TEST(test_write_file)
{
	struct kv_buf b = {0};
	char text[16] = {0};
	FILE *f;

	kv_buf_printf(&b, "%s", "first");
	ck_assert_int_eq(kv_buf_write_file(&b, "out"), 0);
	b.size = 0;
	kv_buf_printf(&b, "%s", "2");
	ck_assert_int_eq(kv_buf_write_file(&b, "out"), 0);
	f = fopen("out", "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(text, 1, sizeof(text), f), 1);
	fclose(f);
	ck_assert_str_eq(text, "2");
	ck_assert_uint_eq(entries("."), 1);
	unlink("out");
	kv_buf_fini(&b);
}
END_TEST

/* The target is a folder: rename fails and nothing is left behind. */
START_TEST(test_write_file_fails)
{
	struct kv_buf b = {0};

	kv_buf_printf(&b, "text");
	ck_assert_int_eq(mkdir("out", 0777), 0);
	ck_assert_int_ne(kv_buf_write_file(&b, "out"), 0);
	ck_assert_int_eq(kv_buf_write_file(&b, "no/such/out"), ENOENT);
	ck_assert_uint_eq(entries("."), 1);
	rmdir("out");
	kv_buf_fini(&b);
}
END_TEST

START_TEST(test_folder_create)
{
	FILE *f;

	ck_assert_int_eq(kv_folder_create("a/b/c/"), 0);
	ck_assert_int_eq(kv_folder_create("a/b/c"), 0);
	ck_assert_uint_eq(entries("a/b"), 1);
	f = fopen("a/file", "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert_int_eq(kv_folder_create("a/file"), ENOTDIR);
	ck_assert_int_eq(kv_folder_create("a/file/x"), ENOTDIR);
	ck_assert_int_eq(kv_folder_create(""), ENOENT);
	unlink("a/file");
	rmdir("a/b/c");
	rmdir("a/b");
	rmdir("a");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("emit");
	TCase *t = tcase_create("forms"), *f = tcase_create("files");

	tcase_add_test(t, test_json);
	tcase_add_test(t, test_text);
	tcase_add_test(t, test_ratio);
	tcase_add_test(t, test_metrics_sorted);
	tcase_add_test(t, test_series);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(f, setup, teardown);
	tcase_add_test(f, test_write_file);
	tcase_add_test(f, test_write_file_fails);
	tcase_add_test(f, test_folder_create);
	suite_add_tcase(s, f);
	return kv_test_main(s);
}
