/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle_parts.h - what the files of the judge share */
#ifndef KV_SIM_ORACLE_PARTS_H
#define KV_SIM_ORACLE_PARTS_H

#include "run/oracle.h"
#include "run/oracle_set.h"

/* What no log of ours says: a longer run of pages, a larger table. */
enum { ORACLE_RUN_MAX = 1 << 24, ORACLE_ORDER_MAX = 16, ORACLE_LEVEL_MAX = 5 };

/* ---- Arenas ------------------------------------------------------------- */

/* Flags of a busy segment. */
enum { SEG_CACHED = 1, SEG_CLAIMED = 2 };

/* Flags of a span; its value is the bytes that are busy in it. */
enum { SPAN_IMPORTED = 1 };

/* What is asked for, until it is answered. */
struct oracle_want {
	bool asked;
	uint64_t size, align, phase, nocross, min, max;
};

struct oracle_arena {
	const char *name; /* not owned */
	uint64_t quantum;
	uint64_t limit; /* bytes of spans; 0: none */
	uint64_t unit;	/* imported sizes are multiples; 0: none are */
	struct oracle_arena *from; /* where spans come from; NULL: elsewhere */
	uint64_t align, slot, origin, stride;
	bool gives;   /* free spans go back */
	bool wanders; /* next fit was used: a cursor stands somewhere */
	bool kva;     /* of the kernel stacks */
	bool is_pow2; /* the other dialect */
	uint64_t size;
	struct oracle_want want;
	struct kv_oranges busy, spans;
	/* what must come next: 0 none */
	bool owes_release; /* of the span at owed */
	bool owed_back;	   /* a free, here, of [owed, owed + owed_size) */
	uint64_t owed, owed_size;
	struct oracle_arena *next; /* created later */
};

/* ---- Memory -------------------------------------------------------------- */

/* A word for each frame of memory: 0: free. */
#define FRAME_USED (UINT64_C(1) << 63)
enum { FRAME_OBJECT_SHIFT = 48 };

struct oracle_object {
	const char *name;
	uint64_t npages, color;
	bool of_stacks;
	uint64_t resident;
	struct kv_owords page; /* pindex -> pfn + 1 */
	struct oracle_object *next;
	uint64_t number; /* from 1 */
};

struct oracle_reserv {
	uint64_t pfn, first;	      /* frame; pindex, modulo 2^64 */
	struct oracle_object *object; /* NULL: the entry is free */
	uint64_t domain, popcnt;
};

/* ---- Stacks ---------------------------------------------------------------
 */

enum { STACK_PAGES_MAX = 64 };

struct oracle_stack {
	uint64_t ks, npages, domain, pindex;
	uint32_t next_free;
	bool live;
};

/* Domains at most; the kernel arena, and two a domain. */
enum { ORACLE_DOMAINS = 64, ORACLE_KVA = 1 + 2 * ORACLE_DOMAINS };

struct oracle_policy {
	bool known;
	bool building; /* its arenas come, then its objects */
	struct oracle_arena *arenas[ORACLE_KVA];
	unsigned narenas;
	struct oracle_object *objects[2]; /* of default and other sizes */
	unsigned nobjects;
	uint64_t scheme, npages, gpages, origin;
};

/* ---- Tables ---------------------------------------------------------------
 */

enum { ENTRY_NONE, ENTRY_LEAF, ENTRY_TABLE };

struct oracle_entry {
	uint64_t pa; /* of a leaf, or the child's */
	uint8_t kind, attr;
};

struct oracle_table {
	uint64_t pa, va; /* va: of its first entry, when it is reached */
	unsigned level;
	bool twice;		     /* its page is another table as well */
	bool reached;		     /* from the root */
	bool differs;		     /* from the leaf that took its place */
	struct oracle_table *parent; /* NULL: none, or the root */
	unsigned index;		     /* in the parent */
	struct oracle_entry *entry;  /* owned, size entries */
	unsigned size;
	size_t number; /* in tables */
};

/* What the tables of another space translate. */
struct oracle_graft {
	uint64_t va, size;
	struct oracle_space *owner;
};

struct oracle_space {
	const char *name;
	bool known;  /* pt.space was told */
	bool shared; /* others may borrow its tables */
	uint64_t tag;
	uint64_t half; /* 0: sign-extended; 1: the lower one; 2: the upper */
	unsigned bits, order;	/* of an address; log2 entries of a table */
	struct kv_owords table; /* number of its page -> number + 1 in tables */
	struct oracle_table **tables;
	size_t ntables, room;
	struct kv_owords leaf;	   /* page -> what it translates to */
	struct kv_owords *promise; /* owned; of each TLB: page -> what it may
				      hold */
	size_t npromise;
	struct oracle_graft *grafts;
	size_t ngrafts;
};

/* The TLB of a CPU: what it may hold of global leaves, as of a space's. */
struct oracle_tlb {
	const char *name; /* not owned */
	struct kv_owords promise;
};

/* A translation as a word: 0: none. */
#define LEAF_THERE (UINT64_C(1) << 63)
enum { LEAF_SHIFT = 8 };

/* ---- Steps ----------------------------------------------------------------
 */

