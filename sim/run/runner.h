/* SPDX-License-Identifier: BSD-2-Clause */
/* runner.h - executes a scenario and judges it */
#ifndef KV_SIM_RUNNER_H
#define KV_SIM_RUNNER_H

#include "hw/tlb.h"
#include "in/scenario.h"
#include "out/metrics.h"
#include "run/observe.h"
#include "run/verify.h"

/* What a kernel would have panicked on, or an invariant that does not hold. */
struct kv_violation {
	char id[40];	  /* "vmem-I5", "freebsd-I4" */
	uint64_t step;	  /* operation, from 1, after which it was found */
	uint64_t address; /* va, pa or pindex */
	const char *text; /* static, the verifier's, or of the run */
	bool expected;	  /* by violation("ID") */
};

/* A line of expect, judged. */
struct kv_judgement {
	const char *text; /* the scenario's */
	bool ok;
	bool hex;	       /* value is an address or a hash */
	struct kv_value value; /* left side of a comparison */
	struct kv_value limit; /* right side; NONE: it is no comparison */
};

enum kv_outcome { KV_OUTCOME_OK, KV_OUTCOME_FAILED, KV_OUTCOME_WOULD_PANIC };

enum { KV_VIOLATIONS_MAX = 100 };

/* A series of samples: a row an instant, the operation first. */
struct kv_sampled {
	const struct kv_sample_spec *spec;
	const char **columns; /* owned list */
	size_t ncolumns;      /* with "op" */
	double *rows;	      /* NaN: no such figure then */
	size_t nrows, capacity;
	uint64_t every; /* operations */
};

/* An operation: the one that runs, or the last that did. */
struct kv_op {
	const struct kv_step *step; /* of the scenario, that it is part of */
	enum kv_step_kind kind;	    /* of churns: spawn, dispose, alloc, free */
	int error;	/* how it ended; what the kernel panics on: EFAULT, what
			   never ends: EDEADLK */
	uint64_t done;	/* bytes of the range that are done all the same */
	unsigned space; /* of the range, from va on */
	kv_va_t va;	/* range; stack: ks; block: its address */
	unsigned npages, domain, cpu; /* stack: as asked for */
	int arena;		      /* block: of alloc and free */
	bool plain;		      /* alloc: through the quantum cache */
	struct kv_vmem_req req;	      /* alloc */
};

struct kv_run;

/* Told before each operation, and after it, with what is known then. */
typedef void kv_run_tell_fn(void *arg, const struct kv_run *run, bool after);

struct kv_run_config {
	uint64_t seed;
	unsigned audit; /* 0 no checks, 1 everything once at the end, and what
			   happens in a small run (oracle.h), 2 also each
			   new stack, and everything on the way
			   (audit.c), 3 everything after each operation */
	uint64_t audit_op; /* and everything after this one; 0: none */
	struct kv_verifier *verifier; /* not owned; NULL: steps that verify do
					 nothing */
	unsigned nsamples; /* about so many, of stacks, page tables and the
			      memory under them, in run->timeline */
	bool verify;	   /* once more at the end, asked or not */
	bool kvm;	   /* --backend kvm: for the report */
	bool nested;	   /* part of longer work, which shows the progress */
	struct kv_tap tap; /* is told what happens; {0}: nobody is */
	bool lean;	   /* what is violated counts alone: no figures, and
			      no expectation is judged */
	struct kv_draws *draws; /* of operations, and of what is built before
				   them; NULL: none is refused */
	kv_run_tell_fn *tell;	/* NULL: nobody is told */
	void *tell_arg;
};

/* What a violation comes down to (shrink.h), for the report. */
struct kv_counterexample {
	const char *id;	      /* of the violation */
	uint64_t from, steps; /* of the work: unrolled, and left */
	uint64_t runs;	      /* that it took */
	uint64_t op;	      /* of what is left, that violates it */
	const char *scenario; /* that does so by itself */
	const char *diff;     /* "- line", "+ line": before and after op */
	const char *whatis;   /* its address, in words */
};

/* A scenario that ran; world and arenas stay as the work left them. */
struct kv_run {
	const struct kv_scenario *sc;
	struct kv_run_config cfg;
	uint64_t ops;		 /* operations executed */
	struct kv_op op;	 /* the last of them */
	struct kv_world *world;	 /* NULL without kstacks */
	struct kv_vmem **arenas; /* of the scenario, sc->narenas */
	struct kv_cpus *cpus;	 /* NULL without the section tlb */
	struct kv_metrics metrics;
	struct kv_sampled *sampled;  /* sc->nsamples */
	struct kv_timeline timeline; /* when it is watched */
	struct kv_judgement *judged; /* sc->nexpect */
	struct kv_violation violations[KV_VIOLATIONS_MAX];
	size_t nviolations;
	struct kv_pool texts; /* of violations that are put together */
	uint64_t unlisted;    /* violations beyond the list */
	uint64_t unexpected;  /* violations, listed or not */
	enum kv_outcome outcome;
	const struct kv_counterexample *counterexample; /* not owned; NULL:
							   none was sought */
	struct kv_runner *runner; /* the rest; private to runner.c */
};

/*
 * Create what the scenario names, execute its steps in order, measure, judge.
 * One tick passes before every operation on a stack.  The scenario and the
 * verifier must outlive the run.
 * => 0 and an owned run in *result; EINVAL with entries in *errors
 */
int kv_run_execute(const struct kv_scenario *sc,
    const struct kv_run_config *cfg, struct kv_run **result,
    struct kv_errors *errors);
void kv_run_free(struct kv_run *run);

/* Give back all that the run left over; what is missing then is a violation of
 * it.  Its figures stay; world and arenas are empty. */
void kv_run_drain(struct kv_run *run);

/* Do all expectations hold, and was every violation expected? */
bool kv_run_passed(const struct kv_run *run);

/* Note a violation: "vmem-I4" of a module's own, "V7" of those of all, or both,
 * where one is what the other comes to; other: the second name, if it is not
 * that of the table (generic.c).  Or one of an id of its own.  text: kept as
 * long as the run. */
void kv_run_violate(struct kv_run *run, const struct kv_diag *diag);
void kv_run_violate_both(
    struct kv_run *run, const struct kv_diag *diag, const char *other);
void kv_run_violate_id(
    struct kv_run *run, const char *id, uint64_t address, const char *text);

/* Fill metrics with all that world and arenas know and, where they can be
 * computed now, the scenario's own. */
void kv_run_measure(struct kv_run *run, struct kv_errors *errors);

/*
 * Fill metrics with all that world and arenas know and the scenario defines;
 * then judge the expectations and the outcome.  => 0, EINVAL
 */
int kv_run_judge(struct kv_run *run, struct kv_errors *errors);

/* The value of a name in an expression of this run: a metric, a parameter. */
bool kv_run_lookup(void *run, const char *name, struct kv_value *value);

/* "ok", "failed", "would-panic". */
const char *kv_outcome_name(enum kv_outcome outcome);

#endif
