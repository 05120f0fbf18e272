/* SPDX-License-Identifier: BSD-2-Clause */
/* section_formulas.c - the sections metrics, sample, check and expect */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "in/lex.h"
#include "in/sections.h"
#include "out/mem.h"
#include "out/metrics.h"

/* ---- Names ----------------------------------------------------------- */

/* Names that a formula may use: parameters, metrics declared above it, and
 * the metrics of every run. */
struct known {
	struct kv_load *ld;
	struct kv_names metrics; /* of the scenario, so far */
	const char **hints;	 /* all of them; owned */
	size_t nhints;
};

/* What NAME may stand for in a metric: "block.NAME.va" names a block. */
static const struct kv_names *
names_of(const struct kv_load *ld, const char *metric)
{
	const struct {
		const char *prefix;
		const struct kv_names *names;
	} rows[] = {{"block.", &ld->blocks}, {"space.", &ld->spaces},
	    {"tlb.", &ld->tlb_arrays}, {"actor.", &ld->actors},
	    {"pool.", &ld->pools}, {"repeat.", &ld->loops},
	    {"verify.", &ld->points}, {"host.", &ld->points},
	    {"layout.", &ld->regions}, {"image.", &ld->segments},
	    {"load.", &ld->segments}};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(metric, rows[i].prefix, strlen(rows[i].prefix)) ==
		    0)
			return rows[i].names;
	return &ld->arenas;
}

/* Does the middle of "vmem.NAME.size" or "block.NAME.va" exist here? */
static bool
is_there(const struct kv_load *ld, const char *name)
{
	const char *start = strchr(name, '.') + 1, *end = strrchr(name, '.');
	char middle[64];
	size_t length = (size_t)(end - start), i;

	if (end < start || length >= sizeof(middle))
		return false;
	memcpy(middle, start, length);
	middle[length] = '\0';
	return kv_names_find(names_of(ld, name), middle, &i) ||
	       (names_of(ld, name) == &ld->arenas &&
		   kv_is_kstack_arena(ld->sc, middle));
}

/* "pool.end", "against.pool.end" of a region, be it there or not. */
static bool
is_region_attribute(const struct kv_load *ld, const char *name)
{
	const char *dot = strrchr(name, '.');
	char middle[64];
	size_t i;

	if (!kv_is_region_attribute(name))
		return false;
	if (strncmp(name, "against.", 8) == 0 && ld->sc->against != NULL)
		name += 8;
	if ((size_t)(dot - name) >= sizeof(middle))
		return false;
	memcpy(middle, name, (size_t)(dot - name));
	middle[dot - name] = '\0';
	return kv_names_find(&ld->regions, middle, &i);
}

static bool
is_known(const struct known *k, const char *name)
{
	const struct kv_metric_decl *decl;
	size_t i;

	if (kv_params_find(&k->ld->params, name) != NULL ||
	    kv_names_find(&k->metrics, name, &i) ||
	    kv_attribute_of_machine(k->ld->sc->machine, name, NULL) ||
	    is_region_attribute(k->ld, name))
		return true;
	decl = kv_metric_declared(name);
	if (decl == NULL)
		return false;
	return strstr(decl->name, "NAME") == NULL || is_there(k->ld, name);
}

static void
hint_add(struct known *k, const char *name)
{
	k->hints = kv_mem_resize(k->hints, k->nhints + 1, sizeof(*k->hints));
	k->hints[k->nhints++] = name;
}

/* vmem.NAME.size of each arena, block.NAME.va of each block. */
static void
hint_pattern(struct known *k, const char *pattern)
{
	const struct kv_load *ld = k->ld;
	const struct kv_names *names = names_of(ld, pattern);
	const char *hole = strstr(pattern, "NAME");
	size_t size, i;
	char *text;

	for (i = 0; i < names->count && i < 100; i++) {
		size = strlen(pattern) + strlen(names->list[i]) + 1;
		text = kv_pool_alloc(&k->ld->sc->pool, size);
		memcpy(text, pattern, (size_t)(hole - pattern));
		strcat(text, names->list[i]);
		strcat(text, hole + strlen("NAME"));
		hint_add(k, text);
	}
}

