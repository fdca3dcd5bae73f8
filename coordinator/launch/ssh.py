"""Workers on other machines, started and stopped by the system's ssh: its keys, config and jumps.

The command that ssh runs there is ``sh`` and no more, which every login shell understands. What it
is to do comes by stdin, and the token with it: neither is in a command line or an environment. The
worker announces itself in a file that is printed, beside whatever the login shell may print. Its
TLS certificate comes in that way, so it is known to be the worker's before anything is sent to it.

There the worker has a folder for its log and its announcement. Who removes that folder ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import ConfigDict

from coordinator.errors import InputError
from coordinator.hosts.ssh_targets import checked
from coordinator.launch import ssh_scripts
from coordinator.launch.arrivals import Absence, Started, announced
from coordinator.launch.folder import FleetFolder
from coordinator.launch.ssh_connections import Connections

GRACE_S: Final = 15.0
"""Beyond the wait for a worker: ssh has to connect, and to say why it could not."""

INSTALL_S: Final = 900.0
"""Longest installation: a slow index, and a slow disk."""


@dataclass(frozen=True, slots=True)
class SshFleet:
    """Workers that ssh reaches, one on each node.

    Parameters
    ----------
    nodes : tuple of str
        Targets of ssh: a name of its config, or such as ``me@node1``.
    ssh_config : str, optional
        File of ssh's configuration, as ``ssh -F`` takes it.
    worker : str, optional
        The program there; what was installed from here, or else ``worker`` of its PATH.
    python : str
        That makes the environment to install into.
    install : bool
        Whether to install this version there first, from the package index.
    wheel : str, optional
        A file to send and install instead.
    port : int
        That they listen on; 0 takes a free one.
    threads : int, optional
        Of each; its cores unless given.
    until_idle : str
        They end after so long without a request, as `worker --until-idle` takes it.
    wait_s : float
        How long to wait for each.
    by : str
        Names this kind of fleet in hosts.toml.
    """

    nodes: tuple[str, ...]
    ssh_config: str | None = None
    worker: str | None = None
    python: str = "python3"
    install: bool = False
    wheel: str | None = None
    port: int = 0
    threads: int | None = None
    until_idle: str = "15m"
    wait_s: float = 60.0
    by: Literal["ssh"] = "ssh"

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        """Check the targets.

        Raises
        ------
        InputError
            If one is none, or there is none.
        """
        if not checked(self.nodes):
            raise InputError("on which machines? such as: coord up ssh node1 node2")

    @property
    def size(self) -> int:
        """Workers that are wanted."""
        return len(self.nodes)

    @property
    def where(self) -> str:
        """Where they are started, in words."""
        return "by ssh"

    @property
    def parent(self) -> None:
        """The fleet's folder lies where the user's state does."""

    def start(self, folder: FleetFolder) -> list[Started]:
        """Start the workers; return what became of each."""
        connections = Connections(self.ssh_config)
        installation = ssh_scripts.installation(self.python, self.wheel) if self.installs else ""

        def start(number: int, node: str) -> Started:
            return self._start(connections, folder, number, node, installation)

        return connections.on_all(start, self.nodes)

    def stop(self, folder: FleetFolder) -> list[str]:
        """Let the workers end; return which nodes could not be told, and why.

        What never came is not missed where it can't be told.
        """
        connections = Connections(self.ssh_config)

        def stop(number: int, node: str) -> str:
            came = folder.came(number)
            if came is None:
                return ""
            done = connections.run(node, ssh_scripts.stop(folder.name, number), GRACE_S)
            missed = came and done.code != 0
            return str(Absence(node, done.trouble, done.lines)) if missed else ""

        return [trouble for trouble in connections.on_all(stop, self.nodes) if trouble]

    @property
    def installs(self) -> bool:
        """Whether anything is installed first."""
        return self.install or self.wheel is not None

    def _start(
        self,
        connections: Connections,
        folder: FleetFolder,
        number: int,
        node: str,
        installation: str,
    ) -> Started:
        if installation:
            done = connections.run(node, installation, INSTALL_S)
            if done.code != 0:
                hint = "" if self.wheel else "; --wheel FILE sends one from here"
                return Absence(node, f"could not install there: {done.trouble}{hint}", done.lines)
        host = connections.host_of(node)
        script = ssh_scripts.start(
            folder.name,
            number,
            folder.token,
            worker=self.worker,
            wait_s=self.wait_s,
            options=self._options(host),
        )
        folder.note(number, "")
        done = connections.run(node, script, self.wait_s + GRACE_S)
        arrival = announced(node, done.out, host)
        if arrival is not None:
            folder.note(number, done.out)
            return arrival
        if done.code is not None and done.code >= 0:  # the script has cleared away its beginnings
            folder.announcement(number).unlink(missing_ok=True)
        return Absence(node, done.trouble, done.lines)

    def _options(self, host: str) -> list[str]:
        threads = [] if self.threads is None else ["--threads", str(self.threads)]
        idle = ["--until-idle", self.until_idle]
        return ["--port", str(self.port), "--tls", *threads, *idle, "--allow-host", host]
