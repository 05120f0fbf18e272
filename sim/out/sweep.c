/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep.c - a scenario at every combination of its parameters' values */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "in/attribute.h"
#include "out/files.h"
#include "out/format.h"
#include "out/mem.h"
#include "out/sweep_parts.h"
#include "run/runner.h"

/* ---- Points ---------------------------------------------------------- */

static bool
is_fixed(const struct kv_sweep_config *cfg, const char *name)
{
	size_t i;

	for (i = 0; i < cfg->ndefines; i++)
		if (strcmp(cfg->defines[i].name, name) == 0)
			return true;
	return false;
}

/* => 0; EINVAL: too many, noted */
static int
count_points(struct kv_sweep *s, struct kv_errors *errors)
{
	size_t i;

	s->axes = kv_scenario_axes(s->file, &s->naxes);
	s->counts = kv_mem_resize(NULL, s->naxes, sizeof(*s->counts));
	s->npoints = 1;
	for (i = 0; i < s->naxes; i++) {
		s->counts[i] =
		    is_fixed(s->cfg, s->axes[i].name) ? 1 : s->axes[i].nvalues;
		if (s->counts[i] > KV_SWEEP_POINTS_MAX / s->npoints) {
			kv_errors_add(errors, "sweep", 0, 0,
			    "more than %d points; -D NAME=VALUE fixes one of "
			    "the parameters",
			    KV_SWEEP_POINTS_MAX);
			return EINVAL;
		}
		s->npoints *= s->counts[i];
	}
	return 0;
}

/* One value an axis; owned. */
static const struct kv_node **
values_of(const struct kv_sweep *s, size_t point)
{
	const struct kv_node **values =
	    kv_mem_resize(NULL, s->naxes, sizeof(const struct kv_node *));
	size_t i;

	for (i = s->naxes; i-- != 0; point /= s->counts[i])
		values[i] = s->axes[i].values[point % s->counts[i]];
	return values;
}

static int
read_point(const struct kv_sweep *s, const struct kv_node **values,
    struct kv_scenario **sc, struct kv_errors *errors)
{
	return kv_scenario_read(
	    s->file, values, s->cfg->defines, s->cfg->ndefines, sc, errors);
}

/* ---- Columns --------------------------------------------------------- */

static bool
is_column(const struct kv_sweep *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->ncolumns; i++)
		if (strcmp(s->columns[i], name) == 0)
			return true;
	return false;
}

/* A name that is there already stays where it is. */
static void
add_column(struct kv_sweep *s, const char *name)
{
	if (is_column(s, name))
		return;
	s->columns =
	    kv_mem_resize(s->columns, s->ncolumns + 1, sizeof(*s->columns));
	s->columns[s->ncolumns++] = kv_mem_text(name);
}

struct columns {
	struct kv_sweep *s;
	const struct kv_machine *machine;
};

static int
add_expected(void *arg, const char *name, const struct kv_place *place)
{
	struct columns *c = arg;

	(void)place;
	if (!kv_attribute_of_machine(c->machine, name, NULL))
		add_column(c->s, name);
	return 0;
}

/* => 0; EINVAL, noted: there is no metric of that name */
static int
add_asked(struct kv_sweep *s, const struct kv_scenario *sc, const char *name,
    struct kv_errors *errors)
{
	const struct kv_metric_decl *table;
	const char **names;
	size_t n, i;

	if (is_column(s, name) || kv_metric_declared(name) != NULL) {
		add_column(s, name);
		return 0;
	}
	table = kv_metric_table(&n);
	names = kv_mem_resize(NULL, n + sc->nmetrics, sizeof(*names));
	for (i = 0; i < n; i++)
		names[i] = table[i].name;
	for (i = 0; i < sc->nmetrics; i++)
		names[n + i] = sc->metrics[i].text;
	kv_errors_unknown(
	    errors, "--metric", 0, 0, "metric", name, names, n + sc->nmetrics);
	kv_mem_free(names);
	return EINVAL;
}

/* What the scenario defines, what it expects something of, what was asked
 * for.  => 0; EINVAL, noted */
static int
add_metrics(
    struct kv_sweep *s, const struct kv_scenario *sc, struct kv_errors *errors)
{
	struct columns c = {s, sc->machine};
	int error = 0;
	size_t i;

	for (i = 0; i < sc->nmetrics; i++)
		add_column(s, sc->metrics[i].text);
	for (i = 0; i < sc->nexpect; i++)
		if (sc->expect[i].expr != NULL)
			kv_expr_walk_names(
			    sc->expect[i].expr, add_expected, &c);
	for (i = 0; i < s->cfg->nmetrics; i++)
		if (add_asked(s, sc, s->cfg->metrics[i], errors) != 0)
			error = EINVAL;
	return error;
}

/* The first point that can be read says what there is to show.
 * => 0; EINVAL: none can, and why is noted for the first point */
