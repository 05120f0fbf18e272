/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kstack_chunks.c - the chunks that stacks are cut from: where, how large
 *
 * Numbers are those of freebsd.md 6 and 8.1; addresses are counted from
 * kva_start.
 */
#include "kstackrig.h"

enum { SLOTS = 511 };

static const struct make plain = {
    KV_KSTACK_NEW, 4, 1, 1, 0, 128, false, 0, 0, 0};

struct chunks {
	struct kv_kstack_chunk list[16];
	unsigned n;
};

static int
chunk_add(void *arg, const struct kv_kstack_chunk *chunk)
{
	struct chunks *c = arg;

	c->list[c->n++] = *chunk;
	return c->n == 16;
}

static struct chunks
chunks_of(const struct rig *rig)
{
	struct chunks c = {.n = 0};

	ck_assert_int_eq(kv_kstack_walk_chunks(rig->ks, chunk_add, &c), 0);
	return c;
}

/* Imports of one arena, from kva_start. */
struct imports {
	kv_va_t origin;
	const char *name;
	uint64_t va[16], size;
	unsigned n;
};

static int
import_add(void *arg, const struct kv_vmem_seg *seg)
{
	struct imports *im = arg;

	if (seg->kind == KV_VMEM_BUSY)
		im->va[im->n++] = seg->start - im->origin;
	return im->n == 16;
}

START_TEST(chunk_sequence)
{
	static const uint64_t parent[] = {0, 0xa00000, 0x1400000, 0x1e00000,
	    0x2800000, 0x3200000, 0x3c00000, 0x4600000};
	static const uint64_t domain_at[] = {
	    0, 0xe00000, 0x1c00000, 0x2a00000, 0x3800000, 0x4600000};
	/* chunks after which the arenas have imported so often */
	static const unsigned domain_n[] = {1, 2, 3, 3, 4, 5, 5, 6};
	static const unsigned kernel_n[] = {1, 2, 3, 3, 4, 4, 4, 5};
	struct imports im = {.n = 0};
	struct chunks c;
	struct rig rig;

	rig_open(&rig, &plain);
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned j = 0; j < SLOTS; j++)
			spawn(&rig, 0);
		ck_assert_uint_eq(
		    kv_vmem_stats(kv_kstack_arena(rig.ks, 1)).import,
		    domain_n[i]);
		ck_assert_uint_eq(
		    kv_vmem_stats(kv_kstack_arena(rig.ks, 0)).import,
		    kernel_n[i]);
	}
	rig_check(&rig);
	c = chunks_of(&rig);
	ck_assert_uint_eq(c.n, 8);
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_uint_eq(c.list[i].parent - rig.origin, parent[i]);
		ck_assert_uint_eq(c.list[i].size, SLOTS * 5 * PAGE);
		ck_assert_uint_eq(c.list[i].npindex, SLOTS * 4);
		ck_assert_uint_eq(c.list[i].pindex, 2048 * i);
	}
	im.origin = rig.origin;
	kv_vmem_walk(kv_kstack_arena(rig.ks, 0), import_add, &im);
	ck_assert_uint_eq(im.n, 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(im.va[i], domain_at[i]);
	ck_assert_uint_eq(
	    kv_vmem_stats(kv_kstack_arena(rig.ks, 0)).size, 5 * 0x1200000);
	rig_close(&rig);
}
END_TEST

/* Freeing all of chunk 0 releases it; the next stack imports it again. */
START_TEST(chunk_returns)
{
	struct kv_stack first[SLOTS], other;
	struct rig rig;

	rig_open(&rig, &plain);
	for (unsigned i = 0; i < SLOTS; i++)
		first[i] = spawn(&rig, 0);
	other = spawn(&rig, 0);
	for (unsigned i = 0; i < SLOTS; i++)
		dispose(&rig, &first[i]);
	rig_check(&rig);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).releases, 1);
	ck_assert_uint_eq(chunks_of(&rig).n, 1);
	dispose(&rig, &other);
	is_drained(&rig);
	other = spawn(&rig, 0);
	ck_assert_uint_eq(other.ks, first[0].ks);
	ck_assert_uint_eq(chunks_of(&rig).list[0].parent, rig.origin);
	dispose(&rig, &other);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* Parents that give spans back (phys.md): 2 MiB spans of 102 linear stacks;
 * chunks 18 MiB apart.  All KVA is the map's again in the end. */
