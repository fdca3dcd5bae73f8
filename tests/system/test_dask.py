"""`coord blur --engine dask://…` as a user runs it: killed, resumed, and mistaken."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import Client
from scipy.ndimage import gaussian_filter

from tests.support.coordinators import coord, running_coord, tiles_in
from tests.support.dask_cluster import dask_cluster
from tests.support.documents import free_ports
from tests.support.equality import assert_same_bits
from tests.support.formats import ZARR, native

X = np.random.default_rng(3).random((300, 300))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with dask_cluster(2) as client:
        yield client


def test_a_coordinator_is_killed_and_resumed(client: Client, tmp_path: Path) -> None:
    """From zarr into zarr: what was stored is kept, and the bits are SciPy's."""
    source, target = tmp_path / "in.zarr", tmp_path / "out.zarr"
    ZARR.save(source, X)
    engine = client.scheduler.address.replace("tcp:", "dask:")
    arguments = ["blur", source.name, "-o", target.name, "--sigma", "2", "--tile", "10,30"]
    arguments += ["--chunks", "10,15", "--engine", engine, "--resume"]
    with running_coord(tmp_path, *arguments) as running:
        running.wait_for_tiles(target, 20)
        running.send(signal.SIGKILL)
        running.end()
    kept = tiles_in(target)
    assert 20 <= kept < 300
    code, said = coord(tmp_path, *arguments)
    assert code == 0, said
    assert f"({kept} tiles kept from an unfinished run)" in said
    assert_same_bits(native(ZARR.load(target)), gaussian_filter(X, 2))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--engine", "spark://here:7077"], 2, "no address such as dask://scheduler:8786"),
        (["--engine", "dask://here:1", "--hosts", "node1:8080"], 2, "are two places"),
        (["--engine", "dask://here:1", "--dry-run"], 2, "--dry-run can't tell"),
        (["--engine", "dask://here:1", "--max-memory", "1GB"], 2, "--max-memory can't be kept"),
        (
            ["--engine", "dask://127.0.0.1:PORT"],
            3,
            "no dask scheduler answers at dask://127.0.0.1:",
        ),
    ],
    ids=["scheme", "hosts", "dry-run", "memory", "nobody"],
)
def test_mistakes(tmp_path: Path, options: list[str], code: int, words: str) -> None:
    """Each is one sentence, with its exit code."""
    np.save(tmp_path / "in.npy", X)
    (port,) = free_ports(1)
    given = [option.replace("PORT", str(port)) for option in options]
    found, said = coord(tmp_path, "blur", "in.npy", "--sigma", "2", *given)
    assert found == code, said
    assert words in " ".join(said.split()), said
    assert "Traceback" not in said
