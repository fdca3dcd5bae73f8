"""The table as people meet it: signatures, docstrings, refusals, the documents, and the wire."""

from __future__ import annotations

import inspect
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage as scipy_ndimage

import coordinator
from coordinator import ndimage
from coordinator.cli.commands.filter import END, START, markdown_table
from tests.support.equality import assert_same_bits
from tiling.errors import TilingError, UnsupportedError, WireError
from tiling.filters import FILTERS, Exactness, supported
from tiling.filters.meanings import MEANINGS, one_per_axis
from tiling.jobs.job import Job
from tiling.kernels import reference
from tiling.kernels.apply import apply

X = np.arange(12.0).reshape(3, 4)
ROWS = [row.name for row in supported()]
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "filters.md"
KINDS = (ValueError, TypeError, RuntimeError)

SAMPLES: dict[str, dict[str, Any]] = {
    **{name: {"sigma": 1} for name in ROWS if name.startswith("gaussian")},
    **{name: {"weights": [[1, 2], [3, 4]]} for name in ("correlate", "convolve")},
    **{name: {"weights": [1, 2, 1]} for name in ("correlate1d", "convolve1d")},
    **{name: {"size": 2} for name in ROWS if name.startswith(("min", "max", "uni", "median"))},
    **{name: {"size": 3} for name in ROWS if name.startswith(("grey", "morph", "white", "black"))},
    "rank_filter": {"rank": 1, "size": 2},
    "percentile_filter": {"percentile": 30, "size": 3},
}


def shown(function: Any, skipped: int = 0) -> list[tuple[str, Any, Any]]:
    parameters = list(inspect.signature(function).parameters.values())[skipped:]
    return [(p.name, p.kind, p.default) for p in parameters if p.name != "tile"]


@pytest.mark.parametrize("name", ROWS)
def test_signatures_are_scipys(name: str) -> None:
    """The functions, the methods and the rows take what SciPy's functions take."""
    theirs = shown(getattr(scipy_ndimage, name))
    assert shown(getattr(ndimage, name)) == theirs
    assert shown(getattr(coordinator.Fleet, name), 1) == theirs
    assert shown(FILTERS[name].call, 2) == theirs[1:]
    for face in (getattr(ndimage, name), getattr(coordinator.Fleet, name)):
        assert inspect.signature(face).parameters["tile"].kind is inspect.Parameter.KEYWORD_ONLY
        assert face.__name__ == name
        assert f"scipy.ndimage.{name}" in face.__doc__


def test_the_module_lists_its_functions() -> None:
    """As `scipy.ndimage` does, in `__all__` and to `dir`."""
    assert {"run", *FILTERS} == set(ndimage.__all__)
    assert set(ROWS) < set(dir(ndimage))
    with pytest.raises(AttributeError, match="no_filter"):
        _ = ndimage.no_filter


def test_every_parameter_has_a_meaning() -> None:
    """One for all filters, and none that no function has."""
    faces = [inspect.signature(getattr(ndimage, name)) for name in FILTERS]
    names = {one for face in faces for one in face.parameters} | {"truncate", "radius"}
    assert set(MEANINGS) == names - {"kwargs"}
    assert {name for name, meaning in MEANINGS.items() if meaning.several} == set(PER_AXIS)


@pytest.mark.parametrize(
    "name", [name for name, row in FILTERS.items() if row.exactness is Exactness.REFUSED]
)
def test_what_calls_a_function_is_refused_on_a_fleet(name: str) -> None:
    """With the reason, whatever it is called with, and before anybody is greeted."""
    with (
        coordinator.Fleet(["127.0.0.1:9"]) as fleet,
        pytest.raises(UnsupportedError, match=f"{name} is refused: it"),
    ):
        getattr(fleet, name)(X, np.sum, size=3)


def test_what_calls_a_function_is_scipys_here() -> None:
    """The same bits, and the same calls in the same order."""
    calls: tuple[list[Any], list[Any]] = ([], [])

    def noted(called: list[Any]) -> Any:
        return lambda window: called.append(window.copy()) or window.sum()

    ours = ndimage.generic_filter(X, noted(calls[0]), size=3, mode="wrap")
    theirs = scipy_ndimage.generic_filter(X, noted(calls[1]), size=3, mode="wrap")
    assert_same_bits(ours, theirs)
    assert_same_bits(np.array(calls[0]), np.array(calls[1]))


