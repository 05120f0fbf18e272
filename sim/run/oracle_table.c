/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_table.c - the judge's page tables: a walk of its own
 *
 *   V3  A table but the root has one parent entry, one level up, or is borrowed
 *       of a template; a page is one table; what goes back holds none.
 *   V4  A leaf is aligned to what it maps; no two map one page.
 *   V5  Where a leaf takes the place of a table, or a table that of a leaf,
 *       every small page keeps its frame and rights.
 * What the leaves that the root reaches map is kept by page; a table that it
 * does not reach is filled in silence.
 */
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/oracle_parts.h"

/* W, X, U, G */
enum { RIGHTS = 15 };

/* ---- Spaces ----------------------------------------------------------------
 */

struct oracle_space *
oracle_space_named(struct kv_oracle *o, const char *name)
{
	struct oracle_space *s = o->last_space;
	size_t i;

	if (s != NULL && s->name == name)
		return s;
	for (i = 0; i < o->nspaces; i++)
		if (strcmp(o->spaces[i]->name, name) == 0)
			return o->last_space = o->spaces[i];
	s = kv_mem_resize(NULL, 1, sizeof(*s));
	memset(s, 0, sizeof(*s));
	s->name = name;
	o->spaces =
	    kv_mem_resize(o->spaces, o->nspaces + 1, sizeof(*o->spaces));
	o->spaces[o->nspaces++] = s;
	return o->last_space = s;
}

struct oracle_space *
oracle_space_of(struct kv_oracle *o, uint64_t tag)
{
	for (size_t i = 0; i < o->nspaces; i++)
		if (o->spaces[i]->known && o->spaces[i]->tag == tag)
			return o->spaces[i];
	return NULL;
}

uint64_t
oracle_translate(const struct kv_oracle *o, struct oracle_space *s, uint64_t va)
{
	for (size_t i = 0; i < s->ngrafts; i++)
		if (va - s->grafts[i].va < s->grafts[i].size)
			return kv_owords_get(
			    &s->grafts[i].owner->leaf, va >> o->shift);
	return kv_owords_get(&s->leaf, va >> o->shift);
}

static void
graft(struct kv_oracle *o, struct oracle_space *s, const uint64_t *v)
{
	struct oracle_space *owner = oracle_space_of(o, v[2]);

	if (owner == NULL || owner == s) {
		oracle_blame_v(o, 3, v[0], "a graft of nobody's tables");
		return;
	}
	if (!owner->shared)
		oracle_blame_v(o, 3, v[0],
		    "a table has two parents, and is no template's");
	s->grafts =
	    kv_mem_resize(s->grafts, s->ngrafts + 1, sizeof(*s->grafts));
	s->grafts[s->ngrafts++] = (struct oracle_graft){v[0], v[1], owner};
}

/* ---- Leaves
 * ------------------------------------------------------------------ */

/* log2 pages of an entry of that level. */
static unsigned
order_of(const struct oracle_space *s, unsigned level)
{
	return s->order * level;
}

static void
leaf_set(struct kv_oracle *o, struct oracle_space *s, uint64_t va,
    unsigned level, const struct oracle_entry *e, bool on)
{
	uint64_t n = UINT64_C(1) << order_of(s, level), i;
	uint64_t page = va >> o->shift, pfn = e->pa >> o->shift;

	if (n > ORACLE_RUN_MAX)
		return;
	for (i = 0; i < n; i++) {
		uint64_t *word = kv_owords_word(&s->leaf, page + i);

		if (on && *word != 0)
			oracle_blame_v(o, 4, va + (i << o->shift),
			    "two leaves map one page");
		oracle_step_note(o, s, page + i, *word);
		*word = on ? LEAF_THERE | (pfn + i) << LEAF_SHIFT | e->attr : 0;
		*kv_owords_word(&o->mapped, pfn + i) +=
		    on ? UINT64_C(1) : UINT64_MAX;
		if (on && kv_owords_get(&o->frame, pfn + i) == 0)
			oracle_list_add(&o->freed, pfn + i);
	}
	if (s->tag == 0)
		oracle_stack_mapped(o, va, n, on);
}

