/* SPDX-License-Identifier: BSD-2-Clause */
/* test_capture.c - states of real kernels: what is read, what is refused */
#include <stdio.h>

#include "in/capture.h"
#include "input.h"
#include "kvtest.h"
#include "run/measure_capture.h"
#include "run/rng.h"

static struct kv_capture capture;
static struct kv_captured captured;
static struct kv_errors errors;
static const struct kv_machine *machine;

static void
setup(void)
{
	machine = kv_machine_find("amd64");
}

static void
teardown(void)
{
	kv_captured_fini(&captured);
	kv_capture_fini(&capture);
	kv_errors_fini(&errors);
	input_remove();
}

static void
read_good(const char *text)
{
	int error =
	    kv_capture_read(input_file(text), machine, &capture, &errors);

	ck_assert_msg(error == 0, "%s",
	    errors.count != 0 ? errors.list[0].text : "no message");
	kv_capture_measure(&capture, machine, &captured);
}

static const struct kv_metric *
figure(const char *zone, const char *name)
{
	size_t i;

	for (i = 0; i < captured.count; i++)
		if (strcmp(captured.zones[i].name, zone) == 0)
			return kv_metrics_find(
			    &captured.zones[i].metrics, name);
	return NULL;
}

#define ck_figure(zone, name, value)                                       \
	do {                                                               \
		ck_assert_msg(figure(zone, name) != NULL, "no %s", name);  \
		ck_assert_int_eq(                                          \
		    (int64_t)(figure(zone, name)->kind == KV_METRIC_SIGNED \
				  ? figure(zone, name)->i                  \
				  : (int64_t)figure(zone, name)->u),       \
		    value);                                                \
	} while (0)

/* ---- What is read ----------------------------------------------------- */

/* The lists of metrics.md as the kernel would print them. */
static const char buddyinfo[] =
    "Node 0, zone      DMA   1983      0      0      0      0      0      0"
    "      0      0      0      0 \n"
    "Node 1, zone   Normal      1 0 0 0 0 0 0 0 0 0 0\r\n";

START_TEST(test_buddyinfo)
{
	static const int64_t dma[] = {
	    -1000, 500, 750, 875, 937, 969, 984, 992, 996, 998, 999};
	static const int64_t normal[] = {
	    -1000, -500, -250, -125, -62, -31, -15, -7, -3, -1, 0};
	static const int64_t fmfi[] = {
	    0, 500, 750, 875, 938, 969, 985, 993, 997, 999, 1000};
	char name[32];
	int i;

	read_good(buddyinfo);
	ck_assert_int_eq(capture.kind, KV_CAPTURE_BUDDYINFO);
	ck_assert_uint_eq(captured.count, 2);
	for (i = 0; i < 11; i++) {
		snprintf(name, sizeof(name), "phys.frag_index.o%d", i);
		ck_figure("node0.DMA", name, dma[i]);
		ck_figure("node1.Normal", name, normal[i]);
		snprintf(name, sizeof(name), "phys.fmfi.o%d", i);
		ck_figure("node0.DMA", name, fmfi[i]);
	}
	/* What the file does not say is not made up. */
	ck_assert_ptr_null(figure("node0.DMA", "phys.largest_free"));
	ck_assert_ptr_null(figure("node0.DMA", "phys.target_fragmentation"));
	ck_assert_ptr_null(figure("node0.DMA", "phys.compaction_score"));
}
END_TEST

static const char phys_free[] = "vm.phys_free: \n"
				"DOMAIN 0:\n"
				"\n"
				"FREE LIST 0:\n"
				"\n"
				"  ORDER (SIZE)  |  NUMBER\n"
				"                |  POOL 0  |  POOL 1\n"
				"--            -- --      -- --      --\n"
				"   9 (  2048K)  |       3  |       1\n"
				"   0 (     4K)  |     100  |      50\n"
				"\n"
				"FREE LIST 1:\n"
				"   0 (     4K)  |       7\n"
				"DOMAIN 1:\n"
				"FREE LIST 0:\n"
				"   0 (     4K)  |       8  |       0\n";

