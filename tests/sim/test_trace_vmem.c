/* SPDX-License-Identifier: BSD-2-Clause */
/* test_trace_vmem.c - the vmem trace language: answers and refusals */
#include <stdio.h>
#include <string.h>

#include "in/trace_vmem.h"
#include "kvtest.h"

static int
run(const char *trace, struct kv_buf *out, struct kv_errors *errors)
{
	char data[1024], path[] = "t";
	struct kv_text text = {.path = path, .data = data};

	ck_assert_uint_lt(strlen(trace), sizeof(data));
	strcpy(data, trace);
	text.size = strlen(data);
	return kv_trace_vmem_run(&text, out, errors);
}

/* A legal trace and what it prints. */
static const struct {
	const char *trace, *out;
} answers[] = {
    {"", ""},
    {"# nothing\n\n   \n", ""},
    {"arena a 0x1000 0x1000 4096 0 # one page\r\nalloc 7 a 1\nfree 7\nfree 7\n",
	"arena a\n7 = 0x1000\n7 freed\n7 none\n"},
    {"arena a 0x1000 0x1000 4096 0\nalloc 0x10 a 4096\nfree 16\n",
	"arena a\n0x10 = 0x1000\n16 freed\n"},
    /* the last quantum of the address space */
    {"arena a 0xfffffffffffff000 4096 4096 0\nalloc 1 a 4096\nsize a free\n",
	"arena a\n1 = 0xfffffffffffff000\na free = 0\n"},
    /* the real next fit never ends here: the cursor heads the list */
    {"arena a 0x1000 0x1000 4096 0\nalloc 1 a 4096 nextfit\n"
     "alloc 2 a 4096 nextfit\nalloc 3 a 4096\n",
	"arena a\n1 = 0x1000\n2 = ENOMEM\n3 = ENOMEM\n"},
    {"arena p 0x10000 0x10000 4096 0\narena c 0 0 4096 0 parent p 4096 0\n"
     "alloc 1 c 4096 nextfit\nsize p alloc\n",
	"arena p\narena c\n1 = ENOMEM\np alloc = 0\n"},
    /* the real code runs out of tags here: the import misses the limits */
    {"arena p 0x10000 0x100000 4096 0\narena c 0 0 4096 0 parent p 4096 0\n"
     "xalloc 1 c 4096 0 0 0 0x80000 0x80fff\nalloc 2 c 4096\n",
	"arena p\narena c\n1 = ENOMEM\n2 = 0x10000\n"},
    /* one stack is given up for the slide, needed or not */
    {"arena p 0x200000 0x2000000 4096 0\n"
     "arena k 0 0 4096 0 parent p 0x9fb000 0x200000 kstack 5 0\n"
     "alloc 1 k 20480\nsize k free\nfree 1\nsize p alloc\n",
	"arena p\narena k\n1 = 0x203000\nk free = 10444800\n1 freed\n"
	"p alloc = 0\n"},
    {"qcbatch 4\narena q 0x10000 0x8000 4096 4096\nalloc 1 q 4096\n"
     "size q alloc\n",
	"qcbatch 4\narena q\n1 = 0x13000\nq alloc = 16384\n"},
};

START_TEST(answer)
{
	struct kv_errors errors = {0};
	struct kv_buf out = {0};

	ck_assert_int_eq(run(answers[_i].trace, &out, &errors), 0);
	kv_buf_add(&out, "", 1);
	ck_assert_str_eq(out.data, answers[_i].out);
	kv_buf_fini(&out);
	kv_errors_fini(&errors);
}
END_TEST

#define ARENA "arena a 0x1000 0x10000 4096 0\n"
#define TWO "arena p 0x10000 0x100000 4096 0\n"

