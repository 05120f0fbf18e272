/* SPDX-License-Identifier: BSD-2-Clause */
/* plot_tlb.h - data files about page tables, TLBs and the memory of the host */
#ifndef KV_SIM_PLOT_TLB_H
#define KV_SIM_PLOT_TLB_H

#include "out/emit.h"
#include "run/runner.h"

/*
 * What a guard size costs and brings, by mapping stacks of the machine's size
 * under the skip-guard scheme: page-table bytes, use of PTEs, TLB entries.
 */
void kv_plot_guards(struct kv_buf *b, const struct kv_machine *machine);

/* TLB entries that the leaves of each space need, by page-size class. */
void kv_plot_entries(struct kv_buf *b, const struct kv_world *w);

/* Bytes mapped, and under superpages, over time. */
void kv_plot_promotion(struct kv_buf *b, const struct kv_timeline *t);

/*
 * Memory that the host has for the machine, and what of it in huge pages: one
 * row, named by the scheme.  The files of several runs, one after another, make
 * one picture.
 */
void kv_plot_huge(struct kv_buf *b, const struct kv_run *run);

/* All of these that the run has figures for, and their scripts, into a folder
 * that is there.  => 0; an errno, noted in the log */
int kv_plot_write_paging(const char *folder, const struct kv_run *run);

#endif
