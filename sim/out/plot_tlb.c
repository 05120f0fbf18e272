/* SPDX-License-Identifier: BSD-2-Clause */
/* plot_tlb.c - data files about page tables, TLBs and the memory of the host */
#include "out/plot_tlb.h"

#include <inttypes.h>

#include "out/files.h"
#include "out/plot.h"

/* Guards that the picture shows: 0 to as many pages as two stacks have. */
static unsigned
guards_max(const struct kv_machine *machine)
{
	return 2 * machine->kstack_pages;
}

/* ---- Guards ------------------------------------------------------------ */

/*
 * Stacks of one gapless run from an aligned address on frames of one gapless
 * run, as many as a table has entries: every alignment of a stack occurs
 * equally often, and whole tables are full of slots (metrics.md 2).
 * => how many
 */
static uint64_t
map_stacks(
    struct kv_pmap *pmap, const struct kv_machine *machine, unsigned gpages)
{
	uint64_t count = UINT64_C(1) << machine->pt_shift, i;
	unsigned npages = machine->kstack_pages, shift = machine->page_shift;
	kv_va_t start = kv_align_up(
	    machine->kva_start, UINT64_C(1) << (2 * machine->pt_shift + shift));

	for (i = 0; i < count; i++) {
		uint64_t page = i * (npages + gpages) + gpages;

		if (kv_pmap_qenter_run(pmap, start + (page << shift),
			i * npages << shift, npages, KV_PTE_W | KV_PTE_G) != 0)
			break;
	}
	return i;
}

static double
per(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : (double)a / (double)b;
}

static void
add_guard(struct kv_buf *b, const struct kv_machine *machine,
    const struct kv_pte_format *format, unsigned gpages)
{
	struct kv_pmap_config cfg = {.format = format};
	unsigned kpages = machine->kstack_pages + gpages;
	struct kv_pmap_stats s;
	struct kv_tlb_cover c;
	struct kv_pmap *pmap;
	uint64_t stacks;

	if (kv_pmap_create(&cfg, &pmap) != 0)
		return;
	stacks = map_stacks(pmap, machine, gpages);
	s = kv_pmap_stats(pmap);
	kv_tlb_cover(pmap, 0, UINT64_MAX, &c);
	kv_buf_printf(b, "%u %" PRIu64 " %.4f %.4f %.4f %.4f %.4f %.4f %.4f\n",
	    gpages, (uint64_t)kpages << machine->page_shift,
	    per(UINT64_C(1) << machine->pt_shift, kpages),
	    100 * per(s.leaves[0], s.pt_level[0] << machine->pt_shift),
	    per(s.pt_level[0] << machine->page_shift, stacks),
	    per(c.base, stacks), per(c.with_16k, stacks),
	    per(c.with_64k, stacks), 100 * per(c.pages_16k, c.pages));
	kv_pmap_destroy(pmap);
}

void
kv_plot_guards(struct kv_buf *b, const struct kv_machine *machine)
{
	const struct kv_pte_format *format = kv_pte_find(machine->name);

	kv_buf_printf(b,
	    "# guard sizes, %s: stacks of %u pages of %" PRIu64 " bytes, "
	    "skip-guard scheme, one gapless run\n"
	    "# guard: pages; stride: bytes from stack to stack\n"
	    "# stacks: in the KVA of one superpage\n"
	    "# use: share of the PTEs in use, %%; pt: bytes of PTE pages a "
	    "stack\n"
	    "# base, with_16k, with_64k: TLB entries a stack, knowing these "
	    "sizes and smaller ones\n"
	    "# coalescable: stack pages in aligned groups of 16 KiB, %%\n"
	    "guard stride stacks use pt base with_16k with_64k coalescable\n",
	    machine->name, machine->kstack_pages,
	    kv_machine_page_size(machine));
	for (unsigned g = 0; g <= guards_max(machine); g++)
		add_guard(b, machine, format, g);
}

/* ---- Entries ----------------------------------------------------------- */

