/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kstack.c - kernel stacks: chunks, slots, return to the owner, failure
 *
 * Numbers are those of freebsd.md 6 and 8.1; addresses are counted from
 * kva_start.
 */
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE UINT64_C(0x1000)

enum { SLOTS = 511 };

struct rig {
	struct kv_host host;
	struct kv_phys *phys;
	struct kv_reserv *rv;
	struct kv_kstack *ks;
	kv_va_t origin;
};

/* What a rig is made of. */
struct make {
	enum kv_kstack_scheme scheme;
	unsigned npages, gpages, ndomains;
	uint64_t first_kva; /* bytes */
	uint64_t megabytes; /* of each domain */
	bool returned;
	uint64_t import_quantum; /* bytes */
	enum kv_domainset_policy domains;
	enum kv_domainset_iterator iterator;
};

static const struct make plain = {
    KV_KSTACK_NEW, 4, 1, 1, 0, 128, false, 0, 0, 0};

/* => 0 or what failed; rig_close undoes either */
static int
rig_try(struct rig *rig, const struct make *make)
{
	struct kv_phys_range ranges[3];
	struct kv_phys_config pc = {.machine = kv_machine_find("amd64"),
	    .ranges = ranges,
	    .nranges = make->ndomains,
	    .ndomains = make->ndomains,
	    .host = &rig->host};
	struct kv_reserv_config rc = {.host = &rig->host};
	struct kv_kstack_config kc = {.machine = pc.machine,
	    .host = &rig->host,
	    .scheme = make->scheme,
	    .npages = make->npages,
	    .gpages = make->gpages,
	    .ndomains = make->ndomains,
	    .first_kva = make->first_kva,
	    .returned = make->returned,
	    .import_quantum = make->import_quantum,
	    .domains = make->domains,
	    .iterator = make->iterator};
	int error;

	for (unsigned i = 0; i < make->ndomains; i++)
		ranges[i] =
		    (struct kv_phys_range){16 * MIB + i * make->megabytes * MIB,
			16 * MIB + (i + 1) * make->megabytes * MIB, i};
	rig->origin = pc.machine->kva_start;
	error = kv_phys_create(&pc, &rig->phys);
	if (error != 0)
		return error;
	rc.phys = kc.phys = rig->phys;
	error = kv_reserv_create(&rc, &rig->rv);
	if (error != 0)
		return error;
	kc.reserv = rig->rv;
	return kv_kstack_create(&kc, &rig->ks);
}

static void
rig_open(struct rig *rig, const struct make *make)
{
	*rig = (struct rig){0};
	kv_host_libc(&rig->host);
	ck_assert_int_eq(rig_try(rig, make), 0);
}

static void
rig_check(const struct rig *rig)
{
	struct kv_diag diag = {.module = "?", .text = "no memory to check"};

	ck_assert_msg(kv_kstack_check(rig->ks, &diag) == 0 &&
			  kv_reserv_check(rig->rv, &diag) == 0 &&
			  kv_phys_check(rig->phys, &diag) == 0,
	    "%s I%u at %llx: %s", diag.module, diag.invariant,
	    (unsigned long long)diag.address, diag.text);
}

static void
rig_close(struct rig *rig)
{
	kv_kstack_destroy(rig->ks);
	if (rig->rv != NULL)
		kv_reserv_destroy(rig->rv);
	if (rig->phys != NULL)
		kv_phys_destroy(rig->phys);
	ck_assert_uint_eq(rig->host.bytes, 0);
}

static struct kv_stack
spawn(struct rig *rig, unsigned domain)
{
	struct kv_stack s = {0};

	ck_assert_int_eq(kv_stack_create(rig->ks, 0, domain, &s), 0);
	return s;
}

static void
dispose(struct rig *rig, const struct kv_stack *s)
{
	struct kv_diag diag = {.text = "no diagnosis"};

	ck_assert_msg(
	    kv_stack_dispose(rig->ks, s, &diag) == 0, "%s", diag.text);
}

