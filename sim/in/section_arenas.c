/* SPDX-License-Identifier: BSD-2-Clause */
/* section_arenas.c - the section arenas: read, put in order, checked */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in/lex.h"
#include "in/sections.h"
#include "out/mem.h"

enum { NAME_MAX_LENGTH = 15, ARENAS_MAX = 256, CHAIN_MAX = 200 };

struct arena_args {
	uint64_t base, size, quantum, qcache, limit;
	uint64_t import_quantum, import_align;
	bool release, relist;
	const char *parent;
	const struct kv_node *kstack;
	unsigned dialect;
};
#define AT(field) offsetof(struct arena_args, field)

/* Whose free lists and fits; the number is the spec's pow2. */
static const char *const dialects[] = {"freebsd", "illumos", NULL};

static const struct kv_field arena_fields[] = {
    {.key = "base", .kind = KV_FIELD_UINT, .offset = AT(base)},
    {.key = "size", .kind = KV_FIELD_UINT, .offset = AT(size)},
    {.key = "quantum", .kind = KV_FIELD_UINT, .offset = AT(quantum), .min = 1},
    {.key = "qcache", .kind = KV_FIELD_UINT, .offset = AT(qcache)},
    {.key = "limit", .kind = KV_FIELD_UINT, .offset = AT(limit)},
    {.key = "parent", .kind = KV_FIELD_WORD, .offset = AT(parent)},
    {.key = "import_quantum",
	.kind = KV_FIELD_UINT,
	.offset = AT(import_quantum),
	.min = 1},
    {.key = "import_align", .kind = KV_FIELD_UINT, .offset = AT(import_align)},
    {.key = "release", .kind = KV_FIELD_BOOL, .offset = AT(release)},
    {.key = "relist", .kind = KV_FIELD_BOOL, .offset = AT(relist)},
    {.key = "kstack", .kind = KV_FIELD_NODE, .offset = AT(kstack)},
    {.key = "dialect",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(dialect),
	.words = dialects}};
enum { ARENA_FIELDS = 12 };

struct kstack_args {
	uint64_t pages, origin;
};

static const struct kv_field kstack_fields[] = {
    {.key = "pages",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct kstack_args, pages),
	.required = true,
	.min = 1,
	.max = UINT_MAX},
    {.key = "origin",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct kstack_args, origin)}};
enum { KSTACK_FIELDS = 2 };

/* An arena between file and scenario. */
struct entry {
	struct kv_arena_spec spec;
	const struct kv_node *key, *map;
	const char *parent; /* NULL: none */
	size_t parent_entry;
	size_t order; /* place in the scenario + 1; 0 = not put yet */
	bool good;    /* its values could be read */
};

/* The value of a key, or the arena's name when it is not there. */
static const struct kv_node *
at(const struct entry *e, const char *key)
{
	const struct kv_node *node = kv_map_get(e->map, key);

	return node != NULL ? node : e->key;
}

/* ---- Read ------------------------------------------------------------ */

static void
read_kstack(struct kv_load *ld, struct entry *e, const struct kv_node *node)
{
	struct kstack_args args = {.origin = ld->sc->machine->kva_start};

	if (kv_fields_read(ld, node, "kstack", "key", kstack_fields,
		KSTACK_FIELDS, &args) != 0)
		e->good = false;
	e->spec.kpages = (unsigned)args.pages;
	e->spec.origin = args.origin;
}

static void
read_arena(struct kv_load *ld, struct entry *e)
{
	struct arena_args a = {
	    .quantum = kv_machine_page_size(ld->sc->machine), .release = true};

	e->good = kv_fields_read(ld, e->map, e->key->text, "key", arena_fields,
		      ARENA_FIELDS, &a) == 0;
	e->parent = a.parent;
	e->spec = (struct kv_arena_spec){.name = e->key->text,
	    .base = a.base,
	    .size = a.size,
	    .quantum = a.quantum,
	    .qcache_max = a.qcache,
	    .limit = a.limit,
	    .pow2 = a.dialect != 0,
	    .relist = a.relist,
	    .parent = -1,
	    .import_quantum = a.import_quantum,
	    .import_align = a.import_align,
	    .release = a.release,
	    .place = {ld->sc->text.path, e->key->line, e->key->column}};
	if (kv_map_get(e->map, "import_quantum") == NULL)
		e->spec.import_quantum = a.quantum;
	if (a.kstack != NULL)
		read_kstack(ld, e, a.kstack);
}

