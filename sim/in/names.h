/* SPDX-License-Identifier: BSD-2-Clause */
/* names.h - a set of names, each with its number */
#ifndef KV_SIM_NAMES_H
#define KV_SIM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Names in order of arrival.  Zero-initialise; finish with kv_names_fini. */
struct kv_names {
	const char **list; /* the strings are not owned */
	size_t count;
	size_t *slots; /* number + 1, by hash; 0 = free */
	size_t nslots; /* 0 or a power of two */
};

/* => true: *index is its number */
bool kv_names_find(
    const struct kv_names *names, const char *name, size_t *index);

/* Add a name, which must outlive the set; *index gets its number, in any
 * case.  => false: it was there */
bool kv_names_add(struct kv_names *names, const char *name, size_t *index);

/* Free the set, not the strings. */
void kv_names_fini(struct kv_names *names);

#endif
