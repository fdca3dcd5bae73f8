"""`coord blur --engine dask://…` as a user runs it: killed, resumed, and mistaken."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from distributed import Client
from distributed.security import Security
from scipy.ndimage import gaussian_filter

from tests.coordinator.cli import test_cli as cli
from tests.coordinator.cli.test_cli import refused
from tests.support.certificates import issue
from tests.support.coordinators import coord, running_coord, tiles_in
from tests.support.dask_cluster import dask_cluster
from tests.support.documents import free_ports
from tests.support.equality import assert_same_bits
from tests.support.formats import ZARR, native
from tilefan import Fleet

X = np.random.default_rng(3).random((300, 300))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with dask_cluster(2) as client:
        yield client


def test_a_coordinator_is_killed_and_resumed(client: Client, tmp_path: Path) -> None:
    """From zarr into zarr: what was stored is kept, and the bits are SciPy's."""
    source, target = tmp_path / "in.zarr", tmp_path / "out.zarr"
    ZARR.save(source, X)
    engine = engine_of(client)
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


def test_a_forecast(client: Client, tmp_path: Path) -> None:
    """Every worker is measured, in words and in JSON, and nothing is written."""
    np.save(tmp_path / "in.npy", X)
    options = ["in.npy", "--sigma", "2", "--engine", engine_of(client)]
    forecast = json.loads(finished(tmp_path, "plan", *options, "--json"))
    workers = [share["worker"] for share in forecast["shares"]]
    assert sorted(workers) == sorted(client.scheduler_info(n_workers=-1)["workers"])
    assert not any(share["trouble"] for share in forecast["shares"])
    assert sum(share["tiles"] for share in forecast["shares"]) == pytest.approx(forecast["tiles"])
    assert forecast["fleet_s"] > min(share["round_trip_s"] for share in forecast["shares"]) > 0
    said = finished(tmp_path, "blur", *options, "--dry-run")
    assert all(f"{worker}: 2 slots" in said for worker in workers)
    assert "too small to be worth sending: run it here" in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_memory(client: Client, tmp_path: Path) -> None:
    """A bound is kept by smaller tiles, or refused; the forecast and the run agree."""
    np.save(tmp_path / "in.npy", np.zeros((3000, 1000), "f4"))
    options = ["in.npy", "--sigma", "2", "--engine", engine_of(client)]
    free = json.loads(finished(tmp_path, "plan", *options, "--json"))
    limit = free["coordinator_bytes"] - 8_000_000
    options += ["--max-memory", f"{limit}B"]
    bound = json.loads(finished(tmp_path, "plan", *options, "--json"))
    assert bound["tiles"] > free["tiles"]
    assert bound["coordinator_bytes"] <= limit
    refused(cli.coord(tmp_path, "blur", *options[:-1], "50MB"), 2, "50.0 MB do not suffice")
    finished(tmp_path, "blur", *options)


def engine_of(client: Client) -> str:
    return str(client.scheduler.address).replace("tcp:", "dask:")


def finished(folder: Path, *arguments: str) -> str:
    """Run `coord`, which must end well; return what it printed."""
    done = cli.coord(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--engine", "spark://here:7077"], 2, "no address such as dask://scheduler:8786"),
        (["--engine", "dask://here:1", "--hosts", "node1:8080"], 2, "are two places"),
        (
            ["--engine", "dask://127.0.0.1:PORT"],
            3,
            "no dask scheduler answers at dask://127.0.0.1:",
        ),
    ],
    ids=["scheme", "hosts", "nobody"],
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


# With TLS

WHO = ("client", "scheduler", "worker")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates of an authority, and of another one."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ours", "others"):
        authority = issue(name, authority=True)
        pem = authority.certificate.public_bytes(serialization.Encoding.PEM)
        (folder / f"{name}-ca.pem").write_bytes(pem)
        issue("node", authority).write(folder / f"{name}.pem")
    return folder


@pytest.fixture(scope="module")
def encrypted(authority: Path) -> Iterator[Client]:
    own = str(authority / "ours.pem")
    names = [f"tls_{who}_{what}" for who in WHO for what in ("cert", "key")]
    files = {"tls_ca_file": str(authority / "ours-ca.pem"), **dict.fromkeys(names, own)}
    with dask_cluster(1, Security(require_encryption=True, **files)) as client:
        yield client


def configured(authority: Path, ca: str = "ours", own: str = "ours") -> dict[str, str]:
    """Return an environment with dask's configuration of TLS."""
    pem = str(authority / f"{own}.pem")
    tls = {"CA_FILE": str(authority / f"{ca}-ca.pem"), "CLIENT__CERT": pem, "CLIENT__KEY": pem}
    return {**os.environ, **{f"DASK_DISTRIBUTED__COMM__TLS__{key}": tls[key] for key in tls}}


def test_a_cluster_that_encrypts(encrypted: Client, authority: Path, tmp_path: Path) -> None:
    """Dask's own configuration says by which certificates; `Fleet.on` takes such a client too."""
    np.save(tmp_path / "in.npy", X)
    address = encrypted.scheduler.address
    assert address.startswith("tls://")
    arguments = ["blur", "in.npy", "--sigma", "2", "-o", "out.npy", "--engine", address]
    done = cli.coord(tmp_path, *arguments, env=configured(authority))
    assert done.returncode == 0, done.stderr
    assert_same_bits(np.load(tmp_path / "out.npy"), gaussian_filter(X, 2))
    with Fleet.on(encrypted) as fleet:
        assert_same_bits(fleet.gaussian_filter(X, 2), gaussian_filter(X, 2))


def test_one_that_does_not_encrypt(client: Client, authority: Path, tmp_path: Path) -> None:
    """Though it is asked to."""
    np.save(tmp_path / "in.npy", X)
    engine = client.scheduler.address.replace("tcp:", "tls:")
    done = cli.coord(tmp_path, "blur", "in.npy", "--engine", engine, env=configured(authority))
    refused(done, 6, "or it does not encrypt")


@pytest.mark.parametrize(
    ("given", "scheme", "code", "words"),
    [
        ({"ca": "others"}, "tls", 6, "and we do not trust each other, or it does not encrypt"),
        ({"own": "others"}, "tls", 6, "and we do not trust each other, or it does not encrypt"),
        ({"own": "missing"}, "tls", 2, "does not fit dask's configuration, distributed.comm.tls"),
        (None, "tls", 2, "does not fit dask's configuration, distributed.comm.tls"),
        (None, "dask", 3, "if it encrypts, say tls://"),
    ],
    ids=["their authority", "our certificate", "no file", "no configuration", "no tls"],
)
def test_no_trust(
    encrypted: Client,
    authority: Path,
    tmp_path: Path,
    given: dict[str, str] | None,
    scheme: str,
    code: int,
    words: str,
) -> None:
    """Each is one sentence, with its exit code."""
    np.save(tmp_path / "in.npy", X)
    engine = encrypted.scheduler.address.replace("tls:", f"{scheme}:")
    env = None if given is None else configured(authority, **given)
    refused(cli.coord(tmp_path, "blur", "in.npy", "--engine", engine, env=env), code, words)
