/* SPDX-License-Identifier: BSD-2-Clause */
/* late.c - numbers that only the run knows: where a block is, which pass it is
 */
#include <errno.h>
#include <string.h>

#include "in/sections.h"
#include "out/mem.h"

/* "block.NAME.va" of a block that a step above allocates. */
static bool
is_block_va(const struct kv_load *ld, const char *name)
{
	size_t length = strlen(name), i;
	char middle[64];

	if (strncmp(name, "block.", 6) != 0 || length < 10 ||
	    length - 9 >= sizeof(middle) ||
	    strcmp(name + length - 3, ".va") != 0)
		return false;
	memcpy(middle, name + 6, length - 9);
	middle[length - 9] = '\0';
	return kv_names_find(&ld->blocks, middle, &i);
}

/* The pass of a loop around the step. */
static bool
is_pass(const struct kv_load *ld, const char *name)
{
	const struct kv_loop_scope *s;

	for (s = ld->scope; s != NULL; s = s->outer)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

struct search {
	struct kv_load *ld;
	bool late; /* something of the run is named */
};

/* What is of no run must be known now. */
static int
must_be_known(void *arg, const char *name, const struct kv_place *place)
{
	struct search *s = arg;
	struct kv_load *ld = s->ld;
	const struct kv_param_def *def = kv_params_find(&ld->params, name);

	if (def != NULL)
		return def->state == KV_PARAM_DONE ? 0 : EINVAL;
	if (is_block_va(ld, name) || is_pass(ld, name)) {
		s->late = true;
		return 0;
	}
	if (kv_attribute_of_machine(ld->sc->machine, name, NULL))
		return 0;
	kv_errors_unknown(ld->errors, place->path, place->line, place->column,
	    "parameter", name, ld->params.names.list, ld->params.names.count);
	return EINVAL;
}

/* What is known now need not be looked up in each pass. */
static bool
known(void *arg, const char *name, struct kv_value *value)
{
	struct kv_load *ld = arg;
	const struct kv_param_def *def = kv_params_find(&ld->params, name);

	*value = (struct kv_value){.kind = KV_VALUE_UINT};
	if (def == NULL)
		return kv_attribute_of_machine(
		    ld->sc->machine, name, &value->u);
	*value = def->value;
	return true;
}

static void
keep(struct kv_scenario *sc, struct kv_expr *expr)
{
	sc->late = kv_mem_resize(sc->late, sc->nlate + 1, sizeof(*sc->late));
	sc->late[sc->nlate++] = expr;
}

int
kv_load_late(struct kv_load *ld, const struct kv_node *node, const char *what,
    struct kv_late *late)
{
	const struct kv_field now = {.key = what, .kind = KV_FIELD_UINT};
	struct search search = {.ld = ld};
	struct kv_source source;
	struct kv_expr *expr;

	late->place = kv_load_place(ld, node);
	if (node->kind != KV_NODE_SCALAR ||
	    (ld->scope == NULL && strstr(node->text, "block.") == NULL))
		return kv_load_value(ld, node, &now, &late->value);
	source = kv_source_of(node, ld->sc->text.path);
	if (kv_source_compile(&source, false, &expr, ld->errors) != 0)
		return EINVAL;
	keep(ld->sc, expr);
	if (kv_expr_walk_names(expr, must_be_known, &search) != 0)
		return EINVAL;
	if (!search.late)
		return kv_load_value(ld, node, &now, &late->value);
	kv_expr_bind(expr, known, ld);
	late->expr = expr;
	return 0;
}
