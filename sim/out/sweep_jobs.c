/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sweep_jobs.c - the points of a sweep, several at a time
 *
 * Process w of n runs the points w, w + n, w + 2n, ... and writes their rows to
 * a pipe, each behind its size.  The rows are read in order of the points, so
 * that nothing depends on which process is faster.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "out/log.h"
#include "out/mem.h"
#include "out/sweep_parts.h"

struct worker {
	pid_t pid;
	int fd; /* rows come from here */
};

/* ---- Rows ------------------------------------------------------------ */

/* Takes the row. */
static void
keep(struct kv_sweep *s, size_t point, char *row)
{
	s->rows[point] = row;
	s->nfailed += row[0] == 0;
	s->nrefused += row[1] != 0;
	kv_log_progress("sweep", point + 1, s->npoints);
}

static void
run_here(struct kv_sweep *s)
{
	size_t point;

	for (point = 0; point < s->npoints; point++) {
		struct kv_buf row = {0};

		kv_sweep_point(s, point, &row, NULL);
		keep(s, point, row.data);
	}
}

/* ---- Processes ------------------------------------------------------- */

static bool
write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size != 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

static bool
read_all(int fd, void *data, size_t size)
{
	char *p = data;

	while (size != 0) {
		ssize_t n = read(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

/* What a process of the sweep does; it does not return. */
static void
work(const struct kv_sweep *s, size_t first, size_t stride, int fd)
{
	struct kv_buf row = {0};
	bool written = true;
	size_t point;

	for (point = first; point < s->npoints && written; point += stride) {
		row.size = 0;
		kv_sweep_point(s, point, &row, NULL);
		written = write_all(fd, &row.size, sizeof(row.size)) &&
			  write_all(fd, row.data, row.size);
	}
	_exit(written ? 0 : 1);
}

/* => 0, an errno */
static int
start(const struct kv_sweep *s, struct worker *list, size_t i, size_t n)
{
	int ends[2];
	size_t j;
	pid_t pid;

	if (pipe(ends) != 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		/* A process that is left alone must notice. */
		for (j = 0; j < i; j++)
			close(list[j].fd);
		close(ends[0]);
		work(s, i, n, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return errno;
	}
	list[i] = (struct worker){pid, ends[0]};
	return 0;
}

/* => false: the process is gone */
static bool
take(struct kv_sweep *s, size_t point, int fd)
{
	size_t size;
	char *row;

	if (!read_all(fd, &size, sizeof(size)))
		return false;
	row = kv_mem_resize(NULL, size, 1);
	if (!read_all(fd, row, size)) {
		free(row);
		return false;
	}
	keep(s, point, row);
	return true;
}

static int
collect(struct kv_sweep *s, const struct worker *list, size_t n)
{
	size_t point;

	for (point = 0; point < s->npoints; point++)
		if (!take(s, point, list[point % n].fd)) {
			kv_log_error("sweep: the process that runs point %zu "
				     "has ended",
			    point + 1);
			return ECHILD;
		}
	return 0;
}

static int
run_apart(struct kv_sweep *s, size_t n)
{
	struct worker *list = kv_mem_resize(NULL, n, sizeof(*list));
	size_t started = 0, i;
	int error = 0;

	/* What is buffered here is not theirs to write. */
	fflush(stdout);
	fflush(stderr);
	while (started < n && error == 0) {
		error = start(s, list, started, n);
		started += error == 0;
	}
	if (error == 0)
		error = collect(s, list, n);
	else
		kv_log_error("sweep: cannot start process %zu: %s", started + 1,
		    strerror(error));
	for (i = 0; i < started; i++)
		close(list[i].fd);
	for (i = 0; i < started; i++)
		while (waitpid(list[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(list);
	return error == 0 ? 0 : ECHILD;
}

int
kv_sweep_points(struct kv_sweep *s)
{
	size_t n = s->cfg->njobs, i;

	s->rows = kv_mem_resize(NULL, s->npoints, sizeof(*s->rows));
	for (i = 0; i < s->npoints; i++)
		s->rows[i] = NULL;
	if (n > s->npoints)
		n = s->npoints;
	if (n > 1)
		return run_apart(s, n);
	run_here(s);
	return 0;
}
