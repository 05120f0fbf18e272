/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_warm.h - pages that KVM gets to know many at a time, before a touch */
#ifndef KV_SIM_KVM_WARM_H
#define KV_SIM_KVM_WARM_H

#include "hw/kvm_tables.h"

struct kv_kvm_line; /* kvm_warm.c */

struct kv_kvm_stretches {
	struct kv_vm_stretch *list;
	size_t n, capacity;
};

/* What a warm-up did.  Zero-initialise, finish with kv_kvm_warm_end. */
struct kv_kvm_warm {
	bool keep;	  /* the host keeps all the memory */
	uint64_t **entry; /* by address: of its base page; NULL: none */
	struct kv_kvm_line *lines;
	size_t nlines;
	struct kv_kvm_stretches memory[KV_VM_CPUS]; /* by call: of the pages */
	struct kv_kvm_stretches fresh; /* of these, what the host had not */
};

/*
 * Before the guest touches each address of a list of at most KV_VM_BATCH.
 * Memory that the host gives stays, but before reads, which need none.
 * => 0, and the tables are as they were, or as after the touches; EIO,
 *    ETIMEDOUT and a reason of the guest
 */
int kv_kvm_warm(struct kv_kvm_tables *t, enum kv_access access,
    const kv_va_t *list, size_t n, struct kv_kvm_warm *w);

/* After the touches. */
void kv_kvm_warm_end(struct kv_kvm_tables *t, struct kv_kvm_warm *w);

#endif
