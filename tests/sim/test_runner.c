/* SPDX-License-Identifier: BSD-2-Clause */
/* test_runner.c - steps, audit, judgement, on scenarios built by hand */
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "out/report_run.h"
#include "run/policy.h"
#include "run/rng.h"
#include "run/runner.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE UINT64_C(4096)

static char scenario_name[] = "test", path[] = "test.yaml";
static char arena_name[] = "va";

/* A scenario and what it points to. */
struct fixture {
	struct kv_scenario sc;
	struct kv_phys_range range;
	struct kv_arena_spec arena[2];
	struct kv_step work[16];
	struct kv_formula expect[8], metrics[2];
	struct kv_errors errors;
	struct kv_run *run;
};

static struct fixture f;

static void
setup(void)
{
	memset(&f, 0, sizeof(f));
	f.sc.text.path = path;
	f.sc.name = scenario_name;
	f.sc.machine = kv_machine_find("amd64");
	f.range = (struct kv_phys_range){16 * MIB, 80 * MIB, 0};
	f.sc.ranges = &f.range;
	f.sc.nranges = f.sc.ndomains = 1;
	f.sc.arenas = f.arena;
	f.sc.work = f.work;
	f.sc.expect = f.expect;
	f.sc.metrics = f.metrics;
}

static void
teardown(void)
{
	size_t i;

	kv_run_free(f.run);
	for (i = 0; i < f.sc.nexpect; i++)
		kv_expr_free(f.expect[i].expr);
	for (i = 0; i < f.sc.nmetrics; i++)
		kv_expr_free(f.metrics[i].expr);
	kv_errors_fini(&f.errors);
}

static void
with_stacks(void)
{
	f.sc.kstacks = (struct kv_kstacks_spec){.present = true,
	    .policy = kv_policy_find("freebsd-d38852"),
	    .scheme = KV_KSTACK_NEW,
	    .npages = 4,
	    .gpages = 1};
}

static void
with_arena(uint64_t pages, uint64_t qcache)
{
	f.arena[f.sc.narenas++] = (struct kv_arena_spec){.name = arena_name,
	    .base = 16 * PAGE,
	    .size = pages * PAGE,
	    .quantum = PAGE,
	    .qcache_max = qcache,
	    .parent = -1,
	    .place = {path, 3, 1}};
}

static void
step(struct kv_step s)
{
	s.place = (struct kv_place){path, 10 + (unsigned)f.sc.nwork, 5};
	f.work[f.sc.nwork++] = s;
}

static void
alloc(char *name, uint64_t pages)
{
	step((struct kv_step){.kind = KV_STEP_ALLOC,
	    .name = name,
	    .req = {.size = pages * PAGE}});
}

static void
give(char *name)
{
	step((struct kv_step){.kind = KV_STEP_FREE, .name = name});
}

static void
expect(char *text)
{
	struct kv_formula *x = &f.expect[f.sc.nexpect++];

	x->text = text;
	x->place = (struct kv_place){path, 40, 1};
	ck_assert_int_eq(
	    kv_expr_compile(text, &x->place, true, &x->expr, &f.errors), 0);
}

static void
expect_violation(char *text, char *id)
{
	f.expect[f.sc.nexpect++] =
	    (struct kv_formula){.text = text, .violation = id};
}

static int
execute(uint64_t seed, unsigned audit)
{
	const struct kv_run_config cfg = {.seed = seed, .audit = audit};

	return kv_run_execute(&f.sc, &cfg, &f.run, &f.errors);
}

/* Run; it must be legal. */
static void
run(unsigned audit)
{
	ck_assert_int_eq(execute(12345, audit), 0);
}

static void
run_refused(const char *message)
{
	ck_assert_int_eq(execute(12345, 1), EINVAL);
	ck_assert_ptr_null(f.run);
	ck_assert_uint_eq(f.errors.count, 1);
	ck_assert_str_eq(f.errors.list[0].text, message);
}

static uint64_t
figure(const char *name)
{
	const struct kv_metric *x = kv_metrics_find(&f.run->metrics, name);

	ck_assert_msg(x != NULL, "no figure %s", name);
	return x->u;
}

/* ---- Arenas ---------------------------------------------------------- */

