/* SPDX-License-Identifier: BSD-2-Clause */
/* residents.h - so many spaces keep their tables; others lose and regain them
 */
#ifndef KV_SIM_RESIDENTS_H
#define KV_SIM_RESIDENTS_H

#include "in/scenario.h"
#include "run/world.h"

struct kv_residents;

/* spec and world must outlive it.  Destroy it before the world. */
struct kv_residents *kv_residents_create(
    const struct kv_residents_spec *spec, struct kv_world *w);
void kv_residents_destroy(struct kv_residents *r);

/*
 * The space is entered: where it was not resident and as many are as may be,
 * others go; if its tables had gone they are built again.
 * => 0; ENOMEM, or what the source of tables answers: it stays away
 */
int kv_residents_enter(struct kv_residents *r, unsigned space);

/* A step is on the space: as entered, if its tables had gone. */
int kv_residents_need(struct kv_residents *r, unsigned space);

/* What was mapped there is dropped: it takes no place any more. */
void kv_residents_forget(struct kv_residents *r, unsigned space);

/* Everything was unmapped. */
void kv_residents_clear(struct kv_residents *r);

/* Add residents.*. */
void kv_residents_measure(const struct kv_residents *r, struct kv_metrics *m);

/* Invariants of residents.c.  => 0; EFAULT and *diag */
int kv_residents_check(const struct kv_residents *r, struct kv_diag *diag);

#endif
