/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb.c - a translation cache over page tables
 *
 * 1 Concepts
 *   An entry translates one range: a leaf of some level; 2^coalesce aligned
 *   base leaves, consecutive in VA and PA and alike in every attribute, A and M
 *   included; or a contiguous group.  Arrays of sets and ways hold entries of
 *   some sizes.  A touch looks in the arrays and compares what it finds with
 *   the page tables: where they differ the entry is stale.  It is reported and
 *   stays, for nothing but a flush or newer entries would remove it.
 *
 * 2 Representation
 *   A set is a list of entries, the last used first; the tail makes room.  The
 *   class of an entry is its level and whether it is a group.  Each class has
 *   its own index bits, those above the largest entry of the class, so that
 *   single and coalesced entries of a page meet in one set.  A touch looks into
 *   one set for each class that the array holds at the time.  An unlimited
 *   array hashes into sets whose number grows with it.
 *
 * 3 Invariants
 *   I1  An entry stands in the set that its address and class say.
 *   I2  No set has more entries than ways; entries and counts by class agree.
 *   I3  In one array no two entries translate one address of one space.
 *   I4  VA and PA of an entry are aligned to its size, and its array holds
 *       entries of that class.
 *   I5  Stale touches are those of the three kinds, hits those of all arrays.
 *
 * 4 Cost
 *   A touch: one walk of the page tables for the comparison, and at most `ways`
 *   entries for each class of each array.  A miss walks twice more, and once
 *   for each PTE that may coalesce.  A range flush costs the smaller of its
 *   pages and the sets; other flushes cost the entries.
 *
 * 5 Fidelity
 *   systems.md 0 (tlb, V7), 2.1, 2.5; freebsd.md 5 for coalescing.  Replacement
 *   is true LRU in each set, where cores approximate it.  Index bits shifted by
 *   the coalescing order are those of CoLT-SA (Pham et al., MICRO 2012).  That
 *   a PTE with A clear does not join follows from the rule of amd64 that A is
 *   set before a translation is cached.  Two entries for one address have no
 *   defined outcome on hardware; here the newer one removes what it overlaps
 *   in its array (I3).  Code and data share the arrays; tables of upper levels
 *   are not cached; permissions are compared, not enforced.
 */
#include <stdlib.h>

#include "hw/tlb_parts.h"
#include "out/mem.h"

enum { SETS_MAX = 1 << 20 };

/* ---- What a walk fills ----------------------------------------------- */

/* One touch, and the leaf that the page tables have for it. */
struct touch {
	struct kv_pmap *pmap;
	unsigned tag;
	kv_va_t va;
	bool write; /* and the leaf is writable */
	bool mapped;
	struct kv_leaf leaf;
};

/* Grow or cut an entry to 2^shift bytes around va. */
static void
align_to(struct kv_tlbe *e, kv_va_t va, unsigned shift)
{
	uint64_t size = UINT64_C(1) << shift;

	e->pa = kv_align_down(e->pa + (va - e->va), size);
	e->va = kv_align_down(va, size);
	e->shift = (uint8_t)shift;
}

/* Do the leaves around this one fit into one entry? */
static bool
coalesces(const struct kv_tlb *tlb, const struct kv_pmap *pmap,
    const struct kv_leaf *leaf)
{
	uint64_t page = UINT64_C(1) << tlb->rules.format->page_shift;
	uint64_t size = page << tlb->rules.coalesce, offset;
	kv_va_t va = kv_align_down(leaf->va, size);
	kv_pa_t pa = leaf->pa - (leaf->va - va);

	if (size == page || leaf->level != 0 || pa % size != 0)
		return false;
	for (offset = 0; offset < size; offset += page) {
		struct kv_leaf x;

		if (kv_pmap_extract(pmap, va + offset, &x) != 0 ||
		    x.level != 0 || x.pa != pa + offset || x.attr != leaf->attr)
			return false;
	}
	return true;
}

