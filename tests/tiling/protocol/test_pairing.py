"""Pairing between two ends in one process: who has the code comes to one key, nobody else does."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tiling.errors import BadValueError, WireError
from tiling.protocol.pairing import (
    ALPHABET,
    MAX_ADDRESS,
    MESSAGE_BYTES,
    VERSION,
    Channel,
    Exchange,
    Side,
    make_code,
    parse_code,
    parse_request,
    readable,
)

ADDRESS = "http://node1:8080"
LOW_ORDER = ["01" + "00" * 31, "00" * 32, "ec" + "ff" * 30 + "7f", "ed" + "ff" * 30 + "7f"]
"""Points of order 1, 4, 2, and 1 in a spelling that is not reduced."""


def dice(seed: int) -> Callable[[int], bytes]:
    """Return random bytes that are the same in every run."""
    return random.Random(seed).randbytes


def ends(
    code: str = "K7Q3XW", other: str = "K7Q3XW", address: str = ADDRESS
) -> tuple[Channel, Channel]:
    """Return both channels of a run, whose codes and addresses may differ."""
    ours = Exchange(Side.COORDINATOR, code, ADDRESS, dice(1))
    theirs = Exchange(Side.WORKER, other, address, dice(2))
    return ours.finish(theirs.message), theirs.finish(ours.message)


def test_one_code_makes_one_key() -> None:
    """Each end accepts the other's proof, not its own; both open what was sealed, in order."""
    ours, theirs = ends()
    assert ours.confirms(theirs.confirmation)
    assert theirs.confirms(ours.confirmation)
    assert not ours.confirms(ours.confirmation)
    first, second = ours.seal(a="x"), ours.seal(a=None)
    assert theirs.open(first) == {"a": "x"}
    assert theirs.open(second) == {"a": None}
    assert ours.open(theirs.seal(b="y")) == {"b": "y"}


@pytest.mark.parametrize(
    "differs",
    [{"other": "K7Q3X0"}, {"address": "http://node2:8080"}, {"address": "https://node1:8080"}],
    ids=["code", "name", "scheme"],
)
def test_any_difference_makes_two_keys(differs: dict[str, str]) -> None:
    """Neither end accepts the other's proof, and nothing that is sealed is opened."""
    ours, theirs = ends(**differs)
    assert not ours.confirms(theirs.confirmation)
    assert not theirs.confirms(ours.confirmation)
    with pytest.raises(WireError):
        theirs.open(ours.seal(token="x"))


def test_sealed_messages_are_neither_repeated_nor_turned_round_nor_changed() -> None:
    """A message is opened once, at its place, by the other end, with all of its bits."""
    ours, theirs = ends()
    sealed = ours.seal(token="x")
    for wrong in (f"{sealed[:-1]}{'0' if sealed[-1] != '0' else '1'}", sealed[:-2], "", "00"):
        with pytest.raises(WireError):
            ends()[1].open(wrong)
    with pytest.raises(WireError):
        ours.open(sealed)
    assert theirs.open(sealed) == {"token": "x"}
    with pytest.raises(WireError):
        theirs.open(sealed)


@pytest.mark.parametrize("value", [7, True, ["x"], {}], ids=repr)
def test_sealed_values_are_texts(value: Any) -> None:
    """Also from who has the code."""
    ours, theirs = ends()
    with pytest.raises(WireError):
        theirs.open(ours.seal(token=value))


def test_what_is_secret_is_in_no_repr() -> None:
    """Neither of the keys nor of the proofs."""
    shown = repr(ends()[0])
    assert ends()[0].confirmation.hex() not in shown
    assert "confirmation" not in shown


def hostile_messages() -> list[bytes]:
    """Return messages that no honest end sends: other sizes, other points, noise, its own."""
    own = Exchange(Side.WORKER, "K7Q3XW", ADDRESS, dice(2)).message
    noise = random.Random(3)
    return [
        *(b"", b"A", b"A" * 32, b"A" * 34, own, b"A" + own[1:], b"S" + own[1:], b"\xff" * 33),
        *(b"A" + bytes.fromhex(point) for point in LOW_ORDER),
        *(b"A" + noise.randbytes(32) for _ in range(60)),
    ]


