"""A pool of worker processes: multiprocessing's names, and what they could not do."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterable, Mapping, NamedTuple, ParamSpec, Sequence, TypeVar, overload

from . import _low, _runtime, errors, tasks
from . import codec as codec_module
from .futures import AsyncResult, Future
from .options import Options
from .streams import ResultIterator, results_of

_STATES = {
    _low.WORKER_STARTING: "starting",
    _low.WORKER_IDLE: "idle",
    _low.WORKER_BUSY: "busy",
    _low.WORKER_ENDING: "ending",
}

P = ParamSpec("P")
R = TypeVar("R")


class WorkerInfo(NamedTuple):
    """One worker of a pool: its number, "starting", "idle", "busy" or "ending", its pid, results it gave."""

    id: int
    state: str
    pid: int
    tasks: int


class Pool:
    """Worker processes that run tasks.

    A worker that crashes costs the task it was running (`WorkerLost`), and nothing else: a new one starts.

    `retries`: how often a task whose worker died is run again. `max_pending`: how many tasks may wait, then
    `submit` waits. `command`: the workers' program, of any language; None is this program again. `limits`:
    memory_bytes, cpu_seconds, open_files, core_bytes, nice, cpus, of each worker. `codec`: "pickle" lets
    anything travel that pickle knows, functions included, between this program and its own workers.

    Leaving a `with` block closes the pool and waits for its tasks; an exception terminates it.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Any = None,
        initargs: Sequence[Any] = (),
        maxtasksperchild: int | None = None,
        *,
        command: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        name: str | None = None,
        retries: int = 0,
        max_pending: int = 0,
        limits: Mapping[str, Any] | None = None,
        finalizer: Any = None,
        codec: str = codec_module.MSGPACK,
    ):
        if processes is not None and processes < 1:
            raise ValueError("a pool needs at least 1 process")
        _runtime.start(processes=True)
        self._codec = codec
        self._native = codec == "pickle"
        self._own = command is None  # the workers are this program again
        options = _runtime.record(
            "pool_options",
            workers=processes,
            max_tasks_per_worker=maxtasksperchild,
            max_pending=max_pending,
            retries=retries,
            name=name,
            finalizer=tasks.find(finalizer).address(self._own) if finalizer is not None else None,
            command=command or _runtime.worker_command(native=self._native),
            env=_runtime.environment(env),
            cwd=cwd,
            limits=limits,
        )
        if initializer is not None:
            name, value = self._call(initializer, tuple(initargs), {})
            first = codec_module.message(*codec_module.encode(value, codec))
            _low.record_set_text(options, "initializer", name)
            _low.record_set_msg(options, "initializer_msg", first)
        self._low = _low.pool_create(options)
        self._options = Options()
        self._submit_record = self._options.for_submit(self._codec)

    def __repr__(self) -> str:
        counts = self.stats()
        return f"<brood.Pool of {counts['workers']} workers, {counts['pending']} tasks pending>"

    def with_options(
        self, *, run_limit: float | None = None, retries: int | None = None, wait: float | None = None
    ) -> "Pool":
        """This same pool, for calls with other options.

        `run_limit`: seconds that a task may run, then its worker is killed. `retries`: instead of the pool's; 0
        for none. `wait`: seconds to wait for room in a pool with `max_pending`, then `submit` raises Timeout.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._options = Options(run_limit, retries, wait)
        other._submit_record = other._options.for_submit(self._codec)
        return other

    # ---- one task --------------------------------------------------------------------------------

    @overload
    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
    @overload
    def submit(self, function: str, /, *args: Any, **kwargs: Any) -> Future[Any]: ...
    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker run a task; gives a future of concurrent.futures, which can also be awaited."""
        name, value = self._call(function, args, kwargs)
        return Future(self._submit(name, value), self._native)

    def apply(self, func: Any, args: Sequence[Any] = (), kwds: Mapping[str, Any] = {}) -> Any:
        """Run a task and wait for its result."""
        name, value = self._call(func, tuple(args), dict(kwds))
        low = self._submit(name, value)
        try:
            msg = _low.future_result(low, _low.FOREVER)
        except errors.Error:
            raise
        except BaseException:  # a signal's handler raised: nobody waits for the task any more
            with contextlib.suppress(errors.Error):
                _low.future_cancel(low)
            raise
        return codec_module.decode(msg, self._native)

    def apply_async(
        self,
        func: Any,
        args: Sequence[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Callable[[Any], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ) -> AsyncResult[Any]:
        future = self.submit(func, *args, **kwds)
        return AsyncResult([future], lambda results: results[0], callback, error_callback)

    def _call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any]:
        """The name under which workers know a function, and its arguments as one value."""
        if self._native and not isinstance(function, (str, tasks.Task)):
            return "brood.call", (function, args, kwargs)
        task = tasks.find(function)
        return task.address(self._own), task.pack(args, kwargs)

    def _submit(self, name: str, value: Any) -> Any:
        data, tag, handles = codec_module.encode(value, self._codec)
        if handles:
            return self._submit_message(name, data, tag, handles)
        return _low.pool_submit(self._low, name, data, self._submit_record)

    def _submit_message(self, name: str, data: bytes, tag: int, handles: list[Any]) -> Any:
        return _low.pool_submit_msg(self._low, name, codec_module.message(data, tag, handles), self._submit_record)

    # ---- many tasks ------------------------------------------------------------------------------

    def map(
        self,
        func: Any,
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        progress: Callable[[int, int], Any] | None = None,
    ) -> list[Any]:
        """Run a task on each item; the results in the items' order. The first failure is raised.

        `progress(done, total)` is called in this thread as results come.
        """
        return self._map(func, [(item,) for item in iterable], chunksize, progress)

    def starmap(
        self,
        func: Any,
        iterable: Iterable[Sequence[Any]],
        chunksize: int | None = None,
        *,
        progress: Callable[[int, int], Any] | None = None,
    ) -> list[Any]:
        """Like map, with items that are sequences of arguments."""
        return self._map(func, [tuple(item) for item in iterable], chunksize, progress)

    def _map(self, func: Any, calls: list[tuple[Any, ...]], chunksize: int | None, progress: Any) -> list[Any]:
        if not calls:
            return []
        name, items, handles = self._pack_all(func, calls)
        if handles:
            futures = [self._submit(*self._call(func, call, {})) for call in calls]
            return [codec_module.decode(_low.future_result(low, _low.FOREVER), self._native) for low in futures]
        options = self._options.for_stream(self._codec, chunk=chunksize)
        stream = _low.pool_map(self._low, name, items, options)
        return results_of(stream, len(items), self._native, progress)

    def _pack_all(self, func: Any, calls: list[tuple[Any, ...]]) -> tuple[str, list[bytes], bool]:
        if self._native and not isinstance(func, (str, tasks.Task)):
            name = "brood.call"
            values: list[Any] = [(func, call, {}) for call in calls]
        else:
            task = tasks.find(func)
            name, values = task.address(self._own), [task.pack(call, {}) for call in calls]
        return name, *codec_module.encode_all(values, self._codec)

    def map_async(
        self,
        func: Any,
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ) -> AsyncResult[list[Any]]:
        futures = [self.submit(func, item) for item in iterable]
        return AsyncResult(futures, list, callback, error_callback)

    def starmap_async(
        self,
        func: Any,
        iterable: Iterable[Sequence[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ) -> AsyncResult[list[Any]]:
        futures = [self.submit(func, *item) for item in iterable]
        return AsyncResult(futures, list, callback, error_callback)

    def imap(self, func: Any, iterable: Iterable[Any], chunksize: int = 1, *, window: int = 0) -> ResultIterator:
        """An iterator over the results, in order; the input may be endless.

        At most `window` items are drawn ahead of the results taken; 0 chooses. `next(timeout)` is there too. An
        item's failure is raised in its place, and the iteration goes on.
        """
        return self._imap(func, iterable, window, False)

    def imap_unordered(
        self, func: Any, iterable: Iterable[Any], chunksize: int = 1, *, window: int = 0
    ) -> ResultIterator:
        """The same, with results as they come."""
        return self._imap(func, iterable, window, True)

    def _imap(self, func: Any, iterable: Iterable[Any], window: int, unordered: bool) -> ResultIterator:
        if self._native and not isinstance(func, (str, tasks.Task)):
            name = "brood.call"
        else:
            name = tasks.find(func).address(self._own)
        options = self._options.for_stream(self._codec, window=window, unordered=unordered, collect=True)
        stream = _low.stream_create(self._low, name, options)
        items = (self._pack_item(func, item) for item in iterable)
        return ResultIterator(stream, items, self._native)

    def _pack_item(self, func: Any, item: Any) -> bytes:
        data, _, handles = codec_module.encode(self._call(func, (item,), {})[1], self._codec)
        if handles:
            raise TypeError("objects of brood cannot travel in the items of imap: use submit() or map()")
        return data

    # ---- the pool itself -------------------------------------------------------------------------

    def close(self) -> None:
        """Accept no more tasks; what was submitted is finished, then the workers end."""
        _low.pool_shutdown(self._low)

    def terminate(self) -> None:
        """Cancel everything and kill the workers; does not wait."""
        _low.pool_terminate(self._low)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the last worker has ended, after close() or terminate().

        Raises the first failure of a task that nobody saw.
        """
        _low.pool_join(self._low, _runtime.milliseconds(timeout))

    def stats(self) -> dict[str, int]:
        """Counts: workers, idle, starting, pending, done, failed, canceled, lost, timed_out, retried, ..."""
        counts = _low.record_create("pool_stats")
        _low.pool_get_stats(self._low, counts)
        return _runtime.values(counts)

    def workers(self) -> list[WorkerInfo]:
        """Who works here right now."""
        numbers = _low.pool_worker_list(self._low)
        each = iter([_low.numbers_at(numbers, index) for index in range(_low.numbers_count(numbers))])
        return [WorkerInfo(i, _STATES[state], pid, done) for i, state, pid, done in zip(each, each, each, each)]

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is not None:
            self.terminate()
        else:
            self.close()
        self.join()
