"""What formats could lose: other contents of an output, other files of an input, a change of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from coordinator.errors import InputChangedError, InputError
from coordinator.report.artifacts import Artifacts
from coordinator.stores.files import open_place
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.filter_files import filter_files
from coordinator.workflows.run_options import RunOptions
from tests.support.equality import assert_same_bits

h5py = pytest.importorskip("h5py")
fits = pytest.importorskip("astropy.io.fits")
tifffile = pytest.importorskip("tifffile")

MEDIAN = [("median_filter", {"size": 3})]
AGAIN = RunOptions(overwrite=True)
X = np.arange(120.0).reshape(12, 10)


def with_a_table(file: h5py.File) -> None:
    file["table"] = np.zeros(3, [("a", "i4"), ("b", "f8")])


def with_a_link(file: h5py.File) -> None:
    file["link"] = h5py.SoftLink("/nowhere")


def with_a_title(file: h5py.File) -> None:
    file.attrs["title"] = "mine"


def with_a_group(file: h5py.File) -> None:
    file.create_group("g")


@pytest.mark.parametrize("keep", [with_a_table, with_a_link, with_a_title, with_a_group])
def test_other_contents_of_an_output(tmp_path: Path, keep: Callable[[h5py.File], None]) -> None:
    """Whatever else an HDF5 file holds is a reason not to replace it."""
    np.save(tmp_path / "in.npy", X)
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["data"] = X
        keep(file)
    before = (tmp_path / "out.h5").read_bytes()
    with pytest.raises(InputError, match="would be lost"):
        filter_chain(MEDIAN, tmp_path / "in.npy", tmp_path / "out.h5::/data", AGAIN)
    assert (tmp_path / "out.h5").read_bytes() == before


def test_an_image_of_a_fits_file_is_not_replaced_alone(tmp_path: Path) -> None:
    """The file would be, with all others in it."""
    np.save(tmp_path / "in.npy", X)
    images = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(X, name="SCI"), fits.ImageHDU(X)])
    images.writeto(tmp_path / "out.fits")
    with pytest.raises(InputError, match="leave out ::SCI"):
        filter_chain(MEDIAN, tmp_path / "in.npy", tmp_path / "out.fits::SCI", AGAIN)


def test_two_arrays_of_a_file_do_not_share_an_output(tmp_path: Path) -> None:
    """Neither is one taken for the other when the run is resumed."""
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["a"], file["b"] = X, X
    both = [tmp_path / "two.h5::/a", tmp_path / "two.h5::/b"]
    for options in (AGAIN, RunOptions(resume=True)):
        with pytest.raises(InputError, match="two inputs would be written there"):
            filter_files(MEDIAN, both, tmp_path / "out", options, print)


@pytest.mark.parametrize(
    ("name", "words"), [("gone.h5", "missing"), ("../elsewhere.h5", "not in its folder")]
)
def test_sources_of_a_virtual_dataset(tmp_path: Path, name: str, words: str) -> None:
    """One that is missing is no fill value, and one elsewhere is not a stranger's to name."""
    folder = tmp_path / "in"
    folder.mkdir()
    with h5py.File(tmp_path / "elsewhere.h5", "w") as file:
        file["x"] = X
    layout = h5py.VirtualLayout(X.shape, X.dtype)
    layout[:] = h5py.VirtualSource(name, "x", X.shape)
    with h5py.File(folder / "v.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
    with pytest.raises(InputError, match=words):
        filter_chain(MEDIAN, folder / "v.h5", folder / "out.npy")


def gathering(folder: Path, *, nested: bool = False) -> Path:
    """Write a virtual dataset of another file, perhaps by way of a third."""
    with h5py.File(folder / "source.h5", "w") as file:
        file["x"] = X
    names = ["source.h5", "between.h5", "v.h5"] if nested else ["source.h5", "v.h5"]
    for source, name in pairwise(names):
        layout = h5py.VirtualLayout(X.shape, X.dtype)
        layout[:] = h5py.VirtualSource(source, "x", X.shape)
        with h5py.File(folder / name, "w") as file:
            file.create_virtual_dataset("x", layout)
    return folder / "v.h5"


@pytest.mark.parametrize("nested", [False, True])
def test_files_that_an_input_gathers_from_are_inputs(tmp_path: Path, nested: bool) -> None:
    """Neither the output nor a report may be one of them; that may be a file between too."""
    given = gathering(tmp_path, nested=nested)
    names = ["source.h5", *(["between.h5"] if nested else [])]
    for name in names:
        before = (tmp_path / name).read_bytes()
        with pytest.raises(InputError, match="the output is the input"):
            filter_chain(MEDIAN, given, tmp_path / name, AGAIN)
        report = replace(AGAIN, artifacts=Artifacts(report=tmp_path / name))
        with pytest.raises(InputError, match="reads or writes this file already"):
            filter_chain(MEDIAN, given, tmp_path / "out.npy", report)
        assert (tmp_path / name).read_bytes() == before
    assert [*open_place(given).reads] == sorted(tmp_path / name for name in names)


def grows_when_decoded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file get longer while a run goes on: just after an HDF5 input was decoded."""
    from coordinator.stores import hdf5

    decode = hdf5.decode

    def decode_and_change(*arguments: object) -> None:
        decode(*arguments)  # type: ignore[arg-type]
        with path.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(hdf5, "decode", decode_and_change)


def test_a_file_that_an_input_gathers_from_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the input did."""
    given = gathering(tmp_path)
    grows_when_decoded(tmp_path / "source.h5", monkeypatch)
    with pytest.raises(InputChangedError):
        filter_chain(MEDIAN, given, tmp_path / "out.npy")
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("pipe.h5", "x", "pipe.h5: not a regular file"),
        ("part-%%.h5", "x", "a pattern of names"),
        (".", "x", "gathers of itself"),
        ("other.h5", "raw", "whose samples are not there"),
        ("other.h5", "link", "a link to pipe.h5::/x"),
        ("other.h5", "group", "whose samples are not there"),
    ],
)
def test_sources_that_are_not_read(tmp_path: Path, source: str, name: str, words: str) -> None:
    """A pipe, a pattern, itself, other files by way of the source: none is opened."""
    os.mkfifo(tmp_path / "pipe.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.create_dataset("raw", X.shape, "f8", external=[("pipe.h5", 0, X.nbytes)])
        file["link"] = h5py.ExternalLink("pipe.h5", "/x")
        file.create_group("group")
    layout = h5py.VirtualLayout(X.shape, X.dtype)
    layout[:] = h5py.VirtualSource(source, name, X.shape)
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    with pytest.raises(InputError, match=words):
        open_place(tmp_path / "in.h5")


@pytest.mark.parametrize("inside", ["/away", "/soft", "/group/away", "/group/up", "/round"])
def test_links_into_other_files_are_not_followed(tmp_path: Path, inside: str) -> None:
    """Not even to find out what is there: it could be a pipe."""
    os.mkfifo(tmp_path / "pipe.h5")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["away"] = h5py.ExternalLink("pipe.h5", "/x")
        file["soft"] = h5py.SoftLink("/group/away")
        file["group/away"] = h5py.ExternalLink("pipe.h5", "/x")
        file["group/up"] = h5py.SoftLink("/away")
        file["round"] = h5py.SoftLink("/round")
        file["x"], file["near"] = X, h5py.SoftLink("x")
    words = "too many links" if inside == "/round" else "a link to pipe.h5::/x; name that"
    with pytest.raises(InputError, match=words):
        open_place(Path(f"{tmp_path}/in.h5::{inside}"))
    assert_same_bits(open_place(Path(f"{tmp_path}/in.h5::/near")).array, X)


def test_planes_in_other_files(tmp_path: Path) -> None:
    """What OME says lies in another file is not read there."""
    plane = X.astype("u2")
    about = {"axes": "ZYX"}
    for name in ("other", "in"):
        tifffile.imwrite(tmp_path / f"{name}.ome.tif", plane[np.newaxis], ome=True, metadata=about)
    ours, other = (tifffile.tiffcomment(tmp_path / f"{name}.ome.tif") for name in ("in", "other"))
    uuid = other.partition('UUID="')[2].partition('"')[0]
    far = f'<UUID FileName="other.ome.tif">{uuid}</UUID>'
    planes = f'<TiffData IFD="0"/><TiffData IFD="0" FirstZ="1">{far}</TiffData>'
    ours = ours.replace('<TiffData IFD="0" PlaneCount="1"/>', planes).replace(
        'SizeZ="1"', 'SizeZ="2"'
    )
    tifffile.tiffcomment(tmp_path / "in.ome.tif", ours)
    assert tifffile.imread(tmp_path / "in.ome.tif").shape == (2, *X.shape)
    (tmp_path / "other.ome.tif").unlink()
    os.mkfifo(tmp_path / "other.ome.tif")  # whoever opens it waits for ever
    with pytest.raises(InputError, match="in other files"):
        filter_chain(MEDIAN, tmp_path / "in.ome.tif", tmp_path / "out.npy")


def test_an_input_that_changes_while_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state is that before the first sample was read."""
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.create_dataset("x", data=X, chunks=(3, 10), compression="gzip")
    grows_when_decoded(tmp_path / "in.h5", monkeypatch)
    with pytest.raises(InputChangedError):
        filter_chain(MEDIAN, tmp_path / "in.h5", tmp_path / "out.npy")
    assert not (tmp_path / "out.npy").exists()
