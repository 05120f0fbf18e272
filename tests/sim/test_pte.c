/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pte.c - entries bit by bit, as the architecture manuals draw them */
#include "hw/pte_code.h"
#include "kvtest.h"

enum {
	W = KV_PTE_W,
	X = KV_PTE_X,
	U = KV_PTE_U,
	G = KV_PTE_G,
	A = KV_PTE_A,
	M = KV_PTE_M,
	ALL = (1 << KV_PTE_ATTRS) - 1
};

/* A leaf written by hand from the bit layouts. */
static const struct {
	const char *format;
	kv_pa_t pa;
	unsigned level, attr;
	uint64_t entry;
} leaves[] = {
    /* pmap_qenter's RW|V|G|NX: NX 63, G 8, W 1, P 0 */
    {"amd64", 0x123456000, 0, W | G, 0x8000000123456103},
    /* an identity map's 2 MiB page: PS 7, D 6, A 5, W 1, P 0, no NX */
    {"amd64", 0x40000000, 1, W | X | A | M, 0x400000e3},
    {"amd64", 0xfffffc0000000, 2, U, 0x800fffffc0000085},
    {"amd64-la57", 0x7000, 0, X | U, 0x7005},
    /* UXN 54, PXN 53, DBM 51, SH 9:8 = 3, AP[2] 7, page 1:0 = 3 */
    {"arm64-4k", 0x40001000, 0, W | G, 0x0068000040001383},
    /* ... and written: AF 10, AP[2] clear */
    {"arm64-4k", 0x40001000, 0, W | G | A | M, 0x0068000040001703},
    /* kernel text: PXN clear, UXN set; a block has 1:0 = 1 */
    {"arm64-4k", 0x40200000, 1, X | G | A, 0x0040000040200781},
    /* user text: UXN clear, PXN set; nG 11, AP[1] 6 */
    {"arm64-4k", 0x40002000, 0, X | U | A, 0x0020000040002fc3},
    {"arm64-16k", 0x4000c000, 0, W | G, 0x006800004000c383},
    {"arm64-16k", 0x42000000, 1, W | G, 0x0068000042000381},
    {"arm64-64k", 0x40030000, 0, W | G, 0x0068000040030383},
    /* PPN at bit 10; D 7, A 6, G 5, U 4, X 3, W 2, R 1, V 0 */
    {"riscv-sv39", 0x80000000, 0, W | X | G | A | M, 0x200000ef},
    {"riscv-sv39", 0x80200000, 1, U, 0x20080013},
    {"riscv-sv48", 0x80003000, 0, W | G, 0x20000c27},
};

static uint64_t
leaf(const struct kv_pte_format *f, kv_pa_t pa, unsigned level, unsigned attr)
{
	return pa >> f->frame_shift | f->leaf[level] | kv_pte_encode(f, attr);
}

START_TEST(test_leaf)
{
	const struct kv_pte_format *f = kv_pte_find(leaves[_i].format);
	const uint64_t entry = leaves[_i].entry;

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(
	    leaf(f, leaves[_i].pa, leaves[_i].level, leaves[_i].attr), entry);
	ck_assert_uint_eq(kv_pte_decode(f, entry), leaves[_i].attr);
	ck_assert_uint_eq(kv_pte_frame(f, entry), leaves[_i].pa);
	ck_assert(kv_pte_on(&f->present, entry));
	ck_assert(leaves[_i].level == 0 || !kv_pte_on(&f->is_table, entry));
}
END_TEST

/* Tables: amd64 A U W P; arm64 valid and table; riscv V alone. */
START_TEST(test_table)
{
	static const struct {
		const char *format;
		kv_pa_t pa;
		uint64_t entry;
	} tables[] = {{"amd64", 0x5000, 0x5027}, {"amd64-la57", 0x5000, 0x5027},
	    {"arm64-4k", 0x41000000, 0x41000003},
	    {"arm64-16k", 0x41004000, 0x41004003},
	    {"arm64-64k", 0x41010000, 0x41010003},
	    {"riscv-sv39", 0x80001000, 0x20000401},
	    {"riscv-sv48", 0x80001000, 0x20000401}};
	const struct kv_pte_format *f = kv_pte_find(tables[_i].format);

	ck_assert_uint_eq(
	    tables[_i].pa >> f->frame_shift | f->table, tables[_i].entry);
	ck_assert(kv_pte_on(&f->present, tables[_i].entry));
	ck_assert(kv_pte_on(&f->is_table, tables[_i].entry));
	ck_assert_uint_eq(kv_pte_frame(f, tables[_i].entry), tables[_i].pa);
}
END_TEST

