/* SPDX-License-Identifier: BSD-2-Clause */
/* report_run.c - the report of `kvasir run`, as text and as JSON */
#include "out/report_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out/format.h"
#include "out/mem.h"
#include "out/report_layout.h"
#include "out/report_shrunk.h"
#include "run/measure_map.h"
#include "run/policy.h"

enum {
	CELL = 48,
	LABEL = KV_FORMAT_LABEL,
	WORDS_SHOWN = 12,
	SERIES_MAX = 1000
};

/* ---- JSON ------------------------------------------------------------ */

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

/* ---- Text: groups of figures ----------------------------------------- */

/* What is being written: which figures stand there already. */
struct page {
	const struct kv_run *run;
	struct kv_buf *b;
	bool *shown; /* one a metric */
};

static void
title(struct page *p, const char *text)
{
	kv_buf_printf(p->b, "\n%s\n", text);
}

/* Words of a pattern, equal neighbours counted: "EFFFB x7  FFFB". */
static void
put_pattern(struct kv_buf *b, const char *text)
{
	unsigned shown = 0;

	while (*text != '\0' && shown < WORDS_SHOWN) {
		size_t length = strcspn(text, " ");
		const char *next = text + length;
		unsigned n = 1;

		while (strncmp(next, " ", 1) == 0 &&
		       strcspn(next + 1, " ") == length &&
		       strncmp(next + 1, text, length) == 0) {
			next += 1 + length;
			n++;
		}
		kv_buf_printf(b, "%s%.*s", shown == 0 ? "" : "  ",
		    (int)(length < 200 ? length : 200), text);
		if (n > 1)
			kv_buf_printf(b, " x%u", n);
		text = *next == ' ' ? next + 1 : next;
		shown++;
	}
	kv_buf_printf(b, "%s\n", *text == '\0' ? "" : "  ...");
}

/* One figure; of is the whole that it is a share of, or 0. */
static void
put_row(struct page *p, const struct kv_metric *x, uint64_t of)
{
	p->shown[x - p->run->metrics.list] = true;
	if (strcmp(x->name, "kstack.pattern") == 0) {
		kv_buf_printf(p->b, "  %-*s ", LABEL, x->name);
		put_pattern(p->b, x->text);
		return;
	}
	kv_format_row(p->b, x);
	if (of != 0)
		kv_buf_printf(
		    p->b, " (%.1f %%)", 100.0 * (double)x->u / (double)of);
	kv_buf_add(p->b, "\n", 1);
}

