"""`Fleet.local` and `Fleet.ssh`: workers that are there for as long as a fleet is open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from tests.coordinator.workflows.test_up import lives, until
from tests.support.equality import assert_same_bits
from tests.support.sshd import needs_sshd, sshd
from tilefan import Fleet, InputError, NoWorkerError

X = np.random.default_rng(3).random((120, 130))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state folder, in which nothing may be left."""
    folder = tmp_path / "state" / "tilefan" / "fleets"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield folder
    assert list(folder.glob("*")) == []


def test_local(state: Path) -> None:
    """They filter, and end with the block."""
    with Fleet.local(2, threads=1, verify=1.0) as fleet:
        pids = [json.loads(path.read_text())["pid"] for path in state.glob("*/*.json")]
        assert len(pids) == 2
        assert_same_bits(fleet.gaussian_filter(X, 2.0), ndimage.gaussian_filter(X, 2.0))
    assert [pid for pid in pids if lives(pid)] == []
    fleet.close()  # twice is no mistake


@needs_sshd
def test_ssh(tmp_path: Path) -> None:
    """They filter, and end with the block."""
    with sshd(tmp_path, {"node1": {}}) as nodes:
        with Fleet.ssh(["node1"], ssh_config=str(nodes.config)) as fleet:
            (left,) = nodes.fleets("node1")
            pid = json.loads((left / "worker.json").read_text())["pid"]
            assert_same_bits(fleet.gaussian_filter(X, 2.0), ndimage.gaussian_filter(X, 2.0))
        assert nodes.fleets("node1") == []
        until(lambda: not lives(pid))


def test_one_that_does_not_start() -> None:
    """It is named, and the others are stopped."""
    with pytest.raises(NoWorkerError, match=r"(?s)2 workers never came.*such as 90s"):
        Fleet.local(2, until_idle="soon")
    with pytest.raises(InputError, match="no target of ssh"):
        Fleet.ssh(["-oProxyCommand=x"])
    with pytest.raises(InputError, match="verify must be"):
        Fleet.local(1, verify=7)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Fleet.local(0), "workers must be a number of at least 1, not 0"),
        (lambda: Fleet.local("2"), "workers must be a number"),
        (lambda: Fleet.local(1, until_idle=15), "until_idle must be a time such as '15m', not 15"),
        (lambda: Fleet.ssh([3]), "3 is no target of ssh"),
    ],
    ids=["none", "text", "seconds", "number"],
)
def test_mistakes_are_told_before_anything_starts(make: Callable[[], Any], words: str) -> None:
    """A fleet of no workers would fail at its first call."""
    with pytest.raises(InputError, match=words):
        make()
