/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_link.c - imports between arenas: plain, and as kernel stacks do
 *
 * Slots of 5 quanta as in freebsd.md 6, with an alignment of 8 quanta.
 */
#include "arenarig.h"
#include "kvtest.h"

enum { SLOT = 5, ALIGN = 8, IQ = 35 }; /* quanta; 40 come from the parent */

struct rig {
	struct kv_host host;
	struct kv_vmem *parent, *vm;
	struct kv_link link;
};

static void
rig_open(struct rig *r, uint64_t start, uint64_t origin)
{
	r->parent = arena_with(&r->host, start, 400);
	r->vm = arena_open(&r->host, 0);
	r->link = (struct kv_link){.parent = r->parent,
	    .align = ALIGN * Q,
	    .quantum = IQ * Q,
	    .slot = SLOT * Q,
	    .origin = origin * Q};
	ck_assert_int_eq(kv_link_set(r->vm, &r->link), 0);
}

static void
rig_close(struct rig *r)
{
	arena_check(r->vm);
	kv_vmem_destroy(r->vm);
	arena_close(&r->host, r->parent);
}

/* Case: quanta from the origin to the parent's first aligned address. */
START_TEST(slides_to_a_whole_slot)
{
	uint64_t base = ALIGN * (uint64_t)_i + 80, slot;
	struct rig r;

	rig_open(&r, base - 7, 80);
	/* the least multiple of 5 from the origin, not below base */
	for (slot = base; (slot - 80) % SLOT != 0; slot++)
		;
	ck_assert_uint_eq(best(r.vm, SLOT), slot);
	PICTURE_IS(r.vm, "c I a5 f30");
	PICTURE_IS(r.parent, "c S f7 a40 f353"); /* all of it, slid or not */
	for (uint64_t i = 1; i < IQ / SLOT; i++)
		ck_assert_uint_eq(best(r.vm, SLOT), slot + i * SLOT);
	ck_assert_uint_eq(kv_vmem_stats(r.vm).import, 1);
	ck_assert_uint_ge(best(r.vm, SLOT), base + 40); /* next chunk */
	put(r.vm, slot, SLOT);
	for (uint64_t i = 1; i < IQ / SLOT; i++)
		put(r.vm, slot + i * SLOT, SLOT);
	PICTURE_IS(r.parent, "c S f47 a40 f313"); /* the first went back */
	rig_close(&r);
}
END_TEST

START_TEST(ignores_the_asked_size)
{
	struct rig r;

	rig_open(&r, 80, 80);
	ck_assert_uint_eq(best(r.vm, 1), 80);
	PICTURE_IS(r.vm, "c I a1 f34");
	/* more than it imports would not fit (freebsd-F24): ENOMEM */
	ck_assert_uint_eq(best(r.vm, IQ + 1), NONE);
	PICTURE_IS(r.parent, "c S a40 f360");
	ck_assert_uint_eq(best(r.vm, IQ), 120);
	rig_close(&r);
}
END_TEST

START_TEST(parent_is_exhausted)
{
	struct rig r;

	rig_open(&r, 80, 80);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_ne(best(r.vm, IQ), NONE);
	ck_assert_uint_eq(best(r.vm, SLOT), NONE);
	ck_assert_uint_eq(kv_vmem_stats(r.parent).inuse, 400 * Q);
	rig_close(&r);
}
END_TEST

/* The owner of a span is asked, and what it answers is handed on. */
START_TEST(parent_refuses_the_release)
{
	struct kv_diag diag = {0};
	struct rig r;

	rig_open(&r, 80, 80);
	ck_assert_uint_eq(best(r.vm, SLOT), 80);
	put(r.parent, 80, 40); /* behind the child's back (freebsd-F6) */
	ck_assert_int_eq(kv_vmem_free(r.vm, 80 * Q, SLOT * Q, &diag), ENOENT);
	ck_assert_ptr_nonnull(strstr(diag.text, "bt != NULL"));
	ck_assert_uint_eq(diag.address, 80 * Q);
	rig_close(&r);
}
END_TEST

