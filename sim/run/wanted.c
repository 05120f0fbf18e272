/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wanted.c - what a world maps, as a machine should have it
 *
 * The space's page tables, the stacks and the VM objects each say where a page
 * of a stack is; before a machine is told, they must say the same:
 *
 *   I8  A page of a stack is mapped, to the frame that the stack's object has
 *       at its pindex
 */
#include "run/wanted.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "out/mem.h"

/* ---- Backing --------------------------------------------------------- */

struct kv_window_of {
	const void *owner; /* a VM object, or the world's memory */
	uint64_t number;   /* of the window in it */
};

void
kv_backing_fini(struct kv_backing *b)
{
	kv_mem_free(b->list);
	*b = (struct kv_backing){0};
}

/* Which window of the machine's memory; a new one if need be. */
static size_t
window(struct kv_backing *b, const void *owner, uint64_t number)
{
	size_t i = b->last;

	if (i < b->count && b->list[i].owner == owner &&
	    b->list[i].number == number)
		return i;
	for (i = 0; i < b->count; i++)
		if (b->list[i].owner == owner && b->list[i].number == number)
			break;
	if (i == b->count) {
		b->list = kv_mem_resize(b->list, ++b->count, sizeof(*b->list));
		b->list[i] = (struct kv_window_of){owner, number};
	}
	return b->last = i;
}

/* ---- Leaves and guards ----------------------------------------------- */

/* A live stack on the way. */
struct live {
	struct kv_stack stack;
	uint32_t npages; /* that a leaf maps, so far */
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
};

struct taking {
	const struct kv_world *w;
	struct kv_backing *backing;
	struct kv_wanted *wanted;
	struct kv_diag *diag;
	unsigned window_order;	 /* log2 pages of a window */
	unsigned level;		 /* of leaves, at most */
	struct kv_stack *stacks; /* cached ones, too: they stay mapped */
	size_t nstacks, capacity;
	size_t next;	  /* behind the one in live */
	struct live live; /* npages 0: none */
};

static int
broken(struct taking *t, kv_va_t va, const char *text)
{
	return kv_diag_set(t->diag, EFAULT, "mmu", 8, va, text);
}

/* A leaf; page: number of its first page in owner's memory. */
static void
add_leaf(struct taking *t, const struct kv_leaf *leaf, const void *owner,
    uint64_t page)
{
	struct kv_leafmap *m = &t->wanted->leaves;
	uint64_t mask = (UINT64_C(1) << t->window_order) - 1, base;
	unsigned level = leaf->level < t->level ? leaf->level : t->level;
	unsigned order = (leaf->level - level) * m->pt_shift;

	base = window(t->backing, owner, page >> t->window_order);
	base = (base << t->window_order | (page & mask)) << m->page_shift;
	if (kv_leafmap_add(m, leaf->va, base, level, (size_t)1 << order,
		leaf->attr & (KV_PTE_W | KV_PTE_X | KV_PTE_U | KV_PTE_G)) != 0)
		KV_ASSERT(false);
}

static int
stack_end(struct taking *t)
{
	const struct live *l = &t->live;

	if (l->npages != l->stack.npages)
		return broken(
		    t, l->stack.ks, "a page of the stack is not mapped");
	return 0;
}

/* Let the stack that maps va be live, if there is one.  => 0; EFAULT */
static int
stack_seek(struct taking *t, kv_va_t va, bool *found)
{
	unsigned shift = t->wanted->leaves.page_shift;
	struct live *l = &t->live;

	for (;;) {
		uint64_t size = (uint64_t)l->stack.npages << shift;

		*found = va >= l->stack.ks && va - l->stack.ks < size;
		if (*found || t->next == t->nstacks ||
		    va < t->stacks[t->next].ks)
			return 0;
		if (stack_end(t) != 0)
			return EFAULT;
		*l = (struct live){.stack = t->stacks[t->next++]};
		if (kv_stack_pages(t->w->kstack, &l->stack, l->pfns) != 0)
			return broken(t, l->stack.ks,
			    "a page of the stack is not at its pindex");
	}
}

/* One base page of a leaf. */
static int
check_page(struct taking *t, kv_va_t va, kv_pa_t pa, bool *found)
{
	unsigned shift = t->wanted->leaves.page_shift;
	struct live *l = &t->live;
	int error = stack_seek(t, va, found);

	if (error != 0 || !*found)
		return error;
	l->npages++;
	if (l->pfns[(va - l->stack.ks) >> shift] != pa >> shift)
		return broken(t, va,
		    "a page of the stack is not mapped to the frame at its "
		    "pindex");
	return 0;
}

