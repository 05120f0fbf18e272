/* SPDX-License-Identifier: BSD-2-Clause */
/* section_spaces.c - the sections objects and spaces */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "in/lex.h"
#include "in/sections.h"
#include "out/mem.h"

enum { NAME_MAX_LENGTH = 15, ENTRIES_MAX = 256 };

bool
kv_load_new_name(struct kv_load *ld, const struct kv_node *key,
    const struct kv_names *names, const char *what)
{
	size_t length = key->kind == KV_NODE_SCALAR ? strlen(key->text) : 0, i;

	if (length == 0)
		return false;
	if (!kv_is_name(key->text, length) || length > NAME_MAX_LENGTH)
		kv_load_refuse(ld, key,
		    "'%.40s' cannot name %s (letters, digits and _, 15 at "
		    "most)",
		    key->text, what);
	else if (kv_names_find(names, key->text, &i))
		kv_load_refuse(ld, key, "'%s' stands here twice", key->text);
	else if (names->count == ENTRIES_MAX)
		kv_load_refuse(ld, key, "more than 256 of them");
	else
		return true;
	return false;
}

const struct kv_node *
kv_load_entries(
    struct kv_load *ld, const struct kv_node *section, const char *name)
{
	if (section == NULL || section->kind == KV_NODE_BAD)
		return NULL;
	if (section->kind == KV_NODE_MAP)
		return section->child;
	kv_load_refuse(ld, section, "'%s' needs a map: {name: {...}}", name);
	return NULL;
}

/* ---- objects --------------------------------------------------------- */

struct object_args {
	uint64_t pages, color, domain;
	unsigned fill;
	bool colored;
};
#define AT(field) offsetof(struct object_args, field)

static const char *const fills[] = {"distinct", "same", NULL};

static const struct kv_field object_fields[] = {{.key = "pages",
						    .kind = KV_FIELD_UINT,
						    .offset = AT(pages),
						    .required = true,
						    .min = 1,
						    .max = UINT64_C(1) << 52},
    {.key = "colored", .kind = KV_FIELD_BOOL, .offset = AT(colored)},
    {.key = "color",
	.kind = KV_FIELD_UINT,
	.offset = AT(color),
	.max = UINT16_MAX},
    {.key = "domain", .kind = KV_FIELD_UINT, .offset = AT(domain)},
    {.key = "fill",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(fill),
	.words = fills}};
enum { OBJECT_FIELDS = 5 };
#undef AT

/* The name is known even where its values are wrong: one error is enough. */
static void
read_object(struct kv_load *ld, const struct kv_node *key)
{
	struct kv_scenario *sc = ld->sc;
	const struct kv_node *map = key->next;
	struct object_args a = {.pages = 1, .colored = true};
	size_t i;

	if (!kv_load_new_name(ld, key, &ld->objects, "an object"))
		return;
	if (kv_fields_read(ld, map, key->text, "key", object_fields,
		OBJECT_FIELDS, &a) == 0 &&
	    a.domain >= sc->ndomains)
		kv_load_refuse(ld, kv_map_get(map, "domain"),
		    "domain %" PRIu64 " is not there: the machine has %u",
		    a.domain, sc->ndomains);
	kv_names_add(&ld->objects, key->text, &i);
	sc->objects =
	    kv_mem_resize(sc->objects, sc->nobjects + 1, sizeof(*sc->objects));
	sc->objects[sc->nobjects++] = (struct kv_object_spec){.name = key->text,
	    .npages = a.pages,
	    .colored = a.colored,
	    .color = (unsigned)a.color,
	    .domain = (unsigned)a.domain,
	    .same = a.fill == 1};
}

void
kv_section_objects(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *key = kv_load_entries(ld, node, "objects");

	ld->sc->paging |= node != NULL;
	for (; key != NULL; key = key->next->next)
		read_object(ld, key);
}

/* ---- spaces ---------------------------------------------------------- */

struct space_args {
	const char *format, *tables;
	const struct kv_node *image, *reserved;
	bool promotion, shared;
	unsigned split, join;
};

