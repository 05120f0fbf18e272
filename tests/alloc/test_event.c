/* SPDX-License-Identifier: BSD-2-Clause */
/* test_event.c - every kind has a name, fields in order; the tap */
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

START_TEST(kinds)
{
	enum kv_event_kind kind = (enum kv_event_kind)_i;
	const char *dot = strchr(kv_event_name(kind), '.');
	bool ended = false;

	ck_assert_ptr_nonnull(dot);
	ck_assert_uint_gt(strlen(dot + 1), 0);
	for (int i = 0; i < _i; i++)
		ck_assert_str_ne(
		    kv_event_name((enum kv_event_kind)i), kv_event_name(kind));
	ck_assert_str_ne(kv_event_field(kind, 0), "");
	for (unsigned i = 0; i < 4; i++) {
		bool empty = kv_event_field(kind, i)[0] == '\0';

		ck_assert(empty || !ended); /* no gap */
		ended = empty;
	}
	ck_assert_str_eq(kv_event_field(kind, 4), "");
}
END_TEST

static void
keep(void *arg, const struct kv_event *event)
{
	*(struct kv_event *)arg = *event;
}

START_TEST(one_listener)
{
	struct kv_event got = {.source = "none"};
	struct kv_tap deaf = {0}, tap = {keep, &got};

	kv_tap_emit(&deaf, KV_EV_VMEM_FREE, "x", 1, 2, 3, 4);
	ck_assert_str_eq(got.source, "none");
	kv_tap_emit(&tap, KV_EV_KSTACK_PAGE, "a", 1, 2, 3, 4);
	ck_assert_str_eq(got.source, "a");
	ck_assert_str_eq(kv_event_name(got.kind), "kstack.page");
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(got.value[i], i + 1);
	ck_assert_str_eq(kv_event_field(got.kind, 3), "domain");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("event");
	TCase *t = tcase_create("events");

	tcase_add_loop_test(t, kinds, 0, KV_EV_COUNT);
	tcase_add_test(t, one_listener);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
