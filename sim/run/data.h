/* SPDX-License-Identifier: BSD-2-Clause */
/* data.h - the mappings of data of a world, and the store behind them */
#ifndef KV_SIM_DATA_H
#define KV_SIM_DATA_H

#include "hw/cow.h"
#include "hw/tlb.h"
#include "out/metrics.h"
#include "run/space.h"

struct kv_data;

/* nobjects: as many sources.  Free with kv_data_destroy. */
struct kv_data *kv_data_create(size_t nobjects);
void kv_data_destroy(struct kv_data *d);

/* What is mapped, by whom. */
struct kv_data_range {
	unsigned space, object;	 /* indices of the world's */
	struct kv_object *pages; /* that object */
	uint64_t npages_object;
	bool same; /* all its pages have one content */
	struct kv_space_range
	    range; /* how: LEAF with level; pa does not count */
	enum kv_cow_mode mode;
	enum kv_cow_flush flush;
	bool in_place;
};

/* Allocate the object's pages that are missing, publish it unless it is
 * ephemeral, map it.  => as kv_cow_create */
int kv_data_map(
    struct kv_data *d, struct kv_space *s, const struct kv_data_range *range);

/* The mapping that has va in that space.  => NULL: none */
struct kv_cow *kv_data_find(
    const struct kv_data *d, unsigned space, kv_va_t va);

/* Is anything mapped so in that space? */
bool kv_data_has(const struct kv_data *d, unsigned space);

/* Each mapping of a space is parked. */
void kv_data_park(struct kv_data *d, unsigned space);

/* KV_PTE_W where the mapping that has va lets it be written, else 0. */
unsigned kv_data_rights(const struct kv_data *d, unsigned space, kv_va_t va);

/* All mappings of a space as they were at first; what was written is lost.
 * Nothing of them is in its tables.  => 0; as kv_cow_create */
int kv_data_reset(struct kv_data *d, unsigned space);

/* All mappings of a space go, published first if mint. */
void kv_data_drop(struct kv_data *d, unsigned space, bool mint);

/* Every mapping and the zero page go; what was counted stays. */
void kv_data_clear(struct kv_data *d);

/* cow.*, store.* */
void kv_data_measure(const struct kv_data *d, struct kv_metrics *m);

/* Invariants of all mappings.  => 0; EFAULT and *diag */
int kv_data_check(const struct kv_data *d, struct kv_diag *diag);

#endif
