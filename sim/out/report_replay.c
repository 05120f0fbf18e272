/* SPDX-License-Identifier: BSD-2-Clause */
/* report_replay.c - what a replay found, for people */
#include "out/report_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/report_shrunk.h"

enum {
	WIDTH = 80,	  /* of a line, where there is a choice */
	LABEL_WIDTH = 24, /* of the first column */
	CELL_WIDTH = 9,	  /* of a figure; two to a policy */
	BAR_WIDTH = 10,	  /* of the longest bar */
	COLUMNS = (WIDTH - LABEL_WIDTH) / (2 * CELL_WIDTH), /* policies */
	PATTERN_LINES = 12, /* of one policy's words */
	PATTERN_INDENT = 4
};

static double
value_of(const struct kv_metrics *m, const char *name)
{
	const struct kv_metric *x = kv_metrics_find(m, name);

	if (x == NULL)
		return 0;
	return x->kind == KV_METRIC_RATIO ? x->r : (double)x->u;
}

/* ---- Header ----------------------------------------------------------- */

/* "20 KiB", "30.3 MiB" */
static const char *
bytes_text(double bytes, char *text, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	unsigned unit = 0;
	bool whole;

	while (bytes >= 1024 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	whole = bytes >= 100 || bytes == (double)(uint64_t)bytes;
	snprintf(text, size, whole ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
	return text;
}

static void
add_recording(const struct kv_replay_report *r, struct kv_buf *b)
{
	const struct kv_thread_trace *t = r->cfg->trace;
	const struct kv_thread_counts *c = &t->counts;

	kv_buf_printf(b, "recording  %s (%s)\n", r->name, t->form);
	kv_buf_printf(b,
	    "           %" PRIu64 " events: %" PRIu64 " forks, %" PRIu64
	    " exits, %" PRIu64 " tasks freed,\n"
	    "           %" PRIu64 " stack areas, %" PRIu64 " lazy frees\n",
	    c->events, c->forks, c->exits, c->frees, c->areas, c->lazy_frees);
	if (c->skipped + c->garbled + c->lost_exits > 0)
		kv_buf_printf(b,
		    "           left out: %" PRIu64 " other events, %" PRIu64
		    " garbled lines; %" PRIu64 " lost exits made up for\n",
		    c->skipped, c->garbled, c->lost_exits);
	if (c->areas > 0)
		kv_buf_printf(b,
		    "           the recorded kernel reused a cached stack for "
		    "%" PRIu64 " forks (%.1f %%)\n"
		    "           and took a fresh area for %" PRIu64 "\n",
		    c->cache_hits,
		    c->forks == 0
			? 0
			: 100.0 * (double)c->cache_hits / (double)c->forks,
		    c->fresh_areas);
}

static void
add_load(const struct kv_replay_report *r, struct kv_buf *b)
{
	const struct kv_replay_config *cfg = r->cfg;
	const struct kv_machine *m = cfg->machine;
	char page[32], memory[32], start[32];

	kv_buf_printf(b,
	    "load       %" PRIu64 " resident stacks; then a stack from fork to "
	    "exit, no stack cache\n"
	    "           peak: %" PRIu64
	    " stacks wanted, after %zu of %zu forks "
	    "and exits\n",
	    cfg->resident, cfg->resident + cfg->trace->nthreads,
	    cfg->trace->peak, cfg->trace->nops);
	kv_buf_printf(b,
	    "machine    %s: pages of %s, stacks of %u pages above %u guard, "
	    "%u domain%s\n"
	    "           with %s of memory%s from %s, first free KVA 0\n",
	    m->name,
	    bytes_text((double)kv_machine_page_size(m), page, sizeof(page)),
	    m->kstack_pages, m->kstack_guard, cfg->trace->ndomains,
	    cfg->trace->ndomains == 1 ? "" : "s",
	    bytes_text((double)KV_REPLAY_MEMORY, memory, sizeof(memory)),
	    cfg->trace->ndomains == 1 ? "" : " each",
	    bytes_text((double)KV_REPLAY_MEMORY_START, start, sizeof(start)));
}

/* ---- Table ------------------------------------------------------------ */

enum cell { COUNT, BYTES, DECIMAL, PERCENT, SHARE };

/* A row of the table; what a policy has none of is shown as "-". */
static const struct row {
	const char *label;
	enum cell cell;
	const char *metric;
	const char *whole; /* of SHARE; or what must be there */
} rows[] = {
    {"live stacks", COUNT, "kstack.live", NULL},
    {"failed creations", COUNT, "kstack.failed", NULL},
    {"chunks", COUNT, "kstack.chunks", "kstack.chunks"},
    {"KVA for stacks", BYTES, "kstack.kva_bytes", NULL},
    {"KVA from the kernel map", BYTES, "vmem.kernel.size", NULL},
    {"page tables, B/stack", DECIMAL, "kstack.pt_bytes_per_stack", NULL},
    {"reservations full", COUNT, "reserv.full", "reserv.populated"},
    {"reservations partial", COUNT, "reserv.partial", "reserv.populated"},
    {"pages unused in them", COUNT, "reserv.unused_pages", "reserv.populated"},
    {"over-reservation", PERCENT, "reserv.over_reservation",
	"reserv.populated"},
    {"reservations broken", COUNT, "reserv.broken", NULL},
    {"contiguous stacks", SHARE, "kstack.phys_contiguous", "kstack.live"},
    {"16 KiB-coalescable", SHARE, "kstack.coalescable_16k", "kstack.live"},
    {"translation runs", COUNT, "map.runs", NULL},
    {"runs for 80 % of pages", COUNT, "map.n80", NULL},
    {"runs for 90 % of pages", COUNT, "map.n90", NULL},
    {"runs for 99 % of pages", COUNT, "map.n99", NULL},
    {"free pages", COUNT, "phys.free_pages", NULL},
};

static void
add_cell(struct kv_buf *b, const struct row *row, const struct kv_metrics *m)
{
	double value = value_of(m, row->metric);
	double whole = row->whole == NULL ? 1 : value_of(m, row->whole);
	char text[32];

	if (whole == 0)
		snprintf(text, sizeof(text), "-");
	else if (row->cell == COUNT)
		snprintf(text, sizeof(text), "%.0f", value);
	else if (row->cell == BYTES)
		bytes_text(value, text, sizeof(text));
	else if (row->cell == DECIMAL)
		snprintf(text, sizeof(text), "%.1f", value);
	else if (row->cell == PERCENT)
		snprintf(text, sizeof(text), "%.1f %%", 100 * value);
	else
		snprintf(text, sizeof(text), "%.1f %%", 100 * value / whole);
	kv_buf_printf(b, "%*s", CELL_WIDTH, text);
}

static void
add_names(const struct kv_replay_report *r, struct kv_buf *b)
{
	kv_buf_printf(b, "%-*s", LABEL_WIDTH, "");
	for (size_t i = 0; i < r->count; i++)
		kv_buf_printf(
		    b, "%*s", 2 * CELL_WIDTH, r->replays[i].policy->name);
	kv_buf_printf(b, "\n");
}

static void
add_table(const struct kv_replay_report *r, struct kv_buf *b)
{
	kv_buf_printf(b, "\n");
	add_names(r, b);
	kv_buf_printf(b, "%-*s", LABEL_WIDTH, "");
	for (size_t i = 0; i < r->count; i++)
		kv_buf_printf(
		    b, "%*s%*s", CELL_WIDTH, "peak", CELL_WIDTH, "end");
	kv_buf_printf(b, "\n");
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		kv_buf_printf(b, "%-*s", LABEL_WIDTH, rows[k].label);
		for (size_t i = 0; i < r->count; i++) {
			add_cell(b, &rows[k], &r->replays[i].peak.metrics);
			add_cell(b, &rows[k], &r->replays[i].end.metrics);
		}
		kv_buf_printf(b, "\n");
	}
}

/* Policies side by side, as many at a time as a line has room for. */
static void
add_parts(const struct kv_replay_report *r, struct kv_buf *b,
    void (*add)(const struct kv_replay_report *part, struct kv_buf *b))
{
	struct kv_replay_report part = *r;

	for (size_t i = 0; i < r->count; i += COLUMNS) {
		part.replays = r->replays + i;
		part.count = r->count - i < COLUMNS ? r->count - i : COLUMNS;
		add(&part, b);
	}
}

/* ---- Words ------------------------------------------------------------ */

/* Words that fit on the line; a longer one (linear scheme) is cut there. */
static size_t
line_length(const char *words, size_t width)
{
	size_t size = strlen(words), at;

	if (size <= width)
		return size;
	for (at = width; at > 0 && words[at] != ' '; at--)
		;
	return at > 0 ? at : width;
}

static void
add_words(struct kv_buf *b, const char *words)
{
	for (unsigned line = 0; *words != '\0'; line++) {
		size_t n = line_length(words, WIDTH - PATTERN_INDENT);

		if (line == PATTERN_LINES) {
			kv_buf_printf(b, "%*s... %zu characters more\n",
			    PATTERN_INDENT, "", strlen(words));
			return;
		}
		kv_buf_printf(
		    b, "%*s%.*s\n", PATTERN_INDENT, "", (int)n, words);
		words += n;
		while (*words == ' ')
			words++;
	}
}

/* A policy without reservations has words without letters. */
static bool
has_letters(const struct kv_metric *x)
{
	return x != NULL && x->text[strspn(x->text, "- ")] != '\0';
}

static void
add_patterns(const struct kv_replay_report *r, struct kv_buf *b)
{
	kv_buf_printf(b,
	    "\nreservations at the peak, a word for each chunk, a letter for "
	    "each reservation\n"
	    "(F full, E filled to the end, B from the start, M in the middle, "
	    "H with holes)\n");
	for (size_t i = 0; i < r->count; i++) {
		const struct kv_metric *x = kv_metrics_find(
		    &r->replays[i].peak.metrics, "kstack.pattern");

		kv_buf_printf(b, "  %s\n", r->replays[i].policy->name);
		add_words(b, has_letters(x) ? x->text : "no reservations");
	}
}

/* ---- Occupancy -------------------------------------------------------- */

static uint64_t
bins_total(const struct kv_moment *m)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < KV_MOMENT_BINS; i++)
		total += m->bins[i];
	return total;
}

