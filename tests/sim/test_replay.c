/* SPDX-License-Identifier: BSD-2-Clause */
/* test_replay.c - recordings through policies, and what is looked at */
#include <stdio.h>

#include "input.h"
#include "kvtest.h"
#include "out/log.h"
#include "run/replay.h"

#define RECORDING KV_TESTS "/../scenarios/linux-6.18-forks.perf.txt.gz"
#define MAGIC "# kvasir threads 1\n"

static struct kv_thread_trace trace;
static struct kv_replay_config cfg;
static struct kv_replay replay;

static void
setup(void)
{
	kv_log_setup(-1, KV_WHEN_NEVER, KV_WHEN_NEVER);
	cfg = (struct kv_replay_config){
	    .trace = &trace,
	    .machine = kv_machine_find("amd64"),
	    .audit = 1,
	};
}

static void
teardown(void)
{
	kv_replay_fini(&replay);
	kv_thread_trace_fini(&trace);
	input_remove();
}

static void
load(const char *path)
{
	struct kv_errors errors = {0};

	ck_assert_int_eq(kv_thread_trace_read(path, true, &trace, &errors), 0);
	kv_errors_fini(&errors);
}

static void
run(const char *policy)
{
	kv_replay_fini(&replay);
	ck_assert_int_eq(
	    kv_replay_run(&cfg, kv_policy_find(policy), &replay), 0);
	ck_assert_msg(!replay.violated && !replay.panicked, "%s I%u: %s",
	    replay.diag.module, replay.diag.invariant, replay.diag.text);
}

static uint64_t
figure(const struct kv_moment *m, const char *name)
{
	const struct kv_metric *x = kv_metrics_find(&m->metrics, name);

	ck_assert_msg(x != NULL, "no %s", name);
	return x->u;
}

/* What 1500 stacks cost before anything happens: by arithmetic, the linear
 * scheme spreads 7500 pages over 15 reservations of 512; D38852 puts 6000
 * pages into chunks of 2044, each chunk 3 full reservations and a fourth. */
static const struct {
	const char *policy;
	uint64_t full, partial, unused;
} residents[] = {
    {"freebsd-linear", 0, 15, 15 * 512 - 6000},
    {"freebsd-d38852", 9, 3, 12 * 512 - 6000},
    {"freebsd-16", 0, 0, 0},
};

START_TEST(residents_alone)
{
	load(input_file(""));
	cfg.resident = 1500;
	run(residents[_i].policy);
	ck_assert_uint_eq(figure(&replay.end, "kstack.live"), 1500);
	ck_assert_uint_eq(
	    figure(&replay.end, "reserv.full"), residents[_i].full);
	ck_assert_uint_eq(
	    figure(&replay.end, "reserv.partial"), residents[_i].partial);
	ck_assert_uint_eq(
	    figure(&replay.end, "reserv.unused_pages"), residents[_i].unused);
	ck_assert_uint_eq(
	    figure(&replay.peak, "reserv.unused_pages"), residents[_i].unused);
	ck_assert_uint_eq(figure(&replay.end, "kstack.phys_contiguous"), 1500);
}
END_TEST

START_TEST(recording)
{
	load(RECORDING);
	cfg.resident = 1500;
	cfg.audit = 2;
	run(residents[_i].policy);
	ck_assert_uint_eq(figure(&replay.peak, "kstack.live"), 1550);
	ck_assert_uint_eq(figure(&replay.end, "kstack.live"), 1501);
	ck_assert_uint_eq(figure(&replay.end, "kstack.created"), 3880);
	ck_assert_uint_eq(figure(&replay.end, "kstack.failed"), 0);
	ck_assert_uint_eq(figure(&replay.end, "guard.mapped"), 0);
}
END_TEST

/* ---- The same by a driver that looks for its stacks ------------------- */

/* A trace of n random births and deaths of a few threads. */
static const char *
random_trace(unsigned seed, unsigned n)
{
	static char text[200000];
	uint64_t x = seed;
	size_t size = (size_t)sprintf(text, MAGIC);

	for (unsigned i = 0; i < n; i++) {
		unsigned tid, pages;

		x = x * 6364136223846793005u + 1442695040888963407u;
		tid = (unsigned)(x >> 33) % 600;
		pages = (x >> 45) % 8 == 0 ? (unsigned)(x >> 50) % 32 + 1 : 4;
		size += (size_t)sprintf(text + size, "%u 0 %s %u pages=%u\n", i,
		    (x >> 60) % 2 == 0 ? "fork" : "exit", tid, pages);
	}
	return input_file(text);
}

