"""The probes: each has a name of its own, and the native kernel passes them all."""

from __future__ import annotations

import pytest

from tests.support.levels import at_level, each_level
from tiling.kernels import native
from tiling.probes.digests import digest_of, of_kernels


@each_level
@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "constant", "wrap"])
def test_the_native_kernel_passes_every_probe(level: int, mode: str) -> None:
    """Every pair of dtypes in every edge mode has the digest of SciPy's result."""
    probes = {name: want for name, want in of_kernels().items() if name.endswith(f"-{mode}")}
    assert len(probes) > 100
    with at_level(level):
        assert {name: digest_of(name, native.run) for name in probes} == probes


@each_level
def test_the_native_kernel_passes_the_probes_of_windows(level: int) -> None:
    """Every other kind of operation, too."""
    kinds = ("running", "complex", "correlation", "extremum", "rank", "erosion", "propagation")
    probes = {name: want for name, want in of_kernels().items() if name.startswith(kinds)}
    assert len(probes) > 80
    with at_level(level):
        assert {name: digest_of(name, native.run) for name in probes} == probes
