/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm_cpu.c - vCPUs of a guest, and the threads that run them
 *
 * A touch under shadow paging costs an exit, which other vCPUs need not wait
 * for: several run parts of one list, on a thread each, while the caller runs
 * the first.  A thread starts when it is first needed, blocks all signals, so
 * that those of the program go where they went without it, and ends with the
 * guest.  Where none can be had the caller runs the vCPU, later.
 */
#define _DEFAULT_SOURCE /* sysconf */
#include "hw/kvm_vm.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "alloc/kv.h"
#include "out/mem.h"

/* A thread; it and the caller take turns: who has the call has the vCPU. */
struct kv_vm_worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	const struct kv_vm *vm;
	struct kv_vm_cpu *cpu;
	struct kv_vm_call *call; /* NULL: it has run */
	int error;
	bool ends;
};

static int
fail(struct kv_vm *vm, int error, const char *reason)
{
	vm->reason = reason;
	return kv_mmu_absent(error) ? EIO : error;
}

/* ---- Threads --------------------------------------------------------- */

static void *
work(void *arg)
{
	struct kv_vm_worker *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->call == NULL && !w->ends)
			pthread_cond_wait(&w->turn, &w->lock);
		if (w->ends)
			break;
		w->error = kv_vm_run_cpu(w->vm, w->cpu, w->call);
		w->call = NULL;
		pthread_cond_signal(&w->turn);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* => false: no more threads */
static bool
worker_start(const struct kv_vm *vm, struct kv_vm_cpu *cpu)
{
	struct kv_vm_worker *w = kv_mem_resize(NULL, 1, sizeof(*w));
	sigset_t all, old;
	int error;

	*w = (struct kv_vm_worker){.vm = vm, .cpu = cpu};
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->turn, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0) {
		cpu->worker = w;
		return true;
	}
	pthread_cond_destroy(&w->turn);
	pthread_mutex_destroy(&w->lock);
	kv_mem_free(w);
	return false;
}

static void
worker_end(struct kv_vm_worker *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ends = true;
	pthread_cond_signal(&w->turn);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->turn);
	pthread_mutex_destroy(&w->lock);
	kv_mem_free(w);
}

static void
worker_give(struct kv_vm_worker *w, struct kv_vm_call *call)
{
	pthread_mutex_lock(&w->lock);
	w->call = call;
	pthread_cond_signal(&w->turn);
	pthread_mutex_unlock(&w->lock);
}

static int
worker_wait(struct kv_vm_worker *w)
{
	int error;

	pthread_mutex_lock(&w->lock);
	while (w->call != NULL)
		pthread_cond_wait(&w->turn, &w->lock);
	error = w->error;
	pthread_mutex_unlock(&w->lock);
	return error;
}

/* ---- Run ------------------------------------------------------------- */

int
kv_vm_run_all(struct kv_vm *vm, struct kv_vm_call *calls, unsigned n)
{
	bool given[KV_VM_CPUS] = {false};
	unsigned i;
	int first = 0;

	KV_ASSERT(n <= vm->ncpus);
	vm->nruns++;
	for (i = 0; i < n; i++)
		calls[i].number = vm->nruns;
	for (i = 1; i < n; i++) {
		struct kv_vm_cpu *cpu = &vm->cpus[i];

		given[i] = cpu->worker != NULL || worker_start(vm, cpu);
		if (given[i])
			worker_give(cpu->worker, &calls[i]);
	}
	for (i = 0; i < n; i++) {
		struct kv_vm_cpu *cpu = &vm->cpus[i];
		int error = given[i] ? worker_wait(cpu->worker)
				     : kv_vm_run_cpu(vm, cpu, &calls[i]);

		if (error == 0 || first != 0)
			continue;
		first = error;
		vm->reason = cpu->reason;
	}
	return first;
}

int
kv_vm_run(struct kv_vm *vm, struct kv_vm_call *call)
{
	return kv_vm_run_all(vm, call, 1);
}

void
kv_vm_stale(struct kv_vm *vm)
{
	unsigned i;

	for (i = 1; i < vm->ncpus; i++)
		vm->cpus[i].stale = true;
}

/* ---- Create ---------------------------------------------------------- */

static unsigned
count(const struct kv_vm_config *cfg)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = cfg->cpus;

	if (n == 0)
		n = online < 1		  ? 1
		    : online < KV_VM_CPUS ? (unsigned)online
					  : KV_VM_CPUS;
	return n < KV_VM_CPUS ? n : KV_VM_CPUS;
}

static int
create(struct kv_vm *vm, struct kv_vm_cpu *cpu, size_t run_size)
{
	void *run;

	cpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, cpu->index);
	if (cpu->fd < 0)
		return fail(vm, errno, "KVM makes no vCPU");
	run = mmap(
	    NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (run == MAP_FAILED)
		return fail(vm, errno, "no memory for a vCPU");
	cpu->run = run;
	cpu->run_size = run_size;
	if (ioctl(cpu->fd, KVM_SET_CPUID2, vm->cpuid) != 0)
		return fail(vm, errno, "KVM refuses its own CPUID");
	return 0;
}

int
kv_vm_cpus_create(struct kv_vm *vm, int kvm, const struct kv_vm_config *cfg)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), error = 0;
	unsigned i, n = count(cfg);

	if (size < 0)
		return fail(vm, errno, "KVM makes no vCPU");
	vm->sync =
	    (unsigned)ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
	for (i = 0; i < n && error == 0; i++) {
		vm->cpus[i] = (struct kv_vm_cpu){.index = i, .fd = -1};
		vm->ncpus = i + 1;
		error = create(vm, &vm->cpus[i], (size_t)size);
	}
	return error;
}

void
kv_vm_cpus_destroy(struct kv_vm *vm)
{
	unsigned i;

	for (i = 0; i < vm->ncpus; i++) {
		struct kv_vm_cpu *cpu = &vm->cpus[i];

		worker_end(cpu->worker);
		if (cpu->run != NULL)
			munmap(cpu->run, cpu->run_size);
		if (cpu->fd >= 0)
			close(cpu->fd);
		kv_mem_free(cpu->sregs);
	}
}