static void
dispose_by_address(struct kv_world *w, kv_va_t ks)
{
	struct kv_diag diag;
	size_t i = 0;

	while (w->stacks[i].ks != ks)
		ck_assert_uint_lt(++i, w->nstacks);
	ck_assert_int_eq(kv_world_dispose(w, i, &diag), 0);
}

static void
drive_plainly(struct kv_world *w)
{
	kv_va_t *ks = calloc(trace.nthreads, sizeof(*ks));

	for (unsigned i = 0; i < cfg.resident; i++) {
		ck_assert_int_eq(kv_world_spawn(w, 0, 0), 0);
		kv_world_note_usage(w);
	}
	for (size_t i = 0; i < trace.nops; i++) {
		const struct kv_thread_op *op = &trace.ops[i];

		if (op->what == KV_THREAD_EXIT) {
			dispose_by_address(w, ks[op->thread]);
		} else {
			ck_assert_int_eq(kv_world_spawn(w, op->npages, 0), 0);
			ks[op->thread] = w->stacks[w->nstacks - 1].ks;
		}
		kv_world_note_usage(w);
	}
	free(ks);
}

static void
ck_metrics_eq(const struct kv_metrics *a, const struct kv_metrics *b)
{
	ck_assert_uint_gt(a->count, 20);
	ck_assert_uint_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct kv_metric *x = &a->list[i];
		const struct kv_metric *y = kv_metrics_find(b, x->name);

		ck_assert_ptr_nonnull(y);
		ck_assert_msg(x->u == y->u && x->i == y->i && x->r == y->r,
		    "%s", x->name);
		if (x->kind == KV_METRIC_TEXT)
			ck_assert_str_eq(x->text, y->text);
	}
}

START_TEST(plain_driver_agrees)
{
	struct kv_phys_range range = {KV_REPLAY_MEMORY_START,
	    KV_REPLAY_MEMORY_START + KV_REPLAY_MEMORY, 0};
	const struct kv_policy *p = kv_policy_find(residents[_i % 3].policy);
	struct kv_world_spec spec = {.machine = cfg.machine,
	    .ranges = &range,
	    .nranges = 1,
	    .ndomains = 1,
	    .scheme = p->scheme,
	    .npages = 4,
	    .gpages = 1};
	struct kv_metrics metrics = {0};
	struct kv_world *w;

	load(random_trace((unsigned)_i, 4000));
	cfg.resident = (uint64_t)_i * 50;
	run(p->name);
	ck_assert_int_eq(kv_world_create(&spec, &w), 0);
	drive_plainly(w);
	kv_world_measure(w, &metrics);
	ck_metrics_eq(&metrics, &replay.end.metrics);
	kv_metrics_fini(&metrics);
	kv_world_destroy(w);
}
END_TEST

/* ---- Corners ---------------------------------------------------------- */

/* Memory has room for 65536 stacks: the fork fails, its exit does nothing. */
START_TEST(out_of_memory)
{
	load(input_file(MAGIC "0 0 fork 1\n"
			      "1 0 fork 2\n"
			      "2 0 exit 2\n"
			      "3 0 exit 1\n"));
	cfg.resident = kv_replay_capacity(&cfg);
	ck_assert_uint_eq(cfg.resident, 65536);
	run("freebsd-16");
	ck_assert_uint_eq(figure(&replay.peak, "kstack.live"), 65536);
	ck_assert_uint_eq(figure(&replay.end, "kstack.live"), 65536);
	ck_assert_uint_eq(figure(&replay.end, "kstack.failed"), 2);
}
END_TEST

/* A fork that fails between others must not mix up whose stack is whose. */
START_TEST(out_of_memory_between)
{
	load(input_file(MAGIC "0 0 fork 1\n"
			      "1 0 fork 2\n" /* fails */
			      "2 0 exit 1\n"
			      "3 0 fork 3\n"
			      "4 0 exit 2\n"
			      "5 0 exit 3\n"));
	cfg.resident = kv_replay_capacity(&cfg) - 1;
	cfg.audit = 2;
	run("freebsd-16");
	ck_assert_uint_eq(figure(&replay.end, "kstack.failed"), 1);
	ck_assert_uint_eq(figure(&replay.end, "kstack.live"), 65535);
}
END_TEST

