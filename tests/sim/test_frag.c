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

int
main(void)
{
	Suite *s = suite_create("frag");
	TCase *t = tcase_create("frag");

	tcase_add_loop_test(
	    t, test_golden, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(t, test_nothing_free);
	tcase_add_test(t, test_unusable);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
