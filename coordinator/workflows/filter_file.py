"""`coord blur`, `filter` and `run`: one file of an array filtered into another."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from coordinator.display.listener import make_listener
from coordinator.engines import Engine
from coordinator.errors import InputError, StoreError
from coordinator.events import OutputWritten
from coordinator.interruption import put_off
from coordinator.journal.recovery import check_same
from coordinator.report.artifacts import Made, write_artifacts
from coordinator.run.calls import Link, chain_of, mask_of, masked
from coordinator.run.output import Opening, Output, unfinished
from coordinator.run.request import (
    Request,
    check_grain,
    known_bound,
    not_finite,
    row_grain,
    tile_shape,
)
from coordinator.run.run import run
from coordinator.stores import FileSource
from coordinator.stores.file_state import FileState
from coordinator.stores.files import open_place
from coordinator.stores.formats import default_output
from coordinator.stores.memory import ArraySource
from coordinator.stores.names import check_output_name
from coordinator.stores.output_target import is_folder_named, lay_out
from coordinator.stores.partial import check_output, followed, remove_second_name
from coordinator.stores.place import Place, stand_in
from coordinator.workflows.run_options import Placement, RunOptions, both
from tiling.filters import FILTERS
from tiling.geometry.plan import Plan
from tiling.jobs.stages import stages


def filter_chain(
    links: Sequence[Link],
    source: Path | Place,
    target: Path | Place,
    options: RunOptions = RunOptions(),  # noqa: B008 - a frozen value
) -> None:
    """Filter one file of an array into another, by filters one after another.

    Parameters
    ----------
    links : sequence of (str, mapping)
        Rows of `tiling.filters.FILTERS`, and SciPy's parameters for each.
    source, target : Path or Place
        A path is read as a user wrote it; see `Place.parse`.
    options : RunOptions

    Raises
    ------
    TilefanError, TilingError
        What is wrong, before anything is written.
    """
    placement = options.placement
    given, place = Place.parse(source), Place.parse(target)
    check_output_name(place.path)
    source, target = given.path, stand_in(place) if place.remote else followed(place.path)
    place = place if place.remote else replace(place, path=target)
    array, state = _opened(given, placement.max_memory_bytes)
    if placement.max_memory_bytes is not None:
        from coordinator.run.memory_limit import check_chunks

        check_chunks(array, placement.max_memory_bytes)
    chain = chain_of(links, array)
    job, shape = chain.job, tile_shape(placement.tile, len(array.shape))
    remove_second_name(target)
    is_folder = is_folder_named(place)
    for path in (source, *array.reads):
        check_output(target, path, overwrite=options.overwrite, folder=is_folder)
    read = masked(links, array)
    bound = known_bound(job, read)
    with put_off():  # a library's code calls back, and would tell of another error
        output = lay_out(place, array.shape, chain.dtype, array, options.storing)
    check_grain(shape, array.shape, output.grain)
    grain = output.grain
    if placement.hosts is not None and not grain:
        grain = row_grain(array.shape, chain.dtype.itemsize)
    request = Request(job, read, shape, title(links), bound, options.sampling, grain)
    opening = Opening(
        output,
        job,
        array,
        state,
        chain.dtype,
        _words(links),
        options.again,
        options.overwrite,
        options.sync,
        given,
    )
    left = unfinished(
        target,
        str(place),
        overwrite=options.overwrite,
        resume=options.resume,
        say=options.say,
    )
    if left is not None:
        was = left.header
        check_same(str(place), was, opening.header(request.tile or was.tile))
        request = replace(request, tile=was.tile)

    made = Made(given, place, job, mask_of(links), (*array.reads,))
    artifacts = replace(options.artifacts, sync=options.sync)

    def open_output(plan: Plan | None) -> Output:
        if plan is None or read is not array:  # the journal does not know the mask
            return opening.begin_stages()
        return opening.begin(plan) if left is None else opening.resume(left, plan, engine)

    with (
        open_engine(placement, request, keep_going=options.keep_going) as engine,
        make_listener(options.style) as display,
    ):
        shown = display if options.log is None else both(options.log, display)
        with write_artifacts(artifacts, shown, made) as listen:
            for sentence in (*_advice(request, links), *array.notes()) if options.notes else ():
                options.say(f"note: {sentence}")
            run(request, open_output, _bounded(engine, request, placement), listen)
        asked_for = artifacts.asked_for
        size = math.prod(array.shape) * chain.dtype.itemsize
        if not place.remote:
            size = FileState.of(place).file_bytes
        shown(time.monotonic(), OutputWritten(str(place), size, asked_for))


def beside(source: Path, word: str) -> Place:
    """Return the output of an input for which none is named; `word` is in its name."""
    return default_output(Place.parse(source), word)


def _opened(place: Place, most_bytes: int | None) -> tuple[FileSource, FileState]:
    """Open an input; return also its state before the first sample was read, or decoded."""
    try:
        state = FileState.of(place)
    except StoreError:
        state = None  # opening it says more
    source = open_place(place, most_bytes)
    return source, state or FileState.of(place)


def _advice(request: Request, links: Sequence[Link]) -> Iterator[str]:
    from coordinator.planning.hints import advice, spreading

    job, source = request.job, request.source
    bound = math.nan if request.bound is None else request.bound
    yield from advice(job, source.shape, bound, links)
    if not math.isfinite(bound):  # else all samples were looked at for it, or are integers
        not_numbers, infinite, whole = not_finite(source)
        yield from spreading(job, not_numbers, infinite, whole=whole)


def _bounded(engine: Engine, request: Request, placement: Placement) -> Engine:
    """Return the engine, bounded if there is a bound."""
    if placement.max_memory_bytes is None:
        return engine
    from coordinator.run.memory_limit import within

    if placement.engine is None:
        held = int(placement.hosts is not None)
    else:
        from coordinator.engines.dask.engine import HELD

        held = HELD
    return within(engine, request, placement.max_memory_bytes, held)


def _words(links: Sequence[Link]) -> tuple[tuple[str, str], ...]:
    """Return all parameters in words; in a chain each with the number of its filter."""
    return tuple(
        (
            key if len(links) == 1 else f"{number} {name} {key}",
            value.name if isinstance(value, ArraySource) else str(value),
        )
        for number, (name, parameters) in enumerate(links, 1)
        for key, value in parameters.items()
    )


@contextmanager
def open_engine(
    placement: Placement, request: Request, *, keep_going: bool = False
) -> Iterator[Engine]:
    """Yield the cluster or the fleet that is named, or this machine."""
    if placement.engine is not None:
        from coordinator.engines.dask.connection import connected
        from coordinator.engines.dask.engine import HELD, IN_FLIGHT_BYTES, bounded_engine
        from coordinator.run.memory_limit import fleet_budget

        if placement.by_reference == "require":
            _check_one_stage(request)
        with connected(placement.engine) as client:
            limit = placement.max_memory_bytes
            most = fleet_budget(request, IN_FLIGHT_BYTES, limit, HELD)
            way = placement.by_reference or "auto"
            cluster = bounded_engine(client, most, way, keep_going=keep_going)
            with closing(cluster):
                yield cluster
    elif placement.hosts is None:
        from coordinator.engines.local import LocalEngine

        yield LocalEngine()
    else:
        from coordinator.dispatch.limits import Limits
        from coordinator.engines.http.engine import HttpEngine
        from coordinator.hosts.hosts_file import find_hosts
        from coordinator.hosts.token import find_credential
        from coordinator.run.memory_limit import fleet_budget

        config = find_hosts(placement.hosts).with_codec(placement.wire_codec)
        config = config.with_by_reference(placement.by_reference)
        if config.defaults.by_reference == "require":
            _check_one_stage(request)
        credential = find_credential(placement.token_file or config.token_file)
        limits = Limits(keep_going=keep_going)
        most = fleet_budget(request, config.in_flight_bytes, placement.max_memory_bytes)
        config = config.bounded(most)
        with closing(HttpEngine(config, credential, limits)) as engine:
            yield engine


def _check_one_stage(request: Request) -> None:
    """Refuse a job of which only the first stage reads a file, if workers must read files."""
    bound = known_bound(request.job, request.source) if request.bound is None else request.bound
    if (count := len(stages(request.job, bound))) > 1:
        raise InputError(
            f"by reference is required, and {request.title} takes {count} stages, of which later "
            "ones read no file; leave out --by-reference require"
        )


def title(links: Sequence[Link]) -> str:
    """Return the calls as people write them, defaults left out."""
    return " then ".join(
        " ".join((name, *_differing(name, parameters))) for name, parameters in links
    )


def _differing(name: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parameters that differ from their defaults."""
    defaults = FILTERS[name].defaults
    for key, value in parameters.items():
        if isinstance(value, np.ndarray | ArraySource):
            yield f"{key}={'x'.join(map(str, value.shape))}"
        elif value != defaults[key]:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"{key}={text}"
