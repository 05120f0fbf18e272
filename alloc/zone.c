/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone.c - cache-only zones: per-CPU buckets of items before a slower source
 *
 * 1 Concepts.  A zone keeps items that are dear to make.  Each CPU has an alloc
 *   bucket, which it takes from and gives to at the end (last in, first out),
 *   a free bucket for what does not fit there, and, with several domains, a
 *   cross bucket for items of other domains.  Full free buckets go to the list
 *   of their domain while that is under its limit, else they are drained.  A
 *   CPU without items takes a full bucket of its domain, else has the source
 *   fill a whole new one: so items come in the order of import, backwards.
 * 2 Representation.  Buckets from the host, made when a CPU first needs one,
 *   kept on a list when they are empty.  Without metadata for a bucket the
 *   zone goes on without: one item from the source, one item to it.
 * 3 Invariants.
 *   I1  cached = items in buckets = imported - released - items in use.
 *   I2  A bucket on a list of full buckets is not empty and all its items are
 *       of that list's domain; together they are at most sizes.full items,
 *       unless a release failed.
 *   I3  Items of a free bucket are of the domain of its CPU, those of a cross
 *       bucket are of others.  (An alloc bucket may hold what the source gave
 *       instead, where the domain had none left.)
 * 4 Cost.  A copy of an item; a bucket of imports on a miss.
 * 5 Fidelity.  FreeBSD UMA cache-only zones, as kstack_cache (vm_glue.c) and
 *   the page caches (vm_page.c) use them; spec freebsd.md 3.5, 4.2.  The size
 *   of a bucket is that of uma_zone_set_maxcache; it does not grow with
 *   contention.  The spec leaves open how a full cross bucket is dealt out;
 *   here its items, in order, go to buckets of their domains' lists.
 */
#include <string.h>

#include "zone.h"

struct bucket {
	struct bucket *next; /* in a list */
	unsigned count;
	uint64_t items[]; /* sizes.bucket of them; the last goes first */
};

enum { ALLOC, FREE, CROSS, KINDS };

struct cpu {
	struct bucket *bucket[KINDS]; /* NULL: none yet */
};

struct kv_zone {
	struct kv_zone_config cfg;  /* (c) */
	struct kv_zone_sizes sizes; /* (c) */
	struct cpu *cpus;
	struct bucket **full; /* a list a domain, head is used first */
	struct bucket *empty; /* buckets to use again */
	uint64_t nfull;	      /* items in full (I2) */
	struct kv_zone_stats stats;
};

/* ---- Create ------------------------------------------------------------ */

struct kv_zone_sizes
kv_zone_sizes(const struct kv_zone_config *cfg)
{
	uint64_t n = UINT64_C(2) * cfg->ncpus, b;

	if (cfg->ndomains > 1)
		n += (uint64_t)cfg->ncpus + cfg->ndomains;
	b = cfg->limit / n / 2;
	if (b == 0 && cfg->limit >= n)
		b = 1;
	if (cfg->bucket_max != 0 && b > cfg->bucket_max)
		b = cfg->bucket_max;
	if (b > UINT16_MAX)
		b = UINT16_MAX;
	return (struct kv_zone_sizes){(unsigned)b, cfg->limit - n * b};
}

static size_t
bucket_size(const struct kv_zone *z)
{
	return sizeof(struct bucket) + z->sizes.bucket * z->cfg.item_size;
}

int
kv_zone_create(const struct kv_zone_config *cfg, struct kv_zone **zone)
{
	struct kv_zone *z;

	if (cfg->ncpus == 0 || cfg->ndomains == 0 || cfg->item_size == 0 ||
	    cfg->item_size % sizeof(uint64_t) != 0 ||
	    (cfg->ndomains > 1 && cfg->source.domain == NULL))
		return EINVAL;
	z = kv_host_zalloc(cfg->host, 1, sizeof(*z));
	if (z == NULL)
		return ENOMEM;
	z->cfg = *cfg;
	z->sizes = kv_zone_sizes(cfg);
	z->cpus = kv_host_zalloc(cfg->host, cfg->ncpus, sizeof(*z->cpus));
	z->full =
	    kv_host_zalloc(cfg->host, cfg->ndomains, sizeof(struct bucket *));
	if (z->cpus == NULL || z->full == NULL) {
		kv_zone_destroy(z);
		return ENOMEM;
	}
	*zone = z;
	return 0;
}

