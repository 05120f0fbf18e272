/* SPDX-License-Identifier: BSD-2-Clause */
/* test_trace_phys.c - the phys language: answers, and what is refused */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "in/trace_phys.h"
#include "kvtest.h"

static int
run(const char *trace, size_t size, struct kv_buf *out,
    struct kv_errors *errors)
{
	char path[] = "t", *copy = malloc(size + 1);
	struct kv_text text = {path, copy, size};
	int error;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, trace, size);
	copy[size] = '\0';
	error = kv_trace_phys_run(&text, out, errors);
	free(copy);
	return error;
}

/* ---- Answers ----------------------------------------------------------- */

/* Operations with the lines that spec phys.md says they print. */
static const struct {
	const char *trace, *answer;
} answers[] = {
    /* Comments and blank lines have no output; numbers in all forms. */
    {"# nothing\n\n  \t\nmachine 0x2000000 1 # 32 MiB\ntick 0x10\ntick\n"
     "tick 1K",
	"ok pages=8192 segs=2 freelists=2\n17\n18\n1042\n"},
    /* Domain i ends at BYTES/NDOM*(i+1) rounded down to 2 MiB. */
    {"machine 100M 3\nsegs\n",
	"ok pages=25600 segs=4 freelists=2\n"
	"0x0-0x1000000:d0:l1 0x1000000-0x2000000:d0:l0 "
	"0x2000000-0x4200000:d1:l0 0x4200000-0x6400000:d2:l0\n"},
    /* Holes in any order, overlapping each other and the ends. */
    {"machine 32M 1 hole 30M 99M hole 2M 4M hole 3M 16M hole 0 4K\nsegs\n",
	"ok pages=4095 segs=2 freelists=2\n"
	"0x1000-0x200000:d0:l1 0x1000000-0x1e00000:d0:l0\n"},
    /* Only low memory: it is list 0. */
    {"machine 8M 1\nsegs\nfreelist 0 0 0 11\n",
	"ok pages=2048 segs=1 freelists=1\n0x0-0x800000:d0:l0\n0x0\n"},
    /* What is there, and what is not. */
    {"machine 32M 1\nobject a\npages a 0 3 0\npages a 1 9 0\npages a 5 2 0\n"
     "pages a 3 9 0\npagesfree a 0 9\npagefree a 0\npage a 5 0\n"
     "level a 5\nlevel a 0\npopmap a 0\nbreak a\nlevel a 5\npopmap a 5\n",
	"ok pages=8192 segs=2 freelists=2\nok\n0x1000000+3\nEXISTS\n"
	"0x1005000+2\n0x1003000+2,EXISTS\n0x1000000+7,ABSENT\nABSENT\n"
	"0x1005000\n0x1005000 level=0 full=-1\nABSENT\n"
	"0000000000000020 0000000000000000 0000000000000000 "
	"0000000000000000 0000000000000000 0000000000000000 "
	"0000000000000000 0000000000000000\n1\n0x1005000 level=-1 full=-1\n"
	"NONE\n"},
    /* The queues are empty, then the partial queue; of the other pool the
     * biggest block is taken each time. */
    {"machine 4M 1\nobject a\npage a 0 0\nqueue 0\nresv a\nanon 512 0\n"
     "anon 512 0\nreclaim 0\nqueue 0\nresv a\npage a 1 0\n",
	"ok pages=1024 segs=1 freelists=1\nok\n0x0\n0x0:a:0:1\n"
	"n=1 full=0 part=1 pop=1 resident=1 pattern=B 0:0x0:1:B\n"
	"0x200000+512\n0x100000+256,0x80000+128,0x40000+64,0x20000+32,"
	"0x10000+16,0x8000+8,0x4000+4,0x2000+2,0x1000+1,FAIL\nFAIL\nEMPTY\n"
	"n=0 full=0 part=0 pop=0 resident=1 pattern=\nFAIL\n"},
    {"machine 4M 1\nobject a\npages a 0 2 0\ntick\nobject b\npage b 512 0\n"
     "reclaim 0\nreclaim 0\nstate\n",
	"ok pages=1024 segs=1 freelists=1\nok\n0x0+2\n2\nok\n0x200000\n"
	"0x0:a:0:2\n0x200000:b:512:1\n"
	"d0 free=1021 l0p0=1,2,2,2,2,2,2,2,2,0,0,0,0 rv_full=0 rv_part=0 "
	"rv_pop=0 | broken=2 freed=0 reclaimed=2\n"},
    {"machine 32M 1\nobject a\nobject b\npages a 512 4 0\n"
     "rename a b 512\nresv a\nresv b\n",
	"ok pages=8192 segs=2 freelists=2\nok\nok\n0x1000000+4\n4\n"
	"n=0 full=0 part=0 pop=0 resident=0 pattern=\n"
	"n=1 full=0 part=1 pop=4 resident=4 pattern=B 0:0x1000000:4:B\n"},
    /* Anonymous pages are pool 1; what is freed singly joins. */
    {"machine 4M 1\nanon 2 0\nfree 0x0 2\nphys 1 10 0\nphysfree 0x0 10\n"
     "unfree 0x3000\nunfree 0x3000\nfree 0x3000\nfreelist 0 0 1 10\n"
     "anonbatch 3 0\nfreerun 0x0 3\ncheck\n",
	"ok pages=1024 segs=1 freelists=1\n0x0+2\nok\n0x0\nok\nok\nFAIL\nok\n"
	"0x0\n0x0+3\nok\nok\n"},
    {"machine 32M 1\ncontig 13 0\ncontig 40 0\nobject a\npage a 3 0\n"
     "contigx 4 4096 0 0 0xffffffffffffffff 0 a 1\n"
     "contigx 99999999999 4096 0 0 0xffffffffffffffff 0 a 0\n"
     "contigx 4 4096 0 0 0xffffffffffffffff 0 a 4\n",
	"ok pages=8192 segs=2 freelists=2\nFAIL\nFAIL\nok\n0x1003000\n"
	"EXISTS\nEXISTS\n0x1004000\n"},
    {"machine 4M 1\nlimit 0 1022\nanon 3 0\nanonbatch 1 0\nlimit 0 1021\n"
     "anonbatch 2 0\nanonbatch 1 0\n",
	"ok pages=1024 segs=1 freelists=1\nok\n0x0+2,FAIL\nFAIL\nok\nFAIL\n"
	"0x2000+1\n"},
};

