/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cow.c - data of an object in a space: copied, shared, or copied on write
 *
 * 1 Concepts.  A mapping shows pages of an object.  A private page is a copy
 *   that this mapping alone has; until there is one, the object's page (or the
 *   zero page) is shared, and read-only.  When the mapping goes, private pages
 *   go with it, or are published in place of the object's (mint).
 * 2 Representation.  Per page the frame of its private copy and a number for
 *   its content; leaves are in the page tables alone.
 * 3 Invariants (N2, N3, N7, N11 of systems.md).
 *   I1   No leaf of the mapping makes a page of the object writable.
 *   I2   A private page is no page of the object, and is private once.
 *   I3   The zero page is not writable.
 *   I4   No leaf of the mapping is global: another space would see its data.
 * 4 Cost.  A fault looks at one page; what was never touched costs an entry of
 *   the array.  A large leaf is split at its first write, which takes a table.
 * 5 Fidelity.  systems.md 2.1 (data modes, write fault, pop, park and re-arm).
 *   The frames are real, contents are numbers.  A fault flushes its page
 * always, as the code did, or where x86 needs it, or, what if, never (2.4 F1);
 *   a write without a copy (in_place) is 2.4 F2 and F11.
 */
#include "hw/cow.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

struct page {
	kv_pfn_t frame; /* + 1; 0: none of its own */
	uint64_t content;
};

struct kv_cow {
	struct kv_cow_config cfg; /* (c) */
	unsigned shift;		  /* (c) log2 bytes of a page */
	struct page *pages;	  /* owned */
};

/* ---- Leaves ---------------------------------------------------------- */

static uint64_t
index_of(const struct kv_cow *c, kv_va_t va)
{
	return (va - c->cfg.va) >> c->shift;
}

static kv_va_t
va_of(const struct kv_cow *c, uint64_t i)
{
	return c->cfg.va + (i << c->shift);
}

/* The page that stands there as long as nothing is written. */
static kv_pfn_t
shared(const struct kv_cow *c, uint64_t i)
{
	kv_pfn_t pfn = c->cfg.zero;

	if (c->cfg.mode != KV_COW_EPHEMERAL)
		kv_object_lookup(
		    c->cfg.source->object, c->cfg.pindex + i, &pfn);
	return pfn;
}

static int
put_leaf(struct kv_cow *c, uint64_t i, bool writable)
{
	const struct page *p = &c->pages[i];
	kv_pfn_t pfn = p->frame != 0 ? p->frame - 1 : shared(c, i);
	unsigned attr = c->cfg.attr;
	int error;

	if (!writable)
		attr &= ~(unsigned)(KV_PTE_W | KV_PTE_M);
	error = kv_pmap_qenter(c->cfg.pmap, va_of(c, i), &pfn, 1, attr);
	c->cfg.stats->leaf_writes += error == 0;
	return error;
}

/* A leaf above the base for the pages from i on, which are shared.
 * => 0; EAGAIN: the frames make none; errors of kv_pmap_enter_leaf */
static int
put_large(struct kv_cow *c, uint64_t i, uint64_t npages)
{
	const unsigned attr = c->cfg.attr & ~(unsigned)(KV_PTE_W | KV_PTE_M);
	const kv_pfn_t first = shared(c, i);
	int error = first % npages == 0 ? 0 : EAGAIN;

	for (uint64_t k = 1; k < npages && error == 0; k++)
		if (shared(c, i + k) != first + k)
			error = EAGAIN;
	if (error == 0)
		error = kv_pmap_enter_leaf(c->cfg.pmap, va_of(c, i),
		    first << c->shift, c->cfg.level, 1, attr);
	c->cfg.stats->leaf_writes += error == 0;
	return error;
}

/* A private copy of page i. => 0, ENOMEM */
static int
copy(struct kv_cow *c, uint64_t i)
{
	struct page *p = &c->pages[i];
	kv_pfn_t pfn;

	if (kv_page_alloc_anon(c->cfg.reserv, c->cfg.domain, &pfn) != 0)
		return ENOMEM;
	p->frame = pfn + 1;
	p->content = c->cfg.mode == KV_COW_EPHEMERAL
			 ? kv_content_first(UINT32_MAX >> 8, 0)
			 : c->cfg.source->content[c->cfg.pindex + i];
	c->cfg.stats->pages_copied++;
	return 0;
}

