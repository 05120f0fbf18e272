/* SPDX-License-Identifier: BSD-2-Clause */
/* compare.c - two reports, metric by metric */
#include "out/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

/* ---- Tolerances ------------------------------------------------------ */

/* Does a name fit a pattern, in which * is any number of characters? */
static bool
fits(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name != '\0')
		if (*pattern == '*') {
			star = ++pattern;
			resume = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++resume;
		} else {
			return false;
		}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool
kv_tolerance_parse(char *text, struct kv_tolerance *tolerance)
{
	char *equals = strrchr(text, '='), *end;
	struct kv_tolerance t = {.name = text, .kind = KV_WITHIN_ABSOLUTE};
	size_t digits;

	if (equals == NULL || equals == text)
		return false;
	if (strcmp(equals + 1, "any") == 0) {
		t.kind = KV_WITHIN_ANY;
	} else {
		/* No sign, no exponent, no hex, no "inf". */
		digits = strspn(equals + 1, "0123456789.");
		t.limit = strtod(equals + 1, &end);
		if (digits == 0 || end != equals + 1 + digits)
			return false;
		if (strcmp(end, "%") == 0)
			t.kind = KV_WITHIN_PERCENT;
		else if (*end != '\0')
			return false;
	}
	*equals = '\0';
	*tolerance = t;
	return true;
}

static bool
is_within(const struct kv_comparison *c, const struct kv_difference *d)
{
	const struct kv_tolerance *t = NULL;
	double limit;
	size_t i;

	for (i = 0; i < c->ntolerances; i++)
		if (fits(c->tolerances[i].name, d->name))
			t = &c->tolerances[i];
	if (t == NULL)
		return false;
	if (t->kind == KV_WITHIN_ANY)
		return true;
	if (!d->numbers)
		return false;
	limit = t->limit;
	if (t->kind == KV_WITHIN_PERCENT)
		limit *= fabs(strtod(d->a->text, NULL)) / 100;
	/* Ratios have six decimals: what is less is not the metric's. */
	if (strchr(d->a->text, '.') != NULL || strchr(d->b->text, '.') != NULL)
		limit += 0.0000005;
	return fabs(d->difference) <= limit;
}

/* ---- Reports --------------------------------------------------------- */

static int
refuse(const struct kv_compared *side, const struct kv_json *at,
    struct kv_errors *errors, const char *message)
{
	kv_errors_add(errors, side->path, at->line, at->column, "%s", message);
	return EINVAL;
}

/* Metrics are scalars, or objects of scalars. */
static int
check_metrics(const struct kv_compared *side, const struct kv_json *metrics,
    unsigned depth, struct kv_errors *errors)
{
	const struct kv_json *m;

	for (m = metrics->child; m != NULL; m = m->next)
		if (m->kind == KV_JSON_LIST ||
		    (m->kind == KV_JSON_OBJECT && depth != 0))
			return refuse(side, m, errors, "this is no metric");
		else if (m->kind == KV_JSON_OBJECT &&
			 check_metrics(side, m, 1, errors) != 0)
			return EINVAL;
	return 0;
}

int
kv_compared_open(struct kv_compared *side, const struct kv_json *report,
    struct kv_errors *errors)
{
	const struct kv_json *metrics = kv_json_get(report, "metrics");
	const struct kv_json *scenario = kv_json_get(report, "scenario");

	if (kv_json_get(report, "kvasir") == NULL || metrics == NULL ||
	    metrics->kind != KV_JSON_OBJECT)
		return refuse(side, report, errors,
		    "not a report: no \"kvasir\" or no object \"metrics\"");
	if (check_metrics(side, metrics, 0, errors) != 0)
		return EINVAL;
	if (scenario != NULL && scenario->kind == KV_JSON_STRING)
		side->scenario = scenario->text;
	side->metrics = metrics;
	side->outcome = kv_json_get(report, "outcome");
	if (side->group == NULL)
		return 0;
	side->metrics = kv_json_get(metrics, side->group);
	if (side->metrics == NULL || side->metrics->kind != KV_JSON_OBJECT) {
		kv_errors_add(errors, side->path, metrics->line,
		    metrics->column, "no policy or zone \"%s\" in it",
		    side->group);
		return EINVAL;
	}
	return 0;
}

/* ---- Values ---------------------------------------------------------- */

