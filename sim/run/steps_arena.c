/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_arena.c - steps that allocate from the scenario's own arenas */
#include <stdlib.h>
#include <string.h>

#include "out/emit.h"
#include "out/mem.h"
#include "run/runner_parts.h"

/* ---- Operations on arenas -------------------------------------------- */

static void
mix(struct kv_runner *r, uint64_t value)
{
	uint64_t *fnv = r->run->world != NULL ? &r->run->world->fnv : &r->fnv;

	*fnv = kv_fnv_mix(*fnv, value);
	r->traced = true;
}

/* => 0 and *va; ENOMEM; EINVAL with an entry in the errors */
static int
arena_alloc(struct kv_runner *r, const struct kv_step *step,
    const struct kv_vmem_req *req, kv_va_t *va)
{
	struct kv_vmem *vm = r->run->arenas[step->arena];
	const struct kv_link *link = &r->links[step->arena];
	struct kv_diag diag = {.text = "not legal"};
	int error;

	kv_runner_begin(r, KV_STEP_ALLOC);
	r->run->op.arena = step->arena;
	r->run->op.plain = step->plain;
	r->run->op.req = *req;
	if (kv_vmem_req_check(vm, req, &diag) != 0)
		return kv_runner_refuse(r, &step->place, diag.text);
	if (link->slot != 0 && req->size > link->quantum)
		return kv_runner_refuse(r, &step->place,
		    "request is larger than the import quantum of the arena");
	error = step->plain ? kv_vmem_alloc(vm, req->size, req->fit, va)
			    : kv_vmem_xalloc(vm, req, va);
	if (error != 0 && r->loads[step->arena].first_fail == 0)
		r->loads[step->arena].first_fail = req->size;
	r->arena_fails += error != 0;
	mix(r, error == 0 ? *va : UINT64_MAX);
	r->run->op.error = error;
	r->run->op.va = error == 0 ? *va : 0;
	kv_runner_end(r, false);
	return error;
}

void
kv_arena_give(struct kv_runner *r, struct block *b)
{
	struct kv_vmem *vm = r->run->arenas[b->arena];
	struct kv_diag diag = {.module = "vmem", .text = "cannot free"};
	int error;

	kv_runner_begin(r, KV_STEP_FREE);
	r->run->op.arena = b->arena;
	r->run->op.va = b->va;
	error = b->plain ? kv_vmem_free(vm, b->va, b->size, &diag)
			 : kv_vmem_xfree(vm, b->va, b->size, &diag);
	if (error != 0) {
		kv_runner_panic_as(r, &diag, "V1");
		return;
	}
	b->live = false;
	kv_runner_end(r, false);
}

static void
put_block(struct kv_runner *r, const char *name, const struct block *b)
{
	struct kv_metrics *m = &r->run->metrics;
	struct kv_buf text = {0};

	kv_buf_printf(&text, "block.%s.failed", name);
	kv_metrics_put_uint(m, KV_METRIC_COUNT, text.data, !b->live);
	text.size = 0;
	kv_buf_printf(&text, "block.%s.va", name);
	if (b->live)
		kv_metrics_put_uint(m, KV_METRIC_HEX, text.data, b->va);
	kv_buf_fini(&text);
}

static void
add_block(struct block_list *l, const struct block *b)
{
	if (l->count == l->capacity) {
		l->capacity = l->capacity == 0 ? 256 : 2 * l->capacity;
		l->list = kv_mem_resize(l->list, l->capacity, sizeof(*l->list));
	}
	l->list[l->count++] = *b;
}

int
kv_step_alloc(struct kv_runner *r, const struct kv_step *step)
{
	struct block *b = &r->blocks[step - r->run->sc->work];
	int error;

	/* In a loop the name is the newest one's; a drain knows them all. */
	if (b->live)
		add_block(&r->churns[step - r->run->sc->work], b);
	*b = (struct block){
	    .size = step->req.size, .arena = step->arena, .plain = step->plain};
	error = arena_alloc(r, step, &step->req, &b->va);
	if (error == EINVAL)
		return error;
	b->live = b->given = error == 0;
	if (step->name != NULL)
		put_block(r, step->name, b);
	return 0;
}

/* Stacks and blocks have names of their own. */
static bool
is_stack(const struct kv_step *step)
{
	return step->kind == KV_STEP_SPAWN || step->kind == KV_STEP_DISPOSE;
}

/* By name, then in the order of the steps. */
static int
by_name(const void *a, const void *b)
{
	const struct kv_step *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	if (order == 0)
		order = is_stack(*x) - is_stack(*y);
	return order != 0 ? order : (*x > *y) - (*x < *y);
}

