/* SPDX-License-Identifier: BSD-2-Clause */
/* store.h - pages by their content: one of each */
#ifndef KV_SIM_STORE_H
#define KV_SIM_STORE_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; finish with kv_store_fini. */
struct kv_store {
	uint64_t *slot; /* owned; 0: empty */
	unsigned shift; /* log2 slots, when there are any */
	uint64_t count; /* distinct pages */
};

/* Publish a page of that content; one that is there already is shared. */
void kv_store_publish(struct kv_store *s, uint64_t content);

/* Free it; it is empty then. */
void kv_store_fini(struct kv_store *s);

/* What page i of the object of that number holds at first; what a write makes
 * of a page: never 0, the same from the same. */
uint64_t kv_content_first(uint64_t object, uint64_t i);
uint64_t kv_content_written(uint64_t content);

#endif
