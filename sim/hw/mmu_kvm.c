/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu_kvm.c - the machine of mmu.h that is real: page tables in a KVM guest
 *
 * 1 Concepts.  The guest's kernel is a page of code (kvm_guest.S); its page
 *   tables follow those of a pmap (kvm_tables.c); its memory is the machine's
 *   memory, address by address.  Pages are touched at CPL 3 by a list
 *   (kvm_touch.c), guards among them.
 * 2 Representation.  See kvm_vm.h for memory and runs, kvm_tables.c for tables.
 * 3 Invariants.  Those of kvm_tables.c.
 * 4 Cost.  kvm.md 2: some 35 us a list, then 10 to 20 ns a page, 12 us a fault;
 *   long lists are shared by the vCPUs.  Under shadow paging the first touch of
 *   a page is a fault, too, which pages that have A share (kvm_warm.c).  A
 * fault is an exit: where an MSR that each entry and exit write is emulated by
 * a KVM below, it costs 28 us. 5 Fidelity.  None is claimed: this is what
 * models are held against.  G means nothing: CR4.PGE is off, so that a new CR3
 * flushes everything.
 */
#include <stdlib.h>
#include <string.h>

#include "hw/kvm_host.h"
#include "hw/kvm_touch.h"
#include "hw/pte_code.h"
#include "out/mem.h"

enum { TIMEOUT_MS = 10000, VECTOR_DF = 8, WORD = sizeof(uint64_t) };

struct kvm {
	struct kv_mmu mmu; /* first */
	struct kv_vm *vm;
	struct kv_kvm_tables tables;
};

static struct kvm *
kvm_of(struct kv_mmu *mmu)
{
	return (struct kvm *)(void *)mmu;
}

/* The reason that the layer below gave. */
static int
failed(struct kvm *k, int error)
{
	if (error == EIO || error == ETIMEDOUT)
		k->mmu.reason = k->vm->reason;
	return error;
}

static int
fail(struct kvm *k, int error, const char *reason)
{
	k->mmu.reason = reason;
	return error;
}

/* ---- Which addresses ------------------------------------------------- */

static unsigned
root_slot(const struct kvm *k, kv_va_t va)
{
	const struct kv_pte_format *f = k->tables.format;

	return (unsigned)(va >> kv_pte_shift(f, f->levels - 1)) &
	       ((1U << f->root_shift) - 1);
}

/* Root slots that this machine cannot have or cannot touch. */
static int
check_slot(struct kvm *k, unsigned slot)
{
	if (slot == kv_vm_window_slot(k->vm))
		return fail(k, EINVAL, "the guest itself lives in that slot");
	if (k->mmu.caps.bad_slot_256 &&
	    slot == 1U << (k->tables.format->root_shift - 1))
		return fail(
		    k, EINVAL, "this KVM gives false faults in root slot 256");
	return 0;
}

/* What is not canonical is in no slot. */
static int
check_va(struct kvm *k, kv_va_t va)
{
	const struct kv_pte_format *f = k->tables.format;
	const uint64_t mask = (UINT64_C(1) << f->va_bits) - 1;

	if (kv_pte_va(f, false, va & mask) != va)
		return 0;
	return check_slot(k, root_slot(k, va));
}

static int
check_range(struct kvm *k, kv_va_t va, uint64_t size)
{
	unsigned slot = root_slot(k, va);
	unsigned last = size == 0 ? slot : root_slot(k, va + size - 1);
	int error = 0;

	for (; error == 0 && slot <= last; slot++)
		error = check_slot(k, slot);
	return error;
}

/* ---- Edits ----------------------------------------------------------- */

static int
kvm_map(struct kv_mmu *mmu, kv_va_t va, kv_pa_t pa, unsigned level, size_t n,
    unsigned attr)
{
	const unsigned known =
	    KV_PTE_W | KV_PTE_X | KV_PTE_G | KV_PTE_U | KV_PTE_A | KV_PTE_M;
	struct kvm *k = kvm_of(mmu);
	const struct kv_pte_format *f = k->tables.format;
	int error;

	if (level >= f->levels || !kv_pte_leaf_level(f, level) ||
	    n > UINT64_MAX >> kv_pte_shift(f, level))
		return EINVAL;
	error = check_range(k, va, (uint64_t)n << kv_pte_shift(f, level));
	if (error != 0)
		return error;
	error = kv_vm_back(k->vm, pa, (uint64_t)n << kv_pte_shift(f, level));
	if (error != 0)
		return fail(k, error, k->vm->reason);
	return kv_pmap_enter_leaf(
	    k->tables.pmap, va, pa, level, n, attr & known);
}