static char a[] = "a", b[] = "b", c[] = "c", d[] = "d";

/* Blocks go upward from the low end; a full arena refuses; the freed block of
 * the right class is taken again. */
START_TEST(test_blocks)
{
	with_arena(8, 0);
	alloc(a, 3);
	alloc(b, 5);
	alloc(c, 1);
	give(a);
	alloc(d, 2);
	run(3);
	ck_assert_uint_eq(figure("block.a.va"), 16 * PAGE);
	ck_assert_uint_eq(figure("block.b.va"), 19 * PAGE);
	ck_assert_uint_eq(figure("block.c.failed"), 1);
	ck_assert_ptr_null(kv_metrics_find(&f.run->metrics, "block.c.va"));
	ck_assert_uint_eq(figure("block.d.va"), 16 * PAGE);
	ck_assert_uint_eq(figure("vmem.va.inuse"), 7 * PAGE);
	ck_assert_uint_eq(figure("vmem.va.fail"), 1);
	ck_assert_uint_eq(f.run->ops, 5);
	ck_assert(kv_run_passed(f.run));
}
END_TEST

/* A name is that of its latest allocation; one that failed frees nothing. */
START_TEST(test_names)
{
	with_arena(4, 0);
	alloc(a, 4);
	alloc(b, 1);
	give(b);
	give(a);
	alloc(a, 1);
	alloc(b, 1);
	give(a);
	run(3);
	ck_assert_uint_eq(figure("block.b.va"), 17 * PAGE);
	ck_assert_uint_eq(figure("vmem.va.busy"), 1);
	ck_assert(kv_run_passed(f.run));
}
END_TEST

/* Freeing twice is what the kernel panics on: bt != NULL. */
START_TEST(test_would_panic)
{
	with_arena(4, 0);
	alloc(a, 1);
	give(a);
	give(a);
	alloc(b, 1);
	if (_i == 1)
		expect_violation("violation(\"vmem-I5\")", "vmem-I5");
	run(1);
	ck_assert_int_eq(f.run->outcome, KV_OUTCOME_WOULD_PANIC);
	ck_assert_uint_eq(f.run->nviolations, 2);
	ck_assert_str_eq(f.run->violations[0].id, "vmem-I5");
	ck_assert_str_eq(f.run->violations[1].id, "V1");
	ck_assert_uint_eq(f.run->violations[0].step, 3);
	ck_assert_uint_eq(f.run->violations[0].address, 16 * PAGE);
	/* The run ended there, and its figures are those of that moment. */
	ck_assert_uint_eq(f.run->ops, 3);
	ck_assert_uint_eq(figure("vmem.va.alloc"), 1);
	ck_assert(kv_run_passed(f.run) == (_i == 1));
}
END_TEST

/* What the real code asserts is refused at the step's place. */
START_TEST(test_refused_request)
{
	with_arena(4, 0);
	alloc(a, 1);
	f.work[0].req.align = 3 * PAGE;
	ck_assert_int_eq(execute(12345, 1), EINVAL);
	ck_assert_uint_eq(f.errors.count, 1);
	ck_assert_ptr_nonnull(
	    strstr(f.errors.list[0].text, "test.yaml:10:5: "));
}
END_TEST

START_TEST(test_refused_free)
{
	with_arena(4, 0);
	give(a);
	run_refused("test.yaml:10:5: no block of that name so far");
}
END_TEST

START_TEST(test_refused_span)
{
	with_arena(4, 0);
	step((struct kv_step){
	    .kind = KV_STEP_ADD, .base = 19 * PAGE, .req = {.size = PAGE}});
	run_refused("test.yaml:10:5: the span overlaps one that the arena has");
}
END_TEST

START_TEST(test_refused_name)
{
	static char kernel[] = "kernel";

	with_stacks();
	with_arena(4, 0);
	f.arena[0].name = kernel;
	run_refused(
	    "test.yaml:3:1: the kernel stacks have an arena of that name");
}
END_TEST

/* An added span that touches the last one joins it, for want of a release
 * function (freebsd.md 1.6): 4 + 2 free pages are one block. */
