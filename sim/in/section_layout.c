/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * section_layout.c - the section layout: regions placed in order of need
 *
 * A region's numbers may name other regions, in any order: each is placed
 * after those that it names.  The plan is made while the scenario is read, so
 * that what follows may name its regions.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in/lex.h"
#include "in/sections.h"
#include "out/mem.h"

/* ---- Keys ------------------------------------------------------------- */

struct region_args {
	const struct kv_node *at, *end, *size, *align, *min, *max, *after,
	    *before;
	bool present;
};
#define NODE(name, of)                               \
	{                                            \
		.key = #name, .kind = KV_FIELD_NODE, \
		.offset = offsetof(struct of, name)  \
	}

static const struct kv_field region_fields[] = {NODE(at, region_args),
    NODE(end, region_args), NODE(after, region_args), NODE(before, region_args),
    NODE(size, region_args), NODE(align, region_args), NODE(min, region_args),
    NODE(max, region_args),
    {.key = "if",
	.kind = KV_FIELD_BOOL,
	.offset = offsetof(struct region_args, present)}};
enum { REGION_FIELDS = sizeof(region_fields) / sizeof(region_fields[0]) };

struct layout_args {
	const struct kv_node *window, *regions, *against;
};

static const struct kv_field layout_fields[] = {NODE(window, layout_args),
    NODE(regions, layout_args), NODE(against, layout_args)};
enum { LAYOUT_FIELDS = sizeof(layout_fields) / sizeof(layout_fields[0]) };

struct window_args {
	uint64_t base, size;
};

static const struct kv_field window_fields[] = {
    {.key = "base",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct window_args, base),
	.required = true},
    {.key = "size",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct window_args, size),
	.required = true,
	.min = 1}};
enum { WINDOW_FIELDS = 2 };

/* ---- Plans ------------------------------------------------------------ */

/* A region on its way into the plan. */
struct region {
	const struct kv_node *key;
	struct region_args args;
	enum { NEW, OPEN, PLACED, ABSENT, BROKEN } state;
};

struct plan {
	struct kv_load *ld;
	struct region *regions; /* as many as ld->regions names */
	size_t count;
	struct kv_layout *layout;
};

/* The region that "NAME.base" names.  => NULL: it names none */
static struct region *
region_of(const struct plan *p, const char *name)
{
	const char *dot = strrchr(name, '.');
	char middle[64];
	size_t length, i;

	if (dot == NULL || !kv_is_region_attribute(name))
		return NULL;
	length = (size_t)(dot - name);
	if (length >= sizeof(middle))
		return NULL;
	memcpy(middle, name, length);
	middle[length] = '\0';
	return kv_names_find(&p->ld->regions, middle, &i) ? &p->regions[i]
							  : NULL;
}

static int place(struct plan *p, struct region *r);

/* Place what an expression names.  => EINVAL: noted */
static int
place_named(void *arg, const char *name, const struct kv_place *where)
{
	struct plan *p = arg;
	struct region *r = region_of(p, name);

	if (r == NULL)
		return 0;
	if (r->state != OPEN)
		return place(p, r);
	kv_errors_add(p->ld->errors, where->path, where->line, where->column,
	    "regions depend on one another in a circle through '%s'",
	    r->key->text);
	return EINVAL;
}

static bool
lookup(void *arg, const char *name, struct kv_value *value)
{
	const struct plan *p = arg;
	const struct kv_param_def *def = kv_params_find(&p->ld->params, name);

	if (def != NULL) {
		*value = def->value;
		return def->state == KV_PARAM_DONE;
	}
	if (kv_attribute_of_layout(p->layout, name, value))
		return true;
	if (region_of(p, name) != NULL) {
		*value = (struct kv_value){.kind = KV_VALUE_NONE};
		return true;
	}
	*value = (struct kv_value){.kind = KV_VALUE_UINT};
	return kv_attribute_of_machine(p->ld->sc->machine, name, &value->u);
}

static int
check_name(void *arg, const char *name, const struct kv_place *where)
{
	struct plan *p = arg;
	struct kv_load *ld = p->ld;
	const struct kv_param_def *def = kv_params_find(&ld->params, name);
	const char **hints;
	size_t n = ld->params.names.count, i;

	if (def != NULL && def->state != KV_PARAM_DONE)
		return EINVAL; /* noted there */
	if (def != NULL || region_of(p, name) != NULL ||
	    kv_attribute_of_machine(ld->sc->machine, name, NULL))
		return 0;
	hints = kv_mem_resize(NULL, n + p->count, sizeof(*hints));
	if (n != 0)
		memcpy(hints, ld->params.names.list, n * sizeof(*hints));
	for (i = 0; i < p->count; i++) {
		const char *text = p->regions[i].key->text;
		char *hint = kv_pool_alloc(
		    &ld->sc->pool, strlen(text) + sizeof(".base"));

		strcat(strcpy(hint, text), ".base");
		hints[n + i] = hint;
	}
	kv_errors_unknown(ld->errors, where->path, where->line, where->column,
	    "name", name, hints, n + p->count);
	kv_mem_free(hints);
	return EINVAL;
}

