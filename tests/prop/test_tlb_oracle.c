/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tlb_oracle.c - a TLB against a flat list of entries with time stamps
 *
 * The model knows the rules of tlb.c's theory block and nothing of its sets as
 * lists, classes or sweeps: it keeps every entry in one list and scans all of
 * it.  Random mappings change under both; after each touch and flush results,
 * counters and the set of entries must agree, and A and M of the tables must be
 * what the touch should have set.
 *
 * KV_SEED=N runs one seed; otherwise seeds 1 to SEEDS.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hw/tlb.h"
#include "kvtest.h"
#include "run/rng.h"

enum { SEEDS = 60, OPS = 1500, SPACES = 2, PAGES = 96, MODEL_MAX = 4096 };

static const unsigned rights = KV_PTE_W | KV_PTE_X | KV_PTE_U;

/* ---- The model ------------------------------------------------------- */

struct cell {
	struct kv_tlb_entry e;
	uint64_t used; /* time of the last use */
	bool group;
};

struct model {
	struct kv_tlb_config cfg;
	const struct kv_pte_format *f;
	struct cell cells[MODEL_MAX];
	unsigned n;
	uint64_t now;
	struct kv_tlb_stats s;
};

static uint64_t
leaf_size(const struct kv_pte_format *f, unsigned level)
{
	return UINT64_C(1) << (f->page_shift + level * f->pt_shift);
}

static uint64_t
group_size(const struct kv_pte_format *f, unsigned level)
{
	for (int i = 0; i < 2; i++)
		if (f->group[i].order != 0 && f->group[i].level == level)
			return leaf_size(f, level) << f->group[i].order;
	return 0;
}

/* Are two entries ever looked up by one space? */
static bool
meet(const struct model *m, const struct kv_tlb_entry *e, unsigned tag,
    bool global)
{
	return !m->cfg.tags || global || (e->attr & KV_PTE_G) != 0 ||
	       e->tag == tag;
}

static struct cell *
lookup(struct model *m, unsigned array, unsigned tag, kv_va_t va)
{
	struct cell *found = NULL;

	for (unsigned i = 0; i < m->n; i++) {
		struct kv_tlb_entry *e = &m->cells[i].e;

		if (e->array != array || va < e->va || va - e->va >= e->size ||
		    !meet(m, e, tag, false))
			continue;
		ck_assert_ptr_null(found);
		found = &m->cells[i];
	}
	return found;
}

static void
drop(struct model *m, unsigned i)
{
	m->cells[i] = m->cells[--m->n];
}

static uint64_t
set_of(const struct model *m, const struct cell *c)
{
	uint64_t unit = leaf_size(m->f, c->e.level);

	if (c->group)
		unit = group_size(m->f, c->e.level);
	else if (c->e.level == 0)
		unit <<= m->cfg.coalesce;
	return c->e.va / unit % m->cfg.arrays[c->e.array].sets;
}

static void
make_room(struct model *m, const struct cell *c)
{
	unsigned ways = m->cfg.arrays[c->e.array].ways, n = 0, oldest = 0;

	for (unsigned i = 0; i < m->n; i++) {
		if (m->cells[i].e.array != c->e.array ||
		    set_of(m, &m->cells[i]) != set_of(m, c))
			continue;
		if (n++ == 0 || m->cells[i].used < m->cells[oldest].used)
			oldest = i;
	}
	if (ways == 0 || n < ways)
		return;
	drop(m, oldest);
	m->s.evictions++;
}

static bool
apart(const struct kv_tlb_entry *a, const struct kv_tlb_entry *b)
{
	return a->va < b->va ? b->va - a->va >= a->size
			     : a->va - b->va >= b->size;
}

static void
add(struct model *m, const struct cell *c)
{
	for (unsigned i = m->n; i-- != 0;) {
		const struct kv_tlb_entry *e = &m->cells[i].e;

		if (e->array == c->e.array && !apart(e, &c->e) &&
		    meet(m, e, c->e.tag, (c->e.attr & KV_PTE_G) != 0))
			drop(m, i);
	}
	make_room(m, c);
	ck_assert_uint_lt(m->n, MODEL_MAX);
	m->cells[m->n] = *c;
	m->cells[m->n++].used = m->now;
}

