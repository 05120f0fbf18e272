/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - whole input files: plain, gzip or "-"; and errors with a place */
#include "in/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "out/hint.h"
#include "out/limit.h"
#include "out/mem.h"

enum { CHUNK = 64 << 10, ERRORS_MAX = 100 };

/* ---- Reading --------------------------------------------------------- */

/* One file on its way into memory. */
struct reader {
	FILE *file;
	const char *path; /* as printed */
	struct kv_errors *errors;
	unsigned char in[CHUNK];
	size_t nin; /* bytes of in[]; less than CHUNK at the end only */
	char *data;
	size_t size, capacity; /* data[size] is always writable */
	size_t max;
};

static int
refuse(struct reader *r, const char *why)
{
	kv_errors_add(r->errors, r->path, 0, 0, "%s", why);
	return EINVAL;
}

/* Fill in[] as far as the file goes. */
static int
fill(struct reader *r)
{
	r->nin = fread(r->in, 1, sizeof(r->in), r->file);
	if (ferror(r->file))
		return refuse(r, strerror(errno));
	return 0;
}

/* Make room for more bytes (and the NUL) behind data[size]. */
static void
reserve(struct reader *r, size_t more)
{
	size_t want;

	if (r->capacity - r->size > more)
		return;
	want = r->size + more + 1;
	if (want < 2 * r->capacity)
		want = 2 * r->capacity;
	r->data = kv_mem_resize(r->data, want, 1);
	r->capacity = want;
}

static int
too_large(struct reader *r)
{
	kv_errors_add(r->errors, r->path, 0, 0,
	    "larger than %zu bytes, which is the limit here", r->max);
	return EINVAL;
}

static int
read_plain(struct reader *r)
{
	int error;

	while (r->nin != 0) {
		if (r->nin > r->max - r->size)
			return too_large(r);
		reserve(r, r->nin);
		memcpy(r->data + r->size, r->in, r->nin);
		r->size += r->nin;
		if ((error = fill(r)) != 0)
			return error;
	}
	return 0;
}

/* Unpack what in[] holds from z->next_in on.  One byte above the limit is
 * room enough to find out that there is too much. */
static int
inflate_chunk(struct reader *r, z_stream *z, int *state)
{
	size_t room = CHUNK;

	if (r->max - r->size < room)
		room = r->max - r->size + 1;
	reserve(r, room);
	z->next_out = (unsigned char *)r->data + r->size;
	z->avail_out = (unsigned)room;
	*state = inflate(z, Z_NO_FLUSH);
	r->size += room - z->avail_out;
	if (r->size > r->max)
		return too_large(r);
	if (*state == Z_MEM_ERROR)
		return refuse(r, "out of memory");
	if (*state != Z_OK && *state != Z_STREAM_END && *state != Z_BUF_ERROR)
		return refuse(r, "damaged gzip data");
	return 0;
}

static int
refill(struct reader *r, z_stream *z)
{
	int error = fill(r);

	z->next_in = r->in;
	z->avail_in = (unsigned)r->nin;
	return error;
}

/* Members follow one another (as after `cat a.gz b.gz`) to the end. */
static int
inflate_all(struct reader *r, z_stream *z)
{
	int error = 0, state = Z_OK;

	while (error == 0) {
		if (z->avail_in == 0 && (error = refill(r, z)) != 0)
			break;
		if (z->avail_in == 0 && state == Z_STREAM_END)
			break;
		if (z->avail_in == 0)
			return refuse(r, "truncated gzip data");
		if (state == Z_STREAM_END && inflateReset(z) != Z_OK)
			return refuse(r, "damaged gzip data");
		error = inflate_chunk(r, z, &state);
	}
	return error;
}

static int
read_gzip(struct reader *r)
{
	z_stream z = {0};
	int error;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return refuse(r, "out of memory");
	z.next_in = r->in;
	z.avail_in = (unsigned)r->nin;
	error = inflate_all(r, &z);
	inflateEnd(&z);
	return error;
}

static int
read_file(struct reader *r)
{
	int error = fill(r);

	if (error != 0)
		return error;
	reserve(r, 0);
	if (r->nin >= 2 && r->in[0] == 0x1f && r->in[1] == 0x8b)
		error = read_gzip(r);
	else
		error = read_plain(r);
	if (error == 0)
		r->data[r->size] = '\0';
	return error;
}

static struct reader *
reader_open(const char *path, size_t max_size, struct kv_errors *errors)
{
	struct reader *r = kv_mem_zalloc(1, sizeof(*r));
	const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;

	*r = (struct reader){.path = shown, .errors = errors, .max = max_size};
	r->file = shown != path ? stdin : fopen(path, "rb");
	if (r->file == NULL) {
		refuse(r, strerror(errno));
		kv_mem_free(r);
		return NULL;
	}
	return r;
}

int
kv_text_read(const char *path, size_t max_size, struct kv_text *text,
    struct kv_errors *errors)
{
	struct reader *r = reader_open(path, max_size, errors);
	int error;

	if (r == NULL)
		return EINVAL;
	kv_limit_place(r->path, 0, 0);
	error = read_file(r);
	kv_limit_place(NULL, 0, 0);
	if (r->file != stdin)
		fclose(r->file);
	if (error == 0)
		*text =
		    (struct kv_text){kv_mem_text(r->path), r->data, r->size};
	else
		kv_mem_free(r->data);
	kv_mem_free(r);
	return error;
}

