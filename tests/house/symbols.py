#!/usr/bin/env python3
"""What the headers declare, what the version script lists and what the library exports are the same.

With --write-map FILE it writes the version script from the headers instead.
"""

import argparse
import pathlib
import re
import subprocess
import sys

DECLARED = re.compile(r"\b(?:BROOD_API|BROOD_CALL)\b[^;()]*?\b(brood_\w+)\s*\(")


def declared(folder):
    """Functions that the public C headers declare."""
    names = set()
    for header in sorted(folder.glob("*.h")):
        text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
        text = re.sub(r"^\s*#.*(?:\\\n.*)*", " ", text, flags=re.M)
        names.update(DECLARED.findall(text))
    return names


def listed(script):
    """Names that the version script makes global. A pattern would export by accident: refused."""
    text = re.sub(r"/\*.*?\*/", " ", script.read_text(), flags=re.S)
    names = set()
    for part in re.findall(r"global\s*:(.*?)(?:local\s*:|\})", text, flags=re.S):
        names.update(name.strip() for name in part.split(";") if name.strip())
    for name in names:
        if not re.fullmatch(r"brood_\w+", name):
            sys.exit(f"symbols: {script}: '{name}' is not the plain name of a function")
    return names


def exported(library, nm):
    """Symbols that the dynamic linker sees, without the names of versions."""
    output = subprocess.run(
        [nm, "--dynamic", "--defined-only", "--format=posix", str(library)],
        check=True, capture_output=True, text=True,
    ).stdout
    names = set()
    for line in output.splitlines():
        name, kind = line.split()[:2]
        if kind != "A":
            names.add(name.split("@")[0])
    return names


def differences(left, left_name, right, right_name):
    lines = [f"{name}: in {left_name}, not in {right_name}" for name in sorted(left - right)]
    return lines + [f"{name}: in {right_name}, not in {left_name}" for name in sorted(right - left)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--headers", type=pathlib.Path, required=True, help="folder of the public headers")
    parser.add_argument("--map", type=pathlib.Path, help="the version script")
    parser.add_argument("--library", type=pathlib.Path, help="libbrood.so")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--write-map", type=pathlib.Path)
    arguments = parser.parse_args()

    functions = declared(arguments.headers)
    if arguments.write_map:
        lines = "".join(f"    {name};\n" for name in sorted(functions))
        arguments.write_map.write_text("BROOD_0 {\n  global:\n" + lines + "  local:\n    *;\n};\n")
        return 0
    found = differences(functions, "the headers", listed(arguments.map), "the version script")
    found += differences(functions, "the headers", exported(arguments.library, arguments.nm), "the library")
    for line in found:
        print(line)
    print(f"symbols: {len(functions)} functions, {len(found)} differences")
    return 1 if found or not functions else 0


if __name__ == "__main__":
    sys.exit(main())
