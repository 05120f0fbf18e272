/* SPDX-License-Identifier: BSD-2-Clause */
/* failing.h - a scenario again and again, each time refused another draw */
#ifndef KV_SIM_FAILING_H
#define KV_SIM_FAILING_H

#include "out/emit.h"
#include "run/runner.h"

/* Runs with few draws are also refused two of them. */
enum { KV_FAILING_PAIRS = 64 };

/* Operations of a scenario that is tried with all its draws. */
enum { KV_FAILING_OPS = 1000 };

struct kv_failing_config {
	struct kv_run_config run; /* seed and faults: the rest is filled in */
	uint64_t refuse[KV_DRAWS_REFUSED]; /* these alone; [0] = 0: each, and
					      pairs where they are few */
};

/* What must not be: an invariant, a trace that a failed step left, a loss. */
struct kv_failing_finding {
	uint64_t refuse[KV_DRAWS_REFUSED]; /* draws by number; 0: none */
	bool lasting;			   /* its kind, to the end of op */
	enum kv_draw kind;		   /* of the last */
	uint64_t op;		/* that drew it; 0: before the first */
	enum kv_step_kind step; /* of that operation */
	uint64_t times;		/* the same of other draws, this included */
	struct kv_violation what;
	struct kv_buf diff; /* owned; of the state, where it tells more */
};

enum { KV_FAILING_FINDINGS = 20 };

struct kv_failing {
	uint64_t ops, draws, of[KV_DRAWS]; /* when none is refused */
	uint64_t runs, lasting, pairs; /* refused one; one and its kind to the
					  end of the operation; two */
	uint64_t unbuilt;  /* runs refused before the first operation */
	uint64_t absorbed; /* operations that succeeded all the same */
	uint64_t same, rest, prefix; /* that failed, by what they changed */
	struct kv_failing_finding findings[KV_FAILING_FINDINGS];
	size_t nfindings;
	uint64_t unlisted;
};

/*
 * Run the scenario once; then, for every n up to the number of its draws, with
 * the n-th refused: that alone, as by an interrupt that takes the last page,
 * and lastingly, as where there is none.  After the operation that drew it all
 * invariants must hold, and if that failed, what anybody has is what it was; at
 * the end all goes back, and nothing may be missing.  What the first run
 * violates, others may.
 * => 0; EINVAL, noted: it cannot run.  Free with kv_failing_fini.
 */
int kv_failing_run(const struct kv_scenario *sc,
    const struct kv_failing_config *cfg, struct kv_failing *result,
    struct kv_errors *errors);
void kv_failing_fini(struct kv_failing *result);

/* Some lines: what was counted, then what was found; path: of the scenario, to
 * say how to see it again. */
void kv_failing_text(
    const struct kv_failing *f, const char *path, struct kv_buf *out);

#endif
