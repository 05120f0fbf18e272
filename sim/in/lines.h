/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.h - long input files line by line: plain, gzip or "-" */
#ifndef KV_SIM_LINES_H
#define KV_SIM_LINES_H

#include <stdbool.h>

#include "in/text.h"

/*
 * A recording may be larger than memory, and touching fresh memory costs more
 * than reading a line: so one buffer goes over the file.  A line longer than
 * the buffer (1 MiB) counts as several, each of which is gone through.
 */
struct kv_lines {
	const char *path;	 /* as in messages; "-" reads "<stdin>" */
	unsigned number;	 /* of the line, from 1 */
	const char *line, *end;	 /* the line, without its newline */
	struct kv_lines_file *f; /* owned */
};

/* path outlives *lines.  => 0, or EINVAL with one entry in *errors */
int kv_lines_open(
    const char *path, struct kv_lines *lines, struct kv_errors *errors);

/* The next line.  => false at the end of the file, or of what can be read */
bool kv_lines_next(struct kv_lines *lines);

/* => 0, or EINVAL with one entry: the file could not be read to its end,
 *    truncated or damaged gzip */
int kv_lines_close(struct kv_lines *lines, struct kv_errors *errors);

#endif
