/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * failing.c - a scenario again and again, each time refused another draw
 *
 * 1 Concepts.  An operation draws metadata, boundary tags, imports, pages and
 *   tables; any of them may not be had.  A run is the same up to the draw that
 *   is refused, so the run before says in which operation that is: its state is
 *   taken before and after.
 * 2 Representation.  For each run the draws that were made when each operation
 *   began.  The second draw of a pair is looked up in the run of the first.
 * 3 Invariants.
 *   V8 of systems.md, as state.c has it; those of the modules after the
 *   operation; world-I1 to world-I3 at the end.
 * 4 Cost.  A run for each draw; for a pair of them, their number squared / 2.
 * 5 Fidelity.  Draws are the model's: a kernel draws tags at other moments, and
 *   its page tables for KVA are there beforehand.
 */
#include "run/failing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/state.h"

/* ---- One run --------------------------------------------------------- */

/* Draws that were made when operation i + 1 began. */
struct starts {
	uint64_t *list; /* owned */
	uint64_t count, capacity;
};

struct probe {
	const struct kv_scenario *sc; /* without what it expects */
	const struct kv_failing_config *cfg;
	struct kv_failing *result;
	struct kv_run *first; /* in which none was refused */
	struct kv_draws draws;
	struct starts starts;
	uint64_t op; /* that draws what is refused last */
	enum kv_step_kind step;
	struct kv_state before, after;
	bool changed; /* V8 */
	struct kv_violation v8;
};

