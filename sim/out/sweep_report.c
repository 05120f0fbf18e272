/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep_report.c - the rows of a sweep: text, CSV, JSON, gnuplot columns */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out/format.h"
#include "out/mem.h"
#include "out/sweep_parts.h"

/* Visit the rows in order. */
typedef void row_fn(void *arg, const struct kv_sweep_row *row);

static void
walk(const struct kv_sweep *s, row_fn *cb, void *arg)
{
	struct kv_sweep_row row = {0};
	size_t i;

	row.cells = kv_mem_resize(NULL, s->ncolumns, sizeof(*row.cells));
	for (i = 0; i < s->npoints; i++) {
		kv_sweep_row_read(s, s->rows[i], &row);
		cb(arg, &row);
	}
	kv_mem_free(row.cells);
}

/* none: what stands for no value. */
static void
print_cell(struct kv_buf *b, const struct kv_sweep_cell *cell, const char *none)
{
	const struct kv_value *v = &cell->value;
	char number[48];

	b->size = 0;
	if (v->kind == KV_VALUE_NONE) {
		kv_buf_printf(b, "%s", none);
	} else if (v->kind == KV_VALUE_WORD) {
		kv_buf_printf(b, "%s", v->w);
	} else {
		kv_format_value(number, sizeof(number), v, cell->hex);
		kv_buf_printf(b, "%s", number);
	}
}

/* ---- Text ------------------------------------------------------------ */

struct column {
	size_t width;
	bool word;   /* left-aligned */
	bool varies; /* else it stands in the head */
	char *first; /* owned; cell of the first row */
	const char *name;
};

struct table {
	const struct kv_sweep *s;
	struct kv_buf *b;
	struct kv_buf cell;
	struct column *columns; /* of the rows, then outcome */
	size_t outcome;		/* number of that one */
};

static void
measure_cell(struct column *c, const char *text)
{
	size_t width = strlen(text);

	if (c->first == NULL)
		c->first = kv_mem_text(text);
	else if (strcmp(c->first, text) != 0)
		c->varies = true;
	if (width > c->width)
		c->width = width;
}

static void
measure_row(void *arg, const struct kv_sweep_row *row)
{
	struct table *t = arg;
	size_t i;

	for (i = 0; i < t->s->ncolumns; i++) {
		print_cell(&t->cell, &row->cells[i], "-");
		measure_cell(&t->columns[i], t->cell.data);
		if (row->cells[i].value.kind == KV_VALUE_WORD)
			t->columns[i].word = true;
	}
	measure_cell(&t->columns[t->outcome], row->outcome);
}

static void
put_cell(struct table *t, const struct column *c, const char *text, bool last)
{
	int width = (int)c->width;

	if (c->word && last)
		kv_buf_printf(t->b, "  %s", text);
	else
		kv_buf_printf(t->b, c->word ? "  %-*s" : "  %*s", width, text);
}

static void
put_row(void *arg, const struct kv_sweep_row *row)
{
	struct table *t = arg;
	size_t i;

	for (i = 0; i < t->s->ncolumns; i++) {
		if (!t->columns[i].varies)
			continue;
		print_cell(&t->cell, &row->cells[i], "-");
		put_cell(t, &t->columns[i], t->cell.data, false);
	}
	put_cell(t, &t->columns[t->outcome], row->outcome, *row->why == '\0');
	if (*row->why != '\0')
		kv_buf_printf(t->b, "  %s", row->why);
	kv_buf_add(t->b, "\n", 1);
}

