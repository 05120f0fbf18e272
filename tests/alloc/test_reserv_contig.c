/* SPDX-License-Identifier: BSD-2-Clause */
/* test_reserv_contig.c - contiguous runs and renames, fact by fact */
#include "alloc/reservrig.h"
#include "kvtest.h"

/* ---- Contiguous runs (facts 23, 24) ------------------------------------ */

static int
contig(struct rig *rig, struct kv_object *obj, kv_pindex_t pindex, uint64_t n,
    uint64_t align_pages)
{
	struct kv_phys_want want = {n, 0, KV_ADDR_MAX, align_pages << 12, 0};
	kv_pfn_t pfn;
	int error = kv_page_alloc_contig(rig->rv, obj, pindex, &want, 0, &pfn);

	rig_check(rig);
	return error == 0 ? (int)pfn : -error;
}

/* The first idle run that suits, in the order of the partial queue. */
START_TEST(fact_23_break_for_a_run)
{
	struct rig rig;

	rig_small(&rig, 2);
	take(&rig, 0, 33);
	take(&rig, N + 3, 1);
	ck_assert_int_eq(contig(&rig, NULL, 0, 32, 1), N + 4);
	ck_assert_blocks(&rig, " 0@66 1@64 2@100 3@104 4@112");
	ck_assert_reservs(&rig, rig.obj, "0:33B");
	ck_assert_int_eq(contig(&rig, NULL, 0, 17, 16), -ENOMEM);
	/* Aligned to 8: [40, 56) of the other one, which begins at 33. */
	ck_assert_int_eq(contig(&rig, NULL, 0, 17, 8), 40);
	ck_assert_uint_eq(kv_reserv_stats(rig.rv).reclaimed, 2);
	ck_assert_int_eq(contig(&rig, NULL, 0, N, 1), -ENOMEM);
	rig_close(&rig);
}
END_TEST

/* The existing reservation must hold all of it, else the queues serve. */
START_TEST(fact_24_existing)
{
	struct rig rig;

	rig_small(&rig, 4);
	take(&rig, 0, 1);
	ck_assert_int_eq(contig(&rig, rig.obj, 10, 20, 1), 10);
	ck_assert_int_eq(contig(&rig, rig.obj, 60, 8, 1), N);
	ck_assert_reservs(&rig, rig.obj, "0:21H");
	ck_assert_int_eq(contig(&rig, rig.obj, 5, 6, 1), -EEXIST);
	/* Page 1 of it is not aligned to 2 pages. */
	ck_assert_int_eq(contig(&rig, rig.obj, 1, 2, 2), N + 8);
	rig_close(&rig);
}
END_TEST

/* New ones: whole when they fit, else plain pages at the end. */
START_TEST(fact_24_new)
{
	struct rig rig;

	rig_small(&rig, 8);
	ck_assert_int_eq(contig(&rig, rig.obj, 10, 60, 1), 10);
	ck_assert_reservs(&rig, rig.obj, "0:54E 1:6B");
	/* Page 4 * 64 + 5 stands in the way of the third one. */
	take(&rig, 6 * N + 5, 1);
	kv_reserv_break(rig.rv, rig.obj, NULL);
	ck_assert_int_eq(contig(&rig, rig.obj, 4 * N, 2 * N + 4, 1), 4 * N);
	ck_assert_reservs(&rig, rig.obj, "4:64F! 5:64F!");
	/* The only piece: none at all. */
	ck_assert_int_ge(contig(&rig, rig.obj, 6 * N + 10, 4, 1), 0);
	ck_assert_reservs(&rig, rig.obj, "4:64F! 5:64F!");
	rig_close(&rig);
}
END_TEST

/* The end of an object that is not anonymous, and of one that is. */
START_TEST(fact_24_end_of_object)
{
	struct kv_object *file, *heap;
	struct rig rig;

	rig_small(&rig, 8);
	file = object_of(&rig, N + 10, false, 0, true);
	heap = object_of(&rig, N + 10, true, 0, true);
	ck_assert_int_ge(contig(&rig, file, 0, N + 10, 1), 0);
	ck_assert_reservs(&rig, file, "0:64F!");
	ck_assert_int_ge(contig(&rig, heap, 0, N + 10, 1), 0);
	ck_assert_reservs(&rig, heap, "0:64F! 1:10B");
	kv_object_destroy(file);
	kv_object_destroy(heap);
	rig_close(&rig);
}
END_TEST

/* ---- Rename (fact 26) -------------------------------------------------- */

/* Pages and reservations move; their place in the queue does not. */
START_TEST(fact_26_rename)
{
	struct kv_object *to;
	uint64_t moved = 0;
	struct rig rig;
	kv_pfn_t pfn;

	rig_small(&rig, 8);
	to = object_of(&rig, UINT64_C(1) << 40, false, 0, true);
	take(&rig, 0, 1);
	take(&rig, N, 2);
	take(&rig, 2 * N, 3);
	take_of(&rig, to, 5 * N, 4, 0);
	ck_assert_int_eq(kv_page_rename(rig.rv, rig.obj, to, N, &moved), 0);
	ck_assert_uint_eq(moved, 5);
	ck_assert_reservs(&rig, rig.obj, "0:1B");
	ck_assert_reservs(&rig, to, "0:2B 1:3B 5:4B");
	ck_assert_queue(&rig, 0, "0:1B 0:2B 1:3B 5:4B");
	ck_assert_int_eq(kv_object_lookup(to, N + 2, &pfn), 0);
	ck_assert_uint_eq(pfn, 2 * N + 2);
	kv_object_destroy(to);
	rig_close(&rig);
}
END_TEST

START_TEST(fact_26_refused)
{
	struct kv_object *to, *shifted;
	uint64_t moved;
	struct rig rig;

	rig_small(&rig, 8);
	to = object_of(&rig, 1000, false, 0, true);
	shifted = object_of(&rig, 1000, false, 3, true);
	take(&rig, N, 2);
	take_of(&rig, to, 1, 1, 0);
	ck_assert_int_eq(
	    kv_page_rename(rig.rv, rig.obj, to, N, &moved), EEXIST);
	ck_assert_int_eq(
	    kv_page_rename(rig.rv, rig.obj, to, N - 1, &moved), EINVAL);
	ck_assert_int_eq(
	    kv_page_rename(rig.rv, rig.obj, rig.obj, N, &moved), EINVAL);
	ck_assert_int_eq(
	    kv_page_rename(rig.rv, rig.obj, shifted, 0, &moved), EINVAL);
	ck_assert_reservs(&rig, rig.obj, "1:2B");
	kv_object_destroy(to);
	kv_object_destroy(shifted);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("contiguous runs");
	TCase *t = tcase_create("facts");

	tcase_add_test(t, fact_23_break_for_a_run);
	tcase_add_test(t, fact_24_existing);
	tcase_add_test(t, fact_24_new);
	tcase_add_test(t, fact_24_end_of_object);
	tcase_add_test(t, fact_26_rename);
	tcase_add_test(t, fact_26_refused);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
