"""Forms of a block: whatever is accepted comes back, and what is no form is refused."""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tiling.dtypes import COPIED, Array
from tiling.errors import WireError
from tiling.protocol import packing
from tiling.protocol.forms import ACCEPT, CODEC, CODECS, Form, codecs, encode, parse_accepted
from tiling.protocol.packing import packed, packers, unpack

packs = pytest.mark.skipif(not packers(), reason="numcodecs is not installed")

RNG = np.random.default_rng(1)
SUBSETS = list(chain.from_iterable(combinations(codecs(), n) for n in range(4)))


def blocks() -> list[Array]:
    """Return a block of each dtype, small and large numbers, that packs or not."""
    small = [RNG.integers(0, 2, 2**17).astype(dtype) for dtype in COPIED.values()]
    noise = [RNG.integers(0, 2**31, 2**16).astype(dtype) for dtype in ("<i4", "<u8", "<f8")]
    return [*small, *noise, np.zeros(0, "<i4"), np.ones(1, "<f4")]


def decoded(form: Form, body: memoryview, count: int) -> Array:
    form.check_length(len(body), count)
    back = np.empty(count, form.whole)
    form.decode(body, back)
    return back


@pytest.mark.parametrize("accepted", SUBSETS, ids=lambda names: "+".join(names) or "plain")
def test_there_and_back(accepted: tuple[str, ...]) -> None:
    """The same bits, in a form that was accepted, never larger, and with the same name again."""
    for samples in blocks():
        form, body = encode(samples, accepted)
        assert set(form.parts) <= set(accepted)
        assert len(body) <= samples.nbytes
        assert Form.parse(form.fields(), samples.dtype, accepted) == form
        assert_same_bits(decoded(form, body, len(samples)), samples)


@packs
def test_the_smallest_form_is_taken() -> None:
    """Whole numbers are narrowed first, and packed where that is worth it then."""
    picture = (np.arange(2**17) % 7).astype("<i4")
    assert encode(picture, ("narrow", "lz4"))[0].name == "narrow-u1+lz4"
    noise = RNG.integers(0, 256, 2**17).astype("<i4")
    assert encode(noise, ("narrow", "zstd"))[0].name == "narrow-u1"
    assert encode(noise, ("zstd",))[0].name == "zstd"
    assert encode(picture[:100], ("lz4",))[0].name == ""


@pytest.mark.parametrize(
    "name",
    [
        *("narrow", "narrow-", "narrow-u4", "narrow-i4", "narrow-f4", "narrow-<u1", "narrow-u1 "),
        *("narrow-u1+", "+lz4", "lz4+narrow-u1", "lz4+zstd", "narrow-u1+narrow-i1", "gzip", "LZ4"),
        *("narrow-u1+lz4+lz4", "x" * 1000, "\x1b[2J", "nárrow-u1", " "),
    ],
)
def test_what_is_no_form(name: str) -> None:
    """A name is one of the table's, to the letter."""
    with pytest.raises(WireError) as caught:
        Form.parse({CODEC: name}, np.dtype("<i4"), CODECS)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_what_was_not_accepted() -> None:
    """A form that exists is refused where nobody asked for it."""
    for name, accepted in (("narrow-u1", ("lz4",)), ("lz4", ("narrow",)), ("zstd", ())):
        with pytest.raises(WireError):
            Form.parse({CODEC: name}, np.dtype("<i4"), accepted)


@pytest.mark.parametrize(
    ("name", "length"),
    [("", 39), ("narrow-u1", 9), ("narrow-u1", 11), ("narrow-u2", 10), ("lz4", 40), ("lz4", 2**40)],
)
def test_lengths_that_can_not_be(name: str, length: int) -> None:
    """Ten samples have one length in a smaller type, and fewer bytes than that when packed."""
    with pytest.raises(WireError):
        Form.parse({CODEC: name} if name else {}, np.dtype("<i4"), CODECS).check_length(length, 10)


def test_what_an_asker_takes() -> None:
    """What is not known, or not there, is not taken; in our own order."""
    assert parse_accepted({ACCEPT: "zstd,lzma,narrow"}) == tuple(
        name for name in codecs() if name in ("narrow", "zstd")
    )
    assert parse_accepted({}) == parse_accepted({ACCEPT: "nárrow,," + "x" * 9999}) == ()


@packs
@pytest.mark.parametrize(("whole", "size"), [(1, 0), (-1, 0), (2**31, 0), (0, 1), (0, -1)])
def test_a_container_that_says_another_length(whole: int, size: int) -> None:
    """Its head must say what is known already: the library would believe it."""
    samples = np.zeros(2**16, "<i4")
    body = bytearray(packed(samples, "lz4") or b"")
    _, _, _, _, said, block, length = struct.unpack_from("<4B3I", body)
    struct.pack_into("<3I", body, 4, (said + whole) % 2**32, block, length + size)
    with pytest.raises(WireError):
        unpack(memoryview(body), samples)


@packs
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 100])
def test_a_container_cut_short(length: int) -> None:
    """Bytes that end before what they announce are refused unread."""
    body = packed(RNG.integers(0, 9, 2**16).astype("<i4"), "zstd")
    assert body is not None
    with pytest.raises(WireError):
        unpack(body[:length], np.zeros(2**16, "<i4"))


BODIES = {
    packer: bytes(packed((np.arange(2**15) // 5 % 99).astype("<i4"), packer) or b"")
    for packer in packers()
}


@packs
@given(
    st.sampled_from(sorted(BODIES) or [""]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
    st.booleans(),
)
def test_mutated_containers(packer: str, changes: list[tuple[float, int]], at_head: bool) -> None:
    """Any bytes within a right length: samples, or a refusal; nothing beyond them is written."""
    body = bytearray(BODIES[packer])
    for place, value in changes:
        body[16 + int(place * ((len(body) - 16) if not at_head else 60))] = value
    around = np.full(2**15 + 2 * 64, 77, "<i4")
    with suppress(WireError):
        unpack(memoryview(body), around[64:-64])
    assert (around[:64] == 77).all()
    assert (around[-64:] == 77).all()


def test_a_process_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes and announces smaller types only."""
    monkeypatch.setattr(packing, "find_spec", lambda _: None)
    assert packing.packers.__wrapped__() == frozenset()
