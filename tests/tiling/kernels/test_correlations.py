"""Correlations, compiled for each level, against SciPy: dtypes, modes, orders, layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.levels import at_level, each_level
from tiling.kernels import native
from tiling.kernels.native.correlations import supports
from tiling.operations import Correlations
from tiling.operations.passes import Pass

if TYPE_CHECKING:
    import numpy.typing as npt

REAL = ["?", *"bhilBHIL", "f", "d"]
MODES = ["reflect", "mirror", "nearest", "constant", "wrap"]
SPECIAL = [
    0.0,
    -0.0,
    1.5,
    -1.5,
    3e9,
    -3e9,
    1e19,
    -1e19,
    1e39,
    1e300,
    -1e300,
    np.inf,
    -np.inf,
    np.nan,
    -np.nan,
]


def oracle(
    block: npt.NDArray[Any], passes: list[Pass], crop: tuple[slice, ...], dtype: Any
) -> npt.NDArray[Any]:
    """Filter the whole block as `gaussian_filter` does, then crop."""
    result = np.zeros(block.shape, dtype)
    for step in passes:
        fill: Any = step.cval if block.dtype.kind == "c" else step.cval.real
        ndimage.correlate1d(block, step.taps, step.axis, result, step.mode, fill, step.origin)  # type: ignore[call-overload]
        block = result
    return result[crop]


def check(block: npt.NDArray[Any], passes: list[Pass], **kwargs: Any) -> None:
    crop = kwargs.get("crop", tuple(slice(0, n) for n in block.shape))
    dtype = np.dtype(kwargs.get("dtype", block.dtype))
    if not supports(block.dtype, dtype):
        return
    shape = tuple(part.stop - part.start for part in crop)
    out = kwargs.get("empty", np.empty)(shape, dtype)
    out.view(np.uint8 if out.flags.c_contiguous else dtype)[...] = 85
    block.flags.writeable = False
    native.run(Correlations(tuple(passes)), block, crop, out)
    with np.errstate(all="ignore"):
        assert_same_bits(out, oracle(block, passes, crop, dtype))


def samples(dtype: str, shape: tuple[int, ...], seed: int, special: bool) -> npt.NDArray[Any]:
    """Make samples that fill the range of the dtype; special ones in floats where asked."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    if dtype in "FD":
        parts = [samples(dtype.lower(), shape, seed + k, special) for k in (0, 1)]
        both = np.empty(shape, dtype)
        both.real, both.imag = parts
        return both
    if dtype in "fd":
        values = rng.normal(scale=10.0 ** rng.integers(-3, 12), size=size)
        if special:
            spots = rng.integers(0, 2, size).astype(bool)
            values[spots] = rng.choice(SPECIAL, int(spots.sum()))
        with np.errstate(all="ignore"):
            return values.astype(dtype).reshape(shape)
    kind = np.dtype(dtype)
    raw = np.frombuffer(rng.bytes(size * kind.itemsize), "u1" if dtype == "?" else kind)
    return (raw % 2).astype(bool).reshape(shape) if dtype == "?" else raw.reshape(shape).copy()


def weights(kind: str, size: int, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    taps = rng.normal(size=size)
    if kind != "plain":
        mirror = taps[::-1] if kind == "symmetric" else -taps[::-1]
        taps = (taps + mirror) / 2
    return bytes(taps.astype("<f8").tobytes())


@st.composite
def passes_over(draw: st.DrawFn, shape: tuple[int, ...]) -> list[Pass]:
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=4))
    steps = []
    for axis in axes:
        size = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 9, 17, 40, 101]))
        taps = weights(
            draw(st.sampled_from(["symmetric", "antisymmetric", "plain"])),
            size,
            draw(st.integers(0, 9)),
        )
        origin = draw(st.integers(-(size // 2), (size - 1) // 2))
        steps.append(
            Pass(
                axis,
                taps,
                draw(st.sampled_from(MODES)),
                draw(st.sampled_from([0.0, -1.5, 3e9])),
                origin,
            )
        )
    return steps


@st.composite
def layouts(draw: st.DrawFn, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give the array the same values with other strides."""
    match draw(st.sampled_from(["C", "F", "gaps", "backwards"])):
        case "F":
            return np.asfortranarray(array)
        case "gaps":
            wide = np.repeat(array, 2, axis=array.ndim - 1)
            return wide[..., ::2]
        case "backwards":
            return np.ascontiguousarray(array[::-1])[::-1]
    return array.copy()


SHAPES = st.one_of(
    st.lists(st.integers(1, 12), min_size=1, max_size=5).map(tuple),
    st.sampled_from(
        [(300,), (70, 90), (90, 3), (40, 50, 3), (5000,), (3, 700), (9, 8, 70), (2, 2, 2, 2, 2, 2)]
    ),
)


@each_level
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_call_has_scipys_bits(level: int, data: st.DataObject) -> None:
    """Whatever dtypes, shape, strides, passes and crop: the bytes are SciPy's."""
    draw = data.draw
    shape = draw(SHAPES)
    in_dtype, out_dtype = draw(
        st.one_of(
            st.tuples(st.sampled_from(REAL), st.sampled_from(REAL)),
            st.tuples(st.sampled_from("FD"), st.sampled_from("FD")),
        )
    )
    block = draw(layouts(samples(in_dtype, shape, draw(st.integers(0, 99)), draw(st.booleans()))))
    crop = []
    for length in shape:
        start = draw(st.integers(0, length))
        crop.append(slice(start, draw(st.integers(start, length))))
    steps = draw(passes_over(shape))
    with at_level(level):
        check(block, steps, crop=tuple(crop), dtype=out_dtype)
