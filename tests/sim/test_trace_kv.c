/* SPDX-License-Identifier: BSD-2-Clause */
/* test_trace_kv.c - event logs: written and read again, and what is refused */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in/trace_kv.h"
#include "input.h"
#include "kvtest.h"
#include "out/event_log.h"

#define MAGIC KV_EVENT_LOG_MAGIC "\n"

static struct kv_errors errors;

static void
teardown(void)
{
	kv_errors_fini(&errors);
	input_remove();
}

/* ---- What is written is read ------------------------------------------- */

/* An event of every kind, with every bit in some field. */
static struct kv_event
sample(unsigned kind, unsigned turn)
{
	struct kv_event e = {.kind = (enum kv_event_kind)kind,
	    .source = turn == 0 ? "kernel" : "kstack_object"};

	if (*kv_event_other(e.kind) != '\0')
		e.other = turn == 0 ? "a" : "domain0";
	for (unsigned i = 0; i < 4; i++)
		if (*kv_event_field(e.kind, i) != '\0')
			e.value[i] = turn == 0 ? UINT64_MAX - i
					       : UINT64_C(0x123456789abc) * i;
	return e;
}

static void
write_all(const char *path)
{
	struct kv_event_log *log;
	struct kv_tap tap;

	ck_assert_int_eq(kv_event_log_create(path, &log), 0);
	kv_event_log_head(log, "run", "a b.yaml");
	kv_event_log_head(log, "seed", "7");
	kv_event_log_input(log, "one\n\n  two", 10);
	tap = kv_event_log_tap(log);
	for (unsigned i = 0; i < 2 * KV_EV_COUNT; i++) {
		struct kv_event e = sample(i / 2, i % 2);

		tap.fn(tap.arg, &e);
	}
	ck_assert_int_eq(kv_event_log_close(log, true), 0);
}

static void
read_all(const char *path)
{
	struct kv_event_reader *r;
	struct kv_event got;
	struct kv_text text;
	size_t count;
	int error;

	ck_assert(kv_event_log_recognise(path));
	ck_assert_int_eq(kv_event_reader_open(path, &r, &errors), 0);
	kv_event_reader_head(r, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(kv_event_reader_word(r, "run"), "a b.yaml");
	ck_assert_str_eq(kv_event_reader_word(r, "seed"), "7");
	ck_assert_ptr_null(kv_event_reader_word(r, "audit"));
	kv_event_reader_input(r, &text);
	/* the line "one" is the fourth of the log */
	ck_assert_str_eq(text.data, "\n\n\none\n\n  two\n");
	kv_text_fini(&text);
	for (unsigned i = 0; i < 2 * KV_EV_COUNT; i++) {
		struct kv_event e = sample(i / 2, i % 2);

		ck_assert(kv_event_reader_next(r, &got, &error, &errors));
		ck_assert_uint_eq(kv_event_reader_line(r), i + 7);
		ck_assert_uint_eq(got.kind, e.kind);
		ck_assert_str_eq(got.source, e.source);
		ck_assert_int_eq(got.other == NULL, e.other == NULL);
		if (e.other != NULL)
			ck_assert_str_eq(got.other, e.other);
		ck_assert_mem_eq(got.value, e.value, sizeof(e.value));
	}
	ck_assert(!kv_event_reader_next(r, &got, &error, &errors));
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(kv_event_reader_close(r, &errors), 0);
}

START_TEST(round_trip)
{
	static const char *const names[] = {"kv_log_test", "kv_log_test.gz"};
	const char *path = names[_i];
	FILE *f;

	write_all(path);
	read_all(path);
	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fgetc(f), _i == 0 ? '#' : 0x1f);
	fclose(f);
	remove(path);
}
END_TEST

START_TEST(not_kept)
{
	struct kv_event_log *log;

	ck_assert_int_eq(kv_event_log_create("kv_log_none", &log), 0);
	ck_assert_int_eq(kv_event_log_close(log, false), 0);
	ck_assert_ptr_null(fopen("kv_log_none", "rb"));
	ck_assert_int_eq(kv_event_log_create("no/such/folder", &log), ENOENT);
}
END_TEST

