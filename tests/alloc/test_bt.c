/* SPDX-License-Identifier: BSD-2-Clause */
/* test_bt.c - boundary tags: the hash under collisions, growth, the list */
#include <stdlib.h>

#include "alloc/bt.h"
#include "alloc/kv.h"
#include "kvtest.h"

enum { MANY = 2000 };

static void
store_open(struct bt_store *s, struct kv_host *host)
{
	kv_host_libc(host);
	ck_assert_int_eq(kv_bt_store_init(s, host, 0), 0);
}

static void
store_close(struct bt_store *s, struct kv_host *host)
{
	kv_bt_store_fini(s);
	ck_assert_uint_eq(host->bytes, 0);
}

static bt_id
busy(struct bt_store *s, kv_va_t start)
{
	bt_id id;

	ck_assert_int_eq(bt_reserve(s, 1), 0);
	id = bt_insert_before(s, BT_NONE, KV_VMEM_BUSY, start, 1);
	bt_hash_insert(s, id);
	return id;
}

static void
drop(struct bt_store *s, kv_va_t start)
{
	bt_id id = bt_hash_find(s, start);

	ck_assert_uint_ne(id, BT_NONE);
	bt_hash_remove(s, bt_hash_at(s, id));
	bt_drop(s, id);
}

/* I3: found when it is there, and only then; in the chain of its address. */
static void
hash_holds(
    const struct bt_store *s, const kv_va_t *start, const bt_id *id, unsigned n)
{
	uint32_t entries = 0;

	for (unsigned i = 0; i < n; i++)
		ck_assert_uint_eq(bt_hash_find(s, start[i]), id[i]);
	for (uint32_t i = 0; i < bt_hash_chains(s); i++)
		for (bt_id at = s->hash[i]; at != BT_NONE;
		     at = bt_of(s->tag, at)->link, entries++)
			ck_assert_ptr_eq(
			    bt_hash_chain(s, bt_of(s->tag, at)->start),
			    &s->hash[i]);
	ck_assert_uint_eq(entries, s->nbusy);
	ck_assert_uint_le(entries, bt_hash_chains(s) / 2);
}

/* Addresses of the first and the last chain.  Found by trying, for the function
 * is the store's. */
static void
clustered(const struct bt_store *s, kv_va_t *start, unsigned n)
{
	const bt_id *last = &s->hash[bt_hash_chains(s) - 1];
	kv_va_t va = 1;

	for (unsigned i = 0; i < n; va++) {
		const bt_id *chain = bt_hash_chain(s, va);

		if (chain == s->hash || chain == last)
			start[i++] = va;
	}
}

START_TEST(removal_from_chains)
{
	enum { N = 16 };
	kv_va_t start[N];
	bt_id id[N];
	struct kv_host host;
	struct bt_store s;

	/* Every order of removal that a stride gives, refilled each time. */
	for (unsigned stride = 1; stride < N; stride += 2) {
		store_open(&s, &host);
		clustered(&s, start, N);
		for (unsigned i = 0; i < N; i++)
			id[i] = busy(&s, start[i]);
		hash_holds(&s, start, id, N);
		for (unsigned i = 0; i < N; i++) {
			unsigned k = (i * stride + stride) % N;

			drop(&s, start[k]);
			id[k] = BT_NONE;
			hash_holds(&s, start, id, N);
		}
		store_close(&s, &host);
	}
}
END_TEST

START_TEST(growth_keeps_all)
{
	kv_va_t *start = calloc(MANY, sizeof(*start));
	bt_id *id = calloc(MANY, sizeof(*id)), at;
	struct kv_host host;
	struct bt_store s;
	unsigned n = 0;

	ck_assert_ptr_nonnull(start);
	ck_assert_ptr_nonnull(id);
	store_open(&s, &host);
	for (unsigned i = 0; i < MANY; i++) {
		start[i] = i * UINT64_C(0x1000);
		id[i] = busy(&s, start[i]);
		ck_assert_uint_eq((uintptr_t)s.tag % 64, 0);
	}
	hash_holds(&s, start, id, MANY);
	/* the cursor first, then in order of insertion, both ways */
	at = bt_of(s.tag, BT_NONE)->next;
	ck_assert_uint_eq(at, BT_CURSOR);
	for (at = bt_of(s.tag, at)->next; at != BT_NONE;
	     at = bt_of(s.tag, at)->next, n++) {
		ck_assert_uint_eq(at, id[n]);
		ck_assert_uint_eq(
		    bt_prev(bt_of(s.tag, bt_of(s.tag, at)->next)), at);
	}
	ck_assert_uint_eq(n, MANY);
	/* tags that were given back are used again, before fresh ones */
	n = s.fresh;
	for (unsigned i = 0; i < MANY; i += 3) {
		drop(&s, start[i]);
		id[i] = BT_NONE;
	}
	hash_holds(&s, start, id, MANY);
	for (unsigned i = 0; i < MANY; i += 3)
		id[i] = busy(&s, start[i]);
	ck_assert_uint_eq(s.fresh, n);
	hash_holds(&s, start, id, MANY);
	store_close(&s, &host);
	free(start);
	free(id);
}
END_TEST

/* ENOMEM with nothing changed, of tags or of hash. */
START_TEST(failed_growth)
{
	struct kv_host host;
	struct bt_store s, before;
	kv_va_t start[MANY];
	bt_id id[MANY];
	unsigned n = 0, failed = 0;

	store_open(&s, &host);
	while (n < MANY) {
		start[n] = n * UINT64_C(0x1000);
		before = s;
		kv_host_fail_at(&host, 1);
		if (bt_reserve(&s, 1) != 0) {
			failed++;
			ck_assert_ptr_eq(s.tag, before.tag);
			ck_assert_ptr_eq(s.hash, before.hash);
			ck_assert_uint_eq(s.hash_shift, before.hash_shift);
			ck_assert_uint_eq(s.capacity, before.capacity);
			hash_holds(&s, start, id, n);
		}
		kv_host_fail_at(&host, 0);
		id[n] = busy(&s, start[n]);
		n++;
	}
	ck_assert_uint_gt(failed, 4);
	kv_host_fail_at(&host, 1);
	before.host = &host;
	ck_assert_int_eq(kv_bt_store_init(&before, &host, 0), ENOMEM);
	kv_host_fail_at(&host, 2);
	ck_assert_int_eq(kv_bt_store_init(&before, &host, 0), ENOMEM);
	store_close(&s, &host);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bt");
	TCase *t = tcase_create("store");

	tcase_add_test(t, removal_from_chains);
	tcase_add_test(t, growth_keeps_all);
	tcase_add_test(t, failed_growth);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
