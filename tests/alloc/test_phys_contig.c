/* SPDX-License-Identifier: BSD-2-Clause */
/* test_phys_contig.c - runs, batches and single pages by name, fact by fact */
#include "alloc/physdraw.h"
#include "kvtest.h"

/* ---- Runs -------------------------------------------------------------------
 */

static struct kv_phys *
all_used(void)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 256, 0});

	take(phys, KV_PHYS_DEFAULT, 7);
	take(phys, KV_PHYS_DEFAULT, 7);
	ck_assert_blocks(phys, "");
	return phys;
}

static void
give_run(struct kv_phys *phys, kv_pfn_t pfn, uint64_t npages)
{
	ck_assert_int_eq(kv_phys_free_run(phys, pfn, npages, NULL), 0);
}

/*
 * [6, 12): 6 and 12 first differ in bit 3; the ends 6 (2 pages) and 8..12 (4)
 * are kept back, nothing is between, and they have nothing to join.
 */
START_TEST(fact_10_ends_kept_back)
{
	struct kv_phys *phys = all_used();

	give_run(phys, 6, 6);
	ck_assert_blocks(phys, "1@6 2@8");
	/* [4, 6) joins 6; the result does not reach 8. */
	give_run(phys, 4, 2);
	ck_assert_blocks(phys, "1@6 1@4 2@8");
	done(phys);
}
END_TEST

/* An even page alone is the middle: it is not joined with its free buddy. */
START_TEST(fact_10_middle_is_not_joined)
{
	struct kv_phys *phys = all_used();

	give_run(phys, 5, 1);
	give_run(phys, 4, 1);
	ck_assert_blocks(phys, "0@5 0@4");
	/* An odd one is an end, and is. */
	give_run(phys, 8, 1);
	give_run(phys, 9, 1);
	ck_assert_blocks(phys, "0@5 0@4 1@8");
	done(phys);
}
END_TEST

/* Whole pieces inside a run: [33, 130) = 1 | 2 4 8 16 | 64 | 2. */
START_TEST(fact_10_long_run)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 256, 0});

	take(phys, KV_PHYS_DEFAULT, 7);
	take(phys, KV_PHYS_DEFAULT, 7);
	give_run(phys, 33, 97);
	ck_assert_blocks(phys, "0@33 1@34 1@128 2@36 3@40 4@48 6@64");
	done(phys);
}
END_TEST

/* A start at page 0 has no order of its own: nothing is kept back there. */
START_TEST(fact_10_start_at_page_0)
{
	struct kv_phys *phys = all_used();

	give_run(phys, 4, 4);
	give_run(phys, 0, 4);
	ck_assert_blocks(phys, "2@4 2@0");
	done(phys);
}
END_TEST

/* Own pool, smallest blocks first; the rest of the last one goes back. */
START_TEST(fact_11_batch)
{
	struct kv_phys *phys = all_used();
	kv_pfn_t pfn[32];
	uint64_t got;

	give(phys, 9, 0);
	give(phys, 4, 1);
	give(phys, 64, 4);
	ck_assert_int_eq(
	    kv_phys_alloc_batch(phys, KV_PHYS_DEFAULT, 8, 0, pfn, &got), 0);
	ck_assert_uint_eq(got, 8);
	ck_assert_uint_eq(pfn[0], 9);
	ck_assert_uint_eq(pfn[1], 4);
	ck_assert_uint_eq(pfn[2], 5);
	for (unsigned i = 3; i < 8; i++)
		ck_assert_uint_eq(pfn[i], 64 + i - 3);
	ck_assert_blocks(phys, "0@69 1@70 3@72");
	/* The other pool gives its biggest first; what there is, is kept. */
	ck_assert_int_eq(
	    kv_phys_alloc_batch(phys, KV_PHYS_DIRECT, 9, 0, pfn, &got), 0);
	ck_assert_uint_eq(got, 9);
	ck_assert_uint_eq(pfn[0], 72);
	ck_assert_uint_eq(pfn[8], 70);
	ck_assert_blocks(phys, "0@69 0@71'");
	ck_assert_int_eq(
	    kv_phys_alloc_batch(phys, KV_PHYS_DIRECT, 3, 0, pfn, &got), ENOMEM);
	done(phys);
}
END_TEST

static int
contig(struct kv_phys *phys, uint64_t npages, uint64_t align_pages,
    uint64_t low, uint64_t high)
{
	struct kv_phys_want want = {
	    npages, low << 12, high << 12, align_pages << 12, 0};
	kv_pfn_t pfn = 0;

	ck_assert_int_eq(kv_phys_reserve(phys, 1), 0);
	return kv_phys_take_contig(phys, &want, 0, &pfn) == 0 ? (int)pfn : -1;
}