static int
take_leaf(void *arg, const struct kv_leaf *leaf)
{
	struct taking *t = arg;
	const struct kv_leafmap *m = &t->wanted->leaves;
	uint64_t page = UINT64_C(1) << m->page_shift, offset;
	uint64_t size = kv_leaf_size(m, leaf->level);
	const void *owner = t->w->phys;
	uint64_t number = leaf->pa >> m->page_shift;
	bool found;

	for (offset = 0; offset < size; offset += page) {
		const struct kv_stack *s = &t->live.stack;

		if (check_page(
			t, leaf->va + offset, leaf->pa + offset, &found) != 0)
			return EFAULT;
		if (offset == 0 && found) {
			owner = kv_world_object(t->w, s);
			number =
			    s->pindex + ((leaf->va - s->ks) >> m->page_shift);
		}
	}
	add_leaf(t, leaf, owner, number);
	return 0;
}

static int
add_stack(void *arg, const struct kv_stack *s)
{
	struct taking *t = arg;
	struct kv_wanted *x = t->wanted;
	unsigned g = t->w->spec.gpages;

	if (kv_stack_is_out(t->w->kstack, s))
		return 0;
	if (t->nstacks == t->capacity) {
		t->capacity = t->capacity == 0 ? 64 : 2 * t->capacity;
		t->stacks =
		    kv_mem_resize(t->stacks, t->capacity, sizeof(*t->stacks));
		x->guards = kv_mem_resize(
		    x->guards, t->capacity * g, sizeof(*x->guards));
	}
	t->stacks[t->nstacks++] = *s;
	for (; g != 0; g--)
		x->guards[x->nguards++] =
		    s->ks - ((uint64_t)g << x->leaves.page_shift);
	return 0;
}

static int
take_leaves(struct taking *t, size_t space)
{
	int error =
	    kv_pmap_walk(t->w->spaces[space].pmap, 0, UINT64_MAX, take_leaf, t);
	bool found;

	/* the stacks behind the last leaf, which have none then */
	if (error == 0)
		error = stack_seek(t, UINT64_MAX, &found);
	return error == 0 ? stack_end(t) : error;
}

int
kv_wanted_take(const struct kv_world *w, size_t space, unsigned level,
    struct kv_backing *backing, struct kv_wanted *wanted, struct kv_diag *diag)
{
	const struct kv_pte_format *f = w->spaces[space].cfg.format;
	struct taking t = {.w = w,
	    .backing = backing,
	    .wanted = wanted,
	    .diag = diag,
	    .window_order = 2 * f->pt_shift,
	    .level = level};
	int error = 0;

	wanted->leaves.page_shift = f->page_shift;
	wanted->leaves.pt_shift = f->pt_shift;
	if (space == 0 && w->kstack != NULL)
		error = kv_kstack_walk(w->kstack, add_stack, &t);
	if (error == 0)
		error = take_leaves(&t, space);
	else
		error = broken(&t, 0, "no memory to walk the stacks");
	kv_mem_free(t.stacks);
	return error;
}

void
kv_wanted_fini(struct kv_wanted *wanted)
{
	kv_leafmap_fini(&wanted->leaves);
	kv_mem_free(wanted->guards);
	*wanted = (struct kv_wanted){0};
}

/* ---- Words ----------------------------------------------------------- */

static void
mapping_words(const struct kv_world *w, size_t space, kv_va_t va, char *words,
    size_t size)
{
	struct kv_leaf leaf;

	if (kv_pmap_extract(w->spaces[space].pmap, va, &leaf) == 0)
		snprintf(words, size,
		    "page mapped to 0x%" PRIx64 " in space %s",
		    leaf.pa + (va - leaf.va), w->spaces[space].cfg.name);
	else
		snprintf(words, size, "nothing mapped here in space %s",
		    w->spaces[space].cfg.name);
}

void
kv_wanted_words(const struct kv_world *w, size_t space, kv_va_t va, char *words,
    size_t size)
{
	unsigned shift = w->spec.machine->page_shift;
	enum kv_kstack_what what = KV_KSTACK_NOTHING;
	struct kv_stack s;

	if (space == 0 && w->kstack != NULL)
		what = kv_kstack_whatis(w->kstack, va, &s);
	switch (what) {
	case KV_KSTACK_DATA:
		snprintf(words, size,
		    "page %" PRIu64 " of %u of the stack at 0x%" PRIx64
		    ", pindex %" PRIu64,
		    (va - s.ks) >> shift, s.npages, s.ks,
		    s.pindex + ((va - s.ks) >> shift));
		break;
	case KV_KSTACK_GUARD:
		snprintf(words, size,
		    "guard page %" PRIu64 " below the stack at 0x%" PRIx64,
		    ((s.ks - va - 1) >> shift) + 1, s.ks);
		break;
	case KV_KSTACK_IDLE:
		snprintf(words, size, "KVA of a stack arena, no stack there");
		break;
	case KV_KSTACK_NOTHING:
		mapping_words(w, space, va, words, size);
		break;
	}
}
