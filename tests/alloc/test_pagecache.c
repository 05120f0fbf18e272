/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pagecache.c - single pages through per-CPU buckets
 *
 * 256 MiB in one domain are 65,536 pages: a zone caches 65 (0.1 %), with one
 * CPU in buckets of 65 / 2 / 2 = 16.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

enum { BUCKET = 16, FIRST = 4096 /* page 0 of memory from 16 MiB */ };

struct rig {
	struct kv_host host;
	struct kv_phys *phys;
	struct kv_pagecache *pc;
	struct kv_reserv *rv;
	struct kv_object *obj; /* without reservations */
	uint64_t pages;
};

static struct kv_object *
object_of(struct rig *r, bool colored)
{
	struct kv_object_config cfg = {.name = "o",
	    .size = UINT64_C(1) << 40,
	    .colored = colored,
	    .host = &r->host};
	struct kv_object *obj = NULL;

	ck_assert_int_eq(kv_object_create(&cfg, &obj), 0);
	return obj;
}

static void
rig_open(struct rig *r, uint64_t mib, unsigned ncpus)
{
	struct kv_phys_range memory = {UINT64_C(16) << 20, (16 + mib) << 20, 0};
	struct kv_phys_config phys = {.machine = kv_machine_find("amd64"),
	    .ranges = &memory,
	    .nranges = 1,
	    .ndomains = 1,
	    .host = &r->host};
	struct kv_pagecache_config pc = {.host = &r->host, .ncpus = ncpus};
	struct kv_reserv_config rv = {.host = &r->host};

	kv_host_libc(&r->host);
	ck_assert_int_eq(kv_phys_create(&phys, &r->phys), 0);
	pc.phys = rv.phys = r->phys;
	ck_assert_int_eq(kv_pagecache_create(&pc, &r->pc), 0);
	rv.cache = r->pc;
	ck_assert_int_eq(kv_reserv_create(&rv, &r->rv), 0);
	r->obj = object_of(r, false);
	r->pages = kv_phys_stats(r->phys).free_pages;
}

static void
rig_check(const struct rig *r)
{
	struct kv_diag diag = {0};

	ck_assert_msg(kv_phys_check(r->phys, &diag) == 0 &&
			  kv_pagecache_check(r->pc, &diag) == 0 &&
			  kv_reserv_check(r->rv, &diag) == 0,
	    "%s I%u at %llx: %s", diag.module, diag.invariant,
	    (unsigned long long)diag.address, diag.text);
}

/* Nothing is lost: all memory is free again. */
static void
rig_close(struct rig *r)
{
	kv_pagecache_drain(r->pc);
	rig_check(r);
	ck_assert_uint_eq(kv_pagecache_stats(r->pc).cached, 0);
	ck_assert_uint_eq(kv_phys_stats(r->phys).free_pages, r->pages);
	kv_object_destroy(r->obj);
	kv_reserv_destroy(r->rv);
	kv_pagecache_destroy(r->pc);
	kv_phys_destroy(r->phys);
	ck_assert_uint_eq(r->host.bytes, 0);
}

static kv_pfn_t
take(struct rig *r, kv_pindex_t pindex)
{
	kv_pfn_t pfn = 0;

	ck_assert_int_eq(kv_page_alloc(r->rv, r->obj, pindex, 1, 0, &pfn), 0);
	rig_check(r);
	return pfn;
}

static void
give(struct rig *r, kv_pindex_t pindex)
{
	ck_assert_int_eq(kv_page_free(r->rv, r->obj, pindex, 1, NULL), 0);
	rig_check(r);
}

START_TEST(frames_descend_within_a_batch)
{
	struct rig r;

	rig_open(&r, 256, 1);
	for (unsigned i = 0; i < 2 * BUCKET; i++) {
		kv_pfn_t batch = FIRST + i / BUCKET * BUCKET;

		ck_assert_uint_eq(take(&r, i), batch + BUCKET - 1 - i % BUCKET);
	}
	/* cached pages count as taken */
	ck_assert_uint_eq(
	    kv_phys_stats(r.phys).free_pages, r.pages - 2 * BUCKET);
	take(&r, 99);
	ck_assert_uint_eq(
	    kv_phys_stats(r.phys).free_pages, r.pages - 3 * BUCKET);
	for (unsigned i = 0; i < 2 * BUCKET; i++)
		give(&r, i);
	give(&r, 99);
	rig_close(&r);
}
END_TEST

START_TEST(freed_pages_come_back_last_first)
{
	struct rig r;
	kv_pfn_t a, b;

	rig_open(&r, 256, 1);
	a = take(&r, 0);
	b = take(&r, 1);
	give(&r, 0);
	give(&r, 1);
	ck_assert_uint_eq(take(&r, 2), b);
	ck_assert_uint_eq(take(&r, 3), a);
	give(&r, 2);
	give(&r, 3);
	rig_close(&r);
}
END_TEST

START_TEST(each_cpu_has_its_bucket)
{
	struct rig r;

	rig_open(&r, 256, 2); /* 65 / 4 / 2 = 8 */
	ck_assert_uint_eq(take(&r, 0), FIRST + 7);
	ck_assert_int_eq(kv_pagecache_set_cpu(r.pc, 1), 0);
	ck_assert_uint_eq(take(&r, 1), FIRST + 15);
	give(&r, 0); /* stays with the CPU that freed it */
	ck_assert_uint_eq(take(&r, 2), FIRST + 7);
	ck_assert_int_eq(kv_pagecache_set_cpu(r.pc, 0), 0);
	ck_assert_uint_eq(take(&r, 3), FIRST + 6);
	ck_assert_int_eq(kv_pagecache_set_cpu(r.pc, 2), EINVAL);
	for (unsigned i = 1; i <= 3; i++)
		give(&r, i);
	rig_close(&r);
}
END_TEST

