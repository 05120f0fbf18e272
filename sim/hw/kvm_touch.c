/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_touch.c - lists of addresses touched at CPL 3, and what they found
 *
 * A list of any length runs in batches that the fault log can hold if each of
 * its entries faults.  A call needs code to call: a RET stands at each address
 * that is mapped while the list runs.  A write leaves the address that it was
 * made to in the word it was made to; after the list the host looks for it
 * where its own walk says, which finds a stale translation that did not fault.
 * The number of the run is in it, so that no earlier mark will do.
 *
 * vCPUs share the work: each runs a part of the list, and the parts are read in
 * order, so that nobody can tell.  Two that write one word write the same, for
 * each has its word behind its byte; by aliases, either mark will do.  Between
 * the byte and the word of one the other finds no mark: what a thread misses is
 * looked for again when all have run.
 */
#include "hw/kvm_touch.h"

#include <stdlib.h>
#include <string.h>

#include "hw/kvm_warm.h"
#include "out/mem.h"

enum { VECTOR_PF = 14, RET = 0xc3, WORD = sizeof(uint64_t) };

/* Entries that are worth a vCPU: it takes some 100 us to run one. */
enum { PART_LEAST = 64 };

static int
fail(struct kv_kvm_tables *t, int error, const char *reason)
{
	t->vm->reason = reason;
	return error;
}

/* Where the host sees what va maps to; NULL: nothing. */
static char *
host_of(const struct kv_kvm_tables *t, kv_va_t va)
{
	struct kv_leaf leaf;

	if (kv_kvm_tables_find(t, va, &leaf) == NULL)
		return NULL;
	return kv_vm_memory(t->vm, leaf.pa + (va - leaf.va));
}

/* Put a RET at each address, so that a call comes back; keep what was there. */
static void
plant(const struct kv_kvm_tables *t, const kv_va_t *list, size_t n, char *kept)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char *host = host_of(t, list[i]);

		if (host == NULL)
			continue;
		kept[i] = *host;
		*host = (char)RET;
	}
}

static void
restore(const struct kv_kvm_tables *t, const kv_va_t *list, size_t n,
    const char *kept)
{
	while (n-- != 0) {
		char *host = host_of(t, list[n]);

		if (host != NULL)
			*host = kept[n];
	}
}

/*
 * Is the mark of a write where it should be?  That of another address will do
 * if that address leads here, too.
 */
static bool
is_marked(const struct kv_kvm_tables *t, kv_va_t va, uint64_t run)
{
	char *host = host_of(t, va & -(kv_va_t)WORD), *other;
	uint64_t mark;

	if (host == NULL)
		return false;
	memcpy(&mark, host, WORD);
	if ((mark ^ run) == (va & -(kv_va_t)WORD))
		return true;
	other = host_of(t, mark ^ run);
	return other == host;
}

/* A list of writes. */
struct writes {
	const struct kv_kvm_tables *t;
	const kv_va_t *list;
};

/* Of the writes of a call all that did not fault have left their mark. */
static bool
check_marks(void *arg, const struct kv_vm_call *call)
{
	const struct writes *w = arg;
	const struct kv_guest_fault *log = kv_vm_log(w->t->vm) + call->first;
	uint64_t left;
	size_t next = 0;

	for (left = call->count; left != 0; left--) {
		kv_va_t va = w->list[call->first + call->count - left];

		if (next < call->nfaults && log[next].left == left)
			next++;
		else if (!is_marked(w->t, va, call->number))
			return false;
	}
	return true;
}

/* What a call logged; base: index of the first entry of its list.
 * => 0; EIO when the log makes no sense */
