/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_kstack.c - kernel stacks come and go; no two have a page in common
 *
 * Held against two arrays, of addresses and of frames: stacks and their guards
 * are apart, pages are there once, and all comes back at the end.
 */
#include <errno.h>
#include <inttypes.h>

#include "fuzz.h"
#include "run/world.h"

enum { OPS_MAX = 300, STACKS_MAX = 512, PAGES_MAX = 64 };

struct bytes {
	const uint8_t *at, *end;
};

static unsigned
take(struct bytes *b, unsigned below)
{
	return below <= 1 || b->at == b->end ? 0 : *b->at++ % below;
}

/* ---- As a scenario ---------------------------------------------------- */

/* What the stacks are called, in the order of the world's. */
static unsigned names[STACKS_MAX], nnames;

static const char *
yes_no(bool is)
{
	return is ? "yes" : "no";
}

static void
tell_world(const struct kv_world_spec *s, uint64_t size)
{
	static const char *const schemes[] = {[KV_KSTACK_OLD] = "old",
	    [KV_KSTACK_NEW] = "new",
	    [KV_KSTACK_NORES] = "nores",
	    [KV_KSTACK_FFFF] = "ffff"};

	nnames = 0;
	fuzz_tell_anew();
	fuzz_tell("machine: {name: %s, domains: %u, cpus: %u, page_cache: %s, "
		  "lazy_init: %s, memory: [",
	    s->machine->name, s->ndomains, s->ncpus, yes_no(s->page_cache),
	    yes_no(s->lazy_init));
	for (unsigned i = 0; i < s->ndomains; i++)
		fuzz_tell("{start: 0x%" PRIx64 ", size: 0x%" PRIx64
			  ", domain: %u}, ",
		    (2 + i) * size, size, i);
	fuzz_tell(
	    "]}\nkstacks: {policy: freebsd-d38852, scheme: %s, pages: %u, "
	    "guard: %u, domain_guard: %s, parents: %s, cache: %s, "
	    "mapping: %s, first_kva: 0}\nwork:\n",
	    schemes[s->scheme], s->npages, s->gpages, yes_no(s->domain_guard),
	    s->returned ? "returned" : "joined",
	    s->stack_cache ? "uma" : "none",
	    s->mapping == KV_WORLD_ENTER ? "enter" : "qenter");
}

/* What no machine has is refused, and is no line of a scenario. */
static void
tell_spawn(const struct kv_world *w, unsigned npages, unsigned domain)
{
	if (npages > w->spec.machine->kstack_max)
		return;
	fuzz_tell("  - spawn: {as: stack%u, cpu: %u, domain: %u", ++nnames,
	    w->cpu, domain);
	if (npages != 0)
		fuzz_tell(", pages: %u", npages);
	fuzz_tell("}\n");
}

static struct kv_world *
open_world(struct bytes *b)
{
	static const char *const machines[] = {
	    "amd64", "arm64-4k", "riscv-sv39", "arm64-16k"};
	unsigned kind = take(b, 4), ndomains = 1 + take(b, 2);
	uint64_t size = UINT64_C(8) << (20 + 4 * (kind == 3));
	struct kv_phys_range ranges[2];
	struct kv_world_spec spec = {.machine = kv_machine_find(machines[kind]),
	    .ranges = ranges,
	    .nranges = ndomains,
	    .ndomains = ndomains,
	    .scheme = (enum kv_kstack_scheme)take(b, 3),
	    .npages = 1 + take(b, 6),
	    .gpages = take(b, 5),
	    .domain_guard = take(b, 2) != 0,
	    .returned = take(b, 2) != 0,
	    .stack_cache = take(b, 2) != 0,
	    .page_cache = take(b, 2) != 0,
	    .lazy_init = take(b, 2) != 0,
	    .mapping = take(b, 2) != 0 ? KV_WORLD_ENTER : KV_WORLD_QENTER,
	    .ncpus = 1 + take(b, 4),
	    .faults = fuzz_faults(),
	    .hash = true};
	struct kv_world *w;

	for (unsigned i = 0; i < ndomains; i++)
		ranges[i] = (struct kv_phys_range){.start = 2 * size + i * size,
		    .end = 2 * size + (i + 1) * size,
		    .domain = i};
	if (spec.ncpus < ndomains) /* each has one at least */
		spec.ncpus = ndomains;
	tell_world(&spec, size);
	return kv_world_create(&spec, &w) == 0 ? w : NULL;
}

/* ---- The arrays ------------------------------------------------------ */

struct held {
	uint64_t start, end; /* addresses, guard included */
	kv_pfn_t pfns[PAGES_MAX];
	unsigned npages;
};