static void
hints_collect(struct known *k)
{
	const struct kv_metric_decl *table;
	const char *const *attributes;
	size_t count, i;

	k->nhints = 0;
	attributes = kv_attribute_names(&count);
	for (i = 0; i < count; i++)
		hint_add(k, attributes[i]);
	for (i = 0; i < k->ld->params.names.count; i++)
		hint_add(k, k->ld->params.names.list[i]);
	for (i = 0; i < k->metrics.count; i++)
		hint_add(k, k->metrics.list[i]);
	table = kv_metric_table(&count);
	for (i = 0; i < count; i++)
		if (strstr(table[i].name, "NAME") != NULL)
			hint_pattern(k, table[i].name);
		else
			hint_add(k, table[i].name);
}

static int
check_name(void *arg, const char *name, const struct kv_place *place)
{
	struct known *k = arg;
	struct kv_errors *errors = k->ld->errors;

	if (is_known(k, name))
		return 0;
	if (k->nhints == 0)
		hints_collect(k);
	kv_errors_unknown(errors, place->path, place->line, place->column,
	    "name", name, k->hints, k->nhints);
	return 0;
}

static void
known_fini(struct known *k)
{
	kv_names_fini(&k->metrics);
	kv_mem_free(k->hints);
}

/* ---- Formulas -------------------------------------------------------- */

/* Fill in the expression of *f from a scalar.  => 0, EINVAL */
static int
compile(struct known *k, const struct kv_node *node, struct kv_formula *f)
{
	struct kv_load *ld = k->ld;
	struct kv_source source;

	if (node->kind == KV_NODE_BAD)
		return EINVAL;
	if (node->kind != KV_NODE_SCALAR)
		return kv_load_refuse(ld, node, "an expression is needed here");
	source = kv_source_of(node, ld->sc->text.path);
	f->place = source.place;
	if (kv_source_compile(&source, true, &f->expr, ld->errors) != 0)
		return EINVAL;
	return kv_expr_walk_names(f->expr, check_name, k);
}

