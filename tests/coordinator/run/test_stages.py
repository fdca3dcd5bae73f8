"""A run of several stages begins once, ends once, and its progress is that of all of them."""

from __future__ import annotations

import io
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from scipy import ndimage

from coordinator.checks.recompute import Sampling
from coordinator.display.closing import closing_lines
from coordinator.display.json_lines import event_schema
from coordinator.display.listener import make_listener
from coordinator.display.plain import PlainLines
from coordinator.display.tally import Tally
from coordinator.engines.local import LocalEngine
from coordinator.errors import InputError
from coordinator.events import (
    Event,
    RunFinished,
    RunStarted,
    StageStarted,
    TileSent,
    TileStored,
    WorkerReady,
)
from coordinator.report.artifacts import Artifacts
from coordinator.report.page import Context, render
from coordinator.report.provenance import load_provenance
from coordinator.report.recorder import Recorder
from coordinator.run.calls import Chain
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.run.run import run
from coordinator.stores.memory import ArraySink, ArraySource
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import Placement, RunOptions
from coordinator.workflows.verify_file import verify_file
from tests.support.equality import assert_same_bits
from tiling.errors import UnsupportedError

IMAGE = np.random.default_rng(5).random((60, 40), np.float32)
LINKS: list[Any] = [("uniform_filter", {"size": 5}), ("gaussian_gradient_magnitude", {"sigma": 1})]
"""Two stages, then derivatives along both axes, and their squares combined."""


def want() -> np.ndarray:
    return np.asarray(ndimage.gaussian_gradient_magnitude(ndimage.uniform_filter(IMAGE, 5), 1))


def listened() -> list[tuple[float, Event]]:
    """Run all stages; return the events, with their times."""
    heard: list[tuple[float, Event]] = []
    job = Chain.of(LINKS, IMAGE.ndim, IMAGE.dtype).job
    out = np.empty_like(IMAGE)
    request = Request(job, ArraySource(IMAGE), tile=(10, 10))
    run(request, lambda _: Output(ArraySink(out)), LocalEngine(2), lambda *each: heard.append(each))
    assert_same_bits(out, want())
    return heard


def test_one_beginning_and_one_end() -> None:
    """Every stage but the first says that it begins, and tells of its tiles, wherever computed."""
    heard = [event for _, event in listened()]
    (began,) = (event for event in heard if isinstance(event, RunStarted))
    assert [event for event in heard if isinstance(event, RunFinished)] == [heard[-1]]
    stages = [event for event in heard if isinstance(event, StageStarted)]
    assert began.expected_s is None  # nobody has tried the job
    assert [event.stage for event in stages] == list(range(2, began.stages + 1))
    assert began.stages > 3
    tiles = [began.tiles, *(event.tiles for event in stages)]
    stored = Counter[tuple[int, int]]()
    stage = 0
    for event in heard:
        stage += isinstance(event, RunStarted | StageStarted)
        if isinstance(event, TileStored):
            stored[stage - 1, event.tile] += 1
    assert stored == Counter((k, tile) for k, count in enumerate(tiles) for tile in range(count))
    workers = {event.worker for event in heard if isinstance(event, WorkerReady)}
    assert {event.worker for event in heard if isinstance(event, TileSent)} <= workers
    assert {"StageStarted"} <= {each["title"] for each in event_schema()["oneOf"]}


def test_progress_is_that_of_all_stages() -> None:
    """It never goes back, is whole at the end only, and the lines name the stage."""
    tally, lines, shares, said = Tally(), PlainLines(), [], []
    for at_s, event in listened():
        tally.handle(at_s, event)
        done, whole = tally.progress()
        shares.append(done / whole)
        said.append(lines.line(tally, at_s))
        if isinstance(event, StageStarted):
            assert done / whole == (event.stage - 1) / (tally.run.stages if tally.run else 0)
    assert all(before <= after for before, after in pairwise(shares))
    assert shares.index(1.0) >= len(shares) - 2
    assert tally.run is not None
    assert any(f" %: stage 2 of {tally.run.stages}, 1/" in line for line in said)
    total = tally.kept + tally.stored
    last = next(closing_lines(tally, 0.0))
    assert last.startswith(f"done: {total} tiles in {tally.run.stages} stages, ")


