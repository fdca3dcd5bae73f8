"""`import tilefan`: what users write, and what it promises to have."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

import coordinator.ndimage
import tilefan
from tiling.errors import TilingError


def test_the_facade_has_the_api() -> None:
    """The same objects as the packages behind it have, under names that `dir` lists."""
    assert tilefan.Fleet is coordinator.Fleet
    assert tilefan.gaussian_filter is coordinator.gaussian_filter
    assert tilefan.__version__ == version("tilefan")
    assert set(dir(tilefan)) == set(tilefan.__all__)
    assert all(getattr(tilefan, name) is not None for name in tilefan.__all__)
    assert set(tilefan.ndimage.__all__) == set(coordinator.ndimage.__all__)
    assert tilefan.ndimage.median_filter is coordinator.ndimage.median_filter
    assert "median_filter" in dir(tilefan.ndimage)
    with pytest.raises(AttributeError, match="tilefan"):
        tilefan.nothing  # noqa: B018
    with pytest.raises(AttributeError, match=r"tilefan\.ndimage"):
        tilefan.ndimage.nothing  # noqa: B018


def test_the_docstring_has_every_error_with_its_exit_code() -> None:
    """Errors are known by the name that users import them by."""
    rows = dict(re.findall(r"^    (\w+Error) +(\d+)  ", tilefan.__doc__ or "", re.MULTILINE))
    names = [name for name in tilefan.__all__ if name.endswith("Error")]
    errors = {name: getattr(tilefan, name) for name in names}
    assert [error.__module__ for error in errors.values()] == ["tilefan"] * len(names)
    ours = {name: error for name, error in errors.items() if not issubclass(error, TilingError)}
    assert rows == {name: f"{error.exit_code.value}" for name, error in ours.items()}
    assert all(f" {name} " in (tilefan.__doc__ or "") for name in errors.keys() - {"TilingError"})
