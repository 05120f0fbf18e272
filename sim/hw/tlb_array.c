/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb_array.c - one array of a TLB: lookup, replacement, removal (tlb.c) */
#include <stdlib.h>

#include "hw/tlb_array.h"
#include "out/mem.h"

/* ---- Classes and sets ------------------------------------------------ */

unsigned
kv_tlbe_level_shift(const struct kv_pte_format *f, unsigned level)
{
	return f->page_shift + level * f->pt_shift;
}

unsigned
kv_tlbe_group_order(const struct kv_pte_format *f, unsigned level)
{
	for (size_t i = 0; i < sizeof(f->group) / sizeof(f->group[0]); i++)
		if (f->group[i].order != 0 && f->group[i].level == level)
			return f->group[i].order;
	return 0;
}

/* log2 bytes of the largest entry of a class: the index starts above. */
static unsigned
class_shift(const struct kv_tlb_rules *rules, unsigned class)
{
	unsigned level = class % KV_TLBE_GROUP;
	unsigned shift = kv_tlbe_level_shift(rules->format, level);

	if (class >= KV_TLBE_GROUP)
		return shift + kv_tlbe_group_order(rules->format, level);
	return level == 0 ? shift + rules->coalesce : shift;
}

static bool
is_unlimited(const struct kv_tlba *a)
{
	return a->cfg.ways == 0;
}

size_t
kv_tlba_nsets(const struct kv_tlba *a)
{
	return (size_t)1 << a->sets_shift;
}

size_t
kv_tlba_set(const struct kv_tlba *a, unsigned class, kv_va_t va)
{
	uint64_t unit = va >> class_shift(a->rules, class);

	if (a->sets_shift == 0)
		return 0;
	if (is_unlimited(a)) /* strides must not meet in few sets */
		return (size_t)((unit + class) * UINT64_C(0x9e3779b97f4a7c15) >>
				(64 - a->sets_shift));
	return (size_t)(unit & (kv_tlba_nsets(a) - 1));
}

static void
sets_init(struct kv_tlba *a, unsigned shift)
{
	a->sets_shift = shift;
	a->sets = kv_mem_resize(a->sets, kv_tlba_nsets(a), sizeof(*a->sets));
	for (size_t i = 0; i < kv_tlba_nsets(a); i++)
		a->sets[i] = KV_TLBE_NONE;
}

void
kv_tlba_init(struct kv_tlba *a, const struct kv_tlb_array *cfg,
    const struct kv_tlb_rules *rules)
{
	*a =
	    (struct kv_tlba){.cfg = *cfg, .rules = rules, .free = KV_TLBE_NONE};
	sets_init(a, kv_log2(cfg->sets));
}

void
kv_tlba_fini(struct kv_tlba *a)
{
	kv_mem_free(a->sets);
	kv_mem_free(a->entries);
}

/* ---- Lookup ---------------------------------------------------------- */

static bool
answers(
    const struct kv_tlba *a, const struct kv_tlbe *e, unsigned tag, kv_va_t va)
{
	if ((va ^ e->va) >> e->shift != 0)
		return false;
	return (e->attr & KV_PTE_G) != 0 || !a->rules->tags || e->tag == tag;
}

int *
kv_tlba_find(const struct kv_tlba *a, unsigned tag, kv_va_t va)
{
	for (unsigned class = 0; class < KV_TLBE_CLASSES; class ++) {
		int *link;

		if (a->of_class[class] == 0)
			continue;
		link = &a->sets[kv_tlba_set(a, class, va)];
		while (*link != KV_TLBE_NONE) {
			if (answers(a, &a->entries[*link], tag, va))
				return link;
			link = &a->entries[*link].next;
		}
	}
	return NULL;
}

struct kv_tlbe *
kv_tlba_use(struct kv_tlba *a, int *link)
{
	int i = *link;
	struct kv_tlbe *e = &a->entries[i];
	int *set = &a->sets[kv_tlba_set(a, e->class, e->va)];

	*link = e->next;
	e->next = *set;
	*set = i;
	return e;
}

/* ---- Removal --------------------------------------------------------- */