static int
take_faults(struct kv_kvm_tables *t, const kv_va_t *list, size_t base,
    const struct kv_vm_call *call, struct kv_kvm_faults *out)
{
	const struct kv_guest_fault *log = kv_vm_log(t->vm) + call->first;
	size_t i;

	for (i = 0; i < call->nfaults; i++) {
		const struct kv_guest_fault *f = &log[i];
		size_t index = (size_t)(call->first + call->count - f->left);

		if (f->left == 0 || f->left > call->count ||
		    (i > 0 && f->left >= log[i - 1].left))
			return fail(t, EIO, "the log of faults makes no sense");
		if (out->count++ >= out->capacity)
			continue;
		out->to[out->count - 1] =
		    (struct kv_fault){.index = base + index,
			.va = f->vector == 0 ? f->cr2 : list[index],
			.error = f->error,
			.vector = f->vector == 0 ? VECTOR_PF : f->vector};
	}
	return 0;
}

static const struct {
	const char *entry, *next;
} touches[] = {[KV_ACCESS_READ] = {kv_guest_read, kv_guest_read_next},
    [KV_ACCESS_WRITE] = {kv_guest_write, kv_guest_write_next},
    [KV_ACCESS_EXEC] = {kv_guest_exec, kv_guest_exec_next}};

unsigned
kv_kvm_touch_split(const struct kv_kvm_tables *t, enum kv_access access,
    size_t n, struct kv_vm_call *calls)
{
	size_t parts = n / PART_LEAST, i;

	if (parts > t->vm->ncpus)
		parts = t->vm->ncpus;
	if (parts == 0)
		parts = 1;
	for (i = 0; i < parts; i++)
		calls[i] = (struct kv_vm_call){.entry = touches[access].entry,
		    .next = touches[access].next,
		    .user = true,
		    .first = n * i / parts,
		    .count = n * (i + 1) / parts - n * i / parts};
	return (unsigned)parts;
}

/* The list is a part of another, from base on. */
static int
touch_part(struct kv_kvm_tables *t, enum kv_access access, const kv_va_t *list,
    size_t base, size_t n, struct kv_kvm_faults *out)
{
	struct kv_vm_call calls[KV_VM_CPUS];
	struct writes writes = {t, list};
	unsigned ncalls = kv_kvm_touch_split(t, access, n, calls), i;
	char *kept = NULL;
	int error;

	memcpy(kv_vm_list(t->vm), list, n * sizeof(*list));
	for (i = 0; i < ncalls && access == KV_ACCESS_WRITE; i++) {
		calls[i].check = check_marks;
		calls[i].check_arg = &writes;
	}
	if (access == KV_ACCESS_EXEC) {
		kept = kv_mem_resize(NULL, n, 1);
		plant(t, list, n, kept);
	}
	error = kv_vm_run_all(t->vm, calls, ncalls);
	if (access == KV_ACCESS_EXEC)
		restore(t, list, n, kept);
	kv_mem_free(kept);
	for (i = 0; i < ncalls && error == 0; i++)
		if (calls[i].doubtful && !check_marks(&writes, &calls[i]))
			error = fail(t, EIO, "a write went elsewhere");
	for (i = 0; i < ncalls && error == 0; i++)
		error = take_faults(t, list, base, &calls[i], out);
	return error;
}

static int
touch_warm(struct kv_kvm_tables *t, enum kv_access access, const kv_va_t *list,
    size_t base, size_t n, struct kv_kvm_faults *out)
{
	struct kv_kvm_warm w = {0};
	int error = kv_kvm_warm(t, access, list, n, &w);

	if (error == 0)
		error = touch_part(t, access, list, base, n, out);
	kv_kvm_warm_end(t, &w);
	return error;
}

int
kv_kvm_touch_cold(struct kv_kvm_tables *t, enum kv_access access,
    const kv_va_t *list, size_t n, struct kv_kvm_faults *out)
{
	return n == 0 ? 0 : touch_part(t, access, list, 0, n, out);
}

int
kv_kvm_touch(struct kv_kvm_tables *t, enum kv_access access,
    const kv_va_t *list, size_t n, struct kv_kvm_faults *out)
{
	size_t i, part;
	int error;

	for (i = 0; i < n; i += part) {
		part = n - i < KV_VM_BATCH ? n - i : KV_VM_BATCH;
		error = touch_warm(t, access, list + i, i, part, out);
		if (error != 0)
			return error;
	}
	return 0;
}
