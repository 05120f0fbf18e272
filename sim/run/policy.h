/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.h - kernel-stack policies: what each kernel does, as data */
#ifndef KV_SIM_POLICY_H
#define KV_SIM_POLICY_H

#include "alloc/kv.h"

struct kv_policy {
	const char *name;  /* "freebsd-d38852" */
	const char *about; /* one line of meaning */
	const char *era;   /* era in the spec */
	enum kv_kstack_scheme scheme;
	enum kv_domainset_iterator iterator;
	enum kv_phys_class request; /* of the pages of stacks */
};

/* The table of policies that work; *count gets the number of rows. */
const struct kv_policy *kv_policy_table(size_t *count);
const struct kv_policy *kv_policy_find(const char *name);

#endif
