"""Errors of the worker, and the kinds of refused requests with their HTTP statuses."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from tiling.protocol.pairing import NOT_PAIRING, WRONG_CODE
from tiling.protocol.places import REFUSED
from tiling.protocol.references import UNKNOWN_PLACE, UNREAD, UNWRITTEN
from tiling.protocol.wire import UNKNOWN_JOB

MAX_DETAIL = 1000
"""Characters of a detail, part of which may be the client's own text."""


class Kind(enum.Enum):
    """A kind of refusal: `type` as in RFC 9457, HTTP status, title."""

    MALFORMED = ("urn:tilefan:malformed", 400, "The request is malformed")
    DIGEST = ("urn:tilefan:digest", 400, "The body does not have the digest that was announced")
    TRUNCATED = ("urn:tilefan:truncated", 400, "The body ended before its announced length")
    UNAUTHORIZED = ("urn:tilefan:unauthorized", 401, "The request does not carry the fleet's token")
    ORIGIN = ("urn:tilefan:origin", 403, "Browsers are not served")
    WRONG_CODE = (WRONG_CODE, 403, "The pairing code is another one")
    NOT_FOUND = ("urn:tilefan:not-found", 404, "There is nothing at this path")
    UNKNOWN_JOB = (UNKNOWN_JOB, 404, "The job is not registered here")
    UNKNOWN_PLACE = (UNKNOWN_PLACE, 404, "The place was not offered here")
    METHOD = ("urn:tilefan:method", 405, "The path does not take this method")
    NOT_PAIRING = (NOT_PAIRING, 409, "This worker can not be paired now")
    SLOW = ("urn:tilefan:slow-body", 408, "The body took longer than its size allows")
    LENGTH_REQUIRED = ("urn:tilefan:length-required", 411, "The request needs a Content-Length")
    TOO_LARGE = ("urn:tilefan:too-large", 413, "The body is larger than this worker takes")
    MEDIA_TYPE = ("urn:tilefan:media-type", 415, "The body is not of the type that is read here")
    EXPECTATION = ("urn:tilefan:expectation", 417, "Only 100-continue can be expected")
    TOO_COSTLY = ("urn:tilefan:too-costly", 422, "This is more work than the worker takes at once")
    HOST = ("urn:tilefan:host", 421, "The request is addressed to another host")
    UNSUPPORTED = ("urn:tilefan:unsupported", 422, "No filter can do this")
    THROTTLED = ("urn:tilefan:throttled", 429, "Too many requests of who has no token")
    PLACE = (REFUSED, 422, "This worker can not open the place")
    OTHER = ("about:blank", 400, "The request was refused")
    INTERNAL = ("urn:tilefan:internal", 500, "The worker failed")
    PLACE_UNREAD = (UNREAD, 500, "The place can not be read here any more")
    PLACE_UNWRITTEN = (UNWRITTEN, 500, "The tile can not be written here")
    BUSY = ("urn:tilefan:busy", 503, "Every slot is taken")
    DRAINING = ("urn:tilefan:draining", 503, "The worker is going away")
    MEMORY = ("urn:tilefan:memory", 507, "The worker has not enough memory for this")

    def __init__(self, type_: str, status: int, title: str) -> None:
        self.type = type_
        self.status = status
        self.title = title

    @classmethod
    def of(cls, type_: str) -> Kind:
        """Return the kind of a type."""
        return next(kind for kind in cls if kind.type == type_)


class WorkerError(Exception):
    """Root of every error of this package; `exit_code` is that of a command that it ends."""

    exit_code = 1


class RefusedError(WorkerError):
    """A request is refused.

    Parameters
    ----------
    kind : Kind
    detail : str
        The reason, and what to do next; cut to `MAX_DETAIL`.
    headers : mapping, optional
        Headers of the answer.
    """

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail[:MAX_DETAIL]
        self.headers = dict(headers or {})


class TokenFileError(WorkerError):
    """The token file is exposed, empty or unreadable, or can't be made."""

    exit_code = 6


class CertificateError(WorkerError):
    """The certificate or its key can't be read or made."""

    exit_code = 6


class ListenError(WorkerError):
    """The address can't be bound."""

    exit_code = 7


class AnnounceError(WorkerError):
    """The file of the announcement can't be written."""

    exit_code = 7
