#!/usr/bin/env python3
"""The layer check finds what it is there to find: each rule is broken once in a small tree."""

import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import layers  # noqa: E402

ROOT = pathlib.Path(__file__).parents[2]


class LayersTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        (self.root / "docs").mkdir()
        shutil.copy(ROOT / "docs/design.md", self.root / "docs/design.md")

    def violations(self, name, text):
        path = self.root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return layers.check_tree(self.root)[1]

    def test_accepts_what_the_table_allows(self):
        self.assertEqual([], self.violations("pool/a.cpp", '#include <vector>\n#include "loop/loop.hpp"\n'))
        self.assertEqual([], self.violations("loop/a.cpp", "#include <uv.h>\n"))
        self.assertEqual([], self.violations("nursery/a.cpp", "#include <uv.h>\n"))
        self.assertEqual([], self.violations("nursery/linux/a.cpp", "#include <sys/wait.h>\n"))
        self.assertEqual([], self.violations("api/a.cpp", '#include <brood/pool.h>\n#include "shm/arena.hpp"\n'))
        self.assertEqual([], self.violations("platform/linux/a.cpp", "#include <sys/mman.h>\n"))
        self.assertEqual([], self.violations("pool/b.cpp", '// catch (...) is in boundary.hpp; #include "api/x.hpp"\n'))

    def test_refuses_the_floor_above(self):
        self.assertRegex(self.violations("shm/a.cpp", '#include "pool/pool.hpp"\n')[0], "shm/a.cpp:1.*pool")

    def test_refuses_a_neighbour_that_is_not_listed(self):
        self.assertTrue(self.violations("channel/a.cpp", '#include "process/process.hpp"\n'))

    def test_refuses_libuv_elsewhere(self):
        self.assertTrue(self.violations("pool/a.cpp", "#include <uv.h>\n"))

    def test_refuses_system_headers_elsewhere(self):
        self.assertTrue(self.violations("process/a.cpp", "#include <unistd.h>\n"))
        self.assertEqual(2, len(self.violations("nursery/a.cpp", "#include <unistd.h>\n")))

    def test_refuses_public_headers_below(self):
        self.assertTrue(self.violations("pool/a.cpp", "#include <brood/pool.h>\n"))

    def test_refuses_conditions_on_the_operating_system(self):
        self.assertTrue(self.violations("shm/a.cpp", "#ifdef X\n#endif\n#if defined(__linux__)\n#endif\n"))

    def test_refuses_catch_all(self):
        self.assertTrue(self.violations("pool/a.cpp", "try {} catch ( ... ) {}\n"))
        self.assertEqual(
            1, len(self.violations("api/boundary.hpp", "try {} catch (...) {}\n"))
        )  # the one of pool/a.cpp

    def test_refuses_a_folder_that_is_no_floor(self):
        self.assertTrue(self.violations("util/a.cpp", ""))


if __name__ == "__main__":
    unittest.main()