void
kv_text_fini(struct kv_text *text)
{
	kv_mem_free(text->path);
	kv_mem_free(text->data);
	*text = (struct kv_text){0};
}

/* ---- Errors ---------------------------------------------------------- */

/* Input finds its way into messages; it must not drive the terminal. */
static void
tame(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

/* "path:line:column: ", without what is not known. */
static int
print_place(
    char *buf, size_t size, const char *path, unsigned line, unsigned column)
{
	if (line == 0)
		return snprintf(buf, size, "%s: ", path);
	if (column == 0)
		return snprintf(buf, size, "%s:%u: ", path, line);
	return snprintf(buf, size, "%s:%u:%u: ", path, line, column);
}

static char *
format(const char *path, unsigned line, unsigned column, const char *fmt,
    va_list ap)
{
	size_t nplace, ntext;
	va_list again;
	char *s;

	va_copy(again, ap);
	nplace = (size_t)print_place(NULL, 0, path, line, column);
	ntext = (size_t)vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	s = kv_mem_resize(NULL, nplace + ntext + 1, 1);
	print_place(s, nplace + 1, path, line, column);
	vsnprintf(s + nplace, ntext + 1, fmt, ap);
	tame(s);
	return s;
}

static void
errors_grow(struct kv_errors *errors)
{
	if (errors->count < errors->capacity)
		return;
	errors->capacity = errors->capacity == 0 ? 8 : 2 * errors->capacity;
	errors->list = kv_mem_resize(
	    errors->list, errors->capacity, sizeof(*errors->list));
}

/* A step that is repeated says the same thing each time. */
static bool
is_noted(const struct kv_errors *errors, const char *text)
{
	size_t i;

	for (i = 0; i < errors->count; i++)
		if (strcmp(errors->list[i].text, text) == 0)
			return true;
	return false;
}

void
kv_errors_add(struct kv_errors *errors, const char *path, unsigned line,
    unsigned column, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (errors->count < ERRORS_MAX) {
		errors_grow(errors);
		text = format(path, line, column, fmt, ap);
	}
	va_end(ap);
	if (text == NULL) {
		errors->dropped++;
	} else if (is_noted(errors, text)) {
		kv_mem_free(text);
		errors->repeated++;
	} else {
		errors->list[errors->count++] =
		    (struct kv_error){text, line, column};
	}
}

size_t
kv_errors_noted(const struct kv_errors *errors)
{
	return errors->count + errors->dropped + errors->repeated;
}

bool
kv_errors_full(const struct kv_errors *errors)
{
	return errors->count == ERRORS_MAX;
}

/* "a, b, c" in a buffer that is large enough; "" when it is not. */
static void
join(char *buf, size_t size, const char *const *names, size_t count)
{
	size_t i, at = 0;

	buf[0] = '\0';
	for (i = 0; i < count; i++) {
		size_t n = strlen(names[i]);

		if (at + n + 3 > size) {
			buf[0] = '\0';
			return;
		}
		at += (size_t)sprintf(
		    buf + at, "%s%s", i == 0 ? "" : ", ", names[i]);
	}
}

void
kv_errors_unknown(struct kv_errors *errors, const char *path, unsigned line,
    unsigned column, const char *what, const char *word,
    const char *const *names, size_t count)
{
	const char *near;
	char all[220];

	/* Hints take time; a list that is full takes none. */
	if (kv_errors_full(errors)) {
		errors->dropped++;
		return;
	}
	near = kv_hint_find(word, names, count);
	join(all, sizeof(all), names, count);
	if (near != NULL)
		kv_errors_add(errors, path, line, column,
		    "unknown %s '%.48s'; did you mean '%s'?", what, word, near);
	else
		kv_errors_add(errors, path, line, column,
		    "unknown %s '%.48s'%s%s", what, word,
		    *all == '\0' ? "" : "; there are: ", all);
}

/* Is a to be printed before b?  Same place: in order of discovery. */
static bool
before(const struct kv_error *a, const struct kv_error *b)
{
	if (a->line != b->line)
		return a->line < b->line;
	return a->column != b->column ? a->column < b->column : a < b;
}

const struct kv_error *
kv_errors_next(const struct kv_errors *errors, const struct kv_error *last)
{
	const struct kv_error *next = NULL, *e;
	size_t i;

	/* At most 100 of them: select the next one each time. */
	for (i = 0; i < errors->count; i++) {
		e = &errors->list[i];
		if (last != NULL && !before(last, e))
			continue;
		if (next == NULL || before(e, next))
			next = e;
	}
	return next;
}

void
kv_errors_print(const struct kv_errors *errors)
{
	const struct kv_error *e = NULL;

	while ((e = kv_errors_next(errors, e)) != NULL)
		fprintf(stderr, "%s\n", e->text);
	if (errors->dropped != 0)
		fprintf(stderr, "... and %zu more errors\n", errors->dropped);
}

void
kv_errors_fini(struct kv_errors *errors)
{
	size_t i;

	for (i = 0; i < errors->count; i++)
		kv_mem_free(errors->list[i].text);
	kv_mem_free(errors->list);
	*errors = (struct kv_errors){0};
}
