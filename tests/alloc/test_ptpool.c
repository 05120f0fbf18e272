/* SPDX-License-Identifier: BSD-2-Clause */
/* test_ptpool.c - pools of table pages: bump, reclaim, reserve, watermark */
#include <stdlib.h>

#include "alloc/kv.h"
#include "kvtest.h"

enum { SHIFT = 12, PAGE = 1 << SHIFT, BASE = 0x10000 };

static struct kv_host host;
static struct kv_ptpool *pool;

static const struct kv_ptpool_page root = {KV_PTPOOL_SPACE, 1, 0},
				   leaf = {KV_PTPOOL_SPACE, 1, 3},
				   shared = {KV_PTPOOL_TEMPLATE, 2, 2},
				   other = {
				       KV_PTPOOL_GLOBAL, 0, KV_PTPOOL_OTHER};

static void
start(uint64_t capacity, enum kv_ptpool_reclaim reclaim, uint64_t reserve,
    unsigned warn)
{
	const struct kv_ptpool_config cfg = {.name = "pt",
	    .base = BASE,
	    .page_shift = SHIFT,
	    .capacity = capacity,
	    .reclaim = reclaim,
	    .reserve = reserve,
	    .warn = warn,
	    .host = &host};

	kv_host_libc(&host);
	ck_assert_int_eq(kv_ptpool_create(&cfg, &pool), 0);
}

static void
check(void)
{
	struct kv_diag diag = {.text = ""};

	ck_assert_msg(kv_ptpool_check(pool, &diag) == 0, "I%u: %s",
	    diag.invariant, diag.text);
}

static void
stop(void)
{
	check();
	kv_ptpool_destroy(pool);
	ck_assert_uint_eq(host.bytes, 0);
}

static kv_pa_t
get(const struct kv_ptpool_page *want)
{
	kv_pa_t pa = 0;

	ck_assert_int_eq(kv_ptpool_get(pool, want, false, &pa), 0);
	return pa;
}

static int
count(void *arg, kv_pa_t pa, const struct kv_ptpool_page *page)
{
	unsigned *n = arg;

	ck_assert_uint_eq(pa, BASE + *n * (kv_pa_t)PAGE);
	ck_assert_uint_lt(page->depth, KV_PTPOOL_DEPTHS);
	return ++*n == 2 ? 77 : 0;
}

START_TEST(test_bump)
{
	struct kv_ptpool_stats s;
	struct kv_ptpool_page page;
	kv_pa_t pa = 42;
	unsigned n = 0;

	start(4, KV_PTPOOL_NONE, 0, 0);
	ck_assert_uint_eq(get(&root), BASE);
	ck_assert_uint_eq(get(&shared), BASE + PAGE);
	ck_assert_uint_eq(get(&leaf), BASE + 2 * PAGE);
	ck_assert_uint_eq(get(&other), BASE + 3 * PAGE);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, true, &pa), ENOMEM);
	ck_assert_uint_eq(pa, 42);
	s = kv_ptpool_stats(pool);
	ck_assert_uint_eq(s.used, 4);
	ck_assert_uint_eq(s.free, 0);
	ck_assert_uint_eq(s.draws, 4);
	ck_assert_uint_eq(s.failures, 1);
	ck_assert_uint_eq(s.warn_at, 0);
	ck_assert_uint_eq(s.depth[0], 1);
	ck_assert_uint_eq(s.depth[2], 1);
	ck_assert_uint_eq(s.depth[3], 1);
	ck_assert_uint_eq(s.depth[KV_PTPOOL_OTHER], 1);
	ck_assert_uint_eq(s.scope[KV_PTPOOL_SPACE], 2);
	ck_assert_uint_eq(s.scope[KV_PTPOOL_TEMPLATE], 1);
	ck_assert_uint_eq(s.scope[KV_PTPOOL_GLOBAL], 1);
	ck_assert_int_eq(kv_ptpool_whatis(pool, BASE + PAGE, &page), 0);
	ck_assert_int_eq(page.scope, KV_PTPOOL_TEMPLATE);
	ck_assert_uint_eq(page.id, 2);
	ck_assert_int_eq(kv_ptpool_walk(pool, count, &n), 77);
	/* what comes back is used up */
	ck_assert_int_eq(kv_ptpool_put(pool, BASE + 2 * PAGE, NULL), 0);
	ck_assert_int_eq(
	    kv_ptpool_whatis(pool, BASE + 2 * PAGE, &page), ENOENT);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, false, &pa), ENOMEM);
	s = kv_ptpool_stats(pool);
	ck_assert_uint_eq(s.used, 4);
	ck_assert_uint_eq(s.returns, 1);
	ck_assert_uint_eq(s.depth[3], 0);
	check();
	/* until all do */
	kv_ptpool_reset(pool);
	check();
	ck_assert_uint_eq(get(&leaf), BASE);
	s = kv_ptpool_stats(pool);
	ck_assert_uint_eq(s.used, 1);
	ck_assert_uint_eq(s.peak, 4);
	ck_assert_uint_eq(s.draws, 5);
	ck_assert_uint_eq(s.drawn, 1);
	ck_assert_uint_eq(s.resets, 1);
	ck_assert_uint_eq(s.cleared, 4);
	stop();
}
END_TEST

