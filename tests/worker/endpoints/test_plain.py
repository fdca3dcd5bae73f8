"""The plain compute API through a plain HTTP client, against SciPy, in bytes."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess

RNG = np.random.default_rng(3)
IMAGE = RNG.integers(0, 255, (30, 20, 3)).astype("i4")


def saved(array: npt.NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def form(file: bytes, name: str = "array", headers: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="in.npy"'
    head = f"--edge\r\n{disposition}\r\n{headers}\r\n"
    return head.encode() + file + b"\r\n--edge--\r\n"


def post(worker: WorkerProcess, body: bytes, query: str = "", **headers: str) -> tuple[int, Any]:
    """Post a form; return the status, and the answer with its headers."""
    request = urllib.request.Request(
        f"{worker.url}/{query}",
        body,
        {"Content-Type": "multipart/form-data; boundary=edge", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, (response.read(), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, (error.read(), error.headers)


CASES: list[tuple[str, dict[str, Any]]] = [
    ("", {"sigma": 0.5}),
    ("?sigma=2", {"sigma": 2.0}),
    ("?sigma=2,2,0", {"sigma": (2, 2, 0)}),
    (
        "?sigma=1.5&mode=wrap,reflect,nearest",
        {"sigma": 1.5, "mode": ("wrap", "reflect", "nearest")},
    ),
    ("?sigma=3&mode=constant&cval=7.25", {"sigma": 3, "mode": "constant", "cval": 7.25}),
    ("?sigma=1&order=1,0,2&truncate=3", {"sigma": 1, "order": (1, 0, 2), "truncate": 3.0}),
    ("?sigma=1,2&axes=0,-2&radius=3,none", {"sigma": (1, 2), "axes": (0, -2), "radius": (3, None)}),
    ("?sigma=1&axes=1&radius=40", {"sigma": 1, "axes": 1, "radius": 40}),
    ("?output=float64", {"sigma": 0.5, "output": "float64"}),
    ("?output=%3Ef4", {"sigma": 0.5, "output": ">f4"}),
    ("?sigma=0", {"sigma": 0}),
]


@pytest.mark.parametrize(("query", "parameters"), CASES, ids=[query or "-" for query, _ in CASES])
def test_parameters_mean_what_scipy_means(
    two_workers: list[WorkerProcess], query: str, parameters: dict[str, Any]
) -> None:
    """The answer is the file that np.save makes of SciPy's result."""
    status, (body, headers) = post(two_workers[0], form(saved(IMAGE)), query)
    want = ndimage.gaussian_filter(IMAGE, **parameters)
    assert status == 200, body
    assert headers["Content-Type"] == "application/octet-stream"
    assert body == saved(want)
    assert_same_bits(np.load(io.BytesIO(body)), want)


ARRAYS = {
    "fortran": np.asfortranarray(IMAGE),
    "big-endian": IMAGE.astype(">i4"),
    "big-endian fortran": np.asfortranarray(IMAGE.astype(">f8")),
    "bool": IMAGE > 100,
    "complex": IMAGE.astype("c8") * (1 + 2j),
    "0-d": np.array(5.0),
    "empty": np.ones((0, 3), "f4"),
    "one sample": np.ones((1, 1), "u1"),
    "six axes": RNG.random((3, 2, 1, 4, 2, 3)),
    "larger than a chunk": RNG.random((500, 700, 3)),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_of_every_kind(two_workers: list[WorkerProcess], array: npt.NDArray[Any]) -> None:
    """Byte order, memory order, rank and size of the input do not change the bits."""
    status, (body, _) = post(two_workers[0], form(saved(array)), "?sigma=1.25")
    assert status == 200, body
    assert_same_bits(np.load(io.BytesIO(body)), ndimage.gaussian_filter(array, 1.25))


def test_other_fields_may_stand_before_the_file(two_workers: list[WorkerProcess]) -> None:
    """Only the field `array` is read."""
    other = form(b"x" * 300_000, "note").removesuffix(b"--edge--\r\n")
    status, (body, _) = post(two_workers[0], other + form(saved(IMAGE)))
    assert status == 200
    assert body == saved(ndimage.gaussian_filter(IMAGE, 0.5))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"--edge--\r\n", {}, id="no part"),
        pytest.param(form(b"x", "other"), {}, id="another field"),
        pytest.param(saved(IMAGE), {"Content-Type": "application/octet-stream"}, id="no form"),
    ],
)
def test_without_a_file(
    two_workers: list[WorkerProcess], body: bytes, headers: dict[str, str]
) -> None:
    """The answer has the status, body and header that clients of this API know."""
    status, (text, answer) = post(two_workers[0], body, **headers)
    assert (status, text) == (500, b"No File received")
    assert answer["Input-Error"] == "No input file received"


def header(descr: str, shape: str, version: bytes = b"\x01\x00") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text


