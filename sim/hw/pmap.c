/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap.c - page tables of one address space: one radix walk for all formats
 *
 * 1 Concepts.  A table has 2^pt_shift entries; an entry is 0, a leaf, or points
 *   to a table one level down.  Level 0 maps base pages; a leaf of level L maps
 *   as much as a full table of level L - 1.  Entries have the bits that the
 *   hardware would find (pte.c).  Contiguous groups are aligned runs of leaves
 *   of one table that say so, each for itself.
 * 2 Representation.  A table is an array of entries and, above level 0, one of
 *   pointers to the tables of the same entries, so that a walk is one load a
 *   level and asks nobody for what a physical address means:
 *
 *     root   entry | 0 | 0x5027 | ...        child | - | o | ...
 *                                                        v   pa 0x5000
 *     level 2                                 entry | ...   child | ...
 *
 *   Addresses are offsets into what the root covers once they are inside: the
 *   bits above va_bits follow from the half (kv_pt_va).  Offsets of a range
 *   [lo, hi] include hi, so that the last page of the space is no special case.
 *
 * 3 Invariants.
 *   I1  A table but the root is pointed to by one entry of one table, one level
 *       up, which holds its physical address; tables have addresses of their
 *       own (V3 of systems.md).  pt_pages and pt_level count them.
 *   I2  count is the number of entries of the table that are not 0.
 *       Tables of a level that is kept may be empty, and stay.
 *   I3  Every entry that is not 0 is valid.  A leaf stands at a level that may
 *       have leaves, its frame is aligned to what it maps, and it has no bits
 *       but those of its format: leaves of one space cannot overlap (V4).
 *   I4  A contiguous group is whole: aligned, consecutive frames from an
 *       aligned one, equal attributes but A and M, at a level that has groups.
 *   I5  leaves, grouped and spoilers are what a walk counts; p_failures is the
 *       sum of its causes.
 *   I6  The base pages mapped, counted where they are entered and removed
 *       alone, are those that the leaves map: promotion and demotion neither
 *       make nor lose one (V5).
 * 4 Cost.  One load a level, for children stand at one distance from a table's
 *   address; a run of pages asks for the way once a table.  What an entry
 *   allows is read from two tables, by its low and its high bits.
 * 5 Fidelity.  spec freebsd.md 5.  qenter leaves an entry alone that differs in
 *   A and M only, as upstream does on amd64 (here on all).  Tables are made
 *   with the first page that needs them; a kernel grows its half of the address
 *   space ahead (pmap_growkernel).  Permissions of tables are those that allow
 *   everything.
 */
#include <stdlib.h>
#include <string.h>

#include "hw/pmap_parts.h"
#include "out/mem.h"

/* ---- Tables ------------------------------------------------------------ */

static int
bump_get(void *arg, unsigned level, kv_pa_t *pa)
{
	struct kv_pmap *p = arg;

	(void)level;
	*pa = p->bump;
	p->bump += UINT64_C(1) << p->level[0].shift;
	return 0;
}

static void
bump_put(void *arg, unsigned level, kv_pa_t pa)
{
	(void)arg;
	(void)level;
	(void)pa;
}

int
kv_pt_create(struct kv_pmap *p, unsigned level, bool empty, struct kv_pt **t)
{
	const size_t entries = p->room * sizeof(uint64_t);
	const size_t children =
	    level != 0 ? p->room * sizeof(struct kv_pt *) : 0;
	struct kv_pt *pt;
	kv_pa_t pa;
	int error;

	if (kv_draws_refuse(p->draws, KV_DRAW_TABLE))
		return ENOMEM;
	error = p->source.get(p->source.arg, level, &pa);
	if (error != 0)
		return error;
	pt = kv_mem_resize(NULL, sizeof(*pt) + entries + children, 1);
	*pt = (struct kv_pt){.pa = pa, .level = level, .born = p->op};
	if (empty || p->store != NULL)
		memset(pt->entry, 0, entries);
	if (level != 0)
		pt->child = memset(pt->entry + p->room, 0, children);
	*t = pt;
	p->stats.pt_pages++;
	p->stats.pt_level[level]++;
	return 0;
}

void
kv_pt_free(struct kv_pmap *p, struct kv_pt *t)
{
	p->stats.pt_pages--;
	p->stats.pt_level[t->level]--;
	p->source.put(p->source.arg, t->level, t->pa);
	kv_mem_free(t);
}

