/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.c - address-space planner: regions from anchors and sizes, checked
 *
 * 1 Concepts.  A plan is a list of named regions.  Each is placed by numbers
 *   that may come from regions placed before it: upwards from a base, downwards
 *   from an end, or between the two.  Kernels compute such plans in unsigned
 *   64-bit arithmetic and find out later; so addresses here are taken modulo
 *   2^64, and what that did to a region is kept beside it.
 * 2 Representation.  An array in order of arrival.  A size is signed where both
 *   ends are given: a span of 2^63 bytes or more ends before it starts, as
 *   the last region of a plan does when those below it ran past its end.
 * 3 Invariants of a sound plan; a plan that breaks them can be made, and says
 *   so when it is checked.
 *   V9  Regions of a plan are disjoint and inside its window; none wraps, none
 *       ends before it starts.  Checks of a scenario without an id of their
 *       own count here as well
 * 4 Cost.  O(1) a region; faults and stats look at every pair; a diff looks
 *   every name up.
 * 5 Fidelity.  spec systems.md 0 (plan), 1.2, 3.1 (a) and V9.  Bounds come
 *   before alignment: planners clamp a computed base and round what follows.
 */
#include <string.h>

#include "arith.h"
#include "layout.h"

struct kv_layout {
	struct kv_host *host; /* (c) */
	struct kv_region *regions;
	size_t count, capacity;
	kv_va_t base;  /* of the window */
	uint64_t size; /* of the window; 0: none */
};

/* ---- Create ------------------------------------------------------------ */

int
kv_layout_create(struct kv_host *host, struct kv_layout **layout)
{
	struct kv_layout *l = kv_host_zalloc(host, 1, sizeof(*l));

	if (l == NULL)
		return ENOMEM;
	l->host = host;
	*layout = l;
	return 0;
}

void
kv_layout_destroy(struct kv_layout *l)
{
	if (l == NULL)
		return;
	kv_host_free(l->host, l->regions, l->capacity, sizeof(*l->regions));
	kv_host_free(l->host, l, 1, sizeof(*l));
}

int
kv_layout_set_window(struct kv_layout *l, kv_va_t base, uint64_t size)
{
	if (size == 0 || size - 1 > UINT64_MAX - base)
		return EINVAL;
	l->base = base;
	l->size = size;
	return 0;
}

/* ---- Place ------------------------------------------------------------- */

/* A size that, taken as signed, is below zero. */
static bool
is_negative(uint64_t size)
{
	return size > INT64_MAX;
}

/* Is [base, base + size) cut by 2^64?  It may end there. */
static bool
is_cut(kv_va_t base, uint64_t size)
{
	return size != 0 && size - 1 > UINT64_MAX - base;
}

/* Keep the base within the bounds, then align it. */
static void
base_settle(const struct kv_region_req *req, struct kv_region *r)
{
	kv_va_t base = r->base;

	if (base < req->min)
		base = req->min;
	if (req->max != 0 && base > req->max)
		base = req->max;
	if (base != r->base)
		r->flags |= KV_REGION_CLAMPED;
	r->base = base;
	if (req->align == 0)
		return;
	if (req->anchor == KV_REGION_DOWN) {
		r->base = kv_align_down(base, req->align);
		return;
	}
	r->base = kv_align_up(base, req->align);
	if (r->base < base)
		r->flags |= KV_REGION_WRAPS;
}

static struct kv_region
settle(const struct kv_region_req *req)
{
	struct kv_region r = {
	    .name = req->name, .base = req->base, .size = req->size};

	if (req->anchor == KV_REGION_DOWN) {
		r.base = req->end - req->size;
		if (req->end != 0 && req->size > req->end)
			r.flags |= KV_REGION_WRAPS;
	}
	base_settle(req, &r);
	if (req->anchor == KV_REGION_SPAN) {
		r.size = req->end - r.base;
		if (is_negative(r.size))
			r.flags |= KV_REGION_NEGATIVE;
	} else if (is_cut(r.base, r.size)) {
		r.flags |= KV_REGION_WRAPS;
	}
	r.end = r.base + r.size;
	return r;
}

