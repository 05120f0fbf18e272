/* SPDX-License-Identifier: BSD-2-Clause */
/* test_verify.c - what a world maps, held against machines that may lie */
#include <stdlib.h>

#include "run/plant.h"
#include "run/verify.h"
#include "runrig.h"
#include "sim/fakemmu.h"

#define PAGE UINT64_C(4096)
#define MIB (UINT64_C(1) << 20)
#define KVA UINT64_C(0xfffffe0000000000)

static struct fake real;
static struct kv_verifier *verifier;
static struct kv_verify_config cfg;

static int
open_model(const struct kv_mmu_config *config, struct kv_mmu **mmu,
    const char **reason)
{
	*reason = "none";
	return kv_mmu_model_open(config, mmu);
}

static int
open_fake(const struct kv_mmu_config *config, struct kv_mmu **mmu,
    const char **reason)
{
	(void)config;
	(void)reason;
	*mmu = &real.mmu;
	return 0;
}

static int
open_nothing(const struct kv_mmu_config *config, struct kv_mmu **mmu,
    const char **reason)
{
	(void)config;
	(void)mmu;
	*reason = "of another make";
	return EOPNOTSUPP;
}

static int
open_broken(const struct kv_mmu_config *config, struct kv_mmu **mmu,
    const char **reason)
{
	(void)config;
	(void)mmu;
	*reason = "there is none";
	return ENOENT;
}

static void
setup(void)
{
	cfg = (struct kv_verify_config){
	    .seed = 7, .twin = open_model, .real = open_fake};
	fake_init(&real, "real", KVA);
}

static void
teardown(void)
{
	finish();
	kv_verifier_destroy(verifier);
}

static void
run_text(const char *text)
{
	struct kv_run_config rc = {.seed = 7, .audit = 1};

	kv_verifier_create(&cfg, &verifier);
	rc.verifier = verifier;
	ck_assert_int_eq(execute_text(&rc, text, ""), 0);
}

#define HEAD                       \
	"kvasir: 1\n"              \
	"machine: {memory: 16M}\n" \
	"kstacks: {policy: freebsd-d38852, first_kva: 0}\n"

/* 20 stacks: each page, each guard page; half of them go. */
START_TEST(test_agree)
{
	run_text(HEAD "work:\n"
		      "  - spawn: {count: 20}\n"
		      "  - verify: {as: first}\n"
		      "  - dispose: {count: 10}\n"
		      "  - verify: {access: read}\n");
	ck_assert_uint_eq(run->nviolations, 0);
	ck_assert_uint_eq(figure("verify.machines"), 2);
	ck_assert_uint_eq(figure("verify.points"), 2);
	ck_assert_uint_eq(figure("verify.pages"), 80 + 40);
	ck_assert_uint_eq(figure("verify.guards"), 20 + 10);
	ck_assert_uint_eq(figure("verify.unmapped"), 40);
	ck_assert_uint_eq(figure("verify.edits"), 20 + 10);
	ck_assert_uint_eq(figure("verify.overflows"), 8);
	ck_assert_uint_eq(figure("verify.first.l0"), 80);
	/* slot 10: pages 51 to 54 of the KVA, pindexes 40 to 43 */
	ck_assert(real.pages[51].mapped && !real.pages[50].mapped);
	ck_assert_uint_eq(real.pages[51].pa, 40 * PAGE);
	ck_assert_uint_eq(real.pages[54].pa, 43 * PAGE);
	ck_assert(!real.pages[49].mapped);
}
END_TEST

/* The linear scheme leaves out the page of each guard. */
START_TEST(test_linear)
{
	run_text("kvasir: 1\nmachine: {memory: 16M}\n"
		 "kstacks: {policy: freebsd-linear, first_kva: 0}\n"
		 "work: [{spawn: {count: 3}}, {spawn: {count: 1, pages: 2}}, "
		 "{verify: {}}]\n");
	ck_assert_uint_eq(run->nviolations, 0);
	ck_assert_uint_eq(real.pages[1].pa, PAGE);
	ck_assert_uint_eq(real.pages[6].pa, 6 * PAGE);
	ck_assert_uint_eq(real.pages[14].pa, 14 * PAGE);
}
END_TEST

/* Another object, another window; other pages stand at their frames. */
START_TEST(test_backing)
{
	run_text(HEAD "objects: {mem: {pages: 512}}\n"
		      "work:\n"
		      "  - spawn: {count: 1}\n"
		      "  - spawn: {count: 1, pages: 2}\n"
		      "  - map: {va: machine.kva_start + 64M, pages: 512, "
		      "object: mem}\n"
		      "  - verify: {}\n");
	ck_assert_uint_eq(run->nviolations, 0);
	ck_assert_uint_eq(real.pages[1].pa >> 30, 0);
	ck_assert_uint_eq(real.pages[16384].level, 1);
	ck_assert_uint_eq(real.pages[16384].pa % (2 * MIB), 0);
	ck_assert_uint_ne(real.pages[16384].pa >> 30, 0);
	ck_assert_uint_eq(figure("verify.pages"), 4 + 2 + 512);
}
END_TEST