def test_the_time_left_is_that_of_all_stages() -> None:
    """Each stage writes as much: half-way through the first of two, three quarters are left."""
    tally = Tally()
    tally.handle(
        0.0, RunStarted("i", "o", "f", (4,), "f4", (1,), (4,), 4, 400, 400, 0.0, (), stages=2)
    )
    for at_s in (1, 2):
        tally.handle(at_s, TileStored(at_s, "a", 100))
    assert tally.left_s(2.0) == pytest.approx(600 / tally.rate(2.0))
    for at_s in (3, 4):
        tally.handle(at_s, TileStored(at_s - 3, "a", 100))
    tally.handle(4.0, StageStarted(2, "f4", (2,), (2,), 2, 400, 400, 0.0))
    tally.handle(5.0, TileStored(0, "a", 200))
    assert tally.left_s(5.0) == pytest.approx(200 / tally.rate(5.0))
    assert tally.progress() == (3, 4)


def test_the_report_counts_all_stages() -> None:
    """Tiles and bytes are those of all stages; the maps are of the last one."""
    recorder = Recorder()
    for at_s, event in listened():
        recorder.handle(at_s, event)
    page = render(recorder, Context())
    assert recorder.stored == recorder.tiles == len(recorder.writes)
    assert f'id="stored" data-value="{recorder.stored}"' in page
    assert recorder.run is not None
    assert recorder.makers.keys() == set(range(recorder.run.tiles))
    assert f"in the last of {recorder.run.stages} stages" in page


@pytest.mark.parametrize("stage", ["combining", "computing"])
def test_an_interruption_of_any_stage_is_one(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Ctrl-C is what the run ends with, whatever it has stored; nothing is left of the output."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    np.save(tmp_path / "in.npy", IMAGE)
    place = "coordinator.run.stage.combine_blocks"
    if stage == "computing":
        place = "coordinator.engines.local.LocalEngine.run"
    monkeypatch.setattr(place, interrupt)
    report = tmp_path / "run.html"
    options = RunOptions(style="none", artifacts=Artifacts(report))
    with pytest.raises(KeyboardInterrupt):
        filter_chain(LINKS, tmp_path / "in.npy", tmp_path / "out.npy", options)
    assert "failed: interrupted" in report.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", "run.html"}


def test_provenance_of_stages(tmp_path: Any) -> None:
    """It tells who made the output: the tiles of the last stage."""
    np.save(tmp_path / "in.npy", IMAGE)
    options = RunOptions(style="none", artifacts=Artifacts(provenance=True))
    filter_chain(LINKS, tmp_path / "in.npy", tmp_path / "out.npy", options)
    assert_same_bits(np.load(tmp_path / "out.npy"), want())
    assert load_provenance(tmp_path / "out.npy").makers == (("this machine", 1),)


def test_the_frame_names_the_stage() -> None:
    """Its header tells the stage at hand and how that is cut."""
    stream = io.StringIO()
    with make_listener("rich", stream, environ={}) as listen:
        for at_s, event in listened():
            listen(at_s, event)
    assert "stage 8 of 8  1 tile of 60x40" in stream.getvalue()
    assert "100 %" in stream.getvalue()


@pytest.mark.parametrize("layout", ["C", "F", ">"])
def test_a_cast_of_a_file_that_filters_nothing(tmp_path: Path, layout: str) -> None:
    """It is as of the array that `numpy.load` gives; else it is refused, with the reason."""
    array = np.random.default_rng(3).normal(size=(50, 37)) * 1e10
    array[3, 4] = np.nan
    saved = array.astype(">f8") if layout == ">" else np.asarray(array, order=layout)
    np.save(tmp_path / "in.npy", saved)
    links: list[Any] = [("gaussian_filter", {"sigma": 0, "output": "u4"})]
    options = RunOptions(style="none")
    if layout == ">":
        with pytest.raises(UnsupportedError, match="of another machine's byte order is not exact"):
            filter_chain(links, tmp_path / "in.npy", tmp_path / "out.npy", options)
        assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]
        return
    filter_chain(links, tmp_path / "in.npy", tmp_path / "out.npy", options)
    with np.errstate(invalid="ignore"):
        made = ndimage.gaussian_filter(np.load(tmp_path / "in.npy"), 0, output="u4")
    assert_same_bits(np.load(tmp_path / "out.npy"), made)
    whole = Sampling(1.0)
    said = verify_file(
        links, tmp_path / "out.npy", tmp_path / "in.npy", sampling=whole, style="none"
    )
    assert said == "1 tile"


def test_a_cast_of_the_whole_array_needs_its_memory(tmp_path: Path) -> None:
    """A bound that is less is refused, before anything is written."""
    np.save(tmp_path / "in.npy", IMAGE)
    links: list[Any] = [("gaussian_filter", {"sigma": 0, "output": "u4"})]
    little = Placement(max_memory_bytes=10**6)
    with pytest.raises(InputError, match="needs the whole array"):
        filter_chain(links, tmp_path / "in.npy", tmp_path / "out.npy", RunOptions(placement=little))
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]