START_TEST(spans_returned)
{
	static const enum kv_kstack_scheme schemes[] = {
	    KV_KSTACK_OLD, KV_KSTACK_NEW};
	struct make make = {schemes[_i], 4, 1, 1, 0, 64, true, 0, 0, 0};
	unsigned span = _i == 0 ? 102 : SLOTS;
	uint64_t stride = (_i == 0 ? 2 : 18) * MIB, bump;
	struct kv_stack s[3 * SLOTS];
	struct rig rig;

	rig_open(&rig, &make);
	for (unsigned i = 0; i < 3 * span; i++) {
		s[i] = spawn(&rig, 0);
		/* to the next multiple of 5 pages, where there are chunks */
		bump = _i == 0 ? 0 : (5 - i / span * stride / PAGE % 5) % 5;
		ck_assert_uint_eq(s[i].ks - rig.origin,
		    i / span * stride + (bump + i % span * 5 + 1) * PAGE);
	}
	rig_check(&rig);
	/* the middle span goes back, and is the lowest gap */
	for (unsigned i = span; i < 2 * span; i++)
		dispose(&rig, &s[i]);
	rig_check(&rig);
	ck_assert_uint_eq(
	    kv_vmem_stats(kv_kstack_arena(rig.ks, 0)).size, 2 * stride);
	ck_assert_uint_eq(spawn(&rig, 0).ks, s[span].ks);
	dispose(&rig, &s[span]);
	for (unsigned i = 0; i < span; i++) {
		dispose(&rig, &s[i]);
		dispose(&rig, &s[2 * span + i]);
	}
	is_drained(&rig);
	for (unsigned i = 0; kv_kstack_arena(rig.ks, i) != NULL; i++)
		ck_assert_uint_eq(
		    kv_vmem_stats(kv_kstack_arena(rig.ks, i)).size, 0);
	rig_close(&rig);
}
END_TEST

/* What the kernel and domain arenas import is for the caller to say. */
START_TEST(import_quantum)
{
	struct make make = {
	    KV_KSTACK_NEW, 4, 1, 2, 0, 16, false, 4 * MIB, 0, 0};
	struct rig rig;

	rig_open(&rig, &make);
	spawn(&rig, 1);
	/* 10 MiB and twice the alignment, rounded up; the same above it */
	ck_assert_uint_eq(
	    kv_vmem_stats(kv_kstack_arena(rig.ks, 3)).size, 16 * MIB);
	ck_assert_uint_eq(
	    kv_vmem_stats(kv_kstack_arena(rig.ks, 0)).size, 20 * MIB);
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(numa_chunks)
{
	static const struct make make = {
	    KV_KSTACK_NEW, 4, 1, 2, 0, 64, false, 0, 0, 0};
	/* by address: domains 0, 0, 1, 1 */
	static const uint64_t parent[] = {0, 0xa00000, 0x10000000, 0x10a00000};
	static const uint64_t pindex[] = {0, 2048, 52432, 54480};
	static const uint64_t bump[] = {0, 0, 4, 4};
	struct chunks c;
	struct rig rig;

	rig_open(&rig, &make);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < SLOTS; j++)
			ck_assert_uint_eq(spawn(&rig, i % 2).domain, i % 2);
	rig_check(&rig);
	c = chunks_of(&rig);
	ck_assert_uint_eq(c.n, 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(c.list[i].parent - rig.origin, parent[i]);
		ck_assert_uint_eq(
		    c.list[i].base - c.list[i].parent, bump[i] * PAGE);
		ck_assert_uint_eq(c.list[i].pindex, pindex[i]);
		ck_assert_uint_eq(c.list[i].domain, i / 2);
	}
	ck_assert_uint_eq(
	    kv_vmem_stats(kv_kstack_arena(rig.ks, 0)).size, 0x20000000);
	for (unsigned i = 1; i < 5; i += 2)
		ck_assert_uint_eq(
		    kv_vmem_stats(kv_kstack_arena(rig.ks, i)).size, 0x10000000);
	ck_assert_str_eq(kv_vmem_name(kv_kstack_arena(rig.ks, 0)), "kernel");
	ck_assert_str_eq(kv_vmem_name(kv_kstack_arena(rig.ks, 3)), "domain1");
	ck_assert_str_eq(kv_vmem_name(kv_kstack_arena(rig.ks, 4)), "kstack1");
	ck_assert_ptr_null(kv_kstack_arena(rig.ks, 5));
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).wrong_domain, 0);
	rig_close(&rig);
}
END_TEST

/*
 * ffff, whatever the sizes: chunks of a full KVA quantum of slots, whose first
 * and last pindex are those of reservations; two domains, and KVA that starts
 * anywhere.
 */
static const struct {
	unsigned npages, gpages;
} ffff_sizes[] = {{4, 1}, {4, 2}, {4, 3}, {4, 4}, {2, 1}, {8, 1}, {6, 1},
    {6, 2}, {5, 0}, {3, 1}, {16, 1}};

