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
from tiling.kernels import reference
from tiling.operations import KINDS
from tiling.operations.arithmetic import FUNCTIONS
from tiling.probes.digests import SUBNORMALS, digest_of, expected, needed
from tiling.probes.windows import MAKERS


def test_every_kind_of_operation_has_probes() -> None:
    """Correlations have probes for each pair of dtypes, arithmetic for each function."""
    assert set(KINDS) == {*MAKERS, "correlations", "arithmetic"}
    kinds = {*MAKERS, *FUNCTIONS, SUBNORMALS} - {"cast"}  # which no worker is sent
    assert {name.partition("-")[0] for name in expected()} >= kinds


def test_what_is_computed_here_stays_the_same() -> None:
    """Digests of arithmetic, which no table has, do not change from one time to the next."""
    for name in ("add-int8", "multiply-complex64", "root-complex128", "subtract-float32"):
        assert digest_of(name, reference.run) == expected()[name]


def test_no_probe_of_an_unknown_name() -> None:
    """A name that is no probe's is not computed."""
    assert "add-float16" not in expected()
    with pytest.raises(KeyError):
        expected()["add-float16"]


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
