/* SPDX-License-Identifier: BSD-2-Clause */
/* leaf_list.c - leaves of a space, as vm.pmap.kernel_maps lists them */
#include "out/leaf_list.h"

#include <inttypes.h>
#include <string.h>

#include "hw/pte_code.h"

enum { LEVELS = 3 }; /* that a line has counts for, at least */

/* The range that is open: leaves that touch and are mapped alike. */
struct range {
	const struct kv_pte_format *format;
	struct kv_buf *b;
	kv_va_t start, last; /* last: inclusive */
	bool open;
	char mode[KV_LEAF_MODE];
	uint64_t leaves[KV_PTE_LEVELS_MAX], grouped;
	size_t lines;
};

void
kv_leaf_mode(unsigned attr, char mode[KV_LEAF_MODE])
{
	mode[0] = 'r';
	mode[1] = (attr & KV_PTE_W) != 0 ? 'w' : '-';
	mode[2] = (attr & KV_PTE_X) != 0 ? 'x' : '-';
	mode[3] = (attr & KV_PTE_U) != 0 ? 'u' : 's';
	mode[4] = (attr & KV_PTE_G) != 0 ? 'g' : '-';
	mode[5] = '\0';
}

static void
range_close(struct range *r)
{
	const struct kv_pte_format *f = r->format;
	unsigned level = f->levels < LEVELS ? f->levels : LEVELS;
	unsigned order = kv_pte_group(f, 0);

	if (!r->open)
		return;
	kv_buf_printf(r->b, "0x%016" PRIx64 "-0x%016" PRIx64 " %s WB", r->start,
	    r->last + 1, r->mode);
	while (--level != 0)
		kv_buf_printf(r->b, " %" PRIu64, r->leaves[level]);
	if (order != 0)
		kv_buf_printf(r->b, " %" PRIu64, r->grouped >> order);
	kv_buf_printf(r->b, " %" PRIu64 "\n", r->leaves[0]);
	r->lines++;
}

static void
range_open(struct range *r, kv_va_t va, const char *mode)
{
	struct range fresh = {.format = r->format,
	    .b = r->b,
	    .start = va,
	    .open = true,
	    .lines = r->lines};

	memcpy(fresh.mode, mode, sizeof(fresh.mode));
	*r = fresh;
}

static int
leaf_add(void *arg, const struct kv_leaf *leaf)
{
	struct range *r = arg;
	unsigned shift =
	    r->format->page_shift + r->format->pt_shift * leaf->level;
	char mode[KV_LEAF_MODE];

	kv_leaf_mode(leaf->attr, mode);
	if (!r->open || leaf->va != r->last + 1 || strcmp(mode, r->mode) != 0) {
		range_close(r);
		range_open(r, leaf->va, mode);
	}
	r->last = leaf->va + ((UINT64_C(1) << shift) - 1);
	if (leaf->level == 0 && (leaf->attr & KV_PTE_CONTIG) != 0)
		r->grouped++;
	else
		r->leaves[leaf->level]++;
	return 0;
}

size_t
kv_leaf_list(const struct kv_space *s, struct kv_buf *b)
{
	struct range r = {.format = s->cfg.format, .b = b};

	kv_pmap_walk(s->pmap, 0, KV_ADDR_MAX, leaf_add, &r);
	range_close(&r);
	return r.lines;
}
