"""Remake what the documents show of a run: ``python -m docs.remake [IMAGE.npy]``.

    events.schema.json   what `--progress json` writes
    openapi.json         the worker's HTTP API
    man/coord.1          the manuals, which the wheel has
    man/worker.1
    display.svg          the live display, half-way through a run that has lost a worker
    report.png           the report of that run, in Chromium

Without an image it makes no pictures. They are of a real run over real workers, so they
differ a little each time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from coordinator import events
from coordinator.display.frame import Size, frame
from coordinator.display.json_lines import event_schema
from coordinator.display.style import UNICODE
from coordinator.display.tally import Tally
from docs.manual import APPS, man_page
from docs.openapi import document
from tests.support.browser import photograph
from tests.support.processes import WorkerProcess, running_workers
from tiling.dtypes import Array

FOLDER = Path(__file__).parent
ROOM = Size(108, 36)
ENLARGED, RADIUS = 3, 15
"""How the image is enlarged, and half of the window's size: less is over too soon to be seen."""

LOST_AT, SHOWN_AT = 0.25, 0.6
"""Shares of the run at which a worker is killed, and the display is kept."""

SMALLER = "--force-device-scale-factor=0.75"

SVG = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Rich's own would load its font from elsewhere."""


def texts() -> dict[str, str]:
    """Return what the code says of itself, by the name of its file."""
    return {
        "events.schema.json": f"{json.dumps(event_schema(), indent=1)}\n",
        "openapi.json": f"{json.dumps(document(), indent=1)}\n",
        **{f"man/{program}.1": man_page(program, version("tilefan")) for program in APPS},
    }


def remake_pictures(image: Path) -> None:
    """Filter the image over three workers, kill one, and keep how it looked."""
    with TemporaryDirectory() as name, running_workers(3) as workers:
        folder = Path(name)
        enlarged = np.load(image).repeat(ENLARGED, 0).repeat(ENLARGED, 1)
        np.save(folder / image.name, enlarged)
        np.save(folder / "disc.npy", disc(RADIUS))
        addresses = json.dumps([worker.address for worker in workers])
        (folder / "hosts.toml").write_text(f"hosts = {addresses}")
        (FOLDER / "display.svg").write_text(display_half_way(folder, image.name, workers[1]))
        photograph(folder / "run.html", FOLDER / "report.png", 960, 2030, SMALLER)


def disc(radius: int) -> Array:
    """Return a round window in the first two axes, for each channel by itself."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x * x + y * y <= radius * radius)[..., np.newaxis]


def display_half_way(folder: Path, image: str, lost: WorkerProcess) -> str:
    """Run, killing a worker on the way; return the live display as it was, as SVG."""
    tally, picture = Tally(), ""
    for now, event in events_of(folder, image):
        tally.handle(now, event)
        done = tally.stage_tiles / tally.run.tiles if tally.run else 0.0
        if done >= LOST_AT and lost.process.poll() is None:
            lost.process.kill()
            lost.wait()
        if done >= SHOWN_AT and not picture:
            picture = svg_of(tally, now)
    return picture


def events_of(folder: Path, image: str) -> Iterator[tuple[float, events.Event]]:
    """Yield the events of a run, which leaves a report in the folder."""
    command = [sys.executable, "-m", "coordinator", "filter", "median_filter", image]
    command += [
        "--footprint",
        "disc.npy",
        "--tile",
        "120,120,3",
        "--hosts",
        "hosts.toml",
        "--no-notes",
    ]
    command += ["--progress", "json", "--report", "run.html"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            fields: dict[str, Any] = json.loads(line)
            now, kind = fields.pop("time_s"), getattr(events, fields.pop("event"))
            fields.pop("version")
            if "kind" in fields:
                fields["kind"] = events.FailureKind(fields["kind"])
            yield now, kind(**fields)


def svg_of(tally: Tally, now: float) -> str:
    """Return a frame of the live display as SVG."""
    console = Console(record=True, width=ROOM.columns, file=StringIO())
    for line in frame(tally, now, ROOM, UNICODE):
        console.print(line, soft_wrap=True, highlight=False)
    title = (
        "coord filter median_filter hubble_deep_field.npy --footprint disc.npy --hosts hosts.toml"
    )
    return console.export_svg(title=title, code_format=SVG)


if __name__ == "__main__":
    for file, text in texts().items():
        (FOLDER / file).write_text(text, "utf-8")
    for path in sys.argv[1:]:
        remake_pictures(Path(path))
