/* SPDX-License-Identifier: BSD-2-Clause */
/* baseline.c - the figures that a scenario had, kept in a small text file */
#include "out/baseline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "in/pool.h"
#include "out/compare.h"
#include "out/format.h"
#include "out/mem.h"

enum { FILE_MAX = 16 << 20, CELL = 64, LINES_SHOWN = 20 };

static const char signature[] = "# kvasir baseline 1";

/* Comments that say how the figures were taken; others are the reader's. */
static const char *const settings[] = {
    "# scenario ", "# seed ", "# backend ", "# inject ", "# define "};

/* What the tolerance of a new line is, by the kind of the metric. */
static const char *const tolerances[] = {[KV_METRIC_COUNT] = "0",
    [KV_METRIC_BYTES] = "0",
    [KV_METRIC_SIGNED] = "0",
    [KV_METRIC_RATIO] = "0.000001",
    [KV_METRIC_HEX] = "0",
    [KV_METRIC_TEXT] = "0"};

/* A file, read; metrics is an object. */
struct file {
	char *path;
	struct kv_pool pool;
	struct kv_buf settings; /* these lines */
	struct kv_json metrics, *last;
	struct kv_tolerance *list; /* one a metric */
	const char **words;	   /* the same, as they stand there */
	size_t count;
};

static void
file_fini(struct file *f)
{
	kv_mem_free(f->path);
	kv_mem_free(f->list);
	kv_mem_free(f->words);
	kv_buf_fini(&f->settings);
	kv_pool_fini(&f->pool);
}

static char *
path_of(const struct kv_baseline *b)
{
	struct kv_buf path = {0};

	kv_buf_printf(&path, "%s/%s.txt", b->folder, b->name);
	return path.data;
}

static void
put_settings(const struct kv_baseline *b, struct kv_buf *out)
{
	size_t i;

	kv_buf_printf(out, "# scenario %s\n# seed %" PRIu64 "\n# backend %s\n",
	    b->name, b->seed, b->kvm ? "kvm" : "model");
	if (b->inject != NULL)
		kv_buf_printf(out, "# inject %s\n", b->inject);
	for (i = 0; i < b->ndefines; i++)
		kv_buf_printf(out, "# define %s=%s\n", b->defines[i].name,
		    b->defines[i].value);
}

/* ---- Metrics --------------------------------------------------------- */

/* A number as our reports have them. */
static bool
is_number(const char *text)
{
	size_t n;

	text += *text == '-';
	n = strspn(text, "0123456789");
	if (n == 0)
		return false;
	if (text[n] == '.')
		n += 1 + strspn(text + n + 1, "0123456789");
	return text[n] == '\0';
}

static void
add_metric(struct file *f, const char *name, const char *value)
{
	struct kv_json *m = kv_pool_alloc(&f->pool, sizeof(*m));

	m->key = name;
	m->text = value;
	m->kind = is_number(value) ? KV_JSON_NUMBER : KV_JSON_STRING;
	if (f->last == NULL)
		f->metrics.child = m;
	else
		f->last->next = m;
	f->last = m;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const struct kv_metric *const *)a)->name,
	    (*(const struct kv_metric *const *)b)->name);
}

/* A line is a metric, and a word must not look like one. */
static const char *
text_of(struct kv_pool *pool, const struct kv_metric *x)
{
	char cell[CELL], *text, *s;

	if (x->kind != KV_METRIC_TEXT) {
		kv_format_metric(cell, sizeof(cell), x);
		return kv_pool_text(pool, cell, strlen(cell));
	}
	text = kv_pool_text(pool, x->text, strlen(x->text));
	for (s = text; *s != '\0'; s++)
		if (*s == '\n' || *s == '\r')
			*s = ' ';
	return text;
}

/* The metrics of the run, by name; owned. */
static const struct kv_metric **
sorted(const struct kv_metrics *m)
{
	const struct kv_metric **list =
	    kv_mem_resize(NULL, m->count, sizeof(const struct kv_metric *));
	size_t i;

	for (i = 0; i < m->count; i++)
		list[i] = &m->list[i];
	if (m->count != 0)
		qsort(
		    list, m->count, sizeof(const struct kv_metric *), by_name);
	return list;
}

/* ---- Read ------------------------------------------------------------ */