/* ---- Create ---------------------------------------------------------- */

static int
build_large(struct kv_cow *c)
{
	const uint64_t npages =
	    UINT64_C(1) << kv_pmap_format(c->cfg.pmap)->pt_shift * c->cfg.level;
	int error = 0;

	for (uint64_t i = 0; i < c->cfg.npages && error == 0; i += npages)
		error = put_large(c, i, npages);
	return error;
}

static int
build(struct kv_cow *c)
{
	bool all = c->cfg.mode == KV_COW_MEMCPY;
	int error = 0;

	if (c->cfg.mode == KV_COW_LAZY || c->cfg.mode == KV_COW_EPHEMERAL)
		return 0;
	if (c->cfg.level != 0)
		return build_large(c);
	for (uint64_t i = 0; i < c->cfg.npages && error == 0; i++) {
		if (all)
			error = copy(c, i);
		if (error == 0)
			error = put_leaf(c, i, all);
	}
	return error;
}

int
kv_cow_create(const struct kv_cow_config *cfg, struct kv_cow **cow)
{
	struct kv_cow *c = kv_mem_resize(NULL, 1, sizeof(*c));
	size_t size = (size_t)cfg->npages * sizeof(*c->pages);
	int error;

	*c = (struct kv_cow){.cfg = *cfg,
	    .shift = kv_pmap_format(cfg->pmap)->page_shift,
	    .pages =
		kv_mem_resize(NULL, (size_t)cfg->npages, sizeof(struct page))};
	memset(c->pages, 0, size);
	error = build(c);
	if (error != 0)
		kv_cow_destroy(c);
	else
		*cow = c;
	return error;
}

static void
free_private(struct kv_cow *c)
{
	for (uint64_t i = 0; i < c->cfg.npages; i++)
		if (c->pages[i].frame != 0)
			kv_page_free_anon(
			    c->cfg.reserv, c->pages[i].frame - 1, NULL);
}

int
kv_cow_reset(struct kv_cow *c)
{
	free_private(c);
	memset(c->pages, 0, (size_t)c->cfg.npages * sizeof(*c->pages));
	return build(c);
}

void
kv_cow_destroy(struct kv_cow *c)
{
	if (c == NULL)
		return;
	kv_pmap_remove(c->cfg.pmap, c->cfg.va, c->cfg.npages << c->shift, NULL);
	free_private(c);
	kv_mem_free(c->pages);
	kv_mem_free(c);
}

/* ---- Use ------------------------------------------------------------- */

bool
kv_cow_has(const struct kv_cow *c, kv_va_t va)
{
	return va >= c->cfg.va && index_of(c, va) < c->cfg.npages;
}

const struct kv_cow_config *
kv_cow_config(const struct kv_cow *c)
{
	return &c->cfg;
}

int
kv_cow_fault(struct kv_cow *c, kv_va_t va, bool write, bool *flush)
{
	struct kv_cow_stats *stats = c->cfg.stats;
	uint64_t i = index_of(c, va);
	struct kv_leaf leaf;
	bool present = kv_pmap_extract(c->cfg.pmap, va, &leaf) == 0;
	int error = 0;

	if (write && (c->cfg.mode == KV_COW_DIRECT_RO ||
			 (c->cfg.attr & KV_PTE_W) == 0)) {
		stats->violations++;
		return EACCES;
	}
	stats->faults++;
	while (present && leaf.level != 0 && error == 0) {
		error = kv_pmap_demote(c->cfg.pmap, va);
		leaf.level--;
	}
	if (error == 0 && write && c->pages[i].frame == 0 && !c->cfg.in_place)
		error = copy(c, i);
	if (error == 0)
		error = put_leaf(c, i, write);
	stats->failed += error == ENOMEM;
	*flush = error == 0 &&
		 (c->cfg.flush == KV_COW_FLUSH_ALWAYS ||
		     (c->cfg.flush == KV_COW_FLUSH_PRESENT && present));
	stats->flushes += *flush;
	return error;
}

