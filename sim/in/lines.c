/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.c - long input files line by line: plain, gzip or "-" */
#include "in/lines.h"
#include "out/limit.h"
#include "out/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { ROOM = 1 << 20, PACKED_ROOM = 256 << 10 };

struct kv_lines_file {
	gzFile gz;	    /* reads plain files too */
	int error;	    /* errno of the last read */
	size_t start, size; /* what is not handed out yet: [start, size) */
	char data[ROOM];
};

static int
refuse(const char *path, const char *why, struct kv_errors *errors)
{
	kv_errors_add(errors, path, 0, 0, "%s", why);
	return EINVAL;
}

int
kv_lines_open(
    const char *path, struct kv_lines *lines, struct kv_errors *errors)
{
	bool piped = strcmp(path, "-") == 0;
	const char *shown = piped ? "<stdin>" : path;
	int fd = piped ? dup(STDIN_FILENO) : open(path, O_RDONLY);
	struct kv_lines_file *f;

	if (fd < 0)
		return refuse(shown, strerror(errno), errors);
	f = kv_mem_resize(NULL, 1, sizeof(*f));
	if ((f->gz = gzdopen(fd, "rb")) == NULL) {
		kv_mem_free(f);
		close(fd);
		return refuse(shown, "out of memory", errors);
	}
	kv_limit_start();
	gzbuffer(f->gz, PACKED_ROOM);
	f->error = 0;
	f->start = f->size = 0;
	*lines = (struct kv_lines){.path = shown, .f = f};
	return 0;
}

/* Move what is left to the front and read on behind it.  => was there more? */
static bool
fill(struct kv_lines_file *f)
{
	int n;

	memmove(f->data, f->data + f->start, f->size - f->start);
	f->size -= f->start;
	f->start = 0;
	errno = 0;
	n = gzread(f->gz, f->data + f->size, (unsigned)(ROOM - f->size));
	f->error = errno;
	if (n > 0)
		f->size += (size_t)n;
	return n > 0;
}

bool
kv_lines_next(struct kv_lines *lines)
{
	struct kv_lines_file *f = lines->f;
	const char *stop;

	kv_limit_place(lines->path, lines->number + 1, 0);
	kv_limit_step();
	for (;;) {
		size_t left = f->size - f->start;

		stop = memchr(f->data + f->start, '\n', left);
		if (stop != NULL || left == ROOM || !fill(f))
			break;
	}
	if (f->start == f->size)
		return false;
	if (stop == NULL && f->size - f->start == ROOM)
		kv_limit_through(ROOM);
	lines->number++;
	lines->line = f->data + f->start;
	lines->end = stop != NULL ? stop : f->data + f->size;
	f->start = (size_t)(lines->end - f->data) + (stop != NULL);
	return true;
}

int
kv_lines_close(struct kv_lines *lines, struct kv_errors *errors)
{
	struct kv_lines_file *f = lines->f;
	const char *why = NULL;
	int state;

	kv_limit_place(NULL, 0, 0);
	gzerror(f->gz, &state);
	if (state == Z_BUF_ERROR)
		why = "truncated gzip data";
	else if (state == Z_ERRNO)
		why = strerror(f->error);
	else if (state != Z_OK && state != Z_STREAM_END)
		why = "damaged gzip data";
	gzclose(f->gz);
	kv_mem_free(f);
	lines->f = NULL;
	return why == NULL ? 0 : refuse(lines->path, why, errors);
}
