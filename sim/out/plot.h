/* SPDX-License-Identifier: BSD-2-Clause */
/* plot.h - data files of a replay, and the gnuplot scripts that read them */
#ifndef KV_SIM_PLOT_H
#define KV_SIM_PLOT_H

#include "out/emit.h"
#include "run/replay.h"

/*
 * A file of plots/, as the build found it.  The table is generated, so that
 * the program finds its scripts wherever it is installed.
 */
struct kv_plot_script {
	const char *name; /* "pindex.gp" */
	const unsigned char *data;
	size_t size;
};
extern const struct kv_plot_script kv_plot_scripts[];
extern const size_t kv_plot_nscripts;

/*
 * Each writes one file.  `#` lines name columns and units; policies are apart
 * by two blank lines (gnuplot's index), and name themselves in a first row.
 */
typedef void kv_plot_fn(
    struct kv_buf *b, const struct kv_replay *replays, size_t count);

/* Page offset -> pindex under both schemes, the first slots of the machine. */
void kv_plot_pindex(struct kv_buf *b, const struct kv_machine *machine);
/* Pages in use of each reservation of the stack object, over time. */
kv_plot_fn kv_plot_occupancy;
/* Live stacks, those in consecutive frames, unused pages; over time. */
kv_plot_fn kv_plot_contiguity;
/* Share of pages in runs of at most so many pages, at the peak. */
kv_plot_fn kv_plot_runs;

/* The script that draws NAME.dat, a series: plots/series.gp for that name. */
void kv_plot_series_script(struct kv_buf *b, const char *name);

/* Is it that template, which is not for copying as it is? */
bool kv_plot_is_template(const struct kv_plot_script *script);

#endif
