/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_scenario_broken.c - scenarios that are wrong: what is said, and where
 *
 * tests/broken/scenarios/NAME.yaml begins with lines
 *     # expect: LINE:COLUMN: part of the message
 *     # expect: -D NAME:LINE:COLUMN: part of the message
 *     # define: NAME=VALUE
 * It must be refused with exactly that many errors, and each of them found.
 * What is too large to keep is made here.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "in/scenario.h"
#include "kvtest.h"

#define FOLDER KV_TESTS "/broken/scenarios"

enum { TIMEOUT = 60, LINES = 16 };

/* ---- Files ----------------------------------------------------------- */

/* The first lines of a file. */
struct wanted {
	char lines[LINES][300];
	unsigned nexpect, ndefine;
	char *expect[LINES];
	struct kv_define defines[LINES];
};

static void
read_wanted(const char *path, struct wanted *w)
{
	FILE *f = fopen(path, "r");
	unsigned i;
	char *line;

	*w = (struct wanted){.nexpect = 0};
	ck_assert_ptr_nonnull(f);
	for (i = 0; i < LINES; i++) {
		line = fgets(w->lines[i], sizeof(w->lines[i]), f);
		if (line == NULL || line[0] != '#')
			break;
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "# expect: ", 10) == 0) {
			w->expect[w->nexpect++] = line + 10;
		} else if (strncmp(line, "# define: ", 10) == 0) {
			char *equals = strchr(line, '=');

			*equals = '\0';
			w->defines[w->ndefine++] =
			    (struct kv_define){line + 10, equals + 1};
		}
	}
	fclose(f);
}

/* "PLACE: part": the error is at the place and holds the part. */
static bool
is_it(const char *error, const char *path, const char *expect)
{
	const char *part = strstr(expect, ": ");
	size_t place = (size_t)(part - expect) + 2;

	ck_assert_ptr_nonnull(part);
	if (expect[0] != '-') {
		if (strncmp(error, path, strlen(path)) != 0 ||
		    error[strlen(path)] != ':')
			return false;
		error += strlen(path) + 1;
	}
	return strncmp(error, expect, place) == 0 &&
	       strstr(error + place, part + 2) != NULL;
}

static const char *
all_errors(const struct kv_errors *errors)
{
	static char text[20000];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < errors->count; i++) {
		strncat(text, "\n  ", sizeof(text) - strlen(text) - 1);
		strncat(text, errors->list[i].text,
		    sizeof(text) - strlen(text) - 1);
	}
	return text;
}

static void
check_file(const char *name)
{
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	struct wanted w;
	char path[500];
	unsigned i;
	size_t j;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	read_wanted(path, &w);
	ck_assert_msg(w.nexpect != 0, "%s expects nothing", name);
	ck_assert_msg(kv_scenario_load(
			  path, w.defines, w.ndefine, &sc, &errors) == EINVAL,
	    "%s is accepted", name);
	ck_assert_ptr_null(sc);
	for (i = 0; i < w.nexpect; i++) {
		for (j = 0; j < errors.count; j++)
			if (is_it(errors.list[j].text, path, w.expect[i]))
				break;
		ck_assert_msg(j < errors.count, "%s: no error %s among:%s",
		    name, w.expect[i], all_errors(&errors));
	}
	ck_assert_msg(errors.count == w.nexpect && errors.dropped == 0,
	    "%s: %zu errors:%s", name, errors.count, all_errors(&errors));
	kv_errors_fini(&errors);
}

static int
is_scenario(const struct dirent *entry)
{
	return strstr(entry->d_name, ".yaml") != NULL;
}

START_TEST(files)
{
	struct dirent **list;
	int n = scandir(FOLDER, &list, is_scenario, alphasort), i;

	ck_assert_int_ge(n, 40);
	for (i = 0; i < n; i++) {
		check_file(list[i]->d_name);
		free(list[i]);
	}
	free(list);
}
END_TEST

/* ---- Too large, or no text ------------------------------------------- */

static char path[] = "/tmp/kv_broken_XXXXXX";

static void
setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
teardown(void)
{
	unlink(path);
}

/* The file is refused, and the first error is this one. */
static void
refused(const char *data, size_t size, const char *message)
{
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	FILE *f = fopen(path, "wb");
	char want[300];

	fwrite(data, 1, size, f);
	fclose(f);
	ck_assert_int_eq(kv_scenario_load(path, NULL, 0, &sc, &errors), EINVAL);
	ck_assert_ptr_null(sc);
	ck_assert_uint_ge(errors.count, 1);
	snprintf(want, sizeof(want), "%s:%s", path, message);
	ck_assert_str_eq(errors.list[0].text, want);
	kv_errors_fini(&errors);
}

