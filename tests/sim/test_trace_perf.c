/* SPDX-License-Identifier: BSD-2-Clause */
/* test_trace_perf.c - `perf script` text, tidy and untidy */
#include <errno.h>
#include <stdio.h>

#include "in/thread_trace.h"
#include "input.h"
#include "kvtest.h"
#include "out/log.h"

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
read_text(const char *text, bool strict)
{
	return kv_thread_trace_read(input_file(text), strict, &trace, &errors);
}

#define AREA(pid, cpu, size, align, failed)                                  \
	"  sh " #pid " [" #cpu "] 1.5: vmalloc:alloc_vmap_area: "            \
	"va_start: 18446683600726327296 size=" #size " align=" #align        \
	" vstart=0xffffc90000000000 vend=0xffffe8ffffffffff failed=" #failed \
	"\n"
#define FORK(pid, cpu, child)                                              \
	"  sh " #pid " [" #cpu "] 1.5: sched:sched_process_fork: comm=sh " \
	"pid=" #pid " child_comm=sh child_pid=" #child "\n"
#define EXIT(pid)                                                     \
	"  sh " #pid " [000] 1.5: sched:sched_process_exit: comm=sh " \
	"pid=" #pid " prio=120 group_dead=true\n"

/* Every figure of the table in linux-stacks.md 6 that replay counts. */
START_TEST(recording)
{
	const struct kv_thread_counts *c = &trace.counts;

	ck_assert_int_eq(kv_thread_trace_read(KV_TESTS
			     "/../scenarios/linux-6.18-forks.perf.txt.gz",
			     true, &trace, &errors),
	    0);
	ck_assert_uint_eq(c->events, 8381);
	ck_assert_uint_eq(c->forks, 2380);
	ck_assert_uint_eq(c->exits, 2381);
	ck_assert_uint_eq(c->frees, 2327);
	ck_assert_uint_eq(c->areas, 662);
	ck_assert_uint_eq(c->lazy_frees, 631);
	ck_assert_uint_eq(c->fresh_areas, 662);
	ck_assert_uint_eq(c->cache_hits, 1718);
	ck_assert_uint_eq(c->skipped, 0);
	ck_assert_uint_eq(c->garbled, 0);
	ck_assert_uint_eq(c->lost_exits, 0);
	/* 2379 pairs of fork and exit, at most 50 alive at once. */
	ck_assert_uint_eq(trace.nops, 2380 + 2379);
	ck_assert_uint_eq(trace.nthreads, 50);
	ck_assert_uint_eq(trace.ops[0].nsec, 2785944286000);
	/* The very last event is the exit of a task older than the trace. */
	ck_assert_uint_eq(trace.ops[trace.nops - 1].nsec, 2788069308000);
}
END_TEST

/* The tasks alive at once never exceed nthreads, and reach it at peak. */
START_TEST(peak)
{
	size_t live = 0, most = 0, at = 0;

	ck_assert_int_eq(kv_thread_trace_read(KV_TESTS
			     "/../scenarios/linux-6.18-forks.perf.txt.gz",
			     true, &trace, &errors),
	    0);
	for (size_t i = 0; i < trace.nops; i++) {
		live += trace.ops[i].what == KV_THREAD_FORK ? 1 : (size_t)-1;
		ck_assert_uint_le(live, trace.nthreads);
		if (live > most) {
			most = live;
			at = i + 1;
		}
	}
	ck_assert_uint_eq(most, trace.nthreads);
	ck_assert_uint_eq(at, trace.peak);
	ck_assert_uint_eq(live, 2380 - 2379);
}
END_TEST

START_TEST(empty)
{
	ck_assert_int_eq(read_text("", true), 0);
	ck_assert_uint_eq(trace.nops, 0);
	ck_assert_uint_eq(trace.ndomains, 1);
	ck_assert_int_eq(read_text("# captured on : today\n#\n\n", true), 0);
	ck_assert_uint_eq(trace.counts.events, 0);
}
END_TEST

