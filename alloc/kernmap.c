/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernmap.c - kernel_map as arenas see it: the lowest gap that fits
 *
 * 1 Concepts.  The kernel arena imports ranges of the kernel map.  The map
 *   gives the lowest gap that is large enough, on its alignment.
 * 2 Representation.  The gaps that came back, ascending; above them what was
 *   never given.
 *
 *     start                          next                         end
 *     [given|gap |given     |gap|given|  never given              |
 *
 * 3 Invariants.
 *   I1  Gaps are aligned, ascending, neither empty nor touching each other or
 *       next.
 *   I2  There is room for one gap more than ranges are out: ranges that are
 *       out keep gaps apart, so a free needs no memory.
 * 4 Cost.  One step a gap.  Where nothing comes back, as in the kernel, none.
 * 5 Fidelity.  FreeBSD kva_import over vm_map_find; spec freebsd.md 2.  The
 *   map's other users are first_kva of kstack.h.
 */
#include <string.h>

#include "arith.h"
#include "kernmap.h"

void
kv_kernmap_init(struct kv_kernmap *map, struct kv_host *host, uint64_t align,
    kv_va_t start, kv_va_t end)
{
	*map = (struct kv_kernmap){
	    .host = host, .align = align, .next = start, .end = end};
}

void
kv_kernmap_fini(struct kv_kernmap *map)
{
	kv_host_free(map->host, map->gaps, map->capacity, sizeof(*map->gaps));
	map->gaps = NULL;
	map->ngaps = map->capacity = 0;
}

/* I2 after one more range is out. */
static int
reserve(struct kv_kernmap *map)
{
	size_t need = (size_t)map->given + 2, capacity = 2 * map->capacity + 8;
	struct kv_kernmap_gap *gaps;

	if (need <= map->capacity)
		return 0;
	gaps = kv_host_resize(map->host, map->gaps,
	    map->capacity * sizeof(*gaps), capacity * sizeof(*gaps));
	if (gaps == NULL)
		return ENOMEM;
	map->gaps = gaps;
	map->capacity = capacity;
	return 0;
}

/* Make place for n gaps where `from` to `to` stand now. */
static void
replace(struct kv_kernmap *map, size_t from, size_t to, size_t n)
{
	memmove(&map->gaps[from + n], &map->gaps[to],
	    (map->ngaps - to) * sizeof(*map->gaps));
	map->ngaps = map->ngaps - (to - from) + n;
}

static int
alloc_above(struct kv_kernmap *map, uint64_t size, kv_va_t *va)
{
	kv_va_t start = kv_align_up(map->next, map->align), end;

	if (start < map->next || !kv_add(start, size, &end) || end > map->end)
		return ENOMEM;
	map->next = end;
	*va = start;
	return 0;
}

int
kv_kernmap_alloc(struct kv_kernmap *map, uint64_t size, kv_va_t *va)
{
	int error = reserve(map);

	for (size_t i = 0; error == 0 && i < map->ngaps; i++) {
		struct kv_kernmap_gap *gap = &map->gaps[i];

		if (gap->end - gap->start < size)
			continue;
		*va = gap->start;
		gap->start += size;
		if (gap->start == gap->end)
			replace(map, i, i + 1, 0);
		map->given++;
		return 0;
	}
	if (error == 0)
		error = alloc_above(map, size, va);
	map->given += error == 0;
	return error;
}

void
kv_kernmap_free(struct kv_kernmap *map, kv_va_t va, uint64_t size)
{
	struct kv_kernmap_gap gap = {va, va + size};
	size_t i = 0, to;

	map->given--;
	while (i < map->ngaps && map->gaps[i].end < va)
		i++;
	to = i;
	if (to < map->ngaps && map->gaps[to].end == va)
		gap.start = map->gaps[to++].start;
	if (to < map->ngaps && map->gaps[to].start == gap.end)
		gap.end = map->gaps[to++].end;
	replace(map, i, to, gap.end == map->next ? 0 : 1);
	if (gap.end == map->next)
		map->next = gap.start;
	else
		map->gaps[i] = gap;
}

int
kv_kernmap_check(const struct kv_kernmap *map, struct kv_diag *diag)
{
	for (size_t i = 0; i < map->ngaps; i++) {
		const struct kv_kernmap_gap *gap = &map->gaps[i];
		kv_va_t above = i + 1 < map->ngaps ? gap[1].start : map->next;

		if (((gap->start | gap->end) & (map->align - 1)) != 0 ||
		    gap->start >= gap->end || gap->end >= above)
			return kv_diag_set(diag, EFAULT, "kernmap", 1,
			    gap->start, "a gap is odd, or touches another");
	}
	if (map->given != 0 && map->capacity < map->given + 1)
		return kv_diag_set(diag, EFAULT, "kernmap", 2, map->given,
		    "no room for the gaps that may come");
	return 0;
}
