/* SPDX-License-Identifier: BSD-2-Clause */
/* unroll.c - a run, written as a scenario that says each operation */
#include "run/unroll.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "in/sections.h"
#include "out/mem.h"

/* What lives, and what it is called. */
struct called {
	kv_va_t va;
	int arena;  /* -1: a stack */
	char *name; /* owned */
};

struct unroll {
	const struct kv_scenario *sc;
	struct kv_doc *work;
	const struct kv_step *last; /* that is written as it stands */
	uint64_t last_op;
	struct called *list;
	size_t count, capacity;
	uint64_t made; /* names so far */
	kv_va_t going; /* of the operation that has begun */
	bool over;     /* something is violated: the rest does not count */
};

/* ---- Names ----------------------------------------------------------- */

static void
call(struct unroll *u, kv_va_t va, int arena, const char *name)
{
	if (u->count == u->capacity) {
		u->capacity = u->capacity == 0 ? 64 : 2 * u->capacity;
		u->list = kv_mem_resize(u->list, u->capacity, sizeof(*u->list));
	}
	u->list[u->count++] = (struct called){va, arena, kv_mem_text(name)};
}

/* The name goes to the caller, who frees it; NULL: it has none. */
static char *
forget(struct unroll *u, kv_va_t va, int arena)
{
	char *name;

	for (size_t i = 0; i < u->count; i++)
		if (u->list[i].va == va && u->list[i].arena == arena) {
			name = u->list[i].name;
			u->list[i] = u->list[--u->count];
			return name;
		}
	return NULL;
}

/* ---- Steps ----------------------------------------------------------- */

/* The item of a list that holds the key at that place; NULL: none.
 * Recursion: bounded by the depth of the tree. */
static const struct kv_node *
find_item(const struct kv_node *node, const struct kv_place *place)
{
	const struct kv_node *child, *found;

	if (node->kind == KV_NODE_MAP && node->count == 2 &&
	    node->child->line == place->line &&
	    node->child->column == place->column)
		return node;
	for (child = node->child; child != NULL; child = child->next) {
		found = find_item(child, place);
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* A step that stays as it was written, once for all its operations. */
static void
put_written(struct unroll *u, const struct kv_run *run)
{
	const struct kv_step *step = run->op.step;
	const struct kv_node *work =
	    kv_map_get(kv_scenario_root(u->sc->file), "work");
	const struct kv_node *item;

	if (step == u->last)
		return;
	u->last = step;
	item = find_item(work, &step->place);
	if (item != NULL)
		kv_doc_add(u->work, kv_doc_copy(item));
}

static void
put_raw(struct unroll *u, const struct kv_buf *text)
{
	u->last = NULL;
	kv_doc_add(u->work, kv_doc_raw(text->data));
}

static void
put_spawn(struct unroll *u, const struct kv_run *run)
{
	const struct kv_op *op = &run->op;
	struct kv_buf b = {0};
	char name[32];

	snprintf(name, sizeof(name), "stack%" PRIu64, ++u->made);
	if (op->step->name != NULL)
		snprintf(name, sizeof(name), "%s", op->step->name);
	kv_buf_printf(&b, "{spawn: {as: %s", name);
	if (op->npages != 0)
		kv_buf_printf(&b, ", pages: %u", op->npages);
	if (u->sc->ndomains > 1)
		kv_buf_printf(&b, ", domain: %u", op->domain);
	if (u->sc->ncpus > 1)
		kv_buf_printf(&b, ", cpu: %u", op->cpu);
	kv_buf_printf(&b, "}}");
	put_raw(u, &b);
	kv_buf_fini(&b);
	if (op->error == 0)
		call(u, op->va, -1, name);
}

static void
put_dispose(struct unroll *u, const struct kv_run *run)
{
	char *name = forget(u, u->going, -1);
	struct kv_buf b = {0};

	if (name == NULL)
		return;
	kv_buf_printf(&b, "{dispose: {name: %s", name);
	if (u->sc->ncpus > 1)
		kv_buf_printf(&b, ", cpu: %u", run->op.cpu);
	kv_buf_printf(&b, "}}");
	put_raw(u, &b);
	kv_buf_fini(&b);
	kv_mem_free(name);
}

static void
put_alloc(struct unroll *u, const struct kv_run *run)
{
	const struct kv_op *op = &run->op;
	const struct kv_vmem_req *r = &op->req;
	const struct {
		const char *key;
		uint64_t value;
	} limits[] = {{"align", r->align}, {"phase", r->phase},
	    {"nocross", r->nocross}, {"min", r->min}, {"max", r->max}};
	struct kv_buf b = {0};
	char name[64];

	snprintf(name, sizeof(name), "block%" PRIu64, ++u->made);
	if (op->step->kind == KV_STEP_ALLOC && op->step->name != NULL)
		snprintf(name, sizeof(name), "%s", op->step->name);
	kv_buf_printf(&b, "{alloc: {arena: %s, size: 0x%" PRIx64 ", as: %s",
	    u->sc->arenas[op->arena].name, r->size, name);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].value != 0)
			kv_buf_printf(&b, ", %s: 0x%" PRIx64, limits[i].key,
			    limits[i].value);
	kv_buf_printf(&b, ", fit: %s", kv_fit_words[r->fit]);
	if (!op->plain)
		kv_buf_printf(&b, ", qcache: no");
	kv_buf_printf(&b, "}}");
	put_raw(u, &b);
	kv_buf_fini(&b);
	if (op->error == 0)
		call(u, op->va, op->arena, name);
}

