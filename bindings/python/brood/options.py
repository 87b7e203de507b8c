"""Options of a pool's calls, as the native structs want them."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _low, _runtime, codec


class Options(NamedTuple):
    """What with_options() says, as the native structs want it."""

    run_limit: float | None = None
    retries: int | None = None
    wait: float | None = None

    def _common(self, codec_name: str) -> dict[str, Any]:
        if self.run_limit is not None and self.run_limit <= 0:
            raise ValueError("run_limit is a number of seconds above 0; None is no limit")
        return {
            "run_limit_ms": _runtime.milliseconds(self.run_limit) if self.run_limit is not None else None,
            "retries": _low.NO_RETRIES if self.retries == 0 else self.retries,
            "codec": _low.CODEC_NATIVE if codec_name == codec.PICKLE else _low.CODEC_MSGPACK,
        }

    def for_submit(self, codec_name: str) -> Any:
        return _runtime.record("submit_options", wait_ms=_runtime.milliseconds(self.wait), **self._common(codec_name))

    def for_stream(
        self,
        codec_name: str,
        *,
        chunk: int | None = None,
        window: int = 0,
        unordered: bool = False,
        collect: bool = False,
    ) -> Any:
        return _runtime.record(
            "stream_options",
            chunk=chunk,
            window=window,
            unordered=unordered,
            on_error=_low.ON_ERROR_COLLECT if collect else _low.ON_ERROR_FIRST,
            **self._common(codec_name),
        )
