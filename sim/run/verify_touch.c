/* SPDX-License-Identifier: BSD-2-Clause */
/* verify_touch.c - touches everything that a space maps, and what it must not
 */
#include <stdlib.h>

#include "run/verify_parts.h"

enum { SAMPLE = 64, WORD = 8, DRAWS_MAX = 1000, LARGE_MAX = 1 << 15 };

/* ---- Draws ----------------------------------------------------------- */

/* An address in the page, on a word. */
static kv_va_t
anywhere(struct kv_verifier *v, kv_va_t page)
{
	unsigned shift = kv_pair_leaves(v->side->pair)->page_shift;
	uint64_t words = (UINT64_C(1) << shift) / WORD;

	return page + kv_rng_next(&v->rng) % words * WORD;
}

/* A base page of any leaf: its run, its address.  There are leaves. */
static const struct kv_leaf_run *
draw_page(struct kv_verifier *v, kv_va_t *page)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	size_t leaf = kv_rng_below(&v->rng, m->nleaves);
	size_t low = 0, high = m->nruns;
	uint64_t size, base = UINT64_C(1) << m->page_shift;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (m->runs[middle].first <= leaf)
			low = middle;
		else
			high = middle;
	}
	size = kv_leaf_size(m, m->runs[low].level);
	*page = m->runs[low].va + (leaf - m->runs[low].first) * size +
		kv_rng_below(&v->rng, (size_t)(size / base)) * base;
	return &m->runs[low];
}

static int
by_address(const void *a, const void *b)
{
	const kv_va_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ... whose leaf is not accessed.  => false: there are none to speak of */
static bool
draw_unused(struct kv_verifier *v, kv_va_t *page)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	unsigned tries = DRAWS_MAX;
	size_t hint = 0, index;

	do {
		const struct kv_leaf_run *run = draw_page(v, page);

		kv_leafmap_find(m, *page, &hint, &index);
		if ((m->state[run->first + index] & KV_LEAF_A) == 0)
			return true;
	} while (--tries != 0);
	return false;
}

/* Pages to hold out: a few of many, none of very few. */
static void
hold(struct kv_verifier *v)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	size_t want = m->nleaves / 4 < HELD_MAX ? m->nleaves / 4 : HELD_MAX;
	struct held *h = &v->held;
	bool unused = true;
	size_t i;

	*h = (struct held){0};
	for (i = 0; i < want; i++)
		if (!unused || !(unused = draw_unused(v, &h->pages[i])))
			draw_page(v, &h->pages[i]);
	qsort(h->pages, want, sizeof(*h->pages), by_address);
	for (i = 0; i < want; i++)
		if (i == 0 || h->pages[i] != h->pages[i - 1])
			h->pages[h->count++] = h->pages[i];
}

/* Asked in order of address. */
static bool
is_held(struct held *h, kv_va_t page)
{
	while (h->next < h->count && h->pages[h->next] < page)
		h->next++;
	return h->next < h->count && h->pages[h->next] == page;
}

/* ---- Touches --------------------------------------------------------- */

/* Guard pages below a limit, as far as they are drawn. */
struct guards {
	struct kv_verifier *v;
	enum kv_access access;
	size_t next;
	uint64_t want; /* of those from next on */
};

static int
touch_guards(struct guards *g, kv_va_t limit)
{
	struct kv_verifier *v = g->v;
	const struct kv_wanted *x = &v->side->wanted;
	int fault = g->access == KV_ACCESS_WRITE ? KV_FAULT_W : 0, error = 0;

	for (; g->next < x->nguards && x->guards[g->next] < limit && error == 0;
	     g->next++) {
		size_t left = x->nguards - g->next;

		if (g->want < left && kv_rng_below(&v->rng, left) >= g->want)
			continue;
		g->want--;
		v->totals.guards++;
		error = kv_pair_probe(v->side->pair, g->access,
		    anywhere(v, x->guards[g->next]), fault);
	}
	return error;
}

/* From touch to touch in leaves above base pages: a page, or more where they
 * map very much.  A power of two, no more than the smallest of them. */
static uint64_t
stride_of(const struct kv_leafmap *m)
{
	uint64_t stride = kv_leaf_size(m, 0), pages = 0;
	size_t i;

	for (i = 0; i < m->nruns; i++)
		if (m->runs[i].level != 0)
			pages +=
			    kv_leaf_run_size(m, &m->runs[i]) >> m->page_shift;
	while (pages > LARGE_MAX && stride < kv_leaf_size(m, 1)) {
		pages /= 2;
		stride *= 2;
	}
	return stride;
}

