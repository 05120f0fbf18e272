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
void kv_section_layout(struct kv_load *ld, const struct kv_node *node);
void kv_section_image(struct kv_load *ld, const struct kv_node *node);
void kv_section_kstacks(struct kv_load *ld, const struct kv_node *node);
void kv_section_arenas(struct kv_load *ld, const struct kv_node *node);
void kv_section_objects(struct kv_load *ld, const struct kv_node *node);
void kv_section_pools(struct kv_load *ld, const struct kv_node *node);
void kv_section_spaces(struct kv_load *ld, const struct kv_node *node);
void kv_section_residents(struct kv_load *ld, const struct kv_node *node);
void kv_section_tlb(struct kv_load *ld, const struct kv_node *node);
void kv_section_actors(struct kv_load *ld, const struct kv_node *node);
void kv_section_work(struct kv_load *ld, const struct kv_node *node);
void kv_section_explore(struct kv_load *ld, const struct kv_node *node);
void kv_section_formulas(struct kv_load *ld, const struct kv_node *metrics,
    const struct kv_node *sample, const struct kv_node *check,
    const struct kv_node *expect);
void kv_section_plot(struct kv_load *ld, const struct kv_node *node);

/* The section inject, before all others: its faults may change what they say.
 * Of ld they need root and parameters. */
void kv_section_inject(struct kv_load *ld, const struct kv_node *node);

/* The fault of --inject.  => 0; EINVAL, ENOTSUP, noted: there is none of that
 * name, or nothing in the scenario that could have it */
int kv_load_inject(struct kv_load *ld, const char *id);

/* Do the faults of the scenario change what its sections say?  How: of the
 * parameters, before they are evaluated; of the rest, a tree instead of
 * ld->root; and noted beside the errors of what they put. */
bool kv_load_is_edited(const struct kv_load *ld);
void kv_load_edit_params(const struct kv_load *ld, struct kv_params *params);
const struct kv_node *kv_load_edit(struct kv_load *ld);
void kv_load_explain_edits(struct kv_load *ld);

/*
 * Steps with a reader of their own.  key: the step's name, its value follows;
 * kind, place and count 1 stand in *step already.  => 0; EINVAL, noted
 */
typedef int kv_step_read_fn(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step);
kv_step_read_fn kv_step_read_map, kv_step_read_unmap, kv_step_read_protect,
    kv_step_read_promote, kv_step_read_release, kv_step_read_touch,
    kv_step_read_flush, kv_step_read_draw, kv_step_read_grow,
    kv_step_read_graft, kv_step_read_enter, kv_step_read_park,
    kv_step_read_drop, kv_step_read_comb, kv_step_read_doubling,
    kv_step_read_fixed_churn, kv_step_read_verify, kv_step_read_overflow,
    kv_step_read_swapout, kv_step_read_swapin, kv_step_read_reset,
    kv_step_read_copy;

/* One step of a list, appended to the work; *capacity: that of its list. */
void kv_load_step(
    struct kv_load *ld, const struct kv_node *item, size_t *capacity);

/* A number that may name block.NAME.va, which only the run knows.
 * => 0; EINVAL, noted */
int kv_load_late(struct kv_load *ld, const struct kv_node *node,
    const char *what, struct kv_late *late);

/* The first key of a section that is a map.  => NULL: none, or noted */
const struct kv_node *kv_load_entries(
    struct kv_load *ld, const struct kv_node *section, const char *name);

/* Can the key name one more of them?  what: "an object".  => false: noted */
bool kv_load_new_name(struct kv_load *ld, const struct kv_node *key,
    const struct kv_names *names, const char *what);

/* The pool of that name.  node: where it stands.  => 0; EINVAL, noted */
int kv_load_pool(struct kv_load *ld, const struct kv_node *node,
    const char *name, size_t *pool);

/* The space of that name.  node: where it stands.  => 0; EINVAL, noted */
int kv_load_space(struct kv_load *ld, const struct kv_node *node,
    const char *name, unsigned *space);

/* The CPU whose TLB a step meets is there: 'cpu' in its map.  => 0 and it is
 * the step's; EINVAL, noted */
int kv_load_cpu(struct kv_load *ld, const struct kv_node *map, uint64_t cpu,
    struct kv_step *step);

/* The arena of that name, node: where it stands, and its number.
 * => NULL: unknown, noted, or its section has errors of its own */
const struct kv_arena_spec *kv_load_arena(struct kv_load *ld,
    const struct kv_node *node, const char *name, int *index);

/* "oldest", ...: enum kv_step_order. */
extern const char *const kv_order_words[];

/* Words for enum kv_vmem_fit, each twice: the second time shorter. */
enum { KV_FIT_WORDS = 4 };
extern const char *const kv_fit_words[2 * KV_FIT_WORDS + 1];

/* Would an arena of the machine's kernel stacks have that name? */
bool kv_is_kstack_arena(const struct kv_scenario *sc, const char *name);

#endif
