/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_oracle.c - the judge of events: one bad log for each thing it knows
 *
 * Every log is written by hand from the invariant's text, begins with the same
 * good events, and must be caught by that id and by no other.
 */
#include <stdio.h>
#include <string.h>

#include "input.h"
#include "kvtest.h"
#include "run/oracle_log.h"

/* ---- Good beginnings ---------------------------------------------------- */

#define MAGIC "# kvasir trace 1\n"

/* Two domains of 16 MiB; pfn 4096 is the first page of domain 0. */
#define MEMORY                                                       \
	"run.machine amd64 page=4096 reserv=2097152 domains=2\n"     \
	"phys.seg phys pa=0x1000000 size=16777216 domain=0 list=0\n" \
	"phys.seg phys pa=0x2000000 size=16777216 domain=1 list=0\n"

/* One arena of [0x10000, 0x20000). */
#define ARENA                                                 \
	"vmem.arena va quantum=4096 qcache_max=8192 pow2=0\n" \
	"vmem.add va va=0x10000 size=65536\n"

/* "low" imports from it, and gives back. */
#define CHILD                                                     \
	ARENA "vmem.arena low quantum=4096 qcache_max=0 pow2=0\n" \
	      "vmem.source low quantum=16384 release=1\n"         \
	      "vmem.link low from=va align=0 slot=0 origin=0x0 stride=0\n"

#define IMPORTED                                      \
	CHILD "vmem.alloc va va=0x10000 size=16384\n" \
	      "vmem.import low va=0x10000 size=16384\n"

#define OBJECT \
	MEMORY "object.create data npages=1000 colored=1 color=0 guard=0\n"

#define RESERV                                                             \
	OBJECT "phys.alloc phys pa=0x1000000 npages=512 domain=0 pool=0\n" \
	       "reserv.create reserv object=data pa=0x1000000 pindex=512 " \
	       "domain=0\n"

/* Kernel stacks of 4 + 1 pages from address 0; those of the second domain
 * begin at 20 MiB. */
#define KVA_ARENA(name) "vmem.arena " name " quantum=4096 qcache_max=0 pow2=0\n"
#define KVA_DOMAIN(d)                                                        \
	KVA_ARENA("domain" d)                                                \
	KVA_ARENA("kstack" d)                                                \
	"vmem.source domain" d " quantum=20971520 release=0\n"               \
	"vmem.link domain" d " from=kernel align=2097152 slot=0 origin=0x0 " \
	"stride=0\n"                                                         \
	"vmem.source kstack" d " quantum=10465280 release=1\n"               \
	"vmem.link kstack" d " from=domain" d                                \
	" align=2097152 slot=20480 origin=0x0 stride=0\n"
#define KVA_POLICY \
	"kstack.policy kstack scheme=1 npages=4 gpages=1 origin=0x0\n"
#define KVA_OBJECT \
	"object.create kstack_object npages=9000 colored=0 color=0 guard=0\n"
#define KVA_OBJECTS                                                      \
	KVA_OBJECT                                                       \
	"object.create kstack_alt_object npages=9000 colored=0 color=0 " \
	"guard=0\n"
#define KVA_SPANS                                          \
	"vmem.import kernel va=0x0 size=41943040\n"        \
	"vmem.alloc kernel va=0x0 size=20971520\n"         \
	"vmem.import domain0 va=0x0 size=20971520\n"       \
	"vmem.alloc kernel va=0x1400000 size=20971520\n"   \
	"vmem.import domain1 va=0x1400000 size=20971520\n" \
	"vmem.alloc domain0 va=0x0 size=10485760\n"
#define KVA_ONE MEMORY KVA_POLICY KVA_ARENA("kernel") KVA_DOMAIN("0")
#define KVA KVA_ONE KVA_DOMAIN("1") KVA_OBJECTS KVA_SPANS

#define CHUNK KVA "vmem.import kstack0 va=0x0 size=10465280\n"
#define SLOT CHUNK "run.op run n=1\nvmem.alloc kstack0 va=0x0 size=20480\n"

#define PAGE(ks, pindex, pa, domain)                            \
	"kstack.page kstack ks=" ks " pindex=" pindex " pa=" pa \
	" domain=" domain "\n"
#define PAGES_AT(ks, p0, p1, p2, p3)   \
	PAGE(ks, p0, "0x1000000", "0") \
	PAGE(ks, p1, "0x1001000", "0") \
	PAGE(ks, p2, "0x1002000", "0") \
	PAGE(ks, p3, "0x1003000", "0")
