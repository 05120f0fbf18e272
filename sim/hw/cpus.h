/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus.h - the CPUs of a machine: a TLB each, flushes here and elsewhere */
#ifndef KV_SIM_CPUS_H
#define KV_SIM_CPUS_H

#include "hw/entry.h"

/* Whose TLBs are flushed when tables have changed; in this order in scenarios.
 */
enum kv_shootdown {
	KV_SHOOTDOWN_ALL,  /* every CPU's: the others are interrupted */
	KV_SHOOTDOWN_LOCAL /* a mistake: that of the CPU which changed them */
};

struct kv_cpus_config {
	const struct kv_tlb_config *tlb; /* of each */
	unsigned count;			 /* CPUs with a TLB; 1: all share it */
	enum kv_shootdown shootdown;
	enum kv_entry_flush on_enter;
	bool shared; /* a mistake: they remember one last image together */
};

/* Use it read-only. */
struct kv_cpus {
	struct kv_tlb *tlb;	     /* of the CPU that runs */
	struct kv_cpu *list;	     /* owned */
	unsigned cpu;		     /* that runs */
	enum kv_shootdown shootdown; /* of now */
	struct kv_cpus_config cfg;   /* (c) */
	uint64_t shootdowns; /* CPUs interrupted to flush, once a flush */
};

/* => 0 and they are to be destroyed; EINVAL: no CPU, or as kv_tlb_create */
int kv_cpus_create(const struct kv_cpus_config *cfg, struct kv_cpus **result);
void kv_cpus_destroy(struct kv_cpus *cpus);

/* As kv_tlb_listen; in events the only TLB is "tlb", of several each is
 * "cpu0", "cpu1" and so on. */
void kv_cpus_listen(struct kv_cpus *cpus, const struct kv_tap *tap);

/* ---- Use ------------------------------------------------------------- */

/* What follows runs on that CPU, below their number; at first on 0. */
void kv_cpus_run_on(struct kv_cpus *cpus, unsigned cpu);

/* As the flushes of tlb.h, of every CPU that the shootdown reaches. */
void kv_cpus_flush_range(
    struct kv_cpus *cpus, unsigned tag, kv_va_t va, uint64_t npages);
void kv_cpus_flush_tag(struct kv_cpus *cpus, unsigned tag);
void kv_cpus_flush_nonglobal(struct kv_cpus *cpus);
void kv_cpus_flush_all(struct kv_cpus *cpus);

/* Until it is ended: shootdowns reach those CPUs alone. */
void kv_cpus_reach(struct kv_cpus *cpus, enum kv_shootdown shootdown);
void kv_cpus_reach_end(struct kv_cpus *cpus);

/* The CPU that runs enters the space of next: kv_entry_switch. */
void kv_cpus_enter(struct kv_cpus *cpus, const struct kv_image *next);

/* ---- Inspect --------------------------------------------------------- */

/* The TLB of a CPU, below their number. */
const struct kv_tlb *kv_cpus_tlb_of(const struct kv_cpus *cpus, unsigned cpu);

/* Of all TLBs together. */
struct kv_tlb_stats kv_cpus_stats(const struct kv_cpus *cpus);

/* kv_tlb_walk of one CPU after another. */
int kv_cpus_walk(const struct kv_cpus *cpus, kv_tlb_entry_fn *cb, void *arg);

/* kv_tlb_check of each.  => 0; EFAULT and *diag */
int kv_cpus_check(const struct kv_cpus *cpus, struct kv_diag *diag);

#endif
