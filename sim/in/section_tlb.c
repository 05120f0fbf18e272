/* SPDX-License-Identifier: BSD-2-Clause */
/* section_tlb.c - the section tlb, and the steps touch and flush */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "in/lex.h"
#include "in/sections.h"

enum {
	NAME_MAX_LENGTH = 15,
	SETS_MAX = 1 << 20,
	WAYS_MAX = 1 << 20,
	ALL = (1 << KV_PTE_LEVELS_MAX) - 1
};
static const uint64_t touches_max = 1000000000, pages_max = 1 << 24;

#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])

/* ---- Arrays ---------------------------------------------------------- */

struct array_args {
	uint64_t sets, ways;
	const struct kv_node *sizes;
};
#define AT(field) offsetof(struct array_args, field)

static const struct kv_field array_fields[] = {{.key = "sets",
						   .kind = KV_FIELD_UINT,
						   .offset = AT(sets),
						   .min = 1,
						   .max = SETS_MAX},
    {.key = "ways", .kind = KV_FIELD_UINT, .offset = AT(ways), .max = WAYS_MAX},
    {.key = "sizes", .kind = KV_FIELD_NODE, .offset = AT(sizes)}};
#undef AT

static const struct kv_pte_format *
format_of(const struct kv_load *ld)
{
	return ld->sc->spaces[0].format;
}

static uint64_t
leaf_size(const struct kv_pte_format *f, unsigned level)
{
	return UINT64_C(1) << (f->page_shift + level * f->pt_shift);
}

/* Set the level, or the group, that has this size.  => false: there is none */
static bool
add_size(
    const struct kv_pte_format *f, uint64_t size, struct kv_tlb_array *array)
{
	size_t i;

	for (unsigned level = 0; level < f->levels; level++)
		if ((f->leaf_levels >> level & 1) != 0 &&
		    size == leaf_size(f, level)) {
			array->levels |= 1u << level;
			return true;
		}
	for (i = 0; i < sizeof(f->group) / sizeof(f->group[0]); i++)
		if (f->group[i].order != 0 &&
		    size >> f->group[i].order ==
			leaf_size(f, f->group[i].level)) {
			array->groups |= 1u << f->group[i].level;
			return true;
		}
	return false;
}

static int
read_size(
    struct kv_load *ld, const struct kv_node *node, struct kv_tlb_array *array)
{
	const struct kv_field field = {.key = "sizes", .kind = KV_FIELD_UINT};
	uint64_t size = 0;

	if (kv_load_value(ld, node, &field, &size) != 0)
		return EINVAL;
	if (add_size(format_of(ld), size, array))
		return 0;
	return kv_load_refuse(ld, node,
	    "format '%s' has neither leaves nor groups of 0x%" PRIx64 " bytes",
	    format_of(ld)->name, size);
}

/* Without 'sizes' an array holds all of them. */
static int
read_sizes(
    struct kv_load *ld, const struct kv_node *node, struct kv_tlb_array *array)
{
	const struct kv_node *item;
	int error = 0;

	if (node == NULL) {
		array->levels = array->groups = ALL;
		return 0;
	}
	if (kv_load_list(ld, node, "sizes") == NULL)
		return EINVAL;
	for (item = node->child; item != NULL; item = item->next)
		if (read_size(ld, item, array) != 0)
			error = EINVAL;
	if (error == 0 && array->levels == 0)
		return kv_load_refuse(
		    ld, node, "'sizes' needs the size of a leaf");
	if (error == 0 && (array->groups & ~array->levels) != 0)
		return kv_load_refuse(ld, node,
		    "'sizes' has groups without the size of their pages");
	return error;
}

static int
check_array(struct kv_load *ld, const struct kv_node *key,
    const struct kv_tlb_config *cfg)
{
	size_t length = strlen(key->text);

	if (!kv_is_name(key->text, length) || length > NAME_MAX_LENGTH)
		return kv_load_refuse(ld, key,
		    "'%.40s' cannot name an array (letters, digits and _, 15 "
		    "at most)",
		    key->text);
	if (cfg->narrays == KV_TLB_ARRAYS_MAX)
		return kv_load_refuse(
		    ld, key, "more than %d arrays", (int)KV_TLB_ARRAYS_MAX);
	return 0;
}

static void
read_array(
    struct kv_load *ld, const struct kv_node *key, struct kv_tlb_config *cfg)
{
	struct array_args a = {.sets = 1};
	struct kv_tlb_array array = {.name = key->text};
	size_t i;

