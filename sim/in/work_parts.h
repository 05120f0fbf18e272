/* SPDX-License-Identifier: BSD-2-Clause */
/* work_parts.h - what section_work.c and section_stacks.c share */
#ifndef KV_SIM_WORK_PARTS_H
#define KV_SIM_WORK_PARTS_H

#include "in/sections.h"

/* What any step may say; presets are the defaults. */
struct kv_step_args {
	uint64_t count, pages, domain, cpu, steps, limit, times, max_pages;
	uint64_t base, size, align, phase, nocross, min, max;
	unsigned order, fit, generator;
	bool aligned, qcache;
	unsigned stop;
	const char *arena, *name;
	const struct kv_node *body;
};
/* A step while it is read. */
struct kv_reading {
	struct kv_load *ld;
	const struct kv_node *key, *map; /* alloc: {...} */
	struct kv_step_args args;
	struct kv_step step;
};

/* The value of a key, or the name of the step when it is not there. */
const struct kv_node *kv_step_at(const struct kv_reading *r, const char *key);

/* A name for what the step makes, which is kept.  => 0; EINVAL, noted */
int kv_step_check_name(
    struct kv_reading *r, const char *what, struct kv_names *names);

/* Steps on kernel stacks, and what reclaims their pages.  => 0; EINVAL, noted
 */
int kv_step_check_stacks(struct kv_reading *r);
int kv_step_check_spawn(struct kv_reading *r);
int kv_step_check_dispose(struct kv_reading *r);
int kv_step_check_reclaim(struct kv_reading *r);

#endif
