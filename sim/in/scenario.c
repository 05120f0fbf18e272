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

struct kv_scenario_file {
	struct kv_text text;
	struct kv_pool pool; /* holds the nodes and their strings */
	const char *name;
	const struct kv_node *root; /* a map, of our version */
	struct kv_axis *axes;	    /* one a key of param */
	size_t naxes;
};

struct sections {
	const struct kv_node *kvasir, *param, *machine, *arenas, *kstacks,
	    *objects, *pools, *spaces, *residents, *tlb, *actors, *work,
	    *explore, *inject, *metrics, *sample, *check, *expect, *layout,
	    *image, *plot;
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

static const struct kv_field section_fields[] = {NODE(kvasir), TEXT(title),
    TEXT(about), TEXT(source), NODE(param), NODE(machine), NODE(layout),
    NODE(image), NODE(arenas), NODE(objects), NODE(pools), NODE(spaces),
    NODE(kstacks), NODE(residents), NODE(tlb), NODE(actors), NODE(work),
    NODE(explore), NODE(metrics), NODE(sample), NODE(check), NODE(inject),
    NODE(expect), NODE(plot)};
enum { NSECTIONS = sizeof(section_fields) / sizeof(section_fields[0]) };

/* ---- Sections -------------------------------------------------------- */

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
evaluate_params(struct kv_load *ld)
{
	const struct kv_node *node = ld->param;

	if (node != NULL && node->kind == KV_NODE_MAP)
		kv_params_read(
		    &ld->params, node, ld->values, ld->sc->text.path);
	else if (node != NULL && node->kind != KV_NODE_BAD)
		kv_load_refuse(ld, node, "'param' needs a map: {name: value}");
	kv_params_define(&ld->params, ld->defines, ld->ndefines);
	kv_load_edit_params(ld, &ld->params);
	kv_params_evaluate(&ld->params);
}

/* The parameters say which faults there are, and faults what parameters are.
 * *noted: errors before those made a difference.
 * => 0; what kv_load_inject answers */
static int
read_params(struct kv_load *ld, const struct kv_given *g, size_t *noted)
{
	struct kv_scenario *sc = ld->sc;
	size_t before = kv_errors_noted(ld->errors);
	int error = 0;

	evaluate_params(ld);
	kv_section_inject(ld, kv_map_get(ld->root, "inject"));
	sc->own = sc->plants;
	if (g->sound)
		sc->plants = (struct kv_plants){0};
	if (g->inject != NULL)
		error = kv_load_inject(ld, g->inject);
	*noted = kv_errors_noted(ld->errors);
	if (*noted == before && kv_load_is_edited(ld)) {
		kv_params_fini(&ld->params);
		ld->params =
		    (struct kv_params){.pool = &sc->pool, .errors = ld->errors};
		evaluate_params(ld);
	}
	keep_params(ld);
	return error;
}

static int
read_sections(struct kv_load *ld, const struct kv_given *g)
{
	struct kv_scenario *sc = ld->sc;
	struct sections s = {0};
	size_t before = kv_errors_noted(ld->errors), unedited, all;
	int error = read_params(ld, g, &unedited);

	kv_fields_read(ld, kv_load_edit(ld), "scenario", "section",
	    section_fields, NSECTIONS, &s);
	sc->title = s.title;
	sc->about = s.about;
	sc->source = s.source;
	kv_section_machine(ld, s.machine);
	kv_section_layout(ld, s.layout);
	kv_section_image(ld, s.image);
	kv_section_kstacks(ld, s.kstacks);
	kv_section_arenas(ld, s.arenas);
	kv_section_objects(ld, s.objects);
	kv_section_pools(ld, s.pools);
	kv_section_spaces(ld, s.spaces);
	kv_section_residents(ld, s.residents);
	kv_section_tlb(ld, s.tlb);
	kv_section_actors(ld, s.actors);
	kv_section_work(ld, s.work);
	kv_section_explore(ld, s.explore);
	kv_section_formulas(ld, s.metrics, s.sample, s.check, s.expect);
	kv_section_plot(ld, s.plot);
	all = kv_errors_noted(ld->errors);
	if (all == before)
		return 0;
	if (all != unedited)
		kv_load_explain_edits(ld);
	return error == ENOTSUP && all == before + 1 ? ENOTSUP : EINVAL;
}

/* ---- Files ----------------------------------------------------------- */

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

static void
refuse(const struct kv_scenario_file *file, const struct kv_node *node,
    const char *why, struct kv_errors *errors)
{
	kv_errors_add(
	    errors, file->text.path, node->line, node->column, "%s", why);
}

/* The version decides how the rest is read.  => false: not one of ours */
static bool
check_version(const struct kv_scenario_file *file, const struct kv_node *root,
    struct kv_errors *errors)
{
	const struct kv_node *node = kv_map_get(root, "kvasir");

