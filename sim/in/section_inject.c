/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * section_inject.c - the section inject, and faults that are data
 *
 * Most faults are something that the model does.  The others are a text where
 * the scenario has another one (edits.def): the tree that the sections are read
 * from is a copy of the file's then, as far as that differs.  Either kind is
 * refused where nothing is that could have it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "in/sections.h"
#include "run/plant.h"

enum { KEY_MAX = 64 };

static const char param[] = "param.", work[] = "work.";

/* What follows if the path begins so, or NULL. */
static const char *
behind(const char *path, const char *start)
{
	size_t length = strlen(start);

	return strncmp(path, start, length) == 0 ? path + length : NULL;
}

/* ---- What a scenario has --------------------------------------------- */

/* The first key of a path.  => what follows it, or NULL: it is the last */
static const char *
cut(const char *path, char key[KEY_MAX])
{
	const char *dot = strchr(path, '.');
	int length = (int)(dot != NULL ? dot - path : (int)strlen(path));

	snprintf(key, KEY_MAX, "%.*s", length, path);
	return dot != NULL ? dot + 1 : NULL;
}

/* The value at the end of the path, or what it is in; NULL: there is none. */
static const struct kv_node *
find(const struct kv_node *node, const char *path, bool parent)
{
	char key[KEY_MAX];
	const char *rest = cut(path, key);

	while (node != NULL && (rest != NULL || !parent)) {
		node = kv_map_get(node, key);
		if (rest == NULL)
			break;
		rest = cut(rest, key);
	}
	return node;
}

/* Does a step, in whatever loop, have what the path says?  Recursion: bounded
 * by the depth of the tree. */
static bool
has_step(const struct kv_node *node, const char *path)
{
	const struct kv_node *child;

	if (node == NULL || find(node, path, false) != NULL)
		return node != NULL;
	for (child = node->child; child != NULL; child = child->next)
		if (has_step(child, path))
			return true;
	return false;
}

static const char *
path_of(const struct kv_plant_edit *e)
{
	return *e->path == '?' ? e->path + 1 : e->path;
}

/* Can the scenario have that edit? */
static bool
is_there(const struct kv_load *ld, const struct kv_plant_edit *e)
{
	const char *path = path_of(e), *rest;
	const struct kv_node *node;

	if ((rest = behind(path, param)) != NULL)
		return kv_params_find(&ld->params, rest) != NULL;
	if ((rest = behind(path, work)) != NULL)
		return has_step(kv_map_get(ld->root, "work"), rest);
	if (e->text == NULL)
		return find(ld->root, path, false) != NULL;
	if (strchr(e->text, '@') == NULL) {
		node = find(ld->root, path, true);
		return node != NULL && node->kind == KV_NODE_MAP;
	}
	node = find(ld->root, path, false);
	return node != NULL && node->kind == KV_NODE_SCALAR;
}

/* => an edit of the fault for which nothing is there; NULL: it can be had */
static const struct kv_plant_edit *
missing(const struct kv_load *ld, enum kv_plant fault)
{
	const struct kv_plant_edit *first = NULL;
	size_t count, found = 0, i;
	const struct kv_plant_edit *e = kv_plant_edits(&count);

	for (i = 0; i < count; i++, e++) {
		if (fault < e->first || fault > e->last)
			continue;
		if (is_there(ld, e))
			found++;
		else if (*e->path != '?')
			return e;
		else if (first == NULL)
			first = e;
	}
	return found == 0 ? first : NULL;
}

/* ---- Edits ------------------------------------------------------------ */

/* Is the edit one of a fault of the set, with a text to put? */
static bool
is_wanted(const struct kv_plants *set, const struct kv_plant_edit *e)
{
	return e->text != NULL && kv_plants_any(set, e->first, e->last);
}

bool
kv_load_is_edited(const struct kv_load *ld)
{
	size_t count, i;
	const struct kv_plant_edit *e = kv_plant_edits(&count);

	for (i = 0; i < count; i++)
		if (is_wanted(&ld->sc->plants, &e[i]))
			return true;
	return false;
}

void
kv_load_edit_params(const struct kv_load *ld, struct kv_params *params)
{
	size_t rows, count, i;
	const struct kv_plant_row *row = kv_plant_table(&rows);
	const struct kv_plant_edit *e = kv_plant_edits(&count);

	for (i = 0; i < count; i++, e++) {
		const char *name = behind(path_of(e), param);

		if (name != NULL && is_wanted(&ld->sc->plants, e))
			kv_params_edit(params, name, e->text, row[e->first].id);
	}
}

/* The scalar of an edit, at the place of what it stands for. */
static const struct kv_node *
scalar(struct kv_load *ld, const struct kv_node *old, const char *text)
{
	struct kv_node *node = kv_pool_alloc(&ld->sc->pool, sizeof(*node));

	*node = (struct kv_node){.kind = KV_NODE_SCALAR,
	    .line = old->line,
	    .column = old->column,
	    .text_column = old->column,
	    .text = kv_params_text(&ld->sc->pool, text,
		old->kind == KV_NODE_SCALAR ? old->text : ""),
	    .one_line = true};
	return node;
}

