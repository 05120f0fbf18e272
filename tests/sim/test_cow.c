/* SPDX-License-Identifier: BSD-2-Clause */
/* test_cow.c - data by mode: faults, parking, minting, memory that is short */
#include <errno.h>
#include <stdlib.h>

#include "hw/cow.h"
#include "kvtest.h"
#include "run/world.h"

#define PAGE UINT64_C(4096)
#define BASE (UINT64_C(1) << 30)
enum { PAGES = 20 };

/* A world with one object, whose pages are there. */
struct rig {
	struct kv_world *w;
	struct kv_pmap *pmap;
	struct kv_cow_source source;
	struct kv_cow_stats stats;
	struct kv_store store;
	kv_pfn_t zero;
	uint64_t before; /* free pages, with the object's there */
};

static uint64_t
free_pages(const struct rig *r)
{
	return kv_phys_free_count(r->w->phys, 0);
}

static void
setup(struct rig *r)
{
	static const struct kv_phys_range range = {
	    16 << 20, (16 << 20) + (8 << 20), 0};
	const struct kv_object_config object = {.name = "o", .size = PAGES};
	const struct kv_world_spec spec = {.machine = kv_machine_find("amd64"),
	    .ranges = &range,
	    .nranges = 1,
	    .ndomains = 1,
	    .no_kstacks = true,
	    .objects = &object,
	    .nobjects = 1};
	struct kv_pmap_config cfg = {.format = kv_pte_find("amd64")};
	kv_pfn_t pfns[PAGES];

	*r = (struct rig){0};
	ck_assert_int_eq(kv_world_create(&spec, &r->w), 0);
	ck_assert_int_eq(kv_pmap_create(&cfg, &r->pmap), 0);
	ck_assert_int_eq(
	    kv_page_alloc(r->w->reserv, r->w->objects[0], 0, PAGES, 0, pfns),
	    0);
	ck_assert_int_eq(kv_page_alloc_anon(r->w->reserv, 0, &r->zero), 0);
	r->source.object = r->w->objects[0];
	r->source.content = malloc(PAGES * sizeof(uint64_t));
	for (uint64_t i = 0; i < PAGES; i++) {
		r->source.content[i] = kv_content_first(0, i);
		kv_store_publish(&r->store, r->source.content[i]);
	}
	r->before = free_pages(r);
}

static void
teardown(struct rig *r)
{
	ck_assert_uint_eq(free_pages(r), r->before);
	kv_pmap_destroy(r->pmap);
	kv_world_destroy(r->w);
	kv_store_fini(&r->store);
	free(r->source.content);
}

static struct kv_cow_config
config(struct rig *r, enum kv_cow_mode mode, enum kv_cow_flush flush)
{
	return (struct kv_cow_config){.pmap = r->pmap,
	    .reserv = r->w->reserv,
	    .source = &r->source,
	    .stats = &r->stats,
	    .va = BASE,
	    .npages = PAGES,
	    .attr = KV_PTE_W | KV_PTE_U,
	    .mode = mode,
	    .flush = flush,
	    .zero = r->zero};
}

static void
check(const struct kv_cow *cow)
{
	struct kv_diag diag = {.text = "?"};

	ck_assert_msg(kv_cow_check(cow, &diag) == 0, "%s", diag.text);
}

/* One access as a processor makes it.  => a page flush was asked for */
static bool
access(struct rig *r, struct kv_cow *cow, unsigned page, bool write)
{
	kv_va_t va = BASE + page * PAGE;
	struct kv_leaf leaf;
	bool flush = false;

	if (kv_pmap_extract(r->pmap, va, &leaf) != 0 ||
	    (write && (leaf.attr & KV_PTE_W) == 0))
		if (kv_cow_fault(cow, va, write, &flush) != 0)
			return false;
	ck_assert_int_eq(kv_pmap_extract(r->pmap, va, &leaf), 0);
	ck_assert(!write || (leaf.attr & KV_PTE_W) != 0);
	if (write)
		kv_cow_wrote(cow, va);
	return flush;
}

/* Three read, two written, one read and then written; of the flushes those that
 * replace a leaf. */
START_TEST(test_modes)
{
	static const struct {
		uint64_t copied, faults, leaves, present, violations;
	} rows[] = {[KV_COW_MEMCPY] = {PAGES, 0, PAGES, 0, 0},
	    [KV_COW_DIRECT_RO] = {0, 0, PAGES, 0, 3},
	    [KV_COW_EAGER] = {3, 3, PAGES + 3, 3, 0},
	    [KV_COW_LAZY] = {3, 7, 7, 1, 0},
	    [KV_COW_EPHEMERAL] = {3, 7, 7, 1, 0}};

	for (int flush = KV_COW_FLUSH_ALWAYS; flush <= KV_COW_FLUSH_NEVER;
	     flush++) {
		struct rig r;
		struct kv_cow *cow;
		struct kv_cow_config cfg;
		uint64_t flushes = 0;

		setup(&r);
		cfg =
		    config(&r, (enum kv_cow_mode)_i, (enum kv_cow_flush)flush);
		ck_assert_int_eq(kv_cow_create(&cfg, &cow), 0);
		for (unsigned i = 0; i < 3; i++)
			flushes += access(&r, cow, i, false);
		flushes += access(&r, cow, 3, true);
		flushes += access(&r, cow, 4, true);
		flushes += access(&r, cow, 5, false);
		flushes += access(&r, cow, 5, true);
		check(cow);
		ck_assert_uint_eq(r.stats.pages_copied, rows[_i].copied);
		ck_assert_uint_eq(r.stats.faults, rows[_i].faults);
		ck_assert_uint_eq(r.stats.leaf_writes, rows[_i].leaves);
		ck_assert_uint_eq(r.stats.violations, rows[_i].violations);
		ck_assert_uint_eq(r.stats.flushes, flushes);
		ck_assert_uint_eq(flushes, flush == KV_COW_FLUSH_NEVER ? 0
					   : flush == KV_COW_FLUSH_PRESENT
					       ? rows[_i].present
					       : rows[_i].faults);
		ck_assert_uint_eq(free_pages(&r), r.before - rows[_i].copied);
		kv_cow_mint(cow, &r.store);
		ck_assert_uint_eq(r.stats.minted,
		    _i == KV_COW_EPHEMERAL || _i == KV_COW_DIRECT_RO ? 0 : 3);
		ck_assert_uint_eq(r.store.count, PAGES + r.stats.minted);
		kv_cow_destroy(cow);
		teardown(&r);
	}
}
END_TEST