static void
unlink_entry(struct kv_tlba *a, int *link)
{
	int i = *link;
	struct kv_tlbe *e = &a->entries[i];

	*link = e->next;
	a->count--;
	a->of_class[e->class]--;
	*e = (struct kv_tlbe){.next = a->free};
	a->free = i;
}

static bool
goes(const struct kv_tlba *a, const struct kv_tlbe *e,
    const struct kv_tlb_sweep *s)
{
	if (e->va > s->last || kv_tlbe_last(e) < s->first)
		return false;
	if ((e->attr & KV_PTE_G) != 0)
		return s->global;
	return s->all_spaces || !a->rules->tags || e->tag == s->tag;
}

static void
sweep_set(struct kv_tlba *a, size_t set, const struct kv_tlb_sweep *s)
{
	int *link = &a->sets[set];

	while (*link != KV_TLBE_NONE)
		if (goes(a, &a->entries[*link], s))
			unlink_entry(a, link);
		else
			link = &a->entries[*link].next;
}

/* Every set in which entries of a class meet [first, last], unless that is as
 * much work as all sets.  => false: not done */
static bool
sweep_class(struct kv_tlba *a, unsigned class, const struct kv_tlb_sweep *s)
{
	unsigned shift = class_shift(a->rules, class);
	uint64_t more = (s->last >> shift) - (s->first >> shift);

	if (more >= kv_tlba_nsets(a))
		return false;
	for (uint64_t i = 0; i <= more && a->of_class[class] != 0; i++)
		sweep_set(a, kv_tlba_set(a, class, s->first + (i << shift)), s);
	return true;
}

void
kv_tlba_sweep(struct kv_tlba *a, const struct kv_tlb_sweep *s)
{
	bool done = true;

	for (unsigned class = 0; class < KV_TLBE_CLASSES && done; class ++)
		done = a->of_class[class] == 0 || sweep_class(a, class, s);
	for (size_t i = 0; !done && a->count != 0 && i < kv_tlba_nsets(a); i++)
		sweep_set(a, i, s);
}

/* ---- Filling --------------------------------------------------------- */

/* => index of a place without content */
static int
place(struct kv_tlba *a)
{
	int i = a->free;

	if (i != KV_TLBE_NONE) {
		a->free = a->entries[i].next;
		return i;
	}
	if (a->nentries == a->capacity) {
		a->capacity = a->capacity == 0 ? 64 : 2 * a->capacity;
		a->entries = kv_mem_resize(
		    a->entries, (size_t)a->capacity, sizeof(*a->entries));
	}
	return a->nentries++;
}

/* An unlimited array keeps its lists short. */
static void
sets_grow(struct kv_tlba *a)
{
	if (a->count < 2 * kv_tlba_nsets(a))
		return;
	sets_init(a, a->sets_shift + 2);
	for (int i = 0; i < a->nentries; i++) {
		struct kv_tlbe *e = &a->entries[i];
		int *set;

		if (!e->used)
			continue;
		set = &a->sets[kv_tlba_set(a, e->class, e->va)];
		e->next = *set;
		*set = i;
	}
}

/* The least recently used entry of a set without room goes. */
static void
evict(struct kv_tlba *a, int *link)
{
	for (unsigned i = 1; i < a->cfg.ways && *link != KV_TLBE_NONE; i++)
		link = &a->entries[*link].next;
	if (*link == KV_TLBE_NONE)
		return;
	unlink_entry(a, link);
	a->evictions++;
}

void
kv_tlba_insert(struct kv_tlba *a, const struct kv_tlbe *e)
{
	struct kv_tlb_sweep overlap = {.first = e->va,
	    .last = kv_tlbe_last(e),
	    .tag = e->tag,
	    .global = true,
	    .all_spaces = (e->attr & KV_PTE_G) != 0};
	int i, *set;

	kv_tlba_sweep(a, &overlap);
	if (is_unlimited(a))
		sets_grow(a);
	set = &a->sets[kv_tlba_set(a, e->class, e->va)];
	if (!is_unlimited(a))
		evict(a, set);
	i = place(a);
	a->entries[i] = *e;
	a->entries[i].next = *set;
	a->entries[i].used = true;
	*set = i;
	a->count++;
	a->of_class[e->class]++;
}
