"""A `Fleet` as a Python object: open or closed, for several threads, and how its errors look."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tilefan
from coordinator.events import Event, RunFinished, RunStarted
from tests.support.processes import WorkerProcess

X = np.arange(12.0).reshape(3, 4)


def test_a_fleet_tells_whether_it_is_open() -> None:
    """To people, to programs, and in a notebook; of many workers it names the first few."""
    with tilefan.Fleet("node1:8080, node2") as fleet:
        assert repr(fleet) == "<Fleet of 2 workers (node1:8080, node2:8080), open>"
        assert "fleet of 2 workers, open" in fleet._repr_html_()
        assert not fleet.closed
    assert repr(fleet) == "<Fleet of 2 workers (node1:8080, node2:8080), closed>"
    assert fleet.closed
    with tilefan.Fleet([f"n{number}" for number in range(9)]) as fleet:
        assert "n4:8080 and 4 more), open" in repr(fleet)


def test_a_closed_fleet_says_what_to_do() -> None:
    """It does not open again, as a file does not."""
    with tilefan.Fleet("127.0.0.1:9") as fleet:
        pass
    for use in (fleet.sobel, lambda x: fleet.plan([("sobel", {})], x)):
        with pytest.raises(tilefan.InputError, match=r"closed, .* make a new one"):
            use(X)


def test_threads_take_turns(two_workers: list[WorkerProcess]) -> None:
    """A run begins when the one before it is over, so that a listener can tell them apart."""
    heard: list[type[Event]] = []

    def listen(_: float, event: Event) -> None:
        if isinstance(event, RunStarted | RunFinished):
            heard.append(type(event))

    with tilefan.Fleet([worker.address for worker in two_workers], listen=listen) as fleet:
        threads = [threading.Thread(target=fleet.median_filter, args=(X, 3)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert heard == [RunStarted, RunFinished] * 6


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda _: tilefan.Fleet("a b"), id="hosts"),
        pytest.param(lambda _: tilefan.Fleet.from_toml("none.toml"), id="file"),
        pytest.param(lambda _: tilefan.ndimage.gaussian_filter(X), id="missing"),
        pytest.param(lambda _: tilefan.ndimage.gaussian_filter(X, -1), id="value"),
        pytest.param(lambda _: tilefan.ndimage.run([("sobel", {"axis": 5})], X), id="chain"),
        pytest.param(lambda fleet: fleet.sobel(X), id="method"),
        pytest.param(lambda fleet: fleet.generic_filter(X, np.ptp), id="refused"),
        pytest.param(lambda fleet: fleet.run([("sobel", {})], X), id="run"),
        pytest.param(lambda fleet: fleet.plan([("sobel", {})], X), id="plan"),
    ],
)
def test_an_expected_error_shows_the_line_that_called(use: Callable[[Any], Any]) -> None:
    """None of our frames stands between it and the message."""
    with (
        tilefan.Fleet("127.0.0.1:9") as fleet,
        pytest.raises((tilefan.TilefanError, tilefan.TilingError)) as caught,
    ):
        use(fleet)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert {frame.filename for frame in frames} == {__file__}


NAMES = 'such as [("gaussian_filter", {"sigma": 2})], not '
MISUSES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tilefan.Fleet(None), tilefan.ConfigError, '"node1:8080,node2:8080", not None'),
    (lambda: tilefan.Fleet(3), tilefan.ConfigError, '"node1:8080,node2:8080", not 3'),
    (lambda: tilefan.Fleet("hosts.toml"), tilefan.ConfigError, "Fleet.from_toml('hosts.toml')"),
    (lambda: tilefan.Fleet(Path("x")), tilefan.ConfigError, "Fleet.from_toml('x')"),
    (lambda: tilefan.Fleet(["a.toml"]), tilefan.ConfigError, "Fleet.from_toml('a.toml')"),
    (lambda: tilefan.Fleet("a", verify="2%"), tilefan.InputError, "such as 0.02, not '2%'"),
    (lambda: tilefan.Fleet("a", listen=3), tilefan.InputError, "listen must be a function"),
    (lambda: tilefan.Fleet.from_toml(None), tilefan.ConfigError, "None"),
    (lambda: tilefan.as_scipy(3).__enter__(), tilefan.InputError, "takes a Fleet, not 3"),
    (lambda: tilefan.ndimage.sobel("abc"), tilefan.BadTypeError, "holds text, not numbers"),
    (lambda: tilefan.ndimage.sobel([[1], [1, 2]]), tilefan.BadValueError, "input is no array"),
    (lambda: tilefan.ndimage.gaussian_filter(X, sgma=2), tilefan.BadTypeError, "'sgma'"),
    *[
        (lambda run=run, links=links: run(links, X), tilefan.BadTypeError, words)
        for run in (
            tilefan.ndimage.run,
            lambda links, x: tilefan.Fleet("127.0.0.1:9").run(links, x),
            lambda links, x: tilefan.Fleet("127.0.0.1:9").plan(links, x),
        )
        for links, words in (
            ("sobel", f"{NAMES}'sobel'"),
            (None, f"{NAMES}None"),
            (["sobel"], f"{NAMES}'sobel'"),
            ([("gaussian_filter", 2)], NAMES),
            ([("gaussian_filter", {"sgma": 2})], "'sgma'"),
        )
    ],
]


@pytest.mark.parametrize(("use", "kind", "words"), MISUSES)
def test_a_misuse_gets_a_sentence(
    use: Callable[[], Any], kind: type[Exception], words: str
) -> None:
    """Of every public name, what was got and what would be right, and no error of Python's."""
    with pytest.raises(kind) as caught:
        use()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda _, token: tilefan.Fleet("node1", token_file=token), id="addresses"),
        pytest.param(
            lambda hosts, token: tilefan.Fleet.from_toml(hosts, token_file=token), id="file"
        ),
    ],
)
def test_a_warning_points_at_the_caller(
    tmp_path: Path, make: Callable[[Path, Path], tilefan.Fleet]
) -> None:
    """Not at a line of ours, by which nobody can tell what to change."""
    token, hosts = tmp_path / "token", tmp_path / "hosts.toml"
    token.touch(0o600)
    token.write_text("t" * 43)
    hosts.write_text('hosts = ["node1:8080"]')
    with pytest.warns(tilefan.TrustWarning, match="clear text") as caught:
        make(hosts, token)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    ("error", "most"), [(KeyboardInterrupt, 1), (ZeroDivisionError, 9)], ids=["Ctrl-C", "fault"]
)
def test_a_fault_of_ours_keeps_its_frames(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException], most: int
) -> None:
    """Whoever reports it needs them; where Ctrl-C found a run nobody does."""

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("coordinator.api.arrays.run", broken)
    with pytest.raises(error) as caught:
        tilefan.ndimage.sobel(X)
    count = len(traceback.extract_tb(caught.value.__traceback__))
    assert most // 2 < count <= most
