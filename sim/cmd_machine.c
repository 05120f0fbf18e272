/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_machine.c - kvasir machine: what this host can stand in with */
#include <stdio.h>

#include "cmd.h"

int
kv_cmd_machine(const struct kv_opts *opts)
{
	(void)opts;
	printf("model   yes   every machine of `kvasir list machines`\n"
	       "kvm     no    not in this version\n");
	return KV_EXIT_OK;
}
