/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_probe.c - what a KVM can do, found out by doing it
 *
 * Behaviour decides (kvm.md 3): loops are timed, pages mapped and touched, an
 * entry changed behind the guest's back.  The name of the loaded module gives
 * the kind and nothing else.
 */
#define _DEFAULT_SOURCE
#include <time.h>
#include <unistd.h>

#include "alloc/kv.h"
#include "hw/kvm_vm.h"

enum {
	LOOP = 1000,   /* iterations to time */
	EMULATED = 50, /* ns of an iteration, at least */
	ATTEMPTS = 8,  /* the quickest counts */
	TIMEOUT_MS = 10000,
	BIT_P = 1,
	BIT_PS = 0x80,
	TABLE = 0x27, /* P, W, U, A */
	LEVELS = 4
};

/* Tables of a probe come from the start of the pool, its data from behind. */
struct probe {
	struct kv_vm *vm;
	size_t ntables;
};

enum { DATA_PAGE = 64 };

static kv_pa_t
pool_page(const struct probe *p, size_t i)
{
	size_t npages;

	return kv_vm_pool(p->vm, &npages) + i * kv_vm_page_size(p->vm);
}

static uint64_t *
entry_at(const struct probe *p, kv_pa_t table, kv_va_t va, unsigned level)
{
	const struct kv_machine *m = p->vm->machine;
	uint64_t index = va >> (m->page_shift + level * m->pt_shift) &
			 ((UINT64_C(1) << m->pt_shift) - 1);

	return (uint64_t *)kv_vm_control(p->vm, table) + index;
}

/* Map va for probes, by a leaf of that level.  => its entry */
static uint64_t *
map(struct probe *p, kv_va_t va, kv_pa_t pa, unsigned level)
{
	kv_pa_t table = kv_vm_root(p->vm, true);
	kv_pa_t frames = ~(kv_vm_page_size(p->vm) - 1);
	unsigned l;
	uint64_t *e;

	for (l = p->vm->levels - 1; l > level; l--) {
		e = entry_at(p, table, va, l);
		if ((*e & BIT_P) == 0)
			*e = pool_page(p, p->ntables++) | TABLE;
		table = *e & frames;
	}
	e = entry_at(p, table, va, level);
	*e = pa | TABLE | (level > 0 ? BIT_PS : 0);
	return e;
}

/* => an error; *faulted: the page could not be read or written */
static int
touch(struct probe *p, kv_va_t va, bool *faulted)
{
	struct kv_vm_call call = {.entry = kv_guest_write,
	    .next = kv_guest_write_next,
	    .user = true,
	    .count = 1};
	int error;

	kv_vm_list(p->vm)[0] = va;
	error = kv_vm_run(p->vm, &call);
	if (error == 0)
		*faulted = call.nfaults != 0;
	return error;
}

/* A store of the guest to memory of its own; then it reloads CR3. */
static int
flush(struct probe *p)
{
	struct kv_vm_call call = {.entry = kv_guest_store,
	    .next = kv_guest_store_next,
	    .user = true,
	    .count = 1};

	kv_vm_list(p->vm)[0] = kv_vm_window(p->vm, pool_page(p, DATA_PAGE - 1));
	kv_vm_list(p->vm)[1] = 0;
	return kv_vm_run(p->vm, &call);
}

/* ---- Probes ---------------------------------------------------------- */

static int
timed_loop(struct probe *p, bool user, uint64_t count, int64_t *ns)
{
	struct kv_vm_call call = {
	    .entry = kv_guest_count, .user = user, .count = count};
	struct timespec start, end;
	int error;

	clock_gettime(CLOCK_MONOTONIC, &start);
	error = kv_vm_run(p->vm, &call);
	clock_gettime(CLOCK_MONOTONIC, &end);
	*ns = (end.tv_sec - start.tv_sec) * INT64_C(1000000000) + end.tv_nsec -
	      start.tv_nsec;
	return error;
}

/* The host may be busy, in either run: so each at its quickest. */
static int
probe_native(struct probe *p, bool user, bool *native)
{
	const int64_t limit = (int64_t)LOOP * EMULATED;
	int64_t empty = INT64_MAX, loop = INT64_MAX, ns;
	int error = 0, i;

	for (i = 0; i < ATTEMPTS && loop >= limit && error == 0; i++) {
		error = timed_loop(p, user, 1, &ns);
		empty = ns < empty ? ns : empty;
		if (error == 0)
			error = timed_loop(p, user, LOOP, &ns);
		loop = ns < loop ? ns : loop;
	}
	*native = loop - empty < limit;
	return error;
}

