/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_warm.c - pages that KVM gets to know many at a time, before a touch
 *
 * 1 Concepts.  Under shadow paging the first touch of a page is an exit, 25 us
 *   where KVM is virtualised itself.  KVM then derives more than the entry that
 *   faulted: it reads the line of eight in which that stands, in order, and
 *   takes over every entry up to the first that is not present or not accessed
 *   (A), or whose memory the host does not have.  A guard page ends that; in
 *   stacks of 4 + 1 pages no line is without.  A warm-up, before a list of
 *   touches: in every line that the list meets, and whose pages all have A, the
 *   host has the memory there and fills the holes with the entry of a
 *   neighbour; the guest reads one page of each line, takes the fillings out
 *   again, and flushes.  Then the list runs, on tables that are as they were.
 *
 *   Which touch sets A or M, KVM alone says: the processor walks KVM's tables,
 *   not the guest's.  Where KVM emulates CPL 0 a touch from there walks the
 *   guest's tables by the same code, and is no exit.  So where many pages of a
 *   list of reads or writes lack a bit that the list is to set, the guest first
 *   touches them so, in the way of the list, at CPL 0 under its own root; then
 *   their lines can be warmed.  Pages of short lists get theirs at CPL 3.
 * 2 Representation.  A table has a bit for each line that was warmed, until one
 *   of the entries is written.  It may be wrong, for KVM forgets when it likes:
 *   that costs time alone.
 * 3 Invariants.
 *   I1  A warm-up leaves the guest's tables as they were, but for bits A and M
 *       that its own touches at CPL 0 have set: those of the list.
 *   I2  Memory that the host gives to a warm-up before reads is gone after
 *       them.
 * 4 Cost.  An exit a line, and one a table for the fillings, instead of one a
 *   page; 1.2 us a page for memory that the host does not have yet, 1 us for a
 *   page that is used at CPL 0.
 * 5 Fidelity.  The warm-up proves nothing and need not be believed: had KVM not
 *   seen that a filling went, the touch of the guard page would not fault.  A
 *   bit that is set from CPL 0 shows what KVM makes of an access by its own
 *   walk of the guest's tables, as at a fault from CPL 3; where no such touch
 *   sets it the list does, page by page.  A line with a page whose A is clear
 * is left alone, for a touch alone may set it, and so is a line with memory
 * that KVM logs, for where M is set it takes a read for a write.
 */
#define _DEFAULT_SOURCE /* madvise, mincore */
#include "hw/kvm_warm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hw/kvm_touch.h"
#include "hw/pte_code.h"
#include "out/mem.h"

/* A line, and how many of them are worth three runs of the guest; as many pages
 * to use are worth another. */
enum { LINE = KV_KVM_LINE, LINES_LEAST = 16, USES_LEAST = 256 };

/* MOV between AL and an address of 8 bytes; UD2. */
enum { MOV_FROM = 0xa0, MOV_TO = 0xa2, UD2_SIZE = 2 };

/* KVM's emulator takes the page for the local APIC's, which no guest here has:
 * an access from CPL 0 leaves memory. */
#define APIC_PAGE UINT64_C(0xfee00000)

struct kv_kvm_line {
	uint64_t *entry; /* in the guest's table */
	uint64_t was[LINE];
	unsigned filled; /* a bit an entry */
};

/* ---- Lines ----------------------------------------------------------- */

static bool
is_present(const struct kv_kvm_tables *t, uint64_t entry)
{
	return kv_pte_on(&t->format->present, entry);
}

/* Has it several pages, all accessed, in memory that is not logged? */
static bool
is_worth_it(const struct kv_kvm_tables *t, const uint64_t *entry)
{
	unsigned n = 0, i;

	for (i = 0; i < LINE; i++) {
		if (!is_present(t, entry[i]))
			continue;
		if (!kv_pte_on(&t->format->attr[KV_PTE_A_BIT], entry[i]) ||
		    kv_vm_is_logged(t->vm, kv_pte_frame(t->format, entry[i])))
			return false;
		n++;
	}
	return n > 1;
}

static void
take_entries(const struct kv_kvm_tables *t, struct kv_kvm_warm *w,
    const kv_va_t *list, size_t n)
{
	size_t i;

	w->entry = kv_mem_resize(NULL, n, sizeof(*w->entry));
	for (i = 0; i < n; i++) {
		struct kv_leaf leaf;
		uint64_t *e = kv_kvm_tables_find(t, list[i], &leaf);

		w->entry[i] = e != NULL && leaf.level == 0 ? e : NULL;
	}
}

/* The address that meets a line first is the one to read. */
static void
take_lines(struct kv_kvm_tables *t, struct kv_kvm_warm *w, const kv_va_t *list,
    size_t n)
{
	size_t i;

	w->lines = kv_mem_resize(NULL, n, sizeof(*w->lines));
	for (i = 0; i < n; i++) {
		uint64_t *e = w->entry[i];

		if (e == NULL)
			continue;
		e -= (uintptr_t)e / sizeof(*e) % LINE;
		if (!kv_kvm_line_warm(t, e) || !is_worth_it(t, e))
			continue;
		kv_vm_list(t->vm)[w->nlines] = list[i];
		w->lines[w->nlines++] = (struct kv_kvm_line){.entry = e};
	}
}

