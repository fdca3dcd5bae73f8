"""Proof of a worker's bits: it computes fixed probes, each once, and tells their digests."""

from __future__ import annotations

import json
import platform
from functools import partial

from aiohttp import web

from tiling.kernels import Kernel
from tiling.probes.digests import digest_of, expected
from worker.endpoints.health import VERSIONS, cpu
from worker.errors import Kind, RefusedError
from worker.http.bodies import body_length, check_type, read_body
from worker.state import SERVICE

MAX_QUESTION = 64 * 2**10
"""Bytes of a question: every probe there is would fit in half of it."""


class Attestation:
    """What this worker's kernel makes of the probes; each is computed when first asked for.

    Parameters
    ----------
    kernel : Kernel
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._digests: dict[str, str] = {}

    def answer(self, names: list[str]) -> dict[str, str]:
        """Return the digest of each probe; there are no more to remember than `expected` has."""
        for name in names:
            if name not in self._digests:
                self._digests[name] = digest_of(name, self._kernel)
        return {name: self._digests[name] for name in names}


ATTESTATION = web.AppKey("attestation", Attestation)


async def post_attest(request: web.Request) -> web.Response:
    """Answer the digests of probes, and what computed them."""
    service = request.app[SERVICE]
    check_type(request, "application/json")
    body = bytearray(body_length(request, MAX_QUESTION))
    with service.clerk.admit() as slot:
        await read_body(request, memoryview(body), service.settings)
        digests = await slot.run(partial(_answer, request.app[ATTESTATION], bytes(body)))
    about = {"kernel": service.kernel_name, "cpu": cpu(), "machine": platform.machine()}
    versions = {name: VERSIONS[name] for name in ("numpy", "scipy")}
    return web.json_response({"digests": digests, **about, **versions})


def _answer(attestation: Attestation, body: bytes) -> dict[str, str]:
    return attestation.answer(parse(body))


def parse(body: bytes) -> list[str]:
    """Read the names of probes.

    Raises
    ------
    RefusedError
        If it is no list of names, or one has no probe here.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(Kind.MALFORMED, "attest: not JSON") from None
    match value:
        case {"probes": [*names], **rest} if not rest and all(isinstance(n, str) for n in names):
            unknown = [name for name in names if name not in expected()]
        case _:
            raise RefusedError(Kind.MALFORMED, "attest: wants probes, a list of names")
    if unknown:
        raise RefusedError(Kind.UNSUPPORTED, f"attest: there is no probe {unknown[0][:80]!r}")
    return list(dict.fromkeys(names))
