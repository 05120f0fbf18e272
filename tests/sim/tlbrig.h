/* SPDX-License-Identifier: BSD-2-Clause */
/* tlbrig.h - a translation cache under test, before a space on plain frames */
#ifndef KV_TEST_TLBRIG_H
#define KV_TEST_TLBRIG_H

#include "hw/tlb_parts.h"
#include "kvtest.h"

#define BASE (UINT64_C(0xffffff80) << 32)
#define PAGE UINT64_C(4096)
#define FRAMES (UINT64_C(1) << 30)

static inline struct kv_pmap *
new_pmap(const char *format)
{
	struct kv_pmap_config cfg = {.format = kv_pte_find(format)};
	struct kv_pmap *pmap;

	ck_assert_int_eq(kv_pmap_create(&cfg, &pmap), 0);
	return pmap;
}

static inline void
map(struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa, size_t n, unsigned attr)
{
	ck_assert_int_eq(kv_pmap_qenter_run(pmap, va, pa, n, attr), 0);
}

static inline void
unmap(struct kv_pmap *pmap, kv_va_t va, size_t n)
{
	ck_assert_int_eq(kv_pmap_qremove(pmap, va, n), 0);
}

/* One array for base pages and superpages. */
static inline struct kv_tlb *
new_tlb(unsigned sets, unsigned ways, unsigned coalesce, bool tags)
{
	struct kv_tlb_config cfg = {
	    .arrays = {{.sets = sets, .ways = ways, .levels = 3}},
	    .narrays = 1,
	    .coalesce = coalesce,
	    .tags = tags};
	struct kv_tlb *tlb;

	ck_assert_int_eq(kv_tlb_create(&cfg, &tlb), 0);
	return tlb;
}

static inline enum kv_tlb_result
rd(struct kv_tlb *tlb, struct kv_pmap *pmap, unsigned page)
{
	return kv_tlb_touch(tlb, pmap, 0, BASE + page * PAGE, false, NULL);
}

static inline void
check(const struct kv_tlb *tlb)
{
	struct kv_diag diag = {.text = "?"};

	ck_assert_msg(kv_tlb_check(tlb, &diag) == 0, "%s", diag.text);
}

#endif
