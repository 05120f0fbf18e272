/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_graft.c - a root borrows a table: who counts, edits and frees it */
#include "hw/pmap.h"
#include "kvtest.h"

enum { RW = KV_PTE_W | KV_PTE_A | KV_PTE_M };

static const kv_va_t slot = UINT64_C(512) << 30; /* 512 GiB: root entry 1 */
static const uint64_t page = 4096;

static struct kv_pmap *owner, *borrower;

static struct kv_pmap *
create(const char *format)
{
	const struct kv_pmap_config cfg = {.format = kv_pte_find(format)};
	struct kv_pmap *pmap;

	ck_assert_int_eq(kv_pmap_create(&cfg, &pmap), 0);
	return pmap;
}

static void
check(const struct kv_pmap *pmap)
{
	struct kv_diag diag = {.text = ""};

	ck_assert_msg(kv_pmap_check(pmap, &diag) == 0, "%s", diag.text);
}

static void
setup(void)
{
	owner = create("amd64");
	borrower = create("amd64");
	ck_assert_int_eq(
	    kv_pmap_qenter_run(owner, slot + page, 5 * page, 2, RW), 0);
}

static void
teardown(void)
{
	check(owner);
	check(borrower);
	kv_pmap_destroy(borrower);
	kv_pmap_destroy(owner);
}

/* The borrower translates and counts one table: its root. */
START_TEST(borrowed)
{
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_pmap_extract(borrower, slot + page, &leaf), ENOENT);
	ck_assert_int_eq(kv_pmap_graft(borrower, owner, slot + 7 * page), 0);
	ck_assert_int_eq(kv_pmap_extract(borrower, slot + 2 * page, &leaf), 0);
	ck_assert_uint_eq(leaf.pa, 6 * page);
	ck_assert_uint_eq(kv_pmap_stats(borrower).pt_pages, 1);
	ck_assert_uint_eq(kv_pmap_stats(borrower).leaves[0], 0);
	ck_assert_uint_eq(kv_pmap_stats(owner).pt_pages, 4);
	/* What the owner maps later is seen, too. */
	ck_assert_int_eq(
	    kv_pmap_qenter_run(owner, slot + (1 << 30), 9 * page, 1, RW), 0);
	ck_assert_int_eq(kv_pmap_extract(borrower, slot + (1 << 30), &leaf), 0);
	ck_assert_uint_eq(leaf.pa, 9 * page);
}
END_TEST

START_TEST(refused)
{
	struct kv_pmap *other = create("riscv-sv48");

	ck_assert_int_eq(kv_pmap_graft(owner, owner, slot), EINVAL);
	ck_assert_int_eq(kv_pmap_graft(borrower, other, slot), EINVAL);
	ck_assert_int_eq(
	    kv_pmap_graft(borrower, owner, UINT64_C(1) << 50), EINVAL);
	ck_assert_int_eq(kv_pmap_graft(borrower, owner, 0), ENOENT);
	ck_assert_int_eq(kv_pmap_qenter_run(borrower, slot, page, 1, RW), 0);
	ck_assert_int_eq(kv_pmap_graft(borrower, owner, slot), EBUSY);
	ck_assert_int_eq(kv_pmap_remove(borrower, slot, page, NULL), 0);
	ck_assert_int_eq(kv_pmap_graft(borrower, owner, slot), 0);
	ck_assert_int_eq(kv_pmap_graft(borrower, owner, slot), EBUSY);
	/* What is borrowed cannot be lent on. */
	ck_assert_int_eq(kv_pmap_graft(other, borrower, slot), EINVAL);
	kv_pmap_destroy(other);
	other = create("amd64");
	ck_assert_int_eq(kv_pmap_graft(other, borrower, slot), ENOENT);
	kv_pmap_destroy(other);
}
END_TEST

/* No edit of the borrower reaches the owner's tables. */
START_TEST(not_its_own)
{
	const kv_pfn_t pfn = 3;
	uint64_t done;

	ck_assert_int_eq(kv_pmap_graft(borrower, owner, slot), 0);
	ck_assert_int_eq(
	    kv_pmap_qenter(borrower, slot + page, &pfn, 1, RW), EBUSY);
	ck_assert_int_eq(
	    kv_pmap_enter(borrower, slot + page, page, RW, 0), EBUSY);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(borrower, slot, 0, 1, 1, RW), EBUSY);
	ck_assert_int_eq(
	    kv_pmap_remove(borrower, slot - page, 2 * page, &done), EBUSY);
	ck_assert_int_eq(
	    kv_pmap_protect(borrower, slot, page, 0, &done), EBUSY);
	ck_assert_int_eq(kv_pmap_qremove(borrower, slot, 1), EBUSY);
	ck_assert_int_eq(kv_pmap_grow(borrower, slot, page, 0), EBUSY);
	ck_assert_int_eq(kv_pmap_promote(borrower, slot), EBUSY);
	ck_assert_int_eq(kv_pmap_demote(borrower, slot), EBUSY);
	ck_assert_uint_eq(kv_pmap_stats(owner).leaves[0], 2);
	/* Beside it, all is as ever. */
	ck_assert_int_eq(kv_pmap_enter(borrower, 0, page, RW, 0), 0);
	ck_assert_int_eq(kv_pmap_remove(borrower, 0, page, &done), 0);
}
END_TEST

/* Emptied by its owner, a table that is lent stays; given back, it may go. */
START_TEST(lent_tables_stay)
{
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_pmap_graft(borrower, owner, slot), 0);
	ck_assert_int_eq(kv_pmap_remove(owner, slot + page, 2 * page, NULL), 0);
	ck_assert_uint_eq(kv_pmap_stats(owner).pt_pages, 2);
	check(owner);
	check(borrower);
	ck_assert_int_eq(kv_pmap_extract(borrower, slot + page, &leaf), ENOENT);
	ck_assert_int_eq(kv_pmap_enter(owner, slot, page, RW, 0), 0);
	ck_assert_int_eq(kv_pmap_extract(borrower, slot, &leaf), 0);
	kv_pmap_ungraft(borrower, false);
	ck_assert_int_eq(kv_pmap_extract(borrower, slot, &leaf), ENOENT);
	ck_assert_int_eq(kv_pmap_extract(owner, slot, &leaf), 0);
	ck_assert_int_eq(kv_pmap_remove(owner, slot, page, NULL), 0);
	ck_assert_uint_eq(kv_pmap_stats(owner).pt_pages, 1);
	kv_pmap_ungraft(borrower, false); /* nothing to do */
	ck_assert_int_eq(kv_pmap_enter(borrower, slot, page, RW, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pmap_graft");
	TCase *t = tcase_create("graft");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, borrowed);
	tcase_add_test(t, refused);
	tcase_add_test(t, not_its_own);
	tcase_add_test(t, lent_tables_stay);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