/* head, then n times part, then tail. */
static void
refused_many(const char *head, const char *part, size_t n, const char *tail,
    const char *message)
{
	size_t size = strlen(head) + n * strlen(part) + strlen(tail), i;
	char *data = malloc(size + 1), *at = data;

	at += sprintf(at, "%s", head);
	for (i = 0; i < n; i++) {
		memcpy(at, part, strlen(part));
		at += strlen(part);
	}
	sprintf(at, "%s", tail);
	refused(data, size, message);
	free(data);
}

START_TEST(nested)
{
	refused_many("", "[", 100000, "", "1:33: deeper than 32 levels");
	refused_many("", "[\n", 100000, "", "33:1: deeper than 32 levels");
	refused_many("kvasir: 1\nwork: ", "[", 100000, "",
	    "2:38: deeper than 32 levels");
	refused_many("", "[", 20000, "]", "1:33: deeper than 32 levels");
	refused_many("", "- ", 100000, "", "1:65: deeper than 32 levels");
	refused_many("a: ", "[{b: ", 100000, "", "1:80: deeper than 32 levels");
}
END_TEST

START_TEST(large)
{
	char message[] = " larger than 4194304 bytes, which is the limit here";

	refused_many("", "#\n", (4 << 20) / 2, "#", message);
	refused_many("", "#\n", (4 << 20) / 2, "", "1:1: the file is empty");
	refused_many("", "\n", 4 << 20, "", "1:1: the file is empty");
}
END_TEST

/* As many as fit in a file. */
START_TEST(many)
{
	static const char head[] = "kvasir: 1\n";

	refused_many(head, "a: 1\n", 800000, "",
	    "2:1: unknown section 'a'; there are: kvasir, title, about, "
	    "source, param, machine, layout, image, arenas, objects, pools, "
	    "spaces, kstacks, residents, tlb, actors, work, explore, metrics, "
	    "sample, "
	    "check, inject, expect, plot");
	refused_many("kvasir: 1\nx: [", "&a x,", 800000, "]",
	    "2:5: anchors (&NAME) are not part of the language");
	refused_many("kvasir: 1\nx: [&a x", ",*a", 1300000, "]",
	    "2:5: anchors (&NAME) are not part of the language");
	refused_many("kvasir: 1\nexpect:\n", " - a+b+c+d+e+f+g\n", 240000, "",
	    "3:4: unknown name 'a'");
	refused_many("kvasir: 1\nwork:\n", " - drian: {}\n", 300000, "",
	    "3:4: unknown step 'drian'; did you mean 'drain'?");
	refused_many("kvasir: 1\nexpect: ['", "1+", 2000000, "1']",
	    "2:11: an expression has at most 4000 characters");
	refused_many("kvasir: 1\nexpect: ['", "(", 3900, "1']",
	    "2:111: nested too deeply (100 levels at most), not '('");
	refused_many("kvasir: 1\nkstacks: {policy: freebsd-16}\nwork: [",
	    "{repeat: {times: 1000, steps: [", 8,
	    "{drain: {}}]}}]}}]}}]}}]}}]}}]}}]}}]",
	    "3:180: repeated, these are more than 1000000 steps");
}
END_TEST

/* One character more than an expression may have. */
START_TEST(too_long)
{
	refused_many("kvasir: 1\nparam:\n  a: 100", "+1", 1999, "",
	    "3:6: an expression has at most 4000 characters");
}
END_TEST

START_TEST(parameters)
{
	char *data = malloc(100000), *at = data;
	unsigned i;

	at += sprintf(at, "kvasir: 1\nparam:\n");
	for (i = 0; i < 1001; i++)
		at += sprintf(at, " p%u: 1\n", i);
	refused(data, (size_t)(at - data),
	    "1003:2: 'p1000' is one too many: 1000 parameters at most");
	/* a circle of all of them */
	at = data + sprintf(data, "kvasir: 1\nparam:\n");
	for (i = 0; i < 1000; i++)
		at += sprintf(at, " p%03u: p%03u\n", i, (i + 1) % 1000);
	refused(data, (size_t)(at - data),
	    "1002:8: parameters depend on one another in a circle: "
	    "p000 -> p001 -> p002 -> p003 -> p004 -> p005 -> p006 -> p007 -> "
	    "p008 -> p009 -> p010 -> p011 -> p012 -> p013 -> p014 -> p015 -> "
	    "p016 -> p017 -> p018 -> p019 -> p020 -> p021 -> p022 -> p023 -> "
	    "p000");
	free(data);
}
END_TEST

#define NOT_TEXT "does not belong in a text (UTF-8, no control characters)"
#define REFUSED(data, message) refused(data, sizeof(data) - 1, message)

