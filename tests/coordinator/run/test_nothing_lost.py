"""Files of others: links under hidden names, an input that changes, an output that appears."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.errors import InputChangedError, InputError, StoreError
from coordinator.report.artifacts import Artifacts
from coordinator.stores import partial
from coordinator.workflows.inspect_files import preview_files
from tests.coordinator.run.cut_short import SIGMA, TILES, Watched, Workbench
from tests.support.equality import assert_same_bits
from tests.support.formats import NPY, ZARR, Library

HIDDEN = (".out.npy.partial", ".out.npy.journal")
MINE = b"the work of years"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    return Workbench(tmp_path, monkeypatch)


def soft(name: Path, other: Path) -> None:
    name.symlink_to(other)


def hard(name: Path, other: Path) -> None:
    name.hardlink_to(other)


@pytest.mark.parametrize("link", [soft, hard])
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("to_input", [False, True], ids=["another file", "the input"])
def test_a_hidden_name_that_is_a_link(
    bench: Workbench, link: Callable[[Path, Path], None], hidden: str, to_input: bool
) -> None:
    """The run is refused, and the file that it leads to stays as it was."""
    other = bench.source if to_input else bench.target.with_name("mine")
    if not to_input:
        other.write_bytes(MINE)
    before = other.read_bytes()
    link(bench.target.with_name(hidden), other)
    with pytest.raises((StoreError, InputError)):
        bench.blur()
    assert other.read_bytes() == before
    assert not bench.target.exists()


def test_a_pipe_under_a_hidden_name(bench: Workbench) -> None:
    """It is neither waited for nor written into."""
    os.mkfifo(bench.journal)
    with pytest.raises(StoreError):
        bench.blur()
    bench.journal.unlink()
    os.mkfifo(bench.partial)
    with pytest.raises(StoreError):
        bench.blur()


def test_provenance_does_not_follow_links(bench: Workbench) -> None:
    """Not under the name that it had while it was written, and not under its own."""
    mine = bench.target.with_name("mine")
    mine.write_bytes(MINE)
    bench.target.with_name(".out.npy.json.partial").symlink_to(mine)
    bench.blur(artifacts=Artifacts(provenance=True))
    assert mine.read_bytes() == MINE
    bench.target.with_name("out.npy.json").unlink()
    bench.target.with_name("out.npy.json").symlink_to(mine)
    with pytest.raises(InputError, match="something else"):
        bench.blur(artifacts=Artifacts(provenance=True), overwrite=True)
    assert mine.read_bytes() == MINE


def test_an_input_with_the_name_of_the_partial_file(bench: Workbench) -> None:
    """It would be overwritten while it is read."""
    bench.source = bench.source.rename(bench.partial)
    before = bench.source.read_bytes()
    with pytest.raises(InputError, match="would grow in the input"):
        bench.blur(overwrite=True)
    assert bench.source.read_bytes() == before


@pytest.mark.parametrize(
    ("report", "trace"),
    [
        ("out/../out/out.npy", None),
        ("in.npy", None),
        ("out/.out.npy.journal", None),
        ("r.html", "out/../r.html"),
        ("out/out.npy.json", None),
    ],
)
def test_files_that_would_replace_each_other(
    bench: Workbench, report: str, trace: str | None
) -> None:
    """However they are spelt, before anything is written."""
    folder = bench.source.parent
    before = bench.source.read_bytes()
    artifacts = Artifacts(
        report=folder / report, trace=folder / trace if trace else None, provenance=None
    )
    with pytest.raises(InputError, match="reads or writes this file already"):
        bench.blur(artifacts=artifacts, overwrite=True)
    assert bench.left == set()
    assert bench.source.read_bytes() == before


def test_a_preview_replaces_pictures_only(bench: Workbench) -> None:
    """Neither the input nor a file of another kind, and them if that is asked for."""
    bench.blur()
    mine = bench.source.with_name("mine")
    mine.write_bytes(MINE)
    for path in (bench.source, bench.target, mine):
        before = path.read_bytes()
        with pytest.raises(InputError, match=r"something else|reads or writes|a PNG picture"):
            preview_files(bench.source, bench.target, path, overwrite=True)
        assert path.read_bytes() == before
    picture = bench.source.with_name("p.png")
    preview_files(bench.source, bench.target, picture)
    with pytest.raises(InputError, match="exists; replace it with --overwrite"):
        preview_files(bench.source, bench.target, picture)
    preview_files(bench.source, bench.target, picture, overwrite=True)
    assert picture.read_bytes().startswith(b"\x89PNG")


def written_to(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(bytes(8))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(1, path.stat().st_mtime_ns))
    other.replace(path)


def cut_short(path: Path) -> None:
    os.truncate(path, 200)


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [written_to, replaced, cut_short, gone])
@pytest.mark.parametrize("at", [1, TILES], ids=["first tile", "last tile"])
def test_an_input_that_changes(bench: Workbench, change: Callable[[Path], None], at: int) -> None:
    """Exit 7, and nothing is committed: it would be a mixture."""
    with pytest.raises(StoreError) as caught:
        bench.blur(Watched(at, lambda: change(bench.source)))
    assert caught.value.exit_code == 7
    assert not bench.target.exists()
    if change is not gone:
        assert isinstance(caught.value, InputChangedError)
        assert bench.left == set()


def test_an_output_that_appears(bench: Workbench) -> None:
    """It is not replaced without --overwrite, and the run's work is kept."""
    with pytest.raises(StoreError, match="somebody has made this file"):
        bench.blur(Watched(TILES, lambda: bench.target.write_bytes(MINE)))
    assert bench.target.read_bytes() == MINE
    bench.target.unlink()
    assert bench.blur(resume=True).sent == []
    assert bench.left == {"out.npy"}


