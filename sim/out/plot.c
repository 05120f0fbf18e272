/* SPDX-License-Identifier: BSD-2-Clause */
/* plot.c - data files of a replay, for the scripts of plots/ */
#include "out/plot.h"

#include <inttypes.h>
#include <string.h>

/* Slots that the picture of the pindex function shows. */
enum { PINDEX_SLOTS = 6 };

/* ---- The pindex function ---------------------------------------------- */

static void
add_pindex(struct kv_buf *b, const struct kv_pindex_map *map, uint64_t page)
{
	kv_pindex_t pindex;

	if (kv_pindex_of_page(map, page, &pindex) == 0)
		kv_buf_printf(b, " %" PRIu64, pindex);
	else
		kv_buf_printf(b, " NaN");
}

void
kv_plot_pindex(struct kv_buf *b, const struct kv_machine *machine)
{
	struct kv_pindex_map map = {
	    .page_shift = machine->page_shift,
	    .npages = machine->kstack_pages,
	    .gpages = machine->kstack_guard,
	};
	unsigned kpages = map.npages + map.gpages;

	kv_buf_printf(b,
	    "# pindex of a page of KVA, %s: %u stack pages above %u guard\n"
	    "# page: offset from the start of the KVA, pages\n"
	    "# guard: 1 = this page is a guard\n"
	    "# linear, skip_guard: pindex, pages; NaN = has none\n"
	    "page guard linear skip_guard\n",
	    machine->name, map.npages, map.gpages);
	for (uint64_t page = 0; page < PINDEX_SLOTS * kpages; page++) {
		kv_buf_printf(b, "%" PRIu64 " %d", page,
		    page % kpages < map.gpages ? 1 : 0);
		map.scheme = KV_PINDEX_LINEAR;
		add_pindex(b, &map, page);
		map.scheme = KV_PINDEX_SKIP_GUARD;
		add_pindex(b, &map, page);
		kv_buf_printf(b, "\n");
	}
}

/* ---- Over time -------------------------------------------------------- */

/* Between two policies, gnuplot wants two blank lines. */
static void
open_index(struct kv_buf *b, const struct kv_replay *r, bool first)
{
	kv_buf_printf(b, "%s\"%s\"\n", first ? "" : "\n\n", r->policy->name);
}

/* Windows [first, end) of the object that ever held a reservation. */
static void
windows_span(const struct kv_timeline *t, uint64_t *first, uint64_t *end)
{
	*first = UINT64_MAX;
	*end = 0;
	for (size_t i = 0; i < t->ncells; i++) {
		if (t->cells[i].window < *first)
			*first = t->cells[i].window;
		if (t->cells[i].window >= *end)
			*end = t->cells[i].window + 1;
	}
	if (t->ncells == 0)
		*first = 0;
	while (*end < *first + 2)
		++*end; /* an image has at least two rows */
}

static size_t
cells_end(const struct kv_timeline *t, size_t sample)
{
	return sample + 1 < t->nsamples ? t->samples[sample + 1].cell
					: t->ncells;
}

/* One column of the map; its cells ascend in window. */
static void
add_column(struct kv_buf *b, const struct kv_timeline *t, size_t sample,
    uint64_t first, uint64_t end)
{
	/* The samples of an empty recording are apart all the same. */
	size_t op = t->samples[sample].op, x = op > sample ? op : sample;
	const struct kv_cell *c = &t->cells[t->samples[sample].cell];
	const struct kv_cell *stop = &t->cells[cells_end(t, sample)];

	for (uint64_t w = first; w < end; w++) {
		kv_buf_printf(b, "%zu %" PRIu64, x, w);
		if (c < stop && c->window == w) {
			kv_buf_printf(b, " %u %.4f\n", c->popcnt,
			    100.0 * c->popcnt / c->npages);
			c++;
		} else
			kv_buf_printf(b, " NaN NaN\n");
	}
	kv_buf_printf(b, "\n");
}

void
kv_plot_occupancy(struct kv_buf *b, const struct kv_replay *replays, size_t n)
{
	uint64_t first, end;

	kv_buf_printf(b,
	    "# occupancy of the reservations of the stack object, over time\n"
	    "# op: forks and exits so far\n"
	    "# reservation: pindex / pages of a reservation\n"
	    "# popcnt: pages in use; NaN = no reservation here\n"
	    "# used: share of its pages in use, %%\n"
	    "# columns: op reservation popcnt used\n");
	for (size_t i = 0; i < n; i++) {
		const struct kv_timeline *t = &replays[i].timeline;

		open_index(b, &replays[i], i == 0);
		windows_span(t, &first, &end);
		for (size_t s = 0; s < t->nsamples; s++)
			add_column(b, t, s, first, end);
	}
}

