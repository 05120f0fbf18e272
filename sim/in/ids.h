/* SPDX-License-Identifier: BSD-2-Clause */
/* ids.h - the live ids of a trace: number -> what must be freed */
#ifndef KV_SIM_IDS_H
#define KV_SIM_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kv_id {
	uint64_t id;
	void *owner; /* arena; NULL marks an empty slot */
	uint64_t va, size;
	bool constrained; /* from xalloc */
};

/* Open addressing; zero-initialise. */
struct kv_ids {
	struct kv_id *slot;
	size_t count;
	unsigned log2_slots;
};

/* => the entry, until the next add or remove; NULL when it is not live */
const struct kv_id *kv_ids_find(const struct kv_ids *ids, uint64_t id);
/* The id must not be live. */
void kv_ids_add(struct kv_ids *ids, const struct kv_id *entry);
/* The id must be live. */
void kv_ids_remove(struct kv_ids *ids, uint64_t id);
void kv_ids_fini(struct kv_ids *ids);

#endif
