/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c - how an arena imports from another: plain, or as kernel stacks do
 *
 * 1 Concepts.  An arena's source may be any function; most often it is another
 *   arena.  A link is that: spans are blocks of the parent, on an alignment.
 *   With slots it is the import of kernel-stack arenas (review D38852): one
 *   quantum and one slot come from the parent, whatever was asked; the base
 *   slides up to a whole number of slots from the origin and the slot given up
 *   pays for the slide.
 * 2 Representation.  Parameters only; they stay with the importing arena.
 * 3 Invariants.
 *   I1  What is released is exactly what was imported: the slide is less than
 *       a slot, a slot is at most the alignment, so rounding the base down to
 *       the alignment undoes it.
 * 4 Cost.  One request to the parent.
 * 5 Fidelity.  FreeBSD kva_import_domain, kva_import_kstack and
 *   kva_release_kstack (vm_kern.c, vm_glue.c; spec freebsd.md 2, 3.2, vmem.md).
 *   Upstream would add the asked size to the arena although one quantum was
 *   imported (freebsd-F24); here a request above the quantum is ENOMEM.
 */
#include "arena.h"
#include "arith.h"
#include "link.h"

static int
import_plain(
    void *arg, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va, uint64_t *got)
{
	const struct kv_link *link = arg;
	struct kv_vmem_req req = {
	    .size = size, .align = link->align, .fit = fit};
	int error = kv_vmem_xalloc(link->parent, &req, va);

	if (error == 0)
		*got = size;
	return error;
}

static void
block_plain(void *arg, kv_va_t va, uint64_t size, struct kv_vmem_block *block)
{
	const struct kv_link *link = arg;

	*block = (struct kv_vmem_block){link->parent, va, size, link->align};
}

static int
release_plain(void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	struct kv_vmem_block block;

	block_plain(arg, va, size, &block);
	return kv_arena_give(block.vm, &block, diag);
}

static int
import_kstack(
    void *arg, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va, uint64_t *got)
{
	const struct kv_link *link = arg;
	struct kv_vmem_req req = {.size = link->quantum + link->slot,
	    .align = link->align,
	    .fit = fit};
	kv_va_t base;
	uint64_t rem;
	int error;

	if (size > link->quantum)
		return ENOMEM;
	error = kv_vmem_xalloc(link->parent, &req, &base);

	if (error != 0)
		return error;
	rem = (base - link->origin) % link->slot;
	*va = rem == 0 ? base : base + (link->slot - rem);
	*got = link->quantum;
	return 0;
}

static void
block_kstack(void *arg, kv_va_t va, uint64_t size, struct kv_vmem_block *block)
{
	const struct kv_link *link = arg;

	(void)size;
	*block =
	    (struct kv_vmem_block){link->parent, kv_align_down(va, link->align),
		link->quantum + link->slot, link->align};
}

static int
release_kstack(void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	struct kv_vmem_block block;

	block_kstack(arg, va, size, &block);
	return kv_arena_give(block.vm, &block, diag);
}

int
kv_link_set(struct kv_vmem *child, struct kv_link *link)
{
	bool kstack = link->slot != 0;
	struct kv_vmem_source source = {
	    .import = kstack ? import_kstack : import_plain,
	    .release = kstack ? release_kstack : release_plain,
	    .block = kstack ? block_kstack : block_plain,
	    .arg = link,
	    .import_quantum = link->quantum};

	if (link->quantum == 0 ||
	    (link->align != 0 && !kv_is_pow2(link->align)))
		return EINVAL;
	if (kstack &&
	    (link->quantum % link->slot != 0 || link->align < link->slot ||
		link->quantum > UINT64_MAX - link->slot))
		return EINVAL;
	if (link->keep)
		source.release = NULL;
	return kv_vmem_set_source(child, &source);
}
