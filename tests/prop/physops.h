/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * physops.h - random operations on phys, object and reserv, and on the model
 *
 * Answers, every queue, map and count must be equal.  Some operations are tried
 * first with each allocation of metadata failing in turn: that must change
 * nothing.
 */
#ifndef KV_TEST_PHYSOPS_H
#define KV_TEST_PHYSOPS_H

#include "prop/physrig.h"

/* ---- Operations ------------------------------------------------------------
 */

enum kind {
	ALLOC,
	FREE,
	ANON,
	BATCH,
	CONTIG,
	CONTIG_OBJECT,
	PHYS,
	BARE_FREE,
	BARE_RUN,
	UNFREE,
	RECLAIM,
	BREAK,
	RENAME,
	LIMIT,
	TICK,
	KINDS
};

static const char *const kind_names[KINDS] = {"alloc", "free", "anon", "batch",
    "contig", "contig object", "phys", "bare free", "bare run", "unfree",
    "reclaim", "break", "rename", "limit", "tick"};

/* How often, of 1000. */
static const unsigned weights[KINDS] = {
    330, 260, 50, 10, 30, 40, 30, 80, 20, 10, 10, 8, 8, 4, 110};

struct op {
	enum kind kind;
	int o, to, n, page, order, pool;
	unsigned domain;
	kv_pindex_t pindex;
	long limit;
	struct model_want want;
};

/* What an operation answers. */
struct answer {
	int error;
	uint64_t n, sum; /* pages, and a hash of which */
};

static inline void
answer_add(struct answer *a, uint64_t page)
{
	a->n++;
	a->sum = (a->sum ^ page) * UINT64_C(1099511628211);
}

static inline struct kv_phys_want
want_of(const struct op *op)
{
	return (struct kv_phys_want){(uint64_t)op->want.n, op->want.low,
	    op->want.high, op->want.align, op->want.boundary};
}

/* Do it to the real thing. */
static inline struct answer
real(struct rig *rig, const struct op *op)
{
	struct kv_object *obj = rig->obj[op->o];
	struct kv_phys_want want = want_of(op);
	unsigned n = (unsigned)op->n;
	struct answer a = {0, 0, 0};
	kv_pfn_t pfn = (kv_pfn_t)op->page;
	uint64_t got = 0;

	switch (op->kind) {
	case ALLOC:
		a.error = kv_page_alloc(
		    rig->rv, obj, op->pindex, n, op->domain, rig->pfns);
		for (unsigned i = 0; a.error == 0 && i < n; i++)
			answer_add(&a, rig->pfns[i]);
		break;
	case FREE:
		a.error = kv_page_free(rig->rv, obj, op->pindex, n, NULL);
		break;
	case ANON:
		a.error = kv_page_alloc_anon(rig->rv, op->domain, &pfn);
		answer_add(&a, a.error == 0 ? pfn : 0);
		break;
	case BATCH:
		a.error =
		    kv_phys_alloc_batch(rig->phys, (enum kv_phys_pool)op->pool,
			n, op->domain, rig->pfns, &got);
		for (uint64_t i = 0; i < got; i++)
			answer_add(&a, rig->pfns[i]);
		break;
	case CONTIG:
	case CONTIG_OBJECT:
		a.error = kv_page_alloc_contig(rig->rv,
		    op->kind == CONTIG ? NULL : obj, op->pindex, &want,
		    op->domain, &pfn);
		answer_add(&a, a.error == 0 ? pfn : 0);
		break;
	case PHYS:
		a.error = kv_phys_alloc(rig->phys, (enum kv_phys_pool)op->pool,
		    (unsigned)op->order, op->domain, &pfn);
		answer_add(&a, a.error == 0 ? pfn : 0);
		break;
	case BARE_FREE:
		a.error =
		    kv_phys_free(rig->phys, pfn, (unsigned)op->order, NULL);
		break;
	case BARE_RUN:
		a.error = kv_phys_free_run(rig->phys, pfn, n, NULL);
		break;
	case UNFREE:
		a.error = kv_phys_unfree(rig->phys, pfn);
		break;
	case RECLAIM:
		a.error = kv_reserv_reclaim(rig->rv, op->domain);
		break;
	case BREAK:
		a.error = kv_reserv_break(rig->rv, obj, &a.n);
		break;
	case RENAME:
		a.error = kv_page_rename(
		    rig->rv, obj, rig->obj[op->to], op->pindex, &a.n);
		break;
	case LIMIT:
		kv_phys_set_limit(rig->phys, op->domain, (uint64_t)op->limit);
		break;
	default:
		kv_reserv_tick(rig->rv, n);
	}
	return a;
}

