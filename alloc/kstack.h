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

/*
 * Faults that the code of kernel stacks had, in drafts, in review or as
 * committed (freebsd.md 7, Fn is bit n - 1): policies, so that each can be
 * put back and seen.  14 and 15 are others' (sim/run/world_stacks.c), 23 is an
 * arena's (vmem.h).
 */
#define KV_KSTACK_FAULT(n) (1 << ((n)-1))
enum kv_kstack_fault {
	/* pindexes as if g were 1, or the guard above */
	KV_KSTACK_ONE_GUARD = KV_KSTACK_FAULT(1),
	KV_KSTACK_GUARD_ABOVE = KV_KSTACK_FAULT(2),
	/* short of KVA: wait for pages; short of pages: keep the KVA and take
	 * the next domain's; short of KVA: wait for it (M_WAITOK) */
	KV_KSTACK_WAIT_PAGES = KV_KSTACK_FAULT(3),
	KV_KSTACK_KVA_STAYS = KV_KSTACK_FAULT(4),
	KV_KSTACK_WAIT_KVA = KV_KSTACK_FAULT(5),
	/* release the span, not the chunk */
	KV_KSTACK_KEEP_BUMP = KV_KSTACK_FAULT(6),
	/* swap-in: pages at linear pindexes; wait for one domain's */
	KV_KSTACK_SWAPIN_LINEAR = KV_KSTACK_FAULT(7),
	KV_KSTACK_SWAPIN_LOOPS = KV_KSTACK_FAULT(9),
	/* pages for the guard, too */
	KV_KSTACK_BACK_SLOT = KV_KSTACK_FAULT(8),
	/* I1 asserted of all sizes */
	KV_KSTACK_ALIGN_ALL = KV_KSTACK_FAULT(10),
	/* partial back-out */
	KV_KSTACK_PAGES_STAY = KV_KSTACK_FAULT(11),
	/* the domain that a racing creator asked for */
	KV_KSTACK_SHARED_POLICY = KV_KSTACK_FAULT(12),
	/* a class that is not the request's */
	KV_KSTACK_CLASS_NORMAL = KV_KSTACK_FAULT(13),
	/* other sizes: swapped out of the wrong object; in one object */
	KV_KSTACK_SWAPOUT_DEFAULT = KV_KSTACK_FAULT(16),
	KV_KSTACK_ONE_OBJECT = KV_KSTACK_FAULT(17),
	/* chunks: of all slots; bytes for pages in an assertion */
	KV_KSTACK_NO_SPARE_SLOT = KV_KSTACK_FAULT(18),
	KV_KSTACK_BYTE_ASSERT = KV_KSTACK_FAULT(19),
	/* no reservations (OBJT_PHYS) */
	KV_KSTACK_UNCOLORED = KV_KSTACK_FAULT(20),
	/* reservations of other domains, and the pages tell the KVA's */
	KV_KSTACK_FOREIGN = KV_KSTACK_FAULT(21) | KV_KSTACK_FAULT(22),
	/* spans as asked, not as imported */
	KV_KSTACK_ADD_ASKED = KV_KSTACK_FAULT(24)
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
	unsigned faults;	 /* bits of kv_kstack_fault; 0: none */
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
 * => 0; ENOMEM (everything undone); with faults EFAULT, where the kernel
 *    panics, or EDEADLK, where it never returns: kv_kstack_stopped
 */
int kv_stack_create(struct kv_kstack *ks, unsigned npages, unsigned domain,
    struct kv_stack *stack);

/* What stopped the first creation that was stopped.
 * => 0: none was; EFAULT, EDEADLK and *diag */
int kv_kstack_stopped(const struct kv_kstack *ks, struct kv_diag *diag);

/* vm_thread_stack_dispose: pages ascending, then the slot's KVA to its owner.
 * => 0; ENOENT, EINVAL with *diag where the kernel panics */
int kv_stack_dispose(
    struct kv_kstack *ks, const struct kv_stack *stack, struct kv_diag *diag);

/*
 * vm_thread_swapout, and the pages laundered: they leave, the KVA stays.  A
 * stack that is out may be disposed of.
 * => 0; ENOMEM; ENOENT with *diag where the kernel panics
 */
int kv_stack_swapout(
    struct kv_kstack *ks, const struct kv_stack *stack, struct kv_diag *diag);

/* vm_thread_swapin: pages at the same pindexes, of the same domain.
 * => 0; ENOMEM: it stays out; EDEADLK with *diag: never returns */
int kv_stack_swapin(
    struct kv_kstack *ks, const struct kv_stack *stack, struct kv_diag *diag);

/* Is it out? */
bool kv_stack_is_out(const struct kv_kstack *ks, const struct kv_stack *stack);

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
	uint64_t out;		    /* live stacks that are swapped out */
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
