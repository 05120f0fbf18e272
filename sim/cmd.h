/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd.h - the verbs: one file each, called through the table in main.c */
#ifndef KV_SIM_CMD_H
#define KV_SIM_CMD_H

#include "opt.h"
#include "run/once.h"

/* Each prints its report to stdout, the rest to stderr.
 * => exit status (KV_EXIT_*) */
int kv_cmd_check(const struct kv_opts *opts);
int kv_cmd_compare(const struct kv_opts *opts);
int kv_cmd_explore(const struct kv_opts *opts);
int kv_cmd_list(const struct kv_opts *opts);
int kv_cmd_machine(const struct kv_opts *opts);
int kv_cmd_run(const struct kv_opts *opts);
int kv_cmd_whatis(const struct kv_opts *opts);
int kv_cmd_phys(const struct kv_opts *opts);
int kv_cmd_replay(const struct kv_opts *opts);
int kv_cmd_report(const struct kv_opts *opts);
int kv_cmd_sweep(const struct kv_opts *opts);
int kv_cmd_vmem(const struct kv_opts *opts);

/* run, whatever the scenario is from and whoever listens; the options fill in
 * the rest. */
int kv_cmd_run_once(const struct kv_opts *opts, struct kv_once_config *cfg,
    struct kv_errors *errors);

/* replay of a recording that stands at path, called as the operand; the tap is
 * told what happens. */
int kv_cmd_replay_from(
    const struct kv_opts *opts, const char *path, const struct kv_tap *tap);

/* replay of an event log (cmd_log.c). */
int kv_cmd_replay_log(const struct kv_opts *opts);

#endif
