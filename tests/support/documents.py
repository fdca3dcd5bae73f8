"""Documents whose commands are run as they stand: one shell for a document, in a fresh folder.

Blocks of ``bash`` and ``python`` are run in order; what can't be run here is a block of ``text``.
What is replaced: ports by free ones, `node1` and `node2` by this machine, the word CODE by the code
that a worker shows, and the programs of Slurm by stand-ins. A block that begins with ``# on each
node`` runs once for each of them, with a home of its own.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [path for path in sorted(ROOT.glob("docs/**/*.md")) if path.parent.name != "generated"]

WITHIN_S = 600.0
LOCAL = ("8080", "8081", "8082")
NODES = ("node1", "node2")
ON_EACH_NODE = "# on each node\n"
RUN = ("bash", "python")

PROLOGUE = """\
set -euo pipefail
trap 'set +e; tail -n +1 "$HOME"/node*/log; kill $(jobs -p); wait' EXIT
until_true() {
    local -
    set +x
    until "$@" 2>/dev/null; do
        kill -0 $(jobs -p) # whatever was started is still there
        command sleep 0.1
    done
}
on_node() {
    export HOME="$HOME/$1"
    mkdir "$HOME"
    cd "$HOME"
    exec bash -euc "exec $2" >log 2>&1
}
srun() { exec "$@"; } # in the background
scontrol() { echo localhost; }
export SLURM_JOB_NODELIST=localhost
code_of() { sed -n 's/^ *coord pair [^ ]* //p' "$HOME/$1/log"; }
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the document it begins on."""

    language: str
    text: str
    line: int


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a document."""
    text = document.read_text("utf-8")
    found = re.finditer(r"^```([\w{}-]*)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in found]


def script(document: Path) -> str:
    """Return the document as a script of bash."""
    ports = dict(zip((*LOCAL, *NODES), free_ports(5), strict=True))
    parts = [PROLOGUE]
    for block in blocks(document):
        if block.language in RUN:
            parts += [f": {document.name}:{block.line}", _runnable(block, ports)]
    return "\n".join(parts)


def _runnable(block: Block, ports: dict[str, int]) -> str:
    text = block.text
    if text.startswith(ON_EACH_NODE):
        return "\n".join(_on_node(node, text, ports[node]) for node in NODES)
    text = re.sub(r"\bpair (node\d):8080 CODE\b", r"pair \1:8080 $(code_of \1)", text)
    for node in NODES:
        text = text.replace(f"{node}:8080", f"localhost:{ports[node]}")
    for port in LOCAL:
        text = re.sub(rf"(:|--port ){port}\b", rf"\g<1>{ports[port]}", text)
    if block.language == "python":
        return f"python - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON"
    return text


def _on_node(node: str, text: str, port: int) -> str:
    command = text.removeprefix(ON_EACH_NODE).strip().replace("8080", str(port))
    return f"on_node {node} '{command}' &\nuntil_true grep -q '^listening on' \"$HOME/{node}/log\""


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def run(document: Path, folder: Path, **environment: str) -> None:
    """Run a document in a folder, with a new home beside it, and show all of it if it fails.

    Raises
    ------
    AssertionError
        If a command of it fails, or does not end.
    """
    home = folder.parent / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**kept, "PATH": path, "HOME": str(home), "TERM": "dumb", **environment}
    process = subprocess.Popen(
        ["bash", "-xc", script(document)],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=WITHIN_S)
        end = f"exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        end = f"it, or what it started, still ran after {WITHIN_S:.0f} s"
    left = _killed(process.pid)
    assert end == "exit code 0", f"{end}:\n{said}"
    assert not left, f"it leaves processes behind:\n{said}"


def _killed(group: int) -> bool:
    """Kill what is left of a group of processes; return whether anything was."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
