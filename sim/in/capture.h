/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.h - the state of a real kernel, as its own tools print it */
#ifndef KV_SIM_CAPTURE_H
#define KV_SIM_CAPTURE_H

#include "alloc/machine.h"
#include "in/names.h"
#include "in/pool.h"
#include "in/text.h"

/* Which tool printed it. */
enum kv_capture_kind {
	KV_CAPTURE_BUDDYINFO,	/* Linux: /proc/buddyinfo */
	KV_CAPTURE_PHYS_FREE,	/* FreeBSD: sysctl vm.phys_free */
	KV_CAPTURE_PARTPOPQ,	/* FreeBSD: sysctl vm.reserv.partpopq */
	KV_CAPTURE_KERNEL_MAPS, /* FreeBSD: sysctl vm.pmap.kernel_maps */
	KV_CAPTURE_VMEM		/* illumos: ::vmem of mdb */
};
enum { KV_CAPTURE_KINDS = KV_CAPTURE_VMEM + 1 };

enum { KV_CAPTURE_ORDERS = 20, KV_CAPTURE_LEVELS = 4 };

/* Free blocks of one zone (buddyinfo) or of one free list (phys_free). */
struct kv_capture_zone {
	const char *name; /* "node0.Normal", "domain0.list1" */
	unsigned domain;  /* node or domain */
	unsigned norders;
	uint64_t blocks[KV_CAPTURE_ORDERS]; /* pools together */
	unsigned line;			    /* where it began */
};

/* Partial reservations of one domain and level. */
struct kv_capture_queue {
	unsigned domain;
	int level;	       /* -1: the largest */
	uint64_t unused_bytes; /* idle in them */
	uint64_t count;
};

/* A range of one mapping, as the kernel splits them. */
struct kv_capture_map {
	size_t section; /* number in capture->sections */
	kv_va_t start, end;
	unsigned attr;			    /* equal ones are equal */
	uint64_t leaves[KV_CAPTURE_LEVELS]; /* largest first */
};

struct kv_capture_arena {
	const char *name;
	uint64_t inuse, total;	/* bytes */
	uint64_t succeed, fail; /* allocations */
	int source;		/* index of the arena above, or -1 */
	unsigned indent;	/* blanks ahead of the name */
};

/* What was read: the lists of the kind, the others empty. */
struct kv_capture {
	enum kv_capture_kind kind;
	struct kv_pool pool; /* strings */
	struct kv_capture_zone *zones;
	struct kv_capture_queue *queues;
	struct kv_capture_map *maps;
	struct kv_capture_arena *arenas;
	size_t nzones, nqueues, nmaps, narenas;
	struct kv_names sections; /* of maps, in order: "kernel", "direct" */
	unsigned nleaves;	  /* counts of a range: 3, or 4 */
};

/*
 * Read a file, plain or gzip, and recognise by its first line what it is.
 * Page and block sizes must be the machine's.  Lines may have any number of
 * blanks; anything else that is not understood is an error.
 * => 0 and *capture, to be finished; EINVAL with entries in *errors
 */
int kv_capture_read(const char *path, const struct kv_machine *machine,
    struct kv_capture *capture, struct kv_errors *errors);
void kv_capture_fini(struct kv_capture *capture);

/* "buddyinfo", "vm.phys_free", ... */
const char *kv_capture_name(enum kv_capture_kind kind);

#endif
