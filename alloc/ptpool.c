/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptpool.c - page-table pools
 *
 * 1 Concepts.  A hypervisor or a small kernel keeps the pages for its tables in
 *   one range of fixed size.  The simplest takes the next one each time and
 *   never gives one back until all go at once (bump); others take back tables
 *   that are empty, or that a larger leaf can stand for.  A reserve keeps a few
 *   pages for draws that must not fail; a watermark says once that the end is
 *   near.  A page belongs to an address space, to a template that spaces share,
 *   or to nobody in particular.
 * 2 Representation.  One record a page that was ever drawn, by number; idle
 *   ones are a list, last in, first out.  next is the bump pointer, in pages:
 *
 *     base          next               base + capacity pages
 *     | S0 | S0 | - | G |   never drawn      |
 *                 ^ idle
 *
 * 3 Invariants (reported as ptpool-I1 and so on).
 *   I1   used <= next <= capacity; used is the number of records in use, peak
 *        is not below it.
 *   I2   Without reclaim no page is handed out twice: since the last reset
 *        draws, next and used are one number (E2 of systems.md).
 *   I3   The list holds every record that is not in use, once.
 *   I4   Pages by depth and by owner are those of the records in use.
 *   I5   The tables that spaces have of it are those that it gave (V3 of
 *        systems.md): whoever has both judges it.
 * 4 Cost.  A draw or a return is a few stores; 16 bytes a page ever drawn.
 * 5 Fidelity.  systems.md 1: a bump pointer that fails when it would pass the
 *   end; one warning, the first time that used > capacity * 4 / 5 in whole
 *   numbers; all pages back at exec and fork.  The other two ways to reclaim,
 *   and the reserve, are what that system might do (1.7).  That a page is
 *   cleared when it is drawn is the business of who mirrors the tables.
 */
#include "ptpool.h"

#include "arith.h"

static const uint32_t no_page = UINT32_MAX;

/* A page that was drawn at least once. */
struct record {
	uint32_t id;
	uint32_t link; /* idle: the next one, or no_page */
	uint8_t scope, depth;
	bool used; /* counts as used */
	bool dead; /* used up: nobody has it (without reclaim) */
};

struct kv_ptpool {
	struct kv_ptpool_config cfg; /* (c) */
	struct record *records;	     /* next of them */
	uint64_t room;		     /* records that there is room for */
	uint64_t next;
	uint64_t since; /* draws when it was reset (I2) */
	uint32_t idle;	/* first of the list (I3) */
	struct kv_ptpool_stats stats;
};

/* ---- Create ------------------------------------------------------------ */

int
kv_ptpool_create(const struct kv_ptpool_config *cfg, struct kv_ptpool **pool)
{
	struct kv_ptpool *p;
	uint64_t size, end;

	if (cfg->capacity == 0 || cfg->capacity >= no_page ||
	    cfg->reserve > cfg->capacity || cfg->warn > 100 ||
	    cfg->page_shift > 30 ||
	    cfg->base % (UINT64_C(1) << cfg->page_shift) != 0)
		return EINVAL;
	size = cfg->capacity << cfg->page_shift;
	if (!kv_add(cfg->base, size - 1, &end))
		return EINVAL;
	p = kv_host_zalloc(cfg->host, 1, sizeof(*p));
	if (p == NULL)
		return ENOMEM;
	p->cfg = *cfg;
	p->idle = no_page;
	p->stats.capacity = p->stats.free = cfg->capacity;
	*pool = p;
	return 0;
}

void
kv_ptpool_destroy(struct kv_ptpool *pool)
{
	struct kv_host *host;

	if (pool == NULL)
		return;
	host = pool->cfg.host;
	kv_host_free(
	    host, pool->records, (size_t)pool->room, sizeof(*pool->records));
	kv_host_free(host, pool, 1, sizeof(*pool));
}

/* ---- Use --------------------------------------------------------------- */

/* Room for that many records.  => 0, ENOMEM */
static int
reserve_room(struct kv_ptpool *p, uint64_t room)
{
	const size_t size = sizeof(*p->records);
	struct record *records;

	if (room <= p->room)
		return 0;
	records = kv_host_resize(p->cfg.host, p->records,
	    (size_t)p->room * size, (size_t)room * size);
	if (records == NULL)
		return ENOMEM;
	p->records = records;
	p->room = room;
	return 0;
}