static int
grow(struct kv_layout *l)
{
	size_t capacity = l->capacity == 0 ? 16 : 2 * l->capacity;
	struct kv_region *regions = kv_host_resize(l->host, l->regions,
	    l->capacity * sizeof(*regions), capacity * sizeof(*regions));

	if (regions == NULL)
		return ENOMEM;
	l->regions = regions;
	l->capacity = capacity;
	return 0;
}

int
kv_layout_place(struct kv_layout *l, const struct kv_region_req *req)
{
	if ((req->align != 0 && !kv_is_pow2(req->align)) ||
	    (req->max != 0 && req->min > req->max))
		return EINVAL;
	if (l->count == l->capacity && grow(l) != 0)
		return ENOMEM;
	l->regions[l->count++] = settle(req);
	return 0;
}

/* ---- Inspect ----------------------------------------------------------- */

size_t
kv_layout_count(const struct kv_layout *l)
{
	return l->count;
}

const struct kv_region *
kv_layout_region(const struct kv_layout *l, size_t i)
{
	KV_ASSERT(i < l->count);
	return &l->regions[i];
}

const struct kv_region *
kv_layout_find(const struct kv_layout *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (strcmp(l->regions[i].name, name) == 0)
			return &l->regions[i];
	return NULL;
}

/* ---- Faults ------------------------------------------------------------ */

/* What a region covers, without wrapping: one piece or two, or none. */
struct piece {
	kv_va_t base;
	uint64_t size; /* the piece may end at 2^64 */
};

static unsigned
pieces_of(const struct kv_region *r, struct piece piece[2])
{
	if (r->size == 0 || (r->flags & KV_REGION_NEGATIVE) != 0)
		return 0;
	piece[0] = (struct piece){r->base, r->size};
	if (!is_cut(r->base, r->size))
		return 1;
	piece[0].size = 0 - r->base;
	piece[1] = (struct piece){0, r->end};
	return 2;
}

/* Bytes that both pieces have; *at is the first of them. */
static uint64_t
common(struct piece a, struct piece b, kv_va_t *at)
{
	uint64_t left;

	if (!kv_overlap(a.base, a.size, b.base, b.size))
		return 0;
	if (a.base > b.base) {
		struct piece swap = a;

		a = b;
		b = swap;
	}
	*at = b.base;
	left = a.size - (b.base - a.base);
	return left < b.size ? left : b.size;
}

/* Bytes that both regions have; *at is the first found. */
static uint64_t
shared(const struct kv_region *a, const struct kv_region *b, kv_va_t *at)
{
	struct piece pa[2], pb[2];
	unsigned na = pieces_of(a, pa), nb = pieces_of(b, pb), i, j;
	uint64_t size = 0, some;
	kv_va_t where;

	for (i = 0; i < na; i++)
		for (j = 0; j < nb; j++) {
			some = common(pa[i], pb[j], &where);
			if (some != 0 && size == 0)
				*at = where;
			size += some;
		}
	return size;
}

/* Bytes of the region that are not in the window; an empty one has none. */
static uint64_t
outside(const struct kv_layout *l, const struct kv_region *r)
{
	const struct piece window = {l->base, l->size};
	struct piece piece[2];
	unsigned n = l->size == 0 ? 0 : pieces_of(r, piece), i;
	uint64_t size = n == 0 ? 0 : r->size;
	kv_va_t at;

	for (i = 0; i < n; i++)
		size -= common(piece[i], window, &at);
	return size;
}