/* ---- What is refused ----------------------------------------------------- */

static const struct refused {
	const char *text, *where, *what;
} refused[] = {
    {"", ":1:1:", "not an event log"},
    {"# kvasir trace 2\n", ":1:1:", "not an event log"},
    {"# kvasir trace 1 \n", ":1:1:", "not an event log"},
    {MAGIC ":\n", ":2:2:", "a word is missing"},
    {MAGIC "vmem.al a va=0x1 size=2\n", ":2:1:", "no such event"},
    {MAGIC "vmem.alloc\n", ":2:11:", "expected a name"},
    {MAGIC "vmem.alloc a\n", ":2:13:", "expected va="},
    {MAGIC "vmem.alloc a size=2 va=0x1\n", ":2:14:", "expected va="},
    {MAGIC "vmem.alloc a va=0x1\n", ":2:20:", "expected size="},
    {MAGIC "vmem.alloc a va=0x1 size=\n", ":2:26:", "not a number"},
    {MAGIC "vmem.alloc a va=-1 size=2\n", ":2:17:", "not a number"},
    {MAGIC "vmem.alloc a va=0x size=2\n", ":2:17:", "not a number"},
    {MAGIC "vmem.alloc a va=0x1ffffffffffffffff size=2\n",
	":2:17:", "not a number"},
    {MAGIC "vmem.alloc a va=0x1 size=18446744073709551616\n",
	":2:26:", "not a number"},
    {MAGIC "vmem.alloc a va=0x1 size=2x\n", ":2:27:", "unexpected text"},
    {MAGIC "vmem.alloc a va=0x1 size=2 more\n", ":2:28:", "unexpected text"},
    {MAGIC "vmem.link a align=1\n", ":2:13:", "expected from="},
    {MAGIC "vmem.link a from= align=1\n", ":2:18:", "expected a name"},
    {MAGIC "run.op run n=1\n: seed 1\n", ":3:1:", "no such event"},
};

START_TEST(garbage)
{
	const struct refused *c = &refused[_i];
	struct kv_event_reader *r = NULL;
	struct kv_event event;
	int error;

	error = kv_event_reader_open(input_file(c->text), &r, &errors);
	if (error == 0)
		while (kv_event_reader_next(r, &event, &error, &errors))
			;
	ck_assert_int_eq(error, EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_ptr_nonnull(strstr(errors.list[0].text, c->where));
	ck_assert_ptr_nonnull(strstr(errors.list[0].text, c->what));
	kv_event_reader_close(r, &errors);
}
END_TEST

/* A log that is cut or damaged anywhere is read or refused, nothing else. */
START_TEST(any_bytes)
{
	const char *line =
	    MAGIC ": run a\n| x\n"
		  "vmem.link kstack0 from=domain0 align=2 slot=3 "
		  "origin=0x4 stride=5\nrun.op run n=1\n";
	size_t size = strlen(line);
	char text[256];

	for (size_t at = 0; at < size; at++)
		for (unsigned c = 1; c < 256; c += 7) {
			struct kv_event_reader *r = NULL;
			struct kv_event event;
			int error;

			memcpy(text, line, size + 1);
			text[at] = (char)c;
			error =
			    kv_event_reader_open(input_file(text), &r, &errors);
			if (error == 0)
				while (kv_event_reader_next(
				    r, &event, &error, &errors))
					ck_assert_ptr_nonnull(event.source);
			kv_event_reader_close(r, &errors);
		}
}
END_TEST

START_TEST(recognised)
{
	ck_assert(kv_event_log_recognise(input_file(MAGIC "x")));
	input_remove();
	ck_assert(!kv_event_log_recognise(input_file("kvasir: 1\n")));
	ck_assert(!kv_event_log_recognise("no such file"));
	ck_assert(!kv_event_log_recognise("-"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trace_kv");
	TCase *t = tcase_create("logs");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_loop_test(t, round_trip, 0, 2);
	tcase_add_test(t, not_kept);
	tcase_add_loop_test(
	    t, garbage, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(t, any_bytes);
	tcase_add_test(t, recognised);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
