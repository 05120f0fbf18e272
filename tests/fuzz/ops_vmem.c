/* SPDX-License-Identifier: BSD-2-Clause */
/* ops_vmem.c - operations on a chain of arenas, and on the model of arrays */
#define KV_MODEL_SEGS 1024
#include <inttypes.h>

#include "fuzz.h"
#include "prop/vmemops.h"

enum { OPS_MAX = 150 };

struct bytes {
	const uint8_t *at, *end;
};

/* ---- As a scenario ---------------------------------------------------- */

/* What the blocks are called, in the order of the run's. */
static unsigned names[ARENAS][LIVE + 1], nnames;

static void
tell_arenas(const struct shape *shape)
{
	nnames = 0;
	fuzz_tell_anew();
	fuzz_tell("arenas:\n  a0: {quantum: %" PRIu64 "}\n", Q);
	for (int i = 1; i < ARENAS; i++)
		fuzz_tell("  a%d: {parent: a%d, quantum: %" PRIu64
			  ", import_quantum: "
			  "%" PRIu64 ", import_align: %" PRIu64
			  ", release: %s}\n",
		    i, i - 1, Q, shape->of[i].iq, shape->of[i].ialign,
		    shape->of[i].keep ? "no" : "yes");
	fuzz_tell("work:\n");
}

static void
tell_alloc(const struct op *op)
{
	static const char *const fits[] = {[KV_VMEM_BESTFIT] = "bestfit",
	    [KV_VMEM_FIRSTFIT] = "firstfit",
	    [KV_VMEM_NEXTFIT] = "nextfit"};
	const struct kv_vmem_req *rq = &op->rq;
	const struct {
		const char *key;
		uint64_t value;
	} limits[] = {{"align", rq->align}, {"phase", rq->phase},
	    {"nocross", rq->nocross}, {"min", rq->min}, {"max", rq->max}};

	fuzz_tell("  - alloc: {arena: a%u, size: %" PRIu64
		  ", as: block%u, fit: %s",
	    op->arena, rq->size, ++nnames, fits[rq->fit]);
	for (size_t i = 0; op->what == XALLOC && i < 5; i++)
		if (limits[i].value != 0)
			fuzz_tell(
			    ", %s: %" PRIu64, limits[i].key, limits[i].value);
	fuzz_tell("%s}\n", op->what == XALLOC ? ", qcache: no" : "");
}

/* Before it is done; what is refused is no line of a scenario. */
static void
tell(const struct run *r, const struct op *op)
{
	unsigned i = op->arena;
	int n = r->nlive[i];

	if (op->what == ADD)
		fuzz_tell("  - add: {arena: a%u, base: %" PRIu64
			  ", size: %" PRIu64 "}\n",
		    i, (r->add_at + op->rq.phase), op->rq.size);
	else if (op->what == FREE && n != 0)
		fuzz_tell("  - free: {name: block%u}\n",
		    names[i][op->pick % (uint64_t)n]);
	else if (op->what != FREE && n != LIVE &&
		 kv_vmem_req_check(r->vm[i], &op->rq, NULL) == 0)
		tell_alloc(op);
}

/* do_op, and who is called what then. */
static bool
do_told(struct run *r, const struct op *op)
{
	unsigned i = op->arena;
	int n = r->nlive[i];
	bool ok;

	tell(r, op);
	ok = do_op(r, op);
	if (r->nlive[i] > n)
		names[i][n] = nnames;
	else if (r->nlive[i] < n)
		names[i][op->pick % (uint64_t)n] = names[i][n - 1];
	return ok;
}

/* ---- Operations ------------------------------------------------------ */

static uint64_t
take(struct bytes *b, uint64_t below)
{
	uint64_t value = 0, most = below - 1;

	for (; most != 0; most >>= 8)
		value = value << 8 | (b->at < b->end ? *b->at++ : 0);
	return value % below;
}

static struct shape
take_shape(struct bytes *b)
{
	static const uint64_t quanta[] = {1, 7, 8, 16, 32, 35, 64, 511};
	static const uint64_t aligns[] = {0, 1, 8, 16, 512};
	struct shape shape = {.quiet = take(b, 2) != 0};

	for (int i = 1; i < ARENAS; i++) {
		shape.of[i].iq = quanta[take(b, 8)] * Q;
		shape.of[i].ialign = aligns[take(b, 5)] * Q;
		shape.of[i].keep = take(b, 2) != 0;
	}
	return shape;
}

static struct kv_vmem_req
take_request(struct bytes *b, bool constrained)
{
	uint64_t flags = constrained ? take(b, 32) : 0;
	struct kv_vmem_req rq = {.size = (1 + take(b, 256)) * Q,
	    .fit = (enum kv_vmem_fit)take(b, 3)};

	if ((flags & 1) != 0)
		rq.align = Q << take(b, 6);
	if ((flags & 2) != 0 && rq.align != 0)
		rq.phase = take(b, rq.align / Q) * Q;
	if ((flags & 4) != 0)
		rq.nocross = Q << (3 + take(b, 6));
	if ((flags & 8) != 0 && rq.fit != KV_VMEM_NEXTFIT) {
		rq.min = take(b, 1 << 13) * Q;
		rq.max = rq.min + take(b, 1 << 13) * Q;
	}
	return rq;
}

static struct op
take_op(struct bytes *b)
{
	uint64_t what = take(b, 16);
	struct op op = {.arena = (unsigned)take(b, ARENAS)};

	if (what < 6) {
		op.what = FREE;
		op.pick = take(b, 256);
	} else if (what == 6) {
		op.what = ADD;
		op.rq.size = (1 + take(b, 512)) * Q;
		op.rq.phase = take(b, 2) * 64 * Q;
	} else {
		op.what = what < 12 ? ALLOC : XALLOC;
		op.rq = take_request(b, op.what == XALLOC);
		op.pick = take(b, 64);
	}
	return op;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = {data, data + size};
	struct shape shape = take_shape(&b);
	static struct run r;

	fuzz_start();
	tell_arenas(&shape);
	run_open(&r, &shape);
	for (int i = 0; i < OPS_MAX && b.at < b.end; i++) {
		struct op op = take_op(&b);

		ck_assert_msg(do_told(&r, &op), "%s", r.why);
		if (!shape.quiet || op.pick % 16 == 0 || b.at == b.end)
			ck_assert_msg(same_everywhere(&r, &op), "%s", r.why);
	}
	run_close(&r);
	return 0;
}