/* Pools are added up; a domain with two lists has three objects. */
START_TEST(test_phys_free)
{
	read_good(phys_free);
	ck_assert_uint_eq(captured.count, 4);
	ck_figure("domain0.list0", "phys.queued_pages", 4 * 512 + 150);
	ck_figure("domain0.list0", "phys.free_huge", 4);
	ck_figure("domain0.list1", "phys.blocks.o0", 7);
	ck_figure("domain0", "phys.blocks.o0", 157);
	ck_figure("domain0", "phys.free_blocks", 161);
	ck_figure("domain1", "phys.free_blocks", 8);
	ck_assert_ptr_null(figure("domain1.list0", "phys.free_blocks"));
	/* 1000 - (2205 * 1000 / 512) / 161 */
	ck_figure("domain0", "phys.fmfi.o9", 1000 - 4306 / 161);
}
END_TEST

START_TEST(test_phys_free_bare)
{
	read_good("FREE LIST 0:\n0 (4K) | 5\n1 (8K) | 2\n");
	ck_assert_uint_eq(captured.count, 1);
	ck_figure("domain0", "phys.queued_pages", 9);
}
END_TEST

static const char partpopq[] = "vm.reserv.partpopq: \n"
			       "DOMAIN    LEVEL     SIZE  NUMBER\n"
			       "\n"
			       "     0,      -1,   2080K,      2\n"
			       "     1,      -1,      0K,      0\n";

START_TEST(test_partpopq)
{
	read_good(partpopq);
	ck_assert_uint_eq(captured.count, 2);
	ck_figure("domain0", "reserv.partial", 2);
	ck_figure("domain0", "reserv.unused_pages", 520);
	ck_figure("domain1", "reserv.unused_pages", 0);
}
END_TEST

/* Two levels, pages of 16 KiB. */
START_TEST(test_partpopq_levels)
{
	machine = kv_machine_find("arm64-16k");
	read_good("DOMAIN LEVEL SIZE NUMBER\n0, -1, 160K, 1\n0, 0, 32K, 3\n");
	ck_figure("domain0.level-1", "reserv.unused_pages", 10);
	ck_figure("domain0.level0", "reserv.unused_pages", 2);
}
END_TEST

/* 0x5ff000 ends one page short of a superpage: the review's "511". */
static const char kernel_maps[] =
    "vm.pmap.kernel_maps: \n"
    "Direct map:\n"
    "0xfffff80000000000-0xfffff80040000000 rw-s- WB 1 0 0\n"
    "\n"
    "Kernel map:\n"
    "0xfffffe0000000000-0xfffffe00005ff000 rw-sg WB 0 2 511\n"
    "0xfffffe0000600000-0xfffffe0000800000 rw-sg WB 0 1 0\n"
    "0xfffffe0000800000-0xfffffe0000801000 r--sg WB 0 0 1\n"
    "0xfffffe0000803000-0xfffffe0000805000 r--sg WB 0 0 2\n";

START_TEST(test_kernel_maps)
{
	read_good(kernel_maps);
	ck_assert_uint_eq(captured.count, 2);
	ck_figure("direct", "pmap.leaves.o18", 1);
	ck_figure("direct", "map.pages", 512 * 512);
	ck_assert(figure("direct", "pmap.promoted_fraction")->r == 1);
	ck_figure("kernel", "map.pages", 1535 + 512 + 1 + 2);
	/* attributes and holes part the runs */
	ck_figure("kernel", "map.virtual.runs", 4);
	ck_figure("kernel", "pmap.leaves.o9", 3);
	ck_figure("kernel", "pmap.leaves.o0", 514);
	ck_figure("kernel", "pmap.spoiler_holes", 1);
	ck_assert_uint_eq(captured.uneven, 0);
}
END_TEST

