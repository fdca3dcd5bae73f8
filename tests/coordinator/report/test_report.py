"""Report, trace and pictures of runs that are scripted, without a clock."""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.display.tally import Tally
from coordinator.events import (
    Event,
    FailureKind,
    RunFinished,
    RunStarted,
    TileAnswered,
    TileFailed,
    TileHedged,
    TileSent,
    TileStored,
    WorkerLost,
    WorkerReady,
)
from coordinator.history.history import AttemptRecord, End
from coordinator.report import png, recorder, timeline, trace
from coordinator.report.maps import TileMaps
from coordinator.report.page import Context, Picture, render
from coordinator.report.plane import middle_plane
from coordinator.report.recorder import Recorder
from coordinator.stores.files import open_direct
from coordinator.stores.memory import ArraySource
from tests.coordinator.display.scripted import EVIL, TILE, script
from tests.support.equality import assert_same_bits

VOID = {"meta", "img", "input"}


def told(*more: tuple[float, Event], **how: int) -> Recorder:
    heard = Recorder()
    for at_s, event in [*script(**how), *more]:
        heard.handle(at_s, event)
    return heard


class Checked(HTMLParser):
    """Every element is closed in its order; what it refers to is inside the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.values: dict[str, str | None] = {}
        self.ids: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        assert tag not in {"script", "iframe", "link", "object", "base", "form"}
        assert not [key for key in said if key.startswith("on") or key in {"href", "srcset"}]
        assert (said.get("src") or "data:").startswith("data:")
        if (name := said.get("id")) is not None:
            self.ids.append(name)
            self.values[name] = said.get("data-value")
        if tag == "svg" and said.get("role") == "img":
            assert said.get("aria-labelledby")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def checked(page: str) -> Checked:
    parser = Checked()
    parser.feed(page)
    parser.close()
    assert not parser.open
    assert len(set(parser.ids)) == len(parser.ids)
    assert "url(" not in page
    return parser


def test_numbers_are_those_of_the_events() -> None:
    """Counted by hand from the script: 20 of 30 tiles, by three workers."""
    page = checked(render(told((9.0, RunFinished("interrupted"))), Context("coord blur x")))
    assert page.values["tiles"] == "30"
    assert page.values["stored"] == "20"
    assert page.values["bytes"] == str(20 * TILE)
    assert page.values["workers"] == "3"
    assert float(page.values["seconds"] or 0) == 9.0
    assert float(page.values["expected"] or 0) == 8.0
    assert "failed: interrupted" in page.words
    assert "node3:8080 lost: connection refused" in page.words


def test_words_from_outside_stay_words() -> None:
    """Neither names nor reasons nor the command become markup, however hostile."""
    evil = f'"><script>alert(1)</script><svg onload=x>{EVIL}'
    more = [
        (8.2, WorkerReady(evil, 2, (("kernel", evil),))),
        (8.3, TileSent(25, evil, 1, 5)),
        (8.4, TileFailed(25, evil, 1, evil)),
        (8.5, WorkerLost(evil, evil)),
        (8.6, RunFinished(evil)),
    ]
    facts = Context(evil, evil, {evil: evil}, {evil: evil}, [Picture(evil, b"")])
    page = render(told(*more), facts)
    checked(page)
    assert "<script" not in page
    assert "\x1b" not in page
    json.loads(trace.encode(told(*more)))


@pytest.mark.parametrize("stored", [0, 1, 30])
@pytest.mark.parametrize("grid", [(1, 1), (1, 30), (5, 6)])
def test_any_run_makes_a_page(grid: tuple[int, int], stored: int) -> None:
    """Also one of a single tile, and one that stored nothing; and even one that never began."""
    tiles = grid[0] * grid[1]
    heard = told((99.0, RunFinished()), grid=grid, stored=min(stored, tiles))  # type: ignore[arg-type]
    checked(render(heard, Context()))
    checked(render(Recorder(), Context()))


def test_hedges_and_failures() -> None:
    """Each attempt has its end: the hedge that won, the one not needed, the one that failed."""
    heard = Recorder()
    events: list[tuple[float, Event]] = [
        (10.0, TileSent(0, "a", 1, 9)),
        (11.0, TileHedged(0, "a", "b", 1.0)),
        (11.0, TileSent(0, "b", 2, 9, True)),
        (12.0, TileAnswered(0, "b", 2, "d", 9, computing_s=0.5, waiting_s=0.1)),
        (12.5, TileStored(0, "b", 9)),
        (12.6, TileSent(1, "a", 1, 9)),
        (12.7, TileFailed(1, "a", 1, "broke", kind=FailureKind.BROKEN)),
        (12.8, TileSent(1, "a", 2, 9)),
        (12.9, TileFailed(1, "a", 2, "busy", 1.0, FailureKind.BUSY)),
        (13.0, TileSent(1, "b", 3, 9)),
        (13.1, WorkerLost("b", "gone")),
    ]
    for at_s, event in events:
        heard.handle(at_s, event)
    assert [each.end for each in heard.attempts] == [
        End.UNNEEDED,
        End.STORED,
        End.FAILED,
        End.BUSY,
        End.LOST,
    ]
    assert (heard.hedges, heard.retries, heard.makers) == (1, 1, {0: "b"})
    spent = timeline.totals_s(heard.attempts, heard.last_s)
    assert spent[timeline.HEDGED] == pytest.approx(1.0)
    assert spent[timeline.STORING] == pytest.approx(0.5)
    rows = json.loads(trace.encode(heard))["traceEvents"]
    slices = {row["name"]: row for row in rows if row["ph"] == "X"}
    assert slices["tile 0 (hedge)"]["dur"] == 1_500_000
    assert (slices["computing"]["ts"], slices["computing"]["dur"]) == (1_300_000, 500_000)
    assert slices["waiting for a thread"]["dur"] == 100_000
    assert all(row["ts"] >= 0 for row in rows if "ts" in row)


def test_who_was_lost_and_what_became_of_its_tiles() -> None:
    """A tile that failed there, and one that it had in hand, were made by another; one was not."""
    events: list[tuple[float, Event]] = [
        *((1.0, WorkerReady(name, 2)) for name in "ab"),
        *((1.0, TileSent(tile, "a", 1, 9)) for tile in range(3)),
        (2.0, TileFailed(0, "a", 1, "broke")),
        (2.5, WorkerLost("a", "refused")),
        *((3.0, TileSent(tile, "b", 2, 9)) for tile in range(2)),
        *((4.0, TileStored(tile, "b", 9)) for tile in range(2)),
    ]
    heard = Recorder()
    for at_s, event in events:
        heard.handle(at_s, event)
    words = checked(render(heard, Context())).words
    assert "a lost at 1.5 s, 2 tiles moved" in words
    assert "1.50 s2 tiles in flight at a to be sent elsewhere" in words
    heard.handle(5.0, WorkerReady("a", 2))
    heard.handle(6.0, RunFinished())
    words = checked(render(heard, Context())).words
    assert "a lost at 1.5 s, 2 tiles moved, came back" in words
    assert "5.00 sdone: the output is whole" in words


def run_of(shape: tuple[int, ...], tile: tuple[int, ...]) -> RunStarted:
    grid = tuple(-(-length // size) for length, size in zip(shape, tile, strict=True))
    tiles = math.prod(grid)
    return RunStarted("a", "b", "c", shape, "int32", tile, grid, tiles, 0, 0, 0.0, ())


@pytest.mark.parametrize(
    ("shape", "tile", "maps", "words"),
    [
        ((100, 8, 8), (9, 8, 8), 1, "Axis 0 (0 to 100) from left to right."),
        ((8, 90, 70), (8, 9, 7), 1, "Axis 1 (0 to 90) downwards, axis 2 (0 to 70) to the right."),
        ((35, 90, 90), (10, 9, 9), 4, "30 to 35"),
        ((300, 320, 320), (1, 32, 32), 24, "0 to 13"),
        ((40, 20, 90, 90), (10, 10, 9, 9), 8, "layer 7"),
    ],
    ids=["slabs", "plane", "layers", "folded layers", "four axes"],
)
def test_no_tile_hides_another_on_the_maps(
    shape: tuple[int, ...], tile: tuple[int, ...], maps: int, words: str
) -> None:
    """There is a map for each layer, or for some neighbours; there each tile has its own place."""
    run = run_of(shape, tile)
    heard = Recorder()
    for at_s, event in enumerate([run, WorkerReady("w", 1), TileSent(0, "w", 1, 9)]):
        heard.handle(float(at_s), event)
    page = checked(render(heard, Context()))
    assert sum(name.startswith("map-worker") and "desc" in name for name in page.ids) == maps
    assert words in page.words
    places = {TileMaps(run).place(number) for number in range(run.tiles)}
    assert len(places) == min(run.tiles, 100 * maps)


def test_a_worker_that_stays_away_is_one_remark() -> None:
    """A report says what the display said: asked again and again in vain, a worker is lost once."""
    heard, tally = Recorder(), Tally()
    news = []
    events = [WorkerLost("a", "refused"), WorkerLost("a", "refused"), WorkerReady("a", 1)]
    for at_s, event in enumerate([*events, TileHedged(0, "a", "b", 1.0)]):
        heard.handle(float(at_s), event)
        tally.handle(float(at_s), event)
        news.append(tally.news)
    assert heard.remarks == [news[0], news[2], news[3]]
    assert news[0] is news[1]


@pytest.mark.parametrize(
    ("told_s", "kinds"),
    [
        ((0.5, 0.1), {timeline.TRANSFER: 0.4, timeline.WAITING: 0.1, timeline.COMPUTING: 0.5}),
        ((None, None), {timeline.UNKNOWN: 1.0}),
        ((7.0, 7.0), {timeline.COMPUTING: 1.0}),
    ],
    ids=["told", "untold", "more than there was"],
)
def test_computing_is_told_from_transfer(
    told_s: tuple[float | None, float | None], kinds: dict[str, float]
) -> None:
    """What an answer says it spent is taken out of the time it took; the rest is transfer."""
    heard = Recorder()
    heard.handle(0.0, TileSent(0, "a", 1, 300))
    heard.handle(1.0, TileAnswered(0, "a", 1, "d", 100, *told_s))
    heard.handle(1.25, TileStored(0, "a", 100))
    spent = timeline.totals_s(heard.attempts, heard.last_s)
    wanted = {**dict.fromkeys(timeline.KINDS, 0.0), **kinds, timeline.STORING: 0.25}
    assert spent == pytest.approx(wanted)
    page = checked(render(heard, Context()))
    assert ("at a worker that does not tell" in page.words) == (told_s[0] is None)


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts and remarks beyond the bound are counted, and the page says so."""
    monkeypatch.setattr(recorder, "MAX_ATTEMPTS", 5)
    monkeypatch.setattr(recorder, "MAX_REMARKS", 0)
    heard = told()
    assert (len(heard.attempts), heard.unkept_attempts) == (5, 18)
    assert (len(heard.remarks), heard.unkept_remarks) == (0, 1)
    assert len(heard.makers) == 20


