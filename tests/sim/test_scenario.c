/* SPDX-License-Identifier: BSD-2-Clause */
/* test_scenario.c - scenarios that are right: what they mean */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "in/scenario.h"
#include "kvtest.h"
#include "run/policy.h"

static char path[] = "/tmp/kv_scenario_XXXXXX";
static struct kv_scenario *sc;

static void
setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
teardown(void)
{
	kv_scenario_free(sc);
	unlink(path);
}

/* Load a text, which must be right. */
static void
load(const char *text, const struct kv_define *defines, size_t ndefines)
{
	struct kv_errors errors = {0};
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	kv_scenario_free(sc);
	sc = NULL;
	if (kv_scenario_load(path, defines, ndefines, &sc, &errors) != 0)
		ck_abort_msg("%s", errors.list[0].text);
	ck_assert_uint_eq(errors.count, 0);
}

static const struct kv_value *
param(const char *name)
{
	size_t i;

	for (i = 0; i < sc->nparams; i++)
		if (strcmp(sc->params[i].name, name) == 0)
			return &sc->params[i].value;
	ck_abort_msg("no parameter %s", name);
	return NULL;
}

static void
check_uint(const char *name, uint64_t u)
{
	ck_assert_int_eq(param(name)->kind, KV_VALUE_UINT);
	ck_assert_uint_eq(param(name)->u, u);
}

static void
check_word(const char *name, const char *word)
{
	ck_assert_int_eq(param(name)->kind, KV_VALUE_WORD);
	ck_assert_str_eq(param(name)->w, word);
}

/* ---- The whole ------------------------------------------------------- */

/* The example of the interface. */
static const char churn[] =
    "kvasir: 1\n"
    "title: Reference churn, one domain\n"
    "param: {scheme: [new, old, nores], first_kva: [0, 2M], stacks: 1022, "
    "memory: 64M, churn: 0, pages: 4, guard: 1}\n"
    "machine: {name: amd64, memory: [{start: 16M, size: memory}]}\n"
    "kstacks: {policy: freebsd-d38852, scheme: scheme, pages: pages, "
    "guard: guard, cache: none, first_kva: first_kva}\n"
    "work:\n"
    "  - spawn: {count: stacks}\n"
    "  - churn: {steps: churn, limit: stacks, generator: reference}\n"
    "expect: [guard.mapped == 0]\n";

START_TEST(example)
{
	load(churn, NULL, 0);
	ck_assert_str_eq(sc->name, strrchr(path, '/') + 1);
	ck_assert_str_eq(sc->title, "Reference churn, one domain");
	ck_assert_ptr_null(sc->about);
	ck_assert_uint_eq(sc->nparams, 7);
	ck_assert_str_eq(sc->params[0].name, "churn");
	ck_assert_str_eq(sc->params[6].name, "stacks");
	ck_assert_str_eq(sc->machine->name, "amd64");
	ck_assert_uint_eq(sc->nranges, 1);
	ck_assert_uint_eq(sc->ranges[0].start, 16 << 20);
	ck_assert_uint_eq(sc->ranges[0].end, 80 << 20);
	ck_assert_uint_eq(sc->ndomains, 1);
	ck_assert(sc->kstacks.present);
	ck_assert_str_eq(sc->kstacks.policy->name, "freebsd-d38852");
	ck_assert_int_eq(sc->kstacks.scheme, KV_KSTACK_NEW);
	ck_assert_uint_eq(sc->kstacks.npages, 4);
	ck_assert_uint_eq(sc->kstacks.gpages, 1);
	ck_assert_uint_eq(sc->kstacks.first_kva, 0);
	ck_assert_uint_eq(sc->nwork, 2);
	ck_assert_int_eq(sc->work[0].kind, KV_STEP_SPAWN);
	ck_assert_uint_eq(sc->work[0].count, 1022);
	ck_assert_uint_eq(sc->work[0].place.line, 7);
	ck_assert_uint_eq(sc->work[0].place.column, 5);
	ck_assert_int_eq(sc->work[1].kind, KV_STEP_CHURN);
	ck_assert_uint_eq(sc->work[1].count, 0);
	ck_assert_uint_eq(sc->work[1].limit, 1022);
	ck_assert_uint_eq(sc->nexpect, 1);
	ck_assert_str_eq(sc->expect[0].text, "guard.mapped == 0");
	ck_assert_uint_eq(sc->expect[0].place.line, 9);
	ck_assert_uint_eq(sc->expect[0].place.column, 10);
}
END_TEST

