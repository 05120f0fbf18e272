/* SPDX-License-Identifier: BSD-2-Clause */
/* ops_vmem.c - operations on a chain of arenas, and on the model of arrays */
#define KV_MODEL_SEGS 1024
#include "fuzz.h"
#include "prop/vmemops.h"

enum { OPS_MAX = 150 };

struct bytes {
	const uint8_t *at, *end;
};

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
	run_open(&r, &shape);
	for (int i = 0; i < OPS_MAX && b.at < b.end; i++) {
		struct op op = take_op(&b);

		ck_assert_msg(do_op(&r, &op), "%s", r.why);
		if (!shape.quiet || op.pick % 16 == 0 || b.at == b.end)
			ck_assert_msg(same_everywhere(&r, &op), "%s", r.why);
	}
	run_close(&r);
	return 0;
}
