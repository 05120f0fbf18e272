/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.c - holds what a world should map against machines that map it
 *
 * A verification brings the machines to what the world maps now, edit by edit,
 * then touches: every mapped page and every guard page in order of address,
 * what was unmapped since the last time, and by sample what each kind of page
 * must refuse.  Some pages are held out of the first list, so that bits A and M
 * can be seen to stay clear, then to be set by a read, then by a write.  Then
 * the tables are read, page by page.
 *
 * Every page starts with A and M clear, and must end as its touches leave it.
 * Where KVM pages by shadows and runs CPL 0 natively, only a touch of a page of
 * its own sets bit A of its entry, and costs an exit (elsewhere kvm_warm.c
 * knows better).  There the base pages of a large space have A and M from the
 * start, but for those in one of 64 lines of entries, drawn by address; the
 * pages that are held out are of these.
 *
 * Addresses are drawn from a stream of the seed: a guard page is touched at
 * another offset each time, and CR2 must say which.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/plant.h"
#include "run/verify_parts.h"

/* Bytes pushed over the end of a stack, half of them into it. */
enum { PUSHES = 8, PUSH_SIZE = 128, NAME_SIZE = 128 };

/* A line of entries has so many, log2; one of so many starts unused. */
enum { LINE_ORDER = 3, UNUSED_ONE_OF = 64 };

/* ---- Create ---------------------------------------------------------- */

int
kv_verify_model(
    const struct kv_mmu_config *cfg, struct kv_mmu **mmu, const char **reason)
{
	*reason = "the model has no such machine";
	return kv_mmu_model_open(cfg, mmu);
}

void
kv_verifier_create(
    const struct kv_verify_config *cfg, struct kv_verifier **verifier)
{
	struct kv_verifier *v = kv_mem_resize(NULL, 1, sizeof(*v));

	*v = (struct kv_verifier){
	    .cfg = *cfg, .rng = kv_rng_stream(cfg->seed, "verify")};
	*verifier = v;
}

void
kv_verifier_destroy(struct kv_verifier *v)
{
	size_t i;

	if (v == NULL)
		return;
	for (i = 0; i < v->nsides; i++) {
		kv_pair_destroy(v->sides[i].pair);
		kv_backing_fini(&v->sides[i].backing);
		kv_wanted_fini(&v->sides[i].wanted);
	}
	kv_mem_free(v->sides);
	kv_mem_free(v);
}

/* ---- Disagreements --------------------------------------------------- */

/* => EFAULT */
static int
object_to(
    struct kv_verifier *v, unsigned invariant, kv_va_t va, const char *text)
{
	char what[128];

	kv_wanted_words(v->w, v->space, va, what, sizeof(what));
	snprintf(v->words, sizeof(v->words), "%s: %s", what, text);
	v->diag = (struct kv_diag){"mmu", invariant, va, v->words};
	return EFAULT;
}

/* Take over what the pair found.  => error */
static int
conclude(struct kv_verifier *v, int error)
{
	const struct kv_dispute *d;

	if (error == 0 || v->diag.text != NULL)
		return error;
	d = kv_pair_dispute(v->side->pair);
	return object_to(v, d->invariant, d->va, d->text);
}

bool
kv_verifier_dispute(const struct kv_verifier *v, struct kv_diag *diag)
{
	if (v->diag.text == NULL)
		return false;
	*diag = v->diag;
	return true;
}

/* ---- Pages that start used ------------------------------------------- */

/* Does the address stand in a line of entries whose pages start unused? */
static bool
starts_unused(const struct kv_verifier *v, unsigned page_shift, kv_va_t va)
{
	uint64_t hash = kv_fnv_mix(KV_FNV_BASIS, v->cfg.seed);

	hash = kv_fnv_mix(hash, va >> (page_shift + LINE_ORDER));
	return (hash >> 32) % UNUSED_ONE_OF == 0;
}

