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

/* a40 a1 a33 a1 a50 a1 a70 a1: one block each, apart. */
static struct kv_vmem *
apart(struct kv_host *host)
{
	static const uint64_t size[] = {40, 1, 33, 1, 50, 1, 70, 1};
	struct kv_vmem *vm = arena_with(host, 0, 197);
	uint64_t at = 0;

	for (unsigned i = 0; i < 8; i++) {
		ck_assert_uint_eq(best(vm, size[i]), at);
		at += size[i];
	}
	PICTURE_IS(vm, "c S a40 a1 a33 a1 a50 a1 a70 a1");
	return vm;
}

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

/* ---- 7-9: spans, import, release ----------------------------------------- */

START_TEST(b7_add_joins_what_touches)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 8, 4);

	ck_assert_int_eq(kv_vmem_add(vm, 12 * Q, 40 * Q), 0);
	PICTURE_IS(vm, "c S f44");
	CLASS_IS(vm, 3, "");
	CLASS_IS(vm, 31, "8+44");
	ck_assert_uint_eq(best(vm, 44), 8);
	ck_assert_int_eq(kv_vmem_add(vm, 52 * Q, 4 * Q), 0);
	PICTURE_IS(vm, "c S a44 f4");
	/* In front, or apart: a span of its own. */
	ck_assert_int_eq(kv_vmem_add(vm, 4 * Q, 4 * Q), 0);
	ck_assert_int_eq(kv_vmem_add(vm, 100 * Q, 4 * Q), 0);
	PICTURE_IS(vm, "c S a44 f4 S f4 S f4");
	/* Only the last tag of the list counts. */
	ck_assert_int_eq(kv_vmem_add(vm, 56 * Q, 4 * Q), 0);
	PICTURE_IS(vm, "c S a44 f4 S f4 S f4 S f4");
	ck_assert_uint_eq(kv_vmem_stats(vm).size, 60 * Q);
	ck_assert_uint_eq(kv_vmem_stats(vm).nspan, 4);
	put(vm, 8, 44); /* joined spans coalesce, others never */
	PICTURE_IS(vm, "c S f48 S f4 S f4 S f4");
	arena_close(&host, vm);
}
END_TEST

START_TEST(b7_add_is_refused)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 1);

	ck_assert_int_eq(kv_vmem_add(vm, 8 * Q, 0), EINVAL);
	ck_assert_int_eq(kv_vmem_add(vm, 8 * Q + 1, Q), EINVAL);
	ck_assert_int_eq(kv_vmem_add(vm, 8 * Q, Q - 1), EINVAL);
	ck_assert_int_eq(kv_vmem_add(vm, 0 - Q, 2 * Q), EINVAL);
	PICTURE_IS(vm, "c S f1");
	arena_close(&host, vm);
}
END_TEST

/* A parent of 64 quanta at 0 and a child that imports from it. */
struct pair {
	struct kv_host host;
	struct kv_vmem *parent, *vm;
	struct kv_link link;
};

static void
pair_open(struct pair *p, uint64_t iq, uint64_t align, bool keep)
{
	p->parent = arena_with(&p->host, 0, 64);
	p->vm = arena_open(&p->host, 0);
	p->link = (struct kv_link){
	    .parent = p->parent, .align = align, .quantum = iq, .keep = keep};
	ck_assert_int_eq(kv_link_set(p->vm, &p->link), 0);
}

static void
pair_close(struct pair *p)
{
	arena_check(p->vm);
	kv_vmem_destroy(p->vm);
	arena_close(&p->host, p->parent);
}

START_TEST(b8_import_and_release_at_once)
{
	struct pair p;

	pair_open(&p, 5 * Q, 0, false);
	ck_assert_uint_eq(best(p.vm, 3), 0);
	PICTURE_IS(p.vm, "c I a3 f2");
	ck_assert_uint_eq(best(p.vm, 6), 5); /* 6 -> 10 */
	PICTURE_IS(p.vm, "c I a3 f2 I a6 f4");
	PICTURE_IS(p.parent, "c S a5 a10 f49");
	put(p.vm, 0, 3); /* never merged with the span behind it */
	PICTURE_IS(p.vm, "c I a6 f4");
	PICTURE_IS(p.parent, "c S f5 a10 f49");
	put(p.vm, 5, 6);
	PICTURE_IS(p.vm, "c");
	PICTURE_IS(p.parent, "c S f64");
	ck_assert_uint_eq(kv_vmem_stats(p.vm).import, 2);
	ck_assert_uint_eq(kv_vmem_stats(p.vm).release, 2);
	ck_assert_uint_eq(kv_vmem_stats(p.vm).size, 0);
	pair_close(&p);
}
END_TEST