/* What is wrong, and the place where it must be shown. */
static const struct {
	const char *trace, *message;
} refusals[] = {
    {"fish\n", "t:1:1: unknown operation"},
    {"alloc 1 a 4096\n", "t:1:9: no arena"},
    {"arena a 0 0\n", "t:1:1: wrong number of words"},
    {"arena a 0 0 0 0\n", "t:1:13: quantum must be a power of two"},
    {"arena a 0 0 4095 0\n", "t:1:13: quantum must be a power of two"},
    {"arena a 1 4096 4096 0\n", "t:1:9: base and size"},
    {"arena a 0 4097 4096 0\n", "t:1:9: base and size"},
    {"arena a 0 4096 4096 100\n", "t:1:21: qcache_max"},
    {"arena a 0xfffffffffffff000 8192 4096 0\n", "t:1:28: span runs past"},
    {"arena sixteen-letters-x 0 0 4096 0\n", "t:1:7: names have at most"},
    {ARENA ARENA, "t:2:7: an arena of that name"},
    {"arena a 0 18446744073709551616 4096 0\n", "t:1:11: number does not"},
    {"arena a 0 0x 4096 0\n", "t:1:11: not a number"},
    {"arena a 0 -4096 4096 0\n", "t:1:11: not a number"},
    {"arena a 0 1e3 4096 0\n", "t:1:11: not a number"},
    {"arena c 0 0 4096 0 parent c 4096 0\n", "t:1:27: no arena"},
    {TWO "arena c 0 4096 4096 0 parent p 4096 0\n", "t:2:11: an importing"},
    {TWO "arena c 0 0 4096 0 parent p 0 0\n", "t:2:29: import quantum"},
    {TWO "arena c 0 0 4096 0 parent p 4096 5000\n", "t:2:34: import align"},
    {TWO "arena c 0 0 4096 0 parent p 4096\n", "t:2:20: expected parent"},
    {TWO "arena c 0 0 4096 0 parent p 40960 8192 kstack 0 0\n",
	"t:2:47: kernel stacks need"},
    {TWO "arena c 0 0 4096 0 parent p 40960 8192 kstack 3 0\n",
	"t:2:29: import quantum must be a multiple"},
    {TWO "arena c 0 0 4096 0 parent p 40960 8192 kstack 5 0\n",
	"t:2:35: import alignment is less than a slot"},
    {TWO "arena c 0 0 4096 0 parent p 40960 32768 kstack 5 0\n"
	 "alloc 1 c 45056\n",
	"t:3:11: request is larger"},
    {ARENA "alloc 1 a 0\n", "t:2:11: size is zero"},
    {ARENA "alloc 1 a max\n", "t:2:11: size is zero or rounds up"},
    {ARENA "alloc 1 a 4096 worstfit\n", "t:2:16: strategy is"},
    {ARENA "alloc 1 a 4095 nextfit\n", "t:2:11: next fit takes multiples"},
    {ARENA "alloc 1 a 1\nalloc 1 a 1\n", "t:3:7: this id is live"},
    {ARENA "alloc 1 a 1\nxfree 1\n", "t:3:1: free pairs with alloc"},
    {ARENA "xalloc 1 a 1 0 0 0 0 max\nfree 1\n", "t:3:1: free pairs"},
    {ARENA "xalloc 1 a 1 12288 0 0 0 max\n", "t:2:12: align and nocross"},
    {ARENA "xalloc 1 a 1 2048 0 0 0 max\n", "t:2:12: align, phase"},
    {ARENA "xalloc 1 a 1 8192 8192 0 0 max\n", "t:2:12: phase must be"},
    {ARENA "xalloc 1 a 1 0 4096 0 0 max\n", "t:2:12: phase must be"},
    {ARENA "xalloc 1 a 16384 0 0 8192 0 max\n", "t:2:12: nocross must be"},
    {ARENA "xalloc 1 a 1 8192 0 8192 0 max\n", "t:2:12: nocross must be"},
    {ARENA "xalloc 1 a 8192 8192 4096 16384 0 max\n"
	   "xalloc 2 a 16384 8192 4096 16384 0 max\n",
	"t:3:12: [phase, phase + size)"},
    {ARENA "xalloc 1 a 1 0 0 0 2 1\n", "t:2:20: min must not"},
    {ARENA "xalloc 1 a 4096 0 0 0 1 max nextfit\n", "t:2:12: next fit takes"},
    {ARENA "add a 0x8000 4096\n", "t:2:7: span overlaps"},
    {ARENA "add a 0x11000 0\n", "t:2:15: size must not be zero"},
    {ARENA "add b 0x11000 4096\n", "t:2:5: no arena"},
    {ARENA "size a largest\n", "t:2:8: kind is free"},
    {"qcbatch 0\n", "t:1:9: a miss imports"},
    {"qcbatch 99999999\n", "t:1:9: a miss imports"},
    {"size size size size size size size size size size size size size size "
     "size size size\n",
	"too many words"},
    {"\x7f"
     "ELF\x02\x01\x01\n",
	"t:1:1: unknown operation"},
};

START_TEST(refusal)
{
	struct kv_errors errors = {0};
	struct kv_buf out = {0};

	ck_assert_int_ne(run(refusals[_i].trace, &out, &errors), 0);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_msg(strstr(errors.list[0].text, refusals[_i].message) != NULL,
	    "\"%s\" is not in \"%s\"", refusals[_i].message,
	    errors.list[0].text);
	kv_buf_fini(&out);
	kv_errors_fini(&errors);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vmem trace language");
	TCase *tc = tcase_create("answers"), *bad = tcase_create("refusals");

	tcase_add_loop_test(
	    tc, answer, 0, (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_loop_test(
	    bad, refusal, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, bad);
	return kv_test_main(suite);
}
