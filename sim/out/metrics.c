/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - named figures of a run: the table of names, and sets of values */
#include "out/metrics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

static const struct kv_metric_decl table[] = {
#define X(name, unit, kind, about) {name, unit, KV_METRIC_##kind, about},
#include "metrics.def"
#undef X
};

const struct kv_metric_decl *
kv_metric_table(size_t *count)
{
	*count = sizeof(table) / sizeof(table[0]);
	return table;
}

/* Does a declared name, with its NAME or N, cover this one? */
static bool
covers(const char *decl, const char *name)
{
	for (; *decl != '\0'; decl++, name++) {
		if (strncmp(decl, "NAME", 4) == 0) {
			/* An arena's name may itself have dots. */
			const char *rest = strrchr(name, '.');

			if (rest == NULL || rest == name)
				return false;
			decl += 4;
			name = rest;
		} else if (*decl == 'N' &&
			   (decl[1] == '\0' || decl[1] == '.')) {
			size_t digits = strspn(name, "0123456789");

			if (digits == 0)
				return false;
			decl++;
			name += digits;
			if (*decl == '\0')
				return *name == '\0';
		}
		if (*decl != *name)
			return false;
	}
	return *name == '\0';
}

const struct kv_metric_decl *
kv_metric_declared(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (covers(table[i].name, name))
			return &table[i];
	return NULL;
}

/* ---- Sets ------------------------------------------------------------ */

/* FNV-1a, 64 bits. */
static size_t
hash(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)h;
}

/* The index entry of a name, or the empty one where it belongs. */
static size_t *
entry(const struct kv_metrics *m, const char *name)
{
	size_t i = hash(name);

	for (;; i++) {
		size_t *e = &m->index[i & (m->nindex - 1)];

		if (*e == 0 || strcmp(m->list[*e - 1].name, name) == 0)
			return e;
	}
}

static void
index_rebuild(struct kv_metrics *m)
{
	size_t i;

	memset(m->index, 0, m->nindex * sizeof(*m->index));
	for (i = 0; i < m->count; i++)
		*entry(m, m->list[i].name) = i + 1;
}

static void
grow(struct kv_metrics *m)
{
	m->capacity = m->capacity == 0 ? 64 : 2 * m->capacity;
	m->nindex = 2 * m->capacity;
	m->list = kv_mem_resize(m->list, m->capacity, sizeof(*m->list));
	m->index = kv_mem_resize(m->index, m->nindex, sizeof(*m->index));
	index_rebuild(m);
}

static struct kv_metric *
find(const struct kv_metrics *m, const char *name)
{
	size_t place = m->nindex == 0 ? 0 : *entry(m, name);

	return place == 0 ? NULL : &m->list[place - 1];
}

const struct kv_metric *
kv_metrics_find(const struct kv_metrics *m, const char *name)
{
	return find(m, name);
}

/* The figure of that name, emptied; a new one goes last. */
static struct kv_metric *
put(struct kv_metrics *m, const char *name, enum kv_metric_kind kind)
{
	struct kv_metric *x = find(m, name);

	if (x == NULL) {
		if (m->count == m->capacity)
			grow(m);
		*entry(m, name) = m->count + 1;
		x = &m->list[m->count++];
		*x = (struct kv_metric){.name = kv_mem_text(name)};
	}
	kv_mem_free(x->text);
	*x = (struct kv_metric){.name = x->name, .kind = kind};
	return x;
}

void
kv_metrics_put_uint(struct kv_metrics *m, enum kv_metric_kind kind,
    const char *name, uint64_t value)
{
	put(m, name, kind)->u = value;
}

void
kv_metrics_put_int(struct kv_metrics *m, const char *name, int64_t value)
{
	put(m, name, KV_METRIC_SIGNED)->i = value;
}

void
kv_metrics_put_ratio(struct kv_metrics *m, const char *name, double value)
{
	put(m, name, KV_METRIC_RATIO)->r = value;
}

void
kv_metrics_put_text(struct kv_metrics *m, const char *name, const char *text)
{
	char *copy = kv_mem_text(text);

	put(m, name, KV_METRIC_TEXT)->text = copy;
}

static int
by_name(const void *a, const void *b)
{
	const struct kv_metric *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void
kv_metrics_sort(struct kv_metrics *m)
{
	if (m->count == 0)
		return;
	qsort(m->list, m->count, sizeof(*m->list), by_name);
	index_rebuild(m);
}

void
kv_metrics_fini(struct kv_metrics *m)
{
	size_t i;

	for (i = 0; i < m->count; i++) {
		kv_mem_free(m->list[i].name);
		kv_mem_free(m->list[i].text);
	}
	kv_mem_free(m->list);
	kv_mem_free(m->index);
	*m = (struct kv_metrics){0};
}
