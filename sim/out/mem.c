/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.c - memory of the program itself */
#include "out/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
kv_mem_resize(void *ptr, size_t count, size_t size)
{
	void *grown = NULL;

	if (count == 0 || size == 0)
		count = size = 1;
	if (count <= SIZE_MAX / size)
		grown = realloc(ptr, count * size);
	if (grown == NULL) {
		fprintf(stderr, "kvasir: out of memory\n");
		exit(2);
	}
	return grown;
}

char *
kv_mem_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(kv_mem_resize(NULL, size, 1), text, size);
}
