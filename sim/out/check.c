/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c - many scenarios, each run and judged: collecting and running them */
#include "out/check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "out/check_parts.h"
#include "out/files.h"
#include "out/jobs.h"
#include "out/log.h"
#include "out/mem.h"

static const char suffix[] = ".yaml";

/* ---- Collect --------------------------------------------------------- */

/* A file name without .yaml; owned. */
static char *
name_of(const char *path)
{
	char *name = kv_mem_text(kv_files_name(path));
	size_t length = strlen(name), n = sizeof(suffix) - 1;

	if (length > n && strcmp(name + length - n, suffix) == 0)
		name[length - n] = '\0';
	return name;
}

static void
add_file(struct kv_check *c, const char *path)
{
	c->items = kv_mem_resize(c->items, c->count + 1, sizeof(*c->items));
	c->items[c->count++] = (struct kv_check_item){
	    .path = kv_mem_text(path), .name = name_of(path)};
}

static bool
is_scenario(const char *name)
{
	size_t length = strlen(name), n = sizeof(suffix) - 1;

	return name[0] != '.' && length > n &&
	       strcmp(name + length - n, suffix) == 0;
}

/* => 0, an errno */
static int
add_folder(struct kv_check *c, const char *path)
{
	size_t length = strlen(path), before = c->count;
	DIR *dir = opendir(path);
	struct kv_buf file = {0};
	struct dirent *e;

	if (dir == NULL)
		return errno;
	while (length > 1 && path[length - 1] == '/')
		length--;
	while ((e = readdir(dir)) != NULL) {
		if (!is_scenario(e->d_name))
			continue;
		file.size = 0;
		kv_buf_add(&file, path, length);
		kv_buf_printf(&file, "/%s", e->d_name);
		add_file(c, file.data);
	}
	closedir(dir);
	kv_buf_fini(&file);
	return c->count == before ? ENOENT : 0;
}

int
kv_check_add(struct kv_check *c, const char *path)
{
	struct stat st;
	int error = stat(path, &st) != 0 ? errno : 0;

	if (error == 0 && !S_ISDIR(st.st_mode)) {
		add_file(c, path);
		return 0;
	}
	if (error != 0) {
		kv_log_error("check: %s: %s", path, strerror(error));
		return error;
	}
	error = add_folder(c, path);
	if (error == ENOENT)
		kv_log_error("check: %s: no scenario (*.yaml) in it", path);
	else if (error != 0)
		kv_log_error("check: %s: %s", path, strerror(error));
	return error;
}

static int
by_name(const void *a, const void *b)
{
	const struct kv_check_item *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->path, y->path);
}

static void
item_fini(struct kv_check_item *item)
{
	kv_mem_free(item->path);
	kv_mem_free(item->name);
	kv_mem_free(item->row);
}

size_t
kv_check_arrange(struct kv_check *c, const struct kv_check_config *cfg)
{
	size_t i, n = 0;

	c->cfg = cfg;
	if (c->count != 0)
		qsort(c->items, c->count, sizeof(*c->items), by_name);
	for (i = 0; i < c->count; i++)
		if (n != 0 &&
		    strcmp(c->items[n - 1].path, c->items[i].path) == 0)
			item_fini(&c->items[i]);
		else
			c->items[n++] = c->items[i];
	c->count = n;
	return n;
}

/* Two scenarios of one name would share a baseline. */
static int
check_names(const struct kv_check *c)
{
	size_t i;

	for (i = 1; i < c->count && c->cfg->baseline != NULL; i++)
		if (strcmp(c->items[i - 1].name, c->items[i].name) == 0) {
			kv_log_error("check: %s and %s have one name; a "
				     "baseline is of one",
			    c->items[i - 1].path, c->items[i].path);
			return EINVAL;
		}
	return 0;
}

/* ---- Run ------------------------------------------------------------- */

