/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_phys_show.c - the phys trace language: operations that only look */
#include "in/trace_phys_parts.h"

typedef unsigned long long ull;

int
kv_tp_segs(struct kv_tp *t)
{
	struct kv_phys_seg seg;

	for (size_t i = 0; kv_phys_seg(t->phys, i, &seg) == 0; i++)
		kv_buf_printf(t->out, "%s0x%llx-0x%llx:d%u:l%u",
		    i == 0 ? "" : " ", (ull)seg.start, (ull)seg.end, seg.domain,
		    seg.list);
	kv_buf_add(t->out, "\n", 1);
	return 0;
}

/* ---- state ------------------------------------------------------------- */

/* " lLISTpPOOL=n0,n1,...": nothing when all are 0. */
static void
show_blocks(struct kv_tp *t, unsigned domain, unsigned list, unsigned pool)
{
	unsigned max_order = kv_phys_machine(t->phys)->max_order;
	uint64_t sum = 0;

	for (unsigned o = 0; o <= max_order; o++)
		sum += kv_phys_blocks(t->phys, domain, list, pool, o);
	if (sum == 0)
		return;
	kv_buf_printf(t->out, " l%up%u=", list, pool);
	for (unsigned o = 0; o <= max_order; o++)
		kv_buf_printf(t->out, "%s%llu", o == 0 ? "" : ",",
		    (ull)kv_phys_blocks(t->phys, domain, list, pool, o));
}

static void
show_domain(struct kv_tp *t, unsigned domain)
{
	struct kv_reserv_stats s = kv_reserv_domain_stats(t->rv, domain);

	kv_buf_printf(t->out, "d%u free=%llu", domain,
	    (ull)kv_phys_free_count(t->phys, domain));
	for (unsigned list = 0; list < kv_phys_lists(t->phys); list++)
		for (unsigned pool = 0; pool < KV_PHYS_POOLS; pool++)
			show_blocks(t, domain, list, pool);
	kv_buf_printf(t->out, " rv_full=%llu rv_part=%llu rv_pop=%llu | ",
	    (ull)s.full, (ull)s.partial, (ull)s.populated);
}

int
kv_tp_state(struct kv_tp *t)
{
	struct kv_reserv_stats s = kv_reserv_stats(t->rv);

	for (unsigned d = 0; d < kv_phys_domains(t->phys); d++)
		show_domain(t, d);
	kv_buf_printf(t->out, "broken=%llu freed=%llu reclaimed=%llu\n",
	    (ull)s.broken, (ull)s.freed, (ull)s.reclaimed);
	return 0;
}

/* ---- Reservations ------------------------------------------------------ */

/* Sums over the reservations of an object. */
struct sums {
	struct kv_tp *t;
	uint64_t n, full, pop;
};

static int
add_reserv(void *arg, const struct kv_reserv_info *info)
{
	struct sums *s = arg;

	s->n++;
	s->full += info->popcnt == info->npages;
	s->pop += info->popcnt;
	return 0;
}

static int
show_letter(void *arg, const struct kv_reserv_info *info)
{
	struct sums *s = arg;
	char letter = kv_reserv_letter(info->popmap, info->npages);

	kv_buf_add(s->t->out, &letter, 1);
	return 0;
}

static int
show_reserv(void *arg, const struct kv_reserv_info *info)
{
	struct sums *s = arg;

	kv_buf_printf(s->t->out, " %llu:0x%llx:%u:%c", (ull)info->pindex,
	    kv_tp_pa(s->t, info->pfn), info->popcnt,
	    kv_reserv_letter(info->popmap, info->npages));
	return 0;
}

int
kv_tp_resv(struct kv_tp *t)
{
	struct sums s = {.t = t};
	struct kv_object *obj;

	if (kv_tp_object(t, 1, &obj) != 0)
		return EINVAL;
	kv_reserv_walk(t->rv, obj, add_reserv, &s);
	kv_buf_printf(t->out,
	    "n=%llu full=%llu part=%llu pop=%llu resident=%llu pattern=",
	    (ull)s.n, (ull)s.full, (ull)(s.n - s.full), (ull)s.pop,
	    (ull)kv_object_resident(obj));
	kv_reserv_walk(t->rv, obj, show_letter, &s);
	kv_reserv_walk(t->rv, obj, show_reserv, &s);
	kv_buf_add(t->out, "\n", 1);
	return 0;
}

static const char *
name_of(const struct kv_tp *t, const struct kv_object *obj)
{
	for (size_t i = 0; i < t->nobjects; i++)
		if (t->object[i].obj == obj)
			return t->object[i].name;
	return "-";
}

static int
show_queued(void *arg, const struct kv_reserv_info *info)
{
	struct kv_tp *t = arg;

	kv_buf_printf(t->out, "%s0x%llx:%s:%llu:%u",
	    t->out->size == t->line_size ? "" : " ", kv_tp_pa(t, info->pfn),
	    name_of(t, info->object), (ull)info->pindex, info->popcnt);
	return 0;
}

