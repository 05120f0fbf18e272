/* SPDX-License-Identifier: BSD-2-Clause */
/* section_map.c - the steps of the section work that change page tables */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "in/sections.h"

static const uint64_t entries_max = UINT64_C(1) << 24;

/* What any of these steps may say; presets are the defaults. */
struct map_args {
	const char *space, *object, *from;
	const struct kv_node *va, *offset, *pa;
	uint64_t size, pages, level, count, stride, cpu;
	unsigned how, prot, data, on_fault, on_write, present, by;
	bool global, user, accessed, modified, flush, lazy;
};
#define AT(field) offsetof(struct map_args, field)

#define UINT(name, ...)                                                  \
	{                                                                \
		.key = #name, .kind = KV_FIELD_UINT, .offset = AT(name), \
		__VA_ARGS__                                              \
	}
#define CHOICE(name, list, ...)                                            \
	{                                                                  \
		.key = #name, .kind = KV_FIELD_CHOICE, .offset = AT(name), \
		.words = list, __VA_ARGS__                                 \
	}
#define BOOL(name)                                                      \
	{                                                               \
		.key = #name, .kind = KV_FIELD_BOOL, .offset = AT(name) \
	}
#define WORD(name, at, ...)                                           \
	{                                                             \
		.key = name, .kind = KV_FIELD_WORD, .offset = AT(at), \
		__VA_ARGS__                                           \
	}
#define NODE(name, ...)                                                  \
	{                                                                \
		.key = #name, .kind = KV_FIELD_NODE, .offset = AT(name), \
		__VA_ARGS__                                              \
	}
#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])

static const char *const entering[] = {[KV_MAP_ENTER] = "enter",
    [KV_MAP_QENTER] = "qenter",
    [KV_MAP_LEAF] = "leaf",
    NULL};
static const char *const modes[] = {[KV_COW_MEMCPY] = "memcpy",
    [KV_COW_DIRECT_RO] = "direct_ro",
    [KV_COW_EAGER] = "cow_eager",
    [KV_COW_LAZY] = "cow_lazy",
    [KV_COW_EPHEMERAL] = "ephemeral",
    NULL};
static const char *const on_faults[] = {[KV_COW_FLUSH_ALWAYS] = "always",
    [KV_COW_FLUSH_PRESENT] = "present",
    [KV_COW_FLUSH_NEVER] = "never",
    NULL};
static const char *const on_writes[] = {"copy", "in_place", NULL};
static const char *const removing[] = {
    [KV_MAP_ENTER] = "remove", [KV_MAP_QENTER] = "qremove", NULL};
static const char *const prots[] = {[0] = "r",
    [KV_PTE_W] = "rw",
    [KV_PTE_X] = "rx",
    [KV_PTE_W | KV_PTE_X] = "rwx",
    NULL};

static const char *const actors[] = {"user", "kernel", NULL};

static const char *const presents[] = {[KV_PRESENT_REFUSE] = "refuse",
    [KV_PRESENT_SKIP] = "skip",
    [KV_PRESENT_REPLACE] = "replace",
    NULL};

static const struct kv_field map_fields[] = {WORD("space", space, .min = 0),
    NODE(va, .required = true), UINT(size, .min = 1), UINT(pages, .min = 1),
    WORD("object", object, .min = 0), NODE(offset, .min = 0),
    NODE(pa, .min = 0), CHOICE(how, entering, .min = 0), UINT(level, .min = 1),
    CHOICE(prot, prots, .min = 0), BOOL(global), BOOL(user), BOOL(accessed),
    BOOL(modified), BOOL(flush), UINT(count, .min = 1), UINT(stride, .min = 0),
    CHOICE(data, modes, .min = 0), CHOICE(on_fault, on_faults, .min = 0),
    CHOICE(on_write, on_writes, .min = 0), CHOICE(present, presents, .min = 0),
    CHOICE(by, actors, .min = 0), UINT(cpu, .min = 0), BOOL(lazy)};