	if (key->kind != KV_NODE_SCALAR || check_array(ld, key, cfg) != 0 ||
	    kv_fields_read(ld, key->next, key->text, "key",
		FIELDS(array_fields), &a) != 0 ||
	    read_sizes(ld, a.sizes, &array) != 0)
		return;
	if (!kv_is_pow2(a.sets)) {
		kv_load_refuse(ld, kv_map_get(key->next, "sets"),
		    "'sets' (%" PRIu64 ") is no power of two", a.sets);
		return;
	}
	array.sets = (unsigned)a.sets;
	array.ways = (unsigned)a.ways;
	cfg->arrays[cfg->narrays++] = array;
	kv_names_add(&ld->tlb_arrays, key->text, &i);
}

static void
read_arrays(
    struct kv_load *ld, const struct kv_node *node, struct kv_tlb_config *cfg)
{
	const struct kv_node *key;

	if (node->kind == KV_NODE_BAD)
		return;
	if (node->kind != KV_NODE_MAP || node->child == NULL) {
		kv_load_refuse(ld, node, "'arrays' needs a map: {name: {...}}");
		return;
	}
	for (key = node->child; key != NULL; key = key->next->next)
		read_array(ld, key, cfg);
}

/* ---- The section ----------------------------------------------------- */

struct tlb_args {
	const char *preset;
	const struct kv_node *arrays, *range, *gather;
	uint64_t coalesce;
	unsigned on_enter, on_fail, last, shootdown;
	bool tags, generation, per_cpu;
};
#define AT(field) offsetof(struct tlb_args, field)

static const char *const disciplines[] = {[KV_ENTRY_NONE] = "none",
    [KV_ENTRY_PREVIOUS] = "previous",
    [KV_ENTRY_ALL] = "all",
    [KV_ENTRY_OWN] = "own",
    [KV_ENTRY_NEXT_COUNT] = "next_count",
    NULL};

static const char *const on_fails[] = {"flush", "return", NULL};
static const char *const lasts[] = {"cpu", "shared", NULL};
static const char *const shootdowns[] = {
    [KV_SHOOTDOWN_ALL] = "all", [KV_SHOOTDOWN_LOCAL] = "local", NULL};

static const struct kv_field tlb_fields[] = {
    {.key = "preset", .kind = KV_FIELD_WORD, .offset = AT(preset)},
    {.key = "arrays", .kind = KV_FIELD_NODE, .offset = AT(arrays)},
    {.key = "coalesce",
	.kind = KV_FIELD_UINT,
	.offset = AT(coalesce),
	.min = 1,
	.max = 1 << KV_TLB_COALESCE_MAX},
    {.key = "tags", .kind = KV_FIELD_BOOL, .offset = AT(tags)},
    {.key = "per_cpu", .kind = KV_FIELD_BOOL, .offset = AT(per_cpu)},
    {.key = "shootdown",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(shootdown),
	.words = shootdowns},
    {.key = "on_enter",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(on_enter),
	.words = disciplines},
    {.key = "last",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(last),
	.words = lasts},
    {.key = "range", .kind = KV_FIELD_NODE, .offset = AT(range)},
    {.key = "gather", .kind = KV_FIELD_NODE, .offset = AT(gather)},
    {.key = "generation", .kind = KV_FIELD_BOOL, .offset = AT(generation)},
    {.key = "on_fail",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(on_fail),
	.words = on_fails}};
#undef AT

struct gather_args {
	uint64_t pages;
	unsigned join;
};

static const char *const joins[] = {"bounds", "first", NULL};
static const struct kv_field gather_fields[] = {
    {.key = "pages",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct gather_args, pages),
	.min = 1,
	.required = true},
    {.key = "join",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct gather_args, join),
	.words = joins}};

static void
read_gather(struct kv_load *ld, const struct kv_node *node)
{
	struct kv_gather_spec *gather;
	struct gather_args a = {0};

	if (kv_fields_read(
		ld, node, "gather", "key", FIELDS(gather_fields), &a) != 0)
		return;
	gather = kv_pool_alloc(&ld->sc->pool, sizeof(*gather));
	*gather = (struct kv_gather_spec){a.pages, a.join != 0};
	ld->sc->gather = gather;
}

struct range_args {
	uint64_t unit, step, scales, nums, limit;
};
#define UINT(name, most)                                               \
	{                                                              \
		.key = #name, .kind = KV_FIELD_UINT,                   \
		.offset = offsetof(struct range_args, name), .min = 1, \
		.max = (most), .required = true                        \
	}

