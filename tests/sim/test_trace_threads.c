/* SPDX-License-Identifier: BSD-2-Clause */
/* test_trace_threads.c - the neutral thread trace, and liveness of threads */
#include <errno.h>
#include <stdio.h>

#include "in/thread_trace.h"
#include "input.h"
#include "kvtest.h"
#include "out/log.h"

#define MAGIC "# kvasir threads 1\n"

static struct kv_thread_trace trace;
static struct kv_errors errors;

static void
setup(void)
{
	kv_log_setup(-1, KV_WHEN_NEVER, KV_WHEN_NEVER);
}

static void
teardown(void)
{
	kv_thread_trace_fini(&trace);
	kv_errors_fini(&errors);
	input_remove();
}

static int
read_text(const char *text)
{
	return kv_thread_trace_read(input_file(text), false, &trace, &errors);
}

START_TEST(all_fields)
{
	ck_assert_int_eq(read_text(MAGIC "# a comment\n"
					 "\n"
					 "0.000001 0 fork 7\n"
					 " 1\t3  fork 8 domain=1 pages=2 \r\n"
					 "1.5 3 fork 9 pages=65535 domain=7\n"
					 "2 3 exit 7 domain=0 pages=4"),
	    0);
	ck_assert_uint_eq(trace.nops, 4);
	ck_assert_uint_eq(trace.ops[0].nsec, 1000);
	ck_assert_uint_eq(trace.ops[0].npages, 0);
	ck_assert_uint_eq(trace.ops[0].domain, 0);
	ck_assert_uint_eq(trace.ops[1].npages, 2);
	ck_assert_uint_eq(trace.ops[1].domain, 1);
	ck_assert_uint_eq(trace.ops[2].npages, 65535);
	ck_assert_uint_eq(trace.ops[3].thread, trace.ops[0].thread);
	ck_assert_uint_eq(trace.ndomains, 8);
	ck_assert_uint_eq(trace.nthreads, 3);
	ck_assert_uint_eq(trace.counts.events, 4);
	/* Nothing here speaks of areas, so nothing is known about the cache. */
	ck_assert_uint_eq(trace.counts.cache_hits, 0);
}
END_TEST

static const struct {
	const char *text;
	unsigned line, column;
} wrong[] = {
    {"# kvasir threads 2\n", 1, 1},
    {"# kvasir trace 1\n", 1, 1},
    {"# kvasir\n", 1, 1},
    {MAGIC "fork 1\n", 2, 1},
    {MAGIC "\n0. 0 fork 1\n", 3, 1},
    {MAGIC "-1 0 fork 1\n", 2, 1},
    {MAGIC "99999999999999999999 0 fork 1\n", 2, 1},
    {MAGIC "0.5 fork 1\n", 2, 5},
    {MAGIC "0.5 4294967296 fork 1\n", 2, 5},
    {MAGIC "0.5 0 spoon 1\n", 2, 7},
    {MAGIC "0.5 0 forks 1\n", 2, 7},
    {MAGIC "0.5 0\n", 2, 6},
    {MAGIC "0.5 0 fork\n", 2, 11},
    {MAGIC "0.5 0 fork 1x\n", 2, 12},
    {MAGIC "0.5 0 fork 0x10\n", 2, 12},
    {MAGIC "0.5 0 fork 4294967296\n", 2, 12},
    {MAGIC "0.5 0 fork 1 domain=8\n", 2, 21},
    {MAGIC "0.5 0 fork 1 domain=\n", 2, 21},
    {MAGIC "0.5 0 fork 1 pages=65536\n", 2, 20},
    {MAGIC "0.5 0 fork 1 pages=0\n", 2, 21},
    {MAGIC "0.5 0 fork 1 pages=4 pages=4\n", 2, 22},
    {MAGIC "0.5 0 fork 1 node=1\n", 2, 14},
    {MAGIC "0.5 0 fork 1 2\n", 2, 14},
};

