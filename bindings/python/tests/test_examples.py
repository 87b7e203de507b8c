"""The examples in Python print what those in C and C++ print."""

import os
import pathlib
import signal
import subprocess
import sys

from conftest import environment

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"
# find, sort and sha256sum have the last word about order and format.
REFERENCE = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum 2>/dev/null'
ODD_NAMES = [
    "plain", "with space", " leading", "-n", "back\\slash", "new\nline", "return\rhere", "a.b/c", "a-b/c", "a b/c",
    "aa/b/c", "a!/x", "ab", "é/ü", "a/b",
]  # fmt: skip


def example(name, *arguments, **options):
    command = [sys.executable, str(EXAMPLES / name / f"{name}.py"), *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), **options
    )


def test_fib():
    out, err = example("fib").communicate(timeout=50)
    assert out.decode() == (EXAMPLES / "expected" / "fib.txt").read_text() and err == b""


def test_hash_tree(tmp_path):
    for number, name in enumerate([*map(os.fsencode, ODD_NAMES), b"not\xffutf8"]):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(bytes(number) * 100000)
    (tmp_path / "link").symlink_to("plain")
    process = example("hash_tree", str(tmp_path))
    out, err = process.communicate(timeout=50)
    assert out == subprocess.check_output(["sh", "-c", REFERENCE, "sh", str(tmp_path)])
    assert process.returncode == 0 and b" files, " in err
    process = example("hash_tree", str(tmp_path / "none"))
    assert b"none: No such file or directory" in process.communicate(timeout=50)[1] and process.returncode == 1


def test_ctrl_c_in_hash_tree(tmp_path):
    for number in range(40):
        path = tmp_path / str(number)
        path.touch()
        os.truncate(path, 1 if number == 0 else 300_000_000)
    process = example("hash_tree", str(tmp_path), bufsize=0)
    # The first line is written when the buffer is full or at the end: wait for the workers instead.
    while not any(child_of(process.pid, str(tmp_path))):
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=50)
    assert err == b"hash_tree: interrupted\n" and process.returncode == 130


def child_of(host, directory):
    """Workers that have one of the directory's files open."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != host:
                for fd in (entry / "fd").iterdir():
                    yield os.readlink(fd).startswith(directory)
        except OSError:  # it has ended meanwhile, or is not ours
            pass