START_TEST(b8_alignment_asks_for_more)
{
	struct pair p;

	pair_open(&p, Q, 0, false);
	/* 2 + 2*4 */
	ck_assert_uint_eq(
	    xget(p.vm, (struct kv_vmem_req){.size = 2 * Q, .align = 4 * Q}), 0);
	PICTURE_IS(p.vm, "c I a2 f8");
	/* align = quantum asks for nothing more */
	ck_assert_uint_eq(
	    xget(p.vm, (struct kv_vmem_req){.size = 9 * Q, .align = Q}), 10);
	PICTURE_IS(p.vm, "c I a2 f8 I a9");
	pair_close(&p);
}
END_TEST

START_TEST(b8_kept_spans_join)
{
	struct pair p;

	pair_open(&p, 4 * Q, 0, true);
	ck_assert_uint_eq(best(p.vm, 3), 0);
	ck_assert_uint_eq(best(p.vm, 4), 3); /* the last block grew to 5 */
	PICTURE_IS(p.vm, "c I a3 a4 f1");
	ck_assert_uint_eq(best(p.vm, 1), 7);
	/* The last tag is BUSY: a new FREE tag, no span tag. */
	ck_assert_uint_eq(best(p.vm, 2), 8);
	PICTURE_IS(p.vm, "c I a3 a4 a1 a2 f2");
	put(p.vm, 0, 3);
	put(p.vm, 3, 4);
	put(p.vm, 8, 2);
	put(p.vm, 7, 1);
	PICTURE_IS(p.vm, "c I f12");
	ck_assert_uint_eq(kv_vmem_stats(p.vm).release, 0);
	pair_close(&p);
}
END_TEST

/* A static span of an importing arena is not released. */
START_TEST(b8_static_spans_stay)
{
	struct pair p;

	pair_open(&p, 4 * Q, 0, false);
	ck_assert_int_eq(kv_vmem_add(p.vm, 100 * Q, 4 * Q), 0);
	ck_assert_int_eq(kv_vmem_add(p.vm, 104 * Q, 4 * Q), 0);
	PICTURE_IS(p.vm, "c S f4 S f4"); /* never joined */
	ck_assert_uint_eq(best(p.vm, 4), 104);
	ck_assert_uint_eq(best(p.vm, 4), 100);
	put(p.vm, 100, 4);
	put(p.vm, 104, 4);
	PICTURE_IS(p.vm, "c S f4 S f4");
	pair_close(&p);
}
END_TEST

