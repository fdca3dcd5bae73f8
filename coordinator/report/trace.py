"""A run in Chrome's trace format, which Perfetto (ui.perfetto.dev) opens.

A process for each worker, a thread for each tile that it has in hand at once, a slice for each
attempt; a counter of the bytes stored, and an instant for each remark. Times in microseconds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from coordinator.history.history import AttemptRecord
from coordinator.report.recorder import Recorder
from coordinator.report.timeline import parts

COORDINATOR: Final = 1
"""The process that counters and remarks belong to."""


def encode(history: Recorder) -> str:
    """Return the trace as JSON."""
    run = history.run
    about = {"input": run.input, "filter": run.filter, "tiles": run.tiles} if run else {}
    if history.unkept_attempts:
        about["attempts not kept"] = history.unkept_attempts
    rows = [*_coordinator(history), *_workers(history)]
    return json.dumps({"traceEvents": rows, "displayTimeUnit": "ms", "otherData": about})


def _coordinator(history: Recorder) -> Iterator[dict[str, Any]]:
    yield _name("process_name", COORDINATOR, 0, "coordinator")
    for number, (at_s, _) in enumerate(history.writes, 1):
        yield {**_at("C", COORDINATOR, 0, at_s), "name": "tiles stored", "args": {"tiles": number}}
    for remark in history.remarks:
        yield {**_at("i", COORDINATOR, 0, remark.at_s), "name": remark.text, "s": "g"}


def _workers(history: Recorder) -> Iterator[dict[str, Any]]:
    by_worker: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in history.attempts:
        by_worker[attempt.worker].append(attempt)
    for process, (name, attempts) in enumerate(by_worker.items(), COORDINATOR + 1):
        yield _name("process_name", process, 0, name)
        free_s: list[float] = []
        for attempt in attempts:
            stop_s = history.last_s if attempt.end_s is None else attempt.end_s
            lane = next((i for i, at_s in enumerate(free_s) if at_s <= attempt.sent_s), None)
            if lane is None:
                lane = len(free_s)
                free_s.append(0.0)
                yield _name("thread_name", process, lane, f"tile in hand {lane + 1}")
            free_s[lane] = stop_s
            yield from _slices(attempt, process, lane, stop_s)


def _slices(
    attempt: AttemptRecord, process: int, lane: int, stop_s: float
) -> Iterator[dict[str, Any]]:
    """Yield the attempt, and inside it what it did: transfer, waiting, computing, storing."""
    args = {"tile": attempt.tile, "attempt": attempt.number, "end": attempt.end.value}
    if attempt.reason:
        args["reason"] = attempt.reason
    whole = _at("X", process, lane, attempt.sent_s)
    name = f"tile {attempt.tile}" + (" (hedge)" if attempt.hedge else "")
    duration = _us(stop_s) - _us(attempt.sent_s)
    yield {**whole, "dur": duration, "name": name, "cat": attempt.end.value, "args": args}
    for part in parts(attempt):
        piece = _at("X", process, lane, part.start_s)
        yield {**piece, "dur": _us(part.stop_s) - piece["ts"], "name": part.kind, "cat": "part"}


def _at(phase: str, process: int, thread: int, at_s: float) -> dict[str, Any]:
    return {"ph": phase, "pid": process, "tid": thread, "ts": _us(at_s)}


def _name(kind: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": process, "tid": thread, "name": kind, "args": {"name": name}}


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
