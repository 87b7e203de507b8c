#!/usr/bin/env python3
"""clang-tidy over the files of ours that a build folder compiles, as many at a time as there are CPUs.

usage: tidy.py BUILD [--changed [BASE]]

A file that was clean stays so until it, a header that it reads, or .clang-tidy changes: what is clean is
remembered in the build folder, so that a long run can be interrupted. With --changed only files are looked at
that differ from BASE (main's fork point by default), and for a header the source that belongs to it, else one
that reads it.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("src", "examples", "tests", "bench")


def run(*command, folder=ROOT):
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


class Source:
    """One file, how it is compiled, and what of ours it reads."""

    def __init__(self, entry):
        self.folder = pathlib.Path(entry["directory"])
        self.path = (self.folder / entry["file"]).resolve()
        self.command = entry["command"]

    def headers(self):
        words = [word for word in shlex.split(self.command) if word not in ("ccache", "-MD", "-c")]
        # No output and no dependency file: the list alone.
        kept = [w for w, before in zip(words, [""] + words) if not {w, before} & {"-o", "-MF", "-MQ"}]
        listed = run(*kept, "-MM", folder=self.folder).stdout.replace("\\\n", " ").split()[1:]
        return sorted({(self.folder / name).resolve() for name in listed})

    def fingerprint(self):
        digest = hashlib.sha256(self.command.encode() + (ROOT / ".clang-tidy").read_bytes())
        for path in self.headers():
            digest.update(path.read_bytes())
        return digest.hexdigest()


class Clean:
    """The fingerprints of files in which nothing was found."""

    def __init__(self, path):
        self.path = path
        self.known = set(path.read_text().split()) if path.exists() else set()
        self.lock = threading.Lock()

    def add(self, fingerprint):
        with self.lock, self.path.open("a") as file:
            file.write(fingerprint + "\n")


def changed_files(base):
    if base is None:
        main = [name for name in ("origin/main", "main") if run("git", "rev-parse", name).returncode == 0]
        if not main:
            sys.exit("tidy: there is no main to compare with; give --changed a BASE")
        base = run("git", "merge-base", "HEAD", main[0]).stdout.strip()
        # On main itself: the last commit.
        if base == run("git", "rev-parse", "HEAD").stdout.strip():
            base = "HEAD~1"
    listed = run("git", "diff", "--name-only", base, "--")
    if listed.returncode != 0:
        sys.exit(f"tidy: git cannot compare with {base}: {listed.stderr.strip()}")
    fresh = run("git", "ls-files", "--others", "--exclude-standard")
    return {ROOT / name for name in (listed.stdout + fresh.stdout).splitlines()}


def pick_changed(sources, base):
    changed = changed_files(base)
    picked = {source.path: source for source in sources if source.path in changed}
    for header in sorted(path for path in changed if path.suffix in (".h", ".hpp")):
        own = [source for source in sources if source.path.with_suffix("") == header.with_suffix("")]
        if not own and header.exists():
            own = [source for source in sources if header in source.headers()]
        if own and not any(source.path in picked for source in own):
            picked[own[0].path] = own[0]
    return list(picked.values())


def check(build, clean, source):
    fingerprint = source.fingerprint()
    if fingerprint in clean.known:
        return 0, ""
    done = run("clang-tidy-14", "--quiet", "-p", str(build), str(source.path))
    if done.returncode == 0:
        clean.add(fingerprint)
    return done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    entries = json.loads((build / "compile_commands.json").read_text())
    by_path = {source.path: source for source in map(Source, entries)}
    sources = [
        by_path[path]
        for path in sorted(by_path)
        if any(path.is_relative_to(ROOT / folder) for folder in FOLDERS)
    ]
    if not sources:
        sys.exit("tidy: the build folder compiles nothing of ours")
    if "--changed" in sys.argv:
        sources = pick_changed(sources, (sys.argv[3:] or [None])[0])
    clean = Clean(build / "tidy-clean.txt")
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda source: check(build, clean, source), sources)
        for source, (status, output) in zip(sources, results):
            if status != 0:
                bad += 1
                print(output)
                print(f"clang-tidy: {source.path.relative_to(ROOT)} failed", flush=True)
    print(f"clang-tidy: {len(sources)} files, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
