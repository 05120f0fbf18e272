#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scenarios.py SOURCE - scenarios sort, and say what they are

Name: a letter of the map, three digits, words; no number twice.  Sections:
the language version, title, about, source and expect, all filled.
"""
import glob
import os
import re
import sys

LETTERS = 'vpknmtclsrxz'
NAME = re.compile(rf'([{LETTERS}]\d\d\d)(_[a-z0-9]+)+\.yaml')
SECTIONS = ('kvasir', 'title', 'about', 'source', 'expect')


def main():
    source = sys.argv[1]
    paths = sorted(glob.glob(os.path.join(source, 'scenarios/*.y*ml')))
    errors = []
    seen = {}
    for path in paths:
        name = os.path.basename(path)
        match = NAME.fullmatch(name)
        if not match:
            errors.append(f'{name}: not letter, three digits, words')
        elif match[1] in seen:
            errors.append(f'{name}: {match[1]} is {seen[match[1]]}')
        else:
            seen[match[1]] = name
        with open(path) as text:
            body = text.read()
        for section in SECTIONS:
            # Something follows: on the line, or indented below it.
            if not re.search(rf'^{section}:[ \t]*(\S|\n+[ \t]+\S)', body,
                             re.M):
                errors.append(f'{name}: {section} is missing or empty')
    for error in errors:
        print('scenarios/' + error)
    if not paths:
        sys.exit(77)
    sys.exit(bool(errors))


main()
