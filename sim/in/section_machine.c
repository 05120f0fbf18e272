/* SPDX-License-Identifier: BSD-2-Clause */
/* section_machine.c - the sections machine and kstacks */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "in/sections.h"
#include "out/mem.h"
#include "run/policy.h"

static const uint64_t default_start = UINT64_C(16) << 20;
static const uint64_t default_memory = UINT64_C(1) << 30;

enum { CPUS_MAX = 1024 };

/* ---- machine --------------------------------------------------------- */

struct machine_args {
	const char *name;
	const struct kv_node *memory, *holes;
	uint64_t domains, cpus, free_min, free_reserved;
	bool page_cache, lazy_init, huge;
};

static const struct kv_field machine_fields[] = {
    {.key = "name",
	.kind = KV_FIELD_WORD,
	.offset = offsetof(struct machine_args, name)},
    {.key = "memory",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct machine_args, memory)},
    {.key = "domains",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct machine_args, domains),
	.min = 1,
	.max = KV_PHYS_DOMAINS},
    {.key = "cpus",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct machine_args, cpus),
	.min = 1,
	.max = CPUS_MAX},
    {.key = "free_min",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct machine_args, free_min)},
    {.key = "page_cache",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct machine_args, page_cache)},
    {.key = "free_reserved",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct machine_args, free_reserved)},
    {.key = "lazy_init",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct machine_args, lazy_init)},
    {.key = "huge",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct machine_args, huge)},
    {.key = "holes",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct machine_args, holes)}};

struct range_args {
	uint64_t start, size, domain;
};

static const struct kv_field range_fields[] = {
    {.key = "start",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct range_args, start),
	.required = true},
    {.key = "size",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct range_args, size),
	.required = true,
	.min = 1},
    {.key = "domain",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct range_args, domain)}};
/* A hole has all but a domain. */
enum { MACHINE_FIELDS = 10, RANGE_FIELDS = 3, HOLE_FIELDS = 2 };

static const struct kv_machine *
find_machine(struct kv_load *ld, const struct kv_node *node, const char *name)
{
	const struct kv_machine *found = kv_machine_find(name), *table;
	const char *names[32];
	size_t count, i;

	if (found != NULL)
		return found;
	table = kv_machine_table(&count);
	for (i = 0; i < count && i < 32; i++)
		names[i] = table[i].name;
	kv_load_unknown(ld, node, "machine", name, names, i);
	return kv_machine_find("amd64");
}

/* Refuse what phys would; whole: the map, or the size alone. */
static bool
check_range(
    struct kv_load *ld, const struct kv_node *whole, const struct range_args *r)
{
	const struct kv_scenario *sc = ld->sc;
	const struct kv_node *start = kv_map_get(whole, "start");
	const struct kv_node *size = kv_map_get(whole, "size");
	const struct kv_node *domain = kv_map_get(whole, "domain");
	uint64_t page = kv_machine_page_size(sc->machine), end;
	uint64_t limit = (uint64_t)UINT32_MAX << sc->machine->page_shift;
	kv_pa_t last = sc->nranges == 0 ? 0 : sc->ranges[sc->nranges - 1].end;

	if (start == NULL)
		start = whole;
	if (size == NULL)
		size = whole;
	if (r->start % page != 0)
		kv_load_refuse(ld, start,
		    "the start of memory is no multiple of the page size "
		    "(%" PRIu64 ")",
		    page);
	else if (r->size % page != 0)
		kv_load_refuse(ld, size,
		    "the size of memory is no multiple of the page size "
		    "(%" PRIu64 ")",
		    page);
	else if (!kv_add(r->start, r->size, &end) || end > limit)
		kv_load_refuse(ld, size,
		    "memory ends above 0x%" PRIx64 ", 2^32 - 1 pages", limit);
	else if (r->start < last)
		kv_load_refuse(ld, start,
		    "memory starts at 0x%" PRIx64 ", below the end of the "
		    "range before it (0x%" PRIx64 ")",
		    r->start, last);
	else if (r->domain >= sc->ndomains)
		kv_load_refuse(ld, domain,
		    "domain %" PRIu64 " is not there: the machine has %u",
		    r->domain, sc->ndomains);
	else
		return true;
	return false;
}

static void
add_range(struct kv_scenario *sc, const struct range_args *r)
{
	sc->ranges =
	    kv_mem_resize(sc->ranges, sc->nranges + 1, sizeof(*sc->ranges));
	sc->ranges[sc->nranges++] = (struct kv_phys_range){
	    r->start, r->start + r->size, (unsigned)r->domain};
}

