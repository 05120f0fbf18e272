/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_phys_ops.c - the phys trace language: operations that change */
#include <stdlib.h>
#include <string.h>

#include "alloc/bitmap.h"
#include "in/trace_phys_parts.h"
#include "out/mem.h"

/* ---- Machine and objects ----------------------------------------------- */

/* Ranges of memory under construction. */
struct ranges {
	struct kv_phys_range range[KV_PT_WORDS + KV_PHYS_DOMAINS];
	size_t n;
};

static int
by_start(const void *a, const void *b)
{
	const struct kv_phys_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Holes of the line, sorted, as ranges. */
static int
read_holes(struct kv_tp *t, struct ranges *holes)
{
	uint64_t mask = (UINT64_C(1) << t->page_shift) - 1;

	for (size_t i = 3; i < t->nwords; i += 3) {
		struct kv_phys_range *h = &holes->range[holes->n++];

		if (!kv_tp_word_is(&t->word[i], "hole") || i + 2 >= t->nwords)
			return kv_tp_fail(t, i, "expected hole START END");
		if (kv_tp_number(t, i + 1, UINT64_MAX, &h->start) != 0 ||
		    kv_tp_number(t, i + 2, UINT64_MAX, &h->end) != 0)
			return EINVAL;
		if (h->start >= h->end || ((h->start | h->end) & mask) != 0)
			return kv_tp_fail(t, i + 1,
			    "a hole is whole pages, START before END");
	}
	qsort(holes->range, holes->n, sizeof(holes->range[0]), by_start);
	return 0;
}

/* [start, end) less the holes, as memory of a domain. */
static void
add_memory(struct ranges *memory, const struct ranges *holes, kv_pa_t start,
    kv_pa_t end, unsigned domain)
{
	for (size_t i = 0; i <= holes->n && start < end; i++) {
		kv_pa_t stop = end, next = end;

		if (i < holes->n) {
			stop = holes->range[i].start;
			next = holes->range[i].end;
		}
		if (stop > end)
			stop = end;
		if (start < stop)
			memory->range[memory->n++] =
			    (struct kv_phys_range){start, stop, domain};
		if (start < next)
			start = next;
	}
}

static int
machine_create(struct kv_tp *t, const struct ranges *memory, unsigned ndomains)
{
	struct kv_phys_config pc = {.machine = kv_machine_find("amd64"),
	    .ranges = memory->range,
	    .nranges = memory->n,
	    .ndomains = ndomains,
	    .host = &t->host};
	struct kv_reserv_config rc = {.host = &t->host};

	if (kv_phys_create(&pc, &t->phys) != 0)
		return kv_tp_fail(t, 0, "out of memory");
	rc.phys = t->phys;
	if (kv_reserv_create(&rc, &t->rv) != 0)
		return kv_tp_fail(t, 0, "out of memory");
	t->bare = kv_mem_zalloc(t->npfns / 64 + 1, sizeof(*t->bare));
	return 0;
}

int
kv_tp_machine(struct kv_tp *t)
{
	const struct kv_machine *m = kv_machine_find("amd64");
	struct ranges holes = {.n = 0}, memory = {.n = 0};
	uint64_t size, ndomains, start = 0;
	size_t nsegs = 0;
	struct kv_phys_seg seg;

	t->page_shift = m->page_shift;
	if (t->phys != NULL)
		return kv_tp_fail(t, 0, "there is a machine already");
	if (kv_tp_number(t, 1, KV_PT_MEMORY_MAX, &size) != 0 ||
	    kv_tp_number(t, 2, KV_PHYS_DOMAINS, &ndomains) != 0 ||
	    read_holes(t, &holes) != 0)
		return EINVAL;
	if (ndomains == 0)
		return kv_tp_fail(t, 2, "expected at least one domain");
	if ((size & (kv_machine_page_size(m) - 1)) != 0)
		return kv_tp_fail(t, 1, "memory is whole pages");
	for (uint64_t i = 0; i < ndomains; i++) {
		uint64_t end = kv_align_down(
		    size / ndomains * (i + 1), kv_machine_reserv_size(m));

		if (i == ndomains - 1)
			end = size;
		add_memory(&memory, &holes, start, end, (unsigned)i);
		start = end;
	}
	if (memory.n == 0)
		return kv_tp_fail(t, 1, "there is no memory");
	t->npfns = size >> m->page_shift;
	if (machine_create(t, &memory, (unsigned)ndomains) != 0)
		return EINVAL;
	while (kv_phys_seg(t->phys, nsegs, &seg) == 0)
		nsegs++;
	kv_buf_printf(t->out, "ok pages=%llu segs=%zu freelists=%u\n",
	    (unsigned long long)kv_phys_pages(t->phys), nsegs,
	    kv_phys_lists(t->phys));
	return 0;
}

static int
object_option(struct kv_tp *t, size_t i, struct kv_object_config *cfg)
{
	const struct kv_tp_word *w = &t->word[i];
	uint64_t value;

	if (kv_tp_word_is(w, "anon")) {
		cfg->anon = true;
		return 0;
	}
	if (kv_tp_word_is(w, "noreserv")) {
		cfg->colored = false;
		return 0;
	}
	if (w->len > 5 && memcmp(w->at, "size=", 5) == 0) {
		if (kv_tp_number_in(t, i, 5, KV_OBJECT_SIZE_MAX, &cfg->size) !=
		    0)
			return EINVAL;
		return cfg->size == 0
			   ? kv_tp_fail(t, i, "an object has at least one page")
			   : 0;
	}
	if (w->len > 6 && memcmp(w->at, "color=", 6) == 0) {
		if (kv_tp_number_in(t, i, 6, UINT32_MAX, &value) != 0)
			return EINVAL;
		cfg->pg_color = (unsigned)value;
		return 0;
	}
	return kv_tp_fail(
	    t, i, "expected size=PAGES, anon, color=C or noreserv");
}

int
kv_tp_op_object(struct kv_tp *t)
{
	const struct kv_tp_word *w = &t->word[1];
	struct kv_tp_object *o = &t->object[t->nobjects];
	struct kv_object_config cfg = {
	    .size = UINT64_C(1) << 40, .colored = true, .host = &t->host};

	for (size_t i = 0; i < t->nobjects; i++)
		if (kv_tp_word_is(w, t->object[i].name))
			return kv_tp_fail(
			    t, 1, "an object of that name exists");
	if (t->nobjects == KV_PT_OBJECTS)
		return kv_tp_fail(t, 1, "too many objects");
	for (size_t i = 2; i < t->nwords; i++)
		if (object_option(t, i, &cfg) != 0)
			return EINVAL;
	o->name = kv_mem_resize(NULL, w->len + 1, 1);
	memcpy(o->name, w->at, w->len);
	o->name[w->len] = '\0';
	cfg.name = o->name;
	if (kv_object_create(&cfg, &o->obj) != 0) {
		kv_mem_free(o->name);
		return kv_tp_fail(t, 0, "out of memory");
	}
	t->nobjects++;
	kv_tp_run_end(t, "ok");
	return 0;
}

/* ---- Pages of objects -------------------------------------------------- */

/* One page.  => NULL, or the word that says why not */
static const char *
take_page(struct kv_tp *t, struct kv_object *obj, kv_pindex_t pindex,
    unsigned domain, kv_pfn_t *pfn)
{
	switch (kv_page_alloc(t->rv, obj, pindex, 1, domain, pfn)) {
	case 0:
		return NULL;
	case EEXIST:
		return "EXISTS";
	default:
		return "FAIL";
	}
}

int
kv_tp_op_page(struct kv_tp *t)
{
	struct kv_object *obj;
	kv_pindex_t pindex;
	unsigned domain;
	const char *why;
	kv_pfn_t pfn;

	if (kv_tp_object(t, 1, &obj) != 0 || kv_tp_pindex(t, 2, &pindex) != 0 ||
	    kv_tp_domain(t, 3, &domain) != 0)
		return EINVAL;
	why = take_page(t, obj, pindex, domain, &pfn);
	if (why == NULL)
		kv_buf_printf(t->out, "0x%llx", kv_tp_pa(t, pfn));
	kv_tp_run_end(t, why);
	return 0;
}

int
kv_tp_op_pages(struct kv_tp *t)
{
	struct kv_object *obj;
	kv_pindex_t pindex;
	uint64_t npages;
	unsigned domain;
	const char *why = NULL;
	kv_pfn_t pfn;

	if (kv_tp_object(t, 1, &obj) != 0 || kv_tp_pindex(t, 2, &pindex) != 0 ||
	    kv_tp_npages(t, 3, &npages) != 0 ||
	    kv_tp_domain(t, 4, &domain) != 0)
		return EINVAL;
	for (uint64_t i = 0; i < npages && why == NULL; i++) {
		why = take_page(t, obj, pindex + i, domain, &pfn);
		if (why == NULL)
			kv_tp_run_add(t, pfn);
	}
	kv_tp_run_end(t, why);
	return 0;
}

/* pagefree and pagesfree: up to the first gap. */
int
kv_tp_pagesfree(struct kv_tp *t)
{
	struct kv_object *obj;
	kv_pindex_t pindex;
	uint64_t npages = 1;
	const char *why = NULL;
	kv_pfn_t pfn;

	if (kv_tp_object(t, 1, &obj) != 0 || kv_tp_pindex(t, 2, &pindex) != 0 ||
	    (t->nwords > 3 && kv_tp_npages(t, 3, &npages) != 0))
		return EINVAL;
	for (uint64_t i = 0; i < npages && why == NULL; i++)
		if (kv_object_lookup(obj, pindex + i, &pfn) != 0)
			why = "ABSENT";
		else {
			kv_page_free(t->rv, obj, pindex + i, 1, NULL);
			kv_tp_run_add(t, pfn);
		}
	kv_tp_run_end(t, why);
	return 0;
}

int
kv_tp_break(struct kv_tp *t)
{
	struct kv_object *obj;
	uint64_t broken;

	if (kv_tp_object(t, 1, &obj) != 0)
		return EINVAL;
	if (kv_reserv_break(t->rv, obj, &broken) != 0)
		return kv_tp_fail(t, 0, "out of memory");
	kv_buf_printf(t->out, "%llu\n", (unsigned long long)broken);
	return 0;
}

int
kv_tp_rename(struct kv_tp *t)
{
	struct kv_object *from, *to;
	uint64_t offset, moved;

	if (kv_tp_object(t, 1, &from) != 0 || kv_tp_object(t, 2, &to) != 0 ||
	    kv_tp_pindex(t, 3, &offset) != 0)
		return EINVAL;
	switch (kv_page_rename(t->rv, from, to, offset, &moved)) {
	case 0:
		kv_buf_printf(t->out, "%llu\n", (unsigned long long)moved);
		return 0;
	case EEXIST:
		return kv_tp_fail(t, 2, "it has a page in the way");
	case EINVAL:
		return kv_tp_fail(t, 3,
		    "two objects of one colour that may have reservations, "
		    "and an offset that is a multiple of a reservation");
	default:
		return kv_tp_fail(t, 0, "out of memory");
	}
}

/* ---- Pages without an object ------------------------------------------- */

/* Note that pages were given to no object. */
static void
note_bare(struct kv_tp *t, kv_pfn_t pfn, uint64_t npages)
{
	for (uint64_t i = 0; i < npages; i++, pfn++)
		t->bare[pfn / 64] |= UINT64_C(1) << pfn % 64;
}

/* Pages [pfn, pfn + npages) are about to be freed: none may be in an object,
 * or free. */
static int
check_bare(struct kv_tp *t, kv_pfn_t pfn, uint64_t npages)
{
	if (npages > t->npfns - pfn)
		return kv_tp_fail(t, 1, "it ends past the memory");
	for (uint64_t i = 0; i < npages; i++)
		if ((t->bare[(pfn + i) / 64] >> (pfn + i) % 64 & 1) == 0)
			return kv_tp_fail(t, 1,
			    "a page of it is free, no memory or in an object");
	return 0;
}

static void
drop_bare(struct kv_tp *t, kv_pfn_t pfn, uint64_t npages)
{
	for (uint64_t i = 0; i < npages; i++, pfn++)
		t->bare[pfn / 64] &= ~(UINT64_C(1) << pfn % 64);
}

int
kv_tp_anon(struct kv_tp *t)
{
	uint64_t npages;
	unsigned domain;
	const char *why = NULL;

	if (kv_tp_npages(t, 1, &npages) != 0 ||
	    kv_tp_domain(t, 2, &domain) != 0)
		return EINVAL;
	for (uint64_t i = 0; i < npages && why == NULL; i++) {
		kv_pfn_t pfn;

		if (kv_page_alloc_anon(t->rv, domain, &pfn) != 0)
			why = "FAIL";
		else {
			note_bare(t, pfn, 1);
			kv_tp_run_add(t, pfn);
		}
	}
	kv_tp_run_end(t, why);
	return 0;
}

int
kv_tp_anonbatch(struct kv_tp *t)
{
	uint64_t npages, got = 0;
	unsigned domain;
	kv_pfn_t *pfns = NULL;

	if (kv_tp_npages(t, 1, &npages) != 0 ||
	    kv_tp_domain(t, 2, &domain) != 0)
		return EINVAL;
	if (npages <= kv_phys_free_count(t->phys, domain)) {
		pfns = kv_mem_resize(NULL, npages, sizeof(*pfns));
		if (kv_phys_alloc_batch(t->phys, KV_PHYS_DIRECT, npages, domain,
			pfns, &got) != 0)
			got = 0;
	}
	for (uint64_t i = 0; i < got; i++) {
		note_bare(t, pfns[i], 1);
		kv_tp_run_add(t, pfns[i]);
	}
	kv_mem_free(pfns);
	kv_tp_run_end(t, got < npages ? "FAIL" : NULL);
	return 0;
}

/* Say what a free answered.  => 0, EINVAL */
static int
freed(struct kv_tp *t, int error, const struct kv_diag *diag)
{
	if (error == EINVAL)
		return kv_tp_fail(t, 1, diag->text);
	if (error != 0)
		return kv_tp_fail(t, 0, "out of memory");
	return 0;
}

int
kv_tp_free(struct kv_tp *t)
{
	struct kv_diag diag;
	uint64_t npages = 1;
	kv_pfn_t pfn;

	if (kv_tp_page(t, 1, &pfn) != 0 ||
	    (t->nwords > 2 && kv_tp_npages(t, 2, &npages) != 0) ||
	    check_bare(t, pfn, npages) != 0)
		return EINVAL;
	for (uint64_t i = 0; i < npages; i++)
		if (freed(t, kv_phys_free(t->phys, pfn + i, 0, &diag), &diag) !=
		    0)
			return EINVAL;
	drop_bare(t, pfn, npages);
	kv_tp_run_end(t, "ok");
	return 0;
}

int
kv_tp_freerun(struct kv_tp *t)
{
	struct kv_diag diag;
	uint64_t npages;
	kv_pfn_t pfn;

	if (kv_tp_page(t, 1, &pfn) != 0 || kv_tp_npages(t, 2, &npages) != 0 ||
	    check_bare(t, pfn, npages) != 0 ||
	    freed(t, kv_phys_free_run(t->phys, pfn, npages, &diag), &diag) != 0)
		return EINVAL;
	drop_bare(t, pfn, npages);
	kv_tp_run_end(t, "ok");
	return 0;
}

int
kv_tp_phys(struct kv_tp *t)
{
	uint64_t pool, order;
	unsigned domain;
	kv_pfn_t pfn;

	if (kv_tp_number(t, 1, KV_PHYS_LAZYINIT - 1, &pool) != 0 ||
	    kv_tp_number(t, 2, kv_phys_machine(t->phys)->max_order, &order) !=
		0 ||
	    kv_tp_domain(t, 3, &domain) != 0)
		return EINVAL;
	if (kv_phys_alloc(t->phys, (enum kv_phys_pool)pool, (unsigned)order,
		domain, &pfn) != 0) {
		kv_tp_run_end(t, "FAIL");
		return 0;
	}
	note_bare(t, pfn, UINT64_C(1) << order);
	kv_buf_printf(t->out, "0x%llx\n", kv_tp_pa(t, pfn));
	return 0;
}

int
kv_tp_physfree(struct kv_tp *t)
{
	struct kv_diag diag;
	uint64_t order;
	kv_pfn_t pfn;

	if (kv_tp_page(t, 1, &pfn) != 0 ||
	    kv_tp_number(t, 2, kv_phys_machine(t->phys)->max_order, &order) !=
		0 ||
	    check_bare(t, pfn, UINT64_C(1) << order) != 0 ||
	    freed(t, kv_phys_free(t->phys, pfn, (unsigned)order, &diag),
		&diag) != 0)
		return EINVAL;
	drop_bare(t, pfn, UINT64_C(1) << order);
	kv_tp_run_end(t, "ok");
	return 0;
}

int
kv_tp_unfree(struct kv_tp *t)
{
	kv_pfn_t pfn;

	if (kv_tp_page(t, 1, &pfn) != 0)
		return EINVAL;
	switch (kv_phys_unfree(t->phys, pfn)) {
	case 0:
		note_bare(t, pfn, 1);
		kv_tp_run_end(t, "ok");
		return 0;
	case ENOENT:
		kv_tp_run_end(t, "FAIL");
		return 0;
	default:
		return kv_tp_fail(t, 0, "out of memory");
	}
}

/* ---- Contiguous runs --------------------------------------------------- */

/* Take a run and print where it is. */
static int
take_contig(struct kv_tp *t, struct kv_object *obj, kv_pindex_t pindex,
    const struct kv_phys_want *want, unsigned domain)
{
	const char *why = NULL;
	kv_pfn_t pfn;

	/* Larger ones fail anyway where memory is not large. */
	if (want->npages > KV_PT_PAGES_MAX &&
	    want->npages <= kv_phys_pages(t->phys))
		return kv_tp_fail(
		    t, 1, "an operation takes at most 16777216 pages");
	switch (kv_page_alloc_contig(t->rv, obj, pindex, want, domain, &pfn)) {
	case 0:
		if (obj == NULL)
			note_bare(t, pfn, want->npages);
		kv_buf_printf(t->out, "0x%llx", kv_tp_pa(t, pfn));
		break;
	case EEXIST:
		why = "EXISTS";
		break;
	default:
		why = "FAIL";
	}
	kv_tp_run_end(t, why);
	return 0;
}

int
kv_tp_contig(struct kv_tp *t)
{
	struct kv_phys_want want = {.high = KV_ADDR_MAX};
	uint64_t order;
	unsigned domain;

	if (kv_tp_number(t, 1, 40, &order) != 0 ||
	    kv_tp_domain(t, 2, &domain) != 0)
		return EINVAL;
	want.npages = UINT64_C(1) << order;
	want.align = want.npages << t->page_shift;
	return take_contig(t, NULL, 0, &want, domain);
}

int
kv_tp_contigx(struct kv_tp *t)
{
	struct kv_phys_want want;
	struct kv_object *obj = NULL;
	kv_pindex_t pindex = 0;
	unsigned domain;

	if (kv_tp_number(t, 1, UINT64_MAX, &want.npages) != 0 ||
	    kv_tp_number(t, 2, UINT64_MAX, &want.align) != 0 ||
	    kv_tp_number(t, 3, UINT64_MAX, &want.boundary) != 0 ||
	    kv_tp_number(t, 4, UINT64_MAX, &want.low) != 0 ||
	    kv_tp_number(t, 5, UINT64_MAX, &want.high) != 0 ||
	    kv_tp_domain(t, 6, &domain) != 0)
		return EINVAL;
	if (want.npages == 0)
		return kv_tp_fail(t, 1, "expected at least one page");
	if (!kv_is_pow2(want.align))
		return kv_tp_fail(t, 2, "alignment must be a power of two");
	if (want.boundary != 0 && !kv_is_pow2(want.boundary))
		return kv_tp_fail(t, 3, "boundary must be 0 or a power of two");
	if (t->nwords == 8)
		return kv_tp_fail(t, 7, "expected OBJ PINDEX");
	if (t->nwords == 9 &&
	    (kv_tp_object(t, 7, &obj) != 0 || kv_tp_pindex(t, 8, &pindex) != 0))
		return EINVAL;
	return take_contig(t, obj, pindex, &want, domain);
}

/* ---- Clock and limit ------------------------------------------------------
 */

int
kv_tp_tick(struct kv_tp *t)
{
	uint64_t n = 1;

	if (t->nwords > 1 &&
	    kv_tp_number(t, 1, UINT64_MAX - kv_reserv_now(t->rv), &n) != 0)
		return EINVAL;
	kv_reserv_tick(t->rv, n);
	kv_buf_printf(
	    t->out, "%llu\n", (unsigned long long)kv_reserv_now(t->rv));
	return 0;
}

int
kv_tp_limit(struct kv_tp *t)
{
	unsigned domain;
	uint64_t limit;

	if (kv_tp_domain(t, 1, &domain) != 0 ||
	    kv_tp_number(t, 2, UINT64_MAX, &limit) != 0)
		return EINVAL;
	kv_phys_set_limit(t->phys, domain, limit);
	kv_tp_run_end(t, "ok");
	return 0;
}
