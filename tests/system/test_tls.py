"""TLS with pinned certificates: who is let near the token, and who is not."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from coordinator.api.fleet import Fleet
from coordinator.errors import TrustError
from tests.support.certificates import Issued, issue, recording
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess, running_workers

SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"
IMAGE = np.random.default_rng(3).integers(0, 255, (40, 50), dtype=np.int32)
WANT = ndimage.gaussian_filter(IMAGE, 1.5)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(SECRET)
    return path


@pytest.fixture
def pinned(tmp_path: Path, token_file: Path) -> Iterator[WorkerProcess]:
    """A worker that makes its own certificate."""
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    arguments = ("--tls", "--token-file", str(token_file))
    with running_workers(1, *arguments, env=env, insecure=False) as (worker,):
        yield worker


def blur(hosts: str, folder: Path, token_file: Path) -> None:
    """Filter the image with the fleet that a hosts.toml describes, and compare."""
    path = folder / "hosts.toml"
    path.write_text(hosts)
    with Fleet.from_toml(path, token_file=token_file) as fleet:
        assert_same_bits(fleet.gaussian_filter(IMAGE, 1.5, tile=16), WANT)


def test_the_printed_lines_are_enough(
    pinned: WorkerProcess, tmp_path: Path, token_file: Path
) -> None:
    """What the worker prints, pasted, makes a fleet; the certificate is kept for the next start."""
    assert pinned.url.startswith("https://127.0.0.1:")
    blur(pinned.hosts_toml, tmp_path, token_file)
    identity = tmp_path / "config" / "tilefan" / "worker.pem"
    assert identity.stat().st_mode & 0o777 == 0o600
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    with running_workers(1, "--tls", env=env) as (again,):
        line = pinned.hosts_toml.splitlines()[-1]
        assert line.startswith('certificate = "')
        assert again.hosts_toml.splitlines()[-1] == line
        assert "made a certificate" not in again.stderr()


def refused(port: int, trust: str, folder: Path, token_file: Path) -> str:
    """Fail to greet a server that is not trusted; return the error's words."""
    path = folder / "hosts.toml"
    path.write_text(f'[[hosts]]\nurl = "https://127.0.0.1:{port}"\n{trust}\n')
    with (
        Fleet.from_toml(path, token_file=token_file) as fleet,
        pytest.raises(TrustError) as caught,
    ):
        fleet.gaussian_filter(IMAGE, 1.5)
    assert caught.value.exit_code == 6
    return str(caught.value)


AUTHORITY = issue("authority", authority=True)
OTHER_AUTHORITY = issue("other", authority=True)
LEAF = issue("leaf", by=AUTHORITY)

UNTRUSTED = [
    pytest.param(issue("another"), f'certificate = "{issue("pinned").pin}"', id="another"),
    pytest.param(issue("same"), f'certificate = "{issue("same").pin}"', id="another of that name"),
    pytest.param(LEAF, f'certificate = "{AUTHORITY.pin}"', id="signed by the pinned one"),
    pytest.param(AUTHORITY, f'certificate = "{LEAF.pin}"', id="signer of the pinned one"),
    pytest.param(LEAF, 'ca = "other.pem"', id="signed by another authority"),
    pytest.param(issue("alone"), "", id="unknown to this system"),
]


@pytest.mark.parametrize(("shown", "trust"), UNTRUSTED)
def test_another_certificate_gets_no_token(
    shown: Issued, trust: str, tmp_path: Path, token_file: Path
) -> None:
    """The run ends with exit code 6 before anything but a handshake has left this machine."""
    OTHER_AUTHORITY.write_certificate(tmp_path / "other.pem")
    with recording(shown.write(tmp_path / "server.pem")) as recorder:
        said = refused(recorder.port, trust, tmp_path, token_file)
    assert "certificate that is not trusted here" in said
    assert recorder.connections >= 1
    assert recorder.raw.startswith(b"\x16\x03")  # a TLS handshake did take place
    assert recorder.said == b""
    assert SECRET.encode() not in recorder.raw


def test_the_recorder_sees_a_token_that_does_leave(tmp_path: Path, token_file: Path) -> None:
    """The test above looks in the right place: the trusted server is shown the token."""
    shown = issue("trusted")
    path = tmp_path / "hosts.toml"
    with recording(shown.write(tmp_path / "server.pem")) as recorder:
        path.write_text(
            f'[[hosts]]\nurl = "https://127.0.0.1:{recorder.port}"\ncertificate = "{shown.pin}"\n'
        )
        with Fleet.from_toml(path, token_file=token_file) as fleet, pytest.raises(Exception):  # noqa: B017, PT011 -- it answers nothing
            fleet.gaussian_filter(IMAGE, 1.5)
    assert SECRET.encode() in recorder.said
    assert SECRET.encode() not in recorder.raw


def test_certificates_of_ones_own(tmp_path: Path, token_file: Path) -> None:
    """A certificate of an authority serves by the authority, and by its pin."""
    key = LEAF.write(tmp_path / "key.pem")
    certificate = LEAF.write_certificate(tmp_path / "leaf.pem")
    AUTHORITY.write_certificate(tmp_path / "authority.pem")
    arguments = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with running_workers(1, *arguments, "--token-file", str(token_file), insecure=False) as (one,):
        blur(one.hosts_toml, tmp_path, token_file)
        host = f'[[hosts]]\nurl = "{one.url}"\n'
        blur(f'{host}ca = "authority.pem"\n', tmp_path, token_file)


def test_noise_before_a_handshake(pinned: WorkerProcess, tmp_path: Path, token_file: Path) -> None:
    """What is no TLS, or half a handshake, is dropped without a word, and others are served."""
    host, port = pinned.address.split(":")
    noises = [b"", b"GET /v1/health HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", bytes(5000)]
    for noise in noises:
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(4096):
                    pass
    with socket.create_connection((host, int(port)), timeout=60):  # says nothing at all
        blur(pinned.hosts_toml, tmp_path, token_file)
    assert pinned.stop() == 0
    assert "Error" not in pinned.stderr()


def test_a_worker_that_does_not_encrypt(tmp_path: Path, token_file: Path) -> None:
    """Asked for TLS, a plain worker is not believed, and the sentence says what to start."""
    with running_workers(1) as (worker,):
        port = int(worker.address.rpartition(":")[2])
        pin = f'certificate = "{LEAF.pin}"'
        assert "start it with `worker --tls`" in refused(port, pin, tmp_path, token_file)
