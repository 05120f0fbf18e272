/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte.c - entry formats of page tables: the one table
 *
 * 1 Concepts.  An entry is 64 bits: a frame, bits that say what kind of entry
 *   it is, bits that say what may be done.  Architectures differ in where these
 *   stand and in their sense; the walk in pmap.c asks the row and is the same
 *   for all.
 * 2 Representation.  One constant row a format.
 *
 *     bit      63  62..55 54  53  52  51      ..12 11 10   9  8  7   6 5 4 3 2
 * 1 0 amd64    NX  -      -   -   -   <--- frame --->  -   -  G  PS  D A - - U
 * W P arm64    -   -      UXN PXN C   DBM  (1) nG AF  <-SH-> AP2 AP1 - <idx> T
 * V riscv    N   -      -   <--- frame >> 12, 53..10 ---> - - D A G U X W R V
 *
 *     (1) frame: bits 47 to the page shift.  T: table or base page; clear in a
 *     block.  C: contiguous.  SH 3: inner shareable.  idx 0: the memory type
 *     that MAIR gives normal memory.
 *
 * 3 Invariants.
 *   I1  root_shift + (levels - 1) * pt_shift + page_shift is va_bits.
 *   I2  No two of the frame, the attributes and a leaf's constant bits share
 *       a bit.
 *   I3  The geometry of a format is that of the machine of its name.
 * 4 Cost.  None.
 * 5 Fidelity.  The bit layouts are those of the architecture manuals: AMD64
 *   volume 2 chapter 5 and Intel SDM volume 3 chapter 4; Arm ARM, VMSAv8-64
 *   translation table formats, stage 1; RISC-V privileged specification, Sv39,
 *   Sv48 and Svnapot.
 *   Reserved bits are what makes a fault say so: on amd64 frame bits below the
 *   size of a superpage (bit 12 there is PAT) and PS where it has no meaning;
 *   on riscv a misaligned frame.  That a frame be too high for the processor
 *   is not in the table.
 *   amd64: tables allow everything (leaves decide) and have A set from the
 *   start, so that a processor never writes to them.
 *   arm64: with hardware management of dirty state W is DBM and M is AP[2]
 *   clear, so that a write sets M and an entry without W cannot have it.  The
 *   frame ends at bit 47 and 4 TiB blocks do not exist: no LPA.  A root covers
 *   one half of the address space.
 */
#include <string.h>

#include "hw/pte.h"

#define BIT(n) (UINT64_C(1) << (n))
#define BITS(high, low) (UINT64_MAX >> (63 - (high)) & UINT64_MAX << (low))
#define ON(n)                  \
	{                      \
		BIT(n), BIT(n) \
	}
#define INVERTED(n)       \
	{                 \
		BIT(n), 0 \
	}
#define NONE         \
	{            \
		0, 0 \
	}

/* What all rows of an architecture have in common; W X U G A M CONTIG. */
#define AMD64                                                                 \
	.page_shift = 12, .pt_shift = 9, .root_shift = 9, .leaf_levels = 7,   \
	.frame_mask = BITS(51, 12),                                           \
	.table = BIT(5) | BIT(2) | BIT(1) | BIT(0), .is_table = INVERTED(7),  \
	.present = ON(0), .leaf = {BIT(0), BIT(7) | BIT(0), BIT(7) | BIT(0)}, \
	.reserved = {0, BITS(20, 13), BITS(29, 13), BIT(7), BIT(7)},          \
	.attr = {ON(1), INVERTED(63), ON(2), ON(8), ON(5), ON(6), NONE}

#define ARM64                                                       \
	.va_bits = 48, .table = BIT(1) | BIT(0), .is_table = ON(1), \
	.present = ON(0),                                           \
	.leaf = {BITS(9, 8) | BIT(1) | BIT(0), BITS(9, 8) | BIT(0), \
	    BITS(9, 8) | BIT(0)},                                   \
	.attr = {ON(51), INVERTED(53), ON(6), INVERTED(11), ON(10), \
	    INVERTED(7), ON(52)},                                   \
	.user_x = INVERTED(54), .modified_is_write = true,          \
	.root_per_half = true

#define RISCV                                                                \
	.page_shift = 12, .pt_shift = 9, .root_shift = 9,                    \
	.frame_mask = BITS(53, 10), .frame_shift = 2, .table = BIT(0),       \
	.is_table = {BITS(3, 1), 0}, .present = ON(0), .leaf = {3, 3, 3, 3}, \
	.reserved = {0, BITS(18, 10), BITS(27, 10), BITS(36, 10)},           \
	.attr = {ON(2), ON(3), ON(4), ON(5), ON(6), ON(7), ON(63)},          \
	.group = {{0, 4}}, .group_in_frame = true

static const struct kv_pte_format formats[] = {
    {.name = "amd64",
	.about = "4 levels: 4 KiB, 2 MiB, 1 GiB (AMD64 APM 2, 5.3)",
	.levels = 4,
	.va_bits = 48,
	AMD64},
    {.name = "amd64-la57",
	.about = "5 levels: 4 KiB, 2 MiB, 1 GiB (Intel SDM 3, 4.5)",
	.levels = 5,
	.va_bits = 57,
	AMD64},
    {.name = "arm64-4k",
	.about = "4 KiB, 2 MiB, 1 GiB; groups of 64 KiB, 32 MiB (VMSAv8-64)",
	.page_shift = 12,
	.pt_shift = 9,
	.root_shift = 9,
	.levels = 4,
	.leaf_levels = 7,
	.frame_mask = BITS(47, 12),
	.group = {{0, 4}, {1, 4}},
	ARM64},
    {.name = "arm64-16k",
	.about = "16 KiB, 32 MiB; groups of 2 MiB, 1 GiB (VMSAv8-64)",
	.page_shift = 14,
	.pt_shift = 11,
	.root_shift = 1,
	.levels = 4,
	.leaf_levels = 3,
	.frame_mask = BITS(47, 14),
	.group = {{0, 7}, {1, 5}},
	ARM64},
    {.name = "arm64-64k",
	.about = "64 KiB, 512 MiB; groups of 2 MiB, 16 GiB (VMSAv8-64)",
	.page_shift = 16,
	.pt_shift = 13,
	.root_shift = 6,
	.levels = 3,
	.leaf_levels = 3,
	.frame_mask = BITS(47, 16),
	.group = {{0, 5}, {1, 5}},
	ARM64},
    {.name = "riscv-sv39",
	.about = "4 KiB, 2 MiB, 1 GiB; groups of 64 KiB (Sv39, Svnapot)",
	.levels = 3,
	.leaf_levels = 7,
	.va_bits = 39,
	RISCV},
    {.name = "riscv-sv48",
	.about = "4 KiB to 512 GiB; groups of 64 KiB (Sv48, Svnapot)",
	.levels = 4,
	.leaf_levels = 15,
	.va_bits = 48,
	RISCV},
};

const struct kv_pte_format *
kv_pte_table(size_t *count)
{
	*count = sizeof(formats) / sizeof(formats[0]);
	return formats;
}

const struct kv_pte_format *
kv_pte_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}