/* A copy of the node behind the last of a list, whose end it is then. */
static const struct kv_node **
append(
    struct kv_load *ld, const struct kv_node **end, const struct kv_node *node)
{
	struct kv_node *copy = kv_pool_alloc(&ld->sc->pool, sizeof(*copy));

	*copy = *node;
	copy->next = NULL;
	*end = copy;
	return &copy->next;
}

/* The map with a text at the end of the path, which can be had.  Recursion:
 * bounded by the keys of the path. */
static const struct kv_node *
edited(struct kv_load *ld, const struct kv_node *map, const char *path,
    const char *text)
{
	struct kv_node *copy = kv_pool_alloc(&ld->sc->pool, sizeof(*copy));
	const struct kv_node **end = &copy->child, *key, *value;
	char name[KEY_MAX];
	const char *rest = cut(path, name);
	bool found = false;

	*copy = *map;
	for (key = map->child; key != NULL; key = value->next) {
		value = key->next;
		end = append(ld, end, key);
		if (key->kind != KV_NODE_SCALAR ||
		    strcmp(key->text, name) != 0) {
			end = append(ld, end, value);
			continue;
		}
		found = true;
		end = append(ld, end,
		    rest == NULL ? scalar(ld, value, text)
				 : edited(ld, value, rest, text));
	}
	if (!found) {
		end = append(ld, end, scalar(ld, map, name));
		append(ld, end, scalar(ld, map, text));
		copy->count += 2;
	}
	return copy;
}

const struct kv_node *
kv_load_edit(struct kv_load *ld)
{
	const struct kv_node *root = ld->root;
	size_t count, i;
	const struct kv_plant_edit *e = kv_plant_edits(&count);

	for (i = 0; i < count; i++, e++)
		if (is_wanted(&ld->sc->plants, e) &&
		    behind(path_of(e), param) == NULL && is_there(ld, e))
			root = edited(ld, root, path_of(e), e->text);
	return root;
}

void
kv_load_explain_edits(struct kv_load *ld)
{
	size_t rows, count, i;
	const struct kv_plant_row *row = kv_plant_table(&rows);
	const struct kv_plant_edit *e = kv_plant_edits(&count);

	for (i = 0; i < count; i++, e++)
		if (is_wanted(&ld->sc->plants, e) && is_there(ld, e))
			kv_errors_add(ld->errors, ld->sc->text.path, 0, 0,
			    "fault '%s' puts '%s' for %s", row[e->first].id,
			    e->text, path_of(e));
}

/* ---- inject ----------------------------------------------------------- */

/* As much of the path as has to be there: a key may be new. */
static int
needed(const struct kv_plant_edit *e, const char **path)
{
	const char *dot;

	*path = path_of(e);
	dot = strrchr(*path, '.');
	if (e->text == NULL || strchr(e->text, '@') != NULL ||
	    behind(*path, param) != NULL || dot == NULL)
		return (int)strlen(*path);
	return (int)(dot - *path);
}

/* => 0; ENOTSUP, noted: the scenario has nothing for it */
static int
inject(struct kv_load *ld, enum kv_plant fault, const struct kv_place *place)
{
	size_t count;
	const struct kv_plant_row *rows = kv_plant_table(&count);
	const struct kv_plant_edit *e = missing(ld, fault);
	const char *path;
	int length;

	if (e == NULL) {
		kv_plants_add(&ld->sc->plants, fault);
		return 0;
	}
	length = needed(e, &path);
	kv_errors_add(ld->errors, place->path, place->line, place->column,
	    "fault '%s' needs '%.*s', which is not here", rows[fault].id,
	    length, path);
	return ENOTSUP;
}

static void
read_fault(struct kv_load *ld, const struct kv_node *item)
{
	const char *ids[KV_PLANTS + 1] = {"none"}, *word;
	struct kv_place place;
	enum kv_plant plant;
	size_t count, i;
	const struct kv_plant_row *rows = kv_plant_table(&count);

	if (kv_load_word(ld, item, "inject", &word) != 0 ||
	    strcmp(word, ids[0]) == 0)
		return;
	plant = kv_plant_find(word);
	if (plant != KV_PLANTS) {
		place = kv_load_place(ld, item);
		inject(ld, plant, &place);
		return;
	}
	for (i = 0; i < count; i++)
		ids[i + 1] = rows[i].id;
	kv_load_unknown(ld, item, "fault", word, ids, count + 1);
}

void
kv_section_inject(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *item;

	if (node == NULL || kv_load_list(ld, node, "inject") == NULL)
		return;
	for (item = node->child; item != NULL; item = item->next)
		read_fault(ld, item);
}

int
kv_load_inject(struct kv_load *ld, const char *id)
{
	const struct kv_place place = {"--inject", 0, 0};
	enum kv_plant fault = kv_plant_find(id);

	if (fault != KV_PLANTS)
		return inject(ld, fault, &place);
	kv_errors_add(ld->errors, place.path, 0, 0,
	    "no fault \"%s\" in this version (see kvasir list faults)", id);
	return EINVAL;
}