void
kv_plot_entries(struct kv_buf *b, const struct kv_world *w)
{
	kv_buf_printf(b,
	    "# TLB entries that cover all leaves of a space\n"
	    "# base: knowing base pages alone; the others: that size as well\n"
	    "space base with_16k with_64k with_super\n");
	for (size_t i = 0; i < w->nspaces; i++) {
		struct kv_tlb_cover c;

		kv_tlb_cover(w->spaces[i].pmap, 0, UINT64_MAX, &c);
		kv_buf_printf(b,
		    "\"%s\" %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		    w->spaces[i].cfg.name, c.base, c.with_16k, c.with_64k,
		    c.with_super);
	}
}

/* ---- Promotion --------------------------------------------------------- */

void
kv_plot_promotion(struct kv_buf *b, const struct kv_timeline *t)
{
	kv_buf_printf(b,
	    "# superpages over time\n"
	    "# op: operations so far; mapped, promoted: bytes under leaves, "
	    "and of them under superpages\n"
	    "# fraction: promoted / mapped, %%, NaN = nothing is; pt: bytes of "
	    "page tables\n"
	    "op mapped promoted fraction pt\n");
	for (size_t i = 0; i < t->nsamples; i++) {
		const struct kv_sample *s = &t->samples[i];

		kv_buf_printf(b, "%zu %" PRIu64 " %" PRIu64, s->op, s->mapped,
		    s->promoted);
		if (s->mapped == 0)
			kv_buf_printf(b, " NaN");
		else
			kv_buf_printf(
			    b, " %.4f", 100 * per(s->promoted, s->mapped));
		kv_buf_printf(b, " %" PRIu64 "\n", s->pt_bytes);
	}
}

/* ---- The host ---------------------------------------------------------- */

static uint64_t
figure(const struct kv_run *run, const char *name)
{
	const struct kv_metric *x = kv_metrics_find(&run->metrics, name);

	return x != NULL ? x->u : 0;
}

void
kv_plot_huge(struct kv_buf *b, const struct kv_run *run)
{
	const struct kv_kstacks_spec *k = &run->sc->kstacks;

	kv_buf_printf(b,
	    "# memory that the host has for the machine\n"
	    "# resident, huge: bytes; runs: of contiguous frames, 0 = not "
	    "permitted to see\n"
	    "# columns: scheme resident huge runs\n"
	    "\"%s\" %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	    k->present ? kv_kstack_scheme_name(k->scheme) : run->sc->name,
	    figure(run, "host.resident_bytes"), figure(run, "host.huge_bytes"),
	    figure(run, "host.contiguous_runs"));
}

/* ---- Files ------------------------------------------------------------- */

/* NAME.dat and NAME.gp; the buffer is empty after. */
static int
write_plot(const char *folder, const char *name, struct kv_buf *content)
{
	struct kv_buf file = {0};
	int error;

	kv_buf_printf(&file, "%s.dat", name);
	error = kv_files_write(folder, file.data, content);
	file.size = 0;
	kv_buf_printf(&file, "%s.gp", name);
	if (error == 0)
		error = kv_plot_write_script(folder, file.data);
	kv_buf_fini(&file);
	content->size = 0;
	return error;
}

int
kv_plot_write_paging(const char *folder, const struct kv_run *run)
{
	struct kv_buf b = {0};
	int error = 0;

	if (run->world != NULL) {
		kv_plot_promotion(&b, &run->timeline);
		error = write_plot(folder, "promotion", &b);
		kv_plot_entries(&b, run->world);
		if (error == 0)
			error = write_plot(folder, "entries", &b);
	}
	if (error == 0 && run->sc->kstacks.present) {
		kv_plot_guards(&b, run->sc->machine);
		error = write_plot(folder, "guards", &b);
	}
	if (error == 0 &&
	    kv_metrics_find(&run->metrics, "host.huge_bytes") != NULL) {
		kv_plot_huge(&b, run);
		error = write_plot(folder, "huge", &b);
	}
	kv_buf_fini(&b);
	return error;
}
