/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm_vm.c - a guest: made, given memory, asked about it, taken apart */
#define _DEFAULT_SOURCE /* MAP_NORESERVE, madvise */
#include "hw/kvm_vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "alloc/kv.h"
#include "out/mem.h"

enum {
	API_VERSION = 12,
	CPUID_MAX = 256,
	/* A guest's page tables may be many for its memory (kvm.md 0). */
	MMU_PAGES = 1 << 20,
	/* EPT of four levels sees no more. */
	PHYS_BITS_MAX = 46,
	PHYS_BITS_LEAST = 36,
	/* Each costs the kernel some MiB. */
	PIECES_MAX = 1024,
	SLOT_CONTROL = 0,
	SLOT_ZAP = 1
};

uint64_t
kv_vm_piece_size(const struct kv_vm *vm)
{
	const struct kv_machine *m = vm->machine;

	return UINT64_C(1) << (m->page_shift + 2 * m->pt_shift);
}

/* An errno that must not be taken for "no KVM here". */
static int
failure(int error)
{
	return kv_mmu_absent(error) ? EIO : error;
}

static int
fail(struct kv_vm *vm, int error, const char *reason)
{
	vm->reason = reason;
	return error;
}

/* ---- Memory slots ---------------------------------------------------- */

/* Address space before and behind memory that keeps it apart from all else:
 * for the kernel, and for who asks it about this memory. */
static size_t
margin(const struct kv_vm *vm)
{
	return (size_t)kv_vm_page_size(vm);
}

/* size bytes of nothing yet, aligned to what one table maps. */
static char *
reserve(const struct kv_vm *vm, uint64_t size)
{
	const struct kv_machine *m = vm->machine;
	size_t align = (size_t)1 << (m->page_shift + m->pt_shift), head;
	size_t all = (size_t)size + 2 * align;
	char *p = mmap(NULL, all, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	head = align - ((uintptr_t)p & (align - 1));
	if (head > margin(vm))
		munmap(p, head - margin(vm));
	p += head;
	munmap(p + size + margin(vm), all - head - (size_t)size - margin(vm));
	if (mprotect(p, (size_t)size, PROT_READ | PROT_WRITE) == 0)
		return p;
	munmap(p - margin(vm), (size_t)size + 2 * margin(vm));
	return NULL;
}

static void
release(const struct kv_vm *vm, char *host)
{
	if (host != NULL)
		munmap(host - margin(vm),
		    (size_t)kv_vm_piece_size(vm) + 2 * margin(vm));
}

static int
set_slot(struct kv_vm *vm, unsigned slot, kv_pa_t pa, uint64_t size,
    const void *host, unsigned flags)
{
	struct kvm_userspace_memory_region region = {.slot = slot,
	    .flags = flags,
	    .guest_phys_addr = pa,
	    .memory_size = size,
	    .userspace_addr = (uintptr_t)host};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) == 0)
		return 0;
	return fail(vm, failure(errno), "KVM takes no more memory");
}

static int
piece_back(struct kv_vm *vm, size_t i)
{
	struct kv_vm_piece *p = &vm->pieces[i];
	uint64_t size = kv_vm_piece_size(vm);
	char *host;
	int error;

	if (vm->nslots == PIECES_MAX)
		return fail(vm, ENOSPC, "more memory than a guest gets");
	host = reserve(vm, size);
	if (host == NULL)
		return fail(vm, ENOMEM, "no address space for guest memory");
	/* Where the host has no huge pages there is nothing to advise. */
	(void)madvise(
	    host, (size_t)size, vm->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	error = set_slot(vm, vm->nslots, i * size, size, host, 0);
	if (error != 0) {
		release(vm, host);
		return error;
	}
	p->host = host;
	p->slot = vm->nslots++;
	return 0;
}

int
kv_vm_back(struct kv_vm *vm, kv_pa_t pa, uint64_t size)
{
	uint64_t piece = kv_vm_piece_size(vm);
	size_t i, end;
	int error;

	if (size > vm->base || pa > vm->base - size)
		return fail(vm, EINVAL, "beyond guest physical addresses");
	end = (size_t)((pa + size + piece - 1) / piece);
	if (end > vm->npieces) {
		vm->pieces =
		    kv_mem_resize(vm->pieces, end, sizeof(*vm->pieces));
		memset(&vm->pieces[vm->npieces], 0,
		    (end - vm->npieces) * sizeof(*vm->pieces));
		vm->npieces = end;
	}
	for (i = (size_t)(pa / piece); i < end; i++) {
		if (vm->pieces[i].host != NULL)
			continue;
		error = piece_back(vm, i);
		if (error != 0)
			return error;
	}
	return 0;
}

char *
kv_vm_memory(const struct kv_vm *vm, kv_pa_t pa)
{
	uint64_t size = kv_vm_piece_size(vm);

	if (pa / size >= vm->npieces || vm->pieces[pa / size].host == NULL)
		return NULL;
	return vm->pieces[pa / size].host + pa % size;
}

bool
kv_vm_is_logged(const struct kv_vm *vm, kv_pa_t pa)
{
	uint64_t size = kv_vm_piece_size(vm);

	return pa / size < vm->npieces && vm->pieces[pa / size].logged;
}

/* A slot that goes takes along everything derived from page tables. */
int
kv_vm_zap(struct kv_vm *vm)
{
	uint64_t size = kv_vm_page_size(vm);
	kv_pa_t pa = vm->base + kv_vm_piece_size(vm);
	int error = set_slot(vm, SLOT_ZAP, pa, size, vm->control, 0);

	if (error == 0)
		error = set_slot(vm, SLOT_ZAP, pa, 0, vm->control, 0);
	return error;
}

/* ---- What KVM knows -------------------------------------------------- */

static int
piece_log(struct kv_vm *vm, size_t i)
{
	struct kv_vm_piece *p = &vm->pieces[i];
	size_t size = (size_t)kv_vm_piece_size(vm);
	size_t bytes = size >> vm->machine->page_shift >> 3, word;
	struct kvm_dirty_log log = {.slot = p->slot};
	uint64_t *found;

	if (!p->logged) {
		int error = set_slot(vm, p->slot, i * size, size, p->host,
		    KVM_MEM_LOG_DIRTY_PAGES);

		if (error != 0)
			return error;
		p->logged = true;
		p->dirty = kv_mem_resize(NULL, bytes, 1);
		memset(p->dirty, 0xff, bytes);
		return 0;
	}
	found = kv_mem_resize(NULL, bytes, 1);
	log.dirty_bitmap = found;
	if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) != 0) {
		kv_mem_free(found);
		return fail(vm, failure(errno), "KVM gives no dirty log");
	}
	for (word = 0; word < bytes / sizeof(*found); word++)
		p->dirty[word] |= found[word];
	kv_mem_free(found);
	return 0;
}

