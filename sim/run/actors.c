/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * actors.c - others that use memory: what they take, and for how long
 *
 * 1 Concepts.  Free memory is in the state that its history left it in.  An
 *   actor makes history: at every so many operations it takes some pages and
 *   keeps them for some operations.  Each draws from a stream of its own, so
 *   that adding one does not change what the others do.
 * 2 Representation.  What is held stands in a heap by the operation that ends
 *   it, and among those in the order in which it was taken.  Pages of objects
 *   are taken at ever higher indexes, as a file or an arena that grows.
 * 3 Invariants.
 *   I1  An actor's figure of pages held is the sum over its part of the heap.
 * 4 Cost.  A step of the heap for each page, or run, taken and freed.
 * 5 Fidelity.  Nobody's code: declared behaviour.  The pages come the way of
 *   their kind: without object from the other pool (phys.md 4); those of files
 *   and kernel objects through reservations (freebsd.md 4.2, 4.3).
 */
#include "run/actors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/rng.h"

/* A page or run that is held. */
struct held {
	uint64_t end;	/* operation that frees it */
	uint64_t order; /* of taking: which goes first at the same end */
	uint64_t at;	/* frame, or pindex */
	uint32_t npages;
	uint32_t actor;
};

struct actor {
	const struct kv_actor_spec *spec;
	struct kv_object *object; /* NULL: anonymous */
	kv_pindex_t next;	  /* pindex */
	struct kv_rng rng;
	uint64_t pages, taken, failed;
};

struct kv_actors {
	struct kv_world *world;
	uint64_t op, order;
	struct actor *list;
	size_t count;
	struct held *heap;
	size_t nheld, capacity;
};

/* ---- Heap ------------------------------------------------------------ */

static bool
before(const struct held *a, const struct held *b)
{
	return a->end != b->end ? a->end < b->end : a->order < b->order;
}

static void
heap_push(struct kv_actors *a, const struct held *h)
{
	size_t i = a->nheld++;

	if (a->nheld > a->capacity) {
		a->capacity = a->capacity == 0 ? 64 : 2 * a->capacity;
		a->heap = kv_mem_resize(a->heap, a->capacity, sizeof(*a->heap));
	}
	for (; i != 0 && before(h, &a->heap[(i - 1) / 2]); i = (i - 1) / 2)
		a->heap[i] = a->heap[(i - 1) / 2];
	a->heap[i] = *h;
}

static struct held
heap_pop(struct kv_actors *a)
{
	struct held first = a->heap[0], last = a->heap[--a->nheld];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < a->nheld) {
		if (child + 1 < a->nheld &&
		    before(&a->heap[child + 1], &a->heap[child]))
			child++;
		if (!before(&a->heap[child], &last))
			break;
		a->heap[i] = a->heap[child];
		i = child;
	}
	a->heap[i] = last;
	return first;
}

/* ---- Create ---------------------------------------------------------- */

static int
actor_create(struct kv_actors *a, size_t i, const struct kv_actor_spec *spec,
    uint64_t seed)
{
	struct actor *x = &a->list[i];
	struct kv_object_config cfg = {.name = spec->name,
	    .size = KV_OBJECT_SIZE_MAX,
	    .colored = true,
	    .host = &a->world->host,
	    .tap = a->world->spec.tap};
	char stream[64];

	snprintf(stream, sizeof(stream), "actor.%s", spec->name);
	*x = (struct actor){.spec = spec, .rng = kv_rng_stream(seed, stream)};
	return spec->kind == KV_ACTOR_ANON ? 0
					   : kv_object_create(&cfg, &x->object);
}

int
kv_actors_create(struct kv_world *w, const struct kv_actor_spec *specs,
    size_t n, uint64_t seed, struct kv_actors **actors)
{
	struct kv_actors *a = kv_mem_resize(NULL, 1, sizeof(*a));
	int error = 0;

	*a = (struct kv_actors){.world = w};
	a->list = kv_mem_resize(NULL, n, sizeof(*a->list));
	while (a->count < n && error == 0) {
		error = actor_create(a, a->count, &specs[a->count], seed);
		a->count += error == 0;
	}
	if (error == 0)
		*actors = a;
	else
		kv_actors_destroy(a);
	return error;
}

