/* SPDX-License-Identifier: BSD-2-Clause */
/* test_scenario.c - scenarios that are right: what they mean */
#include "run/policy.h"
#include "scenariorig.h"

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

/* ---- Words ----------------------------------------------------------- */

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

int
main(void)
{
	const TTest *const tests[] = {example, replaced, least, names,
	    characters, ranges, top_of_memory, policies, arenas,
	    page_size_of_machine, largest_slot, formulas, truth};

	return kv_test_main(
	    suite_of("scenario", tests, sizeof(tests) / sizeof(tests[0])));
}
