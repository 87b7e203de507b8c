#!/usr/bin/env python3
"""The pipeline counts what awk counts, also while its processes are killed.

usage: pipeline_test.py PIPELINE DPKG_LOG
"""

import collections
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PIPELINE = ""
SAMPLE = []  # lines of a real log
TIME_LIMIT_S = 100
LAST_LINE = re.compile(
    r"(\d+) lines, (\d+) bytes in [\d.]+ s, \d+ MB/s, (\d+) kills, (\d+) chunks came twice, exact (yes|NO)"
)
AWK = '{ n[$3 == "status" ? $3 " " $4 : $3]++ } END { for (key in n) printf "%d\\t%s\\n", n[key], key }'
Outcome = collections.namedtuple("Outcome", "lines bytes kills twice exact")


def awks_counts(data):
    """What awk counts in one copy: independent of how the pipeline itself asks awk."""
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["awk", AWK], input=data, capture_output=True, check=True, env=environment)
    return {key: int(count) for count, key in (line.split("\t") for line in done.stdout.decode().splitlines())}


class PipelineTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def run_pipeline(self, data, *arguments):
        log = self.folder / "log"
        log.write_bytes(data)
        command = [PIPELINE, *arguments, str(log)]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_LIMIT_S
        )

    def check_exact(self, data, *arguments, megabytes=0):
        done = self.run_pipeline(data, "--megabytes", str(megabytes), *arguments)
        self.assertEqual("", done.stderr)
        *counts, last = done.stdout.splitlines()
        match = LAST_LINE.fullmatch(last)
        self.assertTrue(match, last)
        outcome = Outcome(*map(int, match.groups()[:4]), match[5])
        copies = max(1, -(-megabytes * 1000000 // len(data)))
        expected = {key: count * copies for key, count in awks_counts(data).items()}
        self.assertEqual(expected, {line[11:]: int(line[:10]) for line in counts})
        self.assertEqual(sum(expected.values()), outcome.lines)
        self.assertEqual(len(data) * copies, outcome.bytes)
        self.assertEqual("yes", outcome.exact)
        self.assertEqual(0, done.returncode)
        return outcome

    def log(self, size):
        """Lines of the real log in another order, up to about so many bytes."""
        source, lines, length = random.Random(1), [], 0
        while length < size:
            lines.append(source.choice(SAMPLE))
            length += len(lines[-1])
        return b"".join(lines)

    def test_counts_are_awks(self):
        outcome = self.check_exact(self.log(300000), megabytes=10)
        self.assertEqual((0, 0), (outcome.kills, outcome.twice))

    def test_counts_are_awks_while_processes_are_killed(self):
        # Not so often that nobody gets to work: under a sanitizer a process takes long to start.
        begun = time.monotonic()
        self.check_exact(b"one\n")
        interval = max(5, int(500 * (time.monotonic() - begun)))
        # However fast the machine is: the log grows until it took long enough for so many kills.
        kills, megabytes, wanted = 0, 20, 20 if interval < 100 else 5
        while kills < wanted:
            kills += self.check_exact(self.log(300000), f"--chaos={interval}", megabytes=megabytes).kills
            megabytes = min(2 * megabytes, 320)
        print(f"{kills} kills at random moments", file=sys.stderr)

    def test_counts_are_awks_with_each_hand_over_cut(self):
        # One of ten hand-overs ends between its put and its ack, one of ten merges before its commit.
        outcome = self.check_exact(self.log(300000), "--cut", "10", megabytes=5)
        self.assertGreater(outcome.kills, 0)
        self.assertGreater(outcome.twice, 0)
        print(f"{outcome.kills} kills in a hand-over, {outcome.twice} chunks came twice", file=sys.stderr)

    def test_odd_logs(self):
        long_line = b"2025-01-01 10:00:00 install " + b"x" * 300000
        for data in (
            b"\n",
            b"one",
            b"a b status",
            b"a b status\n\n \t \n",
            b"a\tb  c d\n a b c\n",
            self.log(65536)[:65536],
            self.log(200000).rstrip(b"\n"),
            long_line,
            self.log(1000) + long_line + b"\n" + self.log(100000),
        ):
            with self.subTest(data=data[:40], size=len(data)):
                self.check_exact(data)
                self.check_exact(data, "--cut", "3")

    def test_a_missing_or_empty_log_is_an_error(self):
        for path in (str(self.folder / "none"), "/dev/null", str(self.folder)):
            done = subprocess.run([PIPELINE, path], capture_output=True, text=True, timeout=TIME_LIMIT_S)
            self.assertEqual(1, done.returncode)
            self.assertIn(f"{path}: there is no such log, or nothing in it", done.stderr)

    def test_a_stage_that_gives_up_ends_the_program(self):
        done = self.run_pipeline(b"".join(b"a b key%d\n" % number for number in range(2000)), "--megabytes", "5")
        self.assertEqual(1, done.returncode)
        self.assertIn("too many different actions", done.stderr)


if __name__ == "__main__":
    PIPELINE = sys.argv.pop(1)
    SAMPLE = pathlib.Path(sys.argv.pop(1)).read_bytes().splitlines(keepends=True)
    unittest.main()