/* All or nothing, one page at a time. */
static inline struct answer
model_alloc(struct rig *rig, const struct op *op)
{
	struct model *md = rig->md;
	int pindex = (int)op->pindex, i;
	struct answer a = {0, 0, 0};

	for (i = 0; i < op->n; i++)
		if (md->object[op->o].frame[pindex + i] >= 0)
			return (struct answer){EEXIST, 0, 0};
	for (i = 0; i < op->n; i++) {
		int page = model_page(md, op->o, pindex + i, op->domain);

		if (page < 0)
			break;
		answer_add(&a, (uint64_t)page);
	}
	if (i == op->n)
		return a;
	for (int k = 0; k < i; k++)
		model_page_free(md, op->o, pindex + k);
	return (struct answer){ENOMEM, 0, 0};
}

static inline struct answer
model_free(struct rig *rig, const struct op *op)
{
	int pindex = (int)op->pindex;

	for (int i = 0; i < op->n; i++)
		if (rig->md->object[op->o].frame[pindex + i] < 0)
			return (struct answer){ENOENT, 0, 0};
	for (int i = 0; i < op->n; i++)
		model_page_free(rig->md, op->o, pindex + i);
	return (struct answer){0, 0, 0};
}

static inline struct answer
one_page(int page)
{
	struct answer a = {page < 0 ? ENOMEM : 0, 0, 0};

	answer_add(&a, page < 0 ? 0 : (uint64_t)page);
	return a;
}

static inline struct answer
model_rename_op(struct rig *rig, const struct op *op)
{
	const struct model_object *from = &rig->md->object[op->o];
	int moved;

	if (op->o == op->to || from->color != rig->md->object[op->to].color)
		return (struct answer){EINVAL, 0, 0};
	/* A reservation cannot follow into an object that may have none. */
	for (int p = (int)op->pindex; p < MODEL_PINDEXES; p++) {
		int page = from->frame[p];

		if (page >= 0 && !rig->md->object[op->to].colored &&
		    model_reserv_of(rig->md, op->o, page) != NULL)
			return (struct answer){EINVAL, 0, 0};
		if (page >= 0 &&
		    rig->md->object[op->to].frame[p - (int)op->pindex] >= 0)
			return (struct answer){EEXIST, 0, 0};
	}
	moved = model_rename(rig->md, op->o, op->to, (int)op->pindex);
	return (struct answer){0, (uint64_t)moved, 0};
}

static inline struct answer
model_op(struct rig *rig, const struct op *op)
{
	struct model *md = rig->md;
	struct model_object *ob = &md->object[op->o];
	struct answer a = {0, 0, 0};
	int page;

	switch (op->kind) {
	case ALLOC:
		return model_alloc(rig, op);
	case FREE:
		return model_free(rig, op);
	case ANON:
		return one_page(model_page(md, -1, 0, op->domain));
	case BATCH:
		page = model_batch(md, op->pool, op->n, op->domain, rig->v);
		a.error = page < 0 ? ENOMEM : 0;
		for (int i = 0; i < page; i++)
			answer_add(&a, (uint64_t)rig->v[i]);
		return a;
	case CONTIG_OBJECT:
		for (int i = 0; i < op->n; i++)
			if (ob->frame[(int)op->pindex + i] >= 0)
				return (struct answer){EEXIST, 1, 0};
		return one_page(model_contig(
		    md, op->o, (int)op->pindex, &op->want, op->domain));
	case CONTIG:
		return one_page(model_contig(md, -1, 0, &op->want, op->domain));
	case PHYS:
		if (!model_charge(md, op->domain, 1L << op->order))
			return one_page(-1);
		page = model_take(md, op->domain, op->pool, op->order);
		if (page < 0)
			md->free[op->domain] += 1L << op->order;
		return one_page(page);
	case BARE_FREE:
		md->free[md->domain[op->page]] += 1L << op->order;
		model_give(md, op->page, op->order);
		return a;
	case BARE_RUN:
		model_free_run(md, op->page, op->page + op->n);
		return a;
	case UNFREE:
		a.error = model_unfree(md, op->page) ? 0 : ENOENT;
		return a;
	case RECLAIM:
		a.error = model_reclaim(md, op->domain) ? 0 : ENOENT;
		return a;
	case BREAK:
		for (; ob->newest.n != 0; a.n++)
			model_break(md, &md->slot[ob->newest.v[0]], 0, 0);
		return a;
	case RENAME:
		return model_rename_op(rig, op);
	case LIMIT:
		md->limit[op->domain] = op->limit;
		return a;
	default:
		md->now += (uint64_t)op->n;
		return a;
	}
}

/* ---- Choosing --------------------------------------------------------------
 */

static inline enum kind
pick_kind(struct rig *rig)
{
	unsigned at = rnd(rig, 1000);

	for (unsigned k = 0; k < KINDS; k++) {
		if (at < weights[k])
			return (enum kind)k;
		at -= weights[k];
	}
	return TICK;
}

