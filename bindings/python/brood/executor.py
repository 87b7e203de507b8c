"""concurrent.futures' ProcessPoolExecutor, which a crashed worker does not break."""

from __future__ import annotations

import concurrent.futures
from typing import Any, Sequence

from .futures import Future
from .pool import Pool


class Executor(concurrent.futures.Executor):
    """An executor over a brood pool: use it where a ProcessPoolExecutor was.

    `submit` gives futures that can also be awaited. A worker that dies fails its own task and no other. Further
    keywords are the pool's.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Any = None,
        initargs: Sequence[Any] = (),
        *,
        max_tasks_per_child: int | None = None,
        **options: Any,
    ):
        self._shut_down = False
        self._pending: set[Future[Any]] = set()
        self._pool = Pool(max_workers, initializer, initargs, max_tasks_per_child, **options)

    @property
    def pool(self) -> Pool:
        """The pool behind it, for what executors cannot do."""
        return self._pool

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = self._pool.submit(fn, *args, **kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As in concurrent.futures; `cancel_futures` also stops those that run."""
        first, self._shut_down = not self._shut_down, True
        if cancel_futures:
            for future in list(self._pending):
                future.cancel()
        if first:
            self._pool.close()
        if wait:
            self._pool.join()


ProcessPoolExecutor = Executor