#define PAGES PAGES_AT("0x1000", "0", "1", "2", "3")
#define PAGES_HIGHER PAGES_AT("0x2000", "0", "1", "2", "3")
#define PAGES_LATER PAGES_AT("0x1000", "4", "5", "6", "7")
#define PAGES_APART /* the last in the other domain */ \
	PAGE("0x1000", "0", "0x1000000", "0")          \
	PAGE("0x1000", "1", "0x1001000", "0")          \
	PAGE("0x1000", "2", "0x1002000", "0")          \
	PAGE("0x1000", "3", "0x2000000", "1")
#define PAGES_GAP                             \
	PAGE("0x1000", "0", "0x1000000", "0") \
	PAGE("0x1000", "2", "0x1002000", "0")
#define PAGES_TWO                             \
	PAGE("0x1000", "1", "0x1000000", "0") \
	PAGE("0x1000", "2", "0x1001000", "0")
#define BACKED                                                         \
	SLOT "phys.alloc phys pa=0x1000000 npages=4 domain=0 pool=0\n" \
	     "object.insert kstack_object pindex=0 pfn=4096 npages=4\n"
#define CREATE "kstack.create kstack ks=0x1000 npages=4 domain=0 pindex=0\n"
#define STACK BACKED PAGES CREATE

#define NO_PAGES                                                   \
	"object.remove kstack_object pindex=0 pfn=4096 npages=4\n" \
	"phys.free phys pa=0x1000000 npages=4\n"
#define NO_KVA                                        \
	"vmem.free kstack0 va=0x0 size=20480\n"       \
	"vmem.release kstack0 va=0x0 size=10465280\n" \
	"vmem.free domain0 va=0x0 size=10485760\n"
#define DISPOSE "kstack.dispose kstack ks=0x1000 npages=4 domain=0 pindex=0\n"
#define GONE "run.op run n=2\n" NO_PAGES NO_KVA DISPOSE

/* Tables of two levels for the lower GiB; the last has [0, 2 MiB). */
#define TABLES(name, tag)                                        \
	"pt.get " name " table=0x1000 level=1\n"                 \
	"pt.space " name " tag=" tag " half=1 bits=30 order=9\n" \
	"pt.get " name " table=0x2000 level=0\n"                 \
	"pt.table " name " table=0x1000 index=0 child=0x2000\n"
#define LEAF(index, pa) \
	"pt.leaf kernel table=0x2000 index=" index " pa=" pa " attr=9\n"
#define LEAVES                 \
	LEAF("1", "0x1000000") \
	LEAF("2", "0x1001000") LEAF("3", "0x1002000") LEAF("4", "0x1003000")
#define KERNEL TABLES("kernel", "0")
#define USER TABLES("user", "1")
#define MAPPED KERNEL STACK LEAVES "run.op run n=2\n"

/* A page of a device at 4 MiB, touched. */
#define TOUCHED                                                             \
	MEMORY TABLES("user",                                               \
	    "1") "pt.leaf user table=0x2000 index=7 pa=0x40000000 attr=1\n" \
		 "tlb.touch tlb tag=1 va=0x7000 write=0 result=1\n"         \
		 "tlb.touch tlb tag=1 va=0x7000 write=0 result=0\n"

/* A page of a device at 0x7000, which can be written, before an operation. */
#define DEVICE(index, pa, attr) \
	"pt.leaf user table=0x2000 index=" index " pa=" pa " attr=" attr "\n"
#define GONE_AT(index) "pt.clear user table=0x2000 index=" index "\n"
#define STEP                                                      \
	MEMORY TABLES("user", "1") DEVICE("7", "0x40000000", "1") \
	    DEVICE("8", "0x50000000", "1") "run.op run n=1\n"

/* A space that has no table but its root. */
#define BORROWER                             \
	"pt.get user table=0x3000 level=1\n" \
	"pt.space user tag=1 half=1 bits=30 order=9\n"

/* ---- Good logs ------------------------------------------------------------
 */

