/* SPDX-License-Identifier: BSD-2-Clause */
/* runner_parts.h - what runner.c, steps_stack.c and steps_arena.c share */
#ifndef KV_SIM_RUNNER_PARTS_H
#define KV_SIM_RUNNER_PARTS_H

#include "run/actors.h"
#include "run/lazy.h"
#include "run/listen.h"
#include "run/oracle.h"
#include "run/residents.h"
#include "run/rng.h"
#include "run/runner.h"

/* A block of a step: alloc has one, arena churn many. */
struct block {
	kv_va_t va;
	uint64_t size; /* bytes, as asked for */
	int arena;
	bool plain; /* through the quantum cache */
	bool given; /* the allocation did not fail */
	bool live;
};

struct block_list {
	struct block *list;
	size_t count, capacity;
};

/* What became of the requests to an arena. */
struct kv_load_of {
	uint64_t first_fail; /* bytes of the first that failed; 0: none did */
	uint64_t capped;     /* not made: too many bytes would have lived */
	bool capping;	     /* a workload with such a limit ran on it */
};

/* Steps on page tables that are counted when they fail. */
enum {
	KV_MAP_FAIL_MAP,
	KV_MAP_FAIL_UNMAP,
	KV_MAP_FAIL_PROTECT,
	KV_MAP_FAIL_PROMOTE,
	KV_MAP_FAIL_DEMOTE,
	KV_MAP_FAIL_GROW,
	KV_MAP_FAIL_DRAW,
	KV_MAP_FAIL_GRAFT,
	KV_MAP_FAIL_COPY,
	KV_MAP_FAILS
};

/* The stacks by age, as links between entries of world->stacks. */
struct age {
	size_t older, younger; /* entry + 1; 0 = none */
};

/* A loop that runs, or has run. */
struct kv_looping {
	uint64_t pass;		/* the one that runs */
	uint64_t before;	/* failures when it began */
	uint64_t passes, clean; /* that ended; of them, without a failure */
};
enum { KV_LOOPS_DEEP = 32 }; /* as deep as a file may be */

/* What waits to be flushed: pages of a space, or everything. */
struct kv_pending {
	unsigned space;
	kv_va_t first, last; /* pages */
	uint64_t npages;     /* 0: nothing waits */
	bool all;
};

/* When everything is checked next, in things that a check looks at. */
struct kv_audit {
	uint64_t credit, things; /* things: the last time */
	bool broken;		 /* a check found something */
};

/* What a run needs beside its results. */
struct kv_runner {
	struct kv_run *run;
	struct kv_errors *errors;
	const struct kv_step *step;   /* that is executed */
	struct kv_host host;	      /* of the scenario's arenas */
	struct kv_link *links;	      /* one an arena */
	struct kv_load_of *loads;     /* likewise */
	struct block *blocks;	      /* one a step */
	struct block_list *churns;    /* one a step */
	const struct kv_step **named; /* allocations of named blocks, sorted */
	size_t nnamed;
	bool aged; /* a step asks for the oldest or youngest */
	struct age *ages;
	size_t age_capacity, oldest, youngest; /* entry + 1 */
	struct kv_actors *actors;	       /* NULL: none */
	struct kv_rng pick;		       /* stream of random disposals */
	struct kv_rng touch;		       /* of random touches */
	struct kv_residents *residents;	       /* NULL: all spaces are */
	struct kv_ears ears;		       /* who listens */
	struct kv_tap tap;		       /* is told what happens */
	struct kv_oracle *oracle;	       /* NULL: it does not judge */
	size_t heard;			       /* its findings that are noted */
	uint64_t turn;	      /* CPUs that operations have come to by turns */
	uint64_t fnv;	      /* trace.fnv without a world */
	bool traced;	      /* an arena step was mixed into it */
	uint64_t total, done; /* operations, for the progress bar */
	uint64_t map_fails[KV_MAP_FAILS]; /* fail.* */
	struct kv_tlb_range_op range_op;  /* of the last range, if that fits */
	uint64_t range_ops, range_extra;  /* pages flushed unasked */
	bool range_fits;
	struct kv_pending pending; /* flushes that are gathered */
	uint64_t partial_pages;	   /* that steps did which failed then */
	uint64_t reserved_refused; /* ranges that met what is reserved */
	uint64_t reserved_passed;  /* ... and nobody looked */
	uint64_t arena_fails;	   /* blocks that found no room */
	kv_pindex_t pindex;	   /* of the map step that runs */
	kv_pa_t pa;		   /* likewise */
	struct kv_lazy lazy;	   /* what is mapped when it is touched */
	uint64_t guard_hits; /* touches of guard pages, which no leaf maps */
	struct kv_looping *loops;		   /* one a loop */
	const struct kv_step *open[KV_LOOPS_DEEP]; /* loops that run */
	unsigned nopen;
	bool panicked;	/* or hangs: the run ends */
	bool busy;	/* an operation has begun and not ended */
	unsigned watch; /* samples of the timeline; 0 = none */
	struct kv_audit audit;
	bool over; /* the work is: what still happens is no operation of it */
	bool disputed;	   /* the machines disagree; that is noted */
	uint64_t verified; /* operations + 1 at the last verification */
};