/* Let entry i of t point to a table. */
static void
hang(struct kv_pmap *p, struct kv_pt *t, unsigned i, struct kv_pt *child)
{
	const struct kv_pte_format *f = p->format;

	t->child[i] = child;
	kv_pt_count(p, t, 1);
	kv_pt_put(p, t, i, child->pa >> f->frame_shift | f->table);
}

void
kv_pt_prune(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	struct kv_pt *child = t->child[i];

	if (child->level != 0)
		for (unsigned j = 0; j <= p->level[child->level].mask; j++)
			if (child->child[j] != NULL)
				kv_pt_prune(p, child, j);
	t->child[i] = NULL;
	kv_pt_count(p, t, -1);
	kv_pt_put(p, t, i, 0);
	kv_pt_free(p, child);
}

/* Tables for va from the one below t down to that level; out: the lowest.
 * => 0; what the source answers: those that are not kept are gone */
static int
grow_below(struct kv_pmap *p, kv_va_t va, unsigned level, struct kv_pt **out)
{
	struct kv_pt *t = *out, *top = t, *child;

	while (t->level > level) {
		int error = kv_pt_create(p, t->level - 1, true, &child);

		if (error != 0 && top != t && !kv_pt_kept(p, t))
			kv_pt_prune(p, top, kv_pt_index(p, va, top->level));
		if (error != 0)
			return error;
		hang(p, t, kv_pt_index(p, va, t->level), child);
		t = child;
	}
	*out = t;
	return 0;
}

int
kv_pt_grow(struct kv_pmap *p, kv_va_t va, unsigned level, struct kv_pt **out)
{
	struct kv_pt *t = p->root, *child;

	while (t->level > level) {
		child = t->child[kv_pt_index(p, va, t->level)];
		if (child == NULL)
			break;
		t = child;
	}
	*out = t;
	if (t->level == level)
		return 0;
	if (t->entry[kv_pt_index(p, va, t->level)] != 0)
		return EBUSY;
	return grow_below(p, va, level, out);
}

/* ---- Create ------------------------------------------------------------ */

static void
init_levels(struct kv_pmap *p)
{
	const struct kv_pte_format *f = p->format;

	p->top = f->levels - 1;
	p->room = (size_t)1 << f->pt_shift;
	for (unsigned l = 0; l < f->levels; l++) {
		const unsigned shift = kv_pte_shift(f, l);

		p->level[l] = (struct kv_pt_level){.shift = shift,
		    .mask = (1u << (l + 1 == f->levels ? f->root_shift
						       : f->pt_shift)) -
			    1,
		    .order = kv_pte_group(f, l),
		    .step = UINT64_C(1) << (shift - f->frame_shift),
		    .pa_mask = ~(f->frame_mask << f->frame_shift) |
			       ((UINT64_C(1) << shift) - 1)};
	}
}

static void
init_codes(struct kv_pmap *p)
{
	const struct kv_pte_format *f = p->format;

	for (unsigned attr = 0; attr < 1u << KV_PTE_ATTRS; attr++)
		p->code[attr] = kv_pte_encode(f, attr);
	p->contig = f->attr[KV_PTE_CONTIG_BIT].mask;
	p->attrs = f->user_x.mask;
	for (unsigned i = 0; i < KV_PTE_CONTIG_BIT; i++) {
		p->attrs |= f->attr[i].mask;
		if ((1u << i & (KV_PTE_A | KV_PTE_M)) != 0)
			p->am |= f->attr[i].mask;
	}
}

/* What the bits of an entry from a shift on say, by their value. */
static void
init_decode(uint8_t *table, unsigned nbits, unsigned shift,
    const struct kv_pte_bits *bits, unsigned attr)
{
	for (uint64_t i = 0; i < UINT64_C(1) << nbits; i++)
		if ((bits->mask >> shift & (UINT64_MAX >> (64 - nbits))) != 0 &&
		    kv_pte_on(bits, i << shift))
			table[i] |= (uint8_t)attr;
}

