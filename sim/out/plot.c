/* SPDX-License-Identifier: BSD-2-Clause */
/* plot.c - data files of a replay, for the scripts of plots/ */
#include "out/plot.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "out/files.h"
#include "run/frag.h"
#include "run/free_map.h"

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
open_index(struct kv_buf *b, const struct kv_plot_source *s, bool first)
{
	kv_buf_printf(b, "%s\"%s\"\n", first ? "" : "\n\n", s->name);
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
kv_plot_occupancy(
    struct kv_buf *b, const struct kv_plot_source *sources, size_t n)
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
		const struct kv_timeline *t = sources[i].timeline;

		open_index(b, &sources[i], i == 0);
		windows_span(t, &first, &end);
		for (size_t s = 0; s < t->nsamples; s++)
			add_column(b, t, s, first, end);
	}
}

void
kv_plot_contiguity(
    struct kv_buf *b, const struct kv_plot_source *sources, size_t n)
{
	kv_buf_printf(b,
	    "# contiguity of kernel stacks, over time\n"
	    "# op: forks and exits so far; seconds: since the first of them\n"
	    "# live: stacks; contiguous: those in consecutive frames, stacks\n"
	    "# share: contiguous / live, %%\n"
	    "# unused: unused pages of reservations, pages\n"
	    "# free: free pages, unused ones too, %% of memory\n"
	    "# columns: op seconds live contiguous share unused free\n");
	for (size_t i = 0; i < n; i++) {
		const struct kv_timeline *t = sources[i].timeline;

		open_index(b, &sources[i], i == 0);
		for (size_t s = 0; s < t->nsamples; s++) {
			const struct kv_sample *x = &t->samples[s];
			double live = x->live > 0 ? (double)x->live : 1;

			kv_buf_printf(b,
			    "%zu %.6f %" PRIu64 " %" PRIu64 " %.4f %" PRIu64
			    " %.4f\n",
			    x->op, x->seconds, x->live, x->contiguous,
			    100.0 * (double)x->contiguous / live,
			    x->unused_pages,
			    100.0 * (double)x->free_pages / (double)x->pages);
		}
	}
}

/* ---- Domains ---------------------------------------------------------- */

void
kv_plot_misplacement(
    struct kv_buf *b, const struct kv_timeline *t, unsigned ndomains)
{
	kv_buf_printf(b,
	    "# stacks of each domain, over time\n"
	    "# op: operations so far; matched, mismatched: stacks freed on a "
	    "CPU of their pages' domain, or of another one, so far\n"
	    "# liveN: stacks had from domain N; wrongN: those of them "
	    "on pages of another domain\n"
	    "op matched mismatched");
	for (unsigned d = 0; d < ndomains; d++)
		kv_buf_printf(b, " live%u wrong%u", d, d);
	kv_buf_printf(b, "\n");
	for (size_t s = 0; s < t->nsamples; s++) {
		const struct kv_sample *x = &t->samples[s];

		kv_buf_printf(b, "%zu %" PRIu64 " %" PRIu64, x->op,
		    x->frees.matched, x->frees.mismatched);
		for (unsigned d = 0; d < ndomains; d++) {
			const struct kv_domain_stacks *k =
			    &t->stacks[s * ndomains + d];

			kv_buf_printf(
			    b, " %" PRIu64 " %" PRIu64, k->live, k->wrong);
		}
		kv_buf_printf(b, "\n");
	}
}

/* ---- Runs ------------------------------------------------------------- */