START_TEST(test_add)
{
	with_arena(4, 0);
	step((struct kv_step){
	    .kind = KV_STEP_ADD, .base = 20 * PAGE, .req = {.size = 2 * PAGE}});
	alloc(a, 6);
	run(3);
	ck_assert_uint_eq(figure("block.a.va"), 16 * PAGE);
	ck_assert_uint_eq(figure("vmem.va.size"), 6 * PAGE);
}
END_TEST

/* The table of freebsd.md 8.2, row by row. */
START_TEST(test_arena_churn)
{
	static const struct {
		enum kv_vmem_fit fit;
		bool aligned;
		uint64_t live, fail, inuse, maxfree, fnv;
	} rows[] = {{KV_VMEM_BESTFIT, false, 444, 1472, 0x36bf000, 0x40000,
			0xc5db31526947d3ec},
	    {KV_VMEM_FIRSTFIT, true, 445, 1539, 0x3442000, 0x20000,
		0xc8b16f4b2e0958d6},
	    {KV_VMEM_NEXTFIT, false, 439, 1477, 0x34bd000, 0x40000,
		0x09755ce14644bb89}};

	with_arena(0x4000000 / PAGE, 0);
	f.arena[0].base = 0x100000;
	step((struct kv_step){.kind = KV_STEP_ARENA_CHURN,
	    .count = 20000,
	    .max_quanta = 70,
	    .aligned = rows[_i].aligned,
	    .req = {.fit = rows[_i].fit}});
	run(1);
	ck_assert_uint_eq(figure("vmem.va.busy"), rows[_i].live);
	ck_assert_uint_eq(figure("vmem.va.fail"), rows[_i].fail);
	ck_assert_uint_eq(figure("vmem.va.inuse"), rows[_i].inuse);
	ck_assert_uint_eq(figure("vmem.va.maxfree"), rows[_i].maxfree);
	ck_assert_uint_eq(figure("trace.fnv"), rows[_i].fnv);
	ck_assert_uint_eq(f.run->ops, 20000);
	ck_assert(kv_run_passed(f.run));
}
END_TEST

/* An arena that imports from another; all goes back in the end. */
START_TEST(test_import_and_drain)
{
	static char child[] = "child";

	with_arena(64, 0);
	f.arena[1] = (struct kv_arena_spec){.name = child,
	    .quantum = PAGE,
	    .parent = 0,
	    .import_quantum = 8 * PAGE,
	    .release = true};
	f.sc.narenas = 2;
	alloc(a, 2);
	f.work[0].arena = 1;
	step((struct kv_step){.kind = KV_STEP_ARENA_CHURN,
	    .arena = 1,
	    .count = 200,
	    .max_quanta = 4});
	step((struct kv_step){.kind = KV_STEP_DRAIN});
	run(3);
	ck_assert_uint_eq(figure("block.a.va"), 16 * PAGE);
	ck_assert_uint_eq(figure("vmem.child.size"), 0);
	ck_assert_uint_eq(figure("vmem.va.inuse"), 0);
	ck_assert_uint_eq(
	    figure("vmem.child.import"), figure("vmem.child.release"));
	ck_assert(kv_run_passed(f.run));
}
END_TEST

/* ---- Stacks ---------------------------------------------------------- */

static void
spawn(uint64_t count)
{
	step((struct kv_step){.kind = KV_STEP_SPAWN, .count = count});
}

static void
dispose(uint64_t count, enum kv_step_order order)
{
	step((struct kv_step){
	    .kind = KV_STEP_DISPOSE, .count = count, .order = order});
}

/* Slot 0 of the first chunk at VM + 0. */
#define FIRST_KS (UINT64_C(0xfffffe0000000000) + PAGE)
#define SLOT (5 * PAGE)

static bool
lives(kv_va_t ks)
{
	size_t i;

	for (i = 0; i < f.run->world->nstacks; i++)
		if (f.run->world->stacks[i].ks == ks)
			return true;
	return false;
}

/* Ten stacks: the three oldest are slots 0 to 2, the youngest two 8 and 9,
 * whatever entries they have moved to. */
