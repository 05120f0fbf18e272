/* SPDX-License-Identifier: BSD-2-Clause */
/* test_store.c - pages by their content */
#include "hw/store.h"
#include "kvtest.h"

/* Each content once, however often and in whatever order it comes. */
START_TEST(test_distinct)
{
	struct kv_store s = {0};

	for (uint64_t round = 0; round < 2; round++)
		for (uint64_t object = 0; object < 3; object++)
			for (uint64_t i = 0; i < 1000; i++)
				kv_store_publish(
				    &s, kv_content_first(object, i));
	ck_assert_uint_eq(s.count, 3000);
	kv_store_publish(&s, kv_content_written(kv_content_first(0, 7)));
	ck_assert_uint_eq(s.count, 3001);
	kv_store_publish(&s, kv_content_written(kv_content_first(0, 7)));
	ck_assert_uint_eq(s.count, 3001);
	kv_store_fini(&s);
	ck_assert_uint_eq(s.count, 0);
}
END_TEST

/* Written is another content, and written again is a third one. */
START_TEST(test_written)
{
	uint64_t a = kv_content_first(0, 0), b = kv_content_written(a);

	ck_assert_uint_ne(a, 0);
	ck_assert_uint_ne(a, b);
	ck_assert_uint_ne(kv_content_written(b), a);
	ck_assert_uint_ne(kv_content_written(b), b);
	ck_assert_uint_eq(kv_content_written(kv_content_first(0, 0)), b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, test_distinct);
	tcase_add_test(tc, test_written);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
