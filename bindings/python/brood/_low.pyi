"""The generated module: one function for each function of C. Handles are opaque."""

from typing import Any

def __getattr__(name: str) -> Any: ...
