/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_kv.h - reads event logs: what a run was asked, and what happened */
#ifndef KV_SIM_TRACE_KV_H
#define KV_SIM_TRACE_KV_H

#include "alloc/event.h"
#include "in/text.h"

/* ": WORD TEXT" */
struct kv_log_head {
	char *word, *text;
	unsigned line;
};

/* An event log that is read line by line. */
struct kv_event_reader;

/*
 * Open a log and read its head and input.  path outlives the reader.
 * => 0 and an owned *reader; EINVAL with entries in *errors
 */
int kv_event_reader_open(const char *path, struct kv_event_reader **reader,
    struct kv_errors *errors);

/* => 0; EINVAL with an entry: the file could not be read to its end */
int kv_event_reader_close(
    struct kv_event_reader *reader, struct kv_errors *errors);

/* The head, in order. */
const struct kv_log_head *kv_event_reader_head(
    const struct kv_event_reader *reader, size_t *count);

/* The text behind a word of the head; NULL: none. */
const char *kv_event_reader_word(
    const struct kv_event_reader *reader, const char *word);

/*
 * The input of the run, as it stood, but that empty lines come before it, so
 * that its lines have the numbers that they have in the log.  The caller owns
 * it and frees it with kv_text_fini.
 */
void kv_event_reader_input(
    const struct kv_event_reader *reader, struct kv_text *text);

/* The input as it stood; *size gets its bytes. */
const char *kv_event_reader_raw(
    const struct kv_event_reader *reader, size_t *size);

/*
 * The next event; its names live as long as the reader.
 * => true and *event; false at the end, or EINVAL in *error with an entry
 */
bool kv_event_reader_next(struct kv_event_reader *reader,
    struct kv_event *event, int *error, struct kv_errors *errors);

/* Where the last event stood: the path as in messages, and the line. */
const char *kv_event_reader_path(const struct kv_event_reader *reader);
unsigned kv_event_reader_line(const struct kv_event_reader *reader);

/* Does the file begin with the first line of an event log?  A file that cannot
 * be read does not; "-" is not looked at. */
bool kv_event_log_recognise(const char *path);

#endif
