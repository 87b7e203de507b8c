"""Processes, pools and shared memory between them: multiprocessing made better, for every language.

    import brood

    @brood.task
    def square(n):
        return n * n

    if __name__ == "__main__":
        with brood.Pool() as pool:
            print(pool.map(square, range(10)))

A worker that crashes, hangs or is killed costs the task it was running, and nothing else. Values travel as
MessagePack, so that a worker may be a program in another language; queues, locks and arrays travel inside them.
"""

from . import _low
from ._runtime import init
from .codec import enable_pickle
from .errors import (
    Broken,
    Cancelled,
    Closed,
    Error,
    Forked,
    InitializerFailed,
    InternalError,
    InvalidArgument,
    NoFunction,
    NoMemory,
    NoSpace,
    OwnerDied,
    ProtocolError,
    RemoteError,
    RemoteTraceback,
    StateError,
    SystemCallError,
    TaskTimeout,
    Timeout,
    TooBig,
    Unsupported,
    WorkerLost,
)
from .executor import Executor, ProcessPoolExecutor
from .futures import AsyncResult, Future
from .meeting import Barrier, Condition, Event
from .pipes import Connection, Pipe
from .pool import Pool, WorkerInfo
from .process import Process, active_children, cpu_count, current_process, parent_process
from .queues import Empty, Full, JoinableQueue, Lease, Queue, SimpleQueue
from .shared import Array, RawArray, RawValue, Value
from .sync import BoundedSemaphore, Lock, RLock, RWLock, Semaphore
from .tasks import Task, task
from .waiting import wait
from .worker import main

__version__ = _low.version()
__all__ = [name for name in dir() if not name.startswith("_")]


def freeze_support() -> None:
    """Here for multiprocessing's sake."""
