/* SPDX-License-Identifier: BSD-2-Clause */
/* verify_parts.h - what verify.c and verify_touch.c share */
#ifndef KV_SIM_VERIFY_PARTS_H
#define KV_SIM_VERIFY_PARTS_H

#include "run/rng.h"
#include "run/verify.h"
#include "run/wanted.h"

enum { HELD_MAX = 64 };

/* Pages drawn from all, to be touched last. */
struct held {
	kv_va_t pages[HELD_MAX]; /* ascending, addresses in a page */
	size_t count, next;
};

/* Figures of all points. */
struct totals {
	uint64_t points, pages, guards, gaps;
};

/* A space and the machines that map it. */
struct side {
	struct kv_pair *pair; /* NULL: not opened yet */
	struct kv_backing backing;
	struct kv_wanted wanted; /* guards; leaves went to the pair */
};

struct kv_verifier {
	struct kv_verify_config cfg;
	struct kv_rng rng;
	struct side *sides; /* in order of spaces */
	size_t nsides;
	const char *alone; /* why there is no real machine; NULL: nothing */
	/* of the side that is being verified */
	const struct kv_world *w;
	size_t space;
	struct side *side;
	struct held held;
	uint64_t stride;       /* bytes, in leaves above base pages */
	bool counting;	       /* pages that are touched */
	enum kv_access access; /* of writable pages and guards */
	struct totals totals;
	bool gathered;	     /* the host has all that is mapped in huge pages */
	struct kv_diag diag; /* of the first disagreement; text NULL: none */
	char words[500];
};

/* Touch what the side maps and what it must not map, then look at the tables.
 * => 0; EFAULT: the pair of the side knows */
int kv_verify_side(struct kv_verifier *v, const struct kv_verify_point *point);

#endif
