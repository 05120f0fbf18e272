/* SPDX-License-Identifier: BSD-2-Clause */
/* pair_probe.c - touches and pushes on both machines (I2, I5 of pair.c) */
#include <inttypes.h>

#include "run/pair_parts.h"

static void
say_error(struct kv_pair *p, int error)
{
	unsigned bits = (unsigned)error;

	if (error == KV_PROBE_FINE) {
		kv_pair_say(p, "no fault");
		return;
	}
	kv_pair_say(p, "a fault (%s%s%s%s)",
	    (bits & KV_FAULT_P) != 0 ? "protection" : "not present",
	    (bits & KV_FAULT_W) != 0 ? ", write" : "",
	    (bits & KV_FAULT_I) != 0 ? ", fetch" : "",
	    (bits & KV_FAULT_RSVD) != 0 ? ", reserved bit" : "");
}

/* ---- Probes ---------------------------------------------------------- */

/* The touches that did not fault, in the states of their leaves. */
static void
mark(struct kv_pair *p)
{
	const struct queue *q = &p->queue;
	uint8_t state =
	    q->access == KV_ACCESS_WRITE ? KV_LEAF_A | KV_LEAF_M : KV_LEAF_A;
	const struct kv_leaf_run *run;
	size_t index, i;

	for (i = 0; i < q->n; i++) {
		if (q->errors[i] != KV_PROBE_FINE)
			continue;
		run = kv_leafmap_find(&p->told, q->list[i], &p->hint, &index);
		if (run != NULL)
			p->told.state[run->first + index] |= state;
	}
}

/* What a machine answered to touch i, of which *at faults came before. */
static int
answer(const struct kv_pair *p, enum machine m, size_t i, size_t *at)
{
	const struct queue *q = &p->queue;
	const struct kv_fault *f = &q->faults[m][*at];

	if (*at >= q->nfaults[m] || f->index != i)
		return KV_PROBE_FINE;
	++*at;
	return (int)(f->error & KV_FAULT_COMPARED);
}

/* The fault of touch i must name its address. */
static bool
is_elsewhere(const struct kv_pair *p, enum machine m, size_t i, size_t at)
{
	const struct queue *q = &p->queue;

	return at != 0 && q->faults[m][at - 1].index == i &&
	       q->faults[m][at - 1].va != q->list[i];
}

static int
disagree(struct kv_pair *p, size_t i, const int *answers, const size_t *at)
{
	const struct queue *q = &p->queue;
	enum machine m;

	kv_pair_object(p, 2, q->list[i]);
	kv_pair_say(p, "a %s must end in ",
	    q->access == KV_ACCESS_WRITE  ? "write"
	    : q->access == KV_ACCESS_READ ? "read"
					  : "fetch");
	say_error(p, q->errors[i]);
	for (m = TWIN; m < MACHINES; m++) {
		if (p->mmu[m] == NULL)
			continue;
		kv_pair_say(p, "; %s: ", p->mmu[m]->caps.kind);
		say_error(p, answers[m]);
		if (is_elsewhere(p, m, i, at[m]))
			kv_pair_say(
			    p, " at 0x%" PRIx64, q->faults[m][at[m] - 1].va);
	}
	return EFAULT;
}

static int
judge(struct kv_pair *p)
{
	const struct queue *q = &p->queue;
	size_t at[MACHINES] = {0}, i;
	int answers[MACHINES] = {KV_PROBE_FINE, KV_PROBE_FINE};
	enum machine m;

	for (i = 0; i < q->n; i++) {
		bool differs = false;

		for (m = TWIN; m < MACHINES; m++) {
			if (p->mmu[m] == NULL)
				continue;
			answers[m] = answer(p, m, i, &at[m]);
			differs |= answers[m] != q->errors[i] ||
				   is_elsewhere(p, m, i, at[m]);
		}
		if (differs)
			return disagree(p, i, answers, at);
	}
	return 0;
}

