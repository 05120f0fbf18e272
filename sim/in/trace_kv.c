/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_kv.c - reads event logs: what a run was asked, and what happened
 *
 * 1 Concepts.  The form is that of out/event_log.c.  A log may be larger than
 *   memory, so events are handed out one by one; head and input come first.
 * 2 Representation.  A table of the kinds by name, made from event.def; names
 *   of arenas and objects are kept once each.
 * 3 Invariants.  I1 whatever the file holds, an event that is handed out has a
 *   kind, a name and all its fields.
 * 4 Cost.  A hash of two or three words a line.
 * 5 Fidelity.  The form is ours.
 */
#include "in/trace_kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "in/lines.h"
#include "in/names.h"
#include "in/pool.h"
#include "in/scan.h"
#include "out/event_log.h"
#include "out/mem.h"

enum { NAME_LONGEST = 200, NAMES_MAX = 1 << 20, INPUT_MAX = 64 << 20 };

struct kv_event_reader {
	struct kv_lines lines;
	struct kv_names kinds, names;
	struct kv_pool pool; /* of names */
	struct kv_log_head *head;
	size_t nhead;
	char *input;
	size_t input_size, input_room;
	unsigned input_line; /* of its first line; 0: none */
	bool pending;	     /* the line was read, not handed out */
};

/* ---- Errors ----------------------------------------------------------- */

static int
refuse(const struct kv_event_reader *r, const char *at, const char *why,
    struct kv_errors *errors)
{
	kv_errors_add(errors, r->lines.path, r->lines.number,
	    (unsigned)(at - r->lines.line) + 1, "%s", why);
	return EINVAL;
}

/* ---- Names ------------------------------------------------------------ */

static void
kinds_fill(struct kv_names *kinds)
{
	size_t index;

	for (unsigned k = 0; k < KV_EV_COUNT; k++)
		kv_names_add(
		    kinds, kv_event_name((enum kv_event_kind)k), &index);
}

/* A word of the line, up to a blank or one of the stops. */
static const char *
word_end(const char *p, const char *end, char stop)
{
	while (p < end && *p != ' ' && *p != '\t' && *p != stop)
		p++;
	return p;
}

/* => the name as it is kept, or NULL: it is too long, or there are too many */
static const char *
keep_name(struct kv_event_reader *r, const char *word, size_t size)
{
	char name[NAME_LONGEST + 1];
	size_t index;
	char *kept;

	if (size > NAME_LONGEST)
		return NULL;
	memcpy(name, word, size);
	name[size] = '\0';
	if (kv_names_find(&r->names, name, &index))
		return r->names.list[index];
	if (r->names.count >= NAMES_MAX)
		return NULL;
	kept = kv_pool_text(&r->pool, name, size);
	kv_names_add(&r->names, kept, &index);
	return kept;
}

/* ---- Head and input ---------------------------------------------------- */

static char *
copy(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	char *text = kv_mem_resize(NULL, n + 1, 1);

	memcpy(text, p, n);
	text[n] = '\0';
	return text;
}

static int
head_add(struct kv_event_reader *r, struct kv_errors *errors)
{
	const char *end = r->lines.end;
	const char *word = kv_scan_blanks(r->lines.line + 1, end);
	const char *stop = word_end(word, end, ' ');

	if (word == stop)
		return refuse(r, word, "a word is missing", errors);
	r->head = kv_mem_resize(r->head, r->nhead + 1, sizeof(*r->head));
	r->head[r->nhead++] = (struct kv_log_head){copy(word, stop),
	    copy(kv_scan_blanks(stop, end), end), r->lines.number};
	return 0;
}

static void
input_put(struct kv_event_reader *r, const char *data, size_t size)
{
	if (r->input_size + size + 1 > r->input_room) {
		r->input_room = 2 * (r->input_size + size + 1);
		r->input = kv_mem_resize(r->input, r->input_room, 1);
	}
	memcpy(r->input + r->input_size, data, size);
	r->input_size += size;
	r->input[r->input_size] = '\0';
}

static int
input_add(struct kv_event_reader *r, struct kv_errors *errors)
{
	const char *p = r->lines.line + 1;

	if (p < r->lines.end && *p == ' ')
		p++;
	if (r->input_line == 0)
		r->input_line = r->lines.number;
	if (r->input_size > INPUT_MAX)
		return refuse(r, p, "the input is too long", errors);
	input_put(r, p, (size_t)(r->lines.end - p));
	input_put(r, "\n", 1);
	return 0;
}