/* freebsd-F6: what goes back is the span, not the chunk. */
START_TEST(release_keeps_the_bump)
{
	struct kv_diag diag = {0};
	struct rig r;

	rig_open(&r, 80, 78); /* slides by 3 quanta */
	r.link.faults = KV_LINK_KEEP_BUMP;
	ck_assert_int_eq(kv_link_set(r.vm, &r.link), 0);
	ck_assert_uint_eq(best(r.vm, SLOT), 83);
	ck_assert_int_eq(kv_vmem_free(r.vm, 83 * Q, SLOT * Q, &diag), ENOENT);
	ck_assert_str_eq(diag.module, "freebsd");
	ck_assert_uint_eq(diag.invariant, 6);
	ck_assert_uint_eq(diag.address, 83 * Q);
	rig_close(&r);
}
END_TEST

/*
 * freebsd-F19: the release asserts that a chunk begins with a slot.  Case: the
 * chunk seems to begin elsewhere, for its origin moved by a quantum.  With
 * slots of 8 quanta that is 1 in quanta modulo 8, and 0 in bytes, for 8 divides
 * 4096; 5 does not.
 */
static const struct {
	uint64_t slot; /* quanta */
	unsigned faults;
	int want;
} asserts[] = {{8, KV_LINK_KEEP_BUMP, EINVAL}, {8, KV_LINK_BYTE_ASSERT, 0},
    {5, KV_LINK_KEEP_BUMP, EINVAL}, {5, KV_LINK_BYTE_ASSERT, EINVAL}};

START_TEST(release_asserts_slots)
{
	struct kv_diag diag = {0};
	struct rig r;

	rig_open(&r, 80, 80);
	r.link.slot = asserts[_i].slot * Q;
	r.link.quantum = 4 * asserts[_i].slot * Q;
	r.link.faults = asserts[_i].faults;
	ck_assert_int_eq(kv_link_set(r.vm, &r.link), 0);
	ck_assert_uint_eq(best(r.vm, SLOT), 80);
	r.link.origin -= Q;
	ck_assert_int_eq(
	    kv_vmem_free(r.vm, 80 * Q, SLOT * Q, &diag), asserts[_i].want);
	if (asserts[_i].want != 0) {
		ck_assert_str_eq(diag.module, "freebsd");
		ck_assert_uint_eq(diag.invariant, 8);
	}
	rig_close(&r);
}
END_TEST

/* Case 0: sound; 1: freebsd-F18, 2: freebsd-F24.  The import slides by 3. */
START_TEST(span_leaves_its_block)
{
	static const struct {
		unsigned faults, ask, span, block; /* quanta */
	} rows[] = {{0, SLOT, IQ, 40}, {KV_LINK_NO_SPARE_SLOT, SLOT, IQ, IQ},
	    {KV_LINK_ADD_ASKED, IQ + 1, 2 * IQ, 40}};
	struct kv_vmem_seg block;
	struct rig r;

	rig_open(&r, 80, 78);
	r.link.faults = rows[_i].faults;
	ck_assert_int_eq(kv_link_set(r.vm, &r.link), 0);
	ck_assert_uint_eq(best(r.vm, rows[_i].ask), 83);
	ck_assert_uint_eq(kv_vmem_stats(r.vm).size, rows[_i].span * Q);
	ck_assert_int_eq(kv_vmem_whatis(r.parent, 80 * Q, &block), 0);
	ck_assert_uint_eq(block.size, rows[_i].block * Q);
	rig_close(&r);
}
END_TEST

/* Spans of 40 quanta at multiples of 40 from 80, which no alignment knows;
 * the parent has quanta 77 to 476 and the import is aligned to 8. */
static void
stride_open(struct rig *r)
{
	r->parent = arena_with(&r->host, 77, 400);
	r->vm = arena_open(&r->host, 0);
	r->link = (struct kv_link){.parent = r->parent,
	    .align = ALIGN * Q,
	    .quantum = 40 * Q,
	    .stride = 40 * Q,
	    .origin = 80 * Q};
	ck_assert_int_eq(kv_link_set(r->vm, &r->link), 0);
}