/* Size and start of an entry around va, when it is to have that size. */
static void
stretch(struct cell *c, kv_va_t va, uint64_t size)
{
	c->e.pa += va - va % size - c->e.va;
	c->e.va = va - va % size;
	c->e.size = size;
}

static bool
fill(struct model *m, const struct cell *wide, kv_va_t va, unsigned n)
{
	bool several = false;

	for (unsigned i = 0; i < n; i++) {
		struct cell c = *wide;

		if ((m->cfg.arrays[i].levels >> c.e.level & 1) == 0)
			continue;
		if (c.group &&
		    (m->cfg.arrays[i].groups >> c.e.level & 1) == 0) {
			c.group = false;
			stretch(&c, va, leaf_size(m->f, c.e.level));
		}
		c.e.array = i;
		add(m, &c);
		several |= c.e.size != leaf_size(m->f, c.e.level);
	}
	return several;
}

static bool
coalesces(const struct model *m, const struct kv_pmap *pmap,
    const struct kv_leaf *leaf, uint64_t size)
{
	uint64_t page = leaf_size(m->f, 0);
	kv_va_t start = leaf->va - leaf->va % size;

	if (leaf->level != 0 || leaf->pa % size != leaf->va % size)
		return false;
	for (kv_va_t va = start; va != start + size; va += page) {
		struct kv_leaf x;

		if (kv_pmap_extract(pmap, va, &x) != 0 || x.level != 0 ||
		    x.pa - leaf->pa != va - leaf->va || x.attr != leaf->attr)
			return false;
	}
	return true;
}

static enum kv_tlb_stale
kind_of(const struct kv_tlb_entry *e, kv_va_t va, const struct kv_leaf *leaf)
{
	unsigned more, less;

	if (leaf == NULL || e->pa + (va - e->va) != leaf->pa + (va - leaf->va))
		return KV_STALE_FRAME;
	more = e->attr & ~leaf->attr & rights;
	less = leaf->attr & ~e->attr & rights;
	return more != 0   ? KV_STALE_PERMISSIVE
	       : less != 0 ? KV_STALE_RESTRICTIVE
			   : (enum kv_tlb_stale) - 1;
}

/* before: the leaf before the touch, NULL none; the pmap is as after it. */
static enum kv_tlb_result
model_touch(struct model *m, const struct kv_pmap *pmap, unsigned tag,
    kv_va_t va, bool write, const struct kv_leaf *before,
    enum kv_tlb_stale *stale, unsigned *sets)
{
	bool writes = write && before != NULL && (before->attr & KV_PTE_W) != 0;
	uint64_t size = leaf_size(m->f, 0) << m->cfg.coalesce;
	struct cell wide = {.group = false};
	struct kv_leaf leaf;

	m->now++;
	*sets = 0;
	for (unsigned i = 0; i < m->cfg.narrays; i++) {
		struct cell *c = lookup(m, i, tag, va);

		if (c == NULL)
			continue;
		c->used = m->now;
		*stale = kind_of(&c->e, va, before);
		if (*stale != (enum kv_tlb_stale) - 1) {
			m->s.stale++;
			wide = *c;
			fill(m, &wide, va, i);
			return KV_TLB_STALE;
		}
		m->s.hits++;
		m->s.array[i].hits++;
		if (writes && (c->e.attr & KV_PTE_M) == 0) {
			*sets = KV_PTE_A | KV_PTE_M;
			if (c->e.size == leaf_size(m->f, c->e.level))
				c->e.attr |= KV_PTE_M;
		}
		wide = *c;
		fill(m, &wide, va, i);
		return KV_TLB_HIT;
	}
	m->s.misses++;
	if (before == NULL) {
		m->s.faults++;
		return KV_TLB_FAULT;
	}
	*sets = writes ? KV_PTE_A | KV_PTE_M : KV_PTE_A;
	ck_assert_int_eq(kv_pmap_extract(pmap, va, &leaf), 0);
	wide.e = (struct kv_tlb_entry){.tag = tag,
	    .level = leaf.level,
	    .va = leaf.va,
	    .pa = leaf.pa,
	    .size = leaf_size(m->f, leaf.level),
	    .attr = leaf.attr};
	if ((leaf.attr & KV_PTE_CONTIG) != 0) {
		wide.group = true;
		stretch(&wide, leaf.va, group_size(m->f, leaf.level));
	} else if (coalesces(m, pmap, &leaf, size)) {
		stretch(&wide, leaf.va, size);
	}
	m->s.coalesced += fill(m, &wide, va, m->cfg.narrays);
	return KV_TLB_MISS;
}