static bool
is_magic(const struct kv_lines *lines)
{
	size_t n = strlen(KV_EVENT_LOG_MAGIC);

	return (size_t)(lines->end - lines->line) == n &&
	       memcmp(lines->line, KV_EVENT_LOG_MAGIC, n) == 0;
}

/* Up to the first event, which stays pending. */
static int
head_read(struct kv_event_reader *r, struct kv_errors *errors)
{
	int error = 0;

	if (!kv_lines_next(&r->lines) || !is_magic(&r->lines)) {
		kv_errors_add(errors, r->lines.path, 1, 1,
		    "not an event log: the first line is not \"%s\"",
		    KV_EVENT_LOG_MAGIC);
		return EINVAL;
	}
	while (error == 0 && !r->pending && kv_lines_next(&r->lines)) {
		const char *p = r->lines.line;

		if (p == r->lines.end || *p == '#')
			continue;
		if (*p == ':')
			error = head_add(r, errors);
		else if (*p == '|')
			error = input_add(r, errors);
		else
			r->pending = true;
	}
	return error;
}

/* ---- Open -------------------------------------------------------------- */

int
kv_event_reader_open(
    const char *path, struct kv_event_reader **reader, struct kv_errors *errors)
{
	struct kv_event_reader *r = kv_mem_resize(NULL, 1, sizeof(*r));

	*r = (struct kv_event_reader){0};
	if (kv_lines_open(path, &r->lines, errors) != 0) {
		kv_mem_free(r);
		return EINVAL;
	}
	kinds_fill(&r->kinds);
	if (head_read(r, errors) != 0) {
		kv_event_reader_close(r, errors);
		return EINVAL;
	}
	*reader = r;
	return 0;
}

int
kv_event_reader_close(struct kv_event_reader *r, struct kv_errors *errors)
{
	int error;

	if (r == NULL)
		return 0;
	error = kv_lines_close(&r->lines, errors);
	kv_names_fini(&r->kinds);
	kv_names_fini(&r->names);
	kv_pool_fini(&r->pool);
	for (size_t i = 0; i < r->nhead; i++) {
		kv_mem_free(r->head[i].word);
		kv_mem_free(r->head[i].text);
	}
	kv_mem_free(r->head);
	kv_mem_free(r->input);
	kv_mem_free(r);
	return error;
}

/* By its first bytes, of whatever version: no line is counted as work. */
bool
kv_event_log_recognise(const char *path)
{
	char head[sizeof(KV_EVENT_LOG_MAGIC) - 2];
	gzFile gz = strcmp(path, "-") == 0 ? NULL : gzopen(path, "rb");
	bool is;

	if (gz == NULL)
		return false;
	is = gzread(gz, head, sizeof(head)) == (int)sizeof(head) &&
	     memcmp(head, KV_EVENT_LOG_MAGIC, sizeof(head)) == 0;
	gzclose(gz);
	return is;
}

/* ---- Inspect ----------------------------------------------------------- */

const struct kv_log_head *
kv_event_reader_head(const struct kv_event_reader *r, size_t *count)
{
	*count = r->nhead;
	return r->head;
}

const char *
kv_event_reader_word(const struct kv_event_reader *r, const char *word)
{
	for (size_t i = 0; i < r->nhead; i++)
		if (strcmp(r->head[i].word, word) == 0)
			return r->head[i].text;
	return NULL;
}

void
kv_event_reader_input(const struct kv_event_reader *r, struct kv_text *text)
{
	size_t before = r->input_line == 0 ? 0 : r->input_line - 1;

	text->path = kv_mem_text(r->lines.path);
	text->size = before + r->input_size;
	text->data = kv_mem_resize(NULL, text->size + 1, 1);
	memset(text->data, '\n', before);
	if (r->input_size != 0)
		memcpy(text->data + before, r->input, r->input_size);
	text->data[text->size] = '\0';
}

const char *
kv_event_reader_raw(const struct kv_event_reader *r, size_t *size)
{
	*size = r->input_size;
	return r->input_size != 0 ? r->input : "";
}

const char *
kv_event_reader_path(const struct kv_event_reader *r)
{
	return r->lines.path;
}

unsigned
kv_event_reader_line(const struct kv_event_reader *r)
{
	return r->lines.number;
}

/* ---- Events ------------------------------------------------------------ */