/* The pages of a run but those held out, with the guards between them. */
static int
touch_run(struct kv_verifier *v, const struct kv_leaf_run *run,
    enum kv_access access, struct guards *g)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	uint64_t page = kv_leaf_size(m, 0), offset;
	uint64_t size = kv_leaf_run_size(m, run);
	uint64_t stride = run->level == 0 ? page : v->stride;
	int error = 0;

	for (offset = 0; offset < size && error == 0; offset += stride) {
		kv_va_t va = run->va + offset;

		if (stride != page)
			va += kv_rng_below(&v->rng, (size_t)(stride / page)) *
			      page;
		if (g != NULL)
			error = touch_guards(g, va);
		if (error != 0 || is_held(&v->held, va))
			continue;
		v->totals.pages += v->counting;
		error = kv_pair_probe(
		    v->side->pair, access, anywhere(v, va), KV_PROBE_FINE);
	}
	return error;
}

/* Every page of runs that the access suits; writable ones are written. */
static int
touch_runs(struct kv_verifier *v, bool writable, bool others,
    enum kv_access access, struct guards *g)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	int error = 0;
	size_t i;

	v->held.next = 0;
	for (i = 0; i < m->nruns && error == 0; i++)
		if ((m->runs[i].attr & KV_PTE_W) != 0 ? writable : others)
			error = touch_run(v, &m->runs[i], access, g);
	if (error == 0 && g != NULL)
		error = touch_guards(g, UINT64_MAX);
	return error;
}

static int
touch_all(struct kv_verifier *v, const struct kv_verify_point *point)
{
	struct guards g = {.v = v, .access = v->access, .want = point->guards};
	bool read = v->access == KV_ACCESS_READ;
	int error = touch_runs(v, true, read, v->access, &g);

	return error == 0 && !read
		   ? touch_runs(v, false, true, KV_ACCESS_READ, NULL)
		   : error;
}

static int
touch_gap(void *arg, kv_va_t va)
{
	struct kv_verifier *v = arg;

	v->totals.gaps++;
	return kv_pair_probe(
	    v->side->pair, KV_ACCESS_WRITE, anywhere(v, va), KV_FAULT_W);
}

/* Fetches of pages that are no code, writes to those that are read-only. */
static int
touch_refusals(struct kv_verifier *v)
{
	size_t n = kv_pair_leaves(v->side->pair)->nleaves, i;
	int error = 0;

	for (i = 0; i < 2 * SAMPLE && n != 0 && error == 0; i++) {
		enum kv_access access =
		    i < SAMPLE ? KV_ACCESS_EXEC : KV_ACCESS_WRITE;
		kv_va_t page;
		unsigned attr = draw_page(v, &page)->attr;

		if ((attr & (i < SAMPLE ? KV_PTE_X : KV_PTE_W)) == 0)
			error = kv_pair_probe(v->side->pair, access,
			    anywhere(v, page),
			    kv_pair_expect(v->side->pair, access, page));
	}
	return error;
}

/* Reads and fetches of guard pages; reads of what stands above stacks. */
static int
touch_edges(struct kv_verifier *v)
{
	const struct kv_wanted *x = &v->side->wanted;
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	size_t i;
	int error = 0;

	for (i = 0; i < 2 * SAMPLE && x->nguards != 0 && error == 0; i++)
		error = kv_pair_probe(v->side->pair,
		    i < SAMPLE ? KV_ACCESS_READ : KV_ACCESS_EXEC,
		    anywhere(v, x->guards[kv_rng_below(&v->rng, x->nguards)]),
		    i < SAMPLE ? 0 : KV_FAULT_I);
	for (i = 0; i < SAMPLE && m->nruns != 0 && error == 0; i++) {
		const struct kv_leaf_run *run =
		    &m->runs[kv_rng_below(&v->rng, m->nruns)];
		kv_va_t above = run->va + kv_leaf_run_size(m, run);

		error = kv_pair_probe(v->side->pair, KV_ACCESS_READ, above,
		    kv_pair_expect(v->side->pair, KV_ACCESS_READ, above));
	}
	return error;
}

/* Touch the pages that were held out, those that this does not fault at, and
 * look at each. */
static int
touch_and_look(struct kv_verifier *v, enum kv_access access)
{
	struct kv_pair *pair = v->side->pair;
	const struct held *h = &v->held;
	int error = 0;
	size_t i;

	for (i = 0; i < h->count && error == 0; i++)
		if (kv_pair_expect(pair, access, h->pages[i]) == KV_PROBE_FINE)
			error = kv_pair_probe(pair, access,
			    anywhere(v, h->pages[i]), KV_PROBE_FINE);
	for (i = 0; i < h->count && error == 0; i++)
		error = kv_pair_look(pair, h->pages[i], false);
	return error;
}