static void
model_flush(struct model *m, kv_va_t start, uint64_t size, bool every,
    bool global, int tag)
{
	struct kv_tlb_entry range = {.va = start, .size = size};

	for (unsigned i = m->n; i-- != 0;) {
		const struct kv_tlb_entry *e = &m->cells[i].e;
		bool g = (e->attr & KV_PTE_G) != 0;

		if (!every && apart(e, &range))
			continue;
		if (g ? global
		      : tag < 0 || !m->cfg.tags || e->tag == (unsigned)tag)
			drop(m, i);
	}
}

/* ---- Comparison ------------------------------------------------------ */

struct seen {
	const struct model *m;
	unsigned n;
};

static int
compare_entry(void *arg, const struct kv_tlb_entry *e)
{
	struct seen *s = arg;
	unsigned i;

	for (i = 0; i < s->m->n; i++) {
		const struct kv_tlb_entry *x = &s->m->cells[i].e;

		if (x->array == e->array && x->tag == e->tag &&
		    x->va == e->va && x->pa == e->pa && x->size == e->size &&
		    x->level == e->level && x->attr == e->attr)
			break;
	}
	ck_assert_msg(i < s->m->n, "array %u: 0x%jx is not in the model",
	    e->array, (uintmax_t)e->va);
	s->n++;
	return 0;
}

/* Entries that no later array covers as well, and the bytes they map. */
static void
model_reach(struct model *m, uint64_t *entries, uint64_t *reach)
{
	*entries = *reach = 0;
	for (unsigned i = 0; i < m->n; i++) {
		const struct kv_tlb_entry *e = &m->cells[i].e;
		bool copy = false;

		for (unsigned a = e->array + 1; a < m->cfg.narrays; a++) {
			struct cell *c = lookup(m, a, e->tag, e->va);

			copy = copy || (c != NULL && c->e.size >= e->size);
		}
		*entries += !copy;
		*reach += copy ? 0 : e->size;
	}
}

static void
compare(const struct kv_tlb *tlb, struct model *m)
{
	struct kv_tlb_stats s = kv_tlb_stats(tlb);
	struct kv_diag diag = {.text = "?"};
	struct seen seen = {m, 0};
	uint64_t entries, reach;

	ck_assert_msg(kv_tlb_check(tlb, &diag) == 0, "%s", diag.text);
	kv_tlb_walk(tlb, compare_entry, &seen);
	ck_assert_uint_eq(seen.n, m->n);
	model_reach(m, &entries, &reach);
	ck_assert_uint_eq(s.entries, entries);
	ck_assert_uint_eq(s.reach, reach);
	ck_assert_uint_eq(s.hits, m->s.hits);
	ck_assert_uint_eq(s.misses, m->s.misses);
	ck_assert_uint_eq(s.faults, m->s.faults);
	ck_assert_uint_eq(s.stale, m->s.stale);
	ck_assert_uint_eq(s.evictions, m->s.evictions);
	ck_assert_uint_eq(s.coalesced, m->s.coalesced);
	ck_assert_uint_eq(s.page_flushes, m->s.page_flushes);
	for (unsigned i = 0; i < m->cfg.narrays; i++)
		ck_assert_uint_eq(s.array[i].hits, m->s.array[i].hits);
}