/* Pages 5..7 would do for [5, 8), but a run begins where a block does. */
START_TEST(fact_12_no_sliding)
{
	struct kv_phys *phys = all_used();

	give(phys, 0, 3);
	ck_assert_int_eq(contig(phys, 3, 1, 5, 256), -1);
	ck_assert_int_eq(contig(phys, 3, 1, 0, 256), 0);
	/* The excess goes to the heads. */
	ck_assert_blocks(phys, "0@3 2@4");
	done(phys);
}
END_TEST

START_TEST(fact_12_excess_at_the_head)
{
	struct kv_phys *phys = all_used();

	give(phys, 20, 0);
	give(phys, 40, 1);
	give(phys, 128, 3);
	ck_assert_int_eq(contig(phys, 5, 1, 0, 256), 128);
	ck_assert_blocks(phys, "0@133 0@20 1@134 1@40");
	done(phys);
}
END_TEST

/* Used blocks and excess change to pool 0: so a freed page of it is there. */
START_TEST(fact_12_pool)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 128, 0});

	take(phys, KV_PHYS_DIRECT, 6);
	ck_assert_blocks(phys, "6@64'");
	ck_assert_int_eq(contig(phys, 40, 1, 0, 128), 64);
	ck_assert_blocks(phys, "3@104 4@112");
	give(phys, 64, 0);
	ck_assert_blocks(phys, "0@64 3@104 4@112");
	done(phys);
}
END_TEST

/* Both segments have one list: the search by the higher one finds the block of
 * the lower one, if that comes first in the queue. */
START_TEST(fact_12_queue_order_decides)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0}, {128, 192, 0});

	ck_assert_int_eq(contig(phys, 8, 1, 0, 192), 0);
	ck_assert_int_eq(contig(phys, 64, 1, 0, 192), 128);
	done(phys);
}
END_TEST

/* More than the largest block: a row of free ones; it slides by whole blocks
 * to meet the alignment. */
START_TEST(fact_12_row_of_blocks)
{
	struct kv_phys *phys = PHYS(&tiny, {128, 1024, 0});

	ck_assert_int_eq(contig(phys, 200, 256, 0, 1024), 256);
	ck_assert_blocks(
	    phys, "3@456 4@464 5@480 7@128 7@512 7@640 7@768 7@896");
	ck_assert_int_eq(contig(phys, 512, 1, 0, 1024), 512);
	ck_assert_int_eq(contig(phys, 129, 1, 0, 1024), -1);
	done(phys);
}
END_TEST

/* The halves without the page go to the heads. */
START_TEST(fact_13_unfree)
{
	struct kv_phys *phys = all_used();

	give(phys, 32, 0);
	give(phys, 64, 3);
	ck_assert_int_eq(kv_phys_unfree(phys, 70), 0);
	ck_assert_blocks(phys, "0@71 0@32 1@68 2@64");
	ck_assert_uint_eq(kv_phys_free_count(phys, 0), 8);
	ck_assert_int_eq(kv_phys_unfree(phys, 70), ENOENT);
	ck_assert_int_eq(kv_phys_unfree(phys, 4000), ENOENT);
	done(phys);
}
END_TEST

/* An allocation of n needs limit + n. */
START_TEST(fact_14_limit)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0});
	kv_pfn_t pfn[64];
	uint64_t got;

	kv_phys_set_limit(phys, 0, 33);
	ck_assert_int_eq(
	    kv_phys_alloc(phys, KV_PHYS_DEFAULT, 5, 0, pfn), ENOMEM);
	ck_assert_int_eq(
	    kv_phys_alloc_batch(phys, KV_PHYS_DEFAULT, 32, 0, pfn, &got),
	    ENOMEM);
	ck_assert_blocks(phys, "6@0");
	ck_assert_int_eq(
	    kv_phys_alloc_batch(phys, KV_PHYS_DEFAULT, 31, 0, pfn, &got), 0);
	ck_assert_int_eq(
	    kv_phys_alloc(phys, KV_PHYS_DEFAULT, 0, 0, pfn), ENOMEM);
	kv_phys_set_limit(phys, 0, 0);
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 5), 32);
	/* More to leave than there is: no wrap. */
	kv_phys_set_limit(phys, 0, UINT64_MAX);
	ck_assert_int_eq(
	    kv_phys_alloc(phys, KV_PHYS_DEFAULT, 0, 0, pfn), ENOMEM);
	done(phys);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("runs of pages");
	TCase *t = tcase_create("facts");

	tcase_add_test(t, fact_10_ends_kept_back);
	tcase_add_test(t, fact_10_middle_is_not_joined);
	tcase_add_test(t, fact_10_long_run);
	tcase_add_test(t, fact_10_start_at_page_0);
	tcase_add_test(t, fact_11_batch);
	tcase_add_test(t, fact_12_no_sliding);
	tcase_add_test(t, fact_12_excess_at_the_head);
	tcase_add_test(t, fact_12_pool);
	tcase_add_test(t, fact_12_queue_order_decides);
	tcase_add_test(t, fact_12_row_of_blocks);
	tcase_add_test(t, fact_13_unfree);
	tcase_add_test(t, fact_14_limit);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
