/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_park.c - arenas: spans that go back only when somebody could tell
 *
 * 1 Concepts.  An arena with a source gives a span back as soon as it is free,
 *   and mostly asks for it again with its next request: for kernel stacks three
 *   arenas deep.  Such a span is *parked*: the arena counts it as released, but
 *   keeps its tags and does not tell the source.  An import that would bring
 *   the same span takes it back; any other use of the source makes the release
 *   good first.  So nobody can tell: not from addresses, nor statistics, nor
 *   lists.
 * 2 Representation.  The source *holds* the block B of a span of the arena
 *   below when it is known that B's free, followed by the best-fit request that
 *   brought it, changes nothing there.  below and above link the two; parked is
 *   the span's FREE tag while its release is owed.  When B's free would release
 *   a span in turn, the block of that one is held, too, one arena higher.
 *   cancelled counts the pairs of free and request left out.
 * 3 Invariants.
 *   I1  Let the source be in state A, R the free segment after B if there is
 *       one, M = B + R.  While B is held:
 *       a  Before B is no FREE tag, so the free makes M, takes R out of its
 *          class and pushes M.  R was the head of a list, so that pushing the
 *          rest after B, which the request does last, restores that list.
 *       b  Apart from R, which is gone then, no class from that of B up to that
 *          of M, M's not included, holds a block: the request looks into M's
 *          class first, and there at its head: M.
 *       c  B starts at a multiple of the alignment, for it came that way, and
 *          so does M: the request gets B.  B has the size asked for, so R
 *          starts on a quantum; then it has at least one, or it would have been
 *          left with B: R is cut off again.
 *       d  M is not a whole imported span, or it would go back: then there is
 *          no other block from B's class up (so that the request imports), the
 *          span is the last in the list (where the new one goes), the import
 *          asks for exactly its size and is within the limit, and the next
 *          source holds its block: by I1 there, the same span comes back.
 *       e  Nobody listens; each tag that the pair needs is one that it frees.
 *       So the pair leads from A to A, but for the counters and the stock of
 *       spare tags, which letting go accounts for: free and request move the
 *       stock by the same steps each time, and the second time to itself.
 *   I2  The source is not used while it holds a block: whoever uses it lets go
 *       first.  Therefore a release that is owed cannot fail, nor lack memory.
 *   I3  A parked span is the last of its arena, as a new one would be, and its
 *       FREE tag is in no class, so no request sees it.  Best fit and instant
 *       fit look at nothing else; what walks the segments has it released.
 *   I4  What above holds is the block of the last span: none other is asked
 *       for, and a new one comes from the source, which lets go.
 *   I5  If R is the only free segment of the source, B's free leaves nothing
 *       but M.  Then a request for a block of another size, as plain imports
 *       make it, gets the front of M, and the pair of free and request but
 *       moves the end of B.  If something is left, I1 goes on to hold: there is
 *       no block but the new R, and M and the tags are as before.
 * 4 Cost.  To hold: a constant number of tags an arena of the chain, once as
 *   long as the sources are left alone.  To park and to take back: a few
 *   instructions.
 * 5 Fidelity.  Nothing of this is in FreeBSD; nothing of it can be seen.
 */
#include "arena.h"

/* ---- Let go ----------------------------------------------------------- */

/* What pairs of free and request do to the stock of spare tags.  Two tags are
 * those of a span. */
static unsigned
spare_after(unsigned spare, unsigned merges, unsigned spans)
{
	if (merges != 0)
		spare = spare + merges < SPARE_MAX ? spare + merges : SPARE_MAX;
	if (spans != 0)
		spare = spare + spans < SPARE_MAX ? spare + spans : SPARE_MAX;
	return (spare > SPARE_MIN ? spare : SPARE_MIN) - merges - spans;
}

/* The pairs left out are accounted for. */
static void
account(struct kv_vmem *vm)
{
	uint64_t n = vm->cancelled;

	if (n == 0)
		return;
	vm->cancelled = 0;
	vm->count_alloc += n;
	vm->spare =
	    spare_after(vm->spare, vm->held_merges, vm->held_whole ? 2 : 0);
	if (vm->held_whole) {
		vm->count_import += n;
		vm->count_release += n;
		vm->above->cancelled += n;
	}
}

/* The release that is owed.  All but the tags is accounted for. */
static void
release_parked(struct kv_vmem *vm)
{
	struct bt t = *tag_of(vm, vm->parked);

	bt_drop(&vm->store, vm->parked);
	bt_drop(&vm->store, bt_prev(&t));
	vm->parked = BT_NONE;
	vm->source.release(vm->source.arg, t.start, t.size, NULL);
}

/* First what is held for others: that may release and park a span here. */
void
kv_arena_let_go(struct kv_vmem *vm)
{
	struct kv_vmem *below;

	if (vm->below->below != NULL)
		kv_arena_let_go(vm->below);
	below = vm->below;
	if (below == NULL)
		return;
	account(vm);
	vm->below = NULL;
	vm->careful &= ~(unsigned)ARENA_HELD;
	below->above = NULL;
	if (below->parked != BT_NONE)
		release_parked(below);
}