/* A size, or a list of ranges. */
static void
read_memory(struct kv_load *ld, const struct kv_node *node)
{
	static const struct kv_field size = {.key = "memory",
	    .kind = KV_FIELD_UINT,
	    .offset = offsetof(struct range_args, size),
	    .min = 1};
	struct range_args r = {.start = default_start, .size = default_memory};
	const struct kv_node *item;

	if (node == NULL) {
		add_range(ld->sc, &r);
		return;
	}
	if (node->kind == KV_NODE_SCALAR) {
		if (kv_load_value(ld, node, &size, &r) == 0 &&
		    check_range(ld, node, &r))
			add_range(ld->sc, &r);
		return;
	}
	if (kv_load_list(ld, node, "memory") == NULL)
		return;
	if (node->count == 0)
		kv_load_refuse(ld, node, "the machine has no memory");
	for (item = node->child; item != NULL; item = item->next) {
		r = (struct range_args){0};
		if (kv_fields_read(ld, item, "memory", "key", range_fields,
			RANGE_FIELDS, &r) == 0 &&
		    check_range(ld, item, &r))
			add_range(ld->sc, &r);
	}
}

/* Take [start, end) out of memory.  => false: nothing of it was there */
static bool
cut_ranges(struct kv_scenario *sc, kv_pa_t start, kv_pa_t end)
{
	struct kv_phys_range *old = sc->ranges;
	size_t count = sc->nranges, i;
	bool cut = false;

	sc->ranges = kv_mem_resize(NULL, count + 1, sizeof(*old));
	sc->nranges = 0;
	for (i = 0; i < count; i++) {
		struct kv_phys_range below = old[i], above = old[i];

		if (below.end > start)
			below.end = start;
		if (above.start < end)
			above.start = end;
		cut |= old[i].start < end && old[i].end > start;
		if (below.start < below.end)
			sc->ranges[sc->nranges++] = below;
		if (above.start < above.end)
			sc->ranges[sc->nranges++] = above;
	}
	kv_mem_free(old);
	return cut;
}

/* Where the firmware, or a device, has memory of its own. */
static void
read_hole(struct kv_load *ld, const struct kv_node *item)
{
	uint64_t page = kv_machine_page_size(ld->sc->machine), end;
	struct range_args r = {0};

	if (kv_fields_read(
		ld, item, "holes", "key", range_fields, HOLE_FIELDS, &r) != 0)
		return;
	if (r.start % page != 0 || r.size % page != 0)
		kv_load_refuse(ld, item,
		    "start and size of a hole are multiples of the page size "
		    "(%" PRIu64 ")",
		    page);
	else if (!kv_add(r.start, r.size, &end) ||
		 !cut_ranges(ld->sc, r.start, end))
		kv_load_refuse(
		    ld, item, "there is no memory in this hole to take out");
	else if (ld->sc->nranges == 0)
		kv_load_refuse(
		    ld, item, "with this hole the machine has no memory");
}

static void
read_holes(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *item;

	if (node == NULL || kv_load_list(ld, node, "holes") == NULL)
		return;
	/* do not blame a hole for memory that could not be read */
	for (item = node->child; item != NULL && ld->sc->nranges != 0;
	     item = item->next)
		read_hole(ld, item);
}

void
kv_section_machine(struct kv_load *ld, const struct kv_node *node)
{
	struct machine_args args = {.domains = 1};
	struct kv_scenario *sc = ld->sc;

	sc->machine = kv_machine_find("amd64");
	sc->ndomains = 1;
	ld->params.machine = sc->machine;
	if (node != NULL) {
		if (kv_fields_read(ld, node, "machine", "key", machine_fields,
			MACHINE_FIELDS, &args) != 0)
			/* do not blame a range for a wrong `domains` */
			args.domains = KV_PHYS_DOMAINS;
		if (args.name != NULL)
			sc->machine = find_machine(
			    ld, kv_map_get(node, "name"), args.name);
		ld->params.machine = sc->machine;
		sc->ndomains = (unsigned)args.domains;
		sc->huge = args.huge;
	}
	sc->ncpus = args.cpus != 0 ? (unsigned)args.cpus : sc->ndomains;
	sc->page_cache = args.page_cache;
	sc->free_min = args.free_min;
	sc->free_reserved = args.free_reserved;
	sc->lazy_init = args.lazy_init;
	if (sc->ncpus < sc->ndomains)
		kv_load_refuse(ld, kv_map_get(node, "cpus"),
		    "%u CPUs for %u domains: each has one at least", sc->ncpus,
		    sc->ndomains);
	ld->memory = args.memory;
	read_memory(ld, args.memory);
	read_holes(ld, args.holes);
}