static const struct kv_field unmap_fields[] = {WORD("space", space, .min = 0),
    NODE(va, .required = true), UINT(size, .min = 1), UINT(pages, .min = 1),
    CHOICE(how, removing, .min = 0), BOOL(flush), UINT(count, .min = 1),
    UINT(stride, .min = 0), CHOICE(by, actors, .min = 0), UINT(cpu, .min = 0)};
static const struct kv_field protect_fields[] = {WORD("space", space, .min = 0),
    NODE(va, .required = true), UINT(size, .min = 1), UINT(pages, .min = 1),
    CHOICE(prot, prots, .required = true), BOOL(flush), UINT(count, .min = 1),
    UINT(stride, .min = 0), CHOICE(by, actors, .min = 0), UINT(cpu, .min = 0)};
static const struct kv_field leaf_fields[] = {WORD("space", space, .min = 0),
    NODE(va, .required = true), UINT(count, .min = 1), UINT(stride, .min = 0)};
static const struct kv_field grow_fields[] = {WORD("space", space, .min = 0),
    NODE(va, .required = true), UINT(size, .min = 1), UINT(pages, .min = 1),
    UINT(level, .min = 0), UINT(count, .min = 1), UINT(stride, .min = 0)};
static const struct kv_field graft_fields[] = {
    WORD("space", space, .required = true),
    WORD("from", from, .required = true), NODE(va, .required = true)};
static const struct kv_field release_fields[] = {
    WORD("object", object, .required = true), NODE(offset, .min = 0),
    UINT(pages, .required = true, .min = 1)};

/* A step while it is read. */
struct reading {
	struct kv_load *ld;
	const struct kv_node *key, *map; /* map: {...} */
	struct map_args args;
	struct kv_map_step *step;
};

/* The value of a key, or the name of the step when it is not there. */
static const struct kv_node *
at(const struct reading *r, const char *key)
{
	const struct kv_node *node = kv_map_get(r->map, key);

	return node != NULL ? node : r->key;
}

static bool
says(const struct reading *r, const char *key)
{
	return kv_map_get(r->map, key) != NULL;
}

static uint64_t
page_size(const struct reading *r)
{
	return kv_machine_page_size(r->ld->sc->machine);
}

/* ---- Parts ----------------------------------------------------------- */

static int
check_multiple(
    struct reading *r, const char *key, uint64_t value, uint64_t unit)
{
	if (value % unit == 0)
		return 0;
	return kv_load_refuse(r->ld, at(r, key),
	    "'%s' (0x%" PRIx64 ") is no multiple of 0x%" PRIx64, key, value,
	    unit);
}

/* The pages of the range, from size or pages. */
static int
read_size(struct reading *r)
{
	struct map_args *a = &r->args;
	uint64_t bytes;

	if (says(r, "size") == says(r, "pages"))
		return kv_load_refuse(r->ld, r->key,
		    "'%s' needs either 'size', in bytes, or 'pages'",
		    r->key->text);
	if (says(r, "size")) {
		a->pages = a->size / page_size(r);
		return check_multiple(r, "size", a->size, page_size(r));
	}
	if (!kv_mul(a->pages, page_size(r), &bytes))
		return kv_load_refuse(r->ld, at(r, "pages"),
		    "%" PRIu64 " pages are more than 2^64 bytes", a->pages);
	return 0;
}

static int
read_object(struct reading *r)
{
	struct kv_load *ld = r->ld;
	size_t i;

	if (!kv_names_find(&ld->objects, r->args.object, &i))
		return kv_load_unknown(ld, at(r, "object"), "object",
		    r->args.object, ld->objects.list, ld->objects.count);
	r->step->object = (int)i;
	return 0;
}

/* The pages must be within the object. */
static int
read_offset(struct reading *r)
{
	const struct map_args *a = &r->args;
	uint64_t size = r->ld->sc->objects[r->step->object].npages, n;
	struct kv_late *offset = &r->step->pindex;

	if (a->offset != NULL &&
	    kv_load_late(r->ld, a->offset, "offset", offset) != 0)
		return EINVAL;
	if (kv_mul(a->pages, a->count, &n) && offset->value <= size &&
	    n <= size - offset->value)
		return 0;
	return kv_load_refuse(r->ld, at(r, "offset"),
	    "pages from %" PRIu64 " on end past those of '%s' (%" PRIu64 ")",
	    offset->value, a->object, size);
}

