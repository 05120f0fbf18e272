/* SPDX-License-Identifier: BSD-2-Clause */
/* section_image.c - the section image: segments linked, then loaded */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "in/lex.h"
#include "in/sections.h"
#include "out/mem.h"

enum { SECTIONS_MAX = 10000, UNIT = 8 };

/* ---- Keys ------------------------------------------------------------- */

struct image_args {
	uint64_t align, unit, page, granularity;
	unsigned mapper;
	bool skip, round_down;
	const struct kv_node *segments;
};
#define AT(field) offsetof(struct image_args, field)

static const char *const mappers[] = {[KV_IMAGE_WHOLE] = "whole",
    [KV_IMAGE_PER_SEGMENT] = "per_segment",
    [KV_IMAGE_CONGRUENT] = "congruent",
    NULL};

static const struct kv_field image_fields[] = {{.key = "align",
						   .kind = KV_FIELD_UINT,
						   .offset = AT(align),
						   .required = true,
						   .min = 1},
    {.key = "unit", .kind = KV_FIELD_UINT, .offset = AT(unit), .min = 1},
    {.key = "page", .kind = KV_FIELD_UINT, .offset = AT(page), .min = 1},
    {.key = "granularity",
	.kind = KV_FIELD_UINT,
	.offset = AT(granularity),
	.min = 1},
    {.key = "mapper",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(mapper),
	.words = mappers},
    {.key = "skip", .kind = KV_FIELD_BOOL, .offset = AT(skip)},
    {.key = "round_down", .kind = KV_FIELD_BOOL, .offset = AT(round_down)},
    {.key = "segments",
	.kind = KV_FIELD_NODE,
	.offset = AT(segments),
	.required = true}};
enum { IMAGE_FIELDS = sizeof(image_fields) / sizeof(image_fields[0]) };
#undef AT

struct segment_args {
	unsigned prot;
	bool pack;
	const struct kv_node *sizes;
};

static const char *const prots[] = {"none", "r", "rw", "rx", "rwx", NULL};
static const unsigned rights[] = {0, KV_SEG_R, KV_SEG_R | KV_SEG_W,
    KV_SEG_R | KV_SEG_X, KV_SEG_R | KV_SEG_W | KV_SEG_X};

static const struct kv_field segment_fields[] = {
    {.key = "prot",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct segment_args, prot),
	.required = true,
	.words = prots},
    {.key = "pack",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct segment_args, pack)},
    {.key = "sizes",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct segment_args, sizes),
	.required = true}};
enum { SEGMENT_FIELDS = 3 };

/* ---- Sizes ------------------------------------------------------------ */

struct sizes {
	uint64_t *list; /* owned */
	size_t count;
};

static int
size_add(struct kv_load *ld, const struct kv_node *node, struct sizes *s,
    uint64_t size)
{
	if (s->count == SECTIONS_MAX)
		return kv_load_refuse(
		    ld, node, "more than %d sections", SECTIONS_MAX);
	s->list = kv_mem_resize(s->list, s->count + 1, sizeof(*s->list));
	s->list[s->count++] = size;
	return 0;
}

/* Numbers with blanks between them. */
static int
read_numbers(struct kv_load *ld, const struct kv_node *node, const char *text,
    struct sizes *s)
{
	struct kv_lexer lx;
	struct kv_token t;

	kv_lexer_init(&lx, text, strlen(text), 1, 1);
	for (;;) {
		kv_lexer_next(&lx, &t);
		if (t.kind == KV_TOKEN_END)
			return 0;
		if (t.kind != KV_TOKEN_UINT)
			return kv_load_refuse(ld, node,
			    "'%.40s': sizes are numbers with blanks between "
			    "them, or 'none'",
			    text);
		if (size_add(ld, node, s, t.u) != 0)
			return EINVAL;
	}
}

static int
read_one(struct kv_load *ld, const struct kv_node *node, struct sizes *s)
{
	static const struct kv_field field = {
	    .key = "sizes", .kind = KV_FIELD_UINT};
	uint64_t size;

	if (kv_load_value(ld, node, &field, &size) != 0)
		return EINVAL;
	return size_add(ld, node, s, size);
}

