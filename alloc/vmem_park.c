/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_park.c - arenas: frees that are put off because they will be undone
 *
 * 1 Concepts.  An arena with a source gives a span back as soon as it is free
 *   and mostly asks for it again with its next request: three arenas deep for a
 *   kernel stack.  Such a free is *parked*: nothing is done but to remember the
 *   block.  The request that takes it back leaves nothing to do at all; any
 *   other use of an arena that the free would have changed *settles* it first.
 *   So nobody can tell: not from addresses, nor statistics, nor lists.
 * 2 Representation.  An arena *holds* one busy block (held, held_align) when
 *   its free, followed by the best-fit request for that size and alignment,
 *   is known to change nothing.  held_parked: the free is owed.  When it would
 *   release a span, the block of that span is held in the source (above), for
 *   this arena (below); an arena that holds a block for nobody else is its own
 *   below.  cancelled counts the pairs of free and request left out.
 * 3 Invariants.
 *   I1  Let the arena be in state A with the block B held, R the free segment
 *       after B if there is one, M = B + R.  Then:
 *       a  Before B is no FREE tag, so the free makes M, takes R out of its
 *          class and pushes M.  R was the head of a list, so that pushing the
 *          rest after B, which the request does last, restores that list.
 *       b  Apart from R, which is gone then, no class from that of B up to that
 *          of M, M's not included, holds a block: the request looks into M's
 *          class first, and there at its head: M.
 *       c  B starts at a multiple of the alignment, for it came that way, and
 *          so does M: the request gets B.  B has the size asked for, so R
 * starts on a quantum; then it has at least one, or it would have been left
 *          with B: R is cut off again.
 *       d  M is not a whole imported span, or it would go back: then there is
 *          no other block from B's class up (so that the request imports), the
 *          span is the last in the list (where the new one goes), the import
 *          asks for exactly its size and is within the limit, and the source
 *          holds its block: by I1 there, the same span comes back.
 *       e  Nobody listens; each tag that the pair needs is one that it frees.
 *       So the pair leads from A to A, but for the counters and the stock of
 *       spare tags, which `forget` does afterwards: free and request move the
 *       stock by the same steps each time, and the second time to itself.
 *   I2  Between hold and forget the arena is not used, but for that pair.
 *   I3  Only an arena that is its own below owes a free.
 * 4 Cost.  To hold: a constant number of tags an arena of the chain.  To park
 *   again and to take back: a few instructions.  To settle: the free; it needs
 *   no memory, and what the source would answer is known since hold, so it
 *   cannot fail.
 * 5 Fidelity.  Nothing of this is in FreeBSD; nothing of it can be seen.
 */
#include "arena.h"

static uint64_t
align_or_quantum(const struct kv_vmem *vm, uint64_t align)
{
	return align == 0 ? vm->qmask + 1 : align;
}

static bool
holds(const struct kv_vmem *vm, kv_va_t va, uint64_t size, uint64_t align)
{
	const struct bt *t = tag_of(vm, vm->held);

	return vm->below == vm && vm->held_align == align && t->start == va &&
	       t->size == size;
}

/* ---- Hold ------------------------------------------------------------ */

/* I1 a to c, and of d that no other block is found. */
static bool
comes_back(const struct kv_vmem *vm, const struct bt *t, const struct bt *rest,
    bool whole)
{
	const struct freelist *f = &vm->free;
	unsigned class = freelist_next(f, freelist_class(f, t->size));
	uint64_t merged = t->size;

	if (vm->tap.fn != NULL)
		return false;
	if (rest != NULL) {
		unsigned of_rest = freelist_class(f, rest->size);

		if (rest->back != (FREELIST_MARK | of_rest))
			return false;
		if (class == of_rest && rest->link == BT_NONE)
			class = freelist_next(f, class + 1);
		merged += rest->size;
	}
	return class >= (whole ? FREELIST_CLASSES : freelist_class(f, merged));
}

static bool hold(struct kv_vmem *vm, bt_id id, uint64_t align);

/* I1 d: the source holds the block of a span whose last tag is `last`. */
static bool
hold_above(struct kv_vmem *vm, const struct bt *span, const struct bt *last,
    uint64_t size, uint64_t align)
{
	struct kv_vmem_block b;
	uint64_t ask;
	bt_id id;

	if (vm->source.block == NULL || last->next != BT_NONE ||
	    !kv_arena_ask(vm, size, align, &ask) || ask != span->size ||
	    (vm->limit != 0 && vm->size > vm->limit))
		return false;
	vm->source.block(vm->source.arg, span->start, span->size, &b);
	b.align = align_or_quantum(b.vm, b.align);
	if (b.vm->below != NULL &&
	    (b.vm->held_parked || !holds(b.vm, b.va, b.size, b.align)))
		kv_arena_settle(b.vm);
	if (b.vm->below == NULL &&
	    (kv_arena_find(b.vm, b.va, b.size, &id, NULL) != 0 ||
		tag_of(b.vm, id)->size != b.size || !hold(b.vm, id, b.align)))
		return false;
	b.vm->below = vm;
	vm->above = b.vm;
	return true;
}

