/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_touch.h - lists of addresses touched at CPL 3, and what they found */
#ifndef KV_SIM_KVM_TOUCH_H
#define KV_SIM_KVM_TOUCH_H

#include "hw/kvm_tables.h"

/* Faults of a touch: the first ones are kept, all are counted. */
struct kv_kvm_faults {
	struct kv_fault *to;
	size_t capacity, count;
};

/* Touch each address once, in order; a long list after a warm-up.
 * => 0, faults added to *out; EIO, ETIMEDOUT and a reason of the guest */
int kv_kvm_touch(struct kv_kvm_tables *t, enum kv_access access,
    const kv_va_t *list, size_t n, struct kv_kvm_faults *out);

/* The same of a list of at most KV_VM_BATCH, without a warm-up. */
int kv_kvm_touch_cold(struct kv_kvm_tables *t, enum kv_access access,
    const kv_va_t *list, size_t n, struct kv_kvm_faults *out);

/* Split n entries of a list into as many calls as are worth it.
 * => their number */
unsigned kv_kvm_touch_split(const struct kv_kvm_tables *t,
    enum kv_access access, size_t n, struct kv_vm_call *calls);

#endif