/* A list of numbers, one of them, a text of them, or none. */
static int
read_sizes(struct kv_load *ld, const struct kv_node *node, struct sizes *s)
{
	const struct kv_param_def *def;
	const struct kv_node *item;
	const char *text = NULL;
	int error = 0;

	if (node->kind == KV_NODE_LIST) {
		for (item = node->child; item != NULL && error == 0;
		     item = item->next)
			error = read_one(ld, item, s);
		return error;
	}
	if (node->kind != KV_NODE_SCALAR)
		return kv_load_refuse(ld, node, "'sizes' needs numbers");
	def = kv_params_find(&ld->params, node->text);
	if (node->quoted || strcmp(node->text, "none") == 0 ||
	    strchr("0123456789", *node->text) != NULL)
		text = node->text;
	else if (def != NULL && def->value.kind == KV_VALUE_WORD)
		text = def->value.w;
	if (def != NULL && def->state != KV_PARAM_DONE)
		return EINVAL;
	if (text == NULL)
		return read_one(ld, node, s);
	return strcmp(text, "none") == 0 ? 0 : read_numbers(ld, node, text, s);
}

/* ---- Segments --------------------------------------------------------- */

static void
read_segment(
    struct kv_load *ld, struct kv_image_spec *im, const struct kv_node *key)
{
	struct segment_args a = {0};
	struct sizes sizes = {0};
	uint64_t *kept;
	size_t i;

	if (!kv_load_new_name(ld, key, &ld->segments, "a segment"))
		return;
	if (im->nsegments == KV_IMAGE_SEGMENTS) {
		kv_load_refuse(
		    ld, key, "more than %d segments", KV_IMAGE_SEGMENTS);
		return;
	}
	kv_names_add(&ld->segments, key->text, &i);
	if (kv_fields_read(ld, key->next, key->text, "key", segment_fields,
		SEGMENT_FIELDS, &a) != 0)
		return;
	if (read_sizes(ld, a.sizes, &sizes) == 0) {
		kept = kv_pool_alloc(
		    &ld->sc->pool, (sizes.count + 1) * sizeof(*kept));
		if (sizes.count != 0)
			memcpy(kept, sizes.list, sizes.count * sizeof(*kept));
		im->segments[im->nsegments++] =
		    (struct kv_segment){.name = key->text,
			.prot = rights[a.prot],
			.pack = a.pack,
			.sizes = kept,
			.nsizes = sizes.count};
	}
	kv_mem_free(sizes.list);
}

static bool
check_powers(
    struct kv_load *ld, const struct kv_node *node, const struct image_args *a)
{
	const struct {
		const char *key;
		uint64_t value;
	} powers[] = {{"align", a->align}, {"unit", a->unit}, {"page", a->page},
	    {"granularity", a->granularity == 0 ? 1 : a->granularity}};
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(powers) / sizeof(powers[0]); i++) {
		const struct kv_node *at = kv_map_get(node, powers[i].key);

		if (kv_is_pow2(powers[i].value) &&
		    powers[i].value <= UINT64_C(1) << 40)
			continue;
		kv_load_refuse(ld, at != NULL ? at : node,
		    "'%s' (0x%" PRIx64 ") is no power of two up to 1T",
		    powers[i].key, powers[i].value);
		good = false;
	}
	return good;
}

static void
solve(struct kv_load *ld, const struct kv_node *node,
    const struct image_args *a, struct kv_image_spec *im)
{
	const struct kv_image_config link = {.align = a->align,
	    .unit = a->unit,
	    .congruent = a->mapper == KV_IMAGE_CONGRUENT};
	const struct kv_image_load_config load = {
	    .mapper = (enum kv_image_mapper)a->mapper,
	    .page = a->page,
	    .granularity = a->granularity,
	    .skip = a->skip,
	    .round_down = a->round_down};
	int error = kv_image_link(
	    &link, im->segments, im->nsegments, im->places, &im->bytes);

	if (error == 0)
		error = kv_image_load(&load, im->segments, im->nsegments,
		    im->places, im->bytes, im->loads, &im->load);
	if (error == ERANGE)
		kv_load_refuse(ld, node, "the image is beyond 2^62 bytes");
	else if (error != 0)
		kv_load_refuse(ld, node, "the image has no bytes");
}

void
kv_section_image(struct kv_load *ld, const struct kv_node *node)
{
	struct kv_image_spec *im;
	const struct kv_node *key;
	struct image_args a = {
	    .unit = UNIT, .page = kv_machine_page_size(ld->sc->machine)};
	size_t before = kv_errors_noted(ld->errors);

	if (node == NULL)
		return;
	im = ld->sc->image = kv_pool_alloc(&ld->sc->pool, sizeof(*im));
	if (kv_fields_read(ld, node, "image", "key", image_fields, IMAGE_FIELDS,
		&a) != 0 &&
	    a.segments == NULL)
		return;
	key = kv_load_entries(ld, a.segments, "segments");
	for (; key != NULL; key = key->next->next)
		read_segment(ld, im, key);
	if (check_powers(ld, node, &a) && kv_errors_noted(ld->errors) == before)
		solve(ld, node, &a, im);
}
