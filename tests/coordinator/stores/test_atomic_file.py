"""Small files are there whole or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coordinator.errors import StoreError
from coordinator.stores.atomic_file import write_bytes


@pytest.fixture(params=["nameless", "named"])
def nameless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Try a filesystem that has files without a name, and one that has none."""
    opened: Callable[..., int] = os.open

    def refuse(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return opened(path, flags, *rest)

    if request.param == "named":
        monkeypatch.setattr(os, "open", refuse)
    return bool(request.param == "nameless")


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.usefixtures("nameless")
def test_written(tmp_path: Path, before: bytes | None) -> None:
    """A file holds what was written, in place of what it held, and nothing lies beside it."""
    path = tmp_path / "out.json"
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o600)
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "out.json"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == (0o600 if before else 0o666 & ~umask)


def test_killed_while_it_writes(
    tmp_path: Path, nameless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill would leave: nothing, where the filesystem has files without a name."""
    seen = []
    monkeypatch.setattr(os, "fdatasync", lambda _descriptor: seen.append(list(tmp_path.iterdir())))
    write_bytes(tmp_path / "out.json", b"new")
    assert [len(names) for names in seen] == [0 if nameless else 1]


@pytest.mark.usefixtures("nameless")
def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one from the folder that the process is in."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    for text in (b"old", b"new"):
        write_bytes(Path("out/out.json"), text)
    assert (tmp_path / "out" / "out.json").read_bytes() == b"new"
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "out.json"]


@pytest.mark.usefixtures("nameless")
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails says so, and leaves the old file and nothing else."""

    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "out.json").write_bytes(b"old")
    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(StoreError, match="No space left"):
        write_bytes(tmp_path / "out.json", b"new")
    assert (tmp_path / "out.json").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "out.json"]
