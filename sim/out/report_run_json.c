/* SPDX-License-Identifier: BSD-2-Clause */
/* report_run_json.c - the report of `kvasir run` as JSON */
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "out/report_run.h"
#include "out/report_shrunk.h"

enum { SERIES_MAX = 1000 };

static void
json_expect(struct kv_emit *e, const struct kv_run *run)
{
	size_t i;

	kv_emit_open(e, "expect", '[');
	for (i = 0; i < run->sc->nexpect; i++) {
		const struct kv_judgement *j = &run->judged[i];

		kv_emit_open(e, NULL, '{');
		kv_emit_bool(e, "ok", j->ok);
		kv_emit_text(e, "text", j->text);
		kv_emit_value(e, "value", &j->value, j->hex);
		kv_emit_close(e, '}');
	}
	kv_emit_close(e, ']');
}

static void
json_violations(struct kv_emit *e, const struct kv_run *run)
{
	size_t i;

	kv_emit_open(e, "violations", '[');
	for (i = 0; i < run->nviolations; i++) {
		const struct kv_violation *v = &run->violations[i];

		kv_emit_open(e, NULL, '{');
		kv_emit_hex(e, "address", v->address);
		kv_emit_text(e, "id", v->id);
		kv_emit_uint(e, "step", v->step);
		kv_emit_text(e, "text", v->text);
		kv_emit_close(e, '}');
	}
	kv_emit_close(e, ']');
}

struct kv_series
kv_report_run_series(const struct kv_run *run, size_t i)
{
	const struct kv_sampled *s = &run->sampled[i];

	return (struct kv_series){.name = s->spec->name,
	    .about = "op: operations so far; units as in kvasir list metrics",
	    .columns = s->columns,
	    .ncolumns = s->ncolumns,
	    .rows = s->rows,
	    .nrows = s->nrows};
}

static int
by_series(const void *a, const void *b)
{
	const struct kv_series *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Small ones; the others are in their files alone. */
static void
json_series(struct kv_emit *e, const struct kv_run *run)
{
	size_t n = run->sc->nsamples, i;
	struct kv_series *list = kv_mem_resize(NULL, n, sizeof(*list));

	for (i = 0; i < n; i++)
		list[i] = kv_report_run_series(run, i);
	if (n > 1)
		qsort(list, n, sizeof(*list), by_series);
	kv_emit_open(e, "series", '{');
	for (i = 0; i < n; i++)
		if (list[i].nrows <= SERIES_MAX)
			kv_emit_series(e, &list[i]);
	kv_emit_close(e, '}');
	kv_mem_free(list);
}

void
kv_report_run_json(const struct kv_run *run, struct kv_buf *b)
{
	const struct kv_scenario *sc = run->sc;
	struct kv_emit e;
	size_t i;

	kv_emit_init(&e, b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	kv_emit_text(&e, "backend", run->cfg.kvm ? "kvm" : "model");
	json_expect(&e, run);
	kv_emit_text(&e, "kvasir", KV_VERSION);
	kv_emit_open(&e, "metrics", '{');
	kv_emit_metrics(&e, &run->metrics);
	kv_emit_close(&e, '}');
	kv_emit_text(&e, "outcome", kv_outcome_name(run->outcome));
	kv_emit_open(&e, "params", '{');
	for (i = 0; i < sc->nparams; i++)
		kv_emit_value(
		    &e, sc->params[i].name, &sc->params[i].value, false);
	kv_emit_close(&e, '}');
	kv_emit_text(&e, "scenario", sc->name);
	kv_emit_uint(&e, "seed", run->cfg.seed);
	json_series(&e, run);
	kv_counterexample_json(run->counterexample, &e);
	json_violations(&e, run);
	kv_emit_close(&e, '}');
}
