"""Fixtures of tests that start workers as `coord up` does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.workflows.up import take_down


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A hosts.toml whose workers are stopped whatever happens; nothing may be left of them."""
    for kind in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    path = tmp_path / "hosts.toml"
    try:
        yield path
    finally:
        if path.exists():
            take_down(path, print)
        assert list((tmp_path / "STATE").glob("tilefan/fleets/*")) == []
        assert not (tmp_path / ".hosts.toml.claim").exists()
