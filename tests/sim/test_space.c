/* SPDX-License-Identifier: BSD-2-Clause */
/* test_space.c - spaces of a world: stacks and objects mapped, faults planted
 */
#include <errno.h>
#include <string.h>

#include "kvtest.h"
#include "run/rng.h"
#include "run/world.h"

#define MIB (UINT64_C(1) << 20)

static struct kv_world *
world(enum kv_kstack_scheme scheme, unsigned gpages,
    enum kv_world_mapping mapping, uint64_t memory)
{
	const struct kv_phys_range range = {16 * MIB, 16 * MIB + memory, 0};
	const struct kv_object_config objects[] = {
	    {.name = "colored", .size = 4096, .colored = true},
	    {.name = "plain", .size = 4096}};
	const struct kv_space_config spaces[] = {
	    {.name = "kernel",
		.format = kv_pte_find("amd64"),
		.promotion = true},
	    {.name = "process",
		.format = kv_pte_find("arm64-4k"),
		.promotion = true}};
	struct kv_world_spec spec = {.machine = kv_machine_find("amd64"),
	    .ranges = &range,
	    .nranges = 1,
	    .ndomains = 1,
	    .scheme = scheme,
	    .npages = 4,
	    .gpages = gpages,
	    .mapping = mapping,
	    .objects = objects,
	    .nobjects = 2,
	    .spaces = spaces,
	    .nspaces = 2};
	struct kv_world *w;

	ck_assert_int_eq(kv_world_create(&spec, &w), 0);
	return w;
}

static void
assert_sound(const struct kv_world *w)
{
	struct kv_diag diag = {.module = "?", .text = "?"};
	int error = kv_world_check(w, &diag);

	ck_assert_msg(error == 0, "%s I%u: %s (0x%llx)", diag.module,
	    diag.invariant, diag.text, (unsigned long long)diag.address);
}

/* The check finds exactly that invariant, there. */
static void
assert_broken(
    const struct kv_world *w, const char *module, unsigned i, uint64_t address)
{
	struct kv_diag diag = {.module = "?", .text = "?"};

	ck_assert_int_eq(kv_world_check(w, &diag), EFAULT);
	ck_assert_str_eq(diag.module, module);
	ck_assert_uint_eq(diag.invariant, i);
	ck_assert_uint_eq(diag.address, address);
}

static struct kv_pmap_stats
stats(const struct kv_world *w, size_t space)
{
	return kv_pmap_stats(w->spaces[space].pmap);
}

/* ---- Kernel stacks ----------------------------------------------------- */

/*
 * Random creations and disposals: each stack has its leaves, no guard has one,
 * and nothing else is mapped, whatever the scheme and the way to map.
 */
START_TEST(test_stacks)
{
	static const struct {
		enum kv_kstack_scheme scheme;
		unsigned gpages;
		enum kv_world_mapping mapping;
	} rows[] = {{KV_KSTACK_OLD, 1, KV_WORLD_QENTER},
	    {KV_KSTACK_NEW, 1, KV_WORLD_QENTER},
	    {KV_KSTACK_NORES, 2, KV_WORLD_QENTER},
	    {KV_KSTACK_NEW, 1, KV_WORLD_ENTER},
	    {KV_KSTACK_NEW, 0, KV_WORLD_ENTER},
	    {KV_KSTACK_NEW, 0, KV_WORLD_QENTER}};
	struct kv_world *w =
	    world(rows[_i].scheme, rows[_i].gpages, rows[_i].mapping, 64 * MIB);
	struct kv_rng rng = {12345};
	unsigned i;

	for (i = 0; i < 3000; i++) {
		size_t n = w->nstacks;

		if (n == 0 || (n < 900 && kv_rng_next(&rng) % 3 != 0))
			kv_world_spawn(
			    w, kv_rng_next(&rng) % 8 == 0 ? 7 : 0, 0);
		else
			ck_assert_int_eq(
			    kv_world_dispose(w, kv_rng_next(&rng) % n, NULL),
			    0);
		if (i % 100 == 0)
			assert_sound(w);
	}
	assert_sound(w);
	while (w->nstacks != 0)
		ck_assert_int_eq(kv_world_dispose(w, w->nstacks - 1, NULL), 0);
	ck_assert_uint_eq(stats(w, 0).leaves[0], 0);
	ck_assert_uint_eq(stats(w, 0).leaves[1], 0);
	if (rows[_i].gpages != 0 || rows[_i].mapping == KV_WORLD_QENTER)
		ck_assert_uint_eq(stats(w, 0).promotions, 0);
	else
		ck_assert_uint_gt(stats(w, 0).promotions, 0);
	kv_world_destroy(w);
}
END_TEST

