"""What names a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from places import network


def test_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same boot has the same name, another one another; without an id there is none."""
    file = tmp_path / "boot_id"
    monkeypatch.setattr(network, "BOOT_ID", file)
    assert network.boot() == ""
    names = []
    for text in ("a-b\n", "a-b", "a-c\n"):
        file.write_text(text)
        names.append(network.boot())
    assert names[0] == names[1] != names[2]
    assert {len(name) for name in names} == {32}