/* A whole number below 2^64; a factor may have decimals. */
static int
to_uint(struct plan *p, const struct kv_node *node, const char *key,
    const struct kv_value *v, uint64_t *u)
{
	struct kv_load *ld = p->ld;

	if (v->kind == KV_VALUE_UINT) {
		*u = v->u;
	} else if (v->kind == KV_VALUE_REAL && v->r >= 0 &&
		   v->r < 18446744073709551616.0 &&
		   !(v->r - (double)(uint64_t)v->r > 0)) {
		*u = (uint64_t)v->r;
	} else if (v->kind == KV_VALUE_NONE) {
		return kv_load_refuse(
		    ld, node, "'%s' names a region that is not there", key);
	} else if (v->kind == KV_VALUE_WORD) {
		return kv_load_refuse(ld, node,
		    "'%s' needs a number, not the word '%.40s'", key, v->w);
	} else if (v->kind == KV_VALUE_INT) {
		return kv_load_refuse(ld, node,
		    "'%s' cannot be negative (%" PRId64 "); as an address it "
		    "is wrap(...)",
		    key, v->i);
	} else {
		return kv_load_refuse(
		    ld, node, "'%s' needs a whole number below 2^64", key);
	}
	return 0;
}

/* An expression over parameters and regions; without node *u stays. */
static int
number(struct plan *p, const struct kv_node *node, const char *key, uint64_t *u)
{
	struct kv_load *ld = p->ld;
	struct kv_source source;
	struct kv_expr *expr;
	struct kv_value v;
	int error;

	if (node == NULL)
		return 0;
	if (node->kind != KV_NODE_SCALAR)
		return kv_load_refuse(
		    ld, node, "'%s' needs a single value", key);
	source = kv_source_of(node, ld->sc->text.path);
	if (kv_source_compile(&source, true, &expr, ld->errors) != 0)
		return EINVAL;
	error = kv_expr_walk_names(expr, check_name, p);
	if (error == 0)
		error = kv_expr_walk_names(expr, place_named, p);
	if (error == 0)
		error = kv_expr_eval(expr, lookup, p, &v, ld->errors);
	if (error == 0)
		error = to_uint(p, node, key, &v, u);
	kv_expr_free(expr);
	return error;
}

/* The region beside which another one stands, placed.  What is absent takes no
 * room: beyond it, what it would have been beside.  => NULL: noted */
static const struct kv_region *
neighbour(struct plan *p, const struct kv_node *node, bool after)
{
	struct kv_load *ld = p->ld;
	struct region *r;
	const char *name;
	size_t i;

	for (;;) {
		if (kv_load_word(ld, node, after ? "after" : "before", &name) !=
		    0)
			return NULL;
		if (!kv_names_find(&ld->regions, name, &i)) {
			kv_load_unknown(ld, node, "region", name,
			    ld->regions.list, ld->regions.count);
			return NULL;
		}
		r = &p->regions[i];
		if (r->state == OPEN) {
			kv_load_refuse(ld, node,
			    "regions depend on one another in a circle "
			    "through '%s'",
			    name);
			return NULL;
		}
		if (place(p, r) != 0)
			return NULL;
		if (r->state == PLACED)
			return kv_layout_find(p->layout, name);
		if ((after ? r->args.after : r->args.before) == NULL) {
			kv_load_refuse(ld, node,
			    "region '%s' is not there, and has no '%s' to go "
			    "on with",
			    name, after ? "after" : "before");
			return NULL;
		}
		node = after ? r->args.after : r->args.before;
	}
}

/* Which ends are said.  => EINVAL: too many or too few, noted */
static int
check_ends(struct plan *p, const struct region *r)
{
	const struct region_args *a = &r->args;
	bool base = a->at != NULL || a->after != NULL;
	bool end = a->end != NULL || a->before != NULL;

	if (a->at != NULL && a->after != NULL)
		return kv_load_refuse(
		    p->ld, a->after, "'after' does not go with 'at'");
	if (a->end != NULL && a->before != NULL)
		return kv_load_refuse(
		    p->ld, a->before, "'before' does not go with 'end'");
	if (base && end && a->size != NULL)
		return kv_load_refuse(p->ld, a->size,
		    "'size' does not go with both ends: one of them, or the "
		    "size, follows from the others");
	if (base + end + (a->size != NULL) < 2)
		return kv_load_refuse(p->ld, r->key,
		    "region '%s' needs two of: a start ('at' or 'after'), an "
		    "end ('end' or 'before'), 'size'",
		    r->key->text);
	return 0;
}

/* The ends as numbers. */
static int
ends(struct plan *p, const struct region_args *a, struct kv_region_req *req)
{
	const struct kv_region *other;

	if (a->after != NULL) {
		other = neighbour(p, a->after, true);
		if (other == NULL)
			return EINVAL;
		req->base = other->end;
	}
	if (a->before != NULL) {
		other = neighbour(p, a->before, false);
		if (other == NULL)
			return EINVAL;
		req->end = other->base;
	}
	if (number(p, a->at, "at", &req->base) != 0 ||
	    number(p, a->end, "end", &req->end) != 0 ||
	    number(p, a->size, "size", &req->size) != 0)
		return EINVAL;
	return 0;
}