START_TEST(test_planted_in_stacks)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 2, KV_WORLD_QENTER, 64 * MIB);
	const kv_pfn_t other = 5000;
	struct kv_pmap *pmap = w->spaces[0].pmap;
	struct kv_leaf leaf;
	kv_va_t ks;

	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(kv_world_spawn(w, 0, 0), 0);
	ks = w->stacks[6].ks;
	/* a page of it is not mapped, or elsewhere */
	ck_assert_int_eq(kv_pmap_extract(pmap, ks + (2 << 12), &leaf), 0);
	kv_pmap_qremove(pmap, ks + (2 << 12), 1);
	assert_broken(w, "space", 1, ks + (2 << 12));
	ck_assert_int_eq(kv_world_check_stack(w, 6, NULL), EFAULT);
	ck_assert_int_eq(kv_world_check_stack(w, 5, NULL), 0);
	kv_pmap_qenter(pmap, ks + (2 << 12), &other, 1, KV_PTE_W);
	assert_broken(w, "space", 1, ks + (2 << 12));
	kv_pmap_qenter_run(pmap, ks + (2 << 12), leaf.pa, 1, KV_PTE_W);
	assert_sound(w);
	/* either guard page is mapped */
	for (unsigned g = 1; g <= 2; g++) {
		kv_pmap_qenter(pmap, ks - (g << 12), &other, 1, KV_PTE_W);
		ck_assert_uint_eq(kv_world_guard_pages(w, &w->stacks[6]), 1);
		assert_broken(w, "freebsd", 2, ks);
		kv_pmap_qremove(pmap, ks - (g << 12), 1);
	}
	assert_sound(w);
	kv_world_destroy(w);
}
END_TEST

/* ---- Objects ----------------------------------------------------------- */

static int
map(struct kv_world *w, size_t space, size_t object, kv_va_t va,
    kv_pindex_t pindex, uint64_t npages, enum kv_space_how how)
{
	const struct kv_space_range r = {.va = va,
	    .npages = npages,
	    .object = w->objects[object],
	    .pindex = pindex,
	    .how = how,
	    .level = 1,
	    .attr = KV_PTE_W | KV_PTE_A | KV_PTE_M};

	return kv_world_map(w, space, &r);
}

/* A sub-block groups 16 entries in a format that has groups, on frames of a
 * machine that has none; there a full reservation is what promotes. */
START_TEST(test_psind_of_format)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 1, KV_WORLD_QENTER, 64 * MIB);
	unsigned i;

	for (i = 0; i < 512; i++) {
		ck_assert_int_eq(map(w, 1, 0, 2 * MIB + ((kv_va_t)i << 12), i,
				     1, KV_SPACE_ENTER),
		    0);
		if (i < 511)
			ck_assert_uint_eq(
			    stats(w, 1).grouped, (i + 1) / 16 * 16);
	}
	ck_assert_uint_eq(stats(w, 1).promotions, 1);
	ck_assert_uint_eq(stats(w, 1).group_promotions, 32);
	ck_assert_int_eq(map(w, 0, 0, 2 * MIB, 512, 512, KV_SPACE_ENTER), 0);
	ck_assert_uint_eq(stats(w, 0).promotions, 1);
	ck_assert_uint_eq(stats(w, 0).group_promotions, 0);
	/* without colour: neither */
	ck_assert_int_eq(map(w, 1, 1, 1024 * MIB, 0, 512, KV_SPACE_ENTER), 0);
	ck_assert_uint_eq(stats(w, 1).promotions, 1);
	ck_assert_uint_eq(stats(w, 1).group_promotions, 32);
	assert_sound(w);
	kv_world_destroy(w);
}
END_TEST

/* pmap_enter takes apart what is in its way, to the level that it needs. */
START_TEST(test_enter_in_superpage)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 1, KV_WORLD_QENTER, 64 * MIB);
	const struct kv_space_range device = {.va = 1024 * MIB,
	    .npages = 1 << 18,
	    .pa = UINT64_C(1) << 40,
	    .how = KV_SPACE_LEAF,
	    .level = 2,
	    .attr = KV_PTE_W};
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_world_map(w, 0, &device), 0);
	ck_assert_int_eq(
	    map(w, 0, 0, 1024 * MIB + (77 << 12), 7, 1, KV_SPACE_ENTER), 0);
	ck_assert_uint_eq(stats(w, 0).demotions, 2);
	ck_assert_uint_eq(stats(w, 0).leaves[2], 0);
	ck_assert_uint_eq(stats(w, 0).leaves[1], 511);
	ck_assert_uint_eq(stats(w, 0).leaves[0], 512);
	ck_assert_int_eq(
	    kv_pmap_extract(w->spaces[0].pmap, 1024 * MIB + (78 << 12), &leaf),
	    0);
	ck_assert_uint_eq(leaf.pa, (UINT64_C(1) << 40) + (78 << 12));
	assert_sound(w);
	kv_world_destroy(w);
}
END_TEST

