/* SPDX-License-Identifier: BSD-2-Clause */
/* physmodel.h - the slow model's objects and reservations, for tests */
#ifndef KV_TEST_PHYSMODEL_H
#define KV_TEST_PHYSMODEL_H

#include "alloc/buddymodel.h"

/* ---- Reservations (facts 15-26) -------------------------------------------
 */

/* The reservation of object o that holds a frame, or NULL. */
static inline struct model_reserv *
model_reserv_of(struct model *md, int o, int page)
{
	struct model_reserv *r = &md->slot[page / md->n];

	return page >= 0 && r->active && r->object == o ? r : NULL;
}

static inline int
model_base(const struct model *md, const struct model_reserv *r)
{
	return (int)(r - md->slot) * md->n;
}

static inline void
model_requeue(struct model *md, struct model_reserv *r, bool in)
{
	int id = (int)(r - md->slot);
	struct model_list *q = &md->partial[md->domain[model_base(md, r)]];

	if (r->queued)
		model_drop(q, id);
	if (in)
		model_put(q, id, true);
	r->queued = in;
}

/* Facts 19, 20. */
static inline void
model_populate(struct model *md, struct model_reserv *r, int i)
{
	r->pop[i] = true;
	r->popcnt++;
	if (r->lasttick == md->now && r->queued && r->popcnt != md->n)
		return;
	r->lasttick = md->now;
	model_requeue(md, r, r->popcnt != md->n);
}

static inline void
model_end(struct model *md, struct model_reserv *r)
{
	model_requeue(md, r, false);
	model_drop(&md->object[r->object].newest, (int)(r - md->slot));
	memset(r, 0, sizeof(*r));
}

static inline void
model_depopulate(struct model *md, struct model_reserv *r, int i)
{
	int base = model_base(md, r);

	r->pop[i] = false;
	r->popcnt--;
	if (md->now - r->lasttick >= 1 || r->popcnt == 0) {
		model_requeue(md, r, r->popcnt != 0);
		r->lasttick = md->now;
	}
	if (r->popcnt != 0)
		return;
	model_end(md, r);
	md->freed++;
	model_give(md, base, (int)md->m->reserv_order);
}

/* Fact 21; pages [i, i + n) are kept. */
static inline void
model_break(struct model *md, struct model_reserv *r, int i, int n)
{
	int base = model_base(md, r);

	for (int k = i; k < i + n; k++)
		r->pop[k] = true;
	for (int k = 0, end; k < md->n; k = end + 1) {
		for (end = k; end < md->n && !r->pop[end]; end++)
			;
		model_enqueue(md, base + k, base + end, 0, true);
	}
	model_end(md, r);
	md->broken++;
}

static inline bool
model_reclaim(struct model *md, unsigned domain)
{
	if (md->partial[domain].n == 0)
		return false;
	model_break(md, &md->slot[md->partial[domain].v[0]], 0, 0);
	md->reclaimed++;
	return true;
}

static inline struct model_reserv *
model_create(struct model *md, int o, int page, int first)
{
	struct model_reserv *r = &md->slot[page / md->n];

	memset(r, 0, sizeof(*r));
	r->active = true;
	r->object = o;
	r->first = first;
	model_put(&md->object[o].newest, page / md->n, false);
	return r;
}

/* The nearest resident page below (above) pindex, or -1. */
static inline int
model_near(const struct model_object *ob, int pindex, int step)
{
	do
		pindex += step;
	while (pindex >= 0 && pindex < MODEL_PINDEXES && ob->frame[pindex] < 0);
	return pindex >= MODEL_PINDEXES ? -1 : pindex;
}

/* The existing reservation for pindex (16), and the caps of a new one (17). */
static inline struct model_reserv *
model_existing(
    struct model *md, int o, int pindex, int n, int *left_cap, int *right_cap)
{
	struct model_object *ob = &md->object[o];
	int below = model_near(ob, pindex, -1);
	int above = model_near(ob, pindex + n - 1, 1);
	struct model_reserv *r;

	*left_cap = 0;
	*right_cap = INT32_MAX;
	if (below >= 0) {
		r = model_reserv_of(md, o, ob->frame[below]);
		if (r != NULL && r->first <= pindex &&
		    pindex < r->first + md->n)
			return r;
		*left_cap = r != NULL ? r->first + md->n : below + 1;
	}
	if (above >= 0) {
		r = model_reserv_of(md, o, ob->frame[above]);
		if (r != NULL && r->first <= pindex &&
		    pindex < r->first + md->n)
			return r;
		*right_cap = r != NULL ? r->first : above;
	}
	return NULL;
}

/* Facts 16, 17.  => frame or -1 */
static inline int
model_reserved_page(struct model *md, int o, int pindex, unsigned domain)
{
	struct model_object *ob = &md->object[o];
	int i = (int)((ob->color + (unsigned)pindex) % (unsigned)md->n);
	int first = pindex - i, left, right, page;
	struct model_reserv *r;

	if (!ob->colored || first < 0 || (uint64_t)pindex >= ob->size)
		return -1;
	r = model_existing(md, o, pindex, 1, &left, &right);
	if (r != NULL) {
		page = model_base(md, r);
		if (r->pop[i] || !model_charge(md, md->domain[page], 1))
			return -1;
	} else {
		if (left > first || first + md->n > right ||
		    (!ob->anon && (uint64_t)(first + md->n) > ob->size) ||
		    !model_charge(md, domain, 1))
			return -1;
		page = model_take(md, domain, 0, (int)md->m->reserv_order);
		if (page < 0) {
			md->free[domain]++;
			return -1;
		}
		r = model_create(md, o, page, first);
	}
	model_populate(md, r, i);
	return page + i;
}