static int
refuse(const struct file *f, unsigned line, unsigned column, const char *why,
    struct kv_errors *errors)
{
	kv_errors_add(errors, f->path, line, column, "%s", why);
	return EINVAL;
}

static void
read_comment(struct file *f, const char *line)
{
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strncmp(line, settings[i], strlen(settings[i])) == 0)
			kv_buf_printf(&f->settings, "%s\n", line);
}

static bool
add_tolerance(struct file *f, const char *name, const char *word)
{
	struct kv_buf text = {0};
	char *copy;

	kv_buf_printf(&text, "%s=%s", name, word);
	copy = kv_pool_text(&f->pool, text.data, text.size);
	kv_buf_fini(&text);
	f->list = kv_mem_resize(f->list, f->count + 1, sizeof(*f->list));
	f->words = kv_mem_resize(f->words, f->count + 1, sizeof(*f->words));
	f->words[f->count] = word;
	return kv_tolerance_parse(copy, &f->list[f->count++]);
}

/* NAME TOLERANCE VALUE; the value is all that is left. */
static int
read_metric(struct file *f, char *line, unsigned n, struct kv_errors *errors)
{
	size_t name = strcspn(line, " "), word, value;

	word = name + strspn(line + name, " ");
	value = word + strcspn(line + word, " ");
	if (name == 0 || value == word || line[value] == '\0')
		return refuse(f, n, 1, "expected NAME TOLERANCE VALUE", errors);
	line[name] = line[value] = '\0';
	value += 1 + strspn(line + value + 1, " ");
	if (f->last != NULL && strcmp(f->last->key, line) >= 0)
		return refuse(
		    f, n, 1, "not behind the name of the line before", errors);
	if (!add_tolerance(f, line, line + word))
		return refuse(f, n, (unsigned)word + 1,
		    "a tolerance is a number, N% or any", errors);
	add_metric(f, line, line + value);
	return 0;
}

static int
read_lines(struct file *f, char *text, struct kv_errors *errors)
{
	unsigned n = 0;
	int error = 0;
	char *end;

	for (; error == 0 && *text != '\0'; text = end) {
		end = text + strcspn(text, "\n");
		if (*end != '\0')
			*end++ = '\0';
		if (++n == 1 && strcmp(text, signature) != 0)
			return refuse(f, n, 1,
			    "not a baseline: the first line is not \"# kvasir "
			    "baseline 1\"",
			    errors);
		if (*text == '#')
			read_comment(f, text);
		else if (*text != '\0')
			error = read_metric(f, text, n, errors);
	}
	return n != 0 ? error : refuse(f, 1, 1, "an empty file", errors);
}

/* => 0; ENOENT: there is none; EINVAL, noted */
static int
file_read(const struct kv_baseline *b, struct file *f, struct kv_errors *errors)
{
	struct kv_text text;
	int error;

	*f = (struct file){
	    .path = path_of(b), .metrics = {.kind = KV_JSON_OBJECT}};
	if (access(f->path, F_OK) != 0 && errno == ENOENT)
		return ENOENT;
	error = kv_text_read(f->path, FILE_MAX, &text, errors);
	if (error != 0)
		return error;
	if (strlen(text.data) != text.size)
		error = refuse(f, 0, 0, "there is a NUL in it", errors);
	else
		error = read_lines(
		    f, kv_pool_text(&f->pool, text.data, text.size), errors);
	kv_text_fini(&text);
	return error;
}

/* ---- Compare --------------------------------------------------------- */

static const char *
tolerance_of(const struct file *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (strcmp(f->list[i].name, name) == 0)
			return f->words[i];
	return NULL;
}

/* A word of the line that says "same", not what is "+0". */
static void
put_difference(
    const struct file *f, const struct kv_difference *d, struct kv_buf *b)
{
	kv_buf_printf(b, "baseline %s: %s ", f->path, d->name);
	if (d->a == NULL) {
		kv_buf_printf(b, "is %s, and is not in it\n", d->b->text);
		return;
	}
	kv_buf_printf(b, "was %s, ", d->a->text);
	if (d->b == NULL)
		kv_buf_printf(b, "and is no figure of this run\n");
	else if (!d->numbers)
		kv_buf_printf(b, "is %s\n", d->b->text);
	else
		kv_buf_printf(b,
		    strchr(d->a->text, '.') != NULL ||
			    strchr(d->b->text, '.') != NULL
			? "is %s (%+.6f, tolerance %s)\n"
			: "is %s (%+.0f, tolerance %s)\n",
		    d->b->text, d->difference, tolerance_of(f, d->name));
}

