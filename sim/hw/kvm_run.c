/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_run.c - runs of a guest, each ended by a timer at the latest
 *
 * The timer's signal is blocked in this thread and open in KVM_RUN alone
 * (KVM_SET_SIGNAL_MASK), so that it ends a run and is then taken from the queue
 * here: no handler, nothing that the rest of the program could notice, unless
 * it uses the same real-time signal of this thread (SIGRTMIN + 1) during a run.
 */
#define _DEFAULT_SOURCE /* syscall, madvise */
#include "hw/kvm_vm.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "hw/kvm_area.h"
#include "out/mem.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

enum {
	CR0_BITS = 0x10033, /* PE, MP, ET, NE, WP */
	CR4_PAE = 0x20,	    /* and no PGE: a new CR3 flushes everything */
	CR4_LA57 = CR4_PAE << 7,
	EFER_BITS = 0xd00, /* LME, LMA, NXE */
	RFLAGS_FIXED = 2,
	SYNC_NEEDED = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS
};
#define CR0_PG 0x80000000U

/* ---- Registers ------------------------------------------------------- */

static struct kvm_segment
segment(unsigned selector, bool code)
{
	return (struct kvm_segment){.limit = 0xffffffff,
	    .selector = (__u16)selector,
	    .type = code ? 11 : 3,
	    .present = 1,
	    .dpl = selector & 3,
	    .db = !code,
	    .s = 1,
	    .l = code,
	    .g = 1};
}

static int
fail(struct kv_vm_cpu *cpu, const char *reason)
{
	cpu->reason = reason;
	return EIO;
}

int
kv_vm_run_init(const struct kv_vm *vm, struct kv_vm_cpu *cpu)
{
	struct kvm_sregs *s = kv_mem_resize(NULL, 1, sizeof(*s));
	kv_va_t tables = kv_vm_area_va(vm, cpu->index, AREA_TABLES);

	cpu->sregs = s;
	if ((vm->sync & SYNC_NEEDED) != SYNC_NEEDED)
		return fail(cpu, "KVM takes no registers through memory");
	if (ioctl(cpu->fd, KVM_GET_SREGS, s) != 0)
		return fail(cpu, "KVM tells no registers");
	s->cs = segment(AREA_CODE0, true);
	s->ss = s->ds = s->es = s->fs = s->gs = segment(AREA_DATA0, false);
	s->tr = (struct kvm_segment){.base = tables + AREA_TSS,
	    .limit = AREA_TSS_SIZE - 1,
	    .selector = AREA_TR,
	    .type = 11,
	    .present = 1};
	s->ldt = (struct kvm_segment){.unusable = 1};
	s->gdt.base = tables;
	s->gdt.limit = AREA_GDT_SIZE - 1;
	s->idt.base = tables + AREA_IDT;
	s->idt.limit = AREA_IDT_SIZE - 1;
	s->cr0 = CR0_BITS | CR0_PG;
	s->cr3 = kv_vm_root(vm, false);
	s->cr4 = vm->levels > 4 ? CR4_PAE | CR4_LA57 : CR4_PAE;
	s->efer = EFER_BITS;
	if (ioctl(cpu->fd, KVM_SET_SREGS, s) != 0)
		return fail(cpu, vm->levels > 4
				     ? "the CPU has no page tables of 5 levels"
				     : "KVM refuses long mode");
	return 0;
}

/* Where the guest sees the first record of the fault log. */
static kv_va_t
log_va(const struct kv_vm *vm, const struct kv_vm_call *call)
{
	return kv_vm_area_va(vm, 0, AREA_LOG) + call->first * KV_GUEST_RECORD;
}

static void
set_registers(const struct kv_vm *vm, struct kv_vm_cpu *cpu,
    const struct kv_vm_call *call)
{
	struct kvm_sync_regs *s = &cpu->run->s.regs;
	kv_va_t stack0 = kv_vm_area_top(vm, cpu->index, AREA_STACK);
	kv_va_t stack3 = kv_vm_area_top(vm, cpu->index, AREA_USER);

	s->regs = (struct kvm_regs){.rip = kv_vm_code(vm, call->entry),
	    .rflags = RFLAGS_FIXED,
	    .rsi = kv_vm_area_va(vm, 0, AREA_LIST) +
		   call->first * sizeof(uint64_t),
	    .rcx = call->count,
	    .r12 = log_va(vm, call),
	    .r13 = call->number,
	    .r14 = call->user ? stack3 : stack0,
	    .r11 = call->next != NULL ? kv_vm_code(vm, call->next) : 0,
	    .r15 = call->next != NULL ? kv_vm_code(vm, kv_guest_fault) : 0};
	s->regs.rsp = call->stack != 0 ? call->stack : s->regs.r14;
	s->sregs = *cpu->sregs;
	if (call->user) {
		s->sregs.cs = segment(AREA_CODE3, true);
		s->sregs.ss = segment(AREA_DATA3, false);
		s->sregs.cr3 = kv_vm_root(vm, true);
	}
	/* Of a run that was cut short no exception must be left. */
	s->events = (struct kvm_vcpu_events){0};
	cpu->run->kvm_dirty_regs = vm->sync;
	cpu->run->kvm_valid_regs = SYNC_NEEDED;
}

/* ---- The timer ------------------------------------------------------- */

struct watch {
	sigset_t signal, old; /* the signal; what was blocked before */
	int number;
	timer_t timer;
};