	if (root->kind != KV_NODE_MAP)
		refuse(file, root,
		    "a scenario is a map of sections, with 'kvasir: 1' first",
		    errors);
	else if (node == NULL)
		refuse(file, root,
		    "the language version is missing: 'kvasir: 1'", errors);
	else if (node->kind != KV_NODE_SCALAR || node->quoted ||
		 strcmp(node->text, "1") != 0)
		kv_errors_add(errors, file->text.path, node->line, node->column,
		    "language version '%.20s' is not known; this program "
		    "reads version 1",
		    node->kind == KV_NODE_SCALAR ? node->text : "");
	else
		return true;
	return false;
}

/* Its scalars, when it has nothing else. */
static struct kv_axis
axis_of(const struct kv_node *key)
{
	const struct kv_node *value = key->next, *item;
	struct kv_axis axis = {
	    .name = key->text, .list = value->kind == KV_NODE_LIST};
	size_t n = axis.list ? value->count : 1;

	axis.values = kv_mem_resize(NULL, n, sizeof(const struct kv_node *));
	for (item = axis.list ? value->child : value; axis.nvalues < n;
	     item = item->next) {
		if (item->kind != KV_NODE_SCALAR) {
			axis.nvalues = 0;
			break;
		}
		axis.values[axis.nvalues++] = item;
	}
	return axis;
}

static void
collect_axes(struct kv_scenario_file *file)
{
	const struct kv_node *param = kv_map_get(file->root, "param"), *key;

	if (param == NULL || param->kind != KV_NODE_MAP)
		return;
	file->axes = kv_mem_resize(NULL, param->count / 2, sizeof(*file->axes));
	for (key = param->child; key != NULL; key = key->next->next)
		file->axes[file->naxes++] = axis_of(key);
}

int
kv_scenario_open(const char *path, struct kv_scenario_file **result,
    struct kv_errors *errors)
{
	struct kv_text text;

	if (kv_text_read(path, FILE_MAX, &text, errors) != 0)
		return EINVAL;
	return kv_scenario_open_text(&text, text.path, result, errors);
}

int
kv_scenario_open_text(const struct kv_text *text, const char *called,
    struct kv_scenario_file **result, struct kv_errors *errors)
{
	struct kv_scenario_file *file = kv_mem_resize(NULL, 1, sizeof(*file));
	const struct kv_node *root;

	*file = (struct kv_scenario_file){.text = *text};
	file->name = name_of(&file->pool, called);
	root = kv_yaml_parse(&file->text, &file->pool, errors);
	if (root == NULL || !check_version(file, root, errors)) {
		kv_scenario_close(file);
		return EINVAL;
	}
	file->root = root;
	collect_axes(file);
	*result = file;
	return 0;
}

void
kv_scenario_close(struct kv_scenario_file *file)
{
	size_t i;

	if (file == NULL)
		return;
	for (i = 0; i < file->naxes; i++)
		kv_mem_free(file->axes[i].values);
	kv_mem_free(file->axes);
	kv_pool_fini(&file->pool);
	kv_text_fini(&file->text);
	kv_mem_free(file);
}

const struct kv_node *
kv_scenario_root(const struct kv_scenario_file *file)
{
	return file->root;
}

const struct kv_axis *
kv_scenario_axes(const struct kv_scenario_file *file, size_t *count)
{
	*count = file->naxes;
	return file->axes;
}

/* ---- Scenarios ------------------------------------------------------- */

static struct kv_scenario *
create(const struct kv_scenario_file *file, const struct kv_node *const *values,
    const struct kv_given *given, struct kv_load *ld, struct kv_errors *errors)
{
	struct kv_scenario *sc = kv_mem_resize(NULL, 1, sizeof(*sc));

	*sc = (struct kv_scenario){.text = file->text, .name = file->name};
	kv_mem_host(&sc->host, false);
	*ld = (struct kv_load){.sc = sc,
	    .errors = errors,
	    .root = file->root,
	    .param = kv_map_get(file->root, "param"),
	    .values = values,
	    .defines = given->defines,
	    .ndefines = given->ndefines,
	    .times = 1,
	    .params = {.pool = &sc->pool, .errors = errors}};
	return sc;
}

static void
load_fini(struct kv_load *ld)
{
	kv_params_fini(&ld->params);
	kv_names_fini(&ld->arenas);
	kv_names_fini(&ld->blocks);
	kv_names_fini(&ld->stacks);
	kv_names_fini(&ld->points);
	kv_names_fini(&ld->objects);
	kv_names_fini(&ld->loops);
	kv_names_fini(&ld->pools);
	kv_names_fini(&ld->spaces);
	kv_names_fini(&ld->tlb_arrays);
	kv_names_fini(&ld->actors);
	kv_names_fini(&ld->regions);
	kv_names_fini(&ld->segments);
}

static int
read_given(const struct kv_scenario_file *file,
    const struct kv_node *const *values, const struct kv_given *given,
    struct kv_scenario **result, struct kv_errors *errors)
{
	struct kv_load ld;
	struct kv_scenario *sc = create(file, values, given, &ld, errors);
	int error = read_sections(&ld, given);