/* ---- What the root reaches
 * ----------------------------------------------------- */

static uint64_t
canonical(const struct oracle_space *s, uint64_t offset)
{
	const uint64_t sign = UINT64_C(1) << (s->bits - 1);

	if (s->half == 1)
		return offset;
	if (s->half == 2)
		return offset | ~(2 * sign - 1);
	return (offset ^ sign) - sign;
}

static struct oracle_table *
table_at(struct kv_oracle *o, struct oracle_space *s, uint64_t pa)
{
	uint64_t i = kv_owords_get(&s->table, pa >> o->shift);

	return i == 0 || s->tables[i - 1]->pa != pa ? NULL : s->tables[i - 1];
}

static uint64_t
va_of(const struct kv_oracle *o, const struct oracle_space *s,
    const struct oracle_table *t, unsigned index)
{
	uint64_t offset = (uint64_t)index << (order_of(s, t->level) + o->shift);

	return t->parent == NULL ? canonical(s, offset) : t->va + offset;
}

/* An entry counts from now on, or no longer; and all below it. */
static void
reach(struct kv_oracle *o, struct oracle_space *s, const struct oracle_table *t,
    unsigned index, bool on)
{
	const struct oracle_entry *e = &t->entry[index];
	uint64_t va = va_of(o, s, t, index);
	struct oracle_table *child;

	if (e->kind == ENTRY_LEAF)
		leaf_set(o, s, va, t->level, e, on);
	if (e->kind != ENTRY_TABLE)
		return;
	child = table_at(o, s, e->pa);
	if (child == NULL || child->parent != t || child->reached == on)
		return;
	child->reached = on;
	child->va = va;
	for (unsigned i = 0; i < child->size; i++)
		reach(o, s, child, i, on);
}

/* ---- Tables
 * --------------------------------------------------------------------- */

static void
unhang(struct kv_oracle *o, struct oracle_space *s, struct oracle_table *t,
    unsigned index)
{
	struct oracle_table *child = table_at(o, s, t->entry[index].pa);

	if (child == NULL || child->parent != t || child->index != index)
		return;
	child->parent = NULL;
	o->orphans++;
}

static void
table_get(
    struct kv_oracle *o, struct oracle_space *s, uint64_t pa, uint64_t level)
{
	uint64_t *word = kv_owords_word(&s->table, pa >> o->shift);
	struct oracle_table *t = table_at(o, s, pa);

	if (*word != 0 || level > ORACLE_LEVEL_MAX) {
		oracle_blame_v(o, 3, pa, "a page is given for two tables");
		if (t != NULL)
			t->twice = true;
		return;
	}
	if (s->ntables == s->room) {
		s->room = s->room == 0 ? 16 : 2 * s->room;
		s->tables =
		    kv_mem_resize(s->tables, s->room, sizeof(*s->tables));
	}
	t = kv_mem_resize(NULL, 1, sizeof(*t));
	*t = (struct oracle_table){
	    .pa = pa, .level = (unsigned)level, .number = s->ntables};
	s->tables[s->ntables++] = t;
	*word = s->ntables;
	o->orphans++;
}

static void
table_free(struct kv_oracle *o, struct oracle_space *s, struct oracle_table *t)
{
	struct oracle_table *last = s->tables[--s->ntables];

	kv_owords_put(&s->table, t->pa >> o->shift, 0);
	if (last != t) {
		last->number = t->number;
		s->tables[t->number] = last;
		kv_owords_put(
		    &s->table, last->pa >> o->shift, last->number + 1);
	}
	kv_mem_free(t->entry);
	kv_mem_free(t);
}

