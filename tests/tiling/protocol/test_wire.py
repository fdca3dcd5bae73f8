"""Headers and blocks: there and back, and no bit of them can change unnoticed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiling.dtypes import COPIED
from tiling.errors import UnsupportedError, WireError
from tiling.geometry.box import Box
from tiling.protocol.wire import (
    CROP,
    DIGEST,
    DTYPE,
    JOB,
    RETRY_S,
    RUN,
    SHAPE,
    SPENT,
    TILE,
    Answer,
    Question,
    Spent,
    parse_retry_s,
    parse_run,
)

NAME = "0123456789abcdef" * 4
QUESTION = Question(NAME, 17, np.dtype("<f4"), (4, 3), Box((1, 0), (3, 3)))
BODY = np.arange(12, dtype="<f4").tobytes()
HEADERS = {**QUESTION.fields(), DIGEST: QUESTION.digest(BODY)}
ANSWER = Answer.to(QUESTION, HEADERS[DIGEST], np.dtype("<f8"))
REPLY = np.arange(6, dtype="<f8").tobytes()
REPLY_HEADERS = {**ANSWER.fields(), DIGEST: ANSWER.digest(REPLY)}


@st.composite
def questions(draw: st.DrawFn) -> Question:
    shape = tuple(draw(st.lists(st.integers(0, 10**6), max_size=6)))
    start = tuple(draw(st.integers(0, n)) for n in shape)
    stop = tuple(draw(st.integers(a, n)) for a, n in zip(start, shape, strict=True))
    dtype = draw(st.sampled_from(list(COPIED.values())))
    job = draw(st.text("0123456789abcdef", min_size=64, max_size=64))
    return Question(job, draw(st.integers(0, 10**17)), dtype, shape, Box(start, stop))


@given(questions(), st.binary(max_size=40))
def test_there_and_back(question: Question, body: bytes) -> None:
    """Headers say all of the question, in printable ASCII."""
    headers = {**question.fields(), DIGEST: question.digest(body)}
    assert Question.parse(headers) == (question, headers[DIGEST])
    assert all(value.isascii() and value.isprintable() for value in headers.values())


def test_lengths_of_bodies() -> None:
    """A question's body is the block, an answer's the crop."""
    assert QUESTION.body_bytes == len(BODY)
    assert ANSWER.body_bytes == len(REPLY)
    assert ANSWER.check(REPLY_HEADERS, REPLY) == REPLY_HEADERS[DIGEST]


def test_a_scalar_travels() -> None:
    """An array without axes has headers too."""
    question = Question(NAME, 0, np.dtype("<i2"), (), Box((), ()))
    headers = {**question.fields(), DIGEST: question.digest(b"ab")}
    assert headers[SHAPE] == headers[CROP] == "scalar"
    assert Question.parse(headers)[0] == question
    assert question.body_bytes == 2


def accepted(headers: dict[str, str], body: bytes) -> bool:
    """Tell whether a worker would believe this request."""
    try:
        question, claimed = Question.parse(headers)
    except WireError:
        return False
    return question.digest(body) == claimed


def answer_accepted(headers: dict[str, str], body: bytes) -> bool:
    try:
        ANSWER.check(headers, body)
    except WireError:
        return False
    return True


JUDGES = pytest.mark.parametrize(
    ("judge", "headers", "body"),
    [
        pytest.param(accepted, HEADERS, BODY, id="question"),
        pytest.param(answer_accepted, REPLY_HEADERS, REPLY, id="answer"),
    ],
)


@JUDGES
def test_every_flipped_bit_is_noticed(judge: Any, headers: dict[str, str], body: bytes) -> None:
    """One bit of any header or of the body, and the message is refused."""
    assert judge(headers, body)
    for position in range(8 * len(body)):
        other = bytearray(body)
        other[position // 8] ^= 1 << position % 8
        assert not judge(headers, bytes(other))
    for name, value in headers.items():
        for position in range(8 * len(value)):
            text = bytearray(value.encode())
            text[position // 8] ^= 1 << position % 8
            assert not judge({**headers, name: text.decode("latin-1")}, body), (name, text)


@JUDGES
def test_every_missing_header_is_noticed(judge: Any, headers: dict[str, str], body: bytes) -> None:
    """None is optional."""
    for name in headers:
        assert not judge({key: value for key, value in headers.items() if key != name}, body)


@JUDGES
@pytest.mark.parametrize("length", ["shorter", "longer", "empty"])
def test_bodies_of_another_length(
    judge: Any, headers: dict[str, str], body: bytes, length: str
) -> None:
    """A cut or padded body is refused."""
    assert not judge(headers, {"shorter": body[:-1], "longer": body + b"\0", "empty": b""}[length])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(QUESTION, tile=18), id="another tile"),
        pytest.param(replace(QUESTION, job="f" * 64), id="another job"),
        pytest.param(replace(QUESTION, crop=Box((0, 0), (2, 3))), id="another crop"),
        pytest.param(replace(QUESTION, shape=(3, 3)), id="another shape"),
        pytest.param(replace(QUESTION, dtype=np.dtype("<i4")), id="another dtype"),
        pytest.param(QUESTION, id="another body"),
    ],
)
def test_an_answer_to_another_question_is_refused(other: Question) -> None:
    """Even if it has the same shape and the same bytes."""
    asked = other.digest(BODY if other != QUESTION else BODY[::-1])
    answer = Answer.to(other, asked, np.dtype("<f8"))
    headers = {**answer.fields(), DIGEST: answer.digest(REPLY)}
    assert answer.check(headers, REPLY)
    assert not answer_accepted(headers, REPLY)
    assert not answer_accepted({**headers, **ANSWER.fields()}, REPLY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (JOB, NAME[:-1]),
        (JOB, NAME.upper()),
        (JOB, NAME + "\n"),
        (TILE, "-1"),
        (TILE, "1e3"),
        (TILE, "9" * 19),
        (TILE, "٣"),
        (TILE, "1_0"),
        (DTYPE, ">f4"),
        (DTYPE, "|O"),
        (DTYPE, "float32"),
        (SHAPE, ""),
        (SHAPE, "4"),
        (SHAPE, "4,-3"),
        (SHAPE, "4, 3"),
        (SHAPE, "4,3,"),
        (SHAPE, ",".join("1" * 33)),
        (SHAPE, f"{10**18},{10**18}"),
        (SHAPE, "scalar"),
        (CROP, "scalar"),
        (CROP, "1:3"),
        (CROP, "3:1,0:3"),
        (CROP, "1:5,0:3"),
        (CROP, "-1:3,0:3"),
        (CROP, "1:3,0:3,0:1"),
        (CROP, "1-3,0-3"),
        (DIGEST, ""),
        (DIGEST, "0" * 31),
        (DIGEST, "g" * 32),
    ],
    ids=ascii,
)
def test_malformed_headers_are_refused(name: str, value: str) -> None:
    """Each by its own name, before a byte of the body is read."""
    with pytest.raises(WireError, match=rf"(?i){name.removeprefix('Tilefan-')}|crop"):
        Question.parse({**HEADERS, name: value})


@given(st.dictionaries(st.sampled_from(list(HEADERS)), st.text(max_size=20)))
def test_any_headers(garbage: dict[str, str]) -> None:
    """Random text raises WireError, or says the same in other words."""
    for headers in (garbage, {**HEADERS, **garbage}):
        try:
            question, _ = Question.parse(headers)
        except WireError:
            continue
        assert question.fields()


@pytest.mark.parametrize(
    ("value", "spent"),
    [
        ("0,0", Spent(0.0, 0.0)),
        ("250000,1750000", Spent(0.25, 1.75)),
        ("250000,1750001", None),
        (f"{10**14},{10**14}", None),
        ("9" * 16 + ",1", None),
        ("-1,1", None),
        ("1e3,1", None),
        ("1", None),
        ("1,2,3", None),
        ("1, 2", None),
        ("٣,1", None),
        ("nan,inf", None),
        ("1,2\n", None),
        ("", None),
    ],
    ids=ascii,
)
def test_what_a_worker_says_it_spent(value: str, spent: Spent | None) -> None:
    """Two numbers of microseconds that fit into the time there was; anything else is unknown."""
    assert Spent.parse({SPENT: value}, within_s=2.0) == spent
    assert Spent.parse({}, within_s=2.0) is None


@pytest.mark.parametrize("dtype", ["O", "S3", "U3", "V4", "M8[s]", "m8", "i4,f8", "g", "G"])
def test_dtypes_that_never_travel(dtype: str) -> None:
    """They are refused by the sender already."""
    with pytest.raises(UnsupportedError):
        replace(QUESTION, dtype=np.dtype(dtype)).fields()


def test_the_run_of_a_request() -> None:
    """Sixteen digits, or none at all."""
    assert parse_run({RUN: "0123456789abcdef"}) == "0123456789abcdef"
    assert parse_run({}) == ""
    for text in ("0123456789abcde", "0123456789ABCDEF", "0" * 17, "\u0660" * 16, " " * 16):
        with pytest.raises(WireError):
            parse_run({RUN: text})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0.05", 0.05),
        ("3", 3.0),
        ("-1", None),
        ("1e9", None),
        ("nan", None),
        ("", None),
        ("1.", None),
    ],
)
def test_when_a_busy_worker_wants_to_be_asked(value: str, seconds: float | None) -> None:
    """Decimal seconds, or nothing that is believed."""
    assert parse_retry_s({RETRY_S: value}) == seconds
    assert parse_retry_s({}) is None
