/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_layout.c - regions against a map of every byte
 *
 * Small addresses are placed in a window at the bottom of the address space and
 * in one around 2^64, and every byte that a region covers is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

enum { BYTES = 256, REGIONS = 6, ROUNDS = KV_TEST_CASES(4000) };

static struct kv_host host;
static struct kv_layout *plan;

static void
setup(void)
{
	kv_host_libc(&host);
	ck_assert_int_eq(kv_layout_create(&host, &plan), 0);
}

static void
teardown(void)
{
	kv_layout_destroy(plan);
	ck_assert_uint_eq(host.bytes, 0);
}

static const struct kv_region *
place(struct kv_region_req req)
{
	ck_assert_int_eq(kv_layout_place(plan, &req), 0);
	return kv_layout_region(plan, kv_layout_count(plan) - 1);
}

static void
lies(const struct kv_region *r, kv_va_t base, uint64_t size, unsigned flags)
{
	ck_assert_uint_eq(r->base, base);
	ck_assert_uint_eq(r->size, size);
	ck_assert_uint_eq(r->end, base + size);
	ck_assert_uint_eq(r->flags, flags);
}

START_TEST(anchors)
{
	lies(place((struct kv_region_req){
		 .base = 0x1001, .size = 0x20, .align = 0x1000}),
	    0x2000, 0x20, 0);
	lies(place((struct kv_region_req){.anchor = KV_REGION_DOWN,
		 .end = 0x5000,
		 .size = 0x20,
		 .align = 0x1000}),
	    0x4000, 0x20, 0);
	lies(place((struct kv_region_req){.anchor = KV_REGION_SPAN,
		 .base = 0x1001,
		 .end = 0x5000,
		 .align = 0x1000}),
	    0x2000, 0x3000, 0);
}
END_TEST

START_TEST(ends_of_the_address_space)
{
	/* A region may end at 2^64, from either side, and not beyond. */
	lies(place((struct kv_region_req){.base = 0 - (uint64_t)8, .size = 8}),
	    0 - (uint64_t)8, 8, 0);
	lies(place((struct kv_region_req){.anchor = KV_REGION_DOWN, .size = 8}),
	    0 - (uint64_t)8, 8, 0);
	lies(place((struct kv_region_req){.base = 0 - (uint64_t)8, .size = 9}),
	    0 - (uint64_t)8, 9, KV_REGION_WRAPS);
	lies(place((struct kv_region_req){
		 .anchor = KV_REGION_DOWN, .end = 8, .size = 9}),
	    UINT64_MAX, 9, KV_REGION_WRAPS);
	lies(place((struct kv_region_req){
		 .base = UINT64_MAX, .size = 1, .align = 16}),
	    0, 1, KV_REGION_WRAPS);
	/* What ran past 2^64 is above what should be its end. */
	lies(place((struct kv_region_req){
		 .anchor = KV_REGION_SPAN, .base = 8, .end = 0 - (uint64_t)16}),
	    8, 0 - (uint64_t)24, KV_REGION_NEGATIVE);
}
END_TEST

START_TEST(bounds)
{
	lies(place((struct kv_region_req){
		 .base = 5, .size = 1, .min = 9, .align = 8}),
	    16, 1, KV_REGION_CLAMPED);
	lies(place((struct kv_region_req){.base = 50, .size = 1, .max = 9}), 9,
	    1, KV_REGION_CLAMPED);
	lies(place((struct kv_region_req){
		 .base = 9, .size = 1, .min = 9, .max = 9}),
	    9, 1, 0);
	ck_assert_int_eq(
	    kv_layout_place(plan, &(struct kv_region_req){.min = 2, .max = 1}),
	    EINVAL);
	ck_assert_int_eq(
	    kv_layout_place(plan, &(struct kv_region_req){.align = 24}),
	    EINVAL);
	ck_assert_uint_eq(kv_layout_count(plan), 3);
	ck_assert_uint_eq(kv_layout_stats(plan).clamped, 2);
}
END_TEST

/* ---- Every byte -------------------------------------------------------- */

struct count {
	uint64_t overlaps, shared, outside;
};

static int
count_fault(void *arg, const struct kv_layout_fault *f)
{
	struct count *c = arg;

	if (f->wrong == KV_LAYOUT_OVERLAP) {
		c->overlaps++;
		c->shared += f->size;
		ck_assert_ptr_ne(f->a, f->b);
	} else if (f->wrong == KV_LAYOUT_OUTSIDE) {
		c->outside += f->size;
	}
	return 0;
}

/* Byte i of the map stands for address origin + i. */
static void
cover(const struct kv_region *r, kv_va_t origin, bool *byte)
{
	uint64_t beyond = 0; /* an assertion a byte would take too long */

	memset(byte, 0, BYTES);
	for (uint64_t i = 0; i < r->size; i++) {
		kv_va_t at = r->base + i - origin;

		if (at < BYTES)
			byte[at] = true;
		else
			beyond++;
	}
	ck_assert_uint_eq(beyond, 0);
}

static struct count
count_bytes(kv_va_t origin, kv_va_t base, uint64_t size)
{
	static bool bytes[REGIONS][BYTES];
	struct count c = {0};
	size_t n = kv_layout_count(plan);

	for (size_t i = 0; i < n; i++) {
		cover(kv_layout_region(plan, i), origin, bytes[i]);
		for (size_t at = 0; at < BYTES; at++)
			c.outside += bytes[i][at] && origin + at - base >= size;
		for (size_t j = 0; j < i; j++) {
			uint64_t shared = 0;

			for (size_t at = 0; at < BYTES; at++)
				shared += bytes[i][at] && bytes[j][at];
			c.overlaps += shared != 0;
			c.shared += shared;
		}
	}
	return c;
}

