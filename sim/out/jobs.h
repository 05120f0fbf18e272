/* SPDX-License-Identifier: BSD-2-Clause */
/* jobs.h - independent pieces of work, several at a time in processes */
#ifndef KV_SIM_JOBS_H
#define KV_SIM_JOBS_H

#include "out/emit.h"

struct kv_jobs {
	const char *what; /* of the progress bar and of messages */
	size_t count;
	size_t nprocesses; /* from 1 */
	size_t batch; /* pieces that a process is given at a time, from 1 */
	bool apart;   /* in a process of its own, even when it is one */
	/* Do piece i and append what is to be known of it; maybe elsewhere. */
	void (*run)(void *arg, size_t i, struct kv_buf *result);
	/* Take what run appended, owned; here, in any order. */
	void (*keep)(void *arg, size_t i, char *data);
	/* The process that did piece i has ended, as waitpid says; NULL: then
	 * all is in vain. */
	void (*lost)(void *arg, size_t i, int status);
	void *arg;
};

/*
 * Do all pieces.  With several processes the next pieces go to the one that is
 * free first; what they say does not depend on which it was.
 * => 0; ECHILD after a message
 */
int kv_jobs_run(const struct kv_jobs *jobs);

#endif