START_TEST(no_text)
{
	REFUSED("kvasir: 1\ntitle: a\0b\n", "2:9: byte 0x00 " NOT_TEXT);
	REFUSED("kvasir: 1\ntitle: \x80\n", "2:8: byte 0x80 " NOT_TEXT);
	REFUSED("title: \xc3\xa9\xff\n", "1:9: byte 0xff " NOT_TEXT);
	REFUSED("title: \xc0\x80\n", "1:8: byte 0xc0 " NOT_TEXT);
	REFUSED("title: \xed\xa0\x80\n", "1:8: byte 0xed " NOT_TEXT);
	REFUSED("title: \xf4\x90\x80\x80\n", "1:8: byte 0xf4 " NOT_TEXT);
	REFUSED("title: \xe2\x82", "1:8: byte 0xe2 " NOT_TEXT);
	REFUSED("title: \x1b[31m\n", "1:8: byte 0x1b " NOT_TEXT);
	REFUSED("title: a\rabout: b\n", "1:9: byte 0x0d " NOT_TEXT);
	REFUSED("\xff\xfek\0v\0", "1:1: byte 0xff " NOT_TEXT);
	REFUSED("title: \xe2\x80\xa8\n", "1:8: byte 0xe2 " NOT_TEXT);
	REFUSED("", "1:1: the file is empty");
	REFUSED("# only this\n", "1:1: the file is empty");
	REFUSED("kvasir: 1\ntitle: \"\\0\"\n", "2:8: a text cannot hold \\0");
	REFUSED("kvasir: 1\n\x1f\x8b", "2:1: byte 0x1f " NOT_TEXT);
	REFUSED("\x1f\x8b", " truncated gzip data");
	/* a byte order mark and CR LF are both fine */
	REFUSED("\xef\xbb\xbfkvasir: 1\r\nx: 1\r\n",
	    "2:1: unknown section 'x'; there are: kvasir, title, about, "
	    "source, param, machine, layout, image, arenas, objects, pools, "
	    "spaces, kstacks, residents, tlb, actors, work, explore, metrics, "
	    "sample, "
	    "check, inject, expect, plot");
}
END_TEST

static uint64_t random_state;

static unsigned
rnd(unsigned below)
{
	random_state =
	    random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % below;
}

static void
try(const char *data, size_t size)
{
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;
	FILE *f = fopen(path, "wb");
	int error;

	fwrite(data, 1, size, f);
	fclose(f);
	error = kv_scenario_load(path, NULL, 0, &sc, &errors);
	ck_assert_int_eq(error != 0, errors.count != 0);
	kv_scenario_free(sc);
	kv_errors_fini(&errors);
}

/* Noise, and a scenario with a few bytes changed: always an answer. */
START_TEST(noise)
{
	static const char good[] =
	    "kvasir: 1\nparam: {a: [1, 2], b: \"a ? 1 : 2\"}\n"
	    "machine: {domains: 2, memory: [{start: 16M, size: 64M}]}\n"
	    "kstacks: {policy: freebsd-16, pages: 2 * b}\n"
	    "arenas: {x: {parent: y}, y: {base: 1M, size: 1M}}\n"
	    "work:\n  - repeat: {times: a, steps: [{spawn: {count: a}}]}\n"
	    "  - alloc: {arena: x, size: 4K, as: z}\n  - free: {name: z}\n"
	    "metrics: {m: kstack.live + 1}\nexpect: [m <= 5, 'm > a']\n";
	static const char bytes[] = "[]{}:,-?&*!|>'\"%@`# \n\tab01+/()<=~";
	char data[sizeof(good)];
	unsigned i, j;

	random_state = 2026;
	try(good, sizeof(good) - 1);
	for (i = 0; i < 3000; i++) {
		memcpy(data, good, sizeof(good));
		for (j = rnd(4); j != ~0u; j--)
			data[rnd(sizeof(good) - 1)] =
			    bytes[rnd(sizeof(bytes) - 1)];
		try(data, sizeof(good) - 1 - rnd(3) * rnd(300));
	}
	for (i = 0; i < 500; i++) {
		for (j = 0; j < sizeof(data); j++)
			data[j] =
			    (char)(i % 2 == 0
				       ? rnd(256)
				       : (unsigned char)
					     bytes[rnd(sizeof(bytes) - 1)]);
		try(data, sizeof(data));
	}
}
END_TEST

START_TEST(unreadable)
{
	struct kv_errors errors = {0};
	struct kv_scenario *sc = NULL;

	ck_assert_int_eq(
	    kv_scenario_load("/nowhere/x.yaml", NULL, 0, &sc, &errors), EINVAL);
	ck_assert_str_eq(
	    errors.list[0].text, "/nowhere/x.yaml: No such file or directory");
	/* the same again is an error again */
	ck_assert_int_eq(
	    kv_scenario_load("/nowhere/x.yaml", NULL, 0, &sc, &errors), EINVAL);
	ck_assert_ptr_null(sc);
	kv_errors_fini(&errors);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {files, nested, large, many, too_long,
	    parameters, no_text, noise, unreadable};
	Suite *s = suite_create("scenario_broken");
	TCase *tc = tcase_create("scenario_broken");
	size_t i;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, TIMEOUT);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
