"""Frames of a run on emulated terminals of several sizes."""

from __future__ import annotations

import io
import textwrap

import pyte
import pytest

from coordinator.display.canvas import Canvas
from coordinator.display.frame import Size, frame
from coordinator.display.style import ASCII, UNICODE, Glyphs
from coordinator.display.tally import Tally
from coordinator.events import OutputWritten, RunFinished, TileFailed, WorkerLost, WorkerReady
from tests.coordinator.display.scripted import EVIL, play, script

SIZES = [(120, 40), (80, 24), (40, 20)]


class Terminal:
    """A pyte screen behind a canvas."""

    def __init__(self, columns: int, rows: int) -> None:
        self.size = Size(columns, rows)
        self.screen = pyte.HistoryScreen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self._written = io.StringIO()
        self.canvas = Canvas(self._written, animated=True, colour=True, size=lambda: self.size)

    def show(
        self, tally: Tally, now: float, glyphs: Glyphs = UNICODE, *, last: bool = False
    ) -> str:
        draw = self.canvas.close if last else self.canvas.draw
        draw(lambda size: frame(tally, now, size, glyphs))
        self._stream.feed(self._written.getvalue())
        self._written.seek(0)
        self._written.truncate()
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def resize(self, columns: int, rows: int) -> None:
        self.size = Size(columns, rows)
        self.screen.resize(rows, columns)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_essentials_at_every_size(size: tuple[int, int]) -> None:
    """Input, progress, each worker, the map with its legend and the last event are always there."""
    text = Terminal(*size).show(*play())
    for part in ("hubble.npy", "1024x768x3 int32", "gaussian_filter", "30 tiles", "halo 3.1%",
                 "3 workers, 1 lost", " 66 %", "20/30", "left", "node1:8080", "working",
                 "lost: conn", "█ stored", "▒ in flight", "0:08  node3:8080 lost: "):  # fmt: skip
        assert part in text, part
    assert [line for line in text.splitlines() if line and set(line) <= set("█▒·")][-5:] == [
        "████████████",
        "████████████",
        "████████████",
        "████▒▒▒▒▒▒··",
        "············",
    ]


def test_the_frame_of_an_ordinary_terminal() -> None:
    """The whole picture, line by line."""
    assert Terminal(80, 24).show(*play()) == textwrap.dedent("""\
        hubble.npy  1024x768x3 int32  gaussian_filter sigma=2,2,0
        30 tiles of 205x128x3  halo 3.1%  3 workers, 1 lost
        ████████████████████████████████████████████████████▋░░░░░░░░░░░░░░░░░░░░░░░░░░
         66 %  20/30     3.6 MB/s   0:08 elapsed   0:04 left

        worker       tiles flying    MB/s recent speed  median retries state
        node1:8080       7      3     1.2  █  █ █  █ █  300 ms       0 working
        node2:8080       7      0     1.2 █ █  █ █ █    300 ms       0 ready
        node3:8080       6      0     1.2  █ █ █  █ █   300 ms       0 lost: connectio…

        map of the tiles
        ████████████
        ████████████
        ████████████
        ████▒▒▒▒▒▒··
        ············
        █ stored  ▒ in flight  ! to retry  · waiting

        0:08  node3:8080 lost: connection refused""")


@pytest.mark.parametrize("size", [*SIZES, (20, 8), (10, 3), (1, 1), (300, 100)], ids=str)
@pytest.mark.parametrize("workers", [1, 3, 200])
@pytest.mark.parametrize("grid", [(1, 1), (5, 6), (1000, 1000)], ids=str)
def test_every_frame_fits(size: tuple[int, int], workers: int, grid: tuple[int, int]) -> None:
    """No line is wider, and no frame taller, than the room there is."""
    room = Size(*size)
    for glyphs in (UNICODE, ASCII):
        stored = min(20, grid[0] * grid[1])
        lines = frame(*play(workers=workers, grid=grid, stored=stored), room, glyphs)
        assert len(lines) <= room.rows
        assert max(line.cell_len for line in lines) <= room.columns


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_holds_still(size: tuple[int, int]) -> None:
    """Frame after frame is drawn in the same place: nothing scrolls, nothing stays behind."""
    terminal, tally = Terminal(*size), Tally()
    for now, event in script():
        tally.handle(now, event)
        text = terminal.show(tally, now)
        assert text.count("hubble.npy") == 1
        assert text.startswith("hubble.npy")
    assert not terminal.screen.history.top


def test_it_follows_a_resize() -> None:
    """A terminal that grows or shrinks gets a frame of its new size."""
    terminal = Terminal(80, 24)
    terminal.show(*play())
    for size in ((120, 40), (60, 30), (100, 16)):
        terminal.resize(*size)
        text = terminal.show(*play())
        assert text.splitlines()[-1] == "0:08  node3:8080 lost: connection refused"
        assert terminal.screen.cursor.y < size[1]


