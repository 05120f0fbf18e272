/* SPDX-License-Identifier: BSD-2-Clause */
/* pmap.h - page tables of one address space: enter, remove, promote, demote */
#ifndef KV_SIM_PMAP_H
#define KV_SIM_PMAP_H

#include "hw/pte.h"

struct kv_pmap;

/* ---- Create ---------------------------------------------------------- */

/*
 * Where page-table pages come from.  get: a page for a table of that level
 * (its physical address); => 0, or an errno that the operation returns, with
 * nothing changed.  put takes it back.  A table is empty at first, whatever its
 * page held, and nobody is told of the entries of one that goes back: who
 * mirrors tables clears a page at get.
 */
struct kv_pt_source {
	int (*get)(void *arg, unsigned level, kv_pa_t *pa);
	void (*put)(void *arg, unsigned level, kv_pa_t pa);
	void *arg;
};

/* Told of every entry that changes: where it stands, what it was and is. */
typedef void kv_pmap_store_fn(
    void *arg, kv_pa_t table, unsigned index, uint64_t old, uint64_t entry);

/* What the leaves of a split have; the others are mistakes. */
enum kv_pmap_split {
	KV_PMAP_SPLIT_EXACT,
	KV_PMAP_SPLIT_FRAME, /* the last has the frame of the one before */
	KV_PMAP_SPLIT_RIGHT, /* the last may not be written */
	KV_PMAP_SPLITS
};

struct kv_pmap_config {
	const struct kv_pte_format *format;
	struct kv_pt_source source; /* get NULL: unlimited, bump from 0 */
	kv_pmap_store_fn *store;    /* NULL: nobody is told */
	void *store_arg;
	struct kv_draws *draws; /* of tables; not owned; NULL: none fails */
	bool low_half; /* formats with a root per half (arm64): the lower one,
			  TTBR0; else the upper.  Others have both halves */
	bool user; /* enter tries superpages of full tables alone, as FreeBSD
		      does with a process; else always, as in its kernel */
	unsigned keep; /* bit of a level: its tables stay when they are empty */
	bool repromote; /* protect tries to promote a table of level 0 that it
			   changed and that is full */
	enum kv_pmap_split split;
	bool join_any; /* a mistake: promotion takes frames that begin anywhere
			*/
};

/* => 0; an errno of the source (the root is a table as well) */
int kv_pmap_create(const struct kv_pmap_config *cfg, struct kv_pmap **pmap);
void kv_pmap_destroy(struct kv_pmap *pmap);

/* ---- Use ------------------------------------------------------------- */

/*
 * pmap_qenter: n base pages at va, frames pas[i] (or consecutive from pa with
 * kv_pmap_qenter_run); overwrites what is there; never promotes, never sets the
 * contiguous bit (freebsd.md 5).  attr: KV_PTE_*.
 * KV_PTE_CONTIG in attr means nothing.  Where M is a write permission (arm64)
 * M without W is not M.
 * => 0; EINVAL (not page aligned, not canonical, wraps, a frame too high for
 *    the format); EBUSY (a superpage maps it); what the source of tables
 *    answers.  On failure the first pages may be in: kv_pmap_qremove takes them
 *    out.
 */
int kv_pmap_qenter(struct kv_pmap *pmap, kv_va_t va, const kv_pfn_t *pfns,
    size_t n, unsigned attr);
int kv_pmap_qenter_run(
    struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa, size_t n, unsigned attr);

/* pmap_qremove: clears base entries; pages that are not there are fine.  Table
 * pages stay, as in the kernel half.  => 0; EINVAL; EBUSY (a superpage) */
int kv_pmap_qremove(struct kv_pmap *pmap, kv_va_t va, size_t n);

/*
 * pmap_enter of one base page; psind: of its page, as vm_page has it: 0, or the
 * level up to which its reservation is full (arm64: 1 = sub-block, 2 = all;
 * others: 1 = all).  Where that says full, promotion is tried: contiguous
 * groups first, then leaves one level up (freebsd.md 5).  The entry has A set
 * when attr has.  => as kv_pmap_qenter
 */
int kv_pmap_enter(struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa, unsigned attr,
    unsigned psind);

/* A leaf of that level at once (level 1: 2 MiB on amd64), n of them.  Where an
 * empty table stands that is kept, its entries become the leaves instead.
 * => 0; EINVAL (level has no leaves, misaligned); EEXIST (something there);
 *    what the source answers; nothing changed */
int kv_pmap_enter_leaf(struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa,
    unsigned level, size_t n, unsigned attr);

/* The same where something may be: an entry of that level, or a leaf above it,
 * stays; or, with over, an entry is overwritten as if it were not there, and
 * the table that it pointed to is the source's to miss.
 * => 0; EEXIST: it stays; EINVAL; EBUSY: a leaf above; what the source
 *    answers */
int kv_pmap_extend_leaf(struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa,
    unsigned level, bool over, unsigned attr);

/*
 * pmap_remove of [va, va + size): whole leaves go, others are demoted first;
 * tables that become empty go to the source, unless they are kept.  *done (done
 * may be NULL) gets the bytes of the range that are done, from va on.  => 0;
 * EINVAL; an errno of the source when a demotion needs a table
 */
int kv_pmap_remove(
    struct kv_pmap *pmap, kv_va_t va, uint64_t size, uint64_t *done);

/* W and X of [va, va + size) become attr's; leaves that have them already stay
 * as they are, however large; else as kv_pmap_remove. */
int kv_pmap_protect(struct kv_pmap *pmap, kv_va_t va, uint64_t size,
    unsigned attr, uint64_t *done);