/* A count and its bar, without blanks at the end of the line. */
static void
add_bar(struct kv_buf *b, uint64_t part, uint64_t whole, bool last)
{
	uint64_t n = whole == 0 ? 0 : (part * BAR_WIDTH + whole - 1) / whole;
	char bar[BAR_WIDTH + 1] = "";
	int width = last ? 0 : BAR_WIDTH;

	memset(bar, '#', n);
	kv_buf_printf(b, "%*" PRIu64 "%s%-*s", 2 * CELL_WIDTH - BAR_WIDTH - 1,
	    part, n == 0 && last ? "" : " ", width, bar);
}

/* "385 to 448": the counts that a bin takes. */
static void
add_range(const struct kv_replay_report *r, struct kv_buf *b, unsigned bin)
{
	unsigned npages = 1u << r->cfg->machine->reserv_order;
	unsigned eighth = npages / (KV_MOMENT_BINS - 1);
	char label[LABEL_WIDTH + 1];

	if (bin == KV_MOMENT_BINS - 1)
		snprintf(label, sizeof(label), "%u (full)", npages);
	else
		snprintf(label, sizeof(label), "%u to %u", bin * eighth + 1,
		    (bin + 1) * eighth - (bin == KV_MOMENT_BINS - 2));
	kv_buf_printf(b, "  %-*s", LABEL_WIDTH - 2, label);
}

