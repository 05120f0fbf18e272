/* SPDX-License-Identifier: BSD-2-Clause */
/* files.c - the folder that -o names */
#include "out/files.h"

#include <errno.h>
#include <string.h>

#include "out/log.h"

int
kv_files_write(
    const char *folder, const char *name, const struct kv_buf *content)
{
	struct kv_buf path = {0};
	int error;

	/* A scenario gives names to files, not folders. */
	if (strchr(name, '/') != NULL) {
		kv_log_error("%s: not the name of a file", name);
		return EINVAL;
	}
	kv_buf_printf(&path, "%s/%s", folder, name);
	error = kv_buf_write_file(content, path.data);
	if (error != 0)
		kv_log_error("%s: %s", path.data, strerror(error));
	kv_buf_fini(&path);
	return error;
}

int
kv_files_report(
    const char *folder, const struct kv_buf *text, const struct kv_buf *json)
{
	int error = kv_folder_create(folder);

	if (error != 0) {
		kv_log_error("-o %s: %s", folder, strerror(error));
		return error;
	}
	error = kv_files_write(folder, "report.txt", text);
	if (error == 0)
		error = kv_files_write(folder, "report.json", json);
	return error;
}

const char *
kv_files_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "standard input";
	return slash == NULL ? path : slash + 1;
}
