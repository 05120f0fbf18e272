/* SPDX-License-Identifier: BSD-2-Clause */
/* fields.c - the keys of a map as a table; typed values with their place */
#include "in/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "in/lex.h"

enum { FIELDS_MAX = 24 };

/* ---- Places and errors ----------------------------------------------- */

/* The parameter that the scalar merely names, or NULL. */
static const struct kv_param_def *
named_param(const struct kv_load *ld, const struct kv_node *node)
{
	if (node->kind != KV_NODE_SCALAR || node->quoted)
		return NULL;
	return kv_params_find(&ld->params, node->text);
}

struct kv_place
kv_load_place(const struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_param_def *def = named_param(ld, node);

	while (def != NULL && def->same != NULL)
		def = def->same;
	if (def != NULL && def->defined)
		return def->source.place;
	return (struct kv_place){ld->sc->text.path, node->line, node->column};
}

int
kv_load_refuse(
    struct kv_load *ld, const struct kv_node *node, const char *fmt, ...)
{
	struct kv_place place = kv_load_place(ld, node);
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kv_errors_add(
	    ld->errors, place.path, place.line, place.column, "%s", text);
	return EINVAL;
}

int
kv_load_unknown(struct kv_load *ld, const struct kv_node *node,
    const char *what, const char *word, const char *const *names, size_t count)
{
	struct kv_place place = kv_load_place(ld, node);

	kv_errors_unknown(ld->errors, place.path, place.line, place.column,
	    what, word, names, count);
	return EINVAL;
}

/* The node must be a scalar that is not empty. */
static int
need_scalar(struct kv_load *ld, const struct kv_node *node, const char *what)
{
	if (node->kind == KV_NODE_BAD)
		return EINVAL;
	if (node->kind != KV_NODE_SCALAR)
		return kv_load_refuse(ld, node,
		    "'%s' needs a single value, not a %s", what,
		    node->kind == KV_NODE_LIST ? "list" : "map");
	if (*node->text == '\0')
		return kv_load_refuse(ld, node, "'%s' has no value", what);
	return 0;
}

const struct kv_node *
kv_load_list(struct kv_load *ld, const struct kv_node *node, const char *what)
{
	if (node->kind == KV_NODE_LIST)
		return node;
	if (node->kind != KV_NODE_BAD)
		kv_load_refuse(ld, node,
		    "'%s' needs a list: - item, or [item, item]", what);
	return NULL;
}

/* ---- Values ---------------------------------------------------------- */

/* A number in quotes is a string; what else can be an expression is one. */
static bool
is_string(const struct kv_node *node)
{
	struct kv_lexer lx;
	struct kv_token first, second;

	if (!node->quoted || !node->one_line)
		return false;
	kv_lexer_init(&lx, node->text, strlen(node->text), 1, 1);
	kv_lexer_next(&lx, &first);
	kv_lexer_next(&lx, &second);
	return first.kind != KV_TOKEN_SIGN && second.kind == KV_TOKEN_END;
}

static int
load_uint(struct kv_load *ld, const struct kv_node *node,
    const struct kv_field *f, uint64_t *u)
{
	struct kv_source source = kv_source_of(node, ld->sc->text.path);
	struct kv_value v;

	if (is_string(node))
		return kv_load_refuse(ld, node,
		    "'%s' needs a number; in quotes it is a string", f->key);
	if (kv_params_eval(&ld->params, &source, false, &v) != 0)
		return EINVAL;
	if (v.kind == KV_VALUE_WORD)
		return kv_load_refuse(ld, node,
		    "'%s' needs a number, not the word '%.40s'", f->key, v.w);
	if (v.kind == KV_VALUE_REAL)
		return kv_load_refuse(
		    ld, node, "'%s' needs a whole number", f->key);
	if (v.kind == KV_VALUE_INT)
		return kv_load_refuse(ld, node,
		    "'%s' cannot be negative (%" PRId64 ")", f->key, v.i);
	if (v.u < f->min)
		return kv_load_refuse(ld, node,
		    "'%s' is %" PRIu64 "; it must be at least %" PRIu64, f->key,
		    v.u, f->min);
	if (f->max != 0 && v.u > f->max)
		return kv_load_refuse(ld, node,
		    "'%s' is %" PRIu64 "; it must be at most %" PRIu64, f->key,
		    v.u, f->max);
	*u = v.u;
	return 0;
}

int
kv_load_word(struct kv_load *ld, const struct kv_node *node, const char *what,
    const char **word)
{
	const struct kv_param_def *def = named_param(ld, node);

	if (need_scalar(ld, node, what) != 0)
		return EINVAL;
	if (def == NULL) {
		*word = node->text;
		return 0;
	}
	if (def->state != KV_PARAM_DONE)
		return EINVAL;
	if (def->value.kind != KV_VALUE_WORD)
		return kv_load_refuse(ld, node,
		    "'%s' needs a word; the parameter '%s' is a number", what,
		    node->text);
	*word = def->value.w;
	return 0;
}

/* A word that stands for a truth value: 1 yes, 0 no, -1 neither. */
static int
truth_of(const char *word)
{
	static const char *const words[] = {
	    "no", "yes", "off", "on", "false", "true"};
	int i;

	for (i = 0; i < 6; i++)
		if (strcmp(word, words[i]) == 0)
			return i % 2;
	return -1;
}

