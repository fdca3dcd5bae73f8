"""`coord filter`, `run`, `median`, `sobel` and `filters` through real processes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.stores.scratch import scratch
from tests.coordinator.cli.test_cli import contents, coord
from tests.support.equality import assert_same_bits
from tiling.filters import FILTERS, supported

X = np.random.default_rng(0).integers(0, 255, (30, 20, 3)).astype("u1")
MASK = np.random.default_rng(1).random(X.shape) < 0.9
CROSS = np.array([[[0], [1], [0]], [[1], [1], [1]], [[0], [1], [0]]], bool)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "in.npy", X)
    np.save(tmp_path / "cross.npy", CROSS)
    np.save(tmp_path / "mask.npy", MASK)
    return tmp_path


COMMANDS: list[tuple[str, str, Any]] = [
    (
        "filter median_filter in.npy --size 3,3,1",
        "in.median_filter.npy",
        ndimage.median_filter(X, (3, 3, 1)),
    ),
    (
        "median in.npy --footprint cross.npy -o out.npy",
        "out.npy",
        ndimage.median_filter(X, footprint=CROSS),
    ),
    (
        "sobel in.npy --axis 0 --dtype float32 --mode wrap,reflect,nearest",
        "in.sobel.npy",
        ndimage.sobel(X, 0, "f4", ["wrap", "reflect", "nearest"]),
    ),
    (
        "filter uniform_filter in.npy --size 4 --dtype float32 --tile 7 --origin=-1",
        "in.uniform_filter.npy",
        ndimage.uniform_filter(X, 4, "f4", origin=-1),
    ),
    (
        "filter correlate1d in.npy --weights [1,-2,0.5] --axis 1 --dtype float64",
        "in.correlate1d.npy",
        ndimage.correlate1d(X, [1, -2, 0.5], 1, "f8"),
    ),
    (
        "filter binary_erosion in.npy --iterations 2 --border-value 1 --brute-force 1",
        "in.binary_erosion.npy",
        ndimage.binary_erosion(X, None, 2, border_value=1),
    ),
    (
        "filter binary_fill_holes in.npy --tile 5",
        "in.binary_fill_holes.npy",
        ndimage.binary_fill_holes(X),
    ),
    (
        "filter binary_erosion in.npy --iterations 0 --mask mask.npy --tile 5",
        "in.binary_erosion.npy",
        ndimage.binary_erosion(X, iterations=0, mask=MASK),
    ),
    (
        "filter gaussian_laplace in.npy --sigma 1.5 --truncate 3 --dtype float32",
        "in.gaussian_laplace.npy",
        ndimage.gaussian_laplace(X, 1.5, "f4", truncate=3),
    ),
]


@pytest.mark.parametrize(("line", "name", "want"), COMMANDS, ids=[line for line, _, _ in COMMANDS])
def test_commands_write_what_scipy_gives(folder: Path, line: str, name: str, want: Any) -> None:
    """Options are SciPy's parameters."""
    ended = coord(folder, *line.split(), "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert_same_bits(np.load(folder / name), want)


def test_what_a_mask_made_is_verified_with_the_mask(folder: Path) -> None:
    """Its provenance names the mask; verify reads it, or is told another."""
    made = "filter binary_erosion in.npy --mask mask.npy -o out.npy -q"
    assert coord(folder, *made.split()).returncode == 0
    ended = coord(folder, "verify", "out.npy", "in.npy", "-q")
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = coord(folder, "show", "out.npy").stdout
    assert "    mask  mask.npy, mask-xxh3-128:" in shown
    verify = "verify out.npy in.npy --filter binary_erosion --mask mask.npy -q"
    assert coord(folder, *verify.split()).returncode == 0
    assert coord(folder, *verify.replace("mask.npy", "cross.npy").split()).returncode == 2


def test_a_mask_in_no_file(folder: Path) -> None:
    """What stood in the command line is asked for again."""
    np.save(folder / "in.npy", np.ones(3, bool))
    made = "filter binary_erosion in.npy --mask [1,0,1] -o o.npy -q"
    assert coord(folder, *made.split()).returncode == 0
    ended = coord(folder, "verify", "o.npy", "in.npy", "-q")
    assert (ended.returncode, ended.stderr) == (
        2,
        "coord: o.npy: it was made with a mask that its provenance does not name, with a digest; "
        "say --filter, --mask and how\n",
    )


def changed(mask: Path) -> str:
    np.save(mask, ~MASK)
    return "another mask than mask.npy is now"


def gone(mask: Path) -> str:
    mask.unlink()
    return "mask.npy: no such file"


def a_pipe(mask: Path) -> str:
    mask.unlink()
    os.mkfifo(mask)
    return "mask.npy: a pipe or a device"


def elsewhere(mask: Path) -> str:
    known = mask.with_name("out.npy.json")
    known.write_text(known.read_text().replace('"mask.npy"', '"https://192.0.2.1/m.zarr"'))
    return "another mask than https://192.0.2.1/m.zarr is now"


@pytest.mark.parametrize("harm", [changed, gone, a_pipe, elsewhere])
def test_a_mask_that_is_not_what_it_was(folder: Path, harm: Callable[[Path], str]) -> None:
    """Nothing is compared with another mask, and nothing is fetched that a stranger names."""
    made = "filter binary_erosion in.npy --mask mask.npy -o out.npy -q"
    assert coord(folder, *made.split()).returncode == 0
    words = harm(folder / "mask.npy")
    ended = coord(folder, "verify", "out.npy", "in.npy", "-q")
    assert (ended.returncode, words in ended.stderr) == (2, True), ended.stderr


def test_who_computed_each_stage(folder: Path) -> None:
    """Of a job in stages provenance and `coord show` name the makers of all of them."""
    np.save(folder / "in.npy", np.random.default_rng(5).random((40, 30)))
    command = "filter uniform_filter in.npy --size 4 -o out.npy --tile 10 --verify 1.0"
    made = coord(folder, *command.split())
    assert made.returncode == 0, made.stderr
    assert "verified: 7 of 7 tiles of all 2 stages recomputed by SciPy, equal" in made.stderr
    known = json.loads((folder / "out.npy.json").read_text())
    assert known["stages"] == [{"this machine": 3}, {"this machine": 4}]
    shown = coord(folder, "show", "out.npy").stdout
    assert "   stage  1 of 2: this machine: 3 tiles\n   stage  2 of 2: this machine: 4 t" in shown
    assert "this machine: 4 tiles of the last stage" in shown


@pytest.mark.parametrize("damaged", ["{}", "[]", "", '{"kind": "til', "[" * 100_000])
def test_a_damaged_provenance_is_not_taken_for_none(folder: Path, damaged: str) -> None:
    """`coord verify` does not guess which filter made a file whose provenance it can't read."""
    assert coord(folder, *["blur", "in.npy", "--sigma", "2", "-o", "out.npy", "-q"]).returncode == 0
    (folder / "out.npy.json").write_text(damaged)
    ended = coord(folder, "verify", "out.npy", "in.npy", "-q")
    assert (ended.returncode, "out.npy.json" in ended.stderr) == (2, True)
    assert coord(folder, *["verify", "out.npy", "in.npy", "--sigma", "2", "-q"]).returncode == 0


def test_a_pipeline(folder: Path) -> None:
    """Its arrays are files beside it, or lists."""
    (folder / "p.toml").write_text(
        '[[filters]]\nname = "gaussian_filter"\nsigma = [2, 2, 0]\n'
        '[[filters]]\nname = "maximum_filter"\nfootprint = "cross.npy"\n'
        '[[filters]]\nname = "correlate1d"\nweights = [1, 2]\naxis = 0\n'
    )
    assert coord(folder, "run", "p.toml", "in.npy", "-q").returncode == 0
    blurred = ndimage.gaussian_filter(X, [2, 2, 0])
    want = ndimage.correlate1d(ndimage.maximum_filter(blurred, footprint=CROSS), [1, 2], 0)
    assert_same_bits(np.load(folder / "in.run.npy"), want)


def test_all_mistakes_of_a_pipeline_at_once(folder: Path) -> None:
    """Each with its place and a suggestion, and nothing is written."""
    (folder / "p.toml").write_text(
        '[[filters]]\nname = "gausian_filter"\n[[filters]]\nname = "sobel"\naxs = 0\n'
        '[[filters]]\nname = "generic_filter"\n'
    )
    before = contents(folder)
    ended = coord(folder, "run", "p.toml", "in.npy")
    assert ended.returncode == 2
    for word in ("3 mistakes", "did you mean gaussian_filter?", "did you mean axis?", "refused"):
        assert word in ended.stderr
    assert contents(folder) == before


BAD = [
    ("filter nope in.npy", "No such command"),
    ("filter rank_filter in.npy --size 3", "--rank"),
    ("filter median_filter in.npy --size x", "want integers"),
    ("filter median_filter in.npy --footprint none.npy", "no such file"),
    ("filter correlate1d in.npy --weights [1,", "not lists of numbers"),
    ("filter median_filter in.npy --size 3 --mode warp", "did you mean wrap?"),
    (
        "filter binary_erosion in.npy --iterations 0 --structure [[[1,0]]]",
        "need not come to an end",
    ),
    ("filter binary_erosion in.npy --mask [1,2]", "mask and input must have equal sizes"),
    ("run none.toml in.npy", "none.toml: no such file"),
]


@pytest.mark.parametrize(("line", "word"), BAD, ids=[line for line, _ in BAD])
def test_mistakes_end_with_2_and_a_sentence(folder: Path, line: str, word: str) -> None:
    """Nothing is written."""
    before = contents(folder)
    ended = coord(folder, *line.split())
    assert ended.returncode == 2
    assert word in " ".join(ended.stderr.split())
    assert contents(folder) == before


def test_notes_before_work(folder: Path) -> None:
    """Each once, each with what to do; a flag silences them."""
    line = ("sobel", "in.npy", "--progress", "none", "--overwrite")
    said = coord(folder, *line).stderr.splitlines()
    assert [text.partition("; ")[2] != "" for text in said] == [True, True]
    assert "colours" in said[0]
    assert "negative results do not fit into uint8" in said[1]
    assert coord(folder, *line, "--no-notes").stderr == ""


def test_notes_on_nan_and_on_passes_that_cut(folder: Path) -> None:
    """NaN makes stages of whole lines; means of integers are cut at each pass."""
    np.save(folder / "nan.npy", np.array([[1.0, np.nan], [2, 3]]))
    line = ["--progress", "none", "--size", "2"]
    assert "NaN" in coord(folder, "filter", "minimum_filter", "nan.npy", *line).stderr
    np.save(folder / "whole.npy", np.ones((4, 5), "i4"))
    said = coord(folder, "filter", "uniform_filter", "whole.npy", *line).stderr
    assert "each of 2 passes cuts to int32" in said


def test_the_table_and_its_help(folder: Path) -> None:
    """Every row is listed, and has the help of its own parameters."""
    listed = coord(folder, "filters").stdout
    assert all(name in listed for name in FILTERS)
    names = coord(folder, "filter", "--help").stdout
    assert all(row.name in names for row in supported())
    own = coord(folder, "filter", "percentile_filter", "--help").stdout
    assert "--percentile" in own
    assert "--sigma" not in own


def test_a_refused_filter_says_why(folder: Path) -> None:
    """The reason is told where somebody asks for it."""
    ended = coord(folder, "filter", "generic_filter", "in.npy")
    assert ended.returncode == 2
    assert "it calls a function of yours" in ended.stderr


def test_large_intermediate_arrays_are_files_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take room where TMPDIR says, and leave nothing there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    array = scratch((100, 50), np.dtype("f4"), memory_bytes=100)
    array[...] = 7
    assert array.sum() == 35_000
    assert not array.flags.owndata
    assert not list(tmp_path.iterdir())