static void
append(struct kv_formula **list, size_t *count, const struct kv_formula *f)
{
	*list = kv_mem_resize(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = *f;
}

/* => false: noted */
static bool
check_metric_name(struct known *k, const struct kv_node *key)
{
	struct kv_load *ld = k->ld;
	struct kv_lexer lx;
	struct kv_token name, end;
	size_t i;

	if (key->kind != KV_NODE_SCALAR)
		return false;
	kv_lexer_init(&lx, key->text, strlen(key->text), 1, 1);
	kv_lexer_next(&lx, &name);
	kv_lexer_next(&lx, &end);
	if (name.kind != KV_TOKEN_NAME || end.kind != KV_TOKEN_END)
		kv_load_refuse(ld, key,
		    "'%.40s' cannot name a metric (letters, digits, _ and .)",
		    key->text);
	else if (kv_params_find(&ld->params, key->text) != NULL)
		kv_load_refuse(
		    ld, key, "'%.48s' is a parameter already", key->text);
	else if (kv_metric_declared(key->text) != NULL ||
		 kv_attribute_of_machine(ld->sc->machine, key->text, NULL))
		kv_load_refuse(ld, key,
		    "'%.48s' is a metric of every run already", key->text);
	else if (kv_names_find(&k->metrics, key->text, &i))
		kv_load_refuse(
		    ld, key, "metric '%.48s' stands here twice", key->text);
	else
		return true;
	return false;
}

/* Leaves the names in *k for expect. */
static void
read_metrics(struct known *k, const struct kv_node *node)
{
	struct kv_scenario *sc = k->ld->sc;
	const struct kv_node *key;
	size_t i;

	if (node == NULL || node->kind == KV_NODE_BAD)
		return;
	if (node->kind != KV_NODE_MAP) {
		kv_load_refuse(
		    k->ld, node, "'metrics' needs a map: {name: expression}");
		return;
	}
	for (key = node->child; key != NULL; key = key->next->next) {
		struct kv_formula f = {.text = key->text};

		if (!check_metric_name(k, key))
			continue;
		compile(k, key->next, &f);
		append(&sc->metrics, &sc->nmetrics, &f);
		kv_names_add(&k->metrics, key->text, &i);
		k->nhints = 0; /* there is one more */
	}
}

/* ---- Checks ---------------------------------------------------------- */

/* "elfuse-E1": a word, a letter, a number; or "V9". */
static bool
is_id(const char *text)
{
	const char *dash = strrchr(text, '-'), *number;
	size_t word = dash == NULL ? 0 : (size_t)(dash - text);

	if (dash == NULL)
		return strcmp(text, "V9") == 0;
	if (!kv_is_name(text, word) || dash[1] < 'A' || dash[1] > 'Z' ||
	    strlen(text) >= 32)
		return false;
	number = dash + 2;
	return *number != '\0' && number[strspn(number, "0123456789")] == '\0';
}

static bool is_invariant(const char *id);

/* `- EXPRESSION`, or `- ID: EXPRESSION`. */
static void
read_check(struct known *k, const struct kv_node *item)
{
	struct kv_scenario *sc = k->ld->sc;
	const struct kv_node *key = item->child;
	struct kv_formula f = {.text = item->text, .violation = "V9"};

	if (item->kind == KV_NODE_MAP) {
		if (key == NULL || key->kind != KV_NODE_SCALAR ||
		    key->next->next != NULL) {
			kv_load_refuse(k->ld, item,
			    "a check is an expression, or one under its id: "
			    "{ID: expression}");
			return;
		}
		if (!is_id(key->text)) {
			kv_load_refuse(k->ld, key,
			    "'%.40s' is no id of an invariant: a word, '-', a "
			    "letter and a number, as in zoo-I4",
			    key->text);
			return;
		}
		if (strcmp(key->text, "V9") != 0 && is_invariant(key->text)) {
			kv_load_refuse(k->ld, key,
			    "'%s' is an invariant of every run already",
			    key->text);
			return;
		}
		f.violation = key->text;
		item = key->next;
		f.text = item->text;
	}
	if (compile(k, item, &f) == 0 || f.expr != NULL)
		append(&sc->checks, &sc->nchecks, &f);
}

/* ---- Expectations ---------------------------------------------------- */

/* "vmem-I4" of each invariant that is checked. */
static const char *const invariants[] = {
#define X(id, about) id,
#include "run/invariants.def"
#undef X
};
enum { INVARIANTS = sizeof(invariants) / sizeof(invariants[0]) };

static bool
is_invariant(const char *id)
{
	size_t i;

	for (i = 0; i < INVARIANTS; i++)
		if (strcmp(invariants[i], id) == 0)
			return true;
	return false;
}

/* => the id that the token is, or NULL, noted at the node */
static const char *
find_invariant(
    struct kv_load *ld, const struct kv_node *node, const struct kv_token *t)
{
	const struct kv_scenario *sc = ld->sc;
	const char *id = kv_pool_text(&ld->sc->pool, t->text, t->length);
	const char **hints;
	size_t i;

	if (is_invariant(id))
		return id;
	for (i = 0; i < sc->nchecks; i++)
		if (strcmp(sc->checks[i].violation, id) == 0)
			return id;
	hints = kv_mem_resize(NULL, INVARIANTS + sc->nchecks, sizeof(*hints));
	memcpy(hints, invariants, sizeof(invariants));
	for (i = 0; i < sc->nchecks; i++)
		hints[INVARIANTS + i] = sc->checks[i].violation;
	kv_errors_unknown(ld->errors, sc->text.path, node->line,
	    node->one_line ? t->column : node->column, "invariant", id, hints,
	    INVARIANTS + sc->nchecks);
	kv_mem_free(hints);
	return NULL;
}

/* violation("ID") == CONDITION, which parameters decide: is it to be?
 * from: behind the sign */
static void
read_condition(struct kv_load *ld, const struct kv_node *node,
    const struct kv_token *sign, struct kv_formula *f)
{
	struct kv_source source = kv_source_of(node, ld->sc->text.path);
	struct kv_value v;

	source.text = sign->text + sign->length;
	source.place.column =
	    node->one_line ? sign->column + (unsigned)sign->length : 1;
	if (kv_params_eval(&ld->params, &source, true, &v) != 0)
		return;
	if (v.kind == KV_VALUE_WORD)
		kv_load_refuse(ld, node,
		    "'%.40s' is a word; a comparison is needed behind "
		    "violation(...) ==",
		    v.w);
	else
		f->absent = !kv_value_true(&v);
}

/* violation("ID")?  => false: it is something else; no ID in *f: noted */
static bool
read_violation(
    struct kv_load *ld, const struct kv_node *node, struct kv_formula *f)
{
	struct kv_token t[5];
	struct kv_lexer lx;
	bool equals;
	size_t i;

	kv_lexer_init(
	    &lx, node->text, strlen(node->text), node->line, node->text_column);
	for (i = 0; i < 5; i++)
		kv_lexer_next(&lx, &t[i]);
	if (t[0].kind != KV_TOKEN_NAME || t[0].length != 9 ||
	    memcmp(t[0].text, "violation", 9) != 0)
		return false;
	equals = t[4].kind == KV_TOKEN_SIGN && t[4].sign == KV_SIGN2('=', '=');
	if (t[1].kind == KV_TOKEN_SIGN && t[1].sign == '(' &&
	    t[2].kind == KV_TOKEN_STRING && t[3].kind == KV_TOKEN_SIGN &&
	    t[3].sign == ')' && (equals || t[4].kind == KV_TOKEN_END))
		f->violation = find_invariant(ld, node, &t[2]);
	else
		kv_load_refuse(ld, node,
		    "a violation stands alone and names its invariant: "
		    "violation(\"vmem-I4\")");
	if (f->violation != NULL && equals)
		read_condition(ld, node, &t[4], f);
	return true;
}

static void
read_expect(struct known *k, const struct kv_node *list)
{
	struct kv_scenario *sc = k->ld->sc;
	const struct kv_node *item;

	for (item = list->child; item != NULL && !kv_errors_full(k->ld->errors);
	     item = item->next) {
		struct kv_formula f = {.text = item->text,
		    .place = {sc->text.path, item->line, item->column}};

		if (item->kind != KV_NODE_SCALAR ||
		    !read_violation(k->ld, item, &f))
			compile(k, item, &f);
		append(&sc->expect, &sc->nexpect, &f);
	}
}

/* ---- Samples --------------------------------------------------------- */

/* Files of a report, whose names a series must leave alone. */
static const char *const taken[] = {"contiguity", "free_blocks", "free_map",
    "occupancy", "histogram", "pindex", "pressure", "runs", "series"};

struct sample_fields {
	uint64_t every;
	const struct kv_node *of;
};

static const struct kv_field sample_fields[] = {
    {.key = "every",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct sample_fields, every),
	.min = 1},
    {.key = "of",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct sample_fields, of),
	.required = true}};