static const char *const good[] = {
    "",
    TOUCHED "tlb.touch cpu1 tag=1 va=0x7000 write=0 result=1\n"
	    "pt.leaf user table=0x2000 index=7 pa=0x50000000 attr=1\n"
	    "tlb.range tlb tag=1 va=0x7000 npages=1\n"
	    "tlb.tag cpu1 tag=1\n"
	    "tlb.touch tlb tag=1 va=0x7000 write=0 result=1\n"
	    "tlb.touch cpu1 tag=1 va=0x7000 write=0 result=1\n"
	    "tlb.touch cpu1 tag=1 va=0x7000 write=0 result=0\n",
    ARENA "vmem.request va size=8192 align=16384 phase=4096 nocross=0\n"
	  "vmem.bounds va min=0x0 max=0xffffffffffffffff fit=0\n"
	  "vmem.alloc va va=0x11000 size=8192\n"
	  "vmem.request va size=8192 align=4096 phase=0 nocross=0\n"
	  "vmem.fail va size=8192\n"
	  "vmem.cache va va=0x11000 size=8192\n"
	  "vmem.reuse va va=0x11000 size=8192\n"
	  "vmem.free va va=0x11000 size=8192\n",
    IMPORTED "vmem.alloc low va=0x11000 size=4096\n"
	     "vmem.free low va=0x11000 size=4096\n"
	     "vmem.release low va=0x10000 size=16384\n"
	     "vmem.free va va=0x10000 size=16384\n",
    RESERV "object.insert data pindex=515 pfn=4099 npages=2\n"
	   "reserv.break reserv object=data pa=0x1000000 pindex=512 domain=0 "
	   "popcnt=2\n"
	   "phys.free phys pa=0x1000000 npages=3\n"
	   "phys.free phys pa=0x1005000 npages=507\n",
    STACK GONE "run.drained run stacks=0\n",
    STEP GONE_AT("7") "fail.unmap user va=0x7000 npages=2 done=4096\n"
		      "run.op run n=2\n"
		      "fail.unmap user va=0x8000 npages=1 done=0\n",
    STEP DEVICE("7", "0x40000000",
	"16") "fail.protect user va=0x7000 npages=2 done=4096 attr=0\n",
    /* what it undid, it did not do */
    STEP DEVICE("9", "0x40000000", "1")
	GONE_AT("9") "fail.map user va=0x9000 npages=1\n",
    STEP GONE_AT("7") DEVICE(
	"7", "0x40000000", "1") "fail.unmap user va=0x7000 npages=1 done=0\n",
    /* but for pages that it was to replace */
    STEP DEVICE("7", "0x60000000", "1")
	GONE_AT("7") "fail.map user va=0x7000 npages=1\n",
    /* A and M are nobody's promise */
    STEP DEVICE("7", "0x40000000", "49") "fail.leaf user va=0x7000 npages=0\n",
    MEMORY TABLES("image", "2") BORROWER
    "pt.template image tag=2\n"
    "pt.graft user va=0x0 size=2097152 owner=2\n"
    "pt.ungraft user tag=1\n",
    MAPPED "pt.clear kernel table=0x2000 index=1\n"
	   "pt.clear kernel table=0x2000 index=2\n"
	   "pt.clear kernel table=0x2000 index=3\n"
	   "pt.clear kernel table=0x2000 index=4\n" NO_PAGES NO_KVA DISPOSE
	   "pt.clear kernel table=0x1000 index=0\n"
	   "pt.put kernel table=0x2000 level=0\nrun.drained run stacks=0\n",
    TOUCHED "pt.leaf user table=0x2000 index=7 pa=0x50000000 attr=1\n"
	    "tlb.range tlb tag=1 va=0x7000 npages=1\n"
	    "tlb.touch tlb tag=1 va=0x7000 write=0 result=1\n"
	    "tlb.touch tlb tag=1 va=0x7000 write=0 result=0\n",
};

START_TEST(clean)
{
	char text[1 << 14];
	struct kv_errors errors = {0};
	struct kv_scenario *sc;
	struct kv_oracle *o;

	snprintf(text, sizeof(text), MAGIC "%s", good[_i]);
	ck_assert_int_eq(
	    kv_oracle_judge_log(input_file(text), &o, &sc, &errors), 0);
	ck_assert_uint_eq(kv_oracle_found(o), 0);
	ck_assert_ptr_null(sc);
	kv_oracle_destroy(o);
	input_remove();
}
END_TEST

/* ---- Bad ones ---------------------------------------------------------------
 */

