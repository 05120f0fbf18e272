/* SPDX-License-Identifier: BSD-2-Clause */
/* param.c - the parameters of a scenario: declared, replaced, evaluated */
#include "in/param.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in/lex.h"
#include "out/mem.h"

enum { PARAMS_MAX = 1000, EXPRESSION_MAX = 4000, CHAIN_MAX = 200 };

static int
refuse(struct kv_errors *errors, const struct kv_place *place, const char *why,
    const char *what)
{
	kv_errors_add(errors, place->path, place->line, place->column,
	    "'%.48s' %s", what, why);
	return EINVAL;
}

/* ---- Texts ----------------------------------------------------------- */

struct kv_source
kv_source_of(const struct kv_node *node, const char *path)
{
	return (struct kv_source){.text = node->text,
	    .place = {path, node->line,
		node->one_line ? node->text_column : node->column},
	    .quoted = node->quoted,
	    .one_line = node->one_line};
}

int
kv_source_compile(const struct kv_source *source, bool reals,
    struct kv_expr **expr, struct kv_errors *errors)
{
	const struct kv_place *p = &source->place;
	const char *why = NULL;

	if (!source->one_line)
		why = "an expression stands on one line";
	else if (strlen(source->text) > EXPRESSION_MAX)
		why = "an expression has at most 4000 characters";
	else if (*source->text == '\0')
		why = "a value is missing";
	if (why == NULL)
		return kv_expr_compile(source->text, p, reals, expr, errors);
	kv_errors_add(errors, p->path, p->line, p->column, "%s", why);
	return EINVAL;
}

/* Letters, digits, '_', '-', '.': what words are made of. */
static bool
is_word(const char *text)
{
	static const char others[] = "0123456789-.";
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (!kv_is_name(&text[i], 1) &&
		    (i == 0 || strchr(others, text[i]) == NULL))
			return false;
	return i != 0;
}

/* Two numbers or more, blanks between them; or one alone in quotes. */
static bool
is_numbers(const struct kv_source *source)
{
	struct kv_lexer lx;
	struct kv_token t;
	unsigned n;

	kv_lexer_init(&lx, source->text, strlen(source->text), 1, 1);
	for (n = 0;; n++) {
		kv_lexer_next(&lx, &t);
		if (t.kind != KV_TOKEN_UINT && t.kind != KV_TOKEN_REAL)
			break;
	}
	return t.kind == KV_TOKEN_END && n >= (source->quoted ? 1 : 2);
}

static int
name_is_unknown(void *ps, const char *name, const struct kv_place *place)
{
	(void)place;
	return kv_params_find(ps, name) == NULL;
}

/*
 * What a value is.  An expression, when it can be read as one and names
 * nothing but parameters; a word, when it can be one: a text in quotes,
 * `new`, `freebsd-16`, `1 2 3`; an expression with an error otherwise.
 */
static bool
is_text(struct kv_params *ps, const struct kv_source *source)
{
	struct kv_errors unsaid = {0};
	struct kv_expr *expr;
	bool known;

	if (is_numbers(source))
		return true;
	if (!source->quoted && !is_word(source->text))
		return false;
	if (source->quoted && is_word(source->text))
		return true;
	if (kv_source_compile(source, true, &expr, &unsaid) != 0) {
		kv_errors_fini(&unsaid);
		return true;
	}
	known = kv_expr_walk_names(expr, name_is_unknown, ps) == 0;
	kv_expr_free(expr);
	return !known;
}

/* Machine and layout are not known while parameters are evaluated. */
static bool
is_attribute(
    const struct kv_params *ps, const char *name, struct kv_value *value)
{
	if (kv_attribute_of_layout(ps->layout, name, value))
		return true;
	*value = (struct kv_value){.kind = KV_VALUE_UINT};
	return ps->machine != NULL &&
	       kv_attribute_of_machine(ps->machine, name, &value->u);
}

static int
name_must_be_known(void *arg, const char *name, const struct kv_place *place)
{
	struct kv_params *ps = arg;
	struct kv_value unused;

	if (kv_params_find(ps, name) != NULL || is_attribute(ps, name, &unused))
		return 0;
	kv_errors_unknown(ps->errors, place->path, place->line, place->column,
	    "parameter", name, ps->names.list, ps->names.count);
	return EINVAL;
}

