/* SPDX-License-Identifier: BSD-2-Clause */
/* leafmap.c - leaves in order of address, and the edits between two sets */
#include "run/leafmap.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

/* ---- Leaves ---------------------------------------------------------- */

void
kv_leafmap_fini(struct kv_leafmap *m)
{
	kv_mem_free(m->runs);
	kv_mem_free(m->state);
	*m = (struct kv_leafmap){
	    .page_shift = m->page_shift, .pt_shift = m->pt_shift};
}

uint64_t
kv_leaf_size(const struct kv_leafmap *m, unsigned level)
{
	return UINT64_C(1) << (m->page_shift + level * m->pt_shift);
}

uint64_t
kv_leaf_run_size(const struct kv_leafmap *m, const struct kv_leaf_run *run)
{
	return run->n * kv_leaf_size(m, run->level);
}

uint64_t
kv_leafmap_pages(const struct kv_leafmap *m)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < m->nruns; i++)
		n += kv_leaf_run_size(m, &m->runs[i]) >> m->page_shift;
	return n;
}

static bool
continues(const struct kv_leafmap *m, const struct kv_leaf_run *last,
    const struct kv_leaf_run *next)
{
	uint64_t size = kv_leaf_run_size(m, last);

	return last->level == next->level && last->attr == next->attr &&
	       last->va + size == next->va && last->pa + size == next->pa;
}

static void
states_add(struct kv_leafmap *m, size_t n)
{
	if (m->nleaves + n > m->nstates) {
		m->nstates = 2 * (m->nleaves + n);
		m->state = kv_mem_resize(m->state, m->nstates, 1);
	}
	memset(m->state + m->nleaves, 0, n);
	m->nleaves += n;
}

int
kv_leafmap_add(struct kv_leafmap *m, kv_va_t va, kv_pa_t pa, unsigned level,
    size_t n, unsigned attr)
{
	struct kv_leaf_run *last =
	    m->nruns == 0 ? NULL : &m->runs[m->nruns - 1];
	struct kv_leaf_run run = {va, pa, n, m->nleaves, level, attr};

	if ((va | pa) % kv_leaf_size(m, level) != 0 || n == 0 ||
	    (last != NULL && va - last->va < kv_leaf_run_size(m, last)) ||
	    (last != NULL && va < last->va))
		return EINVAL;
	states_add(m, n);
	if (last != NULL && continues(m, last, &run)) {
		last->n += n;
		return 0;
	}
	if (m->nruns == m->capacity) {
		m->capacity = m->capacity == 0 ? 64 : 2 * m->capacity;
		m->runs = kv_mem_resize(m->runs, m->capacity, sizeof(*m->runs));
	}
	m->runs[m->nruns++] = run;
	return 0;
}

static bool
maps(const struct kv_leafmap *m, size_t i, kv_va_t va)
{
	return i < m->nruns && va >= m->runs[i].va &&
	       va - m->runs[i].va < kv_leaf_run_size(m, &m->runs[i]);
}

/* The last run that starts at or below va, or 0. */
static size_t
search(const struct kv_leafmap *m, kv_va_t va)
{
	size_t low = 0, high = m->nruns;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (m->runs[middle].va <= va)
			low = middle;
		else
			high = middle;
	}
	return low;
}

const struct kv_leaf_run *
kv_leafmap_find(
    const struct kv_leafmap *m, kv_va_t va, size_t *hint, size_t *index)
{
	const struct kv_leaf_run *run;
	size_t i = *hint;

	if (!maps(m, i, va) && !maps(m, ++i, va)) {
		i = search(m, va);
		if (!maps(m, i, va))
			return NULL;
	}
	*hint = i;
	run = &m->runs[i];
	*index = (size_t)((va - run->va) / kv_leaf_size(m, run->level));
	return run;
}

/* ---- Edits ----------------------------------------------------------- */

/* What is left of a run; after a demotion all its leaves share a state. */
struct piece {
	struct kv_leaf_run run;
	bool shared;
};

enum { PIECES_MAX = KV_PTE_LEVELS_MAX + 1 };

/* A place in a map: the pieces of a run whose leaf was split, and what follows
 * that run. */
struct cursor {
	const struct kv_leafmap *map;
	size_t next; /* run */
	struct piece pieces[PIECES_MAX];
	unsigned npieces;
};

struct diff {
	struct cursor from, to;
	uint8_t *states; /* of to's leaves */
	kv_edit_fn *cb;
	void *arg;
};

/* => NULL at the end */
static struct kv_leaf_run *
at(struct cursor *c)
{
	if (c->npieces == 0 && c->next < c->map->nruns) {
		c->pieces[0] = (struct piece){c->map->runs[c->next++], false};
		c->npieces = 1;
	}
	return c->npieces == 0 ? NULL : &c->pieces[c->npieces - 1].run;
}

static uint64_t
leaf_size(const struct cursor *c)
{
	return kv_leaf_size(c->map, c->pieces[c->npieces - 1].run.level);
}

static uint8_t
state_at(const struct cursor *c, size_t i)
{
	const struct piece *p = &c->pieces[c->npieces - 1];

	return c->map->state[p->run.first + (p->shared ? 0 : i)];
}

/* The first n leaves are done with. */
static void
skip(struct cursor *c, size_t n)
{
	struct piece *p = &c->pieces[c->npieces - 1];
	uint64_t size = n * leaf_size(c);

	p->run.va += size;
	p->run.pa += size;
	p->run.first += p->shared ? 0 : n;
	p->run.n -= n;
	if (p->run.n == 0)
		c->npieces--;
}

