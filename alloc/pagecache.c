/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagecache.c - per-CPU caches of single pages before the free queues
 *
 * 1 Concepts.  Single pages that no reservation gives come from a zone of their
 *   domain and pool: a CPU's bucket is filled by one batch from the queues, in
 *   ascending order, and used from its end: neighbours in time get descending
 *   frames.  A page that came from a zone goes back to one, to the CPU that
 *   frees it; so an old machine's pages come in any order.
 * 2 Representation.  A zone a domain and pool; a bit for each page that came
 *   from one, in blocks of a word's pages under their number in a tree.
 * 3 Invariants.
 *   I1  A cached page is marked, of the zone's domain, and not in a free queue.
 * 4 Cost.  That of the zone, and a lookup in the tree a page.
 * 5 Fidelity.  FreeBSD vm_page.c (vm_page_zone_import, vm_page_zone_release,
 *   PG_PCPU_CACHE); spec freebsd.md 4.2, phys.md 11, 27.  The spec leaves the
 *   greatest bucket open: here 128 items.  A batch that comes out short is
 *   used all the same.
 */
#include "pagecache.h"
#include "radix.h"

/* Pools that pages are asked for in. */
enum { ASKED_POOLS = KV_PHYS_LAZYINIT };

enum { BUCKET_MAX = 128, PER_MILLE = 1000, WORD = 64, WORD_SHIFT = 6 };

struct cache {
	struct kv_pagecache *pc;
	enum kv_phys_pool pool;
	unsigned domain;
	struct kv_zone *zone;
};

struct kv_pagecache {
	struct kv_pagecache_config cfg; /* (c) */
	unsigned cpu;
	struct kv_radix marked; /* words of 64 pages, by pfn / 64 */
	size_t ncaches;		/* (c) */
	struct cache cache[];	/* domain * pools + pool */
};

/* ---- Marks ------------------------------------------------------------- */

/* The word of a page, made if need be; NULL: no metadata. */
static uint64_t *
mark_word(struct kv_pagecache *pc, kv_pfn_t pfn)
{
	uint64_t *word = kv_radix_lookup(&pc->marked, pfn >> WORD_SHIFT);

	if (word != NULL)
		return word;
	word = kv_host_zalloc(pc->cfg.host, 1, sizeof(*word));
	if (word != NULL &&
	    kv_radix_insert(&pc->marked, pfn >> WORD_SHIFT, word) != 0) {
		kv_host_free(pc->cfg.host, word, 1, sizeof(*word));
		word = NULL;
	}
	return word;
}

static bool
is_marked(const struct kv_pagecache *pc, kv_pfn_t pfn)
{
	const uint64_t *word = kv_radix_lookup(&pc->marked, pfn >> WORD_SHIFT);

	return word != NULL && (*word >> pfn % WORD & 1) != 0;
}

/* Words stay, as pages come again. */
static void
unmark(struct kv_pagecache *pc, kv_pfn_t pfn)
{
	uint64_t *word = kv_radix_lookup(&pc->marked, pfn >> WORD_SHIFT);

	*word &= ~(UINT64_C(1) << pfn % WORD);
}

/* ---- The source of the zones: the free queues -------------------------- */

static void
give(struct kv_pagecache *pc, kv_pfn_t pfn, unsigned domain)
{
	kv_phys_uncharge(pc->cfg.phys, domain, 1);
	kv_phys_give(pc->cfg.phys, pfn, 0);
}

/* One batch; what cannot be marked goes back at once. */
static unsigned
import(void *arg, void *items, unsigned n, unsigned domain)
{
	struct cache *c = arg;
	kv_pfn_t *pfns = items;
	uint64_t got, i, kept = 0;

	(void)domain;
	if (kv_phys_alloc_batch(
		c->pc->cfg.phys, c->pool, n, c->domain, pfns, &got) != 0)
		return 0;
	for (i = 0; i < got; i++) {
		uint64_t *word = mark_word(c->pc, pfns[i]);

		if (word == NULL) {
			give(c->pc, pfns[i], c->domain);
			continue;
		}
		*word |= UINT64_C(1) << pfns[i] % WORD;
		pfns[kept++] = pfns[i];
	}
	return (unsigned)kept;
}

static int
release(void *arg, const void *item, struct kv_diag *diag)
{
	const struct cache *c = arg;
	const kv_pfn_t *pfn = item;

	(void)diag;
	unmark(c->pc, *pfn);
	give(c->pc, *pfn, c->domain);
	return 0;
}

/* ---- Create ------------------------------------------------------------ */

/* Pages of a domain. */
static uint64_t
domain_pages(const struct kv_phys *phys, unsigned domain)
{
	unsigned shift = kv_phys_machine(phys)->page_shift;
	struct kv_phys_seg seg;
	uint64_t pages = 0;

	for (size_t i = 0; kv_phys_seg(phys, i, &seg) == 0; i++)
		if (seg.domain == domain)
			pages += (seg.end - seg.start) >> shift;
	return pages;
}

