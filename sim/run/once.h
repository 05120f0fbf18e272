/* SPDX-License-Identifier: BSD-2-Clause */
/* once.h - one scenario, from its file to a run that is judged */
#ifndef KV_SIM_ONCE_H
#define KV_SIM_ONCE_H

#include "run/runner.h"

struct kv_once_config {
	const char *path;
	const struct kv_text *text; /* of a scenario called path, which is taken
				       over; NULL: the file itself */
	const struct kv_define *defines;
	size_t ndefines;
	struct kv_run_config run; /* verifier and verify are filled in; kvm: a
				     real machine beside the model's */
	const char *inject;	  /* a fault more; NULL: none */
	bool sound;		  /* without the scenario's own faults */
	/* told of the scenario before anything runs; NULL: nobody */
	void (*ready)(void *arg, const struct kv_scenario *sc);
	void *arg;
};

/* Zero-initialise; finish with kv_once_fini. */
struct kv_once {
	struct kv_scenario *sc;
	struct kv_verifier *verifier;
	struct kv_run *run;
	const char *reason; /* why there is no real machine; static */
};

/*
 * Load, open the machines, run.
 * => 0 and all of *o; EINVAL with entries in *errors, or ENOTSUP: nothing in
 *    the scenario could have the fault; else what opening the real machine
 *    answers, and o->reason
 */
int kv_once_run(const struct kv_once_config *cfg, struct kv_once *o,
    struct kv_errors *errors);
void kv_once_fini(struct kv_once *o);

#endif
