/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * phys_layout.c - memory ranges to segments
 *
 * 1 Concepts.  Free lists by address: default, below 4 GiB, low memory.  They
 *   are searched in that order, so the scarcest memory is used last.
 * 2 Representation.  One pass over the ranges, cut at the borders of the
 *   lists, joined again where the cut changed nothing; run twice, to count and
 *   to store.
 *
 *     ranges    [0 .. 0xa0000)  [1M .................. 64M)
 *     cuts                            | 16M
 *     segments  [low         )  [low ][default            )
 *
 * 3 Invariants.  I6 of phys.c.
 * 4 Cost.  Linear in the ranges.
 * 5 Fidelity.  spec phys.md 2, 3.  The list below 4 GiB exists only when more
 *   than dma32_pages lie above it; low memory is a list of its own only when
 *   there is other memory; lists that do not exist are not numbered.
 */
#include "arith.h"
#include "phys_layout.h"

struct layout {
	const struct kv_machine *machine;
	bool has_dma32, has_default;
	struct kv_buddy_seg *segs; /* NULL: count only */
	struct kv_buddy_seg last;  /* open segment; end 0 = none */
	size_t nsegs;		   /* closed ones */
};

static int
ranges_check(const struct kv_phys_config *cfg)
{
	const struct kv_machine *m = cfg->machine;
	uint64_t mask = kv_machine_page_size(m) - 1;
	kv_pa_t last = 0;

	if (cfg->nranges == 0 || cfg->ndomains == 0 ||
	    cfg->ndomains > KV_PHYS_DOMAINS || m->reserv_order < 6 ||
	    m->reserv_order > m->max_order || m->max_order >= KV_PHYS_ORDERS)
		return EINVAL;
	for (size_t i = 0; i < cfg->nranges; i++) {
		const struct kv_phys_range *r = &cfg->ranges[i];

		if (r->start >= r->end || r->start < last ||
		    ((r->start | r->end) & mask) != 0 ||
		    r->domain >= cfg->ndomains)
			return EINVAL;
		if (r->end >> m->page_shift > UINT32_MAX)
			return ERANGE;
		last = r->end;
	}
	return 0;
}

/* Bytes of memory at or above an address. */
static uint64_t
bytes_above(const struct kv_phys_config *cfg, kv_pa_t limit)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < cfg->nranges; i++) {
		const struct kv_phys_range *r = &cfg->ranges[i];

		if (r->end > limit)
			sum += r->end - (r->start > limit ? r->start : limit);
	}
	return sum;
}

static unsigned
list_of(const struct layout *l, kv_pa_t pa)
{
	if (pa < l->machine->lowmem_end)
		return l->has_default + (unsigned)l->has_dma32;
	return l->has_dma32 && pa < l->machine->dma32_end;
}

static void
flush(struct layout *l)
{
	if (l->last.end == 0)
		return;
	if (l->segs != NULL)
		l->segs[l->nsegs] = l->last;
	l->nsegs++;
}

static void
add(struct layout *l, kv_pa_t start, kv_pa_t end, unsigned domain)
{
	unsigned shift = l->machine->page_shift;
	struct kv_buddy_seg seg = {.start = (uint32_t)(start >> shift),
	    .end = (uint32_t)(end >> shift),
	    .domain = (uint16_t)domain,
	    .list = (uint16_t)list_of(l, start)};

	if (l->last.end != 0 && l->last.end == seg.start &&
	    l->last.domain == seg.domain && l->last.list == seg.list) {
		l->last.end = seg.end;
		return;
	}
	flush(l);
	l->last = seg;
}

static size_t
pass(struct layout *l, const struct kv_phys_config *cfg)
{
	l->nsegs = 0;
	l->last = (struct kv_buddy_seg){0};
	for (size_t i = 0; i < cfg->nranges; i++) {
		const struct kv_phys_range *r = &cfg->ranges[i];
		kv_pa_t cut[] = {
		    l->machine->lowmem_end, l->machine->dma32_end, r->end};
		kv_pa_t start = r->start;

		for (size_t c = 0; c < sizeof(cut) / sizeof(cut[0]); c++) {
			if (cut[c] <= start || cut[c] > r->end)
				continue;
			add(l, start, cut[c], r->domain);
			start = cut[c];
		}
	}
	flush(l);
	return l->nsegs;
}

int
kv_phys_layout(const struct kv_phys_config *cfg, struct kv_buddy_seg **segs,
    size_t *nsegs, unsigned *nlists)
{
	const struct kv_machine *m = cfg->machine;
	struct layout l = {.machine = m};
	int error = ranges_check(cfg);
	size_t n;

	if (error != 0)
		return error;
	l.has_dma32 = m->dma32_end != 0 && bytes_above(cfg, m->dma32_end) >>
					       m->page_shift > m->dma32_pages;
	l.has_default = bytes_above(cfg, m->lowmem_end) != 0;
	n = pass(&l, cfg);
	l.segs = kv_host_zalloc(cfg->host, n, sizeof(*l.segs));
	if (l.segs == NULL)
		return ENOMEM;
	pass(&l, cfg);
	*segs = l.segs;
	*nsegs = n;
	*nlists = l.has_default + (unsigned)l.has_dma32 +
		  (cfg->ranges[0].start < m->lowmem_end);
	return 0;
}
