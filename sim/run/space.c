/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * space.c - address spaces of a world: pages of objects, mapped
 *
 * 1 Concepts.  A space is page tables and what may be asked of them: map pages
 *   of an object, which are allocated where they are missing, or memory of a
 *   device, which no object has and no reservation.  pmap_enter is told the
 *   psind of each page, so that it knows when promotion is worth a try.
 * 2 Representation.  The page tables alone; what an address maps to is asked of
 *   them, and who owns the frame of the objects.
 * 3 Invariants (reported as space-I1 and so on).
 *   I1   A page of a live kernel stack has exactly the leaf of its frame.
 *   I2   No leaf maps a free page of memory.
 *   I3   Tables that other spaces borrow are a template's.
 *   The pmap's own are pmap.c's; guards are freebsd-I2.
 * 4 Cost.  A page is allocated and entered; undoing costs a bit a page.
 * 5 Fidelity.  kmem_back: for each page vm_page_alloc, then pmap_enter with the
 *   access that the protection allows; on failure kmem_unback of all
 *   (freebsd.md 3.4, 4.2, 5).  Which page is promoted when: pmap.c.
 */
#include "run/space.h"

#include <stdlib.h>
#include <string.h>

#include "hw/pte_code.h"
#include "out/mem.h"
#include "run/listen.h"

/* ---- Create ---------------------------------------------------------- */

static struct kv_ptpool_page
want_of(const struct kv_space *s, unsigned level)
{
	return (struct kv_ptpool_page){
	    s->cfg.shared ? KV_PTPOOL_TEMPLATE : KV_PTPOOL_SPACE, s->cfg.id,
	    s->cfg.format->levels - 1 - level};
}

static int
table_get(void *arg, unsigned level, kv_pa_t *pa)
{
	const struct kv_space *s = arg;
	const struct kv_ptpool_page want = want_of(s, level);

	if (!s->moving)
		return kv_ptpool_get(s->cfg.pool, &want, s->urgent, pa);
	*pa = s->page;
	return 0;
}

static void
table_put(void *arg, unsigned level, kv_pa_t pa)
{
	const struct kv_space *s = arg;

	(void)level;
	if (!s->moving)
		(void)kv_ptpool_put(s->cfg.pool, pa, NULL);
}

/* Which empty tables stay, by what the pool takes back. */
static void
draw_from(struct kv_space *s, struct kv_pmap_config *pmap)
{
	static const unsigned keep[KV_PTPOOL_RECLAIMS] = {
	    [KV_PTPOOL_NONE] = ~0u,
	    [KV_PTPOOL_EMPTY] = ~1u,
	    [KV_PTPOOL_PROMOTE] = ~1u};
	enum kv_ptpool_reclaim reclaim = kv_ptpool_config(s->cfg.pool)->reclaim;

	pmap->source = (struct kv_pt_source){table_get, table_put, s};
	pmap->keep = keep[reclaim];
	pmap->repromote = reclaim == KV_PTPOOL_PROMOTE;
}

/* Create the pmap with somebody who is told of it. */
static int
listen(struct kv_space *s, struct kv_pmap_config *pmap)
{
	const struct kv_pt_ear_config cfg = {.tap = s->cfg.tap,
	    .name = s->cfg.name,
	    .tag = s->cfg.id,
	    .format = s->cfg.format};
	int error;

	s->ear = kv_pt_ear_create(&cfg);
	kv_pt_ear_attach(s->ear, pmap);
	error = kv_pmap_create(pmap, &s->pmap);
	if (error == 0)
		kv_pt_ear_begin(s->ear, pmap->low_half);
	if (error == 0 && s->cfg.shared)
		kv_tap_emit(&s->cfg.tap, KV_EV_PT_TEMPLATE, s->cfg.name,
		    s->cfg.id, 0, 0, 0);
	if (error != 0) {
		kv_pt_ear_destroy(s->ear);
		s->ear = NULL;
	}
	return error;
}

int
kv_space_init(struct kv_space *s, const struct kv_space_config *cfg)
{
	struct kv_pmap_config pmap = {.format = cfg->format,
	    .draws = cfg->draws,
	    .low_half = cfg->user,
	    .user = cfg->user};
	const struct kv_machine *m = kv_machine_find(cfg->format->name);

	pmap.split = cfg->split;
	pmap.join_any = cfg->join_any;
	*s = (struct kv_space){
	    .cfg = *cfg, .sub = m != NULL ? m->reserv_sub : 0};
	if (cfg->pool != NULL)
		draw_from(s, &pmap);
	return cfg->tap.fn == NULL ? kv_pmap_create(&pmap, &s->pmap)
				   : listen(s, &pmap);
}

