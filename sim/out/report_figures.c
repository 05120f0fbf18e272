/* SPDX-License-Identifier: BSD-2-Clause */
/* report_figures.c - figures of a run as text, in groups; each stands once */
#include "out/report_figures.h"

#include <inttypes.h>
#include <string.h>

#include "out/format.h"
#include "out/mem.h"
#include "out/report_layout.h"
#include "run/measure_map.h"

enum { CELL = 48, LABEL = KV_FORMAT_LABEL, WORDS_SHOWN = 12 };

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

void
kv_report_figures(const struct kv_run *run, struct kv_buf *b)
{
	size_t count = run->metrics.count;
	struct page p = {.run = run,
	    .b = b,
	    .shown = kv_mem_resize(NULL, count, sizeof(bool))};

	memset(p.shown, 0, count * sizeof(bool));
	if (run->world != NULL) {
		put_groups(&p);
		put_domains(&p);
		put_orders(&p);
	}
	put_arenas(&p);
	kv_report_layout(run, p.shown, b);
	put_others(&p);
	kv_mem_free(p.shown);
}
