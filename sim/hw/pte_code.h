/* SPDX-License-Identifier: BSD-2-Clause */
/* pte_code.h - between attributes and the bits of an entry; inline, for walks
 */
#ifndef KV_SIM_PTE_CODE_H
#define KV_SIM_PTE_CODE_H

#include "hw/pte.h"

static inline bool
kv_pte_on(const struct kv_pte_bits *bits, uint64_t entry)
{
	return bits->mask != 0 && (entry & bits->mask) == bits->set;
}

/* entry with that attribute on, or off. */
static inline uint64_t
kv_pte_set(const struct kv_pte_bits *bits, uint64_t entry, bool on)
{
	return (entry & ~bits->mask) |
	       (on ? bits->set : bits->mask ^ bits->set);
}

/* The bits that say the attributes: any of KV_PTE_* but CONTIG, which a whole
 * group has. */
static inline uint64_t
kv_pte_encode(const struct kv_pte_format *f, unsigned attr)
{
	const unsigned u = attr & KV_PTE_U, x = attr & KV_PTE_X;
	uint64_t entry = 0;

	if (f->modified_is_write && (attr & KV_PTE_W) == 0)
		attr &= ~(unsigned)KV_PTE_M;
	if (f->user_x.mask != 0) {
		entry = kv_pte_set(&f->user_x, entry, x != 0 && u != 0);
		attr &= u != 0 ? ~(unsigned)KV_PTE_X : ~0u;
	}
	attr &= ~(unsigned)KV_PTE_CONTIG;
	for (unsigned i = 0; i < KV_PTE_ATTRS; i++)
		entry = kv_pte_set(&f->attr[i], entry, (attr >> i & 1) != 0);
	return entry;
}

/* The attributes of a leaf. */
static inline unsigned
kv_pte_decode(const struct kv_pte_format *f, uint64_t entry)
{
	unsigned attr = 0;

	for (unsigned i = 0; i < KV_PTE_ATTRS; i++)
		attr |= (unsigned)kv_pte_on(&f->attr[i], entry) << i;
	if ((attr & KV_PTE_U) != 0 && kv_pte_on(&f->user_x, entry))
		attr |= KV_PTE_X;
	return attr;
}

/* Where an entry's frame bits point; a member of a group of Svnapot has
 * those of the whole group. */
static inline kv_pa_t
kv_pte_frame(const struct kv_pte_format *f, uint64_t entry)
{
	return (entry & f->frame_mask) << f->frame_shift;
}

/* The address of an offset into what a root covers: the bits above va_bits
 * follow from the half that it is in, or from the half that the root is for. */
static inline kv_va_t
kv_pte_va(const struct kv_pte_format *f, bool low_half, uint64_t offset)
{
	const uint64_t sign = UINT64_C(1) << (f->va_bits - 1);

	if (f->root_per_half)
		return low_half ? offset : offset | ~(2 * sign - 1);
	return (offset ^ sign) - sign;
}

/* log2 entries of a contiguous group of that level; 0 = none. */
static inline unsigned
kv_pte_group(const struct kv_pte_format *f, unsigned level)
{
	for (unsigned i = 0; i < 2; i++)
		if (f->group[i].order != 0 && f->group[i].level == level)
			return f->group[i].order;
	return 0;
}

/* log2 bytes that an entry of that level maps. */
static inline unsigned
kv_pte_shift(const struct kv_pte_format *f, unsigned level)
{
	return f->page_shift + level * f->pt_shift;
}

/* May an entry of that level be a leaf? */
static inline bool
kv_pte_leaf_level(const struct kv_pte_format *f, unsigned level)
{
	return (f->leaf_levels >> level & 1) != 0;
}

/*
 * Member i of a group of 2^order, as part of the group and alone.  On arm64
 * that is one bit; Svnapot gives all members the same entry, in whose frame
 * the lowest bit that is set says the size.
 */
static inline uint64_t
kv_pte_join(const struct kv_pte_format *f, uint64_t entry, unsigned order)
{
	const unsigned unit = f->page_shift - f->frame_shift;

	entry = kv_pte_set(&f->attr[KV_PTE_CONTIG_BIT], entry, true);
	if (!f->group_in_frame)
		return entry;
	entry &= ~(((UINT64_C(1) << order) - 1) << unit);
	return entry | UINT64_C(1) << (order - 1 + unit);
}

static inline uint64_t
kv_pte_alone(
    const struct kv_pte_format *f, uint64_t entry, unsigned order, unsigned i)
{
	const unsigned unit = f->page_shift - f->frame_shift;
	const uint64_t low = (UINT64_C(1) << order) - 1;

	if (!kv_pte_on(&f->attr[KV_PTE_CONTIG_BIT], entry))
		return entry;
	entry = kv_pte_set(&f->attr[KV_PTE_CONTIG_BIT], entry, false);
	if (!f->group_in_frame)
		return entry;
	return (entry & ~(low << unit)) | (i & low) << unit;
}

#endif
