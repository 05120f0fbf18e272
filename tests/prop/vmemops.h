/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmemops.h - operations on a chain of arenas and on their model
 *
 * Answers, statistics, the segment list and the order of all classes must
 * agree.
 */
#ifndef KV_VMEMOPS_H
#define KV_VMEMOPS_H

#include <stdio.h>
#include <stdlib.h>

#include "alloc/arena.h"
#include "vmemmodel.h"

enum { LIVE = 4096, ARENAS = 3 };

/* ---- Operations -----------------------------------------------------------
 */

enum what { ALLOC, XALLOC, FREE, ADD };

struct op {
	enum what what;
	unsigned arena; /* 0 the root, 1 its child, 2 the child of that */
	struct kv_vmem_req rq;
	uint64_t pick; /* which live block is freed */
};

/* How a seed's arenas import, and what runs on them.  Quiet: few blocks of few
 * sizes, most in the last arena, seldom looked at. */
struct shape {
	struct {
		uint64_t iq, ialign;
		bool keep;
	} of[ARENAS];
	bool quiet;
};

/* ---- Both ------------------------------------------------------------ */

struct block {
	uint64_t va, size;
};

struct run {
	struct kv_host host;
	struct kv_vmem *vm[ARENAS];
	struct model *model[ARENAS];
	struct kv_link link[ARENAS];
	struct block *live[ARENAS];
	int nlive[ARENAS];
	unsigned parked[ARENAS]; /* frees put off, seen after an operation */
	uint64_t add_at;	 /* spans go upward, so none overlap */
	char why[200];
};

struct against {
	struct run *r;
	const struct model *m;
	const int *list;
	int at, step, n;
};

static inline int
same_seg(void *arg, const struct kv_vmem_seg *seg)
{
	struct against *a = arg;
	const struct mseg *w;

	if (a->n-- == 0)
		return EFAULT;
	w = &a->m->pool[a->list[a->at]];
	a->at += a->step;
	return seg->kind == w->kind && seg->start == w->start &&
		       seg->size == w->size
		   ? 0
		   : EFAULT;
}

static inline bool
same_arena(struct run *r, unsigned i)
{
	const struct model *m = r->model[i];
	struct kv_vmem_stats s = kv_vmem_stats(r->vm[i]);
	struct against a = {.r = r, .m = m, .list = m->list, .step = 1};
	struct kv_diag diag = {.text = "?"};
	uint64_t maxfree = 0;

	a.n = m->n;
	if (kv_vmem_walk(r->vm[i], same_seg, &a) != 0 || a.n != 0) {
		snprintf(r->why, sizeof(r->why), "segment list of arena %u", i);
		return false;
	}
	for (unsigned c = 0; c < CLASSES; c++) {
		if (m->nof[c] != 0)
			maxfree = lower_of(c) * Q;
		a = (struct against){.r = r,
		    .m = m,
		    .list = m->of_class[c],
		    .at = m->nof[c] - 1,
		    .step = -1,
		    .n = m->nof[c]};
		if (kv_vmem_walk_class(r->vm[i], c, same_seg, &a) != 0 ||
		    a.n != 0) {
			snprintf(r->why, sizeof(r->why), "class %u of arena %u",
			    c, i);
			return false;
		}
	}
	if (s.size != m->size || s.inuse != m->inuse || s.maxfree != maxfree ||
	    s.alloc != m->allocs || s.free != m->frees || s.fail != m->fails ||
	    s.import != m->imports || s.release != m->releases) {
		snprintf(r->why, sizeof(r->why), "statistics of arena %u", i);
		return false;
	}
	if (kv_vmem_check(r->vm[i], &diag) != 0) {
		snprintf(r->why, sizeof(r->why), "check of arena %u: I%u %s", i,
		    diag.invariant, diag.text);
		return false;
	}
	return true;
}

static inline bool
same_answer(struct run *r, const struct op *op)
{
	unsigned i = op->arena;
	struct block *b = &r->live[i][r->nlive[i]];
	uint64_t want = 0;
	bool have;
	int error;

	if (kv_vmem_req_check(r->vm[i], &op->rq, NULL) != 0 ||
	    r->nlive[i] == LIVE)
		return true;
	error = op->what == ALLOC
		    ? kv_vmem_alloc(r->vm[i], op->rq.size, op->rq.fit, &b->va)
		    : kv_vmem_xalloc(r->vm[i], &op->rq, &b->va);
	have = model_xalloc(r->model[i], &op->rq, &want);
	if (error != (have ? 0 : ENOMEM) || (have && want != b->va)) {
		snprintf(r->why, sizeof(r->why),
		    "answer %d 0x%llx, model %s 0x%llx", error,
		    (unsigned long long)(error == 0 ? b->va : 0),
		    have ? "0" : "ENOMEM", (unsigned long long)want);
		return false;
	}
	b->size = op->rq.size;
	r->nlive[i] += have;
	return true;
}

static inline bool
do_op(struct run *r, const struct op *op)
{
	unsigned i = op->arena;
	struct block *b;

	if (op->what == ADD) {
		r->add_at += op->rq.phase;
		if (kv_vmem_add(r->vm[i], r->add_at, op->rq.size) != 0)
			return false;
		model_fill(r->model[i]);
		model_add(r->model[i], r->add_at, op->rq.size, KV_VMEM_STATIC);
		r->add_at += op->rq.size;
		return true;
	}
	if (op->what != FREE)
		return same_answer(r, op);
	if (r->nlive[i] == 0)
		return true;
	b = &r->live[i][op->pick % (uint64_t)r->nlive[i]];
	if (kv_vmem_free(r->vm[i], b->va, b->size, NULL) != 0) {
		snprintf(r->why, sizeof(r->why), "a free failed");
		return false;
	}
	model_xfree(r->model[i], b->va);
	*b = r->live[i][--r->nlive[i]];
	return true;
}

static inline void
run_open(struct run *r, const struct shape *shape)
{
	*r = (struct run){.add_at = 16 * Q};
	kv_host_libc(&r->host);
	for (int i = 0; i < ARENAS; i++) {
		r->vm[i] = arena_open(&r->host, 0);
		r->live[i] = malloc((LIVE + 1) * sizeof(struct block));
		ck_assert_ptr_nonnull(r->live[i]);
		if (i == 0) {
			r->model[0] = model_create(NULL, 0, 0, false);
			continue;
		}
		r->link[i] = (struct kv_link){.parent = r->vm[i - 1],
		    .quantum = shape->of[i].iq,
		    .align = shape->of[i].ialign,
		    .keep = shape->of[i].keep};
		ck_assert_int_eq(kv_link_set(r->vm[i], &r->link[i]), 0);
		r->model[i] = model_create(r->model[i - 1], shape->of[i].iq,
		    shape->of[i].ialign, !shape->of[i].keep);
	}
}

static inline void
run_close(struct run *r)
{
	for (int i = ARENAS - 1; i >= 0; i--) {
		kv_vmem_destroy(r->vm[i]);
		model_destroy(r->model[i]);
		free(r->live[i]);
	}
	ck_assert_uint_eq(r->host.bytes, 0);
}

static inline bool
same_everywhere(struct run *r, const struct op *op)
{
	unsigned first = (unsigned)op->pick % ARENAS;

	for (unsigned i = 0; i < ARENAS; i++)
		if (!same_arena(r, (first + i) % ARENAS))
			return false;
	return true;
}

#endif
