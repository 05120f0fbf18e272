/* SPDX-License-Identifier: BSD-2-Clause */
/* check_explain.c - what failed in a run: what, where, by how much */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "out/check_parts.h"
#include "out/format.h"
#include "out/report_whatis.h"

/* Of one fault there may be many; these are said. */
enum { VIOLATIONS_SHOWN = 5, NAMES_SHOWN = 12, CELL = 80 };

/* ---- Expectations ---------------------------------------------------- */

static bool
is_number(const struct kv_value *v)
{
	return v->kind == KV_VALUE_UINT || v->kind == KV_VALUE_INT ||
	       v->kind == KV_VALUE_REAL;
}

static double
real_of(const struct kv_value *v)
{
	if (v->kind == KV_VALUE_REAL)
		return v->r;
	return v->kind == KV_VALUE_INT ? (double)v->i : (double)v->u;
}

/* The distance of two numbers: exact where both are counts. */
static void
put_distance(
    struct kv_buf *b, const struct kv_value *a, const struct kv_value *limit)
{
	double d;

	if (!is_number(a) || !is_number(limit))
		return;
	if (a->kind == KV_VALUE_UINT && limit->kind == KV_VALUE_UINT) {
		if (a->u != limit->u)
			kv_buf_printf(b, ", off by %" PRIu64,
			    a->u > limit->u ? a->u - limit->u
					    : limit->u - a->u);
		return;
	}
	d = fabs(real_of(a) - real_of(limit));
	if (d > 0)
		kv_buf_printf(b,
		    a->kind == KV_VALUE_REAL || limit->kind == KV_VALUE_REAL
			? ", off by %.6f"
			: ", off by %.0f",
		    d);
}

static void
put_value(struct kv_buf *b, const struct kv_value *v, bool hex)
{
	char cell[CELL];

	if (v->kind == KV_VALUE_NONE) {
		kv_buf_printf(b, "not a figure of this run");
	} else if (v->kind == KV_VALUE_WORD) {
		kv_buf_printf(b, "%s", v->w);
	} else {
		kv_format_value(cell, sizeof(cell), v, hex);
		kv_buf_printf(b, "%s", cell);
	}
}

/* The names of an expression that is no comparison, each once. */
struct names {
	struct kv_run *run;
	struct kv_buf *b;
	const char *seen[NAMES_SHOWN];
	size_t count;
};

static int
put_name(void *arg, const char *name, const struct kv_place *place)
{
	struct names *n = arg;
	const struct kv_metric *x = kv_metrics_find(&n->run->metrics, name);
	struct kv_value v;
	size_t i;

	(void)place;
	for (i = 0; i < n->count; i++)
		if (strcmp(n->seen[i], name) == 0)
			return 0;
	if (n->count == NAMES_SHOWN || !kv_run_lookup(n->run, name, &v))
		return 0;
	kv_buf_printf(n->b, "%s%s is ", n->count == 0 ? "" : ", ", name);
	put_value(n->b, &v, x != NULL && x->kind == KV_METRIC_HEX);
	n->seen[n->count++] = name;
	return 0;
}

static void
put_expectation(struct kv_run *run, const struct kv_formula *f,
    const struct kv_judgement *j, struct kv_buf *b)
{
	struct names names = {.run = run, .b = b};

	kv_buf_printf(b, "%s:%u:%u: expected %s: ", f->place.path,
	    f->place.line, f->place.column, j->text);
	if (f->expr == NULL) {
		kv_buf_printf(b, "there was %s", f->absent ? "one" : "none");
	} else if (j->limit.kind == KV_VALUE_NONE) {
		kv_expr_walk_names(f->expr, put_name, &names);
	} else {
		kv_buf_printf(b, "it is ");
		put_value(b, &j->value, j->hex);
		put_distance(b, &j->value, &j->limit);
	}
	kv_buf_add(b, "\n", 1);
}

static void
put_expectations(struct kv_run *run, struct kv_buf *b)
{
	size_t i;

	for (i = 0; i < run->sc->nexpect; i++)
		if (!run->judged[i].ok)
			put_expectation(
			    run, &run->sc->expect[i], &run->judged[i], b);
}

/* ---- Violations ------------------------------------------------------ */

/* Each line of what an address is, set in. */
static void
put_whatis(const struct kv_run *run, uint64_t address, struct kv_buf *b)
{
	struct kv_buf text = {0};
	char *line, *end;

	kv_report_whatis(run, address, &text);
	for (line = text.data; (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		*end = '\0';
		kv_buf_printf(b, "  %s\n", line);
	}
	kv_buf_fini(&text);
}

/* Those of the list from the first one on; so many were shown before.
 * => how many are shown now */
static size_t
put_violations(const struct kv_run *run, size_t first, size_t shown,
    bool whatis, struct kv_buf *b)
{
	const struct kv_violation *v;
	size_t i;

	for (i = first; i < run->nviolations; i++) {
		v = &run->violations[i];
		if (v->expected || shown == VIOLATIONS_SHOWN)
			continue;
		kv_buf_printf(b,
		    "violation %s after step %" PRIu64 ", at 0x%" PRIx64
		    ": %s\n",
		    v->id, v->step, v->address, v->text);
		if (whatis)
			put_whatis(run, v->address, b);
		shown++;
	}
	return shown;
}

void
kv_check_explain(struct kv_run *run, struct kv_buf *lines)
{
	struct kv_buf violations = {0};
	size_t before = run->nviolations, shown;

	/* An address is something as long as the run stands. */
	shown = put_violations(run, 0, 0, true, &violations);
	kv_run_drain(run);
	shown = put_violations(run, before, shown, false, &violations);
	if (run->unexpected > shown)
		kv_buf_printf(&violations, "and %" PRIu64 " more violations\n",
		    run->unexpected - shown);
	kv_buf_add(lines, violations.data, violations.size);
	put_expectations(run, lines);
	kv_buf_fini(&violations);
}