/* Take the samples that are due: before the first operation (they are opened
 * then), after one, behind the last.  => 0; EINVAL, noted: too many */
int kv_samples_open(struct kv_runner *r);
void kv_samples_take(struct kv_runner *r);
void kv_samples_close(struct kv_runner *r);

/* Everything, now; what level 2 or 3 checks after an operation (audit.c). */
void kv_audit_all(struct kv_run *run);
void kv_audit_begin(struct kv_runner *r);
void kv_audit_operation(struct kv_runner *r, bool created);

/* Before and after each operation, which is of that kind; created: the newest
 * stack is new. */
void kv_runner_begin(struct kv_runner *r, enum kv_step_kind kind);
void kv_runner_end(struct kv_runner *r, bool created);

/* What the judge of events has found so far becomes violations. */
void kv_runner_hear(struct kv_runner *r);

/* The kernel would have stopped here; so does the run.  generic: see
 * kv_run_violate_both. */
void kv_runner_panic(struct kv_runner *r, const struct kv_diag *diag);
void kv_runner_panic_as(
    struct kv_runner *r, const struct kv_diag *diag, const char *generic);

/* The kernel would never come back from here; the run ends. */
void kv_runner_hang(struct kv_runner *r, const struct kv_diag *diag);

/* The place asks for something that is not legal.  => EINVAL, noted */
int kv_runner_refuse(
    struct kv_runner *r, const struct kv_place *place, const char *why);

/* Each executes one step.  => 0; EINVAL with an entry in the errors */
typedef int kv_step_fn(struct kv_runner *r, const struct kv_step *step);
kv_step_fn kv_step_drain, kv_step_spawn, kv_step_dispose, kv_step_churn;
kv_step_fn kv_step_reclaim, kv_step_swapout, kv_step_swapin;
kv_step_fn kv_step_map, kv_step_unmap, kv_step_protect, kv_step_promote,
    kv_step_demote, kv_step_release, kv_step_grow, kv_step_draw, kv_step_graft,
    kv_step_reset, kv_step_copy;
kv_step_fn kv_step_enter, kv_step_park, kv_step_drop;
kv_step_fn kv_step_touch, kv_step_flush, kv_step_verify, kv_step_overflow;
kv_step_fn kv_step_comb, kv_step_doubling, kv_step_fixed_churn;
kv_step_fn kv_step_alloc, kv_step_free, kv_step_add, kv_step_arena_churn;

/* One request of a step to its arena; a block that was given stands last in
 * the step's list.  => 0, ENOMEM; EINVAL with an entry in the errors */
int kv_arena_request(struct kv_runner *r, const struct kv_step *step,
    const struct kv_vmem_req *req);

/* Free a live block, which stays in its list. */
void kv_arena_give(struct kv_runner *r, struct block *b);

/* The number, now that it is known.  => 0; ENOENT: the block that it names has
 * no address; EINVAL, noted */
int kv_runner_late(
    struct kv_runner *r, const struct kv_late *late, uint64_t *value);

/* One access to a page of a space, judged (V7). */
void kv_runner_touch(
    struct kv_runner *r, unsigned space, kv_va_t va, bool write);

/* Where data is mapped by mode, an access that neither the TLB nor the tables
 * allow is a fault, which may make it possible.  => false: it does not happen
 */
bool kv_runner_fault(
    struct kv_runner *r, unsigned space, kv_va_t va, bool write);

/* A user of the space asks for that range: does it meet what is reserved, and
 * is it refused?  Both are counted. */
bool kv_runner_refused(
    struct kv_runner *r, unsigned space, kv_va_t va, uint64_t size);

/* A write went through to the page that the tables map. */
void kv_runner_wrote(struct kv_runner *r, unsigned space, kv_va_t va);

