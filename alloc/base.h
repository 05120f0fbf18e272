/* SPDX-License-Identifier: BSD-2-Clause */
/* base.h - address kinds, diagnoses and assertions shared by all of alloc/ */
#ifndef KV_BASE_H
#define KV_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t kv_va_t;     /* kernel virtual address, bytes */
typedef uint64_t kv_pa_t;     /* physical address, bytes */
typedef uint64_t kv_pfn_t;    /* physical page number, pages */
typedef uint64_t kv_pindex_t; /* page index inside a VM object, pages */

/* Inclusive upper limit that means "no limit". */
#define KV_ADDR_MAX UINT64_MAX

/* A condition whose failure is a bug in Kvasir, never in its input. */
#define KV_ASSERT(cond) assert(cond)

/*
 * What a kernel would have panicked on, or which invariant does not hold.
 * All strings are static; nothing is owned.
 */
struct kv_diag {
	const char *module; /* "vmem", "reserv", ...: prefix of the id */
	unsigned invariant; /* number in the module's theory block, from 1 */
	uint64_t address;   /* what it is about: va, pa or pindex */
	const char *text;   /* one line, no full stop */
};

/*
 * Fill *diag (which may be NULL) and hand back error, so that a check reads
 * `return kv_diag_set(...)`.
 */
static inline int
kv_diag_set(struct kv_diag *diag, int error, const char *module,
    unsigned invariant, uint64_t address, const char *text)
{
	if (diag != NULL)
		*diag = (struct kv_diag){module, invariant, address, text};
	return error;
}

#endif
