/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz.c - what all targets share */
#include "fuzz.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "out/limit.h"
#include "out/log.h"
#include "out/mem.h"
#include "run/plant.h"

enum { MEMORY_MAX = 256 << 20 };

void
fuzz_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	kv_log_setup(-1, KV_WHEN_NEVER, KV_WHEN_NEVER);
	kv_limit_set(MEMORY_MAX, KV_LIMIT_STEPS);
	kv_limit_memory()->exceeded = NULL;
}

/* Memory that has a name for this process alone. */
static int
open_memory(char *path, size_t size)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/kvasir-fuzz-%ld", (long)getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	ck_assert(fd >= 0);
	shm_unlink(name);
	snprintf(path, size, "/dev/fd/%d", fd);
	return fd;
}

static const char *
head_of(const char *target)
{
	static const struct {
		const char *target, *head;
	} heads[] = {
	    {"event_log", "# kvasir trace 1\n"},
	    {"threads", "# kvasir threads 1\n"},
	    {"buddyinfo", "Node 0, zone "},
	    {"phys_free", "vm.phys_free: \nDOMAIN 0:\n\nFREE LIST 0:\n\n"},
	    {"partpopq",
		"vm.reserv.partpopq: \nDOMAIN    LEVEL     SIZE  NUMBER\n"},
	    {"kernel_maps", "vm.pmap.kernel_maps: \nKernel map:\n"},
	    {"vmem_dcmd", "ADDR NAME INUSE TOTAL SUCCEED FAIL\n"},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strcmp(heads[i].target, target) == 0)
			return heads[i].head;
	return "";
}

const char *
fuzz_file(const char *target, const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd = -1;
	const char *head = head_of(target);
	size_t first = strlen(head);

	if (fd < 0)
		fd = open_memory(path, sizeof(path));
	ck_assert(ftruncate(fd, 0) == 0);
	ck_assert(pwrite(fd, head, first, 0) == (ssize_t)first);
	ck_assert(pwrite(fd, data, size, (off_t)first) == (ssize_t)size);
	return path;
}

struct kv_text
fuzz_text(const uint8_t *data, size_t size)
{
	struct kv_text text = {.path = kv_mem_text("input"), .size = size};

	text.data = kv_mem_resize(NULL, size + 1, 1);
	memcpy(text.data, data, size);
	text.data[size] = '\0';
	return text;
}

/* ---- As a scenario ---------------------------------------------------- */

static FILE *told;

void
fuzz_tell_anew(void)
{
	const char *path = getenv("FUZZ_SCENARIO");

	if (path == NULL)
		return;
	if (told != NULL)
		fclose(told);
	told = fopen(path, "w");
	ck_assert(told != NULL);
	setvbuf(told, NULL, _IOLBF, 0);
	fuzz_tell("kvasir: 1\n");
	if (getenv("FUZZ_INJECT") != NULL)
		fuzz_tell("inject: [%s]\n", getenv("FUZZ_INJECT"));
}

void
fuzz_tell(const char *format, ...)
{
	va_list ap;

	if (told == NULL)
		return;
	va_start(ap, format);
	vfprintf(told, format, ap);
	va_end(ap);
}

unsigned
fuzz_faults(void)
{
	const char *id = getenv("FUZZ_INJECT");
	struct kv_plants plants = {0};

	if (id == NULL)
		return 0;
	ck_assert(kv_plant_find(id) != KV_PLANTS);
	kv_plants_add(&plants, kv_plant_find(id));
	return kv_plants_of_kstacks(&plants);
}
