/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.c - kernel-stack policies: what each kernel does, as data */
#include "run/policy.h"

#include <string.h>

static const struct kv_policy policies[] = {
    {"freebsd-linear", "kernel arena, pindex = page offset, reservations",
	"linear (14.x)", KV_KSTACK_OLD, KV_DOMAINSET_OLD, KV_PHYS_NORMAL},
    {"freebsd-d38852", "stack arenas, pindex skips guards, reservations",
	"nonlinear (Apr 2024)", KV_KSTACK_NEW, KV_DOMAINSET_OLD,
	KV_PHYS_NORMAL},
    {"freebsd-16", "as freebsd-d38852, object without reservations",
	"nonlinear-now (16.0-CURRENT-based trees of 2026)", KV_KSTACK_NORES,
	KV_DOMAINSET_NEW, KV_PHYS_SYSTEM},
    {"kvasir", "as freebsd-d38852, but chunks begin and end with reservations",
	"-", KV_KSTACK_FFFF, KV_DOMAINSET_NEW, KV_PHYS_SYSTEM}};

const struct kv_policy *
kv_policy_table(size_t *count)
{
	*count = sizeof(policies) / sizeof(policies[0]);
	return policies;
}

const struct kv_policy *
kv_policy_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (strcmp(policies[i].name, name) == 0)
			return &policies[i];
	return NULL;
}