/* The order in which an expert asks; a leading '/' makes a share of live. */
static const struct group {
	const char *title;
	const char *const names[28];
} groups[] = {
    {"Kernel stacks",
	{"kstack.live", "kstack.created", "kstack.failed", "kstack.chunks",
	    "kstack.kva_bytes", "kstack.pt_pages", "kstack.pt_bytes_per_stack",
	    "kstack.pattern", "/kstack.phys_contiguous",
	    "/kstack.pa16k_aligned", "/kstack.va16k_aligned",
	    "/kstack.coalescable_16k", "kstack.arena_imports",
	    "kstack.arena_releases", "kstack.cache_hits", "kstack.cache_misses",
	    "kstack.wrong_domain", "kstack.frees_matched",
	    "kstack.frees_mismatched", "kstack.frees_remote", "guard.mapped"}},
    {"Reservations", {"reserv.full", "reserv.partial", "reserv.populated",
			 "reserv.unused_pages", "reserv.over_reservation",
			 "reserv.broken", "reserv.freed", "reserv.reclaimed"}},
    {"Page tables",
	{"pmap.mapped_bytes", "pmap.promoted_fraction", "pmap.groups",
	    "pmap.promotions", "pmap.demotions", "pmap.mappings",
	    "pmap.p_failures", "pmap.p_failures.hole", "pmap.p_failures.frames",
	    "pmap.p_failures.attribute", "pmap.p_failures.accessed",
	    "pmap.group_promotions", "pmap.group_demotions",
	    "pmap.spoiler_holes", "pmap.pt_pages", "pmap.pt_bytes",
	    "pmap.pte_use", "tlb.needed_base", "tlb.needed_16k",
	    "tlb.needed_64k", "tlb.needed_super"}},
    {"TLB",
	{"tlb.hits", "tlb.misses", "tlb.misses_per_1000", "tlb.faults",
	    "tlb.stale", "tlb.stale_frame", "tlb.stale_permissive",
	    "tlb.stale_restrictive", "tlb.evictions", "tlb.coalesced",
	    "tlb.entries", "tlb.reach_bytes", "tlb.page_flushes",
	    "tlb.tag_flushes", "tlb.nonglobal_flushes", "tlb.full_flushes"}},
    {"Translation runs",
	{"map.pages", "map.mean_run", "map.weighted_run", "map.coalescable4",
	    "map.coalescable16", "map.coalescable512", "map.anchor.distance"}},
    {"Verification",
	{"verify.points", "verify.machines", "verify.edits", "verify.pages",
	    "verify.guards", "verify.unmapped", "verify.unused",
	    "verify.touches", "verify.faults", "verify.overflows"}},
    {"Host", {"host.kind", "host.paging", "host.resident_bytes",
		 "host.huge_bytes", "host.gathered", "host.contiguous_runs",
		 "host.leaves_4k", "host.leaves_2m", "host.leaves_1g"}},
    {"Physical memory",
	{"phys.pages", "phys.free_pages", "phys.queued_pages",
	    "phys.free_blocks", "phys.largest_free", "phys.largest_free_ratio",
	    "phys.free_huge", "phys.free_huge_score",
	    "phys.target_fragmentation", "phys.compaction_score",
	    "usage.at_peak_live", "usage.average", "usage.at_peak_used",
	    "usage.peak_used_over_peak_live", "usage.peak_live_pages",
	    "usage.peak_used_pages"}}};

/* The figure of that name, which is then shown; its cell in s. */
static const struct kv_metric *
take_cell(struct page *p, const char *name, char *s, size_t size)
{
	const struct kv_metric *x = kv_metrics_find(&p->run->metrics, name);

	p->shown[x - p->run->metrics.list] = true;
	if (x->kind == KV_METRIC_RATIO)
		snprintf(s, size, "%.2f", x->r);
	else
		kv_format_metric(s, size, x);
	return x;
}

/* Leaves by order, one line each. */
static void
put_leaves(struct page *p)
{
	const struct kv_metric *x;
	unsigned order;
	char name[CELL];

	for (order = 0; order < 64; order++) {
		snprintf(name, sizeof(name), "pmap.leaves.o%u", order);
		x = kv_metrics_find(&p->run->metrics, name);
		if (x != NULL)
			put_row(p, x, 0);
	}
}

/* Translation runs by family, one line each (metrics.md 8). */
static void
put_families(struct page *p)
{
	static const char *const rows[] = {[KV_XLAT_RANGE] = "Range",
	    [KV_XLAT_VIRTUAL] = "Virtual",
	    [KV_XLAT_ANCHOR] = "Anchor",
	    [KV_XLAT_SPOT] = "SpOT"};
	static const char *const columns[] = {"runs", "n80", "n80_reached",
	    "n90", "n90_reached", "n99", "n99_reached", "cover32", "cover64",
	    "cover128", "cover256"};
	size_t row, column;
	char name[CELL], cell[CELL];

	kv_buf_printf(p->b,
	    "  family     runs      n80      (%%)      n90      (%%)      n99 "
	    "     (%%)  cover32       64      128      256 %%\n");
	for (row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		kv_buf_printf(p->b, "  %-8s", rows[row]);
		for (column = 0; column < sizeof(columns) / sizeof(columns[0]);
		     column++) {
			kv_measure_map_name(name, sizeof(name),
			    (enum kv_xlat_family)row, columns[column]);
			take_cell(p, name, cell, sizeof(cell));
			kv_buf_printf(p->b, column == 0 ? "%7s" : " %8s", cell);
		}
		kv_buf_add(p->b, "\n", 1);
	}
}

