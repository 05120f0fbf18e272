/* SPDX-License-Identifier: BSD-2-Clause */
/* test_entry.c - what a CPU flushes when it enters spaces */
#include "hw/entry.h"
#include "kvtest.h"

#define BASE (UINT64_C(513) << 30)
#define PAGE UINT64_C(4096)

/* Images of these many pages; 0: none. */
static const uint64_t pages[] = {40, 25, 0, 50};

/* For the spaces 0, 1, 1, 0, 2, 0, 3: an image is another one three times. */
static const unsigned entered[] = {0, 1, 1, 0, 2, 0, 3};
static const struct {
	enum kv_entry_flush policy;
	uint64_t page_flushes, full_flushes;
} rows[] = {{KV_ENTRY_NONE, 0, 0}, {KV_ENTRY_PREVIOUS, 40 + 25 + 40, 0},
    {KV_ENTRY_ALL, 0, 3}, {KV_ENTRY_OWN, 40 + 25 + 25 + 40 + 40 + 50, 0},
    {KV_ENTRY_NEXT_COUNT, 25 + 40 + 50, 0}};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct kv_tlb *
new_tlb(bool tags)
{
	struct kv_tlb_config cfg = *kv_tlb_find("unlimited");
	struct kv_tlb *tlb;

	cfg.tags = tags;
	ck_assert_int_eq(kv_tlb_create(&cfg, &tlb), 0);
	return tlb;
}

START_TEST(test_policies)
{
	for (int tags = 0; tags <= 1; tags++) {
		struct kv_tlb *tlb = new_tlb(tags != 0);
		struct kv_entry e = {.policy = rows[_i].policy};
		struct kv_tlb_stats s;

		for (size_t i = 0; i < 7; i++) {
			unsigned k = entered[i];
			struct kv_image image = {k, k, BASE, pages[k]};

			kv_entry_switch(&e, tlb, &image);
		}
		s = kv_tlb_stats(tlb);
		ck_assert_uint_eq(s.page_flushes, rows[_i].page_flushes);
		ck_assert_uint_eq(s.full_flushes, rows[_i].full_flushes);
		ck_assert_uint_eq(s.nonglobal_flushes, tags != 0 ? 0 : 7);
		kv_tlb_destroy(tlb);
	}
}
END_TEST

/* The pages of the previous image, global or under its tag, and no others. */
START_TEST(test_previous)
{
	struct kv_pmap_config cfg = {.format = kv_pte_find("amd64")};
	struct kv_entry e = {.policy = KV_ENTRY_PREVIOUS};
	struct kv_tlb *tlb = new_tlb(true);
	struct kv_pmap *pmap;

	ck_assert_int_eq(kv_pmap_create(&cfg, &pmap), 0);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(pmap, BASE, 1 << 30, 3, KV_PTE_X), 0);
	kv_entry_switch(&e, tlb, &(struct kv_image){1, 1, BASE, 2});
	for (unsigned tag = 1; tag <= 2; tag++)
		for (unsigned i = 0; i < 3; i++)
			kv_tlb_touch(
			    tlb, pmap, tag, BASE + i * PAGE, false, NULL);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 6);
	kv_entry_switch(&e, tlb, &(struct kv_image){2, 2, BASE, 3});
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 4);
	ck_assert_int_eq(
	    kv_tlb_touch(tlb, pmap, 1, BASE, false, NULL), KV_TLB_MISS);
	ck_assert_int_eq(
	    kv_tlb_touch(tlb, pmap, 1, BASE + 2 * PAGE, false, NULL),
	    KV_TLB_HIT);
	kv_pmap_destroy(pmap);
	kv_tlb_destroy(tlb);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("entry");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, test_policies, 0, ROWS);
	tcase_add_test(tc, test_previous);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
