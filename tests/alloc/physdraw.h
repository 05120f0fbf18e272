/* SPDX-License-Identifier: BSD-2-Clause */
/* physdraw.h - a small machine, its free blocks drawn as text, for tests */
#ifndef KV_TEST_PHYSDRAW_H
#define KV_TEST_PHYSDRAW_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "alloc/kv.h"

/* Reservations of 64 pages, blocks up to 128, no low memory. */
static const struct kv_machine tiny = {
    .name = "tiny", .page_shift = 12, .reserv_order = 6, .max_order = 7};

/* What every machine of a test program lives on. */
static struct kv_host host;

/* A machine from page numbers: ranges {start, end, domain}. */
struct pages {
	uint64_t start, end;
	unsigned domain;
};

static inline struct kv_phys *
phys_of(const struct kv_machine *m, const struct pages *p, size_t n, bool lazy)
{
	struct kv_phys_range range[8];
	struct kv_phys_config cfg = {.machine = m,
	    .ranges = range,
	    .nranges = n,
	    .lazy_init = lazy,
	    .host = &host};
	struct kv_phys *phys = NULL;

	for (size_t i = 0; i < n; i++) {
		range[i] = (struct kv_phys_range){p[i].start << m->page_shift,
		    p[i].end << m->page_shift, p[i].domain};
		if (p[i].domain >= cfg.ndomains)
			cfg.ndomains = p[i].domain + 1;
	}
	kv_host_libc(&host);
	ck_assert_int_eq(kv_phys_create(&cfg, &phys), 0);
	return phys;
}

#define PHYS_AS(lazy, m, ...)                             \
	phys_of(m, (const struct pages[]){__VA_ARGS__},   \
	    sizeof((const struct pages[]){__VA_ARGS__}) / \
		sizeof(struct pages),                     \
	    lazy)
#define PHYS(m, ...) PHYS_AS(false, m, __VA_ARGS__)

static inline int
draw_block(void *arg, const struct kv_phys_block *b)
{
	char *s = arg;

	sprintf(s + strlen(s), "%s%u@%u", *s == '\0' ? "" : " ", b->order,
	    (unsigned)b->pfn);
	strcat(s, b->pool == KV_PHYS_DEFAULT  ? ""
		  : b->pool == KV_PHYS_DIRECT ? "'"
					      : "~");
	for (unsigned i = 0; i < b->list; i++)
		strcat(s, "_");
	return 0;
}

/*
 * The free blocks as order@page, in queue order by domain, list, pool, order;
 * ' marks pool 1, ~ that of boot memory, each _ the next list.  Also all
 * invariants.
 */
static inline void
ck_assert_blocks(const struct kv_phys *phys, const char *want)
{
	char got[1024] = "";
	struct kv_diag diag;

	kv_phys_walk(phys, draw_block, got);
	ck_assert_str_eq(got, want);
	ck_assert_int_eq(kv_phys_check(phys, &diag), 0);
}

static inline kv_pfn_t
take(struct kv_phys *phys, enum kv_phys_pool pool, unsigned order)
{
	kv_pfn_t pfn = 0;

	ck_assert_int_eq(kv_phys_alloc(phys, pool, order, 0, &pfn), 0);
	return pfn;
}

static inline void
give(struct kv_phys *phys, kv_pfn_t pfn, unsigned order)
{
	ck_assert_int_eq(kv_phys_free(phys, pfn, order, NULL), 0);
}

/* Every test ends so: nothing of the host's memory is left. */
static inline void
done(struct kv_phys *phys)
{
	kv_phys_destroy(phys);
	ck_assert_uint_eq(host.bytes, 0);
}

#endif
