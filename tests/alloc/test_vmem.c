/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vmem.c - arenas: the behaviours that decide addresses, one by one
 *
 * Numbers in the names are those of vmem.md, "Behaviours that decide
 * addresses".  Addresses and sizes are counted in quanta; pictures are the
 * segment list in its own order (arenarig.h).
 */
#include "arenarig.h"
#include "kvtest.h"

/* ---- 1-3: classes, best fit, instant fit -------------------------------- */

/* Quanta and class by the formulas of freebsd.md 1.2. */
static const struct {
	uint64_t quanta;
	unsigned class;
	uint64_t lower;
} classes[] = {
    {1, 0, 1},
    {2, 1, 2},
    {30, 29, 30},
    {31, 30, 31},
    {32, 31, 32},
    {33, 31, 32},
    {63, 31, 32},
    {64, 32, 64},
    {127, 32, 64},
    {128, 33, 128},
    {255, 33, 128},
    {256, 34, 256},
    {UINT64_C(1) << 51, 77, UINT64_C(1) << 51},
};

START_TEST(b1_size_classes)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 1, classes[_i].quanta);
	char want[40];

	snprintf(want, sizeof(want), "1+%llu",
	    (unsigned long long)classes[_i].quanta);
	for (unsigned c = 0; c < 90; c++)
		CLASS_IS(vm, c, c == classes[_i].class ? want : "");
	ck_assert_uint_eq(kv_vmem_stats(vm).maxfree, classes[_i].lower * Q);
	ck_assert_uint_eq(kv_vmem_largest_free(vm), classes[_i].quanta * Q);
	arena_close(&host, vm);
}
END_TEST

/* With a quantum of one byte the last class, 89, can be reached. */
START_TEST(b1_last_class)
{
	struct kv_vmem_config cfg = {.name = "bytes", .quantum = 1};
	struct kv_host host;
	struct kv_vmem *vm;
	struct picture p = {""};

	kv_host_libc(&host);
	cfg.host = &host;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	ck_assert_int_eq(kv_vmem_add(vm, 1, UINT64_MAX), 0);
	ck_assert_int_eq(kv_vmem_walk_class(vm, 89, class_add, &p), 0);
	ck_assert_str_ne(p.text, "");
	ck_assert_uint_eq(kv_vmem_stats(vm).maxfree, UINT64_C(1) << 63);
	ck_assert_int_eq(kv_vmem_walk_class(vm, 90, class_add, NULL), 0);
	arena_close(&host, vm);
}
END_TEST

START_TEST(b2_best_fit_is_newest_not_smallest)
{
	struct kv_host host;
	struct kv_vmem *vm = apart(&host);

	put(vm, 41, 33);
	put(vm, 0, 40);
	put(vm, 75, 50);
	CLASS_IS(vm, 31, "75+50 0+40 41+33");
	ck_assert_uint_eq(best(vm, 33), 75);
	CLASS_IS(vm, 31, "0+40 41+33");
	CLASS_IS(vm, 16, "108+17");
	/* The own class first, though class 31 would do. */
	ck_assert_uint_eq(best(vm, 17), 108);
	put(vm, 108, 17);
	CLASS_IS(vm, 16, "108+17");
	/* The whole list is read: only the last one is not above 41 + 33. */
	ck_assert_uint_eq(
	    xget(vm, (struct kv_vmem_req){.size = 33 * Q, .min = 41 * Q}), 41);
	CLASS_IS(vm, 31, "0+40");
	arena_close(&host, vm);
}
END_TEST

