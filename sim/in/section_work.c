/* SPDX-License-Identifier: BSD-2-Clause */
/* section_work.c - the section work: steps, checked and expanded */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "in/lex.h"
#include "in/work_parts.h"
#include "out/mem.h"

static const size_t steps_max = 1000000;
static const uint64_t operations_max = 1000000000;

#define AT(field) offsetof(struct kv_step_args, field)

static const char *const generators[] = {"reference", NULL};
static const char *const stops[] = {"never", "failure", NULL};

#define UINT(name, ...)                                                  \
	{                                                                \
		.key = #name, .kind = KV_FIELD_UINT, .offset = AT(name), \
		__VA_ARGS__                                              \
	}
#define CHOICE(name, list)                                                 \
	{                                                                  \
		.key = #name, .kind = KV_FIELD_CHOICE, .offset = AT(name), \
		.words = list                                              \
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

static const struct kv_field spawn_fields[] = {UINT(count, .min = 1),
    UINT(pages, .min = 1), UINT(domain, .min = 0), UINT(cpu, .min = 0),
    WORD("as", name, .min = 0)};
static const struct kv_field dispose_fields[] = {UINT(count, .min = 1),
    CHOICE(order, kv_order_words), UINT(cpu, .min = 0),
    WORD("name", name, .min = 0)};
static const struct kv_field churn_fields[] = {UINT(steps, .required = true),
    UINT(limit, .required = true, .min = 1), CHOICE(generator, generators),
    UINT(cpu, .min = 0)};
static const struct kv_field reclaim_fields[] = {
    UINT(count, .min = 1), UINT(domain, .min = 0)};
static const struct kv_field idle_fields[] = {{.key = "operations",
    .kind = KV_FIELD_UINT,
    .offset = AT(count),
    .required = true,
    .min = 1}};
static const struct kv_field arena_churn_fields[] = {
    WORD("arena", arena, .required = true), UINT(steps, .required = true),
    CHOICE(fit, kv_fit_words), BOOL(aligned),
    UINT(max_pages, .min = 1, .max = UINT32_MAX),
    CHOICE(generator, generators)};
static const struct kv_field alloc_fields[] = {
    WORD("arena", arena, .required = true),
    UINT(size, .required = true, .min = 1), UINT(align, .min = 0),
    UINT(phase, .min = 0), UINT(nocross, .min = 0), UINT(min, .min = 0),
    UINT(max, .min = 1), CHOICE(fit, kv_fit_words), WORD("as", name, .min = 0),
    BOOL(qcache)};
static const struct kv_field free_fields[] = {
    WORD("name", name, .required = true), WORD("arena", arena, .min = 0),
    UINT(size, .min = 1)};
static const struct kv_field add_fields[] = {
    WORD("arena", arena, .required = true), UINT(base, .required = true),
    UINT(size, .required = true, .min = 1)};
static const struct kv_field repeat_fields[] = {UINT(times, .required = true),
    WORD("as", name, .min = 0), CHOICE(stop, stops),
    {.key = "steps",
	.kind = KV_FIELD_NODE,
	.offset = AT(body),
	.required = true}};

/* ---- Arenas ---------------------------------------------------------- */

static const struct kv_arena_spec *
find_arena(struct kv_reading *r)
{
	return kv_load_arena(
	    r->ld, kv_step_at(r, "arena"), r->args.arena, &r->step.arena);
}

/* Requests to an arena with the kernel-stack import fit in one import. */
static int
check_size(struct kv_reading *r, const char *key, const struct kv_arena_spec *a,
    uint64_t size)
{
	if (a->kpages != 0 && size > a->import_quantum)
		return kv_load_refuse(r->ld, kv_step_at(r, key),
		    "a block of 0x%" PRIx64 " bytes is larger than the import "
		    "quantum of '%s' (0x%" PRIx64 ")",
		    size, a->name, a->import_quantum);
	return 0;
}

static int
arena_churn(struct kv_reading *r)
{
	const struct kv_arena_spec *a = find_arena(r);
	uint64_t largest;

	if (a == NULL)
		return EINVAL;
	if (!kv_mul(r->args.max_pages, a->quantum, &largest))
		return kv_load_refuse(r->ld, kv_step_at(r, "max_pages"),
		    "blocks of %" PRIu64 " quanta do not fit in 64 bits",
		    r->args.max_pages);
	return check_size(r, "max_pages", a, largest);
}

/* One of the values that are multiples of the quantum. */
static int
check_multiple(struct kv_reading *r, const char *key, uint64_t value,
    const struct kv_arena_spec *a)
{
	if (value % a->quantum == 0)
		return 0;
	return kv_load_refuse(r->ld, kv_step_at(r, key),
	    "'%s' (0x%" PRIx64 ") is no multiple of the quantum of '%s' "
	    "(0x%" PRIx64 ")",
	    key, value, a->name, a->quantum);
}

static int
check_pow2(struct kv_reading *r, const char *key, uint64_t value)
{
	if (value == 0 || kv_is_pow2(value))
		return 0;
	return kv_load_refuse(r->ld, kv_step_at(r, key),
	    "'%s' (0x%" PRIx64 ") is no power of two", key, value);
}

/* The rules for the window that a block must not leave; size is rounded. */
static int
check_nocross(struct kv_reading *r, uint64_t size)
{
	const struct kv_step_args *a = &r->args;

	if (a->nocross == 0)
		return 0;
	if (a->nocross < size || a->nocross <= a->align)
		return kv_load_refuse(r->ld, kv_step_at(r, "nocross"),
		    "'nocross' (0x%" PRIx64 ") must be at least the size, and "
		    "above 'align'",
		    a->nocross);
	if (a->phase % a->nocross > a->nocross - size)
		return kv_load_refuse(r->ld, kv_step_at(r, "phase"),
		    "a block at 'phase' always crosses a multiple of "
		    "'nocross'");
	return 0;
}

static int
check_limits(struct kv_reading *r)
{
	const struct kv_step_args *a = &r->args;

	if (a->phase != 0 && a->phase >= a->align)
		return kv_load_refuse(r->ld, kv_step_at(r, "phase"),
		    "'phase' (0x%" PRIx64 ") must be below 'align' (0x%" PRIx64
		    ")",
		    a->phase, a->align);
	if (a->min > a->max)
		return kv_load_refuse(
		    r->ld, kv_step_at(r, "min"), "'min' is above 'max'");
	return 0;
}

/* nextfit takes whole quanta from anywhere. */
static int
check_nextfit(struct kv_reading *r, const struct kv_arena_spec *a)
{
	if (r->args.fit % KV_FIT_WORDS != KV_VMEM_NEXTFIT)
		return 0;
	if (r->args.min != 0 || r->args.max != UINT64_MAX)
		return kv_load_refuse(r->ld, kv_step_at(r, "fit"),
		    "nextfit goes with neither 'min' nor 'max'");
	return check_multiple(r, "size", r->args.size, a);
}

static int
check_request(struct kv_reading *r, const struct kv_arena_spec *a)
{
	struct kv_step_args *args = &r->args;
	uint64_t size;

	if (!kv_round_up(args->size, a->quantum, &size))
		return kv_load_refuse(r->ld, kv_step_at(r, "size"),
		    "'size' rounded up to the quantum does not fit in 64 "
		    "bits");
	if (check_size(r, "size", a, args->size) != 0 ||
	    check_multiple(r, "align", args->align, a) != 0 ||
	    check_multiple(r, "phase", args->phase, a) != 0 ||
	    check_multiple(r, "nocross", args->nocross, a) != 0 ||
	    check_pow2(r, "align", args->align) != 0 ||
	    check_pow2(r, "nocross", args->nocross) != 0 ||
	    check_limits(r) != 0 || check_nocross(r, size) != 0)
		return EINVAL;
	return check_nextfit(r, a);
}

static int
alloc(struct kv_reading *r)
{
	static const char *const constraints[] = {
	    "align", "phase", "nocross", "min", "max"};
	const struct kv_arena_spec *a = find_arena(r);
	bool limited = false;
	size_t i;

	if (kv_step_check_name(r, "a block", &r->ld->blocks) != 0 ||
	    a == NULL || check_request(r, a) != 0)
		return EINVAL;
	for (i = 0; i < sizeof(constraints) / sizeof(constraints[0]); i++)
		limited |= kv_map_get(r->map, constraints[i]) != NULL;
	if (kv_map_get(r->map, "qcache") == NULL)
		r->args.qcache = !limited;
	else if (r->args.qcache && limited)
		return kv_load_refuse(r->ld, kv_step_at(r, "qcache"),
		    "the quantum caches know no align, phase, nocross, min or "
		    "max");
	return 0;
}

/* A block that a step above allocates.  To free it twice is for the run to
 * judge: it is what a kernel panics on. */
static int
free_block(struct kv_reading *r)
{
	size_t i;

	if (kv_map_get(r->map, "arena") == NULL)
		r->step.arena = -1;
	else if (find_arena(r) == NULL)
		return EINVAL;
	if (kv_names_find(&r->ld->blocks, r->args.name, &i))
		return 0;
	return kv_load_unknown(r->ld, kv_step_at(r, "name"), "block",
	    r->args.name, r->ld->blocks.list, r->ld->blocks.count);
}

static int
add(struct kv_reading *r)
{
	const struct kv_arena_spec *a = find_arena(r);

	if (a == NULL || check_multiple(r, "base", r->args.base, a) != 0 ||
	    check_multiple(r, "size", r->args.size, a) != 0)
		return EINVAL;
	if (r->args.size - 1 > UINT64_MAX - r->args.base)
		return kv_load_refuse(
		    r->ld, kv_step_at(r, "size"), "base + size is beyond 2^64");
	return 0;
}

/* ---- Steps ----------------------------------------------------------- */

#define FIELDS(list) .fields = list, .nfields = sizeof(list) / sizeof((list)[0])

/* Churn is for stacks or, with an arena, for its blocks. */
static const struct step_kind {
	const char *name;
	enum kv_step_kind kind;
	const struct kv_field *fields;
	size_t nfields;
	int (*check)(struct kv_reading *r);
	kv_step_read_fn *read; /* instead of the three above */
} kinds[] = {{"spawn", KV_STEP_SPAWN, FIELDS(spawn_fields),
		 .check = kv_step_check_spawn},
    {"dispose", KV_STEP_DISPOSE, FIELDS(dispose_fields),
	.check = kv_step_check_dispose},
    {"churn", KV_STEP_CHURN, FIELDS(churn_fields),
	.check = kv_step_check_stacks},
    {"reclaim", KV_STEP_RECLAIM, FIELDS(reclaim_fields),
	.check = kv_step_check_reclaim},
    {"swapout", KV_STEP_SWAPOUT, .read = kv_step_read_swapout},
    {"swapin", KV_STEP_SWAPIN, .read = kv_step_read_swapin},
    {"idle", KV_STEP_IDLE, FIELDS(idle_fields)},
    {"drain", KV_STEP_DRAIN, .read = NULL},
    {"alloc", KV_STEP_ALLOC, FIELDS(alloc_fields), .check = alloc},
    {"free", KV_STEP_FREE, FIELDS(free_fields), .check = free_block},
    {"add", KV_STEP_ADD, FIELDS(add_fields), .check = add},
    {"comb", KV_STEP_COMB, .read = kv_step_read_comb},
    {"doubling", KV_STEP_DOUBLING, .read = kv_step_read_doubling},
    {"map", KV_STEP_MAP, .read = kv_step_read_map},
    {"unmap", KV_STEP_UNMAP, .read = kv_step_read_unmap},
    {"protect", KV_STEP_PROTECT, .read = kv_step_read_protect},
    {"promote", KV_STEP_PROMOTE, .read = kv_step_read_promote},
    {"demote", KV_STEP_DEMOTE, .read = kv_step_read_promote},
    {"release", KV_STEP_RELEASE, .read = kv_step_read_release},
    {"grow", KV_STEP_GROW, .read = kv_step_read_grow},
    {"graft", KV_STEP_GRAFT, .read = kv_step_read_graft},
    {"draw", KV_STEP_DRAW, .read = kv_step_read_draw},
    {"reset", KV_STEP_RESET, .read = kv_step_read_reset},
    {"copy", KV_STEP_COPY, .read = kv_step_read_copy},
    {"touch", KV_STEP_TOUCH, .read = kv_step_read_touch},
    {"flush", KV_STEP_FLUSH, .read = kv_step_read_flush},
    {"enter", KV_STEP_ENTER, .read = kv_step_read_enter},
    {"park", KV_STEP_PARK, .read = kv_step_read_park},
    {"drop", KV_STEP_DROP, .read = kv_step_read_drop},
    {"verify", KV_STEP_VERIFY, .read = kv_step_read_verify},
    {"overflow", KV_STEP_OVERFLOW, .read = kv_step_read_overflow},
    {"repeat", 0, FIELDS(repeat_fields)}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), REPEAT = KINDS - 1 };