def test_nobody_is_greeted_where_there_is_no_fleet() -> None:
    """Before a run of this machine begins there is nothing to say but that."""
    first, *_ = frame(Tally(), 0.0, Size(80, 24), UNICODE)
    assert first.plain == "starting"
    assert "worker" not in Terminal(80, 24).show(Tally(), 0.0)


def test_the_reasons_of_lost_workers_can_be_read() -> None:
    """While they are news, and at the end, on as many lines as they take."""
    tally, now = play()
    reason = "wants another token: " + "start it with --pair and run coord pair there " * 3 + "END"
    tally.handle(now, WorkerLost("node2:8080", reason))
    assert "END" in Terminal(80, 24).show(tally, now)
    tally.handle(now, RunFinished())
    tally.handle(now, OutputWritten("out.npy", 9_437_312, ()))
    shown = Terminal(80, 24).show(tally, now).split("wrote out.npy")[1]
    assert "node2:8080 lost: wants another token" in shown
    assert "END" in shown


def test_the_last_frame_stays_and_the_cursor_comes_back() -> None:
    """The picture of a finished run ends with a new line and a visible cursor."""
    terminal = Terminal(80, 24)
    tally, now = play(stored=30)
    terminal.show(tally, now)
    assert terminal.screen.cursor.hidden
    tally.handle(now, RunFinished())
    text = terminal.show(tally, now + 60, last=True)
    assert "100 %  30/30     3.7 MB/s  in 12.1 s" in text
    assert text.splitlines()[-1] == "done"
    assert not terminal.screen.cursor.hidden
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, len(text.splitlines()))


def test_200_workers_are_summed_up() -> None:
    """Those in trouble are shown, in their usual order; the others are counted."""
    tally, now = play(workers=200, grid=(40, 50), stored=400)
    tally.handle(now, TileFailed(400, "node77:8080", 1, "digest differs"))
    text = Terminal(80, 24).show(tally, now)
    for part in (
        "node1:8080",
        "node77:8080",
        "failing: d",
        "node200:8080",
        "lost: conn",
    ):
        assert part in text, part
    shown = sum(line.startswith("node") for line in text.splitlines())
    assert f"and {200 - shown} more: {200 - shown} ready; " in text
    assert "200 workers, 1 lost" in text


def test_huge_grids_fold() -> None:
    """A million tiles share the cells of a small map, which says how many."""
    text = Terminal(80, 24).show(*play(grid=(1000, 1000), stored=500))
    assert "▓" in text
    assert "a cell: 96x16 tiles" in text
    assert "500/1,000,000" in text


def test_what_comes_from_the_network_is_inert() -> None:
    """Markup, escape sequences and direction marks are shown, not obeyed; long text is cut."""
    tally, now = play()
    tally.handle(now, WorkerReady(EVIL, 1))
    tally.handle(now, WorkerLost(EVIL, EVIL))
    terminal = Terminal(120, 40)
    text = terminal.show(tally, now)
    assert "[red]x[/red]?[2J?]0" in text
    assert "lost: [red]x" in text
    assert not terminal.screen.title
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_state_has_its_own_character(glyphs: Glyphs) -> None:
    """Nothing is told by colour alone, and plain terminals get plain characters."""
    assert len(set(glyphs.looks.values())) == len(glyphs.looks)
    text = Terminal(80, 24).show(*play(), glyphs)
    assert text.isascii() == (glyphs is ASCII)


@pytest.mark.parametrize("columns", [30, 80])
def test_the_map_by_worker(columns: int) -> None:
    """A letter for each worker where its tiles are, and a legend of those that made some."""
    tally, now = play(workers=2, stored=8, grid=(2, 6))
    lines = [line.plain for line in frame(tally, now, Size(columns, 24), UNICODE, by_worker=True)]
    assert "aabbaabbaabb" in lines
    assert "aabb▒▒▒▒▒▒··" in lines
    assert any(line.startswith("a node1:8080  b node2:8080") for line in lines)
    assert all(len(line) <= columns for line in lines)


def test_a_folded_map_by_worker() -> None:
    """A map that is larger than the terminal is folded as the other one is."""
    tally, now = play(workers=40, stored=9000, grid=(100, 100))
    for columns, rows in ((20, 8), (80, 24), (200, 60)):
        size = Size(columns, rows)
        plain, named = (frame(tally, now, size, UNICODE, by_worker=by) for by in (False, True))
        assert len(named) == len(plain)
        assert all(line.cell_len <= columns for line in named)
