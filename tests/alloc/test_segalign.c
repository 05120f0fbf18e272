/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_segalign.c - images against a map of every byte
 *
 * Random images with segments of all rights are linked and loaded; the oracle
 * marks the owner of every byte and the rights of every page, one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

enum {
	SEGMENTS = 5,
	SECTIONS = 4,
	BYTES = 1 << 15,
	ROUNDS = KV_TEST_CASES(3000)
};

static const unsigned prots[] = {0, KV_SEG_R, KV_SEG_R | KV_SEG_W,
    KV_SEG_R | KV_SEG_X, KV_SEG_R | KV_SEG_W | KV_SEG_X};

struct image {
	uint64_t sizes[SEGMENTS][SECTIONS];
	struct kv_segment segments[SEGMENTS];
	struct kv_segment_place places[SEGMENTS];
	struct kv_segment_load loads[SEGMENTS];
	struct kv_image_config link;
	struct kv_image_load_config cfg;
	struct kv_image_load load;
	uint64_t bytes;
};

static uint64_t
below(uint64_t n)
{
	return (uint64_t)rand() % n;
}

static void
make(struct image *im, bool congruent)
{
	*im = (struct image){.link = {.align = UINT64_C(1) << below(11),
				 .unit = UINT64_C(1) << below(5),
				 .congruent = congruent},
	    .cfg = {.page = UINT64_C(1) << below(11),
		.skip = below(8) == 0,
		.round_down = below(2) == 0}};
	if (below(3) == 0)
		im->cfg.granularity = im->cfg.page << below(4);
	im->cfg.mapper = congruent	 ? KV_IMAGE_CONGRUENT
			 : below(2) == 0 ? KV_IMAGE_WHOLE
					 : KV_IMAGE_PER_SEGMENT;
	for (size_t i = 0; i < SEGMENTS; i++) {
		struct kv_segment *s = &im->segments[i];

		*s = (struct kv_segment){.prot = prots[below(5)],
		    .pack = below(6) == 0,
		    .sizes = im->sizes[i],
		    .nsizes = below(SECTIONS + 1)};
		for (size_t j = 0; j < SECTIONS; j++)
			im->sizes[i][j] = 1 + below(500);
	}
	im->segments[0].nsizes = 1;
}

/* ---- Where things are --------------------------------------------------- */

static uint64_t
up(uint64_t x, uint64_t step)
{
	while (x % step != 0)
		x++;
	return x;
}

/* Byte by byte: who owns each byte of the file. */
static void
check_places(const struct image *im)
{
	static int owner[BYTES];
	uint64_t at = 0, va_at = 0;
	int last = -1;

	memset(owner, -1, sizeof(owner));
	for (int i = 0; i < SEGMENTS; i++) {
		const struct kv_segment *s = &im->segments[i];
		const struct kv_segment_place *p = &im->places[i];
		const struct kv_segment *before =
		    last < 0 ? NULL : &im->segments[last];
		uint64_t end = 0, taken = 0;
		bool apart;

		if (s->nsizes == 0)
			continue;
		apart = before != NULL && before->prot != s->prot && !s->pack &&
			im->link.align > im->link.unit &&
			(s->prot != 0 || (before->prot & KV_SEG_W) != 0);
		for (size_t j = 0; j < s->nsizes; j++)
			end = up(end, im->link.unit) + s->sizes[j];
		ck_assert_uint_eq(p->size, end);
		if (apart && !im->link.congruent)
			ck_assert_uint_eq(p->offset, up(at, im->link.align));
		else
			ck_assert_uint_eq(p->offset, up(at, im->link.unit));
		if (apart || !im->link.congruent)
			ck_assert_uint_eq(
			    (p->va - p->offset) % (apart ? im->link.align : 1),
			    0);
		if (apart) {
			/* The last of before and the first of this stand in
			 * different blocks. */
			ck_assert_uint_ge(p->va / im->link.align,
			    (va_at + im->link.align - 1) / im->link.align);
			ck_assert_uint_lt(p->va, va_at + 2 * im->link.align);
		}
		if (!im->link.congruent)
			ck_assert_uint_eq(p->va, p->offset);
		ck_assert_uint_eq(p->pad, p->offset - at);
		for (uint64_t b = p->offset; b < p->offset + p->size; b++) {
			taken += owner[b] != -1;
			owner[b] = i;
		}
		ck_assert_uint_eq(taken, 0);
		at = p->offset + p->size;
		va_at = p->va + p->size;
		last = i;
	}
	ck_assert_uint_eq(im->bytes, at);
}

/* ---- What becomes of them ----------------------------------------------- */

struct pages {
	unsigned prot[BYTES];
};

static void
give(struct pages *pg, const struct image *im, size_t i)
{
	uint64_t page = im->cfg.page, at;
	uint64_t end = im->places[i].va + im->places[i].size;

	for (at = im->places[i].va / page; at * page < end; at++)
		pg->prot[at] = im->segments[i].prot;
}

static enum kv_image_outcome
map_all(struct pages *pg, const struct image *im)
{
	uint64_t page = im->cfg.page;
	bool whole = im->cfg.mapper == KV_IMAGE_WHOLE;

	memset(pg, 0, sizeof(*pg));
	for (uint64_t at = 0; whole && at * page < im->bytes; at++)
		pg->prot[at] = KV_SEG_R;
	for (size_t i = 0; i < SEGMENTS; i++) {
		const struct kv_segment *s = &im->segments[i];
		const struct kv_segment_place *p = &im->places[i];

		if (s->nsizes == 0 || s->prot == 0 ||
		    (whole && (s->prot & KV_SEG_W) == 0))
			continue;
		if (whole && im->cfg.skip)
			return KV_IMAGE_SKIPPED;
		if (whole ? p->va % page != 0 && !im->cfg.round_down
			  : p->va % page != p->offset % page)
			return KV_IMAGE_EINVAL;
		/* Both a mapping's address and its place in the file. */
		if (!whole && im->cfg.granularity != 0 &&
		    (p->va / page * page % im->cfg.granularity != 0 ||
			p->offset / page * page % im->cfg.granularity != 0))
			return KV_IMAGE_EINVAL;
		give(pg, im, i);
	}
	return KV_IMAGE_OK;
}

