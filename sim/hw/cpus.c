/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpus.c - the CPUs of a machine: a TLB each, flushes here and elsewhere
 *
 * 1 Concepts.  Each CPU has a TLB and remembers the image that it entered last.
 *   Who changes tables flushes its own TLB and interrupts the other CPUs to
 *   flush theirs: a shootdown.  What a CPU flushes as it enters a space is its
 *   own affair, and reaches no other.
 * 2 Representation.  A TLB and an entry (entry.c) for each CPU; with one TLB
 *   for all of them, one.
 * 3 Invariants.  Those of each TLB (tlb.c).  Whether a shootdown was enough is
 *   judged by each touch, of the CPU that touches (V7).
 * 4 Cost.  A flush costs as many times as much as there are CPUs.
 * 5 Fidelity.  systems.md 0 (tlb, per CPU), 2.1 (the discipline is per CPU),
 *   2.4 F9.  A shootdown is over when the step is: no CPU runs on an old entry
 *   while it waits for the interrupt.  It reaches every CPU, where kernels
 *   leave out those that have not run the space since their last flush of it.
 */
#include "hw/cpus.h"

#include <stdio.h>

#include "out/mem.h"

enum { NAME_SIZE = 16 };

struct kv_cpu {
	struct kv_tlb *tlb; /* owned */
	struct kv_entry entry;
	char name[NAME_SIZE];
};

int
kv_cpus_create(const struct kv_cpus_config *cfg, struct kv_cpus **result)
{
	struct kv_cpus *cpus;
	int error = 0;
	unsigned i;

	if (cfg->count == 0)
		return EINVAL;
	cpus = kv_mem_resize(NULL, 1, sizeof(*cpus));
	*cpus = (struct kv_cpus){.cfg = *cfg, .shootdown = cfg->shootdown};
	cpus->list = kv_mem_resize(NULL, cfg->count, sizeof(*cpus->list));
	for (i = 0; i < cfg->count; i++) {
		struct kv_cpu *c = &cpus->list[i];

		*c = (struct kv_cpu){.entry = {.policy = cfg->on_enter}};
		snprintf(c->name, sizeof(c->name),
		    cfg->count == 1 ? "tlb" : "cpu%u", i);
		if (error == 0)
			error = kv_tlb_create(cfg->tlb, &c->tlb);
	}
	cpus->tlb = cpus->list[0].tlb;
	if (error != 0)
		kv_cpus_destroy(cpus);
	else
		*result = cpus;
	return error;
}

void
kv_cpus_destroy(struct kv_cpus *cpus)
{
	if (cpus == NULL)
		return;
	for (unsigned i = 0; i < cpus->cfg.count; i++)
		kv_tlb_destroy(cpus->list[i].tlb);
	kv_mem_free(cpus->list);
	kv_mem_free(cpus);
}

void
kv_cpus_listen(struct kv_cpus *cpus, const struct kv_tap *tap)
{
	for (unsigned i = 0; i < cpus->cfg.count; i++)
		kv_tlb_listen(cpus->list[i].tlb, tap, cpus->list[i].name);
}

/* ---- Use ------------------------------------------------------------- */

void
kv_cpus_run_on(struct kv_cpus *cpus, unsigned cpu)
{
	KV_ASSERT(cpu < cpus->cfg.count);
	cpus->cpu = cpu;
	cpus->tlb = cpus->list[cpu].tlb;
}

void
kv_cpus_reach(struct kv_cpus *cpus, enum kv_shootdown shootdown)
{
	cpus->shootdown = shootdown;
}

void
kv_cpus_reach_end(struct kv_cpus *cpus)
{
	cpus->shootdown = cpus->cfg.shootdown;
}

