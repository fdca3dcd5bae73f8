"""The coordinator's side of pairing, over a fake network: honest workers, liars, listeners."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from coordinator.engines.http.pairing import Paired, pair
from coordinator.errors import NoWorkerError, TilefanError, TrustError
from tests.support.fake_network import FakeNetwork, HangUpError, Request, answer, json_answer
from tiling.protocol.pairing import NOT_PAIRING, WRONG_CODE, Exchange, Side
from tiling.protocol.token import Token
from worker.errors import RefusedError
from worker.security.auth import Guard
from worker.security.pairing import Pairing
from worker.security.token_file import SharedToken

URL = "http://node1:8080"
OURS, THEIRS = Token.parse("c" * 40), Token.parse("w" * 40)


def honest(code: str = "") -> tuple[FakeNetwork, Pairing]:
    """Return the network of a worker that pairs as real ones do."""
    pairing = Pairing(Guard(THEIRS), SharedToken(THEIRS), 0.0)
    pairing.code = code or pairing.code

    def handle(request: Request) -> bytes:
        assert request.path == "/v1/pair"
        try:
            return json_answer(pairing.answer(request.body, "10.0.0.9", 0.0))
        except RefusedError as error:
            kind = error.kind
            return json_answer({"type": kind.type, "detail": error.detail}, kind.status)

    return FakeNetwork(handle), pairing


def failure(network: FakeNetwork, code: str = "000000", url: str = URL) -> TilefanError:
    with pytest.raises(TilefanError) as caught:
        pair(url, code, OURS, network=network)
    return caught.value


def test_the_workers_token_is_given_to_who_has_none() -> None:
    """And is the one that it has."""
    network, pairing = honest()
    paired = pair(URL, pairing.code, None, network=network)
    assert paired == Paired("given", "TILEFAN_TOKEN", THEIRS, None)


def test_nothing_secret_is_on_the_wire() -> None:
    """Neither the code nor a token is in any request, and requests carry no token to nobody."""
    network, pairing = honest()
    pair(URL, pairing.code, OURS, network=network)
    sent = b"".join(request.body for request in network.requests)
    assert len(network.requests) == 3
    for secret in (OURS.reveal(), THEIRS.reveal(), pairing.code):
        assert secret.encode() not in sent
        assert secret.encode().hex().encode() not in sent
    assert all("Authorization" not in request.headers for request in network.requests)


def test_a_wrong_code_ends_before_anything_is_sealed() -> None:
    """Exit code 6, the tries that are left, and no third request."""
    network, _ = honest("K7Q3XW")
    error = failure(network)
    assert isinstance(error, TrustError)
    assert error.exit_code == 6
    assert str(error) == "node1:8080: wrong code: another code is shown there: 2 more tries"
    assert len(network.requests) == 2


class Impostor:
    """Says that it is the worker, accepts any proof, and makes up its own."""

    def __init__(self, change: Callable[[dict[str, Any]], Any] = lambda said: said) -> None:
        self.exchange = Exchange(Side.WORKER, "111111", URL, lambda size: b"\x07" * size)
        self.change = change

    def __call__(self, request: Request) -> bytes:
        said = json.loads(request.body)
        if "message" in said:
            self.channel = self.exchange.finish(bytes.fromhex(said["message"]))
            mine = {"run": "ab" * 16, "message": self.exchange.message.hex()}
            return json_answer(self.change(mine))
        sealed = self.channel.seal(certificate=None)
        mine = {"confirmation": self.channel.confirmation.hex(), "sealed": sealed}
        return json_answer(self.change(mine))


def test_an_impostor_gets_no_token() -> None:
    """Who does not know the code can't prove it; the token is not even sealed for him."""
    network = FakeNetwork(Impostor())
    error = failure(network)
    assert isinstance(error, TrustError)
    assert "does not know the code" in str(error)
    assert [set(json.loads(request.body)) for request in network.requests] == [
        {"version", "address", "message"},
        {"run", "confirmation"},
    ]


HOSTILE: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("a list", lambda said: [said]),
    ("nothing", lambda _: {}),
    ("numbers", lambda said: dict.fromkeys(said, 7)),
    ("null", dict.fromkeys),
    ("no hexadecimal", lambda said: dict.fromkeys(said, "zz")),
    ("empty", lambda said: dict.fromkeys(said, "")),
    ("long", lambda said: dict.fromkeys(said, "ab" * 50_000)),
    ("reflected", lambda said: {**said, "message": "41" + "00" * 32}),
    ("snowmen", lambda said: dict.fromkeys(said, "\u2603" * 66)),
]


