/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * residents.c - so many spaces keep their tables; others lose and regain them
 *
 * 1 Concepts.  A space that was entered is resident: its tables are kept for
 *   the next time; the kernel's always are.  Where there are more than may be,
 *   one goes: its leaves are removed, and with them its tables.  What they
 *   mapped stays allocated, and when the space is entered again they are built
 *   as they were.
 * 2 Representation.  Of a space that went, its leaves in order.
 * 3 Invariants (N10 of systems.md).
 *   I1   No more spaces are resident than may be.
 *   I2   A space that was built again has the leaves that it had: the same
 *        pages, with the same rights.
 * 4 Cost.  To go and to come back, a visit of each leaf.
 * 5 Fidelity.  systems.md 2.1 (frames keep their space, older ones are rebuilt
 *   on resume), 2.7 (by last use, or by depth).  A root and what is grafted
 *   into it stay: they are one page, and the template's.  Who lends tables
 *   stays, too.  Which empty tables go is their pool's affair.  Leaves that go
 *   are flushed at once.
 */
#include "run/residents.h"

#include <string.h>

#include "out/mem.h"

enum state { STRANGE, RESIDENT, AWAY };

struct member {
	enum state state;
	uint64_t used; /* when it was entered last, counted in entries */
	struct kv_leaf *leaves; /* owned; of one that is away */
	size_t nleaves;
};

struct kv_residents {
	const struct kv_residents_spec *spec; /* (c) */
	struct kv_world *w;		      /* (c) */
	struct member *list;		      /* one a space */
	uint64_t entries;
	uint64_t count, peak; /* resident: now, most so far */
	uint64_t evictions, rebuilds, leaves, changed, failed;
	kv_va_t first_changed;
};

struct kv_residents *
kv_residents_create(const struct kv_residents_spec *spec, struct kv_world *w)
{
	struct kv_residents *r = kv_mem_resize(NULL, 1, sizeof(*r));

	*r = (struct kv_residents){.spec = spec, .w = w};
	r->list = kv_mem_resize(NULL, w->nspaces, sizeof(*r->list));
	memset(r->list, 0, w->nspaces * sizeof(*r->list));
	return r;
}

void
kv_residents_destroy(struct kv_residents *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->w->nspaces; i++)
		kv_mem_free(r->list[i].leaves);
	kv_mem_free(r->list);
	kv_mem_free(r);
}

static struct kv_pmap *
pmap_of(const struct kv_residents *r, unsigned space)
{
	return r->w->spaces[space].pmap;
}

static uint64_t
leaf_pages(
    const struct kv_residents *r, unsigned space, const struct kv_leaf *leaf)
{
	const struct kv_pte_format *f = kv_pmap_format(pmap_of(r, space));

	return UINT64_C(1) << f->pt_shift * leaf->level;
}

static int
leaf_remove(struct kv_residents *r, unsigned space, const struct kv_leaf *leaf)
{
	const struct kv_pte_format *f = kv_pmap_format(pmap_of(r, space));

	return kv_pmap_remove(pmap_of(r, space), leaf->va,
	    leaf_pages(r, space, leaf) << f->page_shift, NULL);
}

/* ---- Away ------------------------------------------------------------- */

static int
leaf_note(void *arg, const struct kv_leaf *leaf)
{
	struct member *m = arg;

	if ((m->nleaves & (m->nleaves - 1)) == 0)
		m->leaves = kv_mem_resize(m->leaves,
		    m->nleaves == 0 ? 1 : 2 * m->nleaves, sizeof(*m->leaves));
	m->leaves[m->nleaves++] = *leaf;
	return 0;
}

/* What is not global goes with the tag. */
static void
flush(struct kv_residents *r, unsigned space)
{
	const struct member *m = &r->list[space];

	if (r->w->cpus == NULL)
		return;
	kv_cpus_flush_tag(r->w->cpus, space);
	for (size_t i = 0; i < m->nleaves; i++)
		if ((m->leaves[i].attr & KV_PTE_G) != 0)
			kv_cpus_flush_range(r->w->cpus, space, m->leaves[i].va,
			    leaf_pages(r, space, &m->leaves[i]));
}

/* Leaves of a graft are not removed; a whole leaf takes no table. */
static void
evict(struct kv_residents *r, unsigned space)
{
	struct member *m = &r->list[space];
	size_t kept = 0;

	m->nleaves = 0;
	(void)kv_pmap_walk(pmap_of(r, space), 0, KV_ADDR_MAX, leaf_note, m);
	for (size_t i = 0; i < m->nleaves; i++)
		if (leaf_remove(r, space, &m->leaves[i]) == 0)
			m->leaves[kept++] = m->leaves[i];
	m->nleaves = kept;
	m->state = AWAY;
	flush(r, space);
	r->count--;
	r->evictions++;
}

/* => the space that goes; nspaces: none */
static size_t
victim(const struct kv_residents *r, unsigned entered)
{
	const size_t none = r->w->nspaces;
	size_t best = none;
	uint64_t best_age = 0;

	for (size_t i = 0; i < none; i++) {
		const struct member *m = &r->list[i];
		uint64_t age = r->entries - m->used;

		if (m->state != RESIDENT || i == entered ||
		    kv_pmap_lends(pmap_of(r, (unsigned)i)))
			continue;
		if (r->spec->evict == KV_EVICT_WINDOW)
			age = i < entered ? entered - i : i - entered;
		if (best == none || age >= best_age) {
			best = i;
			best_age = age;
		}
	}
	return best;
}

