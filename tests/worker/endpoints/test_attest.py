"""The worker's half of attestation: a closed list of questions, each computed once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.worker_in_process import in_loop, problem, serve
from tiling.kernels import reference
from tiling.probes.digests import expected
from worker.endpoints.attest import MAX_REQUEST

JSON = {"Content-Type": "application/json"}


@in_loop
async def test_each_probe_is_computed_once() -> None:
    """Asked again, a worker remembers; it says what it computes with."""
    runs = 0

    def counting(*arguments: Any) -> None:
        nonlocal runs
        runs += 1
        reference.run(*arguments)

    name = "int8-int8-wrap"
    async with serve(kernel=counting) as (_, client):
        for _ in range(3):
            async with client.post("/v1/attest", json={"probes": [name, name]}) as response:
                said = await response.json()
                assert response.status == 200
    assert runs == 4
    assert said["digests"] == {name: expected()[name]}
    assert {"kernel", "cpu", "machine", "numpy", "scipy"} < set(said)


@in_loop
async def test_all_probes_fit_into_a_question() -> None:
    """The limit of the question leaves room for every probe there is."""
    assert len(str(list(expected()))) < MAX_REQUEST
    question = {"probes": list(expected())}
    async with serve() as (_, client), client.post("/v1/attest", json=question) as response:
        assert (await response.json())["digests"] == expected()


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        pytest.param(b"", 400, "malformed", id="empty"),
        pytest.param(b"[" * 60_000, 400, "malformed", id="deep"),
        pytest.param(b'{"probes": 3}', 400, "malformed", id="no list"),
        pytest.param(b'{"probes": [3]}', 400, "malformed", id="no names"),
        pytest.param(b'{"probes": [], "more": 1}', 400, "malformed", id="more"),
        pytest.param(b'{"probes": ["int8-int8-sideways"]}', 422, "unsupported", id="unknown"),
        pytest.param(b'{"probes": ["../../etc"]}', 422, "unsupported", id="path"),
        pytest.param(b" " * (MAX_REQUEST + 1), 413, "too-large", id="large"),
    ],
)
@in_loop
async def test_other_questions_are_refused(body: bytes, status: int, kind: str) -> None:
    """What is no list of known probes is the sender's fault."""
    async with serve() as (service, client):
        async with client.post("/v1/attest", data=body, headers=JSON) as response:
            assert await problem(response) == (status, kind)
        assert service.control_pool.in_flight == 0