int
kv_vm_dirty(struct kv_vm *vm, kv_pa_t pa, uint64_t size, uint64_t *bitmap)
{
	unsigned shift = vm->machine->page_shift;
	uint64_t piece = kv_vm_piece_size(vm), page, i;
	int error;

	for (i = pa / piece; i * piece < pa + size; i++) {
		error = piece_log(vm, (size_t)i);
		if (error != 0)
			return error;
	}
	memset(bitmap, 0, (size_t)(((size >> shift) + 63) / 64 * 8));
	for (page = 0; page < size >> shift; page++) {
		kv_pa_t at = pa + (page << shift);
		uint64_t *dirty = vm->pieces[at / piece].dirty;
		uint64_t bit = at % piece >> shift;

		bitmap[page / 64] |= (dirty[bit / 64] >> bit % 64 & 1)
				     << page % 64;
		dirty[bit / 64] &= ~(UINT64_C(1) << bit % 64);
	}
	return 0;
}

int
kv_vm_stats(struct kv_vm *vm, uint64_t leaves[KV_VM_STATS])
{
	int i;

	if (vm->stats < 0)
		return fail(vm, EOPNOTSUPP, "KVM counts no leaves");
	for (i = 0; i < KV_VM_STATS; i++)
		if (pread(vm->stats, &leaves[i], sizeof(leaves[i]),
			vm->stat_offset[i]) != (ssize_t)sizeof(leaves[i]))
			return fail(vm, EIO, "KVM's statistics are unreadable");
	return 0;
}

int
kv_vm_translate(struct kv_vm *vm, kv_va_t va, kv_pa_t *pa)
{
	struct kvm_translation t = {.linear_address = va};

	if (ioctl(vm->cpus[0].fd, KVM_TRANSLATE, &t) != 0)
		return fail(vm, EIO, "KVM_TRANSLATE failed");
	if (t.valid == 0)
		return ENOENT;
	*pa = t.physical_address;
	return 0;
}

bool
kv_vm_feature(const struct kv_vm *vm, uint32_t leaf, unsigned reg, unsigned bit)
{
	const struct kvm_cpuid2 *cpuid = vm->cpuid;
	unsigned i;

	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == leaf && e->index == 0)
			return ((reg == 1 ? e->ecx : e->edx) >> bit & 1) != 0;
	}
	return false;
}

/* ---- Create ---------------------------------------------------------- */

static int
open_device(struct kv_vm *vm, const char *device, int *kvm)
{
	int version;

	*kvm = open(device, O_RDWR | O_CLOEXEC);
	if (*kvm < 0)
		switch (errno) {
		case ENOENT:
			return fail(vm, ENOENT, "/dev/kvm does not exist");
		case EACCES:
		case EPERM:
			return fail(vm, errno, "no permission for /dev/kvm");
		case ENODEV:
		case ENXIO:
			return fail(vm, errno, "/dev/kvm has no driver");
		default:
			return fail(vm, errno, "/dev/kvm cannot be opened");
		}
	version = ioctl(*kvm, KVM_GET_API_VERSION, 0);
	if (version < 0)
		return fail(vm, failure(errno), "/dev/kvm is not KVM's");
	if (version != API_VERSION)
		return fail(vm, EPROTONOSUPPORT, "KVM has another API version");
	return 0;
}

