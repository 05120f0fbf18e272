/* SPDX-License-Identifier: BSD-2-Clause */
/* scenario.c - a scenario file, read, checked and evaluated */
#include "in/scenario.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "in/sections.h"
#include "out/mem.h"

enum { FILE_MAX = 4 << 20 };

struct sections {
	const struct kv_node *kvasir, *param, *machine, *arenas, *kstacks,
	    *objects, *spaces, *tlb, *actors, *work, *inject, *metrics, *sample,
	    *expect;
	const char *title, *about, *source;
};
#define NODE(name)                                        \
	{                                                 \
		.key = #name, .kind = KV_FIELD_NODE,      \
		.offset = offsetof(struct sections, name) \
	}
#define TEXT(name)                                        \
	{                                                 \
		.key = #name, .kind = KV_FIELD_TEXT,      \
		.offset = offsetof(struct sections, name) \
	}
#define LATER(name)                                  \
	{                                            \
		.key = #name, .kind = KV_FIELD_LATER \
	}

static const struct kv_field section_fields[] = {NODE(kvasir), TEXT(title),
    TEXT(about), TEXT(source), NODE(param), NODE(machine), LATER(layout),
    NODE(arenas), NODE(objects), LATER(pools), NODE(spaces), NODE(kstacks),
    NODE(tlb), NODE(actors), NODE(work), NODE(metrics), NODE(sample),
    NODE(inject), NODE(expect), LATER(plot)};
enum { NSECTIONS = sizeof(section_fields) / sizeof(section_fields[0]) };

/* The version decides how the rest is read.  => false: not one of ours */
static bool
check_version(struct kv_load *ld, const struct kv_node *root)
{
	const struct kv_node *node = kv_map_get(root, "kvasir");

	if (root->kind != KV_NODE_MAP)
		kv_load_refuse(ld, root,
		    "a scenario is a map of sections, with 'kvasir: 1' first");
	else if (node == NULL)
		kv_load_refuse(
		    ld, root, "the language version is missing: 'kvasir: 1'");
	else if (node->kind != KV_NODE_SCALAR || node->quoted ||
		 strcmp(node->text, "1") != 0)
		kv_load_refuse(ld, node,
		    "language version '%.20s' is not known; this program "
		    "reads version 1",
		    node->kind == KV_NODE_SCALAR ? node->text : "");
	else
		return true;
	return false;
}

static int
by_name(const void *a, const void *b)
{
	const struct kv_param *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Hand the parameters that have a value to the scenario. */
static void
keep_params(struct kv_load *ld)
{
	const struct kv_params *ps = &ld->params;
	struct kv_scenario *sc = ld->sc;
	size_t i;

	sc->params = kv_mem_resize(NULL, ps->names.count, sizeof(*sc->params));
	for (i = 0; i < ps->names.count; i++)
		if (ps->list[i].state == KV_PARAM_DONE)
			sc->params[sc->nparams++] = (struct kv_param){
			    ps->names.list[i], ps->list[i].value};
	if (sc->nparams != 0)
		qsort(sc->params, sc->nparams, sizeof(*sc->params), by_name);
}

static void
read_params(struct kv_load *ld, const struct kv_node *node,
    const struct kv_define *defines, size_t ndefines)
{
	if (node != NULL && node->kind == KV_NODE_MAP)
		kv_params_read(&ld->params, node, ld->sc->text.path);
	else if (node != NULL && node->kind != KV_NODE_BAD)
		kv_load_refuse(ld, node, "'param' needs a map: {name: value}");
	kv_params_define(&ld->params, defines, ndefines);
	kv_params_evaluate(&ld->params);
	keep_params(ld);
}

static void
read_sections(struct kv_load *ld, const struct kv_node *root,
    const struct kv_define *defines, size_t ndefines)
{
	struct kv_scenario *sc = ld->sc;
	struct sections s = {0};

	kv_fields_read(
	    ld, root, "scenario", "section", section_fields, NSECTIONS, &s);
	sc->title = s.title;
	sc->about = s.about;
	sc->source = s.source;
	read_params(ld, s.param, defines, ndefines);
	kv_section_machine(ld, s.machine);
	kv_section_kstacks(ld, s.kstacks);
	kv_section_arenas(ld, s.arenas);
	kv_section_objects(ld, s.objects);
	kv_section_spaces(ld, s.spaces);
	kv_section_tlb(ld, s.tlb);
	kv_section_actors(ld, s.actors);
	kv_section_work(ld, s.work);
	kv_section_inject(ld, s.inject);
	kv_section_formulas(ld, s.metrics, s.sample, s.expect);
}

/* File name without folder and .yaml. */
static const char *
name_of(struct kv_pool *pool, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	size_t length = strlen(base);

	if (strcmp(path, "<stdin>") == 0)
		return "stdin";
	if (length > 5 && strcmp(base + length - 5, ".yaml") == 0)
		length -= 5;
	return kv_pool_text(pool, base, length);
}

int
kv_scenario_load(const char *path, const struct kv_define *defines,
    size_t ndefines, struct kv_scenario **result, struct kv_errors *errors)
{
	struct kv_scenario *sc = kv_mem_resize(NULL, 1, sizeof(*sc));
	struct kv_load ld = {.sc = sc, .errors = errors};
	size_t before = kv_errors_noted(errors);
	const struct kv_node *root = NULL;

	*sc = (struct kv_scenario){0};
	ld.params.pool = &sc->pool;
	ld.params.errors = errors;
	if (kv_text_read(path, FILE_MAX, &sc->text, errors) == 0) {
		sc->name = name_of(&sc->pool, sc->text.path);
		root = kv_yaml_parse(&sc->text, &sc->pool, errors);
	}
	if (root != NULL && check_version(&ld, root))
		read_sections(&ld, root, defines, ndefines);
	kv_params_fini(&ld.params);
	kv_names_fini(&ld.arenas);
	kv_names_fini(&ld.blocks);
	kv_names_fini(&ld.points);
	kv_names_fini(&ld.objects);
	kv_names_fini(&ld.spaces);
	kv_names_fini(&ld.tlb_arrays);
	kv_names_fini(&ld.actors);
	if (kv_errors_noted(errors) != before) {
		kv_scenario_free(sc);
		return EINVAL;
	}
	*result = sc;
	return 0;
}

void
kv_scenario_free(struct kv_scenario *sc)
{
	size_t i;

	if (sc == NULL)
		return;
	for (i = 0; i < sc->nmetrics; i++)
		kv_expr_free(sc->metrics[i].expr);
	for (i = 0; i < sc->nexpect; i++)
		kv_expr_free(sc->expect[i].expr);
	for (i = 0; i < sc->nlate; i++)
		kv_expr_free(sc->late[i]);
	free(sc->late);
	free(sc->objects);
	free(sc->spaces);
	free(sc->actors);
	free(sc->params);
	free(sc->ranges);
	free(sc->arenas);
	free(sc->work);
	for (i = 0; i < sc->nsamples; i++)
		free(sc->samples[i].of);
	free(sc->samples);
	free(sc->metrics);
	free(sc->expect);
	kv_pool_fini(&sc->pool);
	kv_text_fini(&sc->text);
	free(sc);
}
