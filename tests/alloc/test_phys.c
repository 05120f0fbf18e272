/* SPDX-License-Identifier: BSD-2-Clause */
/* test_phys.c - buddy queues, fact by fact of spec phys.md */
#include "alloc/physdraw.h"
#include "kvtest.h"

/* ---- Layout ----------------------------------------------------------------
 */

START_TEST(fact_05_boot_fill)
{
	struct kv_phys *phys = PHYS(&tiny, {1, 70, 0});

	ck_assert_blocks(phys, "0@1 1@2 1@68 2@4 2@64 3@8 4@16 5@32");
	done(phys);
}
END_TEST

START_TEST(fact_05_boot_fill_largest_blocks)
{
	struct kv_phys *phys = PHYS(&tiny, {96, 420, 0});

	ck_assert_blocks(phys, "2@416 5@96 5@384 7@128 7@256");
	done(phys);
}
END_TEST

/* Neighbours at boot stay apart: [0, 64) and [64, 128) are not joined. */
START_TEST(fact_05_no_merging_at_boot)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0}, {64, 128, 0});

	ck_assert_blocks(phys, "6@0 6@64");
	done(phys);
}
END_TEST

static void
ck_assert_segs(const struct kv_phys *phys, const char *want)
{
	char got[512] = "";
	struct kv_phys_seg seg;

	for (size_t i = 0; kv_phys_seg(phys, i, &seg) == 0; i++)
		sprintf(got + strlen(got), "%s%llx-%llx:d%u:l%u",
		    i == 0 ? "" : " ", (unsigned long long)seg.start >> 20,
		    (unsigned long long)seg.end >> 20, seg.domain, seg.list);
	ck_assert_str_eq(got, want);
}

#define GIB_PAGES(n) ((uint64_t)(n) << 18)

/* Facts 2, 3 in MiB: 16 MiB cuts, 4 GiB cuts only for the third list, which
 * needs more than 64 GiB above. */
START_TEST(facts_02_03_segments)
{
	const struct kv_machine *m = kv_machine_find("amd64");
	struct kv_phys *phys;

	phys = PHYS(m, {256, 4096, 0}, {4096, GIB_PAGES(68), 0});
	ck_assert_segs(phys, "1-10:d0:l1 10-11000:d0:l0");
	done(phys);
	phys = PHYS(m, {256, GIB_PAGES(68) + 1, 0});
	ck_assert_segs(phys, "1-10:d0:l2 10-1000:d0:l1 1000-11000:d0:l0");
	ck_assert_uint_eq(kv_phys_lists(phys), 3);
	done(phys);
	phys = PHYS(m, {256, 4096, 0});
	ck_assert_segs(phys, "1-10:d0:l0");
	done(phys);
	phys = PHYS(m, {4096, 6144, 0}, {6144, 8192, 1}, {9216, 10240, 1});
	ck_assert_segs(phys, "10-18:d0:l0 18-20:d1:l0 24-28:d1:l0");
	done(phys);
}
END_TEST

/* A slot needs all of its pages in one segment. */
START_TEST(fact_06_slots)
{
	struct kv_phys *phys =
	    PHYS(&tiny, {0, 70, 0}, {130, 256, 0}, {256, 320, 1});
	size_t a = 0, b = 0;

	ck_assert_int_eq(kv_phys_slot(phys, 0, &a), 0);
	ck_assert_int_eq(kv_phys_slot(phys, 63, &b), 0);
	ck_assert_uint_eq(a, b);
	ck_assert_int_eq(kv_phys_slot(phys, 64, &a), ENOENT);
	ck_assert_int_eq(kv_phys_slot(phys, 100, &a), ENOENT);
	ck_assert_int_eq(kv_phys_slot(phys, 130, &a), ENOENT);
	ck_assert_int_eq(kv_phys_slot(phys, 200, &a), 0);
	ck_assert_int_eq(kv_phys_slot(phys, 300, &b), 0);
	ck_assert_uint_ne(a, b);
	ck_assert_uint_lt(b, kv_phys_slots(phys));
	done(phys);
}
END_TEST

/* ---- Allocate and free ------------------------------------------------------
 */

/* Keep the lower half; the smallest block that is large enough goes first. */
START_TEST(facts_07_08_split)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 128, 0});

	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 5), 0);
	ck_assert_blocks(phys, "5@32 6@64");
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 3), 32);
	ck_assert_blocks(phys, "3@40 4@48 6@64");
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 6), 64);
	ck_assert_blocks(phys, "3@40 4@48");
	done(phys);
}
END_TEST

