#!/usr/bin/env python3
"""hash_tree prints what sha256sum prints, and says what it could not read.

usage: hash_tree_test.py HASH_TREE
"""

import fcntl
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

HASH_TREE = ""
TIME_LIMIT_S = 60
# find, sort and sha256sum have the last word about order and format.
REFERENCE = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum 2>/dev/null'
ODD_NAMES = [
    "plain", "with space", " leading", "-n", "--help", "back\\slash", "new\nline", "return\rhere", "tab\there",
    "a", "a.b/c", "a-b/c", "a b/c", "aa/b/c", "a!/x", "ab", "é/ü", "'quote'", '"double"', "*", "$(x)",
]  # fmt: skip


def hash_tree(*arguments):
    return subprocess.run(
        [HASH_TREE, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT_S
    )


def reference(directory):
    return subprocess.run(["sh", "-c", REFERENCE, "sh", directory], capture_output=True, check=False).stdout


class HashTreeTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)

    def make(self, name, data=b""):
        path = os.fsencode(self.root) + b"/" + (name if isinstance(name, bytes) else os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def check_same(self, directory):
        done = hash_tree(directory, "--sample", "0")
        self.assertEqual(b"", re.sub(rb".* workers\n$", b"", done.stderr))
        self.assertEqual(0, done.returncode)
        self.assertEqual(reference(directory).splitlines(), done.stdout.splitlines())
        return done

    def test_odd_names_in_the_same_order_and_format(self):
        for number, name in enumerate(ODD_NAMES):
            self.make("odd/" + name if name in ("a", "ab") else name, b"x" * number)
        self.make(b"not\xffutf8", b"bytes")
        self.check_same(str(self.root))
        self.check_same(str(self.root) + "/")

    def test_sizes_round_the_buffer(self):
        pattern = random.Random(1).randbytes(1 << 20)
        for size in (0, 1, 55, 56, 63, 64, 65, 262143, 262144, 262145, 1 << 20):
            self.make(f"size-{size}", pattern[:size])
        self.check_same(str(self.root))

    def test_more_files_than_the_window(self):
        for number in range(3000):
            self.make(f"{number % 7}/{number}", str(number).encode())
        done = self.check_same(str(self.root))
        self.assertIn(b"3000 files", done.stderr)

    def test_only_regular_files(self):
        self.make("file", b"1")
        (self.root / "link").symlink_to("file")
        (self.root / "linked").symlink_to(".")
        os.mkfifo(self.root / "fifo")
        self.check_same(str(self.root))

    def test_empty_tree_and_single_file(self):
        self.check_same(str(self.root))
        self.make("one", b"1")
        self.check_same(str(self.root / "one"))

    def test_speed_up_is_measured(self):
        self.make("a", b"a" * 1000000)
        done = hash_tree(str(self.root))
        self.assertRegex(done.stderr, rb"1 files, 1\.0 MB in .* [0-9.]+ times as fast as one process \(measured on 1 ")

    def test_a_missing_directory_is_an_error(self):
        done = hash_tree(str(self.root / "none"), "--sample", "0")
        self.assertEqual(1, done.returncode)
        self.assertIn(b"none: No such file or directory", done.stderr)

    def test_unreadable_files_and_directories_are_reported_one_by_one(self):
        self.make("a", b"1")
        os.chmod(self.make("b", b"2"), 0)
        self.make("c", b"3")
        self.make("shut/d", b"4")
        os.chmod(self.root / "shut", 0)
        self.addCleanup(os.chmod, self.root / "shut", 0o700)
        os.chmod(self.root, 0o755)
        if os.geteuid() == 0:
            # Root may read everything: drop to nobody, in a child.
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", HASH_TREE]
        else:
            command = [HASH_TREE]
        done = subprocess.run(
            [*command, str(self.root), "--sample", "0"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT_S, cwd="/",
        )  # fmt: skip
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertEqual([b"a", b"c"], [line.rsplit(b"/")[-1] for line in done.stdout.splitlines()])
        self.assertRegex(done.stderr, rb"hash_tree: [^\n]*/b: Permission denied\n")
        self.assertRegex(done.stderr, rb"hash_tree: [^\n]*/shut: Permission denied\n")

    def start_on_terminal(self, directory):
        """(the process, the terminal) with stderr on a terminal of 100 columns and stdout on a pipe."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        process = subprocess.Popen(
            [HASH_TREE, directory, "--sample", "0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        self.addCleanup(os.close, ours)
        self.addCleanup(process.stdout.close)
        return process, ours

    def read_both(self, process, terminal, until=None):
        """What came out on stdout and on the terminal: to their ends, or until the terminal shows `until`."""
        printed, seen, open_fds = b"", b"", {terminal, process.stdout.fileno()}
        while open_fds and not (until and until in seen):
            ready = select.select(list(open_fds), [], [], TIME_LIMIT_S)[0]
            self.assertTrue(ready, "nothing more came, but it did not end")
            for fd in ready:
                try:
                    data = os.read(fd, 65536)
                except OSError:  # a terminal whose other side is closed
                    data = b""
                if not data:
                    open_fds.discard(fd)
                elif fd == terminal:
                    seen += data
                else:
                    printed += data
        return printed, seen

    def test_a_terminal_gets_a_progress_bar(self):
        for number in range(300):
            self.make(str(number), b"x" * 100000)
        process, terminal = self.start_on_terminal(str(self.root))
        printed, seen = self.read_both(process, terminal)
        self.assertEqual(0, process.wait(TIME_LIMIT_S))
        self.assertEqual(reference(str(self.root)), printed)
        self.assertRegex(seen, rb"\[#*\.*\] +\d+ % +\d+ files")

    def members(self):
        """Processes that were started with this test's directory as an argument."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.fsencode(self.root) in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:  # it has ended meanwhile
                pass
        return found

    def test_ctrl_c_ends_it_cleanly(self):
        self.make("0", b"small, so that the bar appears")
        for number in range(1, 40):
            os.truncate(self.make(str(number)), 300000000)
        process, terminal = self.start_on_terminal(str(self.root))
        self.read_both(process, terminal, until=b"files")
        self.assertGreater(len(self.members()), 1)
        process.send_signal(signal.SIGINT)
        _, seen = self.read_both(process, terminal)
        self.assertEqual(130, process.wait(TIME_LIMIT_S))
        self.assertTrue(seen.rstrip().endswith(b"hash_tree: interrupted"), seen)
        deadline = time.monotonic() + 2
        while self.members() and time.monotonic() < deadline:
            select.select([], [], [], 0.01)
        self.assertEqual([], self.members())


if __name__ == "__main__":
    HASH_TREE = os.path.abspath(sys.argv.pop(1))
    unittest.main()