static void
table_put(struct kv_oracle *o, struct oracle_space *s, uint64_t pa)
{
	struct oracle_table *t = table_at(o, s, pa);

	if (t == NULL || t->parent != NULL || t->reached) {
		oracle_blame_v(o, 3, pa,
		    t == NULL ? "a page goes back that is no table"
			      : "a table goes back that is in use");
		return;
	}
	for (unsigned i = 0; i < t->size; i++) {
		if (t->entry[i].kind != ENTRY_TABLE)
			continue;
		oracle_blame_v(o, 3, pa, "a table goes back that holds others");
		unhang(o, s, t, i);
	}
	if (t->differs)
		oracle_blame_v(
		    o, 5, t->va, "a page changes as a superpage is made");
	o->orphans--;
	table_free(o, s, t);
}

/* The tables so far: its root, which was made first. */
static void
space_begin(struct kv_oracle *o, struct oracle_space *s, const uint64_t v[4])
{
	if (s->known || s->ntables != 1 || v[1] > 2 || v[3] == 0 ||
	    v[3] > ORACLE_ORDER_MAX || v[2] < o->shift || v[2] > 63 ||
	    v[3] * s->tables[0]->level + o->shift >= v[2] ||
	    v[2] - v[3] * s->tables[0]->level - o->shift > ORACLE_ORDER_MAX) {
		oracle_blame_v(o, 3, 0, "a space has no root, or two");
		return;
	}
	*s = (struct oracle_space){.name = s->name,
	    .known = true,
	    .tag = v[0],
	    .half = v[1],
	    .bits = (unsigned)v[2],
	    .order = (unsigned)v[3],
	    .table = s->table,
	    .tables = s->tables,
	    .ntables = s->ntables,
	    .room = s->room};
	s->tables[0]->reached = true;
	o->orphans--;
}

/* ---- Entries
 * ---------------------------------------------------------------------- */

static void
entries_make(const struct kv_oracle *o, const struct oracle_space *s,
    struct oracle_table *t)
{
	unsigned order = s->order;

	if (t == s->tables[0]) /* the root is never moved */
		order = s->bits - o->shift - order_of(s, t->level);
	t->size = 1u << order;
	t->entry = kv_mem_resize(NULL, t->size, sizeof(*t->entry));
	memset(t->entry, 0, t->size * sizeof(*t->entry));
}

/* V5: does each page below have the frame and the rights of the leaf? */
static bool
is_same(const struct kv_oracle *o, const struct oracle_space *s,
    const struct oracle_table *t, const struct oracle_entry *leaf)
{
	for (unsigned i = 0; i < t->size; i++) {
		const struct oracle_entry *e = &t->entry[i];
		uint64_t offset = (uint64_t)i
				  << (order_of(s, t->level) + o->shift);

		if (e->kind != ENTRY_LEAF || e->pa != leaf->pa + offset ||
		    ((e->attr ^ leaf->attr) & RIGHTS) != 0)
			return false;
	}
	return t->size != 0;
}

/* A table takes the place of a leaf, or the other way round. */
static void
check_exchange(struct kv_oracle *o, struct oracle_space *s,
    const struct oracle_entry *old, const struct oracle_entry *next,
    uint64_t at)
{
	bool made = next->kind == ENTRY_LEAF;
	const struct oracle_entry *leaf = made ? next : old;
	const struct oracle_entry *way = made ? old : next;
	struct oracle_table *t;

	if (leaf->kind != ENTRY_LEAF || way->kind != ENTRY_TABLE)
		return;
	t = table_at(o, s, way->pa);
	if (t == NULL || t->twice || is_same(o, s, t, leaf))
		return;
	t->differs = made; /* a superpage is made when the table goes back */
	if (!made)
		oracle_blame_v(
		    o, 5, at, "a page changes as a superpage is split");
}

