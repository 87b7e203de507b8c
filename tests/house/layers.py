#!/usr/bin/env python3
"""The floors of the house: who may include what.

The table in docs/design.md is the rule; this program reads it there, so that page and check cannot
drift apart. It also refuses system headers and `#if <some OS>` outside src/platform, and
`catch (...)` outside src/api/boundary.hpp.
"""

import pathlib
import re
import sys

# What is left to everybody is the standard library of C++20 and C's headers under its names.
STANDARD = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono
    cinttypes climits clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp
    csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception
    execution filesystem format forward_list fstream functional future initializer_list iomanip ios iosfwd
    iostream istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric
    optional ostream queue random ranges ratio regex scoped_allocator semaphore set shared_mutex
    source_location span sstream stack stdexcept stop_token streambuf string string_view strstream
    syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility
    valarray variant vector version cxxabi.h
    assert.h ctype.h errno.h float.h inttypes.h limits.h math.h stdalign.h stdarg.h stdatomic.h stdbool.h
    stddef.h stdint.h stdio.h stdlib.h string.h time.h""".split()
)
OS_MACRO = re.compile(
    r"^\s*#\s*(?:el)?if(?:n?def)?.*\b(?:__linux__|linux|_WIN32|_WIN64|__APPLE__|__unix__|__FreeBSD__|__OpenBSD__"
    r"|__NetBSD__|__ANDROID__|__sun|__CYGWIN__)\b"
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CATCH_ALL = re.compile(r"\bcatch\s*\(\s*\.\.\.\s*\)")
ROW = re.compile(r"^\|\s*([0-9–-]+)\s*\|\s*`src/(\w+)`[^|]*\|\s*([^|]*)\|")
BOUNDARY = "src/api/boundary.hpp"


class Floor:
    def __init__(self, number, allowed_text):
        self.number = number
        self.allowed_text = allowed_text
        self.folders = set()
        self.public = "include/brood" in allowed_text
        self.uv = "<uv.h>" in allowed_text
        # Everywhere in the floor, or only in a folder that the table names: "OS headers in its `linux/`".
        self.system = "OS headers" in allowed_text
        inside = re.search(r"OS headers in its `(\w+)/`", allowed_text)
        self.system_folder = f"/{inside[1]}/" if inside else "/"


def read_table(design):
    """The floors by folder name, from the Markdown table."""
    floors = {}
    for line in design.splitlines():
        row = ROW.match(line)
        if row:
            number = int(row[1]) if row[1].isdigit() else None
            floors[row[2]] = Floor(number, row[3])
    for name, floor in floors.items():
        floor.folders = {name}
        if "all below" in floor.allowed_text:
            floor.folders |= {
                other for other, f in floors.items() if f.number is not None and f.number < floor.number
            }
        words = re.sub(r"`[^`]*`|\([^)]*\)", " ", floor.allowed_text)
        floor.folders |= {word for word in re.findall(r"\w+", words) if word in floors}
    return floors


def without_comments(text):
    """The text with comments blanked and line numbers kept; string contents stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match[0]
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found

    return pattern.sub(blank, text)


def check_include(floor, folder, name, bracket, target):
    """Why this include is not allowed, or None."""
    top = target.split("/")[0]
    if bracket == '"':
        if "/" not in target:
            return "is not written from src/ down"
        if top not in floor.folders:
            return f"goes to floor '{top}', which '{folder}' may not see"
        return None
    if target == "uv.h":
        return None if floor.uv else "libuv belongs to the floors the table names"
    if top == "brood":
        return None if floor.public else "public headers are for src/api"
    if target in STANDARD or (floor.system and floor.system_folder in name):
        return None
    return "is a system header: the table says who includes those"


def check_file(path, name, floors):
    """All violations in one file, as lines to print."""
    folder = name.split("/")[1]
    floor = floors.get(folder)
    if floor is None:
        return [f"{name}: the folder is no floor of docs/design.md"]
    found = []
    for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
        include = INCLUDE.match(line)
        why = None
        if include:
            why = check_include(floor, folder, name, include[1], include[2])
            if why:
                why = f"#include {include[2]} {why}"
        elif OS_MACRO.match(line) and not floor.system:
            why = "an #if about the operating system outside src/platform"
        elif CATCH_ALL.search(line) and name != BOUNDARY:
            why = f"catch (...) outside {BOUNDARY}"
        if why:
            found.append(f"{name}:{number}: {why}")
    return found


def check_tree(root):
    """(number of files, violations) of a source tree."""
    floors = read_table((root / "docs/design.md").read_text())
    if len(floors) < 10:
        return 0, [f"docs/design.md: its table of floors has only {len(floors)} rows"]
    files = [p for p in sorted((root / "src").rglob("*")) if p.suffix in (".c", ".h", ".cpp", ".hpp")]
    found = []
    for path in files:
        found += check_file(path, path.relative_to(root).as_posix(), floors)
    return len(files), found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    count, found = check_tree(root)
    for line in found:
        print(line)
    print(f"layers: {count} files, {len(found)} violations")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
