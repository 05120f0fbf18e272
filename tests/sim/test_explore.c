/* SPDX-License-Identifier: BSD-2-Clause */
/* test_explore.c - all sequences: counted, told apart, and the shortest */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "kvtest.h"
#include "run/explore.h"
#include "run/state.h"

#define HEAD                                                            \
	"kvasir: 1\n"                                                   \
	"machine: {name: amd64, domains: 2, memory: [{start: 16M, "     \
	"size: 48K, domain: 0}, {start: 32M, size: 48K, domain: 1}]}\n" \
	"kstacks: {policy: freebsd-d38852}\n"
#define EXPLORE(length, slots)                                      \
	"explore:\n  length: " #length "\n  slots: " #slots         \
	"\n  operations: [{spawn: {count: 1, domain: 0}}, {spawn: " \
	"{count: 1, domain: 1}}, dispose]\n"

static struct kv_scenario *sc;
static struct kv_errors errors;
static struct kv_exploration x;
static const struct kv_run_config cfg = {.seed = 12345, .nested = true};

static void
explore(const char *text)
{
	ck_assert_int_eq(
	    kv_scenario_load(input_file(text), NULL, 0, &sc, &errors), 0);
	ck_assert_int_eq(kv_explore(sc, &cfg, &x, &errors), 0);
}

static void
done(void)
{
	kv_exploration_fini(&x);
	kv_scenario_free(sc);
	input_remove();
}

/* Two ways to create, each live stack can go: n operations on no limit are
 * n! [t^n] exp(2 t + t^2): 2, 6, 20, 76, 312.  Three slots forbid a fourth
 * creation: of length 4 the 2^4 words of creations alone; of length 5 those
 * that begin with four creations, 2^4 * (2 + 4), and those with one disposal
 * among the first four that reach four stacks at the end: 2^4 * (1 + 2 + 3). */
START_TEST(sequences_are_counted)
{
	explore(HEAD EXPLORE(5, 6));
	ck_assert(!x.violated && x.merged);
	ck_assert_uint_eq(x.sequences[0], 1);
	ck_assert_uint_eq(x.sequences[1], 2);
	ck_assert_uint_eq(x.sequences[2], 6);
	ck_assert_uint_eq(x.sequences[3], 20);
	ck_assert_uint_eq(x.sequences[4], 76);
	ck_assert_uint_eq(x.sequences[5], 312);
	ck_assert_uint_eq(x.fresh[0], 1);
	ck_assert_uint_eq(x.fresh[1], 2);
	done();
	explore(HEAD EXPLORE(4, 3));
	ck_assert_uint_eq(x.sequences[4], 76 - 16);
	done();
}
END_TEST

/* The same by brute force: every word run for itself, its texts compared. */
struct words {
	struct kv_step work[8];
	char names[8][8];
	bool live[8];
	char *texts[200];
	size_t ntexts;
};

static void
note_text(struct words *w, unsigned length)
{
	const struct kv_run_config lean = {
	    .seed = 12345, .nested = true, .lean = true};
	struct kv_scenario s = *sc;
	struct kv_state state = {0};
	struct kv_buf text = {0};
	struct kv_run *run;
	size_t i = 0;

	s.work = w->work;
	s.nwork = length;
	s.nexpect = 0;
	ck_assert_int_eq(kv_run_execute(&s, &lean, &run, &errors), 0);
	kv_state_take(run, &state);
	kv_state_text(&state, &text);
	while (i < w->ntexts && strcmp(w->texts[i], text.data) != 0)
		i++;
	if (i == w->ntexts) {
		ck_assert_uint_lt(w->ntexts, 200);
		w->texts[w->ntexts++] = strdup(text.data);
	}
	kv_buf_fini(&text);
	kv_state_fini(&state);
	kv_run_free(run);
}