/* A leaf that the range cuts passes A and M on to its pieces. */
static int
check_edit(struct kvm *k, kv_va_t va, uint64_t size)
{
	int error = check_range(k, va, size);

	if (error != 0)
		return error;
	kv_kvm_tables_pull(&k->tables, va, true);
	kv_kvm_tables_pull(&k->tables, va + size - 1, true);
	return 0;
}

static int
kvm_unmap(struct kv_mmu *mmu, kv_va_t va, uint64_t size)
{
	struct kvm *k = kvm_of(mmu);
	int error = check_edit(k, va, size);

	return error != 0 ? error
			  : kv_pmap_remove(k->tables.pmap, va, size, NULL);
}

static int
kvm_protect(struct kv_mmu *mmu, kv_va_t va, uint64_t size, unsigned attr)
{
	struct kvm *k = kvm_of(mmu);
	int error = check_edit(k, va, size);

	return error != 0
		   ? error
		   : kv_pmap_protect(k->tables.pmap, va, size, attr, NULL);
}

static int
kvm_promote(struct kv_mmu *mmu, kv_va_t va)
{
	struct kvm *k = kvm_of(mmu);

	kv_kvm_tables_pull(&k->tables, va, false);
	return kv_pmap_promote(k->tables.pmap, va);
}

static int
kvm_demote(struct kv_mmu *mmu, kv_va_t va)
{
	struct kvm *k = kvm_of(mmu);

	kv_kvm_tables_pull(&k->tables, va, true);
	return kv_pmap_demote(k->tables.pmap, va);
}

static int
kvm_commit(struct kv_mmu *mmu)
{
	struct kvm *k = kvm_of(mmu);

	return failed(k, kv_kvm_tables_commit(&k->tables));
}

/* ---- Touches --------------------------------------------------------- */

static int
kvm_touch(struct kv_mmu *mmu, enum kv_access access, const kv_va_t *list,
    size_t n, struct kv_fault *faults, size_t cap, size_t *nfaults)
{
	struct kvm *k = kvm_of(mmu);
	struct kv_kvm_faults out = {.to = faults, .capacity = cap};
	int error = 0;
	size_t i;

	for (i = 0; i < n && error == 0; i++)
		error = check_va(k, list[i]);
	if (error == 0)
		error =
		    failed(k, kv_kvm_touch(&k->tables, access, list, n, &out));
	if (error == 0)
		*nfaults = out.count;
	return error;
}

/*
 * How many pushes were made says which one failed.  CR2 must agree: the guest
 * aligns its stack to 16 bytes before it delivers the fault, and fails again.
 */
static int
take_overflow(struct kvm *k, kv_va_t top, const struct kv_vm_call *call,
    struct kv_fault *fault)
{
	kv_va_t va = top - WORD * (call->count - call->left + 1);

	if (call->cr2 != va && call->cr2 != va - WORD)
		return fail(k, EIO, "#DF came from elsewhere");
	*fault = (struct kv_fault){.va = va, .vector = VECTOR_DF};
	return 0;
}

static int
kvm_overflow(struct kv_mmu *mmu, kv_va_t top, uint64_t size, bool *hit,
    struct kv_fault *fault)
{
	struct kvm *k = kvm_of(mmu);
	struct kv_vm_call call = {
	    .entry = kv_guest_push, .stack = top, .count = size / WORD};
	int error;

	if ((top | size) % WORD != 0 || top == 0)
		return fail(k, EINVAL, "pushes are of 8 bytes");
	error = check_va(k, top - 1);
	if (error == 0 && size != 0)
		error = failed(k, kv_vm_run(k->vm, &call));
	if (error == 0 && call.nfaults != 0)
		error = fail(k, EIO, "a push faulted without #DF");
	if (error == 0 && call.doubled)
		error = take_overflow(k, top, &call, fault);
	if (error == 0)
		*hit = call.doubled;
	return error;
}

/* ---- Questions ------------------------------------------------------- */

