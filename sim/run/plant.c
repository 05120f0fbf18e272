/* SPDX-License-Identifier: BSD-2-Clause */
/* plant.c - faults that can be planted, so that the judges prove themselves */
#include "run/plant.h"

#include <string.h>

static const struct kv_plant_row rows[KV_PLANTS] = {
#define X(name, id, about, source, caught) {id, about, source, caught},
#include "run/faults.def"
#undef X
};

static const struct kv_plant_edit edits[] = {
#define N(first, last, path) {KV_PLANT_##first, KV_PLANT_##last, path, NULL},
#define E(fault, path, text) {KV_PLANT_##fault, KV_PLANT_##fault, path, text},
#include "run/edits.def"
#undef N
#undef E
};

const struct kv_plant_row *
kv_plant_table(size_t *count)
{
	*count = KV_PLANTS;
	return rows;
}

const struct kv_plant_edit *
kv_plant_edits(size_t *count)
{
	*count = sizeof(edits) / sizeof(edits[0]);
	return edits;
}

enum kv_plant
kv_plant_find(const char *id)
{
	unsigned i = 0;

	while (i < KV_PLANTS && strcmp(rows[i].id, id) != 0)
		i++;
	return (enum kv_plant)i;
}

unsigned
kv_plants_of_kstacks(const struct kv_plants *set)
{
	unsigned faults = 0, n;

	for (n = 0; n < 24; n++)
		if (kv_plants_has(
			set, (enum kv_plant)(KV_PLANT_FREEBSD_F1 + n)))
			faults |= 1u << n;
	return faults;
}
