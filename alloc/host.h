/* SPDX-License-Identifier: BSD-2-Clause */
/* host.h - where the allocators' own metadata lives */
#ifndef KV_HOST_H
#define KV_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an operation draws, and may be refused. */
enum kv_draw {
	KV_DRAW_METADATA, /* memory of the allocators themselves */
	KV_DRAW_TAGS,	  /* the four boundary tags in stock (bt_fill) */
	KV_DRAW_IMPORT,	  /* a span from an arena's source */
	KV_DRAW_PAGE,	  /* a page of memory, or a run of them */
	KV_DRAW_TABLE,	  /* a page of tables */
	KV_DRAWS
};

enum { KV_DRAWS_REFUSED = 2 };

/*
 * All draws of a machine, counted in one place, so that the n-th of them can be
 * refused, whatever it is.  Hosts, and what has none, point to it.
 */
struct kv_draws {
	bool lasting;	/* a kind that is refused once stays so: see stuck */
	unsigned stuck; /* bit k: kind k is refused until the caller clears it,
			   at the end of an operation */
	bool off;	/* none is counted, none refused */
	uint64_t count; /* draws so far */
	uint64_t of[KV_DRAWS];		     /* the same by kind */
	uint64_t refuse[KV_DRAWS_REFUSED];   /* by number, from 1; 0: none */
	unsigned refused;		     /* how many were */
	enum kv_draw kind[KV_DRAWS_REFUSED]; /* of those */
};

/* Draw.  => true: it is refused; draws NULL: never */
bool kv_draws_refuse(struct kv_draws *draws, enum kv_draw kind);

/* "metadata", "tags", "import", "page", "table". */
const char *kv_draw_name(enum kv_draw kind);

/*
 * One function does all: old_size 0 allocates, new_size 0 frees (and returns
 * NULL), both resize.  Memory is not zeroed.  NULL on failure; the old block
 * is then unchanged.  The caller always knows the old size.
 */
typedef void *kv_host_resize_fn(
    void *ctx, void *ptr, size_t old_size, size_t new_size);

/*
 * Bytes that several hosts may hold together.  What goes beyond fails like any
 * other call; before, exceeded is told, which need not return.
 */
struct kv_budget {
	uint64_t limit;
	uint64_t bytes;				    /* held now */
	void (*exceeded)(struct kv_budget *budget); /* NULL: none */
};

struct kv_host {
	kv_host_resize_fn *resize; /* (c) */
	void *ctx;		   /* (c) handed to resize */
	size_t bytes;		   /* (s) bytes held now */
	size_t peak;		   /* (s) most bytes ever held */
	uint64_t calls;		   /* (s) allocations and growths asked for */
	uint64_t fail_at;	   /* the call, from 1, that fails; 0 = none */
	struct kv_budget *budget;  /* (c) shared, not owned; NULL: none */
	struct kv_draws *draws;	   /* (c) not owned; NULL: none is refused */
};

/* Take what a block of old_size grows to.  => false: that would be too much,
 * nothing has changed */
bool kv_budget_take(
    struct kv_budget *budget, uint64_t old_size, uint64_t new_size);
void kv_budget_give(struct kv_budget *budget, uint64_t size);

/* Metadata from malloc. */
void kv_host_libc(struct kv_host *host);

/*
 * Metadata from a jemalloc arena of its own, so that stats are exact.
 * => 0; EOPNOTSUPP when built without jemalloc, EAGAIN when it has no arena.
 */
int kv_host_jemalloc(struct kv_host *host);

/* jemalloc when it is there, else libc: what the program uses. */
void kv_host_default(struct kv_host *host);

/* Give back what kv_host_jemalloc created; nothing else may use it after. */
void kv_host_fini(struct kv_host *host);

/*
 * Call n from now on (1 = the next one) fails once; 0 cancels.  Frees and
 * shrinks are not counted.  This is the test bench's knob.
 */
void kv_host_fail_at(struct kv_host *host, uint64_t n);

/* => the block, not zeroed, or NULL.  The host keeps the statistics. */
void *kv_host_resize(
    struct kv_host *host, void *ptr, size_t old_size, size_t new_size);

/* Allocate count * size zeroed bytes; NULL on failure or overflow. */
void *kv_host_zalloc(struct kv_host *host, size_t count, size_t size);

/* Free what zalloc(count, size) or resize(..., count * size) gave. */
void kv_host_free(struct kv_host *host, void *ptr, size_t count, size_t size);

#endif
