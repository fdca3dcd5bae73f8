"""`tilefan.dask` against SciPy on the whole array, in bits: every row, chunks of any lengths."""

from __future__ import annotations

import doctest
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import pytest
from distributed import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

import tilefan.dask
from coordinator.api import lazy, lazy_tiles
from tests.support.cases import CASES, inputs, sums_unlike_nans
from tests.support.dask_cluster import dask_cluster
from tests.support.equality import assert_same_bits
from tests.tiling.filters.test_exact import agree, scipy_says
from tiling.errors import BadTypeError, BadValueError, TilingError, UnsupportedError
from tiling.filters import FILTERS, supported
from tiling.geometry import chunks as geometry
from tiling.geometry.edges import MODES

Array = npt.NDArray[Any]
Chunks = tuple[tuple[int, ...], ...]

X = np.random.default_rng(0).normal(size=(30, 25))
EXAMPLES = int(os.environ.get("TILEFAN_FUZZ_BITS", "0")) or 12


@st.composite
def chunkings(draw: st.DrawFn, shape: tuple[int, ...]) -> Chunks:
    """Draw chunks: one, or several of any lengths, most shorter than a halo, some empty."""
    cuts = [sorted(draw(st.lists(st.integers(0, length), max_size=5))) for length in shape]
    return tuple(
        tuple(stop - start for start, stop in pairwise((0, *along, length)))
        for along, length in zip(cuts, shape, strict=True)
    )


def we_say(name: str, x: Array, parameters: dict[str, Any], chunks: Chunks) -> Any:
    """Return what is computed, or the error; what goes on until nothing changes is one chunk."""
    array = da.from_array(x, chunks=chunks)
    function = getattr(tilefan.dask, name)
    try:
        try:
            result = function(array, **parameters)
        except UnsupportedError as error:
            if "one chunk" not in str(error):
                raise
            array = array.rechunk(-1)
            result = function(array, **parameters)
    except TilingError as error:
        return error
    assert result.chunks == array.chunks
    got = result.compute(scheduler="threads")
    assert result.dtype == result._meta.dtype == got.dtype
    return got


@pytest.mark.filterwarnings("ignore::UserWarning")  # as SciPy's
@pytest.mark.parametrize("name", CASES)
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_chunks_have_the_bits_of_scipy(name: str, data: st.DataObject) -> None:
    """Whatever array, parameters and chunks: the bytes are SciPy's, or the refusal is."""
    x = data.draw(inputs(name))
    parameters = CASES[name](data.draw, x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy_tiles, "SLAB_CHUNK_BYTES", data.draw(st.sampled_from([0, 2**23])))
        ours = we_say(name, x, parameters, data.draw(chunkings(x.shape)))
    # Of complex numbers SciPy adds parts as these filters do.
    signs = not sums_unlike_nans(name, x, parameters)
    agree(ours, scipy_says(name, x, parameters), signs=signs)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("chunks", [(4, 3), (7, 25), ((3, 0, 27), (24, 1))], ids=str)
def test_halos_deeper_than_chunks(mode: str, chunks: Any) -> None:
    """Of every edge mode: what is read may be many chunks, or all, or lie at the other end."""
    got = tilefan.dask.gaussian_filter(da.from_array(X, chunks=chunks), (2, 3), mode=mode, cval=3)
    assert_same_bits(got.compute(), ndimage.gaussian_filter(X, (2, 3), mode=mode, cval=3))


@pytest.mark.parametrize("shape", [(), (0,), (4, 0), (0, 3, 2)], ids=str)
def test_arrays_without_axes_or_samples(shape: tuple[int, ...]) -> None:
    """They come back as from SciPy, with their chunks."""
    x = np.ones(shape, ">i2")
    got = tilefan.dask.gaussian_filter(da.from_array(x, chunks=3), 2.0)
    assert_same_bits(got.compute(), ndimage.gaussian_filter(x, 2.0))


def test_a_chunk_is_a_task() -> None:
    """As many tasks as chunks, and each reads its neighbours and no others."""
    x = da.ones((60, 60, 60), chunks=20)
    (y,) = dask.optimize(tilefan.dask.gaussian_filter(x, 1, mode="wrap"))
    graph = dict(y.__dask_graph__())
    assert len(graph) == 2 * 27
    assert {len(graph[key].dependencies) for key in graph if key[0] == y.name} == {27}
    (y,) = dask.optimize(tilefan.dask.gaussian_filter(x, 1))
    graph = dict(y.__dask_graph__())
    assert sorted({len(graph[key].dependencies) for key in graph if key[0] == y.name}) == [
        *(8, 12, 18, 27)
    ]
    (part,) = dask.optimize(tilefan.dask.gaussian_filter(x, 1)[:5, :5, :5])
    assert len(dict(part.__dask_graph__())) <= 8 + 2


