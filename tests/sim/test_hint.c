/* SPDX-License-Identifier: BSD-2-Clause */
/* test_hint.c - near words are found, far ones are not */
#include <string.h>

#include "kvtest.h"
#include "out/hint.h"

static const char *const names[] = {"run", "replay", "list", "machine", "vmem"};

static const char *
hint(const char *word)
{
	return kv_hint_find(word, names, sizeof(names) / sizeof(names[0]));
}

START_TEST(test_near)
{
	ck_assert_str_eq(hint("rum"), "run");
	ck_assert_str_eq(hint("reply"), "replay");
	ck_assert_str_eq(hint("lists"), "list");
	ck_assert_str_eq(hint("mahcine"), "machine");
	ck_assert_str_eq(hint("vmem"), "vmem");
}
END_TEST

START_TEST(test_far)
{
	char word[100];

	ck_assert_ptr_null(hint("explore"));
	ck_assert_ptr_null(hint("xy"));
	ck_assert_ptr_null(hint(""));
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	ck_assert_ptr_null(hint(word));
	ck_assert_ptr_null(kv_hint_find("run", names, 0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hint");
	TCase *t = tcase_create("hint");

	tcase_add_test(t, test_near);
	tcase_add_test(t, test_far);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
