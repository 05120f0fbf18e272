/* SPDX-License-Identifier: BSD-2-Clause */
/* physrig.h - a machine beside its slow model, and whether they are equal */
#ifndef KV_TEST_PHYSRIG_H
#define KV_TEST_PHYSRIG_H

#include <check.h>

#include "alloc/kv.h"
#include "alloc/bitmap.h"
#include "alloc/physmodel.h"

/* ---- Machines ---------------------------------------------------------- */

/* Small reservations, so that rare states come often. */
static const struct kv_machine tiny = {.name = "tiny",
    .page_shift = 12,
    .pt_shift = 6,
    .reserv_order = 6,
    .max_order = 9,
    .lowmem_end = 1 << 20};

static const struct kv_machine tiny_dma32 = {.name = "tiny with three lists",
    .page_shift = 12,
    .pt_shift = 6,
    .reserv_order = 6,
    .max_order = 8,
    .lowmem_end = 1 << 20,
    .dma32_end = 3 << 20,
    .dma32_pages = 700};

struct setup {
	const char *machine; /* of the table, or NULL: own */
	const struct kv_machine *own;
	struct kv_phys_range range[4];
	size_t nranges;
	unsigned ndomains, steps;
};

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

static const struct setup setups[] = {
    {NULL, &tiny, {{0, KIB(640), 0}, {MIB(1), MIB(6), 0}}, 2, 1, 6000},
    {NULL, &tiny,
	{{0, KIB(640), 0}, {KIB(900), KIB(3340), 0}, {KIB(3340), MIB(7), 1}}, 3,
	2, 6000},
    {NULL, &tiny_dma32, {{KIB(16), KIB(4100), 0}, {KIB(4104), MIB(8), 1}}, 2, 2,
	6000},
    /* Ranges that touch are one segment, but their blocks end there. */
    {NULL, &tiny, {{MIB(2), KIB(4100), 0}, {KIB(4100), MIB(6), 0}}, 2, 1, 3000},
    {"amd64", NULL, {{0, KIB(640), 0}, {MIB(1), MIB(40), 0}}, 2, 1, 2500},
    {"amd64", NULL, {{MIB(16), MIB(40), 0}, {MIB(40), MIB(58), 1}}, 2, 2, 2500},
    {"arm64-16k", NULL, {{MIB(16), MIB(256), 0}, {MIB(256), MIB(440), 1}}, 2, 2,
	1000},
};

enum { SETUPS = sizeof(setups) / sizeof(setups[0]), SEEDS = 6 };

/* ---- Rig --------------------------------------------------------------- */

struct rig {
	struct kv_host host;
	const struct kv_machine *m;
	struct kv_phys *phys;
	struct kv_reserv *rv;
	struct kv_object *obj[MODEL_OBJECTS];
	struct model *md;
	bool bare[MODEL_PAGES];	 /* used without an object */
	uint64_t x;		 /* generator */
	const uint8_t *at, *end; /* bytes instead of it; NULL: none */
	unsigned seed, step;
	const char *op;
	kv_pfn_t *pfns; /* MODEL_PAGES */
	int *v;		/* MODEL_PAGES */
};

/* From the bytes: as few as hold what is below; 0 when there are no more. */
static inline unsigned
rnd_bytes(struct rig *rig, unsigned below)
{
	unsigned value = 0, most = below - 1;

	for (; most != 0; most >>= 8)
		value = value << 8 | (rig->at < rig->end ? *rig->at++ : 0);
	return below == 0 ? 0 : value % below;
}

static inline unsigned
rnd(struct rig *rig, unsigned below)
{
	if (rig->at != NULL)
		return rnd_bytes(rig, below);
	rig->x = rig->x * UINT64_C(6364136223846793005) +
		 UINT64_C(1442695040888963407);
	return (unsigned)(rig->x >> 33) % below;
}

/* ck_assert writes a mark to a file each time it is passed. */
#define RIG_CHECK(rig, cond)                                       \
	do {                                                       \
		if (!(cond))                                       \
			ck_abort_msg("seed %u step %u %s: " #cond, \
			    (rig)->seed, (rig)->step, (rig)->op);  \
	} while (0)

