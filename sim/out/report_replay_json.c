/* SPDX-License-Identifier: BSD-2-Clause */
/* report_replay_json.c - what a replay found, for scripts */
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "out/report_replay.h"
#include "out/report_shrunk.h"

bool
kv_report_replay_failed(const struct kv_replay_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->replays[i].violated || r->replays[i].panicked)
			return true;
	return false;
}

static const char *
outcome(const struct kv_replay_report *r)
{
	const char *word = "ok";

	for (size_t i = 0; i < r->count; i++) {
		if (r->replays[i].panicked)
			return "would-panic";
		if (r->replays[i].violated)
			word = "failed";
	}
	return word;
}

static void
copy_metric(
    struct kv_metrics *to, const char *prefix, const struct kv_metric *x)
{
	struct kv_buf name = {0};

	kv_buf_printf(&name, "%s%s", prefix, x->name);
	if (x->kind == KV_METRIC_SIGNED)
		kv_metrics_put_int(to, name.data, x->i);
	else if (x->kind == KV_METRIC_RATIO)
		kv_metrics_put_ratio(to, name.data, x->r);
	else if (x->kind == KV_METRIC_TEXT)
		kv_metrics_put_text(to, name.data, x->text);
	else
		kv_metrics_put_uint(to, x->kind, name.data, x->u);
	kv_buf_fini(&name);
}

static void
copy_metrics(
    struct kv_metrics *to, const char *prefix, const struct kv_metrics *from)
{
	for (size_t i = 0; i < from->count; i++)
		copy_metric(to, prefix, &from->list[i]);
}

static void
put_counts(struct kv_metrics *m, const struct kv_thread_counts *c)
{
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
	    {"replay.areas", c->areas},
	    {"replay.cache_hits", c->cache_hits},
	    {"replay.events", c->events},
	    {"replay.exits", c->exits},
	    {"replay.forks", c->forks},
	    {"replay.frees", c->frees},
	    {"replay.fresh_areas", c->fresh_areas},
	    {"replay.garbled", c->garbled},
	    {"replay.lazy_frees", c->lazy_frees},
	    {"replay.lost_exits", c->lost_exits},
	    {"replay.skipped", c->skipped},
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		kv_metrics_put_uint(
		    m, KV_METRIC_COUNT, counts[i].name, counts[i].value);
}

static int
by_policy(const void *a, const void *b)
{
	const struct kv_replay *const *x = a, *const *y = b;

	return strcmp((*x)->policy->name, (*y)->policy->name);
}

static void
emit_all_metrics(const struct kv_replay_report *r, struct kv_emit *e)
{
	const struct kv_replay **order =
	    kv_mem_resize(NULL, r->count, sizeof(*order));

	for (size_t i = 0; i < r->count; i++)
		order[i] = &r->replays[i];
	qsort(order, r->count, sizeof(*order), by_policy);
	kv_emit_open(e, "metrics", '{');
	for (size_t i = 0; i < r->count; i++) {
		struct kv_metrics m = {0};

		copy_metrics(&m, "", &order[i]->end.metrics);
		copy_metrics(&m, "peak.", &order[i]->peak.metrics);
		put_counts(&m, &r->cfg->trace->counts);
		kv_emit_open(e, order[i]->policy->name, '{');
		kv_emit_metrics(e, &m);
		kv_emit_close(e, '}');
		kv_metrics_fini(&m);
	}
	kv_emit_close(e, '}');
	kv_mem_free(order);
}

static void
emit_params(const struct kv_replay_report *r, struct kv_emit *e)
{
	kv_emit_open(e, "params", '{');
	kv_emit_uint(e, "audit", r->cfg->audit);
	if (r->inject != NULL)
		kv_emit_text(e, "inject", r->inject);
	kv_emit_text(e, "machine", r->cfg->machine->name);
	kv_emit_uint(e, "resident", r->cfg->resident);
	kv_emit_uint(e, "strict", r->strict);
	kv_emit_text(e, "trace", r->name);
	kv_emit_close(e, '}');
}

static void
emit_violations(const struct kv_replay_report *r, struct kv_emit *e)
{
	kv_emit_open(e, "violations", '[');
	for (size_t i = 0; i < r->count; i++) {
		const struct kv_replay *x = &r->replays[i];
		char id[KV_REPLAY_ID];

		if (!x->violated && !x->panicked)
			continue;
		kv_replay_id(x, id);
		kv_emit_open(e, NULL, '{');
		kv_emit_hex(e, "address", x->diag.address);
		kv_emit_text(e, "id", id);
		kv_emit_text(e, "policy", x->policy->name);
		kv_counterexample_json(x->counterexample, e);
		kv_emit_uint(e, "step", x->op);
		kv_emit_text(e, "text", x->diag.text);
		kv_emit_close(e, '}');
	}
	kv_emit_close(e, ']');
}

void
kv_report_replay_json(const struct kv_replay_report *r, struct kv_buf *b)
{
	struct kv_buf verdict = {0};
	struct kv_emit e;

	kv_report_replay_verdict(r, &verdict);
	kv_emit_init(&e, b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	kv_emit_text(&e, "backend", "model");
	kv_emit_open(&e, "expect", '[');
	kv_emit_close(&e, ']');
	kv_emit_text(&e, "kvasir", KV_VERSION);
	emit_all_metrics(r, &e);
	kv_emit_text(&e, "outcome", outcome(r));
	emit_params(r, &e);
	kv_emit_text(&e, "scenario", "replay");
	kv_emit_uint(&e, "seed", r->seed);
	kv_emit_open(&e, "series", '{');
	kv_emit_close(&e, '}');
	kv_emit_text(&e, "verdict", verdict.data);
	emit_violations(r, &e);
	kv_emit_close(&e, '}');
	kv_buf_fini(&verdict);
}
