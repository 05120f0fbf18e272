/* SPDX-License-Identifier: BSD-2-Clause */
/* kvtest.h - what every test program shares */
#ifndef KV_TEST_H
#define KV_TEST_H

#include <check.h>

/* Cases of a property: all look for wrong figures; under a sanitizer, which
 * looks for bad accesses at a tenth of the speed, some are enough. */
#ifdef __SANITIZE_ADDRESS__
#define KV_TEST_CASES(n) ((n) / 5 + 1)
#else
#define KV_TEST_CASES(n) (n)
#endif

/* Run the suite; 1 when a check failed or none ran (a filter that matches
 * nothing must not pass), else 0.  The result of main. */
int kv_test_main(Suite *suite);

#endif
