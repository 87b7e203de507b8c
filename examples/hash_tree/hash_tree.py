"""SHA-256 of every regular file below a directory, hashed by a pool of processes.

Prints what `find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum` prints. Paths go to the workers through
a stream, so neither the tree nor its digests are ever held in memory.
"""

import argparse
import collections
import hashlib
import os
import sys
import time

import brood

WINDOW = 1024  # so that a large file at the front does not keep the other workers waiting


@brood.task
def sha256(path):
    """[digest, bytes], or [errno] for a file that cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb", buffering=0) as file:
            while data := file.read(1 << 18):
                digest.update(data)
                size += len(data)
    except OSError as error:
        return [error.errno]
    return [digest.hexdigest(), size]


def walk(directory, complain):
    """Paths as bytes, in the order of their bytes: a directory's name counts with its slash."""
    if os.path.isfile(directory) and not os.path.islink(directory):
        yield directory
        return
    try:
        with os.scandir(directory) as entries:
            names = [(e.name + b"/" if e.is_dir(follow_symlinks=False) else e.name, e) for e in entries]
    except OSError as error:
        complain(directory, error.errno)
        return
    prefix = directory if directory.endswith(b"/") else directory + b"/"
    for name, entry in sorted(names, key=lambda pair: pair[0]):
        if name.endswith(b"/"):
            yield from walk(prefix + name[:-1], complain)
        elif entry.is_file(follow_symlinks=False):
            yield prefix + name


def line(digest, path):
    """One line as sha256sum writes it, which escapes odd names."""
    escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != path else b"") + digest.encode() + b"  " + escaped + b"\n"


def main():
    parser = argparse.ArgumentParser(description="Prints the SHA-256 of every regular file below a directory.")
    parser.add_argument("directory", nargs="?", default="/usr/share/doc")
    parser.add_argument("--workers", type=int, help="default: one for each usable CPU")
    options = parser.parse_args()
    failures = 0

    def complain(path, number):
        nonlocal failures
        failures += 1
        print(f"hash_tree: {os.fsdecode(path)}: {os.strerror(number)}", file=sys.stderr)

    underway = collections.deque()

    def paths():
        for path in walk(os.fsencode(options.directory), complain):
            underway.append(path)
            yield path

    files = size = 0
    start = time.monotonic()
    with brood.Pool(options.workers) as pool:
        workers = len(pool.workers())
        results = pool.imap(sha256, paths(), window=WINDOW)
        for outcome in results:
            path = underway.popleft()
            if len(outcome) == 1:
                complain(path, outcome[0])
                continue
            sys.stdout.buffer.write(line(outcome[0], path))
            files += 1
            size += outcome[1]
    sys.stdout.flush()
    seconds = time.monotonic() - start
    print(
        f"{files} files, {size / 1e6:.1f} MB in {seconds:.2f} s: {size / 1e6 / seconds:.0f} MB/s "
        f"with {workers} workers",
        file=sys.stderr,
    )
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("hash_tree: interrupted", file=sys.stderr)
        sys.exit(130)
