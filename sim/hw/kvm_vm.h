/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_vm.h - one guest, its vCPUs, its memory, and runs that always end */
#ifndef KV_SIM_KVM_VM_H
#define KV_SIM_KVM_VM_H

#include "hw/kvm_guest.h"
#include "hw/mmu.h"

struct kvm_run;
struct kvm_sregs;
struct kv_vm_worker; /* kvm_cpu.c */

/* Entries of the list of one run; the fault log holds as many.  Half a second
 * of faults where they are slow (30 us), far from any limit of time. */
enum { KV_VM_BATCH = 1 << 14 };

/* A guest has that many vCPUs at most. */
enum { KV_VM_CPUS = 4 };

/* Leaves of page tables that KVM's statistics count. */
enum { KV_VM_STATS = 3 };

/* Memory from 0 on comes in pieces of a GiB, made when first needed. */
struct kv_vm_piece {
	char *host; /* NULL: not there */
	unsigned slot;
	bool logged;	 /* KVM logs what is written */
	uint64_t *dirty; /* logged and not yet asked for, a bit a page */
};

/*
 * A vCPU.  The first is run by whoever calls, each other by a thread of its
 * own: KVM wants a vCPU to stay with its thread.
 */
struct kv_vm_cpu {
	unsigned index; /* (c) */
	int fd;		/* -1: none */
	struct kvm_run *run;
	size_t run_size;
	struct kvm_sregs *sregs; /* (c) of CPL 0 */
	bool stale; /* another has changed page tables: flush before a run */
	const char *reason;	     /* of the last failure, static */
	struct kv_vm_worker *worker; /* NULL: not started */
};

/*
 * A guest.  What it needs for itself, the control area, stands in the upper
 * half of guest physical addresses, in pages:
 *
 *   for each vCPU: descriptor tables, stacks (a hole below each); for all:
 *   code, the two roots, the page tables of the window, list, fault log; from
 *   2 MiB on: the pool
 *
 * The window maps it, in a root slot of its own, accessible at CPL 3: the
 * guest edits page tables there.  The pool is for tables of whoever uses the
 * guest.  The roots differ in bit U of entries that are not the window's:
 * without it in the root for CPL 0, with it in the root for probes.
 */
struct kv_vm {
	const struct kv_machine *machine;  /* (c) */
	unsigned levels;		   /* (c) of page tables */
	bool huge;			   /* (c) */
	unsigned timeout_ms;		   /* (c) of a run */
	int fd, stats;			   /* -1: none */
	unsigned stat_offset[KV_VM_STATS]; /* (c) in the file of stats */
	struct kv_vm_cpu cpus[KV_VM_CPUS];
	unsigned ncpus; /* (c) */
	unsigned sync;	/* (c) what KVM takes through *run */
	void *cpuid;	/* (c) */
	kv_pa_t base;	/* (c) guest physical, of the control area */
	kv_va_t window; /* (c) where the guest sees it */
	char *control;	/* where the host sees it */
	struct kv_vm_piece *pieces;
	size_t npieces;
	unsigned nslots;
	uint64_t nruns;
	const char *reason; /* of the last failure, static */
};

/* ---- Create (kvm_vm.c) ----------------------------------------------- */

struct kv_vm_config {
	const char *device; /* "/dev/kvm" */
	unsigned levels;    /* of page tables: 4 or 5 */
	bool huge;	    /* as in struct kv_mmu_config */
	unsigned timeout_ms;
	unsigned cpus; /* at most KV_VM_CPUS; 0: as many as the host has */
};

/* => 0; an errno and a static *reason; kv_mmu_absent(errno): no KVM here */
int kv_vm_open(
    const struct kv_vm_config *cfg, struct kv_vm **vm, const char **reason);
void kv_vm_close(struct kv_vm *vm);

/* ---- Memory (kvm_vm.c, kvm_area.c) ----------------------------------- */

/* Lay out the control area. */
void kv_vm_area_init(struct kv_vm *vm);

/* Bytes of a base page. */
uint64_t kv_vm_page_size(const struct kv_vm *vm);

/* The first page of the pool, which has so many. */
kv_pa_t kv_vm_pool(const struct kv_vm *vm, size_t *npages);

/* Tables above everything: for CPL 0, for probes. */
kv_pa_t kv_vm_root(const struct kv_vm *vm, bool probe);

/* Of something in the control area: where the host sees it, and the guest. */
void *kv_vm_control(const struct kv_vm *vm, kv_pa_t pa);
kv_va_t kv_vm_window(const struct kv_vm *vm, kv_pa_t pa);

/* The list of the next run; the fault log of the last. */
uint64_t *kv_vm_list(const struct kv_vm *vm);
const struct kv_guest_fault *kv_vm_log(const struct kv_vm *vm);

