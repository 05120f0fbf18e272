/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.h - memory of the program itself (not of the allocators it models) */
#ifndef KV_SIM_MEM_H
#define KV_SIM_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "alloc/kv.h"

/*
 * realloc of count * size bytes, the same zeroed and new, and a copy of a
 * string.  They never return NULL: the program that has no memory for its own
 * tables, or may not have so much (limit.h), says so and ends with status 2,
 * before anything was written.
 */
void *kv_mem_resize(void *ptr, size_t count, size_t size);
void *kv_mem_zalloc(size_t count, size_t size);
char *kv_mem_text(const char *text);

/* Free what these gave; NULL is nothing. */
void kv_mem_free(void *ptr);

/* Memory for allocators, counted with the rest (limit.h); alone: in a place of
 * its own, which takes time to make. */
void kv_mem_host(struct kv_host *host, bool alone);

#endif
