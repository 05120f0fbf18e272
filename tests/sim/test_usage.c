/* SPDX-License-Identifier: BSD-2-Clause */
/* test_usage.c - the four ratios of Johnstone and Wilson by hand */
#include "kvtest.h"
#include "run/usage.h"

START_TEST(test_four)
{
	struct kv_usage u = {0};
	struct kv_usage_ratios r;

	kv_usage_add(&u, 0, 512); /* nothing live: no instant */
	kv_usage_add(&u, 4, 8);
	kv_usage_add(&u, 10, 12); /* most live */
	kv_usage_add(&u, 5, 20);  /* most used */
	r = kv_usage_ratios(&u);
	ck_assert_uint_eq(u.instants, 3);
	ck_assert(r.average == (2 + 1.2 + 4) / 3);
	ck_assert(r.at_max_live == 1.2);
	ck_assert(r.at_max_used == 4);
	ck_assert(r.max_used_over_max_live == 2);
}
END_TEST

START_TEST(test_never_live)
{
	struct kv_usage u = {0};
	struct kv_usage_ratios r;

	kv_usage_add(&u, 0, 100);
	r = kv_usage_ratios(&u);
	ck_assert(r.average == 0 && r.at_max_live == 0);
	ck_assert(r.at_max_used == 0 && r.max_used_over_max_live == 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("usage");
	TCase *t = tcase_create("usage");

	tcase_add_test(t, test_four);
	tcase_add_test(t, test_never_live);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
