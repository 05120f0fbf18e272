/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c - figures as a reader sees them, for the text form of reports */
#include "out/format.h"

#include <inttypes.h>
#include <string.h>

enum { CELL = 48 };

void
kv_format_bytes(char *s, size_t size, uint64_t bytes)
{
	static const char *const units[] = {
	    "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double scaled = (double)bytes;
	unsigned unit = 0;

	while (scaled >= 1024 && unit < 6) {
		scaled /= 1024;
		unit++;
	}
	if (scaled == (double)(uint64_t)scaled)
		snprintf(s, size, "%.0f %s", scaled, units[unit]);
	else
		snprintf(s, size, "%.1f %s", scaled, units[unit]);
}

void
kv_format_value(char *s, size_t size, const struct kv_value *v, bool hex)
{
	switch (v->kind) {
	case KV_VALUE_UINT:
		snprintf(s, size, hex ? "0x%" PRIx64 : "%" PRIu64, v->u);
		break;
	case KV_VALUE_INT:
		snprintf(s, size, "%" PRId64, v->i);
		break;
	case KV_VALUE_REAL:
		snprintf(s, size, "%.6f", v->r);
		break;
	case KV_VALUE_WORD:
		snprintf(s, size, "%s", v->w);
		break;
	case KV_VALUE_NONE:
		snprintf(s, size, "not in this run");
		break;
	}
}

void
kv_format_metric(char *s, size_t size, const struct kv_metric *x)
{
	struct kv_value v = {.kind = KV_VALUE_UINT, .u = x->u};

	if (x->kind == KV_METRIC_SIGNED)
		v = (struct kv_value){.kind = KV_VALUE_INT, .i = x->i};
	else if (x->kind == KV_METRIC_RATIO)
		v = (struct kv_value){.kind = KV_VALUE_REAL, .r = x->r};
	else if (x->kind == KV_METRIC_TEXT)
		v = (struct kv_value){.kind = KV_VALUE_WORD, .w = x->text};
	kv_format_value(s, size, &v, x->kind == KV_METRIC_HEX);
}

void
kv_format_row(struct kv_buf *b, const struct kv_metric *x)
{
	const struct kv_metric_decl *decl = kv_metric_declared(x->name);
	char cell[CELL], bytes[CELL];

	kv_buf_printf(b, "  %-*s ", KV_FORMAT_LABEL, x->name);
	kv_format_metric(cell, sizeof(cell), x);
	kv_buf_printf(b, "%14s", cell);
	if (x->kind == KV_METRIC_BYTES) {
		kv_format_bytes(bytes, sizeof(bytes), x->u);
		kv_buf_printf(b, " bytes (%s)", bytes);
	} else if (decl != NULL && decl->unit[0] != '\0') {
		kv_buf_printf(b, " %s", decl->unit);
	}
}

static const char *const by_order[] = {
    "blocks", "extfrag", "fmfi", "frag_index", "unusable_index"};
enum { BY_ORDER = sizeof(by_order) / sizeof(by_order[0]) };

void
kv_format_orders(struct kv_buf *b, const struct kv_metrics *m, unsigned norders)
{
	char name[CELL], cell[CELL];
	unsigned order;
	size_t i;

	kv_buf_printf(b, "  %-*s", KV_FORMAT_LABEL - 6, "order of a request");
	for (order = 0; order < norders; order++)
		kv_buf_printf(b, " %8u", order);
	for (i = 0; i < BY_ORDER; i++) {
		kv_buf_printf(
		    b, "\n  phys.%-*s", KV_FORMAT_LABEL - 11, by_order[i]);
		for (order = 0; order < norders; order++) {
			const struct kv_metric *x;

			snprintf(name, sizeof(name), "phys.%s.o%u", by_order[i],
			    order);
			x = kv_metrics_find(m, name);
			snprintf(cell, sizeof(cell), "-");
			if (x != NULL)
				kv_format_metric(cell, sizeof(cell), x);
			kv_buf_printf(b, " %8s", cell);
		}
	}
	kv_buf_add(b, "\n", 1);
}

bool
kv_format_is_by_order(const char *name)
{
	size_t i, length;

	if (strncmp(name, "phys.", 5) != 0)
		return false;
	name += 5;
	for (i = 0; i < BY_ORDER; i++) {
		length = strlen(by_order[i]);
		if (strncmp(name, by_order[i], length) == 0 &&
		    strncmp(name + length, ".o", 2) == 0)
			return true;
	}
	return false;
}