static void
init_decodes(struct kv_pmap *p)
{
	const struct kv_pte_format *f = p->format;

	for (unsigned i = 0; i <= KV_PTE_ATTRS; i++) {
		const struct kv_pte_bits *bits =
		    i < KV_PTE_ATTRS ? &f->attr[i] : &f->user_x;

		init_decode(p->low, KV_PT_LOW_BITS, 0, bits, 1u << i);
		init_decode(p->high, 64 - KV_PT_HIGH_FROM, KV_PT_HIGH_FROM,
		    bits, 1u << i);
	}
}

static void
init_addresses(struct kv_pmap *p, bool low_half)
{
	const struct kv_pte_format *f = p->format;

	p->va_mask = (UINT64_C(1) << f->va_bits) - 1;
	if (!f->root_per_half)
		p->va_sign = UINT64_C(1) << (f->va_bits - 1);
	else if (!low_half)
		p->va_high = ~p->va_mask;
}

int
kv_pmap_create(const struct kv_pmap_config *cfg, struct kv_pmap **pmap)
{
	const struct kv_machine *m = kv_machine_find(cfg->format->name);
	struct kv_pmap *p =
	    memset(kv_mem_resize(NULL, 1, sizeof(*p)), 0, sizeof(*p));
	int error;

	p->format = cfg->format;
	init_levels(p);
	init_codes(p);
	init_decodes(p);
	init_addresses(p, cfg->low_half);
	p->psind_full = m != NULL && m->reserv_sub != 0 ? 2 : 1;
	p->user = cfg->user;
	p->keep = cfg->keep;
	p->repromote = cfg->repromote;
	p->split = cfg->split;
	p->join_any = cfg->join_any;
	p->store = cfg->store;
	p->store_arg = cfg->store_arg;
	p->draws = cfg->draws;
	p->keeps = cfg->source.get == NULL;
	p->source = cfg->source;
	if (p->source.get == NULL)
		p->source = (struct kv_pt_source){bump_get, bump_put, p};
	error = kv_pt_create(p, p->format->levels - 1, true, &p->root);
	if (error != 0) {
		kv_mem_free(p);
		return error;
	}
	*pmap = p;
	return 0;
}

/* Nobody is told of entries any more; pages go back, lowest tables first. */
static void
destroy(struct kv_pmap *p, struct kv_pt *t)
{
	for (unsigned i = 0; t->level != 0 && i <= p->level[t->level].mask; i++)
		if (t->child[i] != NULL)
			destroy(p, t->child[i]);
	kv_pt_free(p, t);
}

void
kv_pmap_destroy(struct kv_pmap *pmap)
{
	if (pmap == NULL)
		return;
	kv_pmap_ungraft(pmap, false);
	destroy(pmap, pmap->root);
	kv_mem_free(pmap);
}

/* ---- Ranges ------------------------------------------------------------ */

int
kv_pt_range(const struct kv_pmap *p, kv_va_t va, uint64_t size, uint64_t *lo,
    uint64_t *hi)
{
	const uint64_t page = UINT64_C(1) << p->level[0].shift;
	const kv_va_t last = va + size - 1;

	if (((va | size) & (page - 1)) != 0 || last < va ||
	    !kv_pt_canonical(p, va) || !kv_pt_canonical(p, last) ||
	    (va ^ last) > p->va_mask)
		return EINVAL;
	*lo = va & p->va_mask;
	*hi = last & p->va_mask;
	return p->grafts != NULL && kv_pt_meets_graft(p, *lo, *hi) ? EBUSY : 0;
}

int
kv_pt_run_range(const struct kv_pmap *p, kv_va_t va, unsigned level, uint64_t n,
    uint64_t *lo, uint64_t *hi)
{
	const unsigned shift = p->level[level].shift;

	if (n > UINT64_MAX >> shift)
		return EINVAL;
	return kv_pt_range(p, va, n << shift, lo, hi);
}

/* ---- Enter ------------------------------------------------------------- */

/* A base page at entry i; what is there goes.  => 1 when nothing was there */
static inline int
put_page(struct kv_pmap *p, struct kv_pt *t, unsigned i, uint64_t entry)
{
	const uint64_t old = t->entry[i];

	if (old == 0) {
		kv_pt_put(p, t, i, entry);
		return 1;
	}
	if (((kv_pt_alone(p, t, i) ^ entry) & ~p->am) == 0)
		return 0;
	if ((old & p->contig) != 0)
		kv_pt_break_group(p, t, i);
	kv_pt_put(p, t, i, entry);
	return 0;
}

