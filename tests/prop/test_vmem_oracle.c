/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vmem_oracle.c - arenas against a model of arrays and linear scans
 *
 * The model is written from freebsd.md 1 alone: the segment list is an array,
 * each of the 90 free lists is an array with its head last, nothing is hashed
 * or cached.  Random operations run on a chain of three arenas, in Kvasir and
 * in the model; answers, statistics, the segment list and the order of all
 * classes must agree.  They are compared after each operation, or, so that
 * releases can be put off, after one in sixteen.  A failing sequence is halved
 * until no part of it can be left out, then printed.
 *
 * KV_SEED=N runs one seed; otherwise seeds 1 to SEEDS.
 */
#include <stdlib.h>

#include "alloc/arena.h"
#include "kvtest.h"
#include "vmemmodel.h"

enum { SEEDS = 48, OPS = 3000, LIVE = 4096, ARENAS = 3 };

/* ---- Random numbers (freebsd.md 8.2) ------------------------------------ */

static uint64_t
rnd(uint64_t *x, uint64_t below)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*x >> 33) % below;
}

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

static struct kv_vmem_req
random_request(uint64_t *x, bool constrained, bool narrow)
{
	static const uint64_t most[] = {4, 40, 64, 200};
	struct kv_vmem_req rq = {.size = (1 + rnd(x, most[rnd(x, 4)])) * Q,
	    .fit = (enum kv_vmem_fit)rnd(x, 3)};

	rq.size = (narrow ? 32 + rnd(x, 32) : 1 + rnd(x, most[rnd(x, 4)])) * Q;
	if (!constrained)
		return rq;
	if (rnd(x, 2) != 0)
		rq.align = Q << rnd(x, 6);
	if (rq.align != 0 && rnd(x, 2) != 0)
		rq.phase = rnd(x, rq.align / Q) * Q;
	if (rnd(x, 3) == 0)
		rq.nocross = Q << (3 + rnd(x, 6));
	if (rq.fit != KV_VMEM_NEXTFIT && rnd(x, 3) == 0) {
		rq.min = rnd(x, 1 << 14) * Q;
		rq.max = rq.min + rnd(x, 1 << 14) * Q;
	}
	return rq;
}

static unsigned
random_arena(uint64_t *x)
{
	static const unsigned arena[] = {0, 1, 1, 1, 2, 2, 2, 2};

	return arena[rnd(x, 8)];
}

/* Mostly the same block comes and goes in the last arena. */
static void
quiet_ops(uint64_t seed, struct op *ops, int n)
{
	uint64_t x = seed, size = 1 + rnd(&x, 12);
	uint64_t strange = 16 + rnd(&x, 100);

	for (int i = 0; i < n; i++) {
		struct op *op = &ops[i];

		*op = (struct op){.arena = 2};
		op->pick = rnd(&x, UINT64_C(1) << 31);
		op->what = rnd(&x, 100) < 52 ? FREE : ALLOC;
		op->rq.size = size * Q;
		op->rq.fit = KV_VMEM_BESTFIT;
		if (i == 0) {
			op->what = ADD;
			op->arena = 0;
			op->rq.size = 4000 * Q;
		} else if (rnd(&x, strange) == 0) {
			op->arena = random_arena(&x);
			op->rq = random_request(&x, false, false);
		} else if (op->what == ALLOC && rnd(&x, 16) == 0) {
			op->what = XALLOC;
			op->rq.align = Q << rnd(&x, 2);
		}
	}
}

/* Phases of growth, churn and decay.  Every other seed keeps to one range
 * class, whose list becomes long: a log, and a list again. */
static void
random_ops(uint64_t seed, struct op *ops, int n)
{
	static const uint64_t percent[] = {20, 50, 75};
	bool narrow = seed % 2 != 0;
	uint64_t x = seed;

	for (int i = 0; i < n; i++) {
		uint64_t frees = percent[i / 500 % 3];
		struct op *op = &ops[i];

		*op = (struct op){.what = ADD, .arena = random_arena(&x)};
		op->pick = rnd(&x, UINT64_C(1) << 31);
		if (i == 0 || rnd(&x, 400) == 0) {
			op->arena = i == 0 ? 0 : op->arena;
			op->rq.size = (1 + rnd(&x, 400)) * Q;
			if (i == 0)
				op->rq.size = (narrow ? 40000 : 4000) * Q;
			/* now and then not next to the one before */
			op->rq.phase = rnd(&x, 2) * 64 * Q;
		} else if (rnd(&x, 100) < frees) {
			op->what = FREE;
		} else {
			op->what = rnd(&x, 3) == 0 ? XALLOC : ALLOC;
			op->rq = random_request(&x, op->what == XALLOC, narrow);
		}
	}
}

/* ---- Both
 * -------------------------------------------------------------------- */

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

static int
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

static bool
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

static bool
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

static bool
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

static void
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

static void
run_close(struct run *r)
{
	for (int i = ARENAS - 1; i >= 0; i--) {
		kv_vmem_destroy(r->vm[i]);
		model_destroy(r->model[i]);
		free(r->live[i]);
	}
	ck_assert_uint_eq(r->host.bytes, 0);
}

static bool
same_everywhere(struct run *r, const struct op *op)
{
	unsigned first = (unsigned)op->pick % ARENAS;

	for (unsigned i = 0; i < ARENAS; i++)
		if (!same_arena(r, (first + i) % ARENAS))
			return false;
	return true;
}

