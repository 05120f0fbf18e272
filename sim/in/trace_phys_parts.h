/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_phys_parts.h - what the operations of the phys language share */
#ifndef KV_SIM_TRACE_PHYS_PARTS_H
#define KV_SIM_TRACE_PHYS_PARTS_H

#include "alloc/kv.h"
#include "in/text.h"
#include "out/emit.h"

/* Bounds that keep a trace from eating the machine it runs on. */
enum { KV_PT_WORDS = 256, KV_PT_OBJECTS = 1024 };
#define KV_PT_MEMORY_MAX (UINT64_C(1) << 40)   /* bytes of physical memory */
#define KV_PT_PAGES_MAX (UINT64_C(1) << 24)    /* pages of one operation */
#define KV_PT_METADATA_MAX (UINT64_C(1) << 31) /* bytes */
#define KV_PT_OUTPUT_MAX (UINT64_C(1) << 30)   /* bytes */

struct kv_tp_word {
	const char *at;
	size_t len;
};

/* One run of a trace. */
struct kv_tp {
	const struct kv_text *text;
	struct kv_buf *out;
	struct kv_errors *errors;
	unsigned line; /* from 1 */
	const char *line_start;
	struct kv_tp_word word[KV_PT_WORDS]; /* of the line */
	size_t nwords;
	struct kv_host host;
	struct kv_phys *phys; /* NULL: no machine yet */
	struct kv_reserv *rv;
	unsigned page_shift;
	uint64_t npfns; /* page numbers below the end of memory */
	uint64_t *bare; /* bit: page is in use without an object */
	struct kv_tp_object {
		char *name;
		struct kv_object *obj;
	} object[KV_PT_OBJECTS];
	size_t nobjects;
	kv_pfn_t run_pfn; /* pages to be printed as PA+COUNT */
	uint64_t run_npages;
	size_t line_size; /* bytes of output before this line */
};

/* An operation; word 0 is its name.  => 0; EINVAL, and the place is noted */
typedef int kv_tp_op(struct kv_tp *t);

/* ---- Reading ----------------------------------------------------------- */

/* Note an error at a word.  => EINVAL */
int kv_tp_fail(struct kv_tp *t, size_t word, const char *message);
bool kv_tp_word_is(const struct kv_tp_word *w, const char *s);

/* decimal, 0x hexadecimal, suffix K, M or G; 64 bits, at most max. */
int kv_tp_number(struct kv_tp *t, size_t word, uint64_t max, uint64_t *value);
/* The same within a word, from byte `from` on. */
int kv_tp_number_in(
    struct kv_tp *t, size_t word, size_t from, uint64_t max, uint64_t *value);
int kv_tp_domain(struct kv_tp *t, size_t word, unsigned *domain);
int kv_tp_object(struct kv_tp *t, size_t word, struct kv_object **obj);
int kv_tp_pindex(struct kv_tp *t, size_t word, kv_pindex_t *pindex);
/* A number of pages for one operation, at least 1. */
int kv_tp_npages(struct kv_tp *t, size_t word, uint64_t *npages);
/* The address of a page. */
int kv_tp_page(struct kv_tp *t, size_t word, kv_pfn_t *pfn);

/* ---- Writing ----------------------------------------------------------- */

/* Physical address of a page, to be printed. */
unsigned long long kv_tp_pa(const struct kv_tp *t, kv_pfn_t pfn);
/* Pages one by one, printed as runs PA+COUNT,...; end with kv_tp_run_end,
 * which adds `why` (NULL: nothing) and the newline. */
void kv_tp_run_add(struct kv_tp *t, kv_pfn_t pfn);
void kv_tp_run_end(struct kv_tp *t, const char *why);

/* ---- Operations: trace_phys_ops.c, trace_phys_show.c ------------------- */

kv_tp_op kv_tp_machine, kv_tp_op_object, kv_tp_op_page, kv_tp_op_pages,
    kv_tp_pagesfree, kv_tp_anon, kv_tp_anonbatch, kv_tp_free, kv_tp_freerun,
    kv_tp_contig, kv_tp_contigx, kv_tp_phys, kv_tp_physfree, kv_tp_unfree,
    kv_tp_reclaim, kv_tp_break, kv_tp_rename, kv_tp_tick, kv_tp_limit;
kv_tp_op kv_tp_segs, kv_tp_state, kv_tp_resv, kv_tp_popmap, kv_tp_level,
    kv_tp_queue, kv_tp_freelist, kv_tp_check;

#endif