START_TEST(b3_instant_fit_starts_higher)
{
	struct kv_host host;
	struct kv_vmem *vm = apart(&host);

	put(vm, 75, 50);
	put(vm, 126, 70);
	/* 33 is not the least size of class 31, so that class is passed. */
	ck_assert_uint_eq(get(vm, 33, KV_VMEM_FIRSTFIT), 126);
	put(vm, 126, 33);
	/* 32 is. */
	ck_assert_uint_eq(get(vm, 32, KV_VMEM_FIRSTFIT), 75);
	put(vm, 75, 32);
	ck_assert_uint_eq(best(vm, 64), 126);
	/* Nothing in higher classes: the best-fit pass follows. */
	ck_assert_uint_eq(get(vm, 33, KV_VMEM_FIRSTFIT), 75);
	ck_assert_uint_eq(get(vm, 33, KV_VMEM_FIRSTFIT), NONE);
	arena_close(&host, vm);
}
END_TEST

/* Blocks of 64, 64 and 128: the head of class 32 is out of reach. */
START_TEST(b3_instant_fit_looks_at_heads)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 259);
	struct kv_vmem_req rq = {.size = 32 * Q, .max = 194 * Q - 1};

	ck_assert_uint_eq(best(vm, 64), 0);
	ck_assert_uint_eq(best(vm, 1), 64);
	ck_assert_uint_eq(best(vm, 128), 65);
	ck_assert_uint_eq(best(vm, 1), 193);
	ck_assert_uint_eq(best(vm, 65), 194);
	put(vm, 65, 128);
	put(vm, 0, 64);
	put(vm, 194, 65);
	CLASS_IS(vm, 32, "194+65 0+64");
	CLASS_IS(vm, 33, "65+128");
	rq.fit = KV_VMEM_FIRSTFIT;
	ck_assert_uint_eq(xget(vm, rq), 65);
	put(vm, 65, 32);
	rq.fit = KV_VMEM_BESTFIT;
	ck_assert_uint_eq(xget(vm, rq), 0);
	arena_close(&host, vm);
}
END_TEST

/* ---- 4-5: split and coalesce -------------------------------------------- */

START_TEST(b4_front_is_pushed_before_back)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 1, 31);

	ck_assert_uint_eq(
	    xget(vm, (struct kv_vmem_req){.size = Q, .align = 16 * Q}), 16);
	PICTURE_IS(vm, "c S f15 a1 f15");
	CLASS_IS(vm, 14, "17+15 1+15");
	ck_assert_uint_eq(best(vm, 5), 17);
	ck_assert_uint_eq(best(vm, 15), 1);
	PICTURE_IS(vm, "c S a15 a1 a5 f10");
	arena_close(&host, vm);
}
END_TEST

START_TEST(b5_coalesce_and_go_to_the_head)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);

	for (uint64_t at = 0; at < 15; at += 5)
		ck_assert_uint_eq(best(vm, 5), at);
	PICTURE_IS(vm, "c S a5 a5 a5 f1");
	put(vm, 5, 5);
	PICTURE_IS(vm, "c S a5 f5 a5 f1");
	put(vm, 10, 5);
	PICTURE_IS(vm, "c S a5 f11");
	put(vm, 0, 5);
	PICTURE_IS(vm, "c S f16");
	CLASS_IS(vm, 15, "0+16");
	ck_assert_uint_eq(best(vm, 3), 0);
	ck_assert_uint_eq(best(vm, 4), 3);
	ck_assert_uint_eq(best(vm, 3), 7);
	ck_assert_uint_eq(best(vm, 6), 10);
	put(vm, 0, 3);
	put(vm, 7, 3);
	CLASS_IS(vm, 2, "7+3 0+3");
	put(vm, 3, 4); /* both neighbours at once */
	PICTURE_IS(vm, "c S f10 a6");
	CLASS_IS(vm, 2, "");
	CLASS_IS(vm, 9, "0+10");
	arena_close(&host, vm);
}
END_TEST

/* A block that grew goes to the head of its class, from wherever it stood. */
START_TEST(b5_grown_block_leads)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 200);

	ck_assert_uint_eq(best(vm, 40), 0);
	ck_assert_uint_eq(best(vm, 2), 40);
	ck_assert_uint_eq(best(vm, 1), 42);
	ck_assert_uint_eq(best(vm, 40), 43);
	ck_assert_uint_eq(best(vm, 117), 83);
	put(vm, 0, 40);
	put(vm, 43, 40);
	CLASS_IS(vm, 31, "43+40 0+40");
	put(vm, 40, 2);
	CLASS_IS(vm, 31, "0+42 43+40");
	put(vm, 42, 1);
	CLASS_IS(vm, 31, "");
	CLASS_IS(vm, 32, "0+83");
	arena_close(&host, vm);
}
END_TEST