/* I10: no stack, no chunk, no page. */
static void
is_drained(const struct rig *rig)
{
	rig_check(rig);
	ck_assert_uint_eq(kv_kstack_stats(rig->ks).live, 0);
	ck_assert_uint_eq(kv_object_resident(kv_kstack_object(rig->ks)), 0);
	ck_assert_uint_eq(
	    kv_phys_stats(rig->phys).free_pages, kv_phys_pages(rig->phys));
	ck_assert_uint_eq(kv_reserv_stats(rig->rv).populated, 0);
	for (unsigned i = 2; kv_kstack_arena(rig->ks, i) != NULL; i += 2)
		ck_assert_uint_eq(
		    kv_vmem_stats(kv_kstack_arena(rig->ks, i)).size, 0);
}

/* ---- Chunks (8.1) ---------------------------------------------------------
 */

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

/* ---- Other sizes, owners, bad stacks ---------------------------------------
 */

static int
stack_count(void *arg, const struct kv_stack *stack)
{
	kv_va_t *last = arg;

	ck_assert_uint_gt(stack->ks, *last);
	*last = stack->ks;
	return 0;
}

START_TEST(other_sizes)
{
	struct make make = plain;
	struct kv_stack s[4];
	kv_va_t last = 0;
	struct rig rig;

	make.scheme = (enum kv_kstack_scheme)_i;
	rig_open(&rig, &make);
	ck_assert_int_eq(kv_stack_create(rig.ks, 1, 0, &s[0]), 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 2, 0, &s[1]), 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 1000, 0, &s[2]), 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 4, 0, &s[3]), 0);
	ck_assert_uint_eq(s[0].npages, 4);
	ck_assert_uint_eq(s[1].npages, 2);
	ck_assert_uint_eq(s[2].npages, 32);
	ck_assert_uint_eq(s[3].npages, 4);
	rig_check(&rig);
	/* other sizes: linear, in an object of their own but in the old one */
	ck_assert_uint_eq(s[1].pindex, (s[1].ks - rig.origin) / PAGE);
	ck_assert_uint_eq(kv_object_resident(kv_kstack_object(rig.ks)),
	    make.scheme == KV_KSTACK_OLD ? 42 : 8);
	if (make.scheme == KV_KSTACK_OLD)
		ck_assert_ptr_null(kv_kstack_alt_object(rig.ks));
	else
		ck_assert_uint_eq(
		    kv_object_resident(kv_kstack_alt_object(rig.ks)), 34);
	ck_assert_int_eq(kv_kstack_walk(rig.ks, stack_count, &last), 0);
	ck_assert_uint_ne(last, 0);
	for (unsigned i = 0; i < 4; i++)
		dispose(&rig, &s[i]);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* A dispose with another owner is the kernel's "bt != NULL" (freebsd-F4). */
START_TEST(wrong_owner)
{
	static const struct make make = {
	    KV_KSTACK_NEW, 4, 1, 2, 0, 64, false, 0, 0, 0};
	struct kv_diag diag = {0};
	struct kv_stack s, wrong;
	struct rig rig;

	rig_open(&rig, &make);
	wrong = s = spawn(&rig, 1);
	wrong.domain = 2;
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), EINVAL);
	wrong = s;
	wrong.ks -= PAGE; /* the guard */
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), EINVAL);
	ck_assert_uint_eq(diag.invariant, 2);
	wrong.ks = rig.origin - PAGE;
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), EINVAL);
	wrong.ks = s.ks + 5 * PAGE; /* a slot without a stack */
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), ENOENT);
	rig_check(&rig);
	wrong = s;
	wrong.domain = 0;
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), ENOENT);
	ck_assert_ptr_nonnull(strstr(diag.text, "bt != NULL"));
	rig_close(&rig);
}
END_TEST

