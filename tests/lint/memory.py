#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""memory.py SOURCE - sim/ takes memory where it is counted: out/mem.h alone"""
import os
import re
import sys

EXEMPT = {'sim/out/mem.c'}
QUIET = re.compile(
    r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
CALL = re.compile(r'(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup|'
                  r'asprintf|getline|kv_host_libc|kv_host_jemalloc|'
                  r'kv_host_default)\s*\(')


def main():
    source = sys.argv[1]
    errors = count = 0
    for folder, _, names in sorted(os.walk(os.path.join(source, 'sim'))):
        for name in sorted(names):
            full = os.path.join(folder, name)
            path = os.path.relpath(full, source)
            if not name.endswith(('.c', '.h')) or path in EXEMPT:
                continue
            count += 1
            with open(full) as text:
                code = QUIET.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]),
                                 text.read())
            for number, line in enumerate(code.split('\n'), 1):
                for match in CALL.finditer(line):
                    print(f'{path}:{number}: {match[1]}: use out/mem.h')
                    errors += 1
    if count == 0:
        print('no file found')
    sys.exit(errors > 0 or count == 0)


main()
