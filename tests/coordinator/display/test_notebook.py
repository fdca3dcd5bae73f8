"""The display in a Jupyter notebook: a bar of one line, and tables."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from coordinator import Fleet
from coordinator.display.notebook import WIDTH, Bar, in_notebook
from coordinator.events import RunFinished
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


@pytest.mark.parametrize("error", [None, EVIL])
def test_a_bar_of_one_line(error: str | None) -> None:
    """One line, written over, of the same length or longer each time; then the next run's."""
    stream = io.StringIO()
    bar = Bar(stream)
    for _ in range(2):
        for at_s, event in script(stored=30):
            bar(at_s, event)
        bar(99.0, RunFinished(error))
    first, second, end = stream.getvalue().split("\n")
    assert (first, end) == (second, "")
    frames = first.split("\r")[1:]
    assert len(frames) > 10
    assert all(frame.isprintable() for frame in frames)
    assert [len(frame) for frame in frames] == sorted(len(frame) for frame in frames)
    assert frames[-1].startswith("█" * WIDTH + " 100%")


def test_tables() -> None:
    """A fleet and a plan are tables; names are escaped."""
    with Fleet(["node1:8080", "node2:8080"]) as fleet:
        shown = fleet._repr_html_()
    assert "fleet of 2 workers" in shown
    assert "<th>node1:8080</th><td>http://node1:8080</td>" in shown
    plan = Plan(Grid((100, 10), (10, 10)), Halo((1, 1), (1, 1)), (False, False), 4, 4)
    assert "<th>tiles</th><td>10</td>" in plan._repr_html_()