/* Evaluated after the last -D, in any order; a later one wins. */
START_TEST(replaced)
{
	static const struct kv_define defines[] = {{"scheme", "nores"},
	    {"first_kva", "stacks * 4K"}, {"scheme", "old"},
	    {"stacks", "2 * pages"}, {"memory", "min(1G, stacks * 1M)"},
	    {"pages", "churn"}, {"churn", "0x10"}, {"guard", "pages == 16"}};

	load(churn, defines, sizeof(defines) / sizeof(*defines));
	check_word("scheme", "old");
	check_uint("churn", 16);
	check_uint("pages", 16);
	check_uint("stacks", 32);
	check_uint("memory", 32 << 20);
	check_uint("guard", 1);
	check_uint("first_kva", 131072);
	ck_assert_int_eq(sc->kstacks.scheme, KV_KSTACK_OLD);
	ck_assert_uint_eq(sc->work[1].count, 16);
	ck_assert_uint_eq(sc->work[1].limit, 32);
	ck_assert_uint_eq(sc->ranges[0].end, 48 << 20);
}
END_TEST

START_TEST(least)
{
	load("kvasir: 1\n", NULL, 0);
	ck_assert_str_eq(sc->machine->name, "amd64");
	ck_assert_uint_eq(sc->nranges, 1);
	ck_assert_uint_eq(sc->ranges[0].start, 16 << 20);
	ck_assert_uint_eq(sc->ranges[0].end, (16 << 20) + (1 << 30));
	ck_assert_uint_eq(sc->ranges[0].domain, 0);
	ck_assert_uint_eq(sc->ndomains, 1);
	ck_assert(!sc->kstacks.present);
	ck_assert_uint_eq(
	    sc->nparams + sc->narenas + sc->nwork + sc->nmetrics + sc->nexpect,
	    0);
	ck_assert_ptr_null(sc->title);
}
END_TEST

/* The name is that of the file, without folder and .yaml. */
START_TEST(names)
{
	static const char *const ends[][2] = {
	    {".yaml", ""}, {"x.yml", "x.yml"}, {".yaml.gz", ".yaml.gz"}};
	struct kv_errors errors = {0};
	char other[100], want[100];
	size_t i;

	load("kvasir: 1\n", NULL, 0);
	for (i = 0; i < 3; i++) {
		snprintf(other, sizeof(other), "%s%s", path, ends[i][0]);
		snprintf(want, sizeof(want), "%s%s", strrchr(path, '/') + 1,
		    ends[i][1]);
		ck_assert_int_eq(link(path, other), 0);
		kv_scenario_free(sc);
		ck_assert_int_eq(
		    kv_scenario_load(other, NULL, 0, &sc, &errors), 0);
		ck_assert_str_eq(sc->name, want);
		unlink(other);
	}
}
END_TEST

/* One, two, three and four bytes a character; columns count characters. */
START_TEST(characters)
{
	load("kvasir: 1\n"
	     "title: \x7e \xc2\xa0 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbd "
	     "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\n"
	     "expect: [\"'\xe0\xa0\x80' == '\xf0\x9f\x98\x80'\", 1 == 1]\n",
	    NULL, 0);
	ck_assert_uint_eq(strlen(sc->title), 1 + 2 + 2 + 3 + 3 + 4 + 4 + 6);
	ck_assert_uint_eq(sc->expect[1].place.column, 24);
}
END_TEST

/* ---- Parameters ------------------------------------------------------ */

START_TEST(parameter_values)
{
	load("kvasir: 1\n"
	     "param:\n"
	     "  octal: 010\n"
	     "  sum: big + 1\n"
	     "  big: 0xfffffe0000000000\n"
	     "  negative: -5\n"
	     "  ratio: 0.25\n"
	     "  word: new\n"
	     "  same: word\n"
	     "  policy: freebsd-d38852\n"
	     "  difference: octal-three\n"
	     "  three: 3\n"
	     "  machine: arm64-4k\n"
	     "  quoted: \"64\"\n"
	     "  quoted_name: 'three'\n"
	     "  quoted_choice: 'three > 2 ? min(7, 9) : 1'\n"
	     "  numbers: 1 2 0x3\n"
	     "  text: 'E F: B'\n"
	     "  truth: yes\n"
	     "  first: [three, 4, x-y]\n",
	    NULL, 0);
	check_uint("octal", 10);
	check_uint("sum", UINT64_C(0xfffffe0000000001));
	ck_assert_int_eq(param("negative")->kind, KV_VALUE_INT);
	ck_assert_int_eq(param("negative")->i, -5);
	ck_assert_int_eq(param("ratio")->kind, KV_VALUE_REAL);
	check_word("word", "new");
	check_word("same", "new");
	check_word("policy", "freebsd-d38852");
	check_uint("difference", 7);
	check_word("machine", "arm64-4k");
	check_word("quoted", "64");
	check_word("quoted_name", "three");
	check_uint("quoted_choice", 7);
	check_word("numbers", "1 2 0x3");
	check_word("text", "E F: B");
	check_word("truth", "yes");
	check_uint("first", 3);
}
END_TEST