/* "V3" for "pmap-I1": what an invariant of a module comes to, or NULL. */
const char *kv_generic_of(const char *id);

/* Judge what an arena of the scenario imported (V2). */
void kv_generic_imports(struct kv_run *run, size_t arena);

/* Consecutive pages of equal rights. */
struct kv_page_run {
	kv_va_t va;
	kv_pa_t pa;
	uint64_t size; /* bytes */
	unsigned attr; /* KV_PTE_* that are rights */
};
struct kv_page_runs {
	struct kv_page_run *list; /* owned */
	size_t count, capacity;
};

/* The pages around the range of a step on page tables. */
struct kv_range_watch {
	struct kv_page_runs before, wanted, after;
	kv_va_t start, end; /* what is looked at: whole leaves */
	kv_va_t va;
	uint64_t size; /* of the range, bytes */
};

/* Are ranges judged in this run?  Where everything that a step touched is to
 * be checked, and where V5 or V8 is expected. */
bool kv_range_is_judged(const struct kv_runner *r);

/* Look at the range before a step; what: KV_MAP_FAIL_*, done: bytes that the
 * step says it did, if it failed (V5, V8). */
void kv_range_before(struct kv_runner *r, const struct kv_map_step *s,
    kv_va_t va, struct kv_range_watch *w);
void kv_range_after(struct kv_runner *r, const struct kv_map_step *s,
    struct kv_range_watch *w, int what, int error, uint64_t done);
void kv_range_watch_fini(struct kv_range_watch *w);

/* Is the fault planted in this run? */
static inline bool
kv_runner_planted(const struct kv_runner *r, enum kv_plant fault)
{
	return kv_plants_has(&r->run->sc->plants, fault);
}

/* A step failed after it had done the pages from va on: no entry of the TLB for
 * them may be older (V7). */
void kv_runner_judge_flushed(
    struct kv_runner *r, unsigned space, kv_va_t va, uint64_t npages);

/* flush.*: the operands of range flushes. */
void kv_range_ops_measure(const struct kv_runner *r, struct kv_metrics *m);

/* layout.*, image.*, load.* of what the scenario plans. */
void kv_plan_measure(const struct kv_scenario *sc, struct kv_metrics *m);

/* The faults of the plan, and checks that fail, are violations.
 * => 0; EINVAL, noted: a check cannot be evaluated */
int kv_plan_judge(struct kv_run *run, struct kv_errors *errors);

/* What comes behind a step: the next one, or where a loop goes on.  Both ends
 * of a loop are steps for it alone.  => its number in the work */
size_t kv_loops_next(struct kv_runner *r, size_t step);

/* The pass of a loop that runs.  => false: no such loop */
bool kv_loops_pass(
    const struct kv_runner *r, const char *name, struct kv_value *value);

/* The passes that run, for messages: " (i = 3, j = 0)", or nothing. */
void kv_loops_words(const struct kv_runner *r, char *words, size_t size);

/* Add repeat.NAME.* of all loops. */
void kv_loops_measure(const struct kv_runner *r, struct kv_metrics *m);

/* An operation changed the leaves of a range: flush it, where there is a TLB.
 */
void kv_runner_flush(
    struct kv_runner *r, unsigned space, kv_va_t va, uint64_t npages);

/* What the machines must hold at the end of a run, if that is asked for and
 * not verified yet, and no invariant is broken anyway. */
void kv_runner_verify_end(struct kv_runner *r);

/* Dispose of all stacks, the last entry first. */
void kv_stacks_drain(struct kv_runner *r, const struct kv_step *step);

/* Free the blocks that are left, in the order of the steps. */
void kv_blocks_drain(struct kv_runner *r);

/* A step is on the tables of that space, which may have gone. */
static inline void
kv_runner_need(struct kv_runner *r, unsigned space)
{
	if (r->residents != NULL)
		(void)kv_residents_need(r->residents, space);
}

/* A step took what that space had. */
static inline void
kv_runner_forget(struct kv_runner *r, unsigned space)
{
	if (r->residents != NULL)
		kv_residents_forget(r->residents, space);
}

/* What the last step of that name before this one made: a block, or where a
 * stack is, which does not live there.  => NULL: none */
struct block *kv_block_named(struct kv_runner *r, const struct kv_step *step);

/* Collect the named blocks and stacks, so that each is found by its name. */
void kv_blocks_index(struct kv_runner *r);

#endif
