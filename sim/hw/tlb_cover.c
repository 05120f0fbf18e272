/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_cover.c - entries needed to cover what is mapped, by page-size class
 *
 * Base leaves are collected by naturally aligned windows of 64 KiB.  A window
 * whose pages are all there, alike and consecutive from an aligned frame is one
 * entry for a TLB that knows 64 KiB; each quarter likewise for 16 KiB.  A and M
 * do not count: they say what was used, not what could be covered.
 */
#include "hw/tlb_array.h"

enum { SHIFT_16K = 14, SHIFT_64K = 16, WINDOW_MAX = 16 };

struct window {
	const struct kv_pte_format *format;
	unsigned order_16k, order_64k; /* log2 base pages; 0: of one page */
	struct kv_tlb_cover *cover;
	kv_va_t va; /* start */
	unsigned present;
	struct kv_leaf leaves[WINDOW_MAX];
	bool there[WINDOW_MAX];
};

/* Are the 2^order pages from i on one group? */
static bool
is_group(const struct window *w, unsigned i, unsigned order)
{
	const unsigned attrs = KV_PTE_W | KV_PTE_X | KV_PTE_U | KV_PTE_G;
	const struct kv_leaf *first = &w->leaves[i];
	unsigned shift = w->format->page_shift, k;

	if (!w->there[i] || first->pa >> shift << shift != first->pa ||
	    (first->pa >> shift & ((1u << order) - 1)) != 0)
		return false;
	for (k = 1; k < 1u << order; k++)
		if (!w->there[i + k] ||
		    w->leaves[i + k].pa != first->pa + ((kv_pa_t)k << shift) ||
		    ((w->leaves[i + k].attr ^ first->attr) & attrs) != 0)
			return false;
	return true;
}

/* => entries for the pages of the window by groups of 2^order; *grouped gets
 * how many pages these hold */
static uint64_t
entries(const struct window *w, unsigned order, uint64_t *grouped)
{
	uint64_t n = w->present, size = UINT64_C(1) << order;

	*grouped = 0;
	for (unsigned i = 0; i < 1u << w->order_64k; i += 1u << order)
		if (is_group(w, i, order)) {
			n -= size - 1;
			*grouped += size;
		}
	return n;
}

static void
window_close(struct window *w)
{
	struct kv_tlb_cover *c = w->cover;
	uint64_t in_16k, in_64k, with_16k, with_64k;

	if (w->present == 0)
		return;
	with_16k = entries(w, w->order_16k, &in_16k);
	with_64k = entries(w, w->order_64k, &in_64k);
	if (in_64k == 0)
		with_64k = with_16k;
	c->pages += w->present;
	c->pages_16k += in_16k;
	c->pages_64k += in_64k;
	c->base += w->present;
	c->with_16k += with_16k;
	c->with_64k += with_64k;
	c->with_super += with_64k;
	for (unsigned i = 0; i < WINDOW_MAX; i++)
		w->there[i] = false;
	w->present = 0;
}

static void
add_page(struct window *w, const struct kv_leaf *leaf)
{
	unsigned shift = w->format->page_shift, i;
	kv_va_t va = leaf->va >> (shift + w->order_64k)
				     << (shift + w->order_64k);

	if (va != w->va)
		window_close(w);
	w->va = va;
	i = (unsigned)((leaf->va - va) >> shift);
	w->leaves[i] = *leaf;
	w->there[i] = true;
	w->present++;
}

static int
add_leaf(void *arg, const struct kv_leaf *leaf)
{
	struct window *w = arg;
	struct kv_tlb_cover *c = w->cover;
	const struct kv_pte_format *f = w->format;
	unsigned order = kv_tlbe_level_shift(f, leaf->level) - f->page_shift;
	uint64_t pages = UINT64_C(1) << order;

	if (leaf->level == 0) {
		add_page(w, leaf);
		return 0;
	}
	c->pages += pages;
	c->pages_16k += pages;
	c->pages_64k += pages;
	c->base += pages;
	c->with_16k += pages >> w->order_16k;
	c->with_64k += pages >> w->order_64k;
	c->with_super += pages >> f->pt_shift;
	return 0;
}

static unsigned
order_of(const struct kv_pte_format *f, unsigned shift)
{
	return shift > f->page_shift ? shift - f->page_shift : 0;
}

void
kv_tlb_cover(const struct kv_pmap *pmap, kv_va_t start, kv_va_t end,
    struct kv_tlb_cover *cover)
{
	const struct kv_pte_format *f = kv_pmap_format(pmap);
	struct window w = {.format = f,
	    .order_16k = order_of(f, SHIFT_16K),
	    .order_64k = order_of(f, SHIFT_64K),
	    .cover = cover};

	KV_ASSERT(1u << w.order_64k <= WINDOW_MAX);
	*cover = (struct kv_tlb_cover){0};
	kv_pmap_walk(pmap, start, end, add_leaf, &w);
	window_close(&w);
}