static void
forget(struct kv_kvm_tables *t, const struct kv_kvm_warm *w)
{
	size_t i;

	for (i = 0; i < w->nlines; i++)
		kv_kvm_line_cool(t, w->lines[i].entry);
}

/* ---- Memory of the host ---------------------------------------------- */

static void
stretch_add(
    struct kv_kvm_stretches *s, kv_pa_t pa, uint64_t size, uint64_t piece)
{
	struct kv_vm_stretch *last = s->n == 0 ? NULL : &s->list[s->n - 1];

	if (last != NULL && pa == last->pa + last->size && pa % piece != 0) {
		last->size += size;
		return;
	}
	if (s->n == s->capacity) {
		s->capacity = 2 * s->capacity + 64;
		s->list = kv_mem_resize(s->list, s->capacity, sizeof(*s->list));
	}
	s->list[s->n++] = (struct kv_vm_stretch){pa, size};
}

/* The memory of all pages in the lines of a call. */
static void
take_memory(const struct kv_kvm_tables *t, const struct kv_kvm_line *line,
    size_t n, struct kv_kvm_stretches *memory)
{
	uint64_t page = kv_vm_page_size(t->vm);
	uint64_t piece = kv_vm_piece_size(t->vm);
	unsigned i;

	for (; n != 0; n--, line++)
		for (i = 0; i < LINE; i++)
			if (is_present(t, line->entry[i]))
				stretch_add(memory,
				    kv_pte_frame(t->format, line->entry[i]),
				    page, piece);
}

/* What the host has not of a stretch. */
static void
note_fresh(const struct kv_kvm_tables *t, struct kv_kvm_warm *w,
    const struct kv_vm_stretch *s)
{
	uint64_t page = kv_vm_page_size(t->vm), i, n = s->size / page;
	unsigned char *there = kv_mem_resize(NULL, (size_t)n, 1);

	if (mincore(kv_vm_memory(t->vm, s->pa), (size_t)s->size, there) == 0)
		for (i = 0; i < n; i++)
			if ((there[i] & 1) == 0)
				stretch_add(&w->fresh, s->pa + i * page, page,
				    kv_vm_piece_size(t->vm));
	kv_mem_free(there);
}

/* A call has its memory made present, by its own thread. */
static void
give_memory(const struct kv_kvm_tables *t, struct kv_kvm_warm *w,
    const struct kv_kvm_stretches *m, struct kv_vm_call *call)
{
	size_t k;

	call->memory = m->list;
	call->nmemory = m->n;
	for (k = 0; k < m->n && !w->keep; k++)
		note_fresh(t, w, &m->list[k]);
}

/* Run calls, each with its memory, which the host may not have. */
static int
run_all(struct kv_kvm_tables *t, struct kv_kvm_warm *w,
    struct kv_vm_call *calls, unsigned ncalls)
{
	unsigned i;
	int error;

	for (i = 0; i < ncalls; i++)
		give_memory(t, w, &w->memory[i], &calls[i]);
	error = kv_vm_run_all(t->vm, calls, ncalls);
	for (i = 0; i < ncalls; i++) {
		t->shadow &= !calls[i].lacking;
		w->memory[i].n = 0;
	}
	return error;
}

/* ---- First use ------------------------------------------------------- */

/* Would a touch, which the entry allows, be the first to set A or M, and can it
 * be made from CPL 0? */
static bool
is_unused(const struct kv_kvm_tables *t, uint64_t entry, enum kv_access access)
{
	unsigned attr = kv_pte_decode(t->format, entry);

	if (kv_pte_frame(t->format, entry) == APIC_PAGE)
		return false;
	if (access == KV_ACCESS_READ)
		return (attr & KV_PTE_A) == 0;
	return (attr & KV_PTE_W) != 0 &&
	       (attr & (KV_PTE_A | KV_PTE_M)) != (KV_PTE_A | KV_PTE_M);
}

/* A page to use. */
struct use {
	kv_va_t va;
	kv_pa_t pa;
};

/* A touch of an address: MOV of AL with an address in the instruction. */
static char *
make_touch(char *code, enum kv_access access, kv_va_t va)
{
	*code++ = (char)(access == KV_ACCESS_READ ? MOV_FROM : MOV_TO);
	memcpy(code, &va, sizeof(va));
	return code + sizeof(va);
}

/*
 * A call that touches pages by code of its own, made from entry *at of the list
 * on: the emulator takes as long for an instruction that only reads the list as
 * for one that touches.  After a fault, which the list will show, it ends.
 */
static void
make_call(const struct kv_kvm_tables *t, enum kv_access access,
    const struct use *uses, struct kv_vm_call *call, uint64_t *at,
    struct kv_kvm_stretches *memory)
{
	char *start = (char *)(kv_vm_list(t->vm) + *at), *code = start;
	uint64_t i;