/* Half of the map lies below 2^64 when it stands around it. */
static void
random_plan(kv_va_t origin)
{
	kv_va_t base = origin + (uint64_t)rand() % (BYTES / 4);
	uint64_t size = 1 + (uint64_t)rand() % (BYTES / 2 - 1);
	struct count found = {0}, wanted;

	if (origin != 0)
		size = size % (BYTES / 4) + 1;
	setup();
	ck_assert_int_eq(kv_layout_set_window(plan, base, size), 0);
	for (int i = 0; i < REGIONS; i++)
		place((struct kv_region_req){.name = "r",
		    .base = origin + (uint64_t)rand() % (BYTES / 2),
		    .size = (uint64_t)rand() % (BYTES / 2)});
	wanted = count_bytes(origin, base, size);
	kv_layout_walk_faults(plan, count_fault, &found);
	ck_assert_uint_eq(found.overlaps, wanted.overlaps);
	ck_assert_uint_eq(found.shared, wanted.shared);
	ck_assert_uint_eq(found.outside, wanted.outside);
	ck_assert_uint_eq(kv_layout_stats(plan).overlap_size, wanted.shared);
	teardown();
}

START_TEST(every_byte)
{
	teardown();
	srand(7);
	for (int i = 0; i < ROUNDS; i++) {
		random_plan(0);
		random_plan(0 - (uint64_t)(BYTES / 2));
	}
	setup();
}
END_TEST

/* ---- The rest ---------------------------------------------------------- */

START_TEST(check_says_the_first)
{
	struct kv_diag diag = {0};

	ck_assert_int_eq(kv_layout_set_window(plan, 0, 0), EINVAL);
	ck_assert_int_eq(kv_layout_set_window(plan, 2, UINT64_MAX), EINVAL);
	ck_assert_int_eq(kv_layout_set_window(plan, 1, UINT64_MAX), 0);
	place((struct kv_region_req){.name = "a", .base = 16, .size = 16});
	place((struct kv_region_req){.name = "b", .base = 32, .size = 16});
	ck_assert_int_eq(kv_layout_check(plan, &diag), 0);
	place((struct kv_region_req){.name = "c", .base = 20, .size = 1});
	ck_assert_int_eq(kv_layout_check(plan, &diag), EFAULT);
	ck_assert_str_eq(diag.module, "V");
	ck_assert_uint_eq(diag.invariant, 9);
	ck_assert_uint_eq(diag.address, 20);
	place((struct kv_region_req){.name = "d", .base = 0, .size = 1});
	ck_assert_int_eq(kv_layout_check(plan, &diag), EFAULT);
	ck_assert_uint_eq(diag.address, 0);
	ck_assert_ptr_eq(kv_layout_find(plan, "d"), kv_layout_region(plan, 3));
	ck_assert_ptr_null(kv_layout_find(plan, "e"));
}
END_TEST

struct seen {
	char text[200];
};

static int
note_change(void *arg, const struct kv_layout_change *c)
{
	struct seen *s = arg;
	size_t used = strlen(s->text);

	snprintf(s->text + used, sizeof(s->text) - used, "%s%s%+d%+d ",
	    c->from == NULL ? "new "
	    : c->to == NULL ? "old "
			    : "",
	    c->to != NULL ? c->to->name : c->from->name, (int)c->moved,
	    (int)c->grown);
	return 0;
}

START_TEST(diff)
{
	struct kv_layout *other;
	struct seen seen = {""};

	ck_assert_int_eq(kv_layout_create(&host, &other), 0);
	place((struct kv_region_req){.name = "a", .base = 16, .size = 16});
	place((struct kv_region_req){.name = "b", .base = 1, .size = 16});
	place((struct kv_region_req){.name = "c", .base = 1, .size = 16});
	kv_layout_place(
	    other, &(struct kv_region_req){.name = "d", .base = 1, .size = 1});
	kv_layout_place(
	    other, &(struct kv_region_req){
		       .name = "b", .base = 0 - (uint64_t)1, .size = 9});
	kv_layout_place(other,
	    &(struct kv_region_req){.name = "a", .base = 16, .size = 16});
	kv_layout_diff(plan, other, note_change, &seen);
	ck_assert_str_eq(seen.text, "new d+0+0 b-2-7 a+0+0 old c+0+0 ");
	kv_layout_destroy(other);
}
END_TEST

START_TEST(no_memory)
{
	struct kv_layout *other = NULL;
	uint64_t n;

	for (n = 1;; n++) {
		int error;

		kv_host_fail_at(&host, n);
		error = kv_layout_create(&host, &other);
		for (int i = 0; i < 40 && error == 0; i++)
			error = kv_layout_place(
			    other, &(struct kv_region_req){.size = 1});
		if (error == 0)
			break;
		ck_assert_int_eq(error, ENOMEM);
		if (n > 1)
			ck_assert_uint_eq(kv_layout_count(other),
			    n == 2 ? 0 : (uint64_t)8 << (n - 2));
		kv_layout_destroy(other);
		other = NULL;
	}
	ck_assert_uint_gt(n, 3);
	kv_host_fail_at(&host, 0);
	kv_layout_destroy(other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tc = tcase_create("layout");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, anchors);
	tcase_add_test(tc, ends_of_the_address_space);
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, every_byte);
	tcase_add_test(tc, check_says_the_first);
	tcase_add_test(tc, diff);
	tcase_add_test(tc, no_memory);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