PER_AXIS: dict[str, Any] = {
    "sigma": [1, 1],
    "order": [0, 1],
    "radius": [1, 2],
    "size": [3, 3],
    "origin": [0, 0],
    "mode": ["wrap", "mirror"],
}


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, each) for name in ROWS for each in PER_AXIS if each in FILTERS[name].defaults],
)
def test_who_takes_a_value_for_each_axis(name: str, parameter: str) -> None:
    """Docstrings and types say it where it is so, and only there."""
    parameters = {**SAMPLES.get(name, {}), parameter: PER_AXIS[parameter]}
    if one_per_axis(name, parameter):
        getattr(ndimage, name)(X, **parameters)
    else:
        with pytest.raises(TilingError):
            getattr(ndimage, name)(X, **parameters)


BAD: list[tuple[str, Any, dict[str, Any]]] = [
    ("sobel", X, {"axis": 2}),
    ("sobel", X, {"axis": 0.5}),
    ("sobel", X, {"mode": ["wrap"]}),
    ("sobel", X, {"mode": "nope"}),
    ("sobel", X.astype("f2"), {}),
    ("laplace", X, {"axes": (0, 0)}),
    ("laplace", X, {"mode": ["wrap"] * 3}),
    ("gaussian_laplace", X, {"sigma": (1, 2, 3)}),
    ("gaussian_laplace", X, {"sigma": 1, "nope": 1}),
    ("correlate1d", X, {"weights": []}),
    ("correlate1d", X, {"weights": [[1]]}),
    ("correlate1d", X, {"weights": [1, 2], "origin": 1}),
    ("correlate1d", X, {"weights": ["a"]}),
    ("correlate1d", X, {"weights": [1j], "cval": 1j}),
    ("correlate1d", X, {"weights": [1j], "output": "f8"}),
    ("convolve1d", X, {"weights": [1, 2], "origin": 1}),
    ("correlate", X, {"weights": [1, 2]}),
    ("correlate", X, {"weights": np.ones((2, 2)), "mode": ["wrap", "wrap"]}),
    ("correlate", X, {"weights": np.ones((2, 2)), "origin": 2}),
    ("convolve", X, {"weights": np.ones((0, 2))}),
    ("minimum_filter", X, {}),
    ("minimum_filter", X, {"footprint": np.zeros((2, 2))}),
    ("minimum_filter", X, {"size": (2, 2, 2)}),
    ("minimum_filter", X, {"size": 3, "origin": 2}),
    ("minimum_filter", X, {"size": "3"}),
    ("minimum_filter", X + 1j, {"size": 3}),
    ("minimum_filter", X, {"footprint": [[1, 0], [0, 1]], "mode": ["wrap", "wrap"]}),
    ("maximum_filter1d", X, {"size": 0}),
    ("maximum_filter1d", X, {"size": 2.5}),
    ("median_filter", X, {}),
    ("median_filter", X, {"size": 2.5}),
    ("median_filter", X, {"size": 3, "mode": ["wrap", "wrap"]}),
    ("median_filter", X + 1j, {"size": 3}),
    ("rank_filter", X, {"rank": 9, "size": 3}),
    ("rank_filter", X, {"rank": 1.5, "size": 3}),
    ("percentile_filter", X, {"percentile": 101, "size": 3}),
    ("uniform_filter1d", X, {"size": 0}),
    ("uniform_filter1d", X, {"size": 3, "origin": 2}),
    ("uniform_filter", X, {"size": (1, 2, 3)}),
    ("grey_erosion", X, {}),
    ("grey_erosion", X, {"structure": [1, 2]}),
    ("grey_dilation", X, {"size": 3, "origin": (0, 0, 0)}),
    ("morphological_gradient", X > 3, {"size": 3}),
    ("white_tophat", X, {"size": 3, "output": "i4"}),
    ("binary_erosion", X, {"structure": [1, 1]}),
    ("binary_erosion", X, {"iterations": 1.5}),
    ("binary_erosion", X + 1j, {}),
    ("binary_dilation", X, {"structure": np.ones((0, 1))}),
]


