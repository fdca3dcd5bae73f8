"""Arithmetic sample by sample, with one result whatever the array's layout and the processor.

Where both operands of a sum or product are NaN, x86 answers the first operand, and NumPy's loops
exchange the operands or not by the place in the array, the layout and the processor's features.
`numpy.subtract` can't exchange them. So where two NaNs meet, the result here is the first one, as
`numpy.subtract` gives it; two workers, and a tile that is computed again in another layout, agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tiling.dtypes import Array
from tiling.operations.arithmetic import FUNCTIONS, Arithmetic


def combine_blocks(work: Arithmetic, blocks: Sequence[Array], out: Array) -> None:
    """Compute `out`, sample by sample, from blocks of its shape.

    Parameters
    ----------
    work : Arithmetic
    blocks : sequence of ndarray
        As many as the function takes, of any numeric dtypes that it takes.
    out : ndarray
        Receives the result, cast to its dtype; it shares no memory with the blocks.
    """
    function = FUNCTIONS[work.name]
    with np.errstate(all="ignore"):
        function.call(*blocks, out=out, casting=function.casting)
        if work.name in ("add", "multiply") and out.dtype.kind in "fc" and np.isnan(out).any():
            first, second = blocks
            if out.dtype.kind == "f":
                keep_first(first, second, out)
            elif work.name == "add":
                keep_first(first.real, second.real, out.real)
                keep_first(first.imag, second.imag, out.imag)
            else:
                _complex_product(first, second, out)


def keep_first(first: Array, second: Array, out: Array) -> None:
    """Write the first operand of a sum or product where both are NaN.

    Parameters
    ----------
    first, second : ndarray
        The operands.
    out : ndarray
        What NumPy made of them.
    """
    both = np.isnan(first) & np.isnan(second)
    np.subtract(first, second, out=out, where=both, casting="same_kind")


def _complex_product(first: Array, second: Array, out: Array) -> None:
    """Write the parts that are NaN anew, from real products and sums in a fixed order."""
    dtype = np.result_type(first, second)
    a, b = (operand.astype(dtype) for operand in (first, second))
    real = _real_product(a.real, b.real) - _real_product(a.imag, b.imag)
    np.copyto(out.real, real, where=np.isnan(out.real), casting="same_kind")
    ahead, behind = _real_product(a.real, b.imag), _real_product(a.imag, b.real)
    imag = ahead + behind
    keep_first(ahead, behind, imag)
    np.copyto(out.imag, imag, where=np.isnan(out.imag), casting="same_kind")


def _real_product(first: Array, second: Array) -> Array:
    product: Array = first * second
    keep_first(first, second, product)
    return product