/* The longest run of all, up to the next power of two: all curves end there. */
static uint64_t
runs_edge(const struct kv_plot_source *sources, size_t n)
{
	uint64_t edge = 2;

	for (size_t i = 0; i < n; i++) {
		const struct kv_runs *runs[] = {
		    sources[i].map_runs, sources[i].frame_runs};

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
kv_plot_runs(struct kv_buf *b, const struct kv_plot_source *sources, size_t n)
{
	uint64_t edge = runs_edge(sources, n);

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
		open_index(b, &sources[i], i == 0);
		add_runs(b, sources[i].map_runs, edge);
		open_index(b, &sources[i], false);
		add_runs(b, sources[i].frame_runs, edge);
	}
}

/* ---- Free blocks ------------------------------------------------------ */

void
kv_plot_free_blocks(
    struct kv_buf *b, const struct kv_plot_source *sources, size_t n)
{
	kv_buf_printf(b,
	    "# free memory of the queues by size of its blocks, over time\n"
	    "# op: operations so far; then pages in blocks of order 0, 1, "
	    "...\n");
	for (size_t i = 0; i < n; i++) {
		const struct kv_timeline *t = sources[i].timeline;
		unsigned last = sources[i].machine->max_order;

		open_index(b, &sources[i], i == 0);
		for (size_t s = 0; s < t->nsamples; s++) {
			kv_buf_printf(b, "%zu", t->samples[s].op);
			for (unsigned order = 0; order <= last; order++)
				kv_buf_printf(b, " %" PRIu64,
				    t->samples[s].blocks[order] << order);
			kv_buf_printf(b, "\n");
		}
	}
}

/* Digits in rows of 64 superpages. */
void
kv_plot_free_map(struct kv_buf *b, const struct kv_phys *phys)
{
	struct kv_free_map map = {.order = kv_phys_machine(phys)->pt_shift};
	uint64_t npages = UINT64_C(1) << map.order;

	kv_free_map_take(phys, &map);
	kv_buf_printf(b,
	    "# free pages of each superpage, 64 superpages a row, the first at "
	    "0x%" PRIx64 "\n"
	    "# 0: none; 1 to 8: some eighths, begun; 9: free as a whole\n",
	    map.first << map.order << kv_phys_machine(phys)->page_shift);
	for (size_t i = 0; i < (map.count + 63) / 64 * 64; i++) {
		char digit =
		    i < map.count ? kv_frag_digit(map.pages[i], npages) : '0';

		kv_buf_printf(b, "%c%c", digit, i % 64 == 63 ? '\n' : ' ');
	}
	/* An image has at least two rows. */
	if (map.count <= 64)
		for (size_t i = 0; i < 64; i++)
			kv_buf_printf(b, "0%c", i == 63 ? '\n' : ' ');
	kv_free_map_fini(&map);
}

/* ---- Occupancy -------------------------------------------------------- */

void
kv_plot_histogram(
    struct kv_buf *b, const struct kv_plot_source *sources, size_t n)
{
	unsigned eighths = KV_MOMENT_BINS - 1;

	kv_buf_printf(b, "# reservations by pages in use\n"
			 "# columns: most pages of the bin in use, then "
			 "reservations of each "
			 "policy\n"
			 "used");
	for (size_t i = 0; i < n; i++)
		kv_buf_printf(b, " \"%s\"", sources[i].name);
	kv_buf_printf(b, "\n");
	for (unsigned bin = 0; bin < KV_MOMENT_BINS; bin++) {
		unsigned pages = 1u << sources[0].machine->reserv_order;

		if (bin < eighths)
			kv_buf_printf(b, "\"<= %u\"",
			    bin + 1 < eighths ? (bin + 1) * pages / eighths
					      : pages - 1);
		else
			kv_buf_printf(b, "full");
		for (size_t i = 0; i < n; i++)
			kv_buf_printf(b, " %" PRIu64, sources[i].bins[bin]);
		kv_buf_printf(b, "\n");
	}
}

/* ---- Files ------------------------------------------------------------ */

int
kv_plot_write_script(const char *folder, const char *name)
{
	struct kv_buf b = {0};
	int error = ENOENT;

	for (size_t i = 0; i < kv_plot_nscripts; i++) {
		if (strcmp(kv_plot_scripts[i].name, name) != 0)
			continue;
		kv_buf_add(&b, (const char *)kv_plot_scripts[i].data,
		    kv_plot_scripts[i].size);
		error = kv_files_write(folder, name, &b);
	}
	kv_buf_fini(&b);
	return error;
}

int
kv_plot_write(
    const char *folder, const struct kv_plot_source *sources, size_t n)
{
	static const struct {
		const char *data, *script;
		kv_plot_fn *fn;
	} files[] = {{"occupancy.dat", "occupancy.gp", kv_plot_occupancy},
	    {"contiguity.dat", "contiguity.gp", kv_plot_contiguity},
	    {"runs.dat", "runs.gp", kv_plot_runs},
	    {"free_blocks.dat", "free_blocks.gp", kv_plot_free_blocks},
	    {"histogram.dat", "histogram.gp", kv_plot_histogram}};
	struct kv_buf b = {0};
	int error;

	kv_plot_pindex(&b, sources[0].machine);
	error = kv_files_write(folder, "pindex.dat", &b);
	if (error == 0)
		error = kv_plot_write_script(folder, "pindex.gp");
	/* reads contiguity.dat */
	if (error == 0)
		error = kv_plot_write_script(folder, "pressure.gp");
	for (size_t i = 0; error == 0 && i < sizeof(files) / sizeof(files[0]);
	     i++) {
		b.size = 0;
		files[i].fn(&b, sources, n);
		error = kv_files_write(folder, files[i].data, &b);
		if (error == 0)
			error = kv_plot_write_script(folder, files[i].script);
	}
	kv_buf_fini(&b);
	return error;
}

/* ---- Series ----------------------------------------------------------- */

void
kv_plot_series_script(struct kv_buf *b, const char *name)
{
	for (size_t i = 0; i < kv_plot_nscripts; i++) {
		const struct kv_plot_script *s = &kv_plot_scripts[i];

		if (strcmp(s->name, "series.gp") != 0)
			continue;
		kv_buf_printf(b, "# %s.gp - the series %s\nname = '%s'\n", name,
		    name, name);
		kv_buf_add(b, (const char *)s->data, s->size);
	}
}