/* 4000 characters are the most that an expression has. */
START_TEST(parameter_length)
{
	char *text = malloc(5000), *at = text;
	unsigned i;

	at += sprintf(at, "kvasir: 1\nparam:\n  a: 10");
	for (i = 0; i < 1999; i++)
		at += sprintf(at, "+1");
	load(text, NULL, 0);
	check_uint("a", 2009);
	free(text);
}
END_TEST

/* A thousand of them, each naming the next. */
START_TEST(parameter_chain)
{
	char *text = malloc(40000), *at = text;
	unsigned i;

	at += sprintf(at, "kvasir: 1\nparam:\n");
	for (i = 0; i < 999; i++)
		at += sprintf(at, "  p%u: p%u + 1\n", i, i + 1);
	sprintf(at, "  p999: 1\n");
	load(text, NULL, 0);
	check_uint("p0", 1000);
	free(text);
}
END_TEST

/* ---- Machine and stacks ---------------------------------------------- */

START_TEST(ranges)
{
	load("kvasir: 1\n"
	     "machine:\n"
	     "  name: arm64-16k\n"
	     "  domains: 3\n"
	     "  memory:\n"
	     "    - {start: 0, size: 1M}\n"
	     "    - {start: 1M, size: 16K, domain: 2}\n"
	     "    - {start: 1G, size: 1G, domain: 1}\n",
	    NULL, 0);
	ck_assert_str_eq(sc->machine->name, "arm64-16k");
	ck_assert_uint_eq(sc->ndomains, 3);
	ck_assert_uint_eq(sc->nranges, 3);
	ck_assert_uint_eq(sc->ranges[0].start, 0);
	ck_assert_uint_eq(sc->ranges[1].start, 1 << 20);
	ck_assert_uint_eq(sc->ranges[1].end, (1 << 20) + 16384);
	ck_assert_uint_eq(sc->ranges[1].domain, 2);
	ck_assert_uint_eq(sc->ranges[2].domain, 1);
}
END_TEST

/* The last page that physical memory may have is number 2^32 - 2. */
START_TEST(top_of_memory)
{
	load("kvasir: 1\nmachine: {memory: 16T - 16M - 4K}\n", NULL, 0);
	ck_assert_uint_eq(sc->ranges[0].end, (UINT64_C(16) << 40) - 4096);
}
END_TEST

START_TEST(policies)
{
	size_t count, i;
	const struct kv_policy *table = kv_policy_table(&count);
	char text[200];

	ck_assert_uint_gt(count, 0);
	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text),
		    "kvasir: 1\nkstacks: {policy: %s}\n", table[i].name);
		load(text, NULL, 0);
		ck_assert_ptr_eq(sc->kstacks.policy, &table[i]);
		ck_assert_int_eq(sc->kstacks.scheme, table[i].scheme);
		ck_assert_uint_eq(
		    sc->kstacks.npages, sc->machine->kstack_pages);
		ck_assert_uint_eq(
		    sc->kstacks.gpages, sc->machine->kstack_guard);
	}
	/* the largest guard: stack and guard leave one page of a window */
	load("kvasir: 1\nkstacks: {policy: freebsd-16, scheme: old, "
	     "pages: 6, guard: 505}\n",
	    NULL, 0);
	ck_assert_int_eq(sc->kstacks.scheme, KV_KSTACK_OLD);
	ck_assert_uint_eq(sc->kstacks.gpages, 505);
}
END_TEST

/* ---- Arenas ---------------------------------------------------------- */

