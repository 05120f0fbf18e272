/* SPDX-License-Identifier: BSD-2-Clause */
/* segalign.h - segments of an image: linked by alignment, loaded by pages */
#ifndef KV_SEGALIGN_H
#define KV_SEGALIGN_H

#include "base.h"

/* Rights of a segment; none of them: it is in the file, but not loaded. */
enum { KV_SEG_R = 1, KV_SEG_W = 2, KV_SEG_X = 4 };

/* ---- Link -------------------------------------------------------------- */

/* Sections of one kind, which stay together. */
struct kv_segment {
	const char *name;      /* not owned */
	unsigned prot;	       /* KV_SEG_* */
	bool pack;	       /* never starts on a boundary of its own */
	const uint64_t *sizes; /* of its sections, bytes; not owned */
	size_t nsizes;	       /* 0: the image has none of them */
};

/* Where a segment came to lie. */
struct kv_segment_place {
	uint64_t offset; /* in the file */
	uint64_t va;	 /* from where the image is loaded */
	uint64_t size;	 /* bytes, with what is between its sections */
	uint64_t pad;	 /* bytes of the file before it that are nobody's */
};

/* An image as a linker makes it. */
struct kv_image_config {
	uint64_t align; /* of what starts on a boundary; a power of two */
	uint64_t unit;	/* of every section; a power of two */
	bool congruent; /* no padding in the file: va = offset mod align */
};

enum { KV_IMAGE_SEGMENTS = 16 };

/*
 * Lay out the segments in their order.  A boundary is due where the rights
 * change, but not for what is not loaded behind what nobody writes, not for
 * what is to be packed, and not where align is no more than unit.
 * => 0, *bytes = size of the file, place[i] where nsizes is not 0;
 *    EINVAL: align or unit no power of two, too many segments, no bytes;
 *    ERANGE: beyond 2^62
 */
int kv_image_link(const struct kv_image_config *cfg,
    const struct kv_segment *segments, size_t nsegments,
    struct kv_segment_place *place, uint64_t *bytes);

/* ---- Load -------------------------------------------------------------- */

enum kv_image_mapper {
	/* All of it readable, then rights for each segment that is written;
	 * of that range the end is rounded up and the start must be right. */
	KV_IMAGE_WHOLE,
	/* Each segment with its rights, both ends rounded; later ones win. */
	KV_IMAGE_PER_SEGMENT,
	/* The same of a congruent image: file and address are apart, so pages
	 * at a boundary are mapped twice. */
	KV_IMAGE_CONGRUENT
};

struct kv_image_load_config {
	enum kv_image_mapper mapper;
	uint64_t page;	      /* bytes; a power of two */
	uint64_t granularity; /* of where a mapping may start, bytes; a power
				 of two; 0: the page.  Rights go by pages */
	bool skip;	      /* WHOLE: the loader gives no rights at all */
	bool round_down;      /* WHOLE: round the start, too */
};

enum kv_image_outcome {
	KV_IMAGE_OK,
	KV_IMAGE_EINVAL, /* a start is on no page, or off its place in it */
	KV_IMAGE_SKIPPED /* loaded, but something to be written is not */
};

/* What became of one segment's bytes. */
struct kv_segment_load {
	uint64_t exposed; /* can be written, though it asks for no W */
	uint64_t lost;	  /* lack a right that it asks for */
};

struct kv_image_load {
	enum kv_image_outcome outcome;
	uint64_t writable_pages;
	uint64_t private_bytes; /* when all that is to be written was */
	uint64_t doubled_pages; /* of the file, at more than one address */
};

/*
 * Load a linked image at an address that is a multiple of the page.
 * => 0, *load and seg[i] where nsizes is not 0; EINVAL: page no power of two;
 *    ERANGE: a page beyond 2^62
 */
int kv_image_load(const struct kv_image_load_config *cfg,
    const struct kv_segment *segments, size_t nsegments,
    const struct kv_segment_place *place, uint64_t bytes,
    struct kv_segment_load *seg, struct kv_image_load *load);

#endif
