"""A worker's life: run the program's top level, then serve tasks until the host has no more."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import sys
import traceback
import types
from typing import Any, NoReturn

from . import _low, _runtime, codec, errors, tasks

# What host and worker agreed to, from the command line that the host's Python wrote.
_native = False


def main() -> None:
    """Serve tasks if a brood program of any language started this one; return at once otherwise.

    The guard of programs that are workers by a pool's `command`: call it after the tasks are defined.
    """
    if _runtime.importing_main:  # the program says itself that its definitions are complete
        _runtime.importing_main = False
    elif "BROOD_HANDOFF" not in os.environ or _runtime.is_worker:
        return
    _serve_and_exit()


def enter() -> NoReturn:
    """Where a worker of a Python host begins: see _runtime.worker_command()."""
    global _native
    program = json.loads(sys.argv[1])
    sys.argv = list(program["argv"])
    _runtime.adopt(program["kind"], program["main"], program["argv"])
    sys.path.pop()  # brood's own folder, which the program found some other way
    _native = program["native"]
    # First: whoever started this hears at once of anything that goes wrong from here on.
    _start()
    try:
        _run_main(program["kind"], program["main"])
    except BaseException as error:  # SystemExit too: the program ended where only definitions were due
        _report_unusable(error)
    _serve_and_exit()


def _start() -> None:
    _runtime.is_worker = True
    _runtime.start()
    if not _low.is_worker():
        raise SystemExit("this is how brood starts its workers; it is not for you to run")


def _run_main(kind: str, main: str) -> None:
    """Run the program's top level as __brood_main__, which is __main__ to whoever looks it up."""
    module = types.ModuleType("__brood_main__")
    if kind == "script":
        with open(main, "rb") as file:
            code: Any = compile(file.read(), main, "exec")
        module.__file__ = main
    elif kind == "module":
        spec = importlib.util.find_spec(main)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(main + ".__main__")
        if spec is None or spec.loader is None:
            return
        code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
        module.__file__, module.__package__ = spec.origin, spec.parent
    elif kind == "code":
        code = compile(main, "<string>", "exec")
    else:
        return
    sys.modules["__main__"] = sys.modules["__brood_main__"] = module
    _runtime.importing_main = True
    try:
        exec(code, module.__dict__)
    finally:
        _runtime.importing_main = False


def _report_unusable(error: BaseException) -> NoReturn:
    """The program's top level failed: so does the first task, with the reason; more would be no better."""
    text = "".join(traceback.format_exception(error))
    try:
        task = _low.worker_next(_low.FOREVER)
        _low.task_fail(task, _kind(error), f"the worker could not import the main program: {error}", text)
    except errors.Error:
        sys.stderr.write(text)
    _exit(1)


def _serve_and_exit() -> NoReturn:
    if not _runtime.is_worker:
        _start()
    failed = False
    while True:
        try:
            task, name, parts = _low.worker_take()
        except errors.Closed:
            break
        failed = not _run(task, name, parts) or failed
        del task, parts
    # A pool's worker ends well whatever its tasks reported; a process is its one function.
    sys.exit(1 if failed and _low.worker_id() < 0 else 0)


def _run(task: Any, name: str, parts: Any) -> bool:
    """Run one task to its answer."""
    try:
        function = tasks.resolve(name)
        msg = _low.task_args(task) if parts[2] else None
        result = function.run(codec.decode_parts(msg, parts, _native))
        data, tag, handles = codec.encode(result, codec.PICKLE if _native else codec.MSGPACK)
        if handles:
            _low.task_reply_msg(task, codec.message(data, tag, handles))
        else:
            _low.task_reply(task, data, tag)
        return True
    except SystemExit as error:
        _exit(error.code)
    except BaseException as error:
        # Frames of this module say nothing about the task.
        trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
        text = "".join(traceback.format_exception(type(error), error, trace))
        if _low.worker_id() < 0:
            sys.stderr.write(f"Process {_low.current_name()}:\n{text}")
        try:
            _low.task_fail(task, _kind(error), str(error), text)
        except errors.Error:  # answered already, or nobody is left to hear it
            pass
        return False


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _exit(code: Any) -> NoReturn:
    """End this process from within a task: nobody gets its answer, not even an empty one."""
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code or 0)


class _CallPickled:
    """With codec="pickle" the function may travel with its arguments."""

    name = "brood.call"

    def run(self, value: Any) -> Any:
        function, args, kwargs = value
        return function(*args, **kwargs)


tasks._registry[_CallPickled.name] = _CallPickled()  # type: ignore[assignment]
