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

bool
kv_is_region_attribute(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && dot != name &&
	       (strcmp(dot, ".base") == 0 || strcmp(dot, ".end") == 0 ||
		   strcmp(dot, ".size") == 0);
}

/* What is below zero modulo 2^64. */
static struct kv_value
signed_value(uint64_t u)
{
	return (struct kv_value){.kind = KV_VALUE_INT, .i = -(int64_t)(~u) - 1};
}

bool
kv_attribute_of_layout(
    const struct kv_layout *layout, const char *name, struct kv_value *value)
{
	const char *dot = strrchr(name, '.');
	const struct kv_region *r;
	size_t i, n = layout == NULL ? 0 : kv_layout_count(layout);

	for (i = 0; i < n && kv_is_region_attribute(name); i++) {
		r = kv_layout_region(layout, i);
		if (strncmp(r->name, name, (size_t)(dot - name)) != 0 ||
		    r->name[dot - name] != '\0')
			continue;
		*value = (struct kv_value){.kind = KV_VALUE_UINT, .u = r->size};
		if (strcmp(dot, ".base") == 0)
			value->u = r->base;
		else if (strcmp(dot, ".end") == 0)
			value->u = r->end;
		else if ((r->flags & KV_REGION_NEGATIVE) != 0)
			*value = signed_value(r->size);
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