def test_of_large_chunks_slabs_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two along each axis, inside; a neighbour whose half is read is read whole."""
    monkeypatch.setattr(lazy_tiles, "SLAB_CHUNK_BYTES", 20**3 * 8)
    x = da.ones((60, 60, 60), chunks=20)
    for radius, slabs in ((5, 3 * 2 * 2 * 3 * 3), (6, 0)):
        y = tilefan.dask.gaussian_filter(x, 1, radius=radius)
        assert len(dict(y.__dask_graph__())) == 2 * 27 + slabs


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    """Not even samples whose bound decides how SciPy's running sums can be cut."""

    def fail() -> Array:
        raise AssertionError("computed")

    x = da.from_delayed(dask.delayed(fail)(), (20, 20), "f4").rechunk(7)
    for name in ("uniform_filter", "maximum_filter", "gaussian_filter"):
        getattr(tilefan.dask, name)(x, 3)


def test_equal_calls_are_one_name() -> None:
    """So that dask computes what two results share once, and other parameters are another name."""
    x = da.from_array(X, chunks=9)
    names = [tilefan.dask.gaussian_filter(x, sigma).name for sigma in (1, 1, 2)]
    assert names[0] == names[1] != names[2]


def test_chains_are_one_task_for_a_chunk() -> None:
    """The halos of its filters add up, and the bits are those of calls in turn."""
    links = [("gaussian_filter", {"sigma": 1}), ("sobel", {"axis": 0}), ("laplace", {})]
    x = da.from_array(X, chunks=(8, 9))
    y = tilefan.dask.run(links, x)
    want = ndimage.laplace(ndimage.sobel(ndimage.gaussian_filter(X, 1), 0))
    assert_same_bits(y.compute(), want)
    assert len(dict(y.__dask_graph__())) == len(dict(x.__dask_graph__())) + 12


def test_a_mask_may_be_lazy_too() -> None:
    """In chunks of its own."""
    x, mask = X > 1, X < 1.5
    got = tilefan.dask.binary_dilation(
        da.from_array(x, chunks=7), iterations=3, mask=da.from_array(mask, chunks=(4, 25))
    )
    assert_same_bits(got.compute(), ndimage.binary_dilation(x, iterations=3, mask=mask))


def test_a_byte_order_that_is_asked_for() -> None:
    """Is that of the result."""
    got = tilefan.dask.gaussian_filter(da.from_array(X, chunks=9), 1, output=np.dtype(">f4"))
    assert_same_bits(got.compute(), ndimage.gaussian_filter(X, 1, output=np.dtype(">f4")))


