"""Values and arrays in shared memory, for all processes and languages; NumPy sees them without a copy."""

from __future__ import annotations

import threading
from typing import Any, Iterable, Iterator

from . import _low, _runtime, codec, errors

# Type code of Python's array module -> (type, struct format of memoryview.cast and NumPy).
_CODES: dict[Any, tuple[int, Any]] = {
    "?": (_low.TYPE_BOOL, "?"),
    "c": (_low.TYPE_CHAR, "c"),
    "u": (_low.TYPE_WCHAR, "I"),
    "b": (_low.TYPE_INT8, "b"),
    "B": (_low.TYPE_UINT8, "B"),
    "h": (_low.TYPE_INT16, "h"),
    "H": (_low.TYPE_UINT16, "H"),
    "i": (_low.TYPE_INT32, "i"),
    "I": (_low.TYPE_UINT32, "I"),
    "l": (_low.TYPE_INT64, "q"),
    "q": (_low.TYPE_INT64, "q"),
    "L": (_low.TYPE_UINT64, "Q"),
    "Q": (_low.TYPE_UINT64, "Q"),
    "f": (_low.TYPE_FLOAT, "f"),
    "d": (_low.TYPE_DOUBLE, "d"),
}
_FORMATS = {number: letter for number, letter in _CODES.values()}
_FLOATS = (_low.TYPE_FLOAT, _low.TYPE_DOUBLE)


def _type(typecode: Any) -> int:
    """The type of a type code, or of one of ctypes' simple types."""
    code = getattr(typecode, "_type_", typecode)
    if code not in _CODES:
        raise ValueError(f"typecode is {typecode!r}; give one of {' '.join(_CODES)}")
    return _CODES[code][0]


class Array(codec.Shared):
    """An array in shared memory.

    `Array("d", 1000)` is zeros, `Array("i", [1, 2, 3])` a copy. Single elements are read and written atomically.
    `view()` is a memoryview of the elements; `numpy.asarray(array)` is the same for NumPy.
    """

    __slots__ = ("_type", "_view")

    def __init__(self, typecode: Any, size_or_initializer: int | Iterable[Any], *, lock: bool = True):
        initial = None if isinstance(size_or_initializer, int) else list(size_or_initializer)
        count = size_or_initializer if isinstance(size_or_initializer, int) else len(initial or ())
        if count < 0:
            raise ValueError("an array cannot have a negative size")
        self._make(_type(typecode), count, lock)
        if initial:
            self.view()[:] = self._packed(initial)

    def _make(self, number: int, count: int, lock: bool) -> None:
        _runtime.start()
        self._low = _low.shared_create(number, count, _runtime.record("shared_options", no_lock=not lock))
        self._type = number
        self._view: memoryview | None = None

    def _handles(self) -> list[Any]:
        return [_low.shared_handle(self._low)]

    def _packed(self, values: Any) -> memoryview:
        """The values as memory of the elements' format."""
        packed = memoryview(bytearray(len(values) * _low.shared_element_size(self._low))).cast("B")
        typed = packed.cast(_FORMATS[self._type])
        for index, value in enumerate(values):
            typed[index] = ord(value) if self._type == _low.TYPE_WCHAR else value
        return typed

    def view(self, *, read_only: bool = False) -> memoryview:
        """The elements themselves: changes are seen by all processes, at once.

        With `read_only` the kernel keeps this view from being written through.
        """
        memory = _low.shared_read_only(self._low) if read_only else _low.shared_bytes(self._low)
        letter = _FORMATS.get(self._type)
        return memory.cast(letter) if letter is not None else memory

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy

        array = numpy.asarray(self.view())
        if self._type == _low.TYPE_WCHAR:
            array = array.view("U1")
        return array if dtype is None else array.astype(dtype, copy=bool(copy))

    def _memory(self) -> memoryview:
        if self._view is None:
            self._view = self.view()
        return self._view

    def __len__(self) -> int:
        return _low.shared_count(self._low)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            values = self._memory()[index].tolist()
            return "".join(map(chr, values)) if self._type == _low.TYPE_WCHAR else values
        value = self._memory()[index]
        return chr(value) if self._type == _low.TYPE_WCHAR else value

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._memory()[index] = self._packed(value)
        else:
            self._memory()[index] = ord(value) if self._type == _low.TYPE_WCHAR else value

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<brood.{type(self).__name__} of {len(self)} elements>"

    def _index(self, index: int) -> int:
        count = len(self)
        if not -count <= index < count:
            raise IndexError("array index out of range")
        return index % count

    def add(self, delta: Any, index: int = 0) -> Any:
        """Add to an element atomically, without the lock; gives what it was before."""
        if self._type in _FLOATS:
            return _low.shared_add_float(self._low, self._index(index), delta)
        return _low.shared_add_int(self._low, self._index(index), delta)

    def compare_exchange(self, expected: int, desired: int, index: int = 0) -> tuple[bool, int]:
        """Set an integer to `desired` if it is `expected`; gives whether it was, and what it was."""
        before, exchanged = _low.shared_compare_exchange(self._low, self._index(index), expected, desired)
        return exchanged, before

    # ---- its own lock ----------------------------------------------------------------------------

    def get_obj(self) -> memoryview:
        """The elements without the lock."""
        return self._memory()

    def get_lock(self) -> "Array":
        """The array's own lock, which is recursive: `with array.get_lock():`."""
        return self

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        try:
            _low.shared_lock(self._low, threading.get_ident(), _runtime.milliseconds(timeout) if block else 0)
        except errors.Timeout:
            return False
        return True

    def release(self) -> None:
        _low.shared_unlock(self._low, threading.get_ident())

    def recover(self) -> None:
        """Take the lock of a holder that died: put the elements right, then release it."""
        _low.shared_recover(self._low, threading.get_ident())

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


class Value(Array):
    """A single element in shared memory: `value`, and all that an Array of one has."""

    __slots__ = ()

    def __init__(self, typecode: Any, value: Any = 0, *, lock: bool = True):
        self._make(_type(typecode), 1, lock)
        if value != 0:
            self.value = value

    @property
    def value(self) -> Any:
        return self[0]

    @value.setter
    def value(self, value: Any) -> None:
        self[0] = value


def _take(msg: Any, indexes: bytes) -> Array:
    low = _low.msg_take_shared(msg, indexes[0])
    taken: Array = object.__new__(Value if _low.shared_count(low) == 1 else Array)
    taken._low, taken._type, taken._view = low, _low.shared_type(low), None
    return taken


def RawArray(typecode: Any, size_or_initializer: int | Iterable[Any]) -> Array:
    """An array without a lock of its own."""
    return Array(typecode, size_or_initializer, lock=False)


def RawValue(typecode: Any, value: Any = 0) -> Value:
    """A value without a lock of its own."""
    return Value(typecode, value, lock=False)


codec.takers[_low.HANDLE_SHARED] = _take