/* The largest entry that an array could make of the leaf. */
static struct kv_tlbe
widest(const struct kv_tlb *tlb, const struct touch *t)
{
	const struct kv_leaf *leaf = &t->leaf;
	const struct kv_pte_format *f = tlb->rules.format;
	unsigned shift = kv_tlbe_level_shift(f, leaf->level);
	unsigned order = kv_tlbe_group_order(f, leaf->level);
	struct kv_tlbe e = {.va = leaf->va,
	    .pa = leaf->pa,
	    .tag = t->tag,
	    .shift = (uint8_t)shift,
	    .class = (uint8_t)leaf->level,
	    .attr = (uint8_t)leaf->attr};

	if ((leaf->attr & KV_PTE_CONTIG) != 0 && order != 0) {
		e.class = (uint8_t)(leaf->level + KV_TLBE_GROUP);
		align_to(&e, leaf->va, shift + order);
	} else if (coalesces(tlb, t->pmap, leaf)) {
		align_to(&e, leaf->va, shift + tlb->rules.coalesce);
	}
	return e;
}

/* Cut *e down to what the array can hold of it around va.
 * => false: nothing */
static bool
narrow(const struct kv_tlba *a, kv_va_t va, struct kv_tlbe *e)
{
	unsigned level = kv_tlbe_level(e);

	if ((a->cfg.levels >> level & 1) == 0)
		return false;
	if (e->class >= KV_TLBE_GROUP && (a->cfg.groups >> level & 1) == 0) {
		e->class = (uint8_t)level;
		align_to(e, va, kv_tlbe_level_shift(a->rules->format, level));
	}
	return true;
}

static bool
is_single(const struct kv_tlb *tlb, const struct kv_tlbe *e)
{
	return e->shift ==
	       kv_tlbe_level_shift(tlb->rules.format, kv_tlbe_level(e));
}

/* Fill the first n arrays.  => an entry is of more than one PTE */
static bool
fill(struct kv_tlb *tlb, const struct kv_tlbe *wide, kv_va_t va, unsigned n)
{
	bool several = false;

	for (unsigned i = 0; i < n; i++) {
		struct kv_tlbe e = *wide;

		if (!narrow(&tlb->arrays[i], va, &e))
			continue;
		kv_tlba_insert(&tlb->arrays[i], &e);
		several = several || !is_single(tlb, &e);
	}
	return several;
}

/* ---- Touches --------------------------------------------------------- */

static enum kv_tlb_result
miss(struct kv_tlb *tlb, struct touch *t)
{
	struct kv_tlbe wide;

	tlb->stats.misses++;
	if (!t->mapped) {
		tlb->stats.faults++;
		return KV_TLB_FAULT;
	}
	/* Looked at again for A and M as this architecture has them. */
	kv_pmap_access(t->pmap, t->va, t->write);
	kv_pmap_extract(t->pmap, t->va, &t->leaf);
	wide = widest(tlb, t);
	tlb->stats.coalesced += fill(tlb, &wide, t->va, tlb->cfg.narrays);
	return KV_TLB_MISS;
}

/* => does the entry differ from the walk?  Then *how */
static bool
differs(const struct kv_tlbe *e, const struct touch *t, enum kv_tlb_stale *how)
{
	const unsigned rights = KV_PTE_W | KV_PTE_X | KV_PTE_U;
	const struct kv_leaf *leaf = &t->leaf;

	if (!t->mapped || e->pa - e->va != leaf->pa - leaf->va)
		*how = KV_STALE_FRAME;
	else if ((e->attr & ~leaf->attr & rights) != 0)
		*how = KV_STALE_PERMISSIVE;
	else if ((leaf->attr & ~(unsigned)e->attr & rights) != 0)
		*how = KV_STALE_RESTRICTIVE;
	else
		return false;
	return true;
}

