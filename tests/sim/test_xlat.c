/* SPDX-License-Identifier: BSD-2-Clause */
/* test_xlat.c - translation runs, on mappings that fit on a line */
#include "kvtest.h"
#include "run/xlat.h"

static struct kv_xlat x;
static struct kv_lengths l;

static void
clear(void)
{
	kv_xlat_fini(&x);
	kv_lengths_fini(&l);
}

static void
map(uint64_t vpn, uint64_t pfn, uint64_t npages)
{
	kv_xlat_add(&x,
	    &(struct kv_xlat_run){.vpn = vpn, .pfn = pfn, .npages = npages});
}

/* Stacks of 4 pages and a guard, dense in memory: what D38852 makes. */
static void
map_stacks(uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++)
		map(5 * i + 1, 4096 + 4 * i, 4);
}

START_TEST(test_joins)
{
	map(8, 100, 2);
	map(10, 102, 2); /* goes on in both */
	map(12, 105, 1); /* in VA alone */
	map(14, 106, 1); /* in PA alone */
	map(16, 0, 0);	 /* nothing */
	ck_assert_uint_eq(x.count, 3);
	ck_assert_uint_eq(x.list[0].npages, 4);
	kv_xlat_lengths(&x, KV_XLAT_VIRTUAL, 0, &l);
	ck_assert_uint_eq(l.runs, 2);
	ck_assert_uint_eq(l.list[0].npages, 5);
}
END_TEST

START_TEST(test_attributes_part)
{
	kv_xlat_add(&x,
	    &(struct kv_xlat_run){.vpn = 8, .pfn = 8, .npages = 4, .attr = 1});
	kv_xlat_add(
	    &x, &(struct kv_xlat_run){.vpn = 12, .pfn = 12, .npages = 4});
	ck_assert_uint_eq(x.count, 2);
	ck_assert_uint_eq(kv_xlat_coalescable(&x, 4), 8);
	ck_assert_uint_eq(kv_xlat_coalescable(&x, 8), 0);
}
END_TEST

/* A quarter of the stacks of stride 5 lies on a multiple of 4 pages. */
START_TEST(test_stride_of_five)
{
	map_stacks(100);
	ck_assert_uint_eq(x.count, 100);
	ck_assert_uint_eq(kv_xlat_coalescable(&x, 4), 100);
	ck_assert_uint_eq(kv_xlat_coalescable(&x, 16), 0);
	kv_xlat_lengths(&x, KV_XLAT_RANGE, 0, &l);
	ck_assert_uint_eq(l.n, 1); /* one length */
	ck_assert_uint_eq(l.list[0].count, 100);
	ck_assert_uint_eq(kv_lengths_cover(&l, 32), 128);
}
END_TEST

/* Exactly 80 of 100 pages, and one page more than that. */
START_TEST(test_needed)
{
	uint64_t covered;

	map(0, 1000, 50);
	map(60, 0, 30);
	map(100, 2000, 19);
	map(200, 3000, 1);
	kv_xlat_lengths(&x, KV_XLAT_RANGE, 0, &l);
	ck_assert_uint_eq(kv_lengths_needed(&l, 80, &covered), 2);
	ck_assert_uint_eq(covered, 80);
	ck_assert_uint_eq(kv_lengths_needed(&l, 90, &covered), 3);
	ck_assert_uint_eq(covered, 99);
	ck_assert_uint_eq(kv_lengths_needed(&l, 99, &covered), 3);
	ck_assert_uint_eq(kv_lengths_upto(&l, 29), 20);
	ck_assert_uint_eq(kv_lengths_upto(&l, 30), 50);
	/* (2500 + 900 + 361 + 1) / 100 */
	ck_assert(kv_lengths_weighted(&l) == 37.62);
}
END_TEST

START_TEST(test_nothing)
{
	uint64_t covered = 7;

	kv_xlat_lengths(&x, KV_XLAT_SPOT, 0, &l);
	ck_assert_uint_eq(l.runs, 0);
	ck_assert_uint_eq(kv_lengths_needed(&l, 99, &covered), 0);
	ck_assert_uint_eq(covered, 0);
	ck_assert(kv_lengths_weighted(&l) == 0);
	ck_assert_uint_eq(kv_xlat_anchor(&x), 1);
}
END_TEST

/* 3 | 4..7 | 8..11 | 12, 13: at distance 4, page 3 has no anchor. */
START_TEST(test_anchor)
{
	map(3, 103, 11);
	kv_xlat_lengths(&x, KV_XLAT_ANCHOR, 2, &l);
	ck_assert_uint_eq(l.runs, 4);
	ck_assert_uint_eq(l.list[0].npages, 4);
	ck_assert_uint_eq(l.list[0].count, 2);
	ck_assert_uint_eq(l.list[1].npages, 2);
	ck_assert_uint_eq(l.list[2].npages, 1);
}
END_TEST

/* Two pieces of one offset, apart in VA, with another between them. */
START_TEST(test_spot)
{
	map(10, 110, 5);
	map(20, 500, 7);
	map(30, 130, 4);
	kv_xlat_lengths(&x, KV_XLAT_SPOT, 0, &l);
	ck_assert_uint_eq(l.runs, 2);
	ck_assert_uint_eq(l.list[0].npages, 9);
	ck_assert_uint_eq(l.list[1].npages, 7);
}
END_TEST

/* The size of a machine of 1 TiB: no overflow, and it ends at once. */
START_TEST(test_large)
{
	uint64_t covered, pages = UINT64_C(1) << 28;

	map(0, 1, pages);
	kv_xlat_lengths(&x, KV_XLAT_ANCHOR, 1, &l);
	ck_assert_uint_eq(l.runs, pages / 2);
	ck_assert_uint_eq(kv_lengths_needed(&l, 80, &covered), 107374183);
	ck_assert_uint_eq(covered, 214748366); /* 80 % is 214748364.8 */
	ck_assert_uint_eq(kv_xlat_anchor(&x), 16);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("xlat");
	TCase *t = tcase_create("xlat");

	tcase_add_checked_fixture(t, NULL, clear);
	tcase_add_test(t, test_joins);
	tcase_add_test(t, test_attributes_part);
	tcase_add_test(t, test_stride_of_five);
	tcase_add_test(t, test_needed);
	tcase_add_test(t, test_nothing);
	tcase_add_test(t, test_anchor);
	tcase_add_test(t, test_spot);
	tcase_add_test(t, test_large);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