START_TEST(ffff_chunks)
{
	struct make make = {KV_KSTACK_FFFF, ffff_sizes[_i].npages,
	    ffff_sizes[_i].gpages, 2, (uint64_t)_i * 0x200000, 64, false, 0, 0,
	    0};
	uint64_t slot = (make.npages + make.gpages) * PAGE;
	struct chunks c;
	struct rig rig;

	rig_open(&rig, &make);
	for (unsigned i = 0; i < 600; i++)
		ck_assert_uint_eq(spawn(&rig, i % 2).domain, i % 2);
	for (unsigned i = 0; i < 600; i++)
		spawn(&rig, 0);
	rig_check(&rig);
	c = chunks_of(&rig);
	ck_assert_uint_eq(c.n, 3); /* 900 of 2 * 512, 300 of 512 */
	for (unsigned i = 0; i < c.n; i++) {
		ck_assert_uint_eq(c.list[i].base, c.list[i].parent);
		ck_assert_uint_eq(c.list[i].size, 512 * slot);
		ck_assert_uint_eq(c.list[i].parent_size, 512 * slot);
		ck_assert_uint_eq(c.list[i].pindex % 512, 0);
		ck_assert_uint_eq(c.list[i].npindex, 512 * make.npages);
	}
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).wrong_domain, 0);
	rig_close(&rig);
}
END_TEST

/* Section 8.1, last line, first free KVA at 2 MB: chunk, bump, pindex. */
static const struct {
	unsigned gpages;
	uint64_t chunk, bump, pindex;
} guards[] = {
    {4, 16, 0, 256}, {2, 12, 4, 344}, {0, 8, 0, 512}, {1, 10, 3, 412}};

START_TEST(guard_pages)
{
	struct make make = plain;
	struct kv_kstack_chunk c;
	struct kv_stack s;
	struct rig rig;

	make.gpages = guards[_i].gpages;
	make.first_kva = 2 * MIB;
	rig_open(&rig, &make);
	s = spawn(&rig, 0);
	rig_check(&rig);
	c = chunks_of(&rig).list[0];
	ck_assert_uint_eq(c.parent - rig.origin, 2 * MIB);
	ck_assert_uint_eq(c.base - c.parent, guards[_i].bump * PAGE);
	ck_assert_uint_eq(c.pindex, guards[_i].pindex);
	ck_assert_uint_eq(s.pindex, guards[_i].pindex);
	ck_assert_uint_eq(
	    c.size, guards[_i].chunk * MIB - (4 + make.gpages) * PAGE);
	dispose(&rig, &s);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* ---- The worked example (6): m = 1 -----------------------------------------
 */

static int
popcnt_add(void *arg, const struct kv_reserv_info *info)
{
	uint64_t *popcnt = arg;

	ck_assert_uint_lt(info->pindex / 512, 16);
	popcnt[info->pindex / 512] = info->popcnt;
	return 0;
}

START_TEST(worked_example)
{
	static const uint64_t want[3][16] = {{100, 512, 512, 512, 408},
	    {100, 512, 512, 512, 508, 512, 512, 512, 408},
	    {100, 512, 512, 512, 508, 512, 512, 512, 508, 512, 512, 512, 408}};
	static const uint64_t first_ks[] = {0x204000, 0xc04000, 0x1604000};
	static const uint64_t first_pindex[] = {412, 2460, 4508};
	struct make make = plain;
	struct kv_stack s[SLOTS];
	kv_pfn_t pfns[4];
	struct rig rig;

	make.first_kva = 2 * MIB;
	rig_open(&rig, &make);
	for (unsigned c = 0; c < 3; c++) {
		uint64_t popcnt[16] = {0};

		for (unsigned i = 0; i < SLOTS; i++) {
			s[i] = spawn(&rig, 0);
			ck_assert_uint_eq(
			    s[i].ks - rig.origin, first_ks[c] + i * 5 * PAGE);
			ck_assert_uint_eq(s[i].pindex, first_pindex[c] + i * 4);
			ck_assert_int_eq(
			    kv_stack_pages(rig.ks, &s[i], pfns), 0);
			for (unsigned j = 1; j < 4; j++)
				ck_assert_uint_eq(pfns[j], pfns[0] + j);
			if (c == 0 && i == 0) /* memory starts at 16 MB */
				ck_assert_uint_eq(pfns[0], 0x119c);
		}
		kv_reserv_walk(
		    rig.rv, kv_kstack_object(rig.ks), popcnt_add, popcnt);
		for (unsigned r = 0; r < 16; r++)
			ck_assert_uint_eq(popcnt[r], want[c][r]);
		rig_check(&rig);
	}
	ck_assert_uint_eq(s[0].npages, 4);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kstack_chunks");
	TCase *t = tcase_create("chunks");

	tcase_add_test(t, chunk_sequence);
	tcase_add_test(t, chunk_returns);
	tcase_add_loop_test(t, spans_returned, 0, 2);
	tcase_add_test(t, import_quantum);
	tcase_add_test(t, numa_chunks);
	tcase_add_loop_test(t, ffff_chunks, 0, 11);
	tcase_add_loop_test(t, guard_pages, 0, 4);
	tcase_add_test(t, worked_example);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
