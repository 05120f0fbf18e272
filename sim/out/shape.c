/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shape.c - the state after a run in the shapes of the kernels' own tools
 *
 * Columns as users of those systems see them.  A zone of Linux stands for a
 * free list, an address of an arena for its number.
 */
#include "out/shape.h"

#include <inttypes.h>
#include <string.h>

#include "out/leaf_list.h"

/* ---- Free memory ----------------------------------------------------- */

static uint64_t
list_blocks(
    const struct kv_phys *phys, unsigned domain, unsigned list, unsigned order)
{
	uint64_t sum = 0;
	unsigned pool;

	for (pool = 0; pool < KV_PHYS_POOLS; pool++)
		sum += kv_phys_blocks(phys, domain, list, pool, order);
	return sum;
}

/* Default first; the last one is below 16 MiB, one between below 4 GiB. */
static const char *
zone_name(unsigned list, unsigned nlists)
{
	if (list == 0)
		return "Normal";
	return list + 1 == nlists ? "DMA" : "DMA32";
}

static void
shape_buddyinfo(const struct kv_run *run, struct kv_buf *b)
{
	const struct kv_phys *phys;
	unsigned domain, list, order, last;

	if (run->world == NULL)
		return;
	phys = run->world->phys;
	last = kv_phys_machine(phys)->max_order;
	for (domain = 0; domain < kv_phys_domains(phys); domain++)
		for (list = kv_phys_lists(phys); list-- != 0;) {
			kv_buf_printf(b, "Node %u, zone %8s ", domain,
			    zone_name(list, kv_phys_lists(phys)));
			for (order = 0; order <= last; order++)
				kv_buf_printf(b, "%6" PRIu64 " ",
				    list_blocks(phys, domain, list, order));
			kv_buf_add(b, "\n", 1);
		}
}

static void
phys_free_list(const struct kv_phys *phys, unsigned domain, unsigned list,
    struct kv_buf *b)
{
	const struct kv_machine *m = kv_phys_machine(phys);
	uint64_t page = kv_machine_page_size(m) >> 10;
	unsigned order = m->max_order + 1, pool;

	kv_buf_printf(
	    b, "\nFREE LIST %u:\n\n  ORDER (SIZE)  |  NUMBER\n", list);
	kv_buf_printf(b, "              ");
	for (pool = 0; pool < kv_phys_pools(phys); pool++)
		kv_buf_printf(b, "  |  POOL %u", pool);
	kv_buf_printf(b, "\n--            ");
	for (pool = 0; pool < kv_phys_pools(phys); pool++)
		kv_buf_printf(b, "-- --      ");
	kv_buf_add(b, "\n", 1);
	while (order-- != 0) {
		kv_buf_printf(b, "  %2u (%6" PRIu64 "K)", order, page << order);
		for (pool = 0; pool < kv_phys_pools(phys); pool++)
			kv_buf_printf(b, "  |  %6" PRIu64,
			    kv_phys_blocks(phys, domain, list, pool, order));
		kv_buf_add(b, "\n", 1);
	}
}

static void
shape_phys_free(const struct kv_run *run, struct kv_buf *b)
{
	const struct kv_phys *phys;
	unsigned domain, list;

	if (run->world == NULL)
		return;
	phys = run->world->phys;
	kv_buf_printf(b, "vm.phys_free: \n");
	for (domain = 0; domain < kv_phys_domains(phys); domain++) {
		kv_buf_printf(
		    b, "%sDOMAIN %u:\n", domain == 0 ? "" : "\n", domain);
		for (list = 0; list < kv_phys_lists(phys); list++)
			phys_free_list(phys, domain, list, b);
	}
}

struct queue {
	uint64_t count, unused;
};

static int
queue_add(void *arg, const struct kv_reserv_info *info)
{
	struct queue *q = arg;

	q->count++;
	q->unused += info->npages - info->popcnt;
	return 0;
}

static void
shape_partpopq(const struct kv_run *run, struct kv_buf *b)
{
	const struct kv_world *w = run->world;
	unsigned domain;

	if (w == NULL)
		return;
	kv_buf_printf(
	    b, "vm.reserv.partpopq: \nDOMAIN    LEVEL     SIZE  NUMBER\n\n");
	for (domain = 0; domain < kv_phys_domains(w->phys); domain++) {
		struct queue q = {0};

		kv_reserv_walk_queue(w->reserv, domain, queue_add, &q);
		kv_buf_printf(b, "%6u, %7d, %6" PRIu64 "K, %6" PRIu64 "\n",
		    domain, -1,
		    q.unused * (kv_machine_page_size(w->spec.machine) >> 10),
		    q.count);
	}
}