static void
run_item(void *arg, size_t i, struct kv_buf *row)
{
	const struct kv_check *c = arg;

	kv_check_one(c, c->items[i].path, row);
}

/* Takes the row. */
static void
keep(void *arg, size_t i, char *row)
{
	struct kv_check *c = arg;
	struct kv_check_item *item = &c->items[i];
	size_t d;

	item->row = row;
	item->verdict = (enum kv_check_verdict) * row++;
	for (d = 0; d < c->cfg->ndefines; d++)
		c->known[d] = *row++ == 'y' || c->known[d];
	item->why = row;
	item->details = item->why + strlen(item->why) + 1;
	item->baseline = item->details + strlen(item->details) + 1;
	c->counts[item->verdict]++;
}

/* A process that ends is a failure of its scenario, whoever is to blame; but
 * with status 2 it said itself that this is too much of something (limit.h). */
static void
lost(void *arg, size_t i, int status)
{
	struct kv_check *c = arg;
	struct kv_buf row = {0}, why = {0}, command = {0};
	bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 2;
	const char verdict = refused ? KV_CHECK_REFUSED : KV_CHECK_FAILED;
	const char *path = c->items[i].path;
	size_t d;

	if (refused)
		kv_buf_printf(&why, "%s: refused while it ran", path);
	else
		kv_buf_printf(&why, "the process that ran it ended by %s %d",
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
	kv_check_command(c->cfg, "run", path, NULL, &command);
	kv_buf_add(&row, &verdict, 1);
	for (d = 0; d < c->cfg->ndefines; d++)
		kv_buf_add(&row, "n", 1);
	kv_buf_add(&row, why.data, why.size + 1);
	kv_buf_printf(&row, "%s\nreproduce: %s\n", why.data, command.data);
	kv_buf_add(&row, "\0", 2);
	keep(c, i, row.data);
	kv_buf_fini(&why);
	kv_buf_fini(&command);
}

static int
check_defines(const struct kv_check *c)
{
	int error = 0;
	size_t i;

	for (i = 0; i < c->cfg->ndefines; i++)
		if (!c->known[i]) {
			kv_log_error("-D %s: no scenario here has such a "
				     "parameter",
			    c->cfg->defines[i].name);
			error = EINVAL;
		}
	return error;
}

int
kv_check_run(struct kv_check *c, const struct kv_check_config *cfg)
{
	const struct kv_jobs jobs = {.what = "check",
	    .count = kv_check_arrange(c, cfg),
	    .nprocesses = cfg->njobs,
	    .batch = 1,
	    .apart = true,
	    .run = run_item,
	    .keep = keep,
	    .lost = lost,
	    .arg = c};
	int error;
	size_t i;

	c->known = kv_mem_resize(NULL, cfg->ndefines, sizeof(*c->known));
	for (i = 0; i < cfg->ndefines; i++)
		c->known[i] = false;
	error = check_names(c);
	if (error == 0)
		error = kv_jobs_run(&jobs);
	return error != 0 ? error : check_defines(c);
}

int
kv_check_update(const struct kv_check *c)
{
	const char *folder = c->cfg->baseline;
	int error = kv_folder_create(folder);
	struct kv_buf name = {0}, b = {0};
	size_t i;

	if (error != 0)
		kv_log_error("--baseline %s: %s", folder, strerror(error));
	for (i = 0; i < c->count && error == 0; i++) {
		if (*c->items[i].baseline == '\0')
			continue;
		name.size = b.size = 0;
		kv_buf_printf(&name, "%s.txt", c->items[i].name);
		kv_buf_printf(&b, "%s", c->items[i].baseline);
		error = kv_files_write(folder, name.data, &b);
	}
	kv_buf_fini(&name);
	kv_buf_fini(&b);
	return error;
}

void
kv_check_fini(struct kv_check *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		item_fini(&c->items[i]);
	kv_mem_free(c->items);
	kv_mem_free(c->known);
	*c = (struct kv_check){0};
}
