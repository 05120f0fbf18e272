#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""page_size.py SOURCE - page size is data: its literals live in machine.c"""
import os
import re
import sys

# Values that a 4 KiB page suggests: its size, mask and shift, the entries of
# its page table, and the 2 MiB that such a table maps.
NUMBERS = {4096, 4095, 512, 511, 2 << 20, (2 << 20) - 1}
SHIFTS = {12, 21}
EXEMPT = {'alloc/machine.c'}

COMMENT = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
NUMBER = re.compile(r'(?<![\w.])(0[xX][0-9a-fA-F]+|\d+)[uUlL]*(?![\w.])')
SHIFT = re.compile(r'(?:<<|>>)=?\s*(\d+)[uUlL]*(?![\w.])')


def blank(match):
    """Comments and strings become space; lines stay where they are."""
    return re.sub(r'[^\n]', ' ', match[0])


def offences(text):
    code = COMMENT.sub(blank, text)
    for number, line in enumerate(code.split('\n'), 1):
        for match in NUMBER.finditer(line):
            if int(match[1], 16 if match[1][:2] in ('0x', '0X') else 10) \
                    in NUMBERS:
                yield number, match[0]
        for match in SHIFT.finditer(line):
            if int(match[1]) in SHIFTS:
                yield number, match[0]


def main():
    source = sys.argv[1]
    errors = count = 0
    for top in ('alloc', 'sim'):
        for folder, _, names in sorted(os.walk(os.path.join(source, top))):
            for name in sorted(names):
                full = os.path.join(folder, name)
                path = os.path.relpath(full, source)
                if not name.endswith(('.c', '.h', '.def')) or path in EXEMPT:
                    continue
                count += 1
                with open(full) as text:
                    for number, what in offences(text.read()):
                        print(f'{path}:{number}: {what}: ask the machine')
                        errors += 1
    if count == 0:
        print('no file found')
    sys.exit(errors > 0 or count == 0)


main()