static const struct step_kind arena_churn_kind = {"churn", KV_STEP_ARENA_CHURN,
    FIELDS(arena_churn_fields), .check = arena_churn};

static const struct step_kind fixed_churn_kind = {
    "churn", KV_STEP_FIXED_CHURN, .read = kv_step_read_fixed_churn};

static void
append(struct kv_scenario *sc, const struct kv_step *step, size_t *capacity)
{
	if (sc->nwork == *capacity) {
		*capacity = *capacity == 0 ? 64 : 2 * *capacity;
		sc->work =
		    kv_mem_resize(sc->work, *capacity, sizeof(*sc->work));
	}
	sc->work[sc->nwork++] = *step;
}

static void read_steps(
    struct kv_load *ld, const struct kv_node *list, size_t *capacity);

/* The steps in it, then the same again, times - 1 times. */
static void
repeat(struct kv_reading *r, size_t *capacity)
{
	struct kv_scenario *sc = r->ld->sc;
	size_t first = sc->nwork, n, i;
	uint64_t total, copies;

	if (kv_load_list(r->ld, r->args.body, "steps") != NULL)
		read_steps(r->ld, r->args.body, capacity);
	n = sc->nwork - first;
	if (!kv_mul(n, r->args.times, &total) || total > steps_max - first) {
		kv_load_refuse(r->ld, kv_step_at(r, "times"),
		    "repeated, these are more than %zu steps", steps_max);
		return;
	}
	if (r->args.times == 0)
		sc->nwork = first;
	for (copies = 1; n != 0 && copies < r->args.times; copies++)
		for (i = 0; i < n; i++) {
			struct kv_step step = sc->work[first + i];

			append(sc, &step, capacity);
		}
}