/* pmap_growkernel, for any space: the tables of [va, va + size) down to those
 * of that level, empty.  => 0; EINVAL (no addresses, no level); EBUSY (a leaf
 * in the way); what the source answers: those made are there, if kept */
int kv_pmap_grow(
    struct kv_pmap *pmap, kv_va_t va, uint64_t size, unsigned level);

/* Why a promotion failed; also the index of its counter. */
enum kv_pmap_cause {
	KV_PMAP_HOLE,	   /* an entry is not there, or no leaf */
	KV_PMAP_FRAMES,	   /* frames not consecutive, or start not aligned */
	KV_PMAP_ATTRIBUTE, /* attributes differ */
	KV_PMAP_ACCESSED,  /* A or M bits differ, or A is clear */
	KV_PMAP_CAUSES
};

/* The table that maps va becomes one leaf one level up (pmap_promote_pde), and
 * that a member of a contiguous group if it can.
 * => 0; ENOENT (no table there); EINVAL (no leaves one level up, or va not
 *    canonical); EAGAIN (counted in p_failures by cause, the first that
 *    applies) */
int kv_pmap_promote(struct kv_pmap *pmap, kv_va_t va);

/* The leaf of level 1 or above at va becomes a table of leaves one level down.
 * => 0; ENOENT; EINVAL (not canonical); an errno of the source */
int kv_pmap_demote(struct kv_pmap *pmap, kv_va_t va);

/*
 * The root's entry for va points to the table that the owner's root has there:
 * all addresses below it are the owner's, and no business of this pmap's edits
 * any more (EBUSY).  The owner must outlive the graft.
 * => 0; EBUSY (something is there); ENOENT (the owner has no table of its own
 *    there); EINVAL (not canonical, another format, the owner itself)
 */
int kv_pmap_graft(struct kv_pmap *pmap, struct kv_pmap *owner, kv_va_t va);

/* All grafts go; the tables stay the owner's.  Nobody is told of these
 * entries, nor of those that the owner changes.  free: a mistake that is worth
 * a model, the source of this pmap gets them.  => there were some */
bool kv_pmap_ungraft(struct kv_pmap *pmap, bool free);

/* All leaves and tables but the root go.  It has a source, borrows nothing and
 * lends nothing. */
void kv_pmap_empty(struct kv_pmap *pmap);

/* The tables and leaves of another pmap become this one's, which has a root
 * alone; before each table is drawn, next is told where its original is.
 * => 0; EINVAL (another format; not empty; one of both borrows tables); what
 *    the source answers: then it is empty */
typedef void kv_pmap_copy_fn(void *arg, kv_pa_t pa);
int kv_pmap_copy(struct kv_pmap *pmap, const struct kv_pmap *from,
    kv_pmap_copy_fn *next, void *arg);

/* ---- Inspect --------------------------------------------------------- */

struct kv_leaf {
	kv_va_t va; /* start of what the leaf maps */
	kv_pa_t pa; /* likewise */
	unsigned level;
	unsigned attr;
};

/* pmap_extract and more: the leaf that maps va.  => 0; ENOENT; EINVAL */
int kv_pmap_extract(
    const struct kv_pmap *pmap, kv_va_t va, struct kv_leaf *leaf);

/* As the hardware does at an access: A set, and M for a write if the leaf is
 * writable.  => 0; ENOENT: no leaf */
int kv_pmap_access(struct kv_pmap *pmap, kv_va_t va, bool write);

/* pmap_ts_referenced, pmap_clear_modify: A, M or both (attr) of the leaf at va
 * are clear.  => 0; ENOENT: no leaf */
int kv_pmap_clear(struct kv_pmap *pmap, kv_va_t va, unsigned attr);

/* Visit the leaves that share an address with [start, end), which may be the
 * whole space, in order of address; cb's not 0 ends it.
 * => what the last cb returned, 0 without leaves */
typedef int kv_leaf_fn(void *arg, const struct kv_leaf *leaf);
int kv_pmap_walk(const struct kv_pmap *pmap, kv_va_t start, kv_va_t end,
    kv_leaf_fn *cb, void *arg);

struct kv_pmap_stats {
	uint64_t promotions, demotions; /* of level 1 and above */
	uint64_t mappings;		/* superpages entered as such */
	uint64_t p_failures;		/* sum of causes */
	uint64_t causes[KV_PMAP_CAUSES];
	uint64_t group_promotions, group_demotions; /* contiguous groups */
	uint64_t group_p_failures; /* ... attempts at one; not in p_failures */
	uint64_t leaves[KV_PTE_LEVELS_MAX]; /* now, by level */
	uint64_t grouped;		    /* base leaves in groups, now */
	uint64_t pt_pages;		    /* tables, the root too, now */
	uint64_t pt_level[KV_PTE_LEVELS_MAX];
	uint64_t spoilers; /* aligned ranges of one superpage with exactly one
			      base page missing ("511" lines) */
};
struct kv_pmap_stats kv_pmap_stats(const struct kv_pmap *pmap);
const struct kv_pte_format *kv_pmap_format(const struct kv_pmap *pmap);

/* Is a table of its own grafted somewhere; is one of another's here? */
bool kv_pmap_lends(const struct kv_pmap *pmap);
bool kv_pmap_borrows(const struct kv_pmap *pmap);

/* Physical address of the root table. */
kv_pa_t kv_pmap_root(const struct kv_pmap *pmap);

/* Invariants of pmap.c.  => 0; EFAULT and *diag */
int kv_pmap_check(const struct kv_pmap *pmap, struct kv_diag *diag);

#endif