/* Decimal or 0x. */
static bool
scan_number(const char **p, const char *end, uint64_t *value)
{
	const char *s = *p;
	uint64_t v = 0;

	if (end - s < 3 || s[0] != '0' || s[1] != 'x')
		return kv_scan_uint(p, end, UINT64_MAX, value);
	for (s += 2; s < end; s++) {
		unsigned digit = *s >= '0' && *s <= '9'
				     ? (unsigned)(*s - '0')
				     : (unsigned)(*s - 'a') + 10;

		if (digit > 15)
			break;
		if (v >> 60 != 0)
			return false;
		v = v << 4 | digit;
	}
	if (s == *p + 2)
		return false;
	*p = s;
	*value = v;
	return true;
}

/* "NAME=" at *p, which moves behind it. */
static bool
scan_field(const char **p, const char *end, const char *name)
{
	size_t n = strlen(name);

	*p = kv_scan_blanks(*p, end);
	if ((size_t)(end - *p) <= n || memcmp(*p, name, n) != 0 ||
	    (*p)[n] != '=')
		return false;
	*p += n + 1;
	return true;
}

static int
missing(const struct kv_event_reader *r, const char *at, const char *field,
    struct kv_errors *errors)
{
	kv_errors_add(errors, r->lines.path, r->lines.number,
	    (unsigned)(at - r->lines.line) + 1, "expected %s=", field);
	return EINVAL;
}

/* The kind that the line begins with; *p moves behind it. */
static int
scan_kind(struct kv_event_reader *r, const char **p, enum kv_event_kind *kind,
    struct kv_errors *errors)
{
	const char *end = r->lines.end, *stop = word_end(*p, end, ' ');
	char word[NAME_LONGEST + 1];
	size_t n = (size_t)(stop - *p), index;

	if (n <= NAME_LONGEST) {
		memcpy(word, *p, n);
		word[n] = '\0';
		if (memchr(word, '\0', n) == NULL &&
		    kv_names_find(&r->kinds, word, &index)) {
			*kind = (enum kv_event_kind)index;
			*p = stop;
			return 0;
		}
	}
	return refuse(r, *p, "no such event", errors);
}

/* A name; *p moves behind it. */
static const char *
scan_name(struct kv_event_reader *r, const char **p)
{
	const char *stop = word_end(*p, r->lines.end, ' ');
	const char *name = NULL;
	size_t n = (size_t)(stop - *p);

	if (n != 0 && memchr(*p, '\0', n) == NULL)
		name = keep_name(r, *p, n);
	if (name != NULL)
		*p = stop;
	return name;
}

static int
scan_values(struct kv_event_reader *r, const char *p, struct kv_event *e,
    struct kv_errors *errors)
{
	const char *end = r->lines.end;

	for (unsigned i = 0; i < 4; i++) {
		const char *field = kv_event_field(e->kind, i);

		e->value[i] = 0;
		if (*field == '\0')
			continue;
		if (!scan_field(&p, end, field))
			return missing(r, p, field, errors);
		if (!scan_number(&p, end, &e->value[i]))
			return refuse(r, p, "not a number of 64 bits", errors);
	}
	p = kv_scan_blanks(p, end);
	return p == end ? 0 : refuse(r, p, "unexpected text", errors);
}

static int
scan_event(
    struct kv_event_reader *r, struct kv_event *e, struct kv_errors *errors)
{
	const char *p = r->lines.line, *end = r->lines.end;
	int error = scan_kind(r, &p, &e->kind, errors);

	if (error != 0)
		return error;
	p = kv_scan_blanks(p, end);
	e->source = scan_name(r, &p);
	if (e->source == NULL)
		return refuse(r, p, "expected a name", errors);
	e->other = NULL;
	if (*kv_event_other(e->kind) != '\0') {
		if (!scan_field(&p, end, kv_event_other(e->kind)))
			return missing(r, p, kv_event_other(e->kind), errors);
		e->other = scan_name(r, &p);
		if (e->other == NULL)
			return refuse(r, p, "expected a name", errors);
	}
	return scan_values(r, p, e, errors);
}

bool
kv_event_reader_next(struct kv_event_reader *r, struct kv_event *event,
    int *error, struct kv_errors *errors)
{
	*error = 0;
	while (r->pending || kv_lines_next(&r->lines)) {
		const char *p = r->lines.line;

		r->pending = false;
		if (p == r->lines.end || *p == '#')
			continue;
		*error = scan_event(r, event, errors);
		return *error == 0;
	}
	return false;
}