static int
find_columns(struct kv_sweep *s, struct kv_errors *errors)
{
	struct kv_errors unsaid = {0};
	struct kv_scenario *sc = NULL;
	size_t point, i;
	int error = EINVAL;

	for (i = 0; i < s->naxes; i++)
		add_column(s, s->axes[i].name);
	for (point = 0; point < s->npoints && error != 0; point++) {
		const struct kv_node **values = values_of(s, point);

		error =
		    read_point(s, values, &sc, point == 0 ? errors : &unsaid);
		kv_mem_free(values);
		kv_errors_fini(&unsaid);
	}
	if (error != 0)
		return error;
	/* What the first point says stands in its row. */
	kv_errors_fini(errors);
	s->name = kv_mem_text(sc->name);
	s->title = sc->title == NULL ? NULL : kv_mem_text(sc->title);
	error = add_metrics(s, sc, errors);
	kv_scenario_free(sc);
	return error;
}

/* ---- Rows ------------------------------------------------------------ */

static void
put_text(struct kv_buf *row, const char *text)
{
	kv_buf_add(row, text, strlen(text) + 1);
}

static void
put_cell(struct kv_buf *row, const struct kv_value *v, bool hex)
{
	const char head[2] = {(char)v->kind, (char)hex};

	kv_buf_add(row, head, sizeof(head));
	if (v->kind == KV_VALUE_WORD)
		put_text(row, v->w);
	else if (v->kind != KV_VALUE_NONE)
		kv_buf_add(row, (const char *)&v->u, sizeof(v->u));
}

static const char *
get_text(const char **data)
{
	const char *text = *data;

	*data += strlen(text) + 1;
	return text;
}

static struct kv_sweep_cell
get_cell(const char **data)
{
	struct kv_sweep_cell cell = {
	    .value = {.kind = (enum kv_value_kind) * *data},
	    .hex = (*data)[1] != 0};

	*data += 2;
	if (cell.value.kind == KV_VALUE_WORD) {
		cell.value.w = get_text(data);
	} else if (cell.value.kind != KV_VALUE_NONE) {
		memcpy(&cell.value.u, *data, sizeof(cell.value.u));
		*data += sizeof(cell.value.u);
	}
	return cell;
}

void
kv_sweep_row_read(
    const struct kv_sweep *s, const char *data, struct kv_sweep_row *row)
{
	size_t i;

	row->passed = *data++ != 0;
	row->refused = *data++ != 0;
	row->outcome = get_text(&data);
	row->why = get_text(&data);
	for (i = 0; i < s->ncolumns; i++)
		row->cells[i] = get_cell(&data);
}

static const struct kv_value no_value = {.kind = KV_VALUE_NONE};

static int
by_name(const void *name, const void *param)
{
	return strcmp(name, ((const struct kv_param *)param)->name);
}

static void
put_params(
    const struct kv_sweep *s, const struct kv_scenario *sc, struct kv_buf *row)
{
	size_t i;

	for (i = 0; i < s->naxes; i++) {
		const struct kv_param *p =
		    sc->nparams == 0 ? NULL
				     : bsearch(s->axes[i].name, sc->params,
					   sc->nparams, sizeof(*p), by_name);

		put_cell(row, p == NULL ? &no_value : &p->value, false);
	}
}

static void
put_metrics(const struct kv_sweep *s, struct kv_run *run, struct kv_buf *row)
{
	size_t i;

	for (i = s->naxes; i < s->ncolumns; i++) {
		const struct kv_metric *x =
		    run == NULL ? NULL
				: kv_metrics_find(&run->metrics, s->columns[i]);
		struct kv_value v = no_value;

		if (x != NULL)
			kv_run_lookup(run, s->columns[i], &v);
		put_cell(row, &v, x != NULL && x->kind == KV_METRIC_HEX);
	}
}

static void
put_outcome(struct kv_buf *row, bool passed, bool refused, const char *outcome,
    const char *why)
{
	const char head[2] = {(char)passed, (char)refused};

	kv_buf_add(row, head, sizeof(head));
	put_text(row, outcome);
	put_text(row, why);
}

/* What a reader wants to know first: the violation, or the expectation. */
static void
put_failure(struct kv_buf *why, const struct kv_run *run)
{
	char value[48];
	size_t i;

	for (i = 0; i < run->nviolations; i++)
		if (!run->violations[i].expected) {
			kv_buf_printf(why, "%s %s", run->violations[i].id,
			    run->violations[i].text);
			return;
		}
	for (i = 0; i < run->sc->nexpect; i++) {
		const struct kv_judgement *j = &run->judged[i];

		if (j->ok)
			continue;
		kv_buf_printf(why, "%s", j->text);
		if (run->sc->expect[i].expr != NULL) {
			kv_format_value(
			    value, sizeof(value), &j->value, j->hex);
			kv_buf_printf(why, " (it is %s)", value);
		}
		return;
	}
}