/* Imported sizes are multiples of any number, not only of the quantum. */
START_TEST(b8_odd_import_quantum)
{
	struct kv_diag diag;
	struct pair p;
	kv_va_t va;

	pair_open(&p, 10000, 0, false);
	ck_assert_int_eq(kv_vmem_alloc(p.vm, 2 * Q, KV_VMEM_BESTFIT, &va), 0);
	ck_assert_uint_eq(va, 0);
	/* The rest, 1808 bytes, is no quantum: the block takes it along. */
	ck_assert_uint_eq(kv_vmem_stats(p.vm).size, 10000);
	ck_assert_uint_eq(kv_vmem_stats(p.vm).inuse, 10000);
	ck_assert_uint_eq(kv_vmem_stats(p.parent).inuse, 3 * Q);
	ck_assert_int_eq(kv_vmem_xfree(p.vm, va, Q, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(p.vm, va, 3 * Q, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(p.vm, va, 2 * Q, &diag), 0);
	ck_assert_uint_eq(kv_vmem_stats(p.vm).size, 0);
	ck_assert_uint_eq(kv_vmem_stats(p.parent).inuse, 0);
	pair_close(&p);
}
END_TEST

/* Imports that do not start on a quantum leave pieces smaller than one. */
START_TEST(b8_imports_off_the_quantum)
{
	enum { BLOCKS = 120 }; /* three in each span of 4 quanta */
	struct kv_vmem_config cfg = {.name = "fine", .quantum = 16};
	struct kv_link link = {.quantum = 4 * Q};
	struct kv_vmem *parent, *vm;
	kv_va_t va[BLOCKS], again;
	struct kv_host host;

	kv_host_libc(&host);
	cfg.host = &host;
	ck_assert_int_eq(kv_vmem_create(&cfg, &parent), 0);
	ck_assert_int_eq(kv_vmem_add(parent, 16, 1000 * Q), 0);
	vm = arena_open(&host, 0);
	link.parent = parent;
	ck_assert_int_eq(kv_link_set(vm, &link), 0);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(
		    kv_vmem_alloc(vm, Q, KV_VMEM_BESTFIT, &va[i]), 0);
		arena_check(vm);
		ck_assert_uint_eq(va[i], (i / 3 * 4 + i % 3 + 1) * Q);
	}
	/* Now 40 pieces of Q - 16 are in class 0; what is freed leads it. */
	for (unsigned i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(kv_vmem_xfree(vm, va[i], Q, NULL), 0);
		ck_assert_int_eq(
		    kv_vmem_alloc(vm, Q, KV_VMEM_BESTFIT, &again), 0);
		arena_check(vm);
		ck_assert_uint_eq(again, va[i]);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		ck_assert_int_eq(kv_vmem_xfree(vm, va[i], Q, NULL), 0);
	ck_assert_uint_eq(kv_vmem_stats(vm).size, 0);
	ck_assert_uint_eq(kv_vmem_stats(parent).inuse, 0);
	kv_vmem_destroy(vm);
	arena_close(&host, parent);
}
END_TEST

START_TEST(b8_limit)
{
	struct pair p;

	pair_open(&p, 4 * Q, 0, false);
	kv_vmem_set_limit(p.vm, 8 * Q);
	ck_assert_uint_eq(best(p.vm, 9), NONE);
	ck_assert_uint_eq(best(p.vm, 4), 0);
	ck_assert_uint_eq(best(p.vm, 5), NONE);
	ck_assert_uint_eq(best(p.vm, 4), 4);
	ck_assert_uint_eq(best(p.vm, 1), NONE);
	ck_assert_uint_eq(kv_vmem_stats(p.vm).size, 8 * Q);
	ck_assert_uint_eq(kv_vmem_stats(p.vm).fail, 3);
	kv_vmem_set_limit(p.vm, 0);
	ck_assert_uint_eq(best(p.vm, 1), 8);
	pair_close(&p);
}
END_TEST

/* The parent has 50 in class 31, 70 in class 32; 33 are asked of it. */
START_TEST(b9_strategy_travels_up)
{
	struct kv_host host;
	struct kv_vmem *parent = apart(&host), *vm = arena_open(&host, 0);
	struct kv_link link = {.parent = parent, .quantum = 33 * Q};

	put(parent, 75, 50);
	put(parent, 126, 70);
	ck_assert_int_eq(kv_link_set(vm, &link), 0);
	ck_assert_uint_eq(get(vm, 33, KV_VMEM_FIRSTFIT), 126);
	put(vm, 126, 33);
	ck_assert_uint_eq(get(vm, 33, KV_VMEM_BESTFIT), 75);
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

/* Each rule that FreeBSD asserts; arena 0..16 quanta. */
static const struct {
	struct kv_vmem_req rq;
	const char *text;
} broken[] = {
    {{.size = 0}, "size is zero or rounds up past 2^64"},
    {{.size = UINT64_MAX}, "size is zero or rounds up past 2^64"},
    {{.size = Q, .align = Q / 2},
	"align, phase and nocross must be multiples of the quantum"},
    {{.size = Q, .align = 4 * Q, .phase = 1},
	"align, phase and nocross must be multiples of the quantum"},
    {{.size = Q, .nocross = 4 * Q + 1},
	"align, phase and nocross must be multiples of the quantum"},
    {{.size = Q, .align = 3 * Q}, "align and nocross must be powers of two"},
    {{.size = Q, .nocross = 3 * Q}, "align and nocross must be powers of two"},
    {{.size = Q, .align = 2 * Q, .phase = 2 * Q},
	"phase must be less than align"},
    {{.size = Q, .phase = Q}, "phase must be less than align"},
    {{.size = 5 * Q, .nocross = 4 * Q}, "nocross must be at least the size"},
    {{.size = 3 * Q + 1, .nocross = 2 * Q},
	"nocross must be at least the size"},
    {{.size = Q, .align = 4 * Q, .nocross = 4 * Q},
	"nocross must be more than align"},
    {{.size = 3 * Q, .align = 4 * Q, .phase = 3 * Q, .nocross = 8 * Q}, NULL},
    {{.size = 6 * Q, .align = 4 * Q, .phase = 3 * Q, .nocross = 8 * Q},
	"[phase, phase + size) must not cross nocross"},
    {{.size = Q, .min = 8 * Q, .max = 4 * Q}, "min must not be more than max"},
    {{.size = Q, .fit = KV_VMEM_NEXTFIT, .min = 1}, "next fit takes no limits"},
    {{.size = Q, .fit = KV_VMEM_NEXTFIT, .max = 8 * Q},
	"next fit takes no limits"},
    {{.size = Q + 1, .fit = KV_VMEM_NEXTFIT},
	"next fit takes multiples of the quantum"},
    {{.size = Q, .fit = KV_VMEM_NEXTFIT, .max = UINT64_MAX}, NULL},
    {{.size = 1}, NULL},
};

START_TEST(rules)
{
	struct kv_diag diag = {.text = "none"};
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);
	const struct kv_vmem_req *rq = &broken[_i].rq;
	int want = broken[_i].text == NULL ? 0 : EINVAL;
	kv_va_t va = UNTOUCHED;

	ck_assert_int_eq(kv_vmem_req_check(vm, rq, &diag), want);
	if (want != 0) {
		ck_assert_str_eq(diag.module, "vmem");
		ck_assert_str_eq(diag.text, broken[_i].text);
	}
	ck_assert_int_eq(kv_vmem_xalloc(vm, rq, &va), want);
	if (want != 0) {
		ck_assert_uint_eq(va, UNTOUCHED);
		PICTURE_IS(vm, "c S f16");
		ck_assert_uint_eq(kv_vmem_stats(vm).fail, 0);
	}
	arena_close(&host, vm);
}
END_TEST

START_TEST(sizes_are_rounded)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 1, 8);
	struct kv_diag diag;
	kv_va_t va = UNTOUCHED;

	ck_assert_int_eq(kv_vmem_alloc(vm, 1, KV_VMEM_BESTFIT, &va), 0);
	ck_assert_uint_eq(va, Q);
	ck_assert_int_eq(kv_vmem_alloc(vm, Q + 1, KV_VMEM_FIRSTFIT, &va), 0);
	ck_assert_uint_eq(va, 2 * Q);
	PICTURE_IS(vm, "c S a1 a2 f5");
	va = UNTOUCHED;
	ck_assert_int_eq(
	    kv_vmem_alloc(vm, Q + 1, KV_VMEM_NEXTFIT, &va), EINVAL);
	ck_assert_int_eq(kv_vmem_alloc(vm, 0, KV_VMEM_BESTFIT, &va), EINVAL);
	ck_assert_int_eq(
	    kv_vmem_alloc(vm, UINT64_MAX, KV_VMEM_BESTFIT, &va), EINVAL);
	ck_assert_uint_eq(va, UNTOUCHED);
	ck_assert_int_eq(kv_vmem_xfree(vm, 2 * Q, Q, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 2 * Q, 2 * Q - 1, &diag), 0);
	ck_assert_int_eq(kv_vmem_xfree(vm, Q, Q, &diag), 0);
	PICTURE_IS(vm, "c S f8");
	arena_close(&host, vm);
}
END_TEST