static int
place_now(struct plan *p, struct region *r)
{
	const struct region_args *a = &r->args;
	struct kv_region_req req = {
	    .name = r->key->text, .anchor = KV_REGION_UP};

	if (check_ends(p, r) != 0 || ends(p, a, &req) != 0 ||
	    number(p, a->align, "align", &req.align) != 0 ||
	    number(p, a->min, "min", &req.min) != 0 ||
	    number(p, a->max, "max", &req.max) != 0)
		return EINVAL;
	if (a->align != NULL && !kv_is_pow2(req.align))
		return kv_load_refuse(p->ld, a->align,
		    "'align' (0x%" PRIx64 ") is no power of two", req.align);
	if (req.max != 0 && req.min > req.max)
		return kv_load_refuse(p->ld, a->max, "'max' is below 'min'");
	if (a->size == NULL)
		req.anchor = KV_REGION_SPAN;
	else if (a->end != NULL || a->before != NULL)
		req.anchor = KV_REGION_DOWN;
	if (kv_layout_place(p->layout, &req) != 0)
		return kv_load_refuse(p->ld, r->key, "out of memory");
	return 0;
}

/* Recursion: bounded by the number of regions, each of which is open once. */
static int
place(struct plan *p, struct region *r)
{
	if (r->state == NEW && !r->args.present) {
		r->state = ABSENT;
	} else if (r->state == NEW) {
		r->state = OPEN;
		r->state = place_now(p, r) == 0 ? PLACED : BROKEN;
	}
	return r->state == BROKEN ? EINVAL : 0;
}

/* ---- Sections --------------------------------------------------------- */

static void
read_window(struct plan *p, const struct kv_node *node)
{
	struct window_args w = {0};

	if (node != NULL &&
	    kv_fields_read(p->ld, node, "window", "key", window_fields,
		WINDOW_FIELDS, &w) == 0 &&
	    kv_layout_set_window(p->layout, w.base, w.size) != 0)
		kv_load_refuse(p->ld, node,
		    "the window is beyond 2^64: 0x%" PRIx64 " + 0x%" PRIx64,
		    w.base, w.size);
}

static void
read_region(struct plan *p, const struct kv_node *key)
{
	struct region r = {.key = key, .args.present = true, .state = NEW};
	size_t i;

	if (!kv_load_new_name(p->ld, key, &p->ld->regions, "a region"))
		return;
	if (kv_fields_read(p->ld, key->next, key->text, "key", region_fields,
		REGION_FIELDS, &r.args) != 0)
		r.state = BROKEN;
	kv_names_add(&p->ld->regions, key->text, &i);
	p->regions =
	    kv_mem_resize(p->regions, p->count + 1, sizeof(*p->regions));
	p->regions[p->count++] = r;
}

/* Make a plan of what the parameters say now. */
static struct kv_layout *
read_plan(struct kv_load *ld, const struct layout_args *a)
{
	struct plan p = {.ld = ld};
	const struct kv_node *key;
	size_t i;

	kv_names_fini(&ld->regions);
	if (kv_layout_create(&ld->sc->host, &p.layout) != 0)
		return NULL;
	key = kv_load_entries(ld, a->regions, "regions");
	for (; key != NULL; key = key->next->next)
		read_region(&p, key);
	read_window(&p, a->window);
	for (i = 0; i < p.count; i++)
		place(&p, &p.regions[i]);
	kv_mem_free(p.regions);
	return p.layout;
}

/* The same plan with other parameters, to compare with. */
static void
read_against(struct kv_load *ld, const struct layout_args *a)
{
	struct kv_params own = ld->params,
			 other = {.pool = own.pool, .errors = own.errors};

	if (a->against->kind != KV_NODE_MAP) {
		if (a->against->kind != KV_NODE_BAD)
			kv_load_refuse(ld, a->against,
			    "'against' needs a map: {parameter: value}");
		return;
	}
	if (ld->param != NULL)
		kv_params_read(
		    &other, ld->param, ld->values, ld->sc->text.path);
	kv_params_define(&other, ld->defines, ld->ndefines);
	kv_load_edit_params(ld, &other);
	if (kv_params_replace(
		&other, &ld->params, a->against, ld->sc->text.path) == 0) {
		kv_params_evaluate(&other);
		other.machine = own.machine;
		ld->params = other;
		ld->sc->against = read_plan(ld, a);
		other = ld->params;
		ld->params = own;
	}
	kv_params_fini(&other);
}

void
kv_section_layout(struct kv_load *ld, const struct kv_node *node)
{
	struct layout_args a = {0};
	size_t before = kv_errors_noted(ld->errors);

	if (node == NULL || kv_fields_read(ld, node, "layout", "key",
				layout_fields, LAYOUT_FIELDS, &a) != 0)
		return;
	ld->sc->layout = read_plan(ld, &a);
	if (a.against != NULL && kv_errors_noted(ld->errors) == before)
		read_against(ld, &a);
	ld->params.layout = ld->sc->layout;
}
