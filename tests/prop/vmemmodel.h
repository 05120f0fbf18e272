/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmemmodel.h - an arena of arrays and linear scans, for tests
 *
 * Written from freebsd.md 1 alone; numbers in brackets are its sections.
 */
#ifndef KV_VMEMMODEL_H
#define KV_VMEMMODEL_H

#include <stdlib.h>

#include "../alloc/arenarig.h"

/* Whoever runs few operations at a time needs less. */
#ifndef KV_MODEL_SEGS
#define KV_MODEL_SEGS 8192
#endif

enum {
	SEGS = KV_MODEL_SEGS,
	CLASSES = 90,
	SPARE_LEAST = 4, /* (1.7) */
	SPARE_MOST = 32
};

/* ---- The model ------------------------------------------------------------
 */

/* Identity of a segment: an index into pool[]. */
struct mseg {
	enum kv_vmem_kind kind;
	uint64_t start, size;
	unsigned class; /* list that a FREE one stands in */
};

struct model {
	struct mseg pool[SEGS];
	int unused[SEGS], nunused;
	int list[SEGS], n; /* segment list */
	int *of_class[CLASSES];
	int nof[CLASSES];
	uint64_t size, inuse;
	unsigned spare;
	struct model *parent; /* NULL: none */
	uint64_t iq, ialign;  /* import quantum and alignment */
	bool release;
	uint64_t allocs, frees, fails, imports, releases;
};

static inline unsigned
class_of(uint64_t q)
{
	unsigned top = 0;

	if (q <= 32)
		return (unsigned)q - 1;
	while (q >> top != 0)
		top++;
	return top + 25;
}

static inline uint64_t
lower_of(unsigned class)
{
	return class < 32 ? class + 1 : UINT64_C(1) << (class - 26);
}

static inline int
seg_new(struct model *m, enum kv_vmem_kind kind, uint64_t start, uint64_t size)
{
	int id = m->unused[--m->nunused];

	m->pool[id] = (struct mseg){kind, start, size, 0};
	return id;
}

static inline void
list_insert(struct model *m, int at, int id)
{
	memmove(&m->list[at + 1], &m->list[at],
	    (size_t)(m->n - at) * sizeof(m->list[0]));
	m->list[at] = id;
	m->n++;
}

static inline void
list_delete(struct model *m, int at)
{
	m->n--;
	memmove(&m->list[at], &m->list[at + 1],
	    (size_t)(m->n - at) * sizeof(m->list[0]));
}

static inline int
place_of(const struct model *m, int id)
{
	for (int i = 0; i < m->n; i++)
		if (m->list[i] == id)
			return i;
	abort();
}

static inline int
cursor_place(const struct model *m)
{
	for (int i = 0; i < m->n; i++)
		if (m->pool[m->list[i]].kind == KV_VMEM_CURSOR)
			return i;
	abort();
}

static inline void
class_push(struct model *m, int id)
{
	unsigned c = class_of(m->pool[id].size / Q);

	m->pool[id].class = c;
	m->of_class[c][m->nof[c]++] = id;
}

static inline void
class_take(struct model *m, int id)
{
	unsigned c = m->pool[id].class;
	int i = 0;

	while (m->of_class[c][i] != id)
		i++;
	memmove(&m->of_class[c][i], &m->of_class[c][i + 1],
	    (size_t)(m->nof[c] - i - 1) * sizeof(int));
	m->nof[c]--;
}

static inline void
seg_drop(struct model *m, int at)
{
	m->unused[m->nunused++] = m->list[at];
	list_delete(m, at);
	m->spare++;
}

static inline struct model *
model_create(struct model *parent, uint64_t iq, uint64_t ialign, bool release)
{
	struct model *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	for (int i = SEGS - 1; i >= 0; i--)
		m->unused[m->nunused++] = i;
	for (unsigned c = 0; c < CLASSES; c++) {
		m->of_class[c] = malloc(SEGS * sizeof(int));
		ck_assert_ptr_nonnull(m->of_class[c]);
	}
	list_insert(m, 0, seg_new(m, KV_VMEM_CURSOR, 0, 0));
	m->parent = parent;
	m->iq = iq;
	m->ialign = ialign;
	m->release = release;
	return m;
}

static inline void
model_destroy(struct model *m)
{
	for (unsigned c = 0; c < CLASSES; c++)
		free(m->of_class[c]);
	free(m);
}

/* Before an operation (1.7) */
static inline void
model_fill(struct model *m)
{
	if (m->spare < SPARE_LEAST)
		m->spare = SPARE_LEAST;
}

