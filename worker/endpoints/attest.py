"""Attestation: digests of fixed probes, each computed once by this worker's kernel."""

from __future__ import annotations

import json
from functools import partial

from aiohttp import web

from tiling.kernels import Kernel
from tiling.probes.digests import digest_of, expected
from worker.errors import Kind, RefusedError
from worker.http.bodies import body_length, check_type, read_body
from worker.state import SERVICE

MAX_REQUEST = 64 * 2**10
"""Bytes of a request: the names of all probes take half of it."""


class ProbeDigests:
    """Digests of the probes with one kernel; each is computed when first asked for.

    Parameters
    ----------
    kernel : Kernel
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._digests: dict[str, str] = {}

    def of(self, request: bytes) -> dict[str, str]:
        """Return the digest of each probe that a request names.

        Raises
        ------
        RefusedError
            As `parse` does; so no more digests are kept than `expected` has.
        """
        names = parse(request)
        for name in names:
            if name not in self._digests:
                self._digests[name] = digest_of(name, self._kernel)
        return {name: self._digests[name] for name in names}


PROBE_DIGESTS = web.AppKey("probe_digests", ProbeDigests)


async def post_attest(request: web.Request) -> web.Response:
    """Answer the digests of probes, and the identity of the worker that computed them."""
    service = request.app[SERVICE]
    check_type(request, "application/json")
    length = body_length(request, MAX_REQUEST)
    with service.control_pool.admit() as slot:
        slot.reserve(length)
        body = bytearray(length)
        await read_body(request, memoryview(body), service.settings)
        digests = await slot.run(partial(request.app[PROBE_DIGESTS].of, bytes(body)))
    return web.json_response({"digests": digests, **service.identity.to_json()})


def parse(body: bytes) -> list[str]:
    """Return the names of probes in a request's JSON, each once.

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
