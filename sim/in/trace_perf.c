/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_perf.c - `perf script` text -> thread operations
 *
 * A line is `COMM PID [CPU] SECONDS.MICROS: SYSTEM:EVENT: FIELDS`.  COMM may
 * hold anything, also what looks like ` 1 [0] 1.5: `, and stands in the fields
 * again.  So the header is the first ` PID [CPU] TIME: ` that a known event
 * follows (COMM is too short to hold one), and fields are taken from the right.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "in/scan.h"
#include "in/thread_trace.h"
#include "out/log.h"

enum event_kind { FORK, EXIT, FREE, AREA, LAZY_FREE, PURGE, UNKNOWN };

enum { MAX_KEYS = 3 };

/* What is needed of each event: keys, as they come from the right. */
static const struct event {
	const char *name;
	const char *keys[MAX_KEYS];
} events[] = {
    [FORK] = {"sched:sched_process_fork:", {"child_pid="}},
    [EXIT] = {"sched:sched_process_exit:", {"pid="}},
    [FREE] = {"sched:sched_process_free:", {"pid="}},
    [AREA] = {"vmalloc:alloc_vmap_area:", {"failed=", "align=", "size="}},
    [LAZY_FREE] = {"vmalloc:free_vmap_area_noflush:", {"nr_lazy="}},
    [PURGE] = {"vmalloc:purge_vmap_area_lazy:", {"num_purged="}},
};

/* A stack as Linux asks for it: four pages and a guard, 16 KiB aligned. */
#define STACK_AREA_SIZE 20480
#define STACK_AREA_ALIGN 16384

struct header {
	uint32_t pid, cpu;
	uint64_t nsec;
	enum event_kind kind;
	const char *fields;
};

/* Lines that are no event: the first few are told, the rest counted. */
enum { GARBLED_TOLD = 10 };
struct garbled {
	unsigned line;
	const char *why;
};

struct reader {
	struct kv_thread_reader *rd;
	struct kv_thread_counts *counts;
	struct kv_keymap areas; /* cpu, pid -> areas that no fork claimed yet */
	struct garbled garbled[GARBLED_TOLD];
	struct kv_lines *lines;
	struct kv_errors *errors;
	bool strict;
};

/* ---- One line --------------------------------------------------------- */

/* The number that ends at end; helpers of the idle task have pid -1. */
static bool
pid_before(const char *line, const char *end, uint32_t *pid)
{
	const char *start = end, *p;
	uint64_t value;

	while (start > line && start[-1] >= '0' && start[-1] <= '9')
		start--;
	p = start;
	if (!kv_scan_uint(&p, end, UINT32_MAX, &value))
		return false;
	if (start > line && start[-1] == '-') {
		value = UINT32_MAX;
		start--;
	}
	*pid = (uint32_t)value;
	return start == line || start[-1] == ' ' || start[-1] == '\t';
}

static enum event_kind
event_at(const char *p, const char *end)
{
	for (unsigned i = FORK; i < UNKNOWN; i++) {
		size_t size = strlen(events[i].name);

		if ((size_t)(end - p) >= size &&
		    memcmp(p, events[i].name, size) == 0)
			return (enum event_kind)i;
	}
	return UNKNOWN;
}

/* Is bracket the '[' of ` PID [CPU] TIME: `? */
static bool
header_at(
    const char *line, const char *bracket, const char *end, struct header *h)
{
	const char *p = bracket + 1;
	uint64_t cpu;

	if (bracket == line || bracket[-1] != ' ' ||
	    !pid_before(line, bracket - 1, &h->pid) ||
	    !kv_scan_uint(&p, end, UINT32_MAX, &cpu) || p == end || *p != ']')
		return false;
	h->cpu = (uint32_t)cpu;
	p = kv_scan_blanks(p + 1, end);
	if (!kv_scan_seconds(&p, end, &h->nsec) || end - p < 2 || *p != ':' ||
	    p[1] != ' ')
		return false;
	p = kv_scan_blanks(p + 1, end);
	h->kind = event_at(p, end);
	h->fields = p;
	if (h->kind != UNKNOWN)
		h->fields += strlen(events[h->kind].name);
	return true;
}

static bool
header_find(const char *line, const char *end, struct header *h)
{
	bool found = false;
	const char *p = line;

	while ((p = memchr(p, '[', (size_t)(end - p))) != NULL) {
		struct header here;

		if (header_at(line, p, end, &here)) {
			if (here.kind != UNKNOWN || !found)
				*h = here;
			found = true;
			if (here.kind != UNKNOWN)
				break;
		}
		p++;
	}
	return found;
}

/*
 * Numbers of the event's keys, from the right: values[i] is that of keys[i].
 * => false: one is missing or is no number
 */
