/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz.h - what all targets share: libFuzzer calls them, or replay.c */
#ifndef KV_FUZZ_H
#define KV_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "check/check.h"
#include "in/text.h"

/* => 0; -1: the input shall not be kept */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quiet, and with few bytes of memory: allocators that ask for more are
 * refused, as a host may do.  Once for all inputs. */
void fuzz_start(void);

/* The input as a file whose name this is, until the next; behind what all
 * inputs of the target begin with. */
const char *fuzz_file(const char *target, const uint8_t *data, size_t size);

/* The input as a text that was read; free it with kv_text_fini. */
struct kv_text fuzz_text(const uint8_t *data, size_t size);

/*
 * Operations are told as a scenario, line by line, to the file that
 * FUZZ_SCENARIO names, if there is such a word in the environment; anew for
 * each input.  So what breaks can be run, and shrunk.  FUZZ_INJECT names a
 * fault of kernel stacks, which is planted and told; the bits of it.
 */
void fuzz_tell_anew(void);
void fuzz_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned fuzz_faults(void);

#endif
