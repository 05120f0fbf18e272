/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_free.c - free memory: buddyinfo, vm.phys_free, vm.reserv.partpopq */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "in/capture_parts.h"
#include "out/mem.h"

/* With at most that many pages no figure of metrics.md overflows. */
#define PAGES_MAX (UINT64_C(1) << 52)
enum { DOMAINS_MAX = 1023, LISTS_MAX = 15 };

static const char *
text_make(struct kv_pool *pool, const char *fmt, unsigned n, const char *word)
{
	char text[128];

	snprintf(text, sizeof(text), fmt, n, word);
	return kv_pool_text(pool, text, strlen(text));
}

static struct kv_capture_zone *
zone_add(struct kv_capture_line *l, const char *name, uint64_t domain)
{
	struct kv_capture *c = l->c;

	c->zones = kv_mem_resize(c->zones, c->nzones + 1, sizeof(*c->zones));
	c->zones[c->nzones] = (struct kv_capture_zone){
	    .name = name, .domain = (unsigned)domain, .line = l->lines->number};
	return &c->zones[c->nzones++];
}

/* Pages of a zone stay countable. */
static bool
blocks_add(struct kv_capture_line *l, struct kv_capture_zone *z, unsigned order)
{
	uint64_t count, pages = 0;
	unsigned i;

	for (i = 0; i < KV_CAPTURE_ORDERS; i++)
		pages += z->blocks[i] << i;
	if (!kv_capture_uint(
		l, (PAGES_MAX - pages) >> order, &count, "a number of blocks"))
		return false;
	z->blocks[order] += count;
	return true;
}

/* ---- Linux ----------------------------------------------------------- */

/* Node 0, zone   Normal   4  1  0 ... */
bool
kv_capture_buddyinfo(struct kv_capture_line *l)
{
	struct kv_capture_zone *z;
	const char *word, *name, *at;
	uint64_t node;

	if (!kv_capture_skip(l, "Node "))
		return kv_capture_refuse(l, "\"Node N, zone NAME\" expected");
	if (!kv_capture_uint(l, DOMAINS_MAX, &node, "the number of a node"))
		return false;
	if (!kv_capture_skip(l, ", zone "))
		return kv_capture_refuse(l, "\", zone NAME\" expected");
	at = l->p;
	if ((word = kv_capture_word(l, "the name of a zone")) == NULL)
		return false;
	name = text_make(&l->c->pool, "node%u.%.60s", (unsigned)node, word);
	if (!kv_capture_once(l, at, name))
		return false;
	z = zone_add(l, name, node);
	do {
		if (z->norders == KV_CAPTURE_ORDERS)
			return kv_capture_refuse(
			    l, "more than %d orders", (int)KV_CAPTURE_ORDERS);
		if (!blocks_add(l, z, z->norders))
			return false;
		z->norders++;
	} while (l->p < l->end);
	if (z->norders != l->c->zones[0].norders)
		return KV_CAPTURE_BACK(l, at,
		    "%u orders here, %u in the first line", z->norders,
		    l->c->zones[0].norders);
	return true;
}

/* ---- FreeBSD: free lists --------------------------------------------- */

static bool
read_domain(struct kv_capture_line *l)
{
	uint64_t n;

	if (!kv_capture_uint(l, DOMAINS_MAX, &n, "the number of a domain"))
		return false;
	if (!kv_capture_skip(l, ":"))
		return kv_capture_refuse(l, "\":\" expected");
	l->domain = (unsigned)n;
	l->listed = false;
	return kv_capture_end(l);
}

static bool
read_list(struct kv_capture_line *l)
{
	const char *name, *at = l->p;
	char list[24];
	uint64_t n;

	if (!kv_capture_uint(l, LISTS_MAX, &n, "the number of a free list"))
		return false;
	snprintf(list, sizeof(list), "list%" PRIu64, n);
	name = text_make(&l->c->pool, "domain%u.%s", l->domain, list);
	if (!kv_capture_once(l, at, name))
		return false;
	if (!kv_capture_skip(l, ":"))
		return kv_capture_refuse(l, "\":\" expected");
	zone_add(l, name, l->domain);
	l->list = 0;
	l->listed = true;
	return kv_capture_end(l);
}

