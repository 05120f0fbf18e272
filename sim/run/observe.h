/* SPDX-License-Identifier: BSD-2-Clause */
/* observe.h - looking at a world: at one moment, over time, run by run */
#ifndef KV_SIM_OBSERVE_H
#define KV_SIM_OBSERVE_H

#include "run/measure_domains.h"
#include "run/world.h"

/* Reservations by share of pages in use: eight eighths, then full ones. */
enum { KV_MOMENT_BINS = 9 };

/* The state at one moment.  Zero-initialise, finish with kv_moment_fini. */
struct kv_moment {
	struct kv_metrics metrics;
	uint64_t bins[KV_MOMENT_BINS]; /* reservations */
};
/* Count the reservations into bins. */
void kv_bins_take(const struct kv_world *w, uint64_t bins[KV_MOMENT_BINS]);
void kv_moment_take(const struct kv_world *w, struct kv_moment *m);
void kv_moment_fini(struct kv_moment *m);

/* A sample over time; its cells are [cell, cell of the next sample). */
struct kv_sample {
	size_t op;		   /* operations before it */
	double seconds;		   /* since the first one */
	uint64_t live, contiguous; /* stacks; those in consecutive frames */
	uint64_t unused_pages;	   /* idle pages of reservations */
	uint64_t free_pages;	   /* those counted too */
	uint64_t pages;		   /* of memory */
	uint64_t blocks[KV_PHYS_ORDERS]; /* free, by order */
	/* bytes: under leaves, of them under superpages, of page tables */
	uint64_t mapped, promoted, pt_bytes;
	struct kv_world_frees frees;
	size_t cell;
};

/* Occupancy of one reservation of the stack object. */
struct kv_cell {
	uint64_t window; /* pindex / pages of a reservation */
	unsigned popcnt;
	unsigned npages;
};

/* Samples in order.  Zero-initialise, finish with kv_timeline_fini. */
struct kv_timeline {
	struct kv_sample *samples;
	struct kv_cell *cells;
	/* one for each sample and domain, where there are several */
	struct kv_domain_stacks *stacks;
	size_t nsamples, ncells;
};
void kv_timeline_add(
    const struct kv_world *w, size_t op, double seconds, struct kv_timeline *t);
void kv_timeline_fini(struct kv_timeline *t);

/* How many pages stand in maximal runs of each length, ascending. */
struct kv_runs {
	struct kv_run_pages {
		uint64_t length; /* pages */
		uint64_t pages;	 /* in all runs of that length */
	} * list;
	size_t count;
};
/* Translation runs: VA and PA ascend together (metrics.md 8). */
void kv_runs_of_map(const struct kv_world *w, struct kv_runs *runs);
/* Frames of stacks that lie side by side, whatever they are mapped to. */
void kv_runs_of_frames(const struct kv_world *w, struct kv_runs *runs);
void kv_runs_fini(struct kv_runs *runs);

#endif