/* An integer of up to 64 bits and its sign. */
static bool
to_integer(const struct kv_json *v, bool *negative, uint64_t *magnitude)
{
	const char *digits;

	if (v->kind != KV_JSON_NUMBER || strpbrk(v->text, ".eE") != NULL)
		return false;
	*negative = v->text[0] == '-';
	digits = v->text + *negative;
	errno = 0;
	*magnitude = strtoull(digits, NULL, 10);
	return errno == 0;
}

/* b - a, exact before it is rounded to a double. */
static double
subtract(const struct kv_json *a, const struct kv_json *b)
{
	bool na, nb;
	uint64_t ma, mb;

	if (!to_integer(a, &na, &ma) || !to_integer(b, &nb, &mb))
		return strtod(b->text, NULL) - strtod(a->text, NULL);
	if (na != nb)
		return (nb ? -1.0 : 1.0) * ((double)ma + (double)mb);
	if (mb >= ma)
		return (nb ? -1.0 : 1.0) * (double)(mb - ma);
	return (nb ? 1.0 : -1.0) * (double)(ma - mb);
}

static bool
is_same(const struct kv_json *a, const struct kv_json *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->text == NULL || strcmp(a->text, b->text) == 0)
		return true;
	return a->kind == KV_JSON_NUMBER && !(subtract(a, b) != 0);
}

/* ---- Comparing ------------------------------------------------------- */

static void
add(struct kv_comparison *c, const char *group, const char *name,
    const struct kv_json *a, const struct kv_json *b)
{
	struct kv_difference d = {.group = group, .name = name, .a = a, .b = b};

	if (a != NULL && b != NULL && is_same(a, b)) {
		c->same++;
		return;
	}
	d.numbers = a != NULL && b != NULL && a->kind == KV_JSON_NUMBER &&
		    b->kind == KV_JSON_NUMBER;
	if (d.numbers)
		d.difference = subtract(a, b);
	d.within = is_within(c, &d);
	c->beyond += !d.within;
	c->list = kv_mem_resize(c->list, c->count + 1, sizeof(*c->list));
	c->list[c->count++] = d;
}

/* All of a group that one side alone has. */
static void
add_alone(struct kv_comparison *c, const struct kv_json *group, bool in_a)
{
	const struct kv_json *m;

	for (m = group->child; m != NULL; m = m->next)
		add(c, group->key, m->key, in_a ? m : NULL, in_a ? NULL : m);
}

/* Reports are sorted, as ours are, but need not be: members are looked for
 * from where the last was found. */
static const struct kv_json *
find(const struct kv_json *object, const struct kv_json **hint, const char *key)
{
	const struct kv_json *m = *hint;

	if (m == NULL || strcmp(m->key, key) != 0)
		m = kv_json_get(object, key);
	if (m != NULL)
		*hint = m->next;
	return m;
}

static void
compare_objects(struct kv_comparison *c, const char *group,
    const struct kv_json *a, const struct kv_json *b)
{
	const struct kv_json *m, *other, *hint = b->child;

	for (m = a->child; m != NULL; m = m->next) {
		other = find(b, &hint, m->key);
		if (m->kind != KV_JSON_OBJECT)
			add(c, group, m->key, m,
			    other != NULL && other->kind == KV_JSON_OBJECT
				? NULL
				: other);
		else if (other != NULL && other->kind == KV_JSON_OBJECT)
			compare_objects(c, m->key, m, other);
		else
			add_alone(c, m, true);
	}
	hint = a->child;
	for (m = b->child; m != NULL; m = m->next) {
		other = find(a, &hint, m->key);
		if (other != NULL && (other->kind == KV_JSON_OBJECT) ==
					 (m->kind == KV_JSON_OBJECT))
			continue; /* both have it: done above */
		if (m->kind == KV_JSON_OBJECT)
			add_alone(c, m, false);
		else
			add(c, group, m->key, NULL, m);
	}
}

void
kv_compare(struct kv_comparison *c)
{
	if (c->a->outcome != NULL || c->b->outcome != NULL)
		add(c, NULL, "outcome", c->a->outcome, c->b->outcome);
	compare_objects(c, NULL, c->a->metrics, c->b->metrics);
}

void
kv_comparison_fini(struct kv_comparison *c)
{
	kv_mem_free(c->list);
	c->list = NULL;
	c->count = 0;
}

/* ---- Text ------------------------------------------------------------ */

static const char *
shown(const struct kv_json *v)
{
	static const char *const words[] = {[KV_JSON_NULL] = "null",
	    [KV_JSON_FALSE] = "false",
	    [KV_JSON_TRUE] = "true"};

	if (v == NULL)
		return "-";
	return v->text != NULL ? v->text : words[v->kind];
}

