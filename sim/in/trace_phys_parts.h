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

struct kv_pt_word {
	const char *at;
	size_t len;
};

/* One run of a trace. */
struct kv_pt {
	const struct kv_text *text;
	struct kv_buf *out;
	struct kv_errors *errors;
	unsigned line; /* from 1 */
	const char *line_start;
	struct kv_pt_word word[KV_PT_WORDS]; /* of the line */
	size_t nwords;
	struct kv_host host;
	struct kv_phys *phys; /* NULL: no machine yet */
	struct kv_reserv *rv;
	unsigned page_shift;
	uint64_t npfns; /* page numbers below the end of memory */
	uint64_t *bare; /* bit: page is in use without an object */
	struct kv_pt_object {
		char *name;
		struct kv_object *obj;
	} object[KV_PT_OBJECTS];
	size_t nobjects;
	kv_pfn_t run_pfn; /* pages to be printed as PA+COUNT */
	uint64_t run_npages;
	size_t line_size; /* bytes of output before this line */
};

/* An operation; word 0 is its name.  => 0; EINVAL, and the place is noted */
typedef int kv_pt_op(struct kv_pt *t);

/* ---- Reading ----------------------------------------------------------- */

/* Note an error at a word.  => EINVAL */
int kv_pt_fail(struct kv_pt *t, size_t word, const char *message);
bool kv_pt_word_is(const struct kv_pt_word *w, const char *s);

/* decimal, 0x hexadecimal, suffix K, M or G; 64 bits, at most max. */
int kv_pt_number(struct kv_pt *t, size_t word, uint64_t max, uint64_t *value);
/* The same within a word, from byte `from` on. */
int kv_pt_number_in(
    struct kv_pt *t, size_t word, size_t from, uint64_t max, uint64_t *value);
int kv_pt_domain(struct kv_pt *t, size_t word, unsigned *domain);
int kv_pt_object(struct kv_pt *t, size_t word, struct kv_object **obj);
int kv_pt_pindex(struct kv_pt *t, size_t word, kv_pindex_t *pindex);
/* A number of pages for one operation, at least 1. */
int kv_pt_npages(struct kv_pt *t, size_t word, uint64_t *npages);
/* The address of a page. */
int kv_pt_page(struct kv_pt *t, size_t word, kv_pfn_t *pfn);

/* ---- Writing ----------------------------------------------------------- */

/* Physical address of a page, to be printed. */
unsigned long long kv_pt_pa(const struct kv_pt *t, kv_pfn_t pfn);
/* Pages one by one, printed as runs PA+COUNT,...; end with kv_pt_run_end,
 * which adds `why` (NULL: nothing) and the newline. */
void kv_pt_run_add(struct kv_pt *t, kv_pfn_t pfn);
void kv_pt_run_end(struct kv_pt *t, const char *why);

/* ---- Operations: trace_phys_ops.c, trace_phys_show.c ------------------- */

kv_pt_op kv_pt_machine, kv_pt_op_object, kv_pt_op_page, kv_pt_op_pages,
    kv_pt_pagesfree, kv_pt_anon, kv_pt_anonbatch, kv_pt_free, kv_pt_freerun,
    kv_pt_contig, kv_pt_contigx, kv_pt_phys, kv_pt_physfree, kv_pt_unfree,
    kv_pt_reclaim, kv_pt_break, kv_pt_rename, kv_pt_tick, kv_pt_limit;
kv_pt_op kv_pt_segs, kv_pt_state, kv_pt_resv, kv_pt_popmap, kv_pt_level,
    kv_pt_queue, kv_pt_freelist, kv_pt_check;

#endif
