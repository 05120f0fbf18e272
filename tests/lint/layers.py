#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""layers.py SOURCE - every include goes strictly down (layers.txt)"""
import fnmatch
import os
import re
import sys

INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]+)"|(<[^>]+>))')


def manifest(path):
    """levels: [(pattern, level)]; allow: [(pattern, headers)]; only: {}"""
    levels, allow, only = [], [], {}
    for number, line in enumerate(open(path), 1):
        words = line.split('#')[0].split()
        if not words:
            continue
        if words[0] == 'allow':
            allow.append((words[1], set(words[2:])))
        elif words[0] == 'only':
            only.setdefault(words[1], []).extend(words[2:])
        elif re.fullmatch(r'\d+(\.\d+)?', words[0]):
            levels += [(word, float(words[0])) for word in words[1:]]
        else:
            sys.exit(f'{path}:{number}: neither a level nor allow nor only')
    return levels, allow, only


def row_of(levels, path):
    """An exact name wins over a pattern, the longest pattern over others."""
    found = [(pattern == path, len(pattern), row)
             for row, (pattern, _) in enumerate(levels)
             if fnmatch.fnmatch(path, pattern)]
    return max(found)[2] if found else None


def level_of(levels, path):
    row = row_of(levels, path)
    return None if row is None else levels[row][1]


def resolve(source, path, name):
    """The file that "name" means: beside the includer, then the -I folders."""
    for folder in (os.path.dirname(path), '', 'alloc', 'sim'):
        candidate = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(source, candidate)):
            return candidate
    return None


def check_quoted(source, levels, path, name):
    target = resolve(source, path, name)
    if target is None:
        return f'"{name}" is no file of this project'
    if path.startswith('alloc/') and not target.startswith('alloc/'):
        return f'alloc/ includes {target}'
    mine, theirs = level_of(levels, path), level_of(levels, target)
    own = os.path.splitext(path)[0] == os.path.splitext(target)[0]
    if mine is None or theirs is None or theirs < mine:
        return None  # an unlisted file is reported once, by itself
    if own and theirs == mine:
        return None
    return f'{target} (level {theirs:g}) is not below level {mine:g}'


def check_system(allow, only, path, header):
    if header in only and not any(
            fnmatch.fnmatch(path, pattern) for pattern in only[header]):
        return f'{header} belongs to {" ".join(only[header])} alone'
    for pattern, headers in allow:
        if fnmatch.fnmatch(path, pattern) and header not in headers:
            return f'{header} is not on the list of {pattern}'
    return None


def files(source):
    for top in ('alloc', 'sim'):
        for folder, _, names in os.walk(os.path.join(source, top)):
            for name in sorted(names):
                if name.endswith(('.c', '.h', '.def')):
                    yield os.path.relpath(os.path.join(folder, name), source)


def main():
    source = sys.argv[1]
    levels, allow, only = manifest(
        os.path.join(source, 'tests/lint/layers.txt'))
    errors = count = 0
    idle = set(range(len(levels)))
    for path in files(source):
        count += 1
        found = []
        row = row_of(levels, path)
        idle.discard(row)
        if row is None:
            found.append((1, 'no level in tests/lint/layers.txt'))
        with open(os.path.join(source, path)) as text:
            for number, line in enumerate(text, 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                if match[1]:
                    error = check_quoted(source, levels, path, match[1])
                else:
                    error = check_system(allow, only, path, match[2])
                if error:
                    found.append((number, error))
        for number, error in found:
            print(f'{path}:{number}: {error}')
        errors += len(found)
    for row in sorted(idle):
        print(f'tests/lint/layers.txt: {levels[row][0]} at level '
              f'{levels[row][1]:g} decides for no file')
    if count == 0:
        print('no file found')
    sys.exit(errors > 0 or len(idle) > 0 or count == 0)


main()