void
kv_space_fini(struct kv_space *s)
{
	if (s->ear != NULL)
		kv_pt_ear_end(s->ear);
	if (s->pmap != NULL)
		kv_pmap_destroy(s->pmap);
	kv_pt_ear_destroy(s->ear);
	*s = (struct kv_space){0};
}

/* ---- Pages ----------------------------------------------------------- */

/* A range while it is mapped. */
struct mapping {
	struct kv_space *s;
	const struct kv_space_range *r;
	unsigned shift;	 /* log2 bytes of a page */
	uint64_t done;	 /* pages mapped so far */
	uint64_t *fresh; /* bit i: page i was allocated here */
	uint64_t nfresh; /* bits that it has */
};

/* Are all bits of [first, first + n) set? */
static bool
is_full(const uint64_t *map, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		if ((map[i / 64] >> i % 64 & 1) == 0)
			return false;
	return true;
}

/* psind (freebsd.md 4.3): machines with sub-blocks have 1 for a full one and 2
 * for a full reservation, others 1 for that.  The format says which. */
static unsigned
psind_of(const struct kv_space *s, kv_pfn_t pfn)
{
	struct kv_reserv_info info;
	unsigned first;

	if (!s->cfg.promotion ||
	    kv_reserv_whatis(s->cfg.reserv, pfn, &info) != 0)
		return 0;
	if (info.popcnt == info.npages)
		return s->sub != 0 ? 2 : 1;
	if (s->sub == 0)
		return 0;
	first = (unsigned)(pfn - info.pfn) >> s->sub << s->sub;
	return is_full(info.popmap, first, 1u << s->sub) ? 1 : 0;
}

/* pmap_enter demotes a superpage that is in the way (not in the spec, but V5 of
 * systems.md leaves no other way to change one page of it). */
static int
enter(struct kv_space *s, kv_va_t va, kv_pa_t pa, unsigned attr, unsigned psind)
{
	int error;

	while ((error = kv_pmap_enter(s->pmap, va, pa, attr, psind)) == EBUSY)
		if ((error = kv_pmap_demote(s->pmap, va)) != 0)
			break;
	return error;
}

int
kv_space_enter(struct kv_space *s, kv_va_t va, kv_pfn_t pfn, unsigned attr)
{
	return enter(
	    s, va, pfn << s->cfg.format->page_shift, attr, psind_of(s, pfn));
}

static void
note_fresh(struct mapping *m, uint64_t i)
{
	uint64_t words = i / 64 + 1, had = m->nfresh / 64;

	if (words > had) {
		words = 2 * had > words ? 2 * had : words;
		m->fresh =
		    kv_mem_resize(m->fresh, (size_t)words, sizeof(*m->fresh));
		memset(m->fresh + had, 0,
		    (size_t)(words - had) * sizeof(*m->fresh));
		m->nfresh = words * 64;
	}
	m->fresh[i / 64] |= UINT64_C(1) << i % 64;
}

/* Frame of page i, allocated if need be.  => 0, ENOMEM */
static int
page_get(struct mapping *m, uint64_t i, kv_pfn_t *pfn)
{
	const struct kv_space_range *r = m->r;
	int error;

	if (r->object == NULL) {
		*pfn = (r->pa >> m->shift) + i;
		return 0;
	}
	if (kv_object_lookup(r->object, r->pindex + i, pfn) == 0)
		return 0;
	error = kv_page_alloc(
	    m->s->cfg.reserv, r->object, r->pindex + i, 1, r->domain, pfn);
	if (error == 0)
		note_fresh(m, i);
	return error;
}

/* Frames of [i, i + n).  => 0, ENOMEM */
static int
pages_get(struct mapping *m, uint64_t i, size_t n, kv_pfn_t *pfns)
{
	int error = 0;
	size_t j;

	for (j = 0; j < n && error == 0; j++)
		error = page_get(m, i + j, &pfns[j]);
	return error;
}

/* ---- Ways to map ----------------------------------------------------- */

static kv_va_t
va_of(const struct mapping *m, uint64_t i)
{
	return m->r->va + (i << m->shift);
}

