/* SPDX-License-Identifier: BSD-2-Clause */
/* attribute.h - what an expression may ask of named things: machine.page_size
 */
#ifndef KV_SIM_ATTRIBUTE_H
#define KV_SIM_ATTRIBUTE_H

#include "alloc/kv.h"

/* An attribute of the machine.  => true and *value (which may be NULL) */
bool kv_attribute_of_machine(
    const struct kv_machine *m, const char *name, uint64_t *value);

/* The names, for hints; *count gets their number.  Never freed. */
const char *const *kv_attribute_names(size_t *count);

#endif
