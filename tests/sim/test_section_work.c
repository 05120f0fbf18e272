/* SPDX-License-Identifier: BSD-2-Clause */
/* test_section_work.c - steps, and the requests that they make of arenas */
#include "scenariorig.h"

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

int
main(void)
{
	const TTest *const tests[] = {objects_and_spaces, map_steps,
	    step_values, step_requests, repeated, many_steps, requests};

	return kv_test_main(
	    suite_of("section_work", tests, sizeof(tests) / sizeof(tests[0])));
}