	for (i = call->first; i < call->first + call->count; i++) {
		code = make_touch(code, access, uses[i].va);
		stretch_add(memory, uses[i].pa, kv_vm_page_size(t->vm),
		    kv_vm_piece_size(t->vm));
	}
	memcpy(code, kv_guest_made_next, UD2_SIZE);
	*call = (struct kv_vm_call){
	    .entry = kv_guest_made, .next = kv_guest_made_next, .first = *at};
	*at += (uint64_t)(code + UD2_SIZE - start) / sizeof(*at) + 1;
}

static int
use_all(struct kv_kvm_tables *t, struct kv_kvm_warm *w, enum kv_access access,
    const struct use *uses, size_t n)
{
	struct kv_vm_call calls[KV_VM_CPUS];
	unsigned ncalls = kv_kvm_touch_split(t, access, n, calls), i;
	uint64_t at = 0;

	for (i = 0; i < ncalls; i++)
		make_call(t, access, uses, &calls[i], &at, &w->memory[i]);
	return run_all(t, w, calls, ncalls);
}

/* Touch at CPL 0 what the list is to touch first. */
static int
use(struct kv_kvm_tables *t, struct kv_kvm_warm *w, enum kv_access access,
    const kv_va_t *list, size_t n)
{
	struct use *uses = kv_mem_resize(NULL, n, sizeof(*uses));
	size_t nuses = 0, i;
	int error = 0;

	for (i = 0; i < n; i++)
		if (w->entry[i] != NULL && is_unused(t, *w->entry[i], access))
			uses[nuses++] = (struct use){
			    list[i], kv_pte_frame(t->format, *w->entry[i])};
	if (nuses >= USES_LEAST)
		error = use_all(t, w, access, uses, nuses);
	kv_mem_free(uses);
	return error;
}

/* ---- Fillings -------------------------------------------------------- */

static void
fill(const struct kv_kvm_tables *t, struct kv_kvm_line *line)
{
	uint64_t filling = 0;
	unsigned i;

	for (i = 0; i < LINE; i++)
		if (is_present(t, line->entry[i]))
			filling = line->entry[i];
	for (i = 0; i < LINE; i++) {
		if (is_present(t, line->entry[i]))
			continue;
		line->filled |= 1U << i;
		line->was[i] = line->entry[i];
		line->entry[i] = filling;
	}
}

static int
take_out(struct kv_kvm_tables *t, const struct kv_kvm_line *line)
{
	unsigned i;
	int error = 0;

	for (i = 0; i < LINE && error == 0; i++)
		if ((line->filled >> i & 1) != 0)
			error = kv_kvm_tables_store(
			    t, &line->entry[i], line->was[i]);
	return error;
}

/* Read a page of each line, while no line has a hole. */
static int
read_lines(struct kv_kvm_tables *t, struct kv_kvm_warm *w)
{
	struct kv_vm_call calls[KV_VM_CPUS];
	unsigned n = kv_kvm_touch_split(t, KV_ACCESS_READ, w->nlines, calls);
	int error, first;
	size_t i;

	for (i = 0; i < n; i++)
		take_memory(t, &w->lines[calls[i].first],
		    (size_t)calls[i].count, &w->memory[i]);
	for (i = 0; i < w->nlines; i++)
		fill(t, &w->lines[i]);
	first = run_all(t, w, calls, n);
	for (i = 0, error = 0; i < w->nlines && error == 0; i++)
		error = take_out(t, &w->lines[i]);
	if (error == 0)
		error = kv_kvm_tables_flush(t);
	return first != 0 ? first : error;
}

/* ---- All of it ------------------------------------------------------- */

int
kv_kvm_warm(struct kv_kvm_tables *t, enum kv_access access, const kv_va_t *list,
    size_t n, struct kv_kvm_warm *w)
{
	int error = 0;

	/* What is written and fetched has memory of the host anyway. */
	w->keep = access != KV_ACCESS_READ;
	if (!t->shadow || n < LINES_LEAST || (t->vm->huge && !w->keep))
		return 0;
	take_entries(t, w, list, n);
	if (t->emulated && access != KV_ACCESS_EXEC)
		error = use(t, w, access, list, n);
	if (error != 0 || !t->shadow)
		return error;
	take_lines(t, w, list, n);
	if (w->nlines >= LINES_LEAST)
		return read_lines(t, w);
	forget(t, w);
	return 0;
}

void
kv_kvm_warm_end(struct kv_kvm_tables *t, struct kv_kvm_warm *w)
{
	size_t i;

	for (i = 0; i < w->fresh.n; i++)
		(void)madvise(kv_vm_memory(t->vm, w->fresh.list[i].pa),
		    (size_t)w->fresh.list[i].size, MADV_DONTNEED);
	if (w->fresh.n != 0)
		forget(t, w);
	kv_mem_free(w->entry);
	kv_mem_free(w->lines);
	for (i = 0; i < KV_VM_CPUS; i++)
		kv_mem_free(w->memory[i].list);
	kv_mem_free(w->fresh.list);
}