static const struct kv_field range_fields[] = {UINT(unit, 1 << 20),
    UINT(step, 1 << 20), UINT(scales, 16), UINT(nums, 1 << 20),
    {.key = "limit",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct range_args, limit),
	.min = 1}};

static void
read_range(struct kv_load *ld, const struct kv_node *node)
{
	struct kv_tlb_range *range;
	struct range_args a = {0};

	if (kv_fields_read(
		ld, node, "range", "key", FIELDS(range_fields), &a) != 0)
		return;
	range = kv_pool_alloc(&ld->sc->pool, sizeof(*range));
	*range = (struct kv_tlb_range){.unit = a.unit,
	    .step = a.step,
	    .scales = (unsigned)a.scales,
	    .nums = (unsigned)a.nums,
	    .limit = a.limit};
	ld->sc->tlb_range = range;
}

static void
read_preset(struct kv_load *ld, const struct kv_node *node, const char *name,
    struct kv_tlb_config *cfg)
{
	const struct kv_tlb_config *found = kv_tlb_find(name), *table;
	const char *names[32];
	size_t count, i;

	if (found != NULL) {
		*cfg = *found;
		for (i = 0; i < cfg->narrays; i++)
			kv_names_add(
			    &ld->tlb_arrays, cfg->arrays[i].name, &count);
		return;
	}
	table = kv_tlb_table(&count);
	for (i = 0; i < count && i < 32; i++)
		names[i] = table[i].name;
	kv_load_unknown(ld, node, "preset", name, names, i);
}

/* "tlb.cpu0.hits" is the first CPU's. */
static void
check_arrays(struct kv_load *ld, const struct kv_node *arrays)
{
	const struct kv_node *key;

	if (arrays == NULL || arrays->kind != KV_NODE_MAP)
		return;
	for (key = arrays->child; key != NULL; key = key->next->next)
		if (key->kind == KV_NODE_SCALAR &&
		    strncmp(key->text, "cpu", 3) == 0 && key->text[3] >= '0' &&
		    key->text[3] <= '9')
			kv_load_refuse(ld, key,
			    "'%.40s' is the name of a CPU, which has arrays",
			    key->text);
}

void
kv_section_tlb(struct kv_load *ld, const struct kv_node *node)
{
	struct kv_tlb_config *cfg;
	struct tlb_args a = {0};

	if (node == NULL)
		return;
	cfg = kv_pool_alloc(&ld->sc->pool, sizeof(*cfg));
	ld->sc->tlb = cfg;
	ld->sc->paging = true;
	if (kv_fields_read(ld, node, "tlb", "key", FIELDS(tlb_fields), &a) != 0)
		return;
	if ((a.preset != NULL) == (a.arrays != NULL)) {
		kv_load_refuse(
		    ld, node, "'tlb' needs either a 'preset' or 'arrays'");
		return;
	}
	if (a.preset != NULL)
		read_preset(ld, kv_map_get(node, "preset"), a.preset, cfg);
	else
		read_arrays(ld, a.arrays, cfg);
	if (a.coalesce != 0 && !kv_is_pow2(a.coalesce))
		kv_load_refuse(ld, kv_map_get(node, "coalesce"),
		    "'coalesce' (%" PRIu64 ") is no power of two", a.coalesce);
	else if (a.coalesce != 0)
		cfg->coalesce = kv_log2(a.coalesce);
	if (kv_map_get(node, "tags") != NULL)
		cfg->tags = a.tags;
	ld->sc->on_enter = (enum kv_entry_flush)a.on_enter;
	ld->sc->tlb_per_cpu = a.per_cpu;
	ld->sc->shootdown = (enum kv_shootdown)a.shootdown;
	ld->sc->last_shared = a.last != 0;
	ld->sc->generation = a.generation;
	ld->sc->returns_early = a.on_fail != 0;
	if (a.per_cpu)
		check_arrays(ld, a.arrays);
	if (a.range != NULL)
		read_range(ld, a.range);
	if (a.gather != NULL)
		read_gather(ld, a.gather);
}

/* ---- Steps: what they share ------------------------------------------ */

int
kv_load_cpu(struct kv_load *ld, const struct kv_node *map, uint64_t cpu,
    struct kv_step *step)
{
	const struct kv_scenario *sc = ld->sc;
	const struct kv_node *node = kv_map_get(map, "cpu");

