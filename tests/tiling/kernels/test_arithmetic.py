"""Arithmetic gives one result whatever the layout and the processor's features."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.equality import assert_same_bits
from tiling.kernels import reference
from tiling.kernels.arithmetic import combine_blocks
from tiling.operations import Arithmetic, ComplexCorrelation, Correlation, Operation
from tiling.operations.fields import Table

DTYPES = ("float32", "float64", "complex64", "complex128")
SAMPLES = 1003
"""More than NumPy's loops take at a time, and a rest."""


def operands(dtype: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return two arrays in which NaNs of both signs, infinities and numbers meet."""
    rng = np.random.default_rng(7)
    numbers = np.array([np.nan, -np.nan, np.nan, -np.nan, np.inf, -np.inf, 1.5, -0.0])
    both = []
    for _ in range(2):
        array = np.empty(SAMPLES, dtype)
        for part in (array.real, array.imag) if array.dtype.kind == "c" else (array,):
            part[...] = rng.choice(numbers, SAMPLES)
        both.append(array)
    return both[0], both[1]


def combined(name: str, *blocks: npt.NDArray[Any]) -> npt.NDArray[Any]:
    out = np.empty(blocks[0].shape, blocks[0].dtype)
    combine_blocks(Arithmetic(name), blocks, out)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply"])
def test_nans_are_those_of_the_first_operand_in_any_layout(name: str, dtype: str) -> None:
    """Samples one by one, and every second one of an array, have the bits of the whole."""
    first, second = operands(dtype)
    whole = combined(name, first, second)
    one_by_one = [combined(name, first[k : k + 1], second[k : k + 1]) for k in range(first.size)]
    assert_same_bits(np.concatenate(one_by_one), whole)
    assert_same_bits(combined(name, first[::2], second[::2]), whole[::2].copy())
    assert_same_bits(combined(name, first[5:30], second[5:30]), whole[5:30].copy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["add", "multiply"])
def test_the_sign_is_that_of_the_first(name: str, dtype: str) -> None:
    """Of two NaNs the first one is the result; all else is NumPy's."""
    first, second = operands(dtype)
    result = combined(name, first, second)
    with np.errstate(all="ignore"):
        plain = getattr(np, name)(first, second)
    both = np.isnan(first) & np.isnan(second)
    assert_same_bits(result[both], first[both])
    assert_same_bits(result[~both], plain[~both])


def test_the_sum_of_two_dtypes_keeps_the_first_nan() -> None:
    """The operands of a `morphological_laplace` differ in dtype."""
    first, second = operands("float32")[0], operands("float64")[1]
    out = np.empty(SAMPLES, "float64")
    combine_blocks(Arithmetic("add"), (first, second), out)
    both = np.isnan(first) & np.isnan(second)
    assert_same_bits(out[both], first[both].astype("float64"))


@pytest.mark.parametrize("target", ["complex64", "complex128"])
@pytest.mark.parametrize("source", ["complex64", "complex128"])
@pytest.mark.parametrize("kind", ["line", "window"])
def test_complex_weights_give_one_nan_in_any_layout(kind: str, source: str, target: str) -> None:
    """SciPy adds two real correlations with NumPy: pieces of any length have the whole's bits."""
    table = Table.of(np.array([1.5 - 0.5j]))
    if kind == "line":
        operation: Operation = ComplexCorrelation(0, table, "reflect", 0.0, 0)
    else:
        operation = Correlation(table, "reflect", 0.0, (0,))
    block = operands(source)[0]
    whole, pieces = np.empty(SAMPLES, target), np.empty(SAMPLES, target)
    reference.run(operation, block, (slice(0, SAMPLES),), whole)
    for start, stop in pairwise([0, 1, 3, 8, 30, 500, SAMPLES]):
        part = slice(0, stop - start)
        reference.run(operation, block[start:stop], (part,), pieces[start:stop])
    assert_same_bits(pieces, whole)


SCRIPT = """
from tests.tiling.kernels import test_arithmetic
print(test_arithmetic.digest())
"""


def digest() -> str:
    """Return a digest of all sums, and of the products of real numbers."""
    state = hashlib.sha256()
    for dtype in DTYPES:
        for name in ("add", "multiply"):
            state.update(combined(name, *operands(dtype)).tobytes())
    return state.hexdigest()


def test_other_features_of_the_processor_give_the_same_nans() -> None:
    """NumPy's loops without AVX2 and AVX-512 exchange other operands; no result tells."""
    disabled = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=Path(__file__).parents[3],
        env={**os.environ, **disabled},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == [digest()]
