/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.h - memory of the program itself (not of the allocators it models) */
#ifndef KV_SIM_MEM_H
#define KV_SIM_MEM_H

#include <stddef.h>

/*
 * realloc of count * size bytes, and a copy of a string.  They never return
 * NULL: the program that has no memory for its own tables says so and ends
 * with status 2, before anything was written.
 */
void *kv_mem_resize(void *ptr, size_t count, size_t size);
char *kv_mem_text(const char *text);

#endif