REFUSED = [
    pytest.param(form(b""), "", 400, id="empty file"),
    pytest.param(form(b"\x93NUMPY\x01\x00"), "", 400, id="torn header"),
    pytest.param(form(b"PK\x03\x04 not an array"), "", 400, id="another format"),
    pytest.param(form(saved(IMAGE)[:-1]), "", 400, id="truncated"),
    pytest.param(form(saved(IMAGE) + b"!"), "", 400, id="one byte too many"),
    pytest.param(form(header("'|O'", "(2,)") + b"\x80\x04N."), "", 400, id="pickle"),
    pytest.param(form(header("'<U4'", "(1,)") + bytes(16)), "", 400, id="strings"),
    pytest.param(form(header("[('a', '<i4')]", "(1,)") + bytes(4)), "", 400, id="records"),
    pytest.param(form(header("'<f4'", "(-1,)")), "", 400, id="negative shape"),
    pytest.param(form(header("'<f4'", "(1 << 62,)")), "", 400, id="an expression"),
    pytest.param(form(header("'<f4'", f"({2**62},)")), "", 400, id="overflowing shape"),
    pytest.param(form(header("'<f4'", f"({10**11},)")), "", 413, id="announces too much"),
    pytest.param(form(header("'<f4'", f"(0, {10**12})")), "", 413, id="empty but endless"),
    pytest.param(form(header("'<f4'", "(1,)" + " " * 5000) + bytes(4)), "", 400, id="long header"),
    pytest.param(form(header("'<f4'", f"({'1,' * 33})") + bytes(4)), "", 400, id="33 axes"),
    pytest.param(form(saved(IMAGE.astype("f2"))), "", 422, id="float16"),
    pytest.param(form(saved(IMAGE), headers="Content-Encoding: gzip\r\n"), "", 415, id="gzip part"),
    pytest.param(form(saved(IMAGE)), "?sigma=1,2", 422, id="two sigmas of three"),
    pytest.param(form(saved(IMAGE)), "?sigma=nan", 422, id="nan"),
    pytest.param(form(saved(IMAGE)), "?sigma=1e300", 422, id="sigma too large"),
    pytest.param(form(saved(IMAGE)), "?sigma=", 400, id="empty sigma"),
    pytest.param(form(saved(IMAGE)), "?sigma=1&sigma=2", 400, id="twice"),
    pytest.param(form(saved(IMAGE)), "?sigmo=1", 400, id="misspelt"),
    pytest.param(form(saved(IMAGE)), "?order=1000000000", 422, id="order"),
    pytest.param(form(saved(IMAGE)), "?sigma=1e9", 422, id="sigma 1e9"),
    pytest.param(form(saved(IMAGE)), "?truncate=1e9", 422, id="truncate 1e9"),
    pytest.param(form(saved(IMAGE)), "?truncate=inf", 422, id="truncate inf"),
    pytest.param(form(saved(IMAGE)), "?radius=1000000", 422, id="a million taps"),
    pytest.param(form(saved(IMAGE)), "?radius=-1", 422, id="negative radius"),
    pytest.param(form(saved(IMAGE)), f"?radius={'9' * 400}", 422, id="radius of 400 digits"),
    pytest.param(form(saved(IMAGE)), "?sigma=20000&order=30", 422, id="a wide polynomial"),
    pytest.param(form(saved(IMAGE)), "?mode=sideways", 422, id="mode"),
    pytest.param(form(saved(IMAGE)), "?axes=3", 422, id="axes"),
    pytest.param(form(saved(IMAGE)), "?cval=2j&mode=constant", 422, id="complex cval"),
    pytest.param(form(saved(IMAGE)), "?output=O", 422, id="output"),
    pytest.param(form(saved(IMAGE)), "?output=nonsense", 422, id="unknown output"),
    pytest.param(form(saved(IMAGE)).replace(b"; name", b"name"), "", 400, id="disposition"),
    pytest.param(b"--edge\r\n" + b"A: b\r\n" * 500, "", 400, id="endless part headers"),
    pytest.param(
        b"--edge\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n", "", 400, id="nest"
    ),
]


@pytest.mark.parametrize(("body", "query", "status"), REFUSED)
def test_what_is_no_array_is_refused(
    two_workers: list[WorkerProcess], body: bytes, query: str, status: int
) -> None:
    """Whatever stands in the file, the answer is a 4xx problem, and the next file is filtered."""
    got, (text, headers) = post(two_workers[1], body, query)
    assert (got, headers["Content-Type"]) == (status, "application/problem+json"), text
    got, (text, _) = post(two_workers[1], form(saved(IMAGE)))
    assert (got, text) == (200, saved(ndimage.gaussian_filter(IMAGE, 0.5)))
    assert two_workers[1].complaints() == ""