/* The table that an entry points to has this parent; or none again. */
static void
hang(struct kv_oracle *o, struct oracle_space *s, struct oracle_table *t,
    unsigned index)
{
	struct oracle_table *child = table_at(o, s, t->entry[index].pa);

	if (child == NULL || child->level + 1 != t->level ||
	    child->parent != NULL || child->reached) {
		oracle_blame_v(o, 3, t->entry[index].pa,
		    "an entry points to no table, or to another's");
		return;
	}
	child->parent = t;
	child->index = index;
	o->orphans--;
}

static void
entry_set(struct kv_oracle *o, struct oracle_space *s, struct oracle_table *t,
    unsigned index, const struct oracle_entry *next)
{
	struct oracle_entry old = t->entry[index];
	uint64_t at = va_of(o, s, t, index);

	check_exchange(o, s, &old, next, at);
	if (t->reached)
		reach(o, s, t, index, false);
	if (old.kind == ENTRY_TABLE)
		unhang(o, s, t, index);
	t->entry[index] = *next;
	if (next->kind == ENTRY_TABLE)
		hang(o, s, t, index);
	if (t->reached)
		reach(o, s, t, index, true);
}

static uint8_t
kind_of(enum kv_event_kind kind)
{
	if (kind == KV_EV_PT_LEAF)
		return ENTRY_LEAF;
	return kind == KV_EV_PT_TABLE ? ENTRY_TABLE : ENTRY_NONE;
}

static void
entry_event(
    struct kv_oracle *o, struct oracle_space *s, const struct kv_event *e)
{
	struct oracle_table *t = table_at(o, s, e->value[0]);
	struct oracle_entry next = {.kind = kind_of(e->kind),
	    .pa = e->value[2],
	    .attr = (uint8_t)e->value[3]};

	if (t == NULL || !s->known) {
		oracle_blame_v(o, 3, e->value[0], "an entry of no table");
		return;
	}
	if (t->twice) /* of which of them it is nobody knows */
		return;
	if (t->entry == NULL)
		entries_make(o, s, t);
	if (e->value[1] >= t->size) {
		oracle_blame_v(o, 3, e->value[0], "no such entry");
		return;
	}
	if (next.kind == ENTRY_LEAF &&
	    (next.pa >> o->shift &
		((UINT64_C(1) << order_of(s, t->level)) - 1)) != 0)
		oracle_blame_v(
		    o, 4, next.pa, "a leaf is not aligned to what it maps");
	entry_set(o, s, t, (unsigned)e->value[1], &next);
}

void
oracle_table_event(struct kv_oracle *o, const struct kv_event *e)
{
	struct oracle_space *s = oracle_space_named(o, e->source);

	if (e->kind == KV_EV_PT_SPACE)
		space_begin(o, s, e->value);
	else if (e->kind == KV_EV_PT_GET)
		table_get(o, s, e->value[0], e->value[1]);
	else if (e->kind == KV_EV_PT_PUT)
		table_put(o, s, e->value[0]);
	else if (e->kind == KV_EV_PT_TEMPLATE)
		s->shared = true;
	else if (e->kind == KV_EV_PT_GRAFT)
		graft(o, s, e->value);
	else if (e->kind == KV_EV_PT_UNGRAFT)
		s->ngrafts = 0;
	else
		entry_event(o, s, e);
}

void
oracle_table_settle(struct kv_oracle *o)
{
	if (o->orphans == 0)
		return;
	oracle_blame_v(
	    o, 3, o->orphans, "a table is in use that none points to");
	o->orphans = 0; /* said once */
}

void
oracle_table_fini(struct kv_oracle *o)
{
	for (size_t i = 0; i < o->nspaces; i++) {
		struct oracle_space *s = o->spaces[i];

		while (s->ntables != 0) {
			struct oracle_table *t = s->tables[--s->ntables];

			kv_mem_free(t->entry);
			kv_mem_free(t);
		}
		kv_mem_free(s->tables);
		kv_mem_free(s->grafts);
		kv_owords_fini(&s->table);
		kv_owords_fini(&s->leaf);
		kv_mem_free(s);
	}
	kv_mem_free(o->spaces);
}
