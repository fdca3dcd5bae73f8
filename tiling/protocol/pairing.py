"""Pairing: a short code that a person carries gives a worker and a coordinator one token.

The code has 30 bits, so no key may be made of it alone: whoever heard one message could try all
codes at home. SPAKE2 (Abdalla and Pointcheval, RFC 9382) is made for that: its messages tell
nothing of the code, and each run lets an attacker, on the way or at one end, try one code only. The
implementation is the package `spake2`, which magic-wormhole uses; it checks that a point is in the
group, and has points M and N of its own, since it is older than the RFC. The alternative, TLS with
a fingerprint in the code, proves the worker only, and a fingerprint that withstands somebody who
makes certificates until one fits needs three times as many characters.

What is put on top is the usual composition, with `cryptography`'s parts:

- HKDF-SHA256 makes four keys of the shared one: for each side, of its confirmation and its seals.
- Each side proves with an HMAC that it has the key, the coordinator first: so a worker counts a
  wrong code before it has answered anything, and who breaks off has learned nothing. It is not left
  to the seals to prove that: AES-GCM does not commit to its key, and one message could try many.
- After both proofs, messages are sealed with AES-256-GCM: a key serves one side of one run, and the
  nonce is the number of the message.

The address that the coordinator was given, scheme and port included, and the version of all this
are part of both names in SPAKE2: two ends that do not agree on them do not come to one key.

    coordinator                                worker
    version, address, message         ->
                                      <-       run, message
    run, confirmation                 ->       wrong: one try less, and no more is said
                                      <-       confirmation, sealed: its certificate
    run, sealed: its token, or none   ->
                                      <-       sealed: what became of the tokens

Bytes are hexadecimal in JSON. Randomness is an argument, and so is the time, at the worker.
`spake2` and `cryptography` are imported by those who pair only.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from tiling.errors import BadValueError, WireError

PATH = "/v1/pair"
VERSION = 1

WRONG_CODE = "urn:tilefan:wrong-code"
"""Type of the refusal of a confirmation that is wrong."""

NOT_PAIRING = "urn:tilefan:not-pairing"
"""Type of the refusal where there is no code, or not any more."""

MESSAGE_BYTES, RUN_BYTES, CONFIRMATION_BYTES = 33, 16, 32
MAX_ADDRESS = 300
"""Characters: a name has 255 at most."""

MAX_REQUEST = 2048
"""Bytes of a request: one with the longest token has 1,200."""

DIGITS = 6
"""Of a code: 3 guesses among 2^30."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: 32 signs of which none is taken for another."""

_FORGIVEN = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})

Entropy: TypeAlias = Callable[[int], bytes]
"""Returns so many random bytes, as `os.urandom` does."""


class Side(Enum):
    """A side of a run."""

    COORDINATOR = 0
    WORKER = 1


