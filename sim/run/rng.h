/* SPDX-License-Identifier: BSD-2-Clause */
/* rng.h - seeded generators and the trace hash: the same on every host */
#ifndef KV_SIM_RNG_H
#define KV_SIM_RNG_H

#include <stddef.h>
#include <stdint.h>

/* The reference generator of freebsd.md 8.2; its state is the seed. */
struct kv_rng {
	uint64_t state;
};

static inline uint32_t
kv_rng_next(struct kv_rng *rng)
{
	rng->state = rng->state * UINT64_C(6364136223846793005) +
		     UINT64_C(1442695040888963407);
	return (uint32_t)(rng->state >> 33);
}

/*
 * A generator of its own for each use, so that adding one use never shifts
 * another: its state is the hash of seed and name.
 */
struct kv_rng kv_rng_stream(uint64_t seed, const char *name);

/* An index below count > 0, by 62 random bits: bias below count / 2^62. */
size_t kv_rng_below(struct kv_rng *rng, size_t count);

#define KV_FNV_BASIS UINT64_C(14695981039346656037)

/* FNV-1a-64 over the 8 little-endian bytes of value. */
static inline uint64_t
kv_fnv_mix(uint64_t hash, uint64_t value)
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		hash ^= value >> (8 * i) & 0xff;
		hash *= UINT64_C(1099511628211);
	}
	return hash;
}

#endif
