/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event_log.c - writes what happened: the file of --trace
 *
 * 1 Concepts.  A log is a run by itself: what was asked, the input, then every
 *   event.  From the head the run can be repeated, from the events it can be
 *   judged by who knows nothing of the allocators.
 * 2 Representation.  Text, one event a line: its name, who it is of, fields by
 *   name (event.def).  Addresses are hex.  No time, host or path.
 *
 *     # kvasir trace 1
 *     : run k001_one_stack.yaml
 *     : seed 12345
 *     | kvasir: 1
 *     vmem.alloc kstack0 va=0xfffffe0000000000 size=20480
 *
 * 3 Invariants.  I1 the file has its name only when it is whole.
 * 4 Cost.  About 100 bytes an event.
 * 5 Fidelity.  The form is ours.
 */
#include "out/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "out/mem.h"

enum { ROOM = 1 << 16, PATH_EXTRA = 48, TRIES = 100 };

struct kv_event_log {
	gzFile gz; /* writes plain files too */
	char *path, *temp;
	int error;		  /* errno of the first failure */
	bool hex[KV_EV_COUNT][4]; /* (c) fields that are addresses */
	size_t size;
	char data[ROOM];
};

/* The temporary file of the log that is written. */
static const char *unfinished;

/* ---- Lines ------------------------------------------------------------ */

bool
kv_event_log_is_hex(const char *field)
{
	static const char *const names[] = {
	    "va", "pa", "ks", "origin", "table", "child", "root", "min", "max"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], field) == 0)
			return true;
	return false;
}

/* Where the next character goes; room for the longest number stays. */
struct pen {
	char *at, *end;
};

static void
put_text(struct pen *p, const char *text)
{
	while (*text != '\0' && p->at < p->end)
		*p->at++ = *text++;
}

static void
put_number(struct pen *p, uint64_t value, bool hex)
{
	char digits[20];
	unsigned n = 0, base = hex ? 16 : 10;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (hex)
		put_text(p, "0x");
	while (n != 0 && p->at < p->end)
		*p->at++ = digits[--n];
}

static size_t
line_write(
    const struct kv_event *event, const bool hex[4], char line[KV_EVENT_LINE])
{
	struct pen p = {line, line + KV_EVENT_LINE};

	put_text(&p, kv_event_name(event->kind));
	put_text(&p, " ");
	put_text(&p, event->source);
	if (event->other != NULL) {
		put_text(&p, " ");
		put_text(&p, kv_event_other(event->kind));
		put_text(&p, "=");
		put_text(&p, event->other);
	}
	for (unsigned i = 0; i < 4; i++) {
		const char *field = kv_event_field(event->kind, i);

		if (*field == '\0')
			break;
		put_text(&p, " ");
		put_text(&p, field);
		put_text(&p, "=");
		put_number(&p, event->value[i], hex[i]);
	}
	return (size_t)(p.at - line);
}

size_t
kv_event_log_line(const struct kv_event *event, char line[KV_EVENT_LINE])
{
	bool hex[4];

	for (unsigned i = 0; i < 4; i++)
		hex[i] = kv_event_log_is_hex(kv_event_field(event->kind, i));
	return line_write(event, hex, line);
}

/* ---- File ------------------------------------------------------------- */

static void
flush(struct kv_event_log *log)
{
	errno = 0;
	if (log->error == 0 && log->size != 0 &&
	    gzwrite(log->gz, log->data, (unsigned)log->size) != (int)log->size)
		log->error = errno != 0 ? errno : EIO;
	log->size = 0;
}

static void
add(struct kv_event_log *log, const char *data, size_t size)
{
	while (size != 0) {
		size_t n = ROOM - log->size;

		n = n < size ? n : size;
		memcpy(log->data + log->size, data, n);
		log->size += n;
		data += n;
		size -= n;
		if (log->size == ROOM)
			flush(log);
	}
}

static void
add_text(struct kv_event_log *log, const char *text)
{
	add(log, text, strlen(text));
}

static void
tell(void *arg, const struct kv_event *event)
{
	struct kv_event_log *log = arg;

	if (ROOM - log->size <= KV_EVENT_LINE)
		flush(log);
	log->size +=
	    line_write(event, log->hex[event->kind], log->data + log->size);
	log->data[log->size++] = '\n';
}

static bool
is_packed(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

/* A program that ends while it writes leaves no half of a file. */
static void
remove_unfinished(void)
{
	if (unfinished != NULL)
		unlink(unfinished);
}

/* A file left by a process that was killed must not stop us. */
static int
open_temp(struct kv_event_log *log)
{
	size_t room = strlen(log->path) + PATH_EXTRA;
	int fd = -1;

	log->temp = kv_mem_resize(NULL, room, 1);
	for (unsigned n = 0; fd < 0 && n < TRIES; n++) {
		snprintf(log->temp, room, "%s.%ld.%u.tmp", log->path,
		    (long)getpid(), n);
		fd = open(log->temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		return errno;
	log->gz = gzdopen(fd, is_packed(log->path) ? "wb6" : "wbT");
	if (log->gz != NULL)
		return 0;
	close(fd);
	unlink(log->temp);
	return ENOMEM;
}

static void
destroy(struct kv_event_log *log)
{
	kv_mem_free(log->path);
	kv_mem_free(log->temp);
	kv_mem_free(log);
}

int
kv_event_log_create(const char *path, struct kv_event_log **log)
{
	struct kv_event_log *l = kv_mem_resize(NULL, 1, sizeof(*l));
	int error;

	memset(l, 0, sizeof(*l));
	l->path = kv_mem_text(path);
	for (unsigned k = 0; k < KV_EV_COUNT; k++)
		for (unsigned i = 0; i < 4; i++)
			l->hex[k][i] = kv_event_log_is_hex(
			    kv_event_field((enum kv_event_kind)k, i));
	error = open_temp(l);
	if (error != 0) {
		destroy(l);
		return error;
	}
	if (unfinished == NULL && atexit(remove_unfinished) == 0)
		unfinished = l->temp;
	add_text(l, KV_EVENT_LOG_MAGIC "\n");
	*log = l;
	return 0;
}

void
kv_event_log_head(struct kv_event_log *log, const char *word, const char *text)
{
	add_text(log, ": ");
	add_text(log, word);
	add_text(log, " ");
	add_text(log, text);
	add_text(log, "\n");
}

void
kv_event_log_input(struct kv_event_log *log, const char *text, size_t size)
{
	while (size != 0) {
		const char *stop = memchr(text, '\n', size);
		size_t n = stop != NULL ? (size_t)(stop - text) : size;

		add_text(log, "| ");
		add(log, text, n);
		add_text(log, "\n");
		n += stop != NULL;
		text += n;
		size -= n;
	}
}

struct kv_tap
kv_event_log_tap(struct kv_event_log *log)
{
	return (struct kv_tap){tell, log};
}

int
kv_event_log_close(struct kv_event_log *log, bool keep)
{
	int error;

	flush(log);
	error = log->error;
	errno = 0;
	if (gzclose(log->gz) != Z_OK && error == 0)
		error = errno != 0 ? errno : EIO;
	if (keep && error == 0 && rename(log->temp, log->path) != 0)
		error = errno;
	if (!keep || error != 0)
		unlink(log->temp);
	if (unfinished == log->temp)
		unfinished = NULL;
	destroy(log);
	return error;
}