/* A map that fails changes neither the tables nor the object, also where some
 * of its pages were there before. */
START_TEST(test_undo)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 1, KV_WORLD_QENTER, 8 * MIB);
	uint64_t leaves;

	ck_assert_int_eq(map(w, 0, 0, 0, 100, 3, KV_SPACE_ENTER), 0);
	ck_assert_int_eq(map(w, 0, 1, 64 * MIB, 0, 2000, KV_SPACE_QENTER), 0);
	leaves = stats(w, 0).leaves[0];
	ck_assert_int_eq(map(w, 0, 0, 128 * MIB, 0, 200,
			     _i == 0 ? KV_SPACE_ENTER : KV_SPACE_QENTER),
	    ENOMEM);
	ck_assert_uint_eq(stats(w, 0).leaves[0], leaves);
	ck_assert_uint_eq(kv_object_resident(w->objects[0]), 3);
	ck_assert_uint_eq(kv_object_resident(w->objects[1]), 2000);
	ck_assert_uint_eq(kv_phys_free_count(w->phys, 0), 2048 - 2003);
	assert_sound(w);
	kv_world_destroy(w);
}
END_TEST

/* Leaves need consecutive frames from an aligned one. */
START_TEST(test_leaf_of_odd_frames)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 1, KV_WORLD_QENTER, 64 * MIB);

	ck_assert_int_eq(map(w, 0, 0, 0, 1, 512, KV_SPACE_LEAF), EAGAIN);
	ck_assert_uint_eq(kv_object_resident(w->objects[0]), 0);
	/* a page that was there before is of no reservation: the window's */
	ck_assert_int_eq(map(w, 0, 1, 64 * MIB, 5, 1, KV_SPACE_QENTER), 0);
	ck_assert_int_eq(map(w, 0, 1, 0, 0, 512, KV_SPACE_LEAF), EAGAIN);
	ck_assert_uint_eq(kv_object_resident(w->objects[1]), 1);
	ck_assert_int_eq(map(w, 0, 0, 0, 512, 1024, KV_SPACE_LEAF), 0);
	ck_assert_uint_eq(stats(w, 0).mappings, 2);
	assert_sound(w);
	kv_world_destroy(w);
}
END_TEST

/* A free page under a leaf, whatever holds it: an idle page of a reservation
 * inside a superpage, or one in the queues. */
START_TEST(test_planted_free_page)
{
	struct kv_world *w = world(KV_KSTACK_NEW, 1, KV_WORLD_QENTER, 64 * MIB);

	ck_assert_int_eq(map(w, 0, 0, 2 * MIB, 0, 512, KV_SPACE_ENTER), 0);
	ck_assert_int_eq(map(w, 0, 1, 4 * MIB, 0, 3, KV_SPACE_ENTER), 0);
	assert_sound(w);
	ck_assert_int_eq(
	    kv_page_free(w->reserv, w->objects[0], 300, 1, NULL), 0);
	assert_broken(w, "space", 2, 2 * MIB + (300 << 12));
	kv_space_clear(&w->spaces[0]);
	assert_sound(w);
	ck_assert_int_eq(map(w, 0, 1, 4 * MIB, 0, 3, KV_SPACE_ENTER), 0);
	ck_assert_int_eq(kv_page_free(w->reserv, w->objects[1], 2, 1, NULL), 0);
	assert_broken(w, "space", 2, 4 * MIB + (2 << 12));
	kv_world_clear(w);
	assert_sound(w);
	ck_assert_uint_eq(
	    kv_phys_free_count(w->phys, 0), kv_phys_pages(w->phys));
	kv_world_destroy(w);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("space");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_stacks, 0, 6);
	tcase_add_test(tc, test_planted_in_stacks);
	tcase_add_test(tc, test_psind_of_format);
	tcase_add_test(tc, test_enter_in_superpage);
	tcase_add_loop_test(tc, test_undo, 0, 2);
	tcase_add_test(tc, test_leaf_of_odd_frames);
	tcase_add_test(tc, test_planted_free_page);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
