/* SPDX-License-Identifier: BSD-2-Clause */
/* report_capture.c - the report of a captured state, as text and as JSON */
#include "out/report_capture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out/format.h"
#include "out/mem.h"

/* ---- Text ------------------------------------------------------------ */

/* Orders that the zone has: as many as it has figures of one kind. */
static unsigned
orders(const struct kv_metrics *m)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < m->count; i++)
		n += strncmp(m->list[i].name, "phys.blocks.", 12) == 0;
	return n;
}

/* "vmem.heap.size" -> true, and where the name of the arena ends */
static bool
is_size(const char *name, const char **end)
{
	*end = strrchr(name, '.');
	return strncmp(name, "vmem.", 5) == 0 && strcmp(*end, ".size") == 0;
}

static const struct kv_metric *
sibling(const struct kv_metrics *m, const char *name, const char *end,
    const char *figure)
{
	struct kv_buf other = {0};
	const struct kv_metric *x;

	kv_buf_printf(&other, "%.*s.%s", (int)(end - name), name, figure);
	x = kv_metrics_find(m, other.data);
	kv_buf_fini(&other);
	return x;
}

/* The line of an arena: what ::vmem shows, and the share in use. */
static void
text_arena(
    struct kv_buf *b, const struct kv_metrics *m, const struct kv_metric *size)
{
	static const char *const counts[] = {"alloc", "fail"};
	const char *name = size->name, *end = strrchr(name, '.'), *source;
	uint64_t inuse = sibling(m, name, end, "inuse")->u;
	char cell[48];
	size_t i;

	kv_buf_printf(b, "  %-32.*s", (int)(end - name), name);
	kv_format_bytes(cell, sizeof(cell), inuse);
	kv_buf_printf(b, " %12s", cell);
	kv_format_bytes(cell, sizeof(cell), size->u);
	kv_buf_printf(b, " %12s %7.2f %%", cell,
	    size->u == 0 ? 0 : 100 * ((double)inuse / (double)size->u));
	for (i = 0; i < 2; i++)
		kv_buf_printf(
		    b, " %12" PRIu64, sibling(m, name, end, counts[i])->u);
	source = sibling(m, name, end, "source")->text;
	kv_buf_printf(b, "  %s\n", source[0] != '\0' ? source : "-");
}

static void
text_arenas(struct kv_buf *b, const struct kv_metrics *m)
{
	bool titled = false;
	const char *end;
	size_t i;

	for (i = 0; i < m->count; i++) {
		if (!is_size(m->list[i].name, &end))
			continue;
		if (!titled)
			kv_buf_printf(b,
			    "  %-32s %12s %12s %9s %12s %12s  %s\n",
			    "vmem.NAME", "inuse", "size", "in use", "alloc",
			    "fail", "source");
		titled = true;
		text_arena(b, m, &m->list[i]);
	}
}

static void
text_zone(struct kv_buf *b, const struct kv_metrics *m)
{
	unsigned norders = orders(m);
	size_t i;

	for (i = 0; i < m->count; i++) {
		const struct kv_metric *x = &m->list[i];

		if (kv_format_is_by_order(x->name) ||
		    strncmp(x->name, "vmem.", 5) == 0)
			continue;
		kv_format_row(b, x);
		kv_buf_add(b, "\n", 1);
	}
	if (norders != 0)
		kv_format_orders(b, m, norders);
	text_arenas(b, m);
}

void
kv_report_capture_text(const struct kv_capture_report *r, struct kv_buf *b)
{
	char page[48];
	size_t i;

	kv_format_bytes(page, sizeof(page), kv_machine_page_size(r->machine));
	kv_buf_printf(b, "%s: %s\n  machine   %s, page %s\n", r->name, r->kind,
	    r->machine->name, page);
	for (i = 0; i < r->captured->count; i++) {
		kv_buf_printf(b, "\n%s\n", r->captured->zones[i].name);
		text_zone(b, &r->captured->zones[i].metrics);
	}
	if (r->captured->count == 0)
		kv_buf_printf(b, "\nnothing in it\n");
}

/* ---- JSON ------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	const struct kv_captured_zone *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void
json_zones(struct kv_emit *e, const struct kv_captured *c)
{
	const struct kv_captured_zone **order =
	    kv_mem_resize(NULL, c->count, sizeof(*order));
	size_t i;

	for (i = 0; i < c->count; i++)
		order[i] = &c->zones[i];
	if (c->count > 1)
		qsort(order, c->count, sizeof(*order), by_name);
	for (i = 0; i < c->count; i++) {
		if (c->count > 1)
			kv_emit_open(e, order[i]->name, '{');
		kv_emit_metrics(e, &order[i]->metrics);
		if (c->count > 1)
			kv_emit_close(e, '}');
	}
	kv_mem_free(order);
}

void
kv_report_capture_json(const struct kv_capture_report *r, struct kv_buf *b)
{
	struct kv_emit e;

	kv_emit_init(&e, b, KV_FORM_JSON);
	kv_emit_open(&e, NULL, '{');
	kv_emit_text(&e, "backend", "capture");
	kv_emit_open(&e, "expect", '[');
	kv_emit_close(&e, ']');
	kv_emit_text(&e, "kvasir", KV_VERSION);
	kv_emit_open(&e, "metrics", '{');
	json_zones(&e, r->captured);
	kv_emit_close(&e, '}');
	kv_emit_text(&e, "outcome", "ok");
	kv_emit_open(&e, "params", '{');
	kv_emit_text(&e, "capture", r->name);
	kv_emit_text(&e, "kind", r->kind);
	kv_emit_text(&e, "machine", r->machine->name);
	kv_emit_close(&e, '}');
	kv_emit_text(&e, "scenario", "report");
	kv_emit_open(&e, "series", '{');
	kv_emit_close(&e, '}');
	kv_emit_open(&e, "violations", '[');
	kv_emit_close(&e, ']');
	kv_emit_close(&e, '}');
}
