"""OME images in zarr: the level that is filtered is what is left, and a validator agrees."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.errors import InputError
from coordinator.stores.files import find_layout, open_place
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import RunOptions
from tests.support.equality import assert_same_bits
from tests.support.formats import Array, load_zarr

pytest.importorskip("tensorstore")
zarr = pytest.importorskip("zarr")

FULL = np.random.default_rng(2).random((2, 6, 8)).astype("f4")
HALF = FULL[:, ::2, ::2].copy()

CHANNEL = {"color": "FF0000", "window": {"start": 0, "end": 1, "min": 0, "max": 1}}


def image(path: Path, version: int) -> Path:
    """Write an image of two levels as zarr-python does."""
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    datasets = [
        {
            "path": f"s{number}",
            "coordinateTransformations": [{"type": "scale", "scale": [1.0, 0.5 * f, 0.5 * f]}],
        }
        for number, f in enumerate((1, 2))
    ]
    multiscales = [{"name": "cells", "axes": axes, "datasets": datasets, "type": "gaussian"}]
    said: dict[str, Any] = {"omero": {"channels": [CHANNEL, CHANNEL]}}
    if version == 2:
        attributes = {"multiscales": [{"version": "0.4", **multiscales[0]}], **said}
    else:
        attributes = {"ome": {"version": "0.5", "multiscales": multiscales, **said}}
    group = zarr.create_group(path, zarr_format=version, attributes=attributes)
    names = {"dimension_names": ["c", "y", "x"]} if version == 3 else {}
    for number, level in enumerate((FULL, HALF)):
        group.create_array(f"s{number}", data=level, chunks=(1, 3, 4), **names)
    return path


def filtered(source: Path | Place, target: Path, *, pyramid: bool = False) -> Array:
    """Filter, have the validator look, and return what zarr-python reads."""
    options = RunOptions(style="none", storing=Storing(pyramid=pyramid))
    filter_chain([("gaussian_filter", {"sigma": 1.0})], Path(str(source)), target, options)
    validate(target)
    return load_zarr(target)


def validate(path: Path) -> None:
    """Have the models of OME's metadata look at it, where they are installed."""
    try:
        from yaozarrs import v04, v05
    except ImportError:
        return
    if (path / "zarr.json").exists():
        v05.OMEZarrGroupJSON.model_validate_json((path / "zarr.json").read_bytes())
    else:
        v04.Image.model_validate_json((path / ".zattrs").read_bytes())


def said_of(path: Path) -> dict[str, Any]:
    attributes: dict[str, Any] = dict(zarr.open_group(path, mode="r").attrs)
    inside: dict[str, Any] = attributes.get("ome", attributes)
    return inside


@pytest.mark.parametrize("version", [2, 3])
def test_the_first_level_is_filtered(tmp_path: Path, version: int) -> None:
    """The output is an image of that level: its names, scale, channels and chunks."""
    source = image(tmp_path / "in.ome.zarr", version)
    target = tmp_path / "out.ome.zarr"
    assert_same_bits(filtered(source, target), gaussian_filter(FULL, 1))
    (was,), (now,) = (said_of(path)["multiscales"] for path in (source, target))
    assert now["axes"] == was["axes"]
    assert now["name"] == "cells"
    assert now["datasets"] == [{**was["datasets"][0], "path": "0"}]
    assert "type" not in now
    assert said_of(target)["omero"] == said_of(source)["omero"]
    written = zarr.open_group(target, mode="r")
    assert written["0"].chunks == (1, 3, 4)
    assert [*written.array_keys()] == ["0"]


@pytest.mark.parametrize("version", [2, 3])
def test_a_level_by_name(tmp_path: Path, version: int) -> None:
    """It has the scale of that level."""
    source = Place(image(tmp_path / "in.ome.zarr", version), "s1")
    assert_same_bits(filtered(source, tmp_path / "out.zarr"), gaussian_filter(HALF, 1))
    (now,) = said_of(tmp_path / "out.zarr")["multiscales"]
    assert now["datasets"][0]["coordinateTransformations"][0]["scale"] == [1.0, 1.0, 1.0]