int
kv_tp_queue(struct kv_tp *t)
{
	unsigned domain;

	if (kv_tp_domain(t, 1, &domain) != 0)
		return EINVAL;
	kv_reserv_walk_queue(t->rv, domain, show_queued, t);
	kv_tp_run_end(t, t->out->size == t->line_size ? "EMPTY" : NULL);
	return 0;
}

/* Only the head of the queue. */
static int
show_head(void *arg, const struct kv_reserv_info *info)
{
	show_queued(arg, info);
	return 1;
}

int
kv_tp_reclaim(struct kv_tp *t)
{
	unsigned domain;

	if (kv_tp_domain(t, 1, &domain) != 0)
		return EINVAL;
	kv_reserv_walk_queue(t->rv, domain, show_head, t);
	switch (kv_reserv_reclaim(t->rv, domain)) {
	case 0:
		kv_tp_run_end(t, NULL);
		return 0;
	case ENOENT:
		kv_tp_run_end(t, "FAIL");
		return 0;
	default:
		return kv_tp_fail(t, 0, "out of memory");
	}
}

/* ---- One pindex -------------------------------------------------------- */

/* The object's reservation that covers a pindex. */
struct cover {
	kv_pindex_t pindex;
	struct kv_reserv_info info;
};

static int
find_cover(void *arg, const struct kv_reserv_info *info)
{
	struct cover *c = arg;

	if (c->pindex < info->pindex ||
	    c->pindex - info->pindex >= info->npages)
		return 0;
	c->info = *info;
	return 1;
}

int
kv_tp_popmap(struct kv_tp *t)
{
	struct kv_object *obj;
	struct cover c;

	if (kv_tp_object(t, 1, &obj) != 0 || kv_tp_pindex(t, 2, &c.pindex) != 0)
		return EINVAL;
	if (kv_reserv_walk(t->rv, obj, find_cover, &c) == 0) {
		kv_tp_run_end(t, "NONE");
		return 0;
	}
	for (unsigned i = 0; i < c.info.npages / 64; i++)
		kv_buf_printf(t->out, "%s%016llx", i == 0 ? "" : " ",
		    (ull)c.info.popmap[i]);
	kv_tp_run_end(t, NULL);
	return 0;
}

int
kv_tp_level(struct kv_tp *t)
{
	struct kv_reserv_info info = {.popcnt = 0};
	struct kv_object *obj;
	kv_pindex_t pindex;
	kv_pfn_t pfn;
	bool reserved;

	if (kv_tp_object(t, 1, &obj) != 0 || kv_tp_pindex(t, 2, &pindex) != 0)
		return EINVAL;
	if (kv_object_lookup(obj, pindex, &pfn) != 0) {
		kv_tp_run_end(t, "ABSENT");
		return 0;
	}
	reserved = kv_reserv_whatis(t->rv, pfn, &info) == 0;
	kv_buf_printf(t->out, "0x%llx level=%d full=%d\n", kv_tp_pa(t, pfn),
	    reserved ? 0 : -1, reserved && info.popcnt == info.npages ? 0 : -1);
	return 0;
}

/* ---- Queues and check -----------------------------------------------------
 */

static int
show_block(void *arg, const struct kv_phys_block *block)
{
	struct kv_tp *t = arg;

	kv_buf_printf(t->out, "%s0x%llx",
	    t->out->size == t->line_size ? "" : " ", kv_tp_pa(t, block->pfn));
	return 0;
}

int
kv_tp_freelist(struct kv_tp *t)
{
	const struct kv_machine *m = kv_phys_machine(t->phys);
	struct kv_phys_block block = {0};
	uint64_t list, pool, order;

	if (kv_tp_domain(t, 1, &block.domain) != 0 ||
	    kv_tp_number(t, 2, kv_phys_lists(t->phys) - 1, &list) != 0 ||
	    kv_tp_number(t, 3, KV_PHYS_LAZYINIT - 1, &pool) != 0 ||
	    kv_tp_number(t, 4, m->max_order, &order) != 0)
		return EINVAL;
	block.list = (unsigned)list;
	block.pool = (unsigned)pool;
	block.order = (unsigned)order;
	kv_phys_walk_queue(t->phys, &block, show_block, t);
	kv_tp_run_end(t, t->out->size == t->line_size ? "EMPTY" : NULL);
	return 0;
}

int
kv_tp_check(struct kv_tp *t)
{
	struct kv_diag diag;
	int error = kv_phys_check(t->phys, &diag);

	if (error == 0)
		error = kv_reserv_check(t->rv, &diag);
	for (size_t i = 0; error == 0 && i < t->nobjects; i++)
		error = kv_object_check(t->object[i].obj, &diag);
	if (error != 0)
		return kv_tp_fail(t, 0, diag.text);
	kv_tp_run_end(t, "ok");
	return 0;
}
