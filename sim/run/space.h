/* SPDX-License-Identifier: BSD-2-Clause */
/* space.h - address spaces of a world: pages of objects, mapped */
#ifndef KV_SIM_SPACE_H
#define KV_SIM_SPACE_H

#include "alloc/kv.h"
#include "hw/pmap.h"

struct kv_space_config {
	const char *name; /* outlives the space */
	const struct kv_pte_format *format;
	bool promotion; /* pg_ps_enabled: pmap_enter tries it */
	bool user;	/* not the kernel's: lower half, full tables promote */
	struct kv_tap tap;	    /* is told of the tables; {0}: nobody is */
	const struct kv_phys *phys; /* the memory that it maps */
	struct kv_reserv *reserv;
	struct kv_ptpool *pool; /* that tables come from; NULL: unlimited */
	uint32_t id;		/* there: of the space */
	struct kv_draws *draws; /* of tables; NULL: none is refused */
	enum kv_pmap_split split;
	bool join_any; /* see pmap.h */
	bool shared;   /* a template: others may borrow its tables */
};

struct kv_space {
	struct kv_space_config cfg; /* (c) */
	unsigned sub; /* (c) log2 pages of a sub-block; 0 = none */
	struct kv_pmap *pmap;
	bool urgent;	       /* tables may come out of the pool's reserve */
	struct kv_pt_ear *ear; /* NULL: nobody listens */
	bool moving;	       /* its pages are dealt with all at once, by: */
	kv_pa_t page;	       /* of the next table */
	const struct kv_space *model; /* the space that is copied */
};

/* What leaves do where something stands: nothing is mapped, that stays, or it
 * is overwritten as if it were not there. */
enum kv_space_present { KV_SPACE_REFUSE, KV_SPACE_SKIP, KV_SPACE_REPLACE };

/* ---- Create ---------------------------------------------------------- */

/* It must not move: its tables know where it is.  => 0, ENOMEM */
int kv_space_init(struct kv_space *s, const struct kv_space_config *cfg);
void kv_space_fini(struct kv_space *s);

/* ---- Use ------------------------------------------------------------- */

enum kv_space_how {
	KV_SPACE_ENTER,	 /* pmap_enter page by page, as kmem_back does */
	KV_SPACE_QENTER, /* pmap_qenter */
	KV_SPACE_LEAF	 /* a leaf of that level at once */
};

struct kv_space_range {
	kv_va_t va;
	uint64_t npages;	  /* base pages */
	struct kv_object *object; /* NULL: memory of a device, from pa */
	kv_pindex_t pindex;	  /* of the first page in the object */
	unsigned domain;	  /* that missing pages are wanted from */
	kv_pa_t pa;
	enum kv_space_how how;
	unsigned level;		       /* KV_SPACE_LEAF */
	enum kv_space_present present; /* likewise; a device's memory */
	unsigned attr;		       /* KV_PTE_* */
};

/*
 * Map the range.  Pages that the object does not have yet are allocated, each
 * before it is entered, as kmem_back does.
 * => 0; ENOMEM, or what the source of tables answers: no page or no table;
 *    EAGAIN: the frames make no leaf of that level; EINVAL: no addresses of
 *    this space; EBUSY, EEXIST: as in pmap.h.  After an error what was mapped
 *    is unmapped, what was allocated is freed.
 */
int kv_space_map(struct kv_space *s, const struct kv_space_range *r);

/* pmap_enter of one base page of an object; a superpage that maps it is
 * demoted.  => as kv_pmap_enter */
int kv_space_enter(struct kv_space *s, kv_va_t va, kv_pfn_t pfn, unsigned attr);

/* As kv_pmap_graft and kv_pmap_ungraft; told.  free: a mistake, the tables go
 * to where this space's come from. */
int kv_space_graft(struct kv_space *s, struct kv_space *owner, kv_va_t va);
void kv_space_ungraft(struct kv_space *s, bool free);

/* Unmap everything, and forget the tables: the pool takes its pages back at
 * once.  It borrows nothing, and lends nothing. */
void kv_space_strip(struct kv_space *s);

/* Its root has a page of the pool, which was reset, again. */
void kv_space_root(struct kv_space *s);

/* A space whose pool is nobody else's, as the other's is: the pool becomes like
 * the other pool, and the space's tables like the other's.  Neither borrows nor
 * lends tables.
 * => 0; ENOSPC (the pool is too small): nothing changed; ENOMEM: it is empty */
int kv_space_copy(struct kv_space *s, const struct kv_space *from);

/* Unmap everything. */
void kv_space_clear(struct kv_space *s);

/* ---- Inspect --------------------------------------------------------- */

/* Invariants of pmap.c and space.c.  => 0; EFAULT and *diag */
int kv_space_check(const struct kv_space *s, struct kv_diag *diag);

#endif
