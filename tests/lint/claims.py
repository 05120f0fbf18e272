#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""claims.py SOURCE - each invariant of a system is checked, and seen to break

Every id of sim/run/claims.def stands in the section check of a scenario, or in
the text of a module that reports it, and in violation("ID") of a scenario of
a mistake (rNNN).  Of the generic ones, V1 and up, each is broken by some
scenario.  An id of check that the table lacks is a fault, too.
"""
import glob
import os
import re
import sys

SOURCE = sys.argv[1]
ROW = re.compile(r'^X\("([^"]+)", "', re.M)
CHECK = re.compile(r'^  - ([a-z]+-[A-Z]\d+): ', re.M)
EXPECT = re.compile(r'violation\("([^"]+)"\)')


def read(path):
    with open(os.path.join(SOURCE, path)) as text:
        return text.read()


def main():
    claims = ROW.findall(read('sim/run/claims.def'))
    generic = [i for i in ROW.findall(read('sim/run/invariants.def'))
               if re.fullmatch(r'V\d+', i)]
    checked, broken, by_any = {}, set(), set()
    for path in sorted(glob.glob(os.path.join(SOURCE, 'scenarios/*.yaml'))):
        text = read(path)
        for name in CHECK.findall(text):
            checked.setdefault(name, os.path.basename(path))
        by_any.update(EXPECT.findall(text))
        if re.match(r'r\d', os.path.basename(path)):
            broken.update(EXPECT.findall(text))
    code = ''.join(read(path) for path in glob.glob(
        os.path.join(SOURCE, 'sim/run/*.c')))
    bad = [f'{i} is in the table twice' for i in set(claims)
           if claims.count(i) > 1]
    bad += [f'{i}: nothing checks it' for i in claims
            if i not in checked and f'"{i}"' not in code]
    bad += [f'{i}: no scenario rNNN breaks it' for i in claims
            if i not in broken]
    bad += [f'{i}: no scenario breaks it' for i in generic
            if i not in by_any]
    bad += [f'{i} of {path} is not in sim/run/claims.def'
            for i, path in checked.items() if i not in claims]
    print('\n'.join(bad))
    sys.exit(1 if bad or not claims or not generic else 0)


main()
