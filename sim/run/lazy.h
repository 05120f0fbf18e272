/* SPDX-License-Identifier: BSD-2-Clause */
/* lazy.h - ranges that are mapped, a block at a time, when they are touched */
#ifndef KV_SIM_LAZY_H
#define KV_SIM_LAZY_H

#include "run/space.h"

/* Memory of a device at pa that a space has from va on; level says how large
 * the leaves are where the range has all of one. */
struct kv_lazy_range {
	unsigned space, level, attr;
	kv_va_t va;
	uint64_t size; /* bytes, whole pages */
	kv_pa_t pa;
};

/* Zero-initialise; ranges of one space do not overlap. */
struct kv_lazy {
	struct kv_lazy_range *list; /* owned */
	size_t count, capacity;
	uint64_t faults,
	    failed; /* touches that mapped something, or could not */
};

/* Forget all ranges. */
void kv_lazy_fini(struct kv_lazy *l);

/* A range more; nothing else is there. */
void kv_lazy_add(struct kv_lazy *l, const struct kv_lazy_range *range);

/* Is a part of that range of a space in it? */
bool kv_lazy_meets(
    const struct kv_lazy *l, unsigned space, kv_va_t va, uint64_t size);

/* The range is unmapped; W and X of it become attr's. */
void kv_lazy_unmap(
    struct kv_lazy *l, unsigned space, kv_va_t va, uint64_t size);
void kv_lazy_protect(struct kv_lazy *l, unsigned space, kv_va_t va,
    uint64_t size, unsigned attr);

/* All of a space goes; a space has what another one has. */
void kv_lazy_drop(struct kv_lazy *l, unsigned space);
void kv_lazy_copy(struct kv_lazy *l, unsigned space, unsigned from);

/*
 * A touch of va.  Where no leaf maps it, but a range has it, that is mapped: a
 * block, if the range has all of it and nothing of it is mapped, else the
 * range's pages in that block.  Both are counted.
 * => 0: nothing to do, or done; as kv_space_map
 */
int kv_lazy_touch(
    struct kv_lazy *l, struct kv_space *s, unsigned space, kv_va_t va);

#endif
