/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c - which physical page stands at which pindex of a VM object
 *
 * 1 Concepts.  An object numbers its pages with pindexes, sparsely.  What is
 *   asked of it: the page at a pindex, the nearest resident page on either
 *   side, and fast change of short runs that lie in one reservation.
 * 2 Representation.  Windows of as many pindexes as a reservation has,
 *   aligned like reservations, that is after adding the colour:
 *
 *     pindex + colour   0........511 512......1023 1024.....1535
 *     window            0            (absent)      2
 *                       map 0110..                 map 1111..
 *
 *   stand in a radix tree (radix.c).
 * 3 Invariants.
 *   I1  A window is in the tree under its number; no window but those in the
 *       hands of the page allocator is empty; the tree is as radix.c says.
 *   I2  resident = bits in map; the object's count is the sum.
 *   I3  frames has an entry only where map has a bit.
 * 4 Cost.  lookup, next, prev: one step a level (six bits of window number).
 *   A window costs 40 bytes + 1 bit a page, its frames 4 bytes a page.
 * 5 Fidelity.  spec phys.md 15-17, from vm_object and vm_radix: only results
 *   are modelled.  The order of pages and the answer to "nearest" are the same
 *   whatever the tree.
 */
#include <string.h>

#include "bitmap.h"
#include "object.h"
#include "radix.h"

struct kv_object {
	struct kv_object_config cfg;   /* (c) */
	struct kv_reservation *newest; /* kept by the page allocator */
	struct kv_radix windows;       /* by number */
	unsigned order;		       /* log2 pages of a window; 0 unbound */
	uint64_t phase;		       /* colour modulo window */
	uint64_t resident;	       /* (I2) */
	struct kv_window *spare;       /* one, to make the next cheap */
};

static unsigned
window_pages(const struct kv_object *obj)
{
	return 1u << obj->order;
}

static size_t
window_size(const struct kv_object *obj)
{
	return sizeof(struct kv_window) + window_pages(obj) / 8;
}

static uint64_t
number_of(const struct kv_object *obj, kv_pindex_t pindex)
{
	return (pindex + obj->phase) >> obj->order;
}

/* ---- Create ------------------------------------------------------------ */

int
kv_object_create(const struct kv_object_config *cfg, struct kv_object **obj)
{
	struct kv_object *o;

	if (cfg->size == 0 || cfg->size > KV_OBJECT_SIZE_MAX)
		return EINVAL;
	o = kv_host_zalloc(cfg->host, 1, sizeof(*o));
	if (o == NULL)
		return ENOMEM;
	o->cfg = *cfg;
	o->windows.host = cfg->host;
	kv_tap_emit(&o->cfg.tap, KV_EV_OBJECT_CREATE, cfg->name, cfg->size,
	    cfg->colored, cfg->pg_color, cfg->domain_guard);
	*obj = o;
	return 0;
}

static void
window_destroy(struct kv_object *obj, struct kv_window *w)
{
	if (w == NULL)
		return;
	kv_host_free(
	    obj->cfg.host, w->frames, window_pages(obj), sizeof(*w->frames));
	kv_host_resize(obj->cfg.host, w, window_size(obj), 0);
}

static void
window_drop(void *arg, void *value)
{
	window_destroy(arg, value);
}

void
kv_object_destroy(struct kv_object *obj)
{
	if (obj == NULL)
		return;
	kv_radix_fini(&obj->windows, window_drop, obj);
	window_destroy(obj, obj->spare);
	kv_host_free(obj->cfg.host, obj, 1, sizeof(*obj));
}

int
kv_object_bind(struct kv_object *obj, unsigned order)
{
	if (obj->order == order)
		return 0;
	if (obj->order != 0 || order < 6)
		return EINVAL;
	obj->order = order;
	obj->phase = obj->cfg.pg_color & (window_pages(obj) - 1);
	return 0;
}

/* ---- Windows ----------------------------------------------------------- */

unsigned
kv_object_window_page(const struct kv_object *obj, kv_pindex_t pindex)
{
	return (unsigned)(pindex + obj->phase) & (window_pages(obj) - 1);
}

struct kv_window *
kv_object_window(const struct kv_object *obj, kv_pindex_t pindex)
{
	return kv_radix_lookup(&obj->windows, number_of(obj, pindex));
}

struct kv_window *
kv_object_window_next(const struct kv_object *obj, kv_pindex_t pindex)
{
	return kv_radix_next(&obj->windows, number_of(obj, pindex));
}