@pytest.mark.parametrize(
    ("name", "x", "parameters"), BAD, ids=[f"{name} {parameters}" for name, _, parameters in BAD]
)
def test_bad_input_is_refused_as_scipy_does(name: str, x: Any, parameters: dict[str, Any]) -> None:
    """By the same builtin kind of error, and as one of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(KINDS) as theirs:
            getattr(scipy_ndimage, name)(x, **parameters)
    with pytest.raises(TilingError) as ours:
        getattr(ndimage, name)(x, **parameters)
    assert any(isinstance(theirs.value, kind) and isinstance(ours.value, kind) for kind in KINDS)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("binary_erosion", {"iterations": 0, "structure": [[1, 1], [1, 0]]}),
        ("binary_propagation", {"structure": [[1, 0, 1]]}),
    ],
)
def test_what_may_never_end_is_refused(name: str, parameters: dict[str, Any]) -> None:
    """Without its centre in the structure an erosion may go to and fro for ever."""
    with pytest.raises(UnsupportedError, match="need not come to an end"):
        getattr(ndimage, name)(X > 5, **parameters)


def test_only_the_first_filter_of_a_chain_takes_a_mask() -> None:
    """Later ones would need it cut to a block that is not sent."""
    links = [("median_filter", {"size": 3}), ("binary_erosion", {"mask": X > 5})]
    with pytest.raises(UnsupportedError, match="only the first filter"):
        ndimage.run(links, X)
    got = ndimage.run(links[::-1], X)
    assert_same_bits(
        got, scipy_ndimage.median_filter(scipy_ndimage.binary_erosion(X, mask=X > 5), 3)
    )


def test_a_mask_of_another_shape_is_refused() -> None:
    """With SciPy's words."""
    with pytest.raises(RuntimeError, match="mask and input must have equal sizes"):
        ndimage.binary_erosion(X, mask=np.ones((4, 3)))


@pytest.mark.parametrize("name", ROWS)
def test_an_output_array_is_filled(name: str) -> None:
    """It is returned, whatever its strides."""
    out = np.zeros((6, 8), bool if name.startswith("binary") else float)[::2, ::2]
    assert getattr(ndimage, name)(X, **SAMPLES.get(name, {}), output=out) is out
    want = np.zeros_like(out)
    getattr(scipy_ndimage, name)(X, **SAMPLES.get(name, {}), output=want)
    assert_same_bits(out, want)


@pytest.mark.parametrize("name", ROWS)
def test_the_output_may_be_the_input(name: str) -> None:
    """Where SciPy reads it before it writes; else it is refused."""
    x, want = X.copy(), X.copy()
    if not FILTERS[name].in_place:
        with pytest.raises(UnsupportedError, match="shares memory"):
            getattr(ndimage, name)(x, **SAMPLES.get(name, {}), output=x)
        return
    getattr(ndimage, name)(x, **SAMPLES.get(name, {}), output=x)
    getattr(scipy_ndimage, name)(want, **SAMPLES.get(name, {}), output=want)
    assert_same_bits(x, want)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_travels(name: str) -> None:
    """The job that arrives is the one that was sent, and gives the same bits."""
    job = Job(2, (FILTERS[name].call(2, X.dtype, **SAMPLES.get(name, {})),))
    again = Job.decode(job.encode())
    assert again == job
    out = np.empty(X.shape, job.target)
    apply(again.program, X, (slice(0, 3), slice(0, 4)), out, reference.run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same_bits(out, getattr(scipy_ndimage, name)(X, **SAMPLES.get(name, {})))


@pytest.mark.parametrize("name", ROWS)
def test_nothing_that_arrives_is_believed(name: str) -> None:
    """A value of another type, a key too many or too few: an error, never another crash."""
    job = Job(2, (FILTERS[name].call(2, X.dtype, **SAMPLES.get(name, {})),))
    whole = json.loads(job.encode())
    for path in paths(whole["calls"][0]["operation"]):
        for value in (None, -1, 10**30, "x", [], {}, True, 1.5, ...):
            changed = json.loads(job.encode())
            put(changed["calls"][0]["operation"], path, value)
            try:
                Job.decode(json.dumps(changed).encode())
            except (WireError, TilingError):
                continue


def paths(value: Any) -> list[tuple[Any, ...]]:
    """Return the way to every value in a tree."""
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return []
    return [path for key, part in items for path in [(key,), *((key, *p) for p in paths(part))]]


def put(tree: Any, path: tuple[Any, ...], value: Any) -> None:
    """Change the value at the end of a path, or remove it if it is `...`."""
    for key in path[:-1]:
        tree = tree[key]
    if value is ...:
        del tree[path[-1]]
    else:
        tree[path[-1]] = value


def test_the_documents_have_the_table() -> None:
    """If this fails, put what `coord filters --markdown` prints between the markers."""
    text = PAGE.read_text("utf-8")
    table = text[text.index(START) + len(START) : text.index(END)]
    assert table.strip() == markdown_table()
