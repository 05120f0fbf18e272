/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reserv_rename.c - pages and their reservations move to another object
 *
 * 1 Concepts.  When an object is split or collapsed, its pages above an offset
 *   become pages of another one, and a reservation follows its first page.
 * 2 Representation.  The offset is a multiple of a reservation and the colours
 *   agree, so that a window becomes a window and a page keeps its place in it.
 * 3 Invariants.  I1..I6 of reservation.c.
 * 4 Cost.  A step a page moved.
 * 5 Fidelity.  spec phys.md 26, from vm_reserv_rename and its callers.  Where
 *   upstream would give a reservation a first index below 0, or one to an
 *   object that may have none, EINVAL.
 */
#include "reserv.h"
#include "pagerun.h"

struct rename {
	struct kv_reserv *rv;
	struct kv_object *from, *to;
	uint64_t offset;
};

/* First page of a window that moves. */
static unsigned
first_moved(const struct rename *m, const struct kv_window *w)
{
	if (kv_object_window(m->from, m->offset) == w)
		return kv_object_window_page(m->from, m->offset);
	return 0;
}

/* The window after w that has pages to move; w NULL: the first. */
static struct kv_window *
next_window(const struct rename *m, const struct kv_window *w)
{
	return kv_object_window_next(
	    m->from, w == NULL ? m->offset : w->first + m->rv->npages);
}

/* May all of a window move?  => 0, EINVAL, EEXIST */
static int
window_check(const struct rename *m, const struct kv_window *w)
{
	const struct kv_window *to =
	    kv_object_window(m->to, w->first - m->offset);
	unsigned start = first_moved(m, w);

	if (w->reserv != NULL &&
	    (start != 0 || !kv_object_config(m->to)->colored))
		return EINVAL;
	for (unsigned i = start; to != NULL && i < m->rv->npages; i++)
		if (kv_bit_test(w->map, i) && kv_bit_test(to->map, i))
			return EEXIST;
	return 0;
}

/* A window to move to; its base can stand for all only if both are plain. */
static int
window_prepare(const struct rename *m, const struct kv_window *w)
{
	struct kv_window *to;

	if (kv_object_window_get(m->to, w->first - m->offset, &to) != 0)
		return ENOMEM;
	if (to->resident == 0 && w->frames == NULL)
		return 0;
	return kv_object_window_frames(m->to, to);
}

static uint64_t
window_move(const struct rename *m, struct kv_window *w)
{
	struct kv_window *to = kv_object_window(m->to, w->first - m->offset);
	unsigned n = m->rv->npages, i = first_moved(m, w);
	uint64_t moved = 0;

	while ((i = kv_bits_find(w->map, n, i, true)) < n) {
		kv_pfn_t pfn = kv_window_frame(w, i);
		struct kv_reservation *r = kv_reservation_of(m->rv, pfn);

		kv_object_remove_run(m->from, w, i, 1);
		kv_object_add(m->to, to, i, pfn);
		if (r != NULL && r->window == w)
			kv_reservation_rename(r, m->to, to);
		moved++;
	}
	kv_object_window_put(m->to, to);
	return moved;
}

static int
check(const struct rename *m)
{
	const struct kv_window *w = NULL;
	int error = 0;

	if (m->from == m->to || m->offset > KV_OBJECT_SIZE_MAX ||
	    m->offset % m->rv->npages != 0 ||
	    kv_object_bind(m->from, m->rv->order) != 0 ||
	    kv_object_bind(m->to, m->rv->order) != 0 ||
	    kv_object_window_page(m->from, 0) !=
		kv_object_window_page(m->to, 0))
		return EINVAL;
	while (error == 0 && (w = next_window(m, w)) != NULL)
		error = window_check(m, w);
	return error;
}

/* Give back the windows of `to` that stayed empty. */
static void
undo(const struct rename *m)
{
	struct kv_window *w = NULL, *to;

	while ((w = next_window(m, w)) != NULL) {
		to = kv_object_window(m->to, w->first - m->offset);
		if (to != NULL)
			kv_object_window_put(m->to, to);
	}
}

int
kv_page_rename(struct kv_reserv *rv, struct kv_object *from,
    struct kv_object *to, uint64_t offset, uint64_t *moved)
{
	const struct rename m = {rv, from, to, offset};
	struct kv_window *w = NULL;
	int error = check(&m);
	uint64_t n = 0;

	while (error == 0 && (w = next_window(&m, w)) != NULL)
		error = window_prepare(&m, w);
	if (error != 0) {
		if (error == ENOMEM)
			undo(&m);
		return error;
	}
	for (w = next_window(&m, NULL); w != NULL;) {
		kv_pindex_t next = w->first + rv->npages;

		n += window_move(&m, w);
		kv_object_window_put(from, w);
		w = kv_object_window_next(from, next);
	}
	*moved = n;
	return 0;
}
