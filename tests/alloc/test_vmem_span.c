/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vmem_span.c - arenas: spans come, join, are imported and go
 *
 * Behaviours 7-9 of vmem.md, as in test_vmem.c.
 */
#include "arenarig.h"
#include "kvtest.h"

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

/* ---- The suite --------------------------------------------------------- */

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

int
main(void)
{
	Suite *s = suite_create("vmem spans");

	suite_add_tcase(s, tcase_spans());
	return kv_test_main(s);
}