/* add1 (1.6) */
static inline void
model_add(
    struct model *m, uint64_t start, uint64_t size, enum kv_vmem_kind kind)
{
	struct mseg *last = &m->pool[m->list[m->n - 1]];
	bool joins =
	    !m->release &&
	    (last->kind == KV_VMEM_FREE || last->kind == KV_VMEM_BUSY) &&
	    last->start + last->size == start;
	int id;

	m->size += size;
	if (joins && last->kind == KV_VMEM_FREE) {
		class_take(m, m->list[m->n - 1]);
		last->size += size;
		class_push(m, m->list[m->n - 1]);
		return;
	}
	if (!joins) {
		list_insert(m, m->n, seg_new(m, kind, start, size));
		m->spare--;
	}
	id = seg_new(m, KV_VMEM_FREE, start, size);
	m->spare--;
	list_insert(m, m->n, id);
	class_push(m, id);
}

/* A child asks its parent (1.6): xalloc (1.3), xfree (1.4) */
static inline bool model_xalloc(
    struct model *m, const struct kv_vmem_req *rq, uint64_t *va);
static inline void model_xfree(struct model *m, uint64_t va);

static inline uint64_t
up(uint64_t x, uint64_t to)
{
	return (x + to - 1) / to * to;
}

static inline bool
model_import(struct model *m, const struct kv_vmem_req *rq)
{
	struct kv_vmem_req ask = {.align = m->ialign, .fit = rq->fit};
	uint64_t va;

	if (m->parent == NULL || m->spare < SPARE_LEAST)
		return false;
	ask.size = rq->size + (rq->align != Q ? 2 * rq->align : 0);
	ask.size = up(ask.size, m->iq);
	if (!model_xalloc(m->parent, &ask, &va))
		return false;
	model_add(m, va, ask.size, KV_VMEM_SPAN);
	m->imports++;
	return true;
}

/* Is the FREE segment at a place of the list a whole imported span? */
static inline bool
model_is_whole(const struct model *m, int at)
{
	const struct mseg *span, *seg = &m->pool[m->list[at]];

	if (!m->release || at == 0)
		return false;
	span = &m->pool[m->list[at - 1]];
	return span->kind == KV_VMEM_SPAN && span->size == seg->size;
}

/* try_release (1.6) */
static inline bool
model_release(struct model *m, int at)
{
	struct mseg seg = m->pool[m->list[at]];

	if (!model_is_whole(m, at))
		return false;
	seg_drop(m, at);
	seg_drop(m, at - 1);
	if (m->spare > SPARE_MOST)
		m->spare = SPARE_MOST;
	m->size -= seg.size;
	m->releases++;
	model_xfree(m->parent, seg.start);
	return true;
}

/* fit (1.3); no test address is near 2^64 */
static inline bool
model_fits(const struct mseg *t, const struct kv_vmem_req *rq, uint64_t *va)
{
	uint64_t s = t->start > rq->min ? t->start : rq->min, w;
	uint64_t e =
	    t->start + t->size - 1 < rq->max ? t->start + t->size - 1 : rq->max;

	if (t->size < rq->size || s > e)
		return false;
	while (s % rq->align != rq->phase % rq->align)
		s += Q;
	w = rq->nocross;
	if (w != 0 && s / w != (s + rq->size - 1) / w)
		while (s % w != rq->phase)
			s += Q;
	*va = s;
	return s <= e && e - s >= rq->size - 1;
}

/* clip (1.3) */
static inline void
model_clip(struct model *m, int id, uint64_t va, uint64_t size)
{
	struct mseg *t = &m->pool[id];
	int piece;

	class_take(m, id);
	if (t->start != va) {
		piece = seg_new(m, KV_VMEM_FREE, t->start, va - t->start);
		m->spare--;
		class_push(m, piece);
		list_insert(m, place_of(m, id), piece);
		t->size -= va - t->start;
		t->start = va;
	}
	if (t->size >= size + Q) {
		piece = seg_new(m, KV_VMEM_BUSY, va, size);
		m->spare--;
		list_insert(m, place_of(m, id), piece);
		t->start += size;
		t->size -= size;
		class_push(m, id);
	} else {
		t->kind = KV_VMEM_BUSY;
	}
	m->inuse += size;
}

/* One pass of best fit or instant fit over the classes. */
static inline int
model_pass(
    struct model *m, const struct kv_vmem_req *rq, bool heads, uint64_t *va)
{
	unsigned c = class_of(rq->size / Q);