static int
emit(struct diff *d, enum kv_edit_kind kind, const struct kv_leaf_run *run,
    size_t n)
{
	struct kv_edit edit = {kind, run->va, run->pa, run->level, n,
	    n * kv_leaf_size(d->from.map, run->level), run->attr, NULL};

	if (kind == KV_EDIT_MAP)
		edit.state = d->states + run->first;

	return d->cb(d->arg, &edit);
}

/* Leaves of from or to that the other does not meet. */
static int
unmap(struct diff *d, size_t n)
{
	int error = emit(d, KV_EDIT_UNMAP, at(&d->from), n);

	skip(&d->from, n);
	return error;
}

static int
map(struct diff *d, size_t n)
{
	int error = emit(d, KV_EDIT_MAP, at(&d->to), n);

	skip(&d->to, n);
	return error;
}

/* Both start at the same address, with leaves of the same size. */
static int
same_place(struct diff *d)
{
	const struct kv_leaf_run *o = at(&d->from), *w = at(&d->to);
	size_t n = o->n < w->n ? o->n : w->n, i;
	unsigned changed = o->attr ^ w->attr;
	uint8_t unsure = 0;
	int error = 0;

	if (o->pa != w->pa || (changed & ~(unsigned)(KV_PTE_W | KV_PTE_X))) {
		error = unmap(d, n);
		return error != 0 ? error : map(d, n);
	}
	if (changed != 0) {
		error = emit(d, KV_EDIT_PROTECT, w, n);
		unsure = KV_LEAF_UNSURE;
	}
	for (i = 0; i < n; i++)
		d->states[w->first + i] = state_at(&d->from, i) | unsure;
	skip(&d->from, n);
	skip(&d->to, n);
	return error;
}

/* The leaf of from becomes leaves one level down. */
static void
split(struct cursor *c)
{
	struct piece *p = &c->pieces[c->npieces - 1], part = *p;

	part.shared = true;
	part.run.level--;
	part.run.n = (size_t)1 << c->map->pt_shift;
	if (p->run.n == 1) {
		*p = part;
		return;
	}
	skip(c, 1);
	c->pieces[c->npieces++] = part;
}

/* A leaf of from is larger than those of to that it meets. */
static int
larger(struct diff *d)
{
	const struct kv_leaf_run *o = at(&d->from), *w = at(&d->to);
	uint64_t size = leaf_size(&d->from);
	int error;

	if (w->va < o->va)
		return map(d, (o->va - w->va) / leaf_size(&d->to));
	if (w->va - o->va >= size)
		return unmap(d, (w->va - o->va) / size);
	if (w->pa - o->pa != w->va - o->va || w->attr != o->attr)
		return unmap(d, 1);
	error = emit(d, KV_EDIT_DEMOTE, o, 1);
	split(&d->from);
	return error;
}

/* Do leaves of from fill the first leaf of to, as a promotion asks? */
static bool
fills(const struct diff *d, const struct kv_leaf_run *o,
    const struct kv_leaf_run *w)
{
	return o->level + 1 == w->level && o->va == w->va && o->pa == w->pa &&
	       o->attr == w->attr && o->n >> d->from.map->pt_shift != 0;
}

static int
promote(struct diff *d)
{
	struct kv_leaf_run *w = at(&d->to);
	size_t n = (size_t)1 << d->from.map->pt_shift, i;
	uint8_t state = 0;
	int error = emit(d, KV_EDIT_PROMOTE, w, 1);

	for (i = 0; i < n; i++)
		state |= state_at(&d->from, i);
	d->states[w->first] = state;
	skip(&d->from, n);
	skip(&d->to, 1);
	return error;
}

/* Leaves of from are smaller than the leaf of to that they meet. */
static int
smaller(struct diff *d)
{
	const struct kv_leaf_run *o = at(&d->from), *w = at(&d->to);
	uint64_t size = leaf_size(&d->to), rest;

	if (o->va < w->va)
		return unmap(d, (w->va - o->va) / leaf_size(&d->from));
	if (o->va - w->va >= size)
		return map(d, (o->va - w->va) / size);
	if (fills(d, o, w))
		return promote(d);
	rest = (w->va + size - o->va) / leaf_size(&d->from);
	return unmap(d, o->n < rest ? o->n : (size_t)rest);
}

static int
one_place(struct diff *d)
{
	const struct kv_leaf_run *o = at(&d->from), *w = at(&d->to);

	if (o == NULL)
		return map(d, w->n);
	if (w == NULL)
		return unmap(d, o->n);
	if (o->va < w->va && w->va - o->va >= kv_leaf_run_size(d->from.map, o))
		return unmap(d, o->n);
	if (w->va < o->va && o->va - w->va >= kv_leaf_run_size(d->to.map, w))
		return map(d, w->n);
	if (o->level > w->level)
		return larger(d);
	if (o->level < w->level)
		return smaller(d);
	if (o->va < w->va)
		return unmap(d, (w->va - o->va) / leaf_size(&d->from));
	if (w->va < o->va)
		return map(d, (o->va - w->va) / leaf_size(&d->to));
	return same_place(d);
}

int
kv_leafmap_edits(const struct kv_leafmap *from, struct kv_leafmap *to,
    kv_edit_fn *cb, void *arg)
{
	struct diff d = {.from = {.map = from},
	    .to = {.map = to},
	    .states = to->state,
	    .cb = cb,
	    .arg = arg};
	int error = 0;

	while (error == 0 && (at(&d.from) != NULL || at(&d.to) != NULL))
		error = one_place(&d);
	return error;
}
