/* SPDX-License-Identifier: BSD-2-Clause */
/* format.h - figures as a reader sees them, for the text form of reports */
#ifndef KV_SIM_FORMAT_H
#define KV_SIM_FORMAT_H

#include "in/value.h"
#include "out/emit.h"

enum { KV_FORMAT_LABEL = 28 }; /* columns of a name */

/* 10485760 -> "10 MiB": whole units only where nothing is lost, else one
 * decimal. */
void kv_format_bytes(char *s, size_t size, uint64_t bytes);

/* A value of an expression; hex: it is an address or a hash. */
void kv_format_value(char *s, size_t size, const struct kv_value *v, bool hex);

/* A figure, without its unit. */
void kv_format_metric(char *s, size_t size, const struct kv_metric *x);

/* Name, value and unit, without the end of the line. */
void kv_format_row(struct kv_buf *b, const struct kv_metric *x);

/* The figures of free memory by order of the request, 0 to norders - 1; the
 * names of phys.*.oN that the set has. */
void kv_format_orders(
    struct kv_buf *b, const struct kv_metrics *m, unsigned norders);

/* Does kv_format_orders show it? */
bool kv_format_is_by_order(const char *name);

#endif