START_TEST(bad_frees)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);
	struct kv_diag diag = {0};

	ck_assert_uint_eq(best(vm, 4), 0);
	ck_assert_int_eq(kv_vmem_xfree(vm, Q, 4 * Q, &diag), ENOENT);
	ck_assert_uint_eq(diag.address, Q);
	ck_assert_ptr_nonnull(strstr(diag.text, "bt != NULL"));
	ck_assert_int_eq(kv_vmem_free(vm, 1, 4 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_xfree(vm, 4 * Q, 12 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 3 * Q, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 0, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, UINT64_MAX, &diag), EINVAL);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 5 * Q, NULL), EINVAL);
	PICTURE_IS(vm, "c S a4 f12");
	put(vm, 0, 4);
	ck_assert_int_eq(kv_vmem_xfree(vm, 0, 4 * Q, &diag), ENOENT);
	ck_assert_uint_eq(kv_vmem_stats(vm).free, 1);
	arena_close(&host, vm);
}
END_TEST

/* ---- 12: quantum caches ----------------------------------------------------
 */

static struct kv_vmem *
cached(struct kv_host *host, uint64_t start, uint64_t n, uint64_t batch)
{
	struct kv_vmem *vm;

	kv_host_libc(host);
	vm = arena_open(host, 4);
	ck_assert_int_eq(kv_vmem_add(vm, start * Q, n * Q), 0);
	kv_vmem_set_qcache_batch(vm, batch);
	return vm;
}