/* => false: not usable as a name, noted */
static bool
check_name(struct kv_load *ld, const struct kv_node *key)
{
	size_t length = key->kind == KV_NODE_SCALAR ? strlen(key->text) : 0, i;

	if (length == 0)
		return false;
	if (!kv_is_name(key->text, length) || length > NAME_MAX_LENGTH)
		kv_load_refuse(ld, key,
		    "'%.40s' cannot name an arena (letters, digits and _, 15 "
		    "at most)",
		    key->text);
	else if (kv_names_find(&ld->arenas, key->text, &i))
		kv_load_refuse(
		    ld, key, "arena '%s' stands here twice", key->text);
	else if (kv_is_kstack_arena(ld->sc, key->text))
		kv_load_refuse(ld, key,
		    "the kernel stacks have an arena '%s' already", key->text);
	else if (ld->arenas.count == ARENAS_MAX)
		kv_load_refuse(ld, key, "more than 256 arenas");
	else
		return true;
	return false;
}

/* ---- Rules ----------------------------------------------------------- */

/* The value of key must be a multiple of unit, which is called so. */
static void
check_multiple(struct kv_load *ld, const struct entry *e, const char *key,
    uint64_t value, uint64_t unit, const char *called)
{
	if (value % unit != 0)
		kv_load_refuse(ld, at(e, key),
		    "'%s' (0x%" PRIx64 ") is no multiple of %s (0x%" PRIx64 ")",
		    key, value, called, unit);
}

static void
check_span(struct kv_load *ld, const struct entry *e)
{
	const struct kv_arena_spec *s = &e->spec;
	bool has_base = kv_map_get(e->map, "base") != NULL;

	if (has_base && s->size == 0)
		kv_load_refuse(ld, at(e, "base"), "'base' needs a 'size'");
	else if (!has_base && s->size != 0)
		kv_load_refuse(ld, at(e, "size"), "'size' needs a 'base'");
	else if (s->size != 0 && s->size - 1 > UINT64_MAX - s->base)
		kv_load_refuse(ld, at(e, "size"),
		    "base + size is beyond 2^64: 0x%" PRIx64 " + 0x%" PRIx64,
		    s->base, s->size);
	else if (s->size != 0 && e->parent != NULL)
		kv_load_refuse(ld, at(e, "size"),
		    "an arena that imports starts empty; the step 'add' gives "
		    "it a span of its own");
	check_multiple(ld, e, "base", s->base, s->quantum, "the quantum");
	check_multiple(ld, e, "size", s->size, s->quantum, "the quantum");
	check_multiple(
	    ld, e, "qcache", s->qcache_max, s->quantum, "the quantum");
}

/* The import of kernel stacks: whole slots, found again on release. */
static void
check_kstack(struct kv_load *ld, const struct entry *e)
{
	const struct kv_arena_spec *s = &e->spec;
	const struct kv_node *pages = kv_map_get(at(e, "kstack"), "pages");
	uint64_t slot;

	if (!kv_mul(s->kpages, s->quantum, &slot) ||
	    s->import_quantum > UINT64_MAX - slot) {
		kv_load_refuse(ld, pages,
		    "%u pages of 0x%" PRIx64 " do not fit in 64 bits",
		    s->kpages, s->quantum);
		return;
	}
	check_multiple(
	    ld, e, "import_quantum", s->import_quantum, slot, "the slot");
	if (s->import_align < slot)
		kv_load_refuse(ld, at(e, "import_align"),
		    "'import_align' (0x%" PRIx64 ") is smaller than a slot "
		    "(0x%" PRIx64 "): a released chunk would not be found",
		    s->import_align, slot);
	if (s->origin % s->quantum != 0)
		kv_load_refuse(ld, kv_map_get(at(e, "kstack"), "origin"),
		    "'origin' (0x%" PRIx64 ") is no multiple of the quantum "
		    "(0x%" PRIx64 ")",
		    s->origin, s->quantum);
}

static void
check_import(
    struct kv_load *ld, struct entry *e, const struct kv_arena_spec *parent)
{
	struct kv_arena_spec *s = &e->spec;

	if (kv_map_get(e->map, "import_align") == NULL)
		s->import_align =
		    s->quantum > parent->quantum ? s->quantum : parent->quantum;
	if (s->import_align != 0 && !kv_is_pow2(s->import_align))
		kv_load_refuse(ld, at(e, "import_align"),
		    "'import_align' (0x%" PRIx64 ") is no power of two",
		    s->import_align);
	else
		check_multiple(ld, e, "import_align", s->import_align,
		    parent->quantum, "the parent's quantum");
	if (s->kpages != 0)
		check_kstack(ld, e);
}