	load_fini(&ld);
	if (error != 0)
		kv_scenario_free(sc);
	else
		*result = sc;
	return error;
}

int
kv_scenario_read(const struct kv_scenario_file *file,
    const struct kv_node *const *values, const struct kv_define *defines,
    size_t ndefines, struct kv_scenario **result, struct kv_errors *errors)
{
	const struct kv_given given = {
	    .defines = defines, .ndefines = ndefines};

	return read_given(file, values, &given, result, errors);
}

struct kv_scenario *
kv_scenario_read_params(const struct kv_scenario_file *file,
    const struct kv_node *const *values, const struct kv_define *defines,
    size_t ndefines)
{
	const struct kv_given given = {
	    .defines = defines, .ndefines = ndefines};
	struct kv_errors unsaid = {0};
	struct kv_load ld;
	struct kv_scenario *sc = create(file, values, &given, &ld, &unsaid);
	size_t noted;

	read_params(&ld, &given, &noted);
	load_fini(&ld);
	kv_errors_fini(&unsaid);
	return sc;
}

int
kv_scenario_check_params(struct kv_scenario_file *file,
    const struct kv_define *defines, size_t ndefines, struct kv_errors *errors)
{
	const struct kv_node *node = kv_map_get(file->root, "param");
	struct kv_params params = {.pool = &file->pool, .errors = errors};
	size_t before = kv_errors_noted(errors);

	if (node != NULL && node->kind == KV_NODE_MAP)
		kv_params_read(&params, node, NULL, file->text.path);
	kv_params_define(&params, defines, ndefines);
	kv_params_fini(&params);
	return kv_errors_noted(errors) == before ? 0 : EINVAL;
}

int
kv_scenario_load_given(const struct kv_text *text, const char *called,
    const struct kv_given *given, struct kv_scenario **result,
    struct kv_errors *errors)
{
	struct kv_scenario_file *file;
	struct kv_scenario *sc = NULL;
	size_t before = kv_errors_noted(errors);
	int error = text == NULL
			? kv_scenario_open(called, &file, errors)
			: kv_scenario_open_text(text, called, &file, errors);
	bool broken = kv_errors_noted(errors) != before;

	if (error != 0)
		return EINVAL;
	error = read_given(file, NULL, given, &sc, errors);
	if (error != 0 || broken) {
		kv_scenario_free(sc);
		kv_scenario_close(file);
		return broken ? EINVAL : error;
	}
	sc->file = file;
	*result = sc;
	return 0;
}

int
kv_scenario_load(const char *path, const struct kv_define *defines,
    size_t ndefines, struct kv_scenario **result, struct kv_errors *errors)
{
	const struct kv_given given = {
	    .defines = defines, .ndefines = ndefines};

	return kv_scenario_load_given(NULL, path, &given, result, errors);
}

int
kv_scenario_load_text(const struct kv_text *text, const char *called,
    const struct kv_define *defines, size_t ndefines,
    struct kv_scenario **result, struct kv_errors *errors)
{
	const struct kv_given given = {
	    .defines = defines, .ndefines = ndefines};

	return kv_scenario_load_given(text, called, &given, result, errors);
}

void
kv_scenario_free(struct kv_scenario *sc)
{
	size_t i;

	if (sc == NULL)
		return;
	for (i = 0; i < sc->nmetrics; i++)
		kv_expr_free(sc->metrics[i].expr);
	for (i = 0; i < sc->nchecks; i++)
		kv_expr_free(sc->checks[i].expr);
	for (i = 0; i < sc->nexpect; i++)
		kv_expr_free(sc->expect[i].expr);
	for (i = 0; i < sc->nlate; i++)
		kv_expr_free(sc->late[i]);
	kv_mem_free(sc->late);
	kv_mem_free(sc->objects);
	kv_mem_free(sc->pools);
	kv_mem_free(sc->spaces);
	kv_mem_free(sc->actors);
	kv_mem_free(sc->params);
	kv_mem_free(sc->ranges);
	kv_mem_free(sc->arenas);
	kv_mem_free(sc->work);
	kv_mem_free(sc->explore.ops);
	for (i = 0; i < sc->nsamples; i++)
		kv_mem_free(sc->samples[i].of);
	kv_mem_free(sc->samples);
	kv_mem_free(sc->plots);
	kv_mem_free(sc->metrics);
	kv_mem_free(sc->checks);
	kv_mem_free(sc->expect);
	kv_layout_destroy(sc->layout);
	kv_layout_destroy(sc->against);
	kv_host_fini(&sc->host);
	kv_pool_fini(&sc->pool);
	kv_scenario_close(sc->file);
	kv_mem_free(sc);
}
