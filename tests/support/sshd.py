"""A real sshd on loopback whose ports are the nodes of a fleet: each has a home of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
PRIVILEGE_SEPARATION = Path("/run/sshd")
"""A folder that sshd wants where root runs it; Debian makes it when the machine is booted."""

STARTS_WITHIN_S = 30.0

needs_sshd = pytest.mark.skipif(
    not Path(SSHD).exists() and "CI" not in os.environ, reason="openssh-server is not installed"
)


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes that `ssh -F config NAME` reaches.

    Parameters
    ----------
    folder : Path
        With the homes, in folders of the nodes' names.
    config : Path
        Of ssh.
    """

    folder: Path
    config: Path

    def home(self, name: str) -> Path:
        return self.folder / name

    def fleets(self, name: str) -> list[Path]:
        """Return what workers have left on a node."""
        return sorted(self.home(name).glob("tilefan/fleets/*"))


@contextmanager
def sshd(folder: Path, nodes: Mapping[str, Mapping[str, str]]) -> Iterator[Nodes]:
    """Run a server, stopped by its process id whatever happens.

    Parameters
    ----------
    folder : Path
        For keys and homes.
    nodes : mapping of str to mapping of str to str
        Their names, and options of sshd_config for each.
    """
    for key in ("server", "user", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
        subprocess.run(command, check=True)
    ports = dict(zip(nodes, free_ports(len(nodes)), strict=True))
    (folder / "sshd_config").write_text(_server_config(folder, nodes, ports))
    _write_client_config(folder, ports)
    if os.getuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(exist_ok=True)
    command = [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        for port in ports.values():
            _await(port, process, folder / "sshd.log")
        yield Nodes(folder, folder / "ssh_config")
    finally:
        process.terminate()
        process.wait()


def _server_config(
    folder: Path, nodes: Mapping[str, Mapping[str, str]], ports: Mapping[str, int]
) -> str:
    lines = [f"Port {port}" for port in ports.values()]
    lines += [
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'server'}",
        f"AuthorizedKeysFile {folder / 'user.pub'}",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
    ]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    for name, options in nodes.items():
        home = folder / name
        home.mkdir()
        variables = {
            "PATH": path,
            "PYTHONPATH": ROOT,
            **{f"XDG_{kind}_HOME": home for kind in ("STATE", "DATA", "CONFIG")},
        }
        settings = " ".join(f'"{key}={value}"' for key, value in variables.items())
        lines += [f"Match LocalPort {ports[name]}", f"  SetEnv {settings}"]
        lines += [f"  {key} {value}" for key, value in options.items()]
    return "\n".join((*lines, ""))


def _write_client_config(folder: Path, ports: Mapping[str, int]) -> None:
    key = (folder / "server.pub").read_text()
    known = "".join(f"[127.0.0.1]:{port} {key}" for port in ports.values())
    (folder / "known_hosts").write_text(known)
    lines = [
        f"User {getpass.getuser()}",
        f"IdentityFile {folder / 'user'}",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {folder / 'known_hosts'}",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "HostName 127.0.0.1",
    ]
    own = [line for name, port in ports.items() for line in (f"Host {name}", f"  Port {port}")]
    (folder / "ssh_config").write_text("\n".join((*own, "Host *", *lines, "")))


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on just now."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in taken]


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        else:
            return