START_TEST(test_dispose_by_age)
{
	size_t i;

	with_stacks();
	spawn(10);
	dispose(3, KV_ORDER_OLDEST);
	dispose(2, KV_ORDER_NEWEST);
	run(3);
	ck_assert_uint_eq(f.run->world->nstacks, 5);
	for (i = 0; i < 10; i++)
		ck_assert(lives(FIRST_KS + i * SLOT) == (i >= 3 && i < 8));
}
END_TEST

/* Against a list that is kept in order of age. */
START_TEST(test_age_twin)
{
	struct kv_rng rng = kv_rng_stream((uint64_t)_i, "ages");
	kv_va_t *order = calloc(4096, sizeof(*order));
	unsigned counts[16], kinds[16];
	size_t n = 0, next, i;

	with_stacks();
	for (i = 0; i < 16; i++) {
		kinds[i] = i % 2 == 0 ? 0 : 1 + kv_rng_next(&rng) % 2;
		counts[i] = 1 + kv_rng_next(&rng) % 40;
		if (kinds[i] == 0)
			spawn(counts[i]);
		else
			dispose(counts[i],
			    kinds[i] == 1 ? KV_ORDER_OLDEST : KV_ORDER_NEWEST);
	}
	/* Freed slots are taken again by best fit, in an order that is not
	 * ours to predict: follow the run step by step. */
	for (next = 1; next <= 16; next++) {
		kv_run_free(f.run);
		f.sc.nwork = next;
		run(1);
		if (kinds[next - 1] == 0) {
			for (i = 0; i < f.run->world->nstacks; i++) {
				kv_va_t ks = f.run->world->stacks[i].ks;
				size_t k = 0;

				while (k < n && order[k] != ks)
					k++;
				if (k == n)
					order[n++] = ks;
			}
		} else {
			size_t gone =
			    counts[next - 1] < n ? counts[next - 1] : n;

			if (kinds[next - 1] == 1)
				memmove(order, order + gone,
				    (n - gone) * sizeof(*order));
			n -= gone;
		}
		ck_assert_uint_eq(f.run->world->nstacks, n);
		for (i = 0; i < n; i++)
			ck_assert(lives(order[i]));
	}
	free(order);
}
END_TEST

/* The same seed gives the same choices; another one gives others. */
START_TEST(test_dispose_random)
{
	uint64_t fnv;

	with_stacks();
	spawn(50);
	dispose(20, KV_ORDER_RANDOM);
	run(2);
	ck_assert_uint_eq(figure("kstack.live"), 30);
	fnv = figure("trace.fnv");
	kv_run_free(f.run);
	run(2);
	ck_assert_uint_eq(figure("trace.fnv"), fnv);
	kv_run_free(f.run);
	ck_assert_int_eq(execute(1, 2), 0);
	ck_assert_uint_ne(figure("trace.fnv"), fnv);
}
END_TEST

/* 64 MiB hold 4096 stacks; asking for 2^64 - 1 ends all the same, and every
 * creation that could not be is counted. */
START_TEST(test_exhaustion)
{
	with_stacks();
	spawn(UINT64_MAX);
	step((struct kv_step){.kind = KV_STEP_DRAIN});
	run(1);
	ck_assert_uint_eq(figure("kstack.created"), 4096);
	ck_assert_uint_eq(figure("kstack.failed"), UINT64_MAX - 4096);
	ck_assert_uint_eq(figure("kstack.live"), 0);
	ck_assert_uint_eq(figure("phys.free_pages"), 64 * MIB / PAGE);
	ck_assert(kv_run_passed(f.run));
}
END_TEST

/* The reference churn of freebsd.md 8.3, nores row. */
START_TEST(test_churn)
{
	with_stacks();
	f.sc.kstacks.scheme = KV_KSTACK_NORES;
	f.sc.kstacks.first_kva = 2 * MIB;
	spawn(1022);
	step((struct kv_step){
	    .kind = KV_STEP_CHURN, .count = 20000, .limit = 1022});
	run(2);
	ck_assert_uint_eq(figure("kstack.live"), 868);
	ck_assert_uint_eq(figure("trace.fnv"), 0x3fe09a388af060f6);
	ck_assert_uint_eq(f.run->ops, 21022);
	ck_assert_uint_eq(f.run->nviolations, 0);
}
END_TEST

/* ---- Judgement ------------------------------------------------------- */