START_TEST(b12_cached_items_are_allocated)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 0, 16, 1);

	/* Caches import from 1 on: address 0 is not among them. */
	ck_assert_uint_eq(best(vm, 2), 1);
	PICTURE_IS(vm, "c S f1 a2 f13");
	put(vm, 1, 2);
	PICTURE_IS(vm, "c S f1 a2 f13");
	ck_assert_uint_eq(kv_vmem_cached(vm), 2 * Q);
	ck_assert_uint_eq(kv_vmem_stats(vm).inuse, 2 * Q);
	ck_assert_uint_eq(best(vm, 1), 3);
	ck_assert_uint_eq(best(vm, 2), 1); /* a hit */
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	ck_assert_uint_eq(best(vm, 5), 4); /* past qcache_max: no cache */
	put(vm, 4, 5);
	PICTURE_IS(vm, "c S f1 a2 a1 f12");
	arena_close(&host, vm);
}
END_TEST

START_TEST(b12_stack_order_and_batch)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 32, 3);

	ck_assert_uint_eq(best(vm, 2), 5); /* imports 1, 3, 5; pops the last */
	ck_assert_uint_eq(kv_vmem_cached(vm), 4 * Q);
	ck_assert_uint_eq(best(vm, 2), 3);
	put(vm, 5, 2);
	ck_assert_uint_eq(best(vm, 2), 5);
	ck_assert_uint_eq(best(vm, 2), 1);
	ck_assert_uint_eq(best(vm, 2), 11);
	arena_close(&host, vm);
}
END_TEST

/* Smallest size first, each from the top; only then does the request fit. */
START_TEST(b12_drain)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 8, 1);

	for (uint64_t at = 1; at < 9; at++)
		ck_assert_uint_eq(best(vm, 1), at);
	for (uint64_t at = 1; at < 9; at++)
		put(vm, at, 1);
	ck_assert_uint_eq(kv_vmem_cached(vm), 8 * Q);
	ck_assert_uint_eq(best(vm, 8), 1);
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	ck_assert_uint_eq(best(vm, 1), NONE);
	arena_close(&host, vm);
}
END_TEST

START_TEST(b12_drain_in_vain)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 8, 1);

	ck_assert_uint_eq(best(vm, 2), 1);
	ck_assert_uint_eq(best(vm, 6), 3);
	put(vm, 1, 2);
	ck_assert_uint_eq(best(vm, 3), NONE);
	PICTURE_IS(vm, "c S f2 a6");
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	arena_close(&host, vm);
}
END_TEST