/* The other pool's biggest block is taken, and changes pool as a whole. */
START_TEST(fact_07_steal)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 128, 0}, {128, 132, 0});

	ck_assert_blocks(phys, "2@128 7@0");
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 1), 0);
	ck_assert_blocks(phys, "2@128 1@2' 2@4' 3@8' 4@16' 5@32' 6@64'");
	/* Own pool first, though the other's block fits as well. */
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 2), 4);
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 2), 128);
	done(phys);
}
END_TEST

START_TEST(fact_07_steal_and_return)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 128, 0}, {128, 132, 0});

	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 1), 0);
	ck_assert_int_eq(kv_phys_free(phys, 0, 1, NULL), 0);
	ck_assert_blocks(phys, "2@128 7@0'");
	done(phys);
}
END_TEST

/* Boot memory in a pool of its own is stolen, the largest block first; from it
 * before others of that order (phys.md, other versions). */
START_TEST(lazy_init)
{
	struct kv_phys *phys = PHYS_AS(true, &tiny, {1, 200, 0});
	struct kv_phys_want want = {
	    .npages = 8, .high = UINT64_MAX, .align = 1};
	kv_pfn_t pfn;

	ck_assert_uint_eq(kv_phys_pools(phys), 3);
	ck_assert_blocks(
	    phys, "0@1~ 1@2~ 2@4~ 3@8~ 3@192~ 4@16~ 5@32~ 6@64~ 6@128~");
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 0), 64);
	ck_assert_blocks(phys, "0@65 1@66 2@68 3@72 4@80 5@96 "
			       "0@1~ 1@2~ 2@4~ 3@8~ 3@192~ 4@16~ 5@32~ 6@128~");
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 0), 128);
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 5), 96);
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 5), 32);
	give(phys, 64, 0);
	ck_assert_blocks(phys, "5@64 0@129' 1@130' 2@132' 3@136' 4@144' 5@160' "
			       "0@1~ 1@2~ 2@4~ 3@8~ 3@192~ 4@16~");
	/* contiguous runs come out of it first, too */
	ck_assert_int_eq(kv_phys_reserve(phys, 1), 0);
	ck_assert_int_eq(kv_phys_take_contig(phys, &want, 0, &pfn), 0);
	ck_assert_uint_eq(pfn, 8);
	/* what was taken never goes back there */
	ck_assert_int_eq(kv_phys_unfree(phys, 20), 0);
	give(phys, 20, 0);
	give(phys, 32, 5);
	ck_assert_blocks(phys,
	    "4@16 5@64 5@32 0@129' 1@130' 2@132' 3@136' 4@144' 5@160' "
	    "0@1~ 1@2~ 2@4~ 3@192~");
	ck_assert_int_eq(
	    kv_phys_alloc(phys, KV_PHYS_LAZYINIT, 0, 0, &pfn), EINVAL);
	done(phys);
}
END_TEST

/* Low memory comes last: after stealing from the other pool. */
START_TEST(fact_07_low_memory_last)
{
	static const struct kv_machine low = {.name = "low",
	    .page_shift = 12,
	    .reserv_order = 6,
	    .max_order = 7,
	    .lowmem_end = 64 << 12};
	struct kv_phys *phys = PHYS(&low, {0, 192, 0});

	ck_assert_blocks(phys, "6@64 6@128 6@0_");
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 6), 64);
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 5), 128);
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 5), 160);
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 5), 0);
	ck_assert_blocks(phys, "5@32'_");
	done(phys);
}
END_TEST

/* First in, first out: what is freed last is reused last. */
START_TEST(fact_09_fifo)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0});
	kv_pfn_t pfn[64];

	for (int i = 0; i < 64; i++)
		ck_assert_uint_eq(
		    pfn[i] = take(phys, KV_PHYS_DEFAULT, 0), (kv_pfn_t)i);
	give(phys, 40, 0);
	give(phys, 2, 0);
	give(phys, 20, 0);
	ck_assert_blocks(phys, "0@40 0@2 0@20");
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 0), 40);
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 0), 2);
	done(phys);
}
END_TEST

/* The join goes on while the buddy is free as a whole; [0, 8) is not. */
/*
 * A pair of alloc and free does not split and join (buddy.c 2), but leaves
 * what splitting and joining would: the block at the tail, in the pool asked
 * for.  Whoever looks in between sees the halves.
 */
