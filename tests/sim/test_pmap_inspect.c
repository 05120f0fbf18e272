/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_inspect.c - the check names what is wrong, by its number */
#include "hw/pmap_parts.h"
#include "pmaprig.h"

enum { W = KV_PTE_W, A = KV_PTE_A };

static struct rig rig;
static kv_va_t va;

/* Two groups of 16, a block, tables of levels 0 to 3. */
static void
setup(void)
{
	rig_start(&rig, kv_pte_find("arm64-4k"));
	va = rig_kva(&rig);
	rig_enter(&rig, va, 0, 16, W, 1);
	rig_enter(
	    &rig, va + 16 * rig_page(&rig), 16 * rig_page(&rig), 16, W, 1);
	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va + rig_super(&rig),
			     rig_super(&rig), 1, 1, W),
	    0);
	rig_check(&rig);
}

/* The tables of va: of level 0 and above it. */
static struct kv_pt *
table(unsigned level)
{
	struct kv_pt *t = rig.pmap->root;

	while (t->level != level)
		t = t->child[kv_pt_index(rig.pmap, va, t->level)];
	return t;
}

static void
damage(int how)
{
	struct kv_pt *base = table(0), *up = table(1);

	switch (how) {
	case 0: /* the entry names another page */
		up->entry[0] += rig_page(&rig);
		break;
	case 1: /* two tables in one page */
		base->pa = up->pa;
		up->entry[0] = up->pa | rig.f->table;
		break;
	case 2:
		rig.pmap->stats.pt_level[1]++;
		break;
	case 3:
		base->count++;
		break;
	case 4: /* not valid */
		base->entry[3] &= ~UINT64_C(1);
		break;
	case 5: /* a block at an address that is none for it */
		up->entry[1] += rig_page(&rig);
		break;
	case 6: /* memory type of a device, say */
		base->entry[40] = base->entry[3] | 4;
		base->count++;
		break;
	case 7: /* a leaf in the root */
		rig.pmap->root->entry[0] = up->entry[1];
		rig.pmap->root->count++;
		break;
	case 8: /* one member of the group says no */
		base->entry[17] &= ~rig.pmap->contig;
		break;
	case 9: /* two members swapped */
		base->entry[18] ^= UINT64_C(1) << 12;
		base->entry[19] ^= UINT64_C(1) << 12;
		break;
	case 10: /* one is read-only */
		base->entry[18] &= ~rig.f->attr[KV_PTE_W_BIT].mask;
		break;
	case 11:
		rig.pmap->stats.leaves[1]++;
		break;
	case 12:
		rig.pmap->stats.grouped--;
		break;
	case 13:
		rig.pmap->stats.spoilers++;
		break;
	case 14:
		rig.pmap->stats.p_failures++;
		break;
	default:
		rig.pmap->pages++;
	}
}

START_TEST(test_check)
{
	static const unsigned invariant[] = {
	    1, 1, 1, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6};
	struct kv_diag diag = {.module = ""};

	setup();
	damage(_i);
	ck_assert_int_eq(kv_pmap_check(rig.pmap, &diag), EFAULT);
	ck_assert_str_eq(diag.module, "pmap");
	ck_assert_uint_eq(diag.invariant, invariant[_i]);
	ck_assert_int_eq(kv_pmap_check(rig.pmap, NULL), EFAULT);
}
END_TEST

START_TEST(test_tells)
{
	struct kv_leaf leaf;

	setup();
	ck_assert_ptr_eq(kv_pmap_format(rig.pmap), rig.f);
	ck_assert_int_eq(kv_pmap_extract(rig.pmap, 0, &leaf), EINVAL);
	ck_assert_int_eq(kv_pmap_extract(rig.pmap, va - 1, &leaf), ENOENT);
	ck_assert_uint_eq(rig.table[0][kv_pt_index(rig.pmap, va, 3)] & 3, 3);
	ck_assert_uint_eq(kv_pmap_root(rig.pmap), 0);
	rig_stop(&rig);
	kv_pmap_destroy(NULL);
}
END_TEST

/* The decoding by tables is that of the format, for every attribute. */
START_TEST(test_attr)
{
	size_t rows;
	const struct kv_pte_format *f = kv_pte_table(&rows) + _i;

	rig_start(&rig, f);
	for (unsigned attr = 0; attr < 1u << KV_PTE_ATTRS; attr++) {
		const kv_pa_t high = f->frame_mask << f->frame_shift;
		const uint64_t entry = kv_pt_leaf(rig.pmap, high, 0, attr);
		const uint64_t grouped = kv_pte_join(f, entry, 4);

		ck_assert_uint_eq(
		    kv_pt_attr(rig.pmap, entry), kv_pte_decode(f, entry));
		ck_assert_uint_eq(
		    kv_pt_attr(rig.pmap, grouped), kv_pte_decode(f, grouped));
	}
	rig_stop(&rig);
}
END_TEST

/* A root in the lower half takes its addresses alone. */
START_TEST(test_low_half)
{
	struct kv_pmap_config cfg = {
	    .format = kv_pte_find("arm64-16k"), .low_half = true};
	struct kv_pmap *low;
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_pmap_create(&cfg, &low), 0);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(low, UINT64_C(0xffff000000000000), 0, 1, W),
	    EINVAL);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(low, UINT64_C(0xffffffffc000), 0, 1, W), 0);
	ck_assert_int_eq(
	    kv_pmap_extract(low, UINT64_C(0xffffffffffff), &leaf), 0);
	ck_assert_uint_eq(leaf.va, UINT64_C(0xffffffffc000));
	ck_assert_int_eq(
	    kv_pmap_qenter_run(low, UINT64_C(0xffffffffc000), 0, 2, W), EINVAL);
	kv_pmap_destroy(low);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap_inspect");
	TCase *tcase = tcase_create("pmap_inspect");
	size_t rows;

	(void)kv_pte_table(&rows);

	tcase_add_loop_test(tcase, test_check, 0, 16);
	tcase_add_test(tcase, test_tells);
	tcase_add_loop_test(tcase, test_attr, 0, (int)rows);
	tcase_add_test(tcase, test_low_half);
	suite_add_tcase(suite, tcase);
	return kv_test_main(suite);
}
