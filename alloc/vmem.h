/* SPDX-License-Identifier: BSD-2-Clause */
/* vmem.h - arenas: spans, boundary tags, quantum, import and release */
#ifndef KV_VMEM_H
#define KV_VMEM_H

#include "base.h"
#include "event.h"
#include "host.h"

struct kv_vmem;

/* ---- Create ---------------------------------------------------------- */

enum kv_vmem_fit { /* FreeBSD M_BESTFIT, M_FIRSTFIT, M_NEXTFIT */
	KV_VMEM_BESTFIT,
	KV_VMEM_FIRSTFIT, /* instant fit: heads of the classes only */
	KV_VMEM_NEXTFIT,
	KV_VMEM_INSTANTFIT /* with pow2; without it, as FIRSTFIT */
};

struct kv_vmem_config {
	const char *name;     /* outlives the arena; used in events */
	uint64_t quantum;     /* bytes, a power of two */
	uint64_t qcache_max;  /* bytes, multiple of quantum; 0 = no caches */
	bool pow2;	      /* the other dialect of lists and fits, see
				 vmem_pow2.c; quantum at least 64 */
	bool relist;	      /* what next fit merges goes to its class;
				 FreeBSD leaves it (freebsd-F23) */
	bool stale;	      /* that fault, with relist: the check tells */
	struct kv_host *host; /* metadata; outlives the arena */
	struct kv_tap tap;    /* listener, may be {0} */
};

/*
 * Get size bytes from the source; the fit of the request travels along.
 * => 0 and *va, *got (>= size, what the span covers), or an errno.
 */
typedef int kv_vmem_import_fn(
    void *arg, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va, uint64_t *got);

/* Hand a span back to the source, exactly as imported.  => 0 or an errno */
typedef int kv_vmem_release_fn(
    void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag);

/*
 * Where a span comes from when the source is an arena: import then is one
 * request to it, for that size and alignment, and release frees that block.
 * Tells how: an arena that knows puts releases off (see vmem_park.c).
 */
struct kv_vmem_block {
	struct kv_vmem *vm;
	kv_va_t va;
	uint64_t size, align; /* bytes */
};
typedef void kv_vmem_block_fn(
    void *arg, kv_va_t va, uint64_t size, struct kv_vmem_block *block);

struct kv_vmem_source {
	kv_vmem_import_fn *import;
	kv_vmem_release_fn *release; /* NULL: spans are kept and joined */
	kv_vmem_block_fn *block;     /* NULL: the source is no arena */
	void *arg;		     /* handed to all */
	uint64_t import_quantum;     /* imported sizes are multiples; > 0 */
};

/* => 0, EINVAL (quantum or qcache_max not legal), ENOMEM */
int kv_vmem_create(const struct kv_vmem_config *cfg, struct kv_vmem **vm);

/*
 * Frees the metadata.  Imported spans are not handed back.  Importing arenas
 * must be destroyed before their source.
 */
void kv_vmem_destroy(struct kv_vmem *vm);

/* Add the static span [va, va + size), multiples of the quantum; the end may
 * be 2^64.  => 0, EINVAL, ENOMEM.  Spans of one arena must not overlap; that
 * is the caller's to ensure (kv_vmem_check finds it). */
int kv_vmem_add(struct kv_vmem *vm, kv_va_t va, uint64_t size);

/* The arena must be empty.  => 0, EINVAL, EBUSY */
int kv_vmem_set_source(struct kv_vmem *vm, const struct kv_vmem_source *src);

/* Most bytes that the arena may cover; 0 = no limit (vmem_set_limit). */
void kv_vmem_set_limit(struct kv_vmem *vm, uint64_t bytes);

/* Items that a quantum-cache miss imports; 1 by default, at least 1. */
void kv_vmem_set_qcache_batch(struct kv_vmem *vm, uint64_t items);

/* ---- Use ------------------------------------------------------------- */

