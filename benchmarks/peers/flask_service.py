"""The compute service that tilefan replaces: `python -m benchmarks.peers.flask_service`.

One Flask process. It takes a `.npy` file in the multipart field ``array``, stores it in a temporary
file 1,024 bytes at a time, filters it with SciPy, saves the result in another temporary file and
streams that back, 1,024 bytes at a time.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from typing import IO

import flask
import numpy as np
from scipy.ndimage import gaussian_filter
from werkzeug.serving import make_server

SIGMA = 0.5
READ_BYTES = 1024


def blur() -> flask.Response:
    """Filter the array of a form."""
    with tempfile.TemporaryFile() as received:
        for chunk in _chunks(flask.request.files["array"].stream):
            received.write(chunk)
        received.seek(0)
        array = np.load(received)
    answer = tempfile.TemporaryFile()  # noqa: SIM115 -- closed when it is streamed
    np.save(answer, gaussian_filter(array, SIGMA))
    answer.seek(0)
    return flask.Response(_chunks(answer), mimetype="application/octet-stream")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(READ_BYTES):
            yield chunk


def main() -> None:
    """Serve on a free port of loopback."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = flask.Flask(__name__)
    app.add_url_rule("/", view_func=blur, methods=["POST"])
    server = make_server("127.0.0.1", 0, app)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
