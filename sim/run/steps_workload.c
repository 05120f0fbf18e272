/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steps_workload.c - steps that drive an arena as its users might
 *
 * All of them ask for multiples of a unit; what they may have at a time stands
 * for memory, so that a request that fails found no addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "out/limit.h"
#include "run/runner_parts.h"

static struct block_list *
list_of(struct kv_runner *r, const struct kv_step *step)
{
	return &r->churns[step - r->run->sc->work];
}

/* ---- Comb ------------------------------------------------------------ */

/* Blocks of one size; then the first, the third and so on of them go. */
int
kv_step_comb(struct kv_runner *r, const struct kv_step *step)
{
	struct block_list *l = list_of(r, step);
	uint64_t i;

	r->loads[step->arena].capping = true;
	for (i = 0; i < step->count; i++)
		if (kv_arena_request(r, step, &step->req) == EINVAL)
			return EINVAL;
	for (i = 0; i < l->count && !r->panicked; i += 2)
		kv_arena_give(r, &l->list[i]);
	for (i = 0; 2 * i + 1 < l->count; i++)
		l->list[i] = l->list[2 * i + 1];
	l->count = i;
	return 0;
}

/* ---- Doubling -------------------------------------------------------- */

static int
by_address(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return (x->va > y->va) - (x->va < y->va);
}

/*
 * Keep one block in each window, an aligned range of that size: in order of
 * address, free a block if each window that it touches has a kept block.  Then
 * the last one that it touches is the last one that any kept block does.
 */
static void
thin_out(struct kv_runner *r, struct block_list *l, uint64_t window)
{
	uint64_t last = 0;
	size_t kept = 0, i;

	if (l->count != 0)
		qsort(l->list, l->count, sizeof(*l->list), by_address);
	for (i = 0; i < l->count && !r->panicked; i++) {
		struct block *b = &l->list[i];
		uint64_t at = (b->va + (b->size - 1)) / window;

		if (kept != 0 && at == last) {
			kv_arena_give(r, b);
			continue;
		}
		last = at;
		l->list[kept++] = *b;
	}
	l->count = kept;
}

static uint64_t
live_bytes(const struct block_list *l)
{
	uint64_t live = 0;
	size_t i;

	for (i = 0; i < l->count; i++)
		live += l->list[i].size;
	return live;
}

/* Sizes double; of each as many as the limit allows, then those go that leave
 * a hole too small for the next size. */
int
kv_step_doubling(struct kv_runner *r, const struct kv_step *step)
{
	struct block_list *l = list_of(r, step);
	struct kv_vmem_req req = step->req;
	int error = 0;

	r->loads[step->arena].capping = true;
	while (req.size <= step->limit && !r->panicked) {
		uint64_t live = live_bytes(l);

		for (; req.size <= step->limit - live && error == 0;
		     live += req.size)
			error = kv_arena_request(r, step, &req);
		if (error != 0)
			return error == EINVAL ? EINVAL : 0;
		if (req.size > UINT64_MAX / 2)
			return 0;
		req.size *= 2;
		thin_out(r, l, req.size);
	}
	return 0;
}

/* ---- Fixed churn ----------------------------------------------------- */

/* The generator of systems.md 3.5, upper bits. */
static uint64_t
next(uint64_t *x)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *x >> 33;
}

/* Blocks stand in the order in which they came. */
static uint64_t
free_one(struct kv_runner *r, struct block_list *l, size_t i)
{
	uint64_t size = l->list[i].size;

	kv_arena_give(r, &l->list[i]);
	memmove(&l->list[i], &l->list[i + 1],
	    (l->count - i - 1) * sizeof(*l->list));
	l->count--;
	return size;
}

int
kv_step_fixed_churn(struct kv_runner *r, const struct kv_step *step)
{
	static const uint64_t sizes[] = {
	    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, KV_WORKLOAD_LARGEST};
	struct kv_load_of *load = &r->loads[step->arena];
	struct block_list *l = list_of(r, step);
	struct kv_vmem_req req = step->req;
	uint64_t x = step->seed, live = 0, draw, i;
	int error;

	load->capping = true;
	for (i = 0; i < step->count && !r->panicked; i++) {
		kv_limit_step(); /* requests that are not made count, too */
		draw = next(&x);
		if (draw % 2 == 0 && l->count != 0) {
			live -= free_one(r, l, (draw >> 1) % l->count);
			continue;
		}
		req.size =
		    step->req.size *
		    sizes[(draw >> 1) % (sizeof(sizes) / sizeof(*sizes))];
		if (live > step->limit || req.size > step->limit - live) {
			load->capped++;
			continue;
		}
		error = kv_arena_request(r, step, &req);
		if (error == EINVAL)
			return EINVAL;
		if (error == 0)
			live += req.size;
	}
	return 0;
}
