#!/usr/bin/env python3
"""The check of bindings/common finds what it is there to find: each list loses a line once."""

import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import bindings  # noqa: E402

ROOT = pathlib.Path(__file__).parents[2]


class BindingsTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("include", "bindings/common"):
            shutil.copytree(ROOT / folder, self.root / folder)

    def complaints(self, name, old, new=""):
        path = self.root / "bindings/common" / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))
        return bindings.check(self.root)[1]

    def test_the_lists_are_complete(self):
        self.assertEqual([], bindings.check(self.root)[1])

    def test_a_wait_that_is_not_listed(self):
        found = self.complaints("time.i", "%brood_waits(brood_queue_get)\n")
        self.assertEqual(["brood_queue_get waits, and time.i does not say so"], found)

    def test_what_is_taken_over(self):
        found = self.complaints("handles.i", "%brood_consumes(brood_queue_put_msg, 2)\n")
        self.assertRegex(found[0], "brood_queue_put_msg takes something over")
        found = self.complaints("handles.i", "(brood_lease_ack, 1)", "(brood_lease_ack, 3)")
        self.assertIn("brood_lease_ack has no parameter number 3", found)

    def test_a_type_that_nobody_frees(self):
        found = self.complaints("handles.i", "%brood_owned(brood_lock, brood_lock_free)\n")
        self.assertRegex(found[0], "brood_lock_free")

    def test_a_handle_that_is_not_borrowed(self):
        found = self.complaints("handles.i", "%brood_borrowed(brood_handle, brood_lock_handle)\n")
        self.assertRegex(found[0], "brood_lock_handle lends")

    def test_a_name_that_does_not_exist(self):
        found = self.complaints("time.i", "%brood_works(brood_start)", "%brood_works(brood_begin)")
        self.assertRegex(found[0], "names brood_begin")


if __name__ == "__main__":
    unittest.main()
