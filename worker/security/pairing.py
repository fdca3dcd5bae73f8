"""The worker's side of pairing: one code, for ten minutes, three wrong tries and one success.

See `tiling.protocol.pairing`. Nobody who speaks to it is known, so what they can cost is bounded:
a run of SPAKE2 takes some 10 ms, and only so many are begun in a second; few wait for their second
request, and the oldest makes room. Somebody on the network can use up the tries: then nobody pairs.
"""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from collections.abc import MutableMapping

from tiling.errors import BadValueError, WireError
from tiling.protocol.pairing import (
    RUN_BYTES,
    Channel,
    Entropy,
    Exchange,
    Side,
    make_code,
    parse_request,
)
from tiling.protocol.token import TOKEN_VARIABLE, Token
from worker.errors import Kind, RefusedError
from worker.log import ROOT, Event
from worker.rate_limit import RateLimit
from worker.security.auth import Guard
from worker.security.token_file import SharedToken, replace_token

LOG = logging.getLogger(f"{ROOT}.pairing")

VALID_S = 600.0
TRIES = 3

RUNS_PER_S, RUNS_AT_ONCE = 5.0, 10.0
"""Of all addresses together: at most a twentieth of a core."""

WAITING = 16
"""Runs whose confirmation has not come."""

AGAIN = "for a new one, stop the worker and start it again with --pair"


class Pairing:
    """The pairing of one worker.

    Parameters
    ----------
    guard : Guard
        Is given the coordinator's token, if there is one.
    shared : SharedToken
        What the guard wants now, and where it is kept.
    now : float
        Time in seconds, of a monotonic clock.
    pin : str, optional
        The worker's certificate in base64 of its DER.
    entropy : callable
        Returns so many random bytes.

    Attributes
    ----------
    code : str
    """

    def __init__(
        self,
        guard: Guard,
        shared: SharedToken,
        now: float,
        pin: str | None = None,
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        self.code = make_code(entropy)
        self._guard = guard
        self._shared = shared
        self._until = now + VALID_S
        self._pin = pin
        self._entropy = entropy
        self._tries = TRIES
        self._used = False
        self._begun: OrderedDict[str, Channel] = OrderedDict()
        self._confirmed: dict[str, Channel] = {}
        self._throttle = RateLimit(RUNS_PER_S, RUNS_AT_ONCE)

    def check(self, now: float) -> None:
        """Refuse any request once the code is of no more use.

        Parameters
        ----------
        now : float
            Time in seconds, of a monotonic clock.

        Raises
        ------
        RefusedError
        """
        if not self._tries:
            raise _over("three wrong codes have made it void")
        if now >= self._until:
            raise _over("the code was valid for ten minutes")

    def answer(self, body: bytes, remote: str, now: float) -> dict[str, str]:
        """Answer a request of a run.

        Parameters
        ----------
        body : bytes
        remote : str
            Address of the sender.
        now : float
            Time in seconds, of a monotonic clock.

        Raises
        ------
        RefusedError
            If there is no code any more, the code is wrong, or there are too many requests.
        WireError
            If it is no such request.
        """
        self.check(now)
        said = parse_request(body)
        if self._used and "sealed" not in said:
            raise _over("the code was used")
        if "message" in said:
            return self._begin(said["address"], bytes.fromhex(said["message"]), now)
        if "confirmation" in said:
            return self._confirm(said["run"], bytes.fromhex(said["confirmation"]), remote)
        return self._finish(said["run"], said["sealed"], remote)

    def _begin(self, address: str, message: bytes, now: float) -> dict[str, str]:
        if not self._throttle.allows("", now):
            detail = "too many pairings are begun: wait"
            raise RefusedError(Kind.THROTTLED, detail, {"Retry-After": "1"})
        exchange = Exchange(Side.WORKER, self.code, address, self._entropy)
        run = self._entropy(RUN_BYTES).hex()
        self._begun[run] = exchange.finish(message)
        if len(self._begun) > WAITING:
            self._begun.popitem(last=False)
        return {"run": run, "message": exchange.message.hex()}

    def _confirm(self, run: str, confirmation: bytes, remote: str) -> dict[str, str]:
        channel = _taken(self._begun, run)
        if not channel.confirms(confirmation):
            raise self._wrong(remote)
        self._used = True
        self._begun.clear()
        LOG.info(Event("pairing code used", address=remote))
        self._confirmed[run] = channel
        sealed = channel.seal(certificate=self._pin)
        return {"confirmation": channel.confirmation.hex(), "sealed": sealed}

    def _finish(self, run: str, sealed: str, remote: str) -> dict[str, str]:
        channel = _taken(self._confirmed, run)
        try:
            outcome = self._settle(channel.open(sealed).get("token"))
        except (WireError, BadValueError) as error:
            why = f"the code is used up, and nobody is paired: {error}"
            LOG.warning(Event("not paired", address=remote, reason=f"{why}: {AGAIN}"))
            raise _over(why) from None
        LOG.info(Event("paired", address=remote, token=outcome["outcome"]))
        return {"sealed": channel.seal(**outcome)}

    def _settle(self, text: str | None) -> dict[str, str]:
        """Give this worker's token, or take the coordinator's; return which, and where it is."""
        path = self._shared.path
        place = str(path or TOKEN_VARIABLE)
        if text is None:
            return {"outcome": "given", "token": self._shared.token.reveal(), "place": place}
        token = Token.parse(text)
        if token == self._shared.token:
            return {"outcome": "same", "place": place}
        if path is None:
            return {"outcome": "fixed", "place": place}
        try:
            replace_token(path, token)
        except OSError as error:
            return {"outcome": "failed", "place": f"{place}: {error.strerror}"}
        self._shared = SharedToken(token, path)
        self._guard.adopt(token)
        return {"outcome": "taken", "place": place}

    def _wrong(self, remote: str) -> RefusedError:
        """Count a wrong code; return its refusal."""
        self._tries -= 1
        LOG.warning(Event("wrong pairing code", address=remote, tries_left=self._tries))
        if self._tries:
            left = f"{self._tries} more {'try' if self._tries == 1 else 'tries'}"
            return RefusedError(Kind.WRONG_CODE, f"another code is shown there: {left}")
        LOG.warning("three wrong pairing codes have made the code void: %s", AGAIN)
        return RefusedError(Kind.WRONG_CODE, f"another code was shown there, now void: {AGAIN}")


def _over(why: str) -> RefusedError:
    return RefusedError(Kind.NOT_PAIRING, f"{why}: {AGAIN}")


def _taken(runs: MutableMapping[str, Channel], run: str) -> Channel:
    """Take the channel of a run out of those that wait: none is used twice."""
    channel = runs.pop(run, None)
    if channel is None:
        raise RefusedError(Kind.NOT_PAIRING, "there is no such run of pairing: begin again")
    return channel