/* => 0; EINVAL, noted */
static int
check_loop(struct kv_reading *r)
{
	struct kv_load *ld = r->ld;
	const char *name = r->args.name;
	size_t i;

	if (name == NULL)
		return kv_load_refuse(ld, kv_step_at(r, "stop"),
		    "'stop' needs the name of a loop: 'as'");
	if (!kv_is_name(name, strlen(name)) || strlen(name) > 15)
		return kv_load_refuse(ld, kv_step_at(r, "as"),
		    "'%.40s' cannot name a loop (letters, digits and _, 15 at "
		    "most)",
		    name);
	if (kv_params_find(&ld->params, name) != NULL)
		return kv_load_refuse(
		    ld, kv_step_at(r, "as"), "'%s' is a parameter", name);
	if (!kv_names_add(&ld->loops, name, &i))
		return kv_load_refuse(
		    ld, kv_step_at(r, "as"), "'%s' names another loop", name);
	return 0;
}

/* The steps in it once, between the two ends of the loop. */
static void
loop(struct kv_reading *r, size_t *capacity)
{
	struct kv_load *ld = r->ld;
	struct kv_loop_scope scope = {ld->scope, r->args.name};
	const uint64_t outside = ld->times;
	struct kv_loop_step *s;
	size_t first;

	if (check_loop(r) != 0)
		return;
	s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	*s = (struct kv_loop_step){.name = r->args.name,
	    .times = r->args.times,
	    .loop = ld->sc->nloops++,
	    .stop = r->args.stop != 0};
	r->step.kind = KV_STEP_LOOP;
	r->step.loop = s;
	append(ld->sc, &r->step, capacity);
	first = ld->sc->nwork;
	ld->scope = &scope;
	if (!kv_mul(outside, s->times, &ld->times))
		ld->times = UINT64_MAX;
	r->step.times = ld->times;
	if (kv_load_list(ld, r->args.body, "steps") != NULL)
		read_steps(ld, r->args.body, capacity);
	ld->scope = scope.outer;
	ld->times = outside;
	s->span = ld->sc->nwork - first;
	r->step.kind = KV_STEP_END;
	append(ld->sc, &r->step, capacity);
}