START_TEST(first_of_two_peaks)
{
	load(input_file(MAGIC "0 0 fork 1 pages=8\n"
			      "1 0 fork 2\n"
			      "2 0 exit 1\n"
			      "3 0 fork 3\n"));
	ck_assert_uint_eq(trace.peak, 2);
	run("freebsd-d38852");
	ck_assert_uint_eq(figure(&replay.peak, "map.pages"), 12);
	ck_assert_uint_eq(figure(&replay.end, "map.pages"), 8);
}
END_TEST

START_TEST(two_domains)
{
	load(input_file(MAGIC "0 0 fork 1\n1 1 fork 2 domain=1\n"));
	run("freebsd-d38852");
	ck_assert_uint_eq(
	    figure(&replay.end, "phys.pages"), 2 * KV_REPLAY_MEMORY / 4096);
	ck_assert_uint_eq(figure(&replay.end, "kstack.chunks"), 2);
	ck_assert_uint_eq(figure(&replay.end, "kstack.wrong_domain"), 0);
}
END_TEST

/* ---- Looking ---------------------------------------------------------- */

START_TEST(samples)
{
	static const uint64_t live[] = {10, 12, 14, 12, 10};

	load(input_file(MAGIC "0 0 fork 1\n1 0 fork 2\n2 0 fork 3\n"
			      "3 0 fork 4\n4 0 exit 1\n5 0 exit 2\n"
			      "6.5 0 exit 3\n7.5 0 exit 4\n"));
	cfg.resident = 10;
	cfg.nsamples = 5;
	run("freebsd-d38852");
	ck_assert_uint_eq(replay.timeline.nsamples, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct kv_sample *s = &replay.timeline.samples[i];

		ck_assert_uint_eq(s->op, 2 * i);
		ck_assert_uint_eq(s->live, live[i]);
		ck_assert_uint_eq(s->contiguous, live[i]);
		ck_assert_uint_eq(s->unused_pages, 512 - 4 * live[i]);
		ck_assert_uint_eq(s->cell, i);
		ck_assert_uint_eq(replay.timeline.cells[i].popcnt, 4 * live[i]);
		ck_assert_uint_eq(replay.timeline.cells[i].window, 0);
	}
	ck_assert(replay.timeline.samples[4].seconds == 7.5);
}
END_TEST

/* Three stacks: guards part their KVA, only the linear scheme their frames. */
START_TEST(runs)
{
	bool linear = _i == 0;

	load(input_file(""));
	cfg.resident = 3;
	cfg.nsamples = 2;
	run(residents[_i].policy);
	ck_assert_uint_eq(replay.map_runs.count, 1);
	ck_assert_uint_eq(replay.map_runs.list[0].length, 4);
	ck_assert_uint_eq(replay.map_runs.list[0].pages, 12);
	ck_assert_uint_eq(replay.frame_runs.count, 1);
	ck_assert_uint_eq(replay.frame_runs.list[0].length, linear ? 4 : 12);
	ck_assert_uint_eq(replay.frame_runs.list[0].pages, 12);
}
END_TEST

/* Every reservation stands in the one bin that its pages in use say. */
START_TEST(bins)
{
	load(input_file(""));
	cfg.resident = 1500;
	run("freebsd-d38852");
	/* 1500 = 511 + 511 + 478: the fourth of a chunk holds 508, 508, and
	 * 4 * 478 - 3 * 512 = 376, which is in the sixth eighth. */
	for (unsigned i = 0; i < KV_MOMENT_BINS; i++)
		ck_assert_uint_eq(replay.end.bins[i], i == 8   ? 9u
						      : i == 7 ? 2u
						      : i == 5 ? 1u
							       : 0u);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("replay");
	TCase *t = tcase_create("replay");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, residents_alone, 0, 3);
	tcase_add_loop_test(t, recording, 0, 3);
	tcase_add_loop_test(t, plain_driver_agrees, 0, 6);
	tcase_add_test(t, out_of_memory);
	tcase_add_test(t, out_of_memory_between);
	tcase_add_test(t, first_of_two_peaks);
	tcase_add_test(t, two_domains);
	tcase_add_test(t, samples);
	tcase_add_loop_test(t, runs, 0, 3);
	tcase_add_test(t, bins);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return kv_test_main(suite());
}