START_TEST(b12_address_0)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 0, 1, 1);

	ck_assert_uint_eq(best(vm, 1), 0); /* past the cache */
	put(vm, 0, 1);			   /* and past it */
	ck_assert_uint_eq(kv_vmem_cached(vm), 0);
	PICTURE_IS(vm, "c S f1");
	arena_close(&host, vm);
}
END_TEST

/* A free of what the cache holds is a double free, even if upstream's caches
 * would take it; xalloc'ed blocks may well be given to the cache. */
START_TEST(b12_bad_frees)
{
	struct kv_host host;
	struct kv_vmem *vm = cached(&host, 1, 8, 1);
	struct kv_diag diag;

	ck_assert_uint_eq(best(vm, 2), 1);
	ck_assert_uint_eq(best(vm, 2), 3);
	ck_assert_int_eq(kv_vmem_free(vm, 2 * Q, 2 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_free(vm, Q, Q, &diag), EINVAL);
	put(vm, 1, 2);
	put(vm, 3, 2);
	ck_assert_int_eq(kv_vmem_free(vm, Q, 2 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_free(vm, 3 * Q, 2 * Q, &diag), ENOENT);
	ck_assert_int_eq(kv_vmem_xfree(vm, Q, 2 * Q, &diag), ENOENT);
	ck_assert_uint_eq(kv_vmem_cached(vm), 4 * Q);
	ck_assert_uint_eq(best(vm, 2), 3);
	ck_assert_uint_eq(best(vm, 2), 1);
	put(vm, 1, 2);
	put(vm, 3, 2);
	ck_assert_uint_eq(best(vm, 8), 1); /* the drain meets each once */
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

/* Limits that no import can meet: an import in vain stays, then ENOMEM. */
START_TEST(limits_in_an_importing_arena)
{
	struct kv_vmem_req rq = {.size = Q, .min = 1000 * Q};
	struct pair p;

	pair_open(&p, 4 * Q, 0, false);
	ck_assert_uint_eq(xget(p.vm, rq), NONE);
	ck_assert_uint_ge(kv_vmem_stats(p.vm).import, 1);
	ck_assert_uint_eq(
	    kv_vmem_stats(p.vm).size, 4 * Q * kv_vmem_stats(p.vm).import);
	ck_assert_uint_eq(
	    kv_vmem_stats(p.parent).inuse, kv_vmem_stats(p.vm).size);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(xget(p.vm, rq), NONE);
	rq.min = 2 * Q; /* inside what was imported */
	ck_assert_uint_ne(xget(p.vm, rq), NONE);
	pair_close(&p);
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

/* ---- Inspect ----------------------------------------------------------------
 */

START_TEST(whatis_and_stats)
{
	struct kv_vmem_seg seg = {.start = UNTOUCHED};
	struct kv_vmem_stats s;
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 4, 16);

	ck_assert_str_eq(kv_vmem_name(vm), "a");
	ck_assert_uint_eq(kv_vmem_quantum(vm), Q);
	ck_assert_uint_eq(best(vm, 3), 4);
	ck_assert_uint_eq(best(vm, 1), 7);
	put(vm, 4, 3);
	ck_assert_int_eq(kv_vmem_whatis(vm, 4 * Q - 1, &seg), ENOENT);
	ck_assert_int_eq(kv_vmem_whatis(vm, 20 * Q, &seg), ENOENT);
	ck_assert_uint_eq(seg.start, UNTOUCHED);
	ck_assert_int_eq(kv_vmem_whatis(vm, 4 * Q, &seg), 0);
	ck_assert_int_eq(seg.kind, KV_VMEM_FREE);
	ck_assert_uint_eq(seg.size, 3 * Q);
	ck_assert_int_eq(kv_vmem_whatis(vm, 8 * Q - 1, &seg), 0);
	ck_assert_int_eq(seg.kind, KV_VMEM_BUSY);
	ck_assert_uint_eq(seg.start, 7 * Q);
	s = kv_vmem_stats(vm);
	ck_assert_uint_eq(s.size, 16 * Q);
	ck_assert_uint_eq(s.inuse, Q);
	ck_assert_uint_eq(s.maxfree, 12 * Q);
	ck_assert_uint_eq(s.nbusy, 1);
	ck_assert_uint_eq(s.nfree, 2);
	ck_assert_uint_eq(s.nspan, 1);
	ck_assert_uint_eq(s.alloc, 2);
	ck_assert_uint_eq(s.free, 1);
	ck_assert_uint_eq(s.fail, 0);
	arena_close(&host, vm);
}
END_TEST

/* Stops at the third segment. */
static int
third(void *arg, const struct kv_vmem_seg *seg)
{
	unsigned *seen = arg;

	(void)seg;
	return ++*seen == 3 ? 42 : 0;
}

START_TEST(walk_stops)
{
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);
	unsigned seen = 0;

	ck_assert_uint_eq(best(vm, 3), 0);
	ck_assert_int_eq(kv_vmem_walk(vm, third, &seen), 42);
	ck_assert_uint_eq(seen, 3);
	arena_close(&host, vm);
}
END_TEST

/* Overlapping spans are the caller's to avoid and check's to find. */
START_TEST(check_finds_overlap)
{
	struct kv_diag diag = {0};
	struct kv_host host;
	struct kv_vmem *vm = arena_with(&host, 0, 16);

	ck_assert_int_eq(kv_vmem_add(vm, 8 * Q, 16 * Q), 0);
	ck_assert_int_eq(kv_vmem_check(vm, &diag), EFAULT);
	ck_assert_str_eq(diag.module, "vmem");
	ck_assert_uint_eq(diag.invariant, 3);
	ck_assert_uint_eq(diag.address, 8 * Q);
	kv_vmem_destroy(vm);
}
END_TEST

static void
tell(void *arg, const struct kv_event *event)
{
	struct picture *p = arg;
	size_t n = strlen(p->text);

	snprintf(p->text + n, PICTURE - n, "%s %s %llu+%llu; ", event->source,
	    kv_event_name(event->kind),
	    (unsigned long long)(event->value[0] / Q),
	    (unsigned long long)(event->value[1] / Q));
}

START_TEST(events)
{
	struct picture log = {""};
	struct kv_vmem_config cfg = {
	    .name = "child", .quantum = Q, .tap = {tell, &log}};
	struct kv_host host;
	struct kv_vmem *parent = arena_with(&host, 8, 64), *vm;
	struct kv_link link = {.parent = parent, .quantum = 4 * Q};

	cfg.host = &host;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	ck_assert_int_eq(kv_link_set(vm, &link), 0);
	ck_assert_uint_eq(best(vm, 3), 8);
	put(vm, 8, 3);
	ck_assert_str_eq(log.text,
	    "child vmem.import 8+4; child vmem.alloc 8+3; "
	    "child vmem.free 8+3; child vmem.release 8+4; ");
	kv_vmem_destroy(vm);
	arena_close(&host, parent);
}
END_TEST

START_TEST(create_is_refused)
{
	struct kv_host host;
	struct kv_vmem_config cfg = {.name = "a", .host = &host};
	struct kv_vmem *vm = NULL;
	struct kv_vmem_source none = {.import_quantum = Q};

	kv_host_libc(&host);
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), EINVAL);
	cfg.quantum = 3 * Q;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), EINVAL);
	cfg.quantum = Q;
	cfg.qcache_max = Q + 1;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), EINVAL);
	cfg.qcache_max = 64 * Q; /* 16 sizes are cached */
	ck_assert_ptr_null(vm);
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	ck_assert_int_eq(kv_vmem_set_source(vm, &none), EINVAL);
	ck_assert_int_eq(kv_vmem_add(vm, Q, 64 * Q), 0);
	put(vm, best(vm, 16), 16);
	ck_assert_uint_eq(kv_vmem_cached(vm), 16 * Q);
	put(vm, best(vm, 17), 17);
	ck_assert_uint_eq(kv_vmem_cached(vm), 16 * Q);
	kv_vmem_destroy(NULL);
	arena_close(&host, vm);
}
END_TEST