def other_output(grown: Path) -> None:
    grown.rename(grown.with_name("moved"))
    if grown.with_name("moved").is_dir():
        grown.mkdir()
    else:
        grown.write_bytes(MINE)


def linked_output(grown: Path) -> None:
    grown.rename(grown.with_name("moved"))
    grown.symlink_to(grown.with_name("moved"))


def no_output(grown: Path) -> None:
    grown.rename(grown.with_name("moved"))


@pytest.mark.parametrize("change", [other_output, linked_output, no_output])
@pytest.mark.parametrize("library", [NPY, ZARR], ids=lambda each: each.suffix)
def test_an_output_that_is_taken_away(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    library: Library,
    change: Callable[[Path], None],
) -> None:
    """What is under its hidden name then is not what was computed: exit 7, and it is no output."""
    library.require()
    bench = Workbench(tmp_path, monkeypatch, library)
    with pytest.raises(StoreError, match=r"was replaced by somebody|No such file") as caught:
        bench.blur(Watched(TILES, lambda: change(bench.partial)))
    assert caught.value.exit_code == 7
    assert not bench.target.exists()


def test_chunks_that_are_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be read as fill values: exit 7, and a later run makes them again."""
    ZARR.require()
    bench = Workbench(tmp_path, monkeypatch, ZARR)

    def remove_one() -> None:
        next(path for path in sorted(bench.partial.rglob("*")) if path.is_file()).unlink()

    with pytest.raises(StoreError, match=r"1 of its \d+ chunks were removed"):
        bench.blur(Watched(TILES, remove_one))
    assert not bench.target.exists()
    assert len(bench.blur(resume=True).sent) == 1
    assert_same_bits(bench.result(), ndimage.gaussian_filter(bench.input(), SIGMA))


def test_without_hard_links(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a filesystem has none, the name is looked at before it is taken."""

    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(partial.os, "link", refuse)
    with pytest.raises(StoreError, match="somebody has made this file"):
        bench.blur(Watched(TILES, lambda: bench.target.write_bytes(MINE)))
    bench.target.unlink()
    bench.blur(resume=True)
    assert bench.left == {"out.npy"}


def test_overwriting_keeps_permissions_and_links(bench: Workbench) -> None:
    """A private file stays private, and a link stays a link."""
    real = bench.source.with_name("real.npy")
    real.write_bytes(MINE)
    real.chmod(0o600)
    bench.target.symlink_to(real)
    bench.blur(overwrite=True)
    assert bench.target.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert np.load(real).shape == np.load(bench.source).shape
    assert bench.left == {"out.npy"}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("sync", [False, True])
def test_the_bytes_are_on_the_disk_before_the_name(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, overwrite: bool, sync: bool
) -> None:
    """Data, name, folder, then the journal goes; --no-sync leaves out what waits for the disk."""
    calls: list[str] = []

    def logged(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            path = str(arguments[0])
            if name != "unlink" or path.endswith(".journal"):
                calls.append(name)
            return function(*arguments, **named)

        return call

    for name in ("fdatasync", "fsync", "link"):
        monkeypatch.setattr(os, name, logged(name, getattr(os, name)))
    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, logged(name, getattr(Path, name)))
    bench.blur(overwrite=overwrite, sync=sync)
    rename = "replace" if overwrite else "link"
    wanted = ["fdatasync", rename, "fsync", "unlink"] if sync else [rename, "unlink"]
    assert calls == wanted