START_TEST(fact_09_pairs)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 384, 0});
	unsigned order = (unsigned)_i;
	kv_pfn_t pfn, again;

	ck_assert_blocks(phys, "7@0 7@128 7@256");
	for (unsigned i = 0; i < 7; i++) {
		ck_assert_int_eq(
		    kv_phys_alloc(phys, KV_PHYS_DEFAULT, order, 0, &pfn), 0);
		ck_assert_uint_eq(pfn, i % 3 * 128);
		ck_assert_int_eq(kv_phys_free(phys, pfn, order, NULL), 0);
	}
	ck_assert_blocks(phys, "7@128 7@256 7@0");
	ck_assert_int_eq(
	    kv_phys_alloc(phys, KV_PHYS_DEFAULT, order, 0, &pfn), 0);
	ck_assert_uint_eq(
	    kv_phys_queued(phys, 0), 384 - (UINT64_C(1) << order));
	ck_assert_int_eq(kv_phys_free(phys, pfn, order, NULL), 0);
	ck_assert_blocks(phys, "7@256 7@0 7@128");
	/* twice freed, and a free of another page, are seen all the same */
	ck_assert_int_eq(kv_phys_free(phys, pfn, order, NULL), EINVAL);
	ck_assert_int_eq(
	    kv_phys_alloc(phys, KV_PHYS_DEFAULT, order, 0, &pfn), 0);
	ck_assert_int_eq(
	    kv_phys_free(phys, pfn + (UINT64_C(1) << order), order, NULL),
	    EINVAL);
	ck_assert_int_eq(
	    kv_phys_alloc(phys, KV_PHYS_DEFAULT, order, 0, &again), 0);
	ck_assert_uint_eq(again, pfn + (UINT64_C(1) << order));
	ck_assert_int_eq(kv_phys_free(phys, pfn, order, NULL), 0);
	ck_assert_int_eq(kv_phys_free(phys, again, order, NULL), 0);
	ck_assert_blocks(phys, "7@0 7@128 7@256");
	done(phys);
}
END_TEST

START_TEST(fact_09_join)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0});

	for (int i = 0; i < 16; i++)
		take(phys, KV_PHYS_DEFAULT, 2);
	give(phys, 4, 2);
	give(phys, 12, 2);
	give(phys, 8, 2);
	ck_assert_blocks(phys, "2@4 3@8");
	give(phys, 0, 2);
	ck_assert_blocks(phys, "4@0");
	done(phys);
}
END_TEST

/* Pages 62 and 63 are buddies of 60 and 61, but in another segment. */
START_TEST(fact_09_join_stops_at_segment)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 62, 0}, {62, 64, 1});

	for (int i = 0; i < 62; i++)
		take(phys, KV_PHYS_DEFAULT, 0);
	give(phys, 61, 0);
	give(phys, 60, 0);
	ck_assert_blocks(phys, "1@60 1@62");
	done(phys);
}
END_TEST

/* The joined block goes to the pool of the block freed last. */
START_TEST(fact_09_pool_retag)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0}, {64, 96, 0});

	/* 32 pages each; pool 1 gets the biggest block. */
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 5), 64);
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 5), 0);
	ck_assert_blocks(phys, "5@32'");
	give(phys, 0, 5);
	ck_assert_blocks(phys, "6@0'");
	/* Now a block of pool 0 joins a free buddy of pool 1. */
	give(phys, 64, 5);
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 6), 0);
	ck_assert_uint_eq(take(phys, KV_PHYS_DEFAULT, 4), 64);
	ck_assert_uint_eq(take(phys, KV_PHYS_DIRECT, 4), 80);
	give(phys, 80, 4);
	ck_assert_blocks(phys, "4@80'");
	give(phys, 64, 4);
	ck_assert_blocks(phys, "5@64");
	done(phys);
}
END_TEST

/* ---- What is refused --------------------------------------------------- */

static const struct {
	kv_pfn_t pfn;
	unsigned order, invariant;
} wrong[] = {
    {5000, 0, 1}, {300, 3, 1}, {1, 1, 1}, {0, 8, 1}, /* not such memory */
    {66, 0, 2}, {64, 2, 2}, {64, 6, 2}, {0, 7, 2},   /* free already */
};

START_TEST(wrong_frees)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 128, 0}, {256, 302, 0});
	struct kv_diag diag = {0};

	while (kv_phys_queued(phys, 0) > 0)
		take(phys, KV_PHYS_DEFAULT, 0);
	give(phys, 66, 0);
	ck_assert_int_eq(
	    kv_phys_free(phys, wrong[_i].pfn, wrong[_i].order, &diag), EINVAL);
	ck_assert_str_eq(diag.module, "phys");
	ck_assert_uint_eq(diag.invariant, wrong[_i].invariant);
	ck_assert_blocks(phys, "0@66");
	done(phys);
}
END_TEST

