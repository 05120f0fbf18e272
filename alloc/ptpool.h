/* SPDX-License-Identifier: BSD-2-Clause */
/* ptpool.h - page-table pools: a bounded range that tables are drawn from */
#ifndef KV_PTPOOL_H
#define KV_PTPOOL_H

#include "base.h"
#include "host.h"

struct kv_ptpool; /* pages from base on, each for one table */

/* ---- Create ------------------------------------------------------------ */

/* What becomes of tables without need. */
enum kv_ptpool_reclaim {
	KV_PTPOOL_NONE,	   /* a bump pointer: no page ever comes back */
	KV_PTPOOL_EMPTY,   /* an empty table of the lowest level comes back */
	KV_PTPOOL_PROMOTE, /* and one whose entries make one block */
	KV_PTPOOL_RECLAIMS
};

/* Whose a page is. */
enum kv_ptpool_scope {
	KV_PTPOOL_SPACE,    /* an address space: id is its number */
	KV_PTPOOL_TEMPLATE, /* tables that spaces share: id is its number */
	KV_PTPOOL_GLOBAL,   /* nobody's in particular */
	KV_PTPOOL_SCOPES
};

/* Depths of a table: 0 is a root, each level below it one more.  A page that
 * is no table has a depth of its own. */
enum { KV_PTPOOL_OTHER = 7, KV_PTPOOL_DEPTHS };

struct kv_ptpool_config {
	const char *name; /* outlives the pool */
	kv_pa_t base;	  /* of the first page, a multiple of a page */
	unsigned page_shift;
	uint64_t capacity;		/* pages, > 0 */
	enum kv_ptpool_reclaim reclaim; /* the user of the tables acts on it */
	uint64_t reserve; /* pages that only urgent draws get; <= capacity */
	unsigned warn;	  /* percent of capacity; 0 = never, at most 100 */
	uint64_t race; /* this draw, from 1, gets the page of the one before, as
			  when two CPUs read the pointer at once; 0 = none */
	struct kv_host *host;
};

/* => 0; EINVAL (see above; ends past 2^64); ENOMEM */
int kv_ptpool_create(
    const struct kv_ptpool_config *cfg, struct kv_ptpool **pool);
void kv_ptpool_destroy(struct kv_ptpool *pool);

/* ---- Use --------------------------------------------------------------- */

/* Who asks, and for what. */
struct kv_ptpool_page {
	enum kv_ptpool_scope scope;
	uint32_t id;
	unsigned depth; /* of the table; KV_PTPOOL_OTHER: none */
};

/* A page; urgent: out of the reserve, if need be.
 * => 0; ENOMEM: no page left for it, or no metadata; counted */
int kv_ptpool_get(struct kv_ptpool *pool, const struct kv_ptpool_page *want,
    bool urgent, kv_pa_t *pa);

/* A page that is no table any more.  Without reclaim it is used up: it counts
 * as used until a reset.
 * => 0; EINVAL and *diag (which may be NULL): no page that is in use */
int kv_ptpool_put(struct kv_ptpool *pool, kv_pa_t pa, struct kv_diag *diag);

/* All pages come back at once (exec, fork): the tables must be gone.  What was
 * ever drawn is cleared. */
void kv_ptpool_reset(struct kv_ptpool *pool);

/* A pool becomes like another one as far as that was ever drawn, page by page
 * from its base on; whose pages they are: id's, but for nobody's.
 * => 0; EINVAL (pages of another size); ENOSPC (it is too small); ENOMEM */
int kv_ptpool_copy(
    struct kv_ptpool *pool, const struct kv_ptpool *from, uint32_t id);

/* ---- Inspect ----------------------------------------------------------- */

struct kv_ptpool_stats {
	uint64_t capacity, used, free, peak; /* pages; peak: most used */
	uint64_t touched; /* pages that were ever drawn, since the reset */
	uint64_t draws;	  /* since it was created */
	uint64_t drawn;	  /* since the reset; copied ones too */
	uint64_t resets;
	uint64_t cleared;  /* pages, by resets */
	uint64_t copied;   /* pages, from other pools */
	uint64_t failures; /* draws that got none */
	uint64_t urgent;   /* draws that only the reserve could serve */
	uint64_t returns;
	uint64_t warn_at; /* the draw that first passed warn; 0: none has */
	uint64_t depth[KV_PTPOOL_DEPTHS]; /* pages in use, by depth */
	uint64_t scope[KV_PTPOOL_SCOPES]; /* likewise, by owner */
};
struct kv_ptpool_stats kv_ptpool_stats(const struct kv_ptpool *pool);
const struct kv_ptpool_config *kv_ptpool_config(const struct kv_ptpool *pool);

/* What a page is used for.  => 0; ENOENT: not in use, or none of the pool's */
int kv_ptpool_whatis(
    const struct kv_ptpool *pool, kv_pa_t pa, struct kv_ptpool_page *page);

/* Visit the pages in use in order of address; cb's not 0 ends it.
 * => what the last cb returned, 0 without pages */
typedef int kv_ptpool_walk_fn(
    void *arg, kv_pa_t pa, const struct kv_ptpool_page *page);
int kv_ptpool_walk(
    const struct kv_ptpool *pool, kv_ptpool_walk_fn *cb, void *arg);

/* Invariants of ptpool.c.  => 0; EFAULT and *diag */
int kv_ptpool_check(const struct kv_ptpool *pool, struct kv_diag *diag);

#endif