/* ---- kstacks --------------------------------------------------------- */

struct kstacks_args {
	const char *policy;
	unsigned scheme, cache, mapping, parents, domains, iterator, request;
	bool domain_guard;
	uint64_t pages, guard, first_kva, import_quantum;
};

static const char *const schemes[] = {[KV_KSTACK_OLD] = "old",
    [KV_KSTACK_NEW] = "new",
    [KV_KSTACK_NORES] = "nores",
    [KV_KSTACK_FFFF] = "ffff",
    NULL};
static const char *const caches[] = {"none", "uma", NULL};

static const char *const mappings[] = {"qenter", "enter", NULL};
static const char *const domains[] = {[KV_DOMAINSET_PREFER] = "prefer",
    [KV_DOMAINSET_ROUND_ROBIN] = "round_robin",
    [KV_DOMAINSET_FIRST_TOUCH] = "first_touch",
    NULL};
static const char *const requests[] = {[KV_PHYS_NORMAL] = "normal",
    [KV_PHYS_SYSTEM] = "system",
    [KV_PHYS_INTERRUPT] = "interrupt",
    NULL};
static const char *const iterators[] = {
    [KV_DOMAINSET_OLD] = "old", [KV_DOMAINSET_NEW] = "new", NULL};
static const char *const parents[] = {"joined", "returned", NULL};

static const struct kv_field kstacks_fields[] = {
    {.key = "policy",
	.kind = KV_FIELD_WORD,
	.offset = offsetof(struct kstacks_args, policy),
	.required = true},
    {.key = "scheme",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct kstacks_args, scheme),
	.words = schemes},
    {.key = "pages",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct kstacks_args, pages),
	.min = 1},
    {.key = "guard",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct kstacks_args, guard)},
    {.key = "cache",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct kstacks_args, cache),
	.words = caches},
    {.key = "mapping",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct kstacks_args, mapping),
	.words = mappings},
    {.key = "first_kva",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct kstacks_args, first_kva)},
    {.key = "domains",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct kstacks_args, domains),
	.words = domains},
    {.key = "iterator",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct kstacks_args, iterator),
	.words = iterators},
    {.key = "request",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct kstacks_args, request),
	.words = requests},
    {.key = "parents",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct kstacks_args, parents),
	.words = parents},
    {.key = "import_quantum",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct kstacks_args, import_quantum),
	.min = 1},
    {.key = "domain_guard",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct kstacks_args, domain_guard)}};
enum { KSTACKS_FIELDS = sizeof(kstacks_fields) / sizeof(kstacks_fields[0]) };

static const struct kv_policy *
find_policy(struct kv_load *ld, const struct kv_node *node, const char *name)
{
	static const char *const later[] = {"linux-vmap", "linux-dynamic"};
	const struct kv_policy *found = kv_policy_find(name), *table;
	const char *names[32];
	size_t count, i;

	if (found != NULL)
		return found;
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (strcmp(later[i], name) == 0) {
			kv_load_refuse(ld, node,
			    "policy '%s' is not part of this version", name);
			return NULL;
		}
	table = kv_policy_table(&count);
	for (i = 0; i < count && i < 32; i++)
		names[i] = table[i].name;
	kv_load_unknown(ld, node, "policy", name, names, i);
	return NULL;
}

/* Refuse what kv_kstack_create would, at the key that is wrong. */
static void
check_kstacks(struct kv_load *ld, const struct kv_node *node,
    const struct kstacks_args *a)
{
	const struct kv_machine *m = ld->sc->machine;
	const struct kv_node *pages = kv_map_get(node, "pages");
	const struct kv_node *guard = kv_map_get(node, "guard");
	const struct kv_node *first = kv_map_get(node, "first_kva");
	uint64_t window = UINT64_C(1) << m->reserv_order;
	uint64_t kva = m->kva_end - m->kva_start;

	if (a->pages > m->kstack_max)
		kv_load_refuse(ld, pages,
		    "stacks of %" PRIu64 " pages: the machine has at most %u",
		    a->pages, m->kstack_max);
	else if (a->guard >= window - a->pages)
		kv_load_refuse(ld, guard != NULL ? guard : node,
		    "%" PRIu64 " guard pages: stack and guard together must "
		    "be less than a reservation (%" PRIu64 " pages)",
		    a->guard, window);
	if (a->first_kva >= kva)
		kv_load_refuse(ld, first,
		    "first_kva is past the end of the KVA (0x%" PRIx64
		    " bytes)",
		    kva);
	else if (a->first_kva % kv_machine_page_size(m) != 0)
		kv_load_refuse(ld, first,
		    "first_kva is no multiple of the page size (%" PRIu64 ")",
		    kv_machine_page_size(m));
}

