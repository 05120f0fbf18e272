/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.c - memory of one input, freed at once */
#include "in/pool.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

enum { BLOCK = 64 << 10, ALIGN = 16 };

struct kv_pool_block {
	_Alignas(ALIGN) struct kv_pool_block *next;
};

void *
kv_pool_alloc(struct kv_pool *pool, size_t size)
{
	struct kv_pool_block *b;
	char *p;

	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (pool->size - pool->used < size) {
		pool->size = sizeof(*b) + (size < BLOCK ? BLOCK : size);
		pool->used = sizeof(*b);
		b = kv_mem_resize(NULL, pool->size, 1);
		b->next = pool->blocks;
		pool->blocks = b;
	}
	p = (char *)pool->blocks + pool->used;
	pool->used += size;
	return memset(p, 0, size);
}

char *
kv_pool_text(struct kv_pool *pool, const char *text, size_t length)
{
	return memcpy(kv_pool_alloc(pool, length + 1), text, length);
}

void
kv_pool_fini(struct kv_pool *pool)
{
	struct kv_pool_block *b = pool->blocks, *next;

	for (; b != NULL; b = next) {
		next = b->next;
		kv_mem_free(b);
	}
	*pool = (struct kv_pool){0};
}
