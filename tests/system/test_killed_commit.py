"""A real SIGKILL at each call of a commit of zarr: the output is absent, old or whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.stores.files import open_place
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from coordinator.workflows.run_options import RunOptions
from tests.support.bucket_server import bucket_server
from tests.support.equality import assert_same_bits
from tests.support.formats import load_zarr, save_zarr
from tests.support.killed_commits import NUMBER, STRAY, filter_with, killed_runs

pytest.importorskip("tensorstore")
pytest.importorskip("zarr")

SHAPE = (40, 7)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("out.zarr", ()),
        ("out.zarr", ("overwrite",)),
        ("out.ome.zarr", ("overwrite", "pyramid")),
    ],
    ids=["new", "overwrite", "pyramid"],
)
def test_killed_at_each_call(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    """A later run goes on from what is left, to SciPy's bits, and leaves nothing beside them."""
    array = np.random.default_rng(7).random(SHAPE)
    source = tmp_path / "in.zarr"
    save_zarr(source, array, SHAPE)
    old, want = gaussian_filter(array, 1.0), gaussian_filter(array, 1.5)
    count = killed_runs(source, str(tmp_path / NUMBER / name), *options)
    assert count > 10
    seen = set()
    storing = Storing(pyramid="pyramid" in options)
    for number in range(1, count + 1):
        target = tmp_path / str(number) / name
        found = load_zarr(target).tobytes() if target.exists() else b""
        seen.add({b"": "absent", old.tobytes(): "old", want.tobytes(): "whole"}[found])
        again = RunOptions(style="none", storing=storing, overwrite=target.exists(), resume=True)
        filter_with(1.5, str(source), target, again)
        assert_same_bits(load_zarr(target), want)
        assert not {path.name for path in target.iterdir()} & {*STRAY}
        left = {path.name for path in target.parent.iterdir()}
        assert {each for each in left if f"{name}.json" not in each} == {name}
    assert seen == {"old" if "overwrite" in options else "absent", "whole"}


def test_killed_at_each_request_to_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no array, or all of it; nothing is computed again that is there."""
    from coordinator.stores.keys import is_there, open_keys

    array = np.random.default_rng(7).random(SHAPE)
    source, want = tmp_path / "in.zarr", gaussian_filter(array, 1.5)
    save_zarr(source, array, (20, 7))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with bucket_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        count = killed_runs(source, f"s3://bucket/{NUMBER}/out.zarr")
        seen = set()
        for number in range(1, count + 1):
            target = Path(f"s3://bucket/{number}/out.zarr")
            place = Place(target)
            there = is_there(place, open_keys(place), "zarr.json")
            if not there:
                filter_with(1.5, str(source), target, RunOptions(style="none", resume=True))
            assert_same_bits(open_place(target).array, want)
            seen.add("whole" if there else "absent")
    assert seen == {"absent", "whole"}