/* => 0 and *expr, NULL for a word; EINVAL, noted */
static int
classify(
    struct kv_params *ps, const struct kv_source *source, struct kv_expr **expr)
{
	*expr = NULL;
	if (is_text(ps, source))
		return 0;
	if (kv_source_compile(source, true, expr, ps->errors) != 0)
		return EINVAL;
	if (kv_expr_walk_names(*expr, name_must_be_known, ps) == 0)
		return 0;
	kv_expr_free(*expr);
	*expr = NULL;
	return EINVAL;
}

/* ---- Declare --------------------------------------------------------- */

/* yes and no mean something else wherever they stand. */
static bool
is_truth_word(const char *name)
{
	static const char *const words[] = {
	    "yes", "no", "on", "off", "true", "false"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return false;
}

/* => false: no name for a parameter, which is noted */
static bool
check_name(struct kv_params *ps, const struct kv_place *place, const char *name)
{
	if (!kv_is_name(name, strlen(name)))
		refuse(ps->errors, place,
		    "cannot name a parameter (letters, digits and _)", name);
	else if (is_truth_word(name))
		refuse(ps->errors, place,
		    "is yes or no and cannot name a parameter", name);
	else if (ps->names.count == PARAMS_MAX)
		refuse(ps->errors, place,
		    "is one too many: 1000 parameters at most", name);
	else
		return true;
	return false;
}

static void
check_value(struct kv_params *ps, const struct kv_node *value, const char *path)
{
	if (value->kind == KV_NODE_LIST || value->kind == KV_NODE_MAP)
		kv_errors_add(ps->errors, path, value->line, value->column,
		    "a parameter is a word, an expression or a list of them");
}

/* A scalar, or the first item of a list.  => NULL, noted */
static const struct kv_node *
first_value(struct kv_params *ps, const struct kv_node *value, const char *path)
{
	const struct kv_node *first =
	    value->kind == KV_NODE_LIST ? value->child : value;

	if (value->kind == KV_NODE_LIST && first == NULL)
		kv_errors_add(ps->errors, path, value->line, value->column,
		    "an empty list is no value");
	else
		check_value(ps, first, path);
	return first != NULL && first->kind == KV_NODE_SCALAR ? first : NULL;
}

/* value: NULL means the first of the list. */
static void
declare(struct kv_params *ps, const struct kv_node *key,
    const struct kv_node *value, const char *path)
{
	const struct kv_place place = {path, key->line, key->column};
	struct kv_param_def def = {
	    .declared = key->next, .state = KV_PARAM_NEW};
	size_t i;

	if (key->kind != KV_NODE_SCALAR || !check_name(ps, &place, key->text))
		return;
	if (!kv_names_add(&ps->names, key->text, &i)) {
		refuse(ps->errors, &place, "stands here twice", key->text);
		return;
	}
	if (value == NULL)
		value = first_value(ps, key->next, path);
	if (value != NULL)
		def.source = kv_source_of(value, path);
	else
		def.state = KV_PARAM_FAILED;
	ps->list = kv_mem_resize(ps->list, i + 1, sizeof(*ps->list));
	ps->list[i] = def;
}

/* What a run does not take must be right all the same. */
static void
check_others(struct kv_params *ps, const struct kv_node *list, const char *path)
{
	const struct kv_node *item;
	struct kv_source source;
	struct kv_expr *expr;

	if (list->kind != KV_NODE_LIST || list->child == NULL)
		return;
	for (item = list->child->next; item != NULL; item = item->next) {
		if (item->kind != KV_NODE_SCALAR) {
			check_value(ps, item, path);
			continue;
		}
		source = kv_source_of(item, path);
		if (classify(ps, &source, &expr) == 0)
			kv_expr_free(expr);
	}
}

void
kv_params_read(struct kv_params *ps, const struct kv_node *section,
    const struct kv_node *const *values, const char *path)
{
	const struct kv_node *key;
	size_t i = 0;

	for (key = section->child; key != NULL; key = key->next->next)
		declare(ps, key, values == NULL ? NULL : values[i++], path);
	if (values != NULL)
		return;
	for (key = section->child; key != NULL; key = key->next->next)
		check_others(ps, key->next, path);
}

/* Does the text stand in quotes among the values in the file?  Then it is that
 * word, even where a parameter has its name. */
static bool
is_quoted_value(const struct kv_node *declared, const char *text)
{
	const struct kv_node *item =
	    declared->kind == KV_NODE_LIST ? declared->child : declared;

	for (; item != NULL; item = item->next) {
		if (item->kind == KV_NODE_SCALAR && item->quoted &&
		    strcmp(item->text, text) == 0)
			return true;
		if (declared->kind != KV_NODE_LIST)
			break;
	}
	return false;
}

void
kv_params_define(
    struct kv_params *ps, const struct kv_define *defines, size_t ndefines)
{
	const struct kv_node *declared;
	struct kv_place place;
	char *path;
	size_t size, i, k;

	for (k = 0; k < ndefines; k++) {
		const struct kv_define *d = &defines[k];

		size = strlen("-D ") + strlen(d->name) + 1;
		path = kv_pool_alloc(ps->pool, size);
		snprintf(path, size, "-D %s", d->name);
		place = (struct kv_place){path, 1, 1};
		if (!kv_names_find(&ps->names, d->name, &i)) {
			kv_errors_unknown(ps->errors, path, 1, 1, "parameter",
			    d->name, ps->names.list, ps->names.count);
			continue;
		}
		declared = ps->list[i].declared;
		ps->list[i] = (struct kv_param_def){.defined = true,
		    .declared = declared,
		    .source = {.text = kv_pool_text(
				   ps->pool, d->value, strlen(d->value)),
			.place = place,
			.quoted = is_quoted_value(declared, d->value),
			.one_line = true}};
	}
}

const char *
kv_params_text(struct kv_pool *pool, const char *text, const char *old)
{
	size_t size = strlen(text) + 1, n = strlen(old);
	const char *at;
	char *result, *end;

	for (at = text; (at = strchr(at, '@')) != NULL; at++)
		size += n + 1; /* brackets, without the '@' */
	end = result = kv_pool_alloc(pool, size);
	for (; *text != '\0'; text++)
		if (*text == '@')
			end += sprintf(end, "(%s)", old);
		else
			*end++ = *text;
	*end = '\0';
	return result;
}

void
kv_params_edit(
    struct kv_params *ps, const char *name, const char *text, const char *path)
{
	struct kv_param_def *def;
	size_t i;

	if (!kv_names_find(&ps->names, name, &i) ||
	    ps->list[i].state != KV_PARAM_NEW)
		return;
	def = &ps->list[i];
	def->defined = true;
	def->source = (struct kv_source){
	    .text = kv_params_text(ps->pool, text, def->source.text),
	    .place = {path, 1, 1},
	    .one_line = true};
}

/* ---- Evaluate -------------------------------------------------------- */

const struct kv_param_def *
kv_params_find(const struct kv_params *ps, const char *name)
{
	size_t i;

	return kv_names_find(&ps->names, name, &i) ? &ps->list[i] : NULL;
}

static bool
lookup(void *arg, const char *name, struct kv_value *value)
{
	const struct kv_param_def *def = kv_params_find(arg, name);

	if (def == NULL)
		return is_attribute(arg, name, value);
	*value = def->value;
	return def->state == KV_PARAM_DONE;
}

/* The parameters from number i on depend on one another: say so where -D
 * brought it about, else at the name that closes the circle. */
static void
refuse_cycle(
    struct kv_params *ps, size_t i, const char *name, struct kv_place place)
{
	char chain[CHAIN_MAX];
	size_t at = 0, n, j;

	for (j = 0; j < ps->nopen && ps->open[j] != i; j++)
		;
	for (; j < ps->nopen; j++) {
		const char *link = ps->names.list[ps->open[j]];

		n = strlen(link) + strlen(" -> ");
		if (at + n < sizeof(chain))
			at += (size_t)sprintf(chain + at, "%s -> ", link);
		if (strncmp(place.path, "-D ", 3) != 0 &&
		    ps->list[ps->open[j]].defined)
			place = ps->list[ps->open[j]].source.place;
	}
	kv_errors_add(ps->errors, place.path, place.line, place.column,
	    "parameters depend on one another in a circle: %.*s%.48s", (int)at,
	    chain, name);
}

static int evaluate(struct kv_params *ps, size_t i);

/* => EINVAL: evaluation cannot go on, and why is noted */
static int
evaluate_name(void *arg, const char *name, const struct kv_place *place)
{
	struct kv_params *ps = arg;
	size_t i;

	if (!kv_names_find(&ps->names, name, &i))
		return EINVAL;
	if (ps->list[i].state == KV_PARAM_OPEN) {
		refuse_cycle(ps, i, name, *place);
		return EINVAL;
	}
	return evaluate(ps, i);
}

/* Words are kept: the expression that holds them goes. */
static void
keep_word(struct kv_params *ps, struct kv_value *v)
{
	if (v->kind == KV_VALUE_WORD)
		v->w = kv_pool_text(ps->pool, v->w, strlen(v->w));
}

static int
evaluate_def(struct kv_params *ps, struct kv_param_def *def)
{
	const struct kv_source *source = &def->source;

	if (classify(ps, source, &def->expr) != 0)
		return EINVAL;
	if (def->expr == NULL) {
		def->value =
		    (struct kv_value){.kind = KV_VALUE_WORD, .w = source->text};
		return 0;
	}
	if (kv_expr_walk_names(def->expr, evaluate_name, ps) != 0 ||
	    kv_expr_eval(def->expr, lookup, ps, &def->value, ps->errors) != 0)
		return EINVAL;
	keep_word(ps, &def->value);
	if (kv_is_name(source->text, strlen(source->text)))
		def->same = kv_params_find(ps, source->text);
	return 0;
}

/* Recursion: bounded by the number of parameters. */
static int
evaluate(struct kv_params *ps, size_t i)
{
	struct kv_param_def *def = &ps->list[i];
	int error;

	if (def->state == KV_PARAM_NEW) {
		def->state = KV_PARAM_OPEN;
		ps->open[ps->nopen++] = i;
		error = evaluate_def(ps, def);
		ps->nopen--;
		def->state = error == 0 ? KV_PARAM_DONE : KV_PARAM_FAILED;
	}
	return def->state == KV_PARAM_DONE ? 0 : EINVAL;
}

void
kv_params_evaluate(struct kv_params *ps)
{
	size_t i;

	ps->open = kv_mem_resize(ps->open, ps->names.count, sizeof(*ps->open));
	for (i = 0; i < ps->names.count; i++)
		evaluate(ps, i);
}

/* => 0 and a value for def; EINVAL, noted */
static int
replacement(struct kv_params *from, struct kv_param_def *def)
{
	int error;

	if (classify(from, &def->source, &def->expr) != 0)
		return EINVAL;
	def->state = KV_PARAM_DONE;
	def->value =
	    (struct kv_value){.kind = KV_VALUE_WORD, .w = def->source.text};
	if (def->expr == NULL)
		return 0;
	error =
	    kv_expr_eval(def->expr, lookup, from, &def->value, from->errors);
	if (error == 0)
		keep_word(from, &def->value);
	kv_expr_free(def->expr);
	def->expr = NULL;
	return error;
}

int
kv_params_replace(struct kv_params *ps, struct kv_params *from,
    const struct kv_node *map, const char *path)
{
	const struct kv_node *key;
	int error = 0;
	size_t i;

	for (key = map->child; key != NULL; key = key->next->next) {
		struct kv_param_def def = {.state = KV_PARAM_NEW};

		if (key->kind != KV_NODE_SCALAR ||
		    key->next->kind == KV_NODE_BAD)
			return EINVAL;
		if (!kv_names_find(&ps->names, key->text, &i)) {
			kv_errors_unknown(ps->errors, path, key->line,
			    key->column, "parameter", key->text, ps->names.list,
			    ps->names.count);
			error = EINVAL;
			continue;
		}
		if (key->next->kind != KV_NODE_SCALAR)
			return refuse(ps->errors,
			    &(struct kv_place){path, key->line, key->column},
			    "needs a single value", key->text);
		def.source = kv_source_of(key->next, path);
		if (replacement(from, &def) != 0)
			error = EINVAL;
		ps->list[i] = def;
	}
	return error;
}

static int
name_has_failed(void *arg, const char *name, const struct kv_place *place)
{
	const struct kv_param_def *def = kv_params_find(arg, name);

	(void)place;
	return def != NULL && def->state == KV_PARAM_FAILED;
}

int
kv_params_eval(struct kv_params *ps, const struct kv_source *source, bool reals,
    struct kv_value *value)
{
	struct kv_expr *expr;
	int error;

	if (kv_source_compile(source, reals, &expr, ps->errors) != 0)
		return EINVAL;
	error = kv_expr_walk_names(expr, name_must_be_known, ps);
	if (error == 0)
		error = kv_expr_walk_names(expr, name_has_failed, ps);
	if (error == 0)
		error = kv_expr_eval(expr, lookup, ps, value, ps->errors);
	if (error == 0)
		keep_word(ps, value);
	kv_expr_free(expr);
	return error == 0 ? 0 : EINVAL;
}

void
kv_params_fini(struct kv_params *ps)
{
	size_t i;

	for (i = 0; i < ps->names.count; i++)
		kv_expr_free(ps->list[i].expr);
	kv_names_fini(&ps->names);
	kv_mem_free(ps->list);
	kv_mem_free(ps->open);
}
