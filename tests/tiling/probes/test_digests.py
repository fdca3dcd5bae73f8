"""Every job that any row can make has its probes."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.cases import CASES, inputs
from tiling.errors import TilingError
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.operations import KINDS
from tiling.probes.digests import expected, needed
from tiling.probes.windows import MAKERS


def test_every_kind_of_operation_has_probes() -> None:
    """Arithmetic has none: it is NumPy's single IEEE operations."""
    assert set(KINDS) == {*MAKERS, "correlations", "arithmetic"}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=30, suppress_health_check=[*HealthCheck], deadline=None)
@given(data=st.data())
def test_no_job_lacks_a_probe(name: str, data: st.DataObject) -> None:
    """Whatever the dtypes, modes and parameters, a worker can be asked to prove itself for them."""
    x = data.draw(inputs(name))
    parameters = CASES[name](data.draw, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call = FILTERS[name].call(x.ndim, x.dtype, **parameters)
        except TilingError:
            return
    assert set(needed(Job(x.ndim, (call,)))) <= set(expected())
