/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domainset.c - in which order memory domains are tried
 *
 * 1 Concepts.  A policy names the domain to try first; when that has nothing,
 *   the others are tried.  Domains that are short of memory (below their free
 *   minimum) are left for last: they are skipped at first, and tried in a
 *   second pass.  Round robin has a pointer that lives with the object, from
 *   one request to the next; a preferred domain is followed by the others as
 *   that pointer gives them.
 *
 *     prefer 1 of 4, pointer 2, domain 3 low     new: 1 2 0 | 3
 *                                                old: 1 0 2 | 1 3 0 2
 *
 * 2 Representation.  A walk counts the domains that it looked at in this pass.
 * 3 Invariants.
 *   I1  A pass looks at each domain once.
 *   I2  The new iterator offers no domain twice, and each one at last.
 * 4 Cost.  Constant a domain.
 * 5 Fidelity.  FreeBSD vm_domainset.c; spec freebsd.md 3.6.
 *   old  (13.0) the pointer is incremented, then used.  Each pass looks at the
 *        first domain and takes cnt - 1 steps that skip it; the second pass
 *        offers all, those that were tried before as well.
 *   new  (trees of 2025-26) the pointer is used, then incremented.  The second
 *        pass offers what the first skipped.  Its order is not in the spec:
 *        here it is that of the first.
 *   First touch is told apart by who asks: the spec says no more of it.  Nobody
 *   waits (NOWAIT): after the second pass there is no memory.
 */
#include "domainset.h"

void
kv_domainset_start(struct kv_domainset *set, unsigned first,
    kv_domainset_low_fn *low, const void *arg, struct kv_domainset_walk *walk)
{
	*walk = (struct kv_domainset_walk){
	    .set = set, .low = low, .arg = arg, .first = first};
}

static unsigned
turn(struct kv_domainset *set)
{
	uint64_t at =
	    set->iterator == KV_DOMAINSET_NEW ? set->turn++ : ++set->turn;

	return (unsigned)(at % set->ndomains);
}

/* The next domain of this pass. */
static unsigned
look(struct kv_domainset_walk *walk)
{
	bool turns = walk->set->policy == KV_DOMAINSET_ROUND_ROBIN;
	unsigned domain;

	if (walk->step++ == 0 && !turns)
		return walk->first;
	do
		domain = turn(walk->set);
	while (!turns && domain == walk->first);
	return domain;
}

/* Is it to be tried in this pass? */
static bool
is_due(struct kv_domainset_walk *walk, unsigned domain)
{
	uint64_t bit = UINT64_C(1) << domain;

	if (walk->pass != 0)
		return walk->set->iterator == KV_DOMAINSET_OLD ||
		       (walk->skipped & bit) != 0;
	if (!walk->low(walk->arg, domain))
		return true;
	walk->skipped |= bit;
	return false;
}

bool
kv_domainset_next(struct kv_domainset_walk *walk, unsigned *domain)
{
	const struct kv_domainset *set = walk->set;

	for (;;) {
		if (walk->step == set->ndomains) {
			walk->step = 0;
			walk->pass++;
		}
		if (walk->pass > 1 ||
		    (walk->pass == 1 && set->iterator == KV_DOMAINSET_NEW &&
			walk->skipped == 0))
			return false;
		*domain = look(walk);
		if (is_due(walk, *domain))
			return true;
	}
}
