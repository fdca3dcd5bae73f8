"""The probes: the kernels pass them, and a kernel that is wrong does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tiling.kernels import compiled, reference, scratch
from tiling.probes import correlations

if TYPE_CHECKING:
    from types import ModuleType


@pytest.mark.parametrize("kernel", [compiled, scratch], ids=["compiled", "scratch"])
def test_kernels_agree_with_scipy_on_every_probe(kernel: ModuleType) -> None:
    """No probe tells a kernel from SciPy."""
    assert correlations.compare(kernel.run, reference.run, correlations.cases()) is None


def test_a_wrong_kernel_is_named_with_its_first_sample() -> None:
    """One bit off in one sample is found, with case and place."""

    def wrong(block: Any, passes: Any, crop: Any, out: Any) -> None:
        reference.run(block, passes, crop, out)
        out[1, 2, 3] = np.nextafter(out[1, 2, 3], np.float32(0))

    found = correlations.compare(wrong, reference.run, correlations.cases([("float32", "float32")]))
    assert found is not None
    assert found.index == (1, 2, 3)
    assert str(found).startswith("float32-float32-reflect-symmetric-finite at (1, 2, 3): ")


def test_names_are_unique() -> None:
    """Digests are keyed by name, so no two cases share one."""
    names = [case.name for case in correlations.cases()]
    assert len(set(names)) == len(names)
