/* SPDX-License-Identifier: BSD-2-Clause */
/* pair_look.c - what stands in the tables of both (I3, I4, I6, I7 of pair.c) */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "run/pair_parts.h"

enum { ATTR_COMPARED = KV_PTE_W | KV_PTE_X, LEVELS = 3 };

static void
say_leaf(struct kv_pair *p, const struct kv_leaf *leaf)
{
	if (leaf == NULL) {
		kv_pair_say(p, "nothing mapped");
		return;
	}
	kv_pair_say(p, "0x%" PRIx64 " by a leaf of level %u%s%s%s%s", leaf->pa,
	    leaf->level, (leaf->attr & KV_PTE_W) != 0 ? ", W" : ", read-only",
	    (leaf->attr & KV_PTE_X) != 0 ? ", X" : "",
	    (leaf->attr & KV_PTE_A) != 0 ? ", A" : "",
	    (leaf->attr & KV_PTE_M) != 0 ? ", M" : "");
}

/* ---- Looks ----------------------------------------------------------- */

/* The leaf of told with that index, as a machine would describe it. */
static struct kv_leaf
expected(const struct kv_pair *p, const struct kv_leaf_run *run, size_t index)
{
	uint64_t offset = index * kv_leaf_size(&p->told, run->level);
	uint8_t state = p->told.state[run->first + index];

	return (struct kv_leaf){.va = run->va + offset,
	    .pa = run->pa + offset,
	    .level = run->level,
	    .attr = (run->attr & ATTR_COMPARED) |
		    ((state & KV_LEAF_A) != 0 ? KV_PTE_A : 0u) |
		    ((state & KV_LEAF_M) != 0 ? KV_PTE_M : 0u)};
}

/* What one machine has at the address; got: from elsewhere, or NULL. */
static void
say_look(struct kv_pair *p, enum machine m, kv_va_t va)
{
	struct kv_leaf leaf;

	if (p->mmu[m] == NULL)
		return;
	kv_pair_say(p, "; %s: ", p->mmu[m]->caps.kind);
	say_leaf(p, p->mmu[m]->ops->translate(p->mmu[m], va, &leaf) == 0
			? &leaf
			: NULL);
}

static int
disagree_leaf(struct kv_pair *p, unsigned invariant, kv_va_t va,
    const struct kv_leaf *want)
{
	kv_pair_object(p, invariant, va);
	kv_pair_say(p, "expected ");
	say_leaf(p, want);
	say_look(p, TWIN, va);
	say_look(p, REAL, va);
	return EFAULT;
}

/* Where an edit left open what A and M are, the twin says. */
static void
learn(struct kv_pair *p, enum machine m, const struct kv_leaf_run *run,
    size_t index, unsigned attr)
{
	uint8_t *state = &p->told.state[run->first + index];

	if (m != TWIN || (*state & KV_LEAF_UNSURE) == 0)
		return;
	*state = (uint8_t)(((attr & KV_PTE_A) != 0 ? KV_LEAF_A : 0) |
			   ((attr & KV_PTE_M) != 0 ? KV_LEAF_M : 0));
}

/* Processors that walk the tables themselves may do so ahead of any touch: A
 * is set then, M never. */
static bool
is_ahead(const struct kv_pair *p, enum machine m, unsigned attr, unsigned want)
{
	return m == REAL && strcmp(p->mmu[REAL]->caps.paging, "nested") == 0 &&
	       (attr & ~want) == KV_PTE_A;
}

/* I3 and I4 of one leaf. */
static int
check_leaf(struct kv_pair *p, enum machine m, const struct kv_leaf_run *run,
    size_t index, const struct kv_leaf *leaf)
{
	const unsigned am = KV_PTE_A | KV_PTE_M;
	struct kv_leaf want;

	learn(p, m, run, index, leaf->attr);
	want = expected(p, run, index);
	if (leaf->va != want.va || leaf->pa != want.pa ||
	    leaf->level != want.level ||
	    ((leaf->attr ^ want.attr) & ATTR_COMPARED) != 0)
		return disagree_leaf(p, 3, want.va, &want);
	if (((leaf->attr ^ want.attr) & am) != 0 &&
	    !is_ahead(p, m, leaf->attr & am, want.attr & am))
		return disagree_leaf(p, 4, want.va, &want);
	return 0;
}

static int
check_witness(
    struct kv_pair *p, enum machine m, kv_va_t va, const struct kv_leaf *want)
{
	struct kv_mmu *mmu = p->mmu[m];
	kv_pa_t pa = 0, at = want == NULL ? 0 : want->pa + (va - want->va);
	int error = mmu->ops->witness(mmu, va, &pa);

	if (error == EOPNOTSUPP)
		return 0;
	if (m == REAL)
		p->stats.witnesses++;
	if (want == NULL ? error == ENOENT : error == 0 && pa == at)
		return 0;
	kv_pair_object(p, 6, va);
	kv_pair_say(p, "expected ");
	say_leaf(p, want);
	if (error == 0)
		kv_pair_say(p, "; %s itself translates to 0x%" PRIx64,
		    mmu->caps.kind, pa);
	else
		kv_pair_say(
		    p, "; %s itself: %s", mmu->caps.kind, strerror(error));
	return EFAULT;
}

static int
look_at(struct kv_pair *p, enum machine m, kv_va_t va, bool witness)
{
	struct kv_mmu *mmu = p->mmu[m];
	size_t index = 0;
	const struct kv_leaf_run *run =
	    kv_leafmap_find(&p->told, va, &p->hint, &index);
	struct kv_leaf leaf, want;
	int error = mmu->ops->translate(mmu, va, &leaf);

	if (run == NULL) {
		if (error != ENOENT)
			return disagree_leaf(p, 3, va, NULL);
		return witness ? check_witness(p, m, va, NULL) : 0;
	}
	want = expected(p, run, index);
	if (error != 0)
		return disagree_leaf(p, 3, va, &want);
	error = check_leaf(p, m, run, index, &leaf);
	return error == 0 && witness ? check_witness(p, m, va, &want) : error;
}

