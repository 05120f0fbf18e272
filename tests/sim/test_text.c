/* SPDX-License-Identifier: BSD-2-Clause */
/* test_text.c - files of all kinds, read whole; errors sorted by place */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "in/text.h"
#include "kvtest.h"

static char path[64];
static struct kv_errors errors;
static struct kv_text text;

static void
setup(void)
{
	int fd;

	strcpy(path, "/tmp/kv_text_XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
teardown(void)
{
	unlink(path);
	kv_errors_fini(&errors);
	kv_text_fini(&text);
}

static void
put(const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	ck_assert_uint_eq(fwrite(data, 1, size, f), size);
	fclose(f);
}

/* Pack into one gzip member; the size of it. */
static size_t
pack(const void *data, size_t size, unsigned char *out, size_t room)
{
	z_stream z = {0};
	size_t n;

	ck_assert_int_eq(
	    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)data;
	z.avail_in = (unsigned)size;
	z.next_out = out;
	z.avail_out = (unsigned)room;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = room - z.avail_out;
	deflateEnd(&z);
	return n;
}

/* Reading fails with exactly this message after the path. */
static void
refused(size_t max, const char *message)
{
	char want[256];

	text = (struct kv_text){0};
	ck_assert_int_eq(kv_text_read(path, max, &text, &errors), EINVAL);
	ck_assert_ptr_null(text.data);
	ck_assert_uint_eq(errors.count, 1);
	snprintf(want, sizeof(want), "%s: %s", path, message);
	ck_assert_str_eq(errors.list[0].text, want);
	kv_errors_fini(&errors);
}

static void
reads(size_t max, const void *data, size_t size)
{
	ck_assert_int_eq(kv_text_read(path, max, &text, &errors), 0);
	ck_assert_uint_eq(errors.count, 0);
	ck_assert_str_eq(text.path, path);
	ck_assert_uint_eq(text.size, size);
	ck_assert_int_eq(memcmp(text.data, data, size), 0);
	ck_assert_int_eq(text.data[size], '\0');
	kv_text_fini(&text);
}

START_TEST(plain)
{
	static const size_t sizes[] = {
	    0, 1, 2, 65535, 65536, 65537, 131072, 1000000};
	static char big[1000000];
	size_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 % 251); /* NUL bytes among them */
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put(big, sizes[i]);
		reads(sizes[i], big, sizes[i]);
		reads(SIZE_MAX, big, sizes[i]);
	}
}
END_TEST

START_TEST(gzip)
{
	static unsigned char packed[2000000];
	static char big[1000000];
	size_t i, n;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * i % 253);
	n = pack(big, sizeof(big), packed, sizeof(packed));
	put(packed, n);
	reads(sizeof(big), big, sizeof(big));
	refused(sizeof(big) - 1,
	    "larger than 999999 bytes, which is the limit here");
	reads(SIZE_MAX, big, sizeof(big));
	n = pack("", 0, packed, sizeof(packed));
	put(packed, n);
	reads(0, "", 0);
}
END_TEST

START_TEST(gzip_members)
{
	unsigned char packed[256];
	size_t n = pack("one ", 4, packed, 100);

	n += pack("", 0, packed + n, 100);
	n += pack("two", 3, packed + n, sizeof(packed) - n);
	put(packed, n);
	reads(7, "one two", 7);
}
END_TEST

START_TEST(gzip_truncated)
{
	unsigned char packed[256];
	size_t i, n = pack("truncate me anywhere", 20, packed, 256);

	for (i = 2; i < n; i++) {
		put(packed, i);
		refused(1000, "truncated gzip data");
	}
	put(packed, n);
	reads(1000, "truncate me anywhere", 20);
}
END_TEST

START_TEST(gzip_damaged)
{
	unsigned char packed[256];
	size_t n = pack("damage me", 9, packed, 256);

	packed[n - 5] ^= 1; /* top byte of the CRC */
	put(packed, n);
	refused(1000, "damaged gzip data");
	packed[n - 5] ^= 1;
	memcpy(packed + n, "junk", 4);
	put(packed, n + 4);
	refused(1000, "damaged gzip data");
}
END_TEST

