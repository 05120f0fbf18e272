/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - named figures of a run: the table of names, and sets of values */
#include "out/metrics.h"

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

static struct kv_metric *
find(const struct kv_metrics *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (strcmp(m->list[i].name, name) == 0)
			return &m->list[i];
	return NULL;
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
		if (m->count == m->capacity) {
			m->capacity = m->capacity == 0 ? 64 : 2 * m->capacity;
			m->list = kv_mem_resize(
			    m->list, m->capacity, sizeof(*m->list));
		}
		x = &m->list[m->count++];
		*x = (struct kv_metric){.name = kv_mem_text(name)};
	}
	free(x->text);
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
	if (m->count != 0)
		qsort(m->list, m->count, sizeof(*m->list), by_name);
}

void
kv_metrics_fini(struct kv_metrics *m)
{
	size_t i;

	for (i = 0; i < m->count; i++) {
		free(m->list[i].name);
		free(m->list[i].text);
	}
	free(m->list);
	*m = (struct kv_metrics){0};
}
