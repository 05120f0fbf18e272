/* SPDX-License-Identifier: BSD-2-Clause */
/* attribute.h - what an expression may ask of named things: machine.page_size
 */
#ifndef KV_SIM_ATTRIBUTE_H
#define KV_SIM_ATTRIBUTE_H

#include "alloc/kv.h"
#include "in/value.h"

/* An attribute of the machine.  => true and *value (which may be NULL) */
bool kv_attribute_of_machine(
    const struct kv_machine *m, const char *name, uint64_t *value);

/* Has the name the form of a region's attribute: "pool.end"? */
bool kv_is_region_attribute(const char *name);

/* base, end or size of a region in a plan, which may be NULL.  A size may be
 * negative.  => true and *value */
bool kv_attribute_of_layout(
    const struct kv_layout *layout, const char *name, struct kv_value *value);

/* The names, for hints; *count gets their number.  Never freed. */
const char *const *kv_attribute_names(size_t *count);

#endif
