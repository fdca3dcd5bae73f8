"""`POST /v1/filters/NAME`: what a plain HTTP client gets, and how it is told no."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess

IMAGE = np.random.default_rng(0).integers(0, 255, (12, 9)).astype("u1")
CROSS = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def post(worker: WorkerProcess, path: str, body: bytes) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(f"{worker.url}/v1/filters/{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("median_filter", {"size": "5"}, ndimage.median_filter(IMAGE, 5)),
    (
        "median_filter",
        {"footprint": json.dumps(CROSS)},
        ndimage.median_filter(IMAGE, footprint=CROSS),
    ),
    (
        "sobel",
        {"axis": "0", "output": "float32", "mode": "wrap,nearest"},
        ndimage.sobel(IMAGE, 0, "f4", ["wrap", "nearest"]),
    ),
    (
        "gaussian_laplace",
        {"sigma": "1.5,1", "truncate": "3", "output": "float64"},
        ndimage.gaussian_laplace(IMAGE, (1.5, 1), "f8", truncate=3),
    ),
    (
        "uniform_filter",
        {"size": "3,4", "output": ">f4"},
        ndimage.uniform_filter(IMAGE, (3, 4), np.dtype(">f4")),
    ),
    ("binary_dilation", {"iterations": "2"}, ndimage.binary_dilation(IMAGE, iterations=2)),
    ("binary_erosion", {"iterations": "0"}, ndimage.binary_erosion(IMAGE, iterations=0)),
    (
        "correlate1d",
        {"weights": "[1,2]", "origin": "-1"},
        ndimage.correlate1d(IMAGE, [1, 2], origin=-1),
    ),
]


@pytest.mark.parametrize(("name", "query", "want"), CASES, ids=[f"{n} {q}" for n, q, _ in CASES])
def test_answers_are_scipys_files(
    two_workers: list[WorkerProcess], name: str, query: dict[str, str], want: Any
) -> None:
    """The answer is what np.save makes of SciPy's result."""
    path = f"{name}?{urllib.parse.urlencode(query)}"
    status, body = post(two_workers[0], path, saved(IMAGE))
    assert status == 200, body
    assert_same_bits(np.load(io.BytesIO(body)), want)


REFUSED = [
    ("nope", saved(IMAGE), 404),
    ("generic_filter?size=3", saved(IMAGE), 422),
    ("median_filter", saved(IMAGE), 422),
    ("median_filter?size=x", saved(IMAGE), 400),
    ("median_filter?size=3&size=3", saved(IMAGE), 400),
    ("median_filter?size=1000000", saved(IMAGE), 422),
    ("median_filter?sigma=3", saved(IMAGE), 400),
    ("rank_filter?size=3", saved(IMAGE), 400),
    ("rank_filter?size=9&rank=2&origin=2", saved(np.zeros(4)), 422),
    ("correlate1d?weights=[1,", saved(IMAGE), 400),
    ("correlate1d?weights=[[1],[1,2]]", saved(IMAGE), 400),
    ("binary_erosion?iterations=0&structure=[[1,0]]", saved(IMAGE), 422),
    ("binary_erosion?mask=[[1]]", saved(IMAGE), 400),
    ("sobel", b"no file at all", 400),
    ("sobel", saved(IMAGE)[:-1], 400),
    ("sobel", saved(IMAGE) + b"x", 400),
]


@pytest.mark.parametrize(
    ("path", "body", "status"), REFUSED, ids=[f"{path} {len(body)}" for path, body, _ in REFUSED]
)
def test_the_senders_fault_is_told(
    two_workers: list[WorkerProcess], path: str, body: bytes, status: int
) -> None:
    """As a problem, and the worker goes on serving."""
    got, answer = post(two_workers[0], path, body)
    assert got == status, answer
    assert json.loads(answer)["status"] == status
    assert post(two_workers[0], "sobel", saved(IMAGE))[0] == 200