/* ---- No memory --------------------------------------------------------------
 */

/* Import, fragment, coalesce, release; only the frees cannot fail. */
static void
exercise(struct kv_vmem *vm)
{
	enum { BLOCKS = 300 };
	uint64_t size[BLOCKS];
	kv_va_t va[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++) {
		size[i] = (33 + i * 7 % 31) * Q;
		if (kv_vmem_alloc(vm, size[i], KV_VMEM_BESTFIT, &va[i]) != 0)
			size[i] = 0;
	}
	for (unsigned i = 0; i < BLOCKS; i += 2)
		if (size[i] != 0)
			ck_assert_int_eq(
			    kv_vmem_free(vm, va[i], size[i], NULL), 0);
	arena_check(vm);
	for (unsigned i = 0; i < BLOCKS; i += 2) {
		size[i] = i % 4 == 0 ? 63 * Q : 0;
		if (kv_vmem_alloc(vm, size[i], KV_VMEM_BESTFIT, &va[i]) != 0)
			size[i] = 0;
	}
	arena_check(vm);
	for (unsigned i = 0; i < BLOCKS; i++)
		if (size[i] != 0)
			ck_assert_int_eq(
			    kv_vmem_free(vm, va[i], size[i], NULL), 0);
	arena_check(vm);
}

