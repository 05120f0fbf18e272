/* SPDX-License-Identifier: BSD-2-Clause */
/* test_host.c - metadata memory: figures, failure on demand */
#include <errno.h>
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

/* 0 libc, 1 jemalloc (libc where it is not built in), 2 the default */
static void
host_open(struct kv_host *host, int kind)
{
	if (kind == 2)
		kv_host_default(host);
	else if (kind == 0 || kv_host_jemalloc(host) != 0)
		kv_host_libc(host);
	ck_assert_uint_eq(host->bytes, 0);
	ck_assert_uint_eq(host->calls, 0);
}

START_TEST(figures)
{
	struct kv_host host;
	unsigned char *p, *q;

	host_open(&host, _i);
	p = kv_host_zalloc(&host, 10, 100);
	ck_assert_ptr_nonnull(p);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_uint_eq(p[i], 0);
	memset(p, 0xa5, 1000);
	ck_assert_uint_eq(host.bytes, 1000);
	p = kv_host_resize(&host, p, 1000, 5000); /* grow */
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p[999], 0xa5);
	ck_assert_uint_eq(host.bytes, 5000);
	q = kv_host_resize(&host, NULL, 0, 8);
	ck_assert_ptr_nonnull(q);
	ck_assert_uint_eq(host.calls, 3);
	p = kv_host_resize(&host, p, 5000, 500); /* shrink: no call */
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p[499], 0xa5);
	ck_assert_uint_eq(host.bytes, 508);
	kv_host_free(&host, p, 5, 100);
	kv_host_free(&host, q, 1, 8);
	kv_host_free(&host, NULL, 1, 8);
	ck_assert_uint_eq(host.bytes, 0);
	ck_assert_uint_eq(host.peak, 5008);
	ck_assert_uint_eq(host.calls, 3);
	kv_host_fini(&host);
}
END_TEST

START_TEST(fails_once_at_n)
{
	struct kv_host host;
	unsigned char *p, *q;

	host_open(&host, _i);
	p = kv_host_zalloc(&host, 1, 64);
	ck_assert_ptr_nonnull(p);
	memset(p, 7, 64);
	kv_host_fail_at(&host, 2);
	q = kv_host_zalloc(&host, 1, 64);
	ck_assert_ptr_nonnull(q);
	ck_assert_ptr_nonnull(p = kv_host_resize(&host, p, 64, 32));
	ck_assert_ptr_null(kv_host_resize(&host, p, 32, 640));
	ck_assert_uint_eq(p[31], 7); /* the old block is unchanged */
	ck_assert_uint_eq(host.bytes, 96);
	ck_assert_uint_eq(host.peak, 128);
	ck_assert_uint_eq(host.calls, 3);
	ck_assert_ptr_nonnull(p = kv_host_resize(&host, p, 32, 640));
	kv_host_fail_at(&host, 1);
	kv_host_fail_at(&host, 0);
	kv_host_free(&host, q, 1, 64);
	ck_assert_ptr_nonnull(q = kv_host_zalloc(&host, 1, 64));
	kv_host_free(&host, p, 1, 640);
	kv_host_free(&host, q, 1, 64);
	ck_assert_uint_eq(host.bytes, 0);
	kv_host_fini(&host);
}
END_TEST

START_TEST(impossible_sizes)
{
	struct kv_host host;

	host_open(&host, _i);
	ck_assert_ptr_null(kv_host_zalloc(&host, SIZE_MAX / 2 + 1, 2));
	ck_assert_ptr_null(kv_host_zalloc(&host, SIZE_MAX, SIZE_MAX));
	ck_assert_ptr_null(kv_host_zalloc(&host, 0, 8));
	ck_assert_uint_eq(host.bytes, 0);
	ck_assert_uint_eq(host.peak, 0);
	kv_host_fini(&host);
}
END_TEST

