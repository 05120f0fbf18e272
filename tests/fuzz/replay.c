/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c CORPUS - run the inputs of a corpus, without a fuzzer
 *
 * A corpus is a gzip-compressed tar archive (corpus.py makes them).
 */
#include <zlib.h>

#include "fuzz.h"

enum { BLOCK = 512, NAME = 0, SIZE = 124, SIZE_DIGITS = 11, TYPE = 156 };

/* => bytes of the file behind the header; -1: the archive ends */
static long
next_file(gzFile tar, char *head)
{
	char digits[SIZE_DIGITS + 1] = "";

	if (gzread(tar, head, BLOCK) != BLOCK || head[NAME] == '\0')
		return -1;
	memcpy(digits, head + SIZE, SIZE_DIGITS);
	return strtol(digits, NULL, 8);
}

int
main(int argc, char **argv)
{
	gzFile tar = argc == 2 ? gzopen(argv[1], "rb") : NULL;
	unsigned count = 0;
	char head[BLOCK];
	long size;

	if (tar == NULL) {
		fprintf(stderr, "usage: %s CORPUS.tar.gz\n", argv[0]);
		return 2;
	}
	while ((size = next_file(tar, head)) >= 0) {
		size_t room = ((size_t)size + BLOCK - 1) / BLOCK * BLOCK;
		uint8_t *all = malloc(room + 1), *data = malloc((size_t)size);

		if (gzread(tar, all, (unsigned)room) != (int)room)
			break;
		/* In a block of just its size, for what reads beyond. */
		if (size > 0)
			memcpy(data, all, (size_t)size);
		free(all);
		if (head[TYPE] == '0') {
			head[SIZE] = '\0';
			fprintf(stderr, "%s\n", head + NAME);
			LLVMFuzzerTestOneInput(data, (size_t)size);
			count++;
		}
		free(data);
	}
	gzclose(tar);
	printf("%u inputs\n", count);
	return count == 0 || size >= 0;
}
