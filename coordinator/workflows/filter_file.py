"""What the commands do with files: open, normalise, run, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.display.listener import Style, make_listener
from coordinator.engines import Engine
from coordinator.journal.recovery import check_same
from coordinator.report.artifacts import Artifacts, drawn_up
from coordinator.run.calls import Chain, Link
from coordinator.run.output import Opening, Output, unfinished
from coordinator.run.request import Request, known_bound, tile_shape
from coordinator.run.run import run
from coordinator.stores.npy import NpySink, check_output, open_npy
from tiling.filters import FILTERS
from tiling.geometry.plan import Plan

if TYPE_CHECKING:
    from coordinator.checks.recompute import Sampling
    from tiling.jobs.job import Job


def filter_file(
    name: str, source: Path, target: Path, parameters: Mapping[str, Any], **options: Any
) -> None:
    """Filter one `.npy` file into another by one filter; options as `filter_chain` has them."""
    filter_chain([(name, parameters)], source, target, **options)


def filter_chain(
    links: Sequence[Link],
    source: Path,
    target: Path,
    *,
    hosts: Path | None = None,
    token_file: Path | None = None,
    tile: Any = None,
    overwrite: bool = False,
    resume: bool = False,
    keep_going: bool = False,
    sampling: Sampling | None = None,
    style: Style = "auto",
    say: Callable[[str], None] = lambda _: None,
    again: str = "",
    max_memory_bytes: int | None = None,
    papers: Artifacts = Artifacts(),  # noqa: B008 -- a frozen value
    notes: bool = False,
) -> None:
    """Filter one `.npy` file into another, by filters one after another.

    Parameters
    ----------
    links : sequence of (str, mapping)
        Rows of `tiling.filters.FILTERS`, and SciPy's parameters for each.
    source, target : Path
    hosts : Path, optional
        hosts.toml; this machine's cores without it.
    token_file : Path, optional
        Of the fleet; see `coordinator.hosts.token`.
    tile : int or sequence of int, optional
    overwrite : bool
        Whether `target` may exist, and what an unfinished run left may be lost.
    resume : bool
        Whether to go on with an unfinished run.
    keep_going : bool
        Whether the fleet computes the rest when a tile failed everywhere.
    sampling : Sampling, optional
        Which tiles are verified before the output appears.
    style : str
        How to show the progress; see `coordinator.display.listener`.
    say : callable
        Takes a sentence for the user.
    again : str
        The command that goes on with this run, to be told if it ends early.
    max_memory_bytes : int, optional
        Of this process; tiles are cut so small that it suffices.
    papers : Artifacts
        What to write beside the output.
    notes : bool
        Whether to say beforehand what may surprise; see `coordinator.planning.hints`.

    Raises
    ------
    TilefanError, TilingError
        What is wrong, before anything is written.
    """
    array = open_npy(source)
    check_output(target, source, overwrite=overwrite)
    chain = Chain.of(links, len(array.shape), array.dtype)
    job, shape = chain.job, tile_shape(tile, len(array.shape))
    bound = known_bound(job, array)
    request = Request(job, array, shape, title(links), bound, sampling)
    opening = Opening(target, job, array, source.stat(), chain.dtype, _words(links), again)
    left = unfinished(target, overwrite=overwrite, resume=resume, say=say)
    if left is not None:
        was = left.header
        check_same(target, was, opening.header(request.tile or was.tile))
        request = replace(request, tile=was.tile)

    def open_output(plan: Plan | None) -> Output:
        if plan is None:
            return Output(NpySink.create(target, array.shape, chain.dtype))
        return opening.begin(plan) if left is None else opening.resume(left, plan)

    with (
        open_engine(
            hosts, token_file, keep_going=keep_going, max_memory_bytes=max_memory_bytes
        ) as engine,
        make_listener(style) as shown,
        drawn_up(papers, shown, source, target, job) as listen,
    ):
        for sentence in _advice(job, array.shape, bound) if notes else ():
            say(f"note: {sentence}")
        bounded = _bounded(engine, request, max_memory_bytes, fleet=hosts is not None)
        run(request, open_output, bounded, listen)


def _advice(job: Job, shape: tuple[int, ...], bound: float) -> Iterator[str]:
    from coordinator.planning.hints import advice

    return advice(job, shape, bound)


def _bounded(engine: Engine, request: Request, limit_bytes: int | None, *, fleet: bool) -> Engine:
    """Return the engine, bounded if there is a bound."""
    if limit_bytes is None:
        return engine
    from coordinator.run.memory_limit import within

    return within(engine, request, limit_bytes, fleet=fleet)


def _words(links: Sequence[Link]) -> tuple[tuple[str, str], ...]:
    """Return all parameters in words; in a chain each with the number of its filter."""
    return tuple(
        (key if len(links) == 1 else f"{number} {name} {key}", str(value))
        for number, (name, parameters) in enumerate(links, 1)
        for key, value in parameters.items()
    )


@contextmanager
def open_engine(
    hosts: Path | None,
    token_file: Path | None = None,
    *,
    keep_going: bool = False,
    max_memory_bytes: int | None = None,
) -> Iterator[Engine]:
    """Yield the fleet of a hosts file, or this machine."""
    if hosts is None:
        from coordinator.engines.local import LocalEngine

        yield LocalEngine()
    else:
        from coordinator.dispatch.policy import Limits
        from coordinator.engines.http.engine import HttpEngine
        from coordinator.hosts.hosts_file import load_hosts
        from coordinator.hosts.token import find_credential
        from coordinator.machine import resident_bytes
        from coordinator.run.memory_limit import in_flight_bytes

        credential, limits = find_credential(token_file), Limits(keep_going=keep_going)
        config = load_hosts(hosts)
        most = in_flight_bytes(config.in_flight_bytes, max_memory_bytes, resident_bytes())
        config = config.bounded(most)
        with closing(HttpEngine(config, credential, limits)) as engine:
            yield engine


def title(links: Sequence[Link]) -> str:
    """Return the calls as people write them, defaults left out."""
    return " then ".join(
        " ".join((name, *_differing(name, parameters))) for name, parameters in links
    )


def _differing(name: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parameters that differ from their defaults."""
    defaults = FILTERS[name].defaults
    for key, value in parameters.items():
        if isinstance(value, np.ndarray):
            yield f"{key}={'x'.join(map(str, value.shape))}"
        elif value != defaults[key]:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"{key}={text}"
