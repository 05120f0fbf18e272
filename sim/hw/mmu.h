/* SPDX-License-Identifier: BSD-2-Clause */
/* mmu.h - one interface to a machine that maps: the model's, or a real one */
#ifndef KV_SIM_MMU_H
#define KV_SIM_MMU_H

#include "hw/pmap.h"

struct kv_mmu; /* below */

/* ---- Create ---------------------------------------------------------- */

struct kv_mmu_config {
	const struct kv_pte_format *format;
	bool huge;	     /* back memory with huge pages (MADV_HUGEPAGE) */
	unsigned timeout_ms; /* of one run of the guest; 0 = 10 s */
	unsigned cpus;	     /* that touch, 4 at most; 0 = the host's */
	bool low_half;	     /* as in struct kv_pmap_config; not of amd64 */
};

/* What a machine can do, found by probing. */
struct kv_mmu_caps {
	const char *kind;   /* "model", "kvm_intel", "kvm_amd", "pvm", "kvm" */
	const char *paging; /* "model", "nested", "shadow" */
	bool cpl0_native, cpl3_native; /* or emulated */
	bool gb_pages, la57;
	bool host_coherent; /* edits by the host are seen by the guest */
	bool stats;	    /* leaf statistics can be had */
	bool leaf_guest;    /* ... and show guest leaves, not host backing */
	bool bad_slot_256;  /* CPL3 cannot run in PML4 slot 256 */
};

/*
 * The model's machine: memory with tables in it, walked as hardware does.  Of a
 * format with a root per half (arm64) it has the upper one.  => 0; EINVAL (no
 * format)
 */
int kv_mmu_model_open(const struct kv_mmu_config *cfg, struct kv_mmu **mmu);

/* Plant a fault in the model's memory: those bits of the entry that maps va
 * change, and nobody is told.  => 0; ENOENT (no leaf) */
int kv_mmu_model_flip(struct kv_mmu *mmu, kv_va_t va, uint64_t bits);

/*
 * => 0; an errno and a static *reason.  kv_mmu_absent(errno) tells whether that
 * means "no KVM here" (skip) or a failure (kvm.md 4).
 */
int kv_mmu_kvm_open(
    const struct kv_mmu_config *cfg, struct kv_mmu **mmu, const char **reason);
bool kv_mmu_absent(int error);

/*
 * What KVM can do here, without a machine to use: guests are made and run, and
 * are gone afterwards.  device: "/dev/kvm".  => as kv_mmu_kvm_open
 */
int kv_mmu_kvm_probe(
    const char *device, struct kv_mmu_caps *caps, const char **reason);

/* ---- Use ------------------------------------------------------------- */

enum kv_access { KV_ACCESS_READ, KV_ACCESS_WRITE, KV_ACCESS_EXEC };

/* Error bits of a page fault, as amd64 pushes them. */
enum {
	KV_FAULT_P = 1,
	KV_FAULT_W = 2,
	KV_FAULT_U = 4,
	KV_FAULT_RSVD = 8,
	KV_FAULT_I = 16,
	/* what two machines must agree on: CPL3 probes add U */
	KV_FAULT_COMPARED = KV_FAULT_P | KV_FAULT_W | KV_FAULT_RSVD | KV_FAULT_I
};

struct kv_fault {
	size_t index; /* into the list of the touch */
	kv_va_t va;   /* CR2 */
	unsigned error, vector;
};

/* Leaves by size: 4 KiB, 2 MiB, 1 GiB on amd64. */
struct kv_mmu_leaves {
	uint64_t level[3];
};

/* Memory of the host behind the machine's memory: zeros on the model. */
struct kv_mmu_host {
	uint64_t resident, huge;  /* bytes, from smaps */
	uint64_t contiguous_runs; /* from pagemap; 0: not permitted */
};

/*
 * What a machine does.  pa is an address in the machine's memory, which starts
 * at 0 and is as large as the addresses used need.  attr: KV_PTE_W, X, G, U; of
 * map A and M, too: as if the pages had been touched, or written, before.
 */
struct kv_mmu_ops {
	void (*close)(struct kv_mmu *mmu);

