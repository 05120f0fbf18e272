/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_host.c - the host's memory behind a guest's */
#define _DEFAULT_SOURCE /* madvise */
#include "hw/kvm_host.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc/kv.h"
#include "out/mem.h"

/* Later than the headers of some systems, which have the call. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* ---- smaps ----------------------------------------------------------- */

static bool
is_piece(const struct kv_vm *vm, uint64_t start, uint64_t end)
{
	uint64_t size = kv_vm_piece_size(vm);
	size_t i;

	for (i = 0; i < vm->npieces; i++) {
		uint64_t host = (uintptr_t)vm->pieces[i].host;

		if (host != 0 && start < host + size && host < end)
			return true;
	}
	return false;
}

static int
read_smaps(const struct kv_vm *vm, struct kv_mmu_host *host)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[256];
	bool ours = false;
	uint64_t start, end, kib;

	if (f == NULL)
		return EIO;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
			ours = is_piece(vm, start, end);
		else if (ours && sscanf(line, "Rss: %" SCNu64, &kib) == 1)
			host->resident += kib * 1024;
		else if (ours &&
			 sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1)
			host->huge += kib * 1024;
	}
	fclose(f);
	return 0;
}

/* ---- pagemap --------------------------------------------------------- */

/* A run of pages, as it grows. */
struct runs {
	int flags;     /* of frames; -1: not permitted */
	bool huge;     /* there may be a large page of zeros, too */
	uint64_t zero; /* frame of the page of zeros */
	uint64_t next, count;
};

static uint64_t
frame_of(uint64_t entry)
{
	return entry >> 63 == 0 ? 0 : entry & ((UINT64_C(1) << 55) - 1);
}

/* The frame that a read of nothing gets; 0: not permitted. */
static uint64_t
zero_frame(const struct kv_vm *vm, int pagemap)
{
	size_t size = (size_t)kv_vm_page_size(vm);
	uint64_t entry = 0;
	volatile char *p = mmap(NULL, size, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return 0;
	(void)*p;
	if (pread(pagemap, &entry, sizeof(entry),
		(off_t)((uintptr_t)p / size * sizeof(entry))) !=
	    (ssize_t)sizeof(entry))
		entry = 0;
	munmap((void *)(uintptr_t)p, size);
	return frame_of(entry);
}

/* Is it a page of zeros that reads of nothing get? */
static bool
is_zero_page(const struct runs *r, uint64_t frame)
{
	enum { ZERO_PAGE = 24 };
	uint64_t flags;

	if (!r->huge)
		return frame == r->zero;
	return pread(r->flags, &flags, sizeof(flags),
		   (off_t)(frame * sizeof(flags))) == (ssize_t)sizeof(flags) &&
	       (flags >> ZERO_PAGE & 1) != 0;
}

static void
add_page(struct runs *r, uint64_t entry)
{
	const uint64_t frame = frame_of(entry);

	if (frame == 0) {
		r->next = 0;
		return;
	}
	if (frame != r->next && !is_zero_page(r, frame))
		r->count++;
	r->next = frame + 1;
}

static void
read_pagemap(const struct kv_vm *vm, struct kv_mmu_host *host)
{
	enum { CHUNK = 8192 };
	const unsigned shift = vm->machine->page_shift;
	const size_t npages = (size_t)(kv_vm_piece_size(vm) >> shift);
	uint64_t *entries = kv_mem_resize(NULL, CHUNK, sizeof(*entries));
	struct runs r = {
	    .flags = open("/proc/kpageflags", O_RDONLY), .huge = vm->huge};
	int fd = open("/proc/self/pagemap", O_RDONLY);
	size_t i, page, k;

	r.zero = fd < 0 ? 0 : zero_frame(vm, fd);

	for (i = 0; r.flags >= 0 && fd >= 0 && i < vm->npieces; i++) {
		uint64_t first = (uintptr_t)vm->pieces[i].host >> shift;

		for (page = 0; first != 0 && page < npages; page += CHUNK) {
			if (pread(fd, entries, CHUNK * sizeof(*entries),
				(off_t)((first + page) * sizeof(*entries))) !=
			    CHUNK * (ssize_t)sizeof(*entries))
				break;
			for (k = 0; k < CHUNK; k++)
				add_page(&r, entries[k]);
		}
		r.next = 0;
	}
	if (fd >= 0)
		close(fd);
	if (r.flags >= 0)
		close(r.flags);
	kv_mem_free(entries);
	host->contiguous_runs = r.count;
}

int
kv_vm_host(struct kv_vm *vm, struct kv_mmu_host *host)
{
	struct kv_mmu_host found = {0};

	if (read_smaps(vm, &found) != 0) {
		vm->reason = "/proc/self/smaps cannot be read";
		return EIO;
	}
	read_pagemap(vm, &found);
	*host = found;
	return 0;
}

/* What was never touched is made first: there is nothing to collapse. */
int
kv_vm_collapse(struct kv_vm *vm, kv_pa_t pa, uint64_t size)
{
	uint64_t piece = kv_vm_piece_size(vm), part;

	for (; size != 0; pa += part, size -= part) {
		char *host = kv_vm_memory(vm, pa);

		part = piece - pa % piece < size ? piece - pa % piece : size;
		if (madvise(host, (size_t)part, MADV_HUGEPAGE) != 0) {
			vm->reason = "the host has no huge pages";
			return EOPNOTSUPP;
		}
		(void)madvise(host, (size_t)part, MADV_POPULATE_WRITE);
		if (madvise(host, (size_t)part, MADV_COLLAPSE) != 0) {
			vm->reason = "the host did not collapse the pages";
			return errno == EINVAL ? EOPNOTSUPP : errno;
		}
	}
	return 0;
}
