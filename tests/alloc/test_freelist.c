/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_freelist.c - size classes: list and log answer alike
 *
 * The expectation is a plain stack of (tag, size): what a walk of a linked
 * list from the newest block would find.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc/freelist.h"
#include "alloc/kv.h"
#include "kvtest.h"

enum { SHIFT = 12, CLASS = 31, MANY = 3000 };

struct rig {
	struct kv_host host;
	struct bt_store store;
	struct freelist free;
	bt_id stack[MANY]; /* oldest first */
	unsigned n;
};

static void
rig_open(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	kv_host_libc(&r->host);
	ck_assert_int_eq(kv_bt_store_init(&r->store, &r->host, SHIFT), 0);
	kv_freelist_init(&r->free, &r->store, SHIFT);
}

static void
rig_close(struct rig *r)
{
	kv_freelist_fini(&r->free);
	kv_bt_store_fini(&r->store);
	ck_assert_uint_eq(r->host.bytes, 0);
}

static bt_id
push(struct rig *r, uint64_t quanta)
{
	bt_id id;

	ck_assert_int_eq(bt_reserve(&r->store, 1), 0);
	id = bt_insert_before(
	    &r->store, BT_NONE, KV_VMEM_FREE, 0, quanta << SHIFT);
	freelist_push(&r->free, id);
	r->stack[r->n++] = id;
	return id;
}

static void
take(struct rig *r, unsigned i)
{
	freelist_remove(&r->free, r->stack[i]);
	bt_drop(&r->store, r->stack[i]);
	r->n--;
	memmove(
	    &r->stack[i], &r->stack[i + 1], (r->n - i) * sizeof(r->stack[0]));
}

/* Order, class and filled bit; every size, from every block, is found where
 * the stack has it. */
static void
same(struct rig *r)
{
	bt_id id = BT_NONE;

	ck_assert_uint_eq(freelist_next(&r->free, CLASS),
	    r->n != 0 ? CLASS : FREELIST_CLASSES);
	for (unsigned i = r->n; i-- > 0;) {
		id = id == BT_NONE ? freelist_head(&r->free, CLASS)
				   : kv_freelist_older(&r->free, CLASS, id);
		ck_assert_uint_eq(id, r->stack[i]);
	}
	if (id != BT_NONE)
		ck_assert_uint_eq(
		    kv_freelist_older(&r->free, CLASS, id), BT_NONE);
}

static bt_id
walk(const struct rig *r, unsigned below, uint64_t size)
{
	while (below-- > 0)
		if (bt_of(r->store.tag, r->stack[below])->size >= size)
			return r->stack[below];
	return BT_NONE;
}

static void
finds(struct rig *r)
{
	for (uint64_t q = 32; q <= 64; q++)
		ck_assert_uint_eq(
		    kv_freelist_find(&r->free, CLASS, BT_NONE, q << SHIFT),
		    walk(r, r->n, q << SHIFT));
	for (unsigned i = 0; i < r->n; i += 1 + i / 40)
		for (uint64_t q = 32; q <= 64; q += 7)
			ck_assert_uint_eq(kv_freelist_find(&r->free, CLASS,
					      r->stack[i], q << SHIFT),
			    walk(r, i, q << SHIFT));
}

static uint64_t
rnd(uint64_t *x, uint64_t below)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*x >> 33) % below;
}

START_TEST(list_becomes_log_and_list_again)
{
	struct rig *r = malloc(sizeof(*r));

	ck_assert_ptr_nonnull(r);
	rig_open(r);
	push(r, 63);
	for (unsigned i = 0; i < 20; i++)
		push(r, 33);
	finds(r); /* too short to become one */
	ck_assert_ptr_null(r->free.log[CLASS]);
	for (unsigned i = 0; i < 20; i++)
		push(r, 33);
	ck_assert_ptr_null(r->free.log[CLASS]); /* a push does not */
	ck_assert_uint_eq(
	    kv_freelist_find(&r->free, CLASS, BT_NONE, UINT64_C(63) << SHIFT),
	    r->stack[0]);
	ck_assert_ptr_nonnull(r->free.log[CLASS]);
	same(r);
	finds(r);
	while (r->n > 0) {
		take(r, r->n / 2);
		same(r);
	}
	ck_assert_ptr_null(r->free.log[CLASS]);
	push(r, 40);
	same(r);
	rig_close(r);
	free(r);
}
END_TEST