static void
add_histogram(const struct kv_replay_report *r, struct kv_buf *b)
{
	kv_buf_printf(b, "\n");
	add_names(r, b);
	for (unsigned bin = KV_MOMENT_BINS; bin-- > 0;) {
		add_range(r, b, bin);
		for (size_t i = 0; i < r->count; i++)
			add_bar(b, r->replays[i].peak.bins[bin],
			    bins_total(&r->replays[i].peak), i + 1 == r->count);
		kv_buf_printf(b, "\n");
	}
}

/* ---- Trouble ---------------------------------------------------------- */

static void
add_trouble(const struct kv_replay_report *r, struct kv_buf *b)
{
	char id[KV_REPLAY_ID], file[KV_SHRUNK_FILE];

	for (size_t i = 0; i < r->count; i++) {
		const struct kv_replay *x = &r->replays[i];

		if (!x->violated && !x->panicked)
			continue;
		kv_replay_id(x, id);
		kv_buf_printf(b,
		    "\n%s: %s after %zu forks and exits: %s at 0x%" PRIx64
		    ": %s\n",
		    x->policy->name,
		    x->panicked ? "the kernel would panic" : "violation", x->op,
		    id, x->diag.address, x->diag.text);
		if (x->counterexample == NULL)
			continue;
		kv_report_replay_shrunk_file(r, i, file);
		kv_counterexample_text(x->counterexample, file, b);
	}
}