START_TEST(reservations_come_first)
{
	struct rig r;
	struct kv_object *obj;
	kv_pfn_t pfns[4];

	rig_open(&r, 256, 1);
	obj = object_of(&r, true);
	ck_assert_int_eq(kv_page_alloc(r.rv, obj, 4, 4, 0, pfns), 0);
	ck_assert_uint_eq(kv_pagecache_stats(r.pc).imported, 0);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(pfns[i], pfns[0] + i);
	/* what a broken one leaves never came from a cache */
	ck_assert_int_eq(kv_reserv_break(r.rv, obj, NULL), 0);
	ck_assert_int_eq(kv_page_free(r.rv, obj, 4, 4, NULL), 0);
	ck_assert_uint_eq(kv_pagecache_stats(r.pc).cached, 0);
	kv_object_destroy(obj);
	rig_close(&r);
}
END_TEST

START_TEST(pools_have_their_own)
{
	struct rig r;
	kv_pfn_t anon;

	rig_open(&r, 256, 1);
	ck_assert_int_eq(kv_page_alloc_anon(r.rv, 0, &anon), 0);
	ck_assert_uint_eq(kv_phys_pool(r.phys, anon), KV_PHYS_DIRECT);
	ck_assert_uint_ne(take(&r, 0), anon - 1);
	ck_assert_int_eq(kv_page_free_anon(r.rv, anon, NULL), 0);
	ck_assert_int_eq(kv_page_alloc_anon(r.rv, 0, &anon), 0);
	ck_assert_uint_eq(kv_phys_pool(r.phys, anon), KV_PHYS_DIRECT);
	ck_assert_int_eq(kv_page_free_anon(r.rv, anon, NULL), 0);
	give(&r, 0);
	rig_close(&r);
}
END_TEST

START_TEST(memory_runs_out)
{
	struct rig r;
	kv_pindex_t i = 0;
	kv_pfn_t pfn;

	rig_open(&r, 8, 1); /* 2,048 pages: a zone caches 2, nothing waits */
	while (kv_page_alloc(r.rv, r.obj, i, 1, 0, &pfn) == 0)
		i++;
	ck_assert_uint_eq(i, r.pages - kv_pagecache_stats(r.pc).cached);
	ck_assert_uint_eq(kv_pagecache_stats(r.pc).cached, 0);
	rig_check(&r);
	while (i-- != 0)
		ck_assert_int_eq(kv_page_free(r.rv, r.obj, i, 1, NULL), 0);
	rig_close(&r);
}
END_TEST

/* Two objects, with and without reservations, and pages without object; any
 * call for metadata may fail; all comes back in the end. */
START_TEST(random_operations)
{
	enum { SLOTS = 1500 };
	unsigned seed = (unsigned)_i + 1;
	struct rig r;
	struct kv_object *coloured;
	bool live[2][SLOTS] = {{0}};
	kv_pfn_t anon[SLOTS];
	size_t nanon = 0;

	rig_open(&r, 8 + 8 * (uint64_t)_i, 1 + (unsigned)_i % 3);
	coloured = object_of(&r, true);
	for (unsigned n = 0; n < 6000; n++) {
		unsigned x = (unsigned)rand_r(&seed), o = x / 8 % 2;
		struct kv_object *obj = o == 0 ? r.obj : coloured;
		kv_pindex_t p = x / 16 % SLOTS;

		kv_reserv_tick(r.rv, 1);
		kv_pagecache_set_cpu(r.pc, x / 64 % (1 + (unsigned)_i % 3));
		if (x % 29 == 0)
			kv_host_fail_at(&r.host, 1 + x / 512 % 3);
		if (x % 997 == 0)
			kv_pagecache_drain(r.pc);
		if (x % 8 < 6 && !live[o][p])
			live[o][p] =
			    kv_page_alloc(r.rv, obj, p, 1, 0, NULL) == 0;
		else if (x % 8 < 6) {
			ck_assert_int_eq(
			    kv_page_free(r.rv, obj, p, 1, NULL), 0);
			live[o][p] = false;
		} else if (nanon < SLOTS && x % 8 == 6)
			nanon += kv_page_alloc_anon(r.rv, 0, &anon[nanon]) == 0;
		else if (nanon != 0)
			ck_assert_int_eq(
			    kv_page_free_anon(r.rv, anon[--nanon], NULL), 0);
		if (n % 16 == 0)
			rig_check(&r);
	}
	kv_host_fail_at(&r.host, 0);
	while (nanon != 0)
		kv_page_free_anon(r.rv, anon[--nanon], NULL);
	for (kv_pindex_t p = 0; p < SLOTS; p++) {
		if (live[0][p])
			give(&r, p);
		if (live[1][p])
			kv_page_free(r.rv, coloured, p, 1, NULL);
	}
	kv_object_destroy(coloured);
	rig_close(&r);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pagecache");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, frames_descend_within_a_batch);
	tcase_add_test(tc, freed_pages_come_back_last_first);
	tcase_add_test(tc, each_cpu_has_its_bucket);
	tcase_add_test(tc, reservations_come_first);
	tcase_add_test(tc, pools_have_their_own);
	tcase_add_test(tc, memory_runs_out);
	tcase_add_loop_test(tc, random_operations, 0, 6);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