/* Two draws at once: one page, counted twice, and the check says so. */
START_TEST(test_race)
{
	const struct kv_ptpool_config cfg = {.name = "pt",
	    .base = BASE,
	    .page_shift = SHIFT,
	    .capacity = 4,
	    .race = 2,
	    .host = &host};
	struct kv_diag diag;

	kv_host_libc(&host);
	ck_assert_int_eq(kv_ptpool_create(&cfg, &pool), 0);
	ck_assert_uint_eq(get(&root), BASE);
	check();
	ck_assert_uint_eq(get(&leaf), BASE);
	ck_assert_uint_eq(get(&leaf), BASE + PAGE);
	ck_assert_uint_eq(kv_ptpool_stats(pool).draws, 3);
	ck_assert_uint_eq(kv_ptpool_stats(pool).touched, 2);
	ck_assert_int_eq(kv_ptpool_check(pool, &diag), EFAULT);
	kv_ptpool_destroy(pool);
}
END_TEST

START_TEST(test_reclaim)
{
	kv_pa_t a, b;

	start(2, KV_PTPOOL_EMPTY, 0, 0);
	a = get(&root);
	b = get(&leaf);
	ck_assert_int_eq(kv_ptpool_put(pool, a, NULL), 0);
	ck_assert_int_eq(kv_ptpool_put(pool, b, NULL), 0);
	check();
	ck_assert_uint_eq(kv_ptpool_stats(pool).used, 0);
	ck_assert_uint_eq(get(&leaf), b);
	ck_assert_uint_eq(get(&leaf), a);
	ck_assert_uint_eq(kv_ptpool_stats(pool).depth[3], 2);
	ck_assert_uint_eq(kv_ptpool_stats(pool).peak, 2);
	stop();
}
END_TEST

/* A reset takes back what came back, too: the first page is the next one. */
START_TEST(test_reset)
{
	kv_pa_t a, b;

	start(4, _i == 0 ? KV_PTPOOL_EMPTY : KV_PTPOOL_NONE, 0, 0);
	get(&root);
	a = get(&leaf);
	b = get(&leaf);
	ck_assert_int_eq(kv_ptpool_put(pool, b, NULL), 0);
	ck_assert_int_eq(kv_ptpool_put(pool, a, NULL), 0);
	kv_ptpool_reset(pool);
	check();
	ck_assert_uint_eq(kv_ptpool_stats(pool).free, 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(get(&leaf), BASE + i * (kv_pa_t)PAGE);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, false, &a), ENOMEM);
	stop();
}
END_TEST

/* A page that nobody has, or that is none of the pool's. */
START_TEST(test_bad_put)
{
	static const kv_pa_t bad[] = {
	    0, BASE - PAGE, BASE + 1, BASE + PAGE, BASE + 9 * PAGE};
	struct kv_diag diag = {0};

	start(2, KV_PTPOOL_PROMOTE, 0, 0);
	get(&root);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(kv_ptpool_put(pool, bad[i], &diag), EINVAL);
	ck_assert_str_eq(diag.module, "ptpool");
	ck_assert_uint_eq(diag.address, BASE + 9 * PAGE);
	ck_assert_int_eq(kv_ptpool_put(pool, BASE, NULL), 0);
	ck_assert_int_eq(kv_ptpool_put(pool, BASE, NULL), EINVAL);
	stop();
}
END_TEST