START_TEST(wrong_runs)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 128, 0}, {128, 192, 1});
	struct kv_diag diag = {0};

	take(phys, KV_PHYS_DEFAULT, 6);
	ck_assert_int_eq(kv_phys_free_run(phys, 0, 0, &diag), EINVAL);
	ck_assert_int_eq(kv_phys_free_run(phys, 60, 5, &diag), EINVAL);
	ck_assert_uint_eq(diag.invariant, 2);
	ck_assert_int_eq(kv_phys_free_run(phys, 100, 29, &diag), EINVAL);
	ck_assert_int_eq(kv_phys_free_run(phys, 500, 1, &diag), EINVAL);
	ck_assert_int_eq(kv_phys_free_run(phys, 0, UINT64_MAX, &diag), EINVAL);
	ck_assert_blocks(phys, "6@64 6@128");
	done(phys);
}
END_TEST

static const struct {
	struct kv_phys_range range[2];
	size_t nranges;
	unsigned ndomains;
	int error;
} bad_machines[] = {
    {{{0}}, 0, 1, EINVAL},
    {{{0, 4096, 0}}, 1, 0, EINVAL},
    {{{0, 4096, 0}}, 1, 65, EINVAL},
    {{{0, 4096, 1}}, 1, 1, EINVAL},
    {{{0, 4095, 0}}, 1, 1, EINVAL},
    {{{4096, 4096, 0}}, 1, 1, EINVAL},
    {{{8192, 16384, 0}, {4096, 8192, 0}}, 2, 1, EINVAL},
    {{{0, 8192, 0}, {4096, 12288, 0}}, 2, 1, EINVAL},
    {{{0, UINT64_C(1) << 45, 0}}, 1, 1, ERANGE},
};

START_TEST(bad_machine)
{
	struct kv_phys_config cfg = {.machine = kv_machine_find("amd64"),
	    .ranges = bad_machines[_i].range,
	    .nranges = bad_machines[_i].nranges,
	    .ndomains = bad_machines[_i].ndomains,
	    .host = &host};
	struct kv_phys *phys = NULL;

	kv_host_libc(&host);
	ck_assert_int_eq(kv_phys_create(&cfg, &phys), bad_machines[_i].error);
	ck_assert_ptr_null(phys);
	ck_assert_uint_eq(host.bytes, 0);
}
END_TEST

START_TEST(whatis)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0}, {128, 256, 1});
	struct kv_phys_block b = {0};

	take(phys, KV_PHYS_DIRECT, 4);
	ck_assert_int_eq(kv_phys_whatis(phys, 5, &b), KV_PHYS_USED);
	ck_assert_int_eq(kv_phys_whatis(phys, 64, &b), KV_PHYS_ABSENT);
	ck_assert_int_eq(kv_phys_whatis(phys, 40, &b), KV_PHYS_FREE);
	ck_assert_uint_eq(b.pfn, 32);
	ck_assert_uint_eq(b.order, 5);
	ck_assert_uint_eq(b.pool, 1);
	ck_assert_int_eq(kv_phys_whatis(phys, 200, &b), KV_PHYS_FREE);
	ck_assert_uint_eq(b.pfn, 128);
	ck_assert_uint_eq(b.domain, 1);
	ck_assert_uint_eq(kv_phys_domain(phys, 200), 1);
	ck_assert_uint_eq(kv_phys_domain(phys, 64), 2);
	done(phys);
}
END_TEST

START_TEST(stats)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 64, 0}, {128, 300, 1});
	struct kv_phys_stats s;

	take(phys, KV_PHYS_DIRECT, 4);
	s = kv_phys_stats(phys);
	ck_assert_uint_eq(s.pages, 64 + 172);
	ck_assert_uint_eq(s.free_pages, 64 + 172 - 16);
	/* [16,32) [32,64); [128,256) [256,288) [288,296) [296,300) */
	ck_assert_uint_eq(s.blocks[2], 1);
	ck_assert_uint_eq(s.blocks[3], 1);
	ck_assert_uint_eq(s.blocks[4], 1);
	ck_assert_uint_eq(s.blocks[5], 2);
	ck_assert_uint_eq(s.blocks[7], 1);
	done(phys);
}
END_TEST

/* ---- Metadata ---------------------------------------------------------- */