/* Two hosts share 1000 bytes. */
START_TEST(budget)
{
	struct kv_budget shared = {.limit = 1000};
	struct kv_host a, b;
	unsigned char *p, *q;

	host_open(&a, _i);
	host_open(&b, _i);
	a.budget = b.budget = &shared;
	ck_assert_ptr_nonnull(p = kv_host_zalloc(&a, 1, 600));
	memset(p, 7, 600);
	ck_assert_ptr_null(kv_host_zalloc(&b, 1, 401));
	ck_assert_ptr_nonnull(q = kv_host_zalloc(&b, 1, 400));
	ck_assert_uint_eq(shared.bytes, 1000);
	ck_assert_ptr_null(kv_host_resize(&a, p, 600, 601));
	ck_assert_uint_eq(p[599], 7);
	ck_assert_uint_eq(shared.bytes, 1000);
	ck_assert_ptr_nonnull(p = kv_host_resize(&a, p, 600, 100));
	ck_assert_ptr_null(kv_host_resize(&b, q, 400, 901));
	ck_assert_ptr_nonnull(q = kv_host_resize(&b, q, 400, 900));
	kv_host_free(&a, p, 1, 100);
	kv_host_free(&b, q, 1, 900);
	ck_assert_uint_eq(shared.bytes, 0);
	kv_host_fini(&a);
	kv_host_fini(&b);
}
END_TEST

/* Two hosts, one count of draws: the n-th of both is refused, and no other. */
START_TEST(draws_are_counted_together)
{
	struct kv_draws draws = {.refuse = {3, 5}};
	struct kv_host a, b;
	void *p[6];

	host_open(&a, _i);
	host_open(&b, _i);
	a.draws = b.draws = &draws;
	for (unsigned i = 0; i < 6; i++)
		p[i] = kv_host_zalloc(i % 2 == 0 ? &a : &b, 1, 16);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_int_eq(p[i] == NULL, i + 1 == 3 || i + 1 == 5);
		kv_host_free(i % 2 == 0 ? &a : &b, p[i], 1, 16);
	}
	ck_assert_uint_eq(draws.count, 6);
	ck_assert_uint_eq(draws.of[KV_DRAW_METADATA], 6);
	ck_assert_uint_eq(draws.refused, 2);
	draws.off = true;
	ck_assert(!kv_draws_refuse(&draws, KV_DRAW_PAGE));
	ck_assert(!kv_draws_refuse(NULL, KV_DRAW_PAGE));
	ck_assert_uint_eq(draws.count, 6);
	ck_assert_uint_eq(a.bytes + b.bytes, 0);
	kv_host_fini(&a);
	kv_host_fini(&b);
}
END_TEST

static unsigned told;

static void
tell(struct kv_budget *b)
{
	told++;
	b->limit *= 2; /* the call fails all the same */
}

START_TEST(budget_tells)
{
	struct kv_budget shared = {.limit = 100, .exceeded = tell};

	told = 0;
	ck_assert(kv_budget_take(&shared, 0, 100));
	ck_assert(!kv_budget_take(&shared, 50, 51));
	ck_assert_uint_eq(told, 1);
	ck_assert(!kv_budget_take(&shared, 0, UINT64_MAX));
	ck_assert_uint_eq(told, 2);
	ck_assert_uint_eq(shared.bytes, 100);
	kv_budget_give(&shared, 100);
	ck_assert_uint_eq(shared.bytes, 0);
}
END_TEST

/* The system's refusal is no part of the budget. */
START_TEST(budget_of_failed_call)
{
	struct kv_budget shared = {.limit = UINT64_MAX};
	struct kv_host host;

	kv_host_libc(&host);
	host.budget = &shared;
	ck_assert_ptr_null(kv_host_resize(&host, NULL, 0, SIZE_MAX / 2 + 1));
	ck_assert_uint_eq(shared.bytes, 0);
	ck_assert_uint_eq(host.bytes, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("kinds");

	tcase_add_loop_test(t, figures, 0, 3);
	tcase_add_loop_test(t, fails_once_at_n, 0, 3);
	tcase_add_loop_test(t, impossible_sizes, 0, 3);
	tcase_add_loop_test(t, budget, 0, 3);
	tcase_add_test(t, budget_tells);
	tcase_add_test(t, budget_of_failed_call);
	tcase_add_loop_test(t, draws_are_counted_together, 0, 3);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
