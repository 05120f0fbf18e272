/* SPDX-License-Identifier: BSD-2-Clause */
/* radix.h - an ordered map from 64-bit numbers to pointers */
#ifndef KV_RADIX_H
#define KV_RADIX_H

#include "base.h"
#include "host.h"

enum {
	KV_RADIX_SHIFT = 6,
	KV_RADIX_FANOUT = 1 << KV_RADIX_SHIFT,
	KV_RADIX_HEIGHT = 11 /* levels that hold any number */
};

struct kv_radix_node {
	uint64_t present; /* bit i: child[i] is there */
	void *child[KV_RADIX_FANOUT];
};

/* Embedded; zero-initialised but for host. */
struct kv_radix {
	struct kv_host *host;	    /* (c) */
	struct kv_radix_node *root; /* NULL: nothing was ever inserted */
	unsigned height;	    /* levels of nodes */
};

static inline unsigned
kv_radix_digit(uint64_t number, unsigned level)
{
	return number >> (level * KV_RADIX_SHIFT) & (KV_RADIX_FANOUT - 1);
}

/* Has the tree levels enough for a number? */
static inline bool
kv_radix_holds(const struct kv_radix *r, uint64_t number)
{
	return r->height >= KV_RADIX_HEIGHT ||
	       number >> (r->height * KV_RADIX_SHIFT) == 0;
}

/* What stands under a number, or NULL. */
static inline void *
kv_radix_lookup(const struct kv_radix *r, uint64_t number)
{
	const struct kv_radix_node *node = r->root;

	if (node == NULL || !kv_radix_holds(r, number))
		return NULL;
	for (unsigned level = r->height - 1; level != 0; level--) {
		node = node->child[kv_radix_digit(number, level)];
		if (node == NULL)
			return NULL;
	}
	return node->child[kv_radix_digit(number, 0)];
}

/* What stands under the least number >= (the largest <=) the given one, or
 * NULL. */
void *kv_radix_next(const struct kv_radix *r, uint64_t number);
void *kv_radix_prev(const struct kv_radix *r, uint64_t number);

/* Nothing may stand there yet.  => 0; ENOMEM, and nothing is changed */
int kv_radix_insert(struct kv_radix *r, uint64_t number, void *value);

/* Something must stand there. */
void kv_radix_remove(struct kv_radix *r, uint64_t number);

/* Free the nodes, and hand each value that is left to the function. */
void kv_radix_fini(
    struct kv_radix *r, void (*drop)(void *arg, void *value), void *arg);

/*
 * The invariants; visits each value with its number, ascending, until a visit
 * returns something else than 0.  => that; or EFAULT and *diag (module
 * "object")
 */
typedef int kv_radix_visit_fn(void *arg, uint64_t number, void *value);
int kv_radix_check(const struct kv_radix *r, kv_radix_visit_fn *visit,
    void *arg, struct kv_diag *diag);

#endif