/* What the machines are to have from the start of base pages that are new. */
static void
use(const struct kv_verifier *v, struct kv_leafmap *m)
{
	const struct kv_mmu *real = kv_pair_real(v->side->pair);
	size_t i, k;

	if (real == NULL || strcmp(real->caps.paging, "shadow") != 0 ||
	    !real->caps.cpl0_native || m->nleaves <= KV_VERIFY_UNUSED)
		return;
	for (i = 0; i < m->nruns; i++) {
		const struct kv_leaf_run *run = &m->runs[i];
		uint8_t used = (run->attr & KV_PTE_W) != 0
				   ? KV_LEAF_A | KV_LEAF_M
				   : KV_LEAF_A;

		for (k = 0; k < run->n && run->level == 0; k++)
			if (!starts_unused(v, m->page_shift,
				run->va + k * kv_leaf_size(m, 0)))
				m->state[run->first + k] = used;
	}
}

/* ---- Machines -------------------------------------------------------- */

static struct side *
side_at(struct kv_verifier *v, size_t space)
{
	while (v->nsides <= space) {
		v->sides =
		    kv_mem_resize(v->sides, v->nsides + 1, sizeof(*v->sides));
		v->sides[v->nsides++] = (struct side){0};
	}
	return &v->sides[space];
}

static int
open_side(struct kv_verifier *v, size_t space,
    const struct kv_pte_format *format, bool low_half, const char **reason)
{
	struct kv_mmu_config cfg = {
	    .format = format, .huge = v->cfg.huge, .low_half = low_half};
	struct side *side = side_at(v, space);
	struct kv_mmu *twin = NULL, *real = NULL;
	int error = side->pair != NULL ? 0 : v->cfg.twin(&cfg, &twin, reason);

	if (error != 0 || side->pair != NULL)
		return error;
	if (v->cfg.real != NULL)
		error = v->cfg.real(&cfg, &real, reason);
	if (error == EOPNOTSUPP && space == 0)
		v->alone = *reason;
	if (error != 0 && error != EOPNOTSUPP) {
		twin->ops->close(twin);
		return error;
	}
	kv_pair_create(format, twin, real, &side->pair);
	return 0;
}

int
kv_verifier_open(struct kv_verifier *v, const struct kv_pte_format *format,
    const char **reason)
{
	return open_side(v, 0, format, false, reason);
}

/* The largest leaves that both machines have. */
static unsigned
level_of(const struct side *side)
{
	const struct kv_mmu *real = kv_pair_real(side->pair);

	return real != NULL && !real->caps.gb_pages ? 1 : KV_PTE_LEVELS_MAX;
}

/* Turn to a space, bring its machines up to date.
 * => 0; EFAULT: something disagrees, now or earlier */
static int
synchronize(struct kv_verifier *v, const struct kv_world *w, size_t space)
{
	const struct kv_space_config *cfg = &w->spaces[space].cfg;
	const char *reason = "the machine cannot be opened";
	struct kv_diag diag;
	int error;

	if (v->diag.text != NULL)
		return EFAULT;
	v->w = w;
	v->space = space;
	error = open_side(v, space, cfg->format, cfg->user, &reason);
	if (error != 0)
		return object_to(v, 1, 0, reason);
	v->side = side_at(v, space);
	kv_wanted_fini(&v->side->wanted);
	if (kv_wanted_take(w, space, level_of(v->side), &v->side->backing,
		&v->side->wanted, &diag) != 0)
		return object_to(v, diag.invariant, diag.address, diag.text);
	use(v, &v->side->wanted.leaves);
	return conclude(
	    v, kv_pair_sync(v->side->pair, &v->side->wanted.leaves));
}

/* ---- Plants ---------------------------------------------------------- */

/* Where a fault may go: a base leaf of the space, drawn. */
struct spot {
	kv_va_t va;
	kv_pa_t pa;
	unsigned attr;
};

/* One edit that the twin alone is told. */
static void
plant(struct kv_verifier *v, enum kv_plant fault, const struct spot *spot,
    struct kv_rng *rng)
{
	struct kv_mmu *twin = kv_pair_twin(v->side->pair);
	const struct kv_wanted *x = &v->side->wanted;
	uint64_t page = kv_leaf_size(kv_pair_leaves(v->side->pair), 0);