/* An object's pages, or a device's memory, which is none of the machine's. */
static int
read_pages(struct reading *r)
{
	const struct kv_scenario *sc = r->ld->sc;
	const struct map_args *a = &r->args;
	uint64_t size = a->pages * page_size(r) * a->count;
	struct kv_late *pa = &r->step->pa;
	size_t i;

	if (says(r, "object") == says(r, "pa"))
		return kv_load_refuse(
		    r->ld, r->key, "'map' needs either an 'object' or 'pa'");
	if (says(r, "object"))
		return read_object(r) != 0 ? EINVAL : read_offset(r);
	if (says(r, "offset"))
		return kv_load_refuse(
		    r->ld, at(r, "offset"), "'offset' is of an 'object'");
	if (kv_load_late(r->ld, a->pa, "pa", pa) != 0)
		return EINVAL;
	for (i = 0; pa->expr == NULL && i < sc->nranges; i++)
		if (kv_overlap(pa->value, size, sc->ranges[i].start,
			sc->ranges[i].end - sc->ranges[i].start))
			return kv_load_refuse(r->ld, at(r, "pa"),
			    "memory of the machine is mapped by 'object'");
	return check_multiple(r, "pa", pa->value, page_size(r));
}

/* Space, address, how often. */
static int
read_where(struct reading *r)
{
	struct map_args *a = &r->args;
	struct kv_map_step *s = r->step;
	uint64_t size = a->pages * page_size(r), last;
	const struct kv_pte_format *f;

	if (kv_load_space(r->ld, at(r, "space"), a->space, &s->space) != 0 ||
	    kv_load_late(r->ld, a->va, "va", &s->va) != 0)
		return EINVAL;
	if (says(r, "by") && r->ld->sc->spaces[s->space].reserved_size == 0)
		return kv_load_refuse(r->ld, at(r, "by"),
		    "'by' is of a space that has something 'reserved'");
	f = r->ld->sc->spaces[s->space].format;
	if (!says(r, "stride"))
		a->stride = size != 0
				? size
				: page_size(r) << f->pt_shift; /* a superpage */
	if (check_multiple(r, "stride", a->stride, page_size(r)) != 0)
		return EINVAL;
	s->stride = a->stride;
	if (!kv_mul(a->stride, a->count - 1, &last) ||
	    (s->va.expr == NULL && !kv_add(s->va.value, last, &last)))
		return kv_load_refuse(r->ld, at(r, "stride"),
		    "the last of %" PRIu64 " ranges is beyond 2^64", a->count);
	return s->va.expr == NULL
		   ? check_multiple(r, "va", s->va.value, page_size(r))
		   : 0;
}

/* Levels above the base whose entries may be leaves. */
static int
check_level(struct reading *r)
{
	const struct kv_scenario *sc = r->ld->sc;
	const struct kv_pte_format *f = sc->spaces[r->step->space].format;
	const struct map_args *a = &r->args;
	uint64_t unit;

	if (a->how != KV_MAP_LEAF) {
		if (!says(r, "level") && a->present == KV_PRESENT_REFUSE)
			return 0;
		return kv_load_refuse(r->ld,
		    at(r, says(r, "level") ? "level" : "present"),
		    "'%s' is of 'how: leaf'",
		    says(r, "level") ? "level" : "present");
	}
	if (a->present != KV_PRESENT_REFUSE && says(r, "object"))
		return kv_load_refuse(r->ld, at(r, "present"),
		    "pages of an object are mapped where nothing is: "
		    "'present' goes with 'pa'");
	if (a->level >= f->levels || (f->leaf_levels >> a->level & 1) == 0)
		return kv_load_refuse(r->ld, at(r, "level"),
		    "format '%s' has no leaves of level %" PRIu64, f->name,
		    a->level);
	unit = UINT64_C(1) << (f->pt_shift * a->level);
	if (a->pages % unit != 0)
		return kv_load_refuse(r->ld,
		    at(r, says(r, "size") ? "size" : "pages"),
		    "a leaf of level %" PRIu64 " maps %" PRIu64 " pages",
		    a->level, unit);
	return 0;
}

