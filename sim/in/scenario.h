/* SPDX-License-Identifier: BSD-2-Clause */
/* scenario.h - a scenario file, read, checked and evaluated */
#ifndef KV_SIM_SCENARIO_H
#define KV_SIM_SCENARIO_H

#include "alloc/kv.h"
#include "hw/cow.h"
#include "hw/cpus.h"
#include "hw/tlb.h"
#include "hw/tlb_range.h"
#include "in/expr.h"
#include "in/pool.h"
#include "in/text.h"
#include "run/plant.h"

/* -D NAME=VALUE, in order; a later one wins. */
struct kv_define {
	const char *name, *value;
};

/* A parameter after evaluation; list-valued ones hold their first value. */
struct kv_param {
	const char *name;
	struct kv_value value; /* UINT, INT, REAL or WORD */
};

struct kv_arena_spec {
	const char *name;
	uint64_t base, size;	      /* first static span; size 0 = none */
	uint64_t quantum, qcache_max; /* bytes */
	uint64_t limit;		      /* bytes; 0 = none */
	bool pow2;		      /* the dialect (alloc/vmem_pow2.c) */
	bool relist;		      /* classes after next fit merges */
	int parent;		      /* index of the source arena; -1 = none */
	uint64_t import_quantum, import_align; /* bytes; with a parent */
	bool release;	 /* give spans back (default with parent) */
	unsigned kpages; /* > 0: the D38852 kernel-stack import */
	kv_va_t origin;	 /* of that import's slots */
	struct kv_place place;
};

struct kv_kstacks_spec {
	bool present;
	const struct kv_policy *policy; /* never NULL when present */
	enum kv_kstack_scheme scheme;
	unsigned npages, gpages;
	bool domain_guard;  /* no page from another domain's reservation */
	bool cache;	    /* the zone of default stacks */
	uint64_t first_kva; /* bytes from kva_start */
	enum kv_phys_class request; /* of its pages */
	enum kv_domainset_policy domains;
	enum kv_domainset_iterator iterator;
	bool returned; /* the parents of stack arenas give spans back */
	uint64_t import_quantum; /* of those parents, bytes; 0: the machine's */
	bool enter;		 /* map with pmap_enter, not pmap_qenter */
};

/* A VM object whose pages steps map. */
struct kv_object_spec {
	const char *name;
	uint64_t npages;
	bool colored;	 /* has reservations */
	unsigned color;	 /* pg_color, pages */
	unsigned domain; /* that its pages are wanted from */
	bool same;	 /* all of them have one content */
};

/* An address space; the kernel's is always the first one. */
struct kv_space_spec {
	const char *name;
	const struct kv_pte_format *format;
	bool promotion; /* pg_ps_enabled */
	kv_va_t image_va;
	uint64_t image_key;   /* tells images apart */
	uint64_t image_pages; /* 0: it has no image */
	size_t tables;	      /* 1 + index into pools; 0: without limit */
	enum kv_pmap_split split;
	bool join_any;		/* promotion takes frames that begin anywhere */
	bool shared;		/* a template: others may borrow its tables */
	kv_va_t reserved;	/* what its user may not touch, from here on */
	uint64_t reserved_size; /* 0: there is nothing such */
	bool unguarded;		/* a mistake: nobody looks */
};

/* A number that the run knows, when it comes to the step. */
struct kv_late {
	uint64_t value;
	const struct kv_expr *expr; /* NULL: value it is */
	struct kv_place place;
};