/* The order of a row and its size; orders come once. */
static bool
read_order(struct kv_capture_line *l, uint64_t *order)
{
	uint64_t page = kv_machine_page_size(l->machine) >> 10, size;
	const char *at = l->p;

	if (!kv_capture_uint(l, KV_CAPTURE_ORDERS - 1, order,
		"an order, \"FREE LIST N:\" or \"DOMAIN N:\""))
		return false;
	if ((l->list >> *order & 1) != 0)
		return KV_CAPTURE_BACK(l, at,
		    "order %" PRIu64 " stands in this list twice", *order);
	l->list |= 1u << *order;
	if (!kv_capture_skip(l, "("))
		return kv_capture_refuse(l, "\"(SIZE K)\" expected");
	at = l->p;
	if (!kv_capture_uint(l, UINT64_MAX, &size, "the size of a block"))
		return false;
	if (size != page << *order)
		return KV_CAPTURE_BACK(l, at,
		    "a block of order %" PRIu64 " has %" PRIu64
		    " KiB on %s; another --machine?",
		    *order, page << *order, l->machine->name);
	return kv_capture_skip(l, "K)") || kv_capture_skip(l, "K )") ||
	       kv_capture_refuse(l, "\"K)\" expected");
}

/* ORDER (SIZEK) | pool 0 | pool 1 ... */
static bool
read_blocks(struct kv_capture_line *l)
{
	struct kv_capture_zone *z = &l->c->zones[l->c->nzones - 1];
	uint64_t order;

	if (!read_order(l, &order))
		return false;
	if (order >= z->norders)
		z->norders = (unsigned)order + 1;
	do {
		if (!kv_capture_skip(l, "|"))
			return kv_capture_refuse(l, "\"|\" expected");
		if (!blocks_add(l, z, (unsigned)order))
			return false;
	} while (l->p < l->end);
	return true;
}

bool
kv_capture_phys_free(struct kv_capture_line *l)
{
	if (kv_capture_skip(l, "DOMAIN "))
		return read_domain(l);
	if (kv_capture_skip(l, "FREE LIST "))
		return read_list(l);
	/* Heads of the table, and its rules. */
	if (kv_capture_skip(l, "ORDER ") || kv_capture_skip(l, "| POOL ") ||
	    kv_capture_skip(l, "--"))
		return true;
	if (!l->listed)
		return kv_capture_refuse(l, "\"FREE LIST N:\" expected");
	return read_blocks(l);
}

/* ---- FreeBSD: partial reservations ----------------------------------- */

/* Each number but the last has a comma behind it. */
static bool
read_comma(struct kv_capture_line *l)
{
	return kv_capture_skip(l, ",") ||
	       kv_capture_refuse(l, "\",\" expected");
}

/*   DOMAIN, LEVEL, SIZEK, NUMBER */
bool
kv_capture_partpopq(struct kv_capture_line *l)
{
	uint64_t domain, level, size;
	struct kv_capture_queue q = {0};
	struct kv_capture *c = l->c;
	const char *at = l->p;
	char name[64];
	bool below;

	if (kv_capture_skip(l, "DOMAIN "))
		return true; /* the head */
	if (!kv_capture_uint(
		l, DOMAINS_MAX, &domain, "the number of a domain") ||
	    !read_comma(l))
		return false;
	below = kv_capture_skip(l, "-");
	if (!kv_capture_uint(l, LISTS_MAX, &level, "a level") || !read_comma(l))
		return false;
	if (!kv_capture_uint(l, PAGES_MAX, &size, "a size"))
		return false;
	if (!kv_capture_skip(l, "K"))
		return kv_capture_refuse(l, "\"K\" expected");
	if (!read_comma(l) ||
	    !kv_capture_uint(l, PAGES_MAX, &q.count, "a number"))
		return false;
	q.domain = (unsigned)domain;
	q.level = below ? -(int)level : (int)level;
	q.unused_bytes = size << 10;
	snprintf(name, sizeof(name), "domain %u, level %d,", q.domain, q.level);
	if (!kv_capture_once(l, at, kv_pool_text(&c->pool, name, strlen(name))))
		return false;
	c->queues =
	    kv_mem_resize(c->queues, c->nqueues + 1, sizeof(*c->queues));
	c->queues[c->nqueues++] = q;
	return kv_capture_end(l);
}
