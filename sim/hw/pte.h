/* SPDX-License-Identifier: BSD-2-Clause */
/* pte.h - entry formats of page tables, as const data */
#ifndef KV_SIM_PTE_H
#define KV_SIM_PTE_H

#include "alloc/kv.h"

/*
 * Attributes of a mapping, whatever the architecture calls them.  Every present
 * leaf is readable.
 */
enum {
	KV_PTE_W = 1 << 0,	/* writable */
	KV_PTE_X = 1 << 1,	/* executable */
	KV_PTE_U = 1 << 2,	/* accessible from user mode */
	KV_PTE_G = 1 << 3,	/* global: survives a switch of the root */
	KV_PTE_A = 1 << 4,	/* accessed */
	KV_PTE_M = 1 << 5,	/* modified (dirty) */
	KV_PTE_CONTIG = 1 << 6, /* member of a contiguous group */
	KV_PTE_W_BIT = 0, /* numbers of those that a walk asks for by name */
	KV_PTE_A_BIT = 4,
	KV_PTE_M_BIT = 5,
	KV_PTE_CONTIG_BIT = 6,
	KV_PTE_ATTRS = 7
};

/* An attribute is on where (entry & mask) == set. */
struct kv_pte_bits {
	uint64_t mask, set;
};

/* Level 0 maps base pages, level levels - 1 is the root. */
enum { KV_PTE_LEVELS_MAX = 5 };

/* One row: how an architecture writes an entry.  All fields are constant. */
struct kv_pte_format {
	const char *name;     /* amd64, amd64-la57, arm64-4k, ... */
	const char *about;    /* one line of meaning, with its source */
	unsigned page_shift;  /* log2 bytes of a base page */
	unsigned pt_shift;    /* log2 entries of a table below the root */
	unsigned root_shift;  /* log2 entries of the root */
	unsigned levels;      /* of the radix tree */
	unsigned leaf_levels; /* bit L: an entry of level L may be a leaf */
	unsigned va_bits;     /* significant; the rest is a sign extension */
	uint64_t frame_mask;  /* the frame's bits in an entry */
	unsigned frame_shift; /* pa = (entry & frame_mask) << frame_shift
				 (amd64, arm64: 0; riscv: 2) */
	uint64_t table;	      /* an entry that points to a table: its bits */
	struct kv_pte_bits is_table;	       /* what tells it from a leaf */
	struct kv_pte_bits present;	       /* any valid entry */
	uint64_t leaf[KV_PTE_LEVELS_MAX];      /* constant bits of a leaf */
	struct kv_pte_bits attr[KV_PTE_ATTRS]; /* by bit number of KV_PTE_*;
						  mask 0: the format has none */
	uint64_t reserved[KV_PTE_LEVELS_MAX];  /* bits that a leaf of that level
						  must not have set */
	struct kv_pte_bits user_x; /* X of a U mapping, where that has a bit of
				      its own (arm64: attr's is PXN, this UXN;
				      the other one forbids); mask 0: attr's */
	struct {
		unsigned level, order; /* log2 entries; 0 = none */
	} group[2];		       /* contiguous groups */
	bool group_in_frame;	/* Svnapot: low frame bits say the size */
	bool modified_is_write; /* arm64: M is the write permission that the
				   hardware gave, so M without W cannot be */
	bool root_per_half; /* arm64: TTBR0 and TTBR1; an address space here is
			       one of them */
};

/* The table; *count gets the number of rows.  Never freed.  What an entry
 * says is in pte_code.h. */
const struct kv_pte_format *kv_pte_table(size_t *count);

/* The format of a machine (by its name), or of a name of its own; or NULL. */
const struct kv_pte_format *kv_pte_find(const char *name);

#endif