START_TEST(claims)
{
	static const struct {
		const char *about, *text;
		unsigned areas, fresh, hits;
	} rows[] = {
	    {"claimed", AREA(7, 000, 20480, 16384, 0) FORK(7, 000, 8), 1, 1, 0},
	    {"no area", FORK(7, 000, 8), 0, 0, 1},
	    {"other cpu", AREA(7, 000, 20480, 16384, 0) FORK(7, 001, 8), 1, 0,
		1},
	    {"other pid", AREA(7, 000, 20480, 16384, 0) FORK(9, 000, 8), 1, 0,
		1},
	    {"area after", FORK(7, 000, 8) AREA(7, 000, 20480, 16384, 0), 1, 0,
		1},
	    {"claimed once",
		AREA(7, 000, 20480, 16384, 0) FORK(7, 000, 8) FORK(7, 000, 9),
		1, 1, 1},
	    {"two areas, two forks",
		AREA(7, 0, 20480, 16384, 0) AREA(7, 0, 20480, 16384, 0)
		    FORK(7, 0, 8) FORK(7, 0, 9),
		2, 2, 0},
	    {"others between",
		AREA(7, 000, 20480, 16384, 0) EXIT(5) FORK(7, 000, 8), 1, 1, 0},
	    {"a module", AREA(7, 000, 24576, 4096, 0) FORK(7, 000, 8), 0, 0, 1},
	    {"size alone", AREA(7, 000, 20480, 4096, 0) FORK(7, 000, 8), 0, 0,
		1},
	    {"failed", AREA(7, 000, 20480, 16384, 1) FORK(7, 000, 8), 0, 0, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(read_text(rows[i].text, true), 0);
		ck_assert_msg(trace.counts.areas == rows[i].areas &&
				  trace.counts.fresh_areas == rows[i].fresh &&
				  trace.counts.cache_hits == rows[i].hits,
		    "%s", rows[i].about);
		kv_thread_trace_fini(&trace);
	}
}
END_TEST

/* Names may hold blanks, brackets, keys, and what looks like a header. */
START_TEST(odd_names)
{
	static const char *const names[] = {"a b", "kworker/0:1-eve", "x pid=4",
	    "child_pid=3", "1 [0] 1.5: ", "1 [0] 1.5: a:b:", "[0]", ":-1", "",
	    "  ", "=", "a pid=4 prio=1"};
	char text[1024];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *n = names[i];

		snprintf(text, sizeof(text),
		    "%16s  1000 [001] 5.000001: sched:sched_process_fork: "
		    "comm=%s pid=1000 child_comm=%s child_pid=1001\n"
		    "%s 1001 [001] 5.000002: sched:sched_process_exit: "
		    "comm=%s pid=1001 prio=120 group_dead=true\n",
		    n, n, n, n, n);
		ck_assert_int_eq(read_text(text, true), 0);
		ck_assert_msg(trace.nops == 2, "name \"%s\"", n);
		ck_assert_uint_eq(trace.ops[0].nsec, 5000001000);
		ck_assert_uint_eq(trace.ops[1].nsec, 5000002000);
		ck_assert_uint_eq(trace.ops[1].what, KV_THREAD_EXIT);
		kv_thread_trace_fini(&trace);
	}
}
END_TEST

/* What perf versions and editors leave behind. */
START_TEST(variants)
{
	ck_assert_int_eq(
	    read_text("sh 1 [0] 2.5: sched:sched_process_fork: comm=sh pid=1 "
		      "child_comm=sh child_pid=2\r\n"
		      "\tffffffff810c3b1e kernel_clone+0x9e ([kernel])\n"
		      "\n"
		      "swapper    -1 [001] 2.000000001: "
		      "sched:sched_process_free: comm=sh pid=2 prio=120\n"
		      "sh 2 [0]   2: sched:sched_process_exit: comm=sh pid=2 "
		      "prio=120",
		true),
	    0);
	ck_assert_uint_eq(trace.counts.events, 3);
	ck_assert_uint_eq(trace.counts.frees, 1);
	ck_assert_uint_eq(trace.nops, 2);
	ck_assert_uint_eq(trace.ops[0].nsec, 2500000000);
	ck_assert_uint_eq(trace.ops[1].nsec, 2000000000);
}
END_TEST

