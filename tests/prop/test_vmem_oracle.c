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

#include "kvtest.h"
#include "vmemops.h"

enum { SEEDS = 48, OPS = 3000 };

/* ---- Random numbers (freebsd.md 8.2) ------------------------------------ */

static uint64_t
rnd(uint64_t *x, uint64_t below)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*x >> 33) % below;
}

/* ---- Choosing --------------------------------------------------------- */

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

/* ---- Running ---------------------------------------------------------- */

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
