/* SPDX-License-Identifier: BSD-2-Clause */
/* plant.c - faults that can be planted, so that the judges prove themselves */
#include "run/plant.h"

#include <string.h>

static const struct kv_plant_row rows[KV_PLANTS] = {
    [KV_PLANT_ENTRY] = {"mmu-F1",
	"the model's machine loses a page-table entry"},
    [KV_PLANT_GUARD] = {"mmu-F2", "the model's machine maps a guard page"},
    [KV_PLANT_FRAME] = {"mmu-F3",
	"the model's machine maps a page to the frame beside its own"},
    [KV_PLANT_WRITE] = {"mmu-F4",
	"the model's machine maps a writable page read-only"},
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
