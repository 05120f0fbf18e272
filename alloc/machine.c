/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - page sizes, levels and orders: the one table
 *
 * 1 Concepts.  A machine is what the rest of Kvasir may not assume: the size of
 *   a page, the shape of the page tables, the size of a reservation, the
 *   largest free block, where kernel addresses start.
 * 2 Representation.  One constant row a machine; everything else asks the row.
 * 3 Invariants.
 *   I1  A reservation maps exactly what one leaf one level up maps, so its
 *       order is pt_shift; KVA_QUANTUM has the same size.  (On arm64 with 64K
 *       pages FreeBSD has no such row measured; the rule is applied as is.)
 *   I2  The largest buddy block is at least a reservation.
 *   I3  kva_start and kva_end are aligned to a reservation.
 * 4 Cost.  None.
 * 5 Fidelity.  amd64, arm64 4K and 16K: spec freebsd.md 2, 3.1, 4.1, 4.3 (LA48
 *   addresses; arm64/4K orders as of 2025).  arm64 64K and riscv: geometry of
 *   the architecture with the same rules, not measured on a kernel.
 */
#include <string.h>

#include "machine.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

static const struct kv_machine machines[] = {
    {.name = "amd64",
	.about = "FreeBSD amd64, 4 levels (freebsd.md 2, 3.1, 4.1)",
	.page_shift = 12,
	.pt_shift = 9,
	.pt_levels = 4,
	.reserv_order = 9,
	.max_order = 12,
	.kva_start = UINT64_C(0xfffffe0000000000),
	.kva_end = UINT64_C(0xffffffff80000000),
	.lowmem_end = 16 * MIB,
	.dma32_end = 4 * GIB,
	.dma32_pages = 16777216,
	.domain_import = 128,
	.kstack_pages = 4,
	.kstack_guard = 1,
	.kstack_max = 32},
    {.name = "arm64-4k",
	.about = "FreeBSD arm64, 4 KiB pages, 64 KiB contiguous groups",
	.page_shift = 12,
	.pt_shift = 9,
	.pt_levels = 4,
	.reserv_order = 9,
	.reserv_sub = 4,
	.contig_order = 4,
	.max_order = 12,
	.kva_start = UINT64_C(0xffff000000000000),
	.kva_end = UINT64_C(0xffff800000000000),
	.domain_import = 128,
	.kstack_pages = 4,
	.kstack_guard = 1,
	.kstack_max = 32},
    {.name = "arm64-16k",
	.about = "FreeBSD arm64, 16 KiB pages, 32 MiB reservations",
	.page_shift = 14,
	.pt_shift = 11,
	.pt_levels = 4,
	.reserv_order = 11,
	.reserv_sub = 7,
	.contig_order = 7,
	.max_order = 11,
	.kva_start = UINT64_C(0xffff000000000000),
	.kva_end = UINT64_C(0xffff800000000000),
	.domain_import = 128,
	.kstack_pages = 4,
	.kstack_guard = 1,
	.kstack_max = 32},
    {.name = "arm64-64k",
	.about = "arm64 geometry with 64 KiB pages (not measured)",
	.page_shift = 16,
	.pt_shift = 13,
	.pt_levels = 3,
	.reserv_order = 13,
	.contig_order = 5,
	.max_order = 13,
	.kva_start = UINT64_C(0xffff000000000000),
	.kva_end = UINT64_C(0xffff800000000000),
	.domain_import = 128,
	.kstack_pages = 4,
	.kstack_guard = 1,
	.kstack_max = 32},
    {.name = "riscv-sv39",
	.about = "RISC-V Sv39 geometry, 64 KiB Svnapot groups (not measured)",
	.page_shift = 12,
	.pt_shift = 9,
	.pt_levels = 3,
	.reserv_order = 9,
	.contig_order = 4,
	.max_order = 12,
	.kva_start = UINT64_C(0xffffffc000000000),
	.kva_end = UINT64_C(0xffffffe000000000),
	.domain_import = 128,
	.kstack_pages = 4,
	.kstack_guard = 1,
	.kstack_max = 32},
    {.name = "riscv-sv48",
	.about = "RISC-V Sv48 geometry, 64 KiB Svnapot groups (not measured)",
	.page_shift = 12,
	.pt_shift = 9,
	.pt_levels = 4,
	.reserv_order = 9,
	.contig_order = 4,
	.max_order = 12,
	.kva_start = UINT64_C(0xffff800000000000),
	.kva_end = UINT64_C(0xffffc00000000000),
	.domain_import = 128,
	.kstack_pages = 4,
	.kstack_guard = 1,
	.kstack_max = 32},
};

const struct kv_machine *
kv_machine_table(size_t *count)
{
	*count = sizeof(machines) / sizeof(machines[0]);
	return machines;
}

const struct kv_machine *
kv_machine_find(const char *name)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (strcmp(machines[i].name, name) == 0)
			return &machines[i];
	return NULL;
}

uint64_t
kv_machine_page_size(const struct kv_machine *m)
{
	return UINT64_C(1) << m->page_shift;
}

uint64_t
kv_machine_reserv_size(const struct kv_machine *m)
{
	return UINT64_C(1) << (m->page_shift + m->reserv_order);
}
