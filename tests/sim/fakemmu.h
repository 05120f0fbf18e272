/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fakemmu.h - a machine of one array entry a page, which can be made to lie
 *
 * As simple as a machine can be, to hold other code against; and one that
 * errs at a single address in a way that is asked for.
 */
#ifndef KV_TEST_FAKEMMU_H
#define KV_TEST_FAKEMMU_H

#include <string.h>

#include "hw/mmu.h"

enum { FAKE_SHIFT = 12, FAKE_TABLE = 9, FAKE_PAGES = 1 << 15 };

/* What it does wrong at the page `at`. */
enum fake_lie {
	FAKE_HONEST,
	FAKE_REFUSES,	    /* to map it: ENOSPC */
	FAKE_COMMIT_FAILS,  /* EIO */
	FAKE_NO_FAULT,	    /* of any touch */
	FAKE_WRONG_ERROR,   /* says that a protection failed */
	FAKE_WRONG_CR2,	    /* the start of the page */
	FAKE_EXTRA_FAULT,   /* where there should be none */
	FAKE_TOUCH_FAILS,   /* ETIMEDOUT */
	FAKE_WRONG_FRAME,   /* in its tables */
	FAKE_READ_ONLY,	    /* likewise */
	FAKE_LOST,	    /* not in its tables */
	FAKE_EXTRA,	    /* a leaf that was not asked for */
	FAKE_UNMAP_IGNORED, /* the leaf stays */
	FAKE_NO_ACCESSED,
	FAKE_NO_MODIFIED,
	FAKE_MODIFIED_BY_READ,
	FAKE_NO_DF,	/* pushes go anywhere */
	FAKE_DF_CR2,	/* #DF elsewhere */
	FAKE_DF_VECTOR, /* #PF instead */
	FAKE_WITNESS,	/* translates elsewhere */
	FAKE_COUNT,	/* of leaves, one too many */
	FAKE_LIES
};

struct fake_page {
	bool mapped;
	kv_pa_t pa;
	unsigned level, attr; /* A and M, too */
};

struct fake {
	struct kv_mmu mmu; /* first */
	kv_va_t base;	   /* of pages[0] */
	enum fake_lie lie;
	kv_va_t at;
	bool closed;
	unsigned commits;
	struct fake_page pages[FAKE_PAGES];
};

static inline struct fake *
fake_of(struct kv_mmu *mmu)
{
	return (struct fake *)(void *)mmu;
}

static inline struct fake_page *
fake_page(struct fake *f, kv_va_t va)
{
	uint64_t i = (va - f->base) >> FAKE_SHIFT;

	return i < FAKE_PAGES ? &f->pages[i] : NULL;
}

static inline uint64_t
fake_size(unsigned level)
{
	return UINT64_C(1) << (FAKE_SHIFT + FAKE_TABLE * level);
}

static inline bool
fake_lies(const struct fake *f, enum fake_lie lie, kv_va_t va)
{
	return f->lie == lie && (va ^ f->at) >> FAKE_SHIFT == 0;
}

/* The page that carries A and M: the first of its leaf. */
static inline struct fake_page *
fake_first(struct fake *f, kv_va_t va)
{
	struct fake_page *p = fake_page(f, va);

	return fake_page(f, va & ~(fake_size(p->level) - 1));
}

static inline void
fake_close(struct kv_mmu *mmu)
{
	fake_of(mmu)->closed = true;
}

static inline int
fake_map(struct kv_mmu *mmu, kv_va_t va, kv_pa_t pa, unsigned level, size_t n,
    unsigned attr)
{
	struct fake *f = fake_of(mmu);
	uint64_t size = n * fake_size(level), offset;

	for (offset = 0; offset < size; offset += fake_size(0)) {
		struct fake_page *p = fake_page(f, va + offset);

		if (fake_lies(f, FAKE_REFUSES, va + offset) || p == NULL)
			return ENOSPC;
		if (p->mapped)
			return EEXIST;
		*p = (struct fake_page){true, pa + offset, level, attr};
	}
	return 0;
}

static inline int
fake_unmap(struct kv_mmu *mmu, kv_va_t va, uint64_t size)
{
	struct fake *f = fake_of(mmu);
	uint64_t offset;

	for (offset = 0; offset < size; offset += fake_size(0))
		if (!fake_lies(f, FAKE_UNMAP_IGNORED, va + offset))
			fake_page(f, va + offset)->mapped = false;
	return 0;
}

