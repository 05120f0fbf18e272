/* SPDX-License-Identifier: BSD-2-Clause */
/* qcache.h - quantum caches: a LIFO stack of busy tags per size */
#ifndef KV_QCACHE_H
#define KV_QCACHE_H

#include "base.h"
#include "host.h"

enum { QCACHE_MAX = 16 }; /* sizes of 1..16 quanta are cached at most */

struct qcache {
	uint32_t *item; /* numbers of tags; item[count - 1] is the top */
	size_t count, capacity;
};

/* Room for n more items.  => 0, ENOMEM with nothing changed */
int kv_qcache_reserve(struct qcache *qc, struct kv_host *host, size_t n);
void kv_qcache_fini(struct qcache *qc, struct kv_host *host);

#endif
