"""The workers of a run: what each did, what it used, and what it proved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from coordinator.history.history import ABSENT, AttemptRecord, History, WorkerRecord
from coordinator.report import charts
from coordinator.report.html import Html, long_text, section, tag, text, wide
from coordinator.report.maps import SHOWN_WORKERS
from coordinator.report.timeline import FLYING, totals_s
from coordinator.report.times import kinds_of_time
from coordinator.text import brief_time, count, megabytes

if TYPE_CHECKING:
    from coordinator.report.recorder import Recorder

COLUMNS: Final = ("worker", "state", "slots", "tiles", "MB", "median", "failed", "hedges")


def workers(history: Recorder) -> Html:
    """Return the table of what each worker did."""
    by_worker: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in history.attempts:
        by_worker[attempt.worker].append(attempt)
    kinds = [kind for kind in kinds_of_time(history) if kind != FLYING]
    rows = [
        _row(worker, totals_s(by_worker[worker.name], history.last_s), kinds)
        for worker in list(history.workers.values())[:SHOWN_WORKERS]
    ]
    rest = len(history.workers) - len(rows)
    caption = f"{count(len(history.workers), 'worker')}" + (f", {rest:,} not shown" if rest else "")
    table = tag(
        "table",
        {"id": "by-worker"},
        tag("caption", {}, text(caption)),
        heads((*COLUMNS, *kinds)),
        *rows,
    )
    return section("Workers", wide(table, "Workers"))


def heads(names: Sequence[str]) -> Html:
    """Return the row of a table's headings."""
    return tag("tr", {}, *(tag("th", {"scope": "col"}, text(name)) for name in names))


def _row(worker: WorkerRecord, spent_s: Mapping[str, float], kinds: Sequence[str]) -> Html:
    middle = worker.quantiles()
    numbers = [
        str(worker.slots),
        f"{worker.stored:,}",
        megabytes(worker.meter.total),
        brief_time(middle[0]) if middle else "",
        str(worker.failed),
        str(worker.hedges),
    ]
    cells = [tag("td", {"class": "n"}, text(number)) for number in numbers]
    cells += [
        tag(
            "td",
            {"class": "n", "data-kind": kind, "data-value": f"{spent_s[kind]:.6f}"},
            text(brief_time(spent_s[kind])),
        )
        for kind in kinds
    ]
    name = tag("th", {"scope": "row"}, text(worker.name))
    trouble = {"class": "failed"} if worker.standing in ABSENT else {}
    state = tag("td", trouble, text(worker.state.value))
    data = {"data-worker": worker.name, "data-tiles": worker.stored, "data-failed": worker.failed}
    return tag("tr", data, name, state, *cells)


def usage(history: History, end_s: float) -> Iterator[Html]:
    """Yield charts of the processors and memory that workers used, if any of them told.

    Parameters
    ----------
    history : History
    end_s : float
        Where the charts end, in seconds since the first event.
    """
    told = [worker for worker in history.workers.values() if worker.usage.stretches]
    if not told:
        return
    most_cores = max(1.0, *(each.cores for worker in told for each in worker.usage.stretches))
    most_bytes = max(each.resident_bytes for worker in told for each in worker.usage.stretches)
    rows = [_usage(worker, end_s, most_cores, most_bytes) for worker in told[:SHOWN_WORKERS]]
    rest = len(told) - len(rows)
    more = [tag("p", {}, text(f"and {count(rest, 'worker')} more"))] if rest else []
    hint = f"From 0 to {brief_time(end_s)}; all charts have one scale."
    yield section("Processors and memory", *rows, *more, tag("p", {"class": "hint"}, text(hint)))


def _usage(worker: WorkerRecord, end_s: float, most_cores: float, most_bytes: float) -> Html:
    stretches = worker.usage.stretches
    cores = [(each.start_s, each.stop_s, each.cores) for each in stretches]
    memory = [(each.start_s, each.stop_s, float(each.resident_bytes)) for each in stretches]
    busy = f"{cores[-1][2]:.1f} cores, at most {max(c for *_, c in cores):.1f}"
    took = f"{megabytes(memory[-1][2])} MB, at most {megabytes(max(m for *_, m in memory))} MB"
    return tag(
        "div",
        {"class": "usage"},
        tag("h3", {}, text(worker.name)),
        *(
            tag(
                "figure",
                {},
                charts.steps(
                    f"{key}-{worker.number}", f"{what} of {worker.name}", words, steps, end_s, top
                ),
                tag("figcaption", {}, text(f"{what}: {words}")),
            )
            for key, what, words, steps, top in (
                ("cpu", "Processors", busy, cores, most_cores),
                ("memory", "Memory", took, memory, most_bytes),
            )
        ),
    )


def proofs(history: Recorder) -> Iterator[Html]:
    """Yield the table of each worker's kernel and of the probes that it proved."""
    shown = list(history.workers.values())[:SHOWN_WORKERS]
    names = ("worker", "kernel", "what else it says", "probes that it proved, with their digests")
    if shown:
        rest = len(history.workers) - len(shown)
        words = "A worker filters probes before it gets a tile; their digests are those of SciPy."
        caption = tag("caption", {}, text(words + (f" {rest:,} not shown." if rest else "")))
        table = tag("table", {"id": "proofs"}, caption, heads(names), *map(_proof_row, shown))
        yield section("Kernels and attestation", wide(table, "Kernels and attestation"))


def _proof_row(worker: WorkerRecord) -> Html:
    proved = ", ".join(f"{probe} {digest}" for probe, digest in worker.proof.items())
    about = ", ".join(f"{key} {value}" for key, value in worker.about.items() if key != "kernel")
    words = (worker.about.get("kernel", ""), about, proved or "none")
    name = tag("th", {"scope": "row"}, text(worker.name))
    cells = (tag("td", {}, long_text(each)) for each in words)
    data = {"data-worker": worker.name, "data-probes": len(worker.proof)}
    return tag("tr", data, name, *cells)