static int
set_vcpu_mask(const struct kv_vm_cpu *cpu, const sigset_t *mask, int open)
{
	enum { KERNEL_BYTES = 8 };
	char bytes[sizeof(struct kvm_signal_mask) + KERNEL_BYTES] = {0};
	struct kvm_signal_mask head = {.len = KERNEL_BYTES};
	int i;

	memcpy(bytes, &head, sizeof(head));
	for (i = 1; i <= KERNEL_BYTES * 8; i++)
		if (i != open && sigismember(mask, i) == 1)
			bytes[sizeof(head) + (size_t)(i - 1) / 8] |=
			    (char)(1 << (i - 1) % 8);
	return ioctl(cpu->fd, KVM_SET_SIGNAL_MASK, bytes);
}

static int
watch_start(struct watch *w, struct kv_vm_cpu *cpu, unsigned timeout_ms)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID};
	struct itimerspec end = {
	    .it_value = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L}};

	w->number = SIGRTMIN + 1;
	sigemptyset(&w->signal);
	sigaddset(&w->signal, w->number);
	event.sigev_signo = w->number;
	event.sigev_value.sival_ptr = w;
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (pthread_sigmask(SIG_BLOCK, &w->signal, &w->old) != 0)
		return fail(cpu, "a signal cannot be blocked");
	if (timer_create(CLOCK_MONOTONIC, &event, &w->timer) != 0) {
		pthread_sigmask(SIG_SETMASK, &w->old, NULL);
		return fail(cpu, "no timer to bound a run");
	}
	if (set_vcpu_mask(cpu, &w->old, w->number) != 0 ||
	    timer_settime(w->timer, 0, &end, NULL) != 0) {
		timer_delete(w->timer);
		pthread_sigmask(SIG_SETMASK, &w->old, NULL);
		return fail(cpu, "no timer to bound a run");
	}
	return 0;
}

/* Take the timer's signal from the queue.  => it was there */
static bool
watch_expired(struct watch *w)
{
	static const struct timespec now = {0, 0};
	siginfo_t info;

	return sigtimedwait(&w->signal, &info, &now) == w->number &&
	       info.si_code == SI_TIMER && info.si_value.sival_ptr == w;
}

static void
watch_stop(struct watch *w)
{
	static const struct itimerspec never;

	timer_settime(w->timer, 0, &never, NULL);
	watch_expired(w);
	timer_delete(w->timer);
	pthread_sigmask(SIG_SETMASK, &w->old, NULL);
}

/* ---- Run ------------------------------------------------------------- */

static int
ended(const struct kv_vm *vm, struct kv_vm_cpu *cpu, struct kv_vm_call *call)
{
	const struct kvm_run *run = cpu->run;
	const struct kvm_sync_regs *s = &run->s.regs;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		break;
	case KVM_EXIT_SHUTDOWN:
		return fail(cpu, "the guest met a triple fault");
	case KVM_EXIT_MMIO:
		return fail(cpu, "the guest left its memory");
	case KVM_EXIT_FAIL_ENTRY:
		return fail(cpu, "KVM cannot enter the guest");
	case KVM_EXIT_INTERNAL_ERROR:
		return fail(cpu, "KVM cannot emulate what the guest does");
	default:
		return fail(cpu, "the guest ended in a way that none expects");
	}
	if (run->io.port == KV_GUEST_STRAY)
		return fail(
		    cpu, "the guest met an exception that none expects");
	call->doubled = run->io.port == KV_GUEST_DOUBLE;
	call->nfaults = (s->regs.r12 - log_va(vm, call)) / KV_GUEST_RECORD;
	call->left = s->regs.rcx;
	call->cr2 = s->regs.rax;
	return 0;
}

static int
run(const struct kv_vm *vm, struct kv_vm_cpu *cpu, struct kv_vm_call *call)
{
	struct watch w;
	int error = watch_start(&w, cpu, vm->timeout_ms);

	if (error != 0)
		return error;
	set_registers(vm, cpu, call);
	while (ioctl(cpu->fd, KVM_RUN, 0) != 0) {
		if (errno != EINTR && errno != EAGAIN) {
			error = fail(cpu, "KVM_RUN failed");
			break;
		}
		if (watch_expired(&w)) {
			cpu->reason = "the guest did not end in time";
			error = ETIMEDOUT;
			break;
		}
	}
	watch_stop(&w);
	return error != 0 ? error : ended(vm, cpu, call);
}

/* A host that cannot do so now does it page by page, when they are used. */
static void
have_memory(const struct kv_vm *vm, struct kv_vm_call *call)
{
	size_t i;

	for (i = 0; i < call->nmemory && !call->lacking; i++)
		call->lacking =
		    madvise(kv_vm_memory(vm, call->memory[i].pa),
			(size_t)call->memory[i].size, MADV_POPULATE_WRITE) != 0;
}

int
kv_vm_run_cpu(
    const struct kv_vm *vm, struct kv_vm_cpu *cpu, struct kv_vm_call *call)
{
	struct kv_vm_call flush = {.entry = kv_guest_flush, .user = true};
	int error = cpu->stale ? run(vm, cpu, &flush) : 0;

	if (error != 0)
		return error;
	cpu->stale = false;
	have_memory(vm, call);
	error = run(vm, cpu, call);
	if (error == 0 && call->check != NULL)
		call->doubtful = !call->check(call->check_arg, call);
	return error;
}
