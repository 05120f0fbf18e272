/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of work in processes: all of them once, whatever ends in between. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvtest.h"
#include "out/jobs.h"

enum { PIECES = 40, BIG = 300000 };

static struct {
	pid_t parent;
	unsigned kept[PIECES], lost[PIECES], seconds;
	bool same;  /* every result was what its piece says */
	bool dies;  /* a piece that 7 divides kills its process */
	bool apart; /* no piece was done here */
	bool again; /* a process did a second piece; known there */
} seen;

/* Longer than a socket takes at once, so that writers wait. */
static void
run(void *arg, size_t i, struct kv_buf *result)
{
	size_t k;

	ck_assert_ptr_eq(arg, &seen);
	if (getpid() == seen.parent)
		seen.apart = false;
	kv_buf_add(result, seen.again ? "2" : "1", 1);
	seen.again = true;
	if (seen.dies && i % 7 == 0)
		kill(getpid(), SIGKILL);
	for (k = 0; k < (i % 3 == 0 ? BIG : 1); k++)
		kv_buf_add(result, i % 2 == 0 ? "even" : "odd!", 4);
	kv_buf_add(result, "", 1);
}

static void
keep(void *arg, size_t i, char *data)
{
	ck_assert_ptr_eq(arg, &seen);
	seen.kept[i]++;
	seen.seconds += data[0] == '2';
	seen.same = seen.same &&
		    strlen(data) == 1 + (size_t)(i % 3 == 0 ? BIG : 1) * 4 &&
		    strncmp(data + 1, i % 2 == 0 ? "even" : "odd!", 4) == 0;
	free(data);
}

static void
lost(void *arg, size_t i, int status)
{
	ck_assert_ptr_eq(arg, &seen);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	seen.lost[i]++;
}

static int
work(size_t count, size_t nprocesses, size_t batch, bool apart, bool dies,
    bool takes_losses)
{
	const struct kv_jobs jobs = {.what = "test",
	    .count = count,
	    .nprocesses = nprocesses,
	    .batch = batch,
	    .apart = apart,
	    .run = run,
	    .keep = keep,
	    .lost = takes_losses ? lost : NULL,
	    .arg = &seen};

	memset(&seen, 0, sizeof(seen));
	seen.parent = getpid();
	seen.same = seen.apart = true;
	seen.dies = dies;
	return kv_jobs_run(&jobs);
}

/* A process does many pieces, but where each has one of its own. */
START_TEST(every_piece_is_done_once)
{
	size_t n, batch, i;

	for (n = 2; n <= 5; n++)
		for (batch = 1; batch <= PIECES; batch *= 3) {
			ck_assert_int_eq(
			    work(PIECES, n, batch, false, false, false), 0);
			for (i = 0; i < PIECES; i++)
				ck_assert_uint_eq(seen.kept[i], 1);
			ck_assert(seen.same && seen.apart);
			ck_assert_uint_ge(seen.seconds, PIECES - n);
		}
	for (n = 1; n <= 5; n++) {
		ck_assert_int_eq(work(PIECES, n, 1, true, false, false), 0);
		for (i = 0; i < PIECES; i++)
			ck_assert_uint_eq(seen.kept[i], 1);
		ck_assert(seen.same && seen.apart);
		ck_assert_uint_eq(seen.seconds, 0);
	}
}
END_TEST

START_TEST(one_process_is_this_one)
{
	ck_assert_int_eq(work(3, 1, 1, false, false, false), 0);
	ck_assert(!seen.apart && seen.same);
	ck_assert_int_eq(work(0, 4, 1, true, false, false), 0);
	/* One piece does not need four. */
	ck_assert_int_eq(work(1, 4, 1, false, false, false), 0);
	ck_assert(!seen.apart && seen.kept[0] == 1);
}
END_TEST

static void
check_losses(size_t n, size_t batch, bool apart)
{
	size_t i;

	ck_assert_int_eq(work(PIECES, n, batch, apart, true, true), 0);
	for (i = 0; i < PIECES; i++) {
		ck_assert_uint_eq(seen.lost[i], i % 7 == 0);
		ck_assert_uint_eq(seen.kept[i], i % 7 != 0);
	}
	ck_assert(seen.same);
}

START_TEST(what_dies_is_lost_alone)
{
	size_t n, batch;

	for (n = 1; n <= 4; n++) {
		check_losses(n, 1, true);
		for (batch = 1; batch <= PIECES && n > 1; batch *= 3)
			check_losses(n, batch, false);
	}
}
END_TEST

START_TEST(or_ends_all)
{
	ck_assert_int_eq(work(PIECES, 2, 1, true, true, false), ECHILD);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("jobs");
	TCase *tc = tcase_create("jobs");

	tcase_add_test(tc, every_piece_is_done_once);
	tcase_add_test(tc, one_process_is_this_one);
	tcase_add_test(tc, what_dies_is_lost_alone);
	tcase_add_test(tc, or_ends_all);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