START_TEST(random_pushes_and_removals)
{
	uint64_t x = (uint64_t)_i;
	struct rig *r = malloc(sizeof(*r));

	ck_assert_ptr_nonnull(r);
	rig_open(r);
	for (unsigned i = 0; i < 6000; i++) {
		bool up = i / 1500 % 2 == 0;

		if (r->n < MANY && (r->n == 0 || rnd(&x, 10) < (up ? 8u : 2u)))
			push(r, 32 + rnd(&x, rnd(&x, 8) == 0 ? 32 : 8));
		else
			take(r, (unsigned)rnd(&x, r->n));
		if (i % 97 == 0) {
			same(r);
			finds(r);
		}
	}
	rig_close(r);
	free(r);
}
END_TEST

/* freebsd-F23: a block that grew keeps its place, and is found by its size. */
START_TEST(grown_block)
{
	struct rig *r = malloc(sizeof(*r));

	ck_assert_ptr_nonnull(r);
	rig_open(r);
	for (unsigned i = 0; i < 100; i++)
		push(r, 32);
	for (unsigned pass = 0; pass < 2; pass++) { /* list, then log */
		unsigned i = 10 + 50 * pass;

		bt_of(r->store.tag, r->stack[i])->size = (500 + i) << SHIFT;
		kv_freelist_resized(&r->free, r->stack[i]);
		ck_assert_uint_eq(kv_freelist_find(&r->free, CLASS, BT_NONE,
				      UINT64_C(300) << SHIFT),
		    r->stack[i]);
		same(r);
	}
	ck_assert_ptr_nonnull(r->free.log[CLASS]);
	take(r, 60);
	ck_assert_uint_eq(
	    kv_freelist_find(&r->free, CLASS, BT_NONE, UINT64_C(300) << SHIFT),
	    r->stack[10]);
	rig_close(r);
	free(r);
}
END_TEST

/* Sizes above 2^32 quanta have the same key; the tag has the last word. */
START_TEST(huge_sizes)
{
	struct rig *r = malloc(sizeof(*r));
	const uint64_t q = UINT64_C(1) << 40;
	unsigned class;

	ck_assert_ptr_nonnull(r);
	rig_open(r);
	class = freelist_class(&r->free, q << SHIFT);
	push(r, q + 9);
	for (unsigned i = 0; i < 100; i++)
		push(r, q + i % 9);
	ck_assert_uint_eq(
	    kv_freelist_find(&r->free, class, BT_NONE, (q + 9) << SHIFT),
	    r->stack[0]);
	ck_assert_ptr_nonnull(r->free.log[class]);
	ck_assert_uint_eq(
	    kv_freelist_find(&r->free, class, BT_NONE, (q + 8) << SHIFT),
	    r->stack[99]);
	rig_close(r);
	free(r);
}
END_TEST

/* No memory for a log, or for a bigger one: it is, or becomes, a list. */
START_TEST(without_memory)
{
	struct rig *r = malloc(sizeof(*r));

	ck_assert_ptr_nonnull(r);
	for (unsigned n = 1; n <= 6; n++) {
		rig_open(r);
		ck_assert_int_eq(bt_reserve(&r->store, 60), 0);
		push(r, 63);
		for (unsigned i = 0; i < 40; i++)
			push(r, 33);
		for (unsigned i = 0; i < 12; i++)
			ck_assert_int_eq(kv_bt_store_grow(&r->store), 0);
		kv_host_fail_at(&r->host, n);
		finds(r);
		for (unsigned i = 0; i < 600; i++)
			push(r, 34);
		finds(r);
		same(r);
		rig_close(r);
	}
	free(r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("freelist");
	TCase *t = tcase_create("list and log");

	tcase_add_test(t, list_becomes_log_and_list_again);
	tcase_add_loop_test(t, random_pushes_and_removals, 1, 9);
	tcase_add_test(t, grown_block);
	tcase_add_test(t, huge_sizes);
	tcase_add_test(t, without_memory);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
