"""The worker's side of pairing, without a network and with a clock of the test's own."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from tiling.protocol.pairing import VERSION, Channel, Exchange, Side
from tiling.protocol.token import Token
from worker.errors import Kind, RefusedError
from worker.security.auth import Guard
from worker.security.pairing import RUNS_AT_ONCE, TRIES, VALID_S, WAITING, Pairing
from worker.security.token_file import SharedToken

OLD, NEW = Token.parse("o" * 40), Token.parse("n" * 40)
ADDRESS = "http://node1:8080"
START = 1000.0


class Coordinator:
    """An honest coordinator that speaks to a pairing, step by step."""

    def __init__(self, pairing: Pairing, code: str | None = None) -> None:
        self.pairing = pairing
        self.exchange = Exchange(
            Side.COORDINATOR, code or pairing.code, ADDRESS, random.Random(5).randbytes
        )
        self.run = ""

    def ask(self, now: float = START, **document: Any) -> Mapping[str, str]:
        return self.pairing.answer(json.dumps(document).encode(), "10.0.0.9", now)

    def begin(self, now: float = START) -> Channel:
        said = self.ask(now, version=VERSION, address=ADDRESS, message=self.exchange.message.hex())
        self.run = said["run"]
        return self.exchange.finish(bytes.fromhex(said["message"]))

    def confirm(self, channel: Channel, now: float = START) -> dict[str, Any]:
        said = self.ask(now, run=self.run, confirmation=channel.confirmation.hex())
        assert channel.confirms(bytes.fromhex(said["confirmation"]))
        return channel.open(said["sealed"])

    def settle(self, channel: Channel, token: str | None) -> dict[str, Any]:
        said = self.ask(run=self.run, sealed=channel.seal(token=token))
        return channel.open(said["sealed"])

    def pair(self, token: str | None) -> dict[str, Any]:
        channel = self.begin()
        self.confirm(channel)
        return self.settle(channel, token)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tilefan" / "token"
    file.parent.mkdir(mode=0o700)
    file.touch(0o600)
    file.write_text(OLD.reveal())
    return file


@pytest.fixture
def guard() -> Guard:
    return Guard(OLD)


@pytest.fixture
def pairing(guard: Guard, path: Path) -> Pairing:
    return Pairing(guard, SharedToken(OLD, path), START, "PIN")


def lets_in(guard: Guard, token: Token) -> bool:
    """Tell whether a guard serves who has a token."""
    headers = CIMultiDict({"Host": "10.1.2.3:80", "Authorization": token.header})
    try:
        guard.check(headers, "10.1.2.3", "10.9.9.9", 0.0)
    except RefusedError:
        return False
    return True


def refusal(ask: Callable[[], object]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        ask()
    return caught.value


def test_a_token_is_taken_at_once(pairing: Pairing, guard: Guard, path: Path) -> None:
    """It is in the file, mode 600, and opens; the old one opens no more."""
    path.chmod(0o640)  # whatever it was before
    said = Coordinator(pairing).pair(NEW.reveal())
    assert said == {"outcome": "taken", "place": str(path)}
    assert path.read_text() == f"{NEW.reveal()}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert (lets_in(guard, NEW), lets_in(guard, OLD)) == (True, False)


def test_a_token_is_given(pairing: Pairing, guard: Guard, path: Path) -> None:
    """Who has none is told this worker's, sealed; nothing changes here."""
    said = Coordinator(pairing).pair(None)
    assert said == {"outcome": "given", "place": str(path), "token": OLD.reveal()}
    assert lets_in(guard, OLD)


def test_the_same_token_is_left_as_it_is(pairing: Pairing, path: Path) -> None:
    """Nothing is written."""
    before = path.stat()
    assert Coordinator(pairing).pair(OLD.reveal())["outcome"] == "same"
    assert path.stat() == before


def test_a_token_of_the_environment_stays(guard: Guard) -> None:
    """It can be given, and another can't be taken: the next start would not know of it."""
    shared = SharedToken(OLD)
    assert Coordinator(Pairing(guard, shared, START)).pair(NEW.reveal()) == {
        "outcome": "fixed",
        "place": "TILEFAN_TOKEN",
    }
    assert lets_in(guard, OLD)
    assert Coordinator(Pairing(guard, shared, START)).pair(None)["token"] == OLD.reveal()


def test_a_file_that_can_not_be_written(guard: Guard, tmp_path: Path) -> None:
    """The old token stays in force, and the reason is told."""
    (tmp_path / "file").touch()
    shared = SharedToken(OLD, tmp_path / "file" / "token")
    said = Coordinator(Pairing(guard, shared, START)).pair(NEW.reveal())
    assert said["outcome"] == "failed"
    assert "File exists" in said["place"]
    assert lets_in(guard, OLD)


def test_the_certificate_goes_over_the_channel(pairing: Pairing) -> None:
    """Only who has the code reads it, so that nobody can put another in its place."""
    coordinator = Coordinator(pairing)
    assert coordinator.confirm(coordinator.begin()) == {"certificate": "PIN"}