	switch (fault) {
	case KV_PLANT_GUARD:
		twin->ops->map(twin, x->guards[kv_rng_below(rng, x->nguards)],
		    spot->pa, 0, 1, spot->attr);
		break;
	case KV_PLANT_WRITE:
		twin->ops->protect(
		    twin, spot->va, page, spot->attr & ~(unsigned)KV_PTE_W);
		break;
	case KV_PLANT_FRAME:
		twin->ops->unmap(twin, spot->va, page);
		twin->ops->map(
		    twin, spot->va, spot->pa ^ page, 0, 1, spot->attr);
		break;
	default: /* KV_PLANT_ENTRY */
		twin->ops->unmap(twin, spot->va, page);
		break;
	}
	twin->ops->commit(twin);
}

/* Each fault once, where it can be. */
static void
plant_all(struct kv_verifier *v)
{
	const struct kv_leafmap *m = kv_pair_leaves(v->side->pair);
	struct kv_rng rng = kv_rng_stream(v->cfg.seed, "plant");
	const struct kv_leaf_run *run;
	struct spot spot;
	unsigned i;

	for (i = 0; i <= KV_PLANT_WRITE && m->nruns != 0; i++) {
		run = &m->runs[kv_rng_below(&rng, m->nruns)];
		spot.va = kv_rng_below(&rng, run->n) * kv_leaf_size(m, 0);
		spot.pa = run->pa + spot.va;
		spot.va += run->va;
		spot.attr = run->attr;
		if (!kv_plants_has(&v->cfg.plants, (enum kv_plant)i) ||
		    run->level != 0 ||
		    (i == KV_PLANT_GUARD && v->side->wanted.nguards == 0) ||
		    (i == KV_PLANT_WRITE && (run->attr & KV_PTE_W) == 0))
			continue;
		plant(v, (enum kv_plant)i, &spot, &rng);
		kv_plants_remove(&v->cfg.plants, (enum kv_plant)i);
	}
}

/* ---- Use ------------------------------------------------------------- */

/* What is written takes memory of the host. */
static enum kv_access
access_of(const struct kv_verifier *v, const struct kv_verify_point *point)
{
	uint64_t n = kv_leafmap_pages(kv_pair_leaves(v->side->pair));

	if (point->read || (!point->write && n > KV_VERIFY_WRITES))
		return KV_ACCESS_READ;
	return KV_ACCESS_WRITE;
}

/* Push over the low end of a few stacks, from close by. */
static int
push_some(struct kv_verifier *v, const struct kv_world *w)
{
	unsigned i;
	int error = 0;

	for (i = 0; i < PUSHES && w->nstacks != 0 && error == 0; i++)
		error = kv_pair_overflow(v->side->pair,
		    w->stacks[kv_rng_below(&v->rng, w->nstacks)].ks +
			PUSH_SIZE / 2,
		    PUSH_SIZE);
	return error;
}

static int
verify_space(struct kv_verifier *v, const struct kv_world *w, size_t space,
    const struct kv_verify_point *point)
{
	int error = synchronize(v, w, space);

	if (error != 0)
		return error;
	plant_all(v);
	v->access = access_of(v, point);
	error = kv_verify_side(v, point);
	if (error == 0 && space == 0 && v->access == KV_ACCESS_WRITE)
		error = push_some(v, w);
	return conclude(v, error);
}

int
kv_verify_point(struct kv_verifier *v, const struct kv_world *w,
    const struct kv_verify_point *point)
{
	int error = 0;
	size_t i;

	v->totals.points++;
	for (i = 0; i < w->nspaces && error == 0; i++)
		error = verify_space(v, w, i, point);
	return error;
}

int
kv_verify_overflow(struct kv_verifier *v, const struct kv_world *w,
    uint64_t count, uint64_t size)
{
	unsigned shift = w->spec.machine->page_shift;
	int error = synchronize(v, w, 0);
	uint64_t n = count < w->nstacks ? count : w->nstacks, i;

	for (i = 0; i < n && error == 0; i++) {
		size_t drawn = kv_rng_below(&v->rng, w->nstacks);
		const struct kv_stack *s =
		    &w->stacks[n < w->nstacks ? drawn : (size_t)i];
		uint64_t bytes = (uint64_t)s->npages << shift;

		error = kv_pair_overflow(v->side->pair, s->ks + bytes,
		    size != 0 ? size : bytes + (UINT64_C(1) << shift));
	}
	return conclude(v, error);
}