/* The operation that draw n is part of. */
static uint64_t
op_of(const struct starts *s, uint64_t n)
{
	uint64_t low = 0, high = s->count;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (s->list[mid] < n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
note_start(struct starts *s, uint64_t draws)
{
	if (s->count == s->capacity) {
		s->capacity = s->capacity == 0 ? 256 : 2 * s->capacity;
		s->list = kv_mem_resize(s->list, s->capacity, sizeof(*s->list));
	}
	s->list[s->count++] = draws;
}

static void
compare(struct probe *p, const struct kv_run *run)
{
	struct kv_failing *f = p->result;

	kv_state_take(run, &p->after);
	switch (kv_state_compare(&p->before, &p->after, &run->op)) {
	case KV_STATE_SAME:
		f->same++;
		break;
	case KV_STATE_REST:
		f->rest++;
		break;
	case KV_STATE_PREFIX:
		f->prefix++;
		break;
	case KV_STATE_USED:
		p->changed = true;
		p->v8 = (struct kv_violation){.id = "V8",
		    .step = run->ops,
		    .address = run->op.va,
		    .text = "a step that failed changed what it does not say"};
		break;
	}
}

static void
look(void *arg, const struct kv_run *run, bool after)
{
	struct probe *p = arg;

	if (!after)
		note_start(&p->starts, p->draws.count);
	if (run->ops != p->op)
		return;
	if (!after) {
		p->step = run->op.kind;
		kv_state_take(run, &p->before);
	} else if (run->op.error == 0) {
		p->result->absorbed++;
	} else if (run->outcome != KV_OUTCOME_WOULD_PANIC) {
		compare(p, run);
	}
}

static int
execute(struct probe *p, struct kv_run **run, struct kv_errors *errors)
{
	struct kv_run_config cfg = p->cfg->run;
	int error;

	/* What the scenario is known for may take a closer look. */
	if (p->first != NULL || cfg.audit == 0)
		cfg.audit = 1;
	cfg.audit_op = p->op;
	cfg.nested = cfg.lean = true;
	cfg.draws = &p->draws;
	cfg.tell = look;
	cfg.tell_arg = p;
	p->starts.count = 0;
	p->changed = false;
	error = kv_run_execute(p->sc, &cfg, run, errors);
	if (error == 0)
		kv_run_drain(*run);
	return error;
}

/* ---- Findings -------------------------------------------------------- */

/* The finding that is listed already for the same kinds, or a new one, or
 * NULL: the list is full. */
static struct kv_failing_finding *
finding_of(struct kv_failing *f, const struct kv_failing_finding *new)
{
	struct kv_failing_finding *x = f->findings;

	for (; x < f->findings + f->nfindings; x++)
		if (x->kind == new->kind &&
		    x->step == new->step &&strcmp(x->what.id, new->what.id) ==
			0)
			return x;
	if (f->nfindings == KV_FAILING_FINDINGS)
		return NULL;
	f->nfindings++;
	*x = *new;
	return x;
}

static void
find(struct probe *p, const struct kv_violation *v, bool diff)
{
	struct kv_failing_finding new = {.op = p->op,
	    .step = p->step,
	    .what = *v,
	    .lasting = p->draws.lasting};
	struct kv_failing_finding *x;
	enum { LINES = 12 };

	memcpy(new.refuse, p->draws.refuse, sizeof(new.refuse));
	if (p->draws.refused != 0)
		new.kind = p->draws.kind[p->draws.refused - 1];
	x = finding_of(p->result, &new);
	if (x == NULL)
		p->result->unlisted++;
	else if (x->times++ == 0 && diff)
		kv_state_diff(&p->before, &p->after, LINES, &x->diff);
}

static bool
is_known(const struct kv_run *first, const char *id)
{
	for (size_t i = 0; i < first->nviolations; i++)
		if (strcmp(first->violations[i].id, id) == 0)
			return true;
	return false;
}

/* A step may free what one before it was to have mapped: a panic, and no fault
 * of anybody's. */
static bool
is_consequence(const struct kv_run *run)
{
	return run->outcome == KV_OUTCOME_WOULD_PANIC &&
	       run->op.kind == KV_STEP_RELEASE;
}

static void
judge(struct probe *p, const struct kv_run *run)
{
	for (size_t i = 0; i < run->nviolations; i++)
		if (!is_known(p->first, run->violations[i].id) &&
		    (!is_consequence(run) || i + 1 != run->nviolations))
			find(p, &run->violations[i], false);
	if (p->changed && !is_known(p->first, p->v8.id))
		find(p, &p->v8, true);
}

/* Before the first operation there is one answer: out of memory. */
static void
judge_refusal(struct probe *p, const struct kv_errors *errors)
{
	struct kv_violation v = {.id = "V8",
	    .text = "a draw was refused, and the run with another reason"};
	const char *text = errors->count != 0 ? errors->list[0].text : "";

	p->result->unbuilt++;
	if (p->op != 0 || strstr(text, "out of memory") == NULL)
		find(p, &v, false);
}

/* ---- All runs -------------------------------------------------------- */

/* Refuse one more draw, n, which the run before drew. */
static void
refuse(struct probe *p, unsigned i, uint64_t n, bool lasting,
    const struct starts *starts)
{
	const uint64_t first = p->draws.refuse[0];
	struct kv_errors errors = {0};
	struct kv_run *run = NULL;

	p->draws = (struct kv_draws){
	    .lasting = lasting, .refuse = {i == 0 ? n : first}};
	if (i != 0)
		p->draws.refuse[i] = n;
	p->op = op_of(starts, n);
	if (execute(p, &run, &errors) == 0)
		judge(p, run);
	else
		judge_refusal(p, &errors);
	kv_run_free(run);
	kv_errors_fini(&errors);
}

/* The same with each draw behind that one, which the last run made. */
static void
refuse_second(struct probe *p, uint64_t only)
{
	struct starts starts = p->starts;
	const uint64_t first = p->draws.refuse[0], end = p->draws.count;
	uint64_t m;

	p->starts = (struct starts){0};
	for (m = only != 0 ? only : first + 1; m <= (only != 0 ? only : end);
	     m++) {
		refuse(p, 1, m, false, &starts);
		p->result->pairs++;
	}
	p->draws.refuse[0] = first;
	kv_mem_free(p->starts.list);
	p->starts = starts;
}

static void
refuse_each(struct probe *p)
{
	struct starts starts = p->starts;
	const uint64_t draws = p->result->draws, *only = p->cfg->refuse;
	bool pairs = only[0] != 0 ? only[1] != 0 : draws <= KV_FAILING_PAIRS;
	uint64_t n;

	p->starts = (struct starts){0};
	for (n = only[0] != 0 ? only[0] : 1;
	     n <= (only[0] != 0 ? only[0] : draws); n++) {
		if (only[1] == 0) {
			refuse(p, 0, n, true, &starts);
			p->result->lasting++;
		}
		refuse(p, 0, n, false, &starts);
		p->result->runs++;
		if (pairs)
			refuse_second(p, only[1]);
	}
	kv_mem_free(starts.list);
}

int
kv_failing_run(const struct kv_scenario *sc,
    const struct kv_failing_config *cfg, struct kv_failing *result,
    struct kv_errors *errors)
{
	struct kv_scenario lean = *sc;
	struct probe p = {.sc = &lean, .cfg = cfg, .result = result};
	int error;

	*result = (struct kv_failing){0};
	lean.nexpect = lean.nmetrics = lean.nsamples = 0;
	error = execute(&p, &p.first, errors);
	if (error == 0) {
		result->ops = p.first->ops;
		result->draws = p.draws.count;
		memcpy(result->of, p.draws.of, sizeof(result->of));
		refuse_each(&p);
	}
	kv_run_free(p.first);
	kv_state_fini(&p.before);
	kv_state_fini(&p.after);
	kv_mem_free(p.starts.list);
	return error;
}

void
kv_failing_fini(struct kv_failing *result)
{
	for (size_t i = 0; i < result->nfindings; i++)
		kv_buf_fini(&result->findings[i].diff);
	*result = (struct kv_failing){0};
}

/* ---- Report ---------------------------------------------------------- */

static void
put_finding(
    const struct kv_failing_finding *x, const char *path, struct kv_buf *out)
{
	const char *line = x->diff.data;
	char numbers[48];

	snprintf(numbers, sizeof(numbers), "%" PRIu64, x->refuse[0]);
	if (x->refuse[1] != 0)
		snprintf(numbers, sizeof(numbers), "%" PRIu64 ",%" PRIu64,
		    x->refuse[0], x->refuse[1]);
	kv_buf_printf(out,
	    "%s at 0x%" PRIx64 ": %s; draw %s refused%s (%s, operation %" PRIu64
	    "), found after operation %" PRIu64
	    "; again: kvasir check --fail-each %s %s; %" PRIu64 " of these\n",
	    x->what.id, x->what.address, x->what.text, numbers,
	    x->lasting ? ", and its kind from then on" : "",
	    kv_draw_name(x->kind), x->op, x->what.step, numbers, path,
	    x->times);
	while (line != NULL && line < x->diff.data + x->diff.size) {
		size_t n = strcspn(line, "\n");

		kv_buf_printf(out, "  %.*s\n", (int)n, line);
		line += n + 1;
	}
}

static void
put_counts(const struct kv_failing *f, struct kv_buf *out)
{
	kv_buf_printf(out, "draws %" PRIu64 ":", f->draws);
	for (unsigned i = 0; i < KV_DRAWS; i++)
		kv_buf_printf(out, " %s %" PRIu64, kv_draw_name(i), f->of[i]);
	kv_buf_printf(out,
	    "; runs %" PRIu64 ", lasting %" PRIu64 ", pairs %" PRIu64
	    ": not built %" PRIu64 ", absorbed %" PRIu64
	    ", failed and changed nothing %" PRIu64
	    ", only what is free %" PRIu64 ", a prefix %" PRIu64 "\n",
	    f->runs, f->lasting, f->pairs, f->unbuilt, f->absorbed, f->same,
	    f->rest, f->prefix);
}

void
kv_failing_text(
    const struct kv_failing *f, const char *path, struct kv_buf *out)
{
	for (size_t i = 0; i < f->nfindings; i++)
		put_finding(&f->findings[i], path, out);
	if (f->unlisted != 0)
		kv_buf_printf(
		    out, "... and %" PRIu64 " findings more\n", f->unlisted);
	put_counts(f, out);
}
