/* SPDX-License-Identifier: BSD-2-Clause */
/* data.c - the mappings of data of a world, and the store behind them */
#include "run/data.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

struct mapping {
	unsigned space;
	struct kv_cow *cow;
};

struct kv_data {
	struct kv_cow_source *sources; /* one an object */
	size_t nobjects;
	struct mapping *list;
	size_t count;
	struct kv_store store;
	uint64_t references; /* pages of objects that were published */
	struct kv_cow_stats stats;
	kv_pfn_t zero; /* + 1; 0: none so far */
	struct kv_reserv *reserv;
	unsigned page_shift;
	bool used; /* something was mapped */
};

struct kv_data *
kv_data_create(size_t nobjects)
{
	struct kv_data *d = kv_mem_resize(NULL, 1, sizeof(*d));

	*d = (struct kv_data){.nobjects = nobjects,
	    .sources = kv_mem_resize(NULL, nobjects, sizeof(*d->sources))};
	memset(d->sources, 0, nobjects * sizeof(*d->sources));
	return d;
}

void
kv_data_destroy(struct kv_data *d)
{
	if (d == NULL)
		return;
	kv_data_clear(d);
	for (size_t i = 0; i < d->nobjects; i++)
		kv_mem_free(d->sources[i].content);
	kv_store_fini(&d->store);
	kv_mem_free(d->sources);
	kv_mem_free(d->list);
	kv_mem_free(d);
}

/* ---- Map ------------------------------------------------------------- */

/* An object is published as a whole when it is mapped first. */
static void
publish(struct kv_data *d, const struct kv_data_range *r)
{
	struct kv_cow_source *source = &d->sources[r->object];

	source->object = r->pages;
	if (source->content != NULL || r->mode == KV_COW_EPHEMERAL)
		return;
	d->references += r->npages_object;
	source->content = kv_mem_resize(
	    NULL, (size_t)r->npages_object, sizeof(*source->content));
	for (uint64_t i = 0; i < r->npages_object; i++) {
		source->content[i] =
		    kv_content_first(r->object, r->same ? 0 : i);
		kv_store_publish(&d->store, source->content[i]);
	}
}

/* What a mapping takes before it stands. */
struct taken {
	kv_pindex_t *list; /* owned; pages of the object that were missing */
	uint64_t count;
	bool zero; /* the zero page */
};

static int
take_zero(struct kv_data *d, unsigned domain, struct taken *t)
{
	kv_pfn_t pfn;
	int error;

	if (d->zero != 0)
		return 0;
	error = kv_page_alloc_anon(d->reserv, domain, &pfn);
	t->zero = error == 0;
	if (error == 0)
		d->zero = pfn + 1;
	return error;
}

/* The pages that are shared are there.  => 0, ENOMEM */
static int
populate(struct kv_data *d, const struct kv_data_range *r, struct taken *t)
{
	const struct kv_space_range *range = &r->range;
	kv_pfn_t pfn;
	int error = 0;

	if (r->mode == KV_COW_EPHEMERAL)
		return take_zero(d, range->domain, t);
	t->list = kv_mem_resize(NULL, (size_t)range->npages, sizeof(*t->list));
	for (uint64_t i = 0; i < range->npages && error == 0; i++) {
		if (kv_object_lookup(r->pages, range->pindex + i, &pfn) == 0)
			continue;
		error = kv_page_alloc(d->reserv, r->pages, range->pindex + i, 1,
		    range->domain, &pfn);
		if (error == 0)
			t->list[t->count++] = range->pindex + i;
	}
	return error;
}

static void
give_back(struct kv_data *d, const struct kv_data_range *r, struct taken *t)
{
	if (t->zero) {
		kv_page_free_anon(d->reserv, d->zero - 1, NULL);
		d->zero = 0;
	}
	while (t->count != 0)
		kv_page_free(d->reserv, r->pages, t->list[--t->count], 1, NULL);
}

/* The shared pages, then the mapping.  What was published stays so.
 * => 0; ENOMEM: nothing else is changed */
static int
create(struct kv_data *d, const struct kv_data_range *r,
    struct kv_cow_config *cfg, struct kv_cow **cow)
{
	struct taken t = {0};
	int error = populate(d, r, &t);

	if (error == 0) {
		publish(d, r);
		cfg->zero = d->zero - 1;
		error = kv_cow_create(cfg, cow);
	}
	if (error != 0)
		give_back(d, r, &t);
	kv_mem_free(t.list);
	return error;
}

