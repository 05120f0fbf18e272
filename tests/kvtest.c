/* SPDX-License-Identifier: BSD-2-Clause */
/* kvtest.c - the main of every test program */
#include <stdio.h>

#include "kvtest.h"

int
kv_test_main(Suite *suite)
{
	SRunner *sr = srunner_create(suite);
	int run, failed;

	srunner_run_all(sr, CK_ENV);
	run = srunner_ntests_run(sr);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	if (run == 0)
		fprintf(stderr, "no check ran\n");
	return run == 0 || failed != 0;
}
