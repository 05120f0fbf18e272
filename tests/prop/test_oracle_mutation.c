/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_oracle_mutation.c - what is changed in a good log is caught, or harmless
 *
 * A run is recorded: stacks come and go, data is mapped and unmapped, all goes
 * back.  Then one event is left out, told twice, swapped with the next one or
 * told with another number, and the judge must find something, unless the
 * change is one of those that can do no harm:
 *   left out, told twice   what carries no state of its own (table below)
 *   another number         a field that says nothing to be contradicted (below)
 *   swapped                two events of different things, or of ranges of one
 *                          thing that do not meet: their order says nothing
 */
#include <stdlib.h>
#include <string.h>

#include "in/scenario.h"
#include "kvtest.h"
#include "out/log.h"
#include "out/mem.h"
#include "run/oracle.h"
#include "run/rng.h"
#include "run/runner.h"

static const char scenario[] =
    "kvasir: 1\n"
    "machine: {name: amd64, memory: [{start: 16M, size: 64M}]}\n"
    "arenas:\n"
    "  va: {base: 1M, size: 1M, quantum: 4K}\n"
    "  low: {parent: va, import_quantum: 64K, quantum: 4K}\n"
    "objects: {data: {pages: 2048}}\n"
    "kstacks: {policy: freebsd-d38852, first_kva: 2M}\n"
    "work:\n"
    "  - spawn: {count: 40}\n"
    "  - alloc: {arena: low, size: 8K, as: a}\n"
    "  - alloc: {arena: low, size: 60K, as: b}\n"
    "  - map: {va: machine.kva_start + 1G, size: 64K, object: data}\n"
    "  - churn: {steps: 60, limit: 60}\n"
    "  - free: {name: a}\n"
    "  - unmap: {va: machine.kva_start + 1G, size: 64K}\n"
    "  - release: {object: data, offset: 0, pages: 16}\n"
    "  - free: {name: b}\n"
    "  - drain: {}\n";

enum { ROUNDS = 1500, EVENTS_MAX = 1 << 16 };

/* ---- A good log -----------------------------------------------------------
 */

static struct kv_event *events;
static size_t nevents;
static size_t start; /* of the work; what is before says how things are */

/* Names outlive the run. */
static const char *
kept(const char *name)
{
	static char names[64][32];
	size_t i = 0;

	if (name == NULL)
		return NULL;
	while (names[i][0] != '\0' && strcmp(names[i], name) != 0)
		i++;
	ck_assert_uint_lt(i, 64);
	strncpy(names[i], name, sizeof(names[i]) - 1);
	return names[i];
}

static void
record(void *arg, const struct kv_event *event)
{
	(void)arg;
	ck_assert_uint_lt(nevents, EVENTS_MAX);
	events[nevents] = *event;
	events[nevents].source = kept(event->source);
	events[nevents].other = kept(event->other);
	if (start == 0 && event->kind == KV_EV_RUN_OP)
		start = nevents;
	nevents++;
}

static void
setup(void)
{
	struct kv_run_config cfg = {.seed = 7, .tap = {record, NULL}};
	struct kv_text text = {.size = sizeof(scenario) - 1};
	struct kv_errors errors = {0};
	struct kv_scenario *sc;
	struct kv_run *run;

	kv_log_setup(-1, KV_WHEN_NEVER, KV_WHEN_NEVER);
	events = calloc(EVENTS_MAX, sizeof(*events));
	text.path = kv_mem_text("mutation");
	text.data = kv_mem_text(scenario);
	if (kv_scenario_load_text(&text, "mutation", NULL, 0, &sc, &errors) !=
	    0)
		kv_errors_print(&errors);
	ck_assert_uint_eq(errors.count, 0);
	ck_assert_int_eq(kv_run_execute(sc, &cfg, &run, &errors), 0);
	kv_run_free(run);
	kv_scenario_free(sc);
}

static void
teardown(void)
{
	free(events);
	nevents = start = 0;
}

/* Found when the log is told with events [at, at + n) as given instead of
 * `instead` of them. */
static uint64_t
judge(size_t at, const struct kv_event *list, size_t n, size_t instead)
{
	struct kv_oracle *o = kv_oracle_create();
	struct kv_tap tap = kv_oracle_tap(o);
	uint64_t found;
	size_t i;

	for (i = 0; i < at; i++)
		tap.fn(tap.arg, &events[i]);
	for (i = 0; i < n; i++)
		tap.fn(tap.arg, &list[i]);
	for (i = at + instead; i < nevents; i++)
		tap.fn(tap.arg, &events[i]);
	kv_oracle_settle(o);
	found = kv_oracle_found(o);
	kv_oracle_destroy(o);
	return found;
}

START_TEST(good)
{
	ck_assert_uint_gt(start, 0);
	ck_assert_uint_gt(nevents, start + 1000);
	ck_assert_uint_eq(judge(0, NULL, 0, 0), 0);
}
END_TEST

/* ---- What can do no harm
 * ------------------------------------------------------ */

/* Words that carry no state: what was asked for, where an operation begins, and
 * what follows from others. */
static bool
is_stateless(enum kv_event_kind kind)
{
	static const enum kv_event_kind list[] = {KV_EV_VMEM_REQUEST,
	    KV_EV_VMEM_BOUNDS, KV_EV_VMEM_FAIL, KV_EV_RESERV_FULL, KV_EV_RUN_OP,
	    KV_EV_RUN_END, KV_EV_RUN_DRAINED};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i] == kind)
			return true;
	return false;
}

/* A leaf or an empty entry that is told again says the same; and so do tables
 * that still hang there. */
