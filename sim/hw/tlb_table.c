/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_table.c - data TLBs of a few cores
 *
 * Only figures that the vendor publishes; what it leaves open (replacement,
 * index bits) is said in tlb.c.  Where a core splits a page that an array
 * cannot hold into smaller entries, the array has none of it here.
 */
#include <string.h>

#include "hw/tlb.h"

/* Levels by their size under 4 KiB pages. */
enum { K4 = 1 << 0, M2 = 1 << 1, G1 = 1 << 2, ALL = 31 };

static const struct kv_tlb_config table[] =
    {{.name = "unlimited",
	 .about = "one array without limit, for sizes and groups of all kinds",
	 .arrays = {{.name = "all", .sets = 1, .levels = ALL, .groups = ALL}},
	 .narrays = 1,
	 .tags = true},
	{.name = "intel-skylake",
	    .about = "Intel 64 and IA-32 Architectures Optimization Reference "
		     "Manual, TLB parameters of Skylake client",
	    .arrays = {{.name = "l1", .sets = 16, .ways = 4, .levels = K4},
		{.name = "l1_2m", .sets = 8, .ways = 4, .levels = M2},
		{.name = "l1_1g", .sets = 1, .ways = 4, .levels = G1},
		{.name = "l2", .sets = 128, .ways = 12, .levels = K4 | M2},
		{.name = "l2_1g", .sets = 4, .ways = 4, .levels = G1}},
	    .narrays = 5,
	    .tags = true},
	{.name = "amd-zen2",
	    .about = "Software Optimization Guide for AMD EPYC 7002 (56305): "
		     "64 entries, then 2048 of 16 ways; 16 KiB from 4 PTEs: "
		     "freebsd.md 5",
	    .arrays =
		{{.name = "l1", .sets = 1, .ways = 64, .levels = K4 | M2 | G1},
		    {.name = "l2", .sets = 128, .ways = 16, .levels = K4 | M2}},
	    .narrays = 2,
	    .coalesce = 2,
	    .tags = true},
	{.name = "amd-zen4",
	    .about = "Software Optimization Guide for AMD Zen 4 (57647): "
		     "72 entries, then 3072 of 24 ways; 16 KiB from 4 PTEs: "
		     "freebsd.md 5",
	    .arrays =
		{{.name = "l1", .sets = 1, .ways = 72, .levels = K4 | M2 | G1},
		    {.name = "l2", .sets = 128, .ways = 24, .levels = K4 | M2}},
	    .narrays = 2,
	    .coalesce = 2,
	    .tags = true},
	{.name = "arm-neoverse-n1",
	    .about =
		"Arm Neoverse N1 Core Technical Reference Manual (100616): "
		"48 entries, then 1280 of 5 ways; contiguous groups",
	    .arrays = {{.name = "l1",
			   .sets = 1,
			   .ways = 48,
			   .levels = K4 | M2,
			   .groups = K4},
		{.name = "l2",
		    .sets = 256,
		    .ways = 5,
		    .levels = K4 | M2 | G1,
		    .groups = K4 | M2}},
	    .narrays = 2,
	    .tags = true}};

const struct kv_tlb_config *
kv_tlb_table(size_t *count)
{
	*count = sizeof(table) / sizeof(table[0]);
	return table;
}

const struct kv_tlb_config *
kv_tlb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}
