"""The worker's HTTP API as an OpenAPI 3.1 document, from the worker's own tables.

Filters, their parameters and the kinds of refusals are read from the code; what a request and an
answer hold stands here. ``python -m docs.remake`` writes openapi.json.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from coordinator.cli.commands.filter import OPTIONS
from tiling.filters import FILTERS, supported
from tiling.protocol import forms, pairing, places, references, wire
from worker.endpoints.health import TILES, TILES_OF_RUN, WAITING
from worker.endpoints.plain import FIELD
from worker.endpoints.query import PARSERS
from worker.errors import Kind

Json = dict[str, Any]

ALWAYS = {Kind.OTHER, Kind.UNAUTHORIZED, Kind.ORIGIN, Kind.HOST, Kind.THROTTLED, Kind.INTERNAL}
"""Refusals of every request."""

BODY = {
    *(Kind.MALFORMED, Kind.TRUNCATED, Kind.SLOW, Kind.LENGTH_REQUIRED, Kind.TOO_LARGE),
    *(Kind.MEDIA_TYPE, Kind.EXPECTATION, Kind.BUSY, Kind.DRAINING, Kind.MEMORY),
}
"""Refusals of what has a body."""

WORK = {*BODY, Kind.UNSUPPORTED, Kind.TOO_COSTLY}

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
SECONDS: Json = {"type": "number", "minimum": 0}
RUN: Json = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
JOB: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DIGEST: Json = {"type": "string", "pattern": "^[0-9a-f]{32}$"}

IDENTITY: Json = {
    **dict.fromkeys(("version", "kernel", "numpy", "scipy", "python", "machine", "cpu"), TEXT),
    "pid": COUNT,
}
"""As `worker.machine.Identity` tells it."""

TILE_HEADERS = {
    wire.JOB: (JOB, "Digest of the job."),
    wire.TILE: (COUNT, "Number of the tile."),
    wire.DTYPE: (TEXT, "Of the block, as NumPy writes it: `<f4`."),
    wire.SHAPE: (TEXT, "Of the block: `68,68,3`; `scalar` for no axes."),
    wire.CROP: (TEXT, "The part to answer, in the block's coordinates: `2:66,2:66,0:3`."),
    wire.DIGEST: (DIGEST, "xxh3-128 over the values above, a line each, and the body."),
}
"""Of a request; an answer has all but the crop."""


def document() -> Json:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tilefan worker",
            "version": version("tilefan"),
            "summary": "Filters blocks of arrays as scipy.ndimage does, bit for bit.",
            "description": DESCRIPTION,
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "http://localhost:8080"}],
        "security": [{"token": []}],
        "paths": {
            "/v1/health": {"get": _health()},
            "/metrics": {"get": _metrics()},
            "/v1/attest": {"post": _attest()},
            "/v1/jobs": {"post": _job()},
            places.PATH: {"post": _place()},
            "/v1/tiles": {"post": _tile()},
            pairing.PATH: {"post": _pair()},
            "/v1/filters/{name}": {"post": _filter()},
            "/": {"post": _form()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": PROBLEM, "Health": HEALTH},
        },
    }


DESCRIPTION = """A worker answers whoever has its token. Errors are problem documents (RFC 9457): \
4xx is the client's fault, 5xx the worker's. `Host` must be one of the worker's own names, and \
there must be no `Origin`: pages in browsers are not served. Bodies are sent with a \
`Content-Length` and without a `Content-Encoding`."""