static void
count_stale(struct kv_tlb_stats *stats, enum kv_tlb_stale how)
{
	stats->stale++;
	stats->stale_frame += how == KV_STALE_FRAME;
	stats->stale_permissive += how == KV_STALE_PERMISSIVE;
	stats->stale_restrictive += how == KV_STALE_RESTRICTIVE;
}

/* A write through an entry without M sets M in the tables.  An entry of several
 * PTEs cannot say which of them has it, and asks again. */
static void
dirty(struct kv_tlb *tlb, const struct touch *t, struct kv_tlbe *e)
{
	if ((e->attr & KV_PTE_M) != 0)
		return;
	kv_pmap_access(t->pmap, t->va, true);
	if (is_single(tlb, e))
		e->attr |= KV_PTE_M;
}

/* Array i has an entry. */
static enum kv_tlb_result
found(struct kv_tlb *tlb, const struct touch *t, unsigned i, struct kv_tlbe *e,
    enum kv_tlb_stale *stale)
{
	enum kv_tlb_result result = KV_TLB_HIT;
	enum kv_tlb_stale how;
	struct kv_tlbe copy;

	if (differs(e, t, &how)) {
		result = KV_TLB_STALE;
		count_stale(&tlb->stats, how);
		if (stale != NULL)
			*stale = how;
	} else {
		tlb->stats.hits++;
		tlb->stats.array[i].hits++;
		if (t->write)
			dirty(tlb, t, e);
	}
	copy = *e;
	fill(tlb, &copy, t->va, i);
	return result;
}

static enum kv_tlb_result
touch(struct kv_tlb *tlb, struct kv_pmap *pmap, unsigned tag, kv_va_t va,
    bool write, enum kv_tlb_stale *stale)
{
	struct touch t = {.pmap = pmap, .tag = tag, .va = va};

	if (tlb->rules.format == NULL)
		tlb->rules.format = kv_pmap_format(pmap);
	KV_ASSERT(tlb->rules.format == kv_pmap_format(pmap));
	t.mapped = kv_pmap_extract(pmap, va, &t.leaf) == 0;
	t.write = write && t.mapped && (t.leaf.attr & KV_PTE_W) != 0;
	for (unsigned i = 0; i < tlb->cfg.narrays; i++) {
		struct kv_tlba *a = &tlb->arrays[i];
		int *link = kv_tlba_find(a, tag, va);

		if (link != NULL)
			return found(tlb, &t, i, kv_tlba_use(a, link), stale);
	}
	return miss(tlb, &t);
}

void
kv_tlb_listen(struct kv_tlb *tlb, const struct kv_tap *tap, const char *name)
{
	tlb->name = name;
	tlb->tap = *tap;
}

enum kv_tlb_result
kv_tlb_touch(struct kv_tlb *tlb, struct kv_pmap *pmap, unsigned tag, kv_va_t va,
    bool write, enum kv_tlb_stale *stale)
{
	enum kv_tlb_stale how = KV_STALE_FRAME;
	enum kv_tlb_result result = touch(tlb, pmap, tag, va, write, &how);
	unsigned told = (unsigned)result;

	if (result == KV_TLB_STALE)
		told = KV_TLB_TOLD_STALE + (unsigned)how;
	if (result == KV_TLB_STALE && stale != NULL)
		*stale = how;
	kv_tap_emit(
	    &tlb->tap, KV_EV_TLB_TOUCH, tlb->name, tag, va, write, told);
	return result;
}

int
kv_tlb_lookup(
    const struct kv_tlb *tlb, unsigned tag, kv_va_t va, unsigned *attr)
{
	for (unsigned i = 0; i < tlb->cfg.narrays && tlb->rules.format != NULL;
	     i++) {
		const struct kv_tlba *a = &tlb->arrays[i];
		const int *link = kv_tlba_find(a, tag, va);

		if (link != NULL) {
			*attr = a->entries[*link].attr;
			return 0;
		}
	}
	return ENOENT;
}

/* ---- Flushes --------------------------------------------------------- */