START_TEST(every_failure_of_memory)
{
	for (uint64_t n = 1;; n++) {
		struct kv_vmem_config cfg = {.name = "a", .quantum = Q};
		struct kv_vmem *parent = NULL, *vm = NULL;
		struct kv_link link = {.quantum = 512 * Q};
		struct kv_host host;
		uint64_t fail_at;

		kv_host_libc(&host);
		cfg.host = &host;
		kv_host_fail_at(&host, n);
		fail_at = host.fail_at;
		if (kv_vmem_create(&cfg, &parent) == 0 &&
		    kv_vmem_create(&cfg, &vm) == 0 &&
		    kv_vmem_add(parent, Q, (UINT64_C(1) << 20) * Q) == 0) {
			link.parent = parent;
			ck_assert_int_eq(kv_link_set(vm, &link), 0);
			exercise(vm);
			ck_assert_uint_eq(kv_vmem_stats(vm).size, 0);
			ck_assert_uint_eq(kv_vmem_stats(parent).inuse, 0);
		}
		kv_vmem_destroy(vm);
		kv_vmem_destroy(parent);
		ck_assert_uint_eq(host.bytes, 0);
		if (host.calls < fail_at)
			break;
	}
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

static TCase *
tcase_spans(void)
{
	TCase *t = tcase_create("spans");

	tcase_add_test(t, b7_add_joins_what_touches);
	tcase_add_test(t, b7_add_is_refused);
	tcase_add_test(t, b8_import_and_release_at_once);
	tcase_add_test(t, b8_alignment_asks_for_more);
	tcase_add_test(t, b8_kept_spans_join);
	tcase_add_test(t, b8_static_spans_stay);
	tcase_add_test(t, b8_odd_import_quantum);
	tcase_add_test(t, b8_imports_off_the_quantum);
	tcase_add_test(t, b8_limit);
	tcase_add_test(t, b9_strategy_travels_up);
	tcase_add_test(t, limits_in_an_importing_arena);
	return t;
}

static TCase *
tcase_rest(void)
{
	TCase *t = tcase_create("calls");

	tcase_add_loop_test(t, rules, 0, COUNT(broken));
	tcase_add_test(t, sizes_are_rounded);
	tcase_add_test(t, bad_frees);
	tcase_add_test(t, b12_cached_items_are_allocated);
	tcase_add_test(t, b12_stack_order_and_batch);
	tcase_add_test(t, b12_drain);
	tcase_add_test(t, b12_drain_in_vain);
	tcase_add_test(t, b12_address_0);
	tcase_add_test(t, b12_bad_frees);
	tcase_add_test(t, whatis_and_stats);
	tcase_add_test(t, walk_stops);
	tcase_add_test(t, check_finds_overlap);
	tcase_add_test(t, events);
	tcase_add_test(t, create_is_refused);
	tcase_add_test(t, every_failure_of_memory);
	return t;
}

int
main(void)
{
	Suite *s = suite_create("vmem");

	suite_add_tcase(s, tcase_addresses());
	suite_add_tcase(s, tcase_spans());
	suite_add_tcase(s, tcase_rest());
	return kv_test_main(s);
}