/* ---- Mappings -------------------------------------------------------- */

static void
list_space(const struct kv_space *s, const char *name, struct kv_buf *b)
{
	struct kv_buf lines = {0};

	if (kv_leaf_list(s, &lines) != 0) {
		kv_buf_printf(b, "%s%s map:\n", b->size == 0 ? "" : "\n", name);
		kv_buf_add(b, lines.data, lines.size);
	}
	kv_buf_fini(&lines);
}

/* The kernel's space. */
static void
shape_kernel_maps(const struct kv_run *run, struct kv_buf *b)
{
	struct kv_buf lines = {0};

	if (run->world != NULL)
		list_space(&run->world->spaces[0], "Kernel", &lines);
	if (lines.size != 0) {
		kv_buf_printf(b, "vm.pmap.kernel_maps: \n\n");
		kv_buf_add(b, lines.data, lines.size);
	}
	kv_buf_fini(&lines);
}

/* The other ones, in the same lines. */
static void
shape_space_maps(const struct kv_run *run, struct kv_buf *b)
{
	size_t i;

	for (i = 1; run->world != NULL && i < run->world->nspaces; i++)
		list_space(
		    &run->world->spaces[i], run->world->spaces[i].cfg.name, b);
}

/* ---- Arenas ---------------------------------------------------------- */

/* An arena of the run: its place in the tree of imports. */
struct place {
	const struct kv_vmem *vm;
	size_t number; /* from 1 */
	size_t source; /* number of the arena above; 0 = none */
	unsigned depth;
};

typedef void arena_fn(struct kv_buf *b, const struct place *p);

static unsigned
stack_arenas(const struct kv_run *run)
{
	unsigned n = 0;

	while (run->world != NULL && kv_world_arena(run->world, n) != NULL)
		n++;
	return n;
}

static const struct kv_vmem *
arena(const struct kv_run *run, unsigned stack, size_t i)
{
	return i < stack ? kv_world_arena(run->world, (unsigned)i)
			 : run->arenas[i - stack];
}

/* Stack arenas import by name (freebsd.md 2): kstackN from domainN, that from
 * the kernel's. */
static size_t
stack_source(const struct kv_run *run, unsigned stack, size_t i)
{
	const char *name = kv_vmem_name(arena(run, stack, i));
	struct kv_buf want = {0};
	size_t k, found = 0;

	if (strncmp(name, "kstack", 6) == 0)
		kv_buf_printf(&want, "domain%s", name + 6);
	else if (strncmp(name, "domain", 6) == 0)
		kv_buf_printf(&want, "kernel");
	for (k = 0; k < stack && want.size != 0; k++)
		if (strcmp(kv_vmem_name(arena(run, stack, k)), want.data) == 0)
			found = k + 1;
	kv_buf_fini(&want);
	return found;
}

static size_t
source(const struct kv_run *run, unsigned stack, size_t i)
{
	int parent;

	if (i < stack)
		return stack_source(run, stack, i);
	parent = run->sc->arenas[i - stack].parent;
	return parent < 0 ? 0 : stack + (size_t)parent + 1;
}

/* Those that import from arena `above`, each followed by its own. */
static void
walk(const struct kv_run *run, size_t above, unsigned depth, arena_fn *fn,
    struct kv_buf *b)
{
	unsigned stack = stack_arenas(run);
	size_t i;

	for (i = 0; i < stack + run->sc->narenas; i++) {
		struct place p = {arena(run, stack, i), i + 1, above, depth};

		if (source(run, stack, i) != above)
			continue;
		fn(b, &p);
		walk(run, i + 1, depth + 1, fn, b);
	}
}

static void
vmem_row(struct kv_buf *b, const struct place *p)
{
	struct kv_vmem_stats s = kv_vmem_stats(p->vm);
	int indent = (int)(4 * p->depth), width = 25 - indent;

	kv_buf_printf(b,
	    "%016zx %*s%-*s %10" PRIu64 " %12" PRIu64 " %9" PRIu64 " %5" PRIu64
	    "\n",
	    p->number, indent, "", width > 0 ? width : 0, kv_vmem_name(p->vm),
	    s.inuse, s.size, s.alloc, s.fail);
}

