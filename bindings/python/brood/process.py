"""A task in a process of its own, or any program; either is the root of a tree that ends with it."""

from __future__ import annotations

import itertools
import os
import signal as signals
import time
import weakref
from typing import Any, Mapping, NamedTuple, Sequence

from . import _low, _runtime, codec, errors, tasks

_numbers = itertools.count(1)
_children: "weakref.WeakValueDictionary[int, Process]" = weakref.WeakValueDictionary()

INHERIT, NULL, PIPE = "inherit", "null", "pipe"
_KINDS = {INHERIT: _low.STDIO_INHERIT, NULL: _low.STDIO_NULL, PIPE: _low.STDIO_PIPE}


class Usage(NamedTuple):
    """What a process used, and the children that it waited for."""

    user_us: int
    system_us: int
    max_resident_bytes: int
    minor_faults: int
    major_faults: int


class Process:
    """A task that runs in a process of its own: multiprocessing's Process.

    `stdin`, `stdout`, `stderr`: "inherit", "null", "pipe" (for read() and write()) or a file's path. `limits` as in
    Pool, of the whole tree. A `daemon` is ended, not joined, when this program ends.
    """

    def __init__(
        self,
        group: None = None,
        target: Any = None,
        name: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool = False,
        command: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        limits: Mapping[str, Any] | None = None,
        stdin: str | None = None,
        stdout: str | None = None,
        stderr: str | None = None,
    ):
        if group is not None:
            raise ValueError("group must be None: it is there for threading's sake")
        _runtime.start()
        self.name = name or f"Process-{next(_numbers)}"
        self.daemon = bool(daemon)
        self._target, self._args, self._kwargs = target, tuple(args), dict(kwargs or {})
        self._command = command
        self._options = {
            "env": _runtime.environment(env),
            "cwd": cwd,
            "limits": limits,
            "standard_input": _stdio(stdin),
            "standard_output": _stdio(stdout),
            "standard_error": _stdio(stderr),
        }
        self._low: Any = None

    @classmethod
    def spawn(cls, command: Sequence[str], **options: Any) -> "Process":
        """Run any program, with Process's keywords; it is started when this returns."""
        process = cls(command=list(command), **{"name": os.path.basename(command[0]), **options})
        process.start()
        return process

    def start(self) -> None:
        """Start it. A task without a target is the command by itself."""
        _runtime.start(processes=True)
        if self._low is not None:
            raise errors.StateError("cannot start a process twice")
        if self._target is None:
            if self._command is None:
                raise ValueError("a process needs a target, or a command")
            self._low = _low.process_spawn(self._record(self._command))
        else:
            task = tasks.find(self._target)
            data, tag, handles = codec.encode(task.pack(self._args, self._kwargs))
            msg = codec.message(data, tag, handles)
            record = self._record(self._command or _runtime.worker_command())
            name = task.address(own=self._command is None)
            self._low = _low.process_start_msg(name, msg, record)
            del self._target, self._args, self._kwargs
        _children[_low.process_pid(self._low)] = self

    def _record(self, command: Sequence[str]) -> Any:
        return _runtime.record(
            "process_options", command=list(command), name=self.name, daemon=self.daemon, **self._options
        )

    def _started(self) -> Any:
        if self._low is None:
            raise errors.StateError("the process was not started, or was closed")
        return self._low

    # ---- its life --------------------------------------------------------------------------------

    def join(self, timeout: float | None = None) -> None:
        """Wait until the process and its whole tree have ended, or the time ran out."""
        try:
            _low.process_join(self._started(), _runtime.milliseconds(timeout))
        except errors.Timeout:
            pass

    def is_alive(self) -> bool:
        return self._low is not None and _low.process_alive(self._low)

    def terminate(self) -> None:
        """SIGTERM to the whole tree."""
        _low.process_terminate(self._started())

    def kill(self) -> None:
        """SIGKILL to the whole tree, until nothing of it is left."""
        _low.process_kill(self._started())

    def send_signal(self, number: int) -> None:
        """A signal to every process of the tree."""
        _low.process_signal(self._started(), number)

    def close(self) -> None:
        """Give the handle back; ValueError while it runs."""
        if self.is_alive():
            raise ValueError("cannot close a process while it is running: join() it first")
        self._low = None

    @property
    def pid(self) -> int | None:
        return None if self._low is None else _low.process_pid(self._low)

    ident = pid

    @property
    def exitcode(self) -> int | None:
        """None while it runs; minus the signal's number if one ended it."""
        if self._low is None or _low.process_alive(self._low):
            return None
        number = _low.process_exit_signal(self._low)
        return -number if number else _low.process_exit_code(self._low)

    def check(self) -> None:
        """Raise what the task raised, or WorkerLost if it died; nothing if it ended well."""
        _low.process_outcome(self._started())

    @property
    def sentinel(self) -> int:
        """An fd that can be read once the process has ended."""
        return _low.handle_fd(_low.process_handle(self._started()))

    def usage(self) -> Usage:
        """What it used, once it has ended."""
        counts = _low.record_create("usage")
        _low.process_usage(self._started(), counts)
        return Usage(**_runtime.values(counts))

    # ---- its streams -----------------------------------------------------------------------------

    def read(self, size: int = 65536, stream: int = 1, timeout: float | None = None) -> bytes:
        """Up to `size` bytes of a piped stdout (1) or stderr (2), as soon as there are any; b"" at the end."""
        buffer = bytearray(size)
        try:
            count = _low.process_read(self._started(), stream, buffer, _runtime.milliseconds(timeout))
        except errors.Closed:
            return b""
        return bytes(buffer[:count])

    def lines(self, stream: int = 1) -> Any:
        """The lines of a piped stream, as bytes, without their ends."""
        rest = b""
        while part := self.read(stream=stream):
            *whole, rest = (rest + part).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def write(self, data: Any, timeout: float | None = None) -> None:
        """Write to a piped stdin; BrokenPipeError when nobody reads it. Timeout: a part may be written."""
        left = memoryview(data).cast("B")
        end = None if timeout is None else time.monotonic() + timeout
        try:
            while len(left) > 0:
                wait = None if end is None else max(0.0, end - time.monotonic())
                left = left[_low.process_write_some(self._started(), left, _runtime.milliseconds(wait)) :]
        except errors.Closed as error:
            raise BrokenPipeError(str(error)) from None

    def close_stdin(self) -> None:
        """Close a piped stdin: the process reads the end of its input."""
        _low.process_close_input(self._started())

    def __repr__(self) -> str:
        if self._low is None:
            state = "initial"
        elif (code := self.exitcode) is None:
            state = "started"
        else:
            state = f"stopped exitcode={code}" if code >= 0 else f"stopped by {signals.Signals(-code).name}"
        return f"<brood.Process name={self.name!r} pid={self.pid} {state}>"


