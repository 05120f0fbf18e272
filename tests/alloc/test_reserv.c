/* SPDX-License-Identifier: BSD-2-Clause */
/* test_reserv.c - reservations: creation, queue, break, and stack figures */
#include <stdlib.h>

#include "alloc/kv.h"
#include "kvtest.h"

/* One machine with one object. */
struct rig {
	struct kv_host host;
	struct kv_phys *phys;
	struct kv_reserv *rv;
	struct kv_object *obj;
};

static void
rig_open(struct rig *rig, const struct kv_phys_range *ranges, size_t nranges,
    unsigned ndomains)
{
	struct kv_phys_config pc = {.machine = kv_machine_find("amd64"),
	    .ranges = ranges,
	    .nranges = nranges,
	    .ndomains = ndomains,
	    .host = &rig->host};
	struct kv_reserv_config rc;
	struct kv_object_config oc = {.name = "kst",
	    .size = UINT64_C(1) << 40,
	    .colored = true,
	    .host = &rig->host};

	kv_host_libc(&rig->host);
	ck_assert_int_eq(kv_phys_create(&pc, &rig->phys), 0);
	rc = (struct kv_reserv_config){.phys = rig->phys, .host = &rig->host};
	ck_assert_int_eq(kv_reserv_create(&rc, &rig->rv), 0);
	ck_assert_int_eq(kv_object_create(&oc, &rig->obj), 0);
}

static void
rig_check(const struct rig *rig)
{
	struct kv_diag diag = {0};

	ck_assert_msg(kv_phys_check(rig->phys, &diag) == 0 &&
			  kv_object_check(rig->obj, &diag) == 0 &&
			  kv_reserv_check(rig->rv, &diag) == 0,
	    "%s I%u at %llx: %s", diag.module, diag.invariant,
	    (unsigned long long)diag.address, diag.text);
}

static void
rig_close(struct rig *rig)
{
	kv_object_destroy(rig->obj);
	kv_reserv_destroy(rig->rv);
	kv_phys_destroy(rig->phys);
	ck_assert_uint_eq(rig->host.bytes, 0);
}

/*
 * Section "Kernel stacks, measured" of phys.md, where KVA does not matter: a
 * stack takes four pages at step * its number + first.
 */
static void
fill(struct rig *rig, unsigned stacks, unsigned step, unsigned first)
{
	for (unsigned i = 0; i < stacks; i++) {
		kv_reserv_tick(rig->rv, 1);
		ck_assert_int_eq(kv_page_alloc(rig->rv, rig->obj,
				     (kv_pindex_t)step * i + first, 4, 0, NULL),
		    0);
	}
	rig_check(rig);
}

static const struct {
	unsigned stacks, step, first, reservations, full, idle;
} measured[] = {
    {1, 5, 1, 1, 0, 508},
    {1, 4, 0, 1, 0, 508},
    {102, 5, 1, 1, 0, 104},
    {511, 5, 1, 5, 0, 516},
    {511, 4, 0, 4, 3, 4},
    {1000, 5, 1, 10, 0, 1120},
    {10000, 5, 1, 98, 0, 10176},
};

START_TEST(stack_figures)
{
	const struct kv_phys_range memory = {16 << 20, 256 << 20, 0};
	struct kv_reserv_stats s;
	struct rig rig;

	rig_open(&rig, &memory, 1, 1);
	fill(&rig, measured[_i].stacks, measured[_i].step, measured[_i].first);
	s = kv_reserv_stats(rig.rv);
	ck_assert_uint_eq(s.full + s.partial, measured[_i].reservations);
	ck_assert_uint_eq(s.full, measured[_i].full);
	ck_assert_uint_eq(s.populated, 4 * measured[_i].stacks);
	ck_assert_uint_eq(s.unused_pages, measured[_i].idle);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reserv");
	TCase *t = tcase_create("figures");

	tcase_add_loop_test(
	    t, stack_figures, 0, (int)(sizeof(measured) / sizeof(measured[0])));
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
