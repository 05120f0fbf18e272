/* SPDX-License-Identifier: BSD-2-Clause */
/* test_frag.c - the golden vectors of metrics.md, and bounds */
#include "kvtest.h"
#include "run/frag.h"

enum { ORDERS = 11 };

struct vector {
	uint64_t singles; /* free blocks of order 0; none of higher orders */
	int64_t (*index)(const uint64_t *, unsigned, unsigned);
	int64_t want[ORDERS];
};

/* Real kernel output, printed there as -1.000 .500 ... (Linux). */
static const struct vector vectors[] = {
    {1983, kv_frag_index,
	{-1000, 500, 750, 875, 937, 969, 984, 992, 996, 998, 999}},
    {1, kv_frag_index, {-1000, -500, -250, -125, -62, -31, -15, -7, -3, -1, 0}},
    {1983, kv_frag_fmfi,
	{0, 500, 750, 875, 938, 969, 985, 993, 997, 999, 1000}}};

START_TEST(test_golden)
{
	const struct vector *v = &vectors[_i];
	uint64_t blocks[ORDERS] = {v->singles};
	unsigned order;

	for (order = 0; order < ORDERS; order++)
		ck_assert_int_eq(
		    v->index(blocks, ORDERS, order), v->want[order]);
}
END_TEST

/* Nothing free: no index, and all of nothing is unusable. */
START_TEST(test_nothing_free)
{
	uint64_t blocks[ORDERS] = {0};

	ck_assert_int_eq(kv_frag_index(blocks, ORDERS, 3), 0);
	ck_assert_int_eq(kv_frag_fmfi(blocks, ORDERS, 3), 0);
	ck_assert_uint_eq(kv_frag_unusable(blocks, ORDERS, 3), 1000);
}
END_TEST

/* 6 pages: two singles and one block of four. */
START_TEST(test_unusable)
{
	uint64_t blocks[ORDERS] = {2, 0, 1};

	ck_assert_uint_eq(kv_frag_unusable(blocks, ORDERS, 0), 0);
	ck_assert_uint_eq(kv_frag_unusable(blocks, ORDERS, 1), 333);
	ck_assert_uint_eq(kv_frag_unusable(blocks, ORDERS, 2), 333);
	ck_assert_uint_eq(kv_frag_unusable(blocks, ORDERS, 3), 1000);
}
END_TEST

/* The same six pages by the other definitions. */
START_TEST(test_shares)
{
	uint64_t blocks[ORDERS] = {2, 0, 1};

	ck_assert_uint_eq(kv_frag_pages(blocks, ORDERS), 6);
	ck_assert_uint_eq(kv_frag_blocks(blocks, ORDERS), 3);
	ck_assert_uint_eq(kv_frag_usable(blocks, ORDERS, 1), 2);
	ck_assert_uint_eq(kv_frag_percent(blocks, ORDERS, 0), 0);
	ck_assert_uint_eq(kv_frag_percent(blocks, ORDERS, 2), 33);
	ck_assert_uint_eq(kv_frag_percent(blocks, ORDERS, 3), 100);
	/* 99 * 100 / 100: the one page more keeps it below 100 */
	ck_assert_uint_eq(kv_frag_score(blocks, ORDERS, 3, 99), 99);
	ck_assert(kv_frag_largest_ratio(3, 6) == 0.5);
	ck_assert(kv_frag_largest_ratio(0, 0) == 0);
	ck_assert_uint_eq(kv_frag_percent((uint64_t[ORDERS]){0}, ORDERS, 3), 0);
}
END_TEST

/* 3 superpages of 512 would fit into 1600 free pages; one is free. */
START_TEST(test_huge)
{
	static const struct {
		uint64_t free_pages;
		char digit;
	} rows[] = {
	    {0, '0'}, {1, '1'}, {63, '1'}, {64, '2'}, {511, '8'}, {512, '9'}};
	size_t i;

	ck_assert(kv_frag_huge_score(1, 1600, 512) == 100.0 * (1.0 / 3) ||
		  kv_frag_huge_score(1, 1600, 512) == 100.0 / 3);
	ck_assert(kv_frag_huge_score(0, 511, 512) == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(
		    kv_frag_digit(rows[i].free_pages, 512), rows[i].digit);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("frag");
	TCase *t = tcase_create("frag");

	tcase_add_loop_test(
	    t, test_golden, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(t, test_nothing_free);
	tcase_add_test(t, test_unusable);
	tcase_add_test(t, test_shares);
	tcase_add_test(t, test_huge);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