START_TEST(test_expect)
{
	static char twice[] = "twice";

	with_stacks();
	spawn(3);
	f.metrics[0].text = twice;
	ck_assert_int_eq(kv_expr_compile("kstack.live * 2", &f.metrics[0].place,
			     true, &f.metrics[0].expr, &f.errors),
	    0);
	f.sc.nmetrics = 1;
	expect("kstack.live == 3");
	expect("twice == 6");
	expect("kstack.live < 3");
	expect("replay.forks == 0"); /* of another verb: not there */
	expect_violation("violation(\"vmem-I5\")", "vmem-I5");
	run(1);
	ck_assert(f.run->judged[0].ok);
	ck_assert_uint_eq(f.run->judged[0].value.u, 3);
	ck_assert(f.run->judged[1].ok);
	ck_assert(!f.run->judged[2].ok);
	ck_assert(!f.run->judged[3].ok);
	ck_assert_int_eq(f.run->judged[3].value.kind, KV_VALUE_NONE);
	ck_assert(!f.run->judged[4].ok);
	ck_assert_int_eq(f.run->outcome, KV_OUTCOME_FAILED);
	ck_assert(!kv_run_passed(f.run));
}
END_TEST

/* An expression that cannot be evaluated is an error of the scenario. */
START_TEST(test_expect_refused)
{
	with_stacks();
	expect("1 / kstack.live == 1");
	ck_assert_int_eq(execute(12345, 1), EINVAL);
	ck_assert_ptr_null(f.run);
	ck_assert_ptr_nonnull(strstr(f.errors.list[0].text, "test.yaml:40:"));
}
END_TEST

/* Both reports can be written of any run; twice gives the same bytes. */
START_TEST(test_reports)
{
	struct kv_buf text = {0}, json = {0}, again = {0};

	with_stacks();
	with_arena(8, 0);
	spawn(3);
	alloc(a, 1);
	alloc(b, 9);
	give(a);
	give(a);
	expect("trace.fnv == 1");
	run(2);
	kv_report_run_text(f.run, &text);
	kv_report_run_json(f.run, &json);
	kv_report_run_json(f.run, &again);
	ck_assert_str_eq(json.data, again.data);
	ck_assert_ptr_nonnull(strstr(text.data, "kstack.live"));
	ck_assert_ptr_nonnull(strstr(text.data, "would-panic"));
	ck_assert_ptr_nonnull(
	    strstr(json.data, "\"outcome\": \"would-panic\""));
	ck_assert_ptr_nonnull(strstr(json.data, "\"id\": \"vmem-I5\""));
	ck_assert_ptr_nonnull(strstr(json.data, "\"kstack.live\": 3,"));
	kv_buf_fini(&text);
	kv_buf_fini(&json);
	kv_buf_fini(&again);
}
END_TEST

static void
add_case(Suite *s, const char *name, const TTest *const *tests, size_t count)
{
	TCase *t = tcase_create(name);
	size_t i;

	tcase_add_checked_fixture(t, setup, teardown);
	for (i = 0; i < count; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
}

int
main(void)
{
	const TTest *const arenas[] = {test_blocks, test_names,
	    test_refused_request, test_refused_free, test_refused_span,
	    test_refused_name, test_add, test_import_and_drain};
	const TTest *const stacks[] = {test_dispose_by_age, test_dispose_random,
	    test_exhaustion, test_churn};
	const TTest *const judged[] = {
	    test_expect, test_expect_refused, test_reports};
	Suite *s = suite_create("runner");
	TCase *loops = tcase_create("loops");

	add_case(s, "arenas", arenas, sizeof(arenas) / sizeof(arenas[0]));
	add_case(s, "stacks", stacks, sizeof(stacks) / sizeof(stacks[0]));
	add_case(s, "judged", judged, sizeof(judged) / sizeof(judged[0]));
	tcase_add_checked_fixture(loops, setup, teardown);
	tcase_add_loop_test(loops, test_would_panic, 0, 2);
	tcase_add_loop_test(loops, test_arena_churn, 0, 3);
	tcase_add_loop_test(loops, test_age_twin, 0, 8);
	tcase_set_timeout(loops, 120);
	suite_add_tcase(s, loops);
	return kv_test_main(s);
}