/* One more space comes. */
static void
make_room(struct kv_residents *r, unsigned entered)
{
	size_t i;

	while (r->count >= r->spec->limit && r->spec->evict != KV_EVICT_NONE) {
		i = victim(r, entered);
		if (i == r->w->nspaces)
			break;
		evict(r, (unsigned)i);
	}
}

/* ---- Back ------------------------------------------------------------- */

static int
put(struct kv_residents *r, unsigned space, const struct kv_leaf *leaf)
{
	unsigned attr = leaf->attr;

	if (r->spec->rebuild == KV_REBUILD_MAPPED)
		attr |= kv_data_rights(r->w->data, space, leaf->va);
	r->leaves++;
	if (leaf->level == 0)
		return kv_pmap_qenter_run(
		    pmap_of(r, space), leaf->va, leaf->pa, 1, attr);
	return kv_pmap_enter_leaf(
	    pmap_of(r, space), leaf->va, leaf->pa, leaf->level, 1, attr);
}

/* => 0; what the source of tables answers, and nothing is there */
static int
build(struct kv_residents *r, unsigned space)
{
	const struct member *m = &r->list[space];
	const bool original = r->spec->rebuild == KV_REBUILD_ORIGINAL;
	int error = original ? kv_data_reset(r->w->data, space) : 0;
	size_t i;

	for (i = 0; i < m->nleaves && error == 0; i++)
		if (!original ||
		    kv_data_find(r->w->data, space, m->leaves[i].va) == NULL)
			error = put(r, space, &m->leaves[i]);
	if (error == 0)
		return 0;
	for (i = 0; i < m->nleaves; i++)
		(void)leaf_remove(r, space, &m->leaves[i]);
	return error;
}

static void
differ(struct kv_residents *r, kv_va_t va, uint64_t n)
{
	if (r->changed == 0 && n != 0)
		r->first_changed = va;
	r->changed += n;
}

/* Leaves that it had and has not, or the other way round (I2). */
static void
compare(struct kv_residents *r, unsigned space)
{
	const unsigned rights = KV_PTE_W | KV_PTE_X | KV_PTE_U | KV_PTE_G;
	const struct member *m = &r->list[space];
	struct kv_pmap_stats s = kv_pmap_stats(pmap_of(r, space));
	uint64_t now = 0;
	struct kv_leaf x;

	for (size_t i = 0; i < m->nleaves; i++) {
		const struct kv_leaf *leaf = &m->leaves[i];

		if (kv_pmap_extract(pmap_of(r, space), leaf->va, &x) != 0 ||
		    x.pa != leaf->pa || x.level != leaf->level ||
		    ((x.attr ^ leaf->attr) & rights) != 0)
			differ(r, leaf->va, 1);
	}
	for (unsigned level = 0; level < KV_PTE_LEVELS_MAX; level++)
		now += s.leaves[level];
	differ(r, 0, now > m->nleaves ? now - m->nleaves : 0);
}

static int
come_back(struct kv_residents *r, unsigned space)
{
	struct member *m = &r->list[space];
	int error = build(r, space);

	r->failed += error != 0;
	if (error != 0)
		return error;
	r->rebuilds++;
	compare(r, space);
	m->nleaves = 0;
	return 0;
}

/* ---- Use --------------------------------------------------------------- */

int
kv_residents_enter(struct kv_residents *r, unsigned space)
{
	struct member *m = &r->list[space];
	int error = 0;

	if (space == 0)
		return 0;
	if (m->state != RESIDENT)
		make_room(r, space);
	if (m->state == AWAY)
		error = come_back(r, space);
	if (error != 0)
		return error;
	r->count += m->state != RESIDENT;
	r->peak = r->count > r->peak ? r->count : r->peak;
	m->state = RESIDENT;
	m->used = ++r->entries;
	return 0;
}

int
kv_residents_need(struct kv_residents *r, unsigned space)
{
	return r->list[space].state == AWAY ? kv_residents_enter(r, space) : 0;
}

void
kv_residents_forget(struct kv_residents *r, unsigned space)
{
	struct member *m = &r->list[space];

	r->count -= m->state == RESIDENT;
	m->state = STRANGE;
	m->nleaves = 0;
}

void
kv_residents_clear(struct kv_residents *r)
{
	for (size_t i = 0; i < r->w->nspaces; i++)
		kv_residents_forget(r, (unsigned)i);
}

/* ---- Inspect ----------------------------------------------------------- */

void
kv_residents_measure(const struct kv_residents *r, struct kv_metrics *m)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {{"residents.spaces", r->count}, {"residents.peak", r->peak},
	    {"residents.evictions", r->evictions},
	    {"residents.rebuilds", r->rebuilds},
	    {"residents.leaf_writes", r->leaves},
	    {"residents.changed", r->changed}, {"residents.failed", r->failed}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		kv_metrics_put_uint(
		    m, KV_METRIC_COUNT, rows[i].name, rows[i].value);
}

int
kv_residents_check(const struct kv_residents *r, struct kv_diag *diag)
{
	if (r->peak > r->spec->limit)
		return kv_diag_set(diag, EFAULT, "residents", 1, r->peak,
		    "more spaces are resident than may be");
	if (r->changed != 0)
		return kv_diag_set(diag, EFAULT, "residents", 2,
		    r->first_changed,
		    "a space was built again with other leaves than it had");
	return 0;
}
