"""The styles of progress: their choice, their output in logs and for programs, and their end."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyte
import pytest

from coordinator import events
from coordinator.display.json_lines import VERSION, encode, event_schema
from coordinator.display.listener import CPU_SHARE, Ticker, make_listener, pause_after
from coordinator.errors import InputError
from coordinator.events import RunFinished, TileFailed, WorkerLost
from tests.coordinator.display.scripted import EVIL, script


class Tty(io.StringIO):
    """Text that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "escapes", "colours"),
    [
        (Tty(), {"TERM": "xterm"}, True, True),
        (Tty(), {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        (Tty(), {"TERM": "dumb"}, False, False),
        (Tty(), {}, False, False),
        (Tty(), {"TERM": "xterm", "CI": "true"}, False, False),
        (io.StringIO(), {"TERM": "xterm"}, False, False),
    ],
    ids=["terminal", "no-color", "dumb", "no-term", "ci", "pipe"],
)
def test_auto_takes_what_the_reader_can(
    stream: io.StringIO, environ: dict[str, str], escapes: bool, colours: bool
) -> None:
    """A picture on terminals that can move their cursor, plain lines elsewhere."""
    with make_listener("auto", stream, environ=environ, clock=lambda: 12.2) as listen:
        for now, event in script(stored=30):
            listen(now, event)
        listen(12.2, RunFinished())
    text = stream.getvalue()
    assert ("\x1b[" in text) == escapes
    assert ("\x1b[32m" in text) == colours
    assert text.count("30 tiles") == 1
    if not escapes:
        assert text == "done: 30 tiles, 45.0 MB in 12.2 s (3.7 MB/s), 3 workers\n"


def test_rich_in_a_pipe_draws_once() -> None:
    """Asked for where nothing can move, the picture is drawn when the run is over."""
    stream = io.StringIO()
    with make_listener("rich", stream, environ={"TERM": "xterm"}) as listen:
        for now, event in script():
            listen(now, event)
    assert stream.getvalue().count("hubble.npy") == 1
    assert "\x1b" not in stream.getvalue()


def test_plain_lines_tell_progress_and_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a run lasts a line comes now and then; each piece of news is told once.

    A worker that is lost has its line as the run starts, and no other at the end.
    """
    monkeypatch.setattr("coordinator.display.listener.LINE_S", 0.01)
    lines = Lines(at_least=3)
    with make_listener("plain", lines, clock=lambda: 8.2) as listen:
        for now, event in script():
            listen(now, event)
        assert lines.enough.wait(10)
    written = [line for line in lines.getvalue().splitlines() if line.startswith("66 %")]
    how_far = "66 %: 20/30 tiles, 3.6 MB/s, 0:08 elapsed, 0:04 left, 3 workers, 1 lost"
    assert set(written) == {how_far}
    lost = "node3:8080 lost: connection refused"
    assert lines.getvalue().splitlines()[0] == lost
    assert lines.getvalue().splitlines()[-1] == "stopped after 8.2 s, 20/30 tiles"
    assert lines.getvalue().count(lost) == 1


class Lines(io.StringIO):
    """Text that tells when it has enough lines."""

    def __init__(self, at_least: int) -> None:
        super().__init__()
        self.enough = threading.Event()
        self._at_least = at_least

    def flush(self) -> None:
        if self.getvalue().count("\n") >= self._at_least:
            self.enough.set()


def test_a_map_that_is_none() -> None:
    """It is refused before the run begins."""
    show = make_listener("plain", io.StringIO(), environ={"TILEFAN_MAP": "foo"})
    with pytest.raises(InputError, match=r"TILEFAN_MAP=foo: .* say worker"), show:
        pass


def test_plain_lines_are_inert() -> None:
    """A log gets one printable line, whatever a worker sends."""
    lines = io.StringIO()
    with make_listener("plain", lines) as listen:
        for now, event in script():
            listen(now, event)
        listen(9.0, WorkerLost(EVIL, EVIL))
        listen(10.0, RunFinished(EVIL))
    written = lines.getvalue()
    assert "[red]x[/red]" in written
    assert all(line.isprintable() and len(line) < 1100 for line in written.splitlines())


def test_none_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """`--quiet` is quiet."""
    with make_listener("none") as listen:
        for now, event in script():
            listen(now, event)
    assert capfd.readouterr() == ("", "")


class BrokenPipe(Tty):
    """A terminal that went away: writing to it fails, and is counted."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.attempts = 0
        self._error = error

    def write(self, _text: str) -> int:
        self.attempts += 1
        raise self._error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(32, "Broken pipe"), ValueError("closed")], ids=["pipe", "closed"]
)
@pytest.mark.parametrize(("style", "least"), [("rich", 1), ("plain", 1), ("json", 68)])
def test_a_reader_that_goes_away_stops_nothing(style: Any, least: int, error: Exception) -> None:
    """A closed window or pipe costs the picture, not the run; it was written to all the same."""
    stream = BrokenPipe(error)
    with make_listener(style, stream, environ={"TERM": "xterm"}) as listen:
        for now, event in script():
            listen(now, event)
    assert stream.attempts >= least