def _stdio(where: str | None) -> Mapping[str, Any]:
    if where is None:
        return {}
    if where in _KINDS:
        return {"kind": _KINDS[where]}
    return {"kind": _low.STDIO_FILE, "path": where}


class Relative:
    """This process, or its parent: name, pid, and whether it lives."""

    def __init__(self, name: str, pid: int):
        self.name, self.pid = name, pid
        self.ident = pid

    def is_alive(self) -> bool:
        if self.pid == os.getpid():
            return True
        handle = _low.parent_handle()
        try:
            _low.wait_any([handle], 0)
        except errors.Timeout:
            return True
        return False

    def __repr__(self) -> str:
        return f"<brood process {self.name!r} pid={self.pid}>"


def current_process() -> Relative:
    """This process: "main" in the program that the user started."""
    _runtime.start()
    return Relative(_low.current_name(), os.getpid())


def parent_process() -> Relative | None:
    """The process that started this worker; None in the program that the user started."""
    _runtime.start()
    pid = _low.parent_pid()
    return Relative("parent", pid) if pid else None


def active_children() -> list[Process]:
    """Processes that this one started and that still run; a pool's workers are the pool's."""
    return [process for process in list(_children.values()) if process.is_alive()]


def cpu_count() -> int:
    """CPUs that this process may use: its affinity, cut by its control group."""
    return _low.cpu_count()