	if (heads && lower_of(c) != rq->size / Q)
		c++;
	for (; c < CLASSES; c++)
		for (int i = m->nof[c] - 1; i >= 0; i--) {
			int id = m->of_class[c][i];

			if (model_fits(&m->pool[id], rq, va))
				return id;
			if (heads)
				break;
		}
	return -1;
}

static inline bool
model_best(struct model *m, const struct kv_vmem_req *rq, uint64_t *va)
{
	bool heads = rq->fit == KV_VMEM_FIRSTFIT;
	int id;

	for (;;) {
		id = model_pass(m, rq, heads, va);
		if (id < 0 && heads) {
			heads = false;
			continue;
		}
		if (id >= 0) {
			model_clip(m, id, *va, rq->size);
			return true;
		}
		if (!model_import(m, rq))
			return false;
	}
}

/* next fit (1.5).  => 1 found, 0 not, -1 the real walk would never end */
static inline int
model_next_once(struct model *m, const struct kv_vmem_req *rq, uint64_t *va)
{
	int cursor = cursor_place(m), id = -1, at, prev, next;

	for (int i = 1; i < m->n && id < 0; i++) {
		int t = m->list[(cursor + i) % m->n];

		if (m->pool[t].kind == KV_VMEM_FREE &&
		    model_fits(&m->pool[t], rq, va))
			id = t;
	}
	if (id < 0 && cursor == 0)
		return -1;
	if (id >= 0)
		model_clip(m, id, *va, rq->size);
	cursor = cursor_place(m);
	if (cursor > 0 && cursor + 1 < m->n) {
		prev = m->list[cursor - 1];
		next = m->list[cursor + 1];
		if (m->pool[prev].kind == KV_VMEM_FREE &&
		    m->pool[next].kind == KV_VMEM_FREE &&
		    m->pool[prev].start + m->pool[prev].size ==
			m->pool[next].start) {
			class_take(m, next);
			m->pool[prev].size += m->pool[next].size;
			seg_drop(m, cursor + 1);
			if (id < 0 && model_fits(&m->pool[prev], rq, va)) {
				model_clip(m, prev, *va, rq->size);
				id = prev;
			} else if (model_is_whole(m, cursor - 1)) {
				class_take(m, prev);
				model_release(m, cursor - 1);
			}
		}
	}
	if (id < 0)
		return 0;
	at = place_of(m, id);
	cursor = cursor_place(m);
	prev = m->list[cursor];
	list_delete(m, cursor);
	at = place_of(m, id);
	while (at < m->n && m->pool[m->list[at]].start < *va + rq->size)
		at++;
	list_insert(m, at == m->n ? 0 : at, prev);
	return 1;
}

static inline bool
model_next(struct model *m, const struct kv_vmem_req *rq, uint64_t *va)
{
	for (;;) {
		int found = model_next_once(m, rq, va);

		if (found != 0)
			return found > 0;
		if (!model_import(m, rq))
			return false;
	}
}

static inline bool
model_xalloc(struct model *m, const struct kv_vmem_req *req, uint64_t *va)
{
	struct kv_vmem_req rq = *req;
	bool found;

	rq.size = up(rq.size, Q);
	rq.align = rq.align == 0 ? Q : rq.align;
	rq.max = rq.max == 0 ? UINT64_MAX : rq.max;
	model_fill(m);
	found = rq.fit == KV_VMEM_NEXTFIT ? model_next(m, &rq, va)
					  : model_best(m, &rq, va);
	m->allocs += found;
	m->fails += !found;
	return found;
}

/* xfree (1.4) of a block that is busy */
static inline void
model_xfree(struct model *m, uint64_t va)
{
	int at = 0;
	struct mseg *t, *o;

	while (m->pool[m->list[at]].kind != KV_VMEM_BUSY ||
	       m->pool[m->list[at]].start != va)
		at++;
	t = &m->pool[m->list[at]];
	t->kind = KV_VMEM_FREE;
	m->inuse -= t->size;
	m->frees++;
	o = at + 1 < m->n ? &m->pool[m->list[at + 1]] : NULL;
	if (o != NULL && o->kind == KV_VMEM_FREE) {
		class_take(m, m->list[at + 1]);
		t->size += o->size;
		seg_drop(m, at + 1);
	}
	o = at > 0 ? &m->pool[m->list[at - 1]] : NULL;
	if (o != NULL && o->kind == KV_VMEM_FREE) {
		class_take(m, m->list[at - 1]);
		t->size += o->size;
		t->start = o->start;
		seg_drop(m, at - 1);
		at--;
	}
	if (m->spare > SPARE_MOST)
		m->spare = SPARE_MOST;
	if (!model_release(m, at))
		class_push(m, m->list[at]);
}

#endif
