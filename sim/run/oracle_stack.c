/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_stack.c - the judge's kernel stacks (freebsd.md 3.8)
 *
 *   freebsd-I1  A default slot starts at a page number that k divides (new
 *               schemes).
 *   freebsd-I2  A guard page has no page and no mapping.
 *   freebsd-I3  The pindexes of a stack are those of its slot, and hold its
 *               pages, and are empty when it is gone.
 *   freebsd-I4  All its pages are of one domain; new schemes: its KVA's.
 *   freebsd-I5  It stands in a busy segment of the arena of its domain.
 *   freebsd-I7  Its domain exists.
 *   freebsd-I9  Default and other sizes have objects of their own.
 *   freebsd-I10 After a full drain stack arenas and objects are empty and all
 *               pages are back.
 *   space-I1    Its pages are mapped, to their frames.
 */
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/oracle_parts.h"

enum { SCHEME_OLD };

/* The slot of a stack, or of its guard: what its value says. */
enum { SLOT_GUARD = 1 };

static void
blame(struct kv_oracle *o, unsigned i, uint64_t at, const char *text)
{
	oracle_blame(o, "freebsd", i, at, text);
}

static bool
is_default(const struct kv_oracle *o, uint64_t npages)
{
	return npages == o->policy.npages;
}

static bool
is_old(const struct kv_oracle *o)
{
	return o->policy.scheme == SCHEME_OLD;
}

static struct oracle_object *
object_of(const struct kv_oracle *o, uint64_t npages)
{
	bool alt = !is_default(o, npages) && o->policy.nobjects > 1;

	return o->policy.objects[alt];
}

/* The arena of its KVA; NULL: none. */
static struct oracle_arena *
arena_of(const struct kv_oracle *o, uint64_t npages, uint64_t domain)
{
	uint64_t i = 0;

	if (!is_old(o))
		i = 1 + 2 * domain + is_default(o, npages);
	return i < o->policy.narenas ? o->policy.arenas[i] : NULL;
}

/* ---- A new stack -----------------------------------------------------------
 */

/* A stack as it is created: what is looked at together. */
struct made {
	struct kv_oracle *o;
	uint64_t ks, npages, domain, pindex;
	uint64_t page; /* number of its first page, from the origin */
};

static void
check_kva(const struct made *m)
{
	const struct oracle_policy *p = &m->o->policy;
	uint64_t kva = m->ks - (p->gpages << m->o->shift);
	uint64_t size = (m->npages + p->gpages) << m->o->shift;
	const struct oracle_arena *a = arena_of(m->o, m->npages, m->domain);

	if (a == NULL || !oracle_arena_has(a, kva, size))
		blame(m->o, 5, m->ks,
		    "no busy segment of its arena is the slot of a stack");
	else if (!is_old(m->o) && is_default(m->o, m->npages) &&
		 (m->page - p->gpages) % (p->npages + p->gpages) != 0)
		blame(m->o, 1, m->ks, "slot start is not aligned");
}

/* The pindex of its first page, from the slot's number. */
static uint64_t
pindex_of(const struct made *m)
{
	const struct oracle_policy *p = &m->o->policy;

	if (is_old(m->o) || !is_default(m->o, m->npages))
		return m->page;
	return (m->page - p->gpages) / (p->npages + p->gpages) * p->npages;
}

static void
check_pages(const struct made *m)
{
	struct kv_oracle *o = m->o;
	struct oracle_object *x = object_of(o, m->npages);
	uint64_t pfn, i;

	if (m->pindex != pindex_of(m) || m->npages > STACK_PAGES_MAX ||
	    o->pages_of != m->ks || o->ntold != m->npages || x == NULL) {
		blame(o, 3, m->ks, "the pindexes are not those of the slot");
		return;
	}
	if (!is_old(o) && !is_default(o, m->npages) &&
	    x == o->policy.objects[0])
		blame(o, 9, m->ks, "sizes share an object");
	for (i = 0; i < m->npages; i++) {
		struct oracle_object *other =
		    o->policy.objects[x == o->policy.objects[0]];

		if (oracle_page_at(x, m->pindex + i, &pfn) &&
		    pfn == o->told[i] >> o->shift)
			continue;
		if (other != NULL &&
		    oracle_page_at(other, m->pindex + i, &pfn) &&
		    pfn == o->told[i] >> o->shift)
			blame(o, 9, m->ks,
			    "its pages are in the object of other sizes");
		else
			blame(o, 3, m->ks, "a page is missing");
	}
}

static void
check_domains(const struct made *m)
{
	struct kv_oracle *o = m->o;
	uint64_t domain = m->domain;

	if (is_old(o) && o->ntold != 0)
		domain = oracle_domain(o, o->told[0] >> o->shift);
	for (uint64_t i = 0; i < o->ntold; i++)
		if (oracle_domain(o, o->told[i] >> o->shift) != domain)
			blame(o, 4, m->ks,
			    "a page is of another domain than the KVA");
}