/* What a page translated to before an operation changed it. */
struct oracle_change {
	struct oracle_space *space;
	uint64_t page, old;
	size_t number;
};

struct oracle_changes {
	struct oracle_change *list; /* since the operation began */
	size_t count, room;
	bool lost; /* there were too many */
};

/* ---- All -------------------------------------------------------------------
 */

struct oracle_list {
	uint64_t *at;
	size_t count, room;
};

struct kv_oracle {
	struct kv_finding found[KV_ORACLE_FINDINGS];
	size_t nfound;
	uint64_t total, events, step;
	uint64_t left; /* events that it will hear; 0: it is deaf */
	bool blamed;   /* the event has a finding already */

	uint64_t page, reserv, domains; /* bytes, bytes, count */
	unsigned shift;
	const char *asked_name; /* the last arena that was looked up */
	struct oracle_arena *asked_arena, *arenas, **arena_end;
	struct oracle_arena *owing; /* the one whose debt is due next */

	struct kv_oranges segs; /* value: domain */
	struct kv_owords frame;
	struct kv_owords mapped; /* frame -> base pages of leaves */
	uint64_t used;		 /* frames out of the queues */
	struct oracle_object *objects, **object_end, *last_object;
	uint64_t nobjects;
	struct kv_owords reserv_of; /* number of the block -> number + 1 */
	struct oracle_reserv *reservs;
	size_t nreservs, reservs_room, reserv_spare;

	struct oracle_policy policy;
	struct kv_oranges slots; /* guards and stacks; value: number */
	struct oracle_stack *stacks;
	size_t nstacks, stacks_room;
	uint32_t stack_spare; /* number + 1 */
	uint64_t pages_of;    /* the stack of kstack.page */
	uint64_t told[STACK_PAGES_MAX], ntold, told_pindex;
	uint64_t ncreated; /* live stacks */

	struct oracle_space **spaces, *last_space;
	size_t nspaces;
	size_t orphans; /* tables that no table points to, but roots */
	struct oracle_list freed;   /* frames freed under leaves */
	struct oracle_list changed; /* pages of stacks whose leaf changed */
	struct oracle_changes changes;

	struct oracle_tlb *tlbs; /* owned */
	size_t ntlbs;
};

/* Note what must not be; the first of an event counts. */
void oracle_blame(struct kv_oracle *o, const char *module, unsigned invariant,
    uint64_t address, const char *text);

/* "V" and a number. */
static inline void
oracle_blame_v(
    struct kv_oracle *o, unsigned v, uint64_t address, const char *text)
{
	oracle_blame(o, "V", v, address, text);
}

/* One more. */
void oracle_list_add(struct oracle_list *list, uint64_t at);

/* What each file does with events of its kind. */
typedef void oracle_fn(struct kv_oracle *o, const struct kv_event *e);
oracle_fn oracle_arena_event, oracle_phys_event, oracle_object_event,
    oracle_reserv_event, oracle_stack_event, oracle_table_event,
    oracle_step_event, oracle_tlb_event;

/* Between operations; after everything went back. */
void oracle_arena_settle(struct kv_oracle *o);
void oracle_page_settle(struct kv_oracle *o);
void oracle_stack_settle(struct kv_oracle *o);
void oracle_table_settle(struct kv_oracle *o);
void oracle_drained(struct kv_oracle *o, uint64_t stacks);

/* Before every event but the one that is due. */
void oracle_arena_due(struct kv_oracle *o, const struct kv_event *e);

/* Free what each file has made. */
void oracle_arena_fini(struct kv_oracle *o);
/* Likewise. */
void oracle_page_fini(struct kv_oracle *o);
/* Likewise. */
void oracle_table_fini(struct kv_oracle *o);
/* Likewise. */
void oracle_tlb_fini(struct kv_oracle *o);

/* The arena or object of a name, or NULL. */
struct oracle_arena *oracle_arena_find(struct kv_oracle *o, const char *name);
struct oracle_object *oracle_object_find(struct kv_oracle *o, const char *name);

/* Does the arena have that busy segment? */
bool oracle_arena_has(const struct oracle_arena *a, uint64_t va, uint64_t size);

/* The domain of a frame; domains: no memory. */
uint64_t oracle_domain(const struct kv_oracle *o, uint64_t pfn);

/* The frame of a pindex.  => false: none */
bool oracle_page_at(
    struct oracle_object *object, uint64_t pindex, uint64_t *pfn);

/* What a page of a space translates to: a word. */
uint64_t oracle_translate(
    const struct kv_oracle *o, struct oracle_space *s, uint64_t va);

/* The space of a name, which may be new. */
struct oracle_space *oracle_space_named(struct kv_oracle *o, const char *name);

/* An operation begins; one of its steps changes a page of a space. */
void oracle_step_begin(struct kv_oracle *o);
void oracle_step_note(
    struct kv_oracle *o, struct oracle_space *s, uint64_t page, uint64_t old);

/* The space of a tag, or NULL. */
struct oracle_space *oracle_space_of(struct kv_oracle *o, uint64_t tag);

/* Leaves of the kernel's space came or went here: stacks stand there. */
void oracle_stack_mapped(
    struct kv_oracle *o, uint64_t va, uint64_t npages, bool on);

#endif
