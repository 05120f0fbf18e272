/* SPDX-License-Identifier: BSD-2-Clause */
/* plant.h - faults that can be planted, so that the judges prove themselves */
#ifndef KV_SIM_PLANT_H
#define KV_SIM_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those of mmu- are planted in the model's machine, the others are policies
 * of what they are named after. */
enum kv_plant {
#define X(name, id, about, source, caught) KV_PLANT_##name,
#include "run/faults.def"
#undef X
	KV_PLANTS /* none of them */
};

struct kv_plant_row {
	const char *id;
	const char *about;  /* one line of meaning */
	const char *source; /* the review or commit that had it */
	const char *caught; /* by: ids, "figures", or "nothing: " and why */
};

/* The table, in the order above; *count gets the number of rows. */
const struct kv_plant_row *kv_plant_table(size_t *count);

/* The one with that id, or KV_PLANTS. */
enum kv_plant kv_plant_find(const char *id);

/* What a fault is in terms of a scenario: edits.def. */
struct kv_plant_edit {
	enum kv_plant first, last; /* faults that it belongs to */
	const char *path;	   /* "?": where it is there */
	const char *text;	   /* NULL: that is there, nothing is put */
};

/* The table, in the order of edits.def. */
const struct kv_plant_edit *kv_plant_edits(size_t *count);

/* ---- Sets of faults ---------------------------------------------------- */

enum { KV_PLANT_WORDS = (KV_PLANTS + 63) / 64 };

struct kv_plants {
	uint64_t bits[KV_PLANT_WORDS];
};

static inline void
kv_plants_add(struct kv_plants *set, enum kv_plant fault)
{
	set->bits[fault / 64] |= UINT64_C(1) << fault % 64;
}

static inline void
kv_plants_remove(struct kv_plants *set, enum kv_plant fault)
{
	set->bits[fault / 64] &= ~(UINT64_C(1) << fault % 64);
}

static inline bool
kv_plants_has(const struct kv_plants *set, enum kv_plant fault)
{
	return (set->bits[fault / 64] >> fault % 64 & 1) != 0;
}

/* Is one of first to last among them? */
static inline bool
kv_plants_any(
    const struct kv_plants *set, enum kv_plant first, enum kv_plant last)
{
	while (first < last && !kv_plants_has(set, first))
		first = (enum kv_plant)(first + 1);
	return kv_plants_has(set, first);
}

/* Those of freebsd's: bit n - 1 is freebsd-Fn, as kv_kstack_fault has them. */
unsigned kv_plants_of_kstacks(const struct kv_plants *set);

/* Those that a verification plants (verify.c). */
static inline bool
kv_plants_in_machine(const struct kv_plants *set)
{
	return kv_plants_any(set, KV_PLANT_ENTRY, KV_PLANT_WRITE);
}

#endif