PROBLEM: Json = {
    "type": "object",
    "properties": {
        "type": {"enum": sorted({kind.type for kind in Kind})},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": {**TEXT, "description": "What was got, and what to do next."},
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}


def _object(properties: Json, optional: Iterable[str] = ()) -> Json:
    required = sorted(set(properties) - set(optional))
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _list(items: Json, most: int | None = None, text: str = "") -> Json:
    limit = {} if most is None else {"maxItems": most}
    return {"type": "array", "items": items, **limit, **({"description": text} if text else {})}


HEALTH: Json = _object(
    {
        "status": {"enum": ["ready", "draining"]},
        "protocol": {"const": wire.PROTOCOL},
        "slots": {**COUNT, "description": "Tiles admitted at the same time."},
        "in_flight": COUNT,
        "queue": {**COUNT, "description": "Tiles in flight that no thread works on."},
        "memory": _object(
            {
                "resident_bytes": {"type": ["integer", "null"]},
                **dict.fromkeys(("reserved_bytes", "limit_bytes", "tile_limit_bytes"), COUNT),
            }
        ),
        "codecs": _list({"enum": list(forms.CODECS)}, text="What blocks may travel in."),
        "places": {"type": "boolean", "description": "Whether it opens places."},
        "cores": COUNT,
        "cpu_s": {**SECONDS, "description": "Of processors, since the worker started."},
        "boot": {**TEXT, "description": "The same for all workers of a machine; empty if unknown."},
        "computing": _list(
            _object({"run": TEXT, "tile": COUNT, "share": SECONDS, "seconds": SECONDS}),
            TILES_OF_RUN,
            f"Tiles that hold a slot, the oldest first: {TILES}, or with `run` {TILES_OF_RUN}.",
        ),
        "waiting": _list(_object({"run": TEXT, "seconds": SECONDS}), WAITING),
        "ends_in_s": {**SECONDS, "type": ["number", "null"]},
        "uptime_s": SECONDS,
        **IDENTITY,
    }
)


def _operation(name: str, summary: str, ok: Json, kinds: set[Kind], **more: Any) -> Json:
    """Return an operation: what it answers if all is well, and its refusals."""
    titles: Mapping[int, list[str]] = defaultdict(list)
    for kind in sorted(ALWAYS | kinds, key=lambda kind: kind.type):
        titles[kind.status].append(f"{kind.title} (`{kind.type}`)")
    schema = {"$ref": "#/components/schemas/Problem"}
    refusals = {
        f"{status}": {
            "description": "; ".join(texts),
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status, texts in sorted(titles.items())
    }
    return {"operationId": name, "summary": summary, **more, "responses": {**refusals, **ok}}


def _json(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _body(content_type: str, schema: Json) -> Json:
    return {"required": True, "content": {content_type: {"schema": schema}}}


def _parameter(name: str, place: str, schema: Json, text: str, **more: Any) -> Json:
    return {"name": name, "in": place, "schema": schema, "description": text, **more}


def _health() -> Json:
    health = {"$ref": "#/components/schemas/Health"}
    return _operation(
        "health",
        "Tell who this is, and what it computes.",
        {"200": _json("It takes tiles.", health), "503": _json("It finishes and ends.", health)},
        {Kind.MALFORMED},
        parameters=[_parameter("run", "query", RUN, "Tell of the tiles of this run only.")],
    )


def _metrics() -> Json:
    text = {"description": "In Prometheus' format.", "content": {"text/plain": {"schema": TEXT}}}
    return _operation("metrics", "Count for monitors.", {"200": text}, set())


def _attest() -> Json:
    digest = {"type": "string", "pattern": "^[0-9a-f]{12}$"}
    digests = {"type": "object", "additionalProperties": digest}
    return _operation(
        "attest",
        "Prove its bits: the digests of fixed probes.",
        {"200": _json("Digests.", _object({"digests": digests, **IDENTITY}))},
        {*BODY, Kind.UNSUPPORTED},
        requestBody=_body("application/json", _object({"probes": _list(TEXT)})),
    )


def _job() -> Json:
    trial = _object({"samples": COUNT, "seconds": SECONDS})
    return _operation(
        "job",
        "Register a job, so that tiles can name it; repeating it changes nothing.",
        {"200": _json("Registered.", _object({"job": JOB, "trial": trial}, {"trial"}))},
        WORK,
        requestBody=_body("application/json", {"type": "object"}),
        description="A job is what `tiling.jobs.job.Job.encode` writes. The answer has its digest, "
        "and how long a trial on a block of noise took.",
    )


FORM = (
    "Form of the body, such as narrow-u1 or narrow-u2+lz4; plain samples without it. Only codecs "
    "that health tells of, or that the question accepts."
)


def _place() -> Json:
    box = _list(_list(COUNT), 2)
    offer = {
        "read": {"type": "object"},
        "write": {"type": ["object", "null"]},
        "nonce": TEXT,
        "boxes": _list(box, places.MAX_BOXES),
    }
    seen = _object({**dict.fromkeys(("size", "mtime_ns", "dev", "ino"), COUNT), "samples": DIGEST})
    said = {"place": JOB, "boot": TEXT, "read": seen, "nonce": TEXT}
    return _operation(
        "place",
        "Offer an input and an output that the worker may open itself.",
        {"200": _json("What it sees.", _object({**said, "write": WRITTEN}, {"nonce"}))},
        {*BODY, Kind.PLACE},
        requestBody=_body("application/json", _object(offer)),
        description="See `tiling.protocol.places`. Only a worker that was started with "
        "`--serve-from` opens anything, and only what is below a folder that it serves.",
    )


WRITTEN: Json = {
    "oneOf": [
        {"type": "null"},
        _object({"refused": TEXT}),
        _object({"dev": COUNT, "ino": COUNT, "local": {"type": "boolean"}}),
    ]
}

REFERENCE = {
    references.PLACE: (JOB, "A tile by reference has no body: SHA-256 of the offer."),
    references.START: (TEXT, "Where its block begins in the array: `-2,64,0`."),
    references.INTO: (
        {"enum": ["answer", "place", "kept"]},
        "Where the tile goes; `kept`: it is in the place already, and only read again.",
    ),
}
"""Of a request by reference."""


def _tile() -> Json:
    headers = [
        _parameter(name, "header", schema, text, required=True)
        for name, (schema, text) in TILE_HEADERS.items()
    ]
    optional = (
        _parameter(wire.RUN, "header", RUN, "The coordinator's run; changes no answer."),
        _parameter(forms.CODEC, "header", TEXT, FORM),
        _parameter(forms.ACCEPT, "header", TEXT, "Codecs that the answer may have, by commas."),
        *(_parameter(name, "header", schema, text) for name, (schema, text) in REFERENCE.items()),
    )
    answered = {
        **{
            name: {"schema": schema, "description": text}
            for name, (schema, text) in TILE_HEADERS.items()
            if name != wire.CROP
        },
        forms.CODEC: {"schema": TEXT, "description": FORM},
        references.ASKED: {"schema": DIGEST, "description": "By reference: of the question."},
        references.SEAL: {"schema": DIGEST, "description": "Without a body: over the headers."},
        wire.SPENT: {"schema": TEXT, "description": "Microseconds of waiting, and of computing."},
    }
    done = {"description": "The crop, filtered.", "headers": answered, "content": BLOCK}
    by_reference = {Kind.UNKNOWN_PLACE, Kind.PLACE_UNREAD, Kind.PLACE_UNWRITTEN}
    kinds = {*WORK, *by_reference, Kind.DIGEST, Kind.UNKNOWN_JOB}
    text = "Filter a tile: samples in C order, little-endian, as the headers say."
    body = {"required": True, "content": BLOCK}
    return _operation(
        "tile", text, {"200": done}, kinds, parameters=[*headers, *optional], requestBody=body
    )


def _pair() -> Json:
    hexadecimal = {"type": "string", "pattern": "^([0-9a-f]{2})*$"}
    run = {"run": hexadecimal}
    asked = (
        {"version": {"const": pairing.VERSION}, "address": TEXT, "message": hexadecimal},
        {**run, "confirmation": hexadecimal},
        {**run, "sealed": hexadecimal},
    )
    told = (
        {**run, "message": hexadecimal},
        {"confirmation": hexadecimal, "sealed": hexadecimal},
        {"sealed": hexadecimal},
    )
    kinds = (BODY | {Kind.WRONG_CODE, Kind.NOT_PAIRING}) - {Kind.BUSY, Kind.DRAINING, Kind.MEMORY}
    return _operation(
        "pair",
        "Share the token with who has the code that `worker --pair` shows.",
        {"200": _json("What comes next.", {"oneOf": [_object(each) for each in told]})},
        kinds,
        description="Three requests, as `tiling.protocol.pairing` has them: SPAKE2, then sealed.",
        requestBody=_body("application/json", {"oneOf": [_object(each) for each in asked]}),
        security=[],
    )


BLOCK: Json = {wire.BODY_TYPE: {"schema": {"description": "Exactly as long as announced."}}}
NPY: Json = {"application/octet-stream": {"schema": {"description": "A `.npy` file."}}}


def _queries(names: Iterable[str]) -> list[Json]:
    return [_parameter(name, "query", TEXT, OPTIONS[name].replace("--", "")) for name in names]


def _filter() -> Json:
    names = [row.name for row in supported()]
    name = _parameter("name", "path", {"enum": names}, "SciPy's name of a filter.", required=True)
    return _operation(
        "filter",
        "Filter a `.npy` file; the query has SciPy's parameters, those that the filter takes.",
        {"200": {"description": "The filtered file.", "content": NPY}},
        {*WORK, Kind.NOT_FOUND},
        parameters=[name, *_queries(PARSERS)],
        requestBody={"required": True, "content": NPY},
    )


def _form() -> Json:
    own = [key for key in FILTERS["gaussian_filter"].defaults if key in PARSERS]
    form = {"type": "object", "properties": {FIELD: {"description": "A `.npy` file."}}}
    missing = {"text/plain": {"schema": {"const": "No File received"}}}
    operation = _operation(
        "form",
        "Blur the `.npy` file of a form; sigma is 0.5 unless given.",
        {"200": {"description": "The filtered file.", "content": NPY}},
        WORK - {Kind.LENGTH_REQUIRED},
        parameters=_queries(own),
        requestBody=_body("multipart/form-data", form),
    )
    operation["responses"]["500"]["content"].update(missing)
    return operation
