"""`--web` as a user meets it: real runs and fleets, the page in a real browser."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from coordinator.workflows.filter_file import filter_chain
from tests.coordinator.cli.test_cli import coord, refused
from tests.coordinator.web.test_server import ask, parts_of
from tests.support.browser import BROWSER, Tab, running_tab
from tests.support.coordinators import CoordProcess, running_coord
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess, running_workers
from tests.support.slow_worker import SAMPLE_S

ARTEFACTS = Path(os.environ.get("TILEFAN_ARTEFACTS", Path(__file__).parents[2] / "build"))
"""Where the pictures of the page stay, for people to look at."""

TILE_S = 0.3
WINDOWS = {"wide": (1280, 900), "phone": (390, 844)}

needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    array = np.random.default_rng(1).integers(0, 99, (30, 160, 160), "i2")
    np.save(tmp_path / "in.npy", array)
    return tmp_path


def write_hosts(folder: Path, workers: list[WorkerProcess], *more: str) -> None:
    addresses = [*(worker.address for worker in workers), *more]
    slots = "[defaults]\nslots = 2\n"  # so that a run takes as long on many cores
    (folder / "hosts.toml").write_text(f"hosts = {json.dumps(addresses)}\n{slots}")


def link_of(running: CoordProcess) -> str:
    """Return the link that is the first thing it prints."""
    assert running.process.stderr is not None
    line = running.process.stderr.readline()
    assert line.startswith("live page: http://127.0.0.1:"), line
    return line.removeprefix("live page: ").strip()


def look(tab: Tab, name: str) -> None:
    """Look at the page in every window, dark and light: it fits, and all has its words."""
    ARTEFACTS.mkdir(exist_ok=True)
    for window, (width, height) in WINDOWS.items():
        for dark in (False, True):
            tab.resize(width, height, dark=dark)
            assert tab.value("document.documentElement.scrollWidth") <= width
            assert tab.value(
                "getComputedStyle(document.body).backgroundColor"
                f" === '{'rgb(13, 17, 23)' if dark else 'rgb(255, 255, 255)'}'"
            )
        tab.photograph(ARTEFACTS / f"{name}-{window}.png")
    assert tab.value("document.getAnimations().length") == 0
    nameless = "[...document.querySelectorAll('svg[role=img], progress, [role=region]')].filter("
    nameless += "e => !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')).length"
    assert tab.value(nameless) == 0


def press(tab: Tab, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        tab.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key)


@needs_browser
def test_a_run_that_loses_a_worker(folder: Path) -> None:
    """The page shows it lost, who took its tiles, and the run done; nothing else is asked for."""
    env = {SAMPLE_S: str(TILE_S / 16_000)}
    slow = running_workers(3, env=env, module="tests.support.slow_worker")
    command = ("filter", "median_filter", "in.npy", "-o", "out.npy", "--size", "3", "--no-notes")
    where = ("--tile", "10,40,40", "--hosts", "hosts.toml")
    with slow as workers, running_tab() as tab:
        write_hosts(folder, workers)
        with running_coord(folder, *command, *where, "--web", "--report", "run.html") as running:
            link = link_of(running)
            tab.ask("Page.navigate", url=link)
            tab.wait_for("document.getElementById('link')?.textContent === 'live'")
            assert tab.value("location.pathname") == "/"
            tab.wait_for("document.querySelector('progress').value > 0.1")
            lost = workers[1]
            lost.process.kill()
            lost.wait()
            tab.wait_for("document.getElementById('incidents').textContent.includes(' moved')")
            tab.value("document.getElementById('zoom-1').focus()")
            press(tab, "ArrowRight")
            look(tab, "live")
            tab.wait_for("document.getElementById('link').textContent.startsWith('This is over')")
            assert running.end()[0] == 0
        assert tab.value("document.getElementById('state').textContent") == (
            "done: out.npy is written"
        )
        assert tab.value("document.querySelector('progress').value") == 1
        said = tab.value("document.getElementById('remarks').textContent")
        assert f"{lost.address} lost" in said
        assert "wrote out.npy" in said
        assert f"{lost.address} lost at" in tab.value("document.body.textContent")
        assert "Processors: " in tab.value("document.getElementById('part-usage').textContent")
        assert tab.value("document.querySelectorAll('#part-maps svg[id^=map-worker-]').length") == 3
        assert tab.value("document.activeElement.id") == "zoom-2"  # the page changed around it
        ratio = "document.querySelector('.zoomed').clientWidth"
        assert tab.value(f"{ratio} === 2 * document.querySelector('.zoom .wide').clientWidth")
        origin = link.partition("/open")[0]
        assert {url for url in tab.requested() if not url.startswith((origin, "data:"))} == set()
        assert tab.complaints() == []
        look(tab, "live-end")
        tab.ask("Page.navigate", url=f"file://{folder}/run.html")
        tab.wait_for("document.readyState === 'complete' && !!document.getElementById('incidents')")
        assert f"{lost.address} lost at" in tab.value("document.body.textContent")
        look(tab, "report-of-a-loss")
        assert tab.complaints() == []
    filter_chain([("median_filter", {"size": 3})], folder / "in.npy", folder / "local.npy")
    assert_same_bits(np.load(folder / "out.npy"), np.load(folder / "local.npy"))


@needs_browser
def test_a_fleet(folder: Path, two_workers: list[WorkerProcess]) -> None:
    """Who is there and who is not, until Ctrl-C, which is no error; then the page stays."""
    write_hosts(folder, two_workers, "127.0.0.1:1")
    with running_tab() as tab, running_coord(folder, "hosts", "--web") as running:
        tab.ask("Page.navigate", url=link_of(running))
        tab.wait_for("document.querySelector('h1')?.textContent.startsWith('2 of 3 workers')")
        tab.wait_for("document.getElementById('part-usage')?.textContent.includes('Memory: ')")
        row = "[...document.querySelectorAll('#fleet tr.failed')].map(row => row.textContent)"
        assert tab.value(row) == ["127.0.0.1:1lost"]
        assert "connection refused" in tab.value("document.getElementById('part-log').textContent")
        look(tab, "fleet")
        running.send(signal.SIGINT)
        tab.wait_for("document.getElementById('link').textContent.startsWith('This is over')")
        assert running.end() == (0, "")
        assert tab.complaints() == []


def test_an_interrupted_run_says_so(folder: Path, two_workers: list[WorkerProcess]) -> None:
    """The last thing that the stream tells is why; the exit code is that of any such run."""
    write_hosts(folder, two_workers)
    options = ("--tile", "4", "--hosts", "hosts.toml", "--web", "--no-notes", "-q")
    with running_coord(folder, "blur", "in.npy", "--sigma", "3", *options) as running:
        port, path = parts_of(link_of(running))
        answer, _ = ask(port, path)
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        with socket.create_connection(("127.0.0.1", port), 60) as stream:
            request = f"GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n"
            stream.sendall(request.encode())
            said = b""
            while b"running" not in said:
                said += stream.recv(1 << 16)
            running.send(signal.SIGINT)
            while part := stream.recv(1 << 16):
                said += part
        code, complaint = running.end()
    assert code == 130
    assert complaint.startswith("coord: interrupted")
    assert b"failed: interrupted" in said
    assert b"event: end" in said


def test_output_is_as_without_it(folder: Path) -> None:
    """Quiet but for the link; events on stdout stay JSON, one a line."""
    quiet = coord(folder, "blur", "in.npy", "--web", "-q")
    assert (quiet.returncode, quiet.stdout) == (0, "")
    assert quiet.stderr.startswith("live page: ")
    assert quiet.stderr.count("\n") == 1
    told = coord(folder, "blur", "in.npy", "--overwrite", "--web", "--progress", "json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[-1])["event"] == "OutputWritten"


def test_a_port_that_is_taken(folder: Path) -> None:
    """One sentence, before anything is read or written."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = coord(folder, "blur", "in.npy", "--web", "--web-port", port)
    refused(done, 2, f"port {port} of 127.0.0.1")
    assert sorted(path.name for path in folder.iterdir()) == ["in.npy"]
    lone = coord(folder, "blur", "in.npy", "--web-port", port)
    assert "note: --web-port has no effect without --web" in lone.stderr