/* Has the object a page for the guard?  The linear schemes have a pindex for
 * it; in the others it would come behind the stack's. */
static void
check_guard(const struct made *m)
{
	struct kv_oracle *o = m->o;
	bool linear = is_old(o) || !is_default(o, m->npages);
	uint64_t g = o->policy.gpages, pfn, i;
	struct oracle_object *x = object_of(o, m->npages);
	struct oracle_space *kernel = oracle_space_of(o, 0);

	for (i = 1; i <= g && i <= STACK_PAGES_MAX; i++) {
		uint64_t va = m->ks - (i << o->shift);

		if ((linear && x != NULL &&
			oracle_page_at(x, m->page - i, &pfn)) ||
		    (kernel != NULL && oracle_translate(o, kernel, va) != 0))
			blame(o, 2, m->ks,
			    "a guard page holds a page or is mapped");
	}
}

static uint32_t
stack_new(struct kv_oracle *o)
{
	uint32_t n = o->stack_spare;

	if (n != 0) {
		o->stack_spare = o->stacks[n - 1].next_free;
		return n;
	}
	if (o->nstacks == o->stacks_room) {
		o->stacks_room = o->stacks_room == 0 ? 64 : 2 * o->stacks_room;
		o->stacks = kv_mem_resize(
		    o->stacks, o->stacks_room, sizeof(*o->stacks));
	}
	return (uint32_t)++o->nstacks;
}

/* From its guard to its last byte. */
static void
stack_add(const struct made *m)
{
	struct kv_oracle *o = m->o;
	uint64_t start = m->ks - (o->policy.gpages << o->shift);
	uint64_t last = m->ks + ((m->npages << o->shift) - 1);
	uint32_t n;

	if (last < start || m->npages == 0 || m->npages > STACK_PAGES_MAX ||
	    kv_oranges_meet(&o->slots, start, last) != NULL) {
		oracle_blame_v(o, 1, m->ks, "a stack stands in another one");
		return;
	}
	n = stack_new(o);
	o->stacks[n - 1] = (struct oracle_stack){.ks = m->ks,
	    .npages = m->npages,
	    .domain = m->domain,
	    .pindex = m->pindex,
	    .live = true};
	kv_oranges_add(&o->slots, start, last)->value = n;
	o->ncreated++;
	for (uint64_t i = 0; i < m->npages; i++)
		oracle_list_add(&o->changed, m->ks + (i << o->shift));
}

static void
create(struct kv_oracle *o, const uint64_t v[4])
{
	struct made m = {
	    o, v[0], v[1], v[2], v[3], (v[0] - o->policy.origin) >> o->shift};

	if (m.domain >= o->domains)
		blame(o, 7, m.ks, "the stack's domain does not exist");
	else
		check_kva(&m);
	check_pages(&m);
	check_domains(&m);
	check_guard(&m);
	stack_add(&m);
	o->ntold = 0;
}

/* ---- The end of one
 * ---------------------------------------------------------- */

static struct kv_orange *
slot_of(const struct kv_oracle *o, uint64_t va)
{
	return kv_oranges_holder(&o->slots, va);
}

static void
dispose(struct kv_oracle *o, const uint64_t v[4])
{
	struct kv_orange *slot = slot_of(o, v[0]);
	struct oracle_stack *s =
	    slot == NULL ? NULL : &o->stacks[slot->value - 1];
	struct oracle_object *x = object_of(o, v[1]);
	uint64_t pfn, i;

	if (s == NULL || s->ks != v[0] || s->npages != v[1] ||
	    s->domain != v[2] || s->pindex != v[3]) {
		blame(o, 5, v[0], "what is disposed of is no live stack");
		return;
	}
	for (i = 0; x != NULL && i < s->npages; i++)
		if (oracle_page_at(x, s->pindex + i, &pfn))
			blame(o, 3, v[0], "a page is left behind");
	if (oracle_arena_has(arena_of(o, v[1], v[2]), slot->start,
		slot->last - slot->start + 1))
		blame(o, 5, v[0], "its KVA is left behind");
	s->live = false;
	s->next_free = o->stack_spare;
	o->stack_spare = (uint32_t)slot->value;
	kv_oranges_remove(&o->slots, slot->start);
	o->ncreated--;
}

/* Its pages went; KVA and pindexes are its own still. */
static void
swapout(struct kv_oracle *o, const uint64_t v[4])
{
	struct oracle_object *x = object_of(o, v[1]);
	uint64_t pfn, i;

	for (i = 0; x != NULL && i < v[1] && i < STACK_PAGES_MAX; i++)
		if (oracle_page_at(x, v[3] + i, &pfn))
			blame(o, 3, v[0], "a page is left behind");
}

/* It has pages again, at its pindexes. */
static void
swapin(struct kv_oracle *o, const uint64_t v[4])
{
	const struct made m = {
	    o, v[0], v[1], v[2], v[3], (v[0] - o->policy.origin) >> o->shift};

	check_pages(&m);
	check_domains(&m);
	for (uint64_t i = 0; i < m.npages && i < STACK_PAGES_MAX; i++)
		oracle_list_add(&o->changed, m.ks + (i << o->shift));
	o->ntold = 0;
}