START_TEST(arenas)
{
	const struct kv_arena_spec *a;

	load("kvasir: 1\n"
	     "param: {source: kva}\n"
	     "arenas:\n"
	     "  stacks: {parent: dom, import_quantum: 10M - 20K, "
	     "import_align: 2M, kstack: {pages: 5, origin: 0x1000}}\n"
	     "  dom: {parent: source, import_quantum: 2M, release: no}\n"
	     "  kva: {base: 0xfffffe0000000000, size: 1G, qcache: 64K, "
	     "limit: 2G}\n"
	     "  fine: {parent: kva, quantum: 64}\n"
	     "  top: {base: 0xffffffffffff0000, size: 64K, quantum: 16}\n"
	     "  empty: {}\n",
	    NULL, 0);
	ck_assert_uint_eq(sc->narenas, 6);
	a = &sc->arenas[0];
	ck_assert_str_eq(a->name, "kva");
	ck_assert_uint_eq(a->base, UINT64_C(0xfffffe0000000000));
	ck_assert_uint_eq(a->size, 1 << 30);
	ck_assert_uint_eq(a->quantum, 4096);
	ck_assert_uint_eq(a->qcache_max, 65536);
	ck_assert_uint_eq(a->limit, UINT64_C(2) << 30);
	ck_assert_int_eq(a->parent, -1);
	a = &sc->arenas[1];
	ck_assert_str_eq(a->name, "dom");
	ck_assert_int_eq(a->parent, 0);
	ck_assert_uint_eq(a->import_quantum, 2 << 20);
	ck_assert_uint_eq(a->import_align, 4096);
	ck_assert(!a->release);
	ck_assert_uint_eq(a->size, 0);
	a = &sc->arenas[2];
	ck_assert_str_eq(a->name, "stacks");
	ck_assert_int_eq(a->parent, 1);
	ck_assert_uint_eq(a->import_quantum, (10 << 20) - 5 * 4096);
	ck_assert_uint_eq(a->import_align, 2 << 20);
	ck_assert(a->release);
	ck_assert_uint_eq(a->kpages, 5);
	ck_assert_uint_eq(a->origin, 0x1000);
	ck_assert_uint_eq(a->place.line, 4);
	ck_assert_uint_eq(a->place.column, 3);
	a = &sc->arenas[3];
	ck_assert_str_eq(a->name, "fine");
	ck_assert_int_eq(a->parent, 0);
	ck_assert_uint_eq(a->import_quantum, 64);
	/* what the parent can align to */
	ck_assert_uint_eq(a->import_align, 4096);
	ck_assert_str_eq(sc->arenas[4].name, "top");
	ck_assert_str_eq(sc->arenas[5].name, "empty");
}
END_TEST

START_TEST(page_size_of_machine)
{
	load("kvasir: 1\nmachine: {name: arm64-16k}\narenas: {a: {kstack: "
	     "{pages: 4}, parent: b, import_align: 1M, import_quantum: 1M}, "
	     "b: {}}\n",
	    NULL, 0);
	ck_assert_uint_eq(sc->arenas[0].quantum, 16384);
	ck_assert_uint_eq(sc->arenas[1].origin, sc->machine->kva_start);
}
END_TEST

/* A slot as large as the alignment of imports, and as the import quantum. */
START_TEST(largest_slot)
{
	load("kvasir: 1\narenas: {a: {parent: b, import_quantum: 16K, "
	     "import_align: 16K, kstack: {pages: 4}}, b: {quantum: 1}}\n",
	    NULL, 0);
	ck_assert_uint_eq(sc->arenas[1].import_align, 16384);
}
END_TEST

/* ---- Steps ----------------------------------------------------------- */

static const char steps[] =
    "kvasir: 1\n"
    "param: {no_fit: nextfit, flag: on}\n"
    "machine: {domains: 2}\n"
    "kstacks: {policy: freebsd-d38852}\n"
    "arenas: {a: {base: 1M, size: 1G}}\n"
    "work:\n"
    "  - spawn: {count: 7, pages: 6, domain: 1}\n"
    "  - dispose: {count: 3}\n"
    "  - dispose: {count: 2, order: newest}\n"
    "  - dispose: {count: 1, order: random}\n"
    "  - churn: {steps: 9, limit: 5}\n"
    "  - churn: {arena: a, steps: 11, fit: no_fit, aligned: flag}\n"
    "  - churn: {arena: a, steps: 11, max_pages: 5, generator: reference}\n"
    "  - alloc: {arena: a, size: 5000, as: x}\n"
    "  - alloc: {arena: a, size: 1, qcache: no}\n"
    "  - alloc: {arena: a, size: 8K, align: 64K, phase: 4K, nocross: 1M, "
    "min: 2M, max: 0xffffff, fit: firstfit}\n"
    "  - alloc: {arena: a, size: 8K, max: 0xffffffffffffffff}\n"
    "  - free: {name: x}\n"
    "  - add: {arena: a, base: 2G, size: 1M}\n"
    "  - drain: {}\n";