/* A file of 1 MiB of zeros packs into 1 KiB: the bound is on what comes out. */
START_TEST(gzip_bomb)
{
	static unsigned char packed[10000];
	static char zeros[1 << 20];

	put(packed, pack(zeros, sizeof(zeros), packed, sizeof(packed)));
	refused(65536, "larger than 65536 bytes, which is the limit here");
	refused(0, "larger than 0 bytes, which is the limit here");
	reads(sizeof(zeros), zeros, sizeof(zeros));
}
END_TEST

START_TEST(plain_too_large)
{
	put("abcd", 4);
	refused(3, "larger than 3 bytes, which is the limit here");
}
END_TEST

START_TEST(missing)
{
	unlink(path);
	refused(10, "No such file or directory");
	strcpy(path, "/tmp");
	refused(10, "Is a directory");
	path[0] = '\0';
}
END_TEST

START_TEST(standard_input)
{
	int fd;

	put("typed", 5);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	ck_assert_int_eq(kv_text_read("-", 100, &text, &errors), 0);
	ck_assert_str_eq(text.path, "<stdin>");
	ck_assert_str_eq(text.data, "typed");
}
END_TEST

START_TEST(places)
{
	kv_errors_add(&errors, "f", 3, 9, "c%d", 1);
	kv_errors_add(&errors, "f", 0, 0, "a");
	kv_errors_add(&errors, "f", 3, 0, "b");
	ck_assert_str_eq(errors.list[0].text, "f:3:9: c1");
	ck_assert_str_eq(errors.list[1].text, "f: a");
	ck_assert_str_eq(errors.list[2].text, "f:3: b");
	ck_assert_uint_eq(errors.list[0].line, 3);
	ck_assert_uint_eq(errors.list[0].column, 9);
}
END_TEST

/* What kv_errors_print says, read back through a file. */
START_TEST(printed_sorted)
{
	char got[200];
	size_t n;
	FILE *f;

	kv_errors_add(&errors, "f", 10, 1, "d");
	kv_errors_add(&errors, "f", 9, 12, "b");
	kv_errors_add(&errors, "f", 9, 12, "c");
	kv_errors_add(&errors, "f", 9, 2, "a");
	ck_assert_ptr_nonnull(freopen(path, "w", stderr));
	kv_errors_print(&errors);
	fflush(stderr);
	f = fopen(path, "r");
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	fclose(f);
	ck_assert_str_eq(got, "f:9:2: a\nf:9:12: b\nf:9:12: c\nf:10:1: d\n");
}
END_TEST

START_TEST(bounded)
{
	unsigned i;

	for (i = 1; i <= 250; i++)
		kv_errors_add(&errors, "f", i, 1, "x");
	ck_assert_uint_eq(errors.count, 100);
	ck_assert_uint_eq(errors.dropped, 150);
}
END_TEST

START_TEST(controls_tamed)
{
	kv_errors_add(&errors, "f", 1, 1, "%s", "a\033[31mb\nc\x7f");
	ck_assert_str_eq(errors.list[0].text, "f:1:1: a?[31mb?c?");
}
END_TEST

START_TEST(unknown_words)
{
	static const char *const few[] = {"old", "new", "nores"};

	kv_errors_unknown(&errors, "f", 1, 2, "scheme", "nwe", few, 3);
	kv_errors_unknown(&errors, "f", 1, 2, "scheme", "linear", few, 3);
	kv_errors_unknown(&errors, "f", 1, 2, "scheme", "linear", few, 0);
	ck_assert_str_eq(errors.list[0].text,
	    "f:1:2: unknown scheme 'nwe'; did you mean 'new'?");
	ck_assert_str_eq(errors.list[1].text,
	    "f:1:2: unknown scheme 'linear'; there are: old, new, nores");
	ck_assert_str_eq(errors.list[2].text, "f:1:2: unknown scheme 'linear'");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {plain, gzip, gzip_members, gzip_truncated,
	    gzip_damaged, gzip_bomb, plain_too_large, missing, standard_input,
	    places, printed_sorted, bounded, controls_tamed, unknown_words};
	Suite *s = suite_create("text");
	TCase *tc = tcase_create("text");
	size_t i;

	tcase_add_checked_fixture(tc, setup, teardown);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
