/* SPDX-License-Identifier: BSD-2-Clause */
/* test_reserv.c - reservations: creation, queue, break, and stack figures */
#include "alloc/reservrig.h"
#include "kvtest.h"

/*
 * Section "Kernel stacks, measured" of phys.md, where KVA does not matter: a
 * stack takes four pages at step * its number + first.
 */
static void
fill(struct rig *rig, unsigned stacks, unsigned step, unsigned first)
{
	for (unsigned i = 0; i < stacks; i++) {
		kv_reserv_tick(rig->rv, 1);
		ck_assert_int_eq(kv_page_alloc(rig->rv, rig->obj,
				     (kv_pindex_t)step * i + first, 4, 0, NULL),
		    0);
	}
	rig_check(rig);
}

static const struct {
	unsigned stacks, step, first, reservations, full, idle;
} measured[] = {
    {1, 5, 1, 1, 0, 508},
    {1, 4, 0, 1, 0, 508},
    {102, 5, 1, 1, 0, 104},
    {511, 5, 1, 5, 0, 516},
    {511, 4, 0, 4, 3, 4},
    {1000, 5, 1, 10, 0, 1120},
    {10000, 5, 1, 98, 0, 10176},
};

START_TEST(stack_figures)
{
	const struct kv_phys_range memory = {16 << 20, 256 << 20, 0};
	struct kv_reserv_stats s;
	struct rig rig;

	rig_open(&rig, kv_machine_find("amd64"), &memory, 1, 1);
	fill(&rig, measured[_i].stacks, measured[_i].step, measured[_i].first);
	s = kv_reserv_stats(rig.rv);
	ck_assert_uint_eq(s.full + s.partial, measured[_i].reservations);
	ck_assert_uint_eq(s.full, measured[_i].full);
	ck_assert_uint_eq(s.populated, 4 * measured[_i].stacks);
	ck_assert_uint_eq(s.unused_pages, measured[_i].idle);
	rig_close(&rig);
}
END_TEST

/*
 * What comes back when all is broken after 10000 stacks.  Old: each guard page
 * alone, and the 176 pages after the last stack; new: 448 after the last.
 */
static const struct {
	unsigned step, first, single, larger;
} returned[] = {{5, 1, 10000, 176}, {4, 0, 0, 448}};