/* The distribution of pages over lengths of runs. */
static void
put_cdf(struct page *p)
{
	char name[CELL], cell[CELL];
	unsigned order;

	kv_buf_printf(p->b,
	    "  runs of at most 2^N pages, N = 0 to %d (%%)\n   ",
	    KV_MEASURE_CDF_ORDERS - 1);
	for (order = 0; order < KV_MEASURE_CDF_ORDERS; order++) {
		snprintf(name, sizeof(name), "map.cdf.o%u", order);
		take_cell(p, name, cell, sizeof(cell));
		kv_buf_printf(p->b, " %6s", cell);
	}
	kv_buf_add(p->b, "\n", 1);
}

/* What each array of the TLB did and holds. */
static void
put_tlb_arrays(struct page *p)
{
	static const char *const what[] = {"hits", "entries"};
	const struct kv_tlb_config *cfg = p->run->sc->tlb;
	char name[CELL];

	for (unsigned i = 0; i < 2 * cfg->narrays; i++) {
		snprintf(name, sizeof(name), "tlb.%s.%s",
		    cfg->arrays[i / 2].name, what[i % 2]);
		put_row(p, kv_metrics_find(&p->run->metrics, name), 0);
	}
}

static uint64_t
live(const struct kv_metrics *m)
{
	const struct kv_metric *x = kv_metrics_find(m, "kstack.live");

	return x == NULL ? 0 : x->u;
}

static void
put_groups(struct page *p)
{
	const struct kv_metrics *m = &p->run->metrics;
	size_t g, i;

	for (g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		if (kv_metrics_find(m, groups[g].names[0]) == NULL)
			continue;
		title(p, groups[g].title);
		for (i = 0; groups[g].names[i] != NULL; i++) {
			const char *name = groups[g].names[i];
			bool share = name[0] == '/';
			const struct kv_metric *x =
			    kv_metrics_find(m, name + share);

			if (x != NULL)
				put_row(p, x, share ? live(m) : 0);
		}
		if (strcmp(groups[g].title, "Page tables") == 0)
			put_leaves(p);
		if (strcmp(groups[g].title, "TLB") == 0)
			put_tlb_arrays(p);
		if (strcmp(groups[g].title, "Translation runs") == 0) {
			put_families(p);
			put_cdf(p);
		}
	}
}

/* What each domain holds, one line each. */
static void
put_domains(struct page *p)
{
	static const char *const columns[] = {"pages", "free_pages", "inuse",
	    "queued_pages", "live", "wrong_domain"};
	const struct kv_run *run = p->run;
	size_t n = run->world->kstack != NULL ? 6 : 4, i;
	char name[CELL], cell[CELL];

	if (run->sc->ndomains == 1)
		return;
	title(p, "Domains");
	kv_buf_printf(p->b, "  domain %10s %10s %10s %10s%s\n", "pages", "free",
	    "inuse", "queued", n == 6 ? "     stacks  misplaced" : "");
	for (unsigned d = 0; d < run->sc->ndomains; d++) {
		kv_buf_printf(p->b, "  %6u", d);
		for (i = 0; i < n; i++) {
			snprintf(name, sizeof(name),
			    i < 4 ? "phys.domain%u.%s" : "kstack.domain%u.%s",
			    d, columns[i]);
			take_cell(p, name, cell, sizeof(cell));
			kv_buf_printf(p->b, " %10s", cell);
		}
		kv_buf_add(p->b, "\n", 1);
	}
}

/* Indices by order of the request, one line each. */
static void
put_orders(struct page *p)
{
	const struct kv_metrics *m = &p->run->metrics;
	size_t i;

	kv_format_orders(p->b, m, p->run->sc->machine->max_order + 1);
	for (i = 0; i < m->count; i++)
		if (kv_format_is_by_order(m->list[i].name))
			p->shown[i] = true;
}