/* => the number of the operation that went wrong, or n */
static int
run_ops(const struct shape *shape, const struct op *ops, int n,
    unsigned *parked, char *why)
{
	struct run r;
	int i;

	run_open(&r, shape);
	for (i = 0; i < n; i++) {
		bool look = !shape->quiet || ops[i].pick / ARENAS % 16 == 0 ||
			    i + 1 == n;

		if (!do_op(&r, &ops[i]))
			break;
		for (unsigned j = 0; j < ARENAS; j++)
			r.parked[j] += r.vm[j]->parked != BT_NONE;
		if (look && !same_everywhere(&r, &ops[i]))
			break;
	}
	memcpy(why, r.why, sizeof(r.why));
	memcpy(parked, r.parked, sizeof(r.parked));
	run_close(&r);
	return i;
}

/* ---- Failures, made small -------------------------------------------------
 */

/* Leave out ever smaller parts as long as it still fails.  => what is left */
static int
minimise(const struct shape *shape, struct op *ops, int n, char *why)
{
	struct op *less = malloc((size_t)n * sizeof(*less));
	unsigned parked[ARENAS];

	ck_assert_ptr_nonnull(less);
	for (int part = n / 2; part > 0; part /= 2)
		for (int at = 0; at + part <= n;) {
			int bad, rest = n - part;

			memcpy(less, ops, (size_t)at * sizeof(*ops));
			memcpy(less + at, ops + at + part,
			    (size_t)(rest - at) * sizeof(*ops));
			bad = run_ops(shape, less, rest, parked, why);
			if (bad == rest) {
				at += part;
				continue;
			}
			n = bad + 1;
			memcpy(ops, less, (size_t)n * sizeof(*ops));
		}
	free(less);
	run_ops(shape, ops, n, parked, why);
	return n;
}

static void
print_op(const struct op *op)
{
	static const char *const name[] = {"alloc", "xalloc", "free", "add"};

	printf("%s %u size %llu align %llu phase %llu nocross %llu min %llu "
	       "max %llu fit %d pick %llu\n",
	    name[op->what], op->arena, (unsigned long long)(op->rq.size / Q),
	    (unsigned long long)(op->rq.align / Q),
	    (unsigned long long)(op->rq.phase / Q),
	    (unsigned long long)(op->rq.nocross / Q),
	    (unsigned long long)(op->rq.min / Q),
	    (unsigned long long)(op->rq.max / Q), (int)op->rq.fit,
	    (unsigned long long)op->pick);
}

static void
try_seed(uint64_t seed)
{
	static const struct shape shapes[] = {
	    {{{0}, {1 * Q, 0, false}, {8 * Q, 0, false}}, false},
	    {{{0}, {64 * Q, 0, false}, {35 * Q, 8 * Q, false}}, false},
	    {{{0}, {7 * Q, 0, false}, {7 * Q, 0, true}}, false},
	    {{{0}, {32 * Q, 16 * Q, false}, {1 * Q, 0, false}}, false},
	    {{{0}, {16 * Q, 0, true}, {40 * Q, 8 * Q, false}}, false},
	    {{{0}, {511 * Q, 512 * Q, true}, {48 * Q, 0, false}}, false},
	    {{{0}, {1 * Q, 0, false}, {8 * Q, 0, false}}, true},
	    {{{0}, {16 * Q, 16 * Q, false}, {80 * Q, 16 * Q, false}}, true},
	    {{{0}, {64 * Q, 0, false}, {35 * Q, 8 * Q, false}}, true},
	    {{{0}, {16 * Q, 0, true}, {40 * Q, 8 * Q, false}}, true},
	    {{{0}, {7 * Q, 0, false}, {12 * Q, 4 * Q, false}}, true},
	    {{{0}, {64 * Q, 0, false}, {20 * Q, 0, true}}, true},
	};
	const struct shape *shape = &shapes[seed % 12];
	struct op *ops = malloc(OPS * sizeof(*ops));
	unsigned parked[ARENAS];
	char why[200];
	int n;

	ck_assert_ptr_nonnull(ops);
	(shape->quiet ? quiet_ops : random_ops)(seed, ops, OPS);
	n = run_ops(shape, ops, OPS, parked, why);
	if (n != OPS) {
		n = minimise(shape, ops, n + 1, why);
		printf("seed %llu, shape %u\n", (unsigned long long)seed,
		    (unsigned)(seed % 12));
		for (int i = 0; i < n; i++)
			print_op(&ops[i]);
		fflush(stdout); /* the abort ends the process */
		ck_abort_msg("seed %llu: %s", (unsigned long long)seed, why);
	}
	/* the chain was put to the test in vain otherwise */
	if (shape->quiet && !shape->of[2].keep)
		ck_assert_uint_gt(parked[2] + parked[1], 25);
	free(ops);
}

START_TEST(same_as_the_model)
{
	const char *seed = getenv("KV_SEED");

	if (seed != NULL)
		try_seed((uint64_t)strtoull(seed, NULL, 0));
	else
		try_seed((unsigned)_i);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vmem oracle");
	TCase *t = tcase_create("random operations");

	tcase_add_loop_test(
	    t, same_as_the_model, 1, getenv("KV_SEED") != NULL ? 2 : SEEDS + 1);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
