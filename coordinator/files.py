"""What the commands do with files: open, normalise, run, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from coordinator.engines import Engine
from coordinator.events import Listener
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
    tile: Any = None,
    overwrite: bool = False,
    resume: bool = False,
    keep_going: bool = False,
    quiet: bool = False,
    say: Callable[[str], None] = lambda _: None,
    again: str = "",
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
    tile : int or sequence of int, optional
    overwrite : bool
        Whether `target` may exist, and what an unfinished run left may be lost.
    resume : bool
        Whether to go on with an unfinished run.
    keep_going : bool
        Whether to compute the rest when a tile failed everywhere.
    quiet : bool
        Whether to show no progress.
    say : callable
        Takes a sentence for the user.
    again : str
        The command that goes on with this run, for the message if it ends early.

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
    request = Request(job, array, tile_shape(tile, len(array.shape)))
    run_of = Undertaking.of(target, request, source, dtype, parameters, again)
    keep = take_up(undertaking, overwrite=overwrite, resume=resume, say=say)
    with (
        open_engine(hosts, keep_going=keep_going) as engine,
        progress(quiet=quiet) as listen,
    ):
        run(request, open_output, engine, listen)


@contextmanager
def open_engine(hosts: Path | None, *, keep_going: bool = False) -> Iterator[Engine]:
    """Yield the fleet of a hosts file, or this machine."""
    if hosts is None:
        from coordinator.engines.local import LocalEngine

        yield LocalEngine()
    else:
        from coordinator.config import load_hosts
        from coordinator.engines.http import HttpEngine
        from coordinator.policy import Limits

        with closing(HttpEngine(load_hosts(hosts), Limits(keep_going=keep_going))) as engine:
            yield engine


@contextmanager
def progress(*, quiet: bool) -> Iterator[Listener]:
    """Yield a listener that shows the run on stderr, or nothing at all."""
    from coordinator.progress import make_listener

    with make_listener("none" if quiet else "auto") as listen:
        yield listen