static int
faults_of(const struct kv_layout *l, const struct kv_region *r,
    kv_layout_fault_fn *cb, void *arg)
{
	struct kv_layout_fault f = {.a = r, .address = r->base};
	int stop = 0;

	if ((r->flags & KV_REGION_WRAPS) != 0) {
		f.wrong = KV_LAYOUT_WRAPS;
		stop = cb(arg, &f);
	}
	if ((r->flags & KV_REGION_NEGATIVE) != 0 && stop == 0) {
		f.wrong = KV_LAYOUT_NEGATIVE;
		stop = cb(arg, &f);
	}
	f.size = outside(l, r);
	if (f.size != 0 && stop == 0) {
		f.wrong = KV_LAYOUT_OUTSIDE;
		stop = cb(arg, &f);
	}
	return stop;
}

int
kv_layout_walk_faults(
    const struct kv_layout *l, kv_layout_fault_fn *cb, void *arg)
{
	struct kv_layout_fault f = {.wrong = KV_LAYOUT_OVERLAP};
	size_t i, j;
	int stop = 0;

	for (i = 0; i < l->count && stop == 0; i++)
		stop = faults_of(l, &l->regions[i], cb, arg);
	for (i = 0; i < l->count && stop == 0; i++)
		for (j = i + 1; j < l->count && stop == 0; j++) {
			f.a = &l->regions[i];
			f.b = &l->regions[j];
			f.size = shared(f.a, f.b, &f.address);
			if (f.size != 0)
				stop = cb(arg, &f);
		}
	return stop;
}

static int
fault_report(void *arg, const struct kv_layout_fault *f)
{
	static const char *const texts[] = {
	    [KV_LAYOUT_WRAPS] = "a region wraps at 2^64",
	    [KV_LAYOUT_NEGATIVE] = "a region ends before it starts",
	    [KV_LAYOUT_OUTSIDE] = "a region is outside the window",
	    [KV_LAYOUT_OVERLAP] = "two regions overlap"};

	return kv_diag_set(arg, EFAULT, "V", 9, f->address, texts[f->wrong]);
}

int
kv_layout_check(const struct kv_layout *l, struct kv_diag *diag)
{
	return kv_layout_walk_faults(l, fault_report, diag);
}

static int
fault_count(void *arg, const struct kv_layout_fault *f)
{
	struct kv_layout_stats *s = arg;

	s->wraps += f->wrong == KV_LAYOUT_WRAPS;
	s->negative += f->wrong == KV_LAYOUT_NEGATIVE;
	s->outside += f->wrong == KV_LAYOUT_OUTSIDE;
	if (f->wrong != KV_LAYOUT_OVERLAP)
		return 0;
	s->overlaps++;
	s->overlap_size += f->size;
	return 0;
}

struct kv_layout_stats
kv_layout_stats(const struct kv_layout *l)
{
	struct kv_layout_stats s = {.regions = l->count};
	size_t i;

	for (i = 0; i < l->count; i++)
		s.clamped += (l->regions[i].flags & KV_REGION_CLAMPED) != 0;
	kv_layout_walk_faults(l, fault_count, &s);
	return s;
}

/* ---- Diff -------------------------------------------------------------- */

/* to - from, modulo 2^64, as a signed number. */
static int64_t
difference(uint64_t from, uint64_t to)
{
	uint64_t d = to - from;

	return is_negative(d) ? -(int64_t)(~d) - 1 : (int64_t)d;
}

int
kv_layout_diff(const struct kv_layout *from, const struct kv_layout *to,
    kv_layout_change_fn *cb, void *arg)
{
	size_t i;
	int stop = 0;

	for (i = 0; i < to->count && stop == 0; i++) {
		struct kv_layout_change c = {.to = &to->regions[i]};

		c.from = kv_layout_find(from, c.to->name);
		if (c.from != NULL) {
			c.moved = difference(c.from->base, c.to->base);
			c.grown = difference(c.from->size, c.to->size);
		}
		stop = cb(arg, &c);
	}
	for (i = 0; i < from->count && stop == 0; i++) {
		struct kv_layout_change c = {.from = &from->regions[i]};

		if (kv_layout_find(to, c.from->name) == NULL)
			stop = cb(arg, &c);
	}
	return stop;
}