/* The tables of one step must fit in memory. */
static int
check_entries(struct reading *r)
{
	const struct kv_scenario *sc = r->ld->sc;
	const struct kv_pte_format *f = sc->spaces[r->step->space].format;
	const struct map_args *a = &r->args;
	unsigned level = a->how == KV_MAP_LEAF ? (unsigned)a->level : 0;
	uint64_t all;

	r->step->entries = a->pages >> f->pt_shift * level;
	if (kv_mul(r->step->entries, a->count, &all) && all <= entries_max)
		return 0;
	return kv_load_refuse(r->ld, r->key,
	    "more than %" PRIu64 " entries in one step", entries_max);
}

/* What does not go with a mode of data, and what goes with it alone. */
static int
check_data(struct reading *r)
{
	static const char *const others[] = {"pa", "count", "stride", NULL};
	const unsigned mode = r->args.data;

	if (!says(r, "data"))
		return !says(r, "on_fault")
			   ? 0
			   : kv_load_refuse(r->ld, at(r, "on_fault"),
				 "'on_fault' is of 'data'");
	for (const char *const *key = others; *key != NULL; key++)
		if (says(r, *key))
			return kv_load_refuse(r->ld, at(r, *key),
			    "'%s' does not go with 'data'", *key);
	if (says(r, "how") &&
	    (r->args.how != KV_MAP_LEAF ||
		(mode != KV_COW_EAGER && mode != KV_COW_DIRECT_RO)))
		return kv_load_refuse(r->ld, at(r, "how"),
		    "data is mapped page by page; 'leaf' goes with cow_eager "
		    "and direct_ro");
	r->step->data = true;
	r->step->mode = (enum kv_cow_mode)r->args.data;
	r->step->on_fault = (enum kv_cow_flush)r->args.on_fault;
	r->step->in_place = r->args.on_write == 1;
	return 0;
}

/* What does not go with a range that is mapped when it is touched. */
static int
check_lazy(struct reading *r)
{
	static const char *const others[] = {
	    "object", "how", "level", "data", "present", NULL};
	const struct kv_scenario *sc = r->ld->sc;
	const struct kv_pte_format *f = sc->spaces[r->step->space].format;

	for (const char *const *key = others; r->args.lazy && *key != NULL;
	     key++)
		if (says(r, *key))
			return kv_load_refuse(r->ld, at(r, *key),
			    "'%s' does not go with 'lazy'", *key);
	if (r->args.lazy && (f->leaf_levels >> 1 & 1) == 0)
		return kv_load_refuse(r->ld, at(r, "lazy"),
		    "format '%s' has no leaves of level 1", f->name);
	r->step->lazy = r->args.lazy;
	return 0;
}

/* ---- Attributes ------------------------------------------------------ */

/* pmap_enter is told of the access that it is for; pmap_qenter is not
 * (freebsd.md 5). */
static unsigned
attributes(const struct reading *r)
{
	const struct map_args *a = &r->args;
	bool kernel = r->step->space == 0, entered = a->how != KV_MAP_QENTER;
	bool global = says(r, "global") ? a->global : kernel;
	bool user = says(r, "user") ? a->user : !kernel;
	bool accessed = says(r, "accessed") ? a->accessed : entered;
	bool modified = says(r, "modified")
			    ? a->modified
			    : accessed && entered && (a->prot & KV_PTE_W) != 0;

	return a->prot | (global ? KV_PTE_G : 0) | (user ? KV_PTE_U : 0) |
	       (accessed ? KV_PTE_A : 0) | (modified ? KV_PTE_M : 0);
}

/* ---- Steps ----------------------------------------------------------- */

