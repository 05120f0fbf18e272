/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h - what models use of Check, where there is no test that could fail */
#ifndef KV_FUZZ_CHECK_H
#define KV_FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fuzzer keeps the input of what aborts. */
#define ck_abort_msg(...)                                       \
	do {                                                    \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
		fprintf(stderr, __VA_ARGS__);                   \
		fputc('\n', stderr);                            \
		abort();                                        \
	} while (0)
#define ck_assert_msg(cond, ...)                   \
	do {                                       \
		if (!(cond))                       \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)
#define ck_assert(cond) ck_assert_msg(cond, "%s", #cond)
#define ck_assert_int_eq(a, b) ck_assert((a) == (b))
#define ck_assert_int_lt(a, b) ck_assert((a) < (b))
#define ck_assert_uint_eq(a, b) ck_assert((a) == (b))
#define ck_assert_str_eq(a, b) ck_assert(strcmp(a, b) == 0)
#define ck_assert_ptr_nonnull(a) ck_assert((a) != NULL)

#endif