static void
list_destroy(struct kv_zone *z, struct bucket *b)
{
	while (b != NULL) {
		struct bucket *next = b->next;

		kv_host_free(z->cfg.host, b, 1, bucket_size(z));
		b = next;
	}
}

void
kv_zone_destroy(struct kv_zone *z)
{
	const struct kv_zone_config *cfg;

	if (z == NULL)
		return;
	cfg = &z->cfg;
	for (unsigned i = 0; z->cpus != NULL && i < cfg->ncpus; i++)
		for (unsigned k = 0; k < KINDS; k++)
			list_destroy(z, z->cpus[i].bucket[k]);
	for (unsigned d = 0; z->full != NULL && d < cfg->ndomains; d++)
		list_destroy(z, z->full[d]);
	list_destroy(z, z->empty);
	kv_host_free(cfg->host, z->cpus, cfg->ncpus, sizeof(*z->cpus));
	kv_host_free(
	    cfg->host, z->full, cfg->ndomains, sizeof(struct bucket *));
	kv_host_free(cfg->host, z, 1, sizeof(*z));
}

/* ---- Buckets ----------------------------------------------------------- */

static void *
item_at(const struct kv_zone *z, const struct bucket *b, unsigned i)
{
	/* the items of a const bucket are only read */
	return (void *)(uintptr_t)(b->items +
				   i * (z->cfg.item_size / sizeof(uint64_t)));
}

static bool
has_room(const struct kv_zone *z, const struct bucket *b)
{
	return b != NULL && b->count < z->sizes.bucket;
}

static void
push(struct kv_zone *z, struct bucket *b, const void *item)
{
	memcpy(item_at(z, b, b->count++), item, z->cfg.item_size);
	z->stats.cached++;
}

static void
pop(struct kv_zone *z, struct bucket *b, void *item)
{
	memcpy(item, item_at(z, b, --b->count), z->cfg.item_size);
	z->stats.cached--;
}

/* An empty bucket, or NULL. */
static struct bucket *
bucket_get(struct kv_zone *z)
{
	struct bucket *b = z->empty;

	if (z->sizes.bucket == 0)
		return NULL;
	if (b == NULL)
		return kv_host_zalloc(z->cfg.host, 1, bucket_size(z));
	z->empty = b->next;
	b->next = NULL;
	return b;
}

static void
bucket_put(struct kv_zone *z, struct bucket *b)
{
	b->next = z->empty;
	z->empty = b;
}

/* Release the items, index 0 up.  => 0; the rest stays in the bucket */
static int
bucket_drain(struct kv_zone *z, struct bucket *b, struct kv_diag *diag)
{
	const struct kv_zone_source *s = &z->cfg.source;
	unsigned i;
	int error = 0;

	for (i = 0; i < b->count && error == 0; i++)
		error = s->release(s->arg, item_at(z, b, i), diag);
	i -= error != 0;
	z->stats.released += i;
	z->stats.cached -= i;
	b->count -= i;
	memmove(b->items, item_at(z, b, i), b->count * z->cfg.item_size);
	return error;
}

static void
full_put(struct kv_zone *z, struct bucket *b, unsigned domain)
{
	z->nfull += b->count;
	b->next = z->full[domain];
	z->full[domain] = b;
}

/* A bucket of the domain goes to its list, or is drained and goes empty. */
static int
bucket_retire(
    struct kv_zone *z, struct bucket *b, unsigned domain, struct kv_diag *diag)
{
	int error = 0;

	if (z->nfull + b->count <= z->sizes.full) {
		full_put(z, b, domain);
		return 0;
	}
	error = bucket_drain(z, b, diag);
	if (error == 0)
		bucket_put(z, b);
	else
		full_put(z, b, domain); /* what is left of it */
	return error;
}

/* ---- Use --------------------------------------------------------------- */

unsigned
kv_zone_cpu_domain(const struct kv_zone *z, unsigned cpu)
{
	return (unsigned)((uint64_t)cpu * z->cfg.ndomains / z->cfg.ncpus);
}

static unsigned
domain_of(const struct kv_zone *z, const void *item)
{
	const struct kv_zone_source *s = &z->cfg.source;

	return z->cfg.ndomains == 1 ? 0 : s->domain(s->arg, item);
}

/* The first full bucket of a domain, or NULL. */
static struct bucket *
full_get(struct kv_zone *z, unsigned domain)
{
	struct bucket *b = z->full[domain];

	if (b != NULL) {
		z->full[domain] = b->next;
		z->nfull -= b->count;
		b->next = NULL;
	}
	return b;
}

