/* SPDX-License-Identifier: BSD-2-Clause */
/* input.h - a text as a file of its own, for tests of readers */
#ifndef KV_TEST_INPUT_H
#define KV_TEST_INPUT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Name of the file that holds the text; the next call overwrites it. */
static inline const char *
input_file(const char *text)
{
	static char path[32];
	size_t size = strlen(text);
	int fd;

	if (path[0] != '\0')
		unlink(path);
	strcpy(path, "/tmp/kv_input_XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	close(fd);
	return path;
}

static inline void
input_remove(void)
{
	unlink(input_file(""));
}

#endif
