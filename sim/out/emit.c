/* SPDX-License-Identifier: BSD-2-Clause */
/* emit.c - one writer of structured output: text, JSON, gnuplot columns */
#include "out/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out/mem.h"

enum { KEY_COLUMN = 28, NUMBER_MAX = 40 };

/* ---- Buffer ---------------------------------------------------------- */

/* Make room for more bytes and a NUL. */
static void
reserve(struct kv_buf *b, size_t more)
{
	size_t want = b->size + more + 1;

	if (want <= b->capacity)
		return;
	if (want < 2 * b->capacity)
		want = 2 * b->capacity;
	b->data = kv_mem_resize(b->data, want, 1);
	b->capacity = want;
}

void
kv_buf_add(struct kv_buf *b, const char *data, size_t size)
{
	reserve(b, size);
	if (size != 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	b->data[b->size] = '\0';
}

void
kv_buf_printf(struct kv_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->data + b->size, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->size += (size_t)n;
}

void
kv_buf_fini(struct kv_buf *b)
{
	kv_mem_free(b->data);
	*b = (struct kv_buf){0};
}

/* ---- Files ----------------------------------------------------------- */

static int
write_all(int fd, const char *data, size_t size)
{
	while (size != 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Write b to the new file temp, then call it path. */
static int
write_then_rename(const struct kv_buf *b, const char *temp, const char *path)
{
	/* O_EXCL meets no file and follows no link; rename replaces one. */
	int fd = open(
	    temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	int error;

	if (fd < 0)
		return errno;
	error = write_all(fd, b->data, b->size);
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (error == 0 && rename(temp, path) != 0)
		error = errno;
	if (error != 0)
		unlink(temp);
	return error;
}

int
kv_buf_write_file(const struct kv_buf *b, const char *path)
{
	struct kv_buf temp = {0};
	unsigned n = 0;
	int error;

	/* A file left by a process that was killed must not stop us. */
	do {
		temp.size = 0;
		kv_buf_printf(&temp, "%s.%ld.%u.tmp", path, (long)getpid(), n);
		error = write_then_rename(b, temp.data, path);
	} while (error == EEXIST && n++ < 100);
	kv_buf_fini(&temp);
	return error;
}

static int
folder_create_one(const char *path)
{
	struct stat st;

	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno != EEXIST)
		return errno;
	if (stat(path, &st) != 0)
		return errno;
	return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

int
kv_folder_create(const char *path)
{
	char *copy = kv_mem_text(path);
	size_t i;
	int error = 0;

	/* Every slash but a leading one ends the name of a folder above. */
	for (i = 1; error == 0 && path[0] != '\0' && path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		copy[i] = '\0';
		error = folder_create_one(copy);
		copy[i] = '/';
	}
	if (error == 0)
		error = folder_create_one(copy);
	kv_mem_free(copy);
	return error;
}

/* ---- Writer ---------------------------------------------------------- */

void
kv_emit_init(struct kv_emit *e, struct kv_buf *buf, enum kv_form form)
{
	*e = (struct kv_emit){.buf = buf, .form = form, .first = true};
}

/* A JSON string; bytes above 0x7f pass as they are (UTF-8). */
static void
add_quoted(struct kv_buf *b, const char *s)
{
	kv_buf_add(b, "\"", 1);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			kv_buf_printf(b, "\\%c", *s);
		else if (*s == '\n')
			kv_buf_add(b, "\\n", 2);
		else if ((unsigned char)*s < ' ')
			kv_buf_printf(b, "\\u%04x", (unsigned)*s);
		else
			kv_buf_add(b, s, 1);
	}
	kv_buf_add(b, "\"", 1);
}

/* What stands before a value: comma, line, indentation, key. */
static void
begin_json(struct kv_emit *e, const char *key)
{
	if (!e->first)
		kv_buf_add(e->buf, ",", 1);
	if (e->depth != 0)
		kv_buf_printf(e->buf, "\n%*s", (int)e->depth, "");
	if (key != NULL) {
		add_quoted(e->buf, key);
		kv_buf_add(e->buf, ": ", 2);
	}
	e->first = false;
}

/* One line of text or of a gnuplot comment. */
static void
put_line(struct kv_emit *e, const char *key, const char *value)
{
	int indent = e->depth == 0 ? 0 : 2 * ((int)e->depth - 1);

	kv_buf_printf(e->buf, "%s%*s", e->form == KV_FORM_COLUMNS ? "# " : "",
	    indent, "");
	if (key != NULL)
		kv_buf_printf(e->buf, "%-*s ", KEY_COLUMN - indent, key);
	kv_buf_printf(e->buf, "%s\n", value);
}

static void
put_bare(struct kv_emit *e, const char *key, const char *value)
{
	if (e->form != KV_FORM_JSON) {
		put_line(e, key, value);
		return;
	}
	begin_json(e, key);
	kv_buf_add(e->buf, value, strlen(value));
}

void
kv_emit_open(struct kv_emit *e, const char *key, char bracket)
{
	if (e->form == KV_FORM_JSON) {
		begin_json(e, key);
		kv_buf_add(e->buf, &bracket, 1);
	} else if (key != NULL) {
		put_line(e, NULL, key);
	}
	e->depth++;
	e->first = true;
}

void
kv_emit_close(struct kv_emit *e, char bracket)
{
	e->depth--;
	if (e->form == KV_FORM_JSON) {
		if (!e->first)
			kv_buf_printf(e->buf, "\n%*s", (int)e->depth, "");
		kv_buf_add(e->buf, &bracket, 1);
		if (e->depth == 0)
			kv_buf_add(e->buf, "\n", 1);
	}
	e->first = false;
}

void
kv_emit_uint(struct kv_emit *e, const char *key, uint64_t value)
{
	char s[NUMBER_MAX];

	snprintf(s, sizeof(s), "%" PRIu64, value);
	put_bare(e, key, s);
}

void
kv_emit_int(struct kv_emit *e, const char *key, int64_t value)
{
	char s[NUMBER_MAX];

	snprintf(s, sizeof(s), "%" PRId64, value);
	put_bare(e, key, s);
}

void
kv_emit_hex(struct kv_emit *e, const char *key, uint64_t value)
{
	char s[NUMBER_MAX];

	snprintf(s, sizeof(s), "0x%" PRIx64, value);
	kv_emit_text(e, key, s);
}

void
kv_emit_ratio(struct kv_emit *e, const char *key, double value)
{
	char s[NUMBER_MAX];

	/* No form knows infinity (0 / 0: nothing there); 0 has no sign. */
	if (!isfinite(value) || value == 0)
		value = 0;
	if (fabs(value) < 1e15)
		snprintf(s, sizeof(s), "%.6f", value);
	else
		snprintf(s, sizeof(s), "%.6e", value);
	put_bare(e, key, s);
}

void
kv_emit_none(struct kv_emit *e, const char *key)
{
	put_bare(e, key, e->form == KV_FORM_JSON ? "null" : "-");
}

void
kv_emit_bool(struct kv_emit *e, const char *key, bool value)
{
	put_bare(e, key, value ? "true" : "false");
}

void
kv_emit_text(struct kv_emit *e, const char *key, const char *value)
{
	if (e->form != KV_FORM_JSON) {
		put_line(e, key, value);
		return;
	}
	begin_json(e, key);
	add_quoted(e->buf, value);
}

void
kv_emit_value(
    struct kv_emit *e, const char *key, const struct kv_value *v, bool hex)
{
	switch (v->kind) {
	case KV_VALUE_UINT:
		(hex ? kv_emit_hex : kv_emit_uint)(e, key, v->u);
		break;
	case KV_VALUE_INT:
		kv_emit_int(e, key, v->i);
		break;
	case KV_VALUE_REAL:
		kv_emit_ratio(e, key, v->r);
		break;
	case KV_VALUE_WORD:
		kv_emit_text(e, key, v->w);
		break;
	case KV_VALUE_NONE:
		kv_emit_none(e, key);
		break;
	}
}

void
kv_emit_metric(struct kv_emit *e, const struct kv_metric *x)
{
	switch (x->kind) {
	case KV_METRIC_COUNT:
	case KV_METRIC_BYTES:
		kv_emit_uint(e, x->name, x->u);
		break;
	case KV_METRIC_SIGNED:
		kv_emit_int(e, x->name, x->i);
		break;
	case KV_METRIC_RATIO:
		kv_emit_ratio(e, x->name, x->r);
		break;
	case KV_METRIC_HEX:
		kv_emit_hex(e, x->name, x->u);
		break;
	case KV_METRIC_TEXT:
		kv_emit_text(e, x->name, x->text);
		break;
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct kv_metric *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

void
kv_emit_metrics(struct kv_emit *e, const struct kv_metrics *m)
{
	const struct kv_metric **order =
	    kv_mem_resize(NULL, m->count, sizeof(*order));
	size_t i;

	for (i = 0; i < m->count; i++)
		order[i] = &m->list[i];
	qsort(order, m->count, sizeof(*order), by_name);
	for (i = 0; i < m->count; i++)
		kv_emit_metric(e, order[i]);
	kv_mem_free(order);
}

/* ---- Series ---------------------------------------------------------- */

/* Whole numbers without decimals, so that counts stay counts. */
static void
add_number(struct kv_emit *e, double value)
{
	struct kv_buf *b = e->buf;

	if (value == 0)
		value = 0; /* no minus sign */
	if (!isfinite(value))
		kv_buf_printf(b, e->form == KV_FORM_JSON ? "null" : "NaN");
	else if (value == floor(value) && fabs(value) < 9007199254740992.0)
		kv_buf_printf(b, "%.0f", value);
	else
		kv_buf_printf(b, "%.6f", value);
}

static void
add_row(struct kv_emit *e, const struct kv_series *s, size_t row, char blank)
{
	size_t i;

	for (i = 0; i < s->ncolumns; i++) {
		if (i != 0)
			kv_buf_add(e->buf, &blank, 1);
		add_number(e, s->rows[row * s->ncolumns + i]);
	}
}

static void
series_json(struct kv_emit *e, const struct kv_series *s)
{
	size_t i;

	kv_emit_open(e, s->name, '{');
	kv_emit_open(e, "columns", '[');
	for (i = 0; i < s->ncolumns; i++)
		kv_emit_text(e, NULL, s->columns[i]);
	kv_emit_close(e, ']');
	kv_emit_open(e, "rows", '[');
	for (i = 0; i < s->nrows; i++) {
		begin_json(e, NULL);
		kv_buf_add(e->buf, "[", 1);
		add_row(e, s, i, ',');
		kv_buf_add(e->buf, "]", 1);
	}
	kv_emit_close(e, ']');
	kv_emit_close(e, '}');
}

void
kv_emit_series(struct kv_emit *e, const struct kv_series *s)
{
	size_t i;

	if (e->form == KV_FORM_JSON) {
		series_json(e, s);
		return;
	}
	kv_buf_printf(e->buf, "# %s: %s\n#", s->name, s->about);
	for (i = 0; i < s->ncolumns; i++)
		kv_buf_printf(e->buf, " %s", s->columns[i]);
	kv_buf_add(e->buf, "\n", 1);
	for (i = 0; i < s->nrows; i++) {
		add_row(e, s, i, ' ');
		kv_buf_add(e->buf, "\n", 1);
	}
}