START_TEST(second_dispose)
{
	struct kv_diag diag = {0};
	struct kv_stack s, other;
	struct rig rig;

	rig_open(&rig, &plain);
	s = spawn(&rig, 0);
	other = spawn(&rig, 0);
	dispose(&rig, &s);
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &s, &diag), ENOENT);
	rig_check(&rig);
	dispose(&rig, &other);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(whatis)
{
	struct kv_stack s, big, found;
	struct rig rig;

	rig_open(&rig, &plain);
	s = spawn(&rig, 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 8, 0, &big), 0);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(kv_kstack_whatis(rig.ks,
				     s.ks - PAGE + i * PAGE + 17, &found),
		    i == 0 ? KV_KSTACK_GUARD : KV_KSTACK_DATA);
		ck_assert_uint_eq(found.ks, s.ks);
		ck_assert_uint_eq(found.pindex, s.pindex);
	}
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, s.ks + 4 * PAGE, &found), KV_KSTACK_IDLE);
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, big.ks - 1, &found), KV_KSTACK_GUARD);
	ck_assert_uint_eq(found.npages, 8);
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, big.ks + 8 * PAGE - 1, &found),
	    KV_KSTACK_DATA);
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, 0, &found), KV_KSTACK_NOTHING);
	rig_close(&rig);
}
END_TEST

/* ---- Shortage ---------------------------------------------------------------
 */

/* 64 MB are 4096 stacks; what failed leaves nothing behind. */
START_TEST(memory_runs_out)
{
	static struct kv_stack s[4200];
	struct make make = plain;
	struct kv_vmem_stats before, after;
	unsigned n = 0;
	struct rig rig;

	make.scheme = (enum kv_kstack_scheme)_i;
	make.megabytes = 64;
	rig_open(&rig, &make);
	while (n < 4200 && kv_stack_create(rig.ks, 0, 0, &s[n]) == 0)
		n++;
	ck_assert_uint_eq(n, 4096);
	rig_check(&rig);
	before = kv_vmem_stats(kv_kstack_arena(rig.ks, 0));
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s[n]), ENOMEM);
	after = kv_vmem_stats(kv_kstack_arena(rig.ks, 0));
	ck_assert_uint_eq(before.inuse, after.inuse);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).live, 4096);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).failed, 2);
	rig_check(&rig);
	while (n > 0)
		dispose(&rig, &s[--n]);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* The wanted domain is full: the other one gives KVA and pages. */
START_TEST(domains_fall_back)
{
	static const struct make make = {
	    KV_KSTACK_NORES, 4, 1, 2, 0, 4, false, 0, 0, 0};
	static struct kv_stack s[600];
	unsigned n = 0, of[2] = {0};
	struct rig rig;

	rig_open(&rig, &make);
	while (n < 600 && kv_stack_create(rig.ks, 0, 1, &s[n]) == 0)
		of[s[n++].domain]++;
	ck_assert_uint_eq(n, 512);
	ck_assert_uint_eq(of[1], 256);
	ck_assert_uint_eq(of[0], 256);
	ck_assert_uint_eq(s[0].domain, 1);
	ck_assert_uint_eq(s[511].domain, 0);
	rig_check(&rig);
	while (n > 0)
		dispose(&rig, &s[--n]);
	is_drained(&rig);
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 2, &s[0]), EINVAL);
	rig_close(&rig);
}
END_TEST

/* Who has room, in the order of freebsd.md 3.6; 3: nobody.  low: for last. */
static unsigned
wanted(const struct make *make, unsigned first, uint64_t *pointer,
    const unsigned room[3], unsigned low)
{
	bool new = make->iterator == KV_DOMAINSET_NEW;
	bool turns = make->domains == KV_DOMAINSET_ROUND_ROBIN;

	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass == 1 && new &&low == 3)
			break;
		for (unsigned seen = 0; seen < 3; seen++) {
			unsigned d = first;

			if (turns || seen != 0) {
				do {
					*pointer += !new;
					d = (unsigned)(*pointer % 3);
					*pointer += new;
				} while (!turns && d == first);
			}
			if (pass == 0 ? d == low : new &&d != low)
				continue;
			if (room[d] != 0)
				return d;
		}
	}
	return 3;
}

