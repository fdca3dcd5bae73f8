"""Answers by reference, honest and not; what a worker says that it sees, true and not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import Client
from coordinator.engines.http.exchange import Answered
from coordinator.engines.http.refusal import PlaceRefusal, Refusal
from coordinator.engines.http.session import Session
from coordinator.engines.http.terms import Proof, Terms, draw
from coordinator.events import FailureKind
from coordinator.hosts.hosts_file import parse_hosts
from coordinator.hosts.token import Credential
from coordinator.stores.memory import ArraySource
from coordinator.stores.stored import StoredHere
from tests.support.fake_network import FakeNetwork, Request, answer, json_answer
from tiling.geometry.box import Box
from tiling.protocol.places import StoredArray, digest_of
from tiling.protocol.references import (
    ASKED,
    SEAL,
    UNKNOWN_PLACE,
    UNREAD,
    UNWRITTEN,
    Into,
    Reference,
    seal_of,
)
from tiling.protocol.wire import DIGEST, Answer, Question

BLOCK = np.arange(12, dtype="<i4").reshape(3, 4)
QUESTION = Question("0" * 64, 7, BLOCK.dtype, BLOCK.shape, Box((1, 0), (3, 4)))
ASKED_DIGEST = QUESTION.digest(BLOCK.tobytes())
ANSWER = Answer.to(QUESTION, ASKED_DIGEST, BLOCK.dtype)
BODY = BLOCK[1:].tobytes()
RIGHT = {
    **ANSWER.fields(),
    ASKED: ASKED_DIGEST,
    DIGEST: ANSWER.digest(BODY),
    SEAL: seal_of(ANSWER, ANSWER.digest(BODY)),
}


@pytest.fixture
def send() -> Iterator[Callable[[bytes, Into], tuple[Answered, Request]]]:
    """Send the tile by reference to a worker that answers so."""
    sessions: list[Session] = []

    def send(answered: bytes, into: Into) -> tuple[Answered, Request]:
        network = FakeNetwork(lambda _: answered)
        credential = Credential(Path("token"), None)
        sessions.append(Session(parse_hosts(["a"]), credential, 5.0, network))
        client: Client = sessions[-1].clients["a:8080"]
        reference = Reference("f" * 64, (4, 2), into)
        exchange = client.referred(QUESTION, reference, BLOCK.dtype, Buffers())
        exchange.send()
        return exchange.receive(), network.requests[-1]

    yield send
    for session in sessions:
        session.close()


def http(headers: dict[str, str], body: bytes = b"") -> bytes:
    return answer(200, body, **{key.replace("-", "_"): text for key, text in headers.items()})


def test_a_tile_that_is_stored(send: Any) -> None:
    """A request without a body, an answer without one, and both digests."""
    answered, request = send(http(RIGHT), "place")
    assert answered.body is None
    assert (answered.asked, answered.digest) == (ASKED_DIGEST, ANSWER.digest(BODY))
    assert request.body == b""
    assert request.headers["Content-Length"] == "0"
    reference = Reference("f" * 64, (4, 2), "place")
    assert Reference.parse(request.headers, QUESTION, request.headers[DIGEST]) == reference
    assert reference.boxes(QUESTION, (9, 9)) == (Box((4, 2), (7, 6)), Box((5, 2), (7, 6)))


def test_a_tile_that_is_answered(send: Any) -> None:
    """The body is checked by the digest of the question that the worker names."""
    answered, _ = send(http(RIGHT, BODY), "answer")
    assert bytes(answered.body) == BODY


OTHER = "e" * 32
WRONG: list[Any] = [
    pytest.param({SEAL: OTHER}, b"", "place", id="seal"),
    pytest.param({ASKED: OTHER}, b"", "place", id="another question"),
    pytest.param({DIGEST: OTHER}, b"", "place", id="digest"),
    pytest.param({ASKED: "x"}, b"", "place", id="no digest"),
    pytest.param({ASKED: ""}, BODY, "answer", id="no question"),
    pytest.param({}, BODY, "place", id="a body"),
    pytest.param({}, b"", "answer", id="no body"),
    pytest.param({}, BODY[:-1], "answer", id="short"),
    pytest.param({ASKED: OTHER}, BODY, "answer", id="another question's body"),
    pytest.param({"Tilefan-Shape": "3,4"}, b"", "place", id="shape"),
    pytest.param({"Tilefan-Tile": "8"}, b"", "place", id="tile"),
    pytest.param({"Tilefan-Codec": "zstd"}, BODY[:-1], "answer", id="codec"),
]


@pytest.mark.parametrize(("changed", "body", "into"), WRONG)
def test_wrong_answers(send: Any, changed: dict[str, str], body: bytes, into: Into) -> None:
    """Each is corrupt, and nothing of it is taken."""
    with pytest.raises(Refusal) as refused:
        send(http({**RIGHT, **changed}, body), into)
    assert refused.value.kind is FailureKind.CORRUPT


@pytest.mark.parametrize(
    ("type_", "status", "unknown", "reads"),
    [
        (UNKNOWN_PLACE, 404, True, False),
        (UNREAD, 500, False, False),
        (UNWRITTEN, 500, False, True),
    ],
)
def test_refused_places(send: Any, type_: str, status: int, unknown: bool, reads: bool) -> None:
    """What is wrong with the place is told apart; a type with another status is none of these."""
    with pytest.raises(PlaceRefusal, match="no") as refused:
        send(json_answer({"type": type_, "detail": "no\x1b"}, status), "place")
    assert (refused.value.is_unknown, refused.value.reads) == (unknown, reads)
    assert "\x1b" not in str(refused.value)
    with pytest.raises(Refusal) as other:
        send(json_answer({"type": type_}, 422), "place")
    assert not isinstance(other.value, PlaceRefusal)


STORED = StoredArray("flat", "/data/in.npy", (20, 30), "<u2", 128)
HERE = StoredHere(STORED, 1328, 10**18, 5, 77, local=True)
GROWS = replace(HERE, array=replace(STORED, path="/data/.o.npy.partial"), inode=78)
CHUNKS = StoredArray(
    "zarr", "/data/.o.zarr.partial", (20, 30), "<u2", version=3, metadata={}, chunk=(5, 5)
)
NONCE = "1" * 64


def proof(write: StoredHere | None = GROWS) -> Proof:
    return Proof(HERE, write, NONCE if write else "", (), "a" * 32, "boot")


def said(offered: Proof, **changed: Any) -> Any:
    """Return what an honest worker of this machine says, but for some things."""
    write: Any = {"dev": 5, "ino": 78, "local": True}
    return {
        "place": digest_of(offered.offer({}).encode()),
        "boot": "boot",
        "read": {"size": 1328, "mtime_ns": 10**18, "dev": 5, "ino": 77, "samples": "a" * 32},
        "write": write if offered.write else None,
        "nonce": NONCE,
        **changed,
    }


def test_what_suffices() -> None:
    """On this machine, and for chunks and inputs on others too."""
    honest = proof()
    place = digest_of(honest.offer({}).encode())
    assert honest.judge(honest.offer({}), said(honest)) == Terms(place, writes=True)
    chunks = proof(replace(GROWS, array=CHUNKS, local=False))
    elsewhere = said(chunks, boot="another", write={"dev": 9, "ino": 9, "local": False})
    assert chunks.judge(chunks.offer({}), elsewhere).writes
    only_read = proof(None)
    assert only_read.judge(only_read.offer({}), said(only_read)).reads


READ = {"size": 1328, "mtime_ns": 10**18, "dev": 5, "ino": 77, "samples": "a" * 32}
OTHERS: list[Any] = [
    *({"read": each} for each in (None, 7, [], {}, {**READ, "size": 1}, {**READ, "ino": 1})),
    *({"read": each} for each in ({**READ, "samples": "b"}, {**READ, "mtime_ns": 10**18 + 1})),
    {"place": "0" * 64},
    {"place": None},
]


@pytest.mark.parametrize("changed", OTHERS, ids=str)
def test_another_input(changed: Any) -> None:
    """Then nothing is by reference."""
    terms = proof().judge(proof().offer({}), said(proof(), **changed))
    assert not terms.reads
    assert terms.reason


def test_a_copy_of_chunks_on_another_machine() -> None:
    """Its metadata and some samples are the same; what it has elsewhere nobody knows."""
    read = StoredHere(replace(CHUNKS, path="/data/in.zarr"), 1328, 10**18, 5, 77, local=False)
    offered = Proof(read, None, "", (), "a" * 32, "boot")
    shared = said(offered, boot="another", read={**READ, "dev": 9})
    assert offered.judge(offered.offer({}), shared).reads
    copied = said(offered, boot="another", read={**READ, "dev": 9, "ino": 9})
    terms = offered.judge(offered.offer({}), copied)
    assert not terms.reads
    assert "may be a copy there" in terms.reason


@pytest.mark.parametrize("answered", [None, [], 7, "x", {}], ids=str)
def test_no_answer_at_all(answered: Any) -> None:
    """What is no answer is no agreement."""
    assert not proof().judge(proof().offer({}), answered).reads


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "2" * 64},
        {"nonce": None},
        {"write": None},
        {"write": 7},
        {"write": {"refused": "/data/x: no room"}},
        {"write": {"refused": 7}},
        {"write": {"dev": 5, "ino": 1, "local": True}},
        {"write": {"dev": 5, "ino": 78, "local": False}},
        {"write": {"dev": 5, "ino": 78, "local": "yes"}},
        {"boot": "another"},
        {"boot": None},
    ],
    ids=str,
)
def test_another_output(changed: Any) -> None:
    """Then the worker reads, and answers with bytes, for one file is written from one machine."""
    offer = proof().offer({})
    terms = proof().judge(offer, said(proof(), **changed))
    assert (terms.reads, terms.writes) == (True, False)
    assert terms.reason


def test_where_a_tile_goes() -> None:
    """Two workers never write one box of a flat file at a time."""
    writes, answers = Terms("f" * 64, writes=True), Terms("f" * 64)
    ways = [(hedge, chunked) for hedge in (False, True) for chunked in (False, True)]
    assert [writes.into(hedge=h, chunked=c) for h, c in ways] == [
        "place",
        "place",
        "answer",
        "place",
    ]
    assert {answers.into(hedge=h, chunked=c) for h, c in ways} == {"answer"}


def test_boxes_are_drawn_inside() -> None:
    """And their digest is of their samples."""
    for shape in ((), (0, 3), (1,), (5, 6), (3, 1, 9)):
        array = np.random.default_rng(1).random(shape)
        boxes, digest = draw(ArraySource(array), random.Random(1))
        assert all(box.within(Box.whole(shape)) for box in boxes)
        assert draw(ArraySource(array), random.Random(1)) == (boxes, digest)
        if array.size:
            assert draw(ArraySource(array + 1), random.Random(1))[1] != digest