static void
put_run(const struct kv_sweep *s, struct kv_run *run, struct kv_buf *row)
{
	struct kv_buf why = {0};
	bool passed;

	kv_run_drain(run);
	passed = kv_run_passed(run);
	kv_buf_add(&why, "", 0);
	if (!passed)
		put_failure(&why, run);
	put_outcome(
	    row, passed, false, kv_outcome_name(run->outcome), why.data);
	kv_buf_fini(&why);
	put_params(s, run->sc, row);
	put_metrics(s, run, row);
}

/* The error that stands first; of its path, the name. */
static const char *
first_error(const struct kv_errors *errors, const char *path)
{
	const struct kv_error *first = NULL, *e;
	size_t i;

	for (i = 0; i < errors->count; i++) {
		e = &errors->list[i];
		if (first == NULL || e->line < first->line ||
		    (e->line == first->line && e->column < first->column))
			first = e;
	}
	if (first == NULL)
		return "refused";
	if (strncmp(first->text, path, strlen(path)) != 0)
		return first->text;
	return first->text + (kv_files_name(path) - path);
}

/* ---- One point ------------------------------------------------------- */

/* => 0 and an owned run; EINVAL, noted */
static int
execute(const struct kv_sweep *s, const struct kv_scenario *sc,
    struct kv_verifier *verifier, struct kv_run **run, struct kv_errors *errors)
{
	const struct kv_run_config cfg = {.seed = s->cfg->seed,
	    .audit = s->cfg->audit,
	    .verifier = verifier,
	    .verify = kv_plants_in_machine(&sc->plants),
	    .nested = true};

	return kv_run_execute(sc, &cfg, run, errors);
}

static void
run_point(const struct kv_sweep *s, const struct kv_scenario *sc,
    struct kv_buf *row, struct kv_errors *errors)
{
	const struct kv_verify_config cfg = {.seed = s->cfg->seed,
	    .twin = kv_verify_model,
	    .plants = sc->plants};
	struct kv_verifier *verifier = NULL;
	struct kv_run *run = NULL;

	if (sc->verifies || kv_plants_in_machine(&sc->plants))
		kv_verifier_create(&cfg, &verifier);
	if (execute(s, sc, verifier, &run, errors) == 0)
		put_run(s, run, row);
	kv_run_free(run);
	kv_verifier_destroy(verifier);
}

static void
put_refused(const struct kv_sweep *s, const struct kv_node **values,
    struct kv_buf *row, const struct kv_errors *errors)
{
	struct kv_scenario *sc = kv_scenario_read_params(
	    s->file, values, s->cfg->defines, s->cfg->ndefines);

	put_outcome(
	    row, false, true, "refused", first_error(errors, sc->text.path));
	put_params(s, sc, row);
	put_metrics(s, NULL, row);
	kv_scenario_free(sc);
}

void
kv_sweep_point(const struct kv_sweep *s, size_t point, struct kv_buf *row,
    struct kv_errors *errors)
{
	const struct kv_node **values = values_of(s, point);
	struct kv_errors own = {0};
	struct kv_scenario *sc = NULL;

	if (errors == NULL)
		errors = &own;
	if (read_point(s, values, &sc, errors) == 0)
		run_point(s, sc, row, errors);
	if (row->size == 0)
		put_refused(s, values, row, errors);
	kv_errors_fini(&own);
	kv_scenario_free(sc);
	kv_mem_free(values);
}

/* ---- All points ------------------------------------------------------ */

static int
run_all(struct kv_sweep *s, struct kv_errors *errors)
{
	struct kv_buf row = {0};
	int error = kv_sweep_points(s);

	if (error != 0 || s->nrefused != s->npoints)
		return error;
	/* None ran: say what run would. */
	kv_sweep_point(s, 0, &row, errors);
	kv_buf_fini(&row);
	return EINVAL;
}

int
kv_sweep_run(struct kv_scenario_file *file, const struct kv_sweep_config *cfg,
    struct kv_sweep **result, struct kv_errors *errors)
{
	struct kv_sweep *s = kv_mem_resize(NULL, 1, sizeof(*s));
	int error;

	*s = (struct kv_sweep){.file = file, .cfg = cfg};
	error =
	    kv_scenario_check_params(file, cfg->defines, cfg->ndefines, errors);
	if (error == 0)
		error = count_points(s, errors);
	if (error == 0)
		error = find_columns(s, errors);
	if (error == 0)
		error = run_all(s, errors);
	if (error == 0)
		*result = s;
	else
		kv_sweep_free(s);
	return error;
}

void
kv_sweep_free(struct kv_sweep *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->npoints && s->rows != NULL; i++)
		kv_mem_free(s->rows[i]);
	for (i = 0; i < s->ncolumns; i++)
		kv_mem_free(s->columns[i]);
	kv_mem_free(s->rows);
	kv_mem_free(s->columns);
	kv_mem_free(s->counts);
	kv_mem_free(s->name);
	kv_mem_free(s->title);
	kv_mem_free(s);
}

bool
kv_sweep_passed(const struct kv_sweep *s)
{
	return s->nfailed == 0;
}
