/* SPDX-License-Identifier: BSD-2-Clause */
/* test_state.c - states as text: what changed, and whether it may have */
#include <string.h>

#include "input.h"
#include "kvtest.h"
#include "run/state.h"

#define PAGE UINT64_C(4096)

static struct kv_scenario *sc;
static struct kv_run *run;
static struct kv_errors errors;

/* The state that the work of a scenario leaves. */
static void
take(const char *text, struct kv_state *s)
{
	const struct kv_run_config cfg = {.seed = 12345, .nested = true};

	ck_assert_int_eq(
	    kv_scenario_load(input_file(text), NULL, 0, &sc, &errors), 0);
	ck_assert_int_eq(kv_run_execute(sc, &cfg, &run, &errors), 0);
	kv_state_take(run, s);
	kv_run_free(run);
	kv_scenario_free(sc);
	input_remove();
}

#define STACKS                                                       \
	"kvasir: 1\n"                                                \
	"machine: {name: amd64, memory: [{start: 16M, size: 8M}]}\n" \
	"kstacks: {policy: freebsd-d38852}\n"                        \
	"work:\n"
#define PAGES                                                        \
	"kvasir: 1\n"                                                \
	"machine: {name: amd64, memory: [{start: 16M, size: 8M}]}\n" \
	"objects: {data: {pages: 64}}\n"                             \
	"work:\n"                                                    \
	"  - map: {object: data, va: 0xfffffe0000000000, pages: 8}\n"

static enum kv_state_change
compare(const char *a, const char *b, const struct kv_op *op)
{
	struct kv_state x = {0}, y = {0};
	enum kv_state_change change;

	take(a, &x);
	take(b, &y);
	change = kv_state_compare(&x, &y, op);
	kv_state_fini(&x);
	kv_state_fini(&y);
	return change;
}

START_TEST(the_same_twice)
{
	const struct kv_op op = {0};

	ck_assert_int_eq(compare(STACKS "  - spawn: {count: 3}\n",
			     STACKS "  - spawn: {count: 3}\n", &op),
	    KV_STATE_SAME);
}
END_TEST

START_TEST(one_stack_more)
{
	const struct kv_op op = {0};

	ck_assert_int_eq(compare(STACKS "  - spawn: {count: 3}\n",
			     STACKS "  - spawn: {count: 4}\n", &op),
	    KV_STATE_USED);
}
END_TEST

/* Two stacks that went leave KVA imported, and queues in another order. */
START_TEST(what_is_free_may_differ)
{
	const struct kv_op op = {0};

	ck_assert_int_eq(
	    compare("kvasir: 1\nmachine: {name: amd64, memory: [{start: 16M, "
		    "size: 8M}]}\nkstacks: {policy: freebsd-d38852}\nwork: []",
		STACKS "  - spawn: {count: 2}\n  - dispose: {count: 2}\n", &op),
	    KV_STATE_REST);
}
END_TEST

/* Unmapping three of eight pages is a prefix if it says three, else not. */
START_TEST(a_prefix_says_which)
{
	struct kv_op op = {.va = UINT64_C(0xfffffe0000000000)};
	static const char after[] =
	    PAGES "  - unmap: {va: 0xfffffe0000000000, pages: 3}\n";

	ck_assert_int_eq(compare(PAGES, after, &op), KV_STATE_USED);
	op.done = 2 * PAGE;
	ck_assert_int_eq(compare(PAGES, after, &op), KV_STATE_USED);
	op.done = 3 * PAGE;
	ck_assert_int_eq(compare(PAGES, after, &op), KV_STATE_PREFIX);
	op.va += PAGE;
	ck_assert_int_eq(compare(PAGES, after, &op), KV_STATE_USED);
}
END_TEST

/* A superpage that is split maps what it mapped (V5). */
START_TEST(a_split_leaf_says_the_same)
{
	const struct kv_op op = {0};
	static const char whole[] =
	    "kvasir: 1\n"
	    "machine: {name: amd64, memory: [{start: 16M, size: 8M}]}\n"
	    "objects: {data: {pages: 512}}\n"
	    "work:\n"
	    "  - map: {object: data, va: 0xfffffe0000000000, pages: 512}\n"
	    "  - demote: {va: 0xfffffe0000000000}\n";
	static const char split[] =
	    "kvasir: 1\n"
	    "machine: {name: amd64, memory: [{start: 16M, size: 8M}]}\n"
	    "objects: {data: {pages: 512}}\n"
	    "work:\n"
	    "  - map: {object: data, va: 0xfffffe0000000000, pages: 512}\n"
	    "  - demote: {va: 0xfffffe0000000000}\n"
	    "  - promote: {va: 0xfffffe0000000000}\n";

	ck_assert_int_eq(compare(whole, split, &op), KV_STATE_REST);
}
END_TEST

START_TEST(differences_are_lines)
{
	struct kv_state x = {0}, y = {0};
	struct kv_buf b = {0};

	take(STACKS "  - spawn: {count: 1}\n", &x);
	take(STACKS "  - spawn: {count: 2}\n", &y);
	kv_state_diff(&x, &y, 1000, &b);
	ck_assert_ptr_nonnull(strstr(b.data, "+ stack 0xfffffe000000"));
	ck_assert_ptr_null(strstr(b.data, "- stack"));
	b.size = 0;
	kv_state_diff(&x, &y, 1, &b);
	ck_assert_ptr_nonnull(strstr(b.data, "lines more"));
	b.size = 0;
	kv_state_diff(&x, &x, 1, &b);
	ck_assert_uint_eq(b.size, 0);
	kv_buf_fini(&b);
	kv_state_fini(&x);
	kv_state_fini(&y);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state");
	TCase *t = tcase_create("compare");

	tcase_add_test(t, the_same_twice);
	tcase_add_test(t, one_stack_more);
	tcase_add_test(t, what_is_free_may_differ);
	tcase_add_test(t, a_prefix_says_which);
	tcase_add_test(t, a_split_leaf_says_the_same);
	tcase_add_test(t, differences_are_lines);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
