"""What users see on terminals of 80x24 and 120x40: kept as text, to be looked at when it changes.

``TILEFAN_SCREENS=write`` writes them anew.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from rich.console import Console, RenderableType
from rich.text import Text

from coordinator.cli import render_forecast
from coordinator.cli.fold import fold
from coordinator.display.canvas import Canvas
from coordinator.display.frame import Size, frame
from coordinator.display.style import UNICODE
from coordinator.engines.http.health import Health
from coordinator.events import OutputWritten, RunFinished, TilesVerified
from coordinator.planning.forecast import Forecast, Share, StageForecast
from coordinator.workflows import doctor, watch
from coordinator.workflows.demo import CASES, NEXT, Times, _lines
from tests.coordinator.display.scripted import play

FOLDER = Path(__file__).with_name("screens")
SIZES = [Size(80, 24), Size(120, 40)]

ABOUT = (("version", "0.1.0"), ("kernel", "native"))
HEALTH = Health("ready", 5, 3, 1, resident_bytes=117_000_000, uptime_s=754.0, cores=4, about=ABOUT)
LOST = "connection refused: start `worker --port 8080` there, or open that port on the way"


def demo(_: Size) -> str:
    """Two filters, with times of a machine of two cores."""
    times = (Times(0.543, 0.028, 0.083, 2**26), Times(3.5, 0.055, 0.065, 2**21))
    parts = ["starting 2 workers on this machine, which has 2 cores"]
    for case, taken in zip(CASES, times, strict=True):
        parts += ["", case.title, *(f"  {line}" for line in _lines(taken, 2))]
    return "\n".join([*parts, NEXT])


def run(size: Size) -> str:
    """A run half-way, that has lost a worker."""
    return _drawn(size, finished=False)


def run_finished(size: Size) -> str:
    """The same run at its end."""
    return _drawn(size, finished=True)


def _drawn(size: Size, *, finished: bool) -> str:
    tally, now = play(stored=30 if finished else 20)
    written = io.StringIO()
    canvas = Canvas(written, animated=True, colour=True, size=lambda: size)
    if finished:
        tally.handle(now, TilesVerified(3, 30))
        tally.handle(now, RunFinished())
        tally.handle(now, OutputWritten("hubble.blur.npy", 9_437_312, (("report", "run.html"),)))
        canvas.close(lambda size: frame(tally, now, size, UNICODE))
    else:
        canvas.draw(lambda size: frame(tally, now, size, UNICODE))
    return written.getvalue()


def plan(size: Size) -> str:
    """Two workers, of which one can't be used."""
    shares = (
        Share("node1:8080", 5, 24.0, 0.13, 0.66, 0.0004, lanes=4.0),
        Share("node2:8080", 0, 0.0, 0.0, 0.0, 0.0, "connection refused"),
    )
    stage = StageForecast(
        (1024, 4096), (4, 1), 4, "the shortest expected makespan", 0.02,
        68_000_000, 67_108_864, 210_000_000, 90_000_000, 0.9, 0.7, shares,
        ("512x4096: 0.0321 s",), 0.03,
    )  # fmt: skip
    forecast = Forecast(
        "in.npy", "float32", "gaussian_filter sigma=5", "halo", (4096, 4096), stage.tile,
        stage.grid, stage.tiles, stage.reason, stage.halo_overhead, stage.bytes_there,
        stage.bytes_back, stage.coordinator_bytes, stage.worker_bytes, 0.9, 0.7, 0.3, 0.1,
        shares, (stage,), 0, "run it here: about 900 ms; a fleet that saves so little is no gain",
        ("workers have their links for themselves, or not: nobody has measured that",),
    )  # fmt: skip
    return "\n".join(fold(line, size.columns) for line in render_forecast.lines(forecast))


def fleet_doctor(size: Size) -> str:
    """One worker in order, one that is not there."""
    findings = [
        doctor.Finding("node1:8080", True, True, HEALTH, True, 0.0004, 1.1e8),
        doctor.Finding("node2:8080", trouble=LOST),
    ]
    return _printed(size, doctor.table(findings), Text(f"node2:8080: {LOST}"))


def hosts(size: Size) -> str:
    """The same two."""
    statuses = [
        watch.WorkerStatus("node1:8080", HEALTH, 0.0004),
        watch.WorkerStatus("node2:8080", trouble="connection refused"),
    ]
    lost = Text("node2:8080: connection refused")
    return _printed(size, watch.status_table(statuses), lost)


def _printed(size: Size, *parts: RenderableType) -> str:
    written = io.StringIO()
    console = Console(file=written, width=size.columns)
    for part in parts:
        console.print(part)
    return written.getvalue()


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.workflows.watch.time.strftime", lambda _: "12:00:00")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.columns}x{size.rows}")
@pytest.mark.parametrize("shown", [demo, run, run_finished, plan, fleet_doctor, hosts])
def test_screens(shown: Callable[[Size], str], size: Size) -> None:
    """A terminal of this size shows what is kept, and breaks no word at its edge."""
    screen = pyte.HistoryScreen(size.columns, size.rows, history=1000)
    pyte.Stream(screen).feed(shown(size).replace("\r\n", "\n").replace("\n", "\r\n"))
    text = "\n".join(line.rstrip() for line in screen.display).rstrip() + "\n"
    path = FOLDER / f"{shown.__name__}-{size.columns}x{size.rows}.txt"
    if os.environ.get("TILEFAN_SCREENS") == "write":
        path.write_text(text)
    assert text == path.read_text()
