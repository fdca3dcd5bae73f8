"""`coord verify`: a finished file against what SciPy makes of its input on this machine."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from coordinator.checks.recompute import Check, Sampling
from coordinator.display.listener import Style, make_listener
from coordinator.engines.local import capacity
from coordinator.errors import InputError, StoreError, VerifyError
from coordinator.events import Event, Hearer, RunFinished, TileSent, TileStored, WorkerReady
from coordinator.machine import NAME, usable_cores
from coordinator.report.provenance import (
    FileMark,
    Provenance,
    find_provenance,
    mark,
    mask_mark,
)
from coordinator.run.calls import Chain, Link, chain_of, masked, with_mask
from coordinator.run.request import Request, known_bound
from coordinator.run.stage import run_started
from coordinator.stores import FileSource
from coordinator.stores.files import find_layout, open_place
from coordinator.stores.formats import stored_dtype
from coordinator.stores.memory import ArraySource
from coordinator.stores.output_target import is_folder_named
from coordinator.stores.place import Place
from coordinator.text import count, dtype_name, extent, inert
from coordinator.workflows.filter_file import title
from tiling.errors import TilingError
from tiling.geometry.plan import Plan
from tiling.jobs.job import Job
from tiling.protocol.npy import dtype_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """The filters that a provenance records, what people call them, and marks of what they read."""

    chain: Chain
    title: str
    input: FileMark
    mask: FileMark | None


def recorded(provenance: Provenance) -> Recorded:
    """Return the filters that a provenance records; it is a stranger's file, and read as data.

    Raises
    ------
    InputError
        If it records none, or its parts do not fit together.
    """
    hint = "say --filter and how"
    if not provenance.recipe:
        raise InputError(f"the provenance does not record the filters; {hint}")
    try:
        job = Job.decode(provenance.recipe.encode("utf-8", "replace"))
        dtype = dtype_of(provenance.output.dtype)
    except TilingError as error:
        raise InputError(f"the provenance records no filters that exist: {error}; {hint}") from None
    if job.digest != provenance.job or job.target != dtype.newbyteorder("="):
        raise InputError(f"the provenance records another job than was run; {hint}")
    return Recorded(Chain(job, dtype), inert(provenance.filter), provenance.input, provenance.mask)


def verify_file(
    filters: Sequence[Link] | Recorded,
    result: Path,
    source: Path,
    *,
    sampling: Sampling,
    style: Style = "auto",
) -> str:
    """Check a finished file; return in words how many tiles were found right.

    Parameters
    ----------
    filters : sequence of (str, mapping), or Recorded
        Rows of `tiling.filters.FILTERS` and SciPy's parameters for each; or what a provenance says.
    result, source : Path
        What is checked, and what it was made from.
    sampling : Sampling
        How much of it is looked at.
    style : str
        How to show the progress.

    Raises
    ------
    VerifyError
        If a bit, the shape or the dtype is another.
    InputError
        If a file can't be used, or the provenance is of another input.
    """
    array, made = open_place(source), open_place(result)
    if isinstance(filters, Recorded):
        chain, words = filters.chain, filters.title
        masks = chain.job.reads_states
        read = with_mask(array, _recorded_mask(filters, result, array)) if masks else array
        if (chain.job.ndim, chain.job.source) != (len(read.shape), read.dtype.newbyteorder("=")):
            raise InputError(f"{result}: its provenance is of another input; say --filter and how")
    else:
        chain, words, read = chain_of(filters, array), title(filters), masked(filters, array)
    place = Place.parse(result)
    dtype, got_dtype = stored_dtype(place, chain.dtype), made.dtype
    if is_folder_named(place):  # zarr 3 has no byte order in its dtypes
        dtype, got_dtype = dtype.newbyteorder("="), got_dtype.newbyteorder("=")
    want = array.shape, dtype
    if (made.shape, got_dtype) != want:
        if isinstance(filters, Recorded):
            _check_input(filters, result, source)
        got, makes = (
            f"{extent(shape)} {dtype_name(dtype.str)}"
            for shape, dtype in ((made.shape, made.dtype), want)
        )
        raise VerifyError(f"{result} holds {got}; of {source}, SciPy makes {makes}")
    chain.job.program.check_shape(array.shape)
    request = Request(chain.job, read, title=words, bound=known_bound(chain.job, read))
    plan = request.plan(capacity(usable_cores(), request.job))
    with make_listener(style) as listen:

        def tell(event: Event) -> None:
            listen(time.monotonic(), event)

        sample = sampling.draw(plan.grid)
        try:
            _audit(request, plan, made, sample, tell)
        except VerifyError:
            if isinstance(filters, Recorded):
                _check_input(filters, result, source)
            raise
    of = f"{len(sample):,} of " if len(sample) < len(plan) else ""
    return f"{of}{count(len(plan), 'tile')}"


def _recorded_mask(recorded: Recorded, result: Path, array: FileSource) -> ArraySource:
    """Read the mask that a provenance names: of the input's shape, and with the digest it says."""
    hint = "say --filter, --mask and how"
    known = recorded.mask
    if known is None or not known.path or not known.digest:
        what = "a mask that its provenance does not name, with a digest"
        raise InputError(f"{result}: it was made with {what}; {hint}")
    place, named = Place.parse(known.path), inert(known.path)
    other = InputError(f"{result}: it was made with another mask than {named} is now; {hint}")
    try:
        if place.remote or find_layout(place)[1].shape != array.shape:
            raise other
        mask = ArraySource(np.array(open_place(place).array), known.path)
    except StoreError as error:
        raise InputError(f"{result}: its mask can't be read: {error}; {hint}") from None
    if mask_mark(mask).digest != known.digest:
        raise other
    return mask


def _check_input(recorded: Recorded, result: Path, source: Path) -> None:
    """Refuse an input that is another than the recorded one: then other bits are no wonder."""
    known = recorded.input
    if known.digest and mark(source).digest != known.digest:
        raise InputError(f"{result} was made from another array than {source}: the digests differ")
    if _inside(known.path) != _inside(str(source)):
        made_from = inert(known.path)
        raise InputError(f"{result} was made from {made_from}, not {source}: name that array")


def _inside(text: str) -> str:
    """Return which array of its file a place names."""
    return Place.parse(text).inside.strip("/")


def check_order(result: Path, source: Path) -> None:
    """Refuse an output and an input that stand in each other's place, if a provenance shows it."""
    try:
        provenance = None if find_provenance(result) else find_provenance(source)
    except (InputError, StoreError):
        return
    if provenance is not None and Path(provenance.input.path).name == result.name:
        raise InputError(
            f"{source} was made from {result}, not {result} from {source}; the output comes first: "
            f"{shlex.join(['coord', 'verify', str(source), str(result)])}"
        )


def _audit(
    request: Request, plan: Plan, made: FileSource, sample: Sequence[int], tell: Hearer
) -> None:
    """Compare a sample of tiles, telling of it as of a run on so many tiles."""
    tiles = len(sample)
    tell(replace(run_started(request, plan, made.name), grid=(tiles,), tiles=tiles))
    tell(WorkerReady(NAME, usable_cores()))
    try:
        check = Check(request.job, plan, request.source, made.read)
        for place, number in enumerate(check.tiles(sample, {})):
            size = plan[number].write.size * plan.output_itemsize
            tell(TileSent(place, NAME, attempt=1, bytes_sent=0))
            tell(TileStored(place, NAME, size))
    except BaseException as error:
        tell(RunFinished(error=str(error)))
        raise
    tell(RunFinished())
