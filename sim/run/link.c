/* SPDX-License-Identifier: BSD-2-Clause */
/* link.c - how an arena imports from another: plain, or as kernel stacks do */
#include "run/link.h"

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

static int
release_plain(void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	const struct kv_link *link = arg;

	return kv_vmem_xfree(link->parent, va, size, diag);
}

static int
import_kstack(
    void *arg, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va, uint64_t *got)
{
	const struct kv_link *link = arg;
	struct kv_vmem_req req = {.size = link->quantum + link->slot,
	    .align = link->align,
	    .fit = fit};
	kv_va_t base = 0;
	uint64_t rem;
	int error = kv_vmem_xalloc(link->parent, &req, &base);

	(void)size;
	if (error != 0)
		return error;
	rem = (base - link->origin) % link->slot;
	*va = rem == 0 ? base : base + (link->slot - rem);
	*got = link->quantum;
	return 0;
}

/* The slide was less than a slot, so less than the alignment. */
static int
release_kstack(void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	const struct kv_link *link = arg;

	(void)size;
	return kv_vmem_xfree(link->parent, kv_align_down(va, link->align),
	    link->quantum + link->slot, diag);
}

int
kv_link_set(struct kv_vmem *child, struct kv_link *link)
{
	bool kstack = link->slot != 0;
	struct kv_vmem_source source = {
	    .import = kstack ? import_kstack : import_plain,
	    .release = kstack ? release_kstack : release_plain,
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