START_TEST(starts_on_a_stride)
{
	struct rig r;

	stride_open(&r);
	ck_assert_uint_eq(best(r.parent, 8), 77); /* 85 on are free */
	ck_assert_uint_eq(best(r.vm, SLOT), 120);
	PICTURE_IS(r.vm, "c I a5 f35"); /* no slot is given up */
	PICTURE_IS(r.parent, "c S a8 f35 a40 f317");
	ck_assert_uint_eq(best(r.vm, 40), 160); /* the next is adjacent */
	ck_assert_uint_eq(best(r.vm, 41), NONE);
	put(r.vm, 120, SLOT);
	PICTURE_IS(r.parent, "c S a8 f75 a40 f277");
	ck_assert_uint_eq(best(r.vm, SLOT), 120);
	put(r.vm, 120, SLOT);
	put(r.vm, 160, 40);
	PICTURE_IS(r.parent, "c S a8 f392");
	rig_close(&r);
}
END_TEST

START_TEST(no_room_for_a_stride)
{
	struct rig r;
	uint64_t n = 0;

	stride_open(&r);
	while (best(r.vm, 40) != NONE)
		n++;
	ck_assert_uint_eq(n, 9); /* 80, 120 .. 400; 440 would end at 480 */
	ck_assert_uint_eq(kv_vmem_stats(r.parent).inuse, 360 * Q);
	rig_close(&r);
}
END_TEST

static const struct {
	uint64_t quantum, align, slot, stride;
	int want;
} links[] = {
    {0, 0, 0, 0, EINVAL},
    {Q, 3 * Q, 0, 0, EINVAL},
    {Q, 0, 0, 0, 0},
    {10000, 0, 0, 0, 0},
    {36 * Q, 8 * Q, 5 * Q, 0, EINVAL}, /* no multiple of the slot */
    {35 * Q, 4 * Q, 5 * Q, 0, EINVAL}, /* the slide could pass the alignment */
    {35 * Q, 0, 5 * Q, 0, EINVAL},
    {0 - Q, 8 * Q, Q, 0, EINVAL}, /* quantum + slot is 2^64 */
    {35 * Q, 8 * Q, 5 * Q, 0, 0},
    {40 * Q, 8 * Q, 5 * Q, 40 * Q, EINVAL}, /* both */
    {40 * Q, 8 * Q, 0, 36 * Q, EINVAL},	    /* stride none of align */
    {40 * Q, 0, 0, 40 * Q, EINVAL},
    {0 - Q, 8 * Q, 0, 40 * Q, EINVAL},
    {40 * Q, 8 * Q, 0, 40 * Q, 0},
};

START_TEST(parameters)
{
	struct kv_host host;
	struct kv_vmem *parent = arena_with(&host, 0, 64);
	struct kv_vmem *vm = arena_open(&host, 0);
	struct kv_link link = {.parent = parent,
	    .quantum = links[_i].quantum,
	    .align = links[_i].align,
	    .slot = links[_i].slot,
	    .stride = links[_i].stride};

	ck_assert_int_eq(kv_link_set(vm, &link), links[_i].want);
	ck_assert_int_eq(kv_vmem_add(vm, 900 * Q, Q), 0);
	if (links[_i].want == 0)
		ck_assert_int_eq(kv_link_set(vm, &link), EBUSY);
	kv_vmem_destroy(vm);
	arena_close(&host, parent);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("imports");

	tcase_add_loop_test(t, slides_to_a_whole_slot, 0, 6);
	tcase_add_test(t, ignores_the_asked_size);
	tcase_add_test(t, parent_is_exhausted);
	tcase_add_test(t, parent_refuses_the_release);
	tcase_add_test(t, release_keeps_the_bump);
	tcase_add_loop_test(t, release_asserts_slots, 0, 4);
	tcase_add_loop_test(t, span_leaves_its_block, 0, 3);
	tcase_add_test(t, starts_on_a_stride);
	tcase_add_test(t, no_room_for_a_stride);
	tcase_add_loop_test(
	    t, parameters, 0, (int)(sizeof(links) / sizeof(links[0])));
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