static void
shape_vmem(const struct kv_run *run, struct kv_buf *b)
{
	if (stack_arenas(run) + run->sc->narenas == 0)
		return;
	kv_buf_printf(b, "%-16s %-25s %10s %12s %9s %5s\n", "ADDR", "NAME",
	    "INUSE", "TOTAL", "SUCCEED", "FAIL");
	walk(run, 0, 0, vmem_row, b);
}

static int
static_add(void *arg, const struct kv_vmem_seg *seg)
{
	uint64_t *bytes = arg;

	*bytes += seg->kind == KV_VMEM_STATIC ? seg->size : 0;
	return 0;
}

/* Nothing sleeps here, and nobody asks whether an arena contains an address:
 * those are 0, not left out, so that a script finds its line. */
static void
kstat_rows(struct kv_buf *b, const struct place *p)
{
	struct kv_vmem_stats s = kv_vmem_stats(p->vm);
	uint64_t added = 0;
	size_t i;

	kv_vmem_walk(p->vm, static_add, &added);
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {{"alloc", s.alloc}, {"contains", 0}, {"contains_search", 0},
	    {"fail", s.fail}, {"free", s.free}, {"lookup", s.free},
	    {"mem_import", s.import ? s.size - added : 0},
	    {"mem_inuse", s.inuse}, {"mem_total", s.size}, {"populate_fail", 0},
	    {"search", 0}, {"vmem_source", p->source}, {"wait", 0}};

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		kv_buf_printf(b, "vmem:%zu:%s:%s\t%" PRIu64 "\n", p->number,
		    kv_vmem_name(p->vm), rows[i].name, rows[i].value);
}

static void
shape_kstat(const struct kv_run *run, struct kv_buf *b)
{
	walk(run, 0, 0, kstat_rows, b);
}

/* Segments by power of two of their size. */
struct table {
	uint64_t busy[64], free[64];
};

static int
table_add(void *arg, const struct kv_vmem_seg *seg)
{
	struct table *t = arg;
	unsigned order = 0;

	if (seg->kind != KV_VMEM_BUSY && seg->kind != KV_VMEM_FREE)
		return 0;
	while (order < 63 && seg->size >> order > 1)
		order++;
	if (seg->kind == KV_VMEM_BUSY)
		t->busy[order]++;
	else
		t->free[order]++;
	return 0;
}

static void
show_row(struct kv_buf *b, const struct place *p)
{
	struct kv_vmem_stats s = kv_vmem_stats(p->vm);
	struct table t = {0};
	unsigned i;

	kv_buf_printf(b,
	    "vmem %016zx '%s'\n\tquantum:\t%" PRIu64 "\n\tsize:\t%" PRIu64
	    "\n\tinuse:\t%" PRIu64 "\n\tfree:\t%" PRIu64
	    "\n\tbusy tags:\t%" PRIu64 "\n\tfree tags:\t%" PRIu64 "\n",
	    p->number, kv_vmem_name(p->vm), kv_vmem_quantum(p->vm), s.size,
	    s.inuse, s.size - s.inuse, s.nbusy, s.nfree);
	kv_vmem_walk(p->vm, table_add, &t);
	kv_buf_printf(b, "\t%20s %10s %10s\n", "size from", "busy", "free");
	for (i = 0; i < 64; i++)
		if (t.busy[i] + t.free[i] != 0)
			kv_buf_printf(b,
			    "\t%20" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
			    UINT64_C(1) << i, t.busy[i], t.free[i]);
}

static void
shape_show_vmem(const struct kv_run *run, struct kv_buf *b)
{
	walk(run, 0, 0, show_row, b);
}

const struct kv_shape kv_shapes[] = {{"buddyinfo.txt", shape_buddyinfo},
    {"phys_free.txt", shape_phys_free}, {"partpopq.txt", shape_partpopq},
    {"kernel_maps.txt", shape_kernel_maps},
    {"space_maps.txt", shape_space_maps}, {"arenas.txt", shape_vmem},
    {"kstat.txt", shape_kstat}, {"show_vmem.txt", shape_show_vmem}};
const size_t kv_nshapes = sizeof(kv_shapes) / sizeof(kv_shapes[0]);
