"""The Python API: SciPy's functions on this machine's cores, and on a fleet."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from coordinator.api.arrays import filter_array, plan_array, silent
from coordinator.api.local import FUNCTIONS
from coordinator.api.methods import FilterMethods
from coordinator.api.tracebacks import brief
from coordinator.display.notebook import Bar, in_notebook, table
from coordinator.engines import Engine
from coordinator.errors import ConfigError, InputError
from coordinator.events import Listener
from coordinator.run.calls import Link
from coordinator.text import count
from tiling.dtypes import Array
from tiling.geometry.plan import Plan

if TYPE_CHECKING:
    from coordinator.checks.recompute import Sampling
    from coordinator.hosts.by_reference import ByReference
    from coordinator.hosts.codec import Codec
    from coordinator.hosts.hosts_file import Config
    from coordinator.launch.lease import Lease
    from coordinator.launch.section import LaunchPlan

gaussian_filter = FUNCTIONS["gaussian_filter"]

NAMED: Final = 5
"""Workers that a fleet's `repr` names."""


class Closable(Engine, Protocol):
    """An engine that is closed after use."""

    closed: bool

    def close(self) -> None:
        """Compute nothing any more."""


class Fleet(FilterMethods):
    """Workers that filter together; it has a method for each function of `tilefan.ndimage`.

    It is open until `close` is called or its ``with`` block ends. It does one run at a time: a
    second thread waits for its turn.

    Parameters
    ----------
    hosts : sequence of str, str, or Config
        Addresses such as ``"node1:8080"``, or several in one string with commas between them; see
        `from_toml` for more.
    listen : callable, optional
        Hears every event of every run with its time; see `coordinator.events`. In a notebook a
        progress bar does unless another is given.
    token_file : str or Path, optional
        Where the fleet's token is. Unless given, it is ``TILEFAN_TOKEN`` itself, or in the file
        that ``TILEFAN_TOKEN_FILE`` names, or in the user's configuration folder.
    wire_codec : str, optional
        What tiles travel in: ``"auto"``, ``"none"``, ``"narrow"``, ``"lz4"`` or ``"zstd"``. Unless
        given, what the hosts file says, or auto.
    by_reference : str, optional
        Whether workers open files themselves: ``"auto"``, ``"never"`` or ``"require"``. Unless
        given, what the hosts file says, or auto. An array in memory always travels as bytes.
    verify : float, optional
        Share of each run's tiles, at least one, that are computed once more, with SciPy here; more
        than 0, at most 1.

    Raises
    ------
    ConfigError
        With every mistake in the hosts.
    InputError
        If `verify` is no such share, `listen` is no function, `by_reference` or `wire_codec` is
        none of these, or a codec is not installed.
    TrustError
        If there is a token file and it can't be used.

    Examples
    --------
    >>> from tilefan import Fleet
    >>> with Fleet("node1:8080,node2:8080") as fleet:  # doctest: +SKIP
    ...     y = fleet.gaussian_filter(x, 2.0, mode="wrap")
    """

    @brief
    def __init__(
        self,
        hosts: Sequence[str] | str | Config,
        *,
        listen: Listener | None = None,
        token_file: str | Path | None = None,
        wire_codec: Codec | None = None,
        by_reference: ByReference | None = None,
        verify: float | None = None,
    ) -> None:
        from coordinator.engines.http.engine import HttpEngine
        from coordinator.hosts.token import find_credential

        _check_listen(listen)
        config = _config(hosts).with_codec(wire_codec).with_by_reference(by_reference)
        self._rows = [(host.name, host.url) for host in config.hosts]
        self._take(
            HttpEngine(config, find_credential(token_file or config.token_file)), listen, verify
        )

    def _take(self, engine: Closable, listen: Listener | None, verify: float | None) -> None:
        """Compute by this engine from now on."""
        self._lease: Lease | None = None
        self.engine: Closable = engine
        self.turn = threading.RLock()
        self.sampling = _sampling(verify)
        self.listen: Listener = listen or (Bar() if in_notebook() else silent)

    @classmethod
    @brief
    def from_toml(
        cls,
        path: str | Path,
        *,
        listen: Listener | None = None,
        token_file: str | Path | None = None,
        wire_codec: Codec | None = None,
        by_reference: ByReference | None = None,
        verify: float | None = None,
    ) -> Self:
        """Make a fleet of the workers that a hosts.toml lists.

        Raises
        ------
        ConfigError
            With every mistake in the file.
        """
        from coordinator.hosts.hosts_file import load_hosts

        config = load_hosts(path)
        return cls(
            config,
            listen=listen,
            token_file=token_file,
            wire_codec=wire_codec,
            by_reference=by_reference,
            verify=verify,
        )

    @classmethod
    @brief
    def local(
        cls, workers: int = 2, *, threads: int | None = None, until_idle: str = "2h", **options: Any
    ) -> Self:
        """Start workers on this machine, and make a fleet of them; they end when it is closed.

        Parameters
        ----------
        workers : int
        threads : int, optional
            Tiles that each computes at once; its share of the cores unless given.
        until_idle : str
            They also end after so long without a request: when this process was killed, say.
        **options
            As for `Fleet`: `listen`, `wire_codec`, `verify`.

        Raises
        ------
        NoWorkerError
            If one does not start.

        Examples
        --------
        >>> with Fleet.local(4) as fleet:  # doctest: +SKIP
        ...     y = fleet.gaussian_filter(x, 2.0)
        """
        from coordinator.launch.local import LocalFleet

        return cls._leased(LocalFleet(workers, threads, until_idle), options)

    @classmethod
    @brief
    def ssh(
        cls,
        nodes: Sequence[str],
        *,
        ssh_config: str | None = None,
        worker: str | None = None,
        install: bool = False,
        threads: int | None = None,
        until_idle: str = "2h",
        **options: Any,
    ) -> Self:
        """Start workers on other machines by ssh, and make a fleet of them.

        They encrypt, have a token of their own, and end when the fleet is closed.

        Parameters
        ----------
        nodes : sequence of str
            As ssh has them, such as ``["node1", "me@node2"]``.
        ssh_config : str, optional
            Its configuration, as ``ssh -F`` takes it.
        worker : str, optional
            The program there; ``worker`` of its PATH unless given, or installed from here.
        install : bool
            Whether to install this version there first, unless it is.
        threads, until_idle, **options
            As for `local`.

        Raises
        ------
        NoWorkerError
            If one does not come; then none stays.

        Examples
        --------
        >>> with Fleet.ssh(["node1", "node2"]) as fleet:  # doctest: +SKIP
        ...     y = fleet.gaussian_filter(x, 2.0)
        """
        from coordinator.launch.ssh import SshFleet

        names = (nodes,) if isinstance(nodes, str) else tuple(nodes)
        plan = SshFleet(
            names,
            ssh_config,
            worker,
            install=install,
            threads=threads,
            until_idle=until_idle,
        )
        return cls._leased(plan, options)

    @classmethod
    def _leased(cls, plan: LaunchPlan, options: dict[str, Any]) -> Self:
        from coordinator.launch.lease import Lease

        lease = Lease(plan)
        try:
            fleet = cls(lease.config, **options)
        except BaseException:
            lease.close()
            raise
        fleet._lease = lease
        return fleet

    @classmethod
    @brief
    def on(
        cls, client: Any, *, listen: Listener | None = None, verify: float | None = None
    ) -> Self:
        """Make a fleet of the workers of a dask cluster, which need tilefan of this version.

        Parameters
        ----------
        client : distributed.Client
            Of the cluster; it stays open when the fleet is closed. Workers may come and go.
        listen, verify
            As of the class.

        Raises
        ------
        InputError
            If it is no such client, or an asynchronous one.

        Examples
        --------
        >>> from distributed import Client  # doctest: +SKIP
        >>> with Client("scheduler:8786") as client, Fleet.on(client) as fleet:  # doctest: +SKIP
        ...     y = fleet.gaussian_filter(x, 2.0, mode="wrap")
        """
        from coordinator.engines.dask.engine import DaskEngine

        _check_listen(listen)
        fleet = cls.__new__(cls)
        engine = DaskEngine(client)
        fleet._rows = [(name, name) for name in engine.workers()]
        fleet._take(engine, listen, verify)
        return fleet

    @brief
    def run(self, links: Sequence[Link], input: Any, *, tile: Any = None) -> Array:  # noqa: A002
        """Filter an array on the fleet, by filters one after another in one pass.

        Parameters and result as `tilefan.ndimage.run`.

        Raises
        ------
        TilefanError
            If the workers could not do it: nobody usable, a tile that failed everywhere.
        """
        with self.turn:
            return filter_array(self.engine, self.listen, links, input, tile, self.sampling)

    @brief
    def plan(self, links: Sequence[Link], input: Any, *, tile: Any = None) -> Plan:  # noqa: A002
        """Return how `run` would cut an array for this fleet; a notebook shows it as a table.

        The workers are greeted, and nothing is filtered. Of filters that take several stages it is
        the plan of the last one; `coord plan` tells of all.

        Raises
        ------
        TilefanError
            If nobody can be used.
        """
        with self.turn:
            return plan_array(self.engine, links, input, tile)

    @property
    def closed(self) -> bool:
        """Whether it was closed; it does not open again."""
        return self.engine.closed

    def close(self) -> None:
        """Close the connections; workers that this fleet has started end, others go on."""
        self.engine.close()
        if self._lease is not None:
            self._lease.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self._rows[:NAMED])
        more = len(self._rows) - NAMED
        return f"<Fleet of {self._size} ({names}{f' and {more} more' * (more > 0)}), {self._state}>"

    def _repr_html_(self) -> str:
        return table(f"fleet of {self._size}, {self._state}", self._rows, ("worker", "address"))

    @property
    def _size(self) -> str:
        return count(len(self._rows), "worker")

    @property
    def _state(self) -> str:
        return "closed" if self.closed else "open"


