"""Buckets whose server does not do what servers do."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

pytest.importorskip("tensorstore")

ASK = """
from places import buckets
buckets.WAIT_S = 1
buckets.RETRIES["max_retries"] = 0
try:
    buckets.Bucket("s3://bucket/in.zarr").state("zarr.json")
except buckets.PlaceError as error:
    print(error)
"""


def test_a_server_that_does_not_answer() -> None:
    """Nobody waits for it for ever."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said = subprocess.run(
            [sys.executable, "-c", ASK],
            env={
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "PYTHONPATH": ":".join(sys.path),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert "Less than 1 bytes/sec transferred the last 1 seconds" in said.stdout
