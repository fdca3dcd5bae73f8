"""Outputs that are encoded as a whole after the last tile: nothing is lost if that ends early."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator import interruption
from coordinator.errors import InputError, StoreError
from coordinator.stores import flat_sink
from tests.coordinator.run.cut_short import SIGMA, TILES, Killed, Workbench
from tests.support.equality import assert_same_bits
from tests.support.formats import NIFTI_GZ, PNG, parameters


@pytest.fixture(params=parameters((PNG, NIFTI_GZ)))
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workbench:
    return Workbench(tmp_path, monkeypatch, request.param)


def assert_done(bench: Workbench) -> None:
    """The output is SciPy's, and nothing lies beside it."""
    assert_same_bits(bench.result(), gaussian_filter(bench.input(), SIGMA))
    assert bench.left == {bench.target.name}


@pytest.mark.parametrize("after", [1, TILES])
def test_it_goes_on_where_it_ended(bench: Workbench, after: int) -> None:
    """No finished tile is computed again, all of them included."""
    bench.die(after)
    assert bench.left == bench.hidden
    assert bench.blur(resume=True).sent == list(range(after, TILES))
    assert_done(bench)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), Killed(), MemoryError()], ids=str
)
def test_encoding_that_fails(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """All tiles are kept, nothing else is left, and the next run only encodes."""

    def fail(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(flat_sink.FlatSink, "_finish", fail)
        with pytest.raises((StoreError, Killed, MemoryError)):
            bench.blur()
    assert bench.left == bench.hidden
    assert bench.blur(resume=True).sent == []
    assert_done(bench)


def test_a_coordinator_that_was_killed_while_it_encoded(bench: Workbench) -> None:
    """Half of the encoded file is there: it is written anew."""
    bench.die(TILES)
    bench.target.with_name(f".{bench.target.name}.encoded").write_bytes(b"half")
    bench.blur(resume=True)
    assert_done(bench)


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_where_the_file_is_encoded(bench: Workbench, link: Callable[..., None]) -> None:
    """What it leads to stays as it was."""
    mine = bench.source.with_name("mine")
    mine.write_bytes(b"the work of years")
    link(bench.target.with_name(f".{bench.target.name}.encoded"), mine)
    with suppress(StoreError, InputError):
        bench.blur()
    assert mine.read_bytes() == b"the work of years"


def test_an_older_output_stays_until_the_end(bench: Workbench) -> None:
    """What is replaced is replaced at once."""
    bench.target.write_bytes(b"older")
    bench.die(3, overwrite=True)
    assert bench.target.read_bytes() == b"older"
    bench.blur(overwrite=True)
    assert_done(bench)


def test_encoding_can_be_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C does not wait until gigabytes are compressed; the tiles are kept."""
    pytest.importorskip("nibabel")
    from coordinator.stores import nifti_gz

    bench = Workbench(tmp_path, monkeypatch, NIFTI_GZ)

    def interrupted() -> None:
        interruption.interrupt(KeyboardInterrupt())
        interruption.let_in()

    with monkeypatch.context() as patched:
        patched.setattr(nifti_gz, "let_in", interrupted)
        patched.setattr(nifti_gz, "decode", lambda _, into: np.copyto(into, 1.0))
        with pytest.raises(KeyboardInterrupt):
            bench.blur()
    assert bench.left == bench.hidden