START_TEST(answered)
{
	const char *trace = answers[_i].trace;
	struct kv_errors errors = {0};
	struct kv_buf out = {0};

	ck_assert_int_eq(run(trace, strlen(trace), &out, &errors), 0);
	ck_assert_uint_eq(errors.count, 0);
	ck_assert_str_eq(out.data, answers[_i].answer);
	kv_buf_fini(&out);
}
END_TEST

/* ---- Refusals --------------------------------------------------------------
 */

#define M "machine 64M 2\n"

/* Traces, with the start of the message. */
static const struct {
	const char *trace, *message;
} refusals[] = {
    {"segs\n", "t:1:1: machine must come first"},
    {"# x\n\nbogus 1\n", "t:3:1: unknown operation"},
    {"\1\2\377\n", "t:1:1: unknown operation"},
    {"machine\n", "t:1:1: too few operands"},
    {"machine 64M\n", "t:1:1: too few operands"},
    {"machine 64X 1\n", "t:1:9: not a number"},
    {"machine 64T 1\n", "t:1:9: not a number"},
    {"machine -1 1\n", "t:1:9: not a number"},
    {"machine 0x 1\n", "t:1:9: not a number"},
    {"machine 99999999999999999999 1\n", "t:1:9: number does not fit"},
    {"machine 99999999999G 1\n", "t:1:9: number does not fit"},
    {"machine 1025G 1\n", "t:1:9: number is too large"},
    {"machine 0 1\n", "t:1:9: there is no memory"},
    {"machine 64M 1 hole 0 64M\n", "t:1:9: there is no memory"},
    {"machine 4097 1\n", "t:1:9: memory is whole pages"},
    {"machine 64M 0\n", "t:1:13: expected at least one domain"},
    {"machine 64M 65\n", "t:1:13: number is too large"},
    {"machine 64M 1 hole 1M\n", "t:1:15: expected hole START END"},
    {"machine 64M 1 gap 1M 2M\n", "t:1:15: expected hole START END"},
    {"machine 64M 1 hole 2M 1M\n", "t:1:20: a hole is whole pages"},
    {"machine 64M 1 hole 1 4K\n", "t:1:20: a hole is whole pages"},
    {M "machine 64M 1\n", "t:2:1: there is a machine already"},
    {M "segs 1\n", "t:2:6: unexpected operand"},
    {M "object\n", "t:2:1: too few operands"},
    {M "object a\nobject a\n", "t:3:8: an object of that name exists"},
    {M "object a size=0\n", "t:2:10: an object has at least one page"},
    {M "object a size=\n", "t:2:10: expected size=PAGES"},
    {M "object a color=red\n", "t:2:10: not a number"},
    {M "object a colour=1\n", "t:2:10: expected size=PAGES"},
    {M "object a size=99999999999G\n", "t:2:10: number does not fit"},
    {M "page a 0 0\n", "t:2:6: no object of that name"},
    {M "object a\npage a 0 2\n", "t:3:10: no such domain"},
    {M "object a\npage a 0x4000000000000000 0\n", "t:3:8: number is too large"},
    {M "object a\npages a 0 0 0\n", "t:3:11: expected at least one page"},
    {M "object a\npages a 0 99999999999 0\n",
	"t:3:11: an operation takes at most"},
    {M "object a\npage a 0 0\nfree 0x1000000\n", "t:4:6: a page of it is free"},
    {M "free 0x1000\n", "t:2:6: a page of it is free"},
    {M "free 0x1001\n", "t:2:6: not the address of a page"},
    {M "free 64M\n", "t:2:6: address is past the memory"},
    {M "anon 3 0\nfree 0x1000000 4\n", "t:3:6: a page of it is free"},
    {M "anon 3 0\nfree 0x1000000\nfree 0x1000000\n",
	"t:4:6: a page of it is free"},
    {M "free 0x3fff000 2\n", "t:2:6: it ends past the memory"},
    {M "phys 0 0 0\nfreerun 0x1000000 2\n", "t:3:9: a page of it is free"},
    {M "freerun 0x1000000 0\n", "t:2:19: expected at least one page"},
    {M "anon 4 0\nphysfree 0x1001000 1\n",
	"t:3:10: freed block is not aligned"},
    {M "phys 2 0 0\n", "t:2:6: number is too large"},
    {M "phys 0 13 0\n", "t:2:8: number is too large"},
    {M "contigx 1 4096 0 0 1M\n", "t:2:1: too few operands"},
    {M "contigx 1 4096 0 0 1M 0 a\n", "t:2:25: expected OBJ PINDEX"},
    {M "contigx 1 3 0 0 1M 0\n", "t:2:11: alignment must be"},
    {M "contigx 1 0 0 0 1M 0\n", "t:2:11: alignment must be"},
    {M "contigx 1 1 3 0 1M 0\n", "t:2:13: boundary must be"},
    {M "contigx 0 1 0 0 1M 0\n", "t:2:9: expected at least one page"},
    {M "object a\nobject b color=1\nrename a b 0\n", "t:4:12: two objects of"},
    {M "object a\nobject b\nrename a b 5\n", "t:4:12: two objects of"},
    {M "object a\nrename a a 0\n", "t:3:12: two objects of"},
    {M "object a\nobject b\npage a 512 0\npage b 0 0\nrename a b 512\n",
	"t:6:10: it has a page in the way"},
    {M "tick 18446744073709551615\n", "t:2:6: number is too large"},
    {M "freelist 0 2 0 0\n", "t:2:12: number is too large"},
    {M "freelist 0 0 2 0\n", "t:2:14: number is too large"},
    {M "freelist 0 0 0 13\n", "t:2:16: number is too large"},
    {M "unfree 5\n", "t:2:8: not the address of a page"},
    {M "limit 2 0\n", "t:2:7: no such domain"},
    {"machine 128G 1\ncontigx 32M 4096 0 0 1024G 0\n",
	"t:2:9: an operation takes at most"},
};