/* The same for the arenas that stack arenas import from. */
static void
check_parents(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_kstacks_spec *ks = &ld->sc->kstacks;
	uint64_t quantum = kv_machine_reserv_size(ld->sc->machine);

	if (ks->returned && ks->scheme == KV_KSTACK_FFFF)
		kv_load_refuse(ld, kv_map_get(node, "parents"),
		    "the scheme ffff needs parents that keep their spans "
		    "(joined)");
	if (ks->import_quantum % quantum != 0)
		kv_load_refuse(ld, kv_map_get(node, "import_quantum"),
		    "import_quantum is no multiple of a reservation (%" PRIu64
		    " bytes)",
		    quantum);
}

static void
check_memory(struct kv_load *ld, const struct kv_node *node, uint64_t npages)
{
	const struct kv_scenario *sc = ld->sc;
	uint64_t have = 0;
	size_t i;

	for (i = 0; i < sc->nranges; i++)
		have += (sc->ranges[i].end - sc->ranges[i].start) >>
			sc->machine->page_shift;
	if (i != 0 && have < npages)
		kv_load_refuse(ld, ld->memory != NULL ? ld->memory : node,
		    "memory of %" PRIu64 " pages is smaller than a stack "
		    "(%" PRIu64 " pages)",
		    have, npages);
}

void
kv_section_kstacks(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_machine *m = ld->sc->machine;
	struct kstacks_args args = {.scheme = KV_KSTACK_FFFF + 1,
	    .iterator = KV_DOMAINSET_NEW + 1,
	    .request = KV_PHYS_CLASSES,
	    .pages = m->kstack_pages,
	    .guard = m->kstack_guard};
	struct kv_kstacks_spec *ks = &ld->sc->kstacks;
	int error;

	if (node == NULL)
		return;
	ks->present = true;
	error = kv_fields_read(
	    ld, node, "kstacks", "key", kstacks_fields, KSTACKS_FIELDS, &args);
	if (args.policy != NULL)
		ks->policy =
		    find_policy(ld, kv_map_get(node, "policy"), args.policy);
	if (error != 0)
		return;
	check_kstacks(ld, node, &args);
	check_memory(ld, node, args.pages);
	if (args.scheme <= KV_KSTACK_FFFF)
		ks->scheme = (enum kv_kstack_scheme)args.scheme;
	else if (ks->policy != NULL)
		ks->scheme = ks->policy->scheme;
	if (args.iterator <= KV_DOMAINSET_NEW)
		ks->iterator = (enum kv_domainset_iterator)args.iterator;
	else if (ks->policy != NULL)
		ks->iterator = ks->policy->iterator;
	if (args.request < KV_PHYS_CLASSES)
		ks->request = (enum kv_phys_class)args.request;
	else if (ks->policy != NULL)
		ks->request = ks->policy->request;
	ks->domains = (enum kv_domainset_policy)args.domains;
	ks->npages = (unsigned)args.pages;
	ks->gpages = (unsigned)args.guard;
	ks->domain_guard = args.domain_guard;
	ks->returned = args.parents != 0;
	ks->import_quantum = args.import_quantum;
	check_parents(ld, node);
	ks->cache = args.cache != 0;
	ks->first_kva = args.first_kva;
	ks->enter = args.mapping != 0;
}

bool
kv_is_kstack_arena(const struct kv_scenario *sc, const char *name)
{
	static const char *const stems[] = {"domain", "kstack"};
	size_t i;

	if (!sc->kstacks.present)
		return false;
	for (i = 0; i < 2; i++) {
		const char *digits = name + strlen(stems[i]);

		if (strncmp(name, stems[i], strlen(stems[i])) == 0 &&
		    strlen(digits) <= 2 &&
		    digits[strspn(digits, "0123456789")] == '\0' &&
		    *digits != '\0' && (unsigned)atoi(digits) < sc->ndomains)
			return sc->kstacks.scheme != KV_KSTACK_OLD;
	}
	return strcmp(name, "kernel") == 0;
}
