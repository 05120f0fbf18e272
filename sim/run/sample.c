/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.c - series of figures over a run, as sample: asks for them */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/runner_parts.h"

/* A hundred samples unless the scenario says otherwise; more rows than the
 * most are a mistake. */
enum { ROWS = 100, ROWS_MAX = 10000 };

/* ---- Columns --------------------------------------------------------- */

static void
column_add(struct kv_sampled *s, const char *name)
{
	s->columns =
	    kv_mem_resize(s->columns, s->ncolumns + 1, sizeof(*s->columns));
	s->columns[s->ncolumns++] = name;
}

/* All figures that begin so, in the order in which they are measured; those
 * of a run have lasting names, as the set never loses one. */
static void
columns_match(
    struct kv_sampled *s, const struct kv_metrics *m, const char *prefix)
{
	size_t length = strlen(prefix) - 1, i; /* without the star */

	for (i = 0; i < m->count; i++)
		if (strncmp(m->list[i].name, prefix, length) == 0 &&
		    m->list[i].kind != KV_METRIC_TEXT &&
		    m->list[i].kind != KV_METRIC_HEX)
			column_add(s, m->list[i].name);
}

static void
columns_open(struct kv_sampled *s, const struct kv_metrics *m)
{
	size_t i, length;

	column_add(s, "op");
	for (i = 0; i < s->spec->nof; i++) {
		length = strlen(s->spec->of[i]);
		if (s->spec->of[i][length - 1] == '*')
			columns_match(s, m, s->spec->of[i]);
		else
			column_add(s, s->spec->of[i]);
	}
}

/* ---- Rows ------------------------------------------------------------ */

static double
value_of(const struct kv_run *run, const char *name)
{
	const struct kv_metric *x = kv_metrics_find(&run->metrics, name);
	struct kv_value v;

	if (x != NULL && x->kind == KV_METRIC_SIGNED)
		return (double)x->i;
	if (x != NULL && x->kind == KV_METRIC_RATIO)
		return x->r;
	if (x != NULL)
		return x->kind == KV_METRIC_TEXT ? NAN : (double)x->u;
	/* a parameter, an attribute of the machine */
	if (!kv_run_lookup((void *)(uintptr_t)run, name, &v))
		return NAN;
	if (v.kind == KV_VALUE_UINT)
		return (double)v.u;
	if (v.kind == KV_VALUE_INT)
		return (double)v.i;
	return v.kind == KV_VALUE_REAL ? v.r : NAN;
}

static void
row_add(struct kv_run *run, struct kv_sampled *s)
{
	double *row;
	size_t i;

	if (s->nrows == s->capacity) {
		s->capacity = s->capacity == 0 ? 128 : 2 * s->capacity;
		s->rows = kv_mem_resize(
		    s->rows, s->capacity * s->ncolumns, sizeof(*s->rows));
	}
	row = &s->rows[s->nrows++ * s->ncolumns];
	row[0] = (double)run->ops;
	for (i = 1; i < s->ncolumns; i++)
		row[i] = value_of(run, s->columns[i]);
}

/* What cannot be computed yet, such as a share of nothing, is no error. */
static void
measure(struct kv_run *run)
{
	struct kv_errors later = {0};

	kv_run_measure(run, &later);
	kv_errors_fini(&later);
}

/* Evenly over the work; the first before all of it, the last behind it. */
static void
watch(struct kv_runner *r, bool last)
{
	struct kv_timeline *t = &r->run->timeline;
	uint64_t step;

	if (r->watch == 0)
		return;
	step = r->total > r->watch ? r->total / r->watch : 1;
	if (last ? t->samples[t->nsamples - 1].op != r->run->ops
		 : r->run->ops % step == 0 && t->nsamples <= 2 * r->watch)
		kv_timeline_add(r->run->world, r->run->ops, 0, t);
}

int
kv_samples_open(struct kv_runner *r)
{
	struct kv_run *run = r->run;
	size_t i;

	if (run->sc->nsamples != 0)
		measure(run);
	for (i = 0; i < run->sc->nsamples; i++) {
		struct kv_sampled *s = &run->sampled[i];

		s->spec = &run->sc->samples[i];
		s->every = s->spec->every;
		if (s->every == 0)
			s->every = r->total > ROWS ? r->total / ROWS : 1;
		if (r->total / s->every > ROWS_MAX)
			return kv_runner_refuse(r, &s->spec->place,
			    "more than 10000 samples of this work");
		columns_open(s, &run->metrics);
		row_add(run, s);
	}
	watch(r, false);
	return 0;
}

static bool
is_due(const struct kv_run *run, const struct kv_sampled *s, bool last)
{
	bool whole = run->ops % s->every == 0;

	return last ? !whole : whole;
}

static void
take(struct kv_run *run, bool last)
{
	bool measured = false;
	size_t i;

	for (i = 0; i < run->sc->nsamples; i++) {
		struct kv_sampled *s = &run->sampled[i];

		/* Work may be longer than planned. */
		if (!is_due(run, s, last) || s->nrows > 2 * ROWS_MAX)
			continue;
		if (!measured)
			measure(run);
		measured = true;
		row_add(run, s);
	}
}

void
kv_samples_take(struct kv_runner *r)
{
	take(r->run, false);
	watch(r, false);
}

void
kv_samples_close(struct kv_runner *r)
{
	take(r->run, true);
	watch(r, true);
}