/* What is said of a lie: invariant, and the words for the address. */
static const struct {
	enum fake_lie lie;
	uint64_t page;
	const char *id, *words;
} lies[] = {
    {FAKE_NO_FAULT, 5, "mmu-I2",
	"guard page 1 below the stack at 0xfffffe0000006000: a write must end "
	"in a fault (not present, write); model: a fault (not present, "
	"write); real: no fault"},
    {FAKE_EXTRA_FAULT, 7, "mmu-I2",
	"page 1 of 4 of the stack at 0xfffffe0000006000, pindex 5: a write "
	"must end in no fault; model: no fault; real: a fault (not present, "
	"write)"},
    {FAKE_WRONG_FRAME, 7, "mmu-I3",
	"page 1 of 4 of the stack at 0xfffffe0000006000, pindex 5: expected "
	"0x5000 by a leaf of level 0, W, A, M; model: 0x5000 by a leaf of "
	"level 0, W, A, M; real: 0x4000 by a leaf of level 0, W, A, M"},
    {FAKE_READ_ONLY, 7, "mmu-I3", "real: 0x5000 by a leaf of level 0, read-"},
    {FAKE_NO_ACCESSED, 7, "mmu-I4", "real: 0x5000 by a leaf of level 0, W, M"},
    {FAKE_NO_MODIFIED, 7, "mmu-I4", "real: 0x5000 by a leaf of level 0, W, A"},
    {FAKE_REFUSES, 7, "mmu-I1", "real: to map fails"}};

START_TEST(test_lies)
{
	real.lie = lies[_i].lie;
	real.at = KVA + lies[_i].page * PAGE;
	run_text(HEAD "work: [{spawn: {count: 400}}, {verify: {}}, "
		      "{verify: {}}, {overflow: {}}]\n");
	ck_assert_uint_eq(run->nviolations, 1);
	ck_assert_str_eq(run->violations[0].id, lies[_i].id);
	ck_assert_msg(strstr(run->violations[0].text, lies[_i].words) != NULL,
	    "%s", run->violations[0].text);
	ck_assert(!kv_run_passed(run));
}
END_TEST

/* A lie that only the unmapped neighbour shows. */
START_TEST(test_stale)
{
	real.lie = FAKE_UNMAP_IGNORED;
	real.at = KVA + 2 * PAGE;
	run_text(HEAD "work: [{spawn: {count: 10}}, {verify: {}}, "
		      "{dispose: {count: 1}}, {verify: {}}]\n");
	ck_assert_uint_eq(run->nviolations, 1);
	ck_assert_uint_eq(run->violations[0].address / PAGE, KVA / PAGE + 2);
	ck_assert_ptr_nonnull(strstr(run->violations[0].text,
	    "KVA of a stack arena, no stack there: a write must end in a "
	    "fault"));
}
END_TEST

/* Planted faults are found without another machine, too. */
START_TEST(test_plants)
{
	static const char *const ids[] = {
	    "mmu-I2", "mmu-I2", "mmu-I3", "mmu-I2"};

	kv_plants_add(&cfg.plants, (enum kv_plant)(_i / 2));
	cfg.real = _i % 2 != 0 ? open_fake : NULL;
	run_text(HEAD "work: [{verify: {}}, {spawn: {count: 100}}, "
		      "{verify: {guards: all}}]\n");
	ck_assert_uint_eq(run->nviolations, 1);
	ck_assert_str_eq(run->violations[0].id, ids[_i / 2]);
	ck_assert_uint_eq(figure("verify.machines"), 1 + (unsigned)_i % 2);
}
END_TEST

/* Guards: so many of them, in any case not more. */
START_TEST(test_sample)
{
	run_text(HEAD "work: [{spawn: {count: 500}}, "
		      "{verify: {guards: 33}}, {verify: {guards: 499}}, "
		      "{verify: {guards: 501}}]\n");
	ck_assert_uint_eq(run->nviolations, 0);
	ck_assert_uint_eq(figure("verify.guards"), 33 + 499 + 500);
}
END_TEST

/* Under shadow paging, where CPL 0 is native, most pages of a large space start
 * used, and it is seen of the others that they do not. */
static const struct {
	const char *paging;
	bool native;
	const char *stacks;
	size_t pages, least, most; /* in all; unmodified after a read */
} uses[] = {{"shadow", true, "4200", 16800, 131, 525},
    {"shadow", true, "4096", 16384, 16384, 16384},
    {"shadow", false, "4200", 16800, 16800, 16800},
    {"nested", true, "4200", 16800, 16800, 16800}};

