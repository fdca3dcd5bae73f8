"""Every row on two workers, with whatever arrays, parameters and tiles: the bytes are SciPy's."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator import Fleet
from tests.support.cases import CASES, SUMS, inputs, tile_of
from tests.support.processes import WorkerProcess
from tests.tiling.filters.test_exact import SLOW, agree, scipy_says
from tiling.errors import TilingError

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
    agree(ours, scipy_says(name, x, parameters), signs=name not in SUMS)