static int
map_enter(struct mapping *m)
{
	const struct kv_space_range *r = m->r;
	kv_pfn_t pfn;
	int error;

	for (; m->done < r->npages; m->done++) {
		error = page_get(m, m->done, &pfn);
		if (error == 0 && r->object != NULL)
			error = kv_space_enter(
			    m->s, va_of(m, m->done), pfn, r->attr);
		else if (error == 0)
			error = enter(m->s, va_of(m, m->done), pfn << m->shift,
			    r->attr, 0);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
map_qenter(struct mapping *m)
{
	kv_pfn_t pfns[64];
	uint64_t left;
	size_t n;
	int error;

	for (; m->done < m->r->npages; m->done += n) {
		left = m->r->npages - m->done;
		n = left < 64 ? (size_t)left : 64;
		error = pages_get(m, m->done, n, pfns);
		if (error != 0)
			return error;
		error = kv_pmap_qenter(
		    m->s->pmap, va_of(m, m->done), pfns, n, m->r->attr);
		if (error == 0)
			continue;
		/* Its first pages may be in. */
		kv_pmap_qremove(m->s->pmap, va_of(m, m->done), n);
		return error;
	}
	return 0;
}

/* The frames of a leaf must be consecutive; whether they begin on its size is
 * for enter_leaf to say, whose addresses are right. */
static int
leaf_frame(struct mapping *m, uint64_t npages, kv_pa_t *pa)
{
	kv_pfn_t first = 0, pfn;
	uint64_t i;
	int error;

	if (m->r->object == NULL) {
		*pa = m->r->pa + (m->done << m->shift);
		return 0;
	}
	for (i = 0; i < npages; i++) {
		error = page_get(m, m->done + i, &pfn);
		if (error != 0)
			return error;
		first = i == 0 ? pfn : first;
		if (pfn != first + i)
			return EAGAIN;
	}
	*pa = first << m->shift;
	return first % npages == 0 ? 0 : EAGAIN;
}

/* A leaf where something may be. */
static int
extend(struct mapping *m, kv_pa_t pa)
{
	const struct kv_space_range *r = m->r;
	int error = kv_pmap_extend_leaf(m->s->pmap, va_of(m, m->done), pa,
	    r->level, r->present == KV_SPACE_REPLACE, r->attr);

	return error == EEXIST ? 0 : error;
}

static int
map_leaves(struct mapping *m)
{
	const struct kv_space_range *r = m->r;
	unsigned order = m->s->cfg.format->pt_shift * r->level;
	uint64_t npages = UINT64_C(1) << order;
	kv_pa_t pa;
	int error;

	for (; m->done < r->npages; m->done += npages) {
		error = leaf_frame(m, npages, &pa);
		if (error == 0 && r->present != KV_SPACE_REFUSE)
			error = extend(m, pa);
		else if (error == 0)
			error = kv_pmap_enter_leaf(m->s->pmap,
			    va_of(m, m->done), pa, r->level, 1, r->attr);
		if (error != 0)
			return error;
	}
	return 0;
}

/* ---- Use ------------------------------------------------------------- */

static void
undo(struct mapping *m)
{
	const struct kv_space_range *r = m->r;
	uint64_t i, removed;

	if (m->done != 0 && r->present == KV_SPACE_REFUSE)
		kv_pmap_remove(
		    m->s->pmap, r->va, m->done << m->shift, &removed);
	for (i = 0; i < m->nfresh; i++)
		if ((m->fresh[i / 64] >> i % 64 & 1) != 0)
			kv_page_free(m->s->cfg.reserv, r->object, r->pindex + i,
			    1, NULL);
}

int
kv_space_map(struct kv_space *s, const struct kv_space_range *r)
{
	static int (*const ways[])(struct mapping *) = {
	    [KV_SPACE_ENTER] = map_enter,
	    [KV_SPACE_QENTER] = map_qenter,
	    [KV_SPACE_LEAF] = map_leaves};
	struct mapping m = {.s = s, .r = r, .shift = s->cfg.format->page_shift};
	int error = ways[r->how](&m);

	if (error != 0)
		undo(&m);
	kv_mem_free(m.fresh);
	return error;
}

int
kv_space_graft(struct kv_space *s, struct kv_space *owner, kv_va_t va)
{
	const struct kv_pte_format *f = s->cfg.format;
	uint64_t size = UINT64_C(1) << kv_pte_shift(f, f->levels - 1);
	int error = kv_pmap_graft(s->pmap, owner->pmap, va);

	if (error == 0)
		kv_tap_emit(&s->cfg.tap, KV_EV_PT_GRAFT, s->cfg.name,
		    kv_align_down(va, size), size, owner->cfg.id, 0);
	return error;
}

void
kv_space_ungraft(struct kv_space *s, bool free)
{
	if (kv_pmap_ungraft(s->pmap, free))
		kv_tap_emit(&s->cfg.tap, KV_EV_PT_UNGRAFT, s->cfg.name,
		    s->cfg.id, 0, 0, 0);
}

/* ---- All tables at once ---------------------------------------------- */

void
kv_space_strip(struct kv_space *s)
{
	s->moving = true;
	kv_pmap_empty(s->pmap);
	s->moving = false;
}

/* There is room: as many roots as spaces were drawn before, and the pool keeps
 * its records. */
void
kv_space_root(struct kv_space *s)
{
	const struct kv_ptpool_page want =
	    want_of(s, s->cfg.format->levels - 1);
	kv_pa_t pa = 0;
	const int error = kv_ptpool_get(s->cfg.pool, &want, false, &pa);

	KV_ASSERT(error == 0 && pa == kv_pmap_root(s->pmap));
	(void)error;
}

static kv_pa_t
base_of(const struct kv_space *s)
{
	return kv_ptpool_config(s->cfg.pool)->base;
}

static void
next_table(void *arg, kv_pa_t pa)
{
	struct kv_space *s = arg;

	s->page = base_of(s) + (pa - base_of(s->model));
}

int
kv_space_copy(struct kv_space *s, const struct kv_space *from)
{
	struct kv_ptpool *pool = s->cfg.pool;
	int error;

	if (kv_ptpool_stats(from->cfg.pool).touched >
	    kv_ptpool_config(pool)->capacity)
		return ENOSPC;
	s->moving = true;
	s->model = from;
	kv_pmap_empty(s->pmap);
	error = kv_pmap_copy(s->pmap, from->pmap, next_table, s);
	s->moving = false;
	kv_ptpool_reset(pool);
	if (error == 0)
		error = kv_ptpool_copy(pool, from->cfg.pool, s->cfg.id);
	if (error != 0) {
		kv_space_strip(s);
		kv_space_root(s);
	}
	return error;
}

static int
first_leaf(void *arg, const struct kv_leaf *leaf)
{
	*(struct kv_leaf *)arg = *leaf;
	return 1;
}

static uint64_t
leaf_size(const struct kv_space *s, const struct kv_leaf *leaf)
{
	const struct kv_pte_format *f = s->cfg.format;

	return UINT64_C(1) << (f->page_shift + f->pt_shift * leaf->level);
}

void
kv_space_clear(struct kv_space *s)
{
	struct kv_leaf leaf = {0};
	uint64_t removed;

	while (kv_pmap_walk(s->pmap, leaf.va, KV_ADDR_MAX, first_leaf, &leaf) !=
		   0 &&
	       kv_pmap_remove(
		   s->pmap, leaf.va, leaf_size(s, &leaf), &removed) == 0)
		;
}

/* ---- Check ----------------------------------------------------------- */

/* Frames outside memory are: a device has them. */
static bool
is_used(const struct kv_space *s, kv_pfn_t pfn)
{
	struct kv_reserv_info info;
	struct kv_phys_block block;
	unsigned i;

	if (kv_reserv_whatis(s->cfg.reserv, pfn, &info) != 0)
		return kv_phys_whatis(s->cfg.phys, pfn, &block) != KV_PHYS_FREE;
	i = (unsigned)(pfn - info.pfn);
	return (info.popmap[i / 64] >> i % 64 & 1) != 0;
}

struct search {
	const struct kv_space *s;
	kv_va_t va; /* of the page that is free */
};

static int
maps_free_page(void *arg, const struct kv_leaf *leaf)
{
	struct search *c = arg;
	unsigned shift = c->s->cfg.format->page_shift;
	uint64_t npages = leaf_size(c->s, leaf) >> shift, i;

	for (i = 0; i < npages; i++)
		if (!is_used(c->s, (leaf->pa >> shift) + i)) {
			c->va = leaf->va + (i << shift);
			return 1;
		}
	return 0;
}

int
kv_space_check(const struct kv_space *s, struct kv_diag *diag)
{
	struct search c = {.s = s};
	int error = kv_pmap_check(s->pmap, diag);

	if (error == 0 && !s->cfg.shared && kv_pmap_lends(s->pmap))
		return kv_diag_set(diag, EFAULT, "space", 3, s->cfg.id,
		    "a table has two parents, and is no template's");
	if (error == 0 &&
	    kv_pmap_walk(s->pmap, 0, KV_ADDR_MAX, maps_free_page, &c) != 0)
		error = kv_diag_set(diag, EFAULT, "space", 2, c.va,
		    "a leaf maps a page of memory that is free");
	return error;
}