static void
finish(struct kv_reading *r, enum kv_step_kind kind, size_t *capacity)
{
	const struct kv_step_args *a = &r->args;
	struct kv_step *s = &r->step;

	s->kind = kind;
	s->count = kind == KV_STEP_CHURN || kind == KV_STEP_ARENA_CHURN
		       ? a->steps
		       : a->count;
	s->limit = a->limit;
	s->npages = (unsigned)a->pages;
	s->domain = (unsigned)a->domain;
	s->cpu = (unsigned)a->cpu;
	s->order = (enum kv_step_order)a->order;
	s->base = a->base;
	s->aligned = a->aligned;
	s->plain = a->qcache;
	s->max_quanta = a->max_pages;
	s->name = a->name;
	s->req = (struct kv_vmem_req){.size = a->size,
	    .align = a->align,
	    .phase = a->phase,
	    .nocross = a->nocross,
	    .min = a->min,
	    .max = a->max == UINT64_MAX ? 0 : a->max,
	    .fit = (enum kv_vmem_fit)(a->fit % KV_FIT_WORDS)};
	append(r->ld->sc, s, capacity);
}

/* A step with a reader of its own. */
static void
read_by(kv_step_read_fn *read, enum kv_step_kind kind, struct kv_reading *r,
    size_t *capacity)
{
	r->step.kind = kind;
	r->step.count = 1;
	if (read(r->ld, r->key, &r->step) != 0)
		return;
	if (r->ld->sc->nwork == steps_max)
		kv_load_refuse(r->ld, r->key, "more than %zu steps", steps_max);
	else
		append(r->ld->sc, &r->step, capacity);
}