static inline int
fake_protect(struct kv_mmu *mmu, kv_va_t va, uint64_t size, unsigned attr)
{
	const unsigned wx = KV_PTE_W | KV_PTE_X;
	uint64_t offset;

	for (offset = 0; offset < size; offset += fake_size(0)) {
		struct fake_page *p = fake_page(fake_of(mmu), va + offset);

		p->attr = (p->attr & ~wx) | (attr & wx);
	}
	return 0;
}

/* All pages of the table have the same A and M, as after a touch of each. */
static inline int
fake_promote(struct kv_mmu *mmu, kv_va_t va)
{
	struct fake *f = fake_of(mmu);
	unsigned i;

	for (i = 0; i < 1u << FAKE_TABLE; i++) {
		struct fake_page *p = fake_page(f, va + i * fake_size(0));

		if (!p->mapped || p->level != 0 ||
		    p->attr != fake_page(f, va)->attr ||
		    (p->attr & KV_PTE_A) == 0)
			return EAGAIN;
	}
	for (i = 0; i < 1u << FAKE_TABLE; i++)
		fake_page(f, va + i * fake_size(0))->level = 1;
	return 0;
}

static inline int
fake_demote(struct kv_mmu *mmu, kv_va_t va)
{
	struct fake *f = fake_of(mmu);
	unsigned attr = fake_page(f, va)->attr, i;

	for (i = 0; i < 1u << FAKE_TABLE; i++) {
		struct fake_page *p = fake_page(f, va + i * fake_size(0));

		p->level = 0;
		p->attr = attr;
	}
	return 0;
}

static inline int
fake_commit(struct kv_mmu *mmu)
{
	fake_of(mmu)->commits++;
	return fake_of(mmu)->lie == FAKE_COMMIT_FAILS ? EIO : 0;
}

/* => the error of the touch; -1: none */
static inline int
fake_access(struct fake *f, enum kv_access access, kv_va_t va)
{
	struct fake_page *p = fake_page(f, va);
	int bits = access == KV_ACCESS_WRITE  ? KV_FAULT_W
		   : access == KV_ACCESS_EXEC ? KV_FAULT_I
					      : 0;
	unsigned need = access == KV_ACCESS_WRITE  ? KV_PTE_W
			: access == KV_ACCESS_EXEC ? KV_PTE_X
						   : 0;
	bool write = access == KV_ACCESS_WRITE ||
		     fake_lies(f, FAKE_MODIFIED_BY_READ, va);

	if (fake_lies(f, FAKE_NO_FAULT, va))
		return -1;
	if (fake_lies(f, FAKE_EXTRA_FAULT, va) || p == NULL || !p->mapped)
		return bits;
	if ((p->attr & need) != need)
		return bits | KV_FAULT_P;
	if (!fake_lies(f, FAKE_NO_ACCESSED, va))
		fake_first(f, va)->attr |= KV_PTE_A;
	if (write && !fake_lies(f, FAKE_NO_MODIFIED, va))
		fake_first(f, va)->attr |= KV_PTE_M;
	return -1;
}

static inline int
fake_touch(struct kv_mmu *mmu, enum kv_access access, const kv_va_t *list,
    size_t n, struct kv_fault *faults, size_t cap, size_t *nfaults)
{
	struct fake *f = fake_of(mmu);
	size_t i;

	*nfaults = 0;
	for (i = 0; i < n; i++) {
		int error = fake_access(f, access, list[i]);

		if (fake_lies(f, FAKE_TOUCH_FAILS, list[i]))
			return ETIMEDOUT;
		if (error < 0)
			continue;
		if (fake_lies(f, FAKE_WRONG_ERROR, list[i]))
			error |= KV_FAULT_P;
		if (*nfaults < cap)
			faults[*nfaults] = (struct kv_fault){
			    i, list[i], (unsigned)error | KV_FAULT_U, 14};
		if (fake_lies(f, FAKE_WRONG_CR2, list[i]))
			faults[*nfaults].va &= ~(fake_size(0) - 1);
		++*nfaults;
	}
	return 0;
}

static inline int
fake_overflow(struct kv_mmu *mmu, kv_va_t top, uint64_t size, bool *hit,
    struct kv_fault *fault)
{
	struct fake *f = fake_of(mmu);
	kv_va_t va;