	if (cpu != 0 && (sc->tlb == NULL || !sc->tlb_per_cpu))
		return kv_load_refuse(ld, node,
		    "one translation cache is all that there is: 'per_cpu' of "
		    "'tlb' gives each CPU its own");
	if (cpu != 0 && cpu >= sc->ncpus)
		return kv_load_refuse(ld, node,
		    "CPU %" PRIu64 " is not there: the machine has %u", cpu,
		    sc->ncpus);
	step->cpu = (unsigned)cpu;
	return 0;
}

/* What either step may say; presets are the defaults. */
struct step_args {
	const char *space;
	const struct kv_node *va;
	uint64_t size, pages, stride, times, cpu;
	unsigned stacks, order, what, by;
	bool write;
};
#define AT(field) offsetof(struct step_args, field)

static const char *const stacks_words[] = {"all", NULL};
static const char *const orders[] = {
    [KV_TOUCH_ASCENDING] = "ascending", [KV_TOUCH_RANDOM] = "random", NULL};
static const char *const actors[] = {"user", "kernel", NULL};
static const char *const whats[] = {[KV_FLUSH_RANGE] = "range",
    [KV_FLUSH_TAG] = "tag",
    [KV_FLUSH_NONGLOBAL] = "nonglobal",
    [KV_FLUSH_ALL] = "all",
    [KV_FLUSH_PENDING] = "pending",
    NULL};

static const struct kv_field touch_fields[] = {
    {.key = "space", .kind = KV_FIELD_WORD, .offset = AT(space)},
    {.key = "va", .kind = KV_FIELD_NODE, .offset = AT(va)},
    {.key = "size", .kind = KV_FIELD_UINT, .offset = AT(size), .min = 1},
    {.key = "stride", .kind = KV_FIELD_UINT, .offset = AT(stride), .min = 1},
    {.key = "stacks",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(stacks),
	.words = stacks_words},
    {.key = "times", .kind = KV_FIELD_UINT, .offset = AT(times), .min = 1},
    {.key = "order",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(order),
	.words = orders},
    {.key = "write", .kind = KV_FIELD_BOOL, .offset = AT(write)},
    {.key = "by", .kind = KV_FIELD_CHOICE, .offset = AT(by), .words = actors},
    {.key = "cpu", .kind = KV_FIELD_UINT, .offset = AT(cpu)}};
static const struct kv_field flush_fields[] = {{.key = "what",
						   .kind = KV_FIELD_CHOICE,
						   .offset = AT(what),
						   .words = whats},
    {.key = "space", .kind = KV_FIELD_WORD, .offset = AT(space)},
    {.key = "va", .kind = KV_FIELD_NODE, .offset = AT(va)},
    {.key = "size", .kind = KV_FIELD_UINT, .offset = AT(size), .min = 1},
    {.key = "pages", .kind = KV_FIELD_UINT, .offset = AT(pages), .min = 1},
    {.key = "cpu", .kind = KV_FIELD_UINT, .offset = AT(cpu)}};
#undef AT

static bool
says(const struct kv_node *key, const char *what)
{
	return kv_map_get(key->next, what) != NULL;
}

/* The first of the names that the step says: it does not go with the rest. */
static int
refuse_any(struct kv_load *ld, const struct kv_node *key,
    const char *const *names, const char *with)
{
	for (; *names != NULL; names++)
		if (says(key, *names))
			return kv_load_refuse(ld, kv_map_get(key->next, *names),
			    "'%s' does not go with '%s'", *names, with);
	return 0;
}

static int
read_step(struct kv_load *ld, const struct kv_node *key,
    const struct kv_field *fields, size_t nfields, struct step_args *a)
{
	uint64_t page = kv_machine_page_size(ld->sc->machine);

	*a = (struct step_args){
	    .space = "kernel", .size = page, .stride = page, .times = 1};
	if (ld->sc->tlb == NULL)
		return kv_load_refuse(ld, key,
		    "'%s' needs a translation cache: the section 'tlb' is "
		    "missing",
		    key->text);
	return kv_fields_read(
	    ld, key->next, key->text, "key", fields, nfields, a);
}

/* A TLB knows one format. */
static int
read_space(struct kv_load *ld, const struct kv_node *key, const char *name,
    unsigned *space)
{
	const struct kv_node *node = kv_map_get(key->next, "space");
	const struct kv_pte_format *f;

	if (kv_load_space(ld, node != NULL ? node : key, name, space) != 0)
		return EINVAL;
	f = ld->sc->spaces[*space].format;
	if (f == format_of(ld))
		return 0;
	return kv_load_refuse(ld, node,
	    "'%s' has tables of format '%s', the cache is of a processor "
	    "with '%s'",
	    name, f->name, format_of(ld)->name);
}

