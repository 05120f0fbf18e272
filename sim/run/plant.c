/* SPDX-License-Identifier: BSD-2-Clause */
/* plant.c - faults that can be planted, so that the judges prove themselves */
#include "run/plant.h"

#include <string.h>

static const struct kv_plant_row rows[KV_PLANTS] = {
#define X(name, id, about, source, caught) {id, about, source, caught},
#include "run/faults.def"
#undef X
};

const struct kv_plant_row *
kv_plant_table(size_t *count)
{
	*count = KV_PLANTS;
	return rows;
}

enum kv_plant
kv_plant_find(const char *id)
{
	unsigned i = 0;

	while (i < KV_PLANTS && strcmp(rows[i].id, id) != 0)
		i++;
	return (enum kv_plant)i;
}
