"""Whether tiles travel by reference, where workers can open the files themselves."""

from __future__ import annotations

from typing import Literal, TypeAlias

ByReference: TypeAlias = Literal["auto", "never", "require"]
"""auto: at each worker that can. require: a worker that can't is left out."""


def check_folder(path: str) -> str:
    """Return a folder of a machine without a slash at its end.

    Raises
    ------
    ValueError
        If it is no absolute path.
    """
    if not path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"must be an absolute path, got {ascii(path)[:60]}")
    return path.rstrip("/") or "/"
