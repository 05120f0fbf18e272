/* SPDX-License-Identifier: BSD-2-Clause */
/* pmaprig.h - a pmap under test: its tables mirrored, its source refusing */
#ifndef KV_TEST_PMAPRIG_H
#define KV_TEST_PMAPRIG_H

#include <stdlib.h>
#include <string.h>

#include "hw/pmap.h"
#include "hw/pte_code.h"
#include "kvtest.h"

enum { RIG_TABLES = 4096 };

struct rig {
	const struct kv_pte_format *f;
	struct kv_pmap *pmap;
	uint64_t *table[RIG_TABLES]; /* what hardware would read; NULL: idle */
	unsigned live;
	unsigned gets, fail_at; /* the n-th get from now fails, from 1 */
};

static inline size_t
rig_table_size(const struct rig *r)
{
	return (size_t)1 << r->f->page_shift;
}

static inline int
rig_get(void *arg, unsigned level, kv_pa_t *pa)
{
	struct rig *r = arg;
	unsigned n = 0;

	ck_assert_uint_lt(level, r->f->levels);
	if (++r->gets == r->fail_at)
		return ENOSPC;
	while (r->table[n] != NULL)
		n++;
	ck_assert_uint_lt(n, RIG_TABLES);
	r->table[n] = calloc(1, rig_table_size(r));
	r->live++;
	*pa = (kv_pa_t)n << r->f->page_shift;
	return 0;
}

static inline void
rig_put(void *arg, unsigned level, kv_pa_t pa)
{
	struct rig *r = arg;
	uint64_t **table = &r->table[pa >> r->f->page_shift];

	(void)level;
	ck_assert_ptr_nonnull(*table);
	free(*table);
	*table = NULL;
	r->live--;
}

static inline void
rig_store(
    void *arg, kv_pa_t table, unsigned index, uint64_t old, uint64_t entry)
{
	struct rig *r = arg;
	uint64_t *entries = r->table[table >> r->f->page_shift];

	ck_assert_ptr_nonnull(entries);
	ck_assert_uint_eq(entries[index], old);
	ck_assert_uint_ne(old, entry);
	entries[index] = entry;
}

static inline void
rig_start(struct rig *r, const struct kv_pte_format *f)
{
	struct kv_pmap_config cfg = {
	    .format = f, .source = {rig_get, rig_put, r}, .store = rig_store};

	*r = (struct rig){.f = f};
	cfg.store_arg = r;
	ck_assert_int_eq(kv_pmap_create(&cfg, &r->pmap), 0);
}

static inline void
rig_check(const struct rig *r)
{
	struct kv_diag diag = {.text = ""};

	ck_assert_msg(kv_pmap_check(r->pmap, &diag) == 0,
	    "%s: pmap I%u: %s (%#llx)", r->f->name, diag.invariant, diag.text,
	    (unsigned long long)diag.address);
	ck_assert_uint_eq(kv_pmap_stats(r->pmap).pt_pages, r->live);
}

static inline void
rig_stop(struct rig *r)
{
	rig_check(r);
	kv_pmap_destroy(r->pmap);
	ck_assert_uint_eq(r->live, 0);
}

/* A number for all that hangs from a table, entry by entry. */
static inline uint64_t
rig_print_table(const struct rig *r, kv_pa_t pa, unsigned level, uint64_t sum)
{
	const uint64_t *entries = r->table[pa >> r->f->page_shift];

	for (size_t i = 0; i < rig_table_size(r) / sizeof(uint64_t); i++) {
		if (entries[i] == 0)
			continue;
		sum = (sum ^ entries[i] ^ i << 52 ^ level) *
		      UINT64_C(1099511628211);
		if (level != 0 && kv_pte_on(&r->f->is_table, entries[i]))
			sum = rig_print_table(
			    r, kv_pte_frame(r->f, entries[i]), level - 1, sum);
	}
	return sum;
}

static inline uint64_t
rig_print(const struct rig *r)
{
	return rig_print_table(
	    r, kv_pmap_root(r->pmap), r->f->levels - 1, r->live);
}

static inline int
rig_print_leaf(void *arg, const struct kv_leaf *leaf)
{
	uint64_t *sum = arg;

	*sum =
	    (*sum ^ leaf->va ^ leaf->pa << 20 ^ leaf->level << 8 ^ leaf->attr) *
	    UINT64_C(1099511628211);
	return 0;
}

/* A number for all that is mapped, wherever its tables are. */
static inline uint64_t
rig_print_leaves(const struct rig *r)
{
	uint64_t sum = 0;

	kv_pmap_walk(r->pmap, 0, UINT64_MAX, rig_print_leaf, &sum);
	return sum;
}

/* Geometry of the format. */
static inline uint64_t
rig_page(const struct rig *r)
{
	return UINT64_C(1) << r->f->page_shift;
}

static inline uint64_t
rig_super(const struct rig *r)
{
	return UINT64_C(1) << kv_pte_shift(r->f, 1);
}

/* Base pages of a superpage. */
static inline unsigned
rig_pages(const struct rig *r)
{
	return 1u << r->f->pt_shift;
}

/* An aligned address in the kernel's half. */
static inline kv_va_t
rig_kva(const struct rig *r)
{
	return kv_pte_va(r->f, false, UINT64_C(1) << (r->f->va_bits - 1));
}

/* psind of the pages of a full reservation (freebsd.md 4.3). */
static inline unsigned
rig_full(const struct rig *r)
{
	const struct kv_machine *m = kv_machine_find(r->f->name);

	return m != NULL && m->reserv_sub != 0 ? 2 : 1;
}

/* n pages entered one by one, all with A; psind is of the last. */
static inline void
rig_enter(const struct rig *r, kv_va_t va, kv_pa_t pa, unsigned n,
    unsigned attr, unsigned psind)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(kv_pmap_enter(r->pmap, va + i * rig_page(r),
				     pa + i * rig_page(r), attr | KV_PTE_A,
				     i + 1 == n ? psind : 0),
		    0);
}

/* The leaf that maps va. */
static inline struct kv_leaf
rig_leaf(const struct rig *r, kv_va_t va)
{
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_pmap_extract(r->pmap, va, &leaf), 0);
	return leaf;
}

static inline bool
rig_hole(const struct rig *r, kv_va_t va)
{
	struct kv_leaf leaf;

	return kv_pmap_extract(r->pmap, va, &leaf) == ENOENT;
}

#endif