static int
read(struct kv_load *ld, const struct kv_node *key,
    const struct kv_field *fields, size_t nfields, struct reading *r)
{
	*r = (struct reading){.ld = ld,
	    .key = key,
	    .map = key->next,
	    .step = kv_pool_alloc(&ld->sc->pool, sizeof(*r->step)),
	    .args = {.space = "kernel",
		.level = 1,
		.count = 1,
		.prot = KV_PTE_W,
		.flush = true}};
	r->step->object = -1;
	ld->sc->paging = true;
	return kv_fields_read(
	    ld, r->map, key->text, "key", fields, nfields, &r->args);
}

static void
finish(const struct reading *r, struct kv_step *step)
{
	const struct map_args *a = &r->args;
	struct kv_map_step *s = r->step;

	s->npages = a->pages;
	s->how = (enum kv_map_how)a->how;
	s->present = (enum kv_map_present)a->present;
	s->level = (unsigned)a->level;
	s->flush = a->flush;
	s->by_kernel = a->by == 1;
	step->count = a->count;
	step->map = s;
}

int
kv_step_read_map(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r;

	if (read(ld, key, FIELDS(map_fields), &r) != 0 || read_size(&r) != 0 ||
	    read_pages(&r) != 0 || read_where(&r) != 0 ||
	    check_level(&r) != 0 || check_entries(&r) != 0 ||
	    check_data(&r) != 0 || check_lazy(&r) != 0 ||
	    kv_load_cpu(ld, r.map, r.args.cpu, step) != 0)
		return EINVAL;
	r.step->attr = attributes(&r);
	finish(&r, step);
	return 0;
}

int
kv_step_read_unmap(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r;

	if (read(ld, key, FIELDS(unmap_fields), &r) != 0 ||
	    read_size(&r) != 0 || read_where(&r) != 0 ||
	    kv_load_cpu(ld, r.map, r.args.cpu, step) != 0)
		return EINVAL;
	finish(&r, step);
	return 0;
}

int
kv_step_read_protect(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r;

	if (read(ld, key, FIELDS(protect_fields), &r) != 0 ||
	    read_size(&r) != 0 || read_where(&r) != 0 ||
	    kv_load_cpu(ld, r.map, r.args.cpu, step) != 0)
		return EINVAL;
	r.step->attr = r.args.prot;
	finish(&r, step);
	return 0;
}

int
kv_step_read_promote(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r;

	if (read(ld, key, FIELDS(leaf_fields), &r) != 0 || read_where(&r) != 0)
		return EINVAL;
	finish(&r, step);
	return 0;
}

/* A table is an entry of the one above it. */
int
kv_step_read_grow(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	const struct kv_pte_format *f;
	struct reading r;
	int error = read(ld, key, FIELDS(grow_fields), &r);

	r.args.pages = 1;
	if (error != 0 ||
	    ((says(&r, "size") || says(&r, "pages")) && read_size(&r) != 0) ||
	    read_where(&r) != 0)
		return EINVAL;
	f = ld->sc->spaces[r.step->space].format;
	if (r.args.level >= f->levels)
		return kv_load_refuse(ld, at(&r, "level"),
		    "format '%s' has tables of %u levels, from 0", f->name,
		    f->levels);
	r.step->entries = (r.args.pages >> f->pt_shift) + 1;
	if (r.step->entries > entries_max / r.args.count)
		return kv_load_refuse(r.ld, r.key,
		    "more than %" PRIu64 " tables in one step", entries_max);
	finish(&r, step);
	return 0;
}

int
kv_step_read_graft(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r;

	if (read(ld, key, FIELDS(graft_fields), &r) != 0 ||
	    kv_load_space(ld, kv_map_get(r.map, "from"), r.args.from,
		&r.step->owner) != 0 ||
	    read_where(&r) != 0)
		return EINVAL;
	finish(&r, step);
	return 0;
}

int
kv_step_read_release(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r;

	if (read(ld, key, FIELDS(release_fields), &r) != 0 ||
	    read_object(&r) != 0 || read_offset(&r) != 0)
		return EINVAL;
	finish(&r, step);
	return 0;
}