static int
kvm_translate(struct kv_mmu *mmu, kv_va_t va, struct kv_leaf *leaf)
{
	struct kvm *k = kvm_of(mmu);

	return kv_kvm_tables_find(&k->tables, va, leaf) != NULL ? 0 : ENOENT;
}

/* KVM_TRANSLATE sets A, which the access of a witness must not. */
static int
kvm_witness(struct kv_mmu *mmu, kv_va_t va, kv_pa_t *pa)
{
	struct kvm *k = kvm_of(mmu);
	struct kv_leaf leaf;
	uint64_t *e = kv_kvm_tables_find(&k->tables, va, &leaf);
	uint64_t before = e != NULL ? *e : 0;
	int error = failed(k, kv_vm_translate(k->vm, va, pa));

	if (e != NULL)
		*e = before;
	return error;
}

/* A visit that remembers how far it came. */
struct visit {
	kv_leaf_fn *cb;
	void *arg;
	kv_va_t last;
	bool any;
};

static int
visit_leaf(void *arg, const struct kv_leaf *leaf)
{
	struct visit *v = arg;

	v->last = leaf->va;
	v->any = true;
	return v->cb(v->arg, leaf);
}

static int
kvm_harvest(struct kv_mmu *mmu, kv_va_t start, kv_va_t end, bool clear,
    kv_leaf_fn *cb, void *arg)
{
	struct kvm *k = kvm_of(mmu);
	struct visit v = {.cb = cb, .arg = arg};
	int ended = kv_kvm_tables_walk(&k->tables, start, end, visit_leaf, &v);
	int error;

	if (!clear || !v.any)
		return ended;
	error = failed(k, kv_kvm_tables_clear(&k->tables,
			      start < v.last ? start : v.last, v.last + 1));
	return error != 0 ? -error : ended;
}

static int
kvm_dirty(struct kv_mmu *mmu, kv_pa_t pa, uint64_t size, uint64_t *bitmap)
{
	struct kvm *k = kvm_of(mmu);
	int error;

	if (((pa | size) & (kv_vm_page_size(k->vm) - 1)) != 0)
		return fail(k, EINVAL, "not whole pages");
	error = kv_vm_back(k->vm, pa, size);
	if (error == 0)
		error = kv_vm_dirty(k->vm, pa, size, bitmap);
	return error != 0 ? fail(k, error, k->vm->reason) : 0;
}

/* ---- Leaves ---------------------------------------------------------- */

/* Base pages that were accessed, to be read again. */
struct again {
	struct kvm *k;
	kv_va_t *list;
	size_t n;
	int error;
};

static int
again_run(struct again *a)
{
	struct kv_kvm_faults out = {0};

	if (a->error == 0)
		a->error =
		    failed(a->k, kv_kvm_touch_cold(&a->k->tables,
				     KV_ACCESS_READ, a->list, a->n, &out));
	a->n = 0;
	return a->error;
}

static int
again_add(struct again *a, kv_va_t va)
{
	a->list[a->n++] = va;
	return a->n == KV_VM_BATCH ? again_run(a) : 0;
}

static int
again_leaf(void *arg, const struct kv_leaf *leaf)
{
	struct again *a = arg;
	const struct kv_pte_format *f = a->k->tables.format;
	uint64_t size = UINT64_C(1) << kv_pte_shift(f, leaf->level), at;

	if ((leaf->attr & KV_PTE_A) == 0)
		return 0;
	for (at = 0; at < size; at += UINT64_C(1) << f->page_shift)
		if (again_add(a, leaf->va + at) != 0)
			return 1;
	return 0;
}

/* All that the guest uses for itself, its tables too: of no interest. */
static int
again_own(struct again *a)
{
	const struct kv_vm *vm = a->k->vm;
	uint64_t page = kv_vm_page_size(vm), at;
	size_t npages;
	kv_pa_t end = kv_vm_pool(vm, &npages) + a->k->tables.npages * page;

	a->n = kv_vm_own(vm, a->list);
	for (at = kv_vm_pool(vm, &npages); at < end; at += page)
		if (again_add(a, kv_vm_window(vm, at)) != 0)
			return a->error;
	return again_run(a);
}

/*
 * KVM derives anew what it maps, after a zap, from reads of the leaves that
 * have A already: exact, and no bit of the guest's tables changes.
 */