static void
put_free(struct unroll *u, const struct kv_run *run)
{
	char *name = forget(u, u->going, run->op.arena);
	struct kv_buf b = {0};

	if (name == NULL && run->op.step->kind == KV_STEP_FREE) {
		put_written(u, run); /* once more */
		return;
	}
	kv_buf_printf(&b, "{free: {name: %s}}", name != NULL ? name : "none");
	put_raw(u, &b);
	kv_buf_fini(&b);
	kv_mem_free(name);
}

static void
look(void *arg, const struct kv_run *run, bool after)
{
	struct unroll *u = arg;

	if (!after) {
		u->over |= run->nviolations != 0;
		u->going = run->op.va;
		return;
	}
	if (u->over)
		return;
	if (u->going == 0)
		u->going = run->op.va;
	if (run->op.step->kind == KV_STEP_DRAIN) {
		put_written(u, run);
		return;
	}
	switch (run->op.kind) {
	case KV_STEP_SPAWN:
		put_spawn(u, run);
		break;
	case KV_STEP_DISPOSE:
		put_dispose(u, run);
		break;
	case KV_STEP_ALLOC:
		put_alloc(u, run);
		break;
	case KV_STEP_FREE:
		put_free(u, run);
		break;
	default:
		put_written(u, run);
	}
}

/* ---- The tree -------------------------------------------------------- */

static bool
has_loops(const struct kv_scenario *sc)
{
	for (size_t i = 0; i < sc->nwork; i++)
		if (sc->work[i].kind == KV_STEP_LOOP)
			return true;
	return false;
}

/* Parameters as the run has them, and its fault. */
static void
put_given(struct kv_doc *root, const struct kv_once_config *cfg)
{
	struct kv_doc *param = kv_doc_get(root, "param"), *list;

	for (size_t i = 0; i < cfg->ndefines && param != NULL; i++)
		kv_doc_set(param, cfg->defines[i].name,
		    kv_doc_scalar(cfg->defines[i].value));
	if (cfg->inject == NULL)
		return;
	list = kv_doc_get(root, "inject");
	if (list == NULL)
		kv_doc_set(root, "inject", list = kv_doc_list());
	kv_doc_add(list, kv_doc_scalar(cfg->inject));
}

static void
unroll_fini(struct unroll *u)
{
	for (size_t i = 0; i < u->count; i++)
		kv_mem_free(u->list[i].name);
	kv_mem_free(u->list);
}

struct kv_doc *
kv_unroll(const struct kv_once_config *cfg, uint64_t *steps)
{
	struct unroll u = {.work = kv_doc_list()};
	struct kv_once_config telling = *cfg;
	struct kv_errors errors = {0};
	struct kv_once once = {0};
	struct kv_scenario *sc = NULL;
	struct kv_doc *root = NULL, *work;

	if (kv_scenario_load(
		cfg->path, cfg->defines, cfg->ndefines, &sc, &errors) == 0) {
		u.sc = sc;
		telling.run.tell = look;
		telling.run.tell_arg = &u;
		telling.run.nested = true;
		telling.run.nsamples = 0;
		telling.run.tap = (struct kv_tap){0};
		telling.ready = NULL;
		if (kv_once_run(&telling, &once, &errors) == 0) {
			root = kv_doc_copy(kv_scenario_root(sc->file));
			put_given(root, cfg);
		}
	}
	if (root != NULL && !has_loops(sc)) {
		kv_doc_set(root, "work", u.work);
		u.work = NULL;
	}
	work = root != NULL ? kv_doc_get(root, "work") : NULL;
	*steps = work != NULL ? work->count : 0;
	kv_doc_free(u.work);
	unroll_fini(&u);
	kv_once_fini(&once);
	kv_scenario_free(sc);
	kv_errors_fini(&errors);
	return root;
}
