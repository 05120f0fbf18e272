/* SPDX-License-Identifier: BSD-2-Clause */
/* plant.h - faults that can be planted, so that the judges prove themselves */
#ifndef KV_SIM_PLANT_H
#define KV_SIM_PLANT_H

#include <stddef.h>

/* Those of mmu- are planted in the model's machine. */
enum kv_plant {
	KV_PLANT_ENTRY,
	KV_PLANT_GUARD,
	KV_PLANT_FRAME,
	KV_PLANT_WRITE,
	KV_PLANTS /* none of them */
};

struct kv_plant_row {
	const char *id;
	const char *about; /* one line of meaning */
};

/* The table, in the order above; *count gets the number of rows. */
const struct kv_plant_row *kv_plant_table(size_t *count);

/* The one with that id, or KV_PLANTS. */
enum kv_plant kv_plant_find(const char *id);

#endif