static struct held
hold(const struct kv_world *w, const struct kv_stack *s)
{
	uint64_t page = kv_machine_page_size(w->spec.machine);
	struct held h = {.start = s->ks - w->spec.gpages * page,
	    .end = s->ks + s->npages * page,
	    .npages = s->npages};

	ck_assert(s->npages <= PAGES_MAX && s->ks % page == 0);
	ck_assert(kv_stack_pages(w->kstack, s, h.pfns) == 0);
	return h;
}

static bool
apart(const struct held *a, const struct held *b)
{
	if (a->start < b->end && b->start < a->end)
		return false;
	for (unsigned i = 0; i < a->npages; i++)
		for (unsigned k = 0; k < b->npages; k++)
			if (a->pfns[i] == b->pfns[k])
				return false;
	return true;
}

/* The newest stack against all others; they keep what they had. */
static void
judge_new(const struct kv_world *w, struct held *held)
{
	size_t n = w->nstacks - 1;

	held[n] = hold(w, &w->stacks[n]);
	for (unsigned i = 0; i < held[n].npages; i++)
		for (unsigned k = 0; k < i; k++)
			ck_assert(held[n].pfns[i] != held[n].pfns[k]);
	for (size_t i = 0; i < n; i++)
		ck_assert(apart(&held[i], &held[n]));
}

static void
judge_all(const struct kv_world *w, const struct held *held)
{
	struct kv_diag diag = {.text = "?"};
	int error = kv_world_check(w, &diag);

	ck_assert_msg(error == 0 || error == ENOMEM, "%s I%u: %s", diag.module,
	    diag.invariant, diag.text);
	for (size_t i = 0; i < w->nstacks; i++) {
		struct held now = hold(w, &w->stacks[i]);

		ck_assert(now.start == held[i].start &&
			  now.npages == held[i].npages &&
			  memcmp(now.pfns, held[i].pfns,
			      now.npages * sizeof(now.pfns[0])) == 0);
		ck_assert(kv_world_guard_pages(w, &w->stacks[i]) == 0);
	}
}

/* ---- Operations ------------------------------------------------------ */

static void
dispose(struct kv_world *w, struct held *held, size_t i)
{
	struct kv_diag diag = {.text = "?"};

	fuzz_tell("  - dispose: {name: stack%u, cpu: %u}\n", names[i], w->cpu);
	ck_assert_msg(kv_world_dispose(w, i, &diag) == 0, "%s I%u: %s",
	    diag.module, diag.invariant, diag.text);
	held[i] = held[w->nstacks];
	names[i] = names[w->nstacks];
}

static void
spawn(struct kv_world *w, struct held *held, unsigned npages, unsigned domain)
{
	int error;

	tell_spawn(w, npages, domain);
	error = kv_world_spawn(w, npages, domain);
	ck_assert(error != EFAULT && error != EDEADLK);
	if (error != 0)
		return;
	names[w->nstacks - 1] = nnames;
	judge_new(w, held);
}

static void
operate(struct kv_world *w, struct held *held, struct bytes *b)
{
	unsigned what = take(b, 16), domain = take(b, w->spec.ndomains);

	kv_world_run_on(w, take(b, w->spec.ncpus));
	if (what < 7 && w->nstacks < STACKS_MAX) {
		spawn(w, held, take(b, 8) == 0 ? take(b, 32) : 0, domain);
	} else if (what < 13 && w->nstacks != 0) {
		dispose(w, held, take(b, 256) % w->nstacks);
	} else if (what == 13) {
		fuzz_tell("  - reclaim: {domain: %u}\n", domain);
		kv_reserv_reclaim(w->reserv, domain);
	} else if (what == 14) {
		kv_host_fail_at(&w->host, 1 + take(b, 16));
	} else {
		fuzz_tell("  - idle: {operations: 1}\n");
		kv_world_tick(w);
	}
	kv_world_note_usage(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct held held[STACKS_MAX];
	struct bytes b = {data, data + size};
	struct kv_diag diag = {.text = "?"};
	struct kv_world *w;
	unsigned i;

	fuzz_start();
	w = open_world(&b);
	if (w == NULL)
		return -1;
	for (i = 0; i < OPS_MAX && b.at < b.end; i++) {
		operate(w, held, &b);
		if (i % 16 == 15)
			judge_all(w, held);
	}
	kv_host_fail_at(&w->host, 0);
	judge_all(w, held);
	while (w->nstacks != 0)
		dispose(w, held, w->nstacks - 1);
	ck_assert(kv_world_drain_caches(w, &diag) == 0);
	judge_all(w, held);
	for (i = 0; i < w->spec.ndomains; i++)
		ck_assert(kv_phys_free_count(w->phys, i) ==
			  kv_world_domain_pages(w, i));
	kv_world_destroy(w);
	return 0;
}