enum { SAMPLE_FIELDS = sizeof(sample_fields) / sizeof(sample_fields[0]) };

static bool
is_plain(const char *name)
{
	size_t length = strlen(name);

	return length != 0 && length <= 40 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static bool
check_series_name(struct known *k, const struct kv_node *key)
{
	struct kv_load *ld = k->ld;
	size_t i;

	if (key->kind != KV_NODE_SCALAR)
		return false;
	if (!is_plain(key->text)) {
		kv_load_refuse(ld, key,
		    "'%.40s' cannot name a series (a-z, 0-9 and _, up to 40)",
		    key->text);
		return false;
	}
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(taken[i], key->text) == 0) {
			kv_load_refuse(ld, key,
			    "'%s' is a file of every report already",
			    key->text);
			return false;
		}
	for (i = 0; i < ld->sc->nsamples; i++)
		if (strcmp(ld->sc->samples[i].name, key->text) == 0) {
			kv_load_refuse(ld, key, "series '%s' stands here twice",
			    key->text);
			return false;
		}
	return true;
}

/* "phys.blocks.*": is any metric of that kind declared? */
static bool
is_known_prefix(const char *name)
{
	size_t length = strlen(name), count, i;
	const struct kv_metric_decl *table = kv_metric_table(&count);

	if (length < 3 || strcmp(name + length - 2, ".*") != 0)
		return false;
	for (i = 0; i < count; i++)
		if (strncmp(table[i].name, name, length - 1) == 0)
			return true;
	return false;
}