static bool
fields_take(const struct event *ev, const char *fields, const char *end,
    uint64_t values[MAX_KEYS])
{
	unsigned n = 0;

	while (n < MAX_KEYS && ev->keys[n] != NULL) {
		const char *word = end;
		size_t size = strlen(ev->keys[n]);

		while (word > fields && word[-1] != ' ')
			word--;
		if ((size_t)(end - word) > size &&
		    memcmp(word, ev->keys[n], size) == 0) {
			const char *p = word + size;

			if (!kv_scan_uint(&p, end, UINT64_MAX, &values[n]) ||
			    p != end)
				return false;
			n++;
		}
		if (word == fields)
			break;
		end = word - 1;
	}
	return n == MAX_KEYS || ev->keys[n] == NULL;
}

/* ---- What an event means ---------------------------------------------- */

static uint64_t
area_key(const struct header *h)
{
	return (uint64_t)h->cpu << 32 | h->pid;
}

/*
 * A fork took a stack from the cache unless its parent got an area on the same
 * CPU before, which no earlier fork claimed.
 */
static void
fork_event(struct reader *r, const struct header *h, const uint64_t *values)
{
	uint32_t *unclaimed = kv_keymap_at(&r->areas, area_key(h));

	if (*unclaimed > 0) {
		--*unclaimed;
		r->counts->fresh_areas++;
	} else
		r->counts->cache_hits++;
	kv_thread_reader_fork(r->rd, h->nsec, (uint32_t)values[0], 0, 0);
}

static void
area_event(struct reader *r, const struct header *h, const uint64_t *values)
{
	if (values[0] != 0 || values[1] != STACK_AREA_ALIGN ||
	    values[2] != STACK_AREA_SIZE)
		return;
	r->counts->areas++;
	++*kv_keymap_at(&r->areas, area_key(h));
}

static void
event_take(struct reader *r, const struct header *h, const uint64_t *values)
{
	r->counts->events++;
	switch (h->kind) {
	case FORK:
		fork_event(r, h, values);
		break;
	case EXIT:
		kv_thread_reader_exit(r->rd, h->nsec, (uint32_t)values[0]);
		break;
	case AREA:
		area_event(r, h, values);
		break;
	case FREE:
		r->counts->frees++;
		break;
	case LAZY_FREE:
		r->counts->lazy_frees++;
		break;
	case PURGE:
	case UNKNOWN:
		break;
	}
}

/* ---- Lines ------------------------------------------------------------ */

static void
garble(struct reader *r, const char *why)
{
	uint64_t n = r->counts->garbled++;
	unsigned line = r->lines->number;

	if (n < GARBLED_TOLD)
		r->garbled[n] = (struct garbled){line, why};
	if (r->strict)
		kv_errors_add(r->errors, r->lines->path, line, 0, "%s", why);
}

static void
line_take(struct reader *r)
{
	const char *line = r->lines->line, *end = r->lines->end;
	uint64_t values[MAX_KEYS];
	struct header h;

	while (end > line && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (end == line || *line == '#' || *line == '\t')
		return; /* comment, or call chain of the event above */
	if (!header_find(line, end, &h))
		garble(r, "no \"PID [CPU] TIME:\" here");
	else if (h.kind == UNKNOWN)
		r->counts->skipped++;
	else if (!fields_take(&events[h.kind], h.fields, end, values) ||
		 (h.kind <= FREE && values[0] > UINT32_MAX))
		garble(r, "event without its fields");
	else
		event_take(r, &h, values);
}

/* What a reader can live with, told once. */
static void
warn(const struct reader *r)
{
	const struct kv_thread_counts *c = r->counts;
	const char *path = r->lines->path;

	for (uint64_t i = 0; i < c->garbled && i < GARBLED_TOLD; i++)
		kv_log_warn("%s:%u: %s; line skipped", path, r->garbled[i].line,
		    r->garbled[i].why);
	if (c->garbled > GARBLED_TOLD)
		kv_log_warn("%s: %" PRIu64 " more lines skipped", path,
		    c->garbled - GARBLED_TOLD);
	if (c->skipped > 0)
		kv_log_warn("%s: %" PRIu64 " events of other kinds skipped",
		    path, c->skipped);
}

/* Garbled lines that make the whole input an error. */
static int
judge(const struct reader *r)
{
	const struct kv_thread_counts *c = r->counts;

	if (c->garbled == 0)
		return 0;
	if (r->strict)
		return EINVAL;
	if (c->events + c->skipped > 0)
		return 0;
	kv_errors_add(r->errors, r->lines->path, r->garbled[0].line, 0,
	    "%s, nor is any other line an event of perf script",
	    r->garbled[0].why);
	return EINVAL;
}

int
kv_trace_perf_read(struct kv_lines *lines, bool strict,
    struct kv_thread_reader *rd, struct kv_errors *errors)
{
	struct reader r = {
	    .rd = rd,
	    .counts = &rd->trace.counts,
	    .lines = lines,
	    .errors = errors,
	    .strict = strict,
	};
	int error;

	rd->trace.form = "perf script";
	do
		line_take(&r);
	while (kv_lines_next(lines));
	kv_keymap_fini(&r.areas);
	error = judge(&r);
	if (error == 0)
		warn(&r);
	return error;
}