START_TEST(b5_cursor_keeps_neighbours_apart)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 10);

	ck_assert_uint_eq(next(vm, 3), 0);
	PICTURE_IS(vm, "S a3 c f7");
	put(vm, 0, 3);
	PICTURE_IS(vm, "S f3 c f7");
	/* 8 do not fit on either side, but the merged block takes them. */
	ck_assert_uint_eq(next(vm, 8), 0);
	PICTURE_IS(vm, "S a8 c f2");
	arena_close(&host, vm);
}
END_TEST

/* ---- 6: next fit --------------------------------------------------------- */

START_TEST(b6_walks_on_from_the_cursor)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 10);

	ck_assert_uint_eq(next(vm, 3), 0);
	ck_assert_uint_eq(next(vm, 3), 3);
	put(vm, 0, 3);
	PICTURE_IS(vm, "S f3 a3 c f4");
	ck_assert_uint_eq(next(vm, 1), 6); /* best fit would say 0 */
	ck_assert_uint_eq(next(vm, 3), 7);
	PICTURE_IS(vm, "c S f3 a3 a1 a3");
	ck_assert_uint_eq(next(vm, 2), 0);
	PICTURE_IS(vm, "S a2 c f1 a3 a1 a3");
	arena_close(&host, vm);
}
END_TEST

/* Order of insertion of spans, not of address: the low span comes last. */
START_TEST(b6_list_order_is_not_address_order)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 100, 4);

	ck_assert_int_eq(kv_vmem_add(vm, 10 * Q, 4 * Q), 0);
	ck_assert_int_eq(kv_vmem_add(vm, 200 * Q, 2 * Q), 0);
	PICTURE_IS(vm, "c S f4 S f4 S f2");
	/* No later tag of the low span starts past 104: it is skipped. */
	ck_assert_uint_eq(next(vm, 4), 100);
	PICTURE_IS(vm, "S a4 S f4 c S f2");
	ck_assert_uint_eq(next(vm, 1), 200);
	ck_assert_uint_eq(next(vm, 1), 201);
	PICTURE_IS(vm, "c S a4 S f4 S a1 a1");
	ck_assert_uint_eq(next(vm, 1), 10);
	arena_close(&host, vm);
}
END_TEST

/*
 * Past the last block the cursor goes to the head of the list.  At the tail it
 * would find the same blocks next, but (a) a contiguous span could not be
 * joined, (b) a request that does not fit would end the walk and import.
 */
START_TEST(b6_cursor_wraps_to_the_head)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 4);

	ck_assert_uint_eq(next(vm, 4), 0);
	PICTURE_IS(vm, "c S a4");
	ck_assert_int_eq(kv_vmem_add(vm, 4 * Q, 4 * Q), 0);
	PICTURE_IS(vm, "c S a4 f4");
	ck_assert_uint_eq(kv_vmem_stats(vm).nspan, 1);
	arena_close(&host, vm);
}
END_TEST

START_TEST(b6_cursor_at_the_head_never_imports)
{
	struct kv_host host;
	struct kv_vmem *parent = arena_with(&host, 0, 64), *vm;
	struct kv_link link = {.parent = parent, .quantum = 4 * Q};

	vm = arena_open(&host, 0);
	ck_assert_int_eq(kv_link_set(vm, &link), 0);
	ck_assert_uint_eq(best(vm, 2), 0);
	ck_assert_uint_eq(next(vm, 2), 2);
	PICTURE_IS(vm, "c I a2 a2");
	ck_assert_uint_eq(next(vm, 1), NONE);
	ck_assert_uint_eq(kv_vmem_stats(vm).import, 1);
	/* A cursor elsewhere lets the walk end and the import come. */
	put(vm, 0, 2);
	ck_assert_uint_eq(next(vm, 1), 0);
	PICTURE_IS(vm, "I a1 c f1 a2");
	ck_assert_uint_eq(next(vm, 4), 4);
	ck_assert_uint_eq(kv_vmem_stats(vm).import, 2);
	kv_vmem_destroy(vm);
	arena_close(&host, parent);
}
END_TEST