/* Room for one more record.  => 0, ENOMEM */
static int
widen(struct kv_ptpool *p)
{
	const uint64_t room = p->room == 0 ? 64 : 2 * p->room;

	if (p->next < p->room)
		return 0;
	return reserve_room(p, room < p->cfg.capacity ? room : p->cfg.capacity);
}

/* A record for a new page.  => 0, ENOMEM */
static int
take(struct kv_ptpool *p, uint32_t *i)
{
	if (p->idle != no_page) {
		*i = p->idle;
		p->idle = p->records[*i].link;
		return 0;
	}
	if (p->next != 0 && p->stats.draws + 1 == p->cfg.race) {
		*i = (uint32_t)(p->next - 1);
		return 0;
	}
	if (widen(p) != 0)
		return ENOMEM;
	*i = (uint32_t)p->next++;
	return 0;
}

static void
count_draw(struct kv_ptpool *p)
{
	struct kv_ptpool_stats *s = &p->stats;

	s->draws++;
	s->used++;
	s->free--;
	s->peak = s->used > s->peak ? s->used : s->peak;
	if (s->warn_at == 0 && p->cfg.warn != 0 &&
	    s->used > s->capacity * p->cfg.warn / 100)
		s->warn_at = s->draws;
}

int
kv_ptpool_get(struct kv_ptpool *pool, const struct kv_ptpool_page *want,
    bool urgent, kv_pa_t *pa)
{
	struct kv_ptpool_stats *s = &pool->stats;
	const bool reserved = s->free <= pool->cfg.reserve;
	uint32_t i;

	if (s->free == 0 || (reserved && !urgent) || take(pool, &i) != 0) {
		s->failures++;
		return ENOMEM;
	}
	pool->records[i] = (struct record){.id = want->id,
	    .link = no_page,
	    .scope = (uint8_t)want->scope,
	    .depth = (uint8_t)want->depth,
	    .used = true};
	s->urgent += reserved;
	s->depth[want->depth]++;
	s->scope[want->scope]++;
	count_draw(pool);
	*pa = pool->cfg.base + ((kv_pa_t)i << pool->cfg.page_shift);
	return 0;
}

/* The record of a page that somebody has, or NULL. */
static struct record *
find(const struct kv_ptpool *p, kv_pa_t pa)
{
	const kv_pa_t offset = pa - p->cfg.base;
	const uint64_t i = offset >> p->cfg.page_shift;

	if (pa < p->cfg.base || i >= p->next ||
	    i << p->cfg.page_shift != offset)
		return NULL;
	return p->records[i].used && !p->records[i].dead ? &p->records[i]
							 : NULL;
}

int
kv_ptpool_put(struct kv_ptpool *pool, kv_pa_t pa, struct kv_diag *diag)
{
	struct kv_ptpool_stats *s = &pool->stats;
	struct record *r = find(pool, pa);

	if (r == NULL)
		return kv_diag_set(diag, EINVAL, "ptpool", 3, pa,
		    "a page comes back that nobody has");
	s->depth[r->depth]--;
	s->scope[r->scope]--;
	s->returns++;
	if (pool->cfg.reclaim == KV_PTPOOL_NONE) {
		r->dead = true;
		return 0;
	}
	r->used = false;
	r->link = pool->idle;
	pool->idle = (uint32_t)(r - pool->records);
	s->used--;
	s->free++;
	return 0;
}

void
kv_ptpool_reset(struct kv_ptpool *pool)
{
	struct kv_ptpool_stats *s = &pool->stats;

	for (unsigned i = 0; i < KV_PTPOOL_DEPTHS; i++)
		s->depth[i] = 0;
	for (unsigned i = 0; i < KV_PTPOOL_SCOPES; i++)
		s->scope[i] = 0;
	s->used = 0;
	s->free = s->capacity;
	s->resets++;
	s->cleared += pool->next;
	pool->next = 0;
	pool->since = s->draws;
	pool->idle = no_page;
}

int
kv_ptpool_copy(
    struct kv_ptpool *pool, const struct kv_ptpool *from, uint32_t id)
{
	struct kv_ptpool_stats *s = &pool->stats;
	const struct kv_ptpool_stats *f = &from->stats;

