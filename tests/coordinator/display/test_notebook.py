"""The display in a Jupyter notebook: a bar that is replaced in place, and tables."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from coordinator import Fleet
from coordinator.display.notebook import WIDTH, Bar, Handle, Picture, in_notebook
from coordinator.events import RunFinished, WorkerLost
from tests.coordinator.display.scripted import EVIL, script
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan


class ZMQInteractiveShell:
    """What IPython calls the shell of a notebook."""


def test_where_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's kernel is known by its shell; nothing is imported to find out."""
    assert not in_notebook()
    shell = SimpleNamespace(get_ipython=ZMQInteractiveShell)
    monkeypatch.setitem(sys.modules, "IPython", shell)  # type: ignore[arg-type]
    assert in_notebook()
    with Fleet(["127.0.0.1:1"]) as fleet:
        assert isinstance(fleet.listen, Bar)


class Outputs:
    """The outputs of a notebook: what each shows last, and how often it was replaced."""

    def __init__(self) -> None:
        self.shown: list[list[Picture]] = []
        self.cell = 1

    def display(self, picture: Picture) -> Handle:
        """Add an output, as `IPython.display.display` does."""
        pictures = [picture]
        self.shown.append(pictures)
        return SimpleNamespace(update=pictures.append)

    def bar(self) -> Bar:
        """Make a bar that is shown here."""
        return Bar(self.display, lambda: self.cell)


def play_into(bar: Bar, error: str | None = None, workers: int = 3) -> None:
    """Play a run that ends."""
    for at_s, event in script(workers, stored=30):
        bar(at_s, event)
    bar(99.0, RunFinished(error))


@pytest.mark.parametrize("error", [None, EVIL])
def test_a_bar_is_replaced_in_place(error: str | None) -> None:
    """The runs of a cell are one output, which keeps the last state; another cell has its own."""
    outputs = Outputs()
    bar = outputs.bar()
    play_into(bar)
    play_into(bar, error)
    outputs.cell = 2
    play_into(bar)
    first, second = outputs.shown
    assert len(first) == 2 * len(second) > 20
    assert all(repr(picture).isprintable() for picture in first)
    assert repr(first[-1]).startswith("█" * WIDTH + " 100%")
    assert repr(second[0]).startswith("░" * WIDTH + "   0%")
    assert first[-1]._repr_html_().count('value="1.000"') == 1


def test_the_workers_are_a_table() -> None:
    """Each with its tiles, its rate and its state; of very many, those in trouble are there."""
    outputs = Outputs()
    bar = outputs.bar()
    for at_s, event in script(stored=20):
        bar(at_s, event)
    bar(99.0, RunFinished("x < y"))
    shown = outputs.shown[0][-1]._repr_html_()
    assert "<caption>3 workers</caption>" in shown
    assert "<tr><th>node1:8080</th><td>7</td>" in shown
    assert "<td>lost: connection refused</td>" in shown
    assert "x &lt; y" in shown
    outputs = Outputs()
    play_into(outputs.bar(), workers=50)
    shown = outputs.shown[0][-1]._repr_html_()
    assert "<caption>50 workers, 20 of them here</caption>" in shown
    assert shown.count("<tr>") == 21


def test_a_greeting_is_not_drawn() -> None:
    """There is no bar of a run that nobody could begin: an error tells of it."""
    outputs = Outputs()
    outputs.bar()(0.0, WorkerLost("node1:8080", "connection refused"))
    assert outputs.shown == []


def test_ipython_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of IPython, a displayed object that can be replaced, and the number of the cell."""
    outputs, asked = Outputs(), []

    def display(picture: Picture, **options: object) -> Handle:
        asked.append(options)
        return outputs.display(picture)

    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(execution_count=7))
    monkeypatch.setitem(sys.modules, "IPython", shell)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    play_into(Bar())
    assert asked == [{"display_id": True}]
    assert len(outputs.shown) == 1


def test_tables() -> None:
    """A fleet and a plan are tables; names are escaped."""
    with Fleet(["node1:8080", "node2:8080"]) as fleet:
        shown = fleet._repr_html_()
    assert "fleet of 2 workers" in shown
    assert "<th>node1:8080</th><td>http://node1:8080</td>" in shown
    plan = Plan(Grid((100, 10), (10, 10)), Halo((1, 1), (1, 1)), (False, False), 4, 4)
    assert "<th>tiles</th><td>10</td>" in plan._repr_html_()
