/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep_jobs.c - the points of a sweep, several at a time */
#include <stdlib.h>

#include "out/jobs.h"
#include "out/mem.h"
#include "out/sweep_parts.h"

/* The shares of the processes end at about the same time, and few words are
 * lost between them. */
enum { BATCHES = 16, BATCH_MAX = 256 };

static void
run(void *arg, size_t point, struct kv_buf *row)
{
	kv_sweep_point(arg, point, row, NULL);
}

/* Takes the row. */
static void
keep(void *arg, size_t point, char *row)
{
	struct kv_sweep *s = arg;

	s->rows[point] = row;
	s->nfailed += row[0] == 0;
	s->nrefused += row[1] != 0;
}

int
kv_sweep_points(struct kv_sweep *s)
{
	struct kv_jobs jobs = {.what = "sweep",
	    .count = s->npoints,
	    .nprocesses = s->cfg->njobs,
	    .batch = s->npoints / s->cfg->njobs / BATCHES + 1,
	    .run = run,
	    .keep = keep,
	    .arg = s};
	size_t i;

	if (jobs.batch > BATCH_MAX)
		jobs.batch = BATCH_MAX;
	s->rows = kv_mem_resize(NULL, s->npoints, sizeof(*s->rows));
	for (i = 0; i < s->npoints; i++)
		s->rows[i] = NULL;
	return kv_jobs_run(&jobs);
}
