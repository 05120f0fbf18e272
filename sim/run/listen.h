/* SPDX-License-Identifier: BSD-2-Clause */
/* listen.h - several listeners to one tap; page tables as events */
#ifndef KV_SIM_LISTEN_H
#define KV_SIM_LISTEN_H

#include "hw/pmap.h"

enum { KV_EARS_MAX = 4 };

/* Zero-initialise. */
struct kv_ears {
	struct kv_tap list[KV_EARS_MAX];
	unsigned count;
};

/* One more listener; one without a function is none. */
void kv_ears_add(struct kv_ears *ears, const struct kv_tap *tap);

/* The tap that tells all of them; nobody when there are none. */
struct kv_tap kv_ears_tap(struct kv_ears *ears);

/*
 * The page tables of a space, told to a tap: every table and every entry.  It
 * is the source of its tables, in front of another one or alone.
 */
struct kv_pt_ear;

struct kv_pt_ear_config {
	struct kv_tap tap;
	const char *name; /* of the space; outlives the ear */
	unsigned tag;
	const struct kv_pte_format *format;
	struct kv_pt_source source; /* get NULL: none, as for kv_pmap_create */
};

/* Owned; it outlives the pmap. */
struct kv_pt_ear *kv_pt_ear_create(const struct kv_pt_ear_config *cfg);
void kv_pt_ear_destroy(struct kv_pt_ear *ear);

/* Have a pmap that will be created tell it. */
void kv_pt_ear_attach(struct kv_pt_ear *ear, struct kv_pmap_config *pmap);

/* The pmap was created, of the lower half where roots are of one. */
void kv_pt_ear_begin(struct kv_pt_ear *ear, bool low_half);

/* It will be destroyed: that is not told. */
void kv_pt_ear_end(struct kv_pt_ear *ear);

#endif