START_TEST(test_used)
{
	const unsigned am = KV_PTE_A | KV_PTE_M;
	size_t unmodified = 0, pages = 0, i;
	char text[300];

	real.mmu.caps.paging = uses[_i].paging;
	real.mmu.caps.cpl0_native = uses[_i].native;
	snprintf(text, sizeof(text),
	    "kvasir: 1\nmachine: {memory: 128M}\n"
	    "kstacks: {policy: freebsd-d38852, first_kva: 0}\n"
	    "work: [{spawn: {count: %s}}, {verify: {access: read}}]\n",
	    uses[_i].stacks);
	run_text(text);
	ck_assert_msg(run->nviolations == 0, "%s", run->violations[0].text);
	for (i = 0; i < FAKE_PAGES; i++) {
		if (!real.pages[i].mapped)
			continue;
		ck_assert((real.pages[i].attr & KV_PTE_A) != 0);
		unmodified += (real.pages[i].attr & am) == KV_PTE_A;
		pages++;
	}
	ck_assert_uint_eq(pages, uses[_i].pages);
	ck_assert_uint_eq(figure("verify.unused"), unmodified);
	ck_assert_uint_ge(unmodified, uses[_i].least);
	ck_assert_uint_le(unmodified, uses[_i].most);
}
END_TEST

/* Overflow: from the top, through the stack; without guard into the next. */
START_TEST(test_overflow)
{
	run_text(HEAD "work: [{spawn: {count: 3}}, {overflow: {count: 9}}]\n");
	ck_assert_uint_eq(run->nviolations, 0);
	ck_assert_uint_eq(figure("verify.overflows"), 3);
	ck_assert_uint_eq(
	    real.pages[1].attr, KV_PTE_W | KV_PTE_G | KV_PTE_A | KV_PTE_M);
	ck_assert_uint_eq(figure("verify.points"), 0);
}
END_TEST

/* A machine of another make: the model alone, and why. */
START_TEST(test_alone)
{
	const char *reason = NULL;

	cfg.real = open_nothing;
	run_text(HEAD "work: [{spawn: {count: 3}}, {verify: {}}]\n");
	ck_assert_uint_eq(run->nviolations, 0);
	ck_assert_uint_eq(figure("verify.machines"), 1);
	ck_assert_ptr_null(kv_verifier_caps(verifier, &reason));
	ck_assert_str_eq(reason, "of another make");
}
END_TEST

/* One that cannot be opened: known before the run, or a violation. */
START_TEST(test_broken)
{
	const char *reason = NULL;

	cfg.real = open_broken;
	run_text(HEAD "work: [{spawn: {count: 3}}, {verify: {}}]\n");
	ck_assert_uint_eq(run->nviolations, 1);
	ck_assert_str_eq(run->violations[0].id, "mmu-I1");
	ck_assert_int_eq(
	    kv_verifier_open(verifier, kv_pte_find("amd64"), &reason), ENOENT);
	ck_assert_str_eq(reason, "there is none");
}
END_TEST

static const char *const formats[] = {
    "amd64", "arm64-4k", "arm64-16k", "arm64-64k", "riscv-sv39", "riscv-sv48"};

/* The model alone holds for every format that has kernel stacks. */
START_TEST(test_formats)
{
	char text[300];

	ck_assert_ptr_nonnull(kv_machine_find(formats[_i]));
	cfg.real = NULL;
	snprintf(text, sizeof(text),
	    "kvasir: 1\nmachine: {name: %s, memory: 64M}\n"
	    "kstacks: {policy: freebsd-d38852, scheme: old}\n"
	    "work: [{spawn: {count: 50}}, {verify: {guards: all}}, "
	    "{dispose: {count: 20, order: random}}, {verify: {}}]\n",
	    formats[_i]);
	run_text(text);
	ck_assert_msg(run->nviolations == 0, "%s", run->violations[0].text);
	ck_assert_uint_eq(figure("verify.points"), 2);
}
END_TEST

/* A user's space has the lower half, which may have a root of its own. */
START_TEST(test_users)
{
	char text[300];

	cfg.real = NULL;
	snprintf(text, sizeof(text),
	    "kvasir: 1\nmachine: {name: %s, memory: 64M}\n"
	    "spaces: {u: {promotion: false}}\n"
	    "work: [{map: {space: u, va: 8G, pa: 0, size: 256K, prot: rw}}, "
	    "{verify: {}}]\n",
	    formats[_i]);
	run_text(text);
	ck_assert_msg(run->nviolations == 0, "%s", run->violations[0].text);
	ck_assert_uint_ne(figure("verify.pages"), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("verify");
	TCase *t = tcase_create("verify");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_agree);
	tcase_add_test(t, test_linear);
	tcase_add_test(t, test_backing);
	tcase_add_loop_test(t, test_lies, 0, sizeof(lies) / sizeof(lies[0]));
	tcase_add_test(t, test_stale);
	tcase_add_loop_test(t, test_plants, 0, 2 * (KV_PLANT_WRITE + 1));
	tcase_add_test(t, test_sample);
	tcase_add_loop_test(t, test_used, 0, sizeof(uses) / sizeof(uses[0]));
	tcase_add_test(t, test_overflow);
	tcase_add_test(t, test_alone);
	tcase_add_test(t, test_broken);
	tcase_add_loop_test(t, test_formats, 0, 6);
	tcase_add_loop_test(t, test_users, 0, 6);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
