/* SPDX-License-Identifier: BSD-2-Clause */
/* check_parts.h - what the parts of a check share */
#ifndef KV_SIM_CHECK_PARTS_H
#define KV_SIM_CHECK_PARTS_H

#include "out/check.h"
#include "run/once.h"

/* Order what was added by name; what was named twice is done once.
 * => how many scenarios there are */
size_t kv_check_arrange(struct kv_check *c, const struct kv_check_config *cfg);

/* Run one scenario and append its row: a byte for the verdict, a byte a
 * define for whether it was known, then the three texts of an item. */
void kv_check_one(
    const struct kv_check *c, const char *path, struct kv_buf *row);

/* The command that does the same once more, for a shell; the verb is "run" or
 * "check"; known NULL: nobody knows which parameters it has. */
void kv_check_command(const struct kv_check_config *cfg, const char *verb,
    const char *path, const bool *known, struct kv_buf *b);

/* What does not hold in a run, a line each with all that is known of it. */
void kv_check_explain(struct kv_run *run, struct kv_buf *lines);

#endif
