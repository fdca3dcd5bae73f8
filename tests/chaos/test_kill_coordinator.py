"""The coordinator is killed at random points, and each time resumed, until the bits are there.

`TILEFAN_CHAOS_KILLS` says how many times for each kind of output.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.stores.files import open_place
from coordinator.stores.place import Place, stand_in
from tests.support.bucket_server import bucket_server
from tests.support.coordinators import coord, running_coord, tiles_in
from tests.support.equality import assert_same_bits
from tests.support.formats import NIFTI_GZ, NPY, TIFF, ZARR, Library, native
from tests.support.processes import running_workers

KILLS = int(os.environ.get("TILEFAN_CHAOS_KILLS", "4"))
AT_A_TIME = 4
BUCKET = replace(ZARR, load=lambda target: open_place(target).array)
"""zarr in a bucket of S3: its journal is on this machine, at a place that stands for it."""

OUTPUTS = {"npy": NPY, "zarr": ZARR, "tiff": TIFF, "nifti": NIFTI_GZ, "bucket": BUCKET}
"""One of each kind."""

WAYS = (None, "auto", "never")
"""In turn: here, and on a fleet by reference and by bytes."""

SIGMA = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An input, the output that is wanted, and a fleet."""
    folder = tmp_path_factory.mktemp("kills")
    array = np.random.default_rng(11).random((300, 300))
    np.save(folder / "in.npy", array)
    np.save(folder / "want.npy", gaussian_filter(array, SIGMA))
    served = "--serve-from", str(folder)
    with running_workers(2, "--threads", "1", "--kernel", "reference", *served) as workers:
        hosts = [worker.address for worker in workers]
        (folder / "hosts.toml").write_text(f"hosts = {hosts}")
        yield folder


@pytest.fixture(scope="module")
def bucket() -> Iterator[Mapping[str, str]]:
    with bucket_server() as server:
        yield server.environment


@pytest.fixture
def library(request: pytest.FixtureRequest, folder: Path) -> Iterator[Library]:
    """A kind of output; of one in a bucket, with the server."""
    library = OUTPUTS[request.param]
    library.require()
    with pytest.MonkeyPatch.context() as monkeypatch:
        if library is BUCKET:
            monkeypatch.setenv("XDG_STATE_HOME", str(folder))
            for name, value in request.getfixturevalue("bucket").items():
                monkeypatch.setenv(name, value)
        yield library


def exists(target: Path) -> bool:
    """Tell whether an output can be seen."""
    if not (place := Place(target)).remote:
        return target.exists()
    from coordinator.stores.keys import is_there, open_keys

    return is_there(place, open_keys(place), "zarr.json")


@pytest.mark.parametrize("seed", range(-(-KILLS // AT_A_TIME)))
@pytest.mark.parametrize("library", OUTPUTS, indirect=True)
def test_killed_and_resumed(
    folder: Path,
    library: Library,
    seed: int,
) -> None:
    """Each resumption keeps all that was in the journal; the last one gives SciPy's bits."""
    rng = random.Random(f"{library.module}{seed}")
    target = here = folder / f"out{seed}{library.suffix}"
    if library is BUCKET:
        target = Path(f"s3://bucket/out{seed}.zarr")
        here = stand_in(Place(target))
    way = WAYS[(seed + [*OUTPUTS.values()].index(library)) % len(WAYS)]
    fleet = ["--hosts", "hosts.toml", "--by-reference", way] if way else []
    arguments = ["blur", "in.npy", "-o", str(target), "--sigma", str(SIGMA), "--tile", "10,30"]
    arguments += ["--chunks", "10,15"] if library in (ZARR, BUCKET) else []
    kills = 0
    while kills < min(AT_A_TIME, KILLS - seed * AT_A_TIME) and not exists(target):
        before = tiles_in(here)
        with running_coord(folder, *arguments, *fleet, "--resume") as running:
            running.wait_for_tiles(here, before + rng.randint(0, 60))
            time.sleep(rng.uniform(0.0, 0.02))  # anywhere between two tiles
            running.send(signal.SIGKILL)
            kills += running.end()[0] == -signal.SIGKILL
        assert tiles_in(here) >= before or exists(target)
    kept = tiles_in(here)
    if not exists(target):
        code, said = coord(folder, *arguments, *fleet, "--resume")
        assert code == 0, said
        told = re.search(r"\((\d+) tiles? kept from an unfinished run\)", said)
        assert int(told[1] if told else 0) == kept, said
    assert_same_bits(native(library.load(target)), np.load(folder / "want.npy"))
    # One that is killed when its output is whole may owe the provenance, and leave the journal;
    # of an output that was encoded, what it was encoded from; and what stood for a bucket.
    owed = {f"{here.name}.json", f".{here.name}.json.partial", f".{here.name}.journal"}
    if way == "auto":
        owed.add(f".{here.name}.place")
    if library in (NIFTI_GZ, BUCKET):
        owed.add(f".{here.name}.partial")
    left = {path.name for path in here.parent.glob(f"*{here.name}*")}
    assert left - owed == ({here.name} if here is target else set())
