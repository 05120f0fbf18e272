/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd.h - the verbs: one file each, called through the table in main.c */
#ifndef KV_SIM_CMD_H
#define KV_SIM_CMD_H

#include "opt.h"

/* Each prints its report to stdout, the rest to stderr.
 * => exit status (KV_EXIT_*) */
int kv_cmd_compare(const struct kv_opts *opts);
int kv_cmd_list(const struct kv_opts *opts);
int kv_cmd_machine(const struct kv_opts *opts);
int kv_cmd_run(const struct kv_opts *opts);
int kv_cmd_whatis(const struct kv_opts *opts);
int kv_cmd_phys(const struct kv_opts *opts);
int kv_cmd_replay(const struct kv_opts *opts);
int kv_cmd_report(const struct kv_opts *opts);
int kv_cmd_sweep(const struct kv_opts *opts);
int kv_cmd_vmem(const struct kv_opts *opts);

#endif