/* ---- Random work ----------------------------------------------------- */

struct rig {
	struct kv_rng rng;
	struct kv_pmap *pmaps[SPACES];
	struct kv_tlb *tlb;
	struct model m;
	kv_va_t base; /* PAGES base pages, then two leaves of level 1 */
};

static uint64_t
rnd(struct rig *r, uint64_t below)
{
	return kv_rng_next(&r->rng) % below;
}

static struct kv_tlb_config
random_config(struct rig *r)
{
	struct kv_tlb_config cfg = {
	    .narrays = 1 + (unsigned)rnd(r, 3), .tags = rnd(r, 2) != 0};

	if (rnd(r, 3) != 0)
		cfg.coalesce = (unsigned)rnd(r, 4);
	for (unsigned i = 0; i < cfg.narrays; i++) {
		struct kv_tlb_array *a = &cfg.arrays[i];

		a->sets = 1u << rnd(r, 4);
		a->ways = (unsigned)rnd(r, 6);
		a->levels = 1 + (unsigned)rnd(r, 3);
		a->groups = (unsigned)rnd(r, 4);
	}
	return cfg;
}

static unsigned
random_attr(struct rig *r)
{
	static const unsigned common[] = {
	    KV_PTE_W, KV_PTE_W, KV_PTE_W | KV_PTE_G, KV_PTE_X, KV_PTE_U, 0};

	return common[rnd(r, 6)];
}

/* Frames that lie as the pages do more often than not. */
static void
map_pages(struct rig *r, struct kv_pmap *pmap)
{
	uint64_t page = leaf_size(r->m.f, 0), at = rnd(r, PAGES);
	uint64_t n = 1 + rnd(r, 20);
	kv_pa_t pa = (UINT64_C(1) << 32) + at * page;

	if (rnd(r, 4) == 0)
		pa += page * rnd(r, 32);
	if (n > PAGES - at)
		n = PAGES - at;
	ck_assert_int_eq(kv_pmap_qenter_run(pmap, r->base + at * page, pa,
			     (size_t)n, random_attr(r)),
	    0);
}

/* Page by page with the reservation full: contiguous groups may form. */
static void
enter_pages(struct rig *r, struct kv_pmap *pmap)
{
	uint64_t page = leaf_size(r->m.f, 0), i;
	unsigned attr = random_attr(r) | KV_PTE_A;
	uint64_t at = 16 * rnd(r, PAGES / 16);

	for (i = at; i < at + 16; i++)
		kv_pmap_enter(pmap, r->base + i * page,
		    (UINT64_C(1) << 32) + i * page, attr, 1);
}

static void
edit(struct rig *r)
{
	struct kv_pmap *pmap = r->pmaps[rnd(r, SPACES)];
	uint64_t page = leaf_size(r->m.f, 0), big = leaf_size(r->m.f, 1), done;
	kv_va_t va = r->base + page * rnd(r, PAGES);
	kv_va_t super = r->base + big * (1 + rnd(r, 2));

	switch (rnd(r, 7)) {
	case 0:
	case 1:
		map_pages(r, pmap);
		break;
	case 2:
		enter_pages(r, pmap);
		break;
	case 3:
		kv_pmap_remove(pmap, va, page * (1 + rnd(r, 8)), &done);
		break;
	case 4:
		kv_pmap_protect(
		    pmap, va, page * (1 + rnd(r, 8)), random_attr(r), &done);
		break;
	case 5:
		kv_pmap_enter_leaf(
		    pmap, super, big * (1 + rnd(r, 3)), 1, 1, random_attr(r));
		break;
	default:
		kv_pmap_remove(pmap, super, big, &done);
	}
}

