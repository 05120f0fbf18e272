/* SPDX-License-Identifier: BSD-2-Clause */
/* kvtest.h - what every test program shares */
#ifndef KV_TEST_H
#define KV_TEST_H

#include <check.h>

/* Run the suite; 1 when a check failed or none ran (a filter that matches
 * nothing must not pass), else 0.  The result of main. */
int kv_test_main(Suite *suite);

#endif
