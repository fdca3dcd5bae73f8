"""Files below a folder: opened without links, in both ways."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from places import below
from places.errors import PlaceError


@pytest.fixture(params=[38, 1, None], ids=["ENOSYS", "EPERM", "openat2"])
def root(tmp_path: Path, request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A folder with a file, a folder, and links; kernels and sandboxes may lack the call."""
    if request.param is not None:

        def lacking(*_: object) -> int:
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(below, "_openat2", lacking)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("here")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "link").symlink_to("b/file")
    with below.folder(str(tmp_path)) as descriptor:
        yield descriptor


def test_a_file(root: int) -> None:
    """It is opened, and closed again."""
    with below.regular_file(root, "a/b/file") as file:
        assert os.pread(file, 9, 0) == b"here"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
    with below.folder_below(root, "a/b") as folder, below.regular_file(folder, "file") as file:
        assert os.fstat(file).st_size == 4


@pytest.mark.parametrize("path", ["a/link", "a/up/a/b/file", "a/up", "a/none", "a/b/file/x"])
def test_no_links(root: int, path: str) -> None:
    """Neither at the end nor on the way, wherever they lead."""
    with pytest.raises(OSError), below.regular_file(root, path):  # noqa: PT011 -- of many kinds
        pass
    with pytest.raises(OSError), below.folder_below(root, path):  # noqa: PT011 -- of many kinds
        pass


@pytest.mark.parametrize("path", ["", "/", "/etc/passwd", "..", "a/../a/b/file", "a//b", "a/./b"])
def test_plain_paths_only(root: int, path: str) -> None:
    """What may lead elsewhere is not tried."""
    with pytest.raises(PlaceError), below.regular_file(root, path):
        pass


def test_regular_files_only(root: int, tmp_path: Path) -> None:
    """A pipe without a writer does not block; nothing is made that is not there."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "a"):
        with pytest.raises(PlaceError, match="no regular file"), below.regular_file(root, name):
            pass
    with pytest.raises(FileNotFoundError), below.regular_file(root, "new", os.O_RDWR | os.O_CREAT):
        pass
    assert not (tmp_path / "new").exists()
