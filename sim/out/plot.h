/* SPDX-License-Identifier: BSD-2-Clause */
/* plot.h - data files of a replay, and the gnuplot scripts that read them */
#ifndef KV_SIM_PLOT_H
#define KV_SIM_PLOT_H

#include "out/emit.h"
#include "out/scripts.h"
#include "run/observe.h"

/* What one policy, or one run, has to draw. */
struct kv_plot_source {
	const char *name;
	const struct kv_machine *machine;
	const struct kv_timeline *timeline;
	const struct kv_runs *map_runs, *frame_runs;
	const uint64_t *bins; /* KV_MOMENT_BINS */
};

/* All data files and the scripts that read them, into a folder that is there.
 * => 0; an errno, noted in the log */
int kv_plot_write(
    const char *folder, const struct kv_plot_source *sources, size_t n);

/* One script.  => 0; an errno, noted in the log */
int kv_plot_write_script(const char *folder, const char *name);

/*
 * Each writes one file.  `#` lines name columns and units; policies are apart
 * by two blank lines (gnuplot's index), and name themselves in a first row.
 */
typedef void kv_plot_fn(
    struct kv_buf *b, const struct kv_plot_source *sources, size_t n);

/* Page offset -> pindex under both schemes, the first slots of the machine. */
void kv_plot_pindex(struct kv_buf *b, const struct kv_machine *machine);
/* Pages in use of each reservation of the stack object, over time. */
kv_plot_fn kv_plot_occupancy;
/* Live stacks, those in consecutive frames, free and unused pages; over time */
kv_plot_fn kv_plot_contiguity;
/* Free blocks of each order, over time. */
kv_plot_fn kv_plot_free_blocks;
/* Reservations by share of pages in use, at the peak or the end. */
kv_plot_fn kv_plot_histogram;
/* Share of pages in runs of at most so many pages, at the peak. */
kv_plot_fn kv_plot_runs;

/* Live and misplaced stacks of each domain, and frees on another one; over
 * time, of a run on several domains. */
void kv_plot_misplacement(
    struct kv_buf *b, const struct kv_timeline *t, unsigned ndomains);

/* The script that draws NAME.dat, a series: plots/series.gp for that name. */
void kv_plot_series_script(struct kv_buf *b, const char *name);

/* Free pages of each superpage, as digits (metrics.md 6). */
void kv_plot_free_map(struct kv_buf *b, const struct kv_phys *phys);

#endif