void
kv_report_replay_shrunk_file(
    const struct kv_replay_report *r, size_t i, char name[KV_SHRUNK_FILE])
{
	if (r->count == 1)
		snprintf(name, KV_SHRUNK_FILE, "shrunk.yaml");
	else
		snprintf(name, KV_SHRUNK_FILE, "shrunk-%s.yaml",
		    r->replays[i].policy->name);
}

/* Break a text at blanks. */
static void
add_wrapped(struct kv_buf *b, const char *text)
{
	while (*text != '\0') {
		size_t n = line_length(text, WIDTH);

		kv_buf_printf(b, "%.*s\n", (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
	}
}

/* What must be said wherever figures of such a scheme are shown. */
static const char *const notes[] = {
    [KV_KSTACK_NORES] =
	"in the trees read, the stack object is not coloured, so no "
	"reservation is tried; whether that is meant is not known. Its stacks "
	"stay contiguous here because nothing else takes frames.",
    [KV_KSTACK_FFFF] =
	"no kernel's, but what the others could be: chunks that begin and end "
	"with reservations, without the slot given up. Its price is KVA, where "
	"a chunk must wait for the next such start.",
};

static void
add_notes(const struct kv_replay_report *r, struct kv_buf *b)
{
	struct kv_buf note = {0};

	for (size_t i = 0; i < r->count; i++) {
		const struct kv_policy *p = r->replays[i].policy;

		if (notes[p->scheme] == NULL)
			continue;
		kv_buf_printf(&note, "%s: %s", p->name, notes[p->scheme]);
		kv_buf_printf(b, "\n");
		add_wrapped(b, note.data);
		note.size = 0;
	}
	kv_buf_fini(&note);
}

void
kv_report_replay_text(const struct kv_replay_report *r, struct kv_buf *b)
{
	struct kv_buf verdict = {0};

	add_recording(r, b);
	add_load(r, b);
	add_parts(r, b, add_table);
	add_patterns(r, b);
	kv_buf_printf(b, "\nreservations by pages in use, at the peak\n");
	add_parts(r, b, add_histogram);
	add_trouble(r, b);
	add_notes(r, b);
	kv_report_replay_verdict(r, &verdict);
	kv_buf_printf(b, "\n");
	add_wrapped(b, verdict.data);
	kv_buf_fini(&verdict);
}