/* ---- Inspect --------------------------------------------------------- */

/* The real machine of the kernel's space, or NULL. */
static struct kv_mmu *
real_of(const struct kv_verifier *v)
{
	if (v->nsides == 0 || v->sides[0].pair == NULL)
		return NULL;
	return kv_pair_real(v->sides[0].pair);
}

const struct kv_mmu_caps *
kv_verifier_caps(const struct kv_verifier *v, const char **reason)
{
	struct kv_mmu *real = real_of(v);

	*reason = v->alone;
	return real == NULL ? NULL : &real->caps;
}

static void
put(struct kv_metrics *m, const char *name, uint64_t value)
{
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

/* host.leaves_* or host.NAME.leaves_*, if they were counted. */
static void
measure_leaves(
    const struct kv_pair *pair, const char *prefix, struct kv_metrics *m)
{
	static const char *const sizes[] = {"4k", "2m", "1g"};
	const struct kv_mmu_leaves *leaves = kv_pair_counted(pair);
	char name[NAME_SIZE];
	unsigned i;

	for (i = 0; i < 3 && leaves != NULL; i++) {
		if (prefix == NULL)
			snprintf(
			    name, sizeof(name), "host.leaves_%s", sizes[i]);
		else
			snprintf(name, sizeof(name), "host.%s.leaves_%s",
			    prefix, sizes[i]);
		put(m, name, leaves->level[i]);
	}
}

static void
measure_host(
    const struct kv_verifier *v, struct kv_mmu *real, struct kv_metrics *m)
{
	struct kv_mmu_host host;

	kv_metrics_put_text(m, "host.kind", real->caps.kind);
	kv_metrics_put_text(m, "host.paging", real->caps.paging);
	if (real->ops->host(real, &host) == 0) {
		kv_metrics_put_uint(
		    m, KV_METRIC_BYTES, "host.resident_bytes", host.resident);
		kv_metrics_put_uint(
		    m, KV_METRIC_BYTES, "host.huge_bytes", host.huge);
		put(m, "host.contiguous_runs", host.contiguous_runs);
	}
	put(m, "host.gathered", v->gathered);
	measure_leaves(v->sides[0].pair, NULL, m);
}

static void
add(struct kv_pair_stats *sum, struct kv_pair_stats s)
{
	sum->touches += s.touches;
	sum->faults += s.faults;
	sum->overflows += s.overflows;
	sum->edits += s.edits;
	sum->unused += s.unused;
}

void
kv_verifier_measure(const struct kv_verifier *v, struct kv_metrics *m)
{
	struct kv_mmu *real = real_of(v);
	struct kv_pair_stats sum = {0};
	size_t i;

	for (i = 0; i < v->nsides; i++)
		if (v->sides[i].pair != NULL)
			add(&sum, kv_pair_stats(v->sides[i].pair));
	put(m, "verify.machines", real != NULL ? 2 : 1);
	put(m, "verify.points", v->totals.points);
	put(m, "verify.pages", v->totals.pages);
	put(m, "verify.guards", v->totals.guards);
	put(m, "verify.unmapped", v->totals.gaps);
	put(m, "verify.unused", sum.unused);
	put(m, "verify.touches", sum.touches);
	put(m, "verify.faults", sum.faults);
	put(m, "verify.overflows", sum.overflows);
	put(m, "verify.edits", sum.edits);
	if (real != NULL)
		measure_host(v, real, m);
}

void
kv_verifier_measure_leaves(
    const struct kv_verifier *v, const char *point, struct kv_metrics *m)
{
	const struct kv_leafmap *leaves;
	uint64_t n[KV_PTE_LEVELS_MAX] = {0};
	char name[NAME_SIZE];
	size_t i;

	if (v->nsides == 0 || v->sides[0].pair == NULL)
		return;
	leaves = kv_pair_leaves(v->sides[0].pair);
	for (i = 0; i < leaves->nruns; i++)
		n[leaves->runs[i].level] += leaves->runs[i].n;
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "verify.%s.l%zu", point, i);
		put(m, name, n[i]);
	}
	measure_leaves(v->sides[0].pair, point, m);
}
