"""What a worker answers is what docs/openapi.json says."""

from __future__ import annotations

import io
import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tests.support.processes import WorkerProcess
from tests.support.worker_in_process import gaussian_job
from tiling.probes.digests import expected

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8")
)


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones((8, 6), "f4"))
    return file.getvalue()


BINARY, JSON = "application/octet-stream", "application/json"
FORM = b'--b\r\nContent-Disposition: form-data; name="array"\r\n\r\n' + npy() + b"\r\n--b--\r\n"
MULTIPART = "multipart/form-data; boundary=b"
PROBES = json.dumps({"probes": list(expected())[:2]}).encode()

REQUESTS = [
    ("GET", "/v1/health", "/v1/health", b"", "", 200),
    ("GET", "/v1/health", "/v1/health?run=x", b"", "", 400),
    ("GET", "/metrics", "/metrics", b"", "", 200),
    ("POST", "/v1/attest", "/v1/attest", PROBES, JSON, 200),
    ("POST", "/v1/jobs", "/v1/jobs", b"{}", JSON, 400),
    ("POST", "/v1/pair", "/v1/pair", b"{}", JSON, 409),
    ("POST", "/v1/places", "/v1/places", b"{}", JSON, 400),
    ("POST", "/v1/tiles", "/v1/tiles", b"", BINARY, 400),
    ("POST", "/v1/filters/{name}", "/v1/filters/sobel?axis=0", npy(), BINARY, 200),
    ("POST", "/v1/filters/{name}", "/v1/filters/sobl", npy(), BINARY, 404),
    ("POST", "/v1/filters/{name}", "/v1/filters/generic_filter", npy(), BINARY, 422),
    ("POST", "/", "/?sigma=2", FORM, MULTIPART, 200),
    ("POST", "/", "/", b"", MULTIPART, 500),
]


@pytest.mark.parametrize(
    ("method", "path", "target", "body", "kind", "status"),
    REQUESTS,
    ids=[f"{method} {target} {status}" for method, _, target, _, _, status in REQUESTS],
)
def test_answers_are_described(
    two_workers: list[WorkerProcess],
    method: str,
    path: str,
    target: str,
    body: bytes,
    kind: str,
    status: int,
) -> None:
    """Status, content type, and what stands in JSON."""
    connection = HTTPConnection(two_workers[0].address, timeout=60)
    connection.request(method, target, body, {"Content-Type": kind} if kind else {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == status, text
    described = DOCUMENT["paths"][path][method.lower()]["responses"][f"{status}"]["content"]
    content_type = answer.getheader("Content-Type", "").partition(";")[0]
    assert content_type in described
    if content_type.endswith("json"):
        schema = {**described[content_type]["schema"], "components": DOCUMENT["components"]}
        jsonschema.validate(json.loads(text), schema)


def test_a_job_s_answer_is_described(two_workers: list[WorkerProcess]) -> None:
    """With its trial."""
    job = gaussian_job(np.ones((8, 6), "f4"), 2)
    connection = HTTPConnection(two_workers[0].address, timeout=60)
    connection.request("POST", "/v1/jobs", job.encode(), {"Content-Type": JSON})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    responses = DOCUMENT["paths"]["/v1/jobs"]["post"]["responses"]
    jsonschema.validate(answer, responses["200"]["content"][JSON]["schema"])
    assert answer["job"] == job.digest