struct kv_window *
kv_object_window_prev(const struct kv_object *obj, kv_pindex_t pindex)
{
	return kv_radix_prev(&obj->windows, number_of(obj, pindex));
}

static struct kv_window *
window_create(struct kv_object *obj)
{
	struct kv_window *w = obj->spare;

	if (w != NULL)
		obj->spare = NULL;
	else
		w = kv_host_zalloc(obj->cfg.host, 1, window_size(obj));
	return w;
}

int
kv_object_window_get(
    struct kv_object *obj, kv_pindex_t pindex, struct kv_window **w)
{
	uint64_t number = number_of(obj, pindex);
	struct kv_window *window = kv_radix_lookup(&obj->windows, number);

	if (window == NULL) {
		window = window_create(obj);
		if (window == NULL)
			return ENOMEM;
		if (kv_radix_insert(&obj->windows, number, window) != 0) {
			window_destroy(obj, window);
			return ENOMEM;
		}
		window->first = (number << obj->order) - obj->phase;
	}
	*w = window;
	return 0;
}

void
kv_object_window_put(struct kv_object *obj, struct kv_window *w)
{
	if (w->resident != 0)
		return;
	kv_radix_remove(&obj->windows, number_of(obj, w->first));
	kv_host_free(
	    obj->cfg.host, w->frames, window_pages(obj), sizeof(*w->frames));
	w->frames = NULL;
	w->base = 0;
	if (obj->spare == NULL)
		obj->spare = w;
	else
		window_destroy(obj, w);
}

int
kv_object_window_frames(struct kv_object *obj, struct kv_window *w)
{
	size_t size = window_pages(obj) * sizeof(*w->frames);

	if (w->frames != NULL)
		return 0;
	w->frames = kv_host_resize(obj->cfg.host, NULL, 0, size);
	if (w->frames == NULL)
		return ENOMEM;
	memset(w->frames, 0xff, size);
	return 0;
}

void
kv_object_add_run(
    struct kv_object *obj, struct kv_window *w, unsigned i, unsigned n)
{
	kv_bits_set(w->map, i, n);
	w->resident += n;
	obj->resident += n;
	if (obj->cfg.tap.fn != NULL)
		kv_tap_tell(&obj->cfg.tap, KV_EV_OBJECT_INSERT, obj->cfg.name,
		    w->first + i, kv_window_frame(w, i), n, 0);
}

void
kv_object_add(
    struct kv_object *obj, struct kv_window *w, unsigned i, kv_pfn_t pfn)
{
	if (w->resident == 0)
		w->base = (uint32_t)pfn - i;
	if (w->base + i != (uint32_t)pfn)
		w->frames[i] = (uint32_t)pfn;
	kv_object_add_run(obj, w, i, 1);
}

/* Somebody listens: one event a run of consecutive frames. */
static void
tell_removed(const struct kv_object *obj, const struct kv_window *w, unsigned i,
    unsigned n)
{
	unsigned end = i + n;

	for (; i < end; i += n) {
		kv_pfn_t pfn = kv_window_frame(w, i);

		n = 1;
		while (i + n < end && kv_window_frame(w, i + n) == pfn + n)
			n++;
		kv_tap_tell(&obj->cfg.tap, KV_EV_OBJECT_REMOVE, obj->cfg.name,
		    w->first + i, pfn, n, 0);
	}
}

void
kv_object_remove_run(
    struct kv_object *obj, struct kv_window *w, unsigned i, unsigned n)
{
	if (obj->cfg.tap.fn != NULL)
		tell_removed(obj, w, i, n);
	kv_bits_clear(w->map, i, n);
	if (w->frames != NULL)
		memset(w->frames + i, 0xff, n * sizeof(*w->frames));
	w->resident -= n;
	obj->resident -= n;
}

struct kv_reservation **
kv_object_reservs(struct kv_object *obj)
{
	return &obj->newest;
}

const struct kv_object_config *
kv_object_config(const struct kv_object *obj)
{
	return &obj->cfg;
}

/* ---- Inspect ----------------------------------------------------------- */

int
kv_object_lookup(const struct kv_object *obj, kv_pindex_t pindex, kv_pfn_t *pfn)
{
	const struct kv_window *w = kv_object_window(obj, pindex);
	unsigned i;

	if (w == NULL)
		return ENOENT;
	i = (unsigned)(pindex - w->first);
	if (!kv_bit_test(w->map, i))
		return ENOENT;
	*pfn = kv_window_frame(w, i);
	return 0;
}

