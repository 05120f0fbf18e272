#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""files.py SOURCE - what is kept is text, small, tidy and says its licence

Recordings and golden traces are gzip files; nothing else may be binary.
"""
import os
import re
import subprocess
import sys

KIB = 1024
TEXT_MAX, GZIP_MAX = 256 * KIB, 2048 * KIB
LINES_MAX = 700  # of code
JUNK = re.compile(r'\.(o|a|so|orig|rej|bak|swp|pyc|svg|png|profraw)$|~$')
LATER = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b')
# What a kernel printed stays as it printed it.
AS_PRINTED = re.compile(r'tests/(golden/linux|broken/captures)/')
SPDX = re.compile(r'SPDX-License-Identifier: BSD-2-Clause')


def tracked(source):
    git = subprocess.run(['git', '-C', source, 'ls-files', '-z'],
                         capture_output=True)
    if git.returncode != 0:
        sys.exit(77)  # not a repository: nothing to compare with
    return [name for name in git.stdout.decode().split('\0')
            if name and os.path.exists(os.path.join(source, name))]


def faults(path, data):
    name = os.path.basename(path)
    if JUNK.search(name):
        yield 'does not belong here'
    if name.endswith('.gz'):
        if data[:2] != b'\x1f\x8b' or len(data) > GZIP_MAX:
            yield 'not gzip, or too large'
        return
    if b'\0' in data or len(data) > TEXT_MAX:
        yield 'binary or too large'
        return
    if b'\r' in data:
        yield 'carriage return'
    if not AS_PRINTED.match(path) and re.search(rb'[ \t]$', data, re.M):
        yield 'blanks at the end of a line'
    if data and not data.endswith(b'\n') or data.endswith(b'\n\n'):
        yield 'does not end in one newline'
    try:
        text = data.decode('utf-8')
    except UnicodeDecodeError:
        yield 'not UTF-8'
        return
    code = name.endswith(('.c', '.h', '.def', '.S', '.sh', '.py', '.gp')) or \
        name in ('CMakeLists.txt', 'Makefile') or text.startswith('#!')
    if code and not SPDX.search('\n'.join(text.split('\n')[:2])):
        yield 'no licence line at its top'
    if code and LATER.search(text):
        yield f'{LATER.search(text)[0]}: do it, or leave it out'
    if code and text.count('\n') > LINES_MAX:
        yield f'longer than {LINES_MAX} lines'


def main():
    source = sys.argv[1]
    errors = 0
    paths = tracked(source)
    for path in paths:
        full = os.path.join(source, path)
        if os.path.islink(full):
            print(f'{path}: a link')
            errors += 1
            continue
        with open(full, 'rb') as data:
            for fault in faults(path, data.read()):
                print(f'{path}: {fault}')
                errors += 1
        runs = os.stat(full).st_mode & 0o111 != 0
        with open(full, 'rb') as data:
            script = data.read(2) == b'#!'
        if runs != script:
            print(f'{path}: executable bit and #! disagree')
            errors += 1
    if not paths:
        print('no file is tracked')
    sys.exit(errors > 0 or not paths)


main()
