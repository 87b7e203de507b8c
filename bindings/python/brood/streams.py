"""Results of many tasks, as they come."""

from __future__ import annotations

from typing import Any, Callable, Iterator

from . import _low, _runtime, codec, errors

_BATCH = 256


def results_of(stream: Any, count: int, native: bool, progress: Callable[[int, int], Any] | None) -> list[Any]:
    """All results of a map, in order. The first failure is raised, and what is left is cancelled."""
    results: list[Any] = [None] * count
    batch = _low.batch_create(_BATCH)
    done = 0
    while True:
        try:
            _low.stream_next_batch(stream, batch, _low.FOREVER)
        except errors.Closed:
            if done < count:
                raise
            return results
        taken = _low.batch_take_all(batch)
        for index, msg, parts in taken:
            results[index] = codec.decode_parts(msg, parts, native)
        done += len(taken)
        if progress is not None:
            progress(done, count)


class ResultIterator(Iterator[Any]):
    """Results of a stream. Inputs are drawn in the thread that takes results, as far as the window lets."""

    def __init__(self, stream: Any, items: Iterator[bytes], native: bool):
        self._stream, self._items, self._native = stream, items, native
        self._waiting: bytes | None = None  # drawn, and not pushed yet: the window is full
        self._drawn_all = False
        self._push()

    def _push(self) -> None:
        while not self._drawn_all:
            if self._waiting is None:
                try:
                    self._waiting = next(self._items)
                except StopIteration:
                    self._drawn_all = True
                    _low.stream_finish(self._stream)
                    return
            try:
                _low.stream_push(self._stream, self._waiting, 0)
            except errors.Timeout:
                return
            self._waiting = None

    def __iter__(self) -> "ResultIterator":
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """The next result; TimeoutError if it takes longer than `timeout` seconds."""
        self._push()
        try:
            _, msg = _low.stream_next(self._stream, _runtime.milliseconds(timeout))
        except errors.Closed:
            raise StopIteration from None
        return codec.decode(msg, self._native)
