/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_threads.c - the neutral thread trace -> thread operations
 *
 * First line `# kvasir threads 1`, then
 * `SECONDS CPU fork|exit TID [domain=D] [pages=N]`; `#` opens a comment.
 */
#include <errno.h>
#include <string.h>

#include "in/scan.h"
#include "in/thread_trace.h"

static const char magic[] = "# kvasir threads 1";

/* A line while it is read; p stands before the next word. */
struct line {
	const char *p, *end;
	const struct kv_lines *lines;
	struct kv_errors *errors;
};

struct event {
	uint64_t nsec, cpu, tid, domain, pages;
	enum kv_thread_what what;
};

/* An error at the next word.  => false */
static bool
refuse(const struct line *l, const char *message)
{
	kv_errors_add(l->errors, l->lines->path, l->lines->number,
	    (unsigned)(l->p - l->lines->line) + 1, "%s", message);
	return false;
}

/* At the end of a word? */
static bool
word_ends(const struct line *l, const char *p)
{
	return p == l->end || *p == ' ' || *p == '\t';
}

static bool
number_take(struct line *l, uint64_t max, uint64_t *value, const char *message)
{
	const char *p = l->p;

	if (!kv_scan_uint(&p, l->end, max, value) || !word_ends(l, p))
		return refuse(l, message);
	l->p = kv_scan_blanks(p, l->end);
	return true;
}

static bool
seconds_take(struct line *l, uint64_t *nsec)
{
	const char *p = l->p;

	if (!kv_scan_seconds(&p, l->end, nsec) || !word_ends(l, p))
		return refuse(l, "SECONDS expected, such as 12.345678");
	l->p = kv_scan_blanks(p, l->end);
	return true;
}

/* Take a literal that ends a word, or a "key=" before its value. */
static bool
literal_take(struct line *l, const char *literal, bool key)
{
	size_t size = strlen(literal);

	if ((size_t)(l->end - l->p) < size ||
	    memcmp(l->p, literal, size) != 0 ||
	    (!key && !word_ends(l, l->p + size)))
		return false;
	l->p += size;
	if (!key)
		l->p = kv_scan_blanks(l->p, l->end);
	return true;
}

static bool
what_take(struct line *l, enum kv_thread_what *what)
{
	if (literal_take(l, "fork", false))
		*what = KV_THREAD_FORK;
	else if (literal_take(l, "exit", false))
		*what = KV_THREAD_EXIT;
	else
		return refuse(l, "fork or exit expected");
	return true;
}

static bool
options_take(struct line *l, struct event *ev)
{
	bool domain = false, pages = false;

	while (l->p < l->end) {
		if (!domain && literal_take(l, "domain=", true)) {
			domain = true;
			if (!number_take(l, KV_THREAD_DOMAINS - 1, &ev->domain,
				"domain 0 to 7 expected"))
				return false;
		} else if (!pages && literal_take(l, "pages=", true)) {
			pages = true;
			if (!number_take(l, UINT16_MAX, &ev->pages,
				"1 to 65535 pages expected"))
				return false;
			if (ev->pages == 0)
				return refuse(l, "a stack has at least 1 page");
		} else
			return refuse(l, "domain=D or pages=N, each once, or "
					 "the end of the line expected");
	}
	return true;
}

static bool
event_take(struct line *l, struct event *ev)
{
	return seconds_take(l, &ev->nsec) &&
	       number_take(l, UINT32_MAX, &ev->cpu, "CPU number expected") &&
	       what_take(l, &ev->what) &&
	       number_take(l, UINT32_MAX, &ev->tid, "thread id expected") &&
	       options_take(l, ev);
}

/* => 0, EINVAL with an error noted */
static int
line_take(struct line *l, struct kv_thread_reader *rd)
{
	struct event ev = {0};

	l->p = kv_scan_blanks(l->p, l->end);
	if (l->p == l->end || *l->p == '#')
		return 0;
	if (!event_take(l, &ev))
		return EINVAL;
	rd->trace.counts.events++;
	if (ev.what == KV_THREAD_EXIT)
		kv_thread_reader_exit(rd, ev.nsec, (uint32_t)ev.tid);
	else
		kv_thread_reader_fork(rd, ev.nsec, (uint32_t)ev.tid,
		    (unsigned)ev.domain, (unsigned)ev.pages);
	return 0;
}

/* The end of a line, without carriage return and blanks. */
static const char *
trimmed(const char *line, const char *end)
{
	while (end > line &&
	       (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return end;
}

int
kv_trace_threads_read(struct kv_lines *lines, struct kv_thread_reader *rd,
    struct kv_errors *errors)
{
	struct line l = {.lines = lines, .errors = errors};
	int result = 0;

	rd->trace.form = "kvasir threads 1";
	l.p = lines->line;
	l.end = trimmed(lines->line, lines->end);
	if (!literal_take(&l, magic, false) || l.p != l.end) {
		refuse(&l, "unknown format: \"# kvasir threads 1\" expected");
		return EINVAL;
	}
	while (kv_lines_next(lines)) {
		l.p = lines->line;
		l.end = trimmed(lines->line, lines->end);
		if (line_take(&l, rd) != 0)
			result = EINVAL;
	}
	return result;
}