/* Pages that were held out: A and M untouched, A, A and M. */
static int
touch_held(struct kv_verifier *v)
{
	const struct held *h = &v->held;
	int error = 0;
	size_t i;

	v->totals.pages += h->count;
	for (i = 0; i < h->count && error == 0; i++)
		error = kv_pair_look(v->side->pair, h->pages[i], false);
	if (error == 0)
		error = touch_and_look(v, KV_ACCESS_READ);
	if (error == 0 && v->access == KV_ACCESS_WRITE)
		error = touch_and_look(v, KV_ACCESS_WRITE);
	return error;
}

/* ---- Looks ----------------------------------------------------------- */

/* Every base page by the tables; some by the machine itself. */
static int
look_pages(struct kv_verifier *v)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	uint64_t page = UINT64_C(1) << m->page_shift, offset;
	int error = 0;
	size_t i;

	for (i = 0; i < m->nruns; i++) {
		const struct kv_leaf_run *run = &m->runs[i];
		uint64_t size = kv_leaf_run_size(m, run);

		for (offset = 0; offset < size && error == 0; offset += page)
			error = kv_pair_look(
			    v->side->pair, run->va + offset, false);
	}
	return error;
}

static int
look_samples(struct kv_verifier *v)
{
	const struct kv_wanted *x = &v->side->wanted;
	size_t n = kv_pair_leaves(v->side->pair)->nleaves, i;
	kv_va_t page;
	int error = 0;

	for (i = 0; i < SAMPLE && n != 0 && error == 0; i++) {
		draw_page(v, &page);
		error = kv_pair_look(v->side->pair, anywhere(v, page), true);
	}
	for (i = 0; i < SAMPLE && x->nguards != 0 && error == 0; i++) {
		page = x->guards[kv_rng_below(&v->rng, x->nguards)];
		error = kv_pair_look(v->side->pair, anywhere(v, page), true);
	}
	return error;
}

/* The machine touches every page again to count its leaves. */
static int
look_leaves(struct kv_verifier *v)
{
	if (kv_pair_leaves(v->side->pair)->nleaves > KV_VERIFY_COUNTED)
		return 0;
	return kv_pair_look_leaves(v->side->pair, v->gathered);
}

static int
look(struct kv_verifier *v)
{
	int error = kv_pair_look_all(v->side->pair);

	if (error == 0)
		error = look_pages(v);
	if (error == 0)
		error = look_samples(v);
	return error == 0 ? look_leaves(v) : error;
}

/* ---- Huge pages of the host ------------------------------------------ */

/* Have the host gather what the leaves map, in pages of one leaf of level 1.
 * => false: some of it stays as it is */
static bool
collapse(struct kv_verifier *v)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	struct kv_mmu *mmu = kv_pair_real(v->side->pair);
	uint64_t size = kv_leaf_size(m, 1);
	kv_pa_t done = 0; /* end of what was gathered last */
	bool all = true;
	size_t i;

	for (i = 0; i < m->nruns; i++) {
		const struct kv_leaf_run *run = &m->runs[i];
		kv_pa_t end = run->pa + kv_leaf_run_size(m, run);
		kv_pa_t pa = run->pa & ~(size - 1);

		for (; pa < end; pa += size)
			if (pa + size != done) {
				all &= mmu->ops->collapse(mmu, pa, size) == 0;
				done = pa + size;
			}
	}
	return all;
}

/* ---- All of it ------------------------------------------------------- */

/* The machine has lost what it knew of pages that the host has moved. */
static int
gather(struct kv_verifier *v)
{
	int error = kv_pair_flush(v->side->pair);

	if (error != 0)
		return error;
	v->gathered = collapse(v);
	return touch_runs(v, true, true, KV_ACCESS_READ, NULL);
}

int
kv_verify_side(struct kv_verifier *v, const struct kv_verify_point *point)
{
	int error;

	v->gathered = false;
	v->stride = stride_of(kv_pair_leaves(v->side->pair));
	hold(v);
	v->counting = true;
	error = touch_all(v, point);
	if (error == 0)
		error = kv_pair_gaps(v->side->pair, touch_gap, v);
	if (error == 0)
		error = touch_held(v);
	v->counting = false;
	v->held.count = 0;
	if (error == 0 && v->cfg.huge && kv_pair_real(v->side->pair) != NULL)
		error = gather(v);
	if (error == 0)
		error = touch_refusals(v);
	if (error == 0)
		error = touch_edges(v);
	return error == 0 ? look(v) : error;
}
