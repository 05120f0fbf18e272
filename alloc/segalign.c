/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segalign.c - segments of an image: linked by alignment, loaded by pages
 *
 * 1 Concepts.  A linker decides once how far apart the parts of an image stand;
 *   a loader gives rights by pages of the machine it meets.  Where the distance
 *   is less than a page, two kinds of bytes share one, and either a loader
 *   refuses, or one of them gets the rights of the other.
 * 2 Representation.  A segment is a run of sections with the same rights.  What
 *   is mapped is a short list of ranges with rights, of which the last that
 *   covers a byte counts; no page is kept, so sizes cost nothing.
 * 3 Invariants.  Of a linked image: segments do not overlap, neither in the
 *   file nor in memory, and each stands at its place modulo align in both.
 *   Of a load: a page that can be written has a byte of a segment that is to
 *   be, so what is private when all of that is written is what is writable.
 * 4 Cost.  O(sections) to link, O(segments^2) to load.
 * 5 Fidelity.  spec systems.md 4: Guile's linker and loader, the mapper of
 *   Linux's program loader and the congruent layout of binutils.  Which pages
 *   a loader leaves alone is the caller's to say.  Exposed are bytes at the
 *   address that the image gives them: of a congruent image, a page that is
 *   mapped twice exposes nothing, nor can what has no address be exposed.
 */
#include "segalign.h"

#include "arith.h"

/* Addresses stay below, so that no sum of two wraps. */
static const uint64_t image_max = UINT64_C(1) << 62;

/* ---- Link -------------------------------------------------------------- */

/* What is known when the next segment is put. */
struct link {
	const struct kv_image_config *cfg;
	const struct kv_segment *last; /* NULL: none yet */
	uint64_t offset, va;	       /* behind it */
};

static bool
needs_boundary(const struct link *ln, const struct kv_segment *s)
{
	if (ln->last == NULL || s->pack || ln->cfg->align <= ln->cfg->unit)
		return false;
	if (s->prot == 0 && (ln->last->prot & KV_SEG_W) == 0)
		return false;
	return s->prot != ln->last->prot;
}

/* From the first byte of the first section to the last byte of the last.
 * => false: too large */
static bool
extent(const struct kv_segment *s, uint64_t unit, uint64_t *size)
{
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < s->nsizes; i++) {
		at = kv_align_up(at, unit);
		if (at > image_max || s->sizes[i] > image_max - at)
			return false;
		at += s->sizes[i];
	}
	*size = at;
	return true;
}

static int
put(struct link *ln, const struct kv_segment *s, struct kv_segment_place *p)
{
	const struct kv_image_config *cfg = ln->cfg;
	bool boundary = needs_boundary(ln, s);
	uint64_t align = boundary ? cfg->align : cfg->unit, size;

	if (!extent(s, cfg->unit, &size))
		return ERANGE;
	*p = (struct kv_segment_place){.size = size};
	if (boundary && cfg->congruent) {
		p->offset = kv_align_up(ln->offset, cfg->unit);
		p->va =
		    kv_align_up(ln->va, align) + (p->offset & (cfg->align - 1));
	} else {
		p->offset = kv_align_up(ln->offset, align);
		p->va = kv_align_up(ln->va, align);
	}
	if (p->offset > image_max || p->va > image_max ||
	    size > image_max - p->va)
		return ERANGE;
	p->pad = p->offset - ln->offset;
	ln->offset = p->offset + size;
	ln->va = p->va + size;
	ln->last = s;
	return 0;
}

int
kv_image_link(const struct kv_image_config *cfg,
    const struct kv_segment *segments, size_t nsegments,
    struct kv_segment_place *place, uint64_t *bytes)
{
	struct link ln = {.cfg = cfg};
	size_t i;
	int error = 0;

	if (!kv_is_pow2(cfg->align) || !kv_is_pow2(cfg->unit) ||
	    cfg->align > image_max || cfg->unit > image_max ||
	    nsegments > KV_IMAGE_SEGMENTS)
		return EINVAL;
	for (i = 0; i < nsegments && error == 0; i++)
		if (segments[i].nsizes != 0)
			error = put(&ln, &segments[i], &place[i]);
	if (error != 0)
		return error;
	if (ln.offset == 0)
		return EINVAL;
	*bytes = ln.offset;
	return 0;
}

/* ---- Map --------------------------------------------------------------- */

struct range {
	uint64_t start, end;
	unsigned prot;
};

/* What is mapped, in order; the last range that covers a byte counts. */
struct maps {
	struct range list[KV_IMAGE_SEGMENTS + 1];
	size_t count;
};

/* The segments that are there, with what is known of them. */
struct load {
	const struct kv_image_load_config *cfg;
	const struct kv_segment *segments;
	const struct kv_segment_place *place;
	size_t nsegments;
	struct maps maps;
};

static void
map(struct load *ld, size_t i)
{
	const struct kv_segment_place *p = &ld->place[i];
	uint64_t page = ld->cfg->page;

	ld->maps.list[ld->maps.count++] =
	    (struct range){kv_align_down(p->va, page),
		kv_align_up(p->va + p->size, page), ld->segments[i].prot};
}