/* A parked page flips W at the next write, and is not copied again. */
START_TEST(test_park)
{
	struct rig r;
	struct kv_cow *cow;
	struct kv_cow_config cfg;

	setup(&r);
	cfg = config(&r, KV_COW_LAZY, KV_COW_FLUSH_ALWAYS);
	ck_assert_int_eq(kv_cow_create(&cfg, &cow), 0);
	access(&r, cow, 7, true);
	access(&r, cow, 8, false);
	kv_cow_park(cow);
	ck_assert_uint_eq(r.stats.leaf_writes, 3);
	access(&r, cow, 7, false);
	ck_assert_uint_eq(r.stats.faults, 2);
	access(&r, cow, 7, true);
	ck_assert_uint_eq(r.stats.faults, 3);
	ck_assert_uint_eq(r.stats.leaf_writes, 4);
	ck_assert_uint_eq(r.stats.pages_copied, 1);
	check(cow);
	kv_cow_destroy(cow);
	teardown(&r);
}
END_TEST

/* Where the last page is taken, a copy fails and nothing is changed; so does a
 * mapping that copies all. */
START_TEST(test_no_memory)
{
	struct rig r;
	struct kv_cow *cow, *second;
	struct kv_cow_config cfg;
	kv_pfn_t *taken = malloc((8 << 20) / PAGE * sizeof(*taken));
	size_t n = 0;
	bool flush = true;

	setup(&r);
	cfg = config(&r, KV_COW_EAGER, KV_COW_FLUSH_ALWAYS);
	ck_assert_int_eq(kv_cow_create(&cfg, &cow), 0);
	while (kv_page_alloc_anon(r.w->reserv, 0, &taken[n]) == 0)
		n++;
	ck_assert_int_eq(kv_cow_fault(cow, BASE, true, &flush), ENOMEM);
	ck_assert(!flush);
	ck_assert_uint_eq(r.stats.failed, 1);
	ck_assert_uint_eq(r.stats.pages_copied, 0);
	check(cow);
	for (unsigned i = 0; i < PAGES - 1; i++)
		kv_page_free_anon(r.w->reserv, taken[--n], NULL);
	cfg.mode = KV_COW_MEMCPY;
	cfg.va = 2 * BASE;
	ck_assert_int_eq(kv_cow_create(&cfg, &second), ENOMEM);
	ck_assert_uint_eq(free_pages(&r), PAGES - 1);
	while (n != 0)
		kv_page_free_anon(r.w->reserv, taken[--n], NULL);
	kv_cow_destroy(cow);
	teardown(&r);
	free(taken);
}
END_TEST

/* Leaves that must not be: a shared page writable, a global page, the zero page
 * writable. */
START_TEST(test_check)
{
	static const struct {
		enum kv_cow_mode mode;
		unsigned attr, invariant;
	} rows[] = {{KV_COW_EAGER, KV_PTE_W, 1}, {KV_COW_LAZY, KV_PTE_G, 4},
	    {KV_COW_EPHEMERAL, KV_PTE_W, 3}};
	struct kv_diag diag = {.text = "?"};
	struct rig r;
	struct kv_cow *cow;
	struct kv_cow_config cfg;
	struct kv_leaf leaf;
	kv_pfn_t pfn;

	setup(&r);
	cfg = config(&r, rows[_i].mode, KV_COW_FLUSH_ALWAYS);
	ck_assert_int_eq(kv_cow_create(&cfg, &cow), 0);
	access(&r, cow, 2, false);
	check(cow);
	ck_assert_int_eq(kv_pmap_extract(r.pmap, BASE + 2 * PAGE, &leaf), 0);
	pfn = leaf.pa / PAGE;
	ck_assert_int_eq(
	    kv_pmap_qenter(r.pmap, BASE + 2 * PAGE, &pfn, 1, rows[_i].attr), 0);
	ck_assert_int_eq(kv_cow_check(cow, &diag), EFAULT);
	ck_assert_str_eq(diag.module, "cow");
	ck_assert_uint_eq(diag.invariant, rows[_i].invariant);
	kv_cow_destroy(cow);
	teardown(&r);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cow");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, test_modes, 0, KV_COW_EPHEMERAL + 1);
	tcase_add_test(tc, test_park);
	tcase_add_test(tc, test_no_memory);
	tcase_add_loop_test(tc, test_check, 0, 3);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