/* freebsd-F23: the merged block keeps the class of its front half. */
START_TEST(b6_merged_block_keeps_its_class)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 10);

	ck_assert_uint_eq(next(vm, 5), 0);
	put(vm, 0, 5);
	PICTURE_IS(vm, "S f5 c f5");
	CLASS_IS(vm, 4, "0+5 5+5");
	ck_assert_uint_eq(next(vm, 11), NONE);
	PICTURE_IS(vm, "S f10 c");
	CLASS_IS(vm, 4, "0+10");
	CLASS_IS(vm, 9, "");
	ck_assert_uint_eq(kv_vmem_stats(vm).maxfree, 5 * Q);
	ck_assert_uint_eq(kv_vmem_largest_free(vm), 10 * Q);
	/* Best fit looks from class 5 on and does not see it ... */
	ck_assert_uint_eq(best(vm, 6), NONE);
	ck_assert_uint_eq(get(vm, 10, KV_VMEM_FIRSTFIT), NONE);
	/* ... but from class 4 on it does; the rest finds its own class. */
	ck_assert_uint_eq(best(vm, 3), 0);
	CLASS_IS(vm, 4, "");
	CLASS_IS(vm, 6, "3+7");
	arena_close(&host, vm);
}
END_TEST

/* The same where the class is a range with more than one block in it. */
START_TEST(b6_merged_block_keeps_its_place)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 400);

	ck_assert_uint_eq(best(vm, 40), 0);
	ck_assert_uint_eq(best(vm, 1), 40);
	ck_assert_uint_eq(next(vm, 50), 41);
	ck_assert_uint_eq(best(vm, 60), 91);
	ck_assert_uint_eq(best(vm, 249), 151);
	PICTURE_IS(vm, "S a40 a1 a50 c a60 a249");
	put(vm, 91, 60);
	put(vm, 41, 50);
	put(vm, 0, 40);
	CLASS_IS(vm, 31, "0+40 41+50 91+60");
	ck_assert_uint_eq(next(vm, 200), NONE);
	PICTURE_IS(vm, "S f40 a1 f110 c a249");
	CLASS_IS(vm, 31, "0+40 41+110");
	ck_assert_uint_eq(kv_vmem_stats(vm).maxfree, 32 * Q);
	ck_assert_uint_eq(best(vm, 100), NONE);
	ck_assert_uint_eq(best(vm, 41), 41);
	arena_close(&host, vm);
}
END_TEST

/* Cursor between a span and its only block: not released until it moves. */
START_TEST(b6_cursor_delays_the_release)
{
	struct kv_host host;
	struct kv_vmem *parent = arena_with(&host, 0, 64), *vm;
	struct kv_link link = {.parent = parent, .quantum = 8 * Q};

	vm = arena_open(&host, 0);
	ck_assert_int_eq(kv_link_set(vm, &link), 0);
	ck_assert_uint_eq(best(vm, 3), 0);
	ck_assert_uint_eq(next(vm, 3), 3);
	PICTURE_IS(vm, "I a3 a3 c f2");
	put(vm, 0, 3);
	put(vm, 3, 3);
	PICTURE_IS(vm, "I f6 c f2"); /* all free, not released */
	ck_assert_uint_eq(kv_vmem_stats(parent).inuse, 8 * Q);
	/* The next pass merges the halves and, as they are in the way, gives
	 * the span back before it imports 16 for itself. */
	ck_assert_uint_eq(next(vm, 9), 0);
	ck_assert_uint_eq(kv_vmem_stats(vm).release, 1);
	ck_assert_uint_eq(kv_vmem_stats(parent).inuse, 16 * Q);
	PICTURE_IS(vm, "I a9 c f7");
	kv_vmem_destroy(vm);
	arena_close(&host, parent);
}
END_TEST

