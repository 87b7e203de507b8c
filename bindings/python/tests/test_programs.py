"""Programs: workers that are a file of tasks, as pools of other languages start them, and odd main programs."""

import os
import pathlib
import subprocess
import sys

import pytest

import brood
from conftest import environment

FILE = str(pathlib.Path(__file__).with_name("some_tasks.py"))

GUARDED = """
import brood
import some_tasks
brood.main()
raise SystemExit("this was no worker")
"""


@pytest.fixture(params=["-m brood", "brood.main()"])
def command(request, tmp_path):
    if request.param == "-m brood":
        return [sys.executable, "-m", "brood", FILE]
    path = tmp_path / "worker.py"
    path.write_text(GUARDED)
    return [sys.executable, str(path)]


def test_a_file_of_tasks_is_a_worker(command):
    queue = brood.Queue()
    env = {"PYTHONPATH": environment()["PYTHONPATH"]}
    with brood.Pool(2, "prepare", (queue, 5), command=command, env=env) as pool:
        assert pool.map("square", range(10)) == [n * n for n in range(10)]
        assert pool.apply("add", (1, 2)) == 3 and pool.apply("add", (1, 2), {"scale": 2}) == 6
        there, five = pool.apply("prepared")
        there.put("a worker's")
        assert queue.get(timeout=30) == "a worker's" and five == 5
        with pytest.raises(ValueError):
            pool.apply("fail", ("x",))
        with pytest.raises(brood.WorkerLost):
            pool.apply("crash")
        with pytest.raises(brood.RemoteError, match="registered: .*square"):
            pool.apply("unheard_of")
        assert pool.apply("nest", (1,))[0] != os.getpid()


def test_brood_main_returns_in_a_program_that_nobody_started(program):
    assert program(GUARDED).communicate(timeout=30)[1] == "this was no worker\n"


PICKLED = """
import brood, functools
class Pair:
    def __init__(self, a): self.a = a
@brood.task
def swap(pair, by): return Pair(pair.a + by)
if __name__ == "__main__":
    with brood.Pool(1, codec="pickle") as pool:
        print(pool.apply(swap, (Pair(1), 2)).a, pool.map(functools.partial(swap, by=5), [Pair(1)])[0].a)
"""


def test_pickled_objects_of_the_main_program(program):
    out, err = program(PICKLED).communicate(timeout=30)
    assert out == "3 6\n", err


PROGRAM = """
import brood, os, sys
lock = brood.Lock()  # each process its own: harmless

@brood.task
def where(): return [__name__, sys.argv[1:], sys.flags.optimize]

class Thing:
    @staticmethod
    def double(n): return 2 * n

if __name__ == "__main__":
    with brood.Pool(1) as pool: print(pool.apply(where), pool.map(Thing.double, [4]))
"""


@pytest.mark.parametrize("kind", ["script", "module", "code", "folder"])
def test_the_same_program_again(kind, tmp_path):
    (tmp_path / "odd name.py").write_text(PROGRAM)
    (tmp_path / "some_module.py").write_text(PROGRAM)
    package = tmp_path / "some_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("from . import __init__ as relative\n" + PROGRAM)
    arguments = {
        "script": ["odd name.py"],
        "module": ["-m", "some_module"],
        "code": ["-c", PROGRAM],
        "folder": ["-m", "some_package"],
    }[kind]
    done = subprocess.run(
        [sys.executable, "-O", "-X", "utf8", *arguments, "one", "-two"],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tmp_path,
        env=environment(),
    )
    assert done.stdout == "['__brood_main__', ['one', '-two'], 1] [8]\n", done.stderr


def test_files_where_the_workers_are_shadow_nothing(tmp_path):
    for name in ("brood", "json", "msgpack"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not me')")
    with brood.Pool(1, cwd=str(tmp_path)) as pool:
        assert pool.apply(os.getcwd) == str(tmp_path)


def test_a_program_from_standard_input():
    source = "import brood, math\nwith brood.Pool(1) as pool: print(pool.map(math.sqrt, [4]))\n"
    done = subprocess.run(
        [sys.executable], input=source, capture_output=True, text=True, timeout=30, env=environment()
    )
    assert done.stdout == "[2.0]\n", done.stderr
