/* SPDX-License-Identifier: BSD-2-Clause */
/* test_cpus.c - several CPUs: a TLB each, shootdowns, the last image */
#include "hw/cpus.h"
#include "kvtest.h"

#define BASE (UINT64_C(513) << 30)
#define PAGE UINT64_C(4096)
enum { CPUS = 3, SPACE = 1, PAGES = 4 };

static struct kv_cpus *cpus;
static struct kv_pmap *pmap;

static struct kv_cpus *
new_cpus(const struct kv_cpus_config *like, bool tags)
{
	struct kv_tlb_config tlb = *kv_tlb_find("unlimited");
	struct kv_cpus_config cfg = *like;
	struct kv_cpus *result;

	tlb.tags = tags;
	cfg.tlb = &tlb;
	ck_assert_int_eq(kv_cpus_create(&cfg, &result), 0);
	return result;
}

/* Pages that are mapped, and touched by every CPU. */
static void
begin(const struct kv_cpus_config *like)
{
	struct kv_pmap_config cfg = {.format = kv_pte_find("amd64")};

	ck_assert_int_eq(kv_pmap_create(&cfg, &pmap), 0);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(pmap, BASE, 1 << 30, PAGES, KV_PTE_X), 0);
	cpus = new_cpus(like, true);
	for (unsigned cpu = 0; cpu < like->count; cpu++) {
		kv_cpus_run_on(cpus, cpu);
		for (unsigned i = 0; i < PAGES; i++)
			ck_assert_int_eq(kv_tlb_touch(cpus->tlb, pmap, SPACE,
					     BASE + i * PAGE, false, NULL),
			    KV_TLB_MISS);
	}
}

static void
end(void)
{
	kv_cpus_destroy(cpus);
	kv_pmap_destroy(pmap);
}

static uint64_t
entries(unsigned cpu)
{
	return kv_tlb_stats(kv_cpus_tlb_of(cpus, cpu)).entries;
}

/* What each flush leaves, of CPU 1 alone and of all. */
START_TEST(test_flushes)
{
	static const uint64_t left[] = {PAGES - 2, 0, 0, 0};
	const bool local = _i % 2 != 0;
	const int what = _i / 2;

	begin(&(struct kv_cpus_config){.count = CPUS,
	    .shootdown = local ? KV_SHOOTDOWN_LOCAL : KV_SHOOTDOWN_ALL});
	kv_cpus_run_on(cpus, 1);
	if (what == 0)
		kv_cpus_flush_range(cpus, SPACE, BASE, 2);
	else if (what == 1)
		kv_cpus_flush_tag(cpus, SPACE);
	else if (what == 2)
		kv_cpus_flush_nonglobal(cpus);
	else
		kv_cpus_flush_all(cpus);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		ck_assert_uint_eq(
		    entries(cpu), local && cpu != 1 ? PAGES : left[what]);
	ck_assert_uint_eq(cpus->shootdowns, local ? 0 : CPUS - 1);
	end();
}
END_TEST

/* A flush may reach less than the others do. */
START_TEST(test_reach)
{
	begin(&(struct kv_cpus_config){.count = CPUS});
	kv_cpus_run_on(cpus, 2);
	kv_cpus_reach(cpus, KV_SHOOTDOWN_LOCAL);
	kv_cpus_flush_range(cpus, SPACE, BASE, 1);
	kv_cpus_reach_end(cpus);
	ck_assert_uint_eq(entries(0) + entries(1), 2 * PAGES);
	ck_assert_uint_eq(entries(2), PAGES - 1);
	kv_cpus_flush_range(cpus, SPACE, BASE, 1);
	ck_assert_uint_eq(entries(0) + entries(1), 2 * PAGES - 2);
	end();
}
END_TEST

START_TEST(test_sums)
{
	struct kv_tlb_stats s;
	struct kv_diag diag;

	begin(&(struct kv_cpus_config){.count = CPUS});
	kv_cpus_run_on(cpus, 0);
	kv_tlb_touch(cpus->tlb, pmap, SPACE, BASE, false, NULL);
	kv_cpus_flush_range(cpus, SPACE, BASE, 3);
	s = kv_cpus_stats(cpus);
	ck_assert_uint_eq(s.misses, CPUS * PAGES);
	ck_assert_uint_eq(s.hits, 1);
	ck_assert_uint_eq(s.array[0].hits, 1);
	ck_assert_uint_eq(s.page_flushes, CPUS * 3);
	ck_assert_uint_eq(s.entries, CPUS * (PAGES - 3));
	ck_assert_uint_eq(s.reach, CPUS * (PAGES - 3) * PAGE);
	ck_assert_int_eq(kv_cpus_check(cpus, &diag), 0);
	end();
}
END_TEST

/* CPU 0 enters the first image, CPU 1 and then CPU 0 the second one: what CPU 0
 * flushes at last depends on whose memory says what was before. */
START_TEST(test_last)
{
	const struct kv_image first = {1, 1, BASE, 40},
			      second = {2, 2, BASE, 25};
	const bool shared = _i != 0;
	uint64_t by[2];

	cpus = new_cpus(
	    &(struct kv_cpus_config){
		.count = 2, .on_enter = KV_ENTRY_PREVIOUS, .shared = shared},
	    true);
	kv_cpus_enter(cpus, &first);
	kv_cpus_run_on(cpus, 1);
	kv_cpus_enter(cpus, &second);
	kv_cpus_run_on(cpus, 0);
	kv_cpus_enter(cpus, &second);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		by[cpu] = kv_tlb_stats(kv_cpus_tlb_of(cpus, cpu)).page_flushes;
	ck_assert_uint_eq(by[0], shared ? 0 : 40);
	ck_assert_uint_eq(by[1], shared ? 40 : 0);
	ck_assert_uint_eq(cpus->shootdowns, 0);
	kv_cpus_destroy(cpus);
}
END_TEST

static void
note_source(void *arg, const struct kv_event *event)
{
	*(const char **)arg = event->source;
}

/* The only TLB is the machine's; of several each is a CPU's. */
START_TEST(test_names)
{
	const char *source = NULL;
	const struct kv_tap tap = {note_source, &source};

	cpus = new_cpus(&(struct kv_cpus_config){.count = 1}, false);
	kv_cpus_listen(cpus, &tap);
	kv_cpus_flush_all(cpus);
	ck_assert_str_eq(source, "tlb");
	kv_cpus_destroy(cpus);
	cpus = new_cpus(&(struct kv_cpus_config){.count = 12}, false);
	kv_cpus_listen(cpus, &tap);
	kv_cpus_flush_all(cpus);
	ck_assert_str_eq(source, "cpu11");
	kv_cpus_destroy(cpus);
}
END_TEST

START_TEST(test_refused)
{
	struct kv_tlb_config none = {.narrays = 0};
	struct kv_cpus_config cfg = {.tlb = &none, .count = 2};

	cpus = NULL;
	ck_assert_int_eq(kv_cpus_create(&cfg, &cpus), EINVAL);
	cfg = (struct kv_cpus_config){.tlb = kv_tlb_find("unlimited")};
	ck_assert_int_eq(kv_cpus_create(&cfg, &cpus), EINVAL);
	ck_assert_ptr_null(cpus);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cpus");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, test_flushes, 0, 8);
	tcase_add_test(tc, test_reach);
	tcase_add_test(tc, test_sums);
	tcase_add_loop_test(tc, test_last, 0, 2);
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_refused);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
