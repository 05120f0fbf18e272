/* SPDX-License-Identifier: BSD-2-Clause */
/* report_layout.c - the regions of a plan as a table, and who moved */
#include "out/report_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/format.h"

enum { CELL = 24 };

/* Bytes with their sign, exactly. */
static void
signed_cell(char *cell, int64_t bytes)
{
	uint64_t u = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

	snprintf(cell, CELL, "%s0x%" PRIx64,
	    bytes < 0	? "-"
	    : bytes > 0 ? "+"
			: "",
	    u);
}

static void
size_cell(char *cell, const struct kv_region *r)
{
	if ((r->flags & KV_REGION_NEGATIVE) != 0)
		signed_cell(cell, (int64_t)r->size);
	else
		kv_format_bytes(cell, CELL, r->size);
}

/* change NULL: there is nothing to compare with. */
static void
put_region(struct kv_buf *b, const struct kv_region *r,
    const struct kv_layout_change *change)
{
	char size[CELL], moved[CELL], grown[CELL];

	size_cell(size, r);
	kv_buf_printf(b, "  %-15s 0x%016" PRIx64 " 0x%016" PRIx64 " %12s",
	    r->name, r->base, r->end, size);
	if (change != NULL && change->from == NULL) {
		kv_buf_printf(b, " %18s", "new");
	} else if (change != NULL && change->to == NULL) {
		kv_buf_printf(b, " %18s", "gone");
	} else if (change != NULL) {
		signed_cell(moved, change->moved);
		signed_cell(grown, change->grown);
		kv_buf_printf(b, " %18s %18s", moved, grown);
	}
	kv_buf_add(b, "\n", 1);
}

static int
put_change(void *arg, const struct kv_layout_change *c)
{
	put_region(arg, c->to != NULL ? c->to : c->from, c);
	return 0;
}

/* "layout.heap.base" of a region; not layout.heap_ratio, nor what the scenario
 * calls so. */
static bool
is_told(const struct kv_run *run, const char *name)
{
	static const char *const words[] = {
	    ".base", ".end", ".size", ".moved", ".grown"};
	const char *start = name + strlen("layout."), *end = strrchr(name, '.');
	char region[64];
	size_t length, i;

	if (strncmp(name, "layout.", strlen("layout.")) != 0 || end < start)
		return false;
	length = (size_t)(end - start);
	if (length >= sizeof(region))
		return false;
	memcpy(region, start, length);
	region[length] = '\0';
	if (kv_layout_find(run->sc->layout, region) == NULL &&
	    (run->sc->against == NULL ||
		kv_layout_find(run->sc->against, region) == NULL))
		return false;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], end) == 0)
			return true;
	return false;
}

void
kv_report_layout(const struct kv_run *run, bool *shown, struct kv_buf *b)
{
	const struct kv_scenario *sc = run->sc;
	size_t i;

	if (sc->layout == NULL)
		return;
	kv_buf_printf(b, "\nLayout\n  %-15s %-18s %-18s %12s%s\n",
	    "layout.NAME", "base", "end", "size",
	    sc->against != NULL ? "              moved              grown"
				: "");
	if (sc->against != NULL)
		kv_layout_diff(sc->against, sc->layout, put_change, b);
	else
		for (i = 0; i < kv_layout_count(sc->layout); i++)
			put_region(b, kv_layout_region(sc->layout, i), NULL);
	for (i = 0; i < run->metrics.count; i++)
		shown[i] |= is_told(run, run->metrics.list[i].name);
}
