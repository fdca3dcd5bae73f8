"""Small files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from coordinator.errors import StoreError


def write_text(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all.

    Raises
    ------
    StoreError
        If the system forbids it.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all; as `write_text`.

    Raises
    ------
    StoreError
        If the system forbids it.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"{path}: can't be written: {error.strerror}") from error
