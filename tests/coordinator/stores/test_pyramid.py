"""`--pyramid`: further levels of an OME image, by the plain mean, committed with the first."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.errors import InputError
from coordinator.stores import pyramid
from coordinator.stores.files import open_place
from coordinator.stores.ome_zarr import new_image
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import RunOptions
from tests.coordinator.stores.test_ome_zarr import FULL, image, said_of, validate
from tests.support.equality import assert_same_bits
from tests.support.formats import Array

pytest.importorskip("tensorstore")
zarr = pytest.importorskip("zarr")

LINKS = [("gaussian_filter", {"sigma": 1.0})]


def halved(array: Array, factors: tuple[int, ...]) -> Array:
    """Return the mean of the samples that each sample of the next level covers."""
    wide = array.astype("f4" if array.dtype == "f4" else "f8")
    shape = [-(-n // factor) for n, factor in zip(array.shape, factors, strict=True)]
    total, count = np.zeros(shape, wide.dtype), np.zeros(shape, wide.dtype)
    for offsets in itertools.product(*map(range, factors)):
        steps = zip(offsets, factors, strict=True)
        part = wide[tuple(slice(offset, None, factor) for offset, factor in steps)]
        covered = tuple(map(slice, part.shape))
        total[covered] += part
        count[covered] += 1
    mean = total / count
    return (np.rint(mean) if array.dtype.kind in "iu" else mean).astype(array.dtype)


def run(source: Path, target: Path, **options: Any) -> None:
    storing = Storing(pyramid=True, **options.pop("storing", {}))
    filter_chain(LINKS, source, target, RunOptions(style="none", storing=storing, **options))
    validate(target)


def levels_of(path: Path) -> list[Array]:
    group = zarr.open_group(path, mode="r")
    (said,) = said_of(path)["multiscales"]
    return [np.asarray(group[each["path"]][...]) for each in said["datasets"]]


@pytest.mark.parametrize("version", [2, 3])
def test_as_many_levels_as_the_input_has(tmp_path: Path, version: int) -> None:
    """They halve what those do, are stored alike, and say how they were made."""
    target = tmp_path / "out.ome.zarr"
    run(image(tmp_path / "in.ome.zarr", version), target)
    first, second = levels_of(target)
    assert_same_bits(first, gaussian_filter(FULL, 1))
    assert_same_bits(second, halved(first, (1, 2, 2)))
    (said,) = said_of(target)["multiscales"]
    assert said["type"] == "mean"
    assert "mean of 2 samples" in said["metadata"]["description"]
    assert [each["coordinateTransformations"] for each in said["datasets"]] == [
        [{"type": "scale", "scale": [1.0, 0.5, 0.5]}],
        [
            {"type": "scale", "scale": [1.0, 1.0, 1.0]},
            {"type": "translation", "translation": [0.0, 0.25, 0.25]},
        ],
    ]
    assert open_place(Place(target, "1")).about.chunk == open_place(target).about.chunk == (1, 3, 4)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u8", "f4", "f8"])
@pytest.mark.parametrize(
    "storing",
    [{"chunks": (64,)}, {"chunks": (33, 50)}, {"chunks": (50,), "shards": (100, 200)}],
    ids=["even", "odd", "shards"],
)
def test_axes_of_space_that_are_long(tmp_path: Path, dtype: str, storing: dict[str, Any]) -> None:
    """They are halved until they are not; the last sample of an odd one is a mean of fewer."""
    array = (np.random.default_rng(4).random((301, 1031)) * 100).astype(dtype)
    np.save(tmp_path / "in.npy", array)
    run(tmp_path / "in.npy", tmp_path / "out.ome.zarr", storing=storing)
    levels = levels_of(tmp_path / "out.ome.zarr")
    assert [level.shape for level in levels] == [(301, 1031), (151, 516), (151, 258), (151, 129)]
    assert_same_bits(levels[0], gaussian_filter(array, 1))
    for one, other, factors in zip(levels, levels[1:], [(2, 2), (1, 2), (1, 2)], strict=False):
        assert_same_bits(other, halved(one, factors))


SCALE = {"type": "scale", "scale": [1.0, 1.0]}


@pytest.mark.parametrize(
    ("axes", "transformations"),
    [
        (["y", "x"], [{"type": "scale", "scale": ["a", None]}]),
        ([1, None], [SCALE]),
        ([{"name": []}, {}], [SCALE, {"type": "translation", "translation": ["q", 10**400]}]),
        (["t", "c", "z", "y", "x"], [{"type": "scale", "scale": [10**400, float("nan")]}]),
        (7, "nothing"),
    ],
)
def test_metadata_that_makes_no_sense(tmp_path: Path, axes: Any, transformations: Any) -> None:
    """It is as if an image did not say it: the last three axes are of space, samples of size 1."""
    dataset = {"path": "0", "coordinateTransformations": transformations}
    said = {"version": "0.4", "axes": axes, "datasets": [dataset]}
    array = np.random.default_rng(5).random((300, 20))
    group = zarr.create_group(tmp_path / "in.ome.zarr", zarr_format=2)
    group.attrs["multiscales"] = [said]
    group.create_array("0", data=array, chunks=(100, 20))
    storing = Storing(pyramid=True)
    target = tmp_path / "out.ome.zarr"
    filter_chain(LINKS, tmp_path / "in.ome.zarr", target, RunOptions(style="none", storing=storing))
    first, second = levels_of(target)
    assert_same_bits(first, gaussian_filter(array, 1))
    assert_same_bits(second, halved(first, (2, 1)))


def test_what_is_no_axis_of_space_stays() -> None:
    """Times and channels are not mixed, however many there are."""
    assert new_image(5, 3, "it").halvings((999, 300, 20, 300, 100)) == ((1, 1, 1, 2, 1),)
    assert new_image(2, 3, "it").halvings((256, 256)) == ()


def test_a_level_that_is_filtered_has_those_after_it(tmp_path: Path) -> None:
    """Of the last one there are none, but for the length of its axes."""
    source = image(tmp_path / "in.ome.zarr", 3)
    run(Path(f"{source}::s1"), tmp_path / "out.ome.zarr")
    assert len(levels_of(tmp_path / "out.ome.zarr")) == 1


def test_it_is_committed_as_one_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed between levels has no image; no tile is computed again."""
    source, target = image(tmp_path / "in.ome.zarr", 3), tmp_path / "out.ome.zarr"
    monkeypatch.setattr("coordinator.stores.keyed_sink.fill", killed)
    with pytest.raises(KeyboardInterrupt):
        run(source, target)
    assert not target.exists()
    assert not [*(tmp_path / ".out.ome.zarr.partial").rglob("zarr.json")]
    monkeypatch.setattr("coordinator.stores.keyed_sink.fill", pyramid.fill)
    with pytest.raises(InputError, match="an unfinished run left"):
        run(source, target)
    said: list[str] = []
    run(source, target, resume=True, say=said.append)
    assert not said
    first, second = levels_of(target)
    assert_same_bits(second, halved(first, (1, 2, 2)))
    assert {path.name for path in tmp_path.iterdir()} == {"in.ome.zarr", "out.ome.zarr"}


def killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "words"),
    [("out.zarr", "is for OME images; name it out.ome.zarr"), ("out.npy", "for zarr outputs")],
)
def test_other_outputs_have_none(tmp_path: Path, name: str, words: str) -> None:
    """It is said how to have some."""
    np.save(tmp_path / "in.npy", np.zeros((4, 4)))
    with pytest.raises(InputError, match=words):
        filter_chain(
            LINKS, tmp_path / "in.npy", tmp_path / name, RunOptions(storing=Storing(pyramid=True))
        )
    assert not (tmp_path / name).exists()