static int
cache_create(struct kv_pagecache *pc, size_t i)
{
	struct cache *c = &pc->cache[i];
	unsigned piece = 1u << kv_phys_machine(pc->cfg.phys)->reserv_order;
	struct kv_zone_config zone = {.item_size = sizeof(kv_pfn_t),
	    .ncpus = pc->cfg.ncpus,
	    .ndomains = 1,
	    /* less than a piece: so each page can be freed alone */
	    .bucket_max = BUCKET_MAX < piece ? BUCKET_MAX : piece / 2,
	    .source = {.import = import, .release = release, .arg = c},
	    .host = pc->cfg.host};

	c->pc = pc;
	c->domain = (unsigned)(i / ASKED_POOLS);
	c->pool = (enum kv_phys_pool)(i % ASKED_POOLS);
	zone.limit = domain_pages(pc->cfg.phys, c->domain) / PER_MILLE;
	return kv_zone_create(&zone, &c->zone);
}

static size_t
size_of(size_t ncaches)
{
	return sizeof(struct kv_pagecache) + ncaches * sizeof(struct cache);
}

int
kv_pagecache_create(
    const struct kv_pagecache_config *cfg, struct kv_pagecache **result)
{
	size_t n = (size_t)kv_phys_domains(cfg->phys) * ASKED_POOLS;
	struct kv_pagecache *pc = kv_host_zalloc(cfg->host, 1, size_of(n));
	int error = 0;

	if (pc == NULL)
		return ENOMEM;
	pc->cfg = *cfg;
	pc->marked.host = cfg->host;
	pc->ncaches = n;
	for (size_t i = 0; i < n && error == 0; i++)
		error = cache_create(pc, i);
	if (error == 0)
		*result = pc;
	else
		kv_pagecache_destroy(pc);
	return error;
}

static void
word_drop(void *arg, void *word)
{
	kv_host_free(arg, word, 1, sizeof(uint64_t));
}

void
kv_pagecache_destroy(struct kv_pagecache *pc)
{
	struct kv_host *host;

	if (pc == NULL)
		return;
	host = pc->cfg.host;
	for (size_t i = 0; i < pc->ncaches; i++)
		kv_zone_destroy(pc->cache[i].zone);
	kv_radix_fini(&pc->marked, word_drop, host);
	kv_host_free(host, pc, 1, size_of(pc->ncaches));
}

/* ---- Use --------------------------------------------------------------- */

static struct cache *
cache_of(struct kv_pagecache *pc, unsigned domain, unsigned pool)
{
	return &pc->cache[(size_t)domain * ASKED_POOLS + pool];
}

int
kv_pagecache_set_cpu(struct kv_pagecache *pc, unsigned cpu)
{
	if (cpu >= pc->cfg.ncpus)
		return EINVAL;
	pc->cpu = cpu;
	return 0;
}

int
kv_pagecache_alloc(struct kv_pagecache *pc, enum kv_phys_pool pool,
    unsigned domain, kv_pfn_t *pfn)
{
	return kv_zone_alloc(cache_of(pc, domain, pool)->zone, pc->cpu, pfn);
}

bool
kv_pagecache_free(struct kv_pagecache *pc, kv_pfn_t pfn)
{
	unsigned domain = kv_phys_domain(pc->cfg.phys, pfn), pool;

	if (!is_marked(pc, pfn))
		return false;
	pool = kv_phys_pool(pc->cfg.phys, pfn);
	/* releases do not fail */
	kv_zone_free(cache_of(pc, domain, pool)->zone, pc->cpu, &pfn, NULL);
	return true;
}

void
kv_pagecache_drain(struct kv_pagecache *pc)
{
	for (size_t i = 0; i < pc->ncaches; i++)
		kv_zone_drain(pc->cache[i].zone, NULL);
}

/* ---- Inspect ----------------------------------------------------------- */

struct kv_zone_stats
kv_pagecache_stats(const struct kv_pagecache *pc)
{
	struct kv_zone_stats sum = {0};

	for (size_t i = 0; i < pc->ncaches; i++) {
		struct kv_zone_stats s = kv_zone_stats(pc->cache[i].zone);

		sum.cached += s.cached;
		sum.hits += s.hits;
		sum.misses += s.misses;
		sum.failed += s.failed;
		sum.imported += s.imported;
		sum.released += s.released;
	}
	return sum;
}

struct item_check {
	const struct cache *c;
	struct kv_diag *diag;
};

static int
item_check(void *arg, const void *item)
{
	const struct item_check *ic = arg;
	const struct kv_pagecache *pc = ic->c->pc;
	const kv_pfn_t *pfn = item;
	struct kv_phys_block block;

	if (is_marked(pc, *pfn) &&
	    kv_phys_domain(pc->cfg.phys, *pfn) == ic->c->domain &&
	    kv_phys_whatis(pc->cfg.phys, *pfn, &block) == KV_PHYS_USED)
		return 0;
	return kv_diag_set(ic->diag, EFAULT, "pagecache", 1, *pfn,
	    "a cached page is free, not marked, or of another domain");
}

int
kv_pagecache_check(const struct kv_pagecache *pc, struct kv_diag *diag)
{
	int error = 0;

	for (size_t i = 0; i < pc->ncaches && error == 0; i++) {
		struct item_check ic = {&pc->cache[i], diag};

		error = kv_zone_check(ic.c->zone, diag);
		if (error == 0)
			error = kv_zone_walk(ic.c->zone, item_check, &ic);
	}
	return error;
}