/* A machine of 1 TiB costs under 64 MiB before its first use. */
START_TEST(metadata_of_a_terabyte)
{
	struct kv_phys *phys =
	    PHYS(kv_machine_find("amd64"), {4096, 4096 + GIB_PAGES(1024), 0});

	ck_assert_uint_lt(host.peak, 64 << 20);
	take(phys, KV_PHYS_DEFAULT, 0);
	ck_assert_uint_lt(host.peak, 64 << 20);
	done(phys);
}
END_TEST

/* All pages taken and freed one by one: under 24 bytes a page, which go again
 * when the pieces are whole. */
START_TEST(metadata_of_single_pages)
{
	enum { PAGES = 1 << 15 };
	struct kv_phys *phys =
	    PHYS(kv_machine_find("amd64"), {4096, 4096 + PAGES, 0});
	size_t boot = host.bytes;

	for (unsigned i = 0; i < PAGES; i++)
		take(phys, KV_PHYS_DEFAULT, 0);
	ck_assert_uint_lt(host.bytes - boot, 24 * PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		give(phys, 4096 + i, 0);
	ck_assert_uint_lt(host.bytes - boot, 64 << 10);
	done(phys);
}
END_TEST

/* Every allocation of metadata fails in turn while a machine is made. */
START_TEST(create_without_memory)
{
	const struct kv_phys_range range[] = {
	    {4096, 70 * 4096, 0}, {70 * 4096, 200 * 4096, 1}};
	struct kv_phys_config cfg = {.machine = &tiny,
	    .ranges = range,
	    .nranges = 2,
	    .ndomains = 2,
	    .host = &host};
	struct kv_phys *phys = NULL;
	uint64_t n = 1;

	kv_host_libc(&host);
	for (;; n++) {
		kv_host_fail_at(&host, n);
		if (kv_phys_create(&cfg, &phys) == 0)
			break;
		ck_assert_ptr_null(phys);
		ck_assert_uint_eq(host.bytes, 0);
	}
	kv_host_fail_at(&host, 0);
	ck_assert_uint_gt(n, 5);
	done(phys);
}
END_TEST

/* A page of a large block: without metadata it cannot be freed alone.  Some
 * spare metadata is kept, so the first frees succeed. */
START_TEST(free_without_memory)
{
	struct kv_phys *phys = PHYS(&tiny, {0, 1280, 0});
	unsigned failed = 0;

	for (int i = 0; i < 10; i++)
		take(phys, KV_PHYS_DEFAULT, 7);
	for (unsigned i = 0; i < 20; i++) {
		int error;

		kv_host_fail_at(&host, 1);
		error = kv_phys_free(phys, 64 * i + 3, 0, NULL);
		kv_host_fail_at(&host, 0);
		ck_assert_uint_eq(
		    kv_phys_free_count(phys, 0), i + (error == 0));
		if (error == 0)
			continue;
		ck_assert_int_eq(error, ENOMEM);
		ck_assert_int_eq(kv_phys_check(phys, NULL), 0);
		give(phys, 64 * i + 3, 0);
		failed++;
	}
	ck_assert_uint_gt(failed, 10);
	done(phys);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("phys");
	TCase *t = tcase_create("facts");

	tcase_add_test(t, fact_05_boot_fill);
	tcase_add_test(t, fact_05_boot_fill_largest_blocks);
	tcase_add_test(t, fact_05_no_merging_at_boot);
	tcase_add_test(t, facts_02_03_segments);
	tcase_add_test(t, fact_06_slots);
	tcase_add_test(t, facts_07_08_split);
	tcase_add_test(t, fact_07_steal);
	tcase_add_test(t, lazy_init);
	tcase_add_test(t, fact_07_low_memory_last);
	tcase_add_test(t, fact_09_fifo);
	tcase_add_test(t, fact_07_steal_and_return);
	tcase_add_loop_test(t, fact_09_pairs, 0, 7);
	tcase_add_test(t, fact_09_join);
	tcase_add_test(t, fact_09_join_stops_at_segment);
	tcase_add_test(t, fact_09_pool_retag);
	suite_add_tcase(s, t);
	t = tcase_create("refusals and metadata");
	tcase_add_loop_test(
	    t, wrong_frees, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(t, wrong_runs);
	tcase_add_loop_test(t, bad_machine, 0,
	    (int)(sizeof(bad_machines) / sizeof(bad_machines[0])));
	tcase_add_test(t, whatis);
	tcase_add_test(t, stats);
	tcase_add_test(t, metadata_of_a_terabyte);
	tcase_add_test(t, metadata_of_single_pages);
	tcase_add_test(t, create_without_memory);
	tcase_add_test(t, free_without_memory);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