static inline void
open_objects(struct rig *rig)
{
	unsigned n = (unsigned)rig->md->n;
	const struct model_object kinds[MODEL_OBJECTS] = {
	    {.colored = true, .size = UINT64_C(1) << 40},
	    {.colored = true, .size = n * 5 / 2},
	    {.colored = true, .anon = true, .size = n * 5 / 2, .color = 37},
	    {.size = UINT64_C(1) << 40},
	};

	for (int o = 0; o < MODEL_OBJECTS; o++) {
		struct model_object *mo = &rig->md->object[o];
		struct kv_object_config cfg = {.name = "o",
		    .size = kinds[o].size,
		    .anon = kinds[o].anon,
		    .colored = kinds[o].colored,
		    .pg_color = kinds[o].color,
		    .host = &rig->host};

		mo->colored = kinds[o].colored;
		mo->anon = kinds[o].anon;
		mo->size = kinds[o].size;
		mo->color = kinds[o].color;
		ck_assert_int_eq(kv_object_create(&cfg, &rig->obj[o]), 0);
	}
}

static inline void
rig_open(struct rig *rig, const struct setup *su, unsigned seed)
{
	const struct kv_machine *m =
	    su->machine != NULL ? kv_machine_find(su->machine) : su->own;
	struct kv_phys_config pc = {.machine = m,
	    .ranges = su->range,
	    .nranges = su->nranges,
	    .ndomains = su->ndomains,
	    .host = &rig->host};
	struct kv_reserv_config rc = {.host = &rig->host};

	memset(rig, 0, sizeof(*rig));
	kv_host_libc(&rig->host);
	rig->m = m;
	rig->seed = seed;
	rig->x = seed;
	rig->op = "boot";
	rig->pfns = calloc(MODEL_PAGES, sizeof(*rig->pfns));
	rig->v = calloc(MODEL_PAGES, sizeof(*rig->v));
	ck_assert_int_eq(kv_phys_create(&pc, &rig->phys), 0);
	rc.phys = rig->phys;
	ck_assert_int_eq(kv_reserv_create(&rc, &rig->rv), 0);
	rig->md = model_new(m);
	for (size_t i = 0; i < su->nranges; i++)
		for (kv_pa_t pa = su->range[i].start; pa < su->range[i].end;
		     pa += kv_machine_page_size(m)) {
			rig->md->segment[pa >> m->page_shift] = 0;
			rig->md->domain[pa >> m->page_shift] =
			    (unsigned char)su->range[i].domain;
			rig->md->cut[pa >> m->page_shift] =
			    pa == su->range[i].start;
		}
	open_objects(rig);
}

static inline void
rig_close(struct rig *rig)
{
	for (int o = 0; o < MODEL_OBJECTS; o++)
		kv_object_destroy(rig->obj[o]);
	kv_reserv_destroy(rig->rv);
	kv_phys_destroy(rig->phys);
	ck_assert_uint_eq(rig->host.bytes, 0);
	model_delete(rig->md);
	free(rig->pfns);
	free(rig->v);
}

/* ---- Equal? ---------------------------------------------------------------
 */

struct cursor {
	const struct rig *rig;
	const struct model_list *list;
	int at;
};

static inline int
same_block(void *arg, const struct kv_phys_block *b)
{
	struct cursor *c = arg;

	return c->at >= c->list->n || (kv_pfn_t)c->list->v[c->at++] != b->pfn;
}

static inline void
same_queues(struct rig *rig)
{
	for (unsigned d = 0; d < rig->md->ndomains; d++)
		for (unsigned l = 0; l < rig->md->nlists; l++)
			for (unsigned p = 0; p < 2; p++)
				for (unsigned o = 0; o <= rig->m->max_order;
				     o++) {
					struct kv_phys_block b = {
					    0, d, l, p, o};
					struct cursor c = {rig,
					    &rig->md->queue[d][l][p][o], 0};

					RIG_CHECK(
					    rig, kv_phys_walk_queue(rig->phys,
						     &b, same_block, &c) == 0);
					RIG_CHECK(rig, c.at == c.list->n);
				}
}