	if (pool->cfg.page_shift != from->cfg.page_shift)
		return EINVAL;
	if (from->next > pool->cfg.capacity)
		return ENOSPC;
	if (reserve_room(pool, from->next) != 0)
		return ENOMEM;
	for (uint64_t i = 0; i < from->next; i++) {
		pool->records[i] = from->records[i];
		if (from->records[i].scope != KV_PTPOOL_GLOBAL)
			pool->records[i].id = id;
	}
	for (unsigned i = 0; i < KV_PTPOOL_DEPTHS; i++)
		s->depth[i] = f->depth[i];
	for (unsigned i = 0; i < KV_PTPOOL_SCOPES; i++)
		s->scope[i] = f->scope[i];
	s->used = f->used;
	s->free = s->capacity - f->used;
	s->peak = s->used > s->peak ? s->used : s->peak;
	s->copied += from->next;
	pool->next = from->next;
	pool->idle = from->idle;
	pool->since = s->draws - (f->draws - from->since);
	return 0;
}

/* ---- Inspect ----------------------------------------------------------- */

struct kv_ptpool_stats
kv_ptpool_stats(const struct kv_ptpool *pool)
{
	struct kv_ptpool_stats s = pool->stats;

	s.touched = pool->next;
	s.drawn = s.draws - pool->since;
	return s;
}

const struct kv_ptpool_config *
kv_ptpool_config(const struct kv_ptpool *pool)
{
	return &pool->cfg;
}

static struct kv_ptpool_page
page_of(const struct record *r)
{
	return (struct kv_ptpool_page){
	    (enum kv_ptpool_scope)r->scope, r->id, r->depth};
}

int
kv_ptpool_whatis(
    const struct kv_ptpool *pool, kv_pa_t pa, struct kv_ptpool_page *page)
{
	const struct record *r = find(pool, pa);

	if (r == NULL)
		return ENOENT;
	*page = page_of(r);
	return 0;
}

int
kv_ptpool_walk(const struct kv_ptpool *pool, kv_ptpool_walk_fn *cb, void *arg)
{
	int stop = 0;

	for (uint64_t i = 0; i < pool->next && stop == 0; i++) {
		const struct record *r = &pool->records[i];
		const struct kv_ptpool_page page = page_of(r);

		if (r->used && !r->dead)
			stop = cb(arg,
			    pool->cfg.base + (i << pool->cfg.page_shift),
			    &page);
	}
	return stop;
}

/* ---- Check ------------------------------------------------------------- */

static int
broken(struct kv_diag *diag, unsigned invariant, uint64_t at, const char *text)
{
	return kv_diag_set(diag, EFAULT, "ptpool", invariant, at, text);
}

static int
check_list(const struct kv_ptpool *p, struct kv_diag *diag)
{
	uint64_t idle = 0;

	for (uint32_t i = p->idle; i != no_page; i = p->records[i].link)
		if (i >= p->next || p->records[i].used || ++idle > p->next)
			return broken(
			    diag, 3, i, "a page on the list is not idle");
	return idle == p->next - p->stats.used
		   ? 0
		   : broken(diag, 3, idle, "idle pages are not on the list");
}

/* I1 and I4: what the records say. */
static int
check_records(const struct kv_ptpool *p, struct kv_diag *diag)
{
	uint64_t depth[KV_PTPOOL_DEPTHS] = {0}, scope[KV_PTPOOL_SCOPES] = {0};
	uint64_t used = 0;

	for (uint64_t i = 0; i < p->next; i++) {
		const struct record *r = &p->records[i];

		used += r->used;
		if (!r->used || r->dead)
			continue;
		depth[r->depth]++;
		scope[r->scope]++;
	}
	if (used != p->stats.used)
		return broken(diag, 1, used, "pages in use miscounted");
	for (unsigned i = 0; i < KV_PTPOOL_DEPTHS; i++)
		if (depth[i] != p->stats.depth[i])
			return broken(
			    diag, 4, i, "pages of a depth miscounted");
	for (unsigned i = 0; i < KV_PTPOOL_SCOPES; i++)
		if (scope[i] != p->stats.scope[i])
			return broken(diag, 4, i, "pages of owners miscounted");
	return 0;
}

int
kv_ptpool_check(const struct kv_ptpool *pool, struct kv_diag *diag)
{
	const struct kv_ptpool_stats *s = &pool->stats;
	int error;

	if (s->used > pool->next || pool->next > pool->cfg.capacity ||
	    s->peak < s->used || s->used + s->free != s->capacity)
		return broken(diag, 1, s->used, "more in use than there is");
	if (pool->cfg.reclaim == KV_PTPOOL_NONE &&
	    (s->draws - pool->since != pool->next || s->used != pool->next))
		return broken(diag, 2, s->draws, "a page was drawn twice");
	error = check_list(pool, diag);
	return error != 0 ? error : check_records(pool, diag);
}