void
kv_blocks_index(struct kv_runner *r)
{
	const struct kv_scenario *sc = r->run->sc;
	size_t i;

	r->named = kv_mem_resize(NULL, sc->nwork, sizeof(*r->named));
	for (i = 0; i < sc->nwork; i++)
		if ((sc->work[i].kind == KV_STEP_ALLOC ||
			sc->work[i].kind == KV_STEP_SPAWN) &&
		    sc->work[i].name != NULL)
			r->named[r->nnamed++] = &sc->work[i];
	if (r->nnamed != 0)
		qsort(r->named, r->nnamed, sizeof(*r->named), by_name);
}

struct block *
kv_block_named(struct kv_runner *r, const struct kv_step *step)
{
	size_t low = 0, high = r->nnamed;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_name(&r->named[mid], &step) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || is_stack(r->named[low - 1]) != is_stack(step) ||
	    strcmp(r->named[low - 1]->name, step->name) != 0)
		return NULL;
	return &r->blocks[r->named[low - 1] - r->run->sc->work];
}

/* A block whose allocation failed is none; one freed before is freed again,
 * or it is freed to another arena, or as another size, which is what a kernel
 * panics on. */
int
kv_step_free(struct kv_runner *r, const struct kv_step *step)
{
	struct block *b = kv_block_named(r, step);

	if (b == NULL)
		return kv_runner_refuse(
		    r, &step->place, "no block of that name so far");
	if (!b->given)
		return 0;
	if (step->arena >= 0)
		b->arena = step->arena;
	if (step->req.size != 0)
		b->size = step->req.size;
	kv_arena_give(r, b);
	return 0;
}

static int
overlaps(void *arg, const struct kv_vmem_seg *seg)
{
	const struct kv_step *s = arg;

	return seg->kind != KV_VMEM_CURSOR &&
	       kv_overlap(seg->start, seg->size, s->base, s->req.size);
}

int
kv_step_add(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_vmem *vm = r->run->arenas[step->arena];
	struct kv_step copy = *step;
	int error;

	kv_runner_begin(r, KV_STEP_ADD);
	if (kv_vmem_walk(vm, overlaps, &copy) != 0)
		return kv_runner_refuse(r, &step->place,
		    "the span overlaps one that the arena has");
	error = kv_vmem_add(vm, step->base, step->req.size);
	if (error == EINVAL)
		return kv_runner_refuse(r, &step->place, "not a legal span");
	r->run->op.error = error;
	kv_runner_end(r, false);
	return 0;
}

/* ---- Arena churn: the procedure of freebsd.md 8.2 --------------------- */

static struct kv_vmem_req
churn_request(struct kv_rng *rng, const struct kv_step *step, uint64_t quantum)
{
	struct kv_vmem_req req = {.fit = step->req.fit};
	unsigned shift;

	req.size = (1 + kv_rng_next(rng) % step->max_quanta) * quantum;
	if (!step->aligned)
		return req;
	shift = kv_rng_next(rng) % 6;
	if (shift == 0)
		return req;
	req.align = quantum << shift;
	if ((kv_rng_next(rng) & 1) != 0)
		req.phase =
		    quantum * (kv_rng_next(rng) % (req.align / quantum));
	return req;
}

int
kv_arena_request(struct kv_runner *r, const struct kv_step *step,
    const struct kv_vmem_req *req)
{
	struct block_list *l = &r->churns[step - r->run->sc->work];
	kv_va_t va = 0;
	int error = arena_alloc(r, step, req, &va);

	if (error != 0)
		return error;
	add_block(l, &(struct block){.va = va,
			 .size = req->size,
			 .arena = step->arena,
			 .given = true,
			 .live = true});
	return 0;
}

int
kv_step_arena_churn(struct kv_runner *r, const struct kv_step *step)
{
	struct block_list *l = &r->churns[step - r->run->sc->work];
	uint64_t quantum = kv_vmem_quantum(r->run->arenas[step->arena]), i;
	struct kv_rng rng = {r->run->cfg.seed};

	for (i = 0; i < step->count && !r->panicked; i++) {
		uint32_t x = kv_rng_next(&rng);

		if (l->count == 0 || x % 100 < 55) {
			struct kv_vmem_req req =
			    churn_request(&rng, step, quantum);

			if (kv_arena_request(r, step, &req) == EINVAL)
				return EINVAL;
		} else {
			x = kv_rng_next(&rng) % (uint32_t)l->count;
			kv_arena_give(r, &l->list[x]);
			l->list[x] = l->list[--l->count];
		}
	}
	return 0;
}

void
kv_blocks_drain(struct kv_runner *r)
{
	size_t i, j;

	for (i = 0; i < r->run->sc->nwork; i++) {
		struct block_list *l = &r->churns[i];

		if (r->blocks[i].live && !r->panicked)
			kv_arena_give(r, &r->blocks[i]);
		for (j = 0; j < l->count && !r->panicked; j++)
			kv_arena_give(r, &l->list[j]);
		l->count = 0;
	}
}