static const char *const joins[] = {"exact", "unaligned", NULL};
static const char *const splits[] = {[KV_PMAP_SPLIT_EXACT] = "exact",
    [KV_PMAP_SPLIT_FRAME] = "loses_frame",
    [KV_PMAP_SPLIT_RIGHT] = "loses_right",
    NULL};

struct image_args {
	uint64_t va, pages, key;
};

static const struct kv_field image_fields[] = {
    {.key = "va",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct image_args, va),
	.required = true},
    {.key = "pages",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct image_args, pages),
	.required = true,
	.min = 1},
    {.key = "key",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct image_args, key)}};
enum { IMAGE_FIELDS = 3 };

struct reserved_args {
	uint64_t base, size;
	unsigned guard;
};

static const char *const guards[] = {"refuse", "none", NULL};

static const struct kv_field reserved_fields[] = {
    {.key = "base",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct reserved_args, base),
	.required = true},
    {.key = "size",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct reserved_args, size),
	.required = true,
	.min = 1},
    {.key = "guard",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct reserved_args, guard),
	.words = guards}};
enum { RESERVED_FIELDS = 3 };

static const struct kv_field space_fields[] = {
    {.key = "format",
	.kind = KV_FIELD_WORD,
	.offset = offsetof(struct space_args, format)},
    {.key = "promotion",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct space_args, promotion)},
    {.key = "image",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct space_args, image)},
    {.key = "tables",
	.kind = KV_FIELD_WORD,
	.offset = offsetof(struct space_args, tables)},
    {.key = "template",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct space_args, shared)},
    {.key = "reserved",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct space_args, reserved)},
    {.key = "join",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct space_args, join),
	.words = joins},
    {.key = "split",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct space_args, split),
	.words = splits}};
enum { SPACE_FIELDS = 8 };

/* Its pages must be as large as the machine's frames. */
static const struct kv_pte_format *
find_format(struct kv_load *ld, const struct kv_node *node, const char *name)
{
	const struct kv_pte_format *found = kv_pte_find(name), *table;
	const char *names[32];
	size_t count, i;

	if (found != NULL && found->page_shift != ld->sc->machine->page_shift)
		kv_load_refuse(ld, node,
		    "pages of format '%s' have %" PRIu64 " bytes, those of "
		    "the machine %" PRIu64,
		    name, UINT64_C(1) << found->page_shift,
		    kv_machine_page_size(ld->sc->machine));
	if (found != NULL)
		return found;
	table = kv_pte_table(&count);
	for (i = 0; i < count && i < 32; i++)
		names[i] = table[i].name;
	kv_load_unknown(ld, node, "format", name, names, i);
	return NULL;
}

/* image: {va, pages}: whole pages that do not wrap. */
static void
read_image(
    struct kv_load *ld, const struct kv_node *node, struct kv_space_spec *space)
{
	uint64_t page = kv_machine_page_size(ld->sc->machine), size;
	struct image_args a = {.key = (uint64_t)(space - ld->sc->spaces)};

	if (kv_fields_read(
		ld, node, "image", "key", image_fields, IMAGE_FIELDS, &a) != 0)
		return;
	if (a.va % page != 0)
		kv_load_refuse(ld, kv_map_get(node, "va"),
		    "'va' (0x%" PRIx64 ") is no multiple of 0x%" PRIx64, a.va,
		    page);
	else if (!kv_mul(a.pages, page, &size) || size > UINT64_MAX - a.va)
		kv_load_refuse(ld, kv_map_get(node, "pages"),
		    "%" PRIu64 " pages from there end beyond 2^64", a.pages);
	space->image_va = a.va;
	space->image_pages = a.pages;
	space->image_key = a.key;
}

/* reserved: {base, size}: a range that does not wrap. */
static void
read_reserved(
    struct kv_load *ld, const struct kv_node *node, struct kv_space_spec *space)
{
	struct reserved_args a = {0};

