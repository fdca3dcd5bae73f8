"""What the commands do with files: open, normalise, run, report."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from coordinator.engines import Engine
from coordinator.progress import Style, make_listener
from coordinator.run import Request, run, tile_shape
from coordinator.stores.npy import NpySink, check_output, open_npy
from tiling.dtypes import output_dtype
from tiling.filters import FILTERS
from tiling.job import Job


def filter_file(
    name: str,
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    *,
    hosts: Path | None = None,
    token_file: Path | None = None,
    tile: Any = None,
    overwrite: bool = False,
    style: Style = "auto",
) -> None:
    """Filter one `.npy` file into another.

    Parameters
    ----------
    name : str
        A row of `tiling.filters.FILTERS`.
    source, target : Path
    parameters : mapping
        SciPy's parameters of that filter.
    hosts : Path, optional
        hosts.toml; this machine's cores without it.
    token_file : Path, optional
        Of the fleet; see `coordinator.credential`.
    tile : int or sequence of int, optional
    overwrite : bool
        Whether `target` may exist.
    style : str
        How to show the progress; see `coordinator.progress`.

    Raises
    ------
    TilefanError, TilingError
        What is wrong, before anything is written.
    """
    array = open_npy(source)
    check_output(target, source, overwrite=overwrite)
    call = FILTERS[name].call(len(array.shape), array.dtype, **parameters)
    dtype = output_dtype(parameters.get("output"), array.dtype)
    job = Job(len(array.shape), (call,))
    request = Request(job, array, tile_shape(tile, len(array.shape)), _title(name, parameters))

    def open_sink() -> NpySink:
        return NpySink.create(target, array.shape, dtype)

    with open_engine(hosts, token_file) as engine, make_listener(style) as listen:
        run(request, open_sink, engine, listen)


@contextmanager
def open_engine(hosts: Path | None, token_file: Path | None = None) -> Iterator[Engine]:
    """Yield the fleet of a hosts file, or this machine."""
    if hosts is None:
        from coordinator.engines.local import LocalEngine

        yield LocalEngine()
    else:
        from coordinator.config import load_hosts
        from coordinator.credential import find_credential
        from coordinator.engines.http import HttpEngine

        credential = find_credential(token_file)
        with closing(HttpEngine(load_hosts(hosts), credential)) as engine:
            yield engine


def _title(name: str, parameters: Mapping[str, Any]) -> str:
    """Return the call as people write it, defaults left out."""
    rows = inspect.signature(FILTERS[name].call).parameters
    words = (
        f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in parameters.items()
        if value != rows[key].default
    )
    return " ".join((name, *words))
