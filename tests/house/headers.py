#!/usr/bin/env python3
"""Each public header compiles alone, twice in a row, in every language it promises."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-pedantic", "-Werror"]
C_HEADERS = [("c", "c99"), ("c", "c11"), ("c++", "c++17"), ("c++", "c++20")]
CPP_HEADERS = [("c++", "c++20")]


def compile_alone(compiler, language, standard, include, header):
    """The compiler's complaints, or ''."""
    suffix = ".c" if language == "c" else ".cpp"
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as source:
        # The second inclusion proves the guard; the function keeps ISO C happy: it wants no empty units.
        source.write(f"#include <{header}>\n#include <{header}>\nint main(void) {{ return 0; }}\n")
        source.flush()
        command = compiler + [f"-std={standard}", "-fsyntax-only", *WARNINGS, f"-I{include}", source.name]
        done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr or "failed without a word"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=pathlib.Path, required=True)
    parser.add_argument("--cc", nargs="+", default=["cc"])
    parser.add_argument("--cxx", nargs="+", default=["c++"])
    arguments = parser.parse_args()

    compiled = failed = 0
    headers = sorted((arguments.include / "brood").rglob("*.h*"))
    for path in headers:
        header = path.relative_to(arguments.include).as_posix()
        for language, standard in C_HEADERS if path.suffix == ".h" else CPP_HEADERS:
            compiler = arguments.cc if language == "c" else arguments.cxx
            complaint = compile_alone(compiler, language, standard, arguments.include, header)
            compiled += 1
            if complaint:
                failed += 1
                print(f"{header} alone as {standard}:\n{complaint}")
    print(f"headers: {compiled} compilations of {len(headers)} headers, {failed} failed")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
