/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_check.c - kvasir check [PATH...]: run many scenarios, judge each */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "out/check.h"
#include "out/log.h"
#include "out/mutants.h"
#include "run/plant.h"

/* What --mutants does not go with: it says itself what is injected, and has no
 * verdict on a scenario. */
static int
check_mutants(const struct kv_opts *opts)
{
	if (!opts->mutants ||
	    (opts->inject == NULL && opts->baseline == NULL &&
		opts->junit == NULL && opts->ndefines == 0 && !opts->kvm))
		return 0;
	kv_log_error("check: --mutants goes with --seed, --audit and -j alone");
	return KV_EXIT_USAGE;
}

/* => 0; KV_EXIT_USAGE after a message */
static int
check_options(const struct kv_opts *opts)
{
	struct stat st;

	if (check_mutants(opts) != 0)
		return KV_EXIT_USAGE;
	if (opts->inject != NULL && kv_plant_find(opts->inject) == KV_PLANTS) {
		kv_log_error("check: no fault \"%s\" in this version "
			     "(see kvasir list faults)",
		    opts->inject);
		return KV_EXIT_USAGE;
	}
	if (opts->update_baseline && opts->baseline == NULL) {
		kv_log_error("check: --update-baseline needs --baseline DIR");
		return KV_EXIT_USAGE;
	}
	if (opts->baseline == NULL || opts->update_baseline)
		return 0;
	if (stat(opts->baseline, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	kv_log_error("--baseline %s: no such folder; --update-baseline makes "
		     "it",
	    opts->baseline);
	return KV_EXIT_USAGE;
}

/* What is wrong with scenarios; then there is no report.  => how many */
static size_t
print_refused(const struct kv_check *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->items[i].verdict == KV_CHECK_REFUSED)
			fprintf(stderr, "%s", c->items[i].details);
	return c->counts[KV_CHECK_REFUSED];
}

static int
write_junit(const struct kv_check *c, const char *path)
{
	struct kv_buf b = {0};
	int error;

	kv_check_junit(c, &b);
	error = kv_buf_write_file(&b, path);
	if (error != 0)
		kv_log_error("--junit %s: %s", path, strerror(error));
	kv_buf_fini(&b);
	return error;
}

/* Nothing passed, and something could not be tried. */
static bool
is_skipped(const struct kv_check *c)
{
	size_t i;

	if (c->counts[KV_CHECK_SKIPPED] != c->count)
		return false;
	for (i = 0; i < c->count; i++)
		if (i == 0 || strcmp(c->items[i].why, c->items[i - 1].why) != 0)
			kv_log_error("check: %s", c->items[i].why);
	return true;
}

/* The files are written before anything is said: a report that is printed has
 * all that belongs to it. */
static int
report(const struct kv_check *c, const struct kv_opts *opts)
{
	struct kv_buf b = {0};
	size_t refused = print_refused(c);

	if (opts->junit != NULL && write_junit(c, opts->junit) != 0)
		return KV_EXIT_USAGE;
	if (refused != 0)
		return KV_EXIT_USAGE;
	if (opts->update_baseline && kv_check_update(c) != 0)
		return KV_EXIT_USAGE;
	kv_check_ktap(c, &b);
	fwrite(b.data, 1, b.size, stdout);
	kv_buf_fini(&b);
	if (c->counts[KV_CHECK_FAILED] != 0)
		return KV_EXIT_FAILED;
	return is_skipped(c) ? KV_EXIT_SKIPPED : KV_EXIT_OK;
}

static int
collect(struct kv_check *c, const struct kv_opts *opts)
{
	int error = 0;
	size_t i;

	if (opts->noperands == 0)
		return kv_check_add(c, "scenarios");
	for (i = 0; i < opts->noperands; i++)
		if (kv_check_add(c, opts->operands[i]) != 0)
			error = EINVAL;
	return error;
}

/* The kill table.  => exit status */
static int
hunt(struct kv_check *c, const struct kv_check_config *cfg)
{
	struct kv_mutants m = {0};
	struct kv_buf b = {0};
	int status = KV_EXIT_USAGE;

	if (kv_mutants_run(c, cfg, &m) == 0) {
		kv_mutants_text(&m, &b);
		fwrite(b.data, 1, b.size, stdout);
		status = m.fates[KV_MUTANT_SURVIVED] == 0 ? KV_EXIT_OK
							  : KV_EXIT_FAILED;
	}
	kv_buf_fini(&b);
	kv_mutants_fini(&m);
	return status;
}

/* => exit status */
static int
judge(struct kv_check *c, const struct kv_check_config *cfg,
    const struct kv_opts *opts)
{
	if (opts->mutants)
		return hunt(c, cfg);
	return kv_check_run(c, cfg) == 0 ? report(c, opts) : KV_EXIT_USAGE;
}

int
kv_cmd_check(const struct kv_opts *opts)
{
	const struct kv_check_config cfg = {.defines = opts->defines,
	    .ndefines = opts->ndefines,
	    .seed = opts->seed,
	    .audit = opts->audit,
	    .kvm = opts->kvm,
	    .require_kvm = opts->require_kvm,
	    .inject = opts->inject,
	    .baseline = opts->baseline,
	    .update = opts->update_baseline,
	    .fail_each = opts->fail_each,
	    .refuse = {opts->refuse[0], opts->refuse[1]},
	    .njobs = (size_t)opts->jobs};
	struct kv_check c = {0};
	int status = check_options(opts);

	if (status == 0)
		status = collect(&c, opts) == 0 ? judge(&c, &cfg, opts)
						: KV_EXIT_USAGE;
	kv_check_fini(&c);
	return status;
}
