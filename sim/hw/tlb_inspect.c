/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb_inspect.c - what a TLB holds, and whether it holds together (tlb.c) */
#include "hw/tlb_parts.h"

const struct kv_tlb_config *
kv_tlb_config(const struct kv_tlb *tlb)
{
	return &tlb->cfg;
}

/* Visit the entries of one array with their sets. */
typedef int visit_fn(void *arg, unsigned array, size_t set, int entry);

static int
visit(const struct kv_tlb *tlb, visit_fn *cb, void *arg)
{
	int result = 0;

	for (unsigned i = 0; i < tlb->cfg.narrays; i++) {
		const struct kv_tlba *a = &tlb->arrays[i];

		for (size_t set = 0; set < kv_tlba_nsets(a); set++)
			for (int e = a->sets[set]; e != KV_TLBE_NONE;
			     e = a->entries[e].next) {
				result = cb(arg, i, set, e);
				if (result != 0)
					return result;
			}
	}
	return result;
}

/* ---- Walk ------------------------------------------------------------ */

struct walk {
	const struct kv_tlb *tlb;
	kv_tlb_entry_fn *cb;
	void *arg;
};

static int
walk_entry(void *arg, unsigned array, size_t set, int entry)
{
	const struct walk *w = arg;
	const struct kv_tlbe *e = &w->tlb->arrays[array].entries[entry];
	struct kv_tlb_entry out = {.array = array,
	    .tag = e->tag,
	    .level = kv_tlbe_level(e),
	    .va = e->va,
	    .pa = e->pa,
	    .size = UINT64_C(1) << e->shift,
	    .attr = e->attr};

	(void)set;
	return w->cb(w->arg, &out);
}

int
kv_tlb_walk(const struct kv_tlb *tlb, kv_tlb_entry_fn *cb, void *arg)
{
	struct walk w = {tlb, cb, arg};

	return visit(tlb, walk_entry, &w);
}

/* ---- Stats ----------------------------------------------------------- */

struct sum {
	const struct kv_tlb *tlb;
	struct kv_tlb_stats *stats;
};

/* An entry that a later array covers as well is a copy. */
static bool
is_copy(const struct kv_tlb *tlb, unsigned array, const struct kv_tlbe *e)
{
	for (unsigned i = array + 1; i < tlb->cfg.narrays; i++) {
		const struct kv_tlba *a = &tlb->arrays[i];
		const int *link = kv_tlba_find(a, e->tag, e->va);

		if (link != NULL && a->entries[*link].shift >= e->shift)
			return true;
	}
	return false;
}

static int
sum_entry(void *arg, unsigned array, size_t set, int entry)
{
	const struct sum *s = arg;
	const struct kv_tlbe *e = &s->tlb->arrays[array].entries[entry];

	(void)set;
	s->stats->array[array].entries++;
	if (!is_copy(s->tlb, array, e)) {
		s->stats->entries++;
		s->stats->reach += UINT64_C(1) << e->shift;
	}
	return 0;
}

struct kv_tlb_stats
kv_tlb_stats(const struct kv_tlb *tlb)
{
	struct kv_tlb_stats stats = tlb->stats;
	struct sum s = {tlb, &stats};

	for (unsigned i = 0; i < tlb->cfg.narrays; i++)
		stats.evictions += tlb->arrays[i].evictions;
	visit(tlb, sum_entry, &s);
	return stats;
}

/* ---- Check ----------------------------------------------------------- */

static int
broken(
    struct kv_diag *diag, unsigned number, uint64_t address, const char *text)
{
	return kv_diag_set(diag, EFAULT, "tlb", number, address, text);
}

struct check {
	const struct kv_tlb *tlb;
	struct kv_diag *diag;
	uint64_t of_class[KV_TLB_ARRAYS_MAX][KV_TLBE_CLASSES];
	uint64_t in_set; /* entries met in the current set */
};