def consolidate(path: Path, version: int) -> None:
    """Have zarr-python do it, which warns that version 3 does not know it yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path, zarr_format=version)


def consolidated(path: Path) -> Any:
    """Return the metadata that a group repeats; None if it repeats none."""
    if (old := path / ".zmetadata").exists():
        found = json.loads(old.read_text())["metadata"]
        return {key: value for key, value in found.items() if value}  # empty ones may be left out
    new = path / "zarr.json"
    return json.loads(new.read_text()).get("consolidated_metadata") if new.exists() else None


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("pyramid", [False, True], ids=["", "pyramid"])
def test_consolidated_metadata(tmp_path: Path, version: int, *, pyramid: bool) -> None:
    """The output has it if the input has, and it is what zarr-python would make of the output."""
    source = image(tmp_path / "in.ome.zarr", version)
    filtered(source, tmp_path / "without.ome.zarr", pyramid=pyramid)
    assert consolidated(tmp_path / "without.ome.zarr") is None
    consolidate(source, version)
    assert_same_bits(
        filtered(source, tmp_path / "out.ome.zarr", pyramid=pyramid), gaussian_filter(FULL, 1)
    )
    anew = tmp_path / "anew.ome.zarr"
    shutil.copytree(tmp_path / "without.ome.zarr", anew)
    consolidate(anew, version)
    assert consolidated(tmp_path / "out.ome.zarr") == consolidated(anew)
    opened = zarr.open_consolidated(tmp_path / "out.ome.zarr", zarr_format=version)
    assert [*opened.array_keys()] == (["0", "1"] if pyramid else ["0"])


def test_an_array_of_a_consolidated_group(tmp_path: Path) -> None:
    """By itself it has no group, and nothing to repeat."""
    group = zarr.create_group(tmp_path / "in.zarr")
    group.create_array("one", data=FULL, chunks=(1, 3, 4))
    consolidate(tmp_path / "in.zarr", 3)
    filter_chain(
        [("gaussian_filter", {"sigma": 1.0})],
        Path(f"{tmp_path}/in.zarr::one"),
        tmp_path / "out.zarr",
        RunOptions(style="none"),
    )
    assert_same_bits(load_zarr(tmp_path / "out.zarr"), gaussian_filter(FULL, 1))
    assert consolidated(tmp_path / "out.zarr") is None


def test_what_is_said_of_it(tmp_path: Path) -> None:
    """Chunks, codec, axes and levels."""
    row, layout = find_layout(image(tmp_path / "in.ome.zarr", 3))
    assert row.name == "zarr"
    assert layout.stored == "zarr 3, chunks 1,3,4, zstd, axes c, y, x, level s0 of 2"


def test_an_output_is_filtered_again(tmp_path: Path) -> None:
    """It is an image like any other."""
    once = filtered(image(tmp_path / "in.ome.zarr", 3), tmp_path / "once.ome.zarr")
    twice = filtered(tmp_path / "once.ome.zarr", tmp_path / "twice.ome.zarr")
    assert_same_bits(twice, gaussian_filter(once, 1))


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_an_image_of_an_array(tmp_path: Path, ndim: int) -> None:
    """The last axes of t, c, z, y, x, for nothing else is known."""
    array = np.random.default_rng(3).random((3,) * ndim)
    np.save(tmp_path / "in.npy", array)
    got = filtered(tmp_path / "in.npy", tmp_path / "out.ome.zarr")
    assert_same_bits(got, gaussian_filter(array, 1))
    (now,) = said_of(tmp_path / "out.ome.zarr")["multiscales"]
    assert "".join(axis["name"] for axis in now["axes"]) == "tczyx"[-ndim:]
    level = zarr.open_group(tmp_path / "out.ome.zarr", mode="r")["0"]
    assert "".join(level.metadata.dimension_names) == "tczyx"[-ndim:]


def test_an_image_has_two_axes_at_least(tmp_path: Path) -> None:
    """And five at most; another name makes it a plain array."""
    np.save(tmp_path / "in.npy", np.zeros(4))
    with pytest.raises(InputError, match=r"2 to 5 axes, not 1; name it .zarr"):
        filtered(tmp_path / "in.npy", tmp_path / "out.ome.zarr")


@pytest.mark.parametrize("path", ["../other", "nix", "s0/../../other"])
def test_levels_lead_nowhere_else(tmp_path: Path, path: str) -> None:
    """What the metadata names may be anybody's."""
    source = image(tmp_path / "in.ome.zarr", 3)
    document = json.loads((source / "zarr.json").read_text())
    document["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = path
    (source / "zarr.json").write_text(json.dumps(document))
    zarr.create_array(tmp_path / "other", data=FULL)
    with pytest.raises(InputError, match="whose first level"):
        open_place(source)