def _check_listen(listen: object) -> None:
    if not callable(listen or silent):
        raise InputError(f"listen must be a function of a time and an event, not {listen!r}")


def _config(hosts: Any) -> Config:
    """Return the fleet of several addresses; a file has a method of its own.

    Raises
    ------
    ConfigError
    """
    from coordinator.hosts.hosts_file import Config, parse_hosts

    if isinstance(hosts, Config):
        return hosts
    if not isinstance(hosts, Iterable | Path):
        form = '"node1:8080,node2:8080"'
        raise ConfigError("hosts", (f"must be addresses such as {form}, not {hosts!r}",))
    addresses: list[Any] = [hosts] if isinstance(hosts, str | Path) else list(hosts)
    for address in addresses:
        if isinstance(address, Path) or str(address).endswith(".toml"):
            path = str(address)
            raise ConfigError("hosts", (f"{path} is a file: write Fleet.from_toml({path!r})",))
    return parse_hosts(hosts if isinstance(hosts, str) else addresses)


def _sampling(verify: float | None) -> Sampling | None:
    if verify is None:
        return None
    if not isinstance(verify, Real) or not 0 < verify <= 1:
        raise InputError(f"verify must be a share of the tiles such as 0.02, not {verify!r}")
    from coordinator.checks.recompute import Sampling

    return Sampling(verify)