/* What is the same in all rows is said once. */
static void
put_head(struct table *t)
{
	const struct kv_sweep *s = t->s;
	bool some = false;
	size_t i;

	kv_buf_printf(t->b, "%s%s%s\n", s->name, s->title == NULL ? "" : ": ",
	    s->title == NULL ? "" : s->title);
	kv_buf_printf(t->b, "  points    %zu\n  seed      %" PRIu64 "\n",
	    s->npoints, s->cfg->seed);
	for (i = 0; i < s->ncolumns; i++) {
		const struct column *c = &t->columns[i];

		if (c->varies)
			continue;
		kv_buf_printf(t->b, "%s%s %s", some ? ", " : "  in all    ",
		    c->name, c->first);
		some = true;
	}
	kv_buf_printf(t->b, "%s\n", some ? "\n" : "");
	for (i = 0; i <= t->outcome; i++)
		if (t->columns[i].varies)
			put_cell(t, &t->columns[i], t->columns[i].name,
			    i == t->outcome);
	kv_buf_add(t->b, "\n", 1);
}

static void
table_init(struct table *t)
{
	const struct kv_sweep *s = t->s;
	size_t i;

	t->outcome = s->ncolumns;
	t->columns = kv_mem_resize(NULL, t->outcome + 1, sizeof(*t->columns));
	for (i = 0; i <= t->outcome; i++) {
		struct column *c = &t->columns[i];

		*c = (struct column){
		    .name = i == t->outcome ? "outcome" : s->columns[i]};
		c->width = strlen(c->name);
		/* What is swept, in a table of one row too. */
		c->varies =
		    i == t->outcome || (i < s->naxes && s->axes[i].list &&
					   s->counts[i] == s->axes[i].nvalues);
	}
	t->columns[t->outcome].word = true;
	walk(s, measure_row, t);
}

void
kv_sweep_text(const struct kv_sweep *s, struct kv_buf *b)
{
	struct table t = {.s = s, .b = b};
	size_t i;

	table_init(&t);
	put_head(&t);
	walk(s, put_row, &t);
	kv_buf_printf(b, "\n%zu of %zu points pass\n", s->npoints - s->nfailed,
	    s->npoints);
	for (i = 0; i <= t.outcome; i++)
		kv_mem_free(t.columns[i].first);
	kv_mem_free(t.columns);
	kv_buf_fini(&t.cell);
}

/* ---- CSV ------------------------------------------------------------- */

struct csv {
	const struct kv_sweep *s;
	struct kv_buf *b;
	struct kv_buf cell;
};

/* RFC 4180, but for the ends of lines. */
static void
csv_field(struct csv *c, const char *text, char end)
{
	if (text[strcspn(text, ",\"\r\n")] == '\0') {
		kv_buf_printf(c->b, "%s%c", text, end);
		return;
	}
	kv_buf_add(c->b, "\"", 1);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			kv_buf_add(c->b, "\"", 1);
		kv_buf_add(c->b, text, 1);
	}
	kv_buf_printf(c->b, "\"%c", end);
}

static void
csv_row(void *arg, const struct kv_sweep_row *row)
{
	struct csv *c = arg;
	size_t i;

	for (i = 0; i < c->s->ncolumns; i++) {
		print_cell(&c->cell, &row->cells[i], "");
		csv_field(c, c->cell.data, ',');
	}
	csv_field(c, row->outcome, ',');
	csv_field(c, row->why, '\n');
}

void
kv_sweep_csv(const struct kv_sweep *s, struct kv_buf *b)
{
	struct csv c = {.s = s, .b = b};
	size_t i;

	for (i = 0; i < s->ncolumns; i++)
		csv_field(&c, s->columns[i], ',');
	csv_field(&c, "outcome", ',');
	csv_field(&c, "why", '\n');
	walk(s, csv_row, &c);
	kv_buf_fini(&c.cell);
}

/* ---- JSON ------------------------------------------------------------ */

struct json {
	const struct kv_sweep *s;
	struct kv_emit e;
	size_t *order; /* parameters by name, then metrics by name */
};

