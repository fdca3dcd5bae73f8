"""The coordinator is killed at random points, and each time resumed, until the bits are there.

`TILEFAN_CHAOS_KILLS` says how many times.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.support.coordinators import coord, running_coord, tiles_in
from tests.support.equality import assert_same_bits
from tests.support.formats import NIFTI_GZ, NPY, TIFF, ZARR, native
from tests.support.processes import running_workers

KILLS = int(os.environ.get("TILEFAN_CHAOS_KILLS", "24"))
AT_A_TIME = 4
CASES = (
    (NPY, None),
    (ZARR, "auto"),
    (TIFF, None),
    (NIFTI_GZ, "never"),
    (NPY, "auto"),
    (ZARR, "never"),
)
"""One format of each kind, in turn, here and on a fleet, by reference and by bytes."""

SIGMA, TILES = 12, 300


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


@pytest.mark.parametrize("seed", range(-(-KILLS // AT_A_TIME)))
def test_killed_and_resumed(folder: Path, seed: int) -> None:
    """Each resumption keeps all that was in the journal; the last one gives SciPy's bits."""
    rng = random.Random(seed)
    library, way = CASES[seed % len(CASES)]
    library.require()
    target = folder / f"out{seed}{library.suffix}"
    fleet = ["--hosts", "hosts.toml", "--by-reference", way] if way else []
    arguments = ["blur", "in.npy", "-o", target.name, "--sigma", str(SIGMA), "--tile", "10,30"]
    arguments += ["--chunks", "10,15"] if library is ZARR else []
    for _ in range(min(AT_A_TIME, KILLS - seed * AT_A_TIME)):
        before = tiles_in(target)
        with running_coord(folder, *arguments, *fleet, "--resume") as running:
            running.wait_for_tiles(target, before + rng.randint(0, 60))
            time.sleep(rng.uniform(0.0, 0.02))  # anywhere between two tiles
            running.send(signal.SIGKILL)
            running.end()
        assert tiles_in(target) >= before or target.exists()
        if target.exists():
            break
    kept = tiles_in(target)
    if not target.exists():
        code, said = coord(folder, *arguments, *fleet, "--resume")
        assert code == 0, said
        told = re.search(r"\((\d+) tiles? kept from an unfinished run\)", said)
        assert int(told[1] if told else 0) == kept, said
    assert_same_bits(native(library.load(target)), np.load(folder / "want.npy"))
    # One that is killed when its output is whole may owe the provenance, and leave the journal;
    # and of an output that was encoded, what it was encoded from.
    owed = {f"{target.name}.json", f".{target.name}.json.partial", f".{target.name}.journal"}
    if way == "auto":
        owed.add(f".{target.name}.place")
    if library is NIFTI_GZ:
        owed.add(f".{target.name}.partial")
    assert {path.name for path in folder.glob(f"*{target.name}*")} - owed == {target.name}