/* Case: policy, iterator, which domain is below its minimum (3: none). */
START_TEST(domains_in_order)
{
	struct make make = {KV_KSTACK_NORES, 4, 1, 3, 0, 4, false, 0,
	    (enum kv_domainset_policy)(_i % 3),
	    (enum kv_domainset_iterator)(_i / 3 % 2)};
	unsigned room[3] = {256, 256, 256}, low = (unsigned)_i / 6, n = 0, d;
	static struct kv_stack s[800];
	uint64_t pointer = 0;
	struct rig rig;

	rig_open(&rig, &make);
	kv_phys_set_free_min(rig.phys, low, 4 * MIB / PAGE + 1);
	while ((d = wanted(&make, n % 3, &pointer, room, low)) != 3) {
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, n % 3, &s[n]), 0);
		ck_assert_msg(s[n].domain == d, "stack %u: %u, not %u", n,
		    s[n].domain, d);
		room[d]--;
		n++;
	}
	ck_assert_uint_eq(n, 768);
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 1, &s[n]), ENOMEM);
	rig_check(&rig);
	while (n > 0)
		dispose(&rig, &s[--n]);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* Stacks of two sizes come and go; what fails must fail whole. */
static void
churn(struct rig *rig, unsigned ndomains)
{
	enum { STACKS = 40 };
	struct kv_stack s[STACKS];
	bool have[STACKS];

	for (unsigned i = 0; i < STACKS; i++) {
		int error = kv_stack_create(
		    rig->ks, i % 7 == 6 ? 9 : 0, i % ndomains, &s[i]);

		ck_assert(error == 0 || error == ENOMEM);
		have[i] = error == 0;
	}
	for (unsigned i = 0; i < STACKS; i++)
		if (have[i])
			dispose(rig, &s[i]);
}

START_TEST(every_failure_of_metadata)
{
	struct make make = {
	    KV_KSTACK_OLD, 4, 1, 2, 0, 8, _i >= 3, 2 * MIB, 0, 0};
	uint64_t n = 1, calls;

	make.scheme = (enum kv_kstack_scheme)(_i % 3);
	do {
		struct rig rig = {0};

		kv_host_libc(&rig.host);
		kv_host_fail_at(&rig.host, n);
		if (rig_try(&rig, &make) == 0) {
			churn(&rig, 2);
			calls = rig.host.calls;
			kv_host_fail_at(&rig.host, 0);
			is_drained(&rig);
		} else {
			calls = n;
		}
		rig_close(&rig);
	} while (calls >= n++);
	ck_assert_uint_gt(n, 20);
}
END_TEST

static const struct {
	struct make make;
	int want;
} refused[] = {
    {{KV_KSTACK_NEW, 0, 1, 1, 0, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 33, 1, 1, 0, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 508, 1, 0, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 507, 1, 0, 8, false, 0, 0, 0}, 0},
    {{KV_KSTACK_NEW, 4, 1, 1, UINT64_MAX, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 32, 0, 1, 0, 8, false, 0, 0, 0}, 0},
    {{KV_KSTACK_FFFF, 4, 1, 1, 0, 8, true, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 1, 1, 0, 8, true, 0, 0, 0}, 0},
    {{KV_KSTACK_NEW, 4, 1, 1, 0, 8, false, 3 * MIB, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 1, 1, 0, 8, false, 6 * MIB, 0, 0}, 0},
};

START_TEST(configurations)
{
	struct rig rig = {0};

	kv_host_libc(&rig.host);
	ck_assert_int_eq(rig_try(&rig, &refused[_i].make), refused[_i].want);
	if (refused[_i].want == 0) {
		struct kv_stack s = spawn(&rig, 0);

		rig_check(&rig);
		dispose(&rig, &s);
		is_drained(&rig);
	}
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kstack");
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
	t = tcase_create("stacks");
	tcase_add_loop_test(t, other_sizes, 0, 3);
	tcase_add_test(t, wrong_owner);
	tcase_add_test(t, second_dispose);
	tcase_add_test(t, whatis);
	tcase_add_loop_test(t, memory_runs_out, 0, 3);
	tcase_add_test(t, domains_fall_back);
	tcase_add_loop_test(t, domains_in_order, 0, 24);
	tcase_add_loop_test(t, every_failure_of_metadata, 0, 6);
	tcase_add_loop_test(
	    t, configurations, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