	if (kv_fields_read(ld, node, "reserved", "key", reserved_fields,
		RESERVED_FIELDS, &a) != 0)
		return;
	if (a.size - 1 > UINT64_MAX - a.base)
		kv_load_refuse(
		    ld, kv_map_get(node, "size"), "base + size is beyond 2^64");
	space->reserved = a.base;
	space->reserved_size = a.size;
	space->unguarded = a.guard == 1;
}

/* The pool of a space: its root must fit in, beside the others'.
 * => 0; EINVAL, noted */
static int
find_pool(struct kv_load *ld, const struct kv_node *key, const char *name,
    size_t space, size_t *tables)
{
	const struct kv_node *node = kv_map_get(key->next, "tables");
	const struct kv_scenario *sc = ld->sc;
	uint64_t roots = 1;
	size_t i, pool;

	if (kv_load_pool(ld, node, name, &pool) != 0)
		return EINVAL;
	if (space == 0 && sc->kstacks.present)
		return kv_load_refuse(ld, node,
		    "tables of kernel stacks come from nowhere in particular: "
		    "'tables' is of another space");
	for (i = 0; i < sc->nspaces; i++)
		roots += i != space && sc->spaces[i].tables == pool + 1;
	if (roots > sc->pools[pool].capacity - sc->pools[pool].reserve)
		return kv_load_refuse(ld, node,
		    "pool '%s' has no room for the root of this space", name);
	*tables = pool + 1;
	return 0;
}

static void
read_space(struct kv_load *ld, const struct kv_node *key)
{
	struct kv_scenario *sc = ld->sc;
	const struct kv_node *map = key->next;
	struct space_args a = {.promotion = true};
	const struct kv_pte_format *format = NULL;
	size_t tables = 0, i;

	kv_fields_read(
	    ld, map, key->text, "key", space_fields, SPACE_FIELDS, &a);
	if (a.format != NULL)
		format = find_format(ld, kv_map_get(map, "format"), a.format);
	if (!kv_names_find(&ld->spaces, key->text, &i)) {
		kv_names_add(&ld->spaces, key->text, &i);
		sc->spaces = kv_mem_resize(
		    sc->spaces, sc->nspaces + 1, sizeof(*sc->spaces));
		sc->nspaces++;
	}
	if (format == NULL)
		format = kv_pte_find(sc->machine->name);
	sc->spaces[i].tables = 0;
	if (a.tables != NULL)
		(void)find_pool(ld, key, a.tables, i, &tables);
	sc->spaces[i] = (struct kv_space_spec){.name = key->text,
	    .format = format,
	    .promotion = a.promotion,
	    .tables = tables,
	    .split = (enum kv_pmap_split)a.split,
	    .join_any = a.join != 0,
	    .shared = a.shared};
	if (a.image != NULL)
		read_image(ld, a.image, &sc->spaces[i]);
	if (a.reserved != NULL)
		read_reserved(ld, a.reserved, &sc->spaces[i]);
}

static void
add_kernel(struct kv_load *ld)
{
	struct kv_scenario *sc = ld->sc;
	size_t i;

	sc->spaces = kv_mem_resize(NULL, 1, sizeof(*sc->spaces));
	sc->spaces[0] = (struct kv_space_spec){.name = "kernel",
	    .format = kv_pte_find(sc->machine->name),
	    .promotion = true};
	sc->nspaces = 1;
	kv_names_add(&ld->spaces, "kernel", &i);
}

void
kv_section_spaces(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *key = kv_load_entries(ld, node, "spaces"), *k;
	struct kv_names seen = {0};
	size_t i;

	add_kernel(ld);
	ld->sc->paging |= node != NULL;
	for (k = key; k != NULL; k = k->next->next)
		if (kv_load_new_name(ld, k, &seen, "a space")) {
			kv_names_add(&seen, k->text, &i);
			read_space(ld, k);
		}
	kv_names_fini(&seen);
}

int
kv_load_space(struct kv_load *ld, const struct kv_node *node, const char *name,
    unsigned *space)
{
	size_t i;

	if (!kv_names_find(&ld->spaces, name, &i))
		return kv_load_unknown(
		    ld, node, "space", name, ld->spaces.list, ld->spaces.count);
	*space = (unsigned)i;
	return 0;
}
