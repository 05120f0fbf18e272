/* SPDX-License-Identifier: BSD-2-Clause */
/* listen.c - several listeners to one tap; page tables as events */
#include "run/listen.h"

#include <stdlib.h>
#include <string.h>

#include "hw/pte_code.h"
#include "out/mem.h"

/* ---- Several listeners ----------------------------------------------- */

void
kv_ears_add(struct kv_ears *ears, const struct kv_tap *tap)
{
	if (tap->fn != NULL && ears->count < KV_EARS_MAX)
		ears->list[ears->count++] = *tap;
}

static void
tell_all(void *arg, const struct kv_event *event)
{
	const struct kv_ears *ears = arg;

	for (unsigned i = 0; i < ears->count; i++)
		ears->list[i].fn(ears->list[i].arg, event);
}

struct kv_tap
kv_ears_tap(struct kv_ears *ears)
{
	if (ears->count == 0)
		return (struct kv_tap){0};
	if (ears->count == 1)
		return ears->list[0];
	return (struct kv_tap){tell_all, ears};
}

/* ---- Page tables ------------------------------------------------------ */

struct kv_pt_ear {
	struct kv_pt_ear_config cfg; /* (c) */
	uint8_t *level;		     /* of the table on a page, + 1; 0: none */
	uint64_t npages;	     /* that level has room for */
	kv_pa_t bump;		     /* next table, without another source */
};

static void
tell(const struct kv_pt_ear *ear, enum kv_event_kind kind, uint64_t a,
    uint64_t b, uint64_t c, uint64_t d)
{
	kv_tap_emit(&ear->cfg.tap, kind, ear->cfg.name, a, b, c, d);
}

static void
note_level(struct kv_pt_ear *ear, kv_pa_t pa, unsigned level)
{
	uint64_t page = pa >> ear->cfg.format->page_shift, n = ear->npages;

	if (page >= n) {
		n = 2 * n > page ? 2 * n : page + 64;
		ear->level = kv_mem_resize(ear->level, (size_t)n, 1);
		memset(ear->level + ear->npages, 0, (size_t)(n - ear->npages));
		ear->npages = n;
	}
	ear->level[page] = (uint8_t)(level + 1);
}

static int
get(void *arg, unsigned level, kv_pa_t *pa)
{
	struct kv_pt_ear *ear = arg;
	const struct kv_pt_source *source = &ear->cfg.source;

	if (source->get != NULL) {
		int error = source->get(source->arg, level, pa);

		if (error != 0)
			return error;
	} else {
		*pa = ear->bump;
		ear->bump += UINT64_C(1) << ear->cfg.format->page_shift;
	}
	note_level(ear, *pa, level);
	tell(ear, KV_EV_PT_GET, *pa, level, 0, 0);
	return 0;
}

static void
put(void *arg, unsigned level, kv_pa_t pa)
{
	struct kv_pt_ear *ear = arg;
	const struct kv_pt_source *source = &ear->cfg.source;

	tell(ear, KV_EV_PT_PUT, pa, level, 0, 0);
	if (source->put != NULL)
		source->put(source->arg, level, pa);
}

/* A member of a group of Svnapot has the frame of all; alone, its own. */
static void
store(void *arg, kv_pa_t table, unsigned index, uint64_t old, uint64_t entry)
{
	const struct kv_pt_ear *ear = arg;
	const struct kv_pte_format *f = ear->cfg.format;
	unsigned level = ear->level[table >> f->page_shift] - 1u;
	unsigned attr = kv_pte_decode(f, entry);

	(void)old;
	if (entry == 0) {
		tell(ear, KV_EV_PT_CLEAR, table, index, 0, 0);
	} else if (level != 0 && kv_pte_on(&f->is_table, entry)) {
		tell(ear, KV_EV_PT_TABLE, table, index, kv_pte_frame(f, entry),
		    0);
	} else {
		entry = kv_pte_alone(f, entry, kv_pte_group(f, level), index);
		tell(ear, KV_EV_PT_LEAF, table, index, kv_pte_frame(f, entry),
		    attr);
	}
}

struct kv_pt_ear *
kv_pt_ear_create(const struct kv_pt_ear_config *cfg)
{
	struct kv_pt_ear *ear = kv_mem_resize(NULL, 1, sizeof(*ear));

	*ear = (struct kv_pt_ear){.cfg = *cfg};
	return ear;
}

void
kv_pt_ear_destroy(struct kv_pt_ear *ear)
{
	if (ear == NULL)
		return;
	kv_mem_free(ear->level);
	kv_mem_free(ear);
}

void
kv_pt_ear_attach(struct kv_pt_ear *ear, struct kv_pmap_config *pmap)
{
	ear->cfg.source = pmap->source;
	pmap->source = (struct kv_pt_source){get, put, ear};
	pmap->store = store;
	pmap->store_arg = ear;
}

void
kv_pt_ear_begin(struct kv_pt_ear *ear, bool low_half)
{
	const struct kv_pte_format *f = ear->cfg.format;
	unsigned half = !f->root_per_half ? 0 : low_half ? 1 : 2;

	tell(ear, KV_EV_PT_SPACE, ear->cfg.tag, half, f->va_bits, f->pt_shift);
}

void
kv_pt_ear_end(struct kv_pt_ear *ear)
{
	ear->cfg.tap = (struct kv_tap){0};
}
