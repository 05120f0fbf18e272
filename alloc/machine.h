/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.h - page sizes, levels and orders of the machines, as data */
#ifndef KV_MACHINE_H
#define KV_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum { KV_MACHINE_CONTIG_MAX = 2 };

/* One row of the machine table.  All fields are constant. */
struct kv_machine {
	const char *name;
	const char *about;	/* one line of meaning, with its source */
	unsigned page_shift;	/* log2 bytes of a base page */
	unsigned pt_shift;	/* log2 entries of a page-table page */
	unsigned pt_levels;	/* levels of the radix tree */
	unsigned reserv_order;	/* log2 pages of a reservation */
	unsigned reserv_sub;	/* log2 pages of its sub-blocks; 0 = none */
	unsigned contig_order;	/* log2 pages of a contiguous group; 0 = none */
	unsigned max_order;	/* largest buddy order */
	kv_va_t kva_start;	/* VM_MIN_KERNEL_ADDRESS */
	kv_va_t kva_end;	/* VM_MAX_KERNEL_ADDRESS, exclusive */
	kv_pa_t lowmem_end;	/* end of the low-memory free list; 0 = none */
	kv_pa_t dma32_end;	/* end of the 4 GiB free list; 0 = none */
	uint64_t dma32_pages;	/* pages above dma32_end that make that list */
	uint64_t domain_import; /* KVA quanta per import, several domains */
	unsigned kstack_pages;	/* default stack, pages */
	unsigned kstack_guard;	/* guard pages below it */
	unsigned kstack_max;	/* largest stack, pages */
};

/* The table; *count gets the number of rows.  Never freed. */
const struct kv_machine *kv_machine_table(size_t *count);

/* The row of that name, or NULL. */
const struct kv_machine *kv_machine_find(const char *name);

/* Bytes of a base page. */
uint64_t kv_machine_page_size(const struct kv_machine *m);

/* Bytes of a reservation, which is also KVA_QUANTUM (freebsd.md 2). */
uint64_t kv_machine_reserv_size(const struct kv_machine *m);

#endif