/* An entry that only the host clears: does the guest fault then? */
static int
probe_coherent(struct probe *p, bool *coherent)
{
	kv_va_t va = kv_vm_page_size(p->vm);
	uint64_t *e = map(p, va, pool_page(p, DATA_PAGE), 0);
	bool faulted;
	int error = touch(p, va, &faulted);

	if (error == 0 && faulted) {
		p->vm->reason = "a page that is mapped faults";
		error = EIO;
	}
	if (error != 0)
		return error;
	*e = 0;
	error = flush(p);
	return error != 0 ? error : touch(p, va, coherent);
}

/* The first page of the upper half. */
static int
probe_slot_256(struct probe *p, bool *bad)
{
	const struct kv_machine *m = p->vm->machine;
	kv_va_t va = UINT64_MAX << (m->page_shift + LEVELS * m->pt_shift - 1);

	map(p, va, pool_page(p, DATA_PAGE + 1), 0);
	return touch(p, va, bad);
}

/* A leaf of level 2 that maps the control area. */
static int
probe_gb_pages(struct probe *p, bool *gb)
{
	kv_va_t va = kv_vm_piece_size(p->vm);
	bool faulted;
	int error;

	map(p, va, p->vm->base, 2);
	error =
	    touch(p, va + pool_page(p, DATA_PAGE + 2) - p->vm->base, &faulted);
	if (error == 0)
		*gb = !faulted;
	return error;
}

/* A guest with tables of 5 levels that touches a page. */
static void
probe_la57(const struct kv_vm_config *cfg, struct kv_mmu_caps *caps)
{
	enum { LEAF = 7, ECX = 1, BIT = 16 };
	struct kv_vm_config five = *cfg;
	struct probe p = {0};
	const char *reason;
	bool faulted = true;

	five.levels = LEVELS + 1;
	if (kv_vm_open(&five, &p.vm, &reason) != 0)
		return;
	if (kv_vm_feature(p.vm, LEAF, ECX, BIT)) {
		map(&p, kv_vm_page_size(p.vm), pool_page(&p, DATA_PAGE), 0);
		caps->la57 =
		    touch(&p, kv_vm_page_size(p.vm), &faulted) == 0 && !faulted;
	}
	kv_vm_close(p.vm);
}

/* ---- Names ----------------------------------------------------------- */

static const char *
kind(void)
{
	static const struct {
		const char *folder, *name;
	} modules[] = {{"/sys/module/kvm_pvm", "pvm"},
	    {"/sys/module/kvm_amd", "kvm_amd"},
	    {"/sys/module/kvm_intel", "kvm_intel"}};
	size_t i;

	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (access(modules[i].folder, F_OK) == 0)
			return modules[i].name;
	return "kvm";
}

static int
probe_all(struct probe *p, struct kv_mmu_caps *caps)
{
	int error = probe_native(p, false, &caps->cpl0_native);

	if (error == 0)
		error = probe_native(p, true, &caps->cpl3_native);
	if (error == 0)
		error = probe_coherent(p, &caps->host_coherent);
	if (error == 0)
		error = probe_slot_256(p, &caps->bad_slot_256);
	if (error == 0)
		error = probe_gb_pages(p, &caps->gb_pages);
	return error;
}

int
kv_mmu_kvm_probe(
    const char *device, struct kv_mmu_caps *caps, const char **reason)
{
	struct kv_vm_config cfg = {.device = device,
	    .levels = LEVELS,
	    .timeout_ms = TIMEOUT_MS,
	    .cpus = 1};
	struct kv_mmu_caps found = {.kind = kind()};
	struct probe p = {0};
	int error = kv_vm_open(&cfg, &p.vm, reason);

	if (error != 0)
		return error;
	error = probe_all(&p, &found);
	*reason = p.vm->reason;
	found.stats = p.vm->stats >= 0;
	kv_vm_close(p.vm);
	if (error != 0)
		return error;
	/* What is emulated walks the guest's tables anew each time. */
	found.paging =
	    found.host_coherent && found.cpl3_native ? "nested" : "shadow";
	found.leaf_guest = found.stats && found.paging[0] == 's';
	probe_la57(&cfg, &found);
	*caps = found;
	return 0;
}