/* A bare page at or after a random one, or -1. */
static inline int
pick_bare(struct rig *rig)
{
	int start = (int)rnd(rig, MODEL_PAGES);

	for (int i = 0; i < MODEL_PAGES; i++)
		if (rig->bare[(start + i) % MODEL_PAGES])
			return (start + i) % MODEL_PAGES;
	return -1;
}

/* How many bare pages of its segment follow, at most `most`. */
static inline int
bare_run(const struct rig *rig, int page, int most)
{
	int n = 0;

	while (n < most && page + n < MODEL_PAGES && rig->bare[page + n] &&
	       rig->md->segment[page + n] == rig->md->segment[page])
		n++;
	return n;
}

static inline void
pick_want(struct rig *rig, struct op *op)
{
	unsigned shift = rig->m->page_shift;
	uint64_t end = 0;

	for (int p = 0; p < MODEL_PAGES; p++)
		if (rig->md->segment[p] >= 0)
			end = (uint64_t)(p + 1) << shift;
	op->want.n =
	    1 +
	    (int)rnd(rig, rnd(rig, 4) == 0 ? 3u << rig->m->reserv_order : 12);
	if (rnd(rig, 20) == 0)
		op->want.n = (1 << rig->m->max_order) +
			     (int)rnd(rig, 2u << rig->m->max_order);
	op->want.align = UINT64_C(1)
			 << (rnd(rig, 3) == 0
				    ? shift + rnd(rig, rig->m->reserv_order + 2)
				    : shift);
	if (rnd(rig, 3) == 0)
		op->want.boundary =
		    UINT64_C(1) << (shift + 2 + rnd(rig, rig->m->max_order));
	op->want.low = rnd(rig, 3) == 0 ? end / 16 * rnd(rig, 16) : 0;
	op->want.high = rnd(rig, 3) == 0
			    ? op->want.low + end / 16 * (1 + rnd(rig, 16))
			    : UINT64_MAX;
	op->n = op->want.n;
}

/* A run of pindexes: near others, often within one window. */
static inline void
pick_pindex(struct rig *rig, struct op *op)
{
	unsigned n = (unsigned)rig->md->n, windows = MODEL_PINDEXES / n;

	windows = windows < 12 ? windows : 12;
	op->pindex = rnd(rig, n * (windows - 2));
	if (rnd(rig, 3) == 0)
		op->pindex &= ~UINT64_C(7);
	op->n = 1 + (int)rnd(rig, 8);
	if (rnd(rig, 12) == 0)
		op->n = 1 + (int)rnd(rig, n + n / 4);
	if (rnd(rig, 12) == 0) {
		op->pindex -= op->pindex % n;
		op->n = (int)n;
	}
	/* Fill a gap up to the next page, or to the end of the window. */
	if (op->kind == ALLOC && rnd(rig, 5) == 0) {
		const struct model_object *ob = &rig->md->object[op->o];
		int end = (int)(op->pindex + ob->color) / (int)n * (int)n +
			  (int)n - (int)ob->color;
		int next = model_near(ob, (int)op->pindex - 1, 1);

		if (next < 0 || next > end)
			next = end;
		if (next > (int)op->pindex)
			op->n = next - (int)op->pindex;
	}
	/* Free what is there, from the first resident page on. */
	if (op->kind == FREE) {
		const int *frame = rig->md->object[op->o].frame;
		int p = (int)op->pindex, count = 0;

		if (p > 0 && frame[p] < 0)
			p = model_near(&rig->md->object[op->o], p, 1);
		if (p < 0 || rnd(rig, 50) == 0)
			return;
		while (count < op->n && p + count < MODEL_PINDEXES &&
		       frame[p + count] >= 0)
			count++;
		op->pindex = (kv_pindex_t)p;
		op->n = count != 0 ? count : 1;
	}
}

/* => false: there is nothing to do it to */
static inline bool
pick_bare_op(struct rig *rig, struct op *op)
{
	op->page = pick_bare(rig);
	if (op->page < 0)
		return false;
	if (op->kind == BARE_RUN) {
		op->n = bare_run(rig, op->page, 1 + (int)rnd(rig, 700));
		return true;
	}
	while (op->order < (int)rig->m->max_order && rnd(rig, 4) != 0 &&
	       op->page % (2 << op->order) == 0 &&
	       bare_run(rig, op->page, 2 << op->order) == 2 << op->order)
		op->order++;
	return true;
}

