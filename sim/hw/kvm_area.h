/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_area.h - pages of the control area of a guest, and where it sees them */
#ifndef KV_SIM_KVM_AREA_H
#define KV_SIM_KVM_AREA_H

#include "hw/kvm_vm.h"

/* Pages.  The fault log follows the list, whose length depends on pages. */
enum kv_area {
	/* of each vCPU, one set behind the other */
	AREA_TABLES,	/* GDT, TSS, IDT */
	AREA_STACK = 2, /* of CPL 0, a hole below */
	AREA_IST = 4,	/* of #DF, likewise */
	AREA_USER = 6,	/* of CPL 3, likewise */
	AREA_PER_CPU = 8,
	/* of all */
	AREA_SHARED = KV_VM_CPUS * AREA_PER_CPU,
	AREA_CODE = AREA_SHARED, /* kvm_guest.S */
	AREA_ROOT,
	AREA_PROBE,
	AREA_CHAIN,		    /* tables of the window, by level */
	AREA_LIST = AREA_CHAIN + 5, /* behind the chain of five levels */
	AREA_LOG = -1
};

/* Selectors, and offsets in the page of tables. */
enum {
	AREA_CODE0 = 0x08,
	AREA_DATA0 = 0x10,
	AREA_DATA3 = 0x1b,
	AREA_CODE3 = 0x23,
	AREA_TR = 0x28,
	AREA_GDT_SIZE = 0x38,
	AREA_TSS = 0x100,
	AREA_TSS_SIZE = 104,
	AREA_VECTORS = 32,
	AREA_IDT = 0x400,
	AREA_IDT_SIZE = AREA_VECTORS * 16
};

/* Where the guest sees the start of a page, its end, and a label.  cpu: whose,
 * if each has one. */
kv_va_t kv_vm_area_va(const struct kv_vm *vm, unsigned cpu, enum kv_area area);
kv_va_t kv_vm_area_top(const struct kv_vm *vm, unsigned cpu, enum kv_area area);
kv_va_t kv_vm_code(const struct kv_vm *vm, const char *label);

#endif
