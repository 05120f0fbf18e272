/* SPDX-License-Identifier: BSD-2-Clause */
/* test_steps_map.c - steps on page tables: what is refused, counted, found */
#include <errno.h>

#include "runrig.h"

#define HEAD                                                              \
	"kvasir: 1\n"                                                     \
	"machine: {memory: 8M}\n"                                         \
	"objects: {o: {pages: 1024}, p: {pages: 64}, q: {pages: 1024}}\n" \
	"arenas: {va: {base: 1G, size: 4M}}\n"                            \
	"work:\n"

static int
execute(const char *steps, unsigned audit)
{
	const struct kv_run_config cfg = {.seed = 12345, .audit = audit};

	return execute_text(&cfg, HEAD, steps);
}

/* The run ends at that place with that reason. */
static void
refused(const char *steps, const char *place, const char *why)
{
	ck_assert_int_eq(execute(steps, 1), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_msg(strstr(errors.list[0].text, place) != NULL &&
			  strstr(errors.list[0].text, why) != NULL,
	    "%s", errors.list[0].text);
}

/* ---- Refused: what no kernel survives ---------------------------------- */

START_TEST(test_not_canonical)
{
	refused("- map: {va: 0x800000000000, pages: 1, object: o}\n",
	    ":6:13:", "no addresses of the space");
	refused("- unmap: {va: 0x7ffffffff000, pages: 2}\n",
	    ":6:15:", "no addresses of the space");
	refused("- promote: {va: 0x800000000000}\n",
	    ":6:17:", "no addresses of the space");
}
END_TEST

START_TEST(test_leaf_over_page)
{
	refused("- map: {va: 4K, pages: 1, object: p}\n"
		"- map: {va: 0, size: 2M, object: o, how: leaf}\n",
	    ":7:13:", "something is mapped there already");
}
END_TEST

START_TEST(test_qenter_in_superpage)
{
	refused("- map: {va: 0, size: 2M, object: o}\n"
		"- map: {va: 4K, pages: 1, object: p, how: qenter}\n",
	    ":7:13:", "a superpage maps part of this");
	refused("- map: {va: 0, size: 2M, object: o}\n"
		"- unmap: {va: 4K, pages: 1, how: qremove}\n",
	    ":7:15:", "a superpage maps part of this");
}
END_TEST

START_TEST(test_late_va)
{
	refused("- alloc: {arena: va, size: 4K, as: a}\n"
		"- map: {va: block.a.va + 1, pages: 1, object: p}\n",
	    ":7:13:", "no addresses of the space");
	refused("- alloc: {arena: va, size: 4K, as: a}\n"
		"- map: {va: block.a.va - 2G, pages: 1, object: p}\n",
	    ":7:24:", "below zero");
	refused("- alloc: {arena: va, size: 4K, as: a}\n"
		"- map: {va: 0, pages: 1, object: p, offset: block.a.va}\n",
	    ":7:45:", "end past those of the object");
}
END_TEST

/* ---- Counted ----------------------------------------------------------- */

/* The arena has 4 MiB: the second block has no address. */
START_TEST(test_block_failed)
{
	ck_assert_int_eq(
	    execute("- alloc: {arena: va, size: 4M, as: a}\n"
		    "- alloc: {arena: va, size: 4K, as: b}\n"
		    "- map: {va: block.b.va, pages: 1, object: p}\n"
		    "- map: {va: 0, pages: 1, object: p,"
		    " offset: block.b.va / 4096}\n"
		    "- release: {object: p, offset: block.b.va,"
		    " pages: 1}\n",
		3),
	    0);
	ck_assert_uint_eq(figure("fail.map"), 2);
	ck_assert_uint_eq(figure("pmap.mapped_bytes"), 0);
	ck_assert_uint_eq(run->nviolations, 0);
}
END_TEST

START_TEST(test_promotion_fails)
{
	ck_assert_int_eq(execute("- promote: {va: 0}\n"
				 "- demote: {va: 0}\n"
				 "- map: {va: 0, pages: 1, object: o}\n"
				 "- promote: {va: 0, count: 2}\n"
				 "- demote: {va: 0}\n",
			     3),
	    0);
	ck_assert_uint_eq(figure("fail.promote"), 3);
	ck_assert_uint_eq(figure("fail.demote"), 2);
	ck_assert_uint_eq(figure("pmap.p_failures"), 1);
	ck_assert_uint_eq(figure("pmap.p_failures.hole"), 1);
}
END_TEST

/*
 * 8 MiB are 2048 pages, of which 1024 + 64 are in use: each way to map 1024
 * more must leave nothing behind.
 */
START_TEST(test_memory_runs_out)
{
	static const char *const ways[] = {"enter", "qenter", "leaf"};
	char steps[512];

	snprintf(steps, sizeof(steps),
	    "- map: {va: 1G, pages: 64, object: p}\n"
	    "- map: {va: 2G, size: 4M, object: o}\n"
	    "- map: {va: 0, size: 4M, object: q, how: %s}\n",
	    ways[_i]);
	ck_assert_int_eq(execute(steps, 3), 0);
	ck_assert_uint_eq(figure("fail.map"), 1);
	ck_assert_uint_eq(
	    figure("pmap.mapped_bytes"), (UINT64_C(1024) + 64) << 12);
	ck_assert_uint_eq(figure("phys.free_pages"), 2048 - 1024 - 64);
	ck_assert_uint_eq(run->nviolations, 0);
}
END_TEST

/* ---- Found ------------------------------------------------------------- */

START_TEST(test_freed_while_mapped)
{
	ck_assert_int_eq(
	    execute("- map: {va: 0, pages: 64, object: p}\n"
		    "- release: {object: p, offset: 9, pages: 1}\n",
		1),
	    0);
	/* the judge of events names the frame, the check of spaces the page */
	ck_assert_uint_eq(run->nviolations, 3);
	ck_assert_str_eq(run->violations[0].id, "space-I2");
	ck_assert_uint_eq(run->violations[0].address, (16 << 20) + (9 << 12));
	ck_assert_str_eq(run->violations[1].id, "space-I2");
	ck_assert_uint_eq(run->violations[1].address, 9 << 12);
	ck_assert_str_eq(run->violations[2].id, "V6");
	ck_assert_int_eq(run->outcome, KV_OUTCOME_FAILED);
}
END_TEST

START_TEST(test_released_twice)
{
	ck_assert_int_eq(execute("- map: {va: 0, pages: 2, object: p}\n"
				 "- unmap: {va: 0, pages: 2}\n"
				 "- release: {object: p, pages: 2}\n"
				 "- release: {object: p, pages: 1}\n",
			     1),
	    0);
	ck_assert_int_eq(run->outcome, KV_OUTCOME_WOULD_PANIC);
	ck_assert_uint_eq(run->nviolations, 1);
}
END_TEST

/* ---- Ranges ------------------------------------------------------------ */

/* count and stride: 7 ranges of 2 pages, 5 apart, of consecutive pages. */
START_TEST(test_count_and_stride)
{
	struct kv_leaf leaf;
	unsigned i;

	ck_assert_int_eq(
	    execute("- map: {va: 1G, pages: 2, object: p, how: qenter,"
		    " count: 7, stride: 20K, offset: 1}\n",
		3),
	    0);
	ck_assert_uint_eq(run->ops, 7);
	ck_assert_uint_eq(figure("pmap.leaves.o0"), 14);
	for (i = 0; i < 35; i++) {
		kv_va_t va = (UINT64_C(1) << 30) + ((kv_va_t)i << 12);
		kv_pindex_t pindex = 1 + i / 5 * 2 + i % 5;
		kv_pfn_t pfn;

		if (i % 5 >= 2) {
			ck_assert_int_eq(
			    kv_pmap_extract(
				run->world->spaces[0].pmap, va, &leaf),
			    ENOENT);
			continue;
		}
		ck_assert_int_eq(
		    kv_pmap_extract(run->world->spaces[0].pmap, va, &leaf), 0);
		ck_assert_int_eq(
		    kv_object_lookup(run->world->objects[1], pindex, &pfn), 0);
		ck_assert_uint_eq(leaf.pa, pfn << 12);
	}
}
END_TEST

/* Attributes as FreeBSD has them, and as they are asked for. */
START_TEST(test_attributes)
{
	static const struct {
		const char *keys;
		unsigned attr;
	} rows[] = {{"", KV_PTE_W | KV_PTE_G | KV_PTE_A | KV_PTE_M},
	    {", how: qenter", KV_PTE_W | KV_PTE_G},
	    {", prot: rx", KV_PTE_X | KV_PTE_G | KV_PTE_A},
	    {", prot: r, global: no, user: yes", KV_PTE_U | KV_PTE_A},
	    {", prot: rwx, accessed: no", KV_PTE_W | KV_PTE_X | KV_PTE_G},
	    {", modified: no", KV_PTE_W | KV_PTE_G | KV_PTE_A}};
	struct kv_leaf leaf;
	char steps[256];

	snprintf(steps, sizeof(steps),
	    "- map: {va: 1G, pages: 1, object: p%s}\n", rows[_i].keys);
	ck_assert_int_eq(execute(steps, 1), 0);
	ck_assert_int_eq(kv_pmap_extract(run->world->spaces[0].pmap,
			     UINT64_C(1) << 30, &leaf),
	    0);
	ck_assert_uint_eq(leaf.attr, rows[_i].attr);
}
END_TEST

/* Calls of a user that meet [1G + 1M, 1G + 2M) by one page change nothing;
 * beside it, or made by the kernel, they are as any. */
START_TEST(test_reserved)
{
	static const struct {
		const char *step, *fails;
		uint64_t refused, pages;
	} rows[] = {{"map: {space: u, va: 1G + 1M - 8K, pages: 3, object: p}",
			"fail.map", 1, 256},
	    {"map: {space: u, va: 1G + 2M - 4K, pages: 2, object: p}",
		"fail.map", 1, 256},
	    {"map: {space: u, va: 1G + 1M - 8K, pages: 2, object: p}",
		"fail.map", 0, 258},
	    {"map: {space: u, va: 1G + 2M, pages: 2, object: p}", "fail.map", 0,
		258},
	    {"unmap: {space: u, va: 1G, size: 4M}", "fail.unmap", 1, 256},
	    {"unmap: {space: u, va: 1G, size: 4M, by: kernel}", "fail.unmap", 0,
		0},
	    {"unmap: {space: u, va: 1G + 1M - 4K, pages: 1, count: 3}",
		"fail.unmap", 2, 256},
	    {"protect: {space: u, va: 1G + 2M - 4K, pages: 1, prot: r}",
		"fail.protect", 1, 256}};
	char steps[512];

	snprintf(steps, sizeof(steps),
	    "- map: {space: u, va: 1G + 1M, size: 1M, object: o, by: kernel}\n"
	    "- %s\n"
	    "spaces: {u: {reserved: {base: 1G + 1M, size: 1M}}}\n",
	    rows[_i].step);
	ck_assert_int_eq(execute(steps, 3), 0);
	ck_assert_uint_eq(figure("reserved.refused"), rows[_i].refused);
	ck_assert_uint_eq(figure("reserved.passed"), 0);
	ck_assert_uint_eq(figure(rows[_i].fails), rows[_i].refused);
	ck_assert_uint_eq(figure("space.u.mapped_bytes"), rows[_i].pages << 12);
	ck_assert_uint_eq(run->nviolations, 0);
}
END_TEST

#define POOLS                                                          \
	"pools: {a: {capacity: 9}, b: {capacity: 5}}\n"                \
	"spaces: {u: {tables: a}, v: {tables: b}, t: {template: 1}}\n" \
	"tlb: {preset: unlimited}\n"

/* After a reset or a copy nothing of before is translated any more, unless
 * nobody flushed it. */
START_TEST(test_pool_flush)
{
	static const struct {
		const char *step;
		uint64_t stale, pages;
	} rows[] = {{"reset: {pool: a}", 0, 0},
	    {"reset: {pool: a, flush: no}", 1, 0},
	    {"copy: {space: u, from: v}", 0, 0},
	    {"copy: {space: u, from: v, flush: no}", 1, 0},
	    {"copy: {space: v, from: u}", 0, 2}};
	char steps[512];

	snprintf(steps, sizeof(steps),
	    "- map: {space: u, va: 1G, pages: 1, object: o}\n"
	    "- touch: {space: u, va: 1G}\n"
	    "- %s\n"
	    "- touch: {space: u, va: 1G}\n" POOLS,
	    rows[_i].step);
	ck_assert_int_eq(execute(steps, 3), 0);
	ck_assert_uint_eq(figure("tlb.stale_frame"), rows[_i].stale);
	ck_assert_uint_eq(figure("pmap.mapped_bytes"), rows[_i].pages << 12);
	ck_assert_uint_eq(run->nviolations, rows[_i].stale);
}
END_TEST

/* Tables that others walk do not move; the copy is of tables alone; and it
 * fits, or changes nothing. */
START_TEST(test_pool_refused)
{
	static const struct {
		const char *first, *step, *error;
	} rows[] = {
	    {"map: {space: t, va: 0, pages: 1, object: o}}, {graft: {space: u, "
	     "from: t, va: 0}",
		"reset: {pool: a}", "are borrowed"},
	    {"map: {space: u, va: 0, pages: 1, object: o}}, {graft: {space: t, "
	     "from: u, va: 0}",
		"copy: {space: v, from: u}", "are borrowed"},
	    {"map: {space: u, va: 0, pages: 1, object: o, data: cow_lazy}",
		"copy: {space: v, from: u}", "has data of its own"}};
	char steps[512];

	snprintf(steps, sizeof(steps),
	    "- repeat: {times: 1, steps: [{%s}]}\n- %s\n" POOLS, rows[_i].first,
	    rows[_i].step);
	ck_assert_int_eq(execute(steps, 1), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_ptr_nonnull(strstr(errors.list[0].text, rows[_i].error));
}
END_TEST

START_TEST(test_copy_too_small)
{
	ck_assert_int_eq(
	    execute(
		"- map: {space: u, va: 0, pages: 1, object: o}\n"
		"- map: {space: u, va: 1T, pages: 1, object: o, offset: 1}\n"
		"- map: {space: v, va: 0, pages: 1, object: p}\n"
		"- copy: {space: v, from: u}\n" POOLS,
		3),
	    0);
	ck_assert_uint_eq(figure("pool.a.touched"), 7);
	ck_assert_uint_eq(figure("fail.copy"), 1);
	ck_assert_uint_eq(figure("pool.b.used"), 4);
	ck_assert_uint_eq(figure("pool.b.resets"), 0);
	ck_assert_uint_eq(figure("space.v.mapped_bytes"), 4096);
	ck_assert_uint_eq(run->nviolations, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("steps_map");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, NULL, finish);
	tcase_add_test(tc, test_not_canonical);
	tcase_add_test(tc, test_leaf_over_page);
	tcase_add_test(tc, test_qenter_in_superpage);
	tcase_add_test(tc, test_late_va);
	tcase_add_test(tc, test_block_failed);
	tcase_add_test(tc, test_promotion_fails);
	tcase_add_loop_test(tc, test_memory_runs_out, 0, 3);
	tcase_add_test(tc, test_freed_while_mapped);
	tcase_add_test(tc, test_released_twice);
	tcase_add_test(tc, test_count_and_stride);
	tcase_add_loop_test(tc, test_attributes, 0, 6);
	tcase_add_loop_test(tc, test_reserved, 0, 8);
	tcase_add_loop_test(tc, test_pool_flush, 0, 5);
	tcase_add_loop_test(tc, test_pool_refused, 0, 3);
	tcase_add_test(tc, test_copy_too_small);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
