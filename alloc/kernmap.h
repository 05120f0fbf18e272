/* SPDX-License-Identifier: BSD-2-Clause */
/* kernmap.h - kernel_map as arenas see it: the lowest gap that fits */
#ifndef KV_KERNMAP_H
#define KV_KERNMAP_H

#include "base.h"
#include "host.h"

struct kv_kernmap_gap {
	kv_va_t start, end;
};

/* Embed it; fields are those of kernmap.c. */
struct kv_kernmap {
	struct kv_host *host;	     /* (c) metadata */
	uint64_t align;		     /* (c) of what is given, bytes */
	kv_va_t end;		     /* (c) of the map */
	kv_va_t next;		     /* lowest address never given */
	struct kv_kernmap_gap *gaps; /* below next, came back (I1) */
	size_t ngaps, capacity;
	uint64_t given; /* ranges that are out (I2) */
};

/* Addresses [start, end), given in multiples of align (a power of two). */
void kv_kernmap_init(struct kv_kernmap *map, struct kv_host *host,
    uint64_t align, kv_va_t start, kv_va_t end);
void kv_kernmap_fini(struct kv_kernmap *map);

/* size is a multiple of align.  => 0 and *va; ENOMEM, nothing is changed */
int kv_kernmap_alloc(struct kv_kernmap *map, uint64_t size, kv_va_t *va);

/* Back, exactly as given. */
void kv_kernmap_free(struct kv_kernmap *map, kv_va_t va, uint64_t size);

/* => 0, or EFAULT and *diag */
int kv_kernmap_check(const struct kv_kernmap *map, struct kv_diag *diag);

#endif
