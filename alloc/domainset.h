/* SPDX-License-Identifier: BSD-2-Clause */
/* domainset.h - in which order memory domains are tried */
#ifndef KV_DOMAINSET_H
#define KV_DOMAINSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base.h"

/* ---- Create ------------------------------------------------------------ */

enum kv_domainset_policy {
	KV_DOMAINSET_PREFER,	  /* the one that is asked for, then the rest */
	KV_DOMAINSET_ROUND_ROBIN, /* in turn, whatever is asked for */
	KV_DOMAINSET_FIRST_TOUCH  /* as prefer; asked for: that of the CPU */
};

/* Generations of the iterator (domainset.c 5). */
enum kv_domainset_iterator { KV_DOMAINSET_OLD, KV_DOMAINSET_NEW };

/* Of an object: embed it.  turn is the round-robin pointer, 0 at first. */
struct kv_domainset {
	enum kv_domainset_policy policy;
	enum kv_domainset_iterator iterator;
	unsigned ndomains; /* 1 to KV_DOMAINSET_MAX */
	uint64_t turn;
};

enum { KV_DOMAINSET_MAX = 64 };

/* ---- Use --------------------------------------------------------------- */

/* Is a domain below its free minimum? */
typedef bool kv_domainset_low_fn(const void *arg, unsigned domain);

/* One walk over the domains; fields are those of domainset.c. */
struct kv_domainset_walk {
	struct kv_domainset *set;
	kv_domainset_low_fn *low;
	const void *arg;
	unsigned first;	  /* asked for */
	unsigned pass;	  /* 0, 1; 2: over */
	unsigned step;	  /* of the pass */
	uint64_t skipped; /* bit d: domain d was below its minimum */
};

/* Begin; first counts for all policies but round robin. */
void kv_domainset_start(struct kv_domainset *set, unsigned first,
    kv_domainset_low_fn *low, const void *arg, struct kv_domainset_walk *walk);

/* The next domain to try.  => false: there is none left */
bool kv_domainset_next(struct kv_domainset_walk *walk, unsigned *domain);

#endif