START_TEST(objects_and_spaces)
{
	load("kvasir: 1\n"
	     "machine: {memory: 64M, domains: 2}\n"
	     "objects: {a: {pages: 7}, b: {pages: 1M, colored: no, color: 3,"
	     " domain: 1}}\n"
	     "spaces: {s: {format: arm64-4k}, kernel: {promotion: off}}\n",
	    NULL, 0);
	ck_assert(sc->paging);
	ck_assert_uint_eq(sc->nobjects, 2);
	ck_assert_str_eq(sc->objects[0].name, "a");
	ck_assert(sc->objects[0].colored);
	ck_assert_uint_eq(sc->objects[1].npages, 1 << 20);
	ck_assert(!sc->objects[1].colored);
	ck_assert_uint_eq(sc->objects[1].color, 3);
	ck_assert_uint_eq(sc->objects[1].domain, 1);
	/* the kernel's comes first, wherever it is named */
	ck_assert_uint_eq(sc->nspaces, 2);
	ck_assert_str_eq(sc->spaces[0].name, "kernel");
	ck_assert_str_eq(sc->spaces[0].format->name, "amd64");
	ck_assert(!sc->spaces[0].promotion);
	ck_assert_str_eq(sc->spaces[1].format->name, "arm64-4k");
	ck_assert(sc->spaces[1].promotion);
	load("kvasir: 1\nkstacks: {policy: freebsd-16, mapping: enter}\n", NULL,
	    0);
	ck_assert(!sc->paging && sc->kstacks.enter);
	ck_assert_uint_eq(sc->nspaces, 1);
}
END_TEST

START_TEST(map_steps)
{
	const struct kv_map_step *m;

	load("kvasir: 1\n"
	     "machine: {name: riscv-sv39, memory: 64M}\n"
	     "objects: {o: {pages: 64}}\n"
	     "arenas: {va: {base: machine.kva_start, size:"
	     " machine.reserv_size}}\n"
	     "work:\n"
	     " - map: {va: machine.kva_start + 1G, size: 8K, object: o,"
	     " offset: 3}\n"
	     " - alloc: {arena: va, size: 4K, as: b}\n"
	     " - map: {va: block.b.va, pages: 2, object: o, count: 5,"
	     " stride: 3 * machine.page_size}\n"
	     " - map: {va: 1G, size: 2G, pa: 1T, how: leaf, level: 2}\n"
	     " - promote: {va: 0}\n",
	    NULL, 0);
	ck_assert_uint_eq(sc->arenas[0].base, UINT64_C(0xffffffc000000000));
	ck_assert_uint_eq(sc->arenas[0].size, 2 << 20);
	m = sc->work[0].map;
	ck_assert_ptr_null(m->va.expr);
	ck_assert_uint_eq(m->va.value, UINT64_C(0xffffffc040000000));
	ck_assert_uint_eq(m->npages, 2);
	ck_assert_uint_eq(m->pindex.value, 3);
	ck_assert_int_eq(m->object, 0);
	m = sc->work[2].map;
	ck_assert_ptr_nonnull(m->va.expr);
	ck_assert_uint_eq(m->stride, 12288);
	ck_assert_uint_eq(sc->work[2].count, 5);
	m = sc->work[3].map;
	ck_assert_int_eq(m->object, -1);
	ck_assert_int_eq(m->how, KV_MAP_LEAF);
	ck_assert_uint_eq(m->level, 2);
	ck_assert_uint_eq(m->npages, 1 << 19);
	/* a superpage apart */
	ck_assert_uint_eq(sc->work[4].map->stride, 2 << 20);
	ck_assert_uint_eq(sc->work[4].count, 1);
}
END_TEST

START_TEST(step_values)
{
	const struct kv_step *w;

	load(steps, NULL, 0);
	w = sc->work;
	ck_assert_uint_eq(sc->nwork, 14);
	ck_assert_int_eq(w[0].kind, KV_STEP_SPAWN);
	ck_assert_uint_eq(w[0].count, 7);
	ck_assert_uint_eq(w[0].npages, 6);
	ck_assert_uint_eq(w[0].domain, 1);
	ck_assert_int_eq(w[1].kind, KV_STEP_DISPOSE);
	ck_assert_uint_eq(w[1].count, 3);
	ck_assert_int_eq(w[1].order, KV_ORDER_OLDEST);
	ck_assert_int_eq(w[2].order, KV_ORDER_NEWEST);
	ck_assert_int_eq(w[3].order, KV_ORDER_RANDOM);
	ck_assert_int_eq(w[4].kind, KV_STEP_CHURN);
	ck_assert_uint_eq(w[4].count, 9);
	ck_assert_uint_eq(w[4].limit, 5);
	ck_assert_uint_eq(w[4].npages, 0);
	ck_assert_int_eq(w[5].kind, KV_STEP_ARENA_CHURN);
	ck_assert_uint_eq(w[5].count, 11);
	ck_assert_int_eq(w[5].req.fit, KV_VMEM_NEXTFIT);
	ck_assert(w[5].aligned);
	ck_assert_uint_eq(w[5].max_quanta, 70);
	ck_assert_int_eq(w[6].req.fit, KV_VMEM_BESTFIT);
	ck_assert(!w[6].aligned);
	ck_assert_uint_eq(w[6].max_quanta, 5);
	ck_assert_int_eq(w[13].kind, KV_STEP_DRAIN);
}
END_TEST