def test_hostile_messages_are_refused_or_lead_nowhere() -> None:
    """Nothing but a refusal is raised; what happens to be a point gives a key that nobody has."""
    outcomes = Counter[str]()
    honest = ends()[0]
    for message in hostile_messages():
        worker = Exchange(Side.WORKER, "K7Q3XW", ADDRESS, dice(2))
        try:
            channel = worker.finish(message)
        except WireError:
            outcomes["refused"] += 1
        else:
            outcomes["a key"] += 1
            assert not channel.confirms(honest.confirmation)
    assert outcomes["refused"] > 50


@pytest.mark.parametrize("point", LOW_ORDER)
def test_points_of_low_order_are_refused(point: str) -> None:
    """They would make the key guessable."""
    with pytest.raises(WireError):
        Exchange(Side.WORKER, "K7Q3XW", ADDRESS, dice(2)).finish(b"A" + bytes.fromhex(point))


def test_codes_use_every_sign_alike() -> None:
    """Each byte gives one of 32 signs, and what is typed is what was shown."""
    signs = count()
    codes = [make_code(lambda n: bytes(next(signs) % 256 for _ in range(n))) for _ in range(128)]
    assert set(Counter("".join(codes)).values()) == {24}
    assert set("".join(codes)) == set(ALPHABET)
    assert all(parse_code(readable(code)) == code for code in codes)


@pytest.mark.parametrize("text", ["k7q3xw", " K7Q-3XW ", "k7 q3 xw", "K-7-Q-3-X-W"])
def test_codes_are_forgiving(text: str) -> None:
    """Of case, dashes and spaces."""
    assert parse_code(text) == "K7Q3XW"


@pytest.mark.parametrize("text", ["", "K7Q3X", "K7Q3XWA", "K7Q-3XU", "K7Q_3XW", "\u0130" * 6])
def test_what_is_no_code(text: str) -> None:
    """Too short, too long, or with signs that no code has."""
    with pytest.raises(BadValueError, match="such as K7Q-3XW"):
        parse_code(text)


OPENING = {"version": VERSION, "address": ADDRESS, "message": "41" * MESSAGE_BYTES}
RUN = "ab" * 16
GOOD = [OPENING, {"run": RUN, "confirmation": "00" * 32}, {"run": RUN, "sealed": "00" * 16}]
BAD: list[object] = [
    *(None, [], {}, 3, "x", [[]]),
    {**OPENING, "more": 1},
    {**OPENING, "message": "41" * 32},
    {**OPENING, "message": "4G" * MESSAGE_BYTES},
    {**OPENING, "message": 7},
    {**OPENING, "message": None},
    {**OPENING, "address": ""},
    {**OPENING, "address": "a" * (MAX_ADDRESS + 1)},
    {**OPENING, "address": "a\x1b[31m"},
    {**OPENING, "address": "n\u00f6de"},
    {**OPENING, "address": "\ud800"},
    {**OPENING, "version": 2},
    {**OPENING, "version": "1"},
    {"address": ADDRESS, "message": "41" * MESSAGE_BYTES},
    {"run": RUN},
    {"run": RUN[:-2], "confirmation": "00" * 32},
    {"run": RUN, "confirmation": "00" * 31},
    {"run": RUN, "confirmation": [0] * 32},
    {"run": RUN, "sealed": "0"},
    {"run": RUN, "sealed": ""},
    {"run": RUN, "sealed": {}},
    {"run": RUN, "sealed": "00", "confirmation": "00" * 32},
]


@pytest.mark.parametrize("said", GOOD, ids=["opening", "confirmation", "sealed"])
def test_requests_are_read(said: dict[str, object]) -> None:
    """Each has its fields; the version is compared and gone."""
    assert parse_request(json.dumps(said).encode()) == {
        key: value for key, value in said.items() if key != "version"
    }


@pytest.mark.parametrize("said", BAD, ids=lambda value: str(value)[:40].encode("ascii", "replace"))
def test_what_is_no_request(said: object) -> None:
    """Other fields, sizes, types, versions."""
    with pytest.raises(WireError, match="pairing"):
        parse_request(json.dumps(said).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 2000, b"9" * 2000, b"NaN"])
def test_what_is_no_json(body: bytes) -> None:
    """Whatever JSON's own parser stumbles over."""
    with pytest.raises(WireError, match="pairing"):
        parse_request(body)


def test_another_version_says_what_to_install() -> None:
    """Both numbers, and the cure."""
    with pytest.raises(WireError, match=f"pairing 9, here {VERSION}: install the same tilefan"):
        parse_request(json.dumps({**OPENING, "version": 9}).encode())
