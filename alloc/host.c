/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c - metadata memory: libc, a jemalloc arena, and failure on demand
 *
 * 1 Concepts.  An allocator's tags, maps and tables must not live in what it
 *   allocates.  They come from a host, which is handed in, so that a test can
 *   choose which call fails and a report can say what the metadata cost.
 * 2 Representation.  One function that allocates, resizes and frees; the
 *   caller keeps the sizes, so the host needs none.
 * 3 Invariants.
 *   I1  bytes = sum of the sizes held by callers; peak >= bytes.
 *   I2  A failed call changes neither memory nor statistics but `calls`.
 *   I3  A budget's bytes are those of its hosts, at most its limit.
 * 4 Cost.  That of the allocator below, plus the counters.
 * 5 Fidelity.  None claimed: kernels take boundary tags from UMA; which memory
 *   holds them never moves an address.  A dedicated jemalloc arena without
 *   thread cache keeps the bench's metadata apart from the program's heap.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arith.h"
#include "host.h"

#ifdef KV_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

static void *
libc_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
	(void)ctx;
	(void)old_size;
	if (new_size != 0)
		return realloc(ptr, new_size);
	free(ptr);
	return NULL;
}

void
kv_host_libc(struct kv_host *host)
{
	*host = (struct kv_host){.resize = libc_resize};
}

#ifdef KV_HAVE_JEMALLOC
/* ctx carries the arena's number, not a pointer to anything. */
static void *
jemalloc_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
	int flags = MALLOCX_ARENA((uintptr_t)ctx) | MALLOCX_TCACHE_NONE;

	if (new_size == 0) {
		sdallocx(ptr, old_size, flags);
		return NULL;
	}
	return old_size == 0 ? mallocx(new_size, flags)
			     : rallocx(ptr, new_size, flags);
}

int
kv_host_jemalloc(struct kv_host *host)
{
	unsigned arena;
	size_t size = sizeof(arena);

	if (mallctl("arenas.create", &arena, &size, NULL, 0) != 0)
		return EAGAIN;
	*host = (struct kv_host){
	    .resize = jemalloc_resize, .ctx = (void *)(uintptr_t)arena};
	return 0;
}

/* Destroy the arena: its number is a component of the control's name. */
void
kv_host_fini(struct kv_host *host)
{
	size_t mib[3], depth = 3;

	if (host->resize != jemalloc_resize)
		return;
	if (mallctlnametomib("arena.0.destroy", mib, &depth) == 0) {
		mib[1] = (uintptr_t)host->ctx;
		mallctlbymib(mib, depth, NULL, NULL, NULL, 0);
	}
	host->resize = NULL;
}
#else
int
kv_host_jemalloc(struct kv_host *host)
{
	(void)host;
	return EOPNOTSUPP;
}

void
kv_host_fini(struct kv_host *host)
{
	(void)host;
}
#endif

void
kv_host_default(struct kv_host *host)
{
	if (kv_host_jemalloc(host) != 0)
		kv_host_libc(host);
}

bool
kv_draws_refuse(struct kv_draws *draws, enum kv_draw kind)
{
	bool refused = false;

	if (draws == NULL || draws->off)
		return false;
	draws->count++;
	draws->of[kind]++;
	for (unsigned i = 0; i < KV_DRAWS_REFUSED; i++)
		refused |= draws->count == draws->refuse[i];
	if (refused) {
		draws->kind[draws->refused++] = kind;
		draws->stuck |= draws->lasting ? 1u << kind : 0;
	}
	return refused || (draws->stuck >> kind & 1) != 0;
}

const char *
kv_draw_name(enum kv_draw kind)
{
	static const char *const names[KV_DRAWS] = {
	    "metadata", "tags", "import", "page", "table"};

	return names[kind];
}

void
kv_host_fail_at(struct kv_host *host, uint64_t n)
{
	host->fail_at = n == 0 ? 0 : host->calls + n;
}

bool
kv_budget_take(struct kv_budget *budget, uint64_t old_size, uint64_t new_size)
{
	uint64_t rest = budget->bytes > old_size ? budget->bytes - old_size : 0;

	if (new_size > old_size &&
	    (rest > budget->limit || new_size > budget->limit - rest)) {
		if (budget->exceeded != NULL)
			budget->exceeded(budget);
		return false;
	}
	budget->bytes = rest + new_size;
	return true;
}

void
kv_budget_give(struct kv_budget *budget, uint64_t size)
{
	budget->bytes = budget->bytes > size ? budget->bytes - size : 0;
}

void *
kv_host_resize(
    struct kv_host *host, void *ptr, size_t old_size, size_t new_size)
{
	void *block;

	if (new_size > old_size &&
	    (++host->calls == host->fail_at ||
		kv_draws_refuse(host->draws, KV_DRAW_METADATA)))
		return NULL;
	if (new_size == 0 && old_size == 0)
		return NULL;
	if (host->budget != NULL &&
	    !kv_budget_take(host->budget, old_size, new_size))
		return NULL;
	block = host->resize(host->ctx, ptr, old_size, new_size);
	if (block == NULL && new_size != 0) {
		if (host->budget != NULL)
			kv_budget_take(host->budget, new_size, old_size);
		return NULL;
	}
	host->bytes += new_size - old_size;
	if (host->bytes > host->peak)
		host->peak = host->bytes;
	return block;
}

void *
kv_host_zalloc(struct kv_host *host, size_t count, size_t size)
{
	uint64_t total;
	void *block;

	if (!kv_mul(count, size, &total) || total > SIZE_MAX)
		return NULL;
	block = kv_host_resize(host, NULL, 0, (size_t)total);
	if (block != NULL)
		memset(block, 0, (size_t)total);
	return block;
}

void
kv_host_free(struct kv_host *host, void *ptr, size_t count, size_t size)
{
	if (ptr != NULL)
		kv_host_resize(host, ptr, count * size, 0);
}
