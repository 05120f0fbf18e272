/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_compare.c - kvasir compare A.json B.json: metric by metric */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "out/compare.h"
#include "out/log.h"
#include "out/mem.h"

enum { REPORT_MAX = 256 << 20 };

/* What is compared, and what it is read from. */
struct job {
	struct kv_text texts[2];
	struct kv_pool pool;
	struct kv_compared sides[2];
	struct kv_tolerance *tolerances;
	size_t ntolerances;
	char *groups; /* copy of --of, cut at its comma */
};

/* --of P,Q: P of the first report, Q of the second; P alone means both. */
static int
groups_parse(struct job *job, const struct kv_opts *opts)
{
	char *comma;

	if (opts->of == NULL && opts->noperands == 2)
		return 0;
	job->groups = kv_mem_text(opts->of != NULL ? opts->of : "");
	comma = strchr(job->groups, ',');
	if (comma == NULL && opts->noperands == 1) {
		kv_log_error("compare: a second report, or --of P,Q for two "
			     "policies or zones of the one");
		return KV_EXIT_USAGE;
	}
	job->sides[0].group = job->sides[1].group = job->groups;
	if (comma != NULL) {
		*comma = '\0';
		job->sides[1].group = comma + 1;
	}
	return 0;
}

static int
tolerances_parse(struct job *job, const struct kv_opts *opts)
{
	size_t i;

	job->tolerances =
	    kv_mem_resize(NULL, opts->ntolerances, sizeof(*job->tolerances));
	for (i = 0; i < opts->ntolerances; i++)
		if (!kv_tolerance_parse(opts->tolerances[i],
			&job->tolerances[job->ntolerances++])) {
			kv_log_error("compare: --tolerance %s: expected "
				     "NAME=NUMBER, NAME=NUMBER%% or NAME=any",
			    opts->tolerances[i]);
			return KV_EXIT_USAGE;
		}
	return 0;
}

/* One report may stand for both sides. */
static int
sides_read(
    struct job *job, const struct kv_opts *opts, struct kv_errors *errors)
{
	const struct kv_json *report = NULL;
	int error = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (i < opts->noperands) {
			report = NULL;
			if (kv_text_read(opts->operands[i], REPORT_MAX,
				&job->texts[i], errors) == 0)
				report = kv_json_parse(
				    &job->texts[i], &job->pool, errors);
		}
		job->sides[i].path =
		    job->texts[opts->noperands == 2 ? i : 0].path;
		if (report == NULL ||
		    kv_compared_open(&job->sides[i], report, errors) != 0)
			error = KV_EXIT_USAGE;
	}
	return error;
}

static int
compare(const struct job *job, const struct kv_opts *opts)
{
	struct kv_comparison c = {.a = &job->sides[0],
	    .b = &job->sides[1],
	    .tolerances = job->tolerances,
	    .ntolerances = job->ntolerances};
	struct kv_buf b = {0};
	int status;

	kv_compare(&c);
	if (opts->format == KV_FORMAT_JSON)
		kv_comparison_json(&c, &b);
	else
		kv_comparison_text(&c, &b);
	fwrite(b.data, 1, b.size, stdout);
	status = c.beyond == 0 ? KV_EXIT_OK : KV_EXIT_FAILED;
	kv_buf_fini(&b);
	kv_comparison_fini(&c);
	return status;
}

int
kv_cmd_compare(const struct kv_opts *opts)
{
	struct kv_errors errors = {0};
	struct job job = {0};
	int status = groups_parse(&job, opts);

	if (status == 0)
		status = tolerances_parse(&job, opts);
	if (status == 0)
		status = sides_read(&job, opts, &errors);
	if (status == 0)
		status = compare(&job, opts);
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_text_fini(&job.texts[0]);
	kv_text_fini(&job.texts[1]);
	kv_pool_fini(&job.pool);
	kv_mem_free(job.tolerances);
	kv_mem_free(job.groups);
	return status;
}