static inline bool
pick(struct rig *rig, struct op *op)
{
	*op = (struct op){.kind = pick_kind(rig), .want = {.align = 1}};
	op->domain = rnd(rig, rig->md->ndomains);
	op->o = (int)rnd(rig, MODEL_OBJECTS);
	op->to = (int)rnd(rig, MODEL_OBJECTS);
	op->pool = (int)rnd(rig, 2);
	op->n = 1;
	pick_pindex(rig, op);
	switch (op->kind) {
	case CONTIG:
	case CONTIG_OBJECT:
		pick_want(rig, op);
		if (op->pindex + (kv_pindex_t)op->n > MODEL_PINDEXES)
			op->pindex = 0;
		return op->n <= MODEL_PINDEXES;
	case BATCH:
		op->n = 1 + (int)rnd(rig, 300);
		return true;
	case PHYS:
		op->order = (int)rnd(rig, rig->m->max_order + 1);
		return true;
	case BARE_FREE:
	case BARE_RUN:
		return pick_bare_op(rig, op);
	case UNFREE:
		op->page = (int)rnd(rig, MODEL_PAGES);
		return rig->md->segment[op->page] >= 0;
	case RENAME:
		op->pindex = (kv_pindex_t)rig->md->n * rnd(rig, 4);
		return true;
	case LIMIT:
		op->limit = (long)rnd(rig, 3) * (long)rnd(rig, 200);
		return true;
	case TICK:
		op->n = 1 + (int)rnd(rig, 2);
		return true;
	default:
		return true;
	}
}

/* ---- Running ---------------------------------------------------------------
 */

/* Keep track of pages without an object. */
static inline void
note(struct rig *rig, const struct op *op, const struct answer *a)
{
	bool give = op->kind == BARE_FREE || op->kind == BARE_RUN;
	int n = op->kind == CONTIG ? op->n : 1;

	if (a->error != 0)
		return;
	if (op->kind == BATCH) {
		for (uint64_t i = 0; i < a->n; i++)
			rig->bare[rig->v[i]] = true;
		return;
	}
	if (op->kind == PHYS || op->kind == BARE_FREE)
		n = 1 << op->order;
	if (op->kind == BARE_RUN)
		n = op->n;
	if (give || op->kind == UNFREE || op->kind == ANON ||
	    op->kind == CONTIG || op->kind == PHYS)
		for (int i = 0; i < n; i++)
			rig->bare[op->page + i] = !give;
}

/*
 * Do the real operation with the first, second, ... allocation of metadata
 * failing, until it succeeds without meeting the failure.
 */
static inline struct answer
with_failures(struct rig *rig, const struct op *op)
{
	for (uint64_t n = 1;; n++) {
		uint64_t target = rig->host.calls + n;
		struct answer a;

		kv_host_fail_at(&rig->host, n);
		a = real(rig, op);
		kv_host_fail_at(&rig->host, 0);
		if (rig->host.calls < target)
			return a;
		RIG_CHECK(rig, a.error == ENOMEM);
		same(rig);
	}
}

/* The page that a one-page answer names, found by its hash. */
static inline int
page_of(const struct answer *a)
{
	for (int p = 0; p < MODEL_PAGES; p++) {
		struct answer b = {0, 0, 0};

		answer_add(&b, (uint64_t)p);
		if (b.sum == a->sum)
			return p;
	}
	return 0;
}

static inline void
do_both(struct rig *rig, struct op *op)
{
	struct answer got, want;

	rig->op = kind_names[op->kind];
	got = rnd(rig, 6) == 0 ? with_failures(rig, op) : real(rig, op);
	want = model_op(rig, op);
	RIG_CHECK(rig, got.error == want.error);
	RIG_CHECK(
	    rig, got.error != 0 || (got.n == want.n && got.sum == want.sum));
	if (op->kind == ANON || op->kind == CONTIG || op->kind == PHYS)
		op->page = page_of(&got);
	note(rig, op, &want);
	if (rnd(rig, 16) == 0)
		same(rig);
}

/* Leave few pages in the queues of a domain: the next ones need breaks. */
static inline void
squeeze(struct rig *rig)
{
	struct op op = {.kind = PHYS, .domain = rnd(rig, rig->md->ndomains)};
	uint64_t leave = rnd(rig, 12);

	for (;;) {
		uint64_t queued = kv_phys_queued(rig->phys, op.domain);
		struct answer a;

		if (queued <= leave ||
		    (long)kv_phys_free_count(rig->phys, op.domain) <=
			rig->md->limit[op.domain])
			return;
		op.order = 0;
		while (op.order < (int)rig->m->max_order &&
		       2u << op.order <= queued - leave)
			op.order++;
		do {
			rig->op = "squeeze";
			a = real(rig, &op);
			RIG_CHECK(rig, a.error == model_op(rig, &op).error);
		} while (a.error != 0 && op.order-- > 0);
		if (a.error != 0)
			return;
		op.page = page_of(&a);
		note(rig, &op, &a);
	}
}

static inline void
step(struct rig *rig)
{
	struct op op;

	if (rnd(rig, 150) == 0)
		squeeze(rig);
	if (pick(rig, &op))
		do_both(rig, &op);
}

#endif