/*
 * n pages from entry i of a table; frames from an array or, without one, from
 * pa on.  => 0; EINVAL (a frame too high), the first pages may be in
 */
static int
put_pages(struct kv_pmap *p, struct kv_pt *t, unsigned i, unsigned n,
    const kv_pfn_t *pfns, kv_pa_t pa, unsigned attr)
{
	const uint64_t bits = kv_pt_leaf(p, 0, 0, attr);
	const unsigned shift = p->level[0].shift;
	const unsigned down = p->format->frame_shift;
	int more = 0, error = 0;

	for (unsigned k = 0; k < n; k++) {
		if (pfns != NULL)
			pa = pfns[k] > UINT64_MAX >> shift ? UINT64_MAX
							   : pfns[k] << shift;
		if ((pa & p->level[0].pa_mask) != 0) {
			error = EINVAL;
			break;
		}
		more += put_page(p, t, i + k, bits | pa >> down);
		pa += UINT64_C(1) << shift;
	}
	kv_pt_leaves(p, t, more);
	p->pages += (unsigned)more;
	return error;
}

static int
qenter(struct kv_pmap *p, kv_va_t va, const kv_pfn_t *pfns, kv_pa_t pa,
    size_t n, unsigned attr)
{
	uint64_t lo, hi;
	int error = n == 0 ? 0 : kv_pt_run_range(p, va, 0, n, &lo, &hi);

	if (error != 0)
		return error;
	while (n != 0) {
		struct kv_pt *t;
		const unsigned i = kv_pt_index(p, va, 0);
		unsigned step = p->level[0].mask + 1 - i;
		error = kv_pt_grow(p, va, 0, &t);
		step = n < step ? (unsigned)n : step;
		if (error == 0)
			error = put_pages(p, t, i, step, pfns, pa, attr);
		if (error != 0)
			return error;
		n -= step;
		if (pfns != NULL)
			pfns += step;
		va += (kv_va_t)step << p->level[0].shift;
		pa += (kv_pa_t)step << p->level[0].shift;
	}
	return 0;
}

int
kv_pmap_qenter(struct kv_pmap *pmap, kv_va_t va, const kv_pfn_t *pfns, size_t n,
    unsigned attr)
{
	return qenter(pmap, va, pfns, 0, n, attr);
}

int
kv_pmap_qenter_run(
    struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa, size_t n, unsigned attr)
{
	return qenter(pmap, va, NULL, pa, n, attr);
}

/* What enter makes of an entry: where only A and M would change, those of the
 * new one join those that were set. */
static void
enter_page(struct kv_pmap *p, struct kv_pt *t, unsigned i, uint64_t entry)
{
	const struct kv_pte_bits *attr = p->format->attr;
	const uint64_t old = t->entry[i];
	uint64_t now = old;
	int more;

	if (old == 0 || ((kv_pt_alone(p, t, i) ^ entry) & ~p->am) != 0) {
		more = put_page(p, t, i, entry);
		kv_pt_leaves(p, t, more);
		p->pages += (unsigned)more;
		return;
	}
	for (unsigned b = KV_PTE_A_BIT; b <= KV_PTE_M_BIT; b++)
		if (kv_pte_on(&attr[b], entry))
			now = kv_pte_set(&attr[b], now, true);
	if (now != old)
		kv_pt_put(p, t, i, now);
}

int
kv_pmap_enter(
    struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa, unsigned attr, unsigned psind)
{
	const unsigned i = kv_pt_index(pmap, va, 0);
	struct kv_pt *t;
	uint64_t lo, hi;
	int error = kv_pt_run_range(pmap, va, 0, 1, &lo, &hi);

	if (error == 0 && (pa & pmap->level[0].pa_mask) != 0)
		error = EINVAL;
	if (error == 0)
		error = kv_pt_grow(pmap, va, 0, &t);
	if (error != 0)
		return error;
	enter_page(pmap, t, i, kv_pt_leaf(pmap, pa, 0, attr));
	if (psind != 0)
		kv_pt_make_group(pmap, t, i);
	if (psind >= pmap->psind_full &&
	    (!pmap->user || t->count == pmap->level[0].mask + 1))
		(void)kv_pmap_promote(pmap, va);
	return 0;
}