/* systems.md 1.5: the page draw at which the line is logged. */
START_TEST(test_warning)
{
	static const struct {
		uint64_t capacity, at;
	} rows[] = {{240, 193}, {3558, 2847}, {5, 5}, {1, 1}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(rows[i].capacity, KV_PTPOOL_NONE, 0, 80);
		for (uint64_t n = 1; n <= rows[i].capacity; n++) {
			get(&leaf);
			ck_assert_uint_eq(kv_ptpool_stats(pool).warn_at,
			    n < rows[i].at ? 0 : rows[i].at);
		}
		stop();
	}
	/* once: draws, not pages, when some came back */
	start(10, KV_PTPOOL_EMPTY, 0, 80);
	for (unsigned n = 0; n < 20; n++)
		ck_assert_int_eq(kv_ptpool_put(pool, get(&leaf), NULL), 0);
	for (unsigned n = 0; n < 10; n++)
		get(&leaf);
	ck_assert_uint_eq(kv_ptpool_stats(pool).warn_at, 29);
	stop();
}
END_TEST

START_TEST(test_reserve)
{
	kv_pa_t pa = 0;

	start(4, KV_PTPOOL_EMPTY, 2, 0);
	get(&leaf);
	get(&leaf);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, false, &pa), ENOMEM);
	ck_assert_uint_eq(kv_ptpool_stats(pool).urgent, 0);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, true, &pa), 0);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, true, &pa), 0);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, true, &pa), ENOMEM);
	ck_assert_uint_eq(kv_ptpool_stats(pool).urgent, 2);
	/* what comes back fills it first */
	ck_assert_int_eq(kv_ptpool_put(pool, pa, NULL), 0);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, false, &pa), ENOMEM);
	ck_assert_int_eq(kv_ptpool_put(pool, BASE, NULL), 0);
	ck_assert_int_eq(kv_ptpool_put(pool, BASE + PAGE, NULL), 0);
	get(&leaf);
	ck_assert_int_eq(kv_ptpool_get(pool, &leaf, false, &pa), ENOMEM);
	stop();
}
END_TEST

START_TEST(test_bad_config)
{
	static const struct kv_ptpool_config bad[] = {{.page_shift = SHIFT},
	    {.page_shift = SHIFT, .capacity = UINT32_MAX},
	    {.page_shift = SHIFT, .capacity = 4, .reserve = 5},
	    {.page_shift = SHIFT, .capacity = 4, .warn = 101},
	    {.page_shift = SHIFT, .capacity = 4, .base = 2048},
	    {.page_shift = 31, .capacity = 4},
	    {.page_shift = SHIFT,
		.capacity = 2,
		.base = UINT64_MAX - (PAGE - 1)}};
	struct kv_ptpool *none = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(kv_ptpool_create(&bad[i], &none), EINVAL);
	ck_assert_ptr_null(none);
	/* the last page of all is one */
	start(1, KV_PTPOOL_NONE, 0, 0);
	stop();
}
END_TEST

/* The n-th allocation of metadata fails, for every n. */
START_TEST(test_no_metadata)
{
	struct kv_ptpool_config cfg = {
	    .name = "pt", .page_shift = SHIFT, .capacity = 1000, .host = &host};
	unsigned failures = 0;
	uint64_t n;

	for (n = 1;; n++) {
		struct kv_ptpool_stats s;
		int error;

		kv_host_libc(&host);
		kv_host_fail_at(&host, n);
		error = kv_ptpool_create(&cfg, &pool);
		if (error != 0) {
			ck_assert_int_eq(error, ENOMEM);
			ck_assert_uint_eq(host.bytes, 0);
			continue;
		}
		failures = 0;
		for (unsigned i = 0; i < cfg.capacity; i++) {
			kv_pa_t pa = 1;

			if (kv_ptpool_get(pool, &leaf, false, &pa) == 0)
				continue;
			failures++;
			ck_assert_uint_eq(pa, 1);
			check();
		}
		s = kv_ptpool_stats(pool);
		ck_assert_uint_eq(s.used, cfg.capacity - failures);
		ck_assert_uint_eq(s.failures, failures);
		stop();
		if (failures == 0)
			break;
	}
	ck_assert_uint_eq(n, 1 + 5 + 1); /* pool; 64, 128, ..., 1000 records */
}
END_TEST