/* Is the segment there, and are these rights among its own? */
static bool
is_loaded(const struct load *ld, size_t i, unsigned prot)
{
	return ld->segments[i].nsizes != 0 &&
	       (ld->segments[i].prot & prot) != 0;
}

static enum kv_image_outcome
map_whole(struct load *ld, uint64_t bytes)
{
	uint64_t page = ld->cfg->page;
	size_t i;

	ld->maps.list[ld->maps.count++] =
	    (struct range){0, kv_align_up(bytes, page), KV_SEG_R};
	for (i = 0; i < ld->nsegments; i++) {
		if (!is_loaded(ld, i, KV_SEG_W))
			continue;
		if (ld->cfg->skip)
			return KV_IMAGE_SKIPPED;
		if (ld->place[i].va % page != 0 && !ld->cfg->round_down)
			return KV_IMAGE_EINVAL;
		map(ld, i);
	}
	return KV_IMAGE_OK;
}

static enum kv_image_outcome
map_segments(struct load *ld)
{
	const unsigned any = KV_SEG_R | KV_SEG_W | KV_SEG_X;
	const uint64_t page = ld->cfg->page;
	uint64_t grain = ld->cfg->granularity;
	size_t i;

	if (grain < page)
		grain = page;

	for (i = 0; i < ld->nsegments; i++) {
		const struct kv_segment_place *p = &ld->place[i];

		if (!is_loaded(ld, i, any))
			continue;
		if ((p->va - p->offset) % grain != 0 ||
		    kv_align_down(p->va, page) % grain != 0)
			return KV_IMAGE_EINVAL;
		map(ld, i);
	}
	return KV_IMAGE_OK;
}

/* ---- Judge ------------------------------------------------------------- */

/* Rights at an address, and where they may change next: below *end. */
static unsigned
rights(const struct maps *m, uint64_t at, uint64_t *end)
{
	unsigned prot = 0;
	size_t i;

	for (i = 0; i < m->count; i++) {
		const struct range *r = &m->list[i];

		if (at < r->start && r->start < *end)
			*end = r->start;
		else if (r->start <= at && at < r->end) {
			prot = r->prot;
			if (r->end < *end)
				*end = r->end;
		}
	}
	return prot;
}

static struct kv_segment_load
judge(const struct load *ld, size_t i)
{
	unsigned own = ld->segments[i].prot, have;
	uint64_t at = ld->place[i].va, last = at + ld->place[i].size, end;
	struct kv_segment_load l = {0};

	if (own == 0 && ld->cfg->mapper == KV_IMAGE_CONGRUENT)
		return l;
	for (; at < last; at = end) {
		end = last;
		have = rights(&ld->maps, at, &end);
		if ((have & ~own & KV_SEG_W) != 0)
			l.exposed += end - at;
		if ((own & ~have) != 0)
			l.lost += end - at;
	}
	return l;
}

/* Bytes of all pages that can be written. */
static uint64_t
writable(const struct maps *m)
{
	uint64_t at = 0, last = 0, end, bytes = 0;
	size_t i;

	for (i = 0; i < m->count; i++)
		last = m->list[i].end > last ? m->list[i].end : last;
	for (; at < last; at = end) {
		end = last;
		if ((rights(m, at, &end) & KV_SEG_W) != 0)
			bytes += end - at;
	}
	return bytes;
}

/* Pages of the file that two neighbours both map, each at its own address. */
static uint64_t
doubled(const struct load *ld)
{
	const unsigned any = KV_SEG_R | KV_SEG_W | KV_SEG_X;
	uint64_t page = ld->cfg->page, start, end = 0, pages = 0;
	uint64_t apart = 0, was = 0;
	size_t i;

	for (i = 0; i < ld->nsegments; i++) {
		const struct kv_segment_place *p = &ld->place[i];

		if (!is_loaded(ld, i, any))
			continue;
		start = kv_align_down(p->offset, page);
		apart = p->va - p->offset;
		if (start < end && apart != was)
			pages += (end - start) / page;
		end = kv_align_up(p->offset + p->size, page);
		was = apart;
	}
	return pages;
}

int
kv_image_load(const struct kv_image_load_config *cfg,
    const struct kv_segment *segments, size_t nsegments,
    const struct kv_segment_place *place, uint64_t bytes,
    struct kv_segment_load *seg, struct kv_image_load *load)
{
	struct load ld = {.cfg = cfg,
	    .segments = segments,
	    .place = place,
	    .nsegments = nsegments};
	size_t i;

	if (!kv_is_pow2(cfg->page) || nsegments > KV_IMAGE_SEGMENTS ||
	    (cfg->granularity != 0 && !kv_is_pow2(cfg->granularity)))
		return EINVAL;
	if (cfg->page > image_max)
		return ERANGE;
	*load = (struct kv_image_load){0};
	load->outcome = cfg->mapper == KV_IMAGE_WHOLE ? map_whole(&ld, bytes)
						      : map_segments(&ld);
	for (i = 0; i < nsegments; i++)
		if (segments[i].nsizes != 0)
			seg[i] = judge(&ld, i);
	load->private_bytes = writable(&ld.maps);
	load->writable_pages = load->private_bytes / cfg->page;
	load->doubled_pages = doubled(&ld);
	return 0;
}
