/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_area.c - the control area of a guest: what stands where, and its window
 */
#include "hw/kvm_vm.h"

#include <string.h>

#include "alloc/kv.h"
#include "hw/kvm_area.h"

/* Bits of an amd64 entry; accessed and dirty set, for nobody watches them. */
enum {
	PG_TABLE = 0x27, /* P, W, U, A */
	PG_LEAF = 0x67,	 /* and D */
	PG_PS = 0x80
};

/* Attributes of descriptors: present, long mode where it applies. */
enum { GATE_INTERRUPT = 0x8e, GATE_DPL3 = 0x60, TSS_BUSY = 0x8b };

static uint64_t
page_of(const struct kv_vm *vm, uint64_t page)
{
	return page << vm->machine->page_shift;
}

static uint64_t
entries(const struct kv_vm *vm)
{
	return UINT64_C(1) << vm->machine->pt_shift;
}

static uint64_t
log_page(const struct kv_vm *vm)
{
	return AREA_LIST +
	       (KV_VM_BATCH * 2 * sizeof(uint64_t) >> vm->machine->page_shift);
}

static uint64_t
end_page(const struct kv_vm *vm)
{
	return log_page(vm) +
	       (KV_VM_BATCH * KV_GUEST_RECORD >> vm->machine->page_shift);
}

uint64_t
kv_vm_page_size(const struct kv_vm *vm)
{
	return page_of(vm, 1);
}

kv_pa_t
kv_vm_pool(const struct kv_vm *vm, size_t *npages)
{
	*npages = (size_t)((entries(vm) - 1) * entries(vm));
	return vm->base + page_of(vm, entries(vm));
}

kv_pa_t
kv_vm_root(const struct kv_vm *vm, bool probe)
{
	return vm->base + page_of(vm, probe ? AREA_PROBE : AREA_ROOT);
}

void *
kv_vm_control(const struct kv_vm *vm, kv_pa_t pa)
{
	KV_ASSERT(pa >= vm->base && pa - vm->base < kv_vm_piece_size(vm));
	return vm->control + (pa - vm->base);
}

kv_va_t
kv_vm_window(const struct kv_vm *vm, kv_pa_t pa)
{
	return vm->window + (pa - vm->base);
}

uint64_t *
kv_vm_list(const struct kv_vm *vm)
{
	return kv_vm_control(vm, vm->base + page_of(vm, AREA_LIST));
}

const struct kv_guest_fault *
kv_vm_log(const struct kv_vm *vm)
{
	return kv_vm_control(vm, vm->base + page_of(vm, log_page(vm)));
}

unsigned
kv_vm_window_slot(const struct kv_vm *vm)
{
	return 1U << (vm->machine->pt_shift - 2);
}

static uint64_t
area_page(const struct kv_vm *vm, unsigned cpu, enum kv_area area)
{
	if (area == AREA_LOG)
		return log_page(vm);
	return (uint64_t)area +
	       (area < AREA_SHARED ? (uint64_t)cpu * AREA_PER_CPU : 0);
}

kv_va_t
kv_vm_area_va(const struct kv_vm *vm, unsigned cpu, enum kv_area area)
{
	return vm->window + page_of(vm, area_page(vm, cpu, area));
}

kv_va_t
kv_vm_area_top(const struct kv_vm *vm, unsigned cpu, enum kv_area area)
{
	return kv_vm_area_va(vm, cpu, area) + page_of(vm, 1);
}

kv_va_t
kv_vm_code(const struct kv_vm *vm, const char *label)
{
	return kv_vm_area_va(vm, 0, AREA_CODE) +
	       (uint64_t)(label - kv_guest_start);
}

/* ---- Page tables of the window --------------------------------------- */

static uint64_t *
area_table(const struct kv_vm *vm, uint64_t page)
{
	return kv_vm_control(vm, vm->base + page_of(vm, page));
}

static bool
is_hole(const struct kv_vm *vm, uint64_t page)
{
	return page < AREA_SHARED ? page % 2 != 0 : page >= end_page(vm);
}

size_t
kv_vm_own(const struct kv_vm *vm, kv_va_t *pages)
{
	size_t n = 0;
	uint64_t i;

	for (i = 0; i < end_page(vm); i++)
		if (!is_hole(vm, i))
			pages[n++] = vm->window + page_of(vm, i);
	return n;
}

