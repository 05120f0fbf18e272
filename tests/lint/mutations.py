#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mutations.py SOURCE - each mutation of tests/mutants/table.txt can be made

The text that it changes occurs once in its file, and it has a name of its own.
Whether the tests notice is asked by `make mutants`.
"""
import os
import sys

SOURCE = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SOURCE, 'tests/mutants'))
import mutants  # noqa: E402


def main():
    bad, names = [], set()
    try:
        for name, file, old, new in mutants.table(
                os.path.join(SOURCE, 'tests/mutants/table.txt')):
            if name in names:
                bad.append(f'{name} is in the table twice')
            names.add(name)
            try:
                with open(os.path.join(SOURCE, file)) as text:
                    mutants.mutated(text.read(), old, new, name)
            except (mutants.Stale, OSError) as error:
                bad.append(str(error))
    except mutants.Stale as error:
        bad.append(str(error))
    print('\n'.join(bad) if bad else f'{len(names)} mutations')
    sys.exit(1 if bad or not names else 0)


main()
