/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.h - the independent judge of what happens */
#ifndef KV_SIM_ORACLE_H
#define KV_SIM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloc/event.h"

/* What must not be.  Its name is MODULE-Ininvariant, or V and the number. */
struct kv_finding {
	const char *module;
	unsigned invariant;
	uint64_t step;	  /* operation that it happened in */
	uint64_t event;	  /* number of the event, or its line in a log */
	uint64_t address; /* va, pa, pindex */
	const char *text; /* static */
};

struct kv_oracle;

enum { KV_ORACLE_FINDINGS = 100 };

/* Owned; never NULL. */
struct kv_oracle *kv_oracle_create(void);
void kv_oracle_destroy(struct kv_oracle *o);

/* What is judged at level 1: a run of at most so many operations, and of that
 * the first so many events, some 0.1 s of work. */
enum { KV_ORACLE_SMALL = 1 << 14, KV_ORACLE_HEARD = 1 << 18 };

/* Hear so many events, and judge nothing of what is behind them. */
void kv_oracle_bound(struct kv_oracle *o, uint64_t events);

/* The tap that it listens with.  Events may come from a run or from a log: it
 * knows of no other state. */
struct kv_tap kv_oracle_tap(struct kv_oracle *o);

/* The next event has this number instead of the next one. */
void kv_oracle_mark(struct kv_oracle *o, uint64_t event);

/* An operation is complete: judge what may only pass in between. */
void kv_oracle_settle(struct kv_oracle *o);

/* What it found so far, in order, at most KV_ORACLE_FINDINGS. */
const struct kv_finding *kv_oracle_findings(
    const struct kv_oracle *o, size_t *count);

/* Found in all, listed or not. */
uint64_t kv_oracle_found(const struct kv_oracle *o);

/* "freebsd-I5", "V1" */
enum { KV_FINDING_ID = 40 };
void kv_finding_id(const struct kv_finding *f, char id[KV_FINDING_ID]);

/* Is a finding of that id what a scenario expects that names the other?  V1 is
 * what an arena of itself calls vmem-I5. */
bool kv_finding_meets(const char *id, const char *expected);

#endif
