/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jobs.c - independent pieces of work, several at a time in processes
 *
 * A process and its parent talk over a socket: the parent sends a range of
 * pieces, the process answers each with its size and its bytes, and the range
 * is followed by the next one.  When a process ends before its time, the piece
 * that it was at is lost, and another process goes on behind it.
 */
#include "out/jobs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "out/log.h"
#include "out/mem.h"

/* Pieces [next, end). */
struct range {
	size_t next, end;
};

struct worker {
	pid_t pid;
	int fd; /* -1: there is none */
	struct range at;
};

struct crew {
	const struct kv_jobs *jobs;
	struct worker *list;
	size_t nworkers;
	struct range left; /* that nobody was given yet */
	size_t done;
};

/* ---- Socket ---------------------------------------------------------- */

/* A process that is gone is found by reading, not by a signal. */
static bool
send_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size != 0) {
		ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

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

/* ---- Processes ------------------------------------------------------- */

/* What a process does; it does not return. */
static void
work(const struct kv_jobs *jobs, int fd)
{
	struct kv_buf result = {0};
	struct range r;
	bool sent = true;

	while (sent && read_all(fd, &r, sizeof(r)))
		for (; r.next < r.end && sent; r.next++) {
			result.size = 0;
			jobs->run(jobs->arg, r.next, &result);
			sent =
			    send_all(fd, &result.size, sizeof(result.size)) &&
			    send_all(fd, result.data, result.size);
		}
	_exit(sent ? 0 : 1);
}

/* => 0, an errno */
static int
start(struct crew *c, struct worker *w)
{
	int ends[2], error;
	size_t i;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return errno;
	w->pid = fork();
	if (w->pid == 0) {
		/* A process that is left alone must notice. */
		for (i = 0; i < c->nworkers; i++)
			if (c->list[i].fd >= 0)
				close(c->list[i].fd);
		close(ends[0]);
		work(c->jobs, ends[1]);
	}
	error = errno;
	close(ends[1]);
	if (w->pid < 0) {
		close(ends[0]);
		return error;
	}
	w->fd = ends[0];
	return 0;
}

/* => as waitpid says how it ended */
static int
stop(struct worker *w)
{
	int status = 0;

	close(w->fd);
	w->fd = -1;
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Give it what is left of its range, or the next one; or let it go. */
static void
feed(struct crew *c, struct worker *w)
{
	size_t n = c->left.end - c->left.next;

	if (w->at.next == w->at.end) {
		if (n > c->jobs->batch)
			n = c->jobs->batch;
		w->at = (struct range){c->left.next, c->left.next + n};
		c->left.next += n;
	}
	if (w->at.next == w->at.end)
		stop(w);
	else
		send_all(w->fd, &w->at, sizeof(w->at));
}

static int
hire(struct crew *c, struct worker *w)
{
	int error = start(c, w);

	if (error == 0)
		feed(c, w);
	else
		kv_log_error("%s: cannot start a process: %s", c->jobs->what,
		    strerror(error));
	return error == 0 ? 0 : ECHILD;
}

/* ---- Pieces ---------------------------------------------------------- */

static void
count(struct crew *c)
{
	kv_log_progress(c->jobs->what, ++c->done, c->jobs->count);
}

/* => false: the process is gone */
static bool
take(struct crew *c, struct worker *w)
{
	size_t size;
	char *data;

	if (!read_all(w->fd, &size, sizeof(size)))
		return false;
	data = kv_mem_resize(NULL, size, 1);
	if (!read_all(w->fd, data, size)) {
		kv_mem_free(data);
		return false;
	}
	c->jobs->keep(c->jobs->arg, w->at.next++, data);
	count(c);
	return true;
}

/* Its piece is lost; another process does the rest. */
static int
replace(struct crew *c, struct worker *w)
{
	int status = stop(w);

	if (c->jobs->lost == NULL) {
		kv_log_error("%s: the process that does piece %zu has ended",
		    c->jobs->what, w->at.next + 1);
		return ECHILD;
	}
	c->jobs->lost(c->jobs->arg, w->at.next++, status);
	count(c);
	if (w->at.next == w->at.end && c->left.next == c->left.end)
		return 0;
	return hire(c, w);
}

static int
attend(struct crew *c, struct worker *w)
{
	if (!take(c, w))
		return replace(c, w);
	if (w->at.next != w->at.end)
		return 0;
	if (!c->jobs->apart) {
		feed(c, w);
		return 0;
	}
	stop(w);
	return c->left.next == c->left.end ? 0 : hire(c, w);
}

static int
attend_all(struct crew *c, struct pollfd *polls)
{
	int error = 0;
	size_t i;

	for (i = 0; i < c->nworkers; i++)
		polls[i] = (struct pollfd){c->list[i].fd, POLLIN, 0};
	if (poll(polls, (nfds_t)c->nworkers, -1) < 0)
		return errno == EINTR ? 0 : ECHILD;
	for (i = 0; i < c->nworkers && error == 0; i++)
		if (polls[i].revents != 0)
			error = attend(c, &c->list[i]);
	return error;
}

static int
run_apart(struct crew *c)
{
	struct pollfd *polls = kv_mem_resize(NULL, c->nworkers, sizeof(*polls));
	int error = 0;
	size_t i;

	for (i = 0; i < c->nworkers; i++)
		c->list[i].fd = -1;
	for (i = 0; i < c->nworkers && error == 0; i++)
		error = hire(c, &c->list[i]);
	while (error == 0 && c->done < c->jobs->count)
		error = attend_all(c, polls);
	for (i = 0; i < c->nworkers; i++)
		if (c->list[i].fd >= 0)
			stop(&c->list[i]);
	kv_mem_free(polls);
	return error;
}

static void
run_here(struct crew *c)
{
	size_t i;

	for (i = 0; i < c->jobs->count; i++) {
		struct kv_buf result = {0};

		c->jobs->run(c->jobs->arg, i, &result);
		c->jobs->keep(c->jobs->arg, i, result.data);
		count(c);
	}
}

int
kv_jobs_run(const struct kv_jobs *jobs)
{
	struct crew c = {.jobs = jobs,
	    .left = {0, jobs->count},
	    .nworkers = jobs->nprocesses < jobs->count ? jobs->nprocesses
						       : jobs->count};
	int error;

	if (c.nworkers == 0)
		return 0;
	if (c.nworkers == 1 && !jobs->apart) {
		run_here(&c);
		return 0;
	}
	/* What is buffered here is not theirs to write. */
	fflush(stdout);
	fflush(stderr);
	c.list = kv_mem_resize(NULL, c.nworkers, sizeof(*c.list));
	memset(c.list, 0, c.nworkers * sizeof(*c.list));
	error = run_apart(&c);
	kv_mem_free(c.list);
	return error;
}