static int
found_page(
    const struct kv_window *w, unsigned i, kv_pindex_t *found, kv_pfn_t *pfn)
{
	*found = w->first + i;
	*pfn = kv_window_frame(w, i);
	return 0;
}

int
kv_object_before(const struct kv_object *obj, kv_pindex_t pindex,
    kv_pindex_t *found, kv_pfn_t *pfn)
{
	const struct kv_window *w;
	unsigned n = window_pages(obj), end = n, i;

	if (pindex == 0)
		return ENOENT;
	if (pindex > KV_OBJECT_SIZE_MAX)
		pindex = KV_OBJECT_SIZE_MAX;
	w = kv_object_window_prev(obj, pindex - 1);
	if (w == NULL)
		return ENOENT;
	if (pindex - w->first < n)
		end = (unsigned)(pindex - w->first);
	i = kv_bits_last(w->map, end);
	if (i != end)
		return found_page(w, i, found, pfn);
	/* Nothing in this window below pindex: the one before has some. */
	if (w->first + obj->phase == 0)
		return ENOENT;
	w = kv_object_window_prev(obj, w->first - 1);
	if (w == NULL)
		return ENOENT;
	return found_page(w, kv_bits_last(w->map, n), found, pfn);
}

int
kv_object_from(const struct kv_object *obj, kv_pindex_t pindex,
    kv_pindex_t *found, kv_pfn_t *pfn)
{
	const struct kv_window *w = NULL;
	unsigned n = window_pages(obj), from = 0, i;

	if (pindex <= KV_OBJECT_SIZE_MAX)
		w = kv_object_window_next(obj, pindex);
	if (w == NULL)
		return ENOENT;
	if (pindex - w->first < n)
		from = (unsigned)(pindex - w->first);
	i = kv_bits_find(w->map, n, from, true);
	if (i != n)
		return found_page(w, i, found, pfn);
	w = kv_object_window_next(obj, w->first + n);
	if (w == NULL)
		return ENOENT;
	return found_page(w, kv_bits_find(w->map, n, 0, true), found, pfn);
}

uint64_t
kv_object_resident(const struct kv_object *obj)
{
	return obj->resident;
}

static int
walk_window(const struct kv_object *obj, const struct kv_window *w,
    kv_object_walk_fn *cb, void *arg)
{
	unsigned n = window_pages(obj);

	for (unsigned i = 0; (i = kv_bits_find(w->map, n, i, true)) < n; i++) {
		int error = cb(arg, w->first + i, kv_window_frame(w, i));

		if (error != 0)
			return error;
	}
	return 0;
}

int
kv_object_walk(const struct kv_object *obj, kv_object_walk_fn *cb, void *arg)
{
	const struct kv_window *w = kv_object_window_next(obj, 0);

	while (w != NULL) {
		int error = walk_window(obj, w, cb, arg);

		if (error != 0)
			return error;
		w = kv_object_window_next(obj, w->first + window_pages(obj));
	}
	return 0;
}

static int
bad(struct kv_diag *diag, unsigned invariant, uint64_t at, const char *text)
{
	return kv_diag_set(diag, EFAULT, "object", invariant, at, text);
}

/* A check on the way. */
struct checker {
	const struct kv_object *obj;
	struct kv_diag *diag;
	uint64_t resident;
};

static int
check_window(void *arg, uint64_t number, void *value)
{
	struct checker *c = arg;
	const struct kv_window *w = value;
	unsigned n = window_pages(c->obj);
	uint32_t count = 0;

	if (number_of(c->obj, w->first) != number || w->resident == 0)
		return bad(c->diag, 1, w->first, "window misplaced or empty");
	for (unsigned i = 0; i < n; i++) {
		bool resident = kv_bit_test(w->map, i);

		count += resident;
		if (!resident && w->frames != NULL &&
		    w->frames[i] != KV_WINDOW_BASE)
			return bad(c->diag, 3, w->first + i,
			    "frame of a page that is not resident");
	}
	if (count != w->resident)
		return bad(c->diag, 2, w->first, "resident pages of a window");
	c->resident += count;
	return 0;
}

int
kv_object_check(const struct kv_object *obj, struct kv_diag *diag)
{
	struct checker c = {obj, diag, 0};

	if (kv_radix_check(&obj->windows, check_window, &c, diag) != 0)
		return EFAULT;
	if (c.resident != obj->resident)
		return bad(diag, 2, 0, "resident pages of an object");
	return 0;
}
