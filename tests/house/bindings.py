#!/usr/bin/env python3
"""What bindings/common says of the functions is what the headers say.

Every function with a `brood_cancel *cancel` waits and is listed in time.i; every one whose comment says
"Consumes on success" is in handles.i; every handle has a line there; and no line names what does not exist.
"""

import pathlib
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
DECLARATION = re.compile(r"(/\*\*(?:(?!\*/).)*\*/)?\s*(?:BROOD_API|BROOD_CALL)\b([^;{]*);", re.S)
MACRO = re.compile(r"^%(\w+)\(([^)]*)\)", re.M)
IGNORED = re.compile(r"^%ignore (\w+);", re.M)


def functions(folder, pattern):
    """(name, parameters, the comment before it) of each function that the files declare."""
    found = {}
    for header in sorted(folder.glob(pattern)):
        for match in DECLARATION.finditer(header.read_text()):
            text = " ".join(COMMENT.sub(" ", match[2]).split())
            declared = re.search(r"\b(brood_\w+)\s*\((.*)\)$", text)
            if declared:
                found[declared[1]] = (declared[2], " ".join((match[1] or "").replace("*", " ").split()))
    return found


def check(root):
    """(number of functions, complaints)"""
    declared = functions(root / "include/brood", "*.h")
    macros, ignored = {}, set()
    for file in sorted((root / "bindings/common").glob("*.i")):
        for name, arguments in MACRO.findall(file.read_text()):
            macros.setdefault(name, []).append([a.strip() for a in arguments.split(",")])
        ignored |= set(IGNORED.findall(file.read_text()))
    stand_ins = set()
    for header in (root / "bindings/common").glob("*.hpp"):
        stand_ins |= set(re.findall(r"\b(brood_\w+)\(", header.read_text()))

    found = []
    waiting = {a[0] for a in macros.get("brood_waits", []) + macros.get("brood_waits_whole", [])}
    consuming = {a[0]: int(a[1]) for a in macros.get("brood_consumes", [])}
    for name, (parameters, comment) in declared.items():
        listed = parameters.split(",")
        if "brood_cancel *cancel" in parameters and len(listed) > 1 and name not in waiting | ignored:
            found.append(f"{name} waits, and time.i does not say so")
        if "Consumes on success" in comment and name not in consuming:
            found.append(f"{name} takes something over, and handles.i does not say so")
        if name.endswith("_free") and name not in {a[1] for a in macros.get("brood_owned", [])} | ignored:
            if name != "brood_error_free":
                found.append(f"{name} frees something that handles.i does not own")
        if name.endswith("_handle") and name != "brood_parent_handle":
            if name not in {a[1] for a in macros.get("brood_borrowed", [])}:
                found.append(f"{name} lends a handle, and handles.i does not say so")
    named = waiting | set(consuming) | {a[0] for a in macros.get("brood_works", [])}
    named |= {a[1] for kind in ("brood_owned", "brood_borrowed") for a in macros.get(kind, [])}
    found += [f"common/*.i names {name}, which does not exist"
              for name in sorted(named - declared.keys() - stand_ins)]
    for name, position in consuming.items():
        if name in declared and "(" not in name and len(declared[name][0].split(",")) < position:
            found.append(f"{name} has no parameter number {position}")
    return len(declared), found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    count, found = check(root)
    for line in found:
        print(line)
    print(f"bindings: {count} functions, {len(found)} wrong")
    return 1 if found or count < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