/* Items from the source into an empty bucket.  => is there one now? */
static bool
fill(struct kv_zone *z, struct bucket *b, unsigned domain)
{
	const struct kv_zone_source *s = &z->cfg.source;

	b->count = s->import(s->arg, b->items, z->sizes.bucket, domain);
	z->stats.imported += b->count;
	z->stats.cached += b->count;
	return b->count != 0;
}

/* No bucket could be had: past the cache. */
static int
alloc_uncached(struct kv_zone *z, unsigned domain, void *item)
{
	const struct kv_zone_source *s = &z->cfg.source;

	if (s->import(s->arg, item, 1, domain) == 0)
		return ENOMEM;
	z->stats.imported++;
	return 0;
}

/* The alloc bucket is empty: another one.  => 0 */
static int
refill(struct kv_zone *z, struct cpu *c, unsigned domain, void *item)
{
	struct bucket *b;

	z->stats.misses++;
	if (c->bucket[ALLOC] == NULL)
		c->bucket[ALLOC] = bucket_get(z);
	b = c->bucket[ALLOC];
	if (b == NULL)
		return alloc_uncached(z, domain, item);
	if (!fill(z, b, domain))
		return ENOMEM;
	pop(z, b, item);
	return 0;
}

/* Have items in the alloc bucket without asking the source.  => are there? */
static bool
restock(struct kv_zone *z, struct cpu *c, unsigned domain)
{
	struct bucket *a = c->bucket[ALLOC], *f = c->bucket[FREE];

	if (a != NULL && a->count != 0)
		return true;
	if (f != NULL && f->count != 0) {
		c->bucket[ALLOC] = f;
		c->bucket[FREE] = a;
		return true;
	}
	f = full_get(z, domain);
	if (f == NULL)
		return false;
	if (a != NULL)
		bucket_put(z, a);
	c->bucket[ALLOC] = f;
	return true;
}

int
kv_zone_alloc(struct kv_zone *z, unsigned cpu, void *item)
{
	unsigned domain = kv_zone_cpu_domain(z, cpu);
	struct cpu *c = &z->cpus[cpu];
	int error;

	if (restock(z, c, domain)) {
		z->stats.hits++;
		pop(z, c->bucket[ALLOC], item);
		return 0;
	}
	error = refill(z, c, domain, item);
	z->stats.failed += error != 0;
	return error;
}

/* Deal a full cross bucket out to its items' domains, in order. */
static int
cross_deal(struct kv_zone *z, struct bucket *cross, struct kv_diag *diag)
{
	int error = 0;

	for (unsigned d = 0; d < z->cfg.ndomains && error == 0; d++) {
		struct bucket *b = bucket_get(z);
		unsigned kept = 0;

		if (b == NULL)
			return bucket_drain(z, cross, diag);
		for (unsigned i = 0; i < cross->count; i++) {
			void *item = item_at(z, cross, i);

			if (domain_of(z, item) == d)
				memcpy(item_at(z, b, b->count++), item,
				    z->cfg.item_size);
			else
				memmove(item_at(z, cross, kept++), item,
				    z->cfg.item_size);
		}
		cross->count = kept;
		if (b->count == 0)
			bucket_put(z, b);
		else
			error = bucket_retire(z, b, d, diag);
	}
	return error;
}

/* Room in a bucket of the CPU for one more item: a full one is retired.
 * => 0; *bucket NULL: there is no metadata for one */
static int
make_room(struct kv_zone *z, struct cpu *c, unsigned kind, unsigned domain,
    struct kv_diag *diag)
{
	struct bucket *b = c->bucket[kind];
	int error = 0;

	if (b != NULL && !has_room(z, b)) {
		if (kind == CROSS)
			return cross_deal(z, b, diag);
		c->bucket[kind] = NULL;
		error = bucket_retire(z, b, domain, diag);
	}
	if (c->bucket[kind] == NULL)
		c->bucket[kind] = bucket_get(z);
	return error;
}

int
kv_zone_free(
    struct kv_zone *z, unsigned cpu, const void *item, struct kv_diag *diag)
{
	unsigned domain = kv_zone_cpu_domain(z, cpu), kind = FREE;
	const struct kv_zone_source *s = &z->cfg.source;
	struct cpu *c = &z->cpus[cpu];
	int error;

