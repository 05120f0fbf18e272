/* SPDX-License-Identifier: BSD-2-Clause */
/* test_machine.c - the invariants of every row, and what the spec measured */
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

START_TEST(rows)
{
	size_t count;
	const struct kv_machine *m = &kv_machine_table(&count)[_i];
	uint64_t page = kv_machine_page_size(m);
	uint64_t reserv = kv_machine_reserv_size(m);

	ck_assert_ptr_eq(kv_machine_find(m->name), m); /* names are unique */
	ck_assert_uint_gt(strlen(m->about), 0);
	ck_assert_uint_eq(m->reserv_order, m->pt_shift);  /* I1 */
	ck_assert_uint_ge(m->max_order, m->reserv_order); /* I2 */
	ck_assert_uint_lt(m->max_order, KV_PHYS_ORDERS);
	ck_assert_uint_eq(m->kva_start % reserv, 0); /* I3 */
	ck_assert_uint_eq(m->kva_end % reserv, 0);
	ck_assert_uint_lt(m->kva_start, m->kva_end);
	/* a page table is one page of 8-byte entries */
	ck_assert_uint_eq(UINT64_C(8) << m->pt_shift, page);
	ck_assert_uint_eq(reserv, page << m->reserv_order);
	ck_assert_uint_lt(m->reserv_sub, m->reserv_order);
	ck_assert_uint_lt(m->contig_order, m->reserv_order);
	ck_assert_uint_gt(m->kstack_pages, 0);
	ck_assert_uint_le(m->kstack_pages, m->kstack_max);
	ck_assert_uint_le(m->kstack_max, KV_KSTACK_PAGES_MAX);
	ck_assert_uint_gt(m->domain_import, 0);
	ck_assert_uint_eq(m->lowmem_end % page, 0);
	ck_assert_uint_eq(m->dma32_end % page, 0);
}
END_TEST

/* freebsd.md 2, 3.1, 4.1, 4.3 */
START_TEST(measured)
{
	const struct kv_machine *m = kv_machine_find("amd64");

	ck_assert_uint_eq(kv_machine_reserv_size(m), 2 << 20);
	ck_assert_uint_eq(m->kva_start, UINT64_C(0xfffffe0000000000));
	ck_assert_uint_eq(m->max_order, 12);
	ck_assert_uint_eq(m->lowmem_end, 16 << 20);
	ck_assert_uint_eq(m->domain_import, 128);
	ck_assert_uint_eq(m->kstack_max, 32);
	m = kv_machine_find("arm64-4k");
	ck_assert_uint_eq(kv_machine_reserv_size(m), 2 << 20);
	ck_assert_uint_eq(m->reserv_sub, 4);
	ck_assert_uint_eq(m->kva_start, UINT64_C(0xffff000000000000));
	m = kv_machine_find("arm64-16k");
	ck_assert_uint_eq(kv_machine_reserv_size(m), 32 << 20);
	ck_assert_uint_eq(m->reserv_sub, 7);
	ck_assert_ptr_null(kv_machine_find("vax"));
	ck_assert_ptr_null(kv_machine_find(""));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("machine");
	TCase *t = tcase_create("table");
	size_t count;

	kv_machine_table(&count);
	tcase_add_loop_test(t, rows, 0, (int)count);
	tcase_add_test(t, measured);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
