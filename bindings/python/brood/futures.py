"""What a task's outcome is delivered as: concurrent.futures' Future, which can also be awaited.

One thread of this process, waiting without the GIL, finishes all futures.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import itertools
import os
import threading
from typing import Any, Callable, Generator, Generic, Iterable, TypeVar

from . import _low, codec, errors

T = TypeVar("T")


class Future(concurrent.futures.Future, Generic[T]):
    """The outcome of one task. `await` it, or use it as any future of concurrent.futures.

    `cancel()` also stops a running task: its worker is killed, and a new one starts.
    """

    def __init__(self, low: Any, native: bool):
        super().__init__()
        self._low, self._native = low, native
        _completions.add(self)

    def cancel(self) -> bool:
        if not super().cancel():
            return self.cancelled()
        try:
            _low.future_cancel(self._low)
        except errors.Error:
            pass  # done in this very moment: its result is dropped
        return True

    def __await__(self) -> Generator[Any, None, T]:
        import asyncio  # takes long to import, and whoever awaits has done so

        return asyncio.wrap_future(self).__await__()

    def _finish(self) -> None:
        """Called by the completion thread, once the native future is done."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            result = codec.decode(_low.future_result(self._low, 0), self._native)
        except BaseException as error:
            self.set_exception(error)
        else:
            self.set_result(result)


class _Completions:
    """The thread that finishes futures, made with the first one."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._tags = itertools.count(1)
        self._pending: dict[int, Future[Any]] = {}
        self._low: Any = None
        self._stop: Any = None
        self._thread: threading.Thread | None = None

    def add(self, future: Future[Any]) -> None:
        if self._thread is None:
            self._start()
        tag = next(self._tags)
        self._pending[tag] = future
        try:
            _low.completions_add(self._low, _low.future_handle(future._low), tag)
        except BaseException:
            del self._pending[tag]
            raise

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._low = _low.completions_create()
            # Registered, so that there is always something to wait for; fired, it ends the thread.
            self._stop = _low.cancel_create()
            _low.completions_add(self._low, _low.cancel_handle(self._stop), 0)
            thread = threading.Thread(target=self._run, name="brood-completions", daemon=True)
            thread.start()
            atexit.register(self._end)
            self._thread = thread

    def _run(self) -> None:
        while True:
            try:
                tag = _low.completions_next(self._low, _low.FOREVER)
            except errors.Error:
                return  # brood was shut down
            if tag == 0:
                return
            future = self._pending.pop(tag)
            future._finish()
            del future

    def _end(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            _low.cancel_fire(self._stop)
            self._thread.join()

    def after_fork(self) -> None:
        """In a forked child nobody will finish what is pending."""
        orphans = list(self._pending.values())
        self._forget()
        for future in orphans:
            # Whoever held this lock is not in this process.
            future._condition = threading.Condition()
            if not future.done():
                future.set_exception(errors.Forked("this process was forked: the task's outcome goes to its parent"))


_completions = _Completions()
os.register_at_fork(after_in_child=_completions.after_fork)


class AsyncResult(Generic[T]):
    """What apply_async and map_async give: multiprocessing's names over futures."""

    def __init__(
        self,
        futures: Iterable[Future[Any]],
        combine: Callable[[list[Any]], T],
        callback: Callable[[T], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ):
        self._futures = list(futures)
        self._combine = combine
        self._left = len(self._futures)
        self._lock = threading.Lock()
        self._callback, self._error_callback = callback, error_callback
        self._done = threading.Event()
        if not self._futures:
            self._finish()
        for future in self._futures:
            future.add_done_callback(self._one_done)

    def _one_done(self, future: concurrent.futures.Future[Any]) -> None:
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._finish()

    def _finish(self) -> None:
        self._done.set()
        try:
            value = self.get(0)
        except BaseException as error:
            if self._error_callback is not None:
                self._error_callback(error)
        else:
            if self._callback is not None:
                self._callback(value)

    def ready(self) -> bool:
        return self._done.is_set()

    def successful(self) -> bool:
        if not self.ready():
            raise ValueError(f"{self!r} is not ready")
        return all(not future.cancelled() and future.exception() is None for future in self._futures)

    def wait(self, timeout: float | None = None) -> None:
        self._done.wait(timeout)

    def get(self, timeout: float | None = None) -> T:
        """The result; raises what the first failed task raised, or TimeoutError."""
        if not self._done.wait(timeout):
            raise errors.Timeout("the time ran out")
        return self._combine([future.result(0) for future in self._futures])

    def cancel(self) -> None:
        """Give up what is not done yet."""
        for future in self._futures:
            future.cancel()