START_TEST(step_requests)
{
	const struct kv_step *w;

	load(steps, NULL, 0);
	w = sc->work;
	ck_assert_int_eq(w[7].kind, KV_STEP_ALLOC);
	ck_assert_int_eq(w[7].arena, 0);
	ck_assert_uint_eq(w[7].req.size, 5000);
	ck_assert_uint_eq(w[7].req.max, 0);
	ck_assert(w[7].plain);
	ck_assert_str_eq(w[7].name, "x");
	ck_assert(!w[8].plain);
	ck_assert_ptr_null(w[8].name);
	ck_assert(!w[9].plain);
	ck_assert_uint_eq(w[9].req.align, 65536);
	ck_assert_uint_eq(w[9].req.phase, 4096);
	ck_assert_uint_eq(w[9].req.nocross, 1 << 20);
	ck_assert_uint_eq(w[9].req.min, 2 << 20);
	ck_assert_uint_eq(w[9].req.max, 0xffffff);
	ck_assert_int_eq(w[9].req.fit, KV_VMEM_FIRSTFIT);
	ck_assert_uint_eq(w[10].req.max, 0); /* no limit */
	ck_assert_int_eq(w[11].kind, KV_STEP_FREE);
	ck_assert_str_eq(w[11].name, "x");
	ck_assert_int_eq(w[12].kind, KV_STEP_ADD);
	ck_assert_uint_eq(w[12].base, UINT64_C(2) << 30);
	ck_assert_uint_eq(w[12].req.size, 1 << 20);
}
END_TEST

START_TEST(repeated)
{
	static const uint64_t counts[] = {1, 2, 3, 3, 4, 2, 3, 3, 4, 5};
	size_t i;

	load("kvasir: 1\n"
	     "param: {n: 2}\n"
	     "kstacks: {policy: freebsd-16}\n"
	     "work:\n"
	     "  - spawn: {count: 1}\n"
	     "  - repeat:\n"
	     "      times: n\n"
	     "      steps:\n"
	     "        - spawn: {count: 2}\n"
	     "        - repeat: {times: n, steps: [{spawn: {count: 3}}]}\n"
	     "        - repeat: {times: 0, steps: [{spawn: {count: 9}}]}\n"
	     "        - spawn: {count: 4}\n"
	     "  - repeat: {times: 0xffffffffffffffff, steps: []}\n"
	     "  - spawn: {count: 5}\n",
	    NULL, 0);
	ck_assert_uint_eq(sc->nwork, 10);
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(sc->work[i].count, counts[i]);
	ck_assert_uint_eq(sc->work[5].place.line, 9);
}
END_TEST

START_TEST(many_steps)
{
	load("kvasir: 1\n"
	     "kstacks: {policy: freebsd-16}\n"
	     "work: [{repeat: {times: 1000, steps: [{repeat: {times: 1000, "
	     "steps: [{dispose: {count: 1}}]}}]}}]\n",
	    NULL, 0);
	ck_assert_uint_eq(sc->nwork, 1000000);
	ck_assert_int_eq(sc->work[999999].kind, KV_STEP_DISPOSE);
}
END_TEST

START_TEST(truth)
{
	static const struct {
		const char *word;
		bool is;
	} words[] = {{"yes", true}, {"no", false}, {"on", true}, {"off", false},
	    {"true", true}, {"false", false}, {"1", true}, {"0", false},
	    {"3 > 2", true}, {"'no'", false}, {"flag", true}};
	char text[200];
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		snprintf(text, sizeof(text),
		    "kvasir: 1\nparam: {flag: yes}\narenas: {a: {}, b: "
		    "{parent: a, release: %s}}\n",
		    words[i].word);
		load(text, NULL, 0);
		ck_assert_msg(
		    sc->arenas[1].release == words[i].is, "%s", words[i].word);
	}
}
END_TEST

