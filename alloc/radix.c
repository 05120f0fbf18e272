/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * radix.c - an ordered map from 64-bit numbers to pointers
 *
 * 1 Concepts.  Sparse numbers, mostly in clusters; wanted are lookup and the
 *   nearest neighbour on either side.
 * 2 Representation.  A tree of fan-out 64, six bits of the number a level;
 *   each node has a bit a child, so that neighbours are found by scanning
 *   bits.  The tree is only as high as the largest number needs.
 *
 *     number 70 = 1:6     root present ..10   (child 1)
 *                          '- node present 1 << 6   (value)
 *
 * 3 Invariants.  Those that object.c counts to its I1: present has a bit
 *   exactly for each child; no node but the root is empty.
 * 4 Cost.  One step a level; a node has 520 bytes.
 * 5 Fidelity.  None claimed: the answers do not depend on the tree.
 */
#include "radix.h"

/* The child with the lowest (highest) digit of a set. */
static unsigned
edge(uint64_t set, bool up)
{
	return (
	    unsigned)(up ? __builtin_ctzll(set) : 63 - __builtin_clzll(set));
}

static void *
outermost(const struct kv_radix_node *node, unsigned level, bool up)
{
	for (; level != 0; level--)
		node = node->child[edge(node->present, up)];
	return node->child[edge(node->present, up)];
}

static void *
near(const struct kv_radix_node *node, unsigned level, uint64_t number, bool up)
{
	unsigned i = kv_radix_digit(number, level);
	void *found = node->child[i];
	uint64_t others;

	if (level != 0 && found != NULL)
		found = near(found, level - 1, number, up);
	if (found != NULL)
		return found;
	others = up ? node->present & ~(UINT64_MAX >> (63 - i))
		    : node->present & ((UINT64_C(1) << i) - 1);
	if (others == 0)
		return NULL;
	found = node->child[edge(others, up)];
	return level == 0 ? found : outermost(found, level - 1, up);
}

void *
kv_radix_next(const struct kv_radix *r, uint64_t number)
{
	if (r->root == NULL || r->root->present == 0 ||
	    !kv_radix_holds(r, number))
		return NULL;
	return near(r->root, r->height - 1, number, true);
}

void *
kv_radix_prev(const struct kv_radix *r, uint64_t number)
{
	if (r->root == NULL || r->root->present == 0)
		return NULL;
	if (!kv_radix_holds(r, number))
		return outermost(r->root, r->height - 1, false);
	return near(r->root, r->height - 1, number, false);
}

/* Add levels until a number has a place. */
static int
grow(struct kv_radix *r, uint64_t number)
{
	if (r->root == NULL) {
		r->root = kv_host_zalloc(r->host, 1, sizeof(*r->root));
		if (r->root == NULL)
			return ENOMEM;
		r->height = 1;
	}
	for (; !kv_radix_holds(r, number); r->height++) {
		struct kv_radix_node *node;

		if (r->root->present == 0)
			continue;
		node = kv_host_zalloc(r->host, 1, sizeof(*node));
		if (node == NULL)
			return ENOMEM;
		node->child[0] = r->root;
		node->present = 1;
		r->root = node;
	}
	return 0;
}

/* Free the nodes on the way to a number that are empty, but not the root. */
static void
prune(struct kv_radix *r, uint64_t number)
{
	struct kv_radix_node *path[KV_RADIX_HEIGHT], *node = r->root;
	unsigned level = r->height;

	while (level != 0 && node != NULL) {
		path[--level] = node;
		node = level == 0 ? NULL
				  : node->child[kv_radix_digit(number, level)];
	}
	for (; level + 1 < r->height && path[level]->present == 0; level++) {
		struct kv_radix_node *parent = path[level + 1];
		unsigned i = kv_radix_digit(number, level + 1);

		kv_host_free(r->host, path[level], 1, sizeof(*path[level]));
		parent->child[i] = NULL;
		parent->present &= ~(UINT64_C(1) << i);
	}
}

int
kv_radix_insert(struct kv_radix *r, uint64_t number, void *value)
{
	struct kv_radix_node *node;

	if (grow(r, number) != 0)
		return ENOMEM;
	node = r->root;
	for (unsigned level = r->height - 1;; level--) {
		unsigned i = kv_radix_digit(number, level);

		if (node->child[i] == NULL) {
			node->child[i] =
			    level == 0 ? value
				       : kv_host_zalloc(r->host, 1,
					     sizeof(struct kv_radix_node));
			if (node->child[i] == NULL) {
				prune(r, number);
				return ENOMEM;
			}
			node->present |= UINT64_C(1) << i;
		}
		if (level == 0)
			return 0;
		node = node->child[i];
	}
}

void
kv_radix_remove(struct kv_radix *r, uint64_t number)
{
	struct kv_radix_node *node = r->root;
	unsigned i = kv_radix_digit(number, 0);

	for (unsigned level = r->height - 1; level != 0; level--)
		node = node->child[kv_radix_digit(number, level)];
	node->child[i] = NULL;
	node->present &= ~(UINT64_C(1) << i);
	prune(r, number);
}

static void
node_fini(struct kv_radix *r, struct kv_radix_node *node, unsigned level,
    void (*drop)(void *arg, void *value), void *arg)
{
	for (uint64_t left = node->present; left != 0; left &= left - 1) {
		void *child = node->child[__builtin_ctzll(left)];

		if (level == 0)
			drop(arg, child);
		else
			node_fini(r, child, level - 1, drop, arg);
	}
	kv_host_free(r->host, node, 1, sizeof(*node));
}

void
kv_radix_fini(
    struct kv_radix *r, void (*drop)(void *arg, void *value), void *arg)
{
	if (r->root != NULL)
		node_fini(r, r->root, r->height - 1, drop, arg);
	r->root = NULL;
	r->height = 0;
}

static int
node_check(const struct kv_radix *r, const struct kv_radix_node *node,
    unsigned level, uint64_t number, kv_radix_visit_fn *visit, void *arg,
    struct kv_diag *diag)
{
	if (node->present == 0 && node != r->root)
		return kv_diag_set(
		    diag, EFAULT, "object", 1, number, "node is empty");
	for (unsigned i = 0; i < KV_RADIX_FANOUT; i++) {
		uint64_t below = number << KV_RADIX_SHIFT | i;
		void *child = node->child[i];
		int error = 0;

		if ((node->present >> i & 1) != (child != NULL))
			return kv_diag_set(diag, EFAULT, "object", 1, below,
			    "node and its children differ");
		if (child != NULL)
			error = level == 0 ? visit(arg, below, child)
					   : node_check(r, child, level - 1,
						 below, visit, arg, diag);
		if (error != 0)
			return error;
	}
	return 0;
}

int
kv_radix_check(const struct kv_radix *r, kv_radix_visit_fn *visit, void *arg,
    struct kv_diag *diag)
{
	return r->root == NULL
		   ? 0
		   : node_check(r, r->root, r->height - 1, 0, visit, arg, diag);
}