enum kv_step_kind {
	KV_STEP_SPAWN,	     /* count, npages, domain */
	KV_STEP_DISPOSE,     /* count, order */
	KV_STEP_CHURN,	     /* kernel stacks: steps, limit */
	KV_STEP_RECLAIM,     /* count partial reservations, domain */
	KV_STEP_SWAPOUT,     /* count, order */
	KV_STEP_SWAPIN,	     /* at most count; 0: all */
	KV_STEP_IDLE,	     /* count operations in which only actors act */
	KV_STEP_DRAIN,	     /* every stack and every named block */
	KV_STEP_ALLOC,	     /* arena, req, plain, name */
	KV_STEP_FREE,	     /* name */
	KV_STEP_ADD,	     /* arena, base, req.size */
	KV_STEP_COMB,	     /* arena, count, req: every second is freed */
	KV_STEP_DOUBLING,    /* arena, limit, req.size: of the first blocks */
	KV_STEP_FIXED_CHURN, /* arena, steps, limit, seed, req.size: unit */
	KV_STEP_ARENA_CHURN, /* arena, steps, max_quanta, aligned, req.fit:
				the procedure of freebsd.md 8.2 */
	KV_STEP_MAP,	     /* count times: map */
	KV_STEP_UNMAP,
	KV_STEP_PROTECT,
	KV_STEP_PROMOTE,
	KV_STEP_DEMOTE,
	KV_STEP_RELEASE,
	KV_STEP_LOOP, /* loop: its body follows, then its end */
	KV_STEP_END,
	KV_STEP_GROW,  /* tables: map */
	KV_STEP_GRAFT, /* map: va, owner */
	KV_STEP_DRAW,  /* count pages of a pool */
	KV_STEP_RESET, /* reset: pool */
	KV_STEP_COPY,  /* reset: space, from */
	KV_STEP_TOUCH, /* count passes */
	KV_STEP_FLUSH,
	KV_STEP_ENTER, /* count entries */
	KV_STEP_PARK,
	KV_STEP_DROP,
	KV_STEP_VERIFY,	 /* verify */
	KV_STEP_OVERFLOW /* count; verify */
};
/* A loop with a name: behind its step stand those of its body, then its end. */
struct kv_loop_step {
	const char *name; /* of the number of the pass, from 0 */
	uint64_t times;
	size_t span; /* steps of the body */
	size_t loop; /* number of the loop, below nloops */
	bool stop;   /* ends behind the first step that fails */
};

enum kv_step_order { KV_ORDER_OLDEST, KV_ORDER_NEWEST, KV_ORDER_RANDOM };

/* What leaves do where something stands: nothing is mapped, that stays, or it
 * is overwritten as if it were not there. */
enum kv_map_present { KV_PRESENT_REFUSE, KV_PRESENT_SKIP, KV_PRESENT_REPLACE };

enum kv_map_how { KV_MAP_ENTER, KV_MAP_QENTER, KV_MAP_LEAF };

/* What the steps on page tables say beside their count. */
struct kv_map_step {
	unsigned space; /* index into spaces */
	int object;	/* index into objects; -1 = none: pa */
	struct kv_late va;
	uint64_t entries;      /* map: that it writes each time */
	uint64_t npages;       /* base pages; unmap, protect: of the range */
	uint64_t stride;       /* bytes from one range to the next */
	struct kv_late pindex; /* of the first page in the object */
	struct kv_late pa;     /* without object: memory of a device */
	enum kv_map_how how;   /* unmap: KV_MAP_QENTER is qremove */
	enum kv_map_present present; /* of KV_MAP_LEAF */
	unsigned level;		     /* of KV_MAP_LEAF */
	unsigned attr;		     /* KV_PTE_* */
	bool flush;		     /* the TLB of what changed */
	bool data;		     /* map: by mode, else by how */
	bool lazy;		     /* map: when it is touched */
	unsigned owner;		     /* graft: index into spaces */
	enum kv_cow_mode mode;
	enum kv_cow_flush on_fault;
	bool in_place;	/* of data: a write does not copy */
	bool by_kernel; /* no call of the space's user */
};

enum kv_touch_order { KV_TOUCH_ASCENDING, KV_TOUCH_RANDOM };

/* Addresses to touch: of a range, or of all live stacks. */
struct kv_touch_step {
	unsigned space; /* index into spaces */
	bool stacks;	/* every page of every stack; else: */
	struct kv_late va;
	uint64_t size, stride; /* bytes */
	enum kv_touch_order order;
	bool write;
	bool by_kernel;
};

enum kv_flush_what {
	KV_FLUSH_RANGE, /* va, npages of a space, global entries too */
	KV_FLUSH_TAG,	/* what is not global of a space */
	KV_FLUSH_NONGLOBAL,
	KV_FLUSH_ALL,
	KV_FLUSH_PENDING /* what was gathered */
};