static void
put_differences(
    const struct file *f, const struct kv_comparison *c, struct kv_buf *b)
{
	size_t shown = 0, i;

	for (i = 0; i < c->count && shown < LINES_SHOWN; i++)
		if (!c->list[i].within) {
			put_difference(f, &c->list[i], b);
			shown++;
		}
	if (c->beyond > shown)
		kv_buf_printf(b, "and %zu more figures of %s\n",
		    c->beyond - shown, f->path);
}

/* Lines as one: "seed 12345, backend model". */
static void
put_joined(struct kv_buf *b, const struct kv_buf *lines)
{
	const char *s = lines->size == 0 ? "" : lines->data, *end;

	if (*s == '\0')
		kv_buf_printf(b, "nothing said");
	for (; *s != '\0'; s = end + 1) {
		end = strchr(s, '\n');
		kv_buf_add(b, s + 2, (size_t)(end - s) - 2);
		if (end[1] != '\0')
			kv_buf_printf(b, ", ");
	}
}

/* => the figures cannot be held against each other */
static bool
put_settings_differ(
    const struct kv_baseline *b, const struct file *f, struct kv_buf *lines)
{
	struct kv_buf now = {0};
	bool differ;

	put_settings(b, &now);
	differ = now.size != f->settings.size ||
		 memcmp(now.data, f->settings.data, now.size) != 0;
	if (differ) {
		kv_buf_printf(lines, "baseline %s: taken of ", f->path);
		put_joined(lines, &f->settings);
		kv_buf_printf(lines, "; this run is of ");
		put_joined(lines, &now);
		kv_buf_add(lines, "\n", 1);
	}
	kv_buf_fini(&now);
	return differ;
}

static void
compare(const struct kv_baseline *b, struct file *f, struct kv_buf *lines)
{
	const struct kv_metric **list = sorted(b->metrics);
	struct file now = {.metrics = {.kind = KV_JSON_OBJECT}};
	const struct kv_compared was = {.metrics = &f->metrics},
				 is = {.metrics = &now.metrics};
	struct kv_comparison c = {.a = &was,
	    .b = &is,
	    .tolerances = f->list,
	    .ntolerances = f->count};
	size_t i;

	for (i = 0; i < b->metrics->count; i++)
		add_metric(&now, list[i]->name, text_of(&now.pool, list[i]));
	kv_compare(&c);
	put_differences(f, &c, lines);
	kv_comparison_fini(&c);
	file_fini(&now);
	kv_mem_free(list);
}

int
kv_baseline_compare(
    const struct kv_baseline *b, struct kv_buf *lines, struct kv_errors *errors)
{
	struct file f;
	int error = file_read(b, &f, errors);

	if (error == ENOENT)
		kv_buf_printf(lines,
		    "baseline %s: there is none; --update-baseline writes it\n",
		    f.path);
	else if (error == 0 && !put_settings_differ(b, &f, lines))
		compare(b, &f, lines);
	file_fini(&f);
	return error == ENOENT ? 0 : error;
}

/* ---- Write ----------------------------------------------------------- */

int
kv_baseline_write(const struct kv_baseline *b, struct kv_buf *content,
    struct kv_errors *errors)
{
	const struct kv_metric **list;
	const char *tolerance;
	struct file f;
	size_t i;
	int error = file_read(b, &f, errors);

	if (error == 0 || error == ENOENT) {
		list = sorted(b->metrics);
		kv_buf_printf(content, "%s\n", signature);
		put_settings(b, content);
		for (i = 0; i < b->metrics->count; i++) {
			tolerance = tolerance_of(&f, list[i]->name);
			if (tolerance == NULL)
				tolerance = tolerances[list[i]->kind];
			kv_buf_printf(content, "%-31s %-8s %s\n", list[i]->name,
			    tolerance, text_of(&f.pool, list[i]));
		}
		kv_mem_free(list);
	}
	file_fini(&f);
	return error == ENOENT ? 0 : error;
}