@pytest.mark.parametrize(
    ("name", "parameters", "kind", "words"),
    [
        ("gaussian_filter", {"sigma": 1, "output": np.empty((30, 25))}, BadTypeError, "store"),
        ("binary_dilation", {"iterations": 0}, UnsupportedError, "one chunk, not of 12"),
        ("binary_fill_holes", {}, UnsupportedError, "x.rechunk"),
        ("binary_erosion", {"mask": np.ones((2, 2))}, UnsupportedError, "equal sizes"),
        ("generic_filter", {"function": max}, UnsupportedError, "calls a function of yours"),
        ("gaussian_filter", {"sigma": 1, "tile": 5}, BadTypeError, "tile"),
        ("gaussian_filter", {}, BadTypeError, "sigma"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_refused_is_refused_at_once(
    name: str, parameters: dict[str, Any], kind: type[Exception], words: str
) -> None:
    """With the reason, and before any task runs."""
    with pytest.raises(kind, match=words):
        getattr(tilefan.dask, name)(da.from_array(X, chunks=(8, 9)), **parameters)


def test_arrays_that_are_not_known_well_enough() -> None:
    """Chunks whose lengths nobody knows, and those of another library."""
    x = da.from_array(X, chunks=9)
    with pytest.raises(BadValueError, match="compute_chunk_sizes"):
        tilefan.dask.sobel(x[x > 0])
    x._meta = memoryview(b"")
    with pytest.raises(BadTypeError, match="memoryview"):
        tilefan.dask.sobel(x)
    with pytest.raises(BadValueError, match="no array"):
        tilefan.dask.sobel([[1, 2], [3]])


@pytest.mark.parametrize("chunks", [(30, 25), (10, 5)], ids=str)
@pytest.mark.parametrize(
    "lie",
    [lambda b: b[:1], lambda b: b[:1, :1], lambda b: b[..., None], lambda b: b.astype("i4")],
    ids=["shorter", "one sample", "another axis", "another dtype"],
)
def test_chunks_that_are_not_what_is_said_of_them(chunks: Any, lie: Any) -> None:
    """Nothing is cast, spread or made up: SciPy would have filtered what is there."""
    x = da.from_array(X, chunks=chunks)
    x = da.map_blocks(lie, x, chunks=x.chunks, dtype=x.dtype)
    with pytest.raises(BadValueError, match=r"a chunk is (float64|int32) of"):
        tilefan.dask.gaussian_filter(x, 1).compute()


def test_scipys_warnings() -> None:
    """They come with the call."""
    with pytest.warns(UserWarning, match="ignoring size"):
        tilefan.dask.median_filter(da.from_array(X, chunks=9), 3, np.ones((3, 3)))


def test_processes_of_dasks_own() -> None:
    """Its scheduler for one machine."""
    y = tilefan.dask.gaussian_filter(da.from_array(X, chunks=(7, 8)), 2)
    assert_same_bits(y.compute(scheduler="processes", num_workers=1), ndimage.gaussian_filter(X, 2))


def test_to_zarr(tmp_path: Path) -> None:
    """From a store into a store, chunk by chunk."""
    da.from_array(X, chunks=(7, 8)).to_zarr(tmp_path / "in.zarr")
    x = da.from_zarr(tmp_path / "in.zarr")
    tilefan.dask.gaussian_filter(x, 2).to_zarr(tmp_path / "out.zarr")
    got = da.from_zarr(tmp_path / "out.zarr")
    assert got.chunks == x.chunks
    assert_same_bits(got.compute(), ndimage.gaussian_filter(X, 2))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    with dask_cluster(2) as client:
        yield client


ANYWHERE = [
    ("gaussian_filter", {"sigma": 2, "mode": "wrap"}),
    ("uniform_filter", {"size": 3}),
    ("median_filter", {"size": 3}),
    ("white_tophat", {"size": 4}),
    ("binary_erosion", {"iterations": 2, "mask": np.ones(X.shape)}),
]
each_anywhere = pytest.mark.parametrize(("name", "parameters"), ANYWHERE, ids=lambda v: str(v)[:16])


@each_anywhere
def test_a_cluster_of_processes(name: str, parameters: dict[str, Any], cluster: Client) -> None:
    """Tasks travel to other processes, and so do chunks."""
    y = getattr(tilefan.dask, name)(da.from_array(X, chunks=(7, 8)), **parameters)
    want = getattr(ndimage, name)(X, **parameters)
    assert_same_bits(y.compute(), want)
    assert_same_bits(cluster.persist(y).compute(), want)


def test_there_is_a_function_for_each_row() -> None:
    """With SciPy's parameters; what chunks can't have is refused with the reason."""
    assert set(tilefan.dask.__all__) == {"run", *FILTERS}
    for row in supported():
        function = getattr(tilefan.dask, row.name)
        own = [name for name in inspect.signature(function).parameters if name != "input"]
        assert own == list(row.signature.parameters)


def test_functions_travel_by_name() -> None:
    """To other processes, as SciPy's do."""
    for name in FILTERS:
        function = getattr(tilefan.dask, name)
        assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("module", [geometry, lazy, tilefan.dask], ids=lambda each: each.__name__)
def test_examples_run(module: Any) -> None:
    """What a docstring shows is what happens."""
    results = doctest.testmod(module)
    assert results.attempted > 1
    assert results.failed == 0


@pytest.mark.parametrize("name", ["dask", "xarray"])
def test_what_is_missing_is_named(name: str) -> None:
    """With the line that installs it."""
    lines = f"import sys; sys.modules[{name!r}] = None; import tilefan.{name}"
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=False
    )
    last = done.stderr.splitlines()[-1]
    assert last == f"ImportError: tilefan.{name} needs {name}: pip install 'tilefan[{name}]'"
