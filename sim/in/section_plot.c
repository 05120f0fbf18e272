/* SPDX-License-Identifier: BSD-2-Clause */
/* section_plot.c - the section plot: pictures that a sweep is drawn as */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "in/sections.h"
#include "out/mem.h"
#include "out/scripts.h"

/* The name of script i without its ".gp". */
static const char *
script_name(struct kv_load *ld, size_t i)
{
	const char *name = kv_plot_scripts[i].name;

	return kv_pool_text(&ld->sc->pool, name, strcspn(name, "."));
}

static int
unknown(struct kv_load *ld, const struct kv_node *item, const char *name)
{
	const char **names =
	    kv_mem_resize(NULL, kv_plot_nscripts, sizeof(*names));
	size_t i;

	for (i = 0; i < kv_plot_nscripts; i++)
		names[i] = script_name(ld, i);
	kv_load_unknown(ld, item, "picture", name, names, kv_plot_nscripts);
	kv_mem_free(names);
	return EINVAL;
}

static int
read_plot(struct kv_load *ld, const struct kv_node *item)
{
	struct kv_scenario *sc = ld->sc;
	const char *name;
	size_t i;

	if (kv_load_word(ld, item, "plot", &name) != 0)
		return EINVAL;
	for (i = 0; i < kv_plot_nscripts; i++)
		if (strcmp(script_name(ld, i), name) == 0)
			break;
	if (i == kv_plot_nscripts)
		return unknown(ld, item, name);
	sc->plots =
	    kv_mem_resize(sc->plots, sc->nplots + 1, sizeof(*sc->plots));
	sc->plots[sc->nplots++] = kv_plot_scripts[i].name;
	return 0;
}

void
kv_section_plot(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *item;

	if (node == NULL || kv_load_list(ld, node, "plot") == NULL)
		return;
	for (item = node->child; item != NULL; item = item->next)
		read_plot(ld, item);
}
