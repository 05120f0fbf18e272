/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - whole input files: plain, gzip or "-"; and errors with a place */
#ifndef KV_SIM_TEXT_H
#define KV_SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file read whole.  data[size] is NUL.  Owned; free with kv_text_fini. */
struct kv_text {
	char *path; /* as given; "-" reads "<stdin>" in messages */
	char *data;
	size_t size;
};

/* Errors found in one input, in order of discovery; printed sorted by place. */
struct kv_errors {
	struct kv_error {
		char *text; /* "file:line:column: message (hint)" */
		unsigned line, column;
	} * list;
	size_t count, capacity;
	size_t dropped;	 /* found after the list was full (100) */
	size_t repeated; /* the same again */
};

/*
 * Read a file, at most max_size bytes unpacked.  Gzip is recognised by its
 * magic; truncated or damaged gzip is an error.
 * => 0, or EINVAL with one entry in *errors; *text untouched then
 */
int kv_text_read(const char *path, size_t max_size, struct kv_text *text,
    struct kv_errors *errors);
void kv_text_fini(struct kv_text *text);

/* Note an error, once.  line and column count from 1; 0 = not known, left
 * out. */
void kv_errors_add(struct kv_errors *errors, const char *path, unsigned line,
    unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* How many times an error was noted so far, listed or not. */
size_t kv_errors_noted(const struct kv_errors *errors);
/* No more will be listed: long work that only looks for errors may end. */
bool kv_errors_full(const struct kv_errors *errors);
/* Note that a word is none of names: with the nearest, or all of few. */
void kv_errors_unknown(struct kv_errors *errors, const char *path,
    unsigned line, unsigned column, const char *what, const char *word,
    const char *const *names, size_t count);
/* The error that stands behind another by its place; NULL: the first, or there
 * is none. */
const struct kv_error *kv_errors_next(
    const struct kv_errors *errors, const struct kv_error *last);
/* Print to stderr, one a line, sorted by place; frees nothing. */
void kv_errors_print(const struct kv_errors *errors);
void kv_errors_fini(struct kv_errors *errors);

#endif