/* Ranges to flush are gathered, until they are flushed as one. */
struct kv_gather_spec {
	uint64_t pages;	 /* more than that is everything */
	bool first_only; /* a mistake: the second range is not joined */
};

struct kv_flush_step {
	enum kv_flush_what what;
	bool local;	/* that CPU's TLB alone */
	unsigned space; /* index into spaces */
	struct kv_late va;
	uint64_t npages;
};

/* All pages of a pool at once. */
struct kv_pool_step {
	size_t pool;	      /* index into pools */
	unsigned space, from; /* copy: indices into spaces */
	bool wrong; /* reset: the tables stay; copy: the pointer does not go
		       where the tables end */
	bool flush; /* the TLB */
};

/* Which space loses its tables where too many have theirs: the one entered
 * longest ago; the one farthest, in order, from that which is entered; or, a
 * mistake, none. */
enum kv_evict { KV_EVICT_LRU, KV_EVICT_WINDOW, KV_EVICT_NONE };

/* What is built when it is entered again: the leaves that it had; mistakes:
 * what was mapped at first; the leaves, with the rights of their mapping. */
enum kv_rebuild { KV_REBUILD_LEAVES, KV_REBUILD_ORIGINAL, KV_REBUILD_MAPPED };

struct kv_residents_spec {
	uint64_t limit; /* spaces; 0: no limit, no such section */
	enum kv_evict evict;
	enum kv_rebuild rebuild;
};

/* What was mapped by mode in a space. */
struct kv_data_step {
	unsigned space; /* index into spaces */
	bool mint;	/* drop: publish what was written */
	bool free;	/* drop: what was grafted goes back to the pool */
	bool flush;	/* park: the space's entries, now */
};

/* Spaces that a CPU enters, one after another. */
struct kv_enter_step {
	unsigned *spaces; /* of the pool; indices into spaces */
	size_t nspaces;
	uint64_t touches; /* of each page of the image, after each entry */
};

enum kv_actor_kind {
	KV_ACTOR_ANON,	/* pages without an object, all of one life */
	KV_ACTOR_CACHE, /* pages of a file: one after another, each its life */
	KV_ACTOR_KERNEL /* a run of pages of a kernel object, freed as one */
};

/* Lives and distances are counted in operations of the run. */
struct kv_actor_spec {
	const char *name;
	enum kv_actor_kind kind;
	uint64_t pages, pages_max; /* of one allocation: from, to */
	uint64_t life, life_max;
	uint64_t every; /* operations from one allocation to the next */
	uint64_t limit; /* pages held at most: then none is taken; 0: none */
};

/* A domain or CPU that a step does not name. */
#define KV_ANYWHERE UINT32_MAX

/* How writable pages and guards are touched; AUTO: written if not too many. */
enum kv_accesses { KV_ACCESSES_AUTO, KV_ACCESSES_READ, KV_ACCESSES_WRITE };

/* Workloads of arenas: units that may live at most; units of the largest
 * block of the fixed churn. */
enum { KV_WORKLOAD_UNITS = 1 << 20, KV_WORKLOAD_LARGEST = 64 };

/* Bytes of a push. */
enum { KV_PUSH_SIZE = 8 };

struct kv_verify_step {
	uint64_t guards; /* to touch at most; 0: not said */
	enum kv_accesses access;
	const char *name; /* of the figures; may be NULL */
	uint64_t size;	  /* overflow: bytes; 0: the stack and a page */
};

