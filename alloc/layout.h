/* SPDX-License-Identifier: BSD-2-Clause */
/* layout.h - address-space planner: regions from anchors and sizes, checked */
#ifndef KV_LAYOUT_H
#define KV_LAYOUT_H

#include "base.h"
#include "host.h"

struct kv_layout;

/* ---- Create ------------------------------------------------------------ */

/* An empty plan.  host must outlive it.  => 0; ENOMEM */
int kv_layout_create(struct kv_host *host, struct kv_layout **layout);
void kv_layout_destroy(struct kv_layout *layout);

/* All regions are to lie in [base, base + size), which may end at 2^64.
 * => 0; EINVAL: no bytes, or beyond 2^64 */
int kv_layout_set_window(struct kv_layout *layout, kv_va_t base, uint64_t size);

/* ---- Use --------------------------------------------------------------- */

enum kv_region_anchor {
	KV_REGION_UP,	/* from base, size bytes upwards */
	KV_REGION_DOWN, /* from end, size bytes downwards */
	KV_REGION_SPAN	/* from base to end, wherever they are */
};

/* A region to place; zero means "no such constraint". */
struct kv_region_req {
	const char *name; /* not owned; outlives the plan */
	enum kv_region_anchor anchor;
	kv_va_t base;  /* of UP and SPAN */
	kv_va_t end;   /* of DOWN and SPAN; 0 is 2^64 */
	uint64_t size; /* bytes, of UP and DOWN */
	/* The base, in this order: kept within min and max, then rounded to
	 * align, away from the anchor. */
	kv_va_t min, max;
	uint64_t align; /* a power of two */
};

/* What arithmetic modulo 2^64 did to it. */
enum {
	KV_REGION_WRAPS = 1,	/* runs through 2^64, or through 0 downwards */
	KV_REGION_NEGATIVE = 2, /* ends before it starts: SPAN only */
	KV_REGION_CLAMPED = 4	/* min or max moved its base */
};

struct kv_region {
	const char *name;
	kv_va_t base, end; /* end = base + size modulo 2^64 */
	uint64_t size;	   /* NEGATIVE: modulo 2^64 too */
	unsigned flags;	   /* KV_REGION_* */
};

/* Place one more region; it is number kv_layout_count() then.
 * => 0; EINVAL (align, min above max); ENOMEM */
int kv_layout_place(struct kv_layout *layout, const struct kv_region_req *req);

/* ---- Inspect ----------------------------------------------------------- */

/* Regions placed so far. */
size_t kv_layout_count(const struct kv_layout *layout);

/* Region i below the count, in order of arrival; valid until the next one is
 * placed. */
const struct kv_region *kv_layout_region(
    const struct kv_layout *layout, size_t i);

/* => the region of that name, or NULL */
const struct kv_region *kv_layout_find(
    const struct kv_layout *layout, const char *name);

/* What is wrong with a plan. */
enum kv_layout_wrong {
	KV_LAYOUT_WRAPS,
	KV_LAYOUT_NEGATIVE,
	KV_LAYOUT_OUTSIDE, /* of the window */
	KV_LAYOUT_OVERLAP  /* of a and b: size bytes */
};

struct kv_layout_fault {
	enum kv_layout_wrong wrong;
	const struct kv_region *a, *b; /* b: OVERLAP only */
	kv_va_t address;	       /* where it begins */
	uint64_t size;		       /* bytes that are shared, or outside */
};

/* Visit the faults by region, then those of pairs; cb's not 0 ends it.
 * => what the last cb returned, 0 without faults */
typedef int kv_layout_fault_fn(void *arg, const struct kv_layout_fault *fault);
int kv_layout_walk_faults(
    const struct kv_layout *layout, kv_layout_fault_fn *cb, void *arg);

/* The first fault, if any.  => 0; EFAULT and *diag */
int kv_layout_check(const struct kv_layout *layout, struct kv_diag *diag);

struct kv_layout_stats {
	size_t regions;
	size_t clamped;		/* regions whose base was moved */
	size_t wraps, negative; /* regions */
	size_t outside;		/* regions, of the window */
	size_t overlaps;	/* pairs of regions that share a byte */
	uint64_t overlap_size;	/* bytes, summed over the pairs */
};
struct kv_layout_stats kv_layout_stats(const struct kv_layout *layout);

/* One region in two plans, found by its name. */
struct kv_layout_change {
	const struct kv_region *from, *to; /* NULL: not in that plan */
	int64_t moved; /* bytes from base to base, when in both */
	int64_t grown; /* bytes of size, when in both */
};

/* Visit the regions of `to`, then those of `from` alone; cb's not 0 ends it.
 * => what the last cb returned, 0 without regions */
typedef int kv_layout_change_fn(
    void *arg, const struct kv_layout_change *change);
int kv_layout_diff(const struct kv_layout *from, const struct kv_layout *to,
    kv_layout_change_fn *cb, void *arg);

#endif
