/* SPDX-License-Identifier: BSD-2-Clause */
/* ops.h - a trace as an array of operations, ready to be timed */
#ifndef KV_BENCH_OPS_H
#define KV_BENCH_OPS_H

#include "alloc/vmem.h"

/* Of operations on pages: their size, and their `arena`. */
enum { OPS_PAGE = 4096, OPS_RAW = 0, OPS_OBJECT = 1 };

enum op_kind { OP_ALLOC, OP_XALLOC, OP_FREE };

struct op {
	uint32_t slot; /* where the address is kept: dense, reused */
	uint8_t kind, arena;
	uint8_t fit;
	uint64_t size;
	uint32_t req; /* xalloc: index into reqs */
};

struct arena_spec { /* an `arena` line */
	char name[16];
	uint64_t base, size, quantum;
	int parent; /* -1: a root */
	uint64_t import_quantum, import_align, kpages, origin;
	uint64_t extra[2][2]; /* `add` lines: base, size */
	unsigned nextra;
};

struct ops {
	struct op *op;
	size_t count, capacity;
	size_t fill; /* the first so many are not timed */
	uint32_t slots;
	struct kv_vmem_req *req;
	size_t nreqs, reqs_capacity;
	struct arena_spec arena[16];
	unsigned narenas;
};

/* Read a vmem trace.  Exits with a message when it cannot. */
void ops_read(struct ops *ops, const char *path);

/* FreeBSD's chain for 4 + 1 pages: `live` stacks, then `pairs` times a
 * uniformly random one is freed and one allocated. */
void ops_churn(struct ops *ops, uint32_t live, uint32_t pairs);

/* One page is allocated and freed, `pairs` times. */
void ops_page_pair(struct ops *ops, uint32_t pairs);

/* `live` pages, then `pairs` times a random one is freed and one allocated. */
void ops_page_churn(struct ops *ops, uint32_t live, uint32_t pairs);

/* An object gets `npages` pages in order and loses them in order. */
void ops_object_fill(struct ops *ops, uint32_t npages, uint32_t times);

/* Of `slots` stacks of 4 pages in an object `live` have their pages; `pairs`
 * times a random one loses them and a random other slot gets its own. */
void ops_object_churn(
    struct ops *ops, uint32_t live, uint32_t slots, uint32_t pairs);

#endif