struct kv_step {
	enum kv_step_kind kind;
	struct kv_place place;
	uint64_t count, limit; /* stacks; churns: steps, limit; arenas: bytes
				  live at most */
	uint64_t seed;	       /* fixed churn */
	unsigned npages;       /* 0 = default */
	unsigned domain;       /* stacks: KV_ANYWHERE = that of the CPU */
	unsigned cpu;	       /* that it runs on; stacks: KV_ANYWHERE = the
				  next one */
	enum kv_step_order order;
	int arena;		/* index into arenas */
	size_t pool;		/* draw: index into pools */
	struct kv_vmem_req req; /* alloc, add, arena churn (fit) */
	bool plain;		/* alloc: through the quantum cache */
	bool aligned;		/* arena churn: random alignment and phase */
	kv_va_t base;		/* add */
	uint64_t max_quanta;	/* arena churn: largest block */
	const char *name;	/* of the block, of the stack; NULL: none */
	uint64_t times;		/* that loops around it run it */
	const struct kv_loop_step *loop; /* of the pool; both ends of a loop */
	const struct kv_map_step *map;	 /* of the pool; steps on page tables */
	const struct kv_touch_step *touch;   /* of the pool */
	const struct kv_flush_step *flush;   /* of the pool */
	const struct kv_data_step *data;     /* of the pool */
	const struct kv_pool_step *reset;    /* of the pool */
	const struct kv_enter_step *enter;   /* of the pool */
	const struct kv_verify_step *verify; /* of the pool */
};

/* An image, linked and loaded while it was read. */
struct kv_image_spec {
	struct kv_segment segments[KV_IMAGE_SEGMENTS];
	struct kv_segment_place places[KV_IMAGE_SEGMENTS];
	struct kv_segment_load loads[KV_IMAGE_SEGMENTS];
	size_t nsegments;
	uint64_t bytes;
	struct kv_image_load load;
};

/* Sequences of operations, for kvasir explore. */
struct kv_explore_spec {
	uint64_t length;     /* of the longest; 0: there is no such section */
	uint64_t slots;	     /* stacks, and blocks, that may live at a time */
	struct kv_step *ops; /* owned; one operation each */
	size_t nops;
	bool dispose, free; /* of each live stack, of each live block */
	struct kv_place place;
};

/* `NAME: expression` of metrics:, a line of check: or of expect: */
struct kv_formula {
	const char *text;      /* as written (expect), or the metric's name */
	struct kv_expr *expr;  /* owned; NULL for violation("ID") */
	const char *violation; /* ID, or NULL; of check: what its failing is */
	bool absent;	       /* expect: that violation is not to be */
	struct kv_place place;
};

/* `NAME: {every: N, of: [METRIC, ...]}` of sample: */
struct kv_sample_spec {
	const char *name;
	uint64_t every;	 /* operations; 0 = a hundredth of the work */
	const char **of; /* owned list; a name that ends in ".*" is a prefix */
	size_t nof;
	struct kv_place place;
};

/* A file that is parsed, before its parameters have values. */
struct kv_scenario_file;

struct kv_scenario {
	struct kv_scenario_file *file; /* to close with it; or NULL */
	struct kv_text text; /* the file's; places point to its path */
	struct kv_pool pool; /* holds the strings that are not the file's */
	const char *name;    /* file name without folder and .yaml */
	const char *title, *about, *source; /* NULL: not said */
	struct kv_param *params;	    /* sorted by name */
	size_t nparams;
	const struct kv_machine *machine;
	struct kv_phys_range *ranges; /* of memory; ascending */
	size_t nranges;
	unsigned ndomains, ncpus;
	uint64_t free_min, free_reserved; /* pages of each domain */
	bool lazy_init;	 /* boot memory is in a pool of its own */
	bool page_cache; /* per-CPU caches of single pages */
	bool huge;	 /* a real machine's memory is in huge pages */
	struct kv_arena_spec *arenas; /* a source stands before its importers */
	size_t narenas;
	struct kv_kstacks_spec kstacks;
	struct kv_actor_spec *actors;
	size_t nactors;
	struct kv_object_spec *objects;
	size_t nobjects;
	struct kv_ptpool_config *pools; /* without host */
	size_t npools;
	struct kv_space_spec *spaces; /* the kernel's first */
	size_t nspaces;
	struct kv_residents_spec residents;
	const struct kv_tlb_config *tlb; /* of the pool; NULL: none */
	enum kv_entry_flush on_enter;	 /* of the CPU that has it */
	bool tlb_per_cpu;		 /* else one for all CPUs */
	enum kv_shootdown shootdown;	 /* of what steps change */
	bool last_shared; /* a mistake: CPUs remember one last image */
	bool verifies;	  /* there are steps that do */
	const struct kv_tlb_range *tlb_range; /* of the pool; NULL: none */
	const struct kv_gather_spec *gather;  /* of the pool; NULL: at once */
	bool generation;     /* whatever is flushed, everything is */
	bool returns_early;  /* an unmap that fails flushes nothing */
	struct kv_host host; /* of the layouts */
	struct kv_layout *layout, *against; /* NULL: none */
	struct kv_image_spec *image;	    /* of the pool; NULL: none */
	bool paging;	       /* there are objects, spaces or steps that map */
	struct kv_expr **late; /* expressions of struct kv_late */
	size_t nlate;
	struct kv_plants plants; /* that are injected */
	struct kv_plants own;	 /* those of its section, even if left out */
	struct kv_explore_spec explore;
	struct kv_step *work; /* repeat: expanded */
	size_t nwork, nloops;
	struct kv_formula *metrics, *checks, *expect;
	size_t nmetrics, nchecks, nexpect;
	struct kv_sample_spec *samples;
	size_t nsamples;
	const char **plots; /* names of scripts that draw a sweep */
	size_t nplots;
};

