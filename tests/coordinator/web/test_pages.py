"""The state of a live page, from scripted events and without a server."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from coordinator.events import (
    Event,
    OutputWritten,
    RunFinished,
    TilesVerified,
    WorkerLost,
    WorkerReady,
    WorkerUsage,
)
from coordinator.report.html import Html
from coordinator.web.document import POLICY, document, script
from coordinator.web.fleet_page import FleetPage, Look, Row
from coordinator.web.page import Page, Part
from coordinator.web.run_page import RunPage
from tests.coordinator.display.scripted import EVIL
from tests.coordinator.display.scripted import script as events
from tests.coordinator.report.test_report import checked

HOSTILE = f'"><script>alert(1)</script><img src=x onerror=alert(1)>{EVIL}'


def told(*more: tuple[float, Event], stored: int = 20) -> RunPage:
    page = RunPage()
    for at, event in [*events(stored=stored), *more]:
        page.handle(at, event)
    return page


def words(page: Page, now: float = 1e6) -> dict[str, str]:
    """Return the parts of a page as text; each is sound markup."""
    page.take_in()
    return {name: checked(part).words for name, part in page.parts(now).items()}


def test_a_run_half_way() -> None:
    """Counted by hand from the script: 20 of 30 tiles are stored, and a worker is lost."""
    usage = [(at, WorkerUsage("node1:8080", 1.5 * at, 10**8)) for at in (8.2, 9.2)]
    parts = words(told(*usage), now=9.2)
    assert "66 %, 20 of 30 tiles" in parts["progress"]
    assert "running" in parts["progress"]
    assert "node3:8080 lost at 8.2 s" in parts["incidents"]
    assert "node3:8080 lost: connection refused" in parts["log"]
    assert "Processors: 1.5 cores, at most 1.5" in parts["usage"]
    assert "Memory: 100.0 MB, at most 100.0 MB" in parts["usage"]
    assert "in flight" in parts["maps"]
    assert "Timeline of node2:8080" in parts["times"]


def test_the_end_is_told() -> None:
    """Verified, done and written are lines of the log, and the last is the state of the page."""
    end = [(13.0, TilesVerified(3, 30)), (13.1, RunFinished()), (13.2, OutputWritten("a.npy", 9))]
    parts = words(told(*end, stored=30))
    assert "done: a.npy is written" in parts["progress"]
    assert "100 %, 30 of 30 tiles" in parts["progress"]
    said = ("3 of 30 tiles computed once more by SciPy: equal", "done: the output is whole")
    assert all(each in parts["log"] for each in (*said, "wrote a.npy"))
    assert "failed: disk full" in words(told((9.0, RunFinished("disk full"))))["progress"]


def test_a_further_run_begins_anew() -> None:
    """Of many inputs, one after another, the page shows the one that runs."""
    page = told((13.0, RunFinished()), (13.1, OutputWritten("a.npy", 9)), stored=30)
    assert "100 %" in words(page)["progress"]
    for at, event in events(stored=3):
        page.handle(20.0 + at, event)
    assert "3 of 30 tiles" in words(page)["progress"]


@pytest.mark.parametrize("page", [RunPage(), FleetPage(("worker", "state"))], ids=["run", "fleet"])
def test_before_anything_happens(page: Page) -> None:
    """There is a page, and it has all the places that later parts need."""
    before = set(words(page))
    if isinstance(page, RunPage):
        page.handle(0.0, next(iter(events()))[1])
    assert set(words(page)) == before
    assert all(f'id="part-{name}"' in document(page.title, page.parts(0.0)) for name in before)


def test_words_from_outside_stay_words() -> None:
    """Neither a name nor a reason of a worker becomes markup."""
    hostile = [(8.2, WorkerReady(HOSTILE, 2)), (8.3, WorkerLost(HOSTILE, HOSTILE))]
    page = told(*hostile, (9.0, RunFinished(HOSTILE)))
    assert "alert(1)" in words(page)["workers"]
    fleet = FleetPage(("worker",))
    fleet.show(Look(1.0, HOSTILE, [Row((HOSTILE,), trouble=True)], [hostile[1][1]]))
    assert "alert(1)" in words(fleet)["log"]
    for each in (page, fleet):
        assert "<script>" not in document(each.title, each.parts(1e6))
        assert "onerror=" not in "".join(each.parts(1e6).values()).replace(
            "&lt;img src=x onerror", ""
        )


class Names(HTMLParser):
    """The names of elements and attributes that markup has."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_script_lets_in_what_the_parts_have() -> None:
    """What is drawn is in its lists of names, and what could load or run is not."""
    usage = [(at, WorkerUsage("node1:8080", at, 10**8)) for at in (8.2, 9.2)]
    page, names = told(*usage), Names()
    page.take_in()
    for part in page.parts(9.2).values():
        names.feed(part)
    lists = [part.split(").split")[0] for part in script().split("new Set(")[1:]]
    elements, attributes = ({*each.replace('"', " ").lower().split()} for each in lists)
    assert names.elements <= elements
    assert names.attributes <= attributes
    assert not elements & {"script", "img", "a", "iframe", "object", "style", "link", "form"}
    assert not {name for name in attributes if name.startswith("on")} | attributes & {
        "style",
        "href",
        "src",
    }
    assert "innerHTML" not in script()
    assert "unsafe" not in POLICY


def test_what_is_dear_to_draw_is_drawn_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawing of a second of a core waits for a hundred; the end is drawn at once."""
    clock = iter(range(100))
    monkeypatch.setattr("coordinator.web.page.time.thread_time", lambda: float(next(clock)))
    drawn: list[float] = []

    def draw() -> Html:
        drawn.append(0.0)
        return Html("x")

    part = Part(draw)
    for now in (0.0, 50.0, 99.0, 100.5):
        part.at(now)
    assert len(drawn) == 2


def test_a_page_that_nobody_sees_keeps_nothing() -> None:
    """Once it is closed, events are let go."""
    page = told()
    page.take_in()
    page.close()
    page.handle(50.0, RunFinished())
    assert "running" in words(page)["progress"]