/* ---- Formulas -------------------------------------------------------- */

START_TEST(formulas)
{
	load("kvasir: 1\n"
	     "param: {limit: 9}\n"
	     "kstacks: {policy: freebsd-16}\n"
	     "arenas: {mine: {base: 1M, size: 1M}}\n"
	     "work: [{alloc: {arena: mine, size: 1, as: b}}]\n"
	     "metrics:\n"
	     "  my.sum: reserv.full + reserv.partial\n"
	     "  twice: my.sum * 2\n"
	     "expect:\n"
	     "  - twice <= limit\n"
	     "  - 'vmem.mine.size == 1M && vmem.kernel.size > 0'\n"
	     "  - vmem.kstack0.size > 0.5\n"
	     "  - phys.fmfi.o9 < 1000\n"
	     "  - block.b.failed == 0\n"
	     "  - violation(\"freebsd-I5\")\n"
	     "  - \"violation( 'vmem-I4' )\"\n",
	    NULL, 0);
	ck_assert_uint_eq(sc->nmetrics, 2);
	ck_assert_str_eq(sc->metrics[0].text, "my.sum");
	ck_assert_ptr_nonnull(sc->metrics[0].expr);
	ck_assert_uint_eq(sc->nexpect, 7);
	ck_assert_str_eq(sc->expect[0].text, "twice <= limit");
	ck_assert_ptr_nonnull(sc->expect[0].expr);
	ck_assert_ptr_null(sc->expect[0].violation);
	ck_assert_uint_eq(sc->expect[1].place.column, 6);
	ck_assert_str_eq(sc->expect[5].violation, "freebsd-I5");
	ck_assert_ptr_null(sc->expect[5].expr);
	ck_assert_str_eq(sc->expect[6].violation, "vmem-I4");
}
END_TEST

/* ---- Requests: the loader and the arena agree ------------------------- */

static uint64_t random_state = 12345;

static unsigned
rnd(unsigned below)
{
	random_state =
	    random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % below;
}

/* Often legal, often nearly so. */
static uint64_t
rnd_size(void)
{
	static const uint64_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 12288,
	    16384, 65536, 69632, 1 << 20, UINT64_MAX, UINT64_MAX - 4095};

	return sizes[rnd(sizeof(sizes) / sizeof(*sizes))];
}

static char *
put_key(char *at, const char *key, uint64_t *value)
{
	if (rnd(2) != 0)
		return at;
	*value = rnd_size();
	return at + sprintf(at, ", %s: %llu", key, (unsigned long long)*value);
}

enum { FIRST_LINE = 4, BATCH = 60 };

/* One step, as text and as a request.  => false: it says nothing */
static bool
rnd_step(char *text, struct kv_vmem_req *req)
{
	static const char *const fits[] = {"bestfit", "firstfit", "nextfit"};
	char *at = text;

	*req = (struct kv_vmem_req){
	    .size = rnd_size(), .fit = (enum kv_vmem_fit)rnd(3)};
	at +=
	    sprintf(at, "  - alloc: {arena: a, size: %llu, fit: %s, qcache: no",
		(unsigned long long)req->size, fits[req->fit]);
	at = put_key(at, "align", &req->align);
	at = put_key(at, "phase", &req->phase);
	at = put_key(at, "nocross", &req->nocross);
	at = put_key(at, "min", &req->min);
	at = put_key(at, "max", &req->max);
	sprintf(at, "}\n");
	/* no byte at all: a request cannot say that */
	return strstr(text, "max: 0}") == NULL;
}

static bool
is_refused(const struct kv_errors *errors, unsigned line)
{
	size_t i;

	for (i = 0; i < errors->count; i++)
		if (errors->list[i].line == line)
			return true;
	return false;
}

/* => how many of a batch are legal */
static unsigned
check_batch(const struct kv_vmem *vm)
{
	static char text[BATCH * 300];
	struct kv_vmem_req req[BATCH];
	struct kv_errors errors = {0};
	char *at = text;
	unsigned i = 0, legal = 0;
	FILE *f = fopen(path, "w");

	at += sprintf(at, "kvasir: 1\narenas: {a: {}}\nwork:\n");
	while (i < BATCH)
		if (rnd_step(at, &req[i])) {
			at += strlen(at);
			i++;
		}
	*at = '\0';
	fputs(text, f);
	fclose(f);
	if (kv_scenario_load(path, NULL, 0, &sc, &errors) == 0)
		kv_scenario_free(sc);
	sc = NULL;
	for (i = 0; i < BATCH; i++) {
		struct kv_diag diag = {.text = "legal"};
		bool want = kv_vmem_req_check(vm, &req[i], &diag) == 0;

		if (want == is_refused(&errors, FIRST_LINE + i))
			ck_abort_msg("%sline %u: the arena says %s", text,
			    FIRST_LINE + i, diag.text);
		legal += want;
	}
	kv_errors_fini(&errors);
	return legal;
}