/*
 * Read, check and evaluate.  => 0 and an owned *result; EINVAL with all errors
 * that could be found; nothing is owned then
 */
int kv_scenario_load(const char *path, const struct kv_define *defines,
    size_t ndefines, struct kv_scenario **result, struct kv_errors *errors);
int kv_scenario_load_text(const struct kv_text *text, const char *called,
    const struct kv_define *defines, size_t ndefines,
    struct kv_scenario **result, struct kv_errors *errors);

/* What a scenario is read with, beside its file. */
struct kv_given {
	const struct kv_define *defines;
	size_t ndefines;
	const char *inject; /* a fault more, as --inject has it; NULL: none */
	bool sound;	    /* without the faults of its section */
};

/*
 * The same with faults as said.  text: taken over; NULL: that of the file.
 * => likewise; ENOTSUP: nothing is wrong but that the scenario cannot have the
 *    fault
 */
int kv_scenario_load_given(const struct kv_text *text, const char *called,
    const struct kv_given *given, struct kv_scenario **result,
    struct kv_errors *errors);
void kv_scenario_free(struct kv_scenario *sc);

/* ---- The same file for many values ----------------------------------- */

struct kv_node;

/* A parameter as the file has it. */
struct kv_axis {
	const char *name;
	const struct kv_node **values; /* owned list; its scalars, in order */
	size_t nvalues;		       /* 0: what stands there is refused */
	bool list;
};

/*
 * Parse a file once, to read it with several values.  It must outlive what is
 * read.  => 0 and an owned *file, which may have left entries in *errors;
 * EINVAL with entries: there is nothing to read
 */
int kv_scenario_open(const char *path, struct kv_scenario_file **result,
    struct kv_errors *errors);
void kv_scenario_close(struct kv_scenario_file *file);

/* The same of a text, which it takes over, of a file called so. */
int kv_scenario_open_text(const struct kv_text *text, const char *called,
    struct kv_scenario_file **result, struct kv_errors *errors);

/* What it says, as it was parsed: a map. */
const struct kv_node *kv_scenario_root(const struct kv_scenario_file *file);

/* Its parameters, in the order in which they stand there. */
const struct kv_axis *kv_scenario_axes(
    const struct kv_scenario_file *file, size_t *count);

/* Are all values of all parameters, and names behind -D, legal as such?
 * => 0; EINVAL, noted */
int kv_scenario_check_params(struct kv_scenario_file *file,
    const struct kv_define *defines, size_t ndefines, struct kv_errors *errors);

/* As kv_scenario_load, of these values, one an axis; NULL: the first ones. */
int kv_scenario_read(const struct kv_scenario_file *file,
    const struct kv_node *const *values, const struct kv_define *defines,
    size_t ndefines, struct kv_scenario **result, struct kv_errors *errors);

/* Of these values, a scenario that has nothing but parameters: those that can
 * be evaluated.  Owned. */
struct kv_scenario *kv_scenario_read_params(const struct kv_scenario_file *file,
    const struct kv_node *const *values, const struct kv_define *defines,
    size_t ndefines);

#endif
