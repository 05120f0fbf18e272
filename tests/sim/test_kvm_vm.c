/* SPDX-License-Identifier: BSD-2-Clause */
/* test_kvm_vm.c - a guest ends in time, leaves nothing, says why it is not */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "kvtest.h"
#include "hw/mmu.h"

/* What is no KVM, and what is one that fails (kvm.md 4). */
START_TEST(test_absent)
{
	static const int absent[] = {ENOENT, EACCES, EPERM, ENODEV, ENXIO,
	    EBUSY, EPROTONOSUPPORT, ENOSYS};
	static const int broken[] = {0, EMFILE, ENFILE, ENOTTY, EINVAL, ENOMEM,
	    EIO, ETIMEDOUT, EFAULT, EOPNOTSUPP};
	size_t i;

	for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		ck_assert(kv_mmu_absent(absent[i]));
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		ck_assert(!kv_mmu_absent(broken[i]));
}
END_TEST

#ifdef KV_HAVE_KVM
#include "hw/kvm_touch.h"

enum { FDS_MAX = 256, SIGNALS = 65 };

static const struct kv_vm_config config = {
    .device = "/dev/kvm", .levels = 4, .timeout_ms = 10000};

static struct kv_vm *
guest(unsigned timeout_ms)
{
	struct kv_vm_config cfg = config;
	struct kv_vm *vm;
	const char *reason = "";
	int error;

	cfg.timeout_ms = timeout_ms;
	error = kv_vm_open(&cfg, &vm, &reason);
	ck_assert_msg(error == 0, "%s: %s", strerror(error), reason);
	return vm;
}

static int
count(struct kv_vm *vm, bool user, uint64_t n)
{
	struct kv_vm_call call = {
	    .entry = kv_guest_count, .user = user, .count = n};

	return kv_vm_run(vm, &call);
}