static const struct bad {
	const char *id, *text;
	uint64_t address;
} bad[] = {
    /* arenas */
    {"V1",
	ARENA "vmem.alloc va va=0x11000 size=8192\n"
	      "vmem.alloc va va=0x12000 size=4096\n",
	0x12000},
    {"V1", ARENA "vmem.alloc va va=0x1f000 size=8192\n", 0x1f000},
    {"V1", ARENA "vmem.alloc va va=0x11800 size=4096\n", 0x11800},
    {"V1",
	ARENA "vmem.request va size=4096 align=16384 phase=0 nocross=0\n"
	      "vmem.bounds va min=0x0 max=0xffffffffffffffff fit=0\n"
	      "vmem.alloc va va=0x11000 size=4096\n",
	0x11000},
    {"V1",
	ARENA "vmem.request va size=4096 align=4096 phase=0 nocross=0\n"
	      "vmem.bounds va min=0x12000 max=0x1ffff fit=0\n"
	      "vmem.alloc va va=0x11000 size=4096\n",
	0x11000},
    {"V1",
	ARENA "vmem.request va size=8192 align=4096 phase=0 nocross=8192\n"
	      "vmem.bounds va min=0x0 max=0xffffffffffffffff fit=0\n"
	      "vmem.alloc va va=0x11000 size=8192\n",
	0x11000},
    {"V1", ARENA "vmem.free va va=0x11000 size=4096\n", 0x11000},
    {"V1",
	ARENA "vmem.alloc va va=0x11000 size=8192\n"
	      "vmem.free va va=0x11000 size=4096\n",
	0x11000},
    {"V1",
	ARENA "vmem.alloc va va=0x11000 size=8192\n"
	      "vmem.free va va=0x12000 size=4096\n",
	0x12000},
    {"V1",
	ARENA "vmem.alloc va va=0x11000 size=4096\n"
	      "vmem.cache va va=0x11000 size=4096\n"
	      "vmem.free va va=0x11000 size=4096\n",
	0x11000},
    {"V1",
	ARENA "vmem.alloc va va=0x11000 size=4096\n"
	      "vmem.reuse va va=0x11000 size=4096\n",
	0x11000},
    {"V1", ARENA "vmem.alloc other va=0x11000 size=4096\n", 0x11000},
    {"V1", ARENA "vmem.arena va quantum=4096 qcache_max=0 pow2=0\n", 0},
    {"vmem-I1",
	ARENA "vmem.limit va size=65536\n"
	      "vmem.add va va=0x40000 size=4096\n",
	0x40000},
    {"vmem-I3", ARENA "vmem.add va va=0x1f000 size=8192\n", 0x1f000},
    {"V2", CHILD "vmem.import low va=0x10000 size=16384\n", 0x10000},
    {"V2",
	CHILD "vmem.alloc va va=0x10000 size=20480\n"
	      "vmem.import low va=0x10000 size=20480\n",
	0x10000},
    {"reserv-I3", RESERV "phys.free phys pa=0x1000000 npages=512\n", 0x1000000},
    {"V2",
	CHILD "vmem.alloc va va=0x10000 size=8192\n"
	      "vmem.import low va=0x10000 size=16384\n",
	0x10000},
    {"V2",
	IMPORTED "vmem.alloc low va=0x11000 size=4096\n"
		 "vmem.release low va=0x10000 size=16384\n",
	0x10000},
    {"V2", IMPORTED "vmem.release low va=0x10000 size=8192\n", 0x10000},
    {"V2",
	IMPORTED "vmem.alloc low va=0x11000 size=4096\n"
		 "vmem.free low va=0x11000 size=4096\n",
	0x10000},
    {"V2", IMPORTED "vmem.release low va=0x10000 size=16384\n", 0x10000},
    {"V2", IMPORTED "vmem.free va va=0x10000 size=16384\n", 0x10000},
    /* memory */
    {"phys-I1",
	MEMORY "phys.alloc phys pa=0x5000000 npages=1 domain=0 pool=0\n",
	0x5000000},
    {"phys-I1",
	MEMORY "phys.alloc phys pa=0x1fff000 npages=2 domain=0 pool=0\n",
	0x1fff000},
    {"phys-I1", MEMORY "phys.free phys pa=0x1000000 npages=99999999999\n",
	0x1000000},
    {"phys-I2",
	MEMORY "phys.alloc phys pa=0x1000000 npages=4 domain=0 pool=0\n"
	       "phys.alloc phys pa=0x1003000 npages=2 domain=0 pool=0\n",
	0x1003000},
    {"phys-I2", MEMORY "phys.free phys pa=0x1000000 npages=1\n", 0x1000000},
    {"phys-I3",
	MEMORY "phys.alloc phys pa=0x1000000 npages=4 domain=1 pool=0\n",
	0x1000000},
    {"phys-I6",
	MEMORY "phys.seg phys pa=0x1ff0000 size=1048576 domain=0 list=0\n",
	0x1ff0000},
    {"V6", OBJECT "object.insert data pindex=0 pfn=4096 npages=1\n", 0x1000000},
    {"V6",
	OBJECT "phys.alloc phys pa=0x1000000 npages=1 domain=0 pool=0\n"
	       "object.insert data pindex=0 pfn=4096 npages=1\n"
	       "object.insert data pindex=9 pfn=4096 npages=1\n",
	0x1000000},
    {"V6",
	OBJECT "phys.alloc phys pa=0x1000000 npages=2 domain=0 pool=0\n"
	       "object.insert data pindex=5 pfn=4096 npages=1\n"
	       "object.insert data pindex=5 pfn=4097 npages=1\n",
	5},
    {"V6",
	OBJECT "phys.alloc phys pa=0x1000000 npages=1 domain=0 pool=0\n"
	       "object.insert data pindex=5 pfn=4096 npages=1\n"
	       "phys.free phys pa=0x1000000 npages=1\n",
	0x1000000},
    {"V6", OBJECT "object.remove data pindex=5 pfn=4096 npages=1\n", 5},
    {"V6", OBJECT "object.insert other pindex=5 pfn=4096 npages=1\n", 5},
    {"world-I1",
	OBJECT "phys.alloc phys pa=0x1000000 npages=1 domain=0 pool=0\n"
	       "run.drained run stacks=0\n",
	1},
    /* reservations */
    {"reserv-I1",
	OBJECT
	"reserv.create reserv object=data pa=0x1000000 pindex=512 domain=0\n",
	0x1000000},
    {"reserv-I1",
	OBJECT
	"phys.alloc phys pa=0x1000000 npages=1024 domain=0 pool=0\n"
	"reserv.create reserv object=data pa=0x1000000 pindex=100 domain=0\n",
	0x1000000},
    {"reserv-I1",
	OBJECT
	"phys.alloc phys pa=0x1000000 npages=1024 domain=0 pool=0\n"
	"reserv.create reserv object=data pa=0x1001000 pindex=512 domain=0\n",
	0x1001000},
    {"reserv-I1",
	RESERV
	"reserv.free reserv object=data pa=0x1000000 pindex=0 domain=0\n",
	0x1000000},
    {"reserv-I1",
	RESERV
	"reserv.create reserv object=data pa=0x1000000 pindex=0 domain=0\n",
	0x1000000},
    {"reserv-I2",
	RESERV
	"reserv.full reserv object=data pa=0x1000000 pindex=512 domain=0\n",
	0x1000000},
    {"reserv-I2",
	RESERV "object.insert data pindex=515 pfn=4099 npages=2\n"
	       "reserv.break reserv object=data pa=0x1000000 pindex=512 "
	       "domain=0 popcnt=3\n",
	0x1000000},
    {"reserv-I2",
	RESERV
	"object.insert data pindex=515 pfn=4099 npages=2\n"
	"reserv.free reserv object=data pa=0x1000000 pindex=512 domain=0\n",
	0x1000000},
    {"reserv-I3", RESERV "object.insert data pindex=516 pfn=4099 npages=1\n",
	516},
    {"reserv-I3", OBJECT "object.absent data pindex=7\n", 7},
    /* kernel stacks */
    {"freebsd-I1",
	CHUNK
	"vmem.alloc kstack0 va=0x1000 size=20480\n"
	"phys.alloc phys pa=0x1000000 npages=4 domain=0 pool=0\n"
	"object.insert kstack_object pindex=0 pfn=4096 npages=4\n" PAGES_HIGHER
	"kstack.create kstack ks=0x2000 npages=4 domain=0 pindex=0\n",
	0x2000},
    {"V3",
	MEMORY TABLES("image", "2") BORROWER
	"pt.graft user va=0x0 size=2097152 owner=2\n",
	0},
    /* steps that failed */
    {"V8", STEP GONE_AT("7") "fail.unmap user va=0x7000 npages=1 done=0\n",
	0x7000},
    {"V8",
	STEP GONE_AT("7")
	    GONE_AT("8") "fail.unmap user va=0x7000 npages=2 done=4096\n",
	0x8000},
    {"V8", STEP "fail.unmap user va=0x7000 npages=2 done=4096\n", 0x7000},
    {"V8", STEP GONE_AT("8") "fail.unmap user va=0x7000 npages=1 done=4096\n",
	0x8000},
    {"V8",
	STEP DEVICE("7", "0x40000000",
	    "0") "fail.protect user va=0x7000 npages=2 done=0 attr=0\n",
	0x7000},
    {"V8",
	STEP DEVICE("7", "0x40000000",
	    "2") "fail.protect user va=0x7000 npages=2 done=4096 attr=0\n",
	0x7000},
    {"V8", STEP "fail.protect user va=0x7000 npages=2 done=4096 attr=0\n",
	0x7000},
    {"V8",
	STEP DEVICE(
	    "9", "0x40000000", "1") "fail.map user va=0x9000 npages=1\n",
	0x9000},
    {"V8", STEP GONE_AT("8") "fail.map user va=0x9000 npages=1\n", 0x8000},
    {"V8",
	STEP DEVICE(
	    "7", "0x60000000", "1") "fail.leaf user va=0x7000 npages=0\n",
	0x7000},
    {"freebsd-I2", MAPPED LEAF("0", "0x40000000"), 0},
    {"freebsd-I2", KERNEL LEAF("0", "0x40000000") STACK LEAVES, 0x1000},
    {"freebsd-I3",
	SLOT
	"phys.alloc phys pa=0x1000000 npages=4 domain=0 pool=0\n"
	"object.insert kstack_object pindex=4 pfn=4096 npages=4\n" PAGES_LATER
	"kstack.create kstack ks=0x1000 npages=4 domain=0 pindex=4\n",
	0x1000},
    {"freebsd-I3", SLOT PAGES CREATE, 0x1000},
    {"freebsd-I3", BACKED PAGES_GAP, 0x1000},
    {"freebsd-I3",
	BACKED "phys.alloc phys pa=0x1004000 npages=1 domain=0 pool=0\n"
	       "object.insert kstack_object pindex=3 pfn=4100 npages=1\n",
	3},
    {"freebsd-I3", STACK NO_KVA DISPOSE, 0x1000},
    {"freebsd-I4",
	SLOT
	"phys.alloc phys pa=0x1000000 npages=3 domain=0 pool=0\n"
	"object.insert kstack_object pindex=0 pfn=4096 npages=3\n"
	"phys.alloc phys pa=0x2000000 npages=1 domain=1 pool=0\n"
	"object.insert kstack_object pindex=3 pfn=8192 npages=1\n" PAGES_APART
	    CREATE,
	0x1000},
    {"freebsd-I5", STACK "vmem.free kstack1 va=0x0 size=20480\n", 0},
    {"freebsd-I5", STACK "vmem.free kstack0 va=0x0 size=16384\n", 0},
    {"freebsd-I5",
	CHUNK
	"phys.alloc phys pa=0x1000000 npages=4 domain=0 pool=0\n"
	"object.insert kstack_object pindex=0 pfn=4096 npages=4\n" PAGES CREATE,
	0x1000},
    {"freebsd-I5", STACK NO_PAGES DISPOSE, 0x1000},
    {"freebsd-I5", DISPOSE, 0x1000},
    {"freebsd-I6",
	STACK NO_PAGES "vmem.free kstack0 va=0x0 size=20480\n"
		       "vmem.release kstack0 va=0x0 size=10465280\n"
		       "vmem.free domain0 va=0x0 size=10465280\n",
	0},
    {"freebsd-I6", STACK "vmem.free domain0 va=0x0 size=10485760\n", 0},
    {"freebsd-I7",
	BACKED PAGES
	"kstack.create kstack ks=0x1000 npages=4 domain=9 pindex=0\n",
	0x1000},
    {"freebsd-I8", KVA "vmem.import kstack0 va=0x1000 size=10465280\n", 0x1000},
    {"freebsd-I8", KVA "vmem.import kstack0 va=0x0 size=10506240\n", 0},
    {"freebsd-I8", KVA "vmem.import kstack0 va=0x0 size=10461184\n", 0},
    {"freebsd-I9",
	SLOT
	"phys.alloc phys pa=0x1000000 npages=4 domain=0 pool=0\n"
	"object.insert kstack_alt_object pindex=0 pfn=4096 npages=4\n" PAGES
	    CREATE,
	0x1000},
    {"freebsd-I9",
	KVA_ONE KVA_OBJECT
	"vmem.import kernel va=0x0 size=20971520\n"
	"vmem.alloc kernel va=0x0 size=20971520\n"
	"vmem.import domain0 va=0x0 size=20971520\n"
	"vmem.alloc domain0 va=0x0 size=12288\n"
	"phys.alloc phys pa=0x1000000 npages=2 domain=0 pool=0\n"
	"object.insert kstack_object pindex=1 pfn=4096 npages=2\n" PAGES_TWO
	"kstack.create kstack ks=0x1000 npages=2 domain=0 pindex=1\n",
	0x1000},
    {"freebsd-I10", STACK "run.drained run stacks=0\n", 1},
    {"freebsd-I10", CHUNK "run.drained run stacks=0\n", 10465280},
    {"freebsd-I10", BACKED NO_KVA "run.drained run stacks=0\n", 4},
    {"space-I1", MAPPED "pt.clear kernel table=0x2000 index=3\n", 0x3000},
    {"space-I1", MAPPED LEAF("3", "0x40000000"), 0x3000},
    /* tables */
    {"space-I2", MEMORY KERNEL LEAF("9", "0x1000000"), 0x1000000},
    {"V3", USER "pt.get user table=0x2000 level=0\n", 0x2000},
    {"V3", USER "pt.get user table=0x3000 level=0\n", 1},
    {"V3", USER "pt.table user table=0x1000 index=1 child=0x2000\n", 0x2000},
    {"V3", USER "pt.table user table=0x1000 index=1 child=0x7000\n", 0x7000},
    {"V3", USER "pt.put user table=0x2000 level=0\n", 0x2000},
    {"V3", USER "pt.put user table=0x5000 level=0\n", 0x5000},
    {"V3", USER "pt.clear user table=0x1000 index=0\n", 1},
    {"V3", USER "pt.leaf user table=0x2000 index=512 pa=0x0 attr=0\n", 0x2000},
    {"V3", USER "pt.leaf user table=0x8000 index=1 pa=0x0 attr=0\n", 0x8000},
    {"V4", USER "pt.leaf user table=0x1000 index=1 pa=0x40001000 attr=1\n",
	0x40001000},
    {"V5",
	USER "pt.leaf user table=0x1000 index=1 pa=0x40000000 attr=1\n"
	     "pt.get user table=0x3000 level=0\n"
	     "pt.leaf user table=0x3000 index=0 pa=0x40000000 attr=1\n"
	     "pt.table user table=0x1000 index=1 child=0x3000\n",
	0x200000},
    {"V5",
	USER "pt.leaf user table=0x2000 index=0 pa=0x40000000 attr=1\n"
	     "pt.leaf user table=0x1000 index=0 pa=0x40000000 attr=1\n"
	     "pt.put user table=0x2000 level=0\n",
	0},
    /* what a TLB holds */
    {"V7",
	TOUCHED "pt.leaf user table=0x2000 index=7 pa=0x50000000 attr=1\n"
		"tlb.touch tlb tag=1 va=0x7000 write=0 result=0\n",
	0x7000},
    {"V7",
	TOUCHED "pt.leaf user table=0x2000 index=7 pa=0x40000000 attr=0\n"
		"tlb.touch tlb tag=1 va=0x7000 write=0 result=0\n",
	0x7000},
    {"V7",
	TOUCHED "pt.clear user table=0x2000 index=7\n"
		"tlb.touch tlb tag=1 va=0x7000 write=0 result=0\n",
	0x7000},
    {"V7", TOUCHED "tlb.touch tlb tag=1 va=0x7000 write=0 result=4\n", 0x7000},
    {"V7", /* the flush came to another CPU */
	TOUCHED "tlb.touch cpu1 tag=1 va=0x7000 write=0 result=1\n"
		"pt.leaf user table=0x2000 index=7 pa=0x50000000 attr=1\n"
		"tlb.range tlb tag=1 va=0x7000 npages=1\n"
		"tlb.touch tlb tag=1 va=0x7000 write=0 result=1\n"
		"tlb.touch cpu1 tag=1 va=0x7000 write=0 result=0\n",
	0x7000},
    {"V7", /* likewise, of a global leaf, and of everything */
	TOUCHED "pt.leaf user table=0x2000 index=8 pa=0x50000000 attr=9\n"
		"tlb.touch cpu1 tag=1 va=0x8000 write=0 result=1\n"
		"tlb.touch tlb tag=1 va=0x8000 write=0 result=1\n"
		"pt.leaf user table=0x2000 index=8 pa=0x50001000 attr=9\n"
		"tlb.all cpu1 tags=0\n"
		"tlb.touch tlb tag=1 va=0x8000 write=0 result=0\n",
	0x8000},
    {"V7", TOUCHED "tlb.touch tlb tag=1 va=0x7000 write=0 result=5\n", 0x7000},
    {"V7", TOUCHED "tlb.touch tlb tag=1 va=0x7000 write=0 result=3\n", 0x7000},
    {"V7", TOUCHED "tlb.touch tlb tag=5 va=0x7000 write=0 result=1\n", 0x7000},
};