void
kv_actors_destroy(struct kv_actors *a)
{
	if (a == NULL)
		return;
	while (a->count-- != 0)
		if (a->list[a->count].object != NULL)
			kv_object_destroy(a->list[a->count].object);
	kv_mem_free(a->list);
	kv_mem_free(a->heap);
	kv_mem_free(a);
}

/* ---- Taking and freeing ---------------------------------------------- */

static void
put_back(struct kv_actors *a, const struct held *h)
{
	struct actor *x = &a->list[h->actor];

	x->pages -= h->npages;
	if (x->object == NULL)
		kv_page_free_anon(a->world->reserv, h->at, NULL);
	else
		kv_page_free(
		    a->world->reserv, x->object, h->at, h->npages, NULL);
}

static uint64_t
draw(struct actor *x, uint64_t from, uint64_t to)
{
	return from + kv_rng_below(&x->rng, (size_t)(to - from + 1));
}

/* npages at once.  => did they come? */
static bool
take(struct kv_actors *a, size_t i, uint64_t npages, uint64_t life)
{
	struct kv_world *w = a->world;
	struct actor *x = &a->list[i];
	unsigned domain = kv_world_cpu_domain(w, w->cpu);
	struct held h = {.end = a->op + life,
	    .order = a->order++,
	    .at = x->next,
	    .npages = (uint32_t)npages,
	    .actor = (uint32_t)i};
	int error = x->object == NULL
			? kv_page_alloc_anon(w->reserv, domain, &h.at)
			: kv_page_alloc(w->reserv, x->object, x->next,
			      (unsigned)npages, domain, NULL);

	if (error != 0) {
		x->failed++;
		kv_world_note_shortage(w);
		return false;
	}
	x->next += npages;
	x->pages += npages;
	x->taken += npages;
	heap_push(a, &h);
	return true;
}

/* One allocation: a run at once, or page by page until one does not come. */
static void
allocate(struct kv_actors *a, size_t i)
{
	struct actor *x = &a->list[i];
	const struct kv_actor_spec *s = x->spec;
	uint64_t n = draw(x, s->pages, s->pages_max);
	uint64_t life = draw(x, s->life, s->life_max), j;

	if (s->limit != 0 && x->pages + n > s->limit)
		return;
	if (s->kind == KV_ACTOR_KERNEL) {
		take(a, i, n, life);
		return;
	}
	for (j = 0; j < n && take(a, i, 1, life); j++)
		if (s->kind == KV_ACTOR_CACHE)
			life = draw(x, s->life, s->life_max);
}

void
kv_actors_act(struct kv_actors *a)
{
	size_t i;

	a->op++;
	while (a->nheld != 0 && a->heap[0].end <= a->op) {
		struct held h = heap_pop(a);

		put_back(a, &h);
	}
	for (i = 0; i < a->count; i++)
		if (a->op % a->list[i].spec->every == 0)
			allocate(a, i);
}

void
kv_actors_drain(struct kv_actors *a)
{
	while (a->nheld != 0) {
		struct held h = heap_pop(a);

		put_back(a, &h);
	}
}

/* ---- Inspect --------------------------------------------------------- */

void
kv_actors_measure(const struct kv_actors *a, struct kv_metrics *m)
{
	char name[128];
	size_t i, k;

	for (i = 0; i < a->count; i++) {
		const struct actor *x = &a->list[i];
		const struct {
			const char *what;
			uint64_t value;
		} figures[] = {{"failed", x->failed}, {"pages", x->pages},
		    {"taken", x->taken}};

		for (k = 0; k < 3; k++) {
			snprintf(name, sizeof(name), "actor.%s.%s",
			    x->spec->name, figures[k].what);
			kv_metrics_put_uint(
			    m, KV_METRIC_COUNT, name, figures[k].value);
		}
	}
}