	if (domain_of(z, item) != domain) {
		kind = CROSS;
		z->stats.cross++;
	} else if (has_room(z, c->bucket[ALLOC])) {
		kind = ALLOC;
	}
	error = make_room(z, c, kind, domain, diag);
	if (error == 0 && c->bucket[kind] != NULL) {
		push(z, c->bucket[kind], item);
		return 0;
	}
	if (error == 0) {
		error = s->release(s->arg, item, diag);
		z->stats.released += error == 0;
	}
	return error;
}

int
kv_zone_drain(struct kv_zone *z, struct kv_diag *diag)
{
	struct bucket *b;
	int error = 0;

	for (unsigned i = 0; i < z->cfg.ncpus; i++)
		for (unsigned k = 0; k < KINDS && error == 0; k++)
			if (z->cpus[i].bucket[k] != NULL)
				error =
				    bucket_drain(z, z->cpus[i].bucket[k], diag);
	for (unsigned d = 0; d < z->cfg.ndomains; d++)
		while (error == 0 && (b = full_get(z, d)) != NULL) {
			error = bucket_drain(z, b, diag);
			if (error == 0)
				bucket_put(z, b);
			else
				full_put(z, b, d);
		}
	return error;
}

/* ---- Inspect ----------------------------------------------------------- */

struct kv_zone_stats
kv_zone_stats(const struct kv_zone *z)
{
	return z->stats;
}

/* The last item of a bucket is used first.  => what the last cb returned */
static int
bucket_walk(const struct kv_zone *z, const struct bucket *b,
    kv_zone_walk_fn *cb, void *arg)
{
	int stop = 0;

	for (unsigned i = b == NULL ? 0 : b->count; i-- != 0 && stop == 0;)
		stop = cb(arg, item_at(z, b, i));
	return stop;
}

int
kv_zone_walk(const struct kv_zone *z, kv_zone_walk_fn *cb, void *arg)
{
	const struct bucket *b;
	int stop = 0;

	for (unsigned i = 0; i < z->cfg.ncpus; i++)
		for (unsigned k = 0; k < KINDS && stop == 0; k++)
			stop = bucket_walk(z, z->cpus[i].bucket[k], cb, arg);
	for (unsigned d = 0; d < z->cfg.ndomains; d++)
		for (b = z->full[d]; b != NULL && stop == 0; b = b->next)
			stop = bucket_walk(z, b, cb, arg);
	return stop;
}

static int
broken(
    struct kv_diag *diag, unsigned invariant, uint64_t where, const char *text)
{
	return kv_diag_set(diag, EFAULT, "zone", invariant, where, text);
}

/* Are all items of the bucket in, or all outside, the domain? */
static bool
is_pure(const struct kv_zone *z, const struct bucket *b, unsigned domain,
    bool inside)
{
	for (unsigned i = 0; i < b->count; i++)
		if ((domain_of(z, item_at(z, b, i)) == domain) != inside)
			return false;
	return true;
}

static int
cpu_check(
    const struct kv_zone *z, unsigned i, uint64_t *items, struct kv_diag *diag)
{
	for (unsigned k = 0; k < KINDS; k++) {
		const struct bucket *b = z->cpus[i].bucket[k];

		if (b == NULL)
			continue;
		*items += b->count;
		if (k != ALLOC &&
		    !is_pure(z, b, kv_zone_cpu_domain(z, i), k == FREE))
			return broken(diag, 3, i,
			    "an item is in the wrong bucket of its CPU");
	}
	return 0;
}

int
kv_zone_check(const struct kv_zone *z, struct kv_diag *diag)
{
	uint64_t items = 0, full = 0;
	const struct bucket *b;
	int error = 0;

	for (unsigned i = 0; i < z->cfg.ncpus && error == 0; i++)
		error = cpu_check(z, i, &items, diag);
	for (unsigned d = 0; d < z->cfg.ndomains && error == 0; d++)
		for (b = z->full[d]; b != NULL; b = b->next) {
			full += b->count;
			if (b->count == 0 || !is_pure(z, b, d, true))
				return broken(diag, 2, d,
				    "a full bucket is empty or of a wrong "
				    "domain");
		}
	if (error == 0 && (full != z->nfull || full > z->sizes.full))
		error = broken(diag, 2, full, "full buckets miscounted");
	if (error == 0 && items + full != z->stats.cached)
		error = broken(diag, 1, items + full, "items miscounted");
	return error;
}
