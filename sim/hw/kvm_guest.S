/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_guest.S - all code that the guest runs: one page, position independent
 *
 * Lists are walked at CPL 3, which every kind of KVM runs natively; handlers
 * run at CPL 0, which some emulate: general registers only, few instructions.
 *
 *   rsi  next entry of the list     r12  next record of the fault log
 *   rcx  entries left               r13  number of the run
 *   r11  what follows a fault       r14  top of a stack that is mapped
 *                                   r15  where a page fault is logged
 *
 * A page fault hands its error code and CR2, in rbx and rdx, to code at CPL 3,
 * which logs it: four instructions for an emulator, and a store.
 *
 * A record of the log is {error code | vector << 32, CR2, rcx}; vector 0 stands
 * for 14.  The port of an OUT says how a run ended (kvm_guest.h).
 */
#include "hw/kvm_guest.h"

	.section .rodata
	.balign 16
	.globl kv_guest_start, kv_guest_end
	.globl kv_guest_read, kv_guest_read_next
	.globl kv_guest_write, kv_guest_write_next
	.globl kv_guest_exec, kv_guest_exec_next
	.globl kv_guest_made, kv_guest_made_next
	.globl kv_guest_store, kv_guest_store_next, kv_guest_fault
	.globl kv_guest_count, kv_guest_push, kv_guest_flush
	.globl kv_guest_on_page_fault, kv_guest_on_protection
	.globl kv_guest_on_double_fault, kv_guest_on_done
	.globl kv_guest_on_flush, kv_guest_on_stray

kv_guest_start:

/* ---- Lists of addresses ---------------------------------------------- */

kv_guest_read:
	movq	(%rsi), %rax
	movzbl	(%rax), %eax
kv_guest_read_next:
	addq	$8, %rsi
	decq	%rcx
	jnz	kv_guest_read
	ud2

/* The byte faults at the very address; the word leaves a mark of it and of the
 * run. */
kv_guest_write:
	movq	(%rsi), %rax
	movb	%al, (%rax)
	andq	$-8, %rax
	movq	%rax, %rdx
	xorq	%r13, %rdx
	movq	%rdx, (%rax)
kv_guest_write_next:
	addq	$8, %rsi
	decq	%rcx
	jnz	kv_guest_write
	ud2

/* A RET stands at each address that is mapped. */
kv_guest_exec:
	movq	(%rsi), %rax
	call	*%rax
kv_guest_exec_next:
	movq	%r14, %rsp
	addq	$8, %rsi
	decq	%rcx
	jnz	kv_guest_exec
	ud2

/* Code for a list, made by the host where the list would be. */
kv_guest_made:
	jmpq	*%rsi
kv_guest_made_next:
	ud2

/* Pairs {address, value}: entries of page tables.  INT3 flushes. */
kv_guest_store:
	movq	(%rsi), %rax
	movq	8(%rsi), %rdx
	movq	%rdx, (%rax)
kv_guest_store_next:
	addq	$16, %rsi
	decq	%rcx
	jnz	kv_guest_store
	int3

/* ---- Without a list -------------------------------------------------- */

kv_guest_count:
	decq	%rcx
	jnz	kv_guest_count
	ud2

kv_guest_push:
	pushq	%rax
	decq	%rcx
	jnz	kv_guest_push
	movq	%r14, %rsp
	ud2

kv_guest_flush:
	int3

/* ---- Handlers, CPL 0 ------------------------------------------------- */

kv_guest_on_page_fault:
	popq	%rbx
	movq	%cr2, %rdx
	movq	%r15, (%rsp)
	iretq

/* At CPL 3. */
kv_guest_fault:
	movq	%rbx, (%r12)
	movq	%rdx, 8(%r12)
	movq	%rcx, 16(%r12)
	addq	$KV_GUEST_RECORD, %r12
	jmpq	*%r11

kv_guest_on_protection:
	popq	(%r12)
	movl	$13, 4(%r12)
	movq	%rcx, 16(%r12)
	addq	$KV_GUEST_RECORD, %r12
	movq	%r11, (%rsp)
	iretq

kv_guest_on_double_fault:
	movq	%cr2, %rax
	outb	%al, $KV_GUEST_DOUBLE
	hlt

kv_guest_on_done:
	outb	%al, $KV_GUEST_DONE
	hlt

kv_guest_on_flush:
	movq	%cr3, %rax
	movq	%rax, %cr3
	outb	%al, $KV_GUEST_DONE
	hlt

kv_guest_on_stray:
	outb	%al, $KV_GUEST_STRAY
	hlt

kv_guest_end:
	.section .note.GNU-stack, "", @progbits