static void
touch(struct rig *r)
{
	unsigned space = (unsigned)rnd(r, SPACES), sets;
	struct kv_pmap *pmap = r->pmaps[space];
	uint64_t page = leaf_size(r->m.f, 0);
	bool write = rnd(r, 2) != 0, mapped;
	kv_va_t va = r->base + page * rnd(r, PAGES) + rnd(r, page);
	enum kv_tlb_stale stale = KV_STALE_FRAME, want_stale = KV_STALE_FRAME;
	struct kv_leaf before, after;
	enum kv_tlb_result got, want;

	if (rnd(r, 4) == 0)
		va += leaf_size(r->m.f, 1) * (1 + rnd(r, 2));
	mapped = kv_pmap_extract(pmap, va, &before) == 0;
	got = kv_tlb_touch(r->tlb, pmap, space + 1, va, write, &stale);
	want = model_touch(&r->m, pmap, space + 1, va, write,
	    mapped ? &before : NULL, &want_stale, &sets);
	ck_assert_int_eq(got, want);
	if (got == KV_TLB_STALE)
		ck_assert_int_eq(stale, want_stale);
	if (mapped) {
		ck_assert_int_eq(kv_pmap_extract(pmap, va, &after), 0);
		ck_assert_uint_eq(after.attr, before.attr | sets);
	}
}

static void
flush(struct rig *r)
{
	unsigned tag = 1 + (unsigned)rnd(r, SPACES);
	uint64_t page = leaf_size(r->m.f, 0), at = rnd(r, PAGES), n;
	kv_va_t va = r->base + at * page;

	switch (rnd(r, 10)) {
	case 0:
		kv_tlb_flush_all(r->tlb);
		model_flush(&r->m, 0, 0, true, true, -1);
		break;
	case 1:
		kv_tlb_flush_nonglobal(r->tlb);
		model_flush(&r->m, 0, 0, true, false, -1);
		break;
	case 2:
		kv_tlb_flush_tag(r->tlb, tag);
		model_flush(&r->m, 0, 0, true, false, (int)tag);
		break;
	case 3:
		n = rnd(r, 2000);
		kv_tlb_flush_range(r->tlb, tag, va, n);
		if (n != 0)
			model_flush(&r->m, va, n * page, false, true, (int)tag);
		r->m.s.page_flushes += n;
		break;
	default:
		kv_tlb_flush_page(r->tlb, tag, va + rnd(r, page));
		model_flush(&r->m, va, page, false, true, (int)tag);
		r->m.s.page_flushes++;
	}
}

static void
run_seed(uint64_t seed)
{
	static const char *const formats[] = {
	    "amd64", "arm64-4k", "riscv-sv39"};
	static struct rig r;
	struct kv_pmap_config cfg = {.format = NULL};

	r = (struct rig){.rng = {seed}};
	cfg.format = kv_pte_find(formats[rnd(&r, 3)]);
	r.m.f = cfg.format;
	r.m.cfg = random_config(&r);
	/* In the upper half of every format. */
	r.base = (kv_va_t)0 - (UINT64_C(1) << 32);
	for (int i = 0; i < SPACES; i++)
		ck_assert_int_eq(kv_pmap_create(&cfg, &r.pmaps[i]), 0);
	ck_assert_int_eq(kv_tlb_create(&r.m.cfg, &r.tlb), 0);
	for (int i = 0; i < OPS; i++) {
		uint64_t what = rnd(&r, 16);

		if (what == 0)
			edit(&r);
		else if (what == 1)
			flush(&r);
		else
			touch(&r);
		if (what < 4)
			compare(r.tlb, &r.m);
	}
	kv_tlb_destroy(r.tlb);
	for (int i = 0; i < SPACES; i++)
		kv_pmap_destroy(r.pmaps[i]);
}

START_TEST(test_model)
{
	const char *one = getenv("KV_SEED");
	uint64_t seed = (uint64_t)_i;

	if (one != NULL)
		seed = (uint64_t)strtoull(one, NULL, 0);
	fprintf(stderr, "seed %ju\n", (uintmax_t)seed);
	run_seed(seed);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tlb-oracle");
	TCase *tc = tcase_create("oracle");

	tcase_add_loop_test(tc, test_model, 1, SEEDS + 1);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