/* The area by pages, its holes left out; the pool by leaves of level 1. */
static void
map_window(struct kv_vm *vm)
{
	uint64_t *pages = area_table(vm, AREA_CHAIN);
	uint64_t *leaves = area_table(vm, AREA_CHAIN + 1);
	uint64_t i, level;

	for (i = 0; i < entries(vm); i++) {
		if (!is_hole(vm, i))
			pages[i] = (vm->base + page_of(vm, i)) | PG_LEAF;
		leaves[i] =
		    (vm->base + page_of(vm, i * entries(vm))) | PG_LEAF | PG_PS;
	}
	for (level = 1; level < vm->levels - 1; level++)
		area_table(vm, AREA_CHAIN + level)[0] =
		    (vm->base + page_of(vm, AREA_CHAIN + level - 1)) | PG_TABLE;
	for (i = AREA_ROOT; i <= AREA_PROBE; i++)
		area_table(vm, i)[kv_vm_window_slot(vm)] =
		    (vm->base + page_of(vm, AREA_CHAIN + vm->levels - 2)) |
		    PG_TABLE;
}

/* ---- Descriptor tables ----------------------------------------------- */

static void
put(char *at, uint64_t value, size_t size)
{
	memcpy(at, &value, size);
}

/* A place in the page of tables of a vCPU. */
static char *
tables_at(const struct kv_vm *vm, unsigned cpu, size_t offset)
{
	return (char *)area_table(vm, area_page(vm, cpu, AREA_TABLES)) + offset;
}

static void
set_gate(char *idt, unsigned vector, uint64_t to, unsigned type, unsigned ist)
{
	char *gate = idt + (size_t)vector * 16;

	put(gate, to, 2);
	put(gate + 2, AREA_CODE0, 2);
	put(gate + 4, ist | type << 8, 2);
	put(gate + 6, to >> 16, 2);
	put(gate + 8, to >> 32, 4);
}

static void
set_gates(struct kv_vm *vm, unsigned cpu)
{
	static const struct {
		unsigned vector;
		const char *label;
		unsigned type, ist;
	} gates[] = {{3, kv_guest_on_flush, GATE_INTERRUPT | GATE_DPL3, 0},
	    {6, kv_guest_on_done, GATE_INTERRUPT, 0},
	    {8, kv_guest_on_double_fault, GATE_INTERRUPT, 1},
	    {13, kv_guest_on_protection, GATE_INTERRUPT, 0},
	    {14, kv_guest_on_page_fault, GATE_INTERRUPT, 0}};
	char *idt = tables_at(vm, cpu, AREA_IDT);
	unsigned i;

	for (i = 0; i < AREA_VECTORS; i++)
		set_gate(idt, i, kv_vm_code(vm, kv_guest_on_stray),
		    GATE_INTERRUPT, 0);
	for (i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		set_gate(idt, gates[i].vector, kv_vm_code(vm, gates[i].label),
		    gates[i].type, gates[i].ist);
}

static void
set_segments(struct kv_vm *vm, unsigned cpu)
{
	static const uint64_t gdt[] = {0, UINT64_C(0x00af9b000000ffff),
	    UINT64_C(0x00cf93000000ffff), UINT64_C(0x00cff3000000ffff),
	    UINT64_C(0x00affb000000ffff)};
	char *tables = tables_at(vm, cpu, 0);
	uint64_t tss = kv_vm_area_va(vm, cpu, AREA_TABLES) + AREA_TSS;
	char *d = tables + AREA_TR;

	memcpy(tables, gdt, sizeof(gdt));
	put(d, AREA_TSS_SIZE - 1, 2);
	put(d + 2, tss, 3);
	put(d + 5, TSS_BUSY, 1);
	put(d + 7, tss >> 24, 1);
	put(d + 8, tss >> 32, 4);
	put(tables + AREA_TSS + 4, kv_vm_area_top(vm, cpu, AREA_STACK), 8);
	put(tables + AREA_TSS + 36, kv_vm_area_top(vm, cpu, AREA_IST), 8);
	put(tables + AREA_TSS + 102, AREA_TSS_SIZE, 2);
}

void
kv_vm_area_init(struct kv_vm *vm)
{
	unsigned cpu;

	vm->window = (uint64_t)kv_vm_window_slot(vm)
		     << (vm->machine->page_shift +
			    (vm->levels - 1) * vm->machine->pt_shift);
	KV_ASSERT(end_page(vm) <= entries(vm));
	map_window(vm);
	for (cpu = 0; cpu < KV_VM_CPUS; cpu++) {
		set_segments(vm, cpu);
		set_gates(vm, cpu);
	}
	memcpy(area_table(vm, AREA_CODE), kv_guest_start,
	    (size_t)(kv_guest_end - kv_guest_start));
}
