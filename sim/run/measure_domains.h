/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_domains.h - what each memory domain holds, and what is misplaced */
#ifndef KV_SIM_MEASURE_DOMAINS_H
#define KV_SIM_MEASURE_DOMAINS_H

#include "run/world.h"

/* Live stacks by the domain of their KVA. */
struct kv_domain_stacks {
	uint64_t live, wrong; /* wrong: on pages of another domain */
};

/* One for each domain of the machine. */
void kv_domain_stacks(
    const struct kv_world *w, struct kv_domain_stacks stacks[KV_PHYS_DOMAINS]);

/* Add the figures of domains, if there are several. */
void kv_measure_domains(const struct kv_world *w, struct kv_metrics *m);

#endif
