"""A client of the Flask service: a form with a `.npy` file out, a `.npy` file back."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.processes import running
from tiling.dtypes import Array

BOUNDARY = "tilefan-benchmark"
HEAD = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="array"; filename="array.npy"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode("ascii")
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode("ascii")


@contextmanager
def filtering() -> Iterator[Callable[[Array, float], Array]]:
    """Start the service; its sigma is its own."""
    with running("benchmarks.peers.flask_service") as [address]:
        yield lambda array, _: _post(address, array)


def _post(address: str, array: Array) -> Array:
    file = io.BytesIO()
    np.save(file, array)
    connection = http.client.HTTPConnection(address)
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    connection.request("POST", "/", HEAD + file.getvalue() + TAIL, kind)
    answer = connection.getresponse().read()
    connection.close()
    blurred: Array = np.load(io.BytesIO(answer))
    return blurred