static void
text_side(struct kv_buf *b, char letter, const struct kv_compared *side)
{
	kv_buf_printf(b, "%c  %s", letter, side->path);
	if (side->scenario != NULL)
		kv_buf_printf(b, ", %s", side->scenario);
	if (side->group != NULL)
		kv_buf_printf(b, ", %s", side->group);
	kv_buf_add(b, "\n", 1);
}

/* A pattern may be long: what is cut is in the reports. */
static void
text_difference(struct kv_buf *b, const struct kv_difference *d)
{
	double a;

	kv_buf_printf(
	    b, "  %-32s %16.40s %16.40s", d->name, shown(d->a), shown(d->b));
	if (d->numbers) {
		a = strtod(d->a->text, NULL);
		kv_buf_printf(b, " %+14.10g", d->difference);
		if (a != 0)
			kv_buf_printf(
			    b, " %+9.2f %%", 100 * d->difference / fabs(a));
		else
			kv_buf_printf(b, " %11s", "");
	} else {
		kv_buf_printf(b, " %14s %11s", "", "");
	}
	kv_buf_printf(b, "  %s\n", d->within ? "within" : "BEYOND");
}

void
kv_comparison_text(const struct kv_comparison *c, struct kv_buf *b)
{
	const char *group = NULL;
	size_t i;

	text_side(b, 'A', c->a);
	text_side(b, 'B', c->b);
	if (c->count != 0)
		kv_buf_printf(b, "\n  %-32s %16s %16s %14s %11s\n", "metric",
		    "A", "B", "B - A", "");
	for (i = 0; i < c->count; i++) {
		const struct kv_difference *d = &c->list[i];

		if (d->group != NULL &&
		    (group == NULL || strcmp(group, d->group) != 0))
			kv_buf_printf(b, "%s\n", d->group);
		group = d->group;
		text_difference(b, d);
	}
	kv_buf_printf(b,
	    "\n%zu the same, %zu within the tolerances, %zu beyond them\n",
	    c->same, c->count - c->beyond, c->beyond);
}

/* ---- JSON ------------------------------------------------------------ */

static void
json_side(struct kv_emit *e, const char *key, const struct kv_compared *side)
{
	kv_emit_open(e, key, '{');
	if (side->group != NULL)
		kv_emit_text(e, "of", side->group);
	kv_emit_text(e, "report", side->path);
	if (side->scenario != NULL)
		kv_emit_text(e, "scenario", side->scenario);
	kv_emit_close(e, '}');
}

/* As it stands in the report. */
static void
json_value(struct kv_emit *e, const char *key, const struct kv_json *v)
{
	bool negative;
	uint64_t magnitude;

	if (v == NULL || v->kind == KV_JSON_NULL)
		kv_emit_none(e, key);
	else if (v->kind == KV_JSON_STRING)
		kv_emit_text(e, key, v->text);
	else if (v->kind != KV_JSON_NUMBER)
		kv_emit_bool(e, key, v->kind == KV_JSON_TRUE);
	else if (!to_integer(v, &negative, &magnitude))
		kv_emit_ratio(e, key, strtod(v->text, NULL));
	else if (!negative)
		kv_emit_uint(e, key, magnitude);
	else
		kv_emit_int(e, key, (int64_t)(0 - magnitude));
}

void
kv_comparison_json(const struct kv_comparison *c, struct kv_buf *b)
{
	struct kv_emit e;
	size_t i;

	kv_emit_init(&e, b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	json_side(&e, "a", c->a);
	json_side(&e, "b", c->b);
	kv_emit_uint(&e, "beyond", c->beyond);
	kv_emit_open(&e, "differences", '[');
	for (i = 0; i < c->count; i++) {
		const struct kv_difference *d = &c->list[i];

		kv_emit_open(&e, NULL, '{');
		json_value(&e, "a", d->a);
		json_value(&e, "b", d->b);
		kv_emit_text(&e, "metric", d->name);
		if (d->group != NULL)
			kv_emit_text(&e, "of", d->group);
		kv_emit_bool(&e, "within", d->within);
		kv_emit_close(&e, '}');
	}
	kv_emit_close(&e, ']');
	kv_emit_text(&e, "kvasir", KV_VERSION);
	kv_emit_text(&e, "outcome", c->beyond == 0 ? "ok" : "failed");
	kv_emit_uint(&e, "same", c->same);
	kv_emit_close(&e, '}');
}
