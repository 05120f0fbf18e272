/* SPDX-License-Identifier: BSD-2-Clause */
/* mmu_absent.c - what "no KVM here" means, and a host without it (kvm.md 4) */
#include "hw/jail.h"
#include "hw/mmu.h"

bool
kv_mmu_absent(int error)
{
	switch (error) {
	case ENOENT:
	case EACCES:
	case EPERM:
	case ENODEV:
	case ENXIO:
	case EBUSY:
	case EPROTONOSUPPORT:
	case ENOSYS:
		return true;
	default:
		return false;
	}
}

#ifndef KV_HAVE_KVM
static const char why[] = "built without KVM, which is for Linux on x86-64";

int
kv_mmu_kvm_probe(
    const char *device, struct kv_mmu_caps *caps, const char **reason)
{
	(void)device;
	(void)caps;
	*reason = why;
	return ENOSYS;
}

int
kv_mmu_kvm_open(
    const struct kv_mmu_config *cfg, struct kv_mmu **mmu, const char **reason)
{
	(void)cfg;
	(void)mmu;
	*reason = why;
	return ENOSYS;
}

int
kv_jail_run(kv_jail_fn *work, const void *arg)
{
	return work(arg);
}

void
kv_jail_enter(void)
{
}

int
kv_jail_close(void)
{
	return ENOSYS;
}
#endif