/* arm64: bit 52 of each member.  Svnapot: N 63, and the low four bits of the
 * frame are 1000 in all sixteen. */
START_TEST(test_groups)
{
	const struct kv_pte_format *arm = kv_pte_find("arm64-4k");
	const struct kv_pte_format *riscv = kv_pte_find("riscv-sv39");
	const uint64_t page = leaf(arm, 0x40013000, 0, W | G | A);
	const uint64_t napot = 0x80000000200060e7;

	ck_assert_uint_eq(kv_pte_join(arm, page, 4), page | UINT64_C(1) << 52);
	ck_assert_uint_eq(
	    kv_pte_alone(arm, page | UINT64_C(1) << 52, 4, 3), page);
	for (unsigned i = 0; i < 16; i++) {
		const uint64_t alone =
		    leaf(riscv, 0x80010000 + i * 0x1000, 0, W | G | A | M);

		ck_assert_uint_eq(kv_pte_join(riscv, alone, 4), napot);
		ck_assert_uint_eq(kv_pte_alone(riscv, napot, 4, i), alone);
	}
	ck_assert_uint_eq(
	    kv_pte_decode(riscv, napot), W | G | A | M | KV_PTE_CONTIG);
	ck_assert_uint_eq(kv_pte_group(arm, 0), 4);
	ck_assert_uint_eq(kv_pte_group(arm, 1), 4);
	ck_assert_uint_eq(kv_pte_group(arm, 2), 0);
	ck_assert_uint_eq(kv_pte_group(kv_pte_find("arm64-16k"), 0), 7);
	ck_assert_uint_eq(kv_pte_group(kv_pte_find("arm64-16k"), 1), 5);
	ck_assert_uint_eq(kv_pte_group(kv_pte_find("arm64-64k"), 0), 5);
	ck_assert_uint_eq(kv_pte_group(kv_pte_find("amd64"), 0), 0);
}
END_TEST

/* Any attributes come back; but arm64 cannot say M of what is not writable. */
START_TEST(test_round_trip)
{
	size_t count;
	const struct kv_pte_format *f = kv_pte_table(&count) + _i;

	for (unsigned attr = 0; attr <= ALL; attr++) {
		unsigned want = attr & ~(unsigned)KV_PTE_CONTIG;

		if (f->modified_is_write && (attr & W) == 0)
			want &= ~(unsigned)M;
		ck_assert_uint_eq(kv_pte_decode(f, leaf(f, 0, 0, attr)), want);
	}
}
END_TEST

/* I1, I2, I3 of pte.c. */
START_TEST(test_invariants)
{
	size_t count;
	const struct kv_pte_format *f = kv_pte_table(&count) + _i;
	const struct kv_machine *m = kv_machine_find(f->name);
	uint64_t taken = f->frame_mask | f->user_x.mask;

	ck_assert_uint_eq(
	    f->root_shift + (f->levels - 1) * f->pt_shift + f->page_shift,
	    f->va_bits);
	ck_assert_uint_eq(f->frame_mask & f->user_x.mask, 0);
	for (unsigned i = 0; i < KV_PTE_ATTRS; i++) {
		ck_assert_uint_eq(taken & f->attr[i].mask, 0);
		taken |= f->attr[i].mask;
	}
	for (unsigned l = 0; l < f->levels; l++)
		ck_assert_uint_eq(taken & f->leaf[l], 0);
	ck_assert_ptr_eq(kv_pte_find(f->name), f);
	if (m == NULL)
		return;
	ck_assert_uint_eq(m->page_shift, f->page_shift);
	ck_assert_uint_eq(m->pt_shift, f->pt_shift);
	ck_assert_uint_eq(m->pt_levels, f->levels);
	ck_assert_uint_eq(m->contig_order, kv_pte_group(f, 0));
}
END_TEST

/* Every machine has a format of its name. */
START_TEST(test_find)
{
	size_t count;
	const struct kv_machine *m = kv_machine_table(&count);

	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_nonnull(kv_pte_find(m[i].name));
	ck_assert_ptr_null(kv_pte_find("vax"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pte");
	TCase *tcase = tcase_create("pte");
	size_t count;

	(void)kv_pte_table(&count);
	tcase_add_loop_test(
	    tcase, test_leaf, 0, sizeof(leaves) / sizeof(leaves[0]));
	tcase_add_loop_test(tcase, test_table, 0, 7);
	tcase_add_test(tcase, test_groups);
	tcase_add_loop_test(tcase, test_round_trip, 0, (int)count);
	tcase_add_loop_test(tcase, test_invariants, 0, (int)count);
	tcase_add_test(tcase, test_find);
	suite_add_tcase(suite, tcase);
	return kv_test_main(suite);
}