static bool
overlaps(const struct kv_cow *cow, const struct kv_space_range *range,
    const struct kv_space *s)
{
	const struct kv_cow_config *cfg = kv_cow_config(cow);
	unsigned shift = s->cfg.format->page_shift;

	return kv_overlap(
	    cfg->va, cfg->npages << shift, range->va, range->npages << shift);
}

int
kv_data_map(
    struct kv_data *d, struct kv_space *s, const struct kv_data_range *r)
{
	struct kv_cow_config cfg = {.pmap = s->pmap,
	    .reserv = s->cfg.reserv,
	    .source = &d->sources[r->object],
	    .stats = &d->stats,
	    .va = r->range.va,
	    .pindex = r->range.pindex,
	    .npages = r->range.npages,
	    .domain = r->range.domain,
	    .attr = r->range.attr,
	    .level = r->range.how == KV_SPACE_LEAF ? r->range.level : 0,
	    .mode = r->mode,
	    .flush = r->flush,
	    .in_place = r->in_place};
	struct kv_cow *cow;
	int error;

	for (size_t i = 0; i < d->count; i++)
		if (d->list[i].space == r->space &&
		    overlaps(d->list[i].cow, &r->range, s))
			return EEXIST;
	d->used = true;
	d->reserv = s->cfg.reserv;
	d->page_shift = s->cfg.format->page_shift;
	/* Nothing is there; but are these addresses? */
	error = kv_pmap_remove(
	    s->pmap, r->range.va, r->range.npages << d->page_shift, NULL);
	if (error == 0)
		error = create(d, r, &cfg, &cow);
	if (error != 0)
		return error;
	d->list = kv_mem_resize(d->list, d->count + 1, sizeof(*d->list));
	d->list[d->count++] = (struct mapping){r->space, cow};
	return 0;
}

struct kv_cow *
kv_data_find(const struct kv_data *d, unsigned space, kv_va_t va)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->list[i].space == space && kv_cow_has(d->list[i].cow, va))
			return d->list[i].cow;
	return NULL;
}

void
kv_data_park(struct kv_data *d, unsigned space)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->list[i].space == space)
			kv_cow_park(d->list[i].cow);
}

bool
kv_data_has(const struct kv_data *d, unsigned space)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->list[i].space == space)
			return true;
	return false;
}

unsigned
kv_data_rights(const struct kv_data *d, unsigned space, kv_va_t va)
{
	const struct kv_cow *cow = kv_data_find(d, space, va);

	return cow == NULL ? 0 : kv_cow_config(cow)->attr & KV_PTE_W;
}

int
kv_data_reset(struct kv_data *d, unsigned space)
{
	int error = 0;

	for (size_t i = 0; i < d->count && error == 0; i++)
		if (d->list[i].space == space)
			error = kv_cow_reset(d->list[i].cow);
	return error;
}

void
kv_data_drop(struct kv_data *d, unsigned space, bool mint)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (d->list[i].space != space) {
			d->list[kept++] = d->list[i];
			continue;
		}
		if (mint)
			kv_cow_mint(d->list[i].cow, &d->store);
		kv_cow_destroy(d->list[i].cow);
	}
	d->count = kept;
}

void
kv_data_clear(struct kv_data *d)
{
	for (size_t i = 0; i < d->count; i++)
		kv_cow_destroy(d->list[i].cow);
	d->count = 0;
	if (d->zero != 0)
		kv_page_free_anon(d->reserv, d->zero - 1, NULL);
	d->zero = 0;
}

/* ---- Inspect --------------------------------------------------------- */

void
kv_data_measure(const struct kv_data *d, struct kv_metrics *m)
{
	const struct kv_cow_stats *s = &d->stats;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {{"cow.faults", s->faults}, {"cow.failed", s->failed},
	    {"cow.flushes", s->flushes}, {"cow.leaf_writes", s->leaf_writes},
	    {"cow.minted", s->minted}, {"cow.pages_copied", s->pages_copied},
	    {"cow.violations", s->violations}, {"store.pages", d->store.count},
	    {"store.references", d->references}};

	if (!d->used)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		kv_metrics_put_uint(
		    m, KV_METRIC_COUNT, rows[i].name, rows[i].value);
	kv_metrics_put_uint(m, KV_METRIC_BYTES, "cow.bytes_copied",
	    s->pages_copied << d->page_shift);
}

int
kv_data_check(const struct kv_data *d, struct kv_diag *diag)
{
	int error = 0;

	for (size_t i = 0; i < d->count && error == 0; i++)
		error = kv_cow_check(d->list[i].cow, diag);
	return error;
}