/* A hole of one page in the middle spoils; two holes, or the end, do not. */
START_TEST(test_spoiler_holes)
{
	read_good("0x0-0x5000 rw-s- WB 0 0 5\n"
		  "0x6000-0x200000 rw-s- WB 0 0 506\n"
		  "0x201000-0x202000 rw-s- WB 0 0 1\n"
		  "0x203000-0x401000 rw-s- WB 0 0 510\n");
	ck_figure("kernel", "pmap.spoiler_holes", 1);
}
END_TEST

/* The kernel does not stop while it prints. */
START_TEST(test_uneven)
{
	read_good("0x0-0x5000 rw-s- WB 0 0 4\n");
	ck_assert_uint_eq(captured.uneven, 1);
}
END_TEST

/* arm64: blocks of 1 GiB and 2 MiB, groups of 16 pages, pages. */
START_TEST(test_four_counts)
{
	machine = kv_machine_find("arm64-4k");
	read_good("0xffff000000000000-0xffff000000211000 rw-s WB 0 1 1 1\n");
	ck_figure("kernel", "pmap.leaves.o4", 1);
	ck_figure("kernel", "pmap.leaves.o0", 1);
	ck_assert_uint_eq(captured.uneven, 0);
	ck_assert(figure("kernel", "pmap.promoted_fraction")->r == 512.0 / 529);
}
END_TEST

static const char vmem[] =
    "ADDR             NAME                        INUSE        TOTAL   "
    "SUCCEED  FAIL\n"
    "fffffffffbc2a8c0 heap                   4194304000   8589934592     "
    "10234     2\n"
    "fffffffffbc2b8c0     vmem_metadata         5242880      5373952       "
    "160     0\n"
    "fffffffffbc2c8c0         vmem_seg          4653056      4653056       "
    "142     0\n"
    "fffffffffbc2e8c0     heap32                      0            0         "
    "0     0\n"
    "fffffffffbc2d8c0 two words                       0            0        "
    " 0     1\n"
    "fffffffffbc2d9c0 heap 1 2 3 4\n";

START_TEST(test_vmem)
{
	read_good(vmem);
	ck_assert_uint_eq(captured.count, 1);
	ck_figure("all", "vmem.heap.inuse", 4194304000);
	ck_figure("all", "vmem.heap.size", 8589934592);
	ck_figure("all", "vmem.heap.alloc", 10234);
	ck_figure("all", "vmem.heap.fail", 2);
	ck_figure("all", "vmem.two words.fail", 1);
	ck_figure("all", "vmem.heap@fffffffffbc2d9c0.alloc", 3);
	ck_assert_str_eq(figure("all", "vmem.heap.source")->text, "");
	ck_assert_str_eq(
	    figure("all", "vmem.vmem_metadata.source")->text, "heap");
	ck_assert_str_eq(
	    figure("all", "vmem.vmem_seg.source")->text, "vmem_metadata");
	ck_assert_str_eq(figure("all", "vmem.heap32.source")->text, "heap");
}
END_TEST

/* ---- What is refused -------------------------------------------------- */

#define LIST "FREE LIST 0:\n"
#define MAPS "Kernel map:\n0x1000-0x3000 rw-s- WB 0 0 2\n"

