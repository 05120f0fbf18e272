/* SPDX-License-Identifier: BSD-2-Clause */
/* attribute.c - what an expression may ask of named things */
#include "in/attribute.h"

#include <string.h>

static const char *const names[] = {
    "machine.kva_start", "machine.page_size", "machine.reserv_size"};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

bool
kv_attribute_of_machine(
    const struct kv_machine *m, const char *name, uint64_t *value)
{
	const uint64_t values[NAMES] = {
	    m->kva_start, kv_machine_page_size(m), kv_machine_reserv_size(m)};
	size_t i;

	for (i = 0; i < NAMES; i++)
		if (strcmp(names[i], name) == 0) {
			if (value != NULL)
				*value = values[i];
			return true;
		}
	return false;
}

const char *const *
kv_attribute_names(size_t *count)
{
	*count = NAMES;
	return names;
}
