"""Pipelines: filters one after another, listed in a TOML file.

::

    [[filters]]
    name = "gaussian_filter"
    sigma = 2

    [[filters]]
    name = "maximum_filter"
    footprint = "disk.npy"      # arrays: a .npy file beside this one, or nested lists
"""

from __future__ import annotations

import difflib
import shlex
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from coordinator.errors import ConfigError, InputError
from coordinator.run.calls import Link
from coordinator.stores.atomic_file import read_regular
from coordinator.stores.files import open_place
from coordinator.stores.memory import ArraySource
from coordinator.stores.names import similar
from tiling.filters import FILTERS, Exactness, supported
from tiling.protocol.npy import MAGIC

QUOTES = 'words and paths stand in quotes, as in name = "sobel"'

EMPTY = (
    "wants [[filters]] tables and nothing else, each with a name and parameters, such as\n"
    '  [[filters]]\n  name = "gaussian_filter"\n  sigma = 2'
)

ARRAYS = ("footprint", "structure", "weights", "mask")
"""Parameters that are arrays."""


def check_order(pipeline: Path, source: Path) -> None:
    """Refuse a pipeline and an input that stand in each other's place.

    Raises
    ------
    InputError
        With the line to write.
    """
    if _is_array(pipeline):
        first = "PIPELINE.toml" if _is_array(source) else str(source)
        raise InputError(
            f"{pipeline}: an array, not a pipeline; the pipeline comes first: "
            f"{shlex.join(['coord', 'run', first, str(pipeline)])}"
        )


def _is_array(path: Path) -> bool:
    try:
        return path.is_file() and read_regular(path, len(MAGIC)) == MAGIC
    except (InputError, OSError):
        return False


def load_pipeline(path: Path) -> list[Link]:
    """Read the filters of a pipeline.

    Raises
    ------
    InputError
        If there is no such file.
    ConfigError
        With every mistake in it.
    """
    try:
        value = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{similar(path)}") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(str(path), (f"not TOML: {error}; {QUOTES}",)) from None
    filters = value.get("filters")
    if set(value) != {"filters"} or not isinstance(filters, list) or not filters:
        raise ConfigError(str(path), (EMPTY,))
    mistakes = [text for k, entry in enumerate(filters, 1) for text in _mistakes(k, entry)]
    if mistakes:
        raise ConfigError(str(path), tuple(mistakes))
    return [_link(entry, path.parent) for entry in filters]


def array_from(key: str, value: Any, folder: Path) -> Any:
    """Return a parameter that is an array: of a file's path, or as it is; a mask with its name."""
    if not isinstance(value, str):
        return value
    source = open_place(folder / value)
    array = np.array(source.array)
    return ArraySource(array, source.name) if key == "mask" else array


def _mistakes(number: int, entry: Any) -> Iterable[str]:
    if not isinstance(entry, dict):
        yield f"filters {number}: wants a table"
        return
    name = entry.get("name")
    known = [row.name for row in supported()]
    if name is None:
        yield f'filters {number}: name is missing, such as name = "gaussian_filter"'
        return
    if not isinstance(name, str) or name not in FILTERS:
        yield f"filters {number}: name: {name!r} is no filter{_hint(name, known)}"
        return
    if FILTERS[name].exactness is Exactness.REFUSED:
        yield f"filters {number}: {name} is refused: {FILTERS[name].note}"
        return
    options = FILTERS[name].defaults
    for key in entry.keys() - {"name", *options}:
        yield f"filters {number}: {name} has no parameter {key!r}{_hint(key, options)}"


def _hint(word: object, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""


def _link(entry: dict[str, Any], folder: Path) -> Link:
    parameters = {key: value for key, value in entry.items() if key != "name"}
    for key in ARRAYS:
        if key in parameters:
            parameters[key] = array_from(key, parameters[key], folder)
    return entry["name"], parameters
