#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""comments.py SOURCE - a header says what each of its functions is for

Functions that stand together without a blank line share the comment above
them.  A function that returns the struct of its own name needs none: the
struct's fields are its meaning.
"""
import os
import re
import sys

FUNCTION = re.compile(
    r'^(?!typedef\b|return\b|else\b|#)[a-z][\w \t*]*?\b(\w+)\(', re.M)
STRUCT = re.compile(r'^struct (\w+) \1\(')
COMMENT = re.compile(r'/\*.*?\*/', re.S)


def hide(text):
    """The text with its comments blanked, line by line."""
    return COMMENT.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]), text)


def paragraphs(text):
    """(line, paragraph): parted by blank lines outside of braces"""
    start, lines, depth = 1, [], 0
    codes = hide(text).split('\n') + ['']
    for number, line in enumerate(text.split('\n') + [''], 1):
        if line.strip() or depth > 0:
            if not lines:
                start = number
            lines.append(line)
            code = codes[number - 1]
            depth += code.count('{') - code.count('}')
        elif lines:
            yield start, '\n'.join(lines)
            lines = []


def bare(text):
    """Functions without a comment in front of them, within each paragraph."""
    for start, paragraph in paragraphs(text):
        comment = COMMENT.search(paragraph)
        hidden = hide(paragraph)
        for match in FUNCTION.finditer(hidden):
            if STRUCT.match(hidden[match.start():]):
                continue
            if comment and comment.start() < match.start():
                break
            yield start + hidden[:match.start()].count('\n'), match[1]


def main():
    source = sys.argv[1]
    errors = count = 0
    for top in ('alloc', 'sim', 'tests'):
        for folder, _, names in sorted(os.walk(os.path.join(source, top))):
            for name in sorted(names):
                if not name.endswith('.h'):
                    continue
                full = os.path.join(folder, name)
                count += 1
                with open(full) as text:
                    for line, function in bare(text.read()):
                        path = os.path.relpath(full, source)
                        print(f'{path}:{line}: {function} says nothing')
                        errors += 1
    if count == 0:
        print('no header found')
    sys.exit(errors > 0 or count == 0)


main()