/* ---- 11: constraints ------------------------------------------------------
 */

static const struct {
	uint64_t base, span;			   /* of the arena */
	uint64_t size, align, phase, nocross, min; /* quanta */
	uint64_t max;				   /* bytes; 0 = none */
	uint64_t want;
} constrained[] = {
    {0, 16, 1, 0, 0, 0, 5, 0, 5},
    {0, 16, 1, 0, 0, 0, 5, 6 * Q - 1, 5},
    {0, 16, 1, 0, 0, 0, 5, 6 * Q - 2, NONE},
    {0, 16, 2, 0, 0, 0, 0, 2 * Q - 1, 0},
    {0, 16, 3, 0, 0, 0, 14, 0, NONE},
    {0, 16, 1, 8, 0, 0, 1, 0, 8},
    {0, 16, 1, 8, 3, 0, 0, 0, 3},
    {0, 16, 1, 8, 3, 0, 4, 0, 11},
    {4, 12, 1, 8, 3, 0, 0, 0, 11},
    {1, 16, 1, 8, 7, 0, 0, 0, 7},
    {3, 32, 2, 0, 0, 4, 0, 0, 4},
    {3, 32, 1, 0, 0, 4, 0, 0, 3},
    {3, 2, 2, 0, 0, 4, 0, 0, NONE}, /* no longer fits: skipped */
    {7, 32, 4, 2, 0, 8, 0, 0, 8},
    {6, 32, 4, 2, 0, 8, 0, 0, 8},
    {5, 32, 4, 4, 2, 8, 0, 0, 10}, /* 6 crosses; 8 + phase */
    {UINT64_MAX / Q, 1, 1, 0, 0, 0, 0, 0, UINT64_MAX / Q},
    /* Up to 2^64: what wraps to low addresses is not in the block. */
    {UINT64_MAX / Q, 1, 1, 2, 0, 0, 0, 0, NONE},
    {UINT64_MAX / Q - 2, 3, 1, 4, 0, 0, 0, 0, NONE},
    {UINT64_MAX / Q, 1, 1, 0, 0, 2, 0, 0, UINT64_MAX / Q},
    {UINT64_MAX / Q - 2, 3, 2, 4, 1, 8, 0, 0, UINT64_MAX / Q - 2},
    {1, UINT64_MAX / Q, 1, 2, 0, 0, UINT64_MAX / Q, 0, NONE},
};

START_TEST(b11_constraints)
{
	struct kv_host host;
	struct kv_vmem *vm =
	    arena_with(&host, constrained[_i].base, constrained[_i].span);
	struct kv_vmem_req rq = {.size = constrained[_i].size * Q,
	    .align = constrained[_i].align * Q,
	    .phase = constrained[_i].phase * Q,
	    .nocross = constrained[_i].nocross * Q,
	    .min = constrained[_i].min * Q,
	    .max = constrained[_i].max};

	ck_assert_int_eq(kv_vmem_req_check(vm, &rq, NULL), 0);
	ck_assert_uint_eq(xget(vm, rq), constrained[_i].want);
	arena_close(&host, vm);
}
END_TEST

/* ---- Defects of the real code ---------------------------------------------
 */