/* Hold a block, which is not parked by that.  => false: I1 would not hold */
static bool
hold(struct kv_vmem *vm, bt_id id, uint64_t align)
{
	const struct bt *t = tag_of(vm, id), *next = tag_of(vm, t->next);
	const struct bt *prev = tag_of(vm, bt_prev(t));
	const struct bt *rest = bt_is_free(next) ? next : NULL;
	bool whole = free_releases(vm, t);

	if (bt_is_free(prev) || !comes_back(vm, t, rest, whole))
		return false;
	if (whole &&
	    !hold_above(vm, prev, rest == NULL ? t : rest, t->size, align))
		return false;
	vm->below = vm;
	vm->held = id;
	vm->held_align = align;
	vm->held_merges = rest != NULL;
	return true;
}

/* ---- Forget ----------------------------------------------------------- */

/* What the pairs left out do to the stock of spare tags: the free, then the
 * request.  Two tags are those of a span. */
static unsigned
spare_after(unsigned spare, unsigned merges, unsigned spans)
{
	if (merges != 0)
		spare = spare + merges < SPARE_MAX ? spare + merges : SPARE_MAX;
	if (spans != 0)
		spare = spare + spans < SPARE_MAX ? spare + spans : SPARE_MAX;
	return (spare > SPARE_MIN ? spare : SPARE_MIN) - merges - spans;
}

/* The block is held no longer; the pairs left out are accounted for. */
static void
forget(struct kv_vmem *vm)
{
	struct kv_vmem *above = vm->above;
	uint64_t n = vm->cancelled;

	if (n != 0) {
		vm->count_alloc += n;
		vm->count_free += n;
		vm->spare = spare_after(
		    vm->spare, vm->held_merges, above == NULL ? 0 : 2);
	}
	if (above != NULL) {
		vm->count_import += n;
		vm->count_release += n;
		above->cancelled += n;
		above->below = above;
	}
	vm->cancelled = 0;
	vm->held_parked = false;
	vm->above = NULL;
	vm->below = NULL;
}

/* Each turn does the free at the bottom of the chain; what it releases may be
 * parked one arena higher. */
void
kv_arena_settle(const struct kv_vmem *vm)
{
	while (vm->below != NULL) {
		struct kv_vmem *bottom = vm->below, *at, *next;
		bool parked;

		while (bottom->below != bottom)
			bottom = bottom->below;
		parked = bottom->held_parked;
		for (at = bottom; vm->below != NULL; at = next) {
			next = at->above;
			forget(at);
		}
		if (parked)
			kv_arena_free(bottom, bottom->held, NULL);
	}
}

/* ---- Park ------------------------------------------------------------- */

bool
kv_arena_park(struct kv_vmem *vm, bt_id id, uint64_t align)
{
	vm->held_parked = hold(vm, id, align);
	return vm->held_parked;
}

bool
kv_arena_park_again(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, uint64_t align)
{
	if (vm->held_parked || !holds(vm, va, size, align)) {
		kv_arena_settle(vm);
		return false;
	}
	vm->held_parked = true;
	return true;
}

bool
kv_arena_unpark(struct kv_vmem *vm, uint64_t size, uint64_t align, kv_va_t *va)
{
	const struct bt *t = tag_of(vm, vm->held);

	if (!vm->held_parked || t->size != size || vm->held_align != align) {
		kv_arena_settle(vm);
		return false;
	}
	vm->held_parked = false;
	vm->cancelled++;
	*va = t->start;
	return true;
}

int
kv_arena_give(
    struct kv_vmem *vm, const struct kv_vmem_block *block, struct kv_diag *diag)
{
	uint64_t align = align_or_quantum(vm, block->align);
	bt_id id;
	int error;

	if (vm->below != NULL &&
	    kv_arena_park_again(vm, block->va, block->size, align))
		return 0;
	error = kv_arena_find(vm, block->va, block->size, &id, diag);
	if (error != 0 || (tag_of(vm, id)->size == block->size &&
			      kv_arena_park(vm, id, align)))
		return error;
	return kv_arena_free(vm, id, diag);
}