static int
load_bool(struct kv_load *ld, const struct kv_node *node,
    const struct kv_field *f, bool *value)
{
	const struct kv_param_def *def = named_param(ld, node);
	struct kv_source source = kv_source_of(node, ld->sc->text.path);
	struct kv_value v = {.kind = KV_VALUE_WORD, .w = node->text};
	int truth;

	if (def != NULL && def->state != KV_PARAM_DONE)
		return EINVAL;
	if (def != NULL)
		v = def->value;
	else if (!kv_is_name(node->text, strlen(node->text)) &&
		 kv_params_eval(&ld->params, &source, false, &v) != 0)
		return EINVAL;
	truth = v.kind == KV_VALUE_WORD		      ? truth_of(v.w)
		: v.kind == KV_VALUE_UINT && v.u <= 1 ? (int)v.u
						      : -1;
	if (truth < 0)
		return kv_load_refuse(ld, node, "'%s' needs yes or no", f->key);
	*value = truth != 0;
	return 0;
}

static int
load_choice(struct kv_load *ld, const struct kv_node *node,
    const struct kv_field *f, unsigned *value)
{
	const char *word;
	size_t n;

	if (kv_load_word(ld, node, f->key, &word) != 0)
		return EINVAL;
	for (n = 0; f->words[n] != NULL; n++)
		if (strcmp(f->words[n], word) == 0) {
			*value = (unsigned)n;
			return 0;
		}
	return kv_load_unknown(ld, node, f->key, word, f->words, n);
}

int
kv_load_value(struct kv_load *ld, const struct kv_node *node,
    const struct kv_field *f, void *out)
{
	char *at = (char *)out + f->offset;

	if (need_scalar(ld, node, f->key) != 0)
		return EINVAL;
	switch (f->kind) {
	case KV_FIELD_UINT:
		return load_uint(ld, node, f, (uint64_t *)(void *)at);
	case KV_FIELD_BOOL:
		return load_bool(ld, node, f, (bool *)at);
	case KV_FIELD_CHOICE:
		return load_choice(ld, node, f, (unsigned *)(void *)at);
	case KV_FIELD_WORD:
		return kv_load_word(
		    ld, node, f->key, (const char **)(void *)at);
	default:
		memcpy(at, &node->text, sizeof(node->text));
		return 0;
	}
}

/* ---- Maps ------------------------------------------------------------ */

const struct kv_node *
kv_map_get(const struct kv_node *map, const char *key)
{
	const struct kv_node *k;

	if (map->kind != KV_NODE_MAP)
		return NULL;
	for (k = map->child; k != NULL; k = k->next->next)
		if (k->kind == KV_NODE_SCALAR && strcmp(k->text, key) == 0)
			return k->next;
	return NULL;
}

/* => its number in the table, or nfields, noted */
static size_t
field_of(struct kv_load *ld, const struct kv_node *k, const char *key,
    const struct kv_field *fields, size_t nfields)
{
	const char *names[FIELDS_MAX];
	size_t i;

	for (i = 0; i < nfields; i++) {
		names[i] = fields[i].key;
		if (strcmp(fields[i].key, k->text) == 0)
			return i;
	}
	kv_errors_unknown(ld->errors, ld->sc->text.path, k->line, k->column,
	    key, k->text, names, nfields);
	return nfields;
}

static int
read_key(struct kv_load *ld, const struct kv_node *k, const struct kv_field *f,
    void *out)
{
	const struct kv_node *node = k->next;

	if (f->kind != KV_FIELD_NODE)
		return kv_load_value(ld, node, f, out);
	memcpy((char *)out + f->offset, &node, sizeof(node));
	return node->kind == KV_NODE_BAD ? EINVAL : 0;
}

static int
read_keys(struct kv_load *ld, const struct kv_node *map, const char *key,
    const struct kv_field *fields, size_t nfields, void *out)
{
	const struct kv_node *seen[FIELDS_MAX] = {NULL}, *k;
	const char *path = ld->sc->text.path;
	int error = 0;
	size_t i;

	for (k = map->child; k != NULL; k = k->next->next) {
		if (k->kind != KV_NODE_SCALAR) {
			error = EINVAL;
			continue;
		}
		i = field_of(ld, k, key, fields, nfields);
		if (i == nfields) {
			error = EINVAL;
		} else if (seen[i] != NULL) {
			kv_errors_add(ld->errors, path, k->line, k->column,
			    "%s '%s' stands here twice (see line %u)", key,
			    fields[i].key, seen[i]->line);
			error = EINVAL;
		} else {
			seen[i] = k;
			if (read_key(ld, k, &fields[i], out) != 0)
				error = EINVAL;
		}
	}
	for (i = 0; i < nfields; i++)
		if (fields[i].required && seen[i] == NULL)
			error = kv_load_refuse(
			    ld, map, "%s '%s' is missing", key, fields[i].key);
	return error;
}

int
kv_fields_read(struct kv_load *ld, const struct kv_node *map, const char *what,
    const char *key, const struct kv_field *fields, size_t nfields, void *out)
{
	if (map->kind == KV_NODE_BAD)
		return EINVAL;
	if (map->kind != KV_NODE_MAP)
		return kv_load_refuse(
		    ld, map, "'%s' needs a map: {key: value}", what);
	return read_keys(ld, map, key, fields, nfields, out);
}