/* fork: as far as the pointer went, page by page, whoever had what. */
START_TEST(test_copy)
{
	struct kv_ptpool_config cfg = {.name = "child",
	    .base = 8 * BASE,
	    .page_shift = SHIFT,
	    .capacity = 4,
	    .reclaim = (enum kv_ptpool_reclaim)_i,
	    .host = &host};
	struct kv_ptpool_page page;
	struct kv_ptpool *child;
	struct kv_ptpool_stats s;
	struct kv_diag diag;
	kv_pa_t pa = 0;

	start(5, cfg.reclaim, 0, 0);
	get(&root);
	get(&shared);
	get(&other);
	get(&leaf);
	ck_assert_int_eq(kv_ptpool_put(pool, BASE + 3 * PAGE, NULL), 0);
	ck_assert_int_eq(kv_ptpool_create(&cfg, &child), 0);
	ck_assert_int_eq(kv_ptpool_get(child, &leaf, false, &pa), 0);
	ck_assert_int_eq(kv_ptpool_copy(child, pool, 7), 0);
	ck_assert_int_eq(kv_ptpool_check(child, &diag), 0);
	s = kv_ptpool_stats(child);
	ck_assert_uint_eq(s.used, kv_ptpool_stats(pool).used);
	ck_assert_uint_eq(s.free, 4 - s.used);
	ck_assert_uint_eq(s.touched, 4);
	ck_assert_uint_eq(s.drawn, 4);
	ck_assert_uint_eq(s.draws, 1);
	ck_assert_uint_eq(s.depth[0] + s.depth[2], 2);
	ck_assert_uint_eq(s.depth[3], 0);
	ck_assert_int_eq(kv_ptpool_whatis(child, 8 * BASE + PAGE, &page), 0);
	ck_assert_int_eq(page.scope, KV_PTPOOL_TEMPLATE);
	ck_assert_uint_eq(page.id, 7);
	ck_assert_int_eq(
	    kv_ptpool_whatis(child, 8 * BASE + 2 * PAGE, &page), 0);
	ck_assert_uint_eq(page.id, 0);
	/* and on from there */
	if (_i == KV_PTPOOL_NONE) {
		ck_assert_int_eq(
		    kv_ptpool_get(child, &leaf, false, &pa), ENOMEM);
	} else {
		ck_assert_int_eq(kv_ptpool_get(child, &leaf, false, &pa), 0);
		ck_assert_uint_eq(pa, 8 * BASE + 3 * PAGE);
	}
	ck_assert_int_eq(kv_ptpool_check(child, &diag), 0);
	/* it must fit */
	get(&leaf);
	if (_i != KV_PTPOOL_NONE)
		get(&leaf);
	ck_assert_int_eq(kv_ptpool_copy(child, pool, 7), ENOSPC);
	kv_ptpool_destroy(child);
	cfg.page_shift = SHIFT + 1;
	ck_assert_int_eq(kv_ptpool_create(&cfg, &child), 0);
	ck_assert_int_eq(kv_ptpool_copy(child, pool, 7), EINVAL);
	kv_ptpool_destroy(child);
	stop();
}
END_TEST

/* No metadata for a copy: the pool is as it was. */
START_TEST(test_copy_no_metadata)
{
	struct kv_ptpool_config cfg = {.name = "child",
	    .page_shift = SHIFT,
	    .capacity = 200,
	    .host = &host};
	struct kv_ptpool *child;

	start(200, KV_PTPOOL_NONE, 0, 0);
	for (unsigned i = 0; i < 130; i++)
		get(&leaf);
	ck_assert_int_eq(kv_ptpool_create(&cfg, &child), 0);
	kv_host_fail_at(&host, 1);
	ck_assert_int_eq(kv_ptpool_copy(child, pool, 7), ENOMEM);
	ck_assert_uint_eq(kv_ptpool_stats(child).used, 0);
	ck_assert_int_eq(kv_ptpool_copy(child, pool, 7), 0);
	ck_assert_uint_eq(kv_ptpool_stats(child).used, 130);
	ck_assert_uint_eq(kv_ptpool_stats(child).copied, 130);
	kv_ptpool_destroy(child);
	stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ptpool");
	TCase *tc = tcase_create("ptpool");

	tcase_add_test(tc, test_bump);
	tcase_add_test(tc, test_race);
	tcase_add_test(tc, test_reclaim);
	tcase_add_loop_test(tc, test_reset, 0, 2);
	tcase_add_test(tc, test_bad_put);
	tcase_add_test(tc, test_warning);
	tcase_add_test(tc, test_reserve);
	tcase_add_test(tc, test_bad_config);
	tcase_add_test(tc, test_no_metadata);
	tcase_add_loop_test(tc, test_copy, 0, KV_PTPOOL_RECLAIMS);
	tcase_add_test(tc, test_copy_no_metadata);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