/* What the host can give goes to the guest; it says how wide addresses are. */
static int
read_cpuid(struct kv_vm *vm, int kvm)
{
	struct kvm_cpuid2 *cpuid = kv_mem_resize(NULL, 1,
	    sizeof(*cpuid) + CPUID_MAX * sizeof(struct kvm_cpuid_entry2));
	unsigned i, bits = PHYS_BITS_LEAST;

	vm->cpuid = cpuid;
	memset(cpuid, 0, sizeof(*cpuid));
	cpuid->nent = CPUID_MAX;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid) != 0)
		return fail(vm, failure(errno), "KVM tells no CPUID");
	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008)
			bits = cpuid->entries[i].eax & 0xff;
	if (bits < PHYS_BITS_LEAST)
		return fail(vm, EOPNOTSUPP, "too few bits of guest memory");
	if (bits > PHYS_BITS_MAX)
		bits = PHYS_BITS_MAX;
	vm->base = UINT64_C(1) << (bits - 1);
	return 0;
}

static int
create_vm(struct kv_vm *vm, int kvm, const struct kv_vm_config *cfg)
{
	uint64_t size = kv_vm_piece_size(vm);
	int error;

	vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return fail(vm, errno == EBUSY ? EBUSY : failure(errno),
		    errno == EBUSY ? "another hypervisor holds the CPU"
				   : "KVM makes no guest");
	error = kv_vm_cpus_create(vm, kvm, cfg);
	if (error != 0)
		return error;
	vm->control = reserve(vm, size);
	if (vm->control == NULL)
		return fail(vm, ENOMEM, "no address space for a guest");
	error = set_slot(vm, SLOT_CONTROL, vm->base, size, vm->control, 0);
	vm->nslots = SLOT_ZAP + 1;
	if (error == 0 &&
	    ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, (unsigned long)MMU_PAGES) != 0)
		error = fail(vm, failure(errno), "the shadow quota stays low");
	return error;
}

/* Statistics by name; a guest without them still works. */
static void
open_stats(struct kv_vm *vm)
{
	static const char *const names[] = {"pages_4k", "pages_2m", "pages_1g"};
	struct kvm_stats_header h;
	unsigned i, k, found = 0;
	char *d;

	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD) <= 0)
		return;
	vm->stats = ioctl(vm->fd, KVM_GET_STATS_FD, NULL);
	if (vm->stats < 0 ||
	    pread(vm->stats, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		h = (struct kvm_stats_header){0};
	d = kv_mem_resize(
	    NULL, 1, sizeof(struct kvm_stats_desc) + h.name_size + 1);
	memset(d, 0, sizeof(struct kvm_stats_desc) + h.name_size + 1);
	for (i = 0; i < h.num_desc; i++) {
		size_t size = sizeof(struct kvm_stats_desc) + h.name_size;
		struct kvm_stats_desc fixed;

		if (pread(vm->stats, d, size,
			(off_t)(h.desc_offset + i * size)) != (ssize_t)size)
			break;
		memcpy(&fixed, d, sizeof(fixed));
		for (k = 0; k < KV_VM_STATS; k++)
			if (strcmp(d + sizeof(fixed), names[k]) == 0) {
				vm->stat_offset[k] =
				    h.data_offset + fixed.offset;
				found |= 1U << k;
			}
	}
	kv_mem_free(d);
	if (found != (1U << KV_VM_STATS) - 1 && vm->stats >= 0) {
		close(vm->stats);
		vm->stats = -1;
	}
}

int
kv_vm_open(
    const struct kv_vm_config *cfg, struct kv_vm **vm, const char **reason)
{
	struct kv_vm *made = kv_mem_resize(NULL, 1, sizeof(*made));
	unsigned i;
	int error, kvm;

	*made = (struct kv_vm){.machine = kv_machine_find("amd64"),
	    .levels = cfg->levels,
	    .huge = cfg->huge,
	    .timeout_ms = cfg->timeout_ms,
	    .fd = -1,
	    .stats = -1};
	error = open_device(made, cfg->device, &kvm);
	if (error == 0)
		error = read_cpuid(made, kvm);
	if (error == 0)
		error = create_vm(made, kvm, cfg);
	if (error == 0) {
		open_stats(made);
		kv_vm_area_init(made);
		for (i = 0; i < made->ncpus && error == 0; i++) {
			error = kv_vm_run_init(made, &made->cpus[i]);
			made->reason = made->cpus[i].reason;
		}
	}
	if (kvm >= 0)
		close(kvm);
	if (error != 0) {
		*reason = made->reason;
		kv_vm_close(made);
		return error;
	}
	*vm = made;
	return 0;
}

void
kv_vm_close(struct kv_vm *vm)
{
	size_t i;

	kv_vm_cpus_destroy(vm);
	if (vm->stats >= 0)
		close(vm->stats);
	if (vm->fd >= 0)
		close(vm->fd);
	release(vm, vm->control);
	for (i = 0; i < vm->npieces; i++) {
		release(vm, vm->pieces[i].host);
		kv_mem_free(vm->pieces[i].dirty);
	}
	kv_mem_free(vm->pieces);
	kv_mem_free(vm->cpuid);
	kv_mem_free(vm);
}
