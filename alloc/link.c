/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c - how an arena imports from another: plain, or as kernel stacks do
 *
 * 1 Concepts.  An arena's source may be any function; most often it is another
 *   arena.  A link is that: spans are blocks of the parent, on an alignment.
 *   With slots it is the import of kernel-stack arenas (review D38852): one
 *   quantum and one slot come from the parent, whatever was asked; the base
 *   slides up to a whole number of slots from the origin and the slot given up
 *   pays for the slide.  With a stride a span starts at a multiple of any
 *   number, which no alignment can ask for: where the parent's answer is off,
 *   it is given back, a piece long enough to hold such a start is asked for
 *   and given back as well, and that start is then asked for by its address.
 * 2 Representation.  Parameters only; they stay with the importing arena.
 * 3 Invariants.
 *   I1  What is released is exactly what was imported: the slide is less than
 *       a slot, a slot is at most the alignment, so rounding the base down to
 *       the alignment undoes it; with a stride nothing slides.
 * 4 Cost.  One request to the parent; with a stride up to three.
 * 5 Fidelity.  FreeBSD kva_import_domain, kva_import_kstack and
 *   kva_release_kstack (vm_kern.c, vm_glue.c; spec freebsd.md 2, 3.2, vmem.md).
 *   Upstream would add the asked size to the arena although one quantum was
 *   imported (freebsd-F24); here a request above the quantum is ENOMEM.  The
 *   import with a stride is nobody's: it is how "FFFF" (freebsd.md 6) could be
 *   had from vmem as it is.
 */
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
	return kv_vmem_xfree(block.vm, block.va, block.size, diag);
}

/* What the parent is asked for: the slot given up pays for the slide. */
static uint64_t
import_size(const struct kv_link *link)
{
	return (link->faults & KV_LINK_NO_SPARE_SLOT) != 0
		   ? link->quantum
		   : link->quantum + link->slot;
}

static int
import_kstack(
    void *arg, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va, uint64_t *got)
{
	const struct kv_link *link = arg;
	struct kv_vmem_req req = {
	    .size = import_size(link), .align = link->align, .fit = fit};
	kv_va_t base;
	uint64_t rem;
	int error;

	if (size > link->quantum && (link->faults & KV_LINK_ADD_ASKED) == 0)
		return ENOMEM;
	error = kv_vmem_xalloc(link->parent, &req, &base);
	if (error != 0)
		return error;
	rem = (base - link->origin) % link->slot;
	*va = rem == 0 ? base : base + (link->slot - rem);
	*got = (link->faults & KV_LINK_ADD_ASKED) != 0 ? size : link->quantum;
	return 0;
}

static void
block_kstack(void *arg, kv_va_t va, uint64_t size, struct kv_vmem_block *block)
{
	const struct kv_link *link = arg;

	(void)size;
	*block = (struct kv_vmem_block){link->parent,
	    kv_align_down(va, link->align), import_size(link), link->align};
}

/* Is a span on a slot?  The release asserts that; in bytes, where it means
 * quanta (freebsd-F19). */
static bool
on_slot(const struct kv_link *link, kv_va_t va)
{
	uint64_t slot = link->slot;

	if ((link->faults & KV_LINK_BYTE_ASSERT) != 0)
		slot /= kv_vmem_quantum(link->parent);
	return (va - link->origin) % slot == 0;
}

static int
release_kstack(void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	const struct kv_link *link = arg;
	struct kv_vmem_block block;
	int error;

	if (!on_slot(link, va))
		return kv_diag_set(diag, EINVAL, "freebsd", 8, va,
		    "a chunk that goes back does not begin with a slot");
	block_kstack(arg, va, size, &block);
	if ((link->faults & KV_LINK_KEEP_BUMP) != 0) {
		block.va = va;
		block.size = size;
	}
	error = kv_vmem_xfree(block.vm, block.va, block.size, NULL);
	return error == 0
		   ? 0
		   : kv_diag_set(diag, error, "freebsd", 6, block.va,
			 "a chunk does not go back as it came (bt != NULL)");
}

/* The parent's answer to a request of size bytes within [min, max]. */
static int
ask(const struct kv_link *link, uint64_t size, kv_va_t min, kv_va_t max,
    enum kv_vmem_fit fit, kv_va_t *va)
{
	struct kv_vmem_req req = {.size = size,
	    .align = link->align,
	    .min = min,
	    .max = max,
	    .fit = fit};

	return kv_vmem_xalloc(link->parent, &req, va);
}

/* The first start at or above va. */
static kv_va_t
stride_up(const struct kv_link *link, kv_va_t va)
{
	uint64_t rem = (va - link->origin) % link->stride;

	return rem == 0 ? va : va + (link->stride - rem);
}

static int
import_stride(
    void *arg, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va, uint64_t *got)
{
	const struct kv_link *link = arg;
	uint64_t over = link->quantum + link->stride - link->align;
	kv_va_t base, start;
	int error;

	if (size > link->quantum)
		return ENOMEM;
	error = ask(link, link->quantum, 0, 0, fit, &base);
	start = error == 0 ? stride_up(link, base) : 0;
	if (error == 0 && start != base) {
		kv_vmem_xfree(link->parent, base, link->quantum, NULL);
		error = ask(link, over, 0, 0, fit, &base);
		if (error != 0)
			return error;
		start = stride_up(link, base);
		kv_vmem_xfree(link->parent, base, over, NULL);
		error = ask(link, link->quantum, start,
		    start + (link->quantum - 1), fit, &base);
	}
	if (error != 0)
		return error;
	*va = start;
	*got = link->quantum;
	return 0;
}

static int
release_stride(void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	const struct kv_link *link = arg;

	return kv_vmem_xfree(link->parent, va, size, diag);
}

/* plain, with slots, with a stride */
static const struct kv_vmem_source sources[] = {
    {.import = import_plain, .release = release_plain, .block = block_plain},
    {.import = import_kstack, .release = release_kstack, .block = block_kstack},
    {.import = import_stride, .release = release_stride}};

int
kv_link_set(struct kv_vmem *child, struct kv_link *link)
{
	struct kv_vmem_source source = sources[link->slot != 0	   ? 1
					       : link->stride != 0 ? 2
								   : 0];
	const uint64_t told[] = {
	    link->align, link->slot, link->origin, link->stride};
	int error;

	if (link->quantum == 0 ||
	    (link->align != 0 && !kv_is_pow2(link->align)))
		return EINVAL;
	if (link->slot != 0 &&
	    (link->stride != 0 || link->quantum % link->slot != 0 ||
		link->align < link->slot ||
		link->quantum > UINT64_MAX - link->slot))
		return EINVAL;
	if (link->stride != 0 &&
	    (link->align == 0 || link->stride % link->align != 0 ||
		link->quantum > UINT64_MAX - link->stride))
		return EINVAL;
	source.arg = link;
	if (link->faults != 0) /* each release is to be seen */
		source.block = NULL;
	source.import_quantum = link->quantum;
	if (link->keep)
		source.release = NULL;
	error = kv_vmem_set_source(child, &source);
	if (error == 0)
		kv_tap_tell_of(kv_vmem_tap(child), KV_EV_VMEM_LINK,
		    kv_vmem_name(child), kv_vmem_name(link->parent), told);
	return error;
}
