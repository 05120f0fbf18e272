/* SPDX-License-Identifier: BSD-2-Clause */
/* sections.h - the sections of a scenario, one reader each */
#ifndef KV_SIM_SECTIONS_H
#define KV_SIM_SECTIONS_H

#include "in/fields.h"

/*
 * Each reads its section into ld->sc and notes what is wrong with it.  They
 * are called in this order; node is NULL where the section is missing.
 */
void kv_section_machine(struct kv_load *ld, const struct kv_node *node);
void kv_section_kstacks(struct kv_load *ld, const struct kv_node *node);
void kv_section_arenas(struct kv_load *ld, const struct kv_node *node);
void kv_section_work(struct kv_load *ld, const struct kv_node *node);
void kv_section_formulas(struct kv_load *ld, const struct kv_node *metrics,
    const struct kv_node *expect);

/* Would an arena of the machine's kernel stacks have that name? */
bool kv_is_kstack_arena(const struct kv_scenario *sc, const char *name);

#endif
