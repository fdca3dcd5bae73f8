"""Offers and references: what is written is read, and what makes no sense is refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiling.errors import WireError
from tiling.geometry.box import Box
from tiling.protocol.places import Offer, StoredArray, nonce_beside
from tiling.protocol.references import INTO, PLACE, START, Reference
from tiling.protocol.wire import DIGEST, Question

FLAT = StoredArray("flat", "/data/in.npy", (20, 30), ">f4", 128, "F")
ZARR = StoredArray(
    "zarr", "/data/.o.zarr.partial/0", (20, 30), "<f4", version=2, metadata={"a": []}, chunk=(5, 9)
)
OFFER = Offer(FLAT, ZARR, "0" * 64, (Box((0, 0), (1, 30)),))
QUESTION = Question("0" * 64, 3, np.dtype("<f4"), (4, 6), Box((1, 0), (3, 6)))
REFERENCE = Reference("a" * 64, (2, -3), "place")


def test_what_is_written_is_read() -> None:
    """All of an offer."""
    assert Offer.decode(OFFER.encode()) == OFFER
    alone = Offer(FLAT)
    assert Offer.decode(alone.encode()) == alone


@pytest.mark.parametrize(
    "changed",
    [
        {"read": None},
        {"boxes": None},
        {"boxes": [[[0], [1]]]},
        {"boxes": [[[0, 0], [21, 1]]]},
        {"boxes": [[[1, 0], [0, 1]]]},
        {"boxes": [[[0, 0], [20, 30]]] * 17},
        {"boxes": [[[0.0, 0], [1, 1]]]},
        {"nonce": "0"},
        {"nonce": 7},
        {"more": 1},
    ],
    ids=str,
)
def test_offers_that_make_no_sense(changed: dict[str, Any]) -> None:
    """Each is refused, whatever else is right."""
    said = {**json.loads(OFFER.encode()), **changed}
    with pytest.raises(WireError, match="places"):
        Offer.decode(json.dumps(said).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 10**5, b"\xff"], ids=str)
def test_what_is_no_offer(body: bytes) -> None:
    """Not even JSON."""
    with pytest.raises(WireError, match="places"):
        Offer.decode(body)


def test_an_output_has_the_shape_of_its_input() -> None:
    """Tiles are in the same coordinates."""
    with pytest.raises(WireError, match="the shape of its input"):
        Offer.decode(replace(OFFER, write=replace(ZARR, shape=(20, 31))).encode())


@pytest.mark.parametrize("path", ["/a/b", "/.partial", "/a/x.partial", "/a/.x.partial/y"])
def test_outputs_grow_under_hidden_names(path: str) -> None:
    """Of a file, the last name is that; of chunks, it may be on the way."""
    with pytest.raises(WireError, match="hidden name"):
        nonce_beside(path, "flat")


def test_a_nonce_is_beside_its_own_output() -> None:
    """Whatever the folders around it are called: two outputs never share one."""
    nonces = {nonce_beside(f"/a/.x.partial/.{name}.partial/0", "zarr") for name in "bc"}
    assert nonces == {"/a/.x.partial/.b.place", "/a/.x.partial/.c.place"}


def test_a_reference_there_and_back() -> None:
    """The digest covers it, and the headers of the tile."""
    digest = REFERENCE.digest(QUESTION)
    headers = {**QUESTION.fields(), **REFERENCE.fields(), DIGEST: digest}
    assert Reference.parse(headers, QUESTION, digest) == REFERENCE
    for name, text in ((PLACE, "b" * 64), (START, "2,-4"), (INTO, "answer")):
        with pytest.raises(WireError):
            Reference.parse({**headers, name: text}, QUESTION, digest)
    for name, text in ((PLACE, "x"), (START, "2"), (START, "1,2,3"), (START, "٣,1"), (INTO, "x")):
        with pytest.raises(WireError):
            Reference.parse({**headers, name: text}, QUESTION, digest)


@given(st.tuples(st.integers(-40, 40), st.integers(-40, 40)))
def test_boxes_are_inside(start: tuple[int, int]) -> None:
    """What is written lies in the array; what is read reaches round its edges at most once."""
    reference = replace(REFERENCE, start=start)
    shape = (20, 30)
    try:
        read, write = reference.boxes(QUESTION, shape)
    except WireError:
        return
    assert write.within(Box.whole(shape))
    assert all(-n <= a and b <= 2 * n for a, b, n in zip(read.start, read.stop, shape, strict=True))
    assert (read.shape, write.shape) == (QUESTION.shape, QUESTION.crop.shape)


def test_blocks_larger_than_the_array() -> None:
    """Nothing is read twice."""
    with pytest.raises(WireError, match="not inside"):
        replace(REFERENCE, start=(0, 0)).boxes(QUESTION, (3, 30))
    with pytest.raises(WireError, match="not inside"):
        replace(REFERENCE, start=(0, 0)).boxes(QUESTION, (20, 30, 2))
