/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_domains.c - what each memory domain holds, and what is misplaced */
#include "run/measure_domains.h"

#include <stdio.h>

void
kv_domain_stacks(
    const struct kv_world *w, struct kv_domain_stacks stacks[KV_PHYS_DOMAINS])
{
	size_t i;

	for (i = 0; i < w->spec.ndomains; i++)
		stacks[i] = (struct kv_domain_stacks){0};
	for (i = 0; i < w->nstacks; i++) {
		const struct kv_stack *s = &w->stacks[i];

		stacks[s->domain].live++;
		stacks[s->domain].wrong +=
		    kv_world_page_domain(w, s) != s->domain;
	}
}

enum family { PHYS, KSTACK };

static void
put(struct kv_metrics *m, enum family family, unsigned domain, const char *what,
    uint64_t value)
{
	char name[64];

	snprintf(name, sizeof(name),
	    family == PHYS ? "phys.domain%u.%s" : "kstack.domain%u.%s", domain,
	    what);
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

static void
measure_memory(const struct kv_world *w, unsigned d, struct kv_metrics *m)
{
	uint64_t pages = kv_world_domain_pages(w, d);
	uint64_t free = kv_phys_free_count(w->phys, d);

	put(m, PHYS, d, "pages", pages);
	put(m, PHYS, d, "free_pages", free);
	put(m, PHYS, d, "inuse", pages - free);
	put(m, PHYS, d, "queued_pages", kv_phys_queued(w->phys, d));
}

void
kv_measure_domains(const struct kv_world *w, struct kv_metrics *m)
{
	struct kv_domain_stacks stacks[KV_PHYS_DOMAINS];
	const struct kv_world_frees *f = &w->frees;
	unsigned d;

	if (w->spec.ndomains == 1)
		return;
	for (d = 0; d < w->spec.ndomains; d++)
		measure_memory(w, d, m);
	if (w->kstack == NULL)
		return;
	kv_domain_stacks(w, stacks);
	for (d = 0; d < w->spec.ndomains; d++) {
		put(m, KSTACK, d, "live", stacks[d].live);
		put(m, KSTACK, d, "wrong_domain", stacks[d].wrong);
	}
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "kstack.frees_matched", f->matched);
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "kstack.frees_mismatched", f->mismatched);
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "kstack.frees_remote", f->remote);
}