static void
words_from(struct words *w, unsigned at, unsigned length)
{
	note_text(w, at);
	if (at >= length || at >= 8)
		return;
	for (unsigned d = 0; d < 2; d++) {
		w->work[at] = (struct kv_step){.kind = KV_STEP_SPAWN,
		    .count = 1,
		    .domain = d,
		    .cpu = KV_ANYWHERE,
		    .name = w->names[at]};
		w->live[at] = true;
		words_from(w, at + 1, length);
		w->live[at] = false;
	}
	for (unsigned k = 0; k < at; k++) {
		if (!w->live[k])
			continue;
		w->work[at] = (struct kv_step){.kind = KV_STEP_DISPOSE,
		    .count = 1,
		    .domain = KV_ANYWHERE,
		    .cpu = KV_ANYWHERE,
		    .name = w->names[k]};
		w->live[k] = false;
		words_from(w, at + 1, length);
		w->live[k] = true;
	}
}

START_TEST(as_by_brute_force)
{
	static struct words w;

	explore(HEAD EXPLORE(5, 6));
	for (unsigned i = 0; i < 8; i++)
		snprintf(w.names[i], sizeof(w.names[i]), "w%u", i);
	words_from(&w, 0, 5);
	ck_assert_uint_eq(x.states, w.ntexts);
	for (size_t i = 0; i < w.ntexts; i++)
		free(w.texts[i]);
	done();
}
END_TEST

/* A cache keeps what no state tells: nothing is merged then. */
START_TEST(caches_are_not_merged)
{
	explore("kvasir: 1\n"
		"machine: {name: amd64, memory: [{start: 16M, size: 8M}]}\n"
		"kstacks: {policy: freebsd-16, cache: uma}\n"
		"explore: {length: 3, operations: [{spawn: {count: 1}}, "
		"dispose]}\n");
	ck_assert(!x.merged && !x.violated);
	/* 1, 1, 1 + 1, 1 + 1 + 2: n! [t^n] exp(t + t^2 / 2) */
	ck_assert_uint_eq(x.sequences[3], 4);
	ck_assert_uint_eq(x.states, 1 + 1 + 2 + 4);
	done();
}
END_TEST

/* A page in the guard's place: one stack, one map, whatever else is offered. */
START_TEST(the_shortest_is_found)
{
	const struct kv_run_config audit = {
	    .seed = 12345, .audit = 1, .nested = true};
	struct kv_scenario *again;
	struct kv_run *run;
	char *text;

	explore(
	    "kvasir: 1\n"
	    "machine: {name: amd64, memory: 64M}\n"
	    "kstacks: {policy: freebsd-d38852, first_kva: 0}\n"
	    "objects: {other: {pages: 4}}\n"
	    "explore:\n"
	    "  length: 4\n"
	    "  operations:\n"
	    "    - dispose\n"
	    "    - unmap: {va: machine.kva_start, pages: 1}\n"
	    "    - spawn: {count: 1}\n"
	    "    - map: {va: machine.kva_start, pages: 1, object: other}\n");
	ck_assert(x.violated);
	ck_assert_str_eq(x.violation.id, "freebsd-I2");
	ck_assert_ptr_nonnull(strstr(x.diff.data, "+ mapped in space 0"));
	text = strdup(x.scenario.data);
	done();
	ck_assert_int_eq(
	    kv_scenario_load(input_file(text), NULL, 0, &again, &errors), 0);
	ck_assert_uint_eq(again->nwork, 2);
	ck_assert_int_eq(kv_run_execute(again, &audit, &run, &errors), 0);
	ck_assert(kv_run_passed(run));
	kv_run_free(run);
	kv_scenario_free(again);
	free(text);
	input_remove();
}
END_TEST

/* To map where something is mapped is refused, and no state. */
START_TEST(what_is_not_legal_is_no_state)
{
	explore("kvasir: 1\n"
		"machine: {name: amd64, memory: 64M}\n"
		"objects: {other: {pages: 512}}\n"
		"explore: {length: 2, operations: [{map: {va: 1G, size: 2M, "
		"object: other, how: leaf, level: 1}}]}\n");
	ck_assert(!x.violated);
	ck_assert_uint_eq(x.states, 2);
	ck_assert_uint_eq(x.transitions, 1);
	ck_assert_uint_eq(x.refused, 1);
	done();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("explore");
	TCase *t = tcase_create("sequences");

	tcase_add_test(t, sequences_are_counted);
	tcase_add_test(t, as_by_brute_force);
	tcase_add_test(t, caches_are_not_merged);
	tcase_add_test(t, the_shortest_is_found);
	tcase_add_test(t, what_is_not_legal_is_no_state);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