/* ---- touch ----------------------------------------------------------- */

static int
check_touches(
    struct kv_load *ld, const struct kv_node *key, const struct step_args *a)
{
	uint64_t n = (a->size - 1) / a->stride + 1;

	if (n > pages_max)
		return kv_load_refuse(ld, key,
		    "these are more than %" PRIu64 " pages", pages_max);
	if (a->times <= touches_max && n <= touches_max / a->times)
		return 0;
	return kv_load_refuse(
	    ld, key, "these are more than %" PRIu64 " touches", touches_max);
}

int
kv_step_read_touch(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	static const char *const of_range[] = {
	    "va", "size", "stride", "space", "by", NULL};
	struct kv_touch_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct step_args a;

	if (read_step(ld, key, FIELDS(touch_fields), &a) != 0)
		return EINVAL;
	s->stacks = says(key, "stacks");
	if (s->stacks && !ld->sc->kstacks.present)
		return kv_load_refuse(ld, kv_map_get(key->next, "stacks"),
		    "there are no kernel stacks: the section 'kstacks' is "
		    "missing");
	if (s->stacks && refuse_any(ld, key, of_range, "stacks") != 0)
		return EINVAL;
	if (!s->stacks && a.va == NULL)
		return kv_load_refuse(
		    ld, key, "'touch' needs either 'va' or 'stacks: all'");
	if (read_space(ld, key, a.space, &s->space) != 0 ||
	    kv_load_cpu(ld, key->next, a.cpu, step) != 0 ||
	    (a.va != NULL && kv_load_late(ld, a.va, "va", &s->va) != 0) ||
	    check_touches(ld, key, &a) != 0)
		return EINVAL;
	s->size = a.size;
	s->stride = a.stride;
	s->order = (enum kv_touch_order)a.order;
	s->write = a.write;
	s->by_kernel = a.by == 1;
	if (says(key, "by") && ld->sc->spaces[s->space].reserved_size == 0)
		return kv_load_refuse(ld, kv_map_get(key->next, "by"),
		    "'by' is of a space that has something 'reserved'");
	step->count = a.times;
	step->touch = s;
	return 0;
}

/* ---- flush ----------------------------------------------------------- */

/* Which keys go with each kind of flush. */
static int
check_flush(
    struct kv_load *ld, const struct kv_node *key, const struct step_args *a)
{
	static const char *const of_range[] = {"va", "size", "pages", NULL};
	static const char *const of_space[] = {"space", NULL};
	uint64_t page = kv_machine_page_size(ld->sc->machine);

	if (a->what != KV_FLUSH_RANGE &&
	    refuse_any(ld, key, of_range, whats[a->what]) != 0)
		return EINVAL;
	if (a->what > KV_FLUSH_TAG &&
	    refuse_any(ld, key, of_space, whats[a->what]) != 0)
		return EINVAL;
	if (a->what == KV_FLUSH_PENDING && ld->sc->gather == NULL)
		return kv_load_refuse(ld, kv_map_get(key->next, "what"),
		    "nothing is gathered: 'tlb' has no 'gather'");
	if (a->what != KV_FLUSH_RANGE)
		return 0;
	if (a->va == NULL)
		return kv_load_refuse(
		    ld, key, "'flush' needs either 'va' or 'what'");
	if (says(key, "size") && says(key, "pages"))
		return kv_load_refuse(
		    ld, key, "'flush' has either 'size', in bytes, or 'pages'");
	if (a->size % page != 0)
		return kv_load_refuse(ld, kv_map_get(key->next, "size"),
		    "'size' (0x%" PRIx64 ") is no multiple of 0x%" PRIx64,
		    a->size, page);
	return 0;
}

int
kv_step_read_flush(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	uint64_t page = kv_machine_page_size(ld->sc->machine);
	struct kv_flush_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct step_args a;

	if (read_step(ld, key, FIELDS(flush_fields), &a) != 0 ||
	    check_flush(ld, key, &a) != 0 ||
	    read_space(ld, key, a.space, &s->space) != 0 ||
	    kv_load_cpu(ld, key->next, a.cpu, step) != 0 ||
	    (a.va != NULL && kv_load_late(ld, a.va, "va", &s->va) != 0))
		return EINVAL;
	s->what = (enum kv_flush_what)a.what;
	s->local = says(key, "cpu");
	s->npages = says(key, "pages") ? a.pages : a.size / page;
	step->flush = s;
	return 0;
}