START_TEST(nextfit_without_room)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 1, 1), *child;
	struct kv_link link = {.parent = vm, .quantum = Q};

	/* Fresh: the cursor is first, the real walk never ends. */
	ck_assert_uint_eq(next(vm, 2), NONE);
	PICTURE_IS(vm, "c S f1");
	ck_assert_uint_eq(next(vm, 1), 1);
	ck_assert_uint_eq(next(vm, 1), NONE);
	PICTURE_IS(vm, "c S a1");
	put(vm, 1, 1);
	/* Empty importing arena: it never gets to the import. */
	child = arena_open(&host, 0);
	ck_assert_int_eq(kv_link_set(child, &link), 0);
	ck_assert_uint_eq(next(child, 1), NONE);
	ck_assert_uint_eq(kv_vmem_stats(child).import, 0);
	ck_assert_uint_eq(kv_vmem_stats(child).fail, 1);
	PICTURE_IS(child, "c");
	kv_vmem_destroy(child);
	arena_close(&host, vm);
}
END_TEST

/* ---- Up to 2^64 ------------------------------------------------------------
 */

START_TEST(top_of_the_address_space)
{
	struct kv_host host;
	const uint64_t last = UINT64_MAX / Q;
	struct kv_vmem *vm = arena_with(&host, last - 3, 4);
	struct kv_vmem_seg seg;

	ck_assert_uint_eq(best(vm, 2), last - 3);
	ck_assert_uint_eq(next(vm, 2), last - 1);
	PICTURE_IS(vm, "c S a2 a2"); /* nothing starts past 2^64: the head */
	ck_assert_int_eq(kv_vmem_whatis(vm, UINT64_MAX, &seg), 0);
	ck_assert_uint_eq(seg.start, (last - 1) * Q);
	put(vm, last - 1, 2);
	/* A span at 0 does not continue one that ends at 2^64. */
	ck_assert_int_eq(kv_vmem_add(vm, 0, 2 * Q), 0);
	PICTURE_IS(vm, "c S a2 f2 S f2");
	ck_assert_uint_eq(best(vm, 4), NONE);
	put(vm, last - 3, 2);
	ck_assert_uint_eq(best(vm, 4), last - 3);
	arena_close(&host, vm);
}
END_TEST

START_TEST(nearly_all_addresses)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, UINT64_MAX / Q);

	ck_assert_uint_eq(best(vm, UINT64_MAX / Q), 0);
	ck_assert_uint_eq(kv_vmem_stats(vm).inuse, UINT64_MAX / Q * Q);
	ck_assert_int_eq(kv_vmem_add(vm, UINT64_MAX / Q * Q, Q), 0);
	ck_assert_uint_eq(best(vm, 1), UINT64_MAX / Q);
	put(vm, UINT64_MAX / Q, 1);
	arena_close(&host, vm);
}
END_TEST

/* ---- The suite
 * --------------------------------------------------------------- */

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static TCase *
tcase_addresses(void)
{
	TCase *t = tcase_create("addresses");

	tcase_add_loop_test(t, b1_size_classes, 0, COUNT(classes));
	tcase_add_test(t, b1_last_class);
	tcase_add_test(t, b2_best_fit_is_newest_not_smallest);
	tcase_add_test(t, b3_instant_fit_starts_higher);
	tcase_add_test(t, b3_instant_fit_looks_at_heads);
	tcase_add_test(t, b4_front_is_pushed_before_back);
	tcase_add_test(t, b5_coalesce_and_go_to_the_head);
	tcase_add_test(t, b5_grown_block_leads);
	tcase_add_test(t, b5_cursor_keeps_neighbours_apart);
	tcase_add_test(t, b6_walks_on_from_the_cursor);
	tcase_add_test(t, b6_list_order_is_not_address_order);
	tcase_add_test(t, b6_cursor_wraps_to_the_head);
	tcase_add_test(t, b6_cursor_at_the_head_never_imports);
	tcase_add_test(t, b6_merged_block_keeps_its_class);
	tcase_add_test(t, b6_merged_block_keeps_its_place);
	tcase_add_test(t, b6_cursor_delays_the_release);
	tcase_add_loop_test(t, b11_constraints, 0, COUNT(constrained));
	tcase_add_test(t, nextfit_without_room);
	tcase_add_test(t, top_of_the_address_space);
	tcase_add_test(t, nearly_all_addresses);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("vmem");

	suite_add_tcase(s, tcase_addresses());
	return kv_test_main(s);
}
