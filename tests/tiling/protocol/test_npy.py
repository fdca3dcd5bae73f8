"""Headers of .npy files: NumPy's are read right, everybody else's at their word only."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tiling.protocol.npy import MAX_HEADER, NpyError, header_length, parse_header

DTYPES = [*"?bhilqBHILQefdgFDG", ">i2", ">u8", ">f4", ">c16"]


def saved(array: np.ndarray[Any, Any], version: tuple[int, int] = (1, 0)) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def with_header(text: bytes, version: int = 1) -> bytes:
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text


def claiming(descr: str = "'<f4'", shape: str = "(3,)", fortran: str = "False") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    return with_header(text.encode())


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)], ids=["v1", "v2", "v3"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (3, 0, 2), (1,) * 32], ids=str)
def test_what_numpy_saves_is_read(
    version: tuple[int, int], order: Any, shape: tuple[int, ...]
) -> None:
    """Every version, order and shape gives back the array."""
    array = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape), order=order)
    body = saved(array, version)
    header = parse_header(body)
    assert header.offset == header_length(body[:12])
    assert header.data_bytes == len(body) - header.offset
    assert_same_bits(header.array(body[header.offset :]), array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_of_numbers_is_read(dtype: str) -> None:
    """Long doubles and half floats too: whether a filter takes them is another question."""
    array = np.arange(6).astype(dtype)
    body = saved(array)
    header = parse_header(body)
    assert_same_bits(header.array(body[header.offset :]), array)


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.array([None, {}], object), id="pickled"),
        pytest.param(np.zeros(2, "i4,f8"), id="structured"),
        pytest.param(np.zeros(2, [("x", "<f4", (3,))]), id="subarrays"),
        pytest.param(np.array(["a", "b"]), id="text"),
        pytest.param(np.array([b"a"]), id="bytes"),
        pytest.param(np.zeros(2, "V4"), id="void"),
        pytest.param(np.zeros(2, "M8[s]"), id="dates"),
        pytest.param(np.zeros(2, "m8[s]"), id="spans"),
    ],
)
def test_only_plain_numbers_are_read(array: np.ndarray[Any, Any]) -> None:
    """What np.save writes of other things is refused by its dtype."""
    with pytest.raises(NpyError, match="plain numbers"):
        parse_header(saved(array))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x93NUMPY\x01\x00", id="eight bytes"),
        pytest.param(b"PK\x03\x04" + bytes(60), id="npz"),
        pytest.param(b"\x93NUMPY\x04\x00" + bytes(60), id="version 4"),
        pytest.param(b"\x93NUMPY\x01\x01" + bytes(60), id="version 1.1"),
        pytest.param(with_header(b"")[:12], id="no header"),
        pytest.param(with_header(b"{" + b" " * 40, 2), id="half a dict"),
        pytest.param(claiming()[:-5], id="cut short"),
        pytest.param(with_header(b" " * MAX_HEADER), id="too long"),
        pytest.param(with_header(b"x")[:8] + b"\xff" * 40, id="64 KiB announced"),
        pytest.param(b"\x93NUMPY\x02\x00" + b"\xff" * 40, id="4 GiB announced"),
        pytest.param(with_header(b"__import__('os').getcwd()"), id="a call"),
        pytest.param(with_header(b"[" * 3000), id="deep brackets"),
        pytest.param(with_header(b"-" * 3000 + b"1"), id="deep minus"),
        pytest.param(with_header(b"\x00"), id="a zero byte"),
        pytest.param(with_header(b"{[]: 1}        "), id="a list as key"),
        pytest.param(with_header(b"{[1, 2], {}}   "), id="a set of lists"),
        pytest.param(with_header(b"'\\d'          "), id="a bad escape"),
        pytest.param(with_header(b"'\xff'         ", 3), id="not utf-8"),
        pytest.param(with_header(b"[1, 2, 3]      "), id="a list"),
        pytest.param(claiming(fortran="1"), id="fortran order 1"),
        pytest.param(claiming().replace(b"shape", b"shake"), id="a key misspelt"),
        pytest.param(claiming(shape="(3,), 'more': 1"), id="a key too many"),
        pytest.param(claiming(shape="[3]"), id="a list as shape"),
        pytest.param(claiming(shape="(-1,)"), id="negative"),
        pytest.param(claiming(shape="(True,)"), id="bool"),
        pytest.param(claiming(shape="(1.0,)"), id="float"),
        pytest.param(claiming(shape="(1,) * 3"), id="product"),
        pytest.param(claiming(shape=f"({2**63},)"), id="2^63"),
        pytest.param(claiming(shape=f"({2**62}, 4)"), id="2^64 in all"),
        pytest.param(claiming(shape=f"({2**61},)"), id="2^63 bytes"),
        pytest.param(claiming(shape=f"(0, {2**62}, 8)"), id="more than NumPy's empty"),
        pytest.param(claiming(shape=f"(0x{'f' * 3900},)"), id="too long to print"),
        pytest.param(claiming(shape=str((1,) * 33)), id="33 axes"),
        pytest.param(claiming(descr=f"0x{'f' * 3900}"), id="a number as dtype"),
        pytest.param(claiming(descr="'|O'"), id="O"),
        pytest.param(claiming(descr="'<i,,'"), id="nonsense dtype"),
        pytest.param(claiming(descr="'<a4'"), id="old bytes dtype"),
        pytest.param(claiming(descr="'<f3'"), id="f3"),
        pytest.param(claiming(descr="[('a', '<f4')]"), id="records"),
        pytest.param(claiming(descr="'<f4, <f4'"), id="two dtypes"),
    ],
)
def test_hostile_headers_are_refused(body: bytes) -> None:
    """Each is refused with our error, before anything is allocated."""
    with pytest.raises(NpyError):
        parse_header(body)


def test_a_large_claim_is_only_a_number() -> None:
    """2^40 elements are no error of the header; whoever reads the data compares its length."""
    header = parse_header(claiming(shape=f"({2**40},)"))
    assert header.data_bytes == 4 * 2**40


def parses_or_refuses(body: bytes) -> None:
    try:
        header = parse_header(body)
    except NpyError:
        return
    assert header.dtype.kind in "biufc"
    if header.data_bytes < 2**16:
        assert header.array(bytes(header.data_bytes)).shape == header.shape


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Random bytes raise NpyError or nothing."""
    parses_or_refuses(body)


@given(st.binary(max_size=120), st.sampled_from([1, 2, 3]))
def test_any_bytes_as_header(text: bytes, version: int) -> None:
    """Random bytes after a true beginning raise NpyError or nothing."""
    parses_or_refuses(with_header(text + b" " * 8, version))


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
DESCRS = st.builds("".join, st.lists(st.sampled_from([*"<>|=?biufcOSUVMma,()[1248 "]), max_size=4))
SHAPES = st.lists(st.integers(0, 2**70) | st.integers(0, 9), max_size=5).map(tuple)


@given(LITERALS | DESCRS, LITERALS | st.booleans(), LITERALS | SHAPES)
def test_any_literals_as_values(descr: object, fortran: object, shape: object) -> None:
    """Wrong values in a well-formed header raise NpyError or nothing."""
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape})
    parses_or_refuses(with_header(text.encode("utf-8", "surrogatepass"), 3))


@given(st.data())
def test_any_flipped_byte(data: st.DataObject) -> None:
    """A true header with one byte changed raises NpyError or nothing."""
    body = bytearray(saved(np.zeros((3, 4), "<f4")))
    body[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    parses_or_refuses(bytes(body))