START_TEST(caught)
{
	const struct bad *c = &bad[_i];
	char text[1 << 14], id[KV_FINDING_ID];
	struct kv_errors errors = {0};
	const struct kv_finding *f;
	struct kv_scenario *sc;
	struct kv_oracle *o;
	size_t count, i;

	snprintf(text, sizeof(text), MAGIC "%s", c->text);
	ck_assert_int_eq(
	    kv_oracle_judge_log(input_file(text), &o, &sc, &errors), 0);
	f = kv_oracle_findings(o, &count);
	ck_assert_msg(count != 0, "row %d, %s: not caught", _i, c->id);
	for (i = 0; i < count; i++) {
		kv_finding_id(&f[i], id);
		ck_assert_msg(strcmp(id, c->id) == 0,
		    "row %d, %s: caught as %s (%s)", _i, c->id, id, f[i].text);
	}
	ck_assert_msg(f[0].address == c->address, "row %d, %s: at %#llx", _i,
	    c->id, (unsigned long long)f[0].address);
	kv_oracle_destroy(o);
	input_remove();
}
END_TEST

/* A finding has the line of the log and the operation. */
START_TEST(place)
{
	struct kv_errors errors = {0};
	const struct kv_finding *f;
	struct kv_scenario *sc;
	struct kv_oracle *o;
	size_t count;

	ck_assert_int_eq(
	    kv_oracle_judge_log(
		input_file(MAGIC ARENA "run.op run n=7\n\n# nothing\n"
				       "vmem.free va va=0x11000 size=4096\n"),
		&o, &sc, &errors),
	    0);
	f = kv_oracle_findings(o, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(f->event, 7);
	ck_assert_uint_eq(f->step, 7);
	kv_oracle_destroy(o);
	input_remove();
}
END_TEST

/* Many are counted, and the first are listed. */
START_TEST(many)
{
	struct kv_oracle *o = kv_oracle_create();
	struct kv_tap tap = kv_oracle_tap(o);
	struct kv_event e = {
	    .kind = KV_EV_VMEM_FREE, .source = "none", .value = {1, 2}};
	size_t count, i;

	for (i = 0; i < 3 * KV_ORACLE_FINDINGS; i++)
		tap.fn(tap.arg, &e);
	kv_oracle_findings(o, &count);
	ck_assert_uint_eq(count, KV_ORACLE_FINDINGS);
	ck_assert_uint_eq(kv_oracle_found(o), 3 * KV_ORACLE_FINDINGS);
	kv_oracle_destroy(o);
}
END_TEST

/* Of three false events it hears two. */
START_TEST(bounded)
{
	struct kv_oracle *o = kv_oracle_create();
	struct kv_tap tap = kv_oracle_tap(o);
	struct kv_event e = {
	    .kind = KV_EV_VMEM_FREE, .source = "none", .value = {1, 2}};

	kv_oracle_bound(o, 2);
	for (int i = 0; i < 3; i++)
		tap.fn(tap.arg, &e);
	kv_oracle_settle(o);
	ck_assert_uint_eq(kv_oracle_found(o), 2);
	kv_oracle_destroy(o);
}
END_TEST

START_TEST(meets)
{
	ck_assert(kv_finding_meets("V2", "V2"));
	ck_assert(kv_finding_meets("V1", "vmem-I5"));
	ck_assert(!kv_finding_meets("vmem-I5", "V1"));
	ck_assert(!kv_finding_meets("V2", "vmem-I5"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("oracle");
	TCase *t = tcase_create("logs");

	tcase_add_loop_test(t, clean, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(t, caught, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, place);
	tcase_add_test(t, many);
	tcase_add_test(t, bounded);
	tcase_add_test(t, meets);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
