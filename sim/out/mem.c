/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c - memory of the program itself
 *
 * The sizes that malloc gave are counted, which it is asked for again when the
 * block goes: so callers need not keep them.
 */
#include "out/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __FreeBSD__
#include <malloc_np.h>
#else
#include <malloc.h>
#endif

#include "out/limit.h"

/* What the block counts as. */
static size_t
size_of(void *ptr)
{
	return ptr == NULL ? 0 : malloc_usable_size(ptr);
}

void *
kv_mem_resize(void *ptr, size_t count, size_t size)
{
	struct kv_budget *memory = kv_limit_memory();
	size_t old = size_of(ptr);
	void *grown = NULL;

	if (count == 0 || size == 0)
		count = size = 1;
	if (count > SIZE_MAX / size)
		kv_budget_take(memory, 0, SIZE_MAX); /* does not return */
	kv_budget_take(memory, old, count * size);
	grown = realloc(ptr, count * size);
	if (grown == NULL) {
		fprintf(stderr, "kvasir: out of memory\n");
		exit(2);
	}
	kv_budget_give(memory, count * size);
	memory->bytes += size_of(grown);
	return grown;
}

void *
kv_mem_zalloc(size_t count, size_t size)
{
	void *block = kv_mem_resize(NULL, count, size);

	return memset(block, 0, count * size);
}

char *
kv_mem_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(kv_mem_resize(NULL, size, 1), text, size);
}

void
kv_mem_free(void *ptr)
{
	kv_budget_give(kv_limit_memory(), size_of(ptr));
	free(ptr);
}

void
kv_mem_host(struct kv_host *host, bool alone)
{
	if (alone)
		kv_host_default(host);
	else
		kv_host_libc(host);
	host->budget = kv_limit_memory();
}