static void
page(struct kv_oracle *o, const uint64_t v[4])
{
	if (o->pages_of != v[0]) {
		o->pages_of = v[0];
		o->ntold = 0;
	}
	if (o->ntold == STACK_PAGES_MAX ||
	    (o->ntold != 0 && v[1] != o->told_pindex + 1)) {
		blame(o, 3, v[0], "the pindexes are not consecutive");
		return;
	}
	if (oracle_domain(o, v[2] >> o->shift) != v[3])
		oracle_blame(o, "phys", 3, v[2],
		    "a page is of another domain than told");
	o->told[o->ntold++] = v[2];
	o->told_pindex = v[1];
}

void
oracle_stack_event(struct kv_oracle *o, const struct kv_event *e)
{
	const uint64_t *v = e->value;

	if (e->kind == KV_EV_KSTACK_POLICY) {
		o->policy = (struct oracle_policy){.known = true,
		    .building = true,
		    .scheme = v[0],
		    .npages = v[1],
		    .gpages = v[2],
		    .origin = v[3]};
		if (v[1] == 0 || v[1] > STACK_PAGES_MAX ||
		    v[2] > STACK_PAGES_MAX)
			o->policy.npages = o->policy.gpages = 1;
	} else if (!o->policy.known) {
		blame(o, 5, v[0], "there are no kernel stacks");
	} else if (e->kind == KV_EV_KSTACK_PAGE) {
		page(o, v);
	} else if (e->kind == KV_EV_KSTACK_CREATE) {
		create(o, v);
	} else if (e->kind == KV_EV_KSTACK_SWAPOUT) {
		swapout(o, v);
	} else if (e->kind == KV_EV_KSTACK_SWAPIN) {
		swapin(o, v);
	} else {
		dispose(o, v);
	}
}

/* ---- Leaves
 * -------------------------------------------------------------------- */

void
oracle_stack_mapped(struct kv_oracle *o, uint64_t va, uint64_t npages, bool on)
{
	uint64_t last = va + ((npages << o->shift) - 1);
	const struct kv_orange *slot = kv_oranges_floor(&o->slots, last);

	for (; slot != NULL && slot->last >= va;
	     slot = slot->start == 0
			? NULL
			: kv_oranges_floor(&o->slots, slot->start - 1)) {
		const struct oracle_stack *s = &o->stacks[slot->value - 1];

		if (on && slot->start < s->ks && va < s->ks)
			blame(o, 2, va, "a guard page is mapped");
		for (uint64_t i = 0; i < s->npages; i++) {
			uint64_t at = s->ks + (i << o->shift);

			if (at >= va && at <= last)
				oracle_list_add(&o->changed, at);
		}
	}
}

/* A page of a live stack whose leaf is not that of its frame: in passing. */
static void
check_leaf(struct kv_oracle *o, struct oracle_space *kernel, uint64_t va)
{
	const struct kv_orange *slot = slot_of(o, va);
	const struct oracle_stack *s;
	struct oracle_object *x;
	uint64_t pfn, word;

	if (slot == NULL)
		return;
	s = &o->stacks[slot->value - 1];
	x = object_of(o, s->npages);
	if (va < s->ks || x == NULL ||
	    !oracle_page_at(x, s->pindex + ((va - s->ks) >> o->shift), &pfn))
		return;
	word = oracle_translate(o, kernel, va);
	if (word == 0 || (word & ~LEAF_THERE) >> LEAF_SHIFT != pfn)
		oracle_blame(o, "space", 1, va,
		    "a page of a stack is not mapped to its frame");
}

void
oracle_stack_settle(struct kv_oracle *o)
{
	struct oracle_space *kernel = oracle_space_of(o, 0);

	for (size_t i = 0; kernel != NULL && i < o->changed.count; i++)
		check_leaf(o, kernel, o->changed.at[i]);
	o->changed.count = 0;
}

/* ---- Everything went back
 * ---------------------------------------------------------- */

void
oracle_drained(struct kv_oracle *o, uint64_t stacks)
{
	const struct oracle_policy *p = &o->policy;

	if (!p->known) {
		if (o->used != 0)
			oracle_blame(o, "world", 1, o->used,
			    "pages are not free after everything was drained");
		return;
	}
	if (stacks != 0 || o->ncreated != 0)
		blame(o, 10, o->ncreated, "stacks are left");
	for (unsigned i = 2; i < p->narenas; i += 2)
		if (p->arenas[i]->size != 0)
			blame(o, 10, p->arenas[i]->size,
			    "a stack arena is not empty");
	for (unsigned i = 0; i < p->nobjects; i++)
		if (p->objects[i]->resident != 0)
			blame(o, 10, p->objects[i]->resident,
			    "an object of stacks is not empty");
	if (o->used != 0)
		blame(o, 10, o->used, "pages are not back");
}