static int
kvm_leaves(struct kv_mmu *mmu, struct kv_mmu_leaves *leaves)
{
	struct kvm *k = kvm_of(mmu);
	uint64_t own[KV_VM_STATS], all[KV_VM_STATS];
	struct again a = {.k = k};
	int error = kv_vm_stats(k->vm, own), i;

	if (error == 0)
		error = kv_vm_zap(k->vm);
	if (error != 0)
		return fail(k, error, k->vm->reason);
	a.list = kv_mem_resize(NULL, KV_VM_BATCH, sizeof(*a.list));
	error = again_own(&a);
	if (error == 0)
		error = failed(k, kv_vm_stats(k->vm, own));
	if (error == 0) {
		(void)kv_kvm_tables_walk(
		    &k->tables, 0, UINT64_MAX, again_leaf, &a);
		error = again_run(&a);
	}
	kv_mem_free(a.list);
	if (error == 0)
		error = failed(k, kv_vm_stats(k->vm, all));
	for (i = 0; error == 0 && i < KV_VM_STATS; i++)
		leaves->level[i] = all[i] > own[i] ? all[i] - own[i] : 0;
	return error;
}

static int
kvm_host(struct kv_mmu *mmu, struct kv_mmu_host *host)
{
	struct kvm *k = kvm_of(mmu);

	return failed(k, kv_vm_host(k->vm, host));
}

static int
kvm_collapse(struct kv_mmu *mmu, kv_pa_t pa, uint64_t size)
{
	struct kvm *k = kvm_of(mmu);
	int error = kv_vm_back(k->vm, pa, size);

	if (error == 0)
		error = kv_vm_collapse(k->vm, pa, size);
	return error != 0 ? fail(k, error, k->vm->reason) : 0;
}

/* ---- Create ---------------------------------------------------------- */

static void
kvm_close(struct kv_mmu *mmu)
{
	struct kvm *k = kvm_of(mmu);

	kv_kvm_tables_fini(&k->tables);
	kv_vm_close(k->vm);
	kv_mem_free(k);
}

static const struct kv_mmu_ops operations = {.close = kvm_close,
    .map = kvm_map,
    .unmap = kvm_unmap,
    .protect = kvm_protect,
    .promote = kvm_promote,
    .demote = kvm_demote,
    .commit = kvm_commit,
    .touch = kvm_touch,
    .overflow = kvm_overflow,
    .translate = kvm_translate,
    .witness = kvm_witness,
    .harvest = kvm_harvest,
    .dirty = kvm_dirty,
    .leaves = kvm_leaves,
    .host = kvm_host,
    .collapse = kvm_collapse};

int
kv_mmu_kvm_open(
    const struct kv_mmu_config *cfg, struct kv_mmu **mmu, const char **reason)
{
	struct kv_vm_config vc = {.device = "/dev/kvm",
	    .levels = cfg->format->levels,
	    .huge = cfg->huge,
	    .cpus = cfg->cpus,
	    .timeout_ms = cfg->timeout_ms != 0 ? cfg->timeout_ms : TIMEOUT_MS};
	struct kv_mmu_caps caps;
	struct kvm *k;
	int error = kv_mmu_kvm_probe(vc.device, &caps, reason);

	if (error != 0)
		return error;
	if (cfg->format != kv_pte_find("amd64") &&
	    cfg->format != kv_pte_find("amd64-la57")) {
		*reason = "KVM runs page tables of amd64 alone";
		return EOPNOTSUPP;
	}
	if (!caps.la57 && cfg->format == kv_pte_find("amd64-la57")) {
		*reason = "the CPU has no page tables of 5 levels";
		return EOPNOTSUPP;
	}
	k = kv_mem_resize(NULL, 1, sizeof(*k));
	*k = (struct kvm){.mmu = {.ops = &operations, .caps = caps}};
	error = kv_vm_open(&vc, &k->vm, reason);
	if (error != 0) {
		kv_mem_free(k);
		return error;
	}
	/* a pool has room for a root */
	(void)kv_kvm_tables_init(&k->tables, k->vm, cfg->format);
	k->tables.shadow = strcmp(caps.paging, "shadow") == 0;
	k->tables.emulated = !caps.cpl0_native;
	*mmu = &k->mmu;
	return 0;
}
