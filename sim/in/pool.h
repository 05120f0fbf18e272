/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.h - memory of one input, freed at once */
#ifndef KV_SIM_POOL_H
#define KV_SIM_POOL_H

#include <stddef.h>

/* Zero-initialise; finish with kv_pool_fini. */
struct kv_pool {
	struct kv_pool_block *blocks; /* owned, the newest first */
	size_t used, size;	      /* bytes of the newest block */
};

/* Zeroed memory for anything; never NULL. */
void *kv_pool_alloc(struct kv_pool *pool, size_t size);

/* A copy of length bytes, ended by NUL. */
char *kv_pool_text(struct kv_pool *pool, const char *text, size_t length);

/* Free all that came from the pool. */
void kv_pool_fini(struct kv_pool *pool);

#endif
