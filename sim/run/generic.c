/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generic.c - what holds in every system, whatever it calls its parts
 *
 * 1 Concepts.  Arenas, tables, leaves, frames and flushes keep some promises
 *   that are nobody's own.  Some of them are what invariants of modules come
 *   to: who breaks one breaks both, and both are reported.  The others are
 *   judged from what anybody can see of an arena, or of a range of leaves.
 * 2 Representation.  A table of ids; lists that live for one check.
 * 3 Invariants (V7: steps_touch.c, V9: layout.c).
 *   V1   Segments tile the spans of an arena, free neighbours are one segment,
 *        what is in use and what is free make its size; a free names a live
 *        block of that very arena, as it was allocated
 *   V2   An imported span lies in a live block of the source; once nothing
 *        lives in it, it goes back, unless the arena is to keep it.  Not
 *        judged: an arena where a request failed or next fit stopped, which
 *        leave such spans
 *   V3   A page of tables is pointed to by one entry of one table; what is a
 *        table is reachable
 *   V4   No two leaves of a space cover one address; a leaf's address and frame
 *        are aligned to what it maps
 *   V5   Splitting leaves, and joining them, changes no page: it keeps its
 *        frame and its rights
 *   V6   No leaf maps a page of memory that is free
 *   V8   A step that fails changed nothing, or exactly the first part of its
 *        range that it says.  Not judged: a map over other pages, which are
 *        gone if it fails
 * 4 Cost.  V2 sorts blocks of the source.  V5 and V8 walk the leaves of a
 *   range before and after a step, where that is asked for (range_judge.c).
 * 5 Fidelity.  systems.md 0; none of it is a kernel's.
 */
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/runner_parts.h"
#include "run/sort.h"

const char *
kv_generic_of(const char *id)
{
	static const char *const rows[][2] = {{"vmem-I1", "V1"},
	    {"vmem-I2", "V1"}, {"vmem-I3", "V1"}, {"vmem-I4", "V1"},
	    {"pmap-I1", "V3"}, {"ptpool-I5", "V3"}, {"pmap-I3", "V4"},
	    {"pmap-I6", "V5"}, {"space-I2", "V6"}, {"space-I3", "V3"}};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i][0], id) == 0)
			return rows[i][1];
	return NULL;
}

/* ---- Imports (V2) ------------------------------------------------------ */

/* Segments of one kind, in the order of their addresses once sorted. */
struct segments {
	enum kv_vmem_kind kind;
	struct kv_vmem_seg *list;
	struct kv_keyed *order;
	size_t count, capacity;
	size_t seen; /* segments of any kind */
	bool cursor; /* of next fit, not where it began */
};

static int
segment_note(void *arg, const struct kv_vmem_seg *seg)
{
	struct segments *s = arg;

	s->cursor |= seg->kind == KV_VMEM_CURSOR && s->seen != 0;
	s->seen++;
	if (seg->kind != s->kind)
		return 0;
	if (s->count == s->capacity) {
		s->capacity = 2 * s->capacity + 64;
		s->list = kv_mem_resize(s->list, s->capacity, sizeof(*s->list));
	}
	s->list[s->count++] = *seg;
	return 0;
}

static void
segments_collect(struct segments *s, const struct kv_vmem *vm)
{
	size_t i;

	kv_vmem_walk(vm, segment_note, s);
	s->order = kv_mem_resize(NULL, s->count, sizeof(*s->order));
	for (i = 0; i < s->count; i++)
		s->order[i] = (struct kv_keyed){s->list[i].start, i};
	kv_keyed_sort(s->order, s->count);
}

static void
segments_fini(struct segments *s)
{
	kv_mem_free(s->list);
	kv_mem_free(s->order);
}

/* How many start at va or below. */
static size_t
segments_to(const struct segments *s, kv_va_t va)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->order[mid].key <= va)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The last one that starts at va or below; NULL: none does. */
static const struct kv_vmem_seg *
segment_at(const struct segments *s, kv_va_t va)
{
	size_t n = segments_to(s, va);

	return n == 0 ? NULL : &s->list[s->order[n - 1].index];
}

/* Is the span inside one block; or, where spans are joined, inside blocks? */
static bool
is_covered(
    const struct segments *busy, const struct kv_vmem_seg *span, bool joined)
{
	kv_va_t va = span->start, last = span->start + (span->size - 1);
	const struct kv_vmem_seg *b;

	for (;;) {
		b = segment_at(busy, va);
		if (b == NULL || va - b->start >= b->size)
			return false;
		if (last - b->start < b->size)
			return true;
		if (!joined)
			return false;
		va = b->start + b->size;
	}
}

/* A block of the source that a free segment contains, if there is one. */
static const struct kv_vmem_seg *
idle_block(const struct segments *holes, const struct segments *busy)
{
	size_t i, n;

	for (i = 0; i < holes->count; i++) {
		const struct kv_vmem_seg *hole = &holes->list[i], *b;

		n = hole->start == 0 ? 0 : segments_to(busy, hole->start - 1);
		if (n == busy->count)
			continue;
		b = &busy->list[busy->order[n].index];
		if (b->start - hole->start < hole->size &&
		    b->size <= hole->size - (b->start - hole->start))
			return b;
	}
	return NULL;
}

void
kv_generic_imports(struct kv_run *run, size_t arena)
{
	const struct kv_arena_spec *spec = &run->sc->arenas[arena];
	const struct kv_vmem *vm = run->arenas[arena];
	struct segments spans = {.kind = KV_VMEM_SPAN},
			holes = {.kind = KV_VMEM_FREE},
			busy = {.kind = KV_VMEM_BUSY};
	const struct kv_vmem_seg *idle;
	size_t i;

	if (spec->parent < 0)
		return;
	segments_collect(&spans, vm);
	segments_collect(&holes, vm);
	segments_collect(&busy, run->arenas[spec->parent]);
	for (i = 0; i < spans.count; i++)
		if (!is_covered(&busy, &spans.list[i], !spec->release))
			kv_run_violate_id(run, "V2", spans.list[i].start,
			    "an imported span is in no live block of the "
			    "source");
	idle = idle_block(&holes, &busy);
	if (idle != NULL && spec->release && !spans.cursor &&
	    kv_vmem_stats(vm).fail == 0)
		kv_run_violate_id(run, "V2", idle->start,
		    "an imported span has nothing in it, and did not go back");
	segments_fini(&spans);
	segments_fini(&holes);
	segments_fini(&busy);
}
