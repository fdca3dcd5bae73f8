"""Every row on two workers, with whatever arrays, parameters and tiles: the bytes are SciPy's."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator import Fleet
from coordinator.errors import InputError
from coordinator.workflows.run_options import Storing
from tests.support.by_reference import filtered
from tests.support.cases import CASES, inputs, sums_unlike_nans, tile_of
from tests.support.formats import NPY, ZARR, native
from tests.support.processes import WorkerProcess, running_workers
from tests.tiling.filters.test_exact import SLOW, agree, scipy_says
from tiling.errors import TilingError
from tiling.filters import FILTERS

EXAMPLES = int(os.environ.get("TILEFAN_FUZZ_BITS", "100")) // 10
"""Of each row; a tenth of what is tried on this machine."""


@pytest.fixture(scope="module")
def fleet(two_workers: list[WorkerProcess]) -> Iterator[Fleet]:
    with Fleet([worker.address for worker in two_workers]) as fleet:
        yield fleet


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=EXAMPLES, suppress_health_check=[*SLOW, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_workers_have_the_bits_of_scipy(fleet: Fleet, name: str, data: st.DataObject) -> None:
    """Or the same kind of error."""
    x = data.draw(inputs(name))
    parameters = CASES[name](data.draw, x)
    tile = tile_of(data.draw, x.ndim)
    ours: Any
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ours = getattr(fleet, name)(x, **parameters, tile=tile)
        except TilingError as error:
            ours = error
    agree(ours, scipy_says(name, x, parameters), signs=not sums_unlike_nans(name, x, parameters))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and two workers that serve it."""
    folder = tmp_path_factory.mktemp("served")
    with running_workers(2, "--serve-from", str(folder), "--threads", "1") as workers:
        yield folder, ",".join(worker.address for worker in workers)


@pytest.mark.parametrize("name", CASES)
@settings(
    max_examples=max(2, EXAMPLES // 5),
    suppress_health_check=[*SLOW, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_by_reference_too(served: tuple[Path, str], name: str, data: st.DataObject) -> None:
    """From file to file, where no sample passes the coordinator; flat ones and ones in chunks."""
    folder, hosts = served
    x = data.draw(inputs(name))
    parameters = {**FILTERS[name].defaults, **CASES[name](data.draw, x)}
    kind = data.draw(st.sampled_from([NPY, ZARR])) if x.ndim and x.size else NPY
    source, target = folder / f"in{kind.suffix}", folder / f"out{kind.suffix}"
    kind.save(source, x)
    ours: Any
    chunks = tuple(max(1, -(-length // 2)) for length in x.shape)
    storing = Storing(chunks=chunks) if kind is ZARR else Storing()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tile = chunks if kind is ZARR else tile_of(data.draw, x.ndim)
            filtered(
                [(name, parameters)],
                source,
                target,
                hosts,
                tile=tile,
                storing=storing,
                overwrite=True,
            )
            ours = native(np.asarray(kind.load(target)))
        except InputError as error:  # of a parameter
            ours = error.__cause__
        except TilingError as error:  # of a shape
            ours = error
    agree(ours, scipy_says(name, x, parameters), signs=not sums_unlike_nans(name, x, parameters))