/* Does the array hold entries of that class and size? */
static bool
is_held(const struct kv_tlba *a, const struct kv_tlbe *e)
{
	const struct kv_pte_format *f = a->rules->format;
	unsigned level = kv_tlbe_level(e);
	unsigned shift = kv_tlbe_level_shift(f, level);

	if ((a->cfg.levels >> level & 1) == 0)
		return false;
	if (e->class >= KV_TLBE_GROUP)
		return (a->cfg.groups >> level & 1) != 0 &&
		       e->shift == shift + kv_tlbe_group_order(f, level);
	return e->shift == shift ||
	       (level == 0 && e->shift == shift + a->rules->coalesce);
}

/* Do two entries translate one address of one space? */
static bool
clash(const struct kv_tlba *a, const struct kv_tlbe *x, const struct kv_tlbe *y)
{
	if (x->va > kv_tlbe_last(y) || y->va > kv_tlbe_last(x))
		return false;
	return !a->rules->tags || ((x->attr | y->attr) & KV_PTE_G) != 0 ||
	       x->tag == y->tag;
}

/* The other entries of the sets that e's address belongs to, for each class:
 * of two that clash, one is found from the start of the other. */
static bool
clashes(const struct kv_tlba *a, int entry)
{
	const struct kv_tlbe *e = &a->entries[entry];

	for (unsigned class = 0; class < KV_TLBE_CLASSES; class ++) {
		int i = KV_TLBE_NONE;

		if (a->of_class[class] != 0)
			i = a->sets[kv_tlba_set(a, class, e->va)];
		for (; i != KV_TLBE_NONE; i = a->entries[i].next)
			if (i != entry && clash(a, e, &a->entries[i]))
				return true;
	}
	return false;
}

static int
check_entry(void *arg, unsigned array, size_t set, int entry)
{
	struct check *c = arg;
	const struct kv_tlba *a = &c->tlb->arrays[array];
	const struct kv_tlbe *e = &a->entries[entry];
	uint64_t mask = (UINT64_C(1) << e->shift) - 1;

	c->of_class[array][e->class]++;
	c->in_set = a->sets[set] == entry ? 1 : c->in_set + 1;
	if (!e->used || kv_tlba_set(a, e->class, e->va) != set)
		return broken(c->diag, 1, e->va, "entry in a wrong set");
	if (a->cfg.ways != 0 && c->in_set > a->cfg.ways)
		return broken(c->diag, 2, e->va, "more entries than ways");
	if (clashes(a, entry))
		return broken(c->diag, 3, e->va, "two entries for one address");
	if (((e->va | e->pa) & mask) != 0 || !is_held(a, e))
		return broken(c->diag, 4, e->va,
		    "entry not aligned, or not of its array");
	return 0;
}

/* The counts that the entries do not say one by one. */
static int
check_counts(const struct check *c)
{
	const struct kv_tlb_stats *s = &c->tlb->stats;
	uint64_t hits = 0;

	for (unsigned i = 0; i < c->tlb->cfg.narrays; i++) {
		const struct kv_tlba *a = &c->tlb->arrays[i];
		uint64_t count = 0;

		hits += s->array[i].hits;
		for (unsigned k = 0; k < KV_TLBE_CLASSES; k++) {
			count += c->of_class[i][k];
			if (c->of_class[i][k] != a->of_class[k])
				count = UINT64_MAX;
		}
		if (count != a->count)
			return broken(c->diag, 2, i, "counts of an array");
	}
	if (hits != s->hits || s->stale != s->stale_frame +
					       s->stale_permissive +
					       s->stale_restrictive)
		return broken(c->diag, 5, 0, "touches miscounted");
	return 0;
}

int
kv_tlb_check(const struct kv_tlb *tlb, struct kv_diag *diag)
{
	struct check c = {.tlb = tlb, .diag = diag};
	int error = visit(tlb, check_entry, &c);

	return error != 0 ? error : check_counts(&c);
}