static void
check_load(const struct image *im)
{
	static struct pages pg;
	uint64_t writable = 0;

	ck_assert_int_eq(map_all(&pg, im), im->load.outcome);
	for (size_t i = 0; i < BYTES; i++)
		writable += (pg.prot[i] & KV_SEG_W) != 0;
	ck_assert_uint_eq(im->load.writable_pages, writable);
	ck_assert_uint_eq(im->load.private_bytes, writable * im->cfg.page);
	for (size_t i = 0; i < SEGMENTS; i++) {
		const struct kv_segment *s = &im->segments[i];
		const struct kv_segment_place *p = &im->places[i];
		uint64_t exposed = 0, lost = 0;

		if (s->nsizes == 0)
			continue;
		for (uint64_t b = p->va; b < p->va + p->size; b++) {
			unsigned have = pg.prot[b / im->cfg.page];

			exposed +=
			    (have & KV_SEG_W) != 0 && (s->prot & KV_SEG_W) == 0;
			lost += (s->prot & ~have) != 0;
		}
		if (s->prot == 0 && im->link.congruent)
			exposed = 0;
		ck_assert_uint_eq(im->loads[i].exposed, exposed);
		ck_assert_uint_eq(im->loads[i].lost, lost);
	}
}

START_TEST(every_byte)
{
	static struct image im;
	int outcomes[3] = {0};

	srand(11);
	for (int i = 0; i < ROUNDS; i++) {
		make(&im, i % 3 == 0);
		ck_assert_int_eq(kv_image_link(&im.link, im.segments, SEGMENTS,
				     im.places, &im.bytes),
		    0);
		check_places(&im);
		ck_assert_int_eq(kv_image_load(&im.cfg, im.segments, SEGMENTS,
				     im.places, im.bytes, im.loads, &im.load),
		    0);
		check_load(&im);
		outcomes[im.load.outcome]++;
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_gt(outcomes[i], ROUNDS / 50);
}
END_TEST

/* systems.md 4.5: 6042997 bytes, data at 3891712, one page mapped twice. */
START_TEST(congruent)
{
	static const uint64_t r[] = {232, 361599, 3417108, 47114, 112};
	static const uint64_t rw[] = {586912};
	const struct kv_segment segments[] = {
	    {.prot = KV_SEG_R, .sizes = r, .nsizes = 5},
	    {.prot = KV_SEG_R | KV_SEG_W, .sizes = rw, .nsizes = 1}};
	const struct kv_image_config link = {65536, 8, true};
	struct kv_image_load_config cfg = {
	    .mapper = KV_IMAGE_CONGRUENT, .page = 65536};
	struct kv_segment_place place[2];
	struct kv_segment_load seg[2];
	struct kv_image_load load;
	uint64_t bytes;

	ck_assert_int_eq(kv_image_link(&link, segments, 2, place, &bytes), 0);
	ck_assert_uint_eq(bytes, 3826176 + 586912);
	ck_assert_uint_eq(place[1].va, 3866624 + 25088);
	ck_assert_uint_eq(place[1].pad, 0);
	ck_assert_int_eq(
	    kv_image_load(&cfg, segments, 2, place, bytes, seg, &load), 0);
	ck_assert_int_eq(load.outcome, KV_IMAGE_OK);
	ck_assert_uint_eq(load.doubled_pages, 1);
	ck_assert_uint_eq(seg[0].exposed + seg[0].lost + seg[1].lost, 0);
	cfg.page = 131072;
	ck_assert_int_eq(
	    kv_image_load(&cfg, segments, 2, place, bytes, seg, &load), 0);
	ck_assert_int_eq(load.outcome, KV_IMAGE_EINVAL);
}
END_TEST

START_TEST(limits)
{
	const uint64_t big = UINT64_C(1) << 62, one = 1;
	struct kv_segment s[17];
	struct kv_image_config link = {8, 8, false};
	struct kv_segment_place place[17];
	uint64_t bytes = 77;

	for (size_t i = 0; i < 17; i++)
		s[i] = (struct kv_segment){.sizes = &one, .nsizes = 0};
	ck_assert_int_eq(kv_image_link(&link, s, 16, place, &bytes), EINVAL);
	s[0].nsizes = 1;
	ck_assert_int_eq(kv_image_link(&link, s, 17, place, &bytes), EINVAL);
	link.align = 24;
	ck_assert_int_eq(kv_image_link(&link, s, 1, place, &bytes), EINVAL);
	link.align = 8;
	link.unit = 0;
	ck_assert_int_eq(kv_image_link(&link, s, 1, place, &bytes), EINVAL);
	link.unit = 8;
	s[1] = (struct kv_segment){.sizes = &big, .nsizes = 1};
	ck_assert_int_eq(kv_image_link(&link, s, 2, place, &bytes), ERANGE);
	ck_assert_uint_eq(bytes, 77);
	ck_assert_int_eq(kv_image_link(&link, s + 1, 1, place, &bytes), 0);
	ck_assert_uint_eq(bytes, big);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("segalign");
	TCase *tc = tcase_create("segalign");

	tcase_add_test(tc, every_byte);
	tcase_add_test(tc, congruent);
	tcase_add_test(tc, limits);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
