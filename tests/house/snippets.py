#!/usr/bin/env python3
"""The code in the Markdown pages is cut from files that are compiled and run by the test suite.

A page says `<!-- snippet: FILE NAME -->` on the line before a fenced block; the file has the same lines
between `snippet: NAME` and `snippet end`, in comments. With --write the pages are brought up to date.
"""

import pathlib
import re
import sys
import textwrap

MARKER = re.compile(r"^<!-- snippet: (\S+) (\S+) -->\n(```\w*\n)(.*?)(^```$)", re.M | re.S)
FENCE = re.compile(r"^```(c|cpp|c\+\+)$", re.M)


def cut(root, file, name):
    """The lines of a named snippet, without their common indentation."""
    path = root / file
    if not path.is_file():
        raise ValueError(f"there is no {file}")
    lines, inside, found = [], False, False
    for line in path.read_text().splitlines(keepends=True):
        if re.search(rf"snippet: {re.escape(name)}\b", line):
            inside = found = True
        elif inside and "snippet end" in line:
            inside = False
        elif inside:
            lines.append(line)
    if not found or inside:
        raise ValueError(f"{file} has no snippet '{name}' with an end")
    return textwrap.dedent("".join(lines))


def main():
    root = pathlib.Path(__file__).parents[2]
    write = "--write" in sys.argv[1:]
    count, found = 0, []
    for page in [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]:
        text = page.read_text()
        name = page.relative_to(root).as_posix()

        def replace(match):
            nonlocal count
            count += 1
            try:
                wanted = cut(root, match[1], match[2])
            except ValueError as error:
                found.append(f"{name}: {error}")
                return match[0]
            if wanted != match[4] and not write:
                found.append(f"{name}: the snippet is not what {match[1]} says; ./dev docs --write")
            return f"<!-- snippet: {match[1]} {match[2]} -->\n{match[3]}{wanted}{match[5]}"

        new = MARKER.sub(replace, text)
        # A block of C that is cut from nowhere is a block that nobody compiles.
        loose = len(FENCE.findall(text)) - sum(1 for m in MARKER.finditer(text) if FENCE.match(m[3].rstrip("\n")))
        if loose and name != "docs/design.md":
            found.append(f"{name}: {loose} blocks of C or C++ without a snippet marker")
        if write and new != text:
            page.write_text(new)
    for line in found:
        print(line)
    print(f"snippets: {count} snippets, {len(found)} wrong")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