START_TEST(pages_returned_by_breaks)
{
	const struct kv_phys_range memory = {16 << 20, 256 << 20, 0};
	struct kv_phys_stats before, after;
	uint64_t larger = 0;
	struct rig rig;

	rig_open(&rig, kv_machine_find("amd64"), &memory, 1, 1);
	fill(&rig, 10000, returned[_i].step, returned[_i].first);
	before = kv_phys_stats(rig.phys);
	ck_assert_int_eq(kv_reserv_break(rig.rv, rig.obj, NULL), 0);
	after = kv_phys_stats(rig.phys);
	ck_assert_uint_eq(
	    after.blocks[0] - before.blocks[0], returned[_i].single);
	ck_assert_uint_eq(after.blocks[1], before.blocks[1]);
	for (unsigned o = 2; o < KV_PHYS_ORDERS; o++)
		larger += (after.blocks[o] - before.blocks[o]) << o;
	ck_assert_uint_eq(larger, returned[_i].larger);
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

/* ---- Which page (facts 15-18) ------------------------------------------ */

START_TEST(letters)
{
	uint64_t map[2] = {0, 0};

	ck_assert_int_eq(kv_reserv_letter(map, 128), '-');
	map[0] = 0xff;
	ck_assert_int_eq(kv_reserv_letter(map, 128), 'B');
	map[0] = 0xff0;
	ck_assert_int_eq(kv_reserv_letter(map, 128), 'M');
	map[1] = UINT64_C(1) << 63;
	ck_assert_int_eq(kv_reserv_letter(map, 128), 'H');
	map[0] = UINT64_C(1) << 63;
	map[1] = UINT64_MAX;
	ck_assert_int_eq(kv_reserv_letter(map, 128), 'E');
	map[0] = UINT64_MAX;
	ck_assert_int_eq(kv_reserv_letter(map, 128), 'F');
}
END_TEST

/* Page = base + index, from either neighbour; the queues give order. */
START_TEST(fact_16_from_neighbours)
{
	struct rig rig;

	rig_small(&rig, 4);
	ck_assert_int_eq(take(&rig, 10, 1), 10);
	ck_assert_int_eq(take(&rig, 3, 4), 3);
	ck_assert_int_eq(take(&rig, 60, 4), 60);
	ck_assert_int_eq(take(&rig, N + 1, 1), N + 1);
	ck_assert_reservs(&rig, rig.obj, "0:9H 1:1M");
	rig_close(&rig);
}
END_TEST

/* Colour 10: index (10 + pindex) mod 64; a reservation may not begin below 0.
 */
START_TEST(fact_15_colour)
{
	struct kv_object *obj, *plain;
	struct rig rig;

	rig_small(&rig, 4);
	obj = object_of(&rig, 1000, false, 10, true);
	ck_assert_int_eq(take_of(&rig, obj, 54, 2, 0), 0);
	ck_assert_int_eq(take_of(&rig, obj, 0, 1, 0), N);
	/* 53 stands before index 0: a page of its own, though at page 65. */
	ck_assert_int_eq(take_of(&rig, obj, 53, 1, 0), N + 1);
	ck_assert_reservs(&rig, obj, "0:2B");
	plain = object_of(&rig, 1000, false, 0, false);
	ck_assert_int_eq(take_of(&rig, plain, 0, 1, 0), N + 2);
	ck_assert_reservs(&rig, plain, "");
	kv_object_destroy(obj);
	kv_object_destroy(plain);
	rig_close(&rig);
}
END_TEST

static const struct kv_phys_range two_domains[] = {
    {0, 4 * N << 12, 0}, {4 * N << 12, 8 * N << 12, 1}};

/* The reservation decides, whatever domain was asked for. */
START_TEST(fact_16_domain_is_a_wish)
{
	struct rig rig;

	rig_open(&rig, &tiny, two_domains, 2, 2);
	ck_assert_int_eq(take_of(&rig, rig.obj, 0, 4, 1), 4 * N);
	ck_assert_int_eq(take_of(&rig, rig.obj, 4, 4, 0), 4 * N + 4);
	ck_assert_uint_eq(kv_phys_free_count(rig.phys, 0), 4 * N);
	ck_assert_uint_eq(kv_phys_free_count(rig.phys, 1), 4 * N - 8);
	rig_close(&rig);
}
END_TEST

/* Its domain is at the limit: a page of the queues of the domain asked for,
 * beside the reservation; freed, it goes back there. */
START_TEST(fact_16_limit_of_its_domain)
{
	struct rig rig;

	rig_open(&rig, &tiny, two_domains, 2, 2);
	ck_assert_int_eq(take_of(&rig, rig.obj, 0, 4, 1), 4 * N);
	kv_phys_set_limit(rig.phys, 1, 4 * N - 6);
	ck_assert_int_eq(take_of(&rig, rig.obj, 10, 2, 0), 4 * N + 10);
	ck_assert_int_eq(take_of(&rig, rig.obj, 4, 2, 0), 0);
	kv_phys_set_limit(rig.phys, 1, 0);
	/* Below 7 stands 5, a plain page; above it 10, of the reservation. */
	ck_assert_int_eq(take_of(&rig, rig.obj, 7, 1, 0), 4 * N + 7);
	/* Below 6 and above it: 5 is plain, 7 is not. */
	ck_assert_int_eq(take_of(&rig, rig.obj, 6, 1, 0), 4 * N + 6);
	ck_assert_reservs(&rig, rig.obj, "0:8H");
	give(&rig, 4, 4);
	ck_assert_uint_eq(kv_phys_free_count(rig.phys, 0), 4 * N);
	ck_assert_reservs(&rig, rig.obj, "0:6H");
	rig_close(&rig);
}
END_TEST

/* The end of the object: anonymous ones reserve past it, but use no page of
 * the reservation there. */
START_TEST(fact_17_end_of_object)
{
	struct kv_object *file, *heap;
	struct rig rig;

	rig_small(&rig, 6);
	file = object_of(&rig, 2 * N - 1, false, 0, true);
	heap = object_of(&rig, N + 10, true, 0, true);
	ck_assert_int_eq(take_of(&rig, file, 0, 1, 0), 0);
	ck_assert_int_eq(take_of(&rig, file, N, 1, 0), N);
	ck_assert_reservs(&rig, file, "0:1B");
	ck_assert_int_eq(take_of(&rig, heap, N, 10, 0), 2 * N);
	ck_assert_int_eq(take_of(&rig, heap, N + 10, 1, 0), N + 1);
	ck_assert_int_eq(take_of(&rig, heap, 5 * N, 1, 0), N + 2);
	ck_assert_reservs(&rig, heap, "1:10B");
	kv_object_destroy(file);
	kv_object_destroy(heap);
	rig_close(&rig);
}
END_TEST

/* After a break, none over the range until its last page is gone. */
START_TEST(fact_17_after_a_break)
{
	uint64_t broken = 0;
	struct rig rig;

	rig_small(&rig, 4);
	take(&rig, 0, 2);
	ck_assert_int_eq(kv_reserv_break(rig.rv, rig.obj, &broken), 0);
	ck_assert_uint_eq(broken, 1);
	ck_assert_int_eq(take(&rig, 9, 1), 2);
	give(&rig, 0, 2);
	ck_assert_int_eq(take(&rig, 30, 1), 3);
	give(&rig, 9, 1);
	give(&rig, 30, 1);
	/* [0, 128) is one block again, and queued behind [128, 256). */
	ck_assert_int_eq(take(&rig, 30, 1), 2 * N + 30);
	ck_assert_reservs(&rig, rig.obj, "0:1M");
	rig_close(&rig);
}
END_TEST

/* No block for a reservation is left: single pages, no break; only when no
 * page is left is the oldest broken, and all begins again. */
START_TEST(fact_18_break_when_empty)
{
	struct rig rig;

	rig_small(&rig, 2);
	take(&rig, 0, 2);
	kv_reserv_tick(rig.rv, 1);
	ck_assert_int_eq(anon(&rig), N);
	/* The biggest block of the other pool: [96, 128). */
	ck_assert_int_eq(take(&rig, 5 * N, 2), 96);
	ck_assert_reservs(&rig, rig.obj, "0:2B");
	drain(&rig);
	ck_assert_int_eq(take(&rig, 8 * N, 1), 2);
	ck_assert_uint_eq(kv_reserv_stats(rig.rv).reclaimed, 1);
	ck_assert_reservs(&rig, rig.obj, "");
	drain(&rig);
	ck_assert_int_eq(take(&rig, 9 * N, 1), -1);
	rig_close(&rig);
}
END_TEST

/* Under the limit nothing is broken: the count forbids, not the queues. */
START_TEST(fact_18_limit_does_not_break)
{
	struct rig rig;

	rig_small(&rig, 2);
	take(&rig, 0, 2);
	drain(&rig);
	kv_phys_set_limit(rig.phys, 0, N - 2);
	ck_assert_int_eq(take(&rig, 8 * N, 1), -1);
	ck_assert_int_eq(anon(&rig), -1);
	ck_assert_int_eq(take(&rig, 2, 1), -1);
	ck_assert_reservs(&rig, rig.obj, "0:2B");
	kv_phys_set_limit(rig.phys, 0, N - 3);
	ck_assert_int_eq(take(&rig, 2, 1), 2);
	rig_close(&rig);
}
END_TEST

/* Classes leave more or less (freebsd.md 4.2): case _i asks as that class. */
START_TEST(request_classes)
{
	static const uint64_t limits[] = {N, 2, 0};
	struct kv_object_config cfg = {.name = "classed",
	    .size = 64 * N,
	    .request = (enum kv_phys_class)_i};
	struct kv_object *obj;
	struct rig rig;
	unsigned n = 0;

	rig_small(&rig, 2);
	cfg.host = &rig.host;
	ck_assert_int_eq(kv_object_create(&cfg, &obj), 0);
	for (unsigned c = 0; c < KV_PHYS_CLASSES; c++)
		kv_phys_set_class_limit(
		    rig.phys, (enum kv_phys_class)c, 0, limits[c]);
	while (kv_page_alloc(rig.rv, obj, n, 1, 0, NULL) == 0)
		n++;
	ck_assert_uint_eq(n, 2 * N - limits[_i]);
	/* without an object it is normal; and a run is all or nothing */
	ck_assert_int_eq(anon(&rig), -1);
	ck_assert_int_eq(kv_page_free(rig.rv, obj, 0, 1, NULL), 0);
	ck_assert_int_eq(kv_page_alloc(rig.rv, obj, 4 * N, 2, 0, NULL), ENOMEM);
	ck_assert_uint_eq(kv_phys_free_count(rig.phys, 0), limits[_i] + 1);
	ck_assert_int_eq(kv_page_free(rig.rv, obj, 1, n - 1, NULL), 0);
	kv_object_destroy(obj);
	rig_close(&rig);
}
END_TEST

/*
 * A run into two windows: its first page needs a break, which strikes the
 * reservation of its second window; that page is then a plain one.
 */
START_TEST(fact_18_run_breaks_its_own_reservation)
{
	struct rig rig;
	kv_pfn_t pfn[2];

	/* Large enough that no table of frames is made in advance. */
	rig_small(&rig, 12);
	take(&rig, N + 10, 1);
	ck_assert_ptr_null(kv_object_window(rig.obj, N + 10)->frames);
	drain(&rig);
	ck_assert_int_eq(kv_page_alloc(rig.rv, rig.obj, N - 1, 2, 0, pfn), 0);
	/* Broken into [0, 10) = 8 + 2 and [11, 64) = 1 + 4 + 16 + 32. */
	ck_assert_uint_eq(pfn[0], 11);
	ck_assert_uint_eq(pfn[1], 8);
	ck_assert_reservs(&rig, rig.obj, "");
	rig_close(&rig);
}
END_TEST

/* ---- Life (facts 19-22) ------------------------------------------------ */

/* Within a tick a queued reservation keeps its place; later it goes to the
 * tail, on either kind of change. */
START_TEST(facts_19_20_queue)
{
	struct rig rig;

	rig_small(&rig, 6);
	take(&rig, 0, 2);
	take(&rig, N, 2);
	take(&rig, 2 * N, 2);
	take(&rig, 2, 1);
	ck_assert_queue(&rig, 0, "0:3B 1:2B 2:2B");
	kv_reserv_tick(rig.rv, 1);
	take(&rig, 3, 1);
	ck_assert_queue(&rig, 0, "1:2B 2:2B 0:4B");
	give(&rig, N, 1);
	ck_assert_queue(&rig, 0, "2:2B 0:4B 1:1M");
	give(&rig, 0, 1);
	ck_assert_queue(&rig, 0, "2:2B 0:3M 1:1M");
	/* The last page: the block is freed, and joined. */
	give(&rig, N + 1, 1);
	ck_assert_queue(&rig, 0, "2:2B 0:3M");
	ck_assert_uint_eq(kv_reserv_stats(rig.rv).freed, 1);
	rig_close(&rig);
}
END_TEST

/* Full: in no queue; a page lost in that very tick leaves it there. */
START_TEST(fact_20_trap)
{
	struct rig rig;

	rig_small(&rig, 2);
	take(&rig, 0, N - 1);
	kv_reserv_tick(rig.rv, 1);
	take(&rig, N - 1, 1);
	ck_assert_reservs(&rig, rig.obj, "0:64F!");
	give(&rig, 8, 2);
	ck_assert_reservs(&rig, rig.obj, "0:62H!");
	ck_assert_int_eq(kv_reserv_reclaim(rig.rv, 0), ENOENT);
	kv_reserv_tick(rig.rv, 1);
	give(&rig, 4, 1);
	ck_assert_queue(&rig, 0, "0:61H");
	rig_close(&rig);
}
END_TEST

/* The same, ended by a page that comes: not queued, so it is. */
START_TEST(fact_19_after_the_trap)
{
	struct rig rig;

	rig_small(&rig, 2);
	take(&rig, 0, N);
	give(&rig, 8, 2);
	ck_assert_reservs(&rig, rig.obj, "0:62H!");
	take(&rig, 8, 1);
	ck_assert_queue(&rig, 0, "0:63H");
	rig_close(&rig);
}
END_TEST

/* Idle runs, ascending, as aligned blocks, not joined with [64, 128). */
START_TEST(fact_21_break)
{
	uint64_t broken;
	struct rig rig;
	kv_pfn_t pfn;

	rig_small(&rig, 2);
	take(&rig, 7, 1);
	take(&rig, 40, 8);
	ck_assert_int_eq(kv_reserv_break(rig.rv, rig.obj, &broken), 0);
	ck_assert_blocks(&rig, " 0@6 1@4 2@0 3@8 3@32 4@16 4@48 6@64");
	ck_assert_int_eq(kv_object_lookup(rig.obj, 40, &pfn), 0);
	ck_assert_uint_eq(pfn, 40);
	give(&rig, 7, 1);
	ck_assert_blocks(&rig, " 3@32 4@48 5@0 6@64");
	rig_close(&rig);
}
END_TEST

static void
note_event(void *arg, const struct kv_event *ev)
{
	char *s = arg;

	sprintf(s + strlen(s), " %s:%u@%u", kv_event_name(ev->kind) + 7,
	    (unsigned)ev->value[1] / N, (unsigned)(ev->value[0] >> 12) / N);
}

/* Newest first; and what the tap is told. */
START_TEST(fact_21_break_all)
{
	const struct kv_phys_range memory = {0, 4 * N << 12, 0};
	char told[512] = "";
	struct kv_reserv_config rc;
	uint64_t broken = 0;
	struct rig rig;

	rig_open(&rig, &tiny, &memory, 1, 1);
	kv_reserv_destroy(rig.rv);
	rc = (struct kv_reserv_config){
	    .phys = rig.phys, .host = &rig.host, .tap = {note_event, told}};
	ck_assert_int_eq(kv_reserv_create(&rc, &rig.rv), 0);
	take(&rig, N, 1);
	take(&rig, 0, N);
	take(&rig, 2 * N, 1);
	give(&rig, 2 * N, 1);
	take(&rig, 3 * N, 1);
	ck_assert_int_eq(kv_reserv_break(rig.rv, rig.obj, &broken), 0);
	ck_assert_uint_eq(broken, 3);
	ck_assert_str_eq(told,
	    " create:1@0 create:0@1 full:0@1 create:2@2 free:2@2 create:3@2"
	    " break:3@2 break:0@1 break:1@0");
	rig_close(&rig);
}
END_TEST

/* Every allocation of metadata fails in turn, with all memory in partial
 * reservations: a run of four needs several breaks. */
START_TEST(break_without_memory)
{
	struct rig rig;
	unsigned failed = 0;
	kv_pfn_t pfn[4];

	rig_small(&rig, 12);
	for (unsigned i = 0; i < 12; i++) {
		take(&rig, i * N, N - 1);
		kv_reserv_tick(rig.rv, 1);
	}
	for (uint64_t n = 1;; n++) {
		int error;

		kv_host_fail_at(&rig.host, n);
		error = kv_page_alloc(rig.rv, rig.obj, 100 * N, 4, 0, pfn);
		if (error == 0)
			break;
		ck_assert_int_eq(error, ENOMEM);
		ck_assert_uint_eq(kv_reserv_stats(rig.rv).broken, 0);
		ck_assert_uint_eq(kv_object_resident(rig.obj), 12 * (N - 1));
		rig_check(&rig);
		failed++;
	}
	kv_host_fail_at(&rig.host, 0);
	ck_assert_uint_ge(failed, 3);
	/* The one idle page of each of the four least recently changed. */
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(pfn[i], i * N + N - 1);
	ck_assert_uint_eq(kv_reserv_stats(rig.rv).broken, 4);
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

/* ---- Refusals and metadata --------------------------------------------- */

START_TEST(refused)
{
	struct kv_diag diag = {0};
	struct rig rig;

	rig_small(&rig, 4);
	take(&rig, 10, 4);
	ck_assert_int_eq(kv_page_alloc(rig.rv, rig.obj, 8, 4, 0, NULL), EEXIST);
	ck_assert_int_eq(kv_page_alloc(rig.rv, rig.obj, N, 1, 7, NULL), EINVAL);
	ck_assert_int_eq(
	    kv_page_alloc(rig.rv, rig.obj, KV_OBJECT_SIZE_MAX - 1, 2, 0, NULL),
	    ERANGE);
	ck_assert_int_eq(
	    kv_page_alloc(rig.rv, rig.obj, UINT64_MAX - 1, 4, 0, NULL), ERANGE);
	ck_assert_int_eq(
	    kv_page_alloc(rig.rv, rig.obj, N, UINT32_MAX, 0, NULL), ENOMEM);
	ck_assert_int_eq(kv_page_free(rig.rv, rig.obj, 10, 5, &diag), ENOENT);
	ck_assert_uint_eq(diag.address, 14);
	ck_assert_int_eq(
	    kv_page_free(rig.rv, rig.obj, UINT64_MAX, 2, &diag), ENOENT);
	ck_assert_int_eq(
	    kv_page_free(rig.rv, rig.obj, 10, 4 * N, &diag), ENOENT);
	ck_assert_reservs(&rig, rig.obj, "0:4M");
	ck_assert_uint_eq(kv_object_resident(rig.obj), 4);
	rig_close(&rig);
}
END_TEST

/* More pages than there are: what was obtained is given back. */
START_TEST(all_or_nothing)
{
	struct rig rig;

	rig_small(&rig, 2);
	drain(&rig);
	ck_assert_int_eq(kv_phys_free(rig.phys, 9, 0, NULL), 0);
	ck_assert_int_eq(kv_phys_free(rig.phys, 77, 0, NULL), 0);
	ck_assert_int_eq(take(&rig, 0, 4), -1);
	ck_assert_blocks(&rig, " 0@9 0@77");
	ck_assert_uint_eq(kv_object_resident(rig.obj), 0);
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(whatis)
{
	struct kv_reserv_info info;
	struct rig rig;

	rig_small(&rig, 4);
	take(&rig, N + 5, 2);
	ck_assert_int_eq(kv_reserv_whatis(rig.rv, 40, &info), 0);
	ck_assert_uint_eq(info.pindex, N);
	ck_assert_uint_eq(info.pfn, 0);
	ck_assert_uint_eq(info.popcnt, 2);
	ck_assert_ptr_eq(info.object, rig.obj);
	ck_assert_int_eq(kv_reserv_whatis(rig.rv, N, &info), ENOENT);
	ck_assert_int_eq(kv_reserv_whatis(rig.rv, 1 << 30, &info), ENOENT);
	rig_close(&rig);
}
END_TEST

/* At most two bytes a page that is populated inside a reservation. */
START_TEST(metadata)
{
	const struct kv_phys_range memory = {16 << 20, 272 << 20, 0};
	struct rig rig;
	size_t boot;

	rig_open(&rig, kv_machine_find("amd64"), &memory, 1, 1);
	boot = rig.host.bytes;
	fill(&rig, 15000, 4, 0);
	ck_assert_uint_le(rig.host.bytes - boot, 2 * 4 * 15000);
	ck_assert_uint_eq(idle_of(&rig), 118 * 512 - 60000);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reserv");
	TCase *t = tcase_create("figures");

	tcase_add_loop_test(
	    t, stack_figures, 0, (int)(sizeof(measured) / sizeof(measured[0])));
	tcase_add_loop_test(t, pages_returned_by_breaks, 0, 2);
	suite_add_tcase(s, t);
	t = tcase_create("facts");
	tcase_add_test(t, letters);
	tcase_add_test(t, fact_16_from_neighbours);
	tcase_add_test(t, fact_15_colour);
	tcase_add_test(t, fact_16_domain_is_a_wish);
	tcase_add_test(t, fact_16_limit_of_its_domain);
	tcase_add_test(t, fact_17_end_of_object);
	tcase_add_test(t, fact_17_after_a_break);
	tcase_add_test(t, fact_18_break_when_empty);
	tcase_add_test(t, fact_18_limit_does_not_break);
	tcase_add_loop_test(t, request_classes, 0, 3);
	tcase_add_test(t, fact_18_run_breaks_its_own_reservation);
	tcase_add_test(t, facts_19_20_queue);
	tcase_add_test(t, fact_20_trap);
	tcase_add_test(t, fact_19_after_the_trap);
	tcase_add_test(t, fact_21_break);
	tcase_add_test(t, fact_21_break_all);
	suite_add_tcase(s, t);
	t = tcase_create("refusals and metadata");
	tcase_add_test(t, refused);
	tcase_add_test(t, all_or_nothing);
	tcase_add_test(t, break_without_memory);
	tcase_add_test(t, whatis);
	tcase_add_test(t, metadata);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
