"""Functions by name: names travel between processes, functions do not."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from typing import Any, Callable, Generic, ParamSpec, TypeVar, overload

from . import codec

P = ParamSpec("P")
R = TypeVar("R")

_registry: dict[str, "Task[..., Any]"] = {}
_UNLIMITED = sys.maxsize


class Task(Generic[P, R]):
    """A function that workers of any language find by its name. It can be called as before."""

    def __init__(self, function: Callable[P, R], name: str):
        self.function = function
        self.name = name
        functools.update_wrapper(self, function)
        self._least, self._most = _positional(function)
        self._own_address = self._find_address()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<brood.Task {self.name}>"

    def __reduce__(self) -> str:
        return self.function.__qualname__  # pickled as what it stands for: a function of its module

    def address(self, own: bool) -> str:
        """What a worker is told: in another program the name, in this one where it can be imported too."""
        return self._own_address if own else self.name

    def _find_address(self) -> str:
        module, name = self.function.__module__, self.function.__qualname__
        if ":" in self.name or module in ("__main__", "__brood_main__") or "<locals>" in name:
            return self.name
        return f"{module}:{name}"

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The arguments as one value: nothing is None, one is itself, several are a list."""
        if len(args) == 1 and not kwargs:
            value = args[0]
            if value is not None and not isinstance(value, (list, tuple)):
                return value
        if kwargs or self._ambiguous(args):
            return codec.Call(list(args), kwargs)
        return None if not args else args[0] if len(args) == 1 else list(args)

    def _ambiguous(self, args: tuple[Any, ...]) -> bool:
        if len(args) != 1:
            return False
        if args[0] is None:
            return self._least == 0
        return isinstance(args[0], (list, tuple)) and self._spreads(len(args[0]))

    def _spreads(self, count: int) -> bool:
        return self._most != 1 and max(self._least, 2) <= count <= self._most

    def run(self, value: Any) -> Any:
        """Call the function on arguments that came as one value."""
        function: Callable[..., Any] = self.function
        if isinstance(value, codec.Call):
            return function(*value.arguments, **value.keywords)
        if value is None and self._least == 0:
            return function()
        if isinstance(value, list) and self._spreads(len(value)):
            return function(*value)
        return function(value)


def _positional(function: Callable[..., Any]) -> tuple[int, int]:
    """How many positional arguments a function takes, at least and at most."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins do not tell
        return 0, _UNLIMITED
    least = most = 0
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            most = _UNLIMITED
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            most += most < _UNLIMITED
            least += parameter.default is parameter.empty
    return least, most


class Foreign(Task[..., Any]):
    """A task of a program in another language, known by its name alone."""

    def __init__(self, name: str):
        self.name = name
        self._least, self._most = 0, _UNLIMITED

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self.name!r} is another program's task: give it to a pool")

    def address(self, own: bool) -> str:
        return self.name

    def pack(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs:
            return codec.Call(list(args), kwargs)
        return None if not args else args[0] if len(args) == 1 else list(args)


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(*, name: str | None = None) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(function: Any = None, /, *, name: str | None = None) -> Any:
    """Give a function a name that workers know: `@brood.task`, or `@brood.task(name="fib")`.

    Without a name it is the function's own. Decorate at a module's top level: workers import it too.
    """
    if function is None:
        return functools.partial(task, name=name)
    made = Task(function, name or function.__name__)
    before = _registry.get(made.name)
    if before is not None and _place(before.function) != _place(function):
        raise ValueError(
            f"a task named {made.name!r} is there already, in {before.function.__module__}; give another by name="
        )
    _registry[made.name] = made
    return made


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    module = function.__module__
    return ("__main__" if module == "__brood_main__" else module, function.__qualname__)


def find(function: Any) -> Task[..., Any]:
    """The task for what a user passed: a task, a name, or any function that workers can import."""
    if isinstance(function, Task):
        return function
    if isinstance(function, str):
        return _registry.get(function) or Foreign(function)
    return _importable(function)


@functools.lru_cache(maxsize=1024)
def _importable(function: Any) -> Task[..., Any]:
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not module or not name or _attribute(sys.modules.get(module), name) is not function:
        raise ValueError(
            f"{function!r} has no name that a worker could import: decorate a function at a module's top level with "
            f'@brood.task, or agree to codec="pickle"'
        )
    return Task(function, f"{'__main__' if module == '__brood_main__' else module}:{name}")


def _attribute(found: Any, name: str) -> Any:
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def resolve(name: str) -> Task[..., Any]:
    """In a worker: the task of that name. "module:function" is imported."""
    found = _registry.get(name)
    if found is not None:
        return found
    module, colon, qualified = name.partition(":")
    if colon:
        function = _attribute(importlib.import_module(module), qualified)
        if callable(function):
            found = function if isinstance(function, Task) else Task(function, name)
            _registry[name] = found
            return found
    known = ", ".join(sorted(n for n in _registry if not n.startswith("brood.")))
    raise LookupError(f"no task {name!r} is registered in this worker; registered: {known or 'none'}")