static unsigned
open_files(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < FDS_MAX; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* Pages of address space. */
static unsigned long
address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return pages;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Runs ------------------------------------------------------------ */

/* 2^64 iterations, at CPL 0 and at CPL 3; then the guest still works. */
START_TEST(test_endless)
{
	struct kv_vm *vm = guest(50);
	double start = seconds();

	ck_assert_int_eq(count(vm, _i == 1, 0), ETIMEDOUT);
	/* Not the limit: a hang. */
	ck_assert(seconds() - start < 100);
	ck_assert(seconds() - start >= 0.05);
	vm->timeout_ms = config.timeout_ms;
	ck_assert_int_eq(count(vm, true, 10), 0);
	ck_assert_int_eq(count(vm, false, 10), 0);
	kv_vm_close(vm);
}
END_TEST

static volatile sig_atomic_t alarms;

static void
on_alarm(int number)
{
	(void)number;
	alarms++;
}

/* Signals of the program reach it, do not end a run, and are as they were. */
START_TEST(test_signals)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval tick = {{0, 2000}, {0, 2000}}, never = {0};
	struct sigaction handlers[SIGNALS] = {0}, after;
	struct kv_vm *vm;
	sigset_t before, mask;
	int i, number;

	sigaction(SIGALRM, &action, NULL);
	for (number = 1; number < SIGNALS; number++)
		sigaction(number, NULL, &handlers[number]);
	vm = guest(config.timeout_ms);
	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	sigprocmask(SIG_SETMASK, &before, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	alarms = 0;
	for (i = 0; i < 1000 && alarms < 3; i++)
		ck_assert_int_eq(count(vm, true, 10000000), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert_int_ge(alarms, 3);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (number = 1; number < SIGNALS; number++) {
		ck_assert_int_eq(
		    sigismember(&mask, number), sigismember(&before, number));
		if (sigaction(number, NULL, &after) == 0)
			ck_assert(
			    after.sa_handler == handlers[number].sa_handler);
	}
	kv_vm_close(vm);
}
END_TEST

/* ---- Translations ---------------------------------------------------- */

/*
 * The host moves a page to another frame behind the guest's back.  Where KVM
 * does not see that, the guest still writes to the old frame, without a fault:
 * the touch must notice.  Where it does, all is well.
 */
START_TEST(test_stale)
{
	const kv_va_t va = UINT64_C(0xfffffe0000000000), page = 4096;
	const kv_va_t far = UINT64_C(0xffffff0000000000);
	struct kv_vm *vm = guest(config.timeout_ms);
	struct kv_kvm_faults faults = {0};
	struct kv_kvm_tables t;
	struct kv_mmu_caps caps;
	struct kv_leaf leaf;
	const char *reason;
	uint64_t *entry;

	ck_assert_int_eq(kv_mmu_kvm_probe("/dev/kvm", &caps, &reason), 0);
	ck_assert_int_eq(kv_kvm_tables_init(&t, vm, kv_pte_find("amd64")), 0);
	ck_assert_int_eq(kv_vm_back(vm, 0, 4 * page), 0);
	ck_assert_int_eq(kv_pmap_enter_leaf(t.pmap, va, 0, 0, 1, KV_PTE_W), 0);
	ck_assert_int_eq(kv_kvm_tables_commit(&t), 0);
	ck_assert_int_eq(kv_kvm_touch(&t, KV_ACCESS_WRITE, &va, 1, &faults), 0);
	entry = kv_kvm_tables_find(&t, va, &leaf);
	ck_assert_ptr_nonnull(entry);
	*entry += 2 * page;
	/* A flush: the guest edits tables that have nothing to do with it. */
	ck_assert_int_eq(kv_pmap_enter_leaf(t.pmap, far, page, 0, 1, 0), 0);
	ck_assert_int_eq(kv_kvm_tables_commit(&t), 0);
	ck_assert_int_eq(kv_pmap_protect(t.pmap, far, page, KV_PTE_X, NULL), 0);
	ck_assert_int_eq(kv_kvm_tables_commit(&t), 0);
	ck_assert_int_eq(kv_kvm_touch(&t, KV_ACCESS_WRITE, &va, 1, &faults),
	    caps.host_coherent ? 0 : EIO);
	/* Then KVM forgets what it knew. */
	ck_assert_int_eq(kv_vm_zap(vm), 0);
	ck_assert_int_eq(kv_kvm_touch(&t, KV_ACCESS_WRITE, &va, 1, &faults), 0);
	ck_assert_uint_eq(faults.count, 0);
	kv_kvm_tables_fini(&t);
	kv_vm_close(vm);
}
END_TEST

/* Calls leave memory as it was, and CPL 3 has a root of its own. */
START_TEST(test_traces)
{
	const kv_va_t va = UINT64_C(0xfffffe0000000000), page = 4096;
	const kv_va_t list[] = {va + 5, va + page - 1, va + 5};
	const unsigned slot = va >> 39 & 511;
	struct kv_vm *vm = guest(config.timeout_ms);
	struct kv_kvm_faults faults = {0};
	struct kv_kvm_tables t;
	char *memory;
	size_t i;

	ck_assert_int_eq(kv_kvm_tables_init(&t, vm, kv_pte_find("amd64")), 0);
	ck_assert_int_eq(kv_vm_back(vm, 0, page), 0);
	ck_assert_int_eq(kv_pmap_enter_leaf(t.pmap, va, 0, 0, 1, KV_PTE_X), 0);
	ck_assert_int_eq(kv_kvm_tables_commit(&t), 0);
	memory = kv_vm_memory(vm, 0);
	memset(memory, 0x5a, page);
	ck_assert_int_eq(kv_kvm_touch(&t, KV_ACCESS_EXEC, list, 3, &faults), 0);
	ck_assert_uint_eq(faults.count, 0);
	for (i = 0; i < page; i++)
		ck_assert_int_eq(memory[i], 0x5a);
	for (i = 0; i < 2; i++) {
		const uint64_t *root =
		    kv_vm_control(vm, kv_vm_root(vm, i == 1));

		ck_assert_uint_eq(root[slot] & 7, i == 1 ? 7 : 3);
	}
	kv_kvm_tables_fini(&t);
	kv_vm_close(vm);
}
END_TEST

/* ---- Failures -------------------------------------------------------- */

/* One more descriptor at a time: what is missing fails, leaving nothing. */
START_TEST(test_few_files)
{
	unsigned before = open_files(), allowed, stages = 0;
	struct rlimit limit, old;
	struct kv_vm *vm = NULL;
	const char *reason, *last = "";
	int error = EMFILE;

	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	for (allowed = 0; error != 0; allowed++) {
		ck_assert_uint_lt(allowed, FDS_MAX);
		limit.rlim_cur = allowed;
		setrlimit(RLIMIT_NOFILE, &limit);
		reason = NULL;
		error = kv_vm_open(&config, &vm, &reason);
		setrlimit(RLIMIT_NOFILE, &old);
		ck_assert(!kv_mmu_absent(error));
		if (error == 0)
			break;
		ck_assert_ptr_nonnull(reason);
		ck_assert_uint_eq(open_files(), before);
		stages += strcmp(reason, last) != 0;
		last = reason;
	}
	/* KVM itself, the VM, the vCPU. */
	ck_assert_uint_ge(stages, 3);
	ck_assert_int_eq(count(vm, true, 10), 0);
	kv_vm_close(vm);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

/* Address space for what the test needs, not for a guest's pool. */
START_TEST(test_no_address_space)
{
	unsigned files = open_files();
	unsigned long pages = address_space(), page = 4096, more = 64;
	struct rlimit limit, old;
	const char *reason = NULL;
	struct kv_vm *vm;

	getrlimit(RLIMIT_AS, &old);
	limit = old;
	limit.rlim_cur = pages * page + (more << 20);
	setrlimit(RLIMIT_AS, &limit);
	ck_assert_int_eq(kv_vm_open(&config, &vm, &reason), ENOMEM);
	setrlimit(RLIMIT_AS, &old);
	ck_assert_ptr_nonnull(reason);
	ck_assert_uint_eq(open_files(), files);
	ck_assert(address_space() < pages + (more << 20) / page);
}
END_TEST

/* A piece that cannot be had leaves the guest as it was. */
START_TEST(test_no_memory)
{
	struct kv_vm *vm = guest(config.timeout_ms);
	unsigned long pages = address_space(), page = 4096, more = 64;
	struct rlimit limit, old;

	getrlimit(RLIMIT_AS, &old);
	limit = old;
	limit.rlim_cur = pages * page + (more << 20);
	setrlimit(RLIMIT_AS, &limit);
	ck_assert_int_eq(kv_vm_back(vm, 0, page), ENOMEM);
	setrlimit(RLIMIT_AS, &old);
	ck_assert_ptr_null(kv_vm_memory(vm, 0));
	ck_assert_int_eq(kv_vm_back(vm, 0, page), 0);
	ck_assert_ptr_nonnull(kv_vm_memory(vm, 0));
	ck_assert_int_eq(kv_vm_back(vm, UINT64_MAX - page, page), EINVAL);
	ck_assert_int_eq(kv_vm_back(vm, vm->base, page), EINVAL);
	ck_assert_int_eq(kv_vm_back(vm, vm->base - page, page), 0);
	kv_vm_close(vm);
	ck_assert(address_space() < pages + (more << 20) / page);
}
END_TEST

/* => the error of a device that is no KVM, after the same checks for all */
static int
refused(const char *device)
{
	struct kv_vm_config cfg = config;
	struct kv_mmu_caps caps;
	unsigned files = open_files();
	const char *reason = NULL;
	struct kv_vm *vm;
	int error;

	cfg.device = device;
	error = kv_vm_open(&cfg, &vm, &reason);
	ck_assert_int_ne(error, 0);
	ck_assert_ptr_nonnull(reason);
	reason = NULL;
	ck_assert_int_eq(kv_mmu_kvm_probe(device, &caps, &reason), error);
	ck_assert_ptr_nonnull(reason);
	ck_assert_uint_eq(open_files(), files);
	return error;
}

START_TEST(test_no_device)
{
	ck_assert_int_eq(refused("/no/such/kvm"), ENOENT);
	ck_assert_int_eq(refused("/dev/null"), ENOTTY);
}
END_TEST

/* A node without the right to open it; root has all rights. */
START_TEST(test_no_permission)
{
	char path[] = "/tmp/kv_kvm_XXXXXX";
	int fd = mkstemp(path), error;

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(chmod(path, 0), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	error = refused(path);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	unlink(path);
	ck_assert_int_eq(error, EACCES);
}
END_TEST
#endif

int
main(void)
{
	Suite *s = suite_create("kvm_vm");
	TCase *t = tcase_create("anywhere");
	struct kv_mmu_caps caps;
	const char *reason;
	int error = kv_mmu_kvm_probe("/dev/kvm", &caps, &reason);

	tcase_add_test(t, test_absent);
#ifdef KV_HAVE_KVM
	tcase_add_test(t, test_no_device);
	tcase_add_test(t, test_no_permission);
#endif
	suite_add_tcase(s, t);
	if (kv_mmu_absent(error)) {
		printf("no KVM: %s\n", reason);
		return kv_test_main(s) != 0 ? 1 : 77;
	}
#ifdef KV_HAVE_KVM
	t = tcase_create("kvm");
	tcase_add_loop_test(t, test_endless, 0, 2);
	tcase_add_test(t, test_signals);
	tcase_add_test(t, test_stale);
	tcase_add_test(t, test_traces);
	tcase_add_test(t, test_few_files);
	tcase_add_test(t, test_no_address_space);
	tcase_add_test(t, test_no_memory);
	suite_add_tcase(s, t);
#endif
	return kv_test_main(s);
}