def test_a_long_run_draws_few_spans() -> None:
    """No more spans than a screen has columns, and each kind with its share of them."""
    many = [
        AttemptRecord(
            i, "a", 1, i * 1e-3, False, End.STORED, i * 1e-3 + 8e-4, i * 1e-3 + 9e-4,
            bytes_sent=1, computing_s=5e-4, waiting_s=0.0,
        )
        for i in range(50_000)
    ]  # fmt: skip
    (lane,) = timeline.lanes(many, 50.0)
    assert len(lane) <= 2 * timeline.WIDTH
    drawn_s = {kind: sum(s.seconds for s in lane if s.kind == kind) for kind in timeline.KINDS}
    assert drawn_s[timeline.COMPUTING] / sum(drawn_s.values()) == pytest.approx(5 / 9, abs=0.01)
    assert drawn_s[timeline.TRANSFER] / sum(drawn_s.values()) == pytest.approx(3 / 9, abs=0.01)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_png(shape: tuple[int, ...]) -> None:
    """The file holds the pixels: read back by hand."""
    pixels = np.arange(np.prod(shape), dtype="u1").reshape(shape)
    data = png.encode(pixels)
    head = struct.unpack(">IIBBBBB", data[16:29])
    assert head[:2] == (7, 5)
    size = struct.unpack(">I", data[33:37])[0]
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + size]), "u1").reshape(5, -1)
    assert not rows[:, 0].any()
    assert rows[:, 1:].tobytes() == pixels.tobytes()