static bool
is_idempotent(const struct kv_event *e)
{
	return e->kind == KV_EV_PT_LEAF || e->kind == KV_EV_PT_CLEAR ||
	       e->kind == KV_EV_PT_TABLE;
}

static bool
is_entry(const struct kv_event *e)
{
	return e->kind >= KV_EV_PT_LEAF && e->kind <= KV_EV_PT_CLEAR;
}

/* Nothing there to clear, or the table goes back as well. */
static bool
is_idle_clear(size_t at)
{
	const struct kv_event *e = &events[at];
	size_t i;

	if (e->kind != KV_EV_PT_CLEAR)
		return false;
	for (i = at; i < nevents && events[i].kind != KV_EV_RUN_OP; i++)
		if (events[i].kind == KV_EV_PT_PUT &&
		    events[i].value[0] == e->value[0])
			return true;
	for (i = at; i-- != 0;)
		if (is_entry(&events[i]) && events[i].value[0] == e->value[0] &&
		    events[i].value[1] == e->value[1])
			return events[i].kind == KV_EV_PT_CLEAR;
	return true;
}

/* A leaf of a page that is no stack's: the log does not say what is to be
 * mapped where. */
static bool
is_data_leaf(size_t at)
{
	uint64_t pfn = events[at].value[2] >> 12;

	if (events[at].kind != KV_EV_PT_LEAF)
		return false;
	while (at-- != 0)
		if (events[at].kind == KV_EV_OBJECT_INSERT &&
		    pfn - events[at].value[1] < events[at].value[2])
			return strcmp(events[at].source, "data") == 0;
	return false;
}

/* Fields whose value nothing contradicts: bounds that were generous, numbers
 * of operations, pools, attributes of a leaf. */
static bool
is_free_field(const struct kv_event *e, unsigned field)
{
	switch (e->kind) {
	case KV_EV_VMEM_BOUNDS:
	case KV_EV_VMEM_REQUEST:
	case KV_EV_VMEM_FAIL:
	case KV_EV_RUN_OP:
	case KV_EV_RUN_END:
	case KV_EV_RUN_DRAINED:
		return true;
	case KV_EV_PHYS_ALLOC:
	case KV_EV_PT_LEAF:
		return field == 3;
	case KV_EV_PT_PUT: /* its level */
		return field == 1;
	default:
		return false;
	}
}

/* Do both say something of one thing, and of the same part of it?  Then their
 * order matters. */
static bool
is_ordered(const struct kv_event *a, const struct kv_event *b)
{
	uint64_t n = 1, m = 1;

	if (strcmp(a->source, b->source) != 0 || is_stateless(a->kind) ||
	    is_stateless(b->kind))
		return false;
	if (is_entry(a) && is_entry(b) && a->value[1] != b->value[1])
		return false;
	if (a->kind <= KV_EV_VMEM_RELEASE) {
		n = a->value[1];
		m = b->value[1];
	}
	return a->value[0] < b->value[0] + m && b->value[0] < a->value[0] + n;
}

static void
missed(const char *what, size_t at)
{
	const struct kv_event *e = &events[at];

	ck_abort_msg("event %zu %s, not caught: %s %s %#llx %#llx %#llx %#llx",
	    at, what, kv_event_name(e->kind), e->source,
	    (unsigned long long)e->value[0], (unsigned long long)e->value[1],
	    (unsigned long long)e->value[2], (unsigned long long)e->value[3]);
}

/* ---- Changes
 * ------------------------------------------------------------------- */

static size_t
pick(struct kv_rng *rng)
{
	return start + kv_rng_below(rng, nevents - start - 1);
}

START_TEST(left_out)
{
	struct kv_rng rng = kv_rng_stream(1, "left out");

	for (int i = 0; i < ROUNDS; i++) {
		size_t at = pick(&rng);

		if (judge(at, NULL, 0, 1) == 0 &&
		    !is_stateless(events[at].kind) && !is_idle_clear(at) &&
		    !is_data_leaf(at))
			missed("left out", at);
	}
}
END_TEST

START_TEST(told_twice)
{
	struct kv_rng rng = kv_rng_stream(2, "twice");

	for (int i = 0; i < ROUNDS; i++) {
		size_t at = pick(&rng);

		if (judge(at, &events[at], 1, 0) == 0 &&
		    !is_stateless(events[at].kind) &&
		    !is_idempotent(&events[at]))
			missed("told twice", at);
	}
}
END_TEST

START_TEST(swapped)
{
	struct kv_rng rng = kv_rng_stream(3, "swapped");

	for (int i = 0; i < ROUNDS; i++) {
		size_t at = pick(&rng);
		struct kv_event list[] = {events[at + 1], events[at]};

		if (judge(at, list, 2, 2) == 0 &&
		    is_ordered(&list[0], &list[1]))
			missed("swapped with the next", at);
	}
}
END_TEST

START_TEST(another_number)
{
	struct kv_rng rng = kv_rng_stream(4, "number");

	for (int i = 0; i < ROUNDS; i++) {
		size_t at = pick(&rng);
		struct kv_event e = events[at];
		unsigned field = (unsigned)kv_rng_below(&rng, 4);
		uint64_t page = UINT64_C(1) << 12;

		if (*kv_event_field(e.kind, field) == '\0')
			continue;
		e.value[field] += e.value[field] >= page ? page : 1;
		if (judge(at, &e, 1, 1) == 0 && !is_free_field(&e, field) &&
		    !is_data_leaf(at) && !is_idle_clear(at))
			missed(kv_event_field(e.kind, field), at);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mutations of a log");
	TCase *t = tcase_create("one event");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, good);
	tcase_add_test(t, left_out);
	tcase_add_test(t, told_twice);
	tcase_add_test(t, swapped);
	tcase_add_test(t, another_number);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