START_TEST(requests)
{
	struct kv_vmem_config cfg = {.name = "a", .quantum = 4096};
	unsigned i, legal = 0;
	struct kv_host host;
	struct kv_vmem *vm;

	kv_host_default(&host);
	cfg.host = &host;
	ck_assert_int_eq(kv_vmem_create(&cfg, &vm), 0);
	for (i = 0; i < 300; i++)
		legal += check_batch(vm);
	ck_assert_uint_gt(legal, 1000);
	ck_assert_uint_lt(legal, 300 * BATCH - 1000);
	kv_vmem_destroy(vm);
	kv_host_fini(&host);
}
END_TEST

/* One file, read at each of its points. */
START_TEST(points)
{
	const struct kv_define define = {"b", "a + 100"};
	struct kv_scenario_file *file = NULL;
	struct kv_errors errors = {0};
	const struct kv_node *values[3];
	const struct kv_axis *axes;
	size_t n, i;

	load("kvasir: 1\nparam: {a: [1, 2, 3], b: 10 * a, c: [x]}\n", NULL, 0);
	ck_assert_int_eq(kv_scenario_open(path, &file, &errors), 0);
	axes = kv_scenario_axes(file, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(axes[1].name, "b");
	ck_assert(axes[0].list && !axes[1].list && axes[2].list);
	ck_assert_uint_eq(axes[0].nvalues, 3);
	ck_assert_uint_eq(axes[1].nvalues, 1);
	ck_assert_uint_eq(axes[2].nvalues, 1);
	for (i = 0; i < 6; i++) {
		values[0] = axes[0].values[i % 3];
		values[1] = axes[1].values[0];
		values[2] = axes[2].values[0];
		kv_scenario_free(sc);
		ck_assert_int_eq(kv_scenario_read(file, values, &define, i / 3,
				     &sc, &errors),
		    0);
		ck_assert_uint_eq(param("a")->u, i % 3 + 1);
		ck_assert_uint_eq(
		    param("b")->u, i < 3 ? 10 * (i + 1) : 100 + i % 3 + 1);
		ck_assert_str_eq(param("c")->w, "x");
	}
	ck_assert_int_eq(
	    kv_scenario_check_params(file, &define, 1, &errors), 0);
	ck_assert_uint_eq(errors.count, 0);
	kv_scenario_free(sc);
	sc = NULL;
	kv_scenario_close(file);
}
END_TEST

/* What is wrong with a list is found whichever value is taken. */
START_TEST(points_refused)
{
	static const struct {
		const char *param, *define, *error;
	} rows[] = {{"{a: [1, [2], 3]}", "1", ":2:16: a parameter is"},
	    {"{a: []}", "1", ":2:12: an empty list"},
	    {"{a: [1, 2 +]}", "1", ":2:"}, {"{a: 1, a: 2}", "1", ":2:"},
	    {"{b: [1, 2]}", "1", "-D a:1:1: unknown parameter 'a'"}};
	struct kv_define define = {.name = "a"};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kv_scenario_file *file = NULL;
		struct kv_errors errors = {0};
		FILE *f = fopen(path, "w");

		define.value = rows[i].define;
		fprintf(f, "kvasir: 1\nparam: %s\n", rows[i].param);
		fclose(f);
		ck_assert_int_eq(kv_scenario_open(path, &file, &errors), 0);
		kv_scenario_check_params(file, &define, 1, &errors);
		ck_assert_uint_gt(errors.count, 0);
		ck_assert_msg(
		    strstr(errors.list[0].text, rows[i].error) != NULL, "%s",
		    errors.list[0].text);
		kv_errors_fini(&errors);
		kv_scenario_close(file);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {example, replaced, least, names,
	    characters, parameter_length, top_of_memory, largest_slot,
	    parameter_values, parameter_chain, ranges, policies, arenas,
	    page_size_of_machine, step_values, step_requests, repeated,
	    objects_and_spaces, map_steps, many_steps, truth, formulas,
	    requests, points, points_refused};
	Suite *s = suite_create("scenario");
	TCase *tc = tcase_create("scenario");
	size_t i;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
