"""A headless Chromium, and pictures of pages in it."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.coordinators import wait_until

BROWSER = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--hide-scrollbars",
)  # fmt: skip


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a file, in a profile of its own."""
    with TemporaryDirectory() as profile:
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", *options, f"file://{page}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def photograph(page: Path, picture: Path, width: int, height: int, *options: str) -> None:
    """Keep how a page looks in a window of this size."""
    browse(page, f"--window-size={width},{height}", f"--screenshot={picture}", *options)


class Tab:
    """A tab of a Chromium that runs, told what to do by DevTools messages over pipes.

    Attributes
    ----------
    heard : list of dict
        What it said unasked: requests, the console, exceptions.
    """

    def __init__(self, asking: int, telling: int) -> None:
        self._asking, self._telling = asking, telling
        self._rest, self._asked, self._session = b"", 0, ""
        self.heard: list[dict[str, Any]] = []
        made = self.ask("Target.createTarget", url="about:blank")
        attached = self.ask("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._asking, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._asked:
            self.heard.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._telling], [], [], 60)
            assert ready, "the browser does not answer"
            self._rest += (part := os.read(self._telling, 1 << 20))
            assert part, "the browser has ended"
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def value(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true."""
        wait_until(lambda: bool(self.value(expression)), expression)

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Show the page in a window of this size, to a reader of light or dark pages."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def photograph(self, picture: Path) -> None:
        """Keep how it looks, all of it."""
        data = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        picture.write_bytes(base64.b64decode(data))

    def complaints(self) -> list[str]:
        """Return the errors of the console, and exceptions."""
        bad = {"error", "warning", "assert"}
        return [
            json.dumps(each)
            for each in self.heard
            if each["method"] == "Runtime.exceptionThrown"
            or (each["method"] == "Log.entryAdded" and each["params"]["entry"]["level"] in bad)
            or (each["method"] == "Runtime.consoleAPICalled" and each["params"]["type"] in bad)
        ]

    def requested(self) -> list[str]:
        """Return the addresses of all that was asked for."""
        asked = [each for each in self.heard if each["method"] == "Network.requestWillBeSent"]
        return [each["params"]["request"]["url"] for each in asked]


@contextmanager
def running_tab() -> Iterator[Tab]:
    """Start a Chromium, in a profile of its own, and end it whatever happens."""
    (in_, asking), (telling, out) = os.pipe(), os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
        shell = ["bash", "-c", f'exec "$@" 3<&{in_} 4>&{out}', "bash", *command]
        with subprocess.Popen(shell, pass_fds=(in_, out), stderr=subprocess.DEVNULL) as process:
            os.close(in_)
            os.close(out)
            try:
                yield Tab(asking, telling)
            finally:
                process.terminate()
                process.wait()
                os.close(asking)
                os.close(telling)
