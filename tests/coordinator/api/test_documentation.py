"""What `help` says of a function: every parameter, and an example that runs."""

from __future__ import annotations

import doctest
import inspect
import re

import pytest

import tilefan
from coordinator.api import as_scipy, local
from tilefan import ndimage
from tiling.filters import FILTERS, Exactness, meanings, supported

NAMES = list(FILTERS)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_explained(name: str) -> None:
    """In the order of the signature, each with its type and a sentence."""
    function = getattr(ndimage, name)
    section = function.__doc__.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    told = re.findall(r"^(?:\*\*)?(\w+).*\n    [A-Z`].*\.", section, re.MULTILINE)
    assert told == list(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", [row.name for row in supported()])
def test_dtypes_halo_and_errors_are_told(name: str) -> None:
    """Of the function and of the method, by the names that users have for errors."""
    row = FILTERS[name]
    for function in (getattr(ndimage, name), getattr(tilefan.Fleet, name)):
        words = " ".join(function.__doc__.split())
        assert row.dtypes.value in words
        assert f"Halo of a tile, in samples: {row.halo}." in words
        assert f"Exactness: {row.exactness.value}." in words
        assert "TilingError" in words
    assert "TilefanError" in getattr(tilefan.Fleet, name).__doc__


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name: str) -> None:
    """What a docstring shows is what happens."""
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(ndimage, name), name, globs={})
    results = doctest.DocTestRunner().run(test)
    assert results.attempted > 1
    assert results.failed == 0


@pytest.mark.parametrize("module", [as_scipy, local, meanings], ids=lambda module: module.__name__)
def test_other_examples_run(module: object) -> None:
    """Those of the functions that are not rows."""
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_all_is_told_under_one_name() -> None:
    """Users import `tilefan`; what is behind it has other names."""
    texts = [getattr(ndimage, name).__doc__ for name in ndimage.__all__]
    texts += [getattr(tilefan.Fleet, name).__doc__ or "" for name in dir(tilefan.Fleet)]
    texts += [tilefan.__doc__ or "", tilefan.as_scipy.__doc__ or "", tilefan.ndimage.__doc__ or ""]
    assert len(texts) > 2 * len(NAMES)
    assert [text for text in texts if "coordinator.ndimage" in text] == []
    assert all(row.note.count("coordinator") == 0 for row in FILTERS.values())
    refused = [row for row in FILTERS.values() if row.exactness is Exactness.REFUSED]
    assert all("tilefan.ndimage has it" in row.note for row in refused)