/* What does not become a column: words and hashes. */
static bool
is_figure(const char *name)
{
	const struct kv_metric_decl *decl = kv_metric_declared(name);

	return decl == NULL ||
	       (decl->kind != KV_METRIC_TEXT && decl->kind != KV_METRIC_HEX);
}

static void
read_of(struct known *k, const struct kv_node *list, struct kv_sample_spec *s)
{
	struct kv_load *ld = k->ld;
	const struct kv_node *item;

	if (kv_load_list(ld, list, "of") == NULL)
		return;
	if (list->child == NULL)
		kv_load_refuse(ld, list, "at least one metric is needed");
	for (item = list->child; item != NULL; item = item->next) {
		struct kv_place place = kv_load_place(ld, item);

		if (item->kind != KV_NODE_SCALAR) {
			kv_load_refuse(ld, item, "the name of a metric");
			continue;
		}
		if (!is_known_prefix(item->text))
			check_name(k, item->text, &place);
		if (!is_figure(item->text))
			kv_load_refuse(ld, item,
			    "'%.48s' is no number to sample", item->text);
		s->of = kv_mem_resize(s->of, s->nof + 1, sizeof(*s->of));
		s->of[s->nof++] = item->text;
	}
}

static void
read_samples(struct known *k, const struct kv_node *node)
{
	struct kv_scenario *sc = k->ld->sc;
	const struct kv_node *key;

	if (node == NULL || node->kind == KV_NODE_BAD)
		return;
	if (node->kind != KV_NODE_MAP) {
		kv_load_refuse(k->ld, node,
		    "'sample' needs a map: {name: {of: [metric]}}");
		return;
	}
	for (key = node->child; key != NULL; key = key->next->next) {
		struct sample_fields f = {0};
		struct kv_sample_spec s = {.name = key->text,
		    .place = {sc->text.path, key->line, key->column}};

		if (!check_series_name(k, key) ||
		    kv_fields_read(k->ld, key->next, "series", "key",
			sample_fields, SAMPLE_FIELDS, &f) != 0)
			continue;
		s.every = f.every;
		read_of(k, f.of, &s);
		sc->samples = kv_mem_resize(
		    sc->samples, sc->nsamples + 1, sizeof(*sc->samples));
		sc->samples[sc->nsamples++] = s;
	}
}

void
kv_section_formulas(struct kv_load *ld, const struct kv_node *metrics,
    const struct kv_node *sample, const struct kv_node *check,
    const struct kv_node *expect)
{
	const struct kv_node *item;
	struct known k = {.ld = ld};

	read_metrics(&k, metrics);
	read_samples(&k, sample);
	if (check != NULL && kv_load_list(ld, check, "check") != NULL)
		for (item = check->child; item != NULL; item = item->next)
			read_check(&k, item);
	if (expect != NULL && kv_load_list(ld, expect, "expect") != NULL)
		read_expect(&k, expect);
	known_fini(&k);
}
