/* SPDX-License-Identifier: BSD-2-Clause */
/* event_log.h - writes what happened: the file of --trace */
#ifndef KV_SIM_EVENT_LOG_H
#define KV_SIM_EVENT_LOG_H

#include <stdbool.h>

#include "alloc/event.h"

/* The first line of such a file. */
#define KV_EVENT_LOG_MAGIC "# kvasir trace 1"

struct kv_event_log;

/*
 * Begin a file under a temporary name beside path; packed if that ends in
 * ".gz".  => 0 and an owned *log; an errno
 */
int kv_event_log_create(const char *path, struct kv_event_log **log);

/* ": WORD TEXT", of the head; what the run was asked. */
void kv_event_log_head(
    struct kv_event_log *log, const char *word, const char *text);

/* The lines of the run's input, "| " before each. */
void kv_event_log_input(
    struct kv_event_log *log, const char *text, size_t size);

/* The tap that writes each event, one a line. */
struct kv_tap kv_event_log_tap(struct kv_event_log *log);

/* Give the file its name, or, if it shall not be kept, remove it.  Frees log.
 * => 0; an errno: nothing is left behind */
int kv_event_log_close(struct kv_event_log *log, bool keep);

/* Is a field of that name an address, written in hex? */
bool kv_event_log_is_hex(const char *field);

/* An event as a line without its end, cut to fit.  => its length */
enum { KV_EVENT_LINE = 600 };
size_t kv_event_log_line(
    const struct kv_event *event, char line[KV_EVENT_LINE]);

#endif