static void
check_arena(struct kv_load *ld, struct entry *e, const struct entry *entries)
{
	static const char *const imports[] = {
	    "import_quantum", "import_align", "release", "kstack"};
	size_t i;

	if (!e->good)
		return;
	if (!kv_is_pow2(e->spec.quantum)) {
		kv_load_refuse(ld, at(e, "quantum"),
		    "the quantum (0x%" PRIx64 ") is no power of two",
		    e->spec.quantum);
		return;
	}
	if (e->spec.pow2 && e->spec.quantum < 64)
		kv_load_refuse(ld, at(e, "quantum"),
		    "this dialect has quanta of at least 64 bytes");
	check_span(ld, e);
	for (i = 0; i < 4 && e->parent == NULL; i++)
		if (kv_map_get(e->map, imports[i]) != NULL)
			kv_load_refuse(ld, at(e, imports[i]),
			    "'%s' needs a 'parent'", imports[i]);
	if (e->parent != NULL && entries[e->parent_entry].good)
		check_import(ld, e, &entries[e->parent_entry].spec);
}

/* ---- Sources before importers ---------------------------------------- */

/* Find the parent by its name. */
static void
link_parent(struct kv_load *ld, struct entry *e)
{
	if (e->parent == NULL ||
	    kv_names_find(&ld->arenas, e->parent, &e->parent_entry))
		return;
	kv_load_unknown(ld, at(e, "parent"), "arena", e->parent,
	    ld->arenas.list, ld->arenas.count);
	e->parent = NULL;
	e->good = false;
}

/* Refuse a circle, at the first of its arenas in the file. */
static void
check_circle(struct kv_load *ld, const struct entry *entries, size_t first)
{
	char chain[CHAIN_MAX] = "";
	const struct entry *e = &entries[first];
	size_t steps, used = 0;

	for (steps = 0; steps <= ld->arenas.count && e->parent != NULL;
	     steps++) {
		if (used + NAME_MAX_LENGTH + 5 < sizeof(chain))
			used += (size_t)sprintf(
			    chain + used, "%s -> ", e->spec.name);
		if (e->parent_entry < first)
			return; /* noted there, or leads elsewhere */
		e = &entries[e->parent_entry];
		if (e == &entries[first]) {
			kv_load_refuse(ld, at(e, "parent"),
			    "arenas import from one another in a circle: "
			    "%s%s",
			    chain, e->spec.name);
			return;
		}
	}
}

/* Put an arena into the scenario, after those it imports from.  Recursion:
 * bounded by the number of arenas, which form no circle. */
static void
put(struct kv_load *ld, struct entry *entries, struct entry *e)
{
	struct kv_scenario *sc = ld->sc;
	size_t i;

	if (e->order != 0)
		return;
	if (e->parent != NULL) {
		put(ld, entries, &entries[e->parent_entry]);
		e->spec.parent = (int)entries[e->parent_entry].order - 1;
	}
	sc->arenas[sc->narenas++] = e->spec;
	e->order = sc->narenas;
	kv_names_add(&ld->arenas, e->spec.name, &i);
}

static void
put_all(struct kv_load *ld, struct entry *entries, size_t count)
{
	size_t i;

	kv_names_fini(&ld->arenas);
	ld->sc->arenas = kv_mem_resize(NULL, count, sizeof(*ld->sc->arenas));
	for (i = 0; i < count; i++)
		put(ld, entries, &entries[i]);
	ld->arenas_good = true;
}

void
kv_section_arenas(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *key;
	struct entry *entries = NULL;
	size_t before = kv_errors_noted(ld->errors), n = 0, i;

	if (node != NULL && node->kind != KV_NODE_MAP) {
		if (node->kind != KV_NODE_BAD)
			kv_load_refuse(
			    ld, node, "'arenas' needs a map: {name: {...}}");
		return;
	}
	for (key = node == NULL ? NULL : node->child; key != NULL;
	     key = key->next->next) {
		if (!check_name(ld, key))
			continue;
		kv_names_add(&ld->arenas, key->text, &i);
		entries = kv_mem_resize(entries, n + 1, sizeof(*entries));
		entries[n] = (struct entry){.key = key, .map = key->next};
		read_arena(ld, &entries[n++]);
	}
	for (i = 0; i < n; i++)
		link_parent(ld, &entries[i]);
	for (i = 0; i < n; i++)
		check_circle(ld, entries, i);
	for (i = 0; i < n; i++)
		check_arena(ld, &entries[i], entries);
	if (kv_errors_noted(ld->errors) == before)
		put_all(ld, entries, n);
	kv_mem_free(entries);
}

const struct kv_arena_spec *
kv_load_arena(struct kv_load *ld, const struct kv_node *node, const char *name,
    int *index)
{
	size_t i;

	if (!kv_names_find(&ld->arenas, name, &i)) {
		kv_load_unknown(
		    ld, node, "arena", name, ld->arenas.list, ld->arenas.count);
		return NULL;
	}
	*index = (int)i;
	return ld->arenas_good ? &ld->sc->arenas[i] : NULL;
}