/* Fact 18; o < 0: without an object.  => frame or -1 */
static inline int
model_page(struct model *md, int o, int pindex, unsigned domain)
{
	for (;;) {
		int page = -1;

		if (o >= 0)
			page = model_reserved_page(md, o, pindex, domain);
		if (page < 0) {
			if (!model_charge(md, domain, 1))
				return -1;
			page = model_take(md, domain, o < 0, 0);
			if (page < 0)
				md->free[domain]++;
		}
		if (page >= 0) {
			if (o >= 0)
				md->object[o].frame[pindex] = page;
			return page;
		}
		if (!model_reclaim(md, domain))
			return -1;
	}
}

/* Fact 25. */
static inline void
model_page_free(struct model *md, int o, int pindex)
{
	int page = md->object[o].frame[pindex];
	struct model_reserv *r = &md->slot[page / md->n];

	md->object[o].frame[pindex] = -1;
	md->free[md->domain[page]]++;
	if (r->active)
		model_depopulate(md, r, page % md->n);
	else
		model_give(md, page, 0);
}

/* Fact 24.  => frame or -1 */
static inline int
model_reserved_contig(struct model *md, int o, int pindex,
    const struct model_want *w, unsigned domain)
{
	struct model_object *ob = &md->object[o];
	int i = (int)((ob->color + (unsigned)pindex) % (unsigned)md->n);
	int first = pindex - i, left, right, page, whole, n;
	uint64_t bytes = (uint64_t)md->n << md->m->page_shift;
	struct model_want rel = *w, want = *w;
	struct model_reserv *r;

	rel.low = 0;
	rel.high = UINT64_MAX;
	if (!ob->colored || first < 0 || (uint64_t)(pindex + w->n) > ob->size ||
	    !model_suits(md, &rel, i))
		return -1;
	r = model_existing(md, o, pindex, w->n, &left, &right);
	if (r != NULL) {
		page = model_base(md, r);
		if (i + w->n > md->n || !model_suits(md, w, page + i))
			return -1;
		for (int k = i; k < i + w->n; k++)
			if (r->pop[k])
				return -1;
		if (!model_charge(md, md->domain[page], w->n))
			return -1;
		for (int k = i; k < i + w->n; k++) {
			model_populate(md, r, k);
			ob->frame[first + k] = page + k;
		}
		return page + i;
	}
	whole = (i + w->n + md->n - 1) / md->n * md->n;
	n = whole;
	if (left > first)
		return -1;
	if (first + whole > right ||
	    (!ob->anon && (uint64_t)(first + whole) > ob->size)) {
		if (whole == md->n)
			return -1;
		n = i + w->n;
	}
	if (!model_charge(md, domain, w->n))
		return -1;
	want.n = n;
	want.align = w->align > bytes ? w->align : bytes;
	want.boundary = w->boundary > bytes ? w->boundary : 0;
	page = model_take_contig(md, &want, domain);
	if (page < 0) {
		md->free[domain] += w->n;
		return -1;
	}
	for (int k = 0; k + md->n <= n; k += md->n) {
		r = model_create(md, o, page + k, first + k);
		for (int j = 0; j < md->n; j++)
			if (k + j >= i && k + j < i + w->n)
				model_populate(md, r, j);
	}
	for (int k = 0; k < w->n; k++)
		ob->frame[pindex + k] = page + i + k;
	return page + i;
}

/* Facts 12, 23, 24; o < 0: without an object.  => frame or -1 */
static inline int
model_contig(struct model *md, int o, int pindex, const struct model_want *w,
    unsigned domain)
{
	int page = -1;

	if (o >= 0) {
		page = model_reserved_contig(md, o, pindex, w, domain);
		if (page >= 0)
			return page;
	}
	if (!model_charge(md, domain, w->n))
		return -1;
	page = model_take_contig(md, w, domain);
	for (int q = 0; page < 0 && w->n < md->n && q < md->partial[domain].n;
	     q++) {
		struct model_reserv *r = &md->slot[md->partial[domain].v[q]];
		int base = model_base(md, r);

		for (int i = 0; page < 0 && i + w->n <= md->n; i++) {
			bool idle = model_suits(md, w, base + i);

			for (int k = i; k < i + w->n; k++)
				idle = idle && !r->pop[k];
			if (idle) {
				page = base + i;
				model_break(md, r, i, w->n);
				md->reclaimed++;
			}
		}
	}
	if (page < 0) {
		md->free[domain] += w->n;
		return -1;
	}
	for (int k = 0; o >= 0 && k < w->n; k++)
		md->object[o].frame[pindex + k] = page + k;
	return page;
}

/* Fact 26.  => pages moved, or -1: a page is in the way */
static inline int
model_rename(struct model *md, int from, int to, int offset)
{
	struct model_object *a = &md->object[from], *b = &md->object[to];
	int moved = 0;

	for (int p = offset; p < MODEL_PINDEXES; p++)
		if (a->frame[p] >= 0 && b->frame[p - offset] >= 0)
			return -1;
	for (int p = offset; p < MODEL_PINDEXES; p++) {
		struct model_reserv *r;

		if (a->frame[p] < 0)
			continue;
		r = model_reserv_of(md, from, a->frame[p]);
		if (r != NULL) {
			model_drop(&a->newest, (int)(r - md->slot));
			model_put(&b->newest, (int)(r - md->slot), false);
			r->object = to;
			r->first -= offset;
		}
		b->frame[p - offset] = a->frame[p];
		a->frame[p] = -1;
		moved++;
	}
	return moved;
}

#endif