def make_code(entropy: Entropy) -> str:
    """Return a new code."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in entropy(DIGITS))


def parse_code(text: str) -> str:
    """Return the code that somebody typed: in any case, with or without a dash, O for 0, I for 1.

    Raises
    ------
    BadValueError
        If it is none.

    Examples
    --------
    >>> parse_code(" k7q-3xo "), parse_code("lI0 ABC")
    ('K7Q3X0', '110ABC')
    """
    code = text.upper().translate(_FORGIVEN)
    if len(code) != DIGITS or not set(code) <= set(ALPHABET):
        raise BadValueError("a pairing code has six letters and digits, such as K7Q-3XW")
    return code


def readable(code: str) -> str:
    """Return a code in two groups.

    Examples
    --------
    >>> readable("K7Q3XW")
    'K7Q-3XW'
    """
    return f"{code[: DIGITS // 2]}-{code[DIGITS // 2 :]}"


class Exchange:
    """One side of one run of SPAKE2.

    Parameters
    ----------
    side : Side
    code : str
    address : str
        Of the worker, as the coordinator was given it.
    entropy : callable

    Attributes
    ----------
    message : bytes
        For the other side.
    """

    def __init__(self, side: Side, code: str, address: str, entropy: Entropy) -> None:
        from spake2 import SPAKE2_A, SPAKE2_B

        protocol = SPAKE2_A if side is Side.COORDINATOR else SPAKE2_B
        name = f"tilefan pairing {VERSION} {address}"
        names = (f"{name} {each.name.lower()}".encode() for each in Side)
        self._side = side
        self._run = protocol(code.encode("ascii"), *names, entropy_f=entropy)
        self.message: bytes = self._run.start()

    def finish(self, message: bytes) -> Channel:
        """Return what follows from the other side's message; the codes may still differ.

        Parameters
        ----------
        message : bytes

        Raises
        ------
        WireError
            If it is no message of the other side.
        """
        from spake2 import SPAKEError
        from spake2.ed25519_basic import NotOnCurve

        try:
            if len(message) != MESSAGE_BYTES:
                raise ValueError
            key = self._run.finish(message)
        except (SPAKEError, NotOnCurve, ValueError):
            raise WireError("the pairing message is none") from None
        both = (self.message, message)
        return Channel.of_key(self._side, key, both[self._side.value] + both[1 - self._side.value])


@dataclass(slots=True)
class Channel:
    """The keys of one side, and how many messages each side has sealed.

    Parameters
    ----------
    confirmation : bytes
        Proof for the other side that this one has the key.
    """

    confirmation: bytes = field(repr=False)
    _expected: bytes = field(repr=False)
    _sealing: bytes = field(repr=False)
    _opening: bytes = field(repr=False)
    _sealed: int = 0
    _opened: int = 0

    @classmethod
    def of_key(cls, side: Side, key: bytes, transcript: bytes) -> Channel:
        """Return a side's channel of the key that SPAKE2 ends with, and its messages."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = f"tilefan pairing {VERSION} keys".encode()
        keys = HKDF(SHA256(), length=128, salt=None, info=info).derive(key)
        confirming = [keys[:32], keys[32:64]]
        sealing = [keys[64:96], keys[96:]]
        own, other = side.value, 1 - side.value
        proofs = [hmac.digest(each, transcript, "sha256") for each in confirming]
        return cls(proofs[own], proofs[other], sealing[own], sealing[other])

    def confirms(self, confirmation: bytes) -> bool:
        """Tell, in constant time, whether the other side has proved that it has the key."""
        return hmac.compare_digest(confirmation, self._expected)

    def seal(self, **values: str | None) -> str:
        """Return values that only the other side can read, as its next message."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._sealed += 1
        nonce = self._sealed.to_bytes(12, "big")
        return AESGCM(self._sealing).encrypt(nonce, json.dumps(values).encode(), None).hex()

    def open(self, sealed: str) -> dict[str, str | None]:
        """Return the values of the other side's next message.

        Raises
        ------
        WireError
            If it was not sealed there, or is not the next one.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._opened += 1
        nonce = self._opened.to_bytes(12, "big")
        try:
            text = AESGCM(self._opening).decrypt(nonce, bytes.fromhex(sealed), None)
            values = json.loads(text)
        except (InvalidTag, ValueError, RecursionError):
            raise WireError("the sealed message is none of this pairing") from None
        if isinstance(values, dict) and all(isinstance(v, str | None) for v in values.values()):
            return values
        raise WireError("the sealed message holds more than texts")


_REQUESTS = ({"version", "address", "message"}, {"run", "confirmation"}, {"run", "sealed"})

_PATTERNS = {
    "address": f"[!-~]{{1,{MAX_ADDRESS}}}",
    "message": f"[0-9a-f]{{{2 * MESSAGE_BYTES}}}",
    "run": f"[0-9a-f]{{{2 * RUN_BYTES}}}",
    "confirmation": f"[0-9a-f]{{{2 * CONFIRMATION_BYTES}}}",
    "sealed": "([0-9a-f]{2})+",
}


def parse_request(body: bytes) -> dict[str, str]:
    """Return a request: an opening, a confirmation or a sealed message, each of its exact form.

    Parameters
    ----------
    body : bytes
        Of at most `MAX_REQUEST`.

    Raises
    ------
    WireError
        If it is none of them.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise WireError("pairing: not JSON") from None
    if not isinstance(said, dict) or said.keys() not in _REQUESTS:
        raise WireError("pairing: a request has other fields")
    if (version := said.pop("version", VERSION)) != VERSION:
        there = str(version)[:20]
        raise WireError(f"pairing {there}, here {VERSION}: install the same tilefan on both")
    for name, value in said.items():
        if not isinstance(value, str) or not re.fullmatch(_PATTERNS[name], value):
            raise WireError(f"pairing: {name} is of another form")
    return said
