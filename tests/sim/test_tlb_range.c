/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tlb_range.c - operands against the list of all that can be said */
#include <errno.h>
#include <stdbool.h>

#include "hw/tlb_range.h"
#include "kvtest.h"

/* The first in order of scale and number that flushes enough.
 * => false: none does */
static bool
search(
    const struct kv_tlb_range *r, uint64_t npages, struct kv_tlb_range_op *op)
{
	uint64_t unit = r->unit;

	for (unsigned scale = 0; scale < r->scales; scale++) {
		for (unsigned num = 0; num < r->nums; num++)
			if ((num + 1) * unit >= npages) {
				*op = (struct kv_tlb_range_op){
				    scale, num, (num + 1) * unit};
				return true;
			}
		unit *= r->step;
	}
	return false;
}

START_TEST(all)
{
	static const struct kv_tlb_range ranges[] = {
	    {2, 32, 3, 32, 0}, {1, 4, 3, 5, 60}, {3, 7, 2, 9, 0}};
	const struct kv_tlb_range *r = &ranges[_i];
	struct kv_tlb_range_op op = {77, 77, 77}, want;

	ck_assert_int_eq(kv_tlb_range_op(r, 0, &op), EINVAL);
	for (uint64_t n = 1; n < 70000; n += n < 5000 ? 1 : 37) {
		if (search(r, n, &want) && (r->limit == 0 || n <= r->limit)) {
			ck_assert_int_eq(kv_tlb_range_op(r, n, &op), 0);
			ck_assert_uint_eq(op.scale, want.scale);
			ck_assert_uint_eq(op.num, want.num);
			ck_assert_uint_eq(op.npages, want.npages);
		} else {
			ck_assert_int_eq(kv_tlb_range_op(r, n, &op), ERANGE);
		}
	}
	ck_assert_int_eq(kv_tlb_range_op(r, UINT64_MAX, &op), ERANGE);
}
END_TEST

START_TEST(nothing_overflows)
{
	const struct kv_tlb_range r = {
	    UINT64_C(1) << 40, UINT64_C(1) << 40, 3, 2, 0};
	struct kv_tlb_range_op op;

	ck_assert_int_eq(kv_tlb_range_op(&r, UINT64_C(1) << 41, &op), 0);
	ck_assert_int_eq(
	    kv_tlb_range_op(&r, (UINT64_C(1) << 41) + 1, &op), ERANGE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tlb_range");
	TCase *tc = tcase_create("tlb_range");

	tcase_add_loop_test(tc, all, 0, 3);
	tcase_add_test(tc, nothing_overflows);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