	*hit = false;
	for (va = top - 8; va >= top - size; va -= 8) {
		if (fake_access(f, KV_ACCESS_WRITE, va) < 0)
			continue;
		*hit = f->lie != FAKE_NO_DF;
		*fault = (struct kv_fault){.va = va, .vector = 8};
		fault->va -= f->lie == FAKE_DF_CR2 ? 8 : 0;
		fault->vector += f->lie == FAKE_DF_VECTOR ? 6 : 0;
		return 0;
	}
	return 0;
}

static inline int
fake_translate(struct kv_mmu *mmu, kv_va_t va, struct kv_leaf *leaf)
{
	struct fake *f = fake_of(mmu);
	struct fake_page *p = fake_page(f, va);

	if (p == NULL || !p->mapped || fake_lies(f, FAKE_LOST, va))
		return ENOENT;
	*leaf = (struct kv_leaf){.va = va & ~(fake_size(p->level) - 1),
	    .pa = fake_first(f, va)->pa,
	    .level = p->level,
	    .attr = fake_first(f, va)->attr | KV_PTE_U};
	if (fake_lies(f, FAKE_WRONG_FRAME, va))
		leaf->pa ^= fake_size(0);
	if (fake_lies(f, FAKE_READ_ONLY, va))
		leaf->attr &= ~(unsigned)KV_PTE_W;
	return 0;
}

static inline int
fake_witness(struct kv_mmu *mmu, kv_va_t va, kv_pa_t *pa)
{
	struct fake *f = fake_of(mmu);
	struct fake_page *p = fake_page(f, va);

	if (p == NULL || !p->mapped)
		return ENOENT;
	*pa = p->pa + va % fake_size(0);
	if (f->lie == FAKE_WITNESS)
		*pa ^= fake_size(0);
	return 0;
}

static inline int
fake_harvest(struct kv_mmu *mmu, kv_va_t start, kv_va_t end, bool clear,
    kv_leaf_fn *cb, void *arg)
{
	struct fake *f = fake_of(mmu);
	struct kv_leaf leaf;
	kv_va_t va = f->base;
	int result = 0;
	size_t i;

	(void)clear;
	for (i = 0; i < FAKE_PAGES && result == 0; i++, va += fake_size(0)) {
		bool extra = fake_lies(f, FAKE_EXTRA, va);

		if (va < start || va >= end)
			continue;
		if (extra)
			leaf = (struct kv_leaf){.va = va};
		else if (fake_translate(mmu, va, &leaf) != 0 || leaf.va != va)
			continue;
		result = cb(arg, &leaf);
	}
	return result;
}

static inline int
fake_leaves(struct kv_mmu *mmu, struct kv_mmu_leaves *leaves)
{
	struct fake *f = fake_of(mmu);
	kv_va_t va = f->base;
	size_t i;

	*leaves = (struct kv_mmu_leaves){{0}};
	for (i = 0; i < FAKE_PAGES; i++, va += fake_size(0))
		if (f->pages[i].mapped &&
		    va % fake_size(f->pages[i].level) == 0)
			leaves->level[f->pages[i].level]++;
	leaves->level[1] += f->lie == FAKE_COUNT;
	return 0;
}

static inline int
fake_host(struct kv_mmu *mmu, struct kv_mmu_host *host)
{
	(void)mmu;
	*host = (struct kv_mmu_host){0};
	return 0;
}

static inline int
fake_collapse(struct kv_mmu *mmu, kv_pa_t pa, uint64_t size)
{
	(void)mmu;
	(void)pa;
	(void)size;
	return EOPNOTSUPP;
}

static const struct kv_mmu_ops fake_ops = {.close = fake_close,
    .map = fake_map,
    .unmap = fake_unmap,
    .protect = fake_protect,
    .promote = fake_promote,
    .demote = fake_demote,
    .commit = fake_commit,
    .touch = fake_touch,
    .overflow = fake_overflow,
    .translate = fake_translate,
    .witness = fake_witness,
    .harvest = fake_harvest,
    .leaves = fake_leaves,
    .host = fake_host,
    .collapse = fake_collapse};

static inline void
fake_init(struct fake *f, const char *kind, kv_va_t base)
{
	memset(f, 0, sizeof(*f));
	f->mmu = (struct kv_mmu){.ops = &fake_ops,
	    .caps = {.kind = kind, .paging = "shadow", .leaf_guest = true}};
	f->base = base;
}

#endif