START_TEST(lost_exit)
{
	ck_assert_int_eq(
	    read_text(FORK(1, 0, 2) FORK(1, 0, 2) EXIT(2), true), 0);
	ck_assert_uint_eq(trace.counts.forks, 2);
	ck_assert_uint_eq(trace.counts.lost_exits, 1);
	ck_assert_uint_eq(trace.nops, 4); /* the lost one is made up for */
	ck_assert_uint_eq(trace.nthreads, 1);
}
END_TEST

START_TEST(unknown_exit)
{
	ck_assert_int_eq(read_text(EXIT(3) FORK(1, 0, 2) EXIT(3), true), 0);
	ck_assert_uint_eq(trace.counts.exits, 2);
	ck_assert_uint_eq(trace.nops, 1);
}
END_TEST

START_TEST(other_events)
{
	ck_assert_int_eq(
	    read_text("sh 1 [0] 1.0: sched:sched_switch: prev_pid=1\n"
		      "sh 1 [0] 1.0:     250000 cpu-clock:pppH:  ffffffff81\n"
		      "sh 1 [0] 1.0: vmalloc:purge_vmap_area_lazy: "
		      "start=0xffffc90000000000 end=0xffffc90000100000 "
		      "num_purged=51\n",
		true),
	    0);
	ck_assert_uint_eq(trace.counts.skipped, 2);
	ck_assert_uint_eq(trace.counts.events, 1);
}
END_TEST

static const char *const garbled[] = {"what is this",
    "sh 1 [0] 1.0: sched:sched_process_fork: comm=sh pid=1 child_comm=sh",
    "sh 1 [0] 1.0: sched:sched_process_fork: child_pid=12x",
    "sh 1 [0] 1.0: sched:sched_process_fork: child_pid=",
    "sh 1 [0] 1.0: sched:sched_process_fork: child_pid=4294967296",
    "sh 1 [0] 1.0: sched:sched_process_fork:",
    "sh 1 [0] 1.0: sched:sched_process_exit: comm=sh prio=120",
    "sh 1 [0] 1.0: vmalloc:alloc_vmap_area: va_start: 1 align=1 failed=0",
    "sh 1 [0] 1.x: sched:sched_process_exit: pid=1 prio=1",
    "sh 1 [0 1.0: sched:sched_process_exit: pid=1 prio=1",
    "sh x [0] 1.0: sched:sched_process_exit: pid=1 prio=1",
    "sh1 [0] 1.0: sched:sched_process_exit: pid=1 prio=1",
    "1 [99999999999999999999] 1.0: sched:sched_process_exit: pid=1 prio=1",
    "1 [0] 99999999999999999999.0: sched:sched_process_exit: pid=1 prio=1"};

START_TEST(garbled_lines)
{
	char text[512];

	snprintf(text, sizeof(text), FORK(1, 0, 2) "%s\n" EXIT(2), garbled[_i]);
	ck_assert_int_eq(read_text(text, false), 0);
	ck_assert_msg(trace.counts.garbled == 1, "%s", garbled[_i]);
	ck_assert_uint_eq(trace.nops, 2);
	ck_assert_uint_eq(errors.count, 0);
	kv_thread_trace_fini(&trace);
	ck_assert_int_eq(read_text(text, true), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_uint_eq(errors.list[0].line, 2);
	ck_assert_ptr_null(trace.ops);
}
END_TEST

/* A file that is no recording at all is an error, however lenient. */
START_TEST(noise)
{
	ck_assert_int_eq(read_text("\n#\nELF\001\002\n\377\n", false), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_uint_eq(errors.list[0].line, 3);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("trace_perf");
	TCase *t = tcase_create("perf script");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, recording);
	tcase_add_test(t, peak);
	tcase_add_test(t, empty);
	tcase_add_test(t, claims);
	tcase_add_test(t, odd_names);
	tcase_add_test(t, variants);
	tcase_add_test(t, lost_exit);
	tcase_add_test(t, unknown_exit);
	tcase_add_test(t, other_events);
	tcase_add_loop_test(
	    t, garbled_lines, 0, (int)(sizeof(garbled) / sizeof(garbled[0])));
	tcase_add_test(t, noise);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return kv_test_main(suite());
}