void
kv_cow_wrote(struct kv_cow *c, kv_va_t va)
{
	uint64_t i = index_of(c, va), *content = &c->pages[i].content;

	if (c->pages[i].frame == 0 && c->cfg.mode == KV_COW_EPHEMERAL)
		return;
	if (c->pages[i].frame == 0)
		content = &c->cfg.source->content[c->cfg.pindex + i];
	*content = kv_content_written(*content);
}

void
kv_cow_mint(struct kv_cow *c, struct kv_store *store)
{
	uint64_t *content = c->cfg.source->content + c->cfg.pindex;

	for (uint64_t i = 0;
	     i < c->cfg.npages && c->cfg.mode != KV_COW_EPHEMERAL; i++) {
		const struct page *p = &c->pages[i];

		if (p->frame == 0 || p->content == content[i])
			continue;
		content[i] = p->content;
		kv_store_publish(store, p->content);
		c->cfg.stats->minted++;
	}
}

void
kv_cow_park(struct kv_cow *c)
{
	struct kv_leaf leaf;

	for (uint64_t i = 0; i < c->cfg.npages; i++)
		if (c->pages[i].frame != 0 &&
		    kv_pmap_extract(c->cfg.pmap, va_of(c, i), &leaf) == 0 &&
		    (leaf.attr & KV_PTE_W) != 0)
			put_leaf(c, i, false);
}

/* ---- Check ----------------------------------------------------------- */

static int
broken(struct kv_diag *diag, unsigned invariant, kv_va_t va, const char *text)
{
	return kv_diag_set(diag, EFAULT, "cow", invariant, va, text);
}

struct walk {
	const struct kv_cow *c;
	struct kv_diag *diag;
};

static int
check_leaf(void *arg, const struct kv_leaf *leaf)
{
	const struct walk *w = arg;
	const struct kv_cow *c = w->c;
	kv_pfn_t pfn = leaf->pa >> c->shift;
	uint64_t i = index_of(c, leaf->va);
	bool writable = (leaf->attr & KV_PTE_W) != 0;

	if ((leaf->attr & KV_PTE_G) != 0)
		return broken(w->diag, 4, leaf->va,
		    "a leaf of data that a space has is global");
	if (leaf->level != 0 && writable)
		return broken(
		    w->diag, 1, leaf->va, "a page that is shared is writable");
	if (!writable || c->pages[i].frame == pfn + 1)
		return 0;
	if (c->cfg.mode == KV_COW_EPHEMERAL && pfn == c->cfg.zero)
		return broken(
		    w->diag, 3, leaf->va, "the zero page is writable");
	return pfn == shared(c, i) ? broken(w->diag, 1, leaf->va,
					 "a page that is shared is writable")
				   : 0;
}

static int
by_frame(const void *a, const void *b)
{
	const kv_pfn_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
check_private(const struct kv_cow *c, struct kv_diag *diag)
{
	kv_pfn_t *list =
	    kv_mem_resize(NULL, (size_t)c->cfg.npages, sizeof(*list));
	size_t n = 0;
	int error = 0;

	for (uint64_t i = 0; i < c->cfg.npages; i++) {
		if (c->pages[i].frame == 0)
			continue;
		list[n++] = c->pages[i].frame;
		if (c->pages[i].frame == shared(c, i) + 1)
			error = broken(diag, 2, va_of(c, i),
			    "a private page is the one that it was copied of");
	}
	if (n != 0)
		qsort(list, n, sizeof(*list), by_frame);
	for (size_t i = 1; i < n && error == 0; i++)
		if (list[i] == list[i - 1])
			error = broken(diag, 2, (list[i] - 1) << c->shift,
			    "a frame is private twice");
	kv_mem_free(list);
	return error;
}

int
kv_cow_check(const struct kv_cow *c, struct kv_diag *diag)
{
	struct walk w = {c, diag};
	kv_va_t end = va_of(c, c->cfg.npages);
	int error = kv_pmap_walk(c->cfg.pmap, c->cfg.va, end, check_leaf, &w);

	return error != 0 ? error : check_private(c, diag);
}