START_TEST(malformed)
{
	ck_assert_int_eq(read_text(wrong[_i].text), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_msg(errors.list[0].line == wrong[_i].line &&
			  errors.list[0].column == wrong[_i].column,
	    "%s", errors.list[0].text);
	ck_assert_ptr_null(trace.ops);
}
END_TEST

START_TEST(all_errors_at_once)
{
	ck_assert_int_eq(read_text(MAGIC "x\n0.5 0 fork 1\ny\nz\n"), EINVAL);
	ck_assert_uint_eq(errors.count, 3);
}
END_TEST

/* ---- Liveness, against a model that keeps one flag a thread ----------- */

enum { TIDS = 40, EVENTS = 3000 };

struct model {
	bool live[TIDS];
	unsigned nlive, most, lost, nops;
};

static void
model_exit(struct model *m, unsigned tid)
{
	if (!m->live[tid])
		return;
	m->live[tid] = false;
	m->nlive--;
	m->nops++;
}

static void
model_fork(struct model *m, unsigned tid)
{
	m->lost += m->live[tid];
	model_exit(m, tid);
	m->live[tid] = true;
	m->nops++;
	if (++m->nlive > m->most)
		m->most = m->nlive;
}

/* Every fork takes a number that is idle, every exit one that is live. */
static void
check_ops(const struct model *m)
{
	bool live[TIDS] = {false};
	unsigned nlive = 0;

	ck_assert_uint_eq(trace.nops, m->nops);
	for (size_t i = 0; i < trace.nops; i++) {
		const struct kv_thread_op *op = &trace.ops[i];

		ck_assert_uint_lt(op->thread, trace.nthreads);
		ck_assert_int_eq(live[op->thread], op->what == KV_THREAD_EXIT);
		live[op->thread] = op->what == KV_THREAD_FORK;
		nlive = live[op->thread] ? nlive + 1 : nlive - 1;
		if (i + 1 < trace.peak)
			ck_assert_uint_lt(nlive, m->most);
		if (i + 1 == trace.peak)
			ck_assert_uint_eq(nlive, m->most);
	}
	ck_assert_uint_eq(nlive, m->nlive);
}

START_TEST(random_threads)
{
	static char text[EVENTS * 32];
	struct model m = {.nlive = 0};
	uint64_t x = (uint64_t)_i;
	size_t n = (size_t)sprintf(text, MAGIC);

	for (unsigned i = 0; i < EVENTS; i++) {
		unsigned tid, forks = (unsigned)_i % 3 + 1;

		x = x * 6364136223846793005u + 1442695040888963407u;
		tid = (unsigned)(x >> 33) % TIDS;
		if ((x >> 50) % 4 < forks) {
			n += (size_t)sprintf(
			    text + n, "%u 0 fork %u\n", i, tid * 1000003);
			model_fork(&m, tid);
		} else {
			n += (size_t)sprintf(
			    text + n, "%u 0 exit %u\n", i, tid * 1000003);
			model_exit(&m, tid);
		}
	}
	ck_assert_int_eq(read_text(text), 0);
	ck_assert_uint_eq(trace.counts.events, EVENTS);
	ck_assert_uint_eq(trace.counts.lost_exits, m.lost);
	ck_assert_uint_eq(trace.nthreads, m.most);
	check_ops(&m);
}
END_TEST

/* The map of keys grows: all keys keep their numbers. */
START_TEST(keymap)
{
	struct kv_keymap map = {0};

	for (uint64_t key = 0; key < 100000; key++)
		*kv_keymap_at(&map, key << 30) = (uint32_t)key;
	for (uint64_t key = 0; key < 100000; key++)
		ck_assert_uint_eq(*kv_keymap_at(&map, key << 30), key);
	ck_assert_uint_eq(*kv_keymap_at(&map, 12345), 0);
	kv_keymap_fini(&map);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("trace_threads");
	TCase *t = tcase_create("thread trace");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_fields);
	tcase_add_loop_test(
	    t, malformed, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(t, all_errors_at_once);
	tcase_add_loop_test(t, random_threads, 0, 9);
	tcase_add_test(t, keymap);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return kv_test_main(suite());
}