static const struct {
	const char *text, *place;
} refused[] = {{"", ": nothing in it"}, {"\n \n", ": nothing in it"},
    {"total 5\n", ":1:1: this is none of"},
    {"Node 0\n", ":1:7: \", zone NAME\""},
    {"Node x, zone A 1\n", ":1:6: the number of a node"},
    {"Node 0 zone A 1\n", ":1:8: \", zone NAME\""},
    {"Node 0, zone\n", ":1:7: \", zone NAME\""},
    {"Node 0, zone A\n", ":1:15: a number of blocks expected"},
    {"Node 0, zone A 1 -2\n", ":1:18: a number of blocks expected"},
    {"Node 0, zone A 1 2k\n", ":1:19: a number of blocks expected"},
    {"Node 0, zone A 0 99999999999999999999\n", ":1:18: a number of blocks"},
    {"Node 0, zone A 4503599627370497\n", ":1:16: a number of blocks expect"},
    {"Node 0, zone A 4503599627370496 1\n", ":1:33: a number of blocks"},
    {"Node 0, zone A 1\nNode 0, zone A 1\n", ":2:14: node0.A stands here tw"},
    {"Node 0, zone A 1 2\nNode 0, zone B 1\n", ":2:14: 1 orders here, 2 in"},
    {"Node 0, zone A 1\nfree\n", ":2:1: \"Node N, zone NAME\" expected"},
    {"Node 0, zone A 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
	":1:56: more than 20 orders"},
    {"vm.phys_free: 7\n", ":1:15: the end of the line expected"},
    {"vm.phys_free:\n", ": no vm.phys_free but its head"},
    {"DOMAIN 0:\n 0 (4K) | 1\n", ":2:2: \"FREE LIST N:\" expected"},
    {"DOMAIN a:\n", ":1:8: the number of a domain"},
    {"DOMAIN 0\n", ":1:9: \":\" expected"},
    {"DOMAIN 0: x\n", ":1:11: the end of the line"},
    {LIST "0 (4K)\n", ":2:7: \"|\" expected"},
    {LIST "0 (4K) | x\n", ":2:10: a number of blocks expected"},
    {LIST "0 4K | 1\n", ":2:3: \"(SIZE K)\" expected"},
    {LIST "0 (8K) | 1\n", ":2:4: a block of order 0 has 4 KiB on amd64"},
    {LIST "0 (4K | 1\n", ":2:5: \"K)\" expected"},
    {LIST "20 (4K) | 1\n", ":2:1: an order, "},
    {LIST "0 (4K) | 1\n0 (4K) | 1\n", ":3:1: order 0 stands in this list"},
    {LIST "0 (4K) | 1\n" LIST, ":3:11: domain0.list0 stands here twice"},
    {"DOMAIN LEVEL SIZE NUMBER\n0 -1, 1K, 1\n", ":2:3: \",\" expected"},
    {"DOMAIN LEVEL SIZE NUMBER\n0, x, 1K, 1\n", ":2:4: a level expected"},
    {"DOMAIN LEVEL SIZE NUMBER\n0, -1, 1, 1\n", ":2:9: \"K\" expected"},
    {"DOMAIN LEVEL SIZE NUMBER\n0, -1, 1K, \n", ":2:11: a number expected"},
    {"DOMAIN LEVEL SIZE NUMBER\n0, -1, 1K, 1 1\n", ":2:14: the end of the"},
    {"DOMAIN LEVEL SIZE NUMBER\n0,-1,1K,1\n0,-1,2K,2\n",
	":3:1: domain 0, level -1, stands here twice"},
    {"Kernel map:\n", ": no vm.pmap.kernel_maps but its head"},
    {"Kernel map: x\n", ":1:13: the end of the line"},
    {"Kernel map:\nKernel map:\n", ":2:1: kernel stands here twice"},
    {MAPS "rubbish\n", ":3:1: an address or \"NAME map:\" expected"},
    {MAPS "0x2000-0x4000 rw-s- WB 0 0 2\n", ":3:1: before the end of the ra"},
    {MAPS "0x4001-0x5000 rw-s- WB 0 0 1\n", ":3:1: 0x4001 is no page of am"},
    {MAPS "0x4000 0x5000 rw-s- WB 0 0 1\n", ":3:7: \"-\" expected"},
    {MAPS "0x4000-0x4000 rw-s- WB 0 0 0\n", ":3:8: not a range of whole p"},
    {MAPS "0x4000-0x5000\n", ":3:14: a blank expected"},
    {MAPS "0x4000-0x5000 rw-s- WB\n", ":3:23: a count expected"},
    {MAPS "0x4000-0x5000 rw-s- WB 0 0\n", ":3:26: 3 counts expected"},
    {MAPS "0x4000-0x5000 rw-s- WB 0 0 0 1\n", ":3:30: 3 counts expected"},
    {"0x4000-0x5000 rw-s- WB 0 0 0 1\n", ":1:30: amd64 has no contiguous"},
    {"0x4000-0x5000 rw-s- WB 0 0 0 0 1\n", ":1:32: more than 4 counts"},
    {"0x11111111111111111-0x2 rw-s- WB 0 0 1\n", ":1:1: an address or"},
    {"ADDR NAME INUSE TOTAL SUCCEED FAIL\n", ": no ::vmem but its head"},
    {"ADDR NAME INUSE TOTAL SUCCEED FAIL\nxyz heap 1 2 3 4\n",
	":2:1: an address expected"},
    {"ADDR NAME INUSE TOTAL SUCCEED FAIL\nff 1 2 3 4\n", ":2:4: NAME INUSE"},
    {"ADDR NAME INUSE TOTAL SUCCEED FAIL\nff heap 3 2 3 4\n",
	":2:9: INUSE is more than TOTAL"},
    {"ADDR NAME INUSE TOTAL SUCCEED FAIL\nff heap 1 2 3 4k\n",
	":2:16: the end of the line"},
    {"ADDR NAME INUSE TOTAL SUCCEED FAIL\nff he\vap 1 2 3 4\n",
	":2:4: a control character"}};