def test_three_wrong_codes_void_it(
    pairing: Pairing, guard: Guard, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is counted, though it learns nothing; then the right one is of no use any more."""
    right, waiting = Coordinator(pairing), Coordinator(pairing)
    kept = waiting.begin()
    for left in reversed(range(TRIES)):
        wrong = Coordinator(pairing, "000000")
        channel = wrong.begin()
        error = refusal(lambda: wrong.confirm(channel))  # noqa: B023 - called at once
        assert error.kind is Kind.WRONG_CODE
        assert str(left) in error.detail or "void" in error.detail
    for ask in (right.begin, lambda: waiting.confirm(kept)):
        error = refusal(ask)
        assert error.kind is Kind.NOT_PAIRING
        assert "start it again with --pair" in error.detail
    assert lets_in(guard, OLD)
    assert "void: for a new one, stop the worker and start it again with --pair" in caplog.text
    assert pairing.code not in caplog.text


def test_a_guess_at_each_run(pairing: Pairing) -> None:
    """A run whose proof was wrong is over: it can't be guessed at again."""
    wrong = Coordinator(pairing, "000000")
    channel = wrong.begin()
    assert refusal(lambda: wrong.confirm(channel)).kind is Kind.WRONG_CODE
    assert refusal(lambda: wrong.confirm(channel)).kind is Kind.NOT_PAIRING
    assert Coordinator(pairing).pair(None)["outcome"] == "given"


def test_ten_minutes(pairing: Pairing) -> None:
    """The last moment counts, the next one does not, not even for a run that was begun before."""
    coordinator = Coordinator(pairing)
    channel = coordinator.begin(START + VALID_S - 0.1)
    error = refusal(lambda: coordinator.confirm(channel, START + VALID_S))
    assert error.kind is Kind.NOT_PAIRING
    assert "valid for ten minutes" in error.detail
    coordinator.confirm(channel, START + VALID_S - 0.1)


def test_one_success_uses_it_up(
    pairing: Pairing, guard: Guard, caplog: pytest.LogCaptureFixture
) -> None:
    """Others that have begun go no further, nobody begins, and nothing is sealed twice."""
    first, second = Coordinator(pairing), Coordinator(pairing)
    channel, other = first.begin(), second.begin()
    with caplog.at_level("INFO"):
        first.confirm(channel)
    assert "pairing code used address=10.0.0.9" in caplog.text
    for late in (lambda: second.confirm(other), Coordinator(pairing).begin):
        error = refusal(late)
        assert error.kind is Kind.NOT_PAIRING
        assert "the code was used" in error.detail
    first.settle(channel, NEW.reveal())
    assert refusal(lambda: first.settle(channel, OLD.reveal())).kind is Kind.NOT_PAIRING
    assert lets_in(guard, NEW)


def test_nothing_is_settled_before_both_have_proved_it(pairing: Pairing, guard: Guard) -> None:
    """A sealed message that comes too early, or not from the other end, changes nothing."""
    coordinator = Coordinator(pairing)
    channel = coordinator.begin()
    assert refusal(lambda: coordinator.settle(channel, NEW.reveal())).kind is Kind.NOT_PAIRING
    coordinator.confirm(channel)
    error = refusal(lambda: coordinator.ask(run=coordinator.run, sealed="00" * 40))
    assert "nobody is paired: the sealed message is none of this pairing" in error.detail
    assert refusal(lambda: coordinator.settle(channel, NEW.reveal())).kind is Kind.NOT_PAIRING
    assert lets_in(guard, OLD)


def test_what_strangers_cost_is_bounded(pairing: Pairing) -> None:
    """So many runs begin at once, whoever asks; of those that wait the oldest makes room."""
    runs = [Coordinator(pairing) for _ in range(int(RUNS_AT_ONCE))]
    channels = [each.begin() for each in runs]
    assert refusal(Coordinator(pairing).begin).kind is Kind.THROTTLED
    for number in range(WAITING):
        Coordinator(pairing).begin(START + 1 + number)
    assert refusal(lambda: runs[0].confirm(channels[0])).kind is Kind.NOT_PAIRING
    assert Coordinator(pairing).begin(START + 60)


@pytest.mark.parametrize("token", ["short", "x" * 600, "\x1b" * 40])
def test_what_is_no_token_is_not_taken(
    pairing: Pairing, guard: Guard, path: Path, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Even from who has the code: it would be a file that no start accepts; the log tells of it."""
    error = refusal(lambda: Coordinator(pairing).pair(token))
    assert error.kind is Kind.NOT_PAIRING
    assert "nobody is paired: it must hold" in error.detail
    assert "not paired address=10.0.0.9" in caplog.text
    assert token not in caplog.text
    assert path.read_text() == OLD.reveal()
    assert lets_in(guard, OLD)