START_TEST(refused)
{
	const char *trace = refusals[_i].trace, *want = refusals[_i].message;
	struct kv_errors errors = {0};
	struct kv_buf out = {0};

	ck_assert_int_eq(run(trace, strlen(trace), &out, &errors), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_msg(strncmp(errors.list[0].text, want, strlen(want)) == 0,
	    "got  %s\nwant %s", errors.list[0].text, want);
	kv_errors_fini(&errors);
	kv_buf_fini(&out);
}
END_TEST

/* Cut anywhere, a trace is run or refused, but nothing worse. */
START_TEST(cut_anywhere)
{
	static const char trace[] =
	    "machine 32M 2 hole 0xa0000 0x100000\nobject a size=99 anon\n"
	    "pages a 0 40 0\npagesfree a 3 2\nanon 7 0\nfree 0x1000000 3\n"
	    "contigx 3 8192 0 0 32M 0 a 60\nresv a\nstate\nrename a a 0\n";

	for (size_t size = 0; size <= sizeof(trace); size++) {
		struct kv_errors errors = {0};
		struct kv_buf out = {0};
		int error = run(trace, size, &out, &errors);

		ck_assert_uint_eq(errors.count, error != 0);
		kv_errors_fini(&errors);
		kv_buf_fini(&out);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("phys traces");
	TCase *t = tcase_create("language");

	tcase_add_loop_test(
	    t, answered, 0, (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_loop_test(
	    t, refused, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(t, cut_anywhere);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
