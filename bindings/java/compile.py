#!/usr/bin/env python3
"""compile.py JAVAC JAR CLASS-PATH OUTPUT.jar SOURCE...: compiles Java sources into a jar, warnings as errors.

Class files go into a fresh folder beside the jar, so that no class outlives its source.
"""

import os
import shutil
import subprocess
import sys


def main():
    javac, jar, class_path, output, *sources = sys.argv[1:]
    folder = output + ".classes"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    options = ["-Xlint:all,-processing,-path", "-Werror", "-proc:none", "--release", "17", "-encoding", "UTF-8", "-g"]
    if class_path:
        options += ["-cp", class_path]
    if subprocess.run([javac, *options, "-d", folder, *sources]).returncode != 0:
        return 1
    return subprocess.run([jar, "--create", "--file", output, "-C", folder, "."]).returncode


sys.exit(main())
