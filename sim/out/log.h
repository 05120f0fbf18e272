/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h - what goes to stderr: warnings, log lines, the progress bar */
#ifndef KV_SIM_LOG_H
#define KV_SIM_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum kv_when { KV_WHEN_AUTO, KV_WHEN_ALWAYS, KV_WHEN_NEVER };

/* One setting for the process: verbosity -1 quiet, 0 normal, 1 verbose. */
void kv_log_setup(int verbosity, enum kv_when progress, enum kv_when color);

/* Errors are always said; warnings unless quiet; info only when verbose. */
void kv_log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kv_log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kv_log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How long work took, unless quiet.  begun: what kv_log_begin answered. */
uint64_t kv_log_begin(void);
void kv_log_took(const char *what, uint64_t begun);

/* Progress of long work; cheap to call often, draws at most 10 times a
 * second and only where --progress allows.  done == total ends the line. */
void kv_log_progress(const char *what, uint64_t done, uint64_t total);

#endif
