"""What can go wrong: one class for each status of brood, all of them `Error`.

Where Python has a class of its own for the same thing (`TimeoutError`, `MemoryError`, `OSError`, ...) brood's is
a subclass of that too. A failure inside a task is a `RemoteError` that is also of the builtin class which the
task raised, if it was one, with the remote traceback as its `__cause__`.
"""

from __future__ import annotations

import builtins
import threading

from . import _low


class Error(Exception):
    """Any failure of brood. `status` is its number, `pid` the process that failed (0: this one)."""

    status: int = 0
    pid: int = 0
    os_code: int = 0


class Timeout(Error, TimeoutError):
    """The time ran out."""


class Closed(Error):
    """Nothing more will arrive, or be accepted."""


class Cancelled(Error):
    """The wait's token was fired, or the task was cancelled."""


class InvalidArgument(Error, ValueError):
    """An argument breaks its stated rule."""


class StateError(Error, ValueError):
    """The right call at the wrong moment: a release of a lock that is not held, a second result."""


class NoFunction(Error, LookupError):
    """The worker has no task of that name."""


class TooBig(Error, ValueError):
    """More than could ever fit."""


class Unsupported(Error, NotImplementedError):
    """Not on this platform, or not for this kind of object."""


class Forked(Error, RuntimeError):
    """The object belongs to the process that forked this one."""


class NoMemory(Error, MemoryError):
    """Memory is out: the machine's, a limit's, or brood's own."""


class SystemCallError(Error, OSError):
    """A system call failed; `errno` says how."""


class NoSpace(Error):
    """A fixed table is full."""


class RemoteError(Error):
    """The task ran and raised. `kind` is the class of what it raised, `traceback` its stack as text."""

    kind: str = ""
    traceback: str = ""


class WorkerLost(Error):
    """The worker died in the task: `exit_code` (-1: by a signal), `signal` (0: by itself), `pid`."""

    exit_code: int = -1
    signal: int = 0


class TaskTimeout(WorkerLost, TimeoutError):
    """The task passed its run limit, and its worker was killed."""


class OwnerDied(Error):
    """The process that held the lock died: `recover()` takes it, then put right what it guards."""


class ProtocolError(Error):
    """The other side sent bytes that mean nothing."""


class InitializerFailed(Error):
    """A worker could not be made ready."""


class Broken(Error, threading.BrokenBarrierError):
    """Workers died again and again without finishing a task; or a barrier is broken."""


class InternalError(Error):
    """A bug in brood."""


class RemoteTraceback(Exception):
    """The stack of a failure in another process, as the `__cause__` of what is raised here."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0].rstrip()}\n"""'


_CLASSES: dict[int, type[Error]] = {
    _low.E_TIMEOUT: Timeout,
    _low.E_CLOSED: Closed,
    _low.E_CANCELED: Cancelled,
    _low.E_INVALID: InvalidArgument,
    _low.E_STATE: StateError,
    _low.E_NO_FUNCTION: NoFunction,
    _low.E_TOO_BIG: TooBig,
    _low.E_UNSUPPORTED: Unsupported,
    _low.E_FORKED: Forked,
    _low.E_NO_MEMORY: NoMemory,
    _low.E_OS: SystemCallError,
    _low.E_NO_SPACE: NoSpace,
    _low.E_REMOTE: RemoteError,
    _low.E_WORKER_LOST: WorkerLost,
    _low.E_TASK_TIMEOUT: TaskTimeout,
    _low.E_OWNER_DIED: OwnerDied,
    _low.E_PROTOCOL: ProtocolError,
    _low.E_INIT_FAILED: InitializerFailed,
    _low.E_BROKEN: Broken,
    _low.E_INTERNAL: InternalError,
}

_remote_classes: dict[str, type[RemoteError]] = {}


def _remote_class(kind: str) -> type[RemoteError]:
    """RemoteError, or a subclass that is also the builtin exception `kind`."""
    found = _remote_classes.get(kind)
    if found is not None:
        return found
    local = getattr(builtins, kind, None)
    if not (isinstance(local, type) and issubclass(local, Exception)):
        return RemoteError
    try:
        made = type(f"Remote{kind}", (RemoteError, local), {"__module__": __name__, "__doc__": f"A remote {kind}."})
        made("probe")
    except TypeError:  # a class whose instances need more than a text
        made = RemoteError
    _remote_classes[kind] = made
    return made


def make_error(
    status: int, message: str, kind: str, traceback: str, pid: int, exit_code: int, signal: int, os_code: int
) -> Error:
    """The exception for a failure's parts; the native module calls it."""
    cls = _remote_class(kind) if status == _low.E_REMOTE else _CLASSES.get(status, Error)
    if cls is SystemCallError:
        error: Error = cls(os_code, message)
    elif isinstance(kind, str) and cls is RemoteError and kind:
        error = cls(f"{kind}: {message}")
    else:
        error = cls(message)
    error.status, error.pid, error.os_code = status, pid, os_code
    if isinstance(error, RemoteError):
        error.kind, error.traceback = kind, traceback
    if isinstance(error, WorkerLost):
        error.exit_code, error.signal = exit_code, signal
    if traceback:
        error.__cause__ = RemoteTraceback(traceback)
    return error


_low.set_error_factory(make_error)
