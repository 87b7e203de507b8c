"""Starting brood in this process, and how its workers are started: the same program again."""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from typing import Any, Iterable, Mapping

from . import _low, errors

_lock = threading.Lock()
_started = False
# Set while a worker runs the main program's top level, where nothing may be started.
importing_main = False
# Set by brood.worker: this process is a worker.
is_worker = False


def start(*, processes: bool = False) -> None:
    """Start brood, unless it was started before. Every constructor calls this.

    `processes`: what is made will start some, which a worker must not do while it imports the main program.
    """
    if processes and importing_main:
        raise RuntimeError(
            "a process was to be started while a worker still imports the main program. Put what the program does\n"
            'under\n    if __name__ == "__main__":\nso that only what defines its tasks runs in workers.'
        )
    if not _started:
        with _lock:
            if not _started:
                _start_locked(0)


def init(*, arena_bytes: int = 0) -> None:
    """Start brood with other than the defaults, before anything else of it is used.

    `arena_bytes` is the address space of the shared memory; it takes memory only as it is used.
    """
    with _lock:
        if _started:
            raise errors.StateError("brood has been started already: call init() first")
        _start_locked(arena_bytes)


def _start_locked(arena_bytes: int) -> None:
    global _started
    options = record("start_options", manual_worker=True, arena_bytes=arena_bytes, command=worker_command())
    _low.start(options)
    _started = True
    # What workers pickle of the main program is of the module that they know it as.
    sys.modules.setdefault("__brood_main__", sys.modules["__main__"])
    atexit.register(_low.shutdown)


def record(_type: str, **fields: Any) -> Any:
    """A native struct filled by name; None leaves a field at its default. `limits` is a mapping."""
    made = _low.record_create(_type)
    for name, value in fields.items():
        if isinstance(value, Mapping):
            for inner, number in value.items():
                _set(made, f"{name}.{inner}", number)
        elif value is not None:
            _set(made, name, value)
    return made


def _set(made: Any, name: str, value: Any) -> None:
    if isinstance(value, (bool, int)):
        done = _low.record_set_int(made, name, int(value))
    elif isinstance(value, str):
        done = _low.record_set_text(made, name, value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        done = _low.record_set_bytes(made, name, value)
    elif isinstance(value, Iterable):
        done = all(
            _low.record_add_int(made, name, item) if isinstance(item, int) else _low.record_add_text(made, name, item)
            for item in value
        )
    else:
        done = False
    if not done:
        raise TypeError(f"{name}={value!r} is no option, or out of its range")


def values(made: Any) -> dict[str, int]:
    """A record's numbers by name."""
    names = (_low.record_field_name(made, index) for index in range(_low.record_field_count(made)))
    return {name: _low.record_get_int(made, name) for name in names}


def milliseconds(seconds: float | None) -> int:
    """How long to wait, as C wants it: None is for ever, and any positive time is at least 1 ms."""
    if seconds is None:
        return _low.FOREVER
    if seconds <= 0:
        return 0
    return max(1, min(round(seconds * 1000), 2**62))


def environment(env: Mapping[str, str] | None) -> list[str] | None:
    """NAME=value, as C wants it."""
    return [f"{name}={value}" for name, value in env.items()] if env else None


# ---- the same program again ----------------------------------------------------------------------


def _interpreter_options() -> tuple[list[str], str, str]:
    """The interpreter's own options, and what it runs: ("script" | "module" | "code" | "none", which)."""
    options: list[str] = []
    rest = sys.orig_argv[1:]
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word.startswith("--"):
            options.append(word)
            if word == "--check-hash-based-pycs" and rest:
                options.append(rest.pop(0))
            continue
        # Short options may share a word; the last one may take the rest of it, or the next word.
        for position, letter in enumerate(word[1:], 1):
            if letter in "cm":
                value = word[position + 1 :] or (rest.pop(0) if rest else "")
                if position > 1:
                    options.append(word[:position])
                return options, "code" if letter == "c" else "module", value
            if letter in "XW":
                options.append(word)
                if position == len(word) - 1 and rest:
                    options.append(rest.pop(0))
                break
        else:
            if word != "-i":
                options.append(word)
    if not rest or rest[0] == "-":
        return options, "none", ""
    return options, "script", os.path.abspath(rest[0])


_options, _kind, _main = _interpreter_options()
_arguments = list(sys.argv)


def adopt(kind: str, main: str, argv: list[str]) -> None:
    """In a worker: what the program is, of which its own workers shall be more."""
    global _kind, _main, _arguments
    _kind, _main, _arguments = kind, main, argv


_package_folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# Modules are looked for where this program finds them: not first in the folder that the worker is in.
_ENTER = (
    "import sys; sys.path[:] = filter(None, sys.path); import json; "
    "sys.path[:] = json.loads(sys.argv[1])['path']; from brood.worker import enter; enter()"
)


def worker_command(*, native: bool = False) -> list[str]:
    """The command line of a worker: this interpreter and program again, entered by brood.worker.

    The program's top level runs there under another name than "__main__", as in multiprocessing.
    """
    path = [*map(os.path.abspath, sys.path), _package_folder]
    program = {"kind": _kind, "main": _main, "argv": _arguments, "path": path, "native": native}
    return [sys.executable, *_options, "-c", _ENTER, json.dumps(program)]
