/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kv.h - umbrella of libkvasir: glossary, then the modules in layer order
 *
 * arena        a set of spans from which segments are allocated
 * span         a range of addresses added to or imported by an arena
 * segment      a part of a span: free or busy; described by a boundary tag
 * quantum      unit of an arena's sizes and addresses, bytes
 * import       taking a span from a source arena; release gives it back
 * slot         KVA of one stack with its guard, kpages pages
 * guard        unmapped pages below a stack, gpages pages
 * chunk        one import of a kernel-stack arena: a run of slots
 * pindex       index of a page within a VM object
 * reservation  an aligned block of frames promised to one object
 * population map  which pages of a reservation are in use (popmap, popcnt)
 * break        ending a reservation; its idle pages become free
 * zone         a cache of items in per-CPU buckets before their source
 * plan         regions of an address space, placed by anchors and sizes
 * image        a file of segments, each a run of sections with equal rights
 * reclaim      breaking the least recently changed partial reservation;
 *              of a page-table pool: taking tables back
 * pool         a bounded range of pages that tables are drawn from
 */
#ifndef KV_KV_H
#define KV_KV_H

#include "base.h"
#include "arith.h"
#include "event.h"
#include "host.h"
#include "machine.h"
#include "pindex.h"
#include "domainset.h"
#include "zone.h"
#include "ptpool.h"
#include "vmem.h"
#include "link.h"
#include "phys.h"
#include "pagecache.h"
#include "object.h"
#include "reserv.h"
#include "kstack.h"
#include "layout.h"
#include "segalign.h"

#endif