void
kv_plot_contiguity(struct kv_buf *b, const struct kv_replay *replays, size_t n)
{
	kv_buf_printf(b,
	    "# contiguity of kernel stacks, over time\n"
	    "# op: forks and exits so far; seconds: since the first of them\n"
	    "# live: stacks; contiguous: those in consecutive frames, stacks\n"
	    "# share: contiguous / live, %%\n"
	    "# unused: unused pages of reservations, pages\n"
	    "# columns: op seconds live contiguous share unused\n");
	for (size_t i = 0; i < n; i++) {
		const struct kv_timeline *t = &replays[i].timeline;

		open_index(b, &replays[i], i == 0);
		for (size_t s = 0; s < t->nsamples; s++) {
			const struct kv_sample *x = &t->samples[s];
			double live = x->live > 0 ? (double)x->live : 1;

			kv_buf_printf(b,
			    "%zu %.6f %" PRIu64 " %" PRIu64 " %.4f %" PRIu64
			    "\n",
			    x->op, x->seconds, x->live, x->contiguous,
			    100.0 * (double)x->contiguous / live,
			    x->unused_pages);
		}
	}
}

/* ---- Runs ------------------------------------------------------------- */

/* The longest run of all, up to the next power of two: all curves end there. */
static uint64_t
runs_edge(const struct kv_replay *replays, size_t n)
{
	uint64_t edge = 2;

	for (size_t i = 0; i < n; i++) {
		const struct kv_runs *runs[] = {
		    &replays[i].map_runs, &replays[i].frame_runs};

		for (size_t k = 0; k < 2; k++)
			while (runs[k]->count > 0 &&
			       edge <= runs[k]->list[runs[k]->count - 1].length)
				edge *= 2;
	}
	return edge;
}

static void
add_runs(struct kv_buf *b, const struct kv_runs *runs, uint64_t edge)
{
	uint64_t total = 0, sum = 0;

	for (size_t i = 0; i < runs->count; i++)
		total += runs->list[i].pages;
	kv_buf_printf(b, "1 0 0\n");
	for (size_t i = 0; i < runs->count; i++) {
		sum += runs->list[i].pages;
		kv_buf_printf(b, "%" PRIu64 " %" PRIu64 " %.4f\n",
		    runs->list[i].length, runs->list[i].pages,
		    100.0 * (double)sum / (double)total);
	}
	kv_buf_printf(b, "%" PRIu64 " 0 %d\n", edge, total == 0 ? 0 : 100);
}

void
kv_plot_runs(struct kv_buf *b, const struct kv_replay *replays, size_t n)
{
	uint64_t edge = runs_edge(replays, n);

	kv_buf_printf(b,
	    "# pages of live stacks by length of the run they stand in, at "
	    "the peak\n"
	    "# for each policy first its translation runs (VA and PA ascend "
	    "together),\n"
	    "# then runs of its frames (consecutive in PA, wherever mapped)\n"
	    "# length: pages; pages: in runs of that length; the last row "
	    "is the edge\n"
	    "# share: of all pages in runs of at most that length, %%\n"
	    "# columns: length pages share\n");
	for (size_t i = 0; i < n; i++) {
		open_index(b, &replays[i], i == 0);
		add_runs(b, &replays[i].map_runs, edge);
		open_index(b, &replays[i], false);
		add_runs(b, &replays[i].frame_runs, edge);
	}
}

/* ---- Series ----------------------------------------------------------- */

bool
kv_plot_is_template(const struct kv_plot_script *script)
{
	return strcmp(script->name, "series.gp") == 0;
}

void
kv_plot_series_script(struct kv_buf *b, const char *name)
{
	for (size_t i = 0; i < kv_plot_nscripts; i++) {
		const struct kv_plot_script *s = &kv_plot_scripts[i];

		if (!kv_plot_is_template(s))
			continue;
		kv_buf_printf(b, "# %s.gp - the series %s\nname = '%s'\n", name,
		    name, name);
		kv_buf_add(b, (const char *)s->data, s->size);
	}
}