/* The generator says which churn of an arena it is. */
static const struct step_kind *
arena_churn_of(const struct kv_node *map)
{
	const struct kv_node *node = kv_map_get(map, "generator");

	return node != NULL && node->kind == KV_NODE_SCALAR &&
		       strcmp(node->text, "fixed") == 0
		   ? &fixed_churn_kind
		   : &arena_churn_kind;
}

static const struct step_kind *
find_kind(struct kv_load *ld, const struct kv_node *key)
{
	const char *names[KINDS];
	size_t i;

	for (i = 0; i < KINDS; i++) {
		names[i] = kinds[i].name;
		if (strcmp(names[i], key->text) != 0)
			continue;
		if (kinds[i].kind == KV_STEP_CHURN &&
		    kv_map_get(key->next, "arena") != NULL)
			return arena_churn_of(key->next);
		return &kinds[i];
	}
	kv_load_unknown(ld, key, "step", key->text, names, KINDS);
	return NULL;
}

/* - kind: {...} */
void
kv_load_step(struct kv_load *ld, const struct kv_node *item, size_t *capacity)
{
	const struct kv_node *key = item->child;
	struct kv_reading r = {.ld = ld,
	    .args = {.max = UINT64_MAX,
		.max_pages = 70,
		.domain = KV_ANYWHERE,
		.cpu = KV_ANYWHERE}};
	const struct step_kind *kind;

	if (item->kind == KV_NODE_BAD)
		return;
	if (item->kind != KV_NODE_MAP || item->count != 2) {
		kv_load_refuse(
		    ld, item, "a step is a map of one key: {spawn: {...}}");
		return;
	}
	if (key->kind != KV_NODE_SCALAR)
		return; /* noted when it was parsed */
	kind = find_kind(ld, key);
	r.key = key;
	r.map = key->next;
	r.step.times = ld->times;
	r.step.place =
	    (struct kv_place){ld->sc->text.path, key->line, key->column};
	if (kind == NULL)
		return;
	if (kind->read != NULL) {
		read_by(kind->read, kind->kind, &r, capacity);
		return;
	}
	if (kv_fields_read(ld, r.map, key->text, "key", kind->fields,
		kind->nfields, &r.args) != 0) {
		/* do not blame a later `free` for this */
		if (kind->kind == KV_STEP_ALLOC)
			kv_step_check_name(&r, "a block", &ld->blocks);
		return;
	}
	if (kind == &kinds[REPEAT] &&
	    (r.args.name != NULL || kv_map_get(r.map, "stop") != NULL))
		loop(&r, capacity);
	else if (kind == &kinds[REPEAT])
		repeat(&r, capacity);
	else if (ld->sc->nwork == steps_max)
		kv_load_refuse(ld, key, "more than %zu steps", steps_max);
	else if (kind->check == NULL || kind->check(&r) == 0)
		finish(&r, kind->kind, capacity);
}

/* Recursion: bounded by the depth of the tree. */
static void
read_steps(struct kv_load *ld, const struct kv_node *list, size_t *capacity)
{
	const struct kv_node *item;

	for (item = list->child; item != NULL && !kv_errors_full(ld->errors);
	     item = item->next)
		kv_load_step(ld, item, capacity);
}

/* ---- All of it ------------------------------------------------------- */

/* What a step may take in all passes, in operations: a map as many as it has
 * entries, the end of a loop one. */
static uint64_t
cost_of(const struct kv_step *s)
{
	uint64_t once = s->count, cost;

	if (s->kind == KV_STEP_MAP)
		once *= s->map->entries;
	else if (s->kind == KV_STEP_END)
		once = 1;
	return kv_mul(once, s->times, &cost) ? cost : UINT64_MAX;
}

void
kv_section_work(struct kv_load *ld, const struct kv_node *node)
{
	struct kv_scenario *sc = ld->sc;
	size_t capacity = 0, i;
	uint64_t total = 0;

	if (node == NULL || kv_load_list(ld, node, "work") == NULL)
		return;
	read_steps(ld, node, &capacity);
	for (i = 0; i < sc->nwork; i++) {
		const struct kv_place *at = &sc->work[i].place;

		if (cost_of(&sc->work[i]) > operations_max - total) {
			kv_errors_add(ld->errors, at->path, at->line,
			    at->column,
			    "with this step there are more than 1000000000 "
			    "operations");
			return;
		}
		total += cost_of(&sc->work[i]);
	}
}