@pytest.mark.parametrize("dtype", ["?", "i2", ">f8", "c8", "g"])
def test_planes_of_any_array(dtype: str) -> None:
    """Of any dtype and any number of axes; what is no number is black."""
    for shape in [(), (9,), (4, 5), (4, 5, 3), (3, 4, 5, 6), (1000, 3)]:
        plane = middle_plane(ArraySource(np.ones(shape, dtype)), png.step_for(shape))
        png.encode(png.shades(plane, *png.limits(plane)))
    odd = np.array([[np.nan, np.inf, -np.inf, 1.0, 0.0]])
    assert png.shades(odd, *png.limits(odd)).tolist() == [[0, 255, 0, 255, 0]]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((9,), np.s_[None, ::2]),
        ((7, 11), np.s_[::2, ::2]),
        ((7, 11, 3), np.s_[::2, ::2, :]),
        ((4, 11, 9), np.s_[2, ::2, ::2]),
        ((9, 4, 11, 2), np.s_[::2, 2, ::2, 1]),
    ],
    ids=str,
)
def test_a_plane_of_a_file(tmp_path: Path, shape: tuple[int, ...], index: Any, order: Any) -> None:
    """Every second sample of the middle slice, whichever axis lies densely."""
    array = np.asarray(np.arange(np.prod(shape), dtype=">f4").reshape(shape), order=order)
    np.save(tmp_path / "a.npy", array)
    assert_same_bits(middle_plane(open_direct(tmp_path / "a.npy"), 2), array[index].astype("=f4"))


def test_the_page_has_a_policy() -> None:
    """A browser is told to load nothing."""
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', render(told(), Context()))
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