void
kv_arena_settle(const struct kv_vmem *vm)
{
	if (vm->below != NULL)
		kv_arena_let_go(vm->below->above);
	if (vm->above != NULL)
		kv_arena_let_go(vm->above);
}

/* ---- Hold ------------------------------------------------------------- */

/* I1 a to c, and of d that no other block is found. */
static bool
comes_back(const struct kv_vmem *vm, const struct bt *t, const struct bt *rest,
    bool whole)
{
	const struct freelist *f = &vm->free;
	unsigned class = freelist_next(f, freelist_class(f, t->size));
	uint64_t merged = t->size;

	if (vm->tap.fn != NULL || bt_is_free(tag_of(vm, bt_prev(t))))
		return false;
	if (rest != NULL) {
		unsigned of_rest = freelist_class(f, rest->size);

		if (!freelist_is_head(f, rest, rest->size))
			return false;
		if (class == of_rest && rest->link < BT_FRESH)
			class = freelist_next(f, class + 1);
		merged += rest->size;
	}
	return class >= (whole ? FREELIST_CLASSES : freelist_class(f, merged));
}

/* The rest of I1 d, but for the next source. */
static bool
imports_same(const struct kv_vmem *vm, const struct bt *t,
    const struct bt *last, uint64_t align)
{
	const struct bt *span = tag_of(vm, bt_prev(t));
	uint64_t ask;

	return last->next == BT_NONE &&
	       kv_arena_ask(vm, t->size, align, &ask) && ask == span->size &&
	       (vm->limit == 0 || vm->size <= vm->limit);
}

static bool
hold(struct kv_vmem *vm, bt_id id, uint64_t align)
{
	const struct bt *t = tag_of(vm, id), *next = tag_of(vm, t->next);
	const struct bt *span = tag_of(vm, bt_prev(t));
	const struct bt *rest = bt_is_free(next) ? next : NULL;
	bool whole = vm->source.release != NULL &&
		     bt_kind(span) == KV_VMEM_SPAN &&
		     span->size == t->size + (rest == NULL ? 0 : rest->size);

	if (!comes_back(vm, t, rest, whole))
		return false;
	if (whole && (!imports_same(vm, t, rest == NULL ? t : rest, align) ||
			 !kv_arena_hold(vm, bt_prev(t))))
		return false;
	vm->held_merges = rest != NULL;
	vm->held_whole = whole;
	return true;
}

bool
kv_arena_hold(struct kv_vmem *vm, bt_id span)
{
	const struct bt *s = tag_of(vm, span);
	struct kv_vmem_block b;
	bt_id id;

	if (vm->above != NULL) /* I4 */
		return true;
	if (vm->source.block == NULL)
		return false;
	vm->source.block(vm->source.arg, s->start, s->size, &b);
	if (b.vm->pow2)
		return false;
	if (b.vm->below != NULL)
		kv_arena_let_go(b.vm);
	if (kv_arena_find(b.vm, b.va, b.size, &id, NULL) != 0 ||
	    tag_of(b.vm, id)->size != b.size ||
	    !hold(b.vm, id, b.align == 0 ? b.vm->qmask + 1 : b.align))
		return false;
	b.vm->held = id;
	b.vm->below = vm;
	b.vm->careful |= ARENA_HELD;
	vm->above = b.vm;
	return true;
}

/* ---- Another size ------------------------------------------------------ */

/* Is that the only block in all classes?  No class is a log. */
static bool
is_alone(const struct freelist *f, const struct bt *t)
{
	uint64_t any = f->filled[0] | f->filled[1];

	return t->back == t->link && (any & (any - 1)) == 0 &&
	       (f->filled[0] == 0 || f->filled[1] == 0);
}

/* I5: does the block stand for the span, and has it neighbours to match, all of
 * whole quanta? */
static bool
is_resizable(
    const struct kv_vmem *vm, const struct bt *parked, const struct bt *block)
{
	const struct freelist *f = &vm->free;

	return block->start == parked->start && block->size == parked->size &&
	       vm->held_merges && !vm->held_whole &&
	       vm->careful == ARENA_HELD && f->nlogs == 0 &&
	       is_alone(f, tag_of(vm, block->next));
}

bool
kv_arena_resize(struct kv_vmem *vm, uint64_t size)
{
	struct kv_vmem *source = vm->above;
	struct bt *t = tag_of(vm, vm->parked);
	struct bt *b = tag_of(source, source->held);
	struct bt *rest = tag_of(source, b->next);
	uint64_t both = b->size + rest->size;

	if (!is_resizable(source, t, b) || (size & source->qmask) != 0 ||
	    size >= both)
		return false;
	freelist_list_remove(&source->free, source->store.tag, rest);
	rest->start = b->start + size;
	rest->size = both - size;
	freelist_list_push(&source->free, source->store.tag,
	    freelist_class_of(rest->size >> source->qshift), b->next);
	source->inuse += size - b->size;
	b->size = size;
	t->size = size;
	tag_of(vm, bt_prev(t))->size = size;
	return true;
}
