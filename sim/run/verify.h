/* SPDX-License-Identifier: BSD-2-Clause */
/* verify.h - holds what a world should map against machines that map it */
#ifndef KV_SIM_VERIFY_H
#define KV_SIM_VERIFY_H

#include "run/pair.h"
#include "run/plant.h"
#include "run/world.h"

struct kv_verifier;

/* As kv_mmu_kvm_open; a reason that is static. */
typedef int kv_verify_open_fn(
    const struct kv_mmu_config *cfg, struct kv_mmu **mmu, const char **reason);

/* The model's own machine. */
kv_verify_open_fn kv_verify_model;

struct kv_verify_config {
	uint64_t seed;			/* of all samples */
	bool huge;			/* the machine's memory in huge pages */
	kv_verify_open_fn *twin, *real; /* real NULL: the model alone */
	struct kv_plants plants; /* those in the machine, in the twin, at the
				    first point where each can be planted */
};

/* Nothing is opened yet. */
void kv_verifier_create(
    const struct kv_verify_config *cfg, struct kv_verifier **verifier);
/* Close all machines. */
void kv_verifier_destroy(struct kv_verifier *v);

/*
 * Open the machines for the kernel's space, of that format, before anything is
 * run.  A format that the real machine does not have is no error: the model is
 * alone then.  => 0; what opening it answers, and *reason
 */
int kv_verifier_open(struct kv_verifier *v, const struct kv_pte_format *format,
    const char **reason);

/* ---- Use ------------------------------------------------------------- */

/* What a verification does where nothing else is asked for: as many guard pages
 * are touched; as many pages at most are written, more are read; of as many
 * at most the machine counts its leaves, for which it touches them again. */
enum {
	KV_VERIFY_GUARDS = 100000,
	KV_VERIFY_WRITES = 1 << 18,
	KV_VERIFY_COUNTED = 1 << 14,
	/* Of more pages most are mapped as if they had been used before, where
	 * the first use of a page costs a fault that others cannot share:
	 * under shadow paging with CPL 0 native. */
	KV_VERIFY_UNUSED = 1 << 14
};

struct kv_verify_point {
	uint64_t guards;  /* guard pages to touch at most; more: a sample */
	bool read, write; /* writable pages and guards; neither: either */
};

/*
 * Bring the machines to what the world maps now, touch all of it and what it
 * must not map, and look at their tables.  => 0; EFAULT: kv_verifier_dispute
 */
int kv_verify_point(struct kv_verifier *v, const struct kv_world *w,
    const struct kv_verify_point *point);

/* Run count stacks over (drawn, if there are more), from their top down, by
 * size bytes; 0: a page more than the stack has.  => 0; EFAULT */
int kv_verify_overflow(struct kv_verifier *v, const struct kv_world *w,
    uint64_t count, uint64_t size);

/* ---- Inspect --------------------------------------------------------- */

/* The first disagreement; its text lives as long as the verifier.
 * => false: there was none */
bool kv_verifier_dispute(const struct kv_verifier *v, struct kv_diag *diag);

/* The machine beside the model for the kernel's space, or NULL, and why. */
const struct kv_mmu_caps *kv_verifier_caps(
    const struct kv_verifier *v, const char **reason);

/* Add verify.* and, of a real machine, host.*. */
void kv_verifier_measure(const struct kv_verifier *v, struct kv_metrics *m);

/* Add verify.NAME.* and host.NAME.*: leaves of the kernel's space now. */
void kv_verifier_measure_leaves(
    const struct kv_verifier *v, const char *point, struct kv_metrics *m);

#endif
