"""The tests run as users run them, `pytest`, with brood on the path; or by `meson test`."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

import brood

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def pool():
    with brood.Pool(2) as pool:
        yield pool


@pytest.fixture(autouse=True)
def time_limit():
    """A test that hangs fails: the alarm's handler raises in whatever wait it is."""

    def late(*_):
        raise TimeoutError("the test took more than 60 s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def environment():
    """What programs need that a test starts by hand: the package that this test uses."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(pathlib.Path(brood.__file__).parents[1]), str(HERE)])}


@pytest.fixture
def program(tmp_path):
    """program(source, *arguments) writes a script and starts it; its streams are pipes."""
    started = []

    def start(source, *arguments):
        path = tmp_path / "program.py"
        path.write_text(source)
        process = subprocess.Popen(
            [sys.executable, str(path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