@pytest.mark.parametrize("change", [pytest.param(c, id=name) for name, c in HOSTILE])
def test_hostile_answers(change: Callable[[dict[str, Any]], Any]) -> None:
    """Each is an error of trust in one sentence, and no request follows it."""
    network = FakeNetwork(Impostor(change))
    error = failure(network)
    assert isinstance(error, TrustError)
    assert "node1:8080: does not speak as a worker that pairs" in str(error)
    assert len(network.requests) == 1


REFUSALS = [
    (401, {}, "is not pairing: start `worker --pair` there", TrustError),
    (404, {}, "is not pairing: start `worker --pair` there", TrustError),
    (409, {"type": NOT_PAIRING, "detail": "it is over"}, "can't be paired: it is over", TrustError),
    (403, {"type": WRONG_CODE, "detail": "no"}, "wrong code: no", TrustError),
    (421, {"detail": "Host: x\x1b[31m is no name"}, "HTTP 421: Host: x?[31m is no", TrustError),
    (429, {"detail": "wait"}, "HTTP 429: wait", TrustError),
    (500, {"detail": 3}, "HTTP 500: 3", TrustError),
]


@pytest.mark.parametrize(("status", "said", "words", "kind"), REFUSALS)
def test_refusals_have_their_sentence(
    status: int, said: dict[str, Any], words: str, kind: type[TilefanError]
) -> None:
    """What happened, in words that move no cursor, and what to do."""
    error = failure(FakeNetwork(lambda _: json_answer(said, status)))
    assert isinstance(error, kind)
    assert words in str(error)
    assert "\x1b" not in str(error)


def hang_up(_: Request) -> bytes:
    raise HangUpError(b"")


BROKEN = [
    pytest.param(hang_up, "if it was started with --tls, write https://", id="hangs up"),
    pytest.param(lambda _: b"SSH-2.0-x\r\n\r\n", "does not answer in HTTP", id="no http"),
]


@pytest.mark.parametrize(("handler", "words"), BROKEN)
def test_who_does_not_answer(handler: Callable[[Request], bytes], words: str) -> None:
    """No worker: exit code 3, and what may be the matter."""
    error = failure(FakeNetwork(handler))
    assert isinstance(error, NoWorkerError)
    assert words in str(error)


def test_who_is_silent() -> None:
    """Is not waited for without end; exit code 3."""
    over = threading.Event()

    def wait(_: Request) -> bytes:
        over.wait(60)
        return b""

    with pytest.raises(NoWorkerError, match=r"node1:8080: no answer within 0\.2 s"):
        pair(URL, "000000", OURS, network=FakeNetwork(wait), answer_s=0.2)
    over.set()


@pytest.mark.parametrize(
    "body", [pytest.param(b" " * 2**19, id="long"), pytest.param(b"[" * 5000, id="deep")]
)
@pytest.mark.parametrize("status", [200, 409])
def test_an_answer_without_end_is_not_read(status: int, body: bytes) -> None:
    """More than any honest worker says is none of its answers."""
    huge = answer(status, body, Content_Type="application/json")
    assert isinstance(failure(FakeNetwork(lambda _: huge)), TrustError)


@pytest.mark.parametrize(
    ("sent", "outcome", "given"),
    [
        pytest.param(OURS, "given", None, id="gives nothing"),
        pytest.param(OURS, "given", THEIRS, id="gives though it has ours"),
        pytest.param(OURS, "taken", THEIRS, id="takes and gives"),
        pytest.param(OURS, "eaten", None, id="no outcome"),
        pytest.param(None, "given", None, id="gives none"),
        pytest.param(None, "taken", None, id="takes none"),
    ],
)
def test_outcomes_that_can_not_be(
    monkeypatch: pytest.MonkeyPatch, sent: Token | None, outcome: str, given: Token | None
) -> None:
    """Who knows the code and contradicts itself is no worker, and nothing is kept of it."""
    said = {"outcome": outcome, "token": given and given.reveal(), "place": "x"}
    monkeypatch.setattr(Pairing, "_settle", lambda *_: said)
    network, pairing = honest()
    with pytest.raises(TrustError, match="does not speak as a worker that pairs"):
        pair(URL, pairing.code, sent, network=network)
