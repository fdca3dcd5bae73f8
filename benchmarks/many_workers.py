"""Cost of a large fleet to its coordinator: threads, memory and CPU, with workers that only wait.

    python -m benchmarks.many_workers [--workers 1000] [--tiles 20000] [--tree PATH ...]

This process is the whole fleet: it listens on a port of loopback for each worker, answers a block
with the same block `--tile-s` seconds later (the job is a copy, so these are SciPy's bits), and
looks at `/proc/PID` of `coord` meanwhile. Of each tree, a checkout of this repository, its own
`coord` is measured; ratios are to the first. What `coord` spends until the first tile arrives is
told apart: start-up, and greeting every worker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tiling.jobs.job import Job
from tiling.probes.digests import expected
from tiling.protocol.wire import BODY_TYPE, DIGEST, PROTOCOL, Answer, Question

EVERY_S = 0.05
SLOTS = 2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SAMPLES = 16
"""In a tile: its cost is that of handing it out."""


@dataclass
class Fleet:
    """The workers: how long a tile takes them, and what they have been asked.

    Parameters
    ----------
    tile_s : float
        Seconds from a block to its answer.
    """

    tile_s: float
    tiles: int = 0
    greetings: int = 0
    in_hand: int = 0
    most_in_hand: int = 0
    job: bytes = b""
    registered: bytes = b""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[str, str, bytes]:
        """Return the media type, more headers, and the body of an answer."""
        if path == "/v1/tiles":
            question, _ = Question.parse(headers)
            answer = Answer.to(question, question.digest(body), question.dtype)
            fields = {**answer.fields(), DIGEST: answer.digest(body)}
            return BODY_TYPE, "".join(f"{k}: {v}\r\n" for k, v in fields.items()), body
        if path == "/v1/jobs":
            if body != self.job:
                self.job = body
                self.registered = json.dumps({"job": Job.decode(body).digest}).encode()
            return "application/json", "", self.registered
        if path == "/v1/attest":
            digests = {name: expected()[name] for name in json.loads(body)["probes"]}
            return "application/json", "", json.dumps({"digests": digests}).encode()
        self.greetings += 1
        health = {"status": "ready", "protocol": PROTOCOL, "slots": SLOTS}
        return "application/json", "", json.dumps(health).encode()


class Connection(asyncio.Protocol):
    """One connection to one of the workers: a request, then its answer.

    Parameters
    ----------
    fleet : Fleet
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer a request once all of it is there."""
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        if not blank or len(body) < int(headers.get("Content-Length", 0)):
            return
        self._received = b""
        path = first.split()[1]
        kind, fields, content = self._fleet.answer(path, headers, body)
        data = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{fields}"
            f"Content-Length: {len(content)}\r\n\r\n"
        ).encode("ascii") + content
        if path == "/v1/tiles":
            self._fleet.tiles += 1
            self._fleet.in_hand += 1
            self._fleet.most_in_hand = max(self._fleet.most_in_hand, self._fleet.in_hand)
            asyncio.get_running_loop().call_later(self._fleet.tile_s, self._finish, data)
        else:
            self._transport.write(data)

    def _finish(self, data: bytes) -> None:
        self._fleet.in_hand -= 1
        self._transport.write(data)


@dataclass
class Usage:
    """What `/proc` tells of a process: peaks, and the CPU seconds that it has spent so far."""

    threads: int = 0
    resident_mib: float = 0.0
    descriptors: int = 0
    cpu_s: float = 0.0
    greeted_s: float = 0.0

    def look(self, pid: int) -> bool:
        """Take a sample; return whether the process still runs."""
        folder = Path("/proc", str(pid))
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        self.cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
        if fields[0] == "Z":
            return False
        lines = (folder / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        if "VmHWM" in status:
            self.resident_mib = int(status["VmHWM"].split()[0]) / 1024
            self.threads = max(self.threads, int(status["Threads"]))
            self.descriptors = max(self.descriptors, sum(1 for _ in (folder / "fd").iterdir()))
        return True


async def measure(
    tree: Path, workers: int, tiles: int, tile_s: float
) -> tuple[Usage, Fleet, float]:
    """Run the `coord` of a tree over stub workers; return its usage, the fleet and the seconds.

    Parameters
    ----------
    tree : Path
        A checkout.
    workers, tiles : int
    tile_s : float
        Seconds that a worker takes for a tile.
    """
    loop, fleet, usage = asyncio.get_running_loop(), Fleet(tile_s), Usage()
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=16) for _ in range(workers)]
    servers = [await loop.create_server(lambda: Connection(fleet), sock=s) for s in sockets]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        addresses = [f'"127.0.0.1:{s.getsockname()[1]}"' for s in sockets]
        (folder / "hosts.toml").write_text(f"hosts = [{', '.join(addresses)}]\n")
        (folder / "token").write_text("0" * 64)
        (folder / "token").chmod(0o600)
        x = np.arange(tiles * SAMPLES, dtype=np.int32).reshape(tiles, SAMPLES)
        np.save(folder / "in.npy", x)
        options = ["--sigma", "0", "--tile", f"1,{SAMPLES}", "--quiet", "--no-provenance"]
        command = [sys.executable, "-m", "coordinator", "blur", f"{folder}/in.npy", *options]
        began_s = time.monotonic()
        process = subprocess.Popen(  # noqa: ASYNC220 -- it returns at once, and /proc is looked at
            [*command, "--hosts", f"{folder}/hosts.toml", "--token-file", f"{folder}/token"],
            cwd=tree,
        )
        try:
            while usage.look(process.pid):
                if not fleet.tiles:
                    usage.greeted_s = usage.cpu_s
                await asyncio.sleep(EVERY_S)
            wall_s = time.monotonic() - began_s
        finally:
            process.kill()
            code = process.wait()
        if code:
            sys.exit(f"coord of {tree} ended with exit code {code}")
        assert np.load(folder / "in.blur.npy").tobytes() == x.tobytes()
    for server in servers:
        server.close()
    return usage, fleet, wall_s


def report(trees: list[Path], workers: int, tiles: int, tile_s: float) -> Iterator[str]:
    """Yield the lines of the table, one for each tree as it is measured."""
    yield f"{workers:,} workers of {SLOTS} slots, {tiles:,} tiles, {tile_s:g} s a tile"
    yield (
        f"{'tree':24} {'threads':>8} {'fds':>6} {'MiB':>6} {'start s':>8} {'ms/tile':>8} "
        f"{'wall s':>7} {'in hand':>8} {'sent':>7} {'greetings':>10}  threads, MiB, CPU: ratios"
    )
    first: tuple[float, ...] | None = None
    for tree in trees:
        usage, fleet, wall_s = asyncio.run(measure(tree, workers, tiles, tile_s))
        per_tile_ms = 1e3 * (usage.cpu_s - usage.greeted_s) / tiles
        figures = usage.threads, usage.resident_mib, per_tile_ms
        first = first or figures
        ratios = ", ".join(f"{own / other:.2f}" for own, other in zip(figures, first, strict=True))
        yield (
            f"{tree.resolve().name:24} {usage.threads:8,} {usage.descriptors:6,} "
            f"{usage.resident_mib:6.0f} {usage.greeted_s:8.1f} {per_tile_ms:8.2f} {wall_s:7.1f} "
            f"{fleet.most_in_hand:8,} {fleet.tiles:7,} {fleet.greetings:10,}  {ratios}"
        )


def main() -> None:
    """Measure each tree, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--tiles", type=int, default=20_000)
    parser.add_argument("--tile-s", type=float, default=1.0, help="seconds that a tile takes")
    parser.add_argument(
        "--tree", type=Path, action="append", help="a checkout; this one unless given"
    )
    chosen = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # `coord` inherits it
    trees = chosen.tree or [Path(__file__).parents[1]]
    for line in report(trees, chosen.workers, chosen.tiles, chosen.tile_s):
        print(line, flush=True)


if __name__ == "__main__":
    main()