/* A request; zero means "no such constraint" (max 0 = no upper limit). */
struct kv_vmem_req {
	uint64_t size;	  /* bytes, > 0; rounded up to the quantum */
	uint64_t align;	  /* power of two and multiple of the quantum */
	uint64_t phase;	  /* offset from align; < align */
	uint64_t nocross; /* the block lies in one nocross-aligned window */
	kv_va_t min;	  /* lowest byte, inclusive */
	kv_va_t max;	  /* highest byte, inclusive */
	enum kv_vmem_fit fit;
};

/* Does the request keep the rules that FreeBSD asserts?  => 0 or EINVAL */
int kv_vmem_req_check(const struct kv_vmem *vm, const struct kv_vmem_req *req,
    struct kv_diag *diag);

/*
 * Constrained allocation, past the quantum caches; never sleeps.
 * => 0; EINVAL (see req_check); ENOMEM (no block, or where the real code
 *    would loop for ever or run out of tags: spec "defects")
 */
int kv_vmem_xalloc(
    struct kv_vmem *vm, const struct kv_vmem_req *req, kv_va_t *va);

/*
 * Free what xalloc gave, with the size that was asked for.
 * => 0; ENOENT with a diagnosis: FreeBSD panics with "bt != NULL";
 *    EINVAL: the size differs.  Nothing changes then.
 */
int kv_vmem_xfree(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag);

/* Unconstrained, through the quantum cache when size <= qcache_max. */
int kv_vmem_alloc(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va);
int kv_vmem_free(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag);

/* ---- Inspect --------------------------------------------------------- */

struct kv_vmem_stats {	  /* names after FreeBSD's and illumos' counters */
	uint64_t size;	  /* bytes of all spans */
	uint64_t inuse;	  /* bytes of all busy segments */
	uint64_t maxfree; /* lower bound of the highest class in use */
	uint64_t nbusy, nfree, nspan; /* boundary tags by kind */
	uint64_t alloc, free, fail;   /* calls that ended so */
	uint64_t import, release;     /* spans in and out */
};

struct kv_vmem_stats kv_vmem_stats(const struct kv_vmem *vm);

/* Bytes of the largest free segment, by walking them all; 0 = none. */
uint64_t kv_vmem_largest_free(const struct kv_vmem *vm);
const char *kv_vmem_name(const struct kv_vmem *vm);
/* Its listener, for those who tell of it. */
const struct kv_tap *kv_vmem_tap(const struct kv_vmem *vm);
uint64_t kv_vmem_quantum(const struct kv_vmem *vm);

enum kv_vmem_kind {	/* boundary tag types */
	KV_VMEM_SPAN,	/* imported */
	KV_VMEM_STATIC, /* added */
	KV_VMEM_FREE,
	KV_VMEM_BUSY,
	KV_VMEM_CURSOR
};

struct kv_vmem_seg {
	enum kv_vmem_kind kind;
	kv_va_t start; /* 0 for the cursor */
	uint64_t size; /* bytes, 0 for the cursor */
};

/* Bytes that wait in quantum caches (they count as inuse). */
uint64_t kv_vmem_cached(const struct kv_vmem *vm);

/* Visit the segment list in its own order; stop when cb returns non-zero.
 * => what the last cb returned, 0 for an empty list */
typedef int kv_vmem_walk_fn(void *arg, const struct kv_vmem_seg *seg);
int kv_vmem_walk(const struct kv_vmem *vm, kv_vmem_walk_fn *cb, void *arg);

/* The blocks of one class, in the order in which best fit tries them. */
int kv_vmem_walk_class(
    const struct kv_vmem *vm, unsigned class, kv_vmem_walk_fn *cb, void *arg);

/* All invariants.  => 0, or EFAULT and *diag */
int kv_vmem_check(const struct kv_vmem *vm, struct kv_diag *diag);

/* The segment that holds va.  => 0 or ENOENT */
int kv_vmem_whatis(
    const struct kv_vmem *vm, kv_va_t va, struct kv_vmem_seg *seg);

#endif
