#!/usr/bin/env python3
"""Many processes draw the picture that one draws, whatever becomes of them.

usage: mandelbrot_test.py MANDELBROT
"""

import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

MANDELBROT = ""
TIME_LIMIT_S = 60
SMALL = ["--width", "90", "--height", "60", "--iterations", "300"]
ENDLESS = ["--width", "4000", "--height", "4000", "--iterations", "4000000000", "--x", "0", "--y", "0"]


def rows_of(png):
    """The rows of an 8-bit RGB picture."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) == (8, 2)
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + size]
        at += size + 12
    raw, stride, above, rows = zlib.decompress(data), width * 3, bytes(width * 3), []
    for row in range(height):
        filtered = raw[row * (stride + 1) : (row + 1) * (stride + 1)]
        above = unfilter(filtered[0], filtered[1:], above)
        rows.append(bytes(above))
    return rows


def unfilter(kind, values, above):
    out = bytearray()
    for i, value in enumerate(values):
        left, up, corner = (out[i - 3], above[i], above[i - 3]) if i >= 3 else (0, above[i], 0)
        guess = left + up - corner
        paeth = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        out.append((value + (0, left, up, (left + up) // 2, paeth)[kind]) & 255)
    return out


class MandelbrotTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def command(self, name, *arguments):
        return [MANDELBROT, str(self.folder / name), *arguments]

    def run_to_end(self, name, *arguments):
        command = self.command(name, *arguments)
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_LIMIT_S
        )

    def draw(self, name, *arguments):
        """(the file, how many rows were finished, whether it was stopped)"""
        done = self.run_to_end(name, *arguments)
        self.assertEqual("", done.stderr)
        self.assertEqual(0, done.returncode)
        return self.read(name, done.stdout)

    def read(self, name, printed):
        match = re.fullmatch(r".*: (\d+) of \d+ rows with \d+ processes in [\d.]+ s(, stopped)?\n", printed)
        self.assertTrue(match, printed)
        return (self.folder / name).read_bytes(), int(match[1]), match[2] is not None

    def start(self, name, *arguments):
        """The program, and the pids of its two processes once there are both."""
        command = self.command(name, "--workers", "2", *arguments)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + TIME_LIMIT_S
        while len(workers := self.members() - {process.pid}) < 2:
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll())
        return process, workers

    def members(self):
        found = set()
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.fsencode(self.folder) in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:  # it has ended meanwhile
                pass
        return found

    def test_many_processes_draw_what_one_draws(self):
        alone = self.draw("alone.png", "--workers", "0", *SMALL)
        self.assertEqual((60, False), alone[1:])
        self.assertGreater(len(set(rows_of(alone[0]))), 50)
        self.assertEqual(10, self.draw("few.png", "--workers", "0", "--stop-after", "10", *SMALL)[1])
        for workers in ("1", "2", "5"):
            self.assertEqual(alone, self.draw("together.png", "--workers", workers, *SMALL))

    def test_an_event_stops_it_after_some_rows(self):
        whole = rows_of(self.draw("whole.png", "--workers", "2", *SMALL)[0])
        png, rows, stopped = self.draw("part.png", "--workers", "2", "--stop-after", "10", *SMALL)
        self.assertTrue(stopped)
        self.assertIn(rows, (10, 11))  # the other process finishes what it has begun
        part = rows_of(png)
        black = bytes(len(whole[0]))
        self.assertEqual(rows, sum(row != black for row in part))
        for row, expected in zip(part, whole):
            self.assertIn(row, (expected, black))

    def test_ctrl_c_stops_it_and_leaves_what_is_there(self):
        # The first rows are quick, those that cross the set would take for ever.
        process, workers = self.start("part.png", "--span", "5", *ENDLESS)
        process.send_signal(signal.SIGINT)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)  # it may be in a row that would not end
        printed = process.communicate(timeout=TIME_LIMIT_S)[0]
        self.assertEqual(0, process.returncode)
        self.assertTrue(self.read("part.png", printed)[2])

    def test_a_killed_process_leaves_no_gap(self):
        picture = ["--width", "300", "--height", "200", "--iterations", "1000"]
        alone = self.draw("alone.png", "--workers", "0", *picture)
        process, workers = self.start("together.png", *picture)
        os.kill(workers.pop(), signal.SIGKILL)
        printed = process.communicate(timeout=TIME_LIMIT_S)[0]
        self.assertEqual(alone, self.read("together.png", printed))

    def test_a_file_that_cannot_be_written_is_an_error(self):
        done = self.run_to_end("none/x.png", *SMALL)
        self.assertEqual(1, done.returncode)
        self.assertIn("none/x.png: ", done.stderr)


if __name__ == "__main__":
    MANDELBROT = sys.argv.pop(1)
    unittest.main()
