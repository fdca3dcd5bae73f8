"""Workers by a real ssh and a real sshd: what comes, what never does, and what is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from scipy import ndimage
from uv import find_uv_bin

from coordinator.errors import InputError, NoWorkerError
from coordinator.hosts.hosts_file import load_hosts
from coordinator.launch.arrivals import Absence, Arrival, announced
from coordinator.launch.folder import FleetFolder
from coordinator.launch.section import FleetFile
from coordinator.launch.ssh import SshFleet
from coordinator.launch.ssh_connections import Connections
from coordinator.launch.ssh_scripts import OLD_PYTHON, installation
from coordinator.workflows.up import bring_up, take_down
from tests.support.equality import assert_same_bits
from tests.support.launched import WITHIN_S, lives, until
from tests.support.sshd import Nodes, needs_sshd, sshd
from tilefan import Fleet

pytestmark = needs_sshd

BANNER = r"""printf 'Welcome!\n{"tilefan_worker": \n{"port": 1}\n'; eval "$SSH_ORIGINAL_COMMAND" """


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """A plain node, one whose shell prints a banner, one that never answers, and a wrong key."""
    folder = tmp_path_factory.mktemp("sshd")
    options = {
        "node1": {},
        "banner": {"ForceCommand": BANNER},
        "silent": {"ForceCommand": "sleep 100"},
        "stranger": {},
    }
    with sshd(folder, options) as found:
        known = folder / "known_hosts"
        *lines, last = known.read_text().splitlines()
        port = last.partition(" ")[0]
        lines.append(f"{port} {(folder / 'other.pub').read_text().strip()}")
        known.write_text("\n".join((*lines, "")))
        yield found


def fleet(nodes: Nodes, *names: str, **options: Any) -> SshFleet:
    return SshFleet(names, ssh_config=str(nodes.config), **options)


def command_lines() -> list[str]:
    """Return what `ps` would show of all processes: command lines and environments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/*"):
        if path.name in {"cmdline", "environ"}:
            try:
                found.append(path.read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found


def test_up_filter_down(hosts: Path, nodes: Nodes) -> None:
    """Encrypted and pinned, in spite of a banner; the token is in no command line; all goes."""
    bring_up(hosts, fleet(nodes, "node1", "banner"), print)
    config = load_hosts(hosts)
    assert [host.url.startswith("https://127.0.0.1:") for host in config.hosts] == [True, True]
    assert all(host.certificate for host in config.hosts)
    assert config.token_file is not None
    token = config.token_file.read_text().strip()
    assert [line for line in command_lines() if token in line] == []
    for name in ("node1", "banner"):
        (left,) = nodes.fleets(name)
        assert sorted(path.name for path in left.iterdir()) == ["log", "worker.json"]
        assert token not in (left / "log").read_text()
        assert stat.S_IMODE(left.stat().st_mode) == 0o700
    x = np.random.default_rng(7).random((200, 201))
    with Fleet.from_toml(hosts) as found:
        assert_same_bits(found.gaussian_filter(x, 2.0), ndimage.gaussian_filter(x, 2.0))
    take_down(hosts, print)
    assert nodes.fleets("node1") == nodes.fleets("banner") == []
    assert FleetFile.read(hosts).plan == fleet(nodes, "node1", "banner")


def test_who_never_came_is_named_and_the_others_stay(hosts: Path, nodes: Nodes) -> None:
    """A wrong host key, a name that nobody knows: each has its last lines; exit code 3."""
    with pytest.raises(NoWorkerError) as caught:
        bring_up(hosts, fleet(nodes, "node1", "stranger", "nowhere.invalid"), print)
    words = str(caught.value)
    assert "2 workers never came (of 3):" in words
    assert "stranger: ssh failed" in words
    assert "Host key verification failed." in words
    assert "nowhere.invalid: ssh failed" in words
    assert len(load_hosts(hosts).hosts) == 1


def started(plan: SshFleet, tmp_path: Path) -> Absence:
    """Start one worker that does not come."""
    folder = FleetFolder.make(tmp_path)
    (absence,) = plan.start(folder)
    plan.stop(folder)
    folder.remove()
    assert isinstance(absence, Absence)
    return absence


def test_no_program(nodes: Nodes, tmp_path: Path) -> None:
    """What to add is said, and nothing is left."""
    absence = started(fleet(nodes, "node1", worker="~/none/worker"), tmp_path)
    assert "add --install, or say where with --worker PATH" in absence.reason
    assert nodes.fleets("node1") == []


def test_a_worker_that_refuses_to_start(nodes: Nodes, tmp_path: Path) -> None:
    """Its last lines are shown: of another version, say, that does not know an option."""
    absence = started(fleet(nodes, "node1", until_idle="soon"), tmp_path)
    assert absence.reason == "ended with exit code 1"
    assert "want a time such as 90s" in " ".join(absence.lines)
    assert nodes.fleets("node1") == []


def test_a_python_too_old(nodes: Nodes, tmp_path: Path) -> None:
    """It is named, and what is needed."""
    python = tmp_path / "python3.8"
    python.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.8.10\nexit 1\n')
    python.chmod(0o700)
    script = installation(str(python), None).replace("command -v uv", "command -v no-uv-here")
    done = Connections(str(nodes.config)).run("node1", script, WITHIN_S)
    assert done.code == OLD_PYTHON
    assert "3.11" in done.trouble
    assert done.lines[-1] == "Python 3.8.10"


def test_a_node_that_never_answers(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up after the time that a worker has."""
    monkeypatch.setattr("coordinator.launch.ssh.GRACE_S", 0.5)
    absence = started(fleet(nodes, "silent", wait_s=0.5), tmp_path)
    assert absence.reason == "no word within 1 s"


def test_a_killed_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named as what happened."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = -G ] && exit 1\nkill -9 $$\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert started(SshFleet(("node1",)), tmp_path).reason == "ssh was ended by signal 9"


def test_a_node_that_prints_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up at once, whatever it may still say, and holds no memory here."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = -G ] && exit 1\nexec yes spam\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    absence = started(SshFleet(("node1",), wait_s=600.0), tmp_path)
    assert absence.reason == "its shell prints without end, whatever it is told"
    assert "spam" in absence.lines


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_proxy_command_ends_with_its_ssh(tmp_path: Path, *, interrupted: bool) -> None:
    """One that does not end by itself is not waited for: neither at a time-out nor at Ctrl-C."""
    said = tmp_path / "pid"
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nsleep 30 &\necho $! > {said}.new\nmv {said}.new {said}\nwait\n")
    program.chmod(0o700)
    connections = Connections(None)
    connections._command = [str(program)]

    def act(_number: int, node: str) -> None:
        if node == "breaks":
            until(said.exists)
            raise KeyboardInterrupt
        assert connections.run(node, "", 30.0 if interrupted else 0.5).code != 0

    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
        connections.on_all(act, ["breaks", "node1"] if interrupted else ["node1"])
    assert time.monotonic() - began_s < 20
    until(lambda: not lives(int(said.read_text())))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted(hosts: Path, nodes: Nodes, tmp_path: Path, number: signal.Signals) -> None:
    """What was being started there ends too: a worker that is up, and one that still starts."""
    slow = tmp_path / "slow"
    said = tmp_path / "pid"
    slow.write_text(f"#!/bin/sh\necho $$ > {said}.new\nmv {said}.new {said}\nexec sleep 600\n")
    slow.chmod(0o700)
    command = [sys.executable, "-m", "coordinator", "up", "ssh", "node1", "--worker", str(slow)]
    command += ["--ssh-config", str(nodes.config), "--hosts", str(hosts)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until(said.exists)
        process.send_signal(number)
        assert process.wait(WITHIN_S) == 130
    until(lambda: not lives(int(said.read_text())))
    until(lambda: nodes.fleets("node1") == [])
    assert FleetFile.read(hosts).folder is None


@pytest.mark.parametrize("end", ["", "1 / 0"])
def test_a_fleet_that_is_not_closed(nodes: Nodes, tmp_path: Path, end: str) -> None:
    """Its workers end with Python, however that ends, and take their token with them."""
    lines = "from tilefan import Fleet\n"
    lines += f"fleet = Fleet.ssh(['node1'], ssh_config={str(nodes.config)!r})\n"
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", lines + end], env=env, capture_output=True, text=True, check=False
    )
    assert "RuntimeError" not in done.stderr
    assert list(tmp_path.glob("tilefan/fleets/*")) == []
    assert nodes.fleets("node1") == []


def test_a_node_that_can_not_be_told_to_end(hosts: Path, nodes: Nodes) -> None:
    """Exit code 3 and its name; the file keeps it, so that down can be tried again."""
    bring_up(hosts, fleet(nodes, "node1"), print)
    file = FleetFile.read(hosts)
    text = hosts.read_text()
    broken = text.replace(str(nodes.config), str(nodes.config) + ".none")
    hosts.write_text(broken)
    with pytest.raises(NoWorkerError, match="not all workers have ended:\n  node1: ssh failed"):
        take_down(hosts, print)
    assert hosts.read_text() == broken
    hosts.write_text(text)
    assert FleetFile.read(hosts) == file


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "fish", "tcsh", "csh", "zsh"])
def test_every_login_shell_understands_the_command(shell: str) -> None:
    """It is one word; what it is to do comes by stdin."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    done = subprocess.run(
        [shell, "-c", "sh"],
        input='main() {\necho "${HOME:+yes}"\n}\nmain\n',
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "yes\n"


@pytest.mark.parametrize("name", ["tilefan-9.9-py3-none-any.whl", "other.whl", "tilefan.tar.gz"])
def test_wheels_of_other_versions(tmp_path: Path, name: str) -> None:
    """They are refused before anything is sent."""
    (tmp_path / name).touch()
    with pytest.raises(InputError, match="no wheel of this version"):
        installation("python3", str(tmp_path / name))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "tilefan_worker",
        '{"tilefan_worker": 1',
        '["tilefan_worker"]',
        '{"tilefan_worker": 1, "scheme": "ftp", "host": "a", "port": 1}',
        '{"tilefan_worker": 1, "scheme": "http", "host": "a/b", "port": 1}',
        '{"tilefan_worker": 1, "scheme": "http", "host": "a", "port": 0}',
        '{"tilefan_worker": 1, "scheme": "https", "host": "a", "port": 1, "certificate": "x"}',
        '{"tilefan_worker": ' + "[" * 70000,
    ],
)
def test_what_is_no_announcement(line: str) -> None:
    """Nothing comes of it but that."""
    assert announced("node1", f"Welcome!\n{line}\n") is None


def test_an_announcement_in_the_middle() -> None:
    """The host is the one by which ssh reached it; IPv6 gets its brackets."""
    line = '{"tilefan_worker": "1", "scheme": "http", "host": "n", "port": 9, "pid": 3}'
    found = announced("node1", f"Welcome!\n{line}\nBye\n", "::1")
    assert isinstance(found, Arrival)
    assert (found.host.url, found.pid) == ("http://[::1]:9", 3)


def make_wheel(folder: Path) -> Path:
    """Make a wheel of this version, whose `worker` is the one that is tested."""
    name = f"tilefan-{version('tilefan')}"
    command = "['worker', '-m', 'worker', *sys.argv[1:]]"
    worker = f"import os, sys\ndef main(): os.execv({sys.executable!r}, {command})\n"
    files = {
        "sent_by_ssh.py": worker,
        f"{name}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: tilefan\nVersion: {version('tilefan')}\n"
        ),
        f"{name}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        f"{name}.dist-info/entry_points.txt": "[console_scripts]\nworker = sent_by_ssh:main\n",
    }
    record = "".join(f"{each},,\n" for each in (*files, f"{name}.dist-info/RECORD"))
    path = folder / f"{name}-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        for each, text in {**files, f"{name}.dist-info/RECORD": record}.items():
            wheel.writestr(each, text)
    return path


def test_a_wheel_is_sent_and_installed(hosts: Path, nodes: Nodes, tmp_path: Path) -> None:
    """Into a folder of its own, once; a fleet that says nothing of it uses it from then on."""
    path = make_wheel(tmp_path)
    bring_up(hosts, fleet(nodes, "node1", wheel=str(path)), print)
    (made,) = nodes.home("node1").glob("tilefan/venv-*/installed")
    installed_at = made.stat().st_mtime_ns
    take_down(hosts, print)
    bring_up(hosts, None, print)
    assert made.stat().st_mtime_ns == installed_at
    (left,) = nodes.fleets("node1")
    pid = json.loads((left / "worker.json").read_text())["pid"]
    assert Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"worker\0")
    take_down(hosts, print)
    bring_up(hosts, fleet(nodes, "node1"), print)
    (left,) = nodes.fleets("node1")
    pid = json.loads((left / "worker.json").read_text())["pid"]
    assert Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"worker\0")
    shutil.rmtree(made.parent)


def test_uv_installs_where_python_is_missing(tmp_path: Path) -> None:
    """It brings, or finds, a Python that is new enough, and installs the wheel."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: each for name, each in os.environ.items() if not name.startswith("XDG_")}
    path = os.pathsep.join((str(Path(find_uv_bin()).parent), os.environ["PATH"]))
    subprocess.run(
        ["sh"],
        input=installation("no-such-python", str(make_wheel(tmp_path))),
        env={**kept, "HOME": str(home), "PATH": path, "UV_OFFLINE": "1"},
        text=True,
        check=True,
    )
    (made,) = home.glob(".local/share/tilefan/venv-*/installed")
    assert os.access(made.with_name("bin") / "worker", os.X_OK)
    assert [*made.parent.glob("lib/python3.*/site-packages/sent_by_ssh.py")]
