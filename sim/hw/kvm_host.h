/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_host.h - the host's memory behind a guest's */
#ifndef KV_SIM_KVM_HOST_H
#define KV_SIM_KVM_HOST_H

#include "hw/kvm_vm.h"

/* Bytes resident and in huge pages, from smaps; runs of pages whose frames
 * follow each other, from pagemap.  => 0; EIO */
int kv_vm_host(struct kv_vm *vm, struct kv_mmu_host *host);

/* Have [pa, pa + size), which is backed, in huge pages.
 * => 0; EOPNOTSUPP; what madvise says */
int kv_vm_collapse(struct kv_vm *vm, kv_pa_t pa, uint64_t size);

#endif
