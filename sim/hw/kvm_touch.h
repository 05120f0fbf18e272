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

/* Touch each address once, in order.
 * => 0, faults added to *out; EIO, ETIMEDOUT and a reason of the guest */
int kv_kvm_touch(struct kv_kvm_tables *t, enum kv_access access,
    const kv_va_t *list, size_t n, struct kv_kvm_faults *out);

#endif