	/*
	 * Edits, queued until commit.
	 * => 0; EINVAL, EEXIST, ENOENT as in pmap.h; ENOSPC (no room for
	 *    tables)
	 */
	int (*map)(struct kv_mmu *mmu, kv_va_t va, kv_pa_t pa, unsigned level,
	    size_t n, unsigned attr);
	int (*unmap)(struct kv_mmu *mmu, kv_va_t va, uint64_t size);
	int (*protect)(
	    struct kv_mmu *mmu, kv_va_t va, uint64_t size, unsigned attr);
	int (*promote)(struct kv_mmu *mmu, kv_va_t va);
	int (*demote)(struct kv_mmu *mmu, kv_va_t va);
	/* Apply what is queued, flush.
	 * => 0; EIO (the guest failed), ETIMEDOUT */
	int (*commit)(struct kv_mmu *mmu);

	/*
	 * Touch each address once, in order; a fault does not end it.  faults
	 * gets the first cap of them, in order.  Edits that are queued are not
	 * seen before the commit, here and below.  An address that is not
	 * canonical faults with vector 13 (#GP) and error 0, all others with
	 * vector 14.
	 * => 0 and the number of all faults; EIO, ETIMEDOUT
	 */
	int (*touch)(struct kv_mmu *mmu, enum kv_access access,
	    const kv_va_t *list, size_t n, struct kv_fault *faults, size_t cap,
	    size_t *nfaults);
	/*
	 * Push downwards from top, 8 bytes at a time, until size bytes are
	 * pushed or the push faults, as a kernel that overruns its stack.
	 * *hit: it did; then vector 8 (#DF, on a stack of its own) and va =
	 * the first address that could not be written, index and error 0.
	 * => 0; EINVAL (top or size no multiples of 8); EIO, ETIMEDOUT,
	 *    EOPNOTSUPP
	 */
	int (*overflow)(struct kv_mmu *mmu, kv_va_t top, uint64_t size,
	    bool *hit, struct kv_fault *fault);

	/* The leaf that maps va in the machine's own tables, with A and M as
	 * the machine has set them.  => 0; ENOENT */
	int (*translate)(struct kv_mmu *mmu, kv_va_t va, struct kv_leaf *leaf);
	/* A second witness: what the machine itself says (KVM_TRANSLATE).
	 * => 0; ENOENT; EOPNOTSUPP */
	int (*witness)(struct kv_mmu *mmu, kv_va_t va, kv_pa_t *pa);
	/* Visit the leaves of [start, end) with A and M as the machine has set
	 * them; clear: then clear those bits, with all flushes it needs.
	 * => what the last cb returned, 0 without leaves, -errno */
	int (*harvest)(struct kv_mmu *mmu, kv_va_t start, kv_va_t end,
	    bool clear, kv_leaf_fn *cb, void *arg);
	/* Pages of [pa, pa + size) written since the last call, a bit each.
	 * KVM begins to log a range with the first call for it, and has all
	 * bits set then: throw that away.  Nested paging counts the first
	 * read of a page as a write: read them, throw that away, too (kvm.md
	 * 1); so does shadow paging where a page was mapped with M.  A machine
	 * that logs has no large leaves there any more.
	 * => 0; EINVAL; EOPNOTSUPP */
	int (*dirty)(
	    struct kv_mmu *mmu, kv_pa_t pa, uint64_t size, uint64_t *bitmap);
	/* Leaves as the machine counts them; caps say what that means.  KVM
	 * has those that were accessed.
	 * => 0; EOPNOTSUPP */
	int (*leaves)(struct kv_mmu *mmu, struct kv_mmu_leaves *leaves);
	/* => 0; EOPNOTSUPP */
	int (*host)(struct kv_mmu *mmu, struct kv_mmu_host *host);
	/* Have the host back [pa, pa + size) with huge pages now
	 * (MADV_COLLAPSE).  => 0; EOPNOTSUPP; what the host says */
	int (*collapse)(struct kv_mmu *mmu, kv_pa_t pa, uint64_t size);
};

/* First member of each machine: mmu->ops->map(mmu, ...). */
struct kv_mmu {
	const struct kv_mmu_ops *ops;
	struct kv_mmu_caps caps;
	const char *reason; /* of the last failure, static; NULL: none said */
};

#endif