/* The next CPU to flush, from *i on.  => NULL: that was the last */
static struct kv_tlb *
next_flushed(struct kv_cpus *cpus, unsigned *i)
{
	if (cpus->shootdown == KV_SHOOTDOWN_LOCAL && *i <= cpus->cpu)
		*i = cpus->cpu;
	else if (cpus->shootdown == KV_SHOOTDOWN_LOCAL)
		return NULL;
	if (*i == cpus->cfg.count)
		return NULL;
	cpus->shootdowns += *i != cpus->cpu;
	return cpus->list[(*i)++].tlb;
}

void
kv_cpus_flush_range(
    struct kv_cpus *cpus, unsigned tag, kv_va_t va, uint64_t npages)
{
	struct kv_tlb *tlb;
	unsigned i = 0;

	while ((tlb = next_flushed(cpus, &i)) != NULL)
		kv_tlb_flush_range(tlb, tag, va, npages);
}

void
kv_cpus_flush_tag(struct kv_cpus *cpus, unsigned tag)
{
	struct kv_tlb *tlb;
	unsigned i = 0;

	while ((tlb = next_flushed(cpus, &i)) != NULL)
		kv_tlb_flush_tag(tlb, tag);
}

void
kv_cpus_flush_nonglobal(struct kv_cpus *cpus)
{
	struct kv_tlb *tlb;
	unsigned i = 0;

	while ((tlb = next_flushed(cpus, &i)) != NULL)
		kv_tlb_flush_nonglobal(tlb);
}

void
kv_cpus_flush_all(struct kv_cpus *cpus)
{
	struct kv_tlb *tlb;
	unsigned i = 0;

	while ((tlb = next_flushed(cpus, &i)) != NULL)
		kv_tlb_flush_all(tlb);
}

void
kv_cpus_enter(struct kv_cpus *cpus, const struct kv_image *next)
{
	unsigned memory = cpus->cfg.shared ? 0 : cpus->cpu;

	kv_entry_switch(&cpus->list[memory].entry, cpus->tlb, next);
}

/* ---- Inspect --------------------------------------------------------- */

const struct kv_tlb *
kv_cpus_tlb_of(const struct kv_cpus *cpus, unsigned cpu)
{
	KV_ASSERT(cpu < cpus->cfg.count);
	return cpus->list[cpu].tlb;
}

static void
stats_add(struct kv_tlb_stats *sum, const struct kv_tlb_stats *s)
{
	sum->hits += s->hits;
	sum->misses += s->misses;
	sum->stale += s->stale;
	sum->faults += s->faults;
	sum->stale_frame += s->stale_frame;
	sum->stale_permissive += s->stale_permissive;
	sum->stale_restrictive += s->stale_restrictive;
	sum->evictions += s->evictions;
	sum->coalesced += s->coalesced;
	sum->page_flushes += s->page_flushes;
	sum->tag_flushes += s->tag_flushes;
	sum->nonglobal_flushes += s->nonglobal_flushes;
	sum->full_flushes += s->full_flushes;
	sum->entries += s->entries;
	sum->reach += s->reach;
	for (unsigned i = 0; i < KV_TLB_ARRAYS_MAX; i++) {
		sum->array[i].hits += s->array[i].hits;
		sum->array[i].entries += s->array[i].entries;
	}
}

struct kv_tlb_stats
kv_cpus_stats(const struct kv_cpus *cpus)
{
	struct kv_tlb_stats sum = {0}, s;

	for (unsigned i = 0; i < cpus->cfg.count; i++) {
		s = kv_tlb_stats(cpus->list[i].tlb);
		stats_add(&sum, &s);
	}
	return sum;
}

int
kv_cpus_walk(const struct kv_cpus *cpus, kv_tlb_entry_fn *cb, void *arg)
{
	int result = 0;

	for (unsigned i = 0; i < cpus->cfg.count && result == 0; i++)
		result = kv_tlb_walk(cpus->list[i].tlb, cb, arg);
	return result;
}

int
kv_cpus_check(const struct kv_cpus *cpus, struct kv_diag *diag)
{
	int error = 0;

	for (unsigned i = 0; i < cpus->cfg.count && error == 0; i++)
		error = kv_tlb_check(cpus->list[i].tlb, diag);
	return error;
}