/* Pages of the control area, as the guest sees them; there are fewer than
 * entries in a list.  => their number */
size_t kv_vm_own(const struct kv_vm *vm, kv_va_t *pages);

/* Root slot that the window takes. */
unsigned kv_vm_window_slot(const struct kv_vm *vm);

/* Have memory at [pa, pa + size).  => 0; EINVAL (no such addresses); ENOMEM;
 * ENOSPC (too many pieces); what KVM says */
int kv_vm_back(struct kv_vm *vm, kv_pa_t pa, uint64_t size);

/* Where the host sees pa, up to the end of its piece; NULL: not backed. */
char *kv_vm_memory(const struct kv_vm *vm, kv_pa_t pa);

/* Does KVM log what is written there? */
bool kv_vm_is_logged(const struct kv_vm *vm, kv_pa_t pa);

/* Bytes of a piece. */
uint64_t kv_vm_piece_size(const struct kv_vm *vm);

/* Make KVM forget all it has derived from the guest's page tables.
 * => 0; what KVM says */
int kv_vm_zap(struct kv_vm *vm);

/* Bit i of bitmap: page i of [pa, pa + size) was written since the last call;
 * all are set where logging begins with this call.  => 0; what KVM says */
int kv_vm_dirty(struct kv_vm *vm, kv_pa_t pa, uint64_t size, uint64_t *bitmap);

/* Leaves by level that KVM has now.  => 0; EOPNOTSUPP; EIO */
int kv_vm_stats(struct kv_vm *vm, uint64_t leaves[KV_VM_STATS]);

/* KVM_TRANSLATE, which sets bit A of what it walks.  => 0; ENOENT; EIO */
int kv_vm_translate(struct kv_vm *vm, kv_va_t va, kv_pa_t *pa);

/* Does KVM say that guests have this feature?  Register: 1 ecx, 2 edx. */
bool kv_vm_feature(
    const struct kv_vm *vm, uint32_t leaf, unsigned reg, unsigned bit);

/* ---- vCPUs (kvm_cpu.c) ----------------------------------------------- */

/* Make as many as config says.  => 0; an errno and vm->reason */
int kv_vm_cpus_create(
    struct kv_vm *vm, int kvm, const struct kv_vm_config *cfg);
void kv_vm_cpus_destroy(struct kv_vm *vm);

/* ---- Run (kvm_run.c, kvm_cpu.c) -------------------------------------- */

/* Guest memory that the host has in one stretch. */
struct kv_vm_stretch {
	kv_pa_t pa;
	uint64_t size;
};

struct kv_vm_call;

/* Has a call done what it was to do? */
typedef bool kv_vm_check_fn(void *arg, const struct kv_vm_call *call);

struct kv_vm_call {
	const char *entry; /* in kvm_guest.h */
	const char *next;  /* where to go on behind a fault; NULL: nowhere */
	bool user;	   /* at CPL 3 under the root for probes */
	kv_va_t stack;	   /* of CPL 0; 0: the guest's own */
	uint64_t first;	   /* entry of the list, and record of the fault log */
	uint64_t count;
	/* memory that the host is to have before, by the thread of the vCPU */
	const struct kv_vm_stretch *memory;
	size_t nmemory;
	/* asked by that thread when it has run, NULL: all is well; other vCPUs
	 * may run still, so that no is but a doubt */
	kv_vm_check_fn *check;
	void *check_arg;
	/* found */
	uint64_t number; /* of the run */
	uint64_t nfaults, left, cr2;
	bool doubled;  /* ended by #DF */
	bool lacking;  /* the host did not get all the memory */
	bool doubtful; /* check said no: ask again, when all have run */
};

/* Registers of a vCPU.  => 0; an errno; cpu->reason */
int kv_vm_run_init(const struct kv_vm *vm, struct kv_vm_cpu *cpu);

/* Run until the guest says that it is done, or #DF, or time is over; of
 * another vCPU, on its thread.  call->number is given.
 * => 0; EIO, ETIMEDOUT and cpu->reason */
int kv_vm_run_cpu(
    const struct kv_vm *vm, struct kv_vm_cpu *cpu, struct kv_vm_call *call);

/* Run call i on vCPU i, all at the same time, under one number; they share the
 * list and the fault log, each from its `first` on.  n: up to vm->ncpus.
 * => 0; the first one's EIO, ETIMEDOUT and vm->reason, when all have ended */
int kv_vm_run_all(struct kv_vm *vm, struct kv_vm_call *calls, unsigned n);

/* The first vCPU alone. */
int kv_vm_run(struct kv_vm *vm, struct kv_vm_call *call);

/* The first vCPU changes page tables that others know: they flush before they
 * run again. */
void kv_vm_stale(struct kv_vm *vm);

#endif
