/* SPDX-License-Identifier: BSD-2-Clause */
/* mutants.h - do the judges see the faults that can be injected? */
#ifndef KV_SIM_MUTANTS_H
#define KV_SIM_MUTANTS_H

#include "out/check.h"

enum kv_mutant_fate {
	KV_MUTANT_KILLED,    /* a scenario passes with it, not without it */
	KV_MUTANT_INVISIBLE, /* it changes no figure, and is declared so */
	KV_MUTANT_SURVIVED,
	KV_MUTANT_FATES
};

/* One fault of the table.  The texts belong to the row of a scenario. */
struct kv_mutant {
	enum kv_mutant_fate fate;
	const char *by;	      /* killed: invariant, or "figures" */
	uint64_t step;	      /* after which the violation was found */
	const char *scenario; /* NULL: none injects it */
	const char *why;      /* survived; or the expectation that tells */
};

/* Zero-initialise; finish with kv_mutants_fini. */
struct kv_mutants {
	struct kv_mutant *list; /* one a row of the table of faults */
	size_t count;
	size_t fates[KV_MUTANT_FATES];
};

/*
 * Run the scenarios of c that inject one fault, with it and without it.
 * => 0, whatever the fates; EINVAL, ECHILD, noted in the log
 */
int kv_mutants_run(struct kv_check *c, const struct kv_check_config *cfg,
    struct kv_mutants *m);
void kv_mutants_fini(struct kv_mutants *m);

/* The kill table: a line a fault, then how many there are of each fate. */
void kv_mutants_text(const struct kv_mutants *m, struct kv_buf *b);

#endif