static void
sweep(struct kv_tlb *tlb, const struct kv_tlb_sweep *s)
{
	for (unsigned i = 0; i < tlb->cfg.narrays; i++)
		kv_tlba_sweep(&tlb->arrays[i], s);
}

void
kv_tlb_flush_page(struct kv_tlb *tlb, unsigned tag, kv_va_t va)
{
	kv_tlb_flush_range(tlb, tag, va, 1);
}

void
kv_tlb_flush_range(
    struct kv_tlb *tlb, unsigned tag, kv_va_t va, uint64_t npages)
{
	struct kv_tlb_sweep s = {
	    .last = UINT64_MAX, .tag = tag, .global = true};
	unsigned shift;

	tlb->stats.page_flushes += npages;
	kv_tap_emit(&tlb->tap, KV_EV_TLB_RANGE, tlb->name, tag, va, npages, 0);
	if (npages == 0 || tlb->rules.format == NULL)
		return;
	shift = tlb->rules.format->page_shift;
	s.first = va >> shift << shift;
	if (npages - 1 < (UINT64_MAX - s.first) >> shift)
		s.last = s.first + ((npages << shift) - 1);
	sweep(tlb, &s);
}

void
kv_tlb_flush_tag(struct kv_tlb *tlb, unsigned tag)
{
	struct kv_tlb_sweep s = {.last = UINT64_MAX, .tag = tag};

	tlb->stats.tag_flushes++;
	kv_tap_emit(&tlb->tap, KV_EV_TLB_TAG, tlb->name, tag, 0, 0, 0);
	sweep(tlb, &s);
}

void
kv_tlb_flush_nonglobal(struct kv_tlb *tlb)
{
	struct kv_tlb_sweep s = {.last = UINT64_MAX, .all_spaces = true};

	tlb->stats.nonglobal_flushes++;
	kv_tap_emit(
	    &tlb->tap, KV_EV_TLB_NONGLOBAL, tlb->name, tlb->cfg.tags, 0, 0, 0);
	sweep(tlb, &s);
}

void
kv_tlb_flush_all(struct kv_tlb *tlb)
{
	struct kv_tlb_sweep s = {
	    .last = UINT64_MAX, .global = true, .all_spaces = true};

	tlb->stats.full_flushes++;
	kv_tap_emit(
	    &tlb->tap, KV_EV_TLB_ALL, tlb->name, tlb->cfg.tags, 0, 0, 0);
	sweep(tlb, &s);
}

/* ---- Create ---------------------------------------------------------- */

static bool
is_legal(const struct kv_tlb_config *cfg)
{
	if (cfg->narrays == 0 || cfg->narrays > KV_TLB_ARRAYS_MAX ||
	    cfg->coalesce > KV_TLB_COALESCE_MAX)
		return false;
	for (unsigned i = 0; i < cfg->narrays; i++)
		if (!kv_is_pow2(cfg->arrays[i].sets) ||
		    cfg->arrays[i].sets > SETS_MAX)
			return false;
	return true;
}

int
kv_tlb_create(const struct kv_tlb_config *cfg, struct kv_tlb **result)
{
	struct kv_tlb *tlb;

	if (!is_legal(cfg))
		return EINVAL;
	tlb = kv_mem_resize(NULL, 1, sizeof(*tlb));
	*tlb = (struct kv_tlb){.cfg = *cfg,
	    .rules = {.coalesce = cfg->coalesce, .tags = cfg->tags}};
	for (unsigned i = 0; i < cfg->narrays; i++)
		kv_tlba_init(&tlb->arrays[i], &cfg->arrays[i], &tlb->rules);
	*result = tlb;
	return 0;
}

void
kv_tlb_destroy(struct kv_tlb *tlb)
{
	if (tlb == NULL)
		return;
	for (unsigned i = 0; i < tlb->cfg.narrays; i++)
		kv_tlba_fini(&tlb->arrays[i]);
	kv_mem_free(tlb);
}