static inline int
same_reserv(void *arg, const struct kv_reserv_info *info)
{
	struct cursor *c = arg;
	const struct model *md = c->rig->md;
	const struct model_reserv *r;

	if (c->list != NULL &&
	    (c->at >= c->list->n ||
		c->list->v[c->at] !=
		    (int)(info->pfn >> c->rig->m->reserv_order)))
		return 1;
	c->at++;
	r = &md->slot[info->pfn >> c->rig->m->reserv_order];
	if (!r->active || info->object != c->rig->obj[r->object] ||
	    (int)info->pindex != r->first || (int)info->popcnt != r->popcnt ||
	    info->queued != r->queued)
		return 1;
	for (unsigned i = 0; i < info->npages; i++)
		if (kv_bit_test(info->popmap, i) != r->pop[i])
			return 1;
	return 0;
}

static inline void
same_reservs(struct rig *rig)
{
	struct kv_reserv_stats s = kv_reserv_stats(rig->rv);
	struct cursor c = {rig, NULL, 0};
	int active = 0;

	for (unsigned d = 0; d < rig->md->ndomains; d++) {
		struct cursor q = {rig, &rig->md->partial[d], 0};

		RIG_CHECK(rig,
		    kv_reserv_walk_queue(rig->rv, d, same_reserv, &q) == 0);
		RIG_CHECK(rig, q.at == q.list->n);
	}
	for (int i = 0; i < MODEL_PAGES / rig->md->n; i++)
		active += rig->md->slot[i].active;
	RIG_CHECK(rig, kv_reserv_walk(rig->rv, NULL, same_reserv, &c) == 0);
	RIG_CHECK(rig, c.at == active);
	RIG_CHECK(rig, (int)(s.full + s.partial) == active);
	RIG_CHECK(rig, s.broken == rig->md->broken);
	RIG_CHECK(rig, s.freed == rig->md->freed);
	RIG_CHECK(rig, s.reclaimed == rig->md->reclaimed);
}

/* Pages, and what kv_object_before and _from say at a random place. */
static inline void
same_object(struct rig *rig, int o)
{
	const struct model_object *mo = &rig->md->object[o];
	const struct kv_object *obj = rig->obj[o];
	int p = (int)rnd(rig, MODEL_PINDEXES), below, above;
	uint64_t resident = 0;
	kv_pindex_t found;
	kv_pfn_t pfn;

	for (int i = 0; i < MODEL_PINDEXES; i++) {
		int error = kv_object_lookup(obj, (kv_pindex_t)i, &pfn);

		RIG_CHECK(rig, (error == ENOENT) == (mo->frame[i] < 0));
		RIG_CHECK(rig, error != 0 || (int)pfn == mo->frame[i]);
		resident += mo->frame[i] >= 0;
	}
	RIG_CHECK(rig, kv_object_resident(obj) == resident);
	below = model_near(mo, p, -1);
	above = model_near(mo, p - 1, 1);
	if (kv_object_before(obj, (kv_pindex_t)p, &found, &pfn) != 0)
		RIG_CHECK(rig, below < 0);
	else
		RIG_CHECK(
		    rig, (int)found == below && (int)pfn == mo->frame[below]);
	if (kv_object_from(obj, (kv_pindex_t)p, &found, &pfn) != 0)
		RIG_CHECK(rig, above < 0);
	else
		RIG_CHECK(
		    rig, (int)found == above && (int)pfn == mo->frame[above]);
}

/* Everything; costs about as much as the machine is large. */
static inline void
same(struct rig *rig)
{
	struct kv_diag diag = {0};

	for (unsigned d = 0; d < rig->md->ndomains; d++)
		RIG_CHECK(rig,
		    (long)kv_phys_free_count(rig->phys, d) == rig->md->free[d]);
	same_queues(rig);
	same_reservs(rig);
	for (int o = 0; o < MODEL_OBJECTS; o++) {
		same_object(rig, o);
		RIG_CHECK(rig, kv_object_check(rig->obj[o], &diag) == 0);
	}
	if (kv_phys_check(rig->phys, &diag) != 0 ||
	    kv_reserv_check(rig->rv, &diag) != 0)
		ck_abort_msg("seed %u step %u %s: %s I%u: %s", rig->seed,
		    rig->step, rig->op, diag.module, diag.invariant, diag.text);
}

#endif
