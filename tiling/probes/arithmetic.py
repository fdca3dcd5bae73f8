"""Probes of NumPy at the worker: arithmetic sample by sample, copies, and subnormals.

Arithmetic has a probe for each function and dtype in which it is computed, with every pair of
operands that NumPy computes in that dtype, and every dtype that it casts the result to. Products
of complex numbers are fused multiply-adds where the processor has them, and complex roots are those
of the machine's C library; so what is expected is no table, but what NumPy makes of these probes
at the coordinator. The same holds for copies of floats to all dtypes that can be copied to: what
becomes of NaN, or of 1e10 in an integer, is a matter of the processor.

The probe ``subnormals`` covers what holds for a thread and not for a kernel: a library that was
compiled with ``-ffast-math`` may have set the processor to take numbers below 2**-1022 (2**-126 in
float32) for zero, and then every float is at risk.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator

import numpy as np

from tiling.dtypes import COPIED, FILTERED, Array, Dtype, check_copy
from tiling.errors import TilingError
from tiling.kernels.arithmetic import combine_blocks
from tiling.operations import Arithmetic
from tiling.operations.arithmetic import FUNCTIONS
from tiling.probes.correlations import block, specials

COPY = "copy"
"""What the probes of copies are called, with the dtype that is copied."""


def names() -> Iterator[str]:
    """Yield the names of all probes of arithmetic and of copies: function and dtype."""
    yield from (f"{COPY}-{dtype.name}" for dtype in COPIED.values() if dtype.kind in "fc")
    for name in FUNCTIONS:
        if Arithmetic(name).by_layout:
            continue
        for dtype in FILTERED.values():
            if _targets(name, (dtype,) * FUNCTIONS[name].operands):
                yield f"{name}-{dtype.name}"


def outcomes(name: str) -> Iterator[bytes]:
    """Compute a probe; yield the bytes of each result.

    Parameters
    ----------
    name : str
        One of `names`.
    """
    function, _, dtype = name.partition("-")
    if function == COPY:
        yield from _copies(np.dtype(dtype))
        return
    for sources in _operands(FUNCTIONS[function].operands, dtype):
        for special in specials(np.dtype(dtype)):
            blocks = [
                np.roll(block(source.name, special), 7 * place, axis=-1)
                for place, source in enumerate(sources)
            ]
            for target in _targets(function, sources):
                out = np.empty(blocks[0].shape, target)
                combine_blocks(Arithmetic(function), blocks, out)
                yield out.tobytes()


def _copies(source: Dtype) -> Iterator[bytes]:
    for special in specials(source):
        samples = block(source.name, special)
        for target in COPIED.values():
            if _is_copied(source, target):
                out = np.empty(samples.shape, target)
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                    out[...] = samples
                yield out.tobytes()


def _is_copied(source: Dtype, target: Dtype) -> bool:
    try:
        check_copy(source, target)
    except TilingError:
        return False
    return True


@functools.cache
def _targets(function: str, sources: tuple[Dtype, ...]) -> tuple[Dtype, ...]:
    """Return the dtypes to which the result is cast; of a root, which filters cast back, its own.

    To cast a float that does not fit to an integer has no rule, so no other root is probed.
    """
    targets = sources if function == "root" else FILTERED.values()
    return tuple(target for target in targets if _is_computed(function, sources, target))


def _is_computed(function: str, sources: tuple[Dtype, ...], target: Dtype) -> bool:
    try:
        Arithmetic(function).check(sources, target)
    except TilingError:
        return False
    return True


def _operands(count: int, dtype: str) -> Iterator[tuple[Dtype, ...]]:
    """Yield the dtypes of operands, of which NumPy computes in `dtype`."""
    if count == 1:
        yield (np.dtype(dtype),)
        return
    for first in FILTERED.values():
        for second in FILTERED.values():
            if np.result_type(first, second).name == dtype:
                yield first, second


def subnormal_outcomes() -> Iterator[bytes]:
    """Yield the bytes of products, sums and casts that read or give subnormal numbers."""
    for dtype in ("float32", "float64"):
        small = block(dtype, "subnormal")
        least: Array = np.ones((), dtype) * np.finfo(dtype).smallest_normal
        with np.errstate(under="ignore"):
            yield (small * 0.75).tobytes()
            yield (small * np.finfo(dtype).max).tobytes()
            yield (small + small[::-1]).tobytes()
            yield (small + least).tobytes()
            yield (least * block(dtype, "finite")[small > 0] * 2.0**-40).tobytes()
            yield (small > 0).tobytes()
    wide = block("float64", "finite") * 2.0**-150
    with np.errstate(under="ignore"):
        yield wide.astype("float32").tobytes()
        yield block("float32", "subnormal").astype("float64").tobytes()