int
kv_pair_flush(struct kv_pair *p)
{
	struct queue *q = &p->queue;
	enum machine m;
	int error = 0;
	size_t i;

	if (p->dispute.invariant != 0)
		return EFAULT;
	for (m = TWIN; m < MACHINES && q->n != 0; m++) {
		if (p->mmu[m] == NULL)
			continue;
		error = p->mmu[m]->ops->touch(p->mmu[m], q->access, q->list,
		    q->n, q->faults[m], QUEUE_MAX, &q->nfaults[m]);
		if (error != 0)
			return kv_pair_fail(
			    p, m, 2, q->list[0], "the list of touches", error);
	}
	error = judge(p);
	mark(p);
	p->stats.touches += q->n;
	for (i = 0; i < q->n; i++)
		p->stats.faults += q->errors[i] != KV_PROBE_FINE;
	q->n = 0;
	return error;
}

int
kv_pair_probe(struct kv_pair *p, enum kv_access access, kv_va_t va, int error)
{
	struct queue *q = &p->queue;

	if (p->dispute.invariant != 0)
		return EFAULT;
	if ((q->n == QUEUE_MAX || q->access != access) && kv_pair_flush(p) != 0)
		return EFAULT;
	q->access = access;
	q->list[q->n] = va;
	q->errors[q->n++] = error;
	return 0;
}

int
kv_pair_expect(const struct kv_pair *p, enum kv_access access, kv_va_t va)
{
	static const int bits[] = {[KV_ACCESS_READ] = 0,
	    [KV_ACCESS_WRITE] = KV_FAULT_W,
	    [KV_ACCESS_EXEC] = KV_FAULT_I};
	size_t index;
	const struct kv_leaf_run *run = kv_pair_find(p, va, &index);

	if (run == NULL)
		return bits[access];
	if ((access == KV_ACCESS_WRITE && (run->attr & KV_PTE_W) == 0) ||
	    (access == KV_ACCESS_EXEC && (run->attr & KV_PTE_X) == 0))
		return bits[access] | KV_FAULT_P;
	return KV_PROBE_FINE;
}

/* The first 8 bytes below top that cannot be written; pages above them are
 * modified.  => false: there are none in size bytes */
static bool
push(struct kv_pair *p, kv_va_t top, uint64_t size, kv_va_t *stop)
{
	uint64_t page = UINT64_C(1) << p->told.page_shift;
	kv_va_t end = top - size, va = top;
	const struct kv_leaf_run *run;
	size_t index;

	while (va > end) {
		run = kv_pair_find(p, va - 8, &index);
		if (run == NULL || (run->attr & KV_PTE_W) == 0) {
			*stop = va - 8;
			return true;
		}
		p->told.state[run->first + index] |= KV_LEAF_A | KV_LEAF_M;
		va = (va - 8) & ~(page - 1);
	}
	return false;
}

static int
check_overflow(struct kv_pair *p, enum machine m, kv_va_t top, uint64_t size,
    bool hit, kv_va_t stop)
{
	struct kv_mmu *mmu = p->mmu[m];
	struct kv_fault f = {0};
	bool got;
	int error = mmu->ops->overflow(mmu, top, size, &got, &f);

	if (error == EOPNOTSUPP)
		return 0;
	if (error != 0)
		return kv_pair_fail(p, m, 5, top, "the push", error);
	if (got == hit && (!hit || (f.vector == 8 && f.va == stop)))
		return 0;
	kv_pair_object(p, 5, hit ? stop : f.va);
	kv_pair_say(p,
	    "a push of %" PRIu64 " bytes below 0x%" PRIx64 " must end in ",
	    size, top);
	if (hit)
		kv_pair_say(p, "#DF at 0x%" PRIx64, stop);
	else
		kv_pair_say(p, "no fault");
	if (got)
		kv_pair_say(p, "; %s: vector %u at 0x%" PRIx64, mmu->caps.kind,
		    f.vector, f.va);
	else
		kv_pair_say(p, "; %s: no fault", mmu->caps.kind);
	return EFAULT;
}

int
kv_pair_overflow(struct kv_pair *p, kv_va_t top, uint64_t size)
{
	kv_va_t stop = 0;
	enum machine m;
	bool hit;

	if (kv_pair_flush(p) != 0)
		return EFAULT;
	hit = push(p, top, size, &stop);
	for (m = TWIN; m < MACHINES; m++)
		if (p->mmu[m] != NULL &&
		    check_overflow(p, m, top, size, hit, stop) != 0)
			return EFAULT;
	p->stats.overflows++;
	return 0;
}
