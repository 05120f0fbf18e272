/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_guest.h - what the guest's code and its host agree on */
#ifndef KV_SIM_KVM_GUEST_H
#define KV_SIM_KVM_GUEST_H

/* Ports whose OUT ends a run: all is done, #DF, an exception that none expects;
 * and bytes of a record of the fault log. */
#define KV_GUEST_DONE 0x10
#define KV_GUEST_DOUBLE 0x11
#define KV_GUEST_STRAY 0x12
#define KV_GUEST_RECORD 24

#ifndef __ASSEMBLER__
#include <stdint.h>

/* A record of the fault log. */
struct kv_guest_fault {
	uint32_t error;
	uint32_t vector; /* 0: a page fault */
	uint64_t cr2;
	uint64_t left; /* entries of the list, this one included */
};

/* Code, copied into the guest: entries, what follows a fault, handlers. */
extern const char kv_guest_start[], kv_guest_end[];
extern const char kv_guest_read[], kv_guest_read_next[];
extern const char kv_guest_write[], kv_guest_write_next[];
extern const char kv_guest_exec[], kv_guest_exec_next[];
extern const char kv_guest_made[], kv_guest_made_next[];
extern const char kv_guest_store[], kv_guest_store_next[];
extern const char kv_guest_count[], kv_guest_fault[], kv_guest_push[],
    kv_guest_flush[];
extern const char kv_guest_on_page_fault[], kv_guest_on_protection[];
extern const char kv_guest_on_double_fault[], kv_guest_on_done[];
extern const char kv_guest_on_flush[], kv_guest_on_stray[];
#endif

#endif