static void
put_arena(struct page *p, const char *arena)
{
	static const char *const columns[] = {"size", "inuse", "largest_free",
	    "maxfree", "imported", "quantum", "spans", "busy", "free_tags",
	    "alloc", "free", "fail", "import", "release"};
	struct kv_buf name = {0};
	char cell[CELL];
	size_t i;

	kv_buf_printf(p->b, "  %-12s", arena);
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const struct kv_metric *x;

		name.size = 0;
		kv_buf_printf(&name, "vmem.%s.%s", arena, columns[i]);
		x = take_cell(p, name.data, cell, sizeof(cell));
		if (x->kind == KV_METRIC_BYTES)
			kv_format_bytes(cell, sizeof(cell), x->u);
		kv_buf_printf(p->b, " %*s", i < 6 ? 10 : 8, cell);
	}
	kv_buf_add(p->b, "\n", 1);
	kv_buf_fini(&name);
}

static void
put_arenas(struct page *p)
{
	const struct kv_run *run = p->run;
	const struct kv_vmem *vm;
	unsigned i;

	if (run->world == NULL && run->sc->narenas == 0)
		return;
	title(p, "Arenas");
	kv_buf_printf(p->b,
	    "  %-12s %10s %10s %10s %10s %10s %10s %8s %8s %8s %8s %8s %8s %8s "
	    "%8s\n",
	    "vmem.NAME", "size", "inuse", "largest", "maxfree", "imported",
	    "quantum", "spans", "busy", "freetags", "alloc", "free", "fail",
	    "import", "release");
	for (i = 0;
	     run->world != NULL && (vm = kv_world_arena(run->world, i)) != NULL;
	     i++)
		put_arena(p, kv_vmem_name(vm));
	for (i = 0; i < run->sc->narenas; i++)
		put_arena(p, run->sc->arenas[i].name);
}

/* What no group has: blocks, the trace, the scenario's own. */
static void
put_others(struct page *p)
{
	const struct kv_metrics *m = &p->run->metrics;
	bool titled = false;
	size_t i;

	for (i = 0; i < m->count; i++) {
		if (p->shown[i])
			continue;
		if (!titled)
			title(p, "This scenario");
		titled = true;
		put_row(p, &m->list[i], 0);
	}
}

/* ---- Text: head and verdict ------------------------------------------ */

static void
put_machine(struct page *p)
{
	const struct kv_scenario *sc = p->run->sc;
	char page[CELL], reserv[CELL], memory[CELL];
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < sc->nranges; i++)
		bytes += sc->ranges[i].end - sc->ranges[i].start;
	kv_format_bytes(page, sizeof(page), kv_machine_page_size(sc->machine));
	kv_format_bytes(
	    reserv, sizeof(reserv), kv_machine_reserv_size(sc->machine));
	kv_format_bytes(memory, sizeof(memory), bytes);
	kv_buf_printf(p->b,
	    "  machine   %s, %s in %u domain%s, page %s, reservation %s\n",
	    sc->machine->name, memory, sc->ndomains,
	    sc->ndomains == 1 ? "" : "s", page, reserv);
}

/* What stood for the machine, with --backend kvm. */
static void
put_backend(struct page *p)
{
	const struct kv_run *run = p->run;
	const char *reason = NULL;
	const struct kv_mmu_caps *c;

	if (!run->cfg.kvm)
		return;
	c = kv_verifier_caps(run->cfg.verifier, &reason);
	if (run->world == NULL)
		kv_buf_printf(p->b,
		    "  backend   kvm, which has nothing to map here: neither "
		    "kernel stacks nor spaces\n");
	else if (c == NULL)
		kv_buf_printf(
		    p->b, "  backend   the model alone: %s\n", reason);
	else
		kv_buf_printf(p->b,
		    "  backend   kvm (%s, %s paging, CPL 3 %s) against the "
		    "model\n",
		    c->kind, c->paging, c->cpl3_native ? "native" : "emulated");
}