struct named {
	const char *name;
	size_t column;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    ((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* Columns from first to end - 1, sorted by name. */
static void
sort_columns(struct json *j, size_t first, size_t end)
{
	struct named *list = kv_mem_resize(NULL, end - first, sizeof(*list));
	size_t i;

	for (i = first; i < end; i++)
		list[i - first] = (struct named){j->s->columns[i], i};
	if (end != first)
		qsort(list, end - first, sizeof(*list), by_name);
	for (i = first; i < end; i++)
		j->order[i] = list[i - first].column;
	kv_mem_free(list);
}

static void
json_cells(struct json *j, const char *key, const struct kv_sweep_row *row,
    size_t first, size_t end)
{
	size_t i;

	kv_emit_open(&j->e, key, '{');
	for (i = first; i < end; i++) {
		const struct kv_sweep_cell *cell = &row->cells[j->order[i]];

		kv_emit_value(
		    &j->e, j->s->columns[j->order[i]], &cell->value, cell->hex);
	}
	kv_emit_close(&j->e, '}');
}

static void
json_row(void *arg, const struct kv_sweep_row *row)
{
	struct json *j = arg;

	kv_emit_open(&j->e, NULL, '{');
	json_cells(j, "metrics", row, j->s->naxes, j->s->ncolumns);
	kv_emit_text(&j->e, "outcome", row->outcome);
	json_cells(j, "params", row, 0, j->s->naxes);
	kv_emit_bool(&j->e, "pass", row->passed);
	kv_emit_text(&j->e, "why", row->why);
	kv_emit_close(&j->e, '}');
}

void
kv_sweep_json(const struct kv_sweep *s, struct kv_buf *b)
{
	struct json j = {.s = s};

	j.order = kv_mem_resize(NULL, s->ncolumns, sizeof(*j.order));
	sort_columns(&j, 0, s->naxes);
	sort_columns(&j, s->naxes, s->ncolumns);
	kv_emit_init(&j.e, b, KV_FORM_JSON);
	kv_emit_open(&j.e, NULL, '{');
	kv_emit_uint(&j.e, "failed", s->nfailed);
	kv_emit_text(&j.e, "kvasir", KV_VERSION);
	kv_emit_open(&j.e, "points", '[');
	walk(s, json_row, &j);
	kv_emit_close(&j.e, ']');
	kv_emit_text(&j.e, "scenario", s->name);
	kv_emit_uint(&j.e, "seed", s->cfg->seed);
	kv_emit_close(&j.e, '}');
	kv_mem_free(j.order);
}

/* ---- Columns --------------------------------------------------------- */

struct numbers {
	const struct kv_sweep *s;
	bool *word; /* one a column: some row has no number there */
	struct kv_buf *b;
	struct kv_buf cell;
};

static void
find_words(void *arg, const struct kv_sweep_row *row)
{
	struct numbers *n = arg;
	size_t i;

	for (i = 0; i < n->s->ncolumns; i++)
		if (row->cells[i].value.kind == KV_VALUE_WORD ||
		    row->cells[i].hex)
			n->word[i] = true;
}

static void
numbers_row(void *arg, const struct kv_sweep_row *row)
{
	struct numbers *n = arg;
	const char *blank = "";
	size_t i;

	for (i = 0; i < n->s->ncolumns; i++) {
		if (n->word[i])
			continue;
		print_cell(&n->cell, &row->cells[i], "NaN");
		kv_buf_printf(n->b, "%s%s", blank, n->cell.data);
		blank = " ";
	}
	kv_buf_add(n->b, "\n", 1);
}

void
kv_sweep_columns(const struct kv_sweep *s, struct kv_buf *b)
{
	struct numbers n = {.s = s, .b = b};
	size_t i;

	n.word = kv_mem_resize(NULL, s->ncolumns, sizeof(*n.word));
	for (i = 0; i < s->ncolumns; i++)
		n.word[i] = false;
	walk(s, find_words, &n);
	kv_buf_printf(
	    b, "# sweep: %s, seed %" PRIu64 "\n#", s->name, s->cfg->seed);
	for (i = 0; i < s->ncolumns; i++)
		if (!n.word[i])
			kv_buf_printf(b, " %s", s->columns[i]);
	kv_buf_add(b, "\n", 1);
	walk(s, numbers_row, &n);
	kv_mem_free(n.word);
	kv_buf_fini(&n.cell);
}