int
kv_pair_look(struct kv_pair *p, kv_va_t va, bool witness)
{
	enum machine m;

	if (kv_pair_flush(p) != 0)
		return EFAULT;
	for (m = TWIN; m < MACHINES; m++)
		if (p->mmu[m] != NULL && look_at(p, m, va, witness) != 0)
			return EFAULT;
	p->stats.looks++;
	return 0;
}

/* A place in told while leaves of a machine pass by. */
struct pass {
	struct kv_pair *pair;
	enum machine machine;
	size_t run, index;
};

static int
pass_leaf(void *arg, const struct kv_leaf *leaf)
{
	struct pass *s = arg;
	struct kv_pair *p = s->pair;
	const struct kv_leaf_run *run = &p->told.runs[s->run];
	struct kv_leaf want;

	if (s->run == p->told.nruns)
		return disagree_leaf(p, 3, leaf->va, NULL);
	want = expected(p, run, s->index);
	if (leaf->va < want.va)
		return disagree_leaf(p, 3, leaf->va, NULL);
	if (check_leaf(p, s->machine, run, s->index, leaf) != 0)
		return EFAULT;
	if (++s->index == run->n) {
		s->run++;
		s->index = 0;
	}
	return 0;
}

/* Some way beyond the first and last leaf: nothing may be mapped there. */
static void
bounds(const struct kv_pair *p, kv_va_t *start, kv_va_t *end)
{
	const struct kv_leafmap *t = &p->told;
	uint64_t margin = kv_leaf_size(t, 1);
	const struct kv_leaf_run *last = &t->runs[t->nruns - 1];
	kv_va_t edge = last->va + kv_leaf_run_size(t, last);

	*start = t->runs[0].va < margin ? 0 : t->runs[0].va - margin;
	*end = edge > UINT64_MAX - margin ? UINT64_MAX : edge + margin;
}

static int
look_through(struct kv_pair *p, enum machine m)
{
	struct pass s = {.pair = p, .machine = m};
	struct kv_mmu *mmu = p->mmu[m];
	struct kv_leaf want;
	kv_va_t start, end;
	int error;

	bounds(p, &start, &end);
	error = mmu->ops->harvest(mmu, start, end, false, pass_leaf, &s);
	if (error == EFAULT)
		return EFAULT;
	if (error != 0)
		return kv_pair_fail(
		    p, m, 3, start, "to walk the leaves", abs(error));
	if (s.run == p->told.nruns)
		return 0;
	want = expected(p, &p->told.runs[s.run], s.index);
	return disagree_leaf(p, 3, want.va, &want);
}

int
kv_pair_look_all(struct kv_pair *p)
{
	enum machine m;

	if (kv_pair_flush(p) != 0)
		return EFAULT;
	for (m = TWIN; m < MACHINES && p->told.nruns != 0; m++)
		if (p->mmu[m] != NULL && look_through(p, m) != 0)
			return EFAULT;
	p->stats.looks += p->told.nleaves;
	return 0;
}

/* ---- Counts ---------------------------------------------------------- */

/* Leaves told, or of these the accessed ones: a machine that derives what it
 * maps from touches knows no others. */
static struct kv_mmu_leaves
count(const struct kv_pair *p, bool accessed)
{
	const struct kv_leafmap *t = &p->told;
	struct kv_mmu_leaves sum = {{0}};
	size_t i, k;

	for (i = 0; i < t->nruns; i++) {
		const struct kv_leaf_run *run = &t->runs[i];

		for (k = 0; k < run->n && run->level < LEVELS; k++)
			sum.level[run->level] +=
			    !accessed ||
			    (t->state[run->first + k] & KV_LEAF_A) != 0;
	}
	return sum;
}

static int
check_counts(struct kv_pair *p, enum machine m, bool exact)
{
	struct kv_mmu *mmu = p->mmu[m];
	const struct kv_mmu_leaves want = count(p, m == REAL);
	struct kv_mmu_leaves got;
	int error = mmu->ops->leaves(mmu, &got);
	unsigned level;

	if (error == EOPNOTSUPP)
		return 0;
	if (error != 0)
		return kv_pair_fail(p, m, 7, 0, "to count leaves", error);
	if (m == REAL) {
		p->counted = got;
		p->is_counted = true;
	}
	if (m == REAL && !mmu->caps.leaf_guest)
		return 0;
	/* Where the host has smaller pages, KVM maps what a leaf does by base
	 * pages, in tables that leaves of the same frames share. */
	if (!exact && want.level[1] + want.level[2] != 0)
		return 0;
	for (level = 0; level < LEVELS; level++) {
		if (got.level[level] == want.level[level])
			continue;
		kv_pair_object(
		    p, 7, p->told.nruns != 0 ? p->told.runs[0].va : 0);
		kv_pair_say(p,
		    "expected %" PRIu64
		    " leaves of level %u; %s counts %" PRIu64,
		    want.level[level], level, mmu->caps.kind, got.level[level]);
		return EFAULT;
	}
	return 0;
}

int
kv_pair_look_leaves(struct kv_pair *p, bool exact)
{
	if (kv_pair_flush(p) != 0 || check_counts(p, TWIN, true) != 0)
		return EFAULT;
	return p->mmu[REAL] == NULL ? 0 : check_counts(p, REAL, exact);
}