static void
put_head(struct page *p)
{
	const struct kv_run *run = p->run;
	const struct kv_scenario *sc = run->sc;
	char cell[CELL];
	size_t i;

	kv_buf_printf(p->b, "%s: %s\n", sc->name,
	    sc->title != NULL ? sc->title : "no title");
	if (run->world != NULL)
		put_machine(p);
	if (sc->kstacks.present)
		kv_buf_printf(p->b,
		    "  stacks    %s, scheme %s, %u pages and %u guard, first "
		    "KVA at 0x%" PRIx64 "\n",
		    sc->kstacks.policy->name,
		    kv_kstack_scheme_name(sc->kstacks.scheme),
		    sc->kstacks.npages, sc->kstacks.gpages,
		    sc->machine->kva_start + sc->kstacks.first_kva);
	for (i = 0; i < sc->nparams; i++) {
		kv_format_value(
		    cell, sizeof(cell), &sc->params[i].value, false);
		kv_buf_printf(p->b, "%s%s = %s%s",
		    i == 0 ? "  params    " : ", ", sc->params[i].name, cell,
		    i + 1 == sc->nparams ? "\n" : "");
	}
	put_backend(p);
	kv_buf_printf(p->b,
	    "  run       seed %" PRIu64 ", audit %u, %" PRIu64 " operations\n",
	    run->cfg.seed, run->cfg.audit, run->ops);
}

static void
put_expect(struct page *p)
{
	const struct kv_run *run = p->run;
	char cell[CELL];
	size_t i;

	if (run->sc->nexpect != 0)
		title(p, "Expected");
	for (i = 0; i < run->sc->nexpect; i++) {
		const struct kv_judgement *j = &run->judged[i];

		kv_format_value(cell, sizeof(cell), &j->value, j->hex);
		kv_buf_printf(
		    p->b, "  %-6s %s", j->ok ? "ok" : "FAILED", j->text);
		kv_buf_printf(p->b, j->ok ? "\n" : " (it is %s)\n", cell);
	}
}

static void
put_violations(struct page *p)
{
	const struct kv_run *run = p->run;
	size_t i;

	if (run->nviolations != 0)
		title(p, "Violations");
	for (i = 0; i < run->nviolations; i++) {
		const struct kv_violation *v = &run->violations[i];

		kv_buf_printf(p->b,
		    "  %-10s operation %" PRIu64 ", 0x%" PRIx64 ": %s%s\n",
		    v->id, v->step, v->address, v->text,
		    v->expected ? " (expected)" : "");
	}
	if (run->unlisted != 0)
		kv_buf_printf(p->b, "  and %" PRIu64 " more\n", run->unlisted);
}

static void
put_counterexample(struct page *p)
{
	if (p->run->counterexample == NULL)
		return;
	title(p, "Shrunk");
	kv_counterexample_text(p->run->counterexample, "shrunk.yaml", p->b);
}

static void
put_outcome(struct page *p)
{
	const struct kv_run *run = p->run;
	size_t held = 0, i;

	for (i = 0; i < run->sc->nexpect; i++)
		held += run->judged[i].ok;
	kv_buf_printf(p->b, "\nOutcome: %s; %zu of %zu expectations hold",
	    kv_outcome_name(run->outcome), held, run->sc->nexpect);
	kv_buf_printf(p->b,
	    run->unexpected == 0 ? "\n"
				 : ", %" PRIu64 " violations not expected\n",
	    run->unexpected);
}

void
kv_report_run_text(const struct kv_run *run, struct kv_buf *b)
{
	size_t count = run->metrics.count;
	struct page p = {.run = run,
	    .b = b,
	    .shown = kv_mem_resize(NULL, count, sizeof(bool))};

	memset(p.shown, 0, count * sizeof(bool));
	put_head(&p);
	if (run->world != NULL) {
		put_groups(&p);
		put_domains(&p);
		put_orders(&p);
	}
	put_arenas(&p);
	kv_report_layout(run, p.shown, b);
	put_others(&p);
	put_expect(&p);
	put_violations(&p);
	put_counterexample(&p);
	put_outcome(&p);
	kv_mem_free(p.shown);
}
