"""The watch: what is cancelled ends soon, what is not has the same bits, and progress is told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tests.support.levels import at_level, each_level
from tests.tiling.kernels.test_correlations import MODES, REAL, SHAPES, samples
from tests.tiling.kernels.test_windows import operations
from tiling.errors import AbandonedError, TilingError
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.kernels import native, reference, slabs
from tiling.kernels.apply import apply
from tiling.kernels.watch import Watch, current, watching
from tiling.operations import Correlations, Operation
from tiling.operations.binary import Erosion
from tiling.operations.fields import Table
from tiling.operations.passes import Pass
from tiling.operations.running import ComplexCorrelation, RunningExtremum, RunningMean
from tiling.operations.windows import Correlation

if TYPE_CHECKING:
    from tiling.dtypes import Array
    from tiling.geometry.edges import Mode
    from tiling.kernels import Kernel

KERNELS = [pytest.param(module.run, id=module.__name__[15:]) for module in (native, reference)]
EACH = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
LONG: list[tuple[str, tuple[int, ...], str, dict[str, Any]]] = [
    ("median_filter", (4096, 4096), "f4", {"size": 15}),
    ("gaussian_filter", (512, 512, 64), "f4", {"sigma": 40}),
    ("gaussian_filter", (2**22,), "f4", {"sigma": 2000}),
    ("correlate", (4096, 4096), "f4", {"weights": np.ones((15, 15))}),
    ("binary_erosion", (8192, 8192), "?", {"structure": np.eye(31), "iterations": 40}),
]


def everything(array: Array) -> tuple[slice, ...]:
    return tuple(slice(0, length) for length in array.shape)


def job_of(name: str, block: Array, parameters: dict[str, Any]) -> Job:
    return Job(block.ndim, (FILTERS[name].call(block.ndim, block.dtype, **parameters),))


class Cancelling(Watch):
    """A watch that another thread cancels soon after the computation has begun."""

    def __init__(self) -> None:
        super().__init__()
        self._timer = threading.Timer(0.02, self.cancel)

    def begin(self, works: Any) -> None:
        super().begin(works)
        self._timer.start()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("name", "shape", "dtype", "parameters"), LONG, ids=lambda v: str(v)[:20])
def test_what_is_cancelled_ends(
    kernel: Kernel, name: str, shape: tuple[int, ...], dtype: str, parameters: dict[str, Any]
) -> None:
    """Computations of some seconds are left in the middle, by both kernels."""
    block = np.zeros(shape, dtype)
    block.flat[:: 1 + block.size // 1000] = 1
    job = job_of(name, block, parameters)
    watch = Cancelling()
    with watching(watch), pytest.raises(AbandonedError):
        apply(job.program, block, everything(block), np.empty(shape, job.target), kernel)
    assert watch.share < 1
    assert current() is None


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_was_cancelled_before_is_not_begun(kernel: Kernel) -> None:
    """A watch may be cancelled before the computation has begun."""
    block = np.ones((9, 9))
    job = job_of("gaussian_filter", block, {"sigma": 1.0})
    watch = Watch()
    watch.cancel()
    with watching(watch), pytest.raises(AbandonedError):
        apply(job.program, block, everything(block), np.empty((9, 9)), kernel)
    out = np.empty((9, 9))
    apply(job.program, block, everything(block), out, kernel)  # nobody watches
    assert_same_bits(out, np.ones((9, 9)))


@each_level
@EACH
@given(data=st.data())
def test_every_function_of_the_library_looks(level: int, data: st.DataObject) -> None:
    """Whatever it computes, by whatever method: it leaves if it is cancelled."""
    operation, block, crop, target = data.draw(calls())
    assume(all(part.start < part.stop for part in crop))
    out = np.empty([part.stop - part.start for part in crop], target)
    watch = Watch()
    watch.cancel()
    with watching(watch), at_level(level), pytest.raises(AbandonedError):
        native.run(operation, block, crop, out)


@each_level
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gaussian_filter", {"sigma": 3.0}),
        ("median_filter", {"size": 5}),
        ("uniform_filter", {"size": 9}),
        ("maximum_filter", {"size": 9}),
        ("maximum_filter", {"footprint": np.eye(5)}),
        ("correlate", {"weights": np.ones((5, 5))}),
        ("binary_dilation", {"iterations": 3}),
    ],
)
def test_the_library_counts_what_is_finished(
    level: int, name: str, parameters: dict[str, Any]
) -> None:
    """At the end of a program of one operation, all samples of its results were counted."""
    block = np.random.default_rng(0).random((900, 700))
    program = job_of(name, block, parameters).program
    for step in program.steps:
        source = (block - 0.001 < 0 if step.target.kind == "b" else block).astype(
            program.dtypes[step.inputs[0]]
        )
        watch, out = Watch(), np.empty((880, 600), step.target)
        watch.begin([1.0])
        watch.enter(0)
        crop = (slice(10, 890), slice(50, 650))
        with watching(watch), at_level(level):
            native.run(step.operation, source, crop, out)  # type: ignore[arg-type]
        assert watch.share == pytest.approx(1.0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_progress_never_goes_back(kernel: Kernel) -> None:
    """Seen from another thread, the share of several steps grows from 0 to 1."""
    block = np.random.default_rng(0).random((1024, 1024)).astype("f4")
    job = job_of("white_tophat", block, {"footprint": np.eye(15)})
    watch, seen, over = Watch(), [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.0005):
            seen.append(watch.share)

    thread = threading.Thread(target=look)
    thread.start()
    with watching(watch):
        apply(job.program, block, everything(block), np.empty_like(block), kernel)
    over.set()
    thread.join()
    assert seen == sorted(seen)
    assert watch.share == 1.0


@st.composite
def halo_operations(draw: st.DrawFn, ndim: int) -> tuple[Operation, list[str]]:
    """Draw an operation of any kind that blocks are given to, and dtypes that it reads."""
    mode, fill = draw(st.sampled_from(MODES)), draw(st.sampled_from([0.0, -1.5, 300.0]))
    weights = np.random.default_rng(draw(st.integers(0, 9))).normal(size=draw(st.integers(1, 9)))
    axes = [draw(st.integers(0, ndim - 1)) for _ in range(draw(st.integers(1, 3)))]
    match draw(st.sampled_from(["passes", "complex", "window"])):
        case "passes":
            passes = (Pass(axis, weights.tobytes(), mode, fill, 0) for axis in axes)
            return Correlations(tuple(passes)), [*REAL, "D"]
        case "complex":
            table = Table.of(weights + 1j)
            return ComplexCorrelation(axes[0], table, mode, fill, 0), ["D"]
    return draw(operations(ndim)), REAL


@st.composite
def calls(draw: st.DrawFn) -> tuple[Operation, Array, tuple[slice, ...], str]:
    """Draw an operation, a block, a crop and the dtype of what is written."""
    shape = draw(SHAPES)
    operation, sources = draw(halo_operations(len(shape)))
    source = draw(st.sampled_from(sources))
    target = "D" if source == "D" else draw(st.sampled_from([source, *REAL]))
    target = "?" if operation.KIND == "erosion" else target
    try:
        operation.check(len(shape), np.dtype(source), np.dtype(target))
        operation.check_block(shape)
    except TilingError:
        assume(False)
    crop = []
    for length in shape:
        start = draw(st.integers(0, length))
        crop.append(slice(start, draw(st.integers(start, length))))
    block = samples(source, shape, draw(st.integers(0, 99)), draw(st.booleans()))
    return operation, block, tuple(crop), target


@EACH
@given(data=st.data())
def test_slabs_have_the_bits_of_the_whole(data: st.DataObject) -> None:
    """Whatever operation, dtypes, shape and crop: SciPy's slabs are SciPy's whole."""
    operation, block, crop, target = data.draw(calls())
    got, want = (np.empty([part.stop - part.start for part in crop], target) for _ in range(2))
    reference.run(operation, block, crop, want)
    with pytest.MonkeyPatch.context() as patch, watching(Watch()):
        patch.setattr(slabs, "SLAB_WORK", data.draw(st.sampled_from([1.0, 100.0, 1000.0])))
        patch.setattr(slabs, "MORE_WORK", data.draw(st.sampled_from([1.5, 100.0])))
        reference.run(operation, block, crop, got)
    assert_same_bits(got, want)


def test_arrays_without_axes() -> None:
    """One sample is one slab."""
    one, states = Table.of(np.ones((), bool)), np.array(3, np.uint8)
    for operation, block in (
        (Erosion(one, (), False, False, False, 1, masked=True), states),
        (Erosion(one, (), False, False, False, 1), states.astype(bool)),
        (Correlation(Table.of(np.array(1.5)), "reflect", 0.0, ()), np.array(2.5)),
    ):
        got, want = (np.empty((), block.dtype) for _ in range(2))
        reference.run(operation, block, (), want)
        with watching(Watch()):
            reference.run(operation, block, (), got)
        assert_same_bits(got, want)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, 1])
def test_small_crops_of_whole_axes(mode: Mode, axis: int) -> None:
    """An axis that wraps, or along which state is carried, is read whole, whatever is wanted."""
    block = np.random.default_rng(0).random((30, 40))
    crop = (slice(28, 30), slice(1, 4))
    for operation in (
        RunningMean(axis, 7, mode, 0.0, 2),
        RunningExtremum(axis, 7, mode, 0.0, 0, True),
        ComplexCorrelation(axis, Table.of(np.arange(5) + 1j), mode, 0.0, -1),
        Correlation(Table.of(np.arange(15.0).reshape(5, 3)[:: 1 - 2 * axis]), mode, 0.0, (1, 0)),
    ):
        got, want = (
            np.empty((2, 3), "D" if "complex" in operation.KIND else "d") for _ in range(2)
        )
        source = block.astype(got.dtype)
        reference.run(operation, source, crop, want)
        with pytest.MonkeyPatch.context() as patch, watching(Watch()):
            patch.setattr(slabs, "SLAB_WORK", 1.0)
            patch.setattr(slabs, "MORE_WORK", 1e9)
            reference.run(operation, source, crop, got)
        assert_same_bits(got, want)


@pytest.mark.parametrize("shape", [(4096, 4096), (1000, 1000, 3), (300, 200, 100), (10**7,)])
@pytest.mark.parametrize("size", [3, 9, 31])
def test_slabs_cost_little(shape: tuple[int, ...], size: int) -> None:
    """All that slabs read is at most a tenth more, and they part the region."""
    window = [min(size, length) for length in shape]
    operation = FILTERS["correlate"].call(len(shape), np.dtype("f4"), np.ones(window)).operation
    assert isinstance(operation, Operation)
    crop = tuple(slice(0, length) for length in shape)
    parts = slabs.slabs(operation, shape, crop)
    read, written = (
        sum(int(np.prod([p.stop - p.start for p in getattr(slab, name)])) for slab in parts)
        for name in ("read", "write")
    )
    assert written == np.prod(shape)
    assert read <= 1.11 * np.prod(shape)
    assert size > 9 or len(shape) == 3 or len(parts) >= 5