START_TEST(test_refused)
{
	const char *path = input_file(refused[_i].text);

	ck_assert_int_ne(kv_capture_read(path, machine, &capture, &errors), 0);
	ck_assert_uint_ge(errors.count, 1);
	ck_assert_msg(strstr(errors.list[0].text, refused[_i].place) != NULL,
	    "%s, not %s", errors.list[0].text, refused[_i].place);
}
END_TEST

/* All that is wrong is said at once. */
START_TEST(test_many_errors)
{
	ck_assert_int_ne(
	    kv_capture_read(input_file("Node 0, zone A 1\nx\ny\nz\n"), machine,
		&capture, &errors),
	    0);
	ck_assert_uint_eq(errors.count, 3);
}
END_TEST

/* Random damage is read or refused with a word, and nothing else. */
START_TEST(test_damage)
{
	static const char *const texts[] = {
	    buddyinfo, phys_free, partpopq, kernel_maps, vmem};
	struct kv_rng rng = kv_rng_stream((uint64_t)_i, "damage");
	char text[2000];
	size_t size, k;

	printf("seed %d\n", _i);
	strcpy(text, texts[_i % 5]);
	size = strlen(text);
	for (k = kv_rng_below(&rng, 6); k != 0; k--)
		text[kv_rng_below(&rng, size)] =
		    "0123456789 |,:()K-x\n\t\377"[kv_rng_below(&rng, 22)];
	if (kv_rng_below(&rng, 4) == 0)
		text[kv_rng_below(&rng, size)] = '\0';
	if (kv_capture_read(input_file(text), machine, &capture, &errors) == 0)
		kv_capture_measure(&capture, machine, &captured);
	else
		ck_assert_uint_ge(errors.count, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("capture");
	TCase *t = tcase_create("capture");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_buddyinfo);
	tcase_add_test(t, test_phys_free);
	tcase_add_test(t, test_phys_free_bare);
	tcase_add_test(t, test_partpopq);
	tcase_add_test(t, test_partpopq_levels);
	tcase_add_test(t, test_kernel_maps);
	tcase_add_test(t, test_spoiler_holes);
	tcase_add_test(t, test_uneven);
	tcase_add_test(t, test_four_counts);
	tcase_add_test(t, test_vmem);
	tcase_add_loop_test(
	    t, test_refused, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, test_many_errors);
	tcase_add_loop_test(t, test_damage, 0, 1000);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
