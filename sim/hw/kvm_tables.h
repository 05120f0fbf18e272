/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_tables.h - page tables in a guest's memory, after those of a pmap */
#ifndef KV_SIM_KVM_TABLES_H
#define KV_SIM_KVM_TABLES_H

#include "hw/kvm_vm.h"
#include "hw/pmap.h"

/* Entries of a table from which KVM derives at one fault, at most. */
enum { KV_KVM_LINE = 8 };

struct kv_kvm_page; /* one table: kvm_tables.c */

/* A guest's page tables; theory in kvm_tables.c. */
struct kv_kvm_tables {
	struct kv_vm *vm;		    /* (c) */
	const struct kv_pte_format *format; /* (c) */
	uint64_t u, am;			    /* (c) bits of U; of A and M */
	bool shadow;	      /* KVM derives tables of its own: warm them */
	bool emulated;	      /* ... and emulates CPL 0: use pages there */
	struct kv_pmap *pmap; /* what the tables are to be */
	struct kv_kvm_page **pages; /* 0: the root; then the pool's */
	size_t npages, most;
	uint32_t *free; /* pages that were given back */
	size_t nfree;
	uint32_t *queue; /* entries to write: page, then index */
	size_t nqueue, queue_size;
	size_t nlist; /* pairs in the list of the next run */
};

/* => 0; what the pmap answers */
int kv_kvm_tables_init(struct kv_kvm_tables *t, struct kv_vm *vm,
    const struct kv_pte_format *format);
void kv_kvm_tables_fini(struct kv_kvm_tables *t);

/* Give the pmap A and M, as the guest has them, of the leaves in the lowest
 * table on the way to va; large: unless those are base pages. */
void kv_kvm_tables_pull(struct kv_kvm_tables *t, kv_va_t va, bool large);

/* Write what the pmap has stored since the last call into the guest's tables,
 * and flush.  => 0; EIO, ETIMEDOUT */
int kv_kvm_tables_commit(struct kv_kvm_tables *t);

/* The entry of the leaf that maps va in the guest's tables, and what it says;
 * NULL: none. */
uint64_t *kv_kvm_tables_find(
    const struct kv_kvm_tables *t, kv_va_t va, struct kv_leaf *leaf);

/* Have the guest store into its tables: the next flush does it at the latest.
 * => 0; EIO, ETIMEDOUT */
int kv_kvm_tables_store(
    struct kv_kvm_tables *t, const uint64_t *entry, uint64_t value);
int kv_kvm_tables_flush(struct kv_kvm_tables *t);

/* Call a line of entries, aligned, warm until one of them is written by a
 * commit, or it is called cold.  => false: it was warm */
bool kv_kvm_line_warm(struct kv_kvm_tables *t, const uint64_t *line);
void kv_kvm_line_cool(struct kv_kvm_tables *t, const uint64_t *line);

/* As kv_pmap_walk, of the guest's tables. */
int kv_kvm_tables_walk(struct kv_kvm_tables *t, kv_va_t start, kv_va_t end,
    kv_leaf_fn *cb, void *arg);

/* Clear A and M of all leaves that share an address with [start, end).
 * => 0; EIO, ETIMEDOUT */
int kv_kvm_tables_clear(struct kv_kvm_tables *t, kv_va_t start, kv_va_t end);

#endif
