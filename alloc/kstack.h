/* SPDX-License-Identifier: BSD-2-Clause */
/* kstack.h - kernel stacks: KVA with guard pages, pages, return to the owner */
#ifndef KV_KSTACK_H
#define KV_KSTACK_H

#include "base.h"
#include "domainset.h"
#include "event.h"
#include "host.h"
#include "machine.h"
#include "pindex.h"
#include "reserv.h"
#include "vmem.h"

struct kv_kstack; /* the kernel-stack allocator of one machine */

/* KSTACK_MAX_PAGES of every row of the machine table, for frames on stack. */
enum { KV_KSTACK_PAGES_MAX = 32 };

/* ---- Create ---------------------------------------------------------- */

enum kv_kstack_scheme {
	KV_KSTACK_OLD,	 /* 14.x: kernel arena, linear pindex, reservations */
	KV_KSTACK_NEW,	 /* D38852: stack arenas, skip-guard pindex */
	KV_KSTACK_NORES, /* 16.0-CURRENT trees: as NEW, object not coloured */
	KV_KSTACK_FFFF	 /* as NEW, chunks begin and end with reservations */
};

struct kv_kstack_config {
	const struct kv_machine *machine;
	struct kv_phys *phys;
	struct kv_reserv *reserv;
	struct kv_host *host;
	struct kv_tap tap;
	enum kv_kstack_scheme scheme;
	unsigned npages, gpages; /* default stack and guard pages */
	unsigned ndomains;
	bool domain_guard; /* no page from a reservation of another domain */
	enum kv_phys_class request; /* of requests for pages */
	enum kv_domainset_policy domains;
	enum kv_domainset_iterator iterator;
	bool returned;		 /* arenas that are parents give spans back; the
					kernel's keep and join them (freebsd.md 1.6) */
	uint64_t import_quantum; /* of the kernel and domain arenas, bytes;
				    0: the machine's */
	uint64_t first_kva;	 /* kmap_first_free, bytes from kva_start */
};

/* => 0; EINVAL (no pages, npages above kstack_max, slot larger than a
 *    reservation, first_kva past the KVA, import_quantum no multiple of a
 *    reservation, ffff with parents that give back); ENOMEM */
int kv_kstack_create(const struct kv_kstack_config *cfg, struct kv_kstack **ks);
void kv_kstack_destroy(struct kv_kstack *ks);

/* ---- Use ------------------------------------------------------------- */

/* A stack, as its thread records it: 24 bytes, by value. */
struct kv_stack {
	kv_va_t ks;	    /* lowest stack byte; the guard lies below */
	kv_pindex_t pindex; /* of its first page */
	uint32_t npages;    /* without guard */
	uint16_t domain;    /* owner of the KVA, stored, never inferred */
};

/*
 * vm_thread_stack_create: KVA, then pages, from one domain after the other as
 * the policy has it (domainset.c); domain: the preferred one, or that of the
 * CPU.  npages 0 or 1 = the default, above kstack_max = kstack_max
 * (vm_thread_new).
 * => 0; ENOMEM (everything undone)
 */
int kv_stack_create(struct kv_kstack *ks, unsigned npages, unsigned domain,
    struct kv_stack *stack);

/* vm_thread_stack_dispose: pages ascending, then the slot's KVA to its owner.
 * => 0; ENOENT, EINVAL with *diag where the kernel panics */
int kv_stack_dispose(
    struct kv_kstack *ks, const struct kv_stack *stack, struct kv_diag *diag);

/* Frames of the stack, ascending in address; pfns gets npages.
 * => 0; ENOENT: a page is missing */
int kv_stack_pages(
    const struct kv_kstack *ks, const struct kv_stack *stack, kv_pfn_t *pfns);

/* ---- Inspect --------------------------------------------------------- */

struct kv_kstack_stats {
	uint64_t live, created, disposed, failed;
	uint64_t imports, releases; /* chunks of the stack arenas */
	uint64_t wrong_domain;	    /* live stacks on another domain's pages */
	uint64_t turn;		    /* round-robin pointer of the domains */
};

struct kv_kstack_stats kv_kstack_stats(const struct kv_kstack *ks);

/* The default-size map; other sizes are always linear. */
const struct kv_pindex_map *kv_kstack_map(const struct kv_kstack *ks);

/* Objects: default size, and other sizes (NULL under the old scheme, whose
 * one object holds all). */
const struct kv_object *kv_kstack_object(const struct kv_kstack *ks);
const struct kv_object *kv_kstack_alt_object(const struct kv_kstack *ks);

/* Arenas by index: "kernel", then "domainN" and "kstackN" of each domain;
 * NULL past the last. */
const struct kv_vmem *kv_kstack_arena(const struct kv_kstack *ks, unsigned i);

/*
 * Visit live stacks in order of address, default size and others.  The old
 * scheme does not know its stacks' domains; there it is that of the pages.
 * => what the last cb returned, 0 without stacks, -ENOMEM
 */
typedef int kv_kstack_walk_fn(void *arg, const struct kv_stack *stack);
int kv_kstack_walk(
    const struct kv_kstack *ks, kv_kstack_walk_fn *cb, void *arg);

/* A chunk: one import of a stack arena. */
struct kv_kstack_chunk {
	kv_va_t parent;	      /* what the parent arena gave */
	uint64_t parent_size; /* bytes of that */
	kv_va_t base;	      /* after the bump: first slot */
	uint64_t size;	      /* bytes of slots */
	kv_pindex_t pindex;   /* of the first slot's stack */
	uint64_t npindex;     /* pages of all its stacks */
	unsigned domain;
};

/* Visit chunks in order of address; the old scheme has none.
 * => what the last cb returned, 0 without chunks, -ENOMEM */
typedef int kv_kstack_chunk_fn(void *arg, const struct kv_kstack_chunk *chunk);
int kv_kstack_walk_chunks(
    const struct kv_kstack *ks, kv_kstack_chunk_fn *cb, void *arg);

/* All invariants (kstack.c; freebsd.md 3.8), the arenas' and objects' too.
 * => 0; EFAULT and *diag; ENOMEM: no room to check */
int kv_kstack_check(const struct kv_kstack *ks, struct kv_diag *diag);

enum kv_kstack_what {
	KV_KSTACK_NOTHING,
	KV_KSTACK_GUARD, /* guard page of *stack */
	KV_KSTACK_DATA,	 /* page of *stack */
	KV_KSTACK_IDLE	 /* KVA of a stack arena, no stack there now */
};

/* What an address is. */
enum kv_kstack_what kv_kstack_whatis(
    const struct kv_kstack *ks, kv_va_t va, struct kv_stack *stack);

/* "old", "new", "nores", "ffff". */
const char *kv_kstack_scheme_name(enum kv_kstack_scheme scheme);

#endif