def test_drawing_takes_its_share_and_no_more() -> None:
    """A picture that costs ten times as much is drawn ten times as seldom."""
    assert pause_after(0.0, interval_s=0.125) == 0.125
    assert pause_after(0.1, interval_s=0.125) == pytest.approx(0.1 / CPU_SHARE)


def test_a_stopped_ticker_draws_no_more() -> None:
    """When `stop` returns, the stream belongs to somebody else."""
    drawn = threading.Event()
    ticker = Ticker(drawn.set, 0.001)
    ticker.start()
    assert drawn.wait(10)
    ticker.stop()
    drawn.clear()
    assert not drawn.wait(0.02)


def test_json_is_what_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Each event is a line on stdout that the schema describes, with time from the first event."""
    told = [(now + 500.0, event) for now, event in script()]
    with make_listener("json") as listen:
        for now, event in told:
            listen(now, event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    schemas = {schema["title"]: schema for schema in event_schema()["oneOf"]}
    for line, (now, event) in zip(lines, told, strict=True):
        assert accepts(schemas[type(event).__name__], line)
        assert line["time_s"] == pytest.approx(now - 500.0)
        said = {f.name: getattr(event, f.name) for f in fields(event)}
        assert json.loads(json.dumps(said)).items() <= line.items()


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """Validate against the part of JSON Schema that our schema uses."""
    match schema:
        case {"const": constant}:
            return bool(value == constant)
        case {"enum": values}:
            return value in values
        case {"anyOf": options}:
            return any(accepts(option, value) for option in options)
        case {"type": "object", "properties": known, "required": required}:
            return set(required) == set(value) and all(accepts(known[k], value[k]) for k in value)
        case {"type": "array", "prefixItems": inner, "minItems": least, "maxItems": most}:
            fits = isinstance(value, list) and least == len(value) == most
            return fits and all(map(accepts, inner, value))
        case {"type": "array", "items": inner}:
            return isinstance(value, list) and all(accepts(inner, item) for item in value)
        case {"type": kind}:
            return isinstance(value, KINDS[kind])
    return False


KINDS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "null": type(None),
}


def test_the_schema_knows_every_field() -> None:
    """No field of any event is left without a type, and the version is in each."""
    for schema in event_schema()["oneOf"]:
        assert all(schema["properties"].values()), schema["title"]
        for part in json.dumps(schema).split('"type": "array"')[1:]:
            assert part.startswith((', "items"', ', "prefixItems"')), schema["title"]
        assert schema["properties"]["version"] == {"const": VERSION}
        assert hasattr(events, schema["title"])


def test_the_schema_is_published() -> None:
    """The file among the documents is what the code says; `python -m docs.remake` writes it."""
    path = Path(__file__).parents[3] / "docs" / "events.schema.json"
    assert json.loads(path.read_text()) == event_schema()


def test_json_is_strict() -> None:
    """What JSON can't say is null, and every line is printable ASCII."""
    line = encode(0.0, TileFailed(1, "n\x1b\u202e\ud800", 1, "é\n", float("nan")))
    assert json.loads(line)["retry_after_s"] is None
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt", "SystemExit"])
def test_the_terminal_is_restored_whatever_happens(error: str) -> None:
    """On a real pty, the cursor is visible after an exception, and the last frame is there."""
    program = f"""
        import signal, time
        from coordinator.events import RunStarted, WorkerReady
        from coordinator.display.listener import make_listener
        signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGUSR1}})
        with make_listener() as listen:
            now = time.monotonic()
            listen(now, RunStarted("in.npy", "out.npy", "f", (4, 4), "u1", (2, 2), (2, 2), 4, 16,
                                   16, 0.0, ("this machine",)))
            listen(now, WorkerReady("this machine", 2))
            signal.sigtimedwait({{signal.SIGUSR1}}, 60)
            raise {error}
    """
    written = run_on_pty(textwrap.dedent(program), columns=80, rows=24, shown=b"this machine")
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(written)
    assert written.count(b"\x1b[?25l") >= 2
    assert not screen.cursor.hidden
    assert screen.display[0].startswith("in.npy")
    assert any(line.startswith("this machine") for line in screen.display)


def run_on_pty(program: str, columns: int, rows: int, shown: bytes) -> bytes:
    """Run Python code on a terminal of its own; return what it wrote there.

    It gets SIGUSR1 once it has written `shown`.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color"}
    for name in ("CI", "NO_COLOR"):
        environ.pop(name, None)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    ) as process:
        os.close(theirs)
        written, signalled = b"", False
        while piece := read(ours):
            written += piece
            if not signalled and shown in written:
                process.send_signal(signal.SIGUSR1)
                signalled = True
        process.wait(30)
    assert signalled
    os.close(ours)
    return written


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO when the last program has left a terminal
        return b""
