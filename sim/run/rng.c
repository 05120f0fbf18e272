/* SPDX-License-Identifier: BSD-2-Clause */
/* rng.c - named streams of random numbers, derived from the seed */
#include "run/rng.h"

struct kv_rng
kv_rng_stream(uint64_t seed, const char *name)
{
	uint64_t hash = kv_fnv_mix(KV_FNV_BASIS, seed);

	for (; *name != '\0'; name++)
		hash = kv_fnv_mix(hash, (unsigned char)*name);
	return (struct kv_rng){hash};
}

size_t
kv_rng_below(struct kv_rng *rng, size_t count)
{
	uint64_t high = kv_rng_next(rng);

	return (size_t)((high << 31 | kv_rng_next(rng)) % count);
}
