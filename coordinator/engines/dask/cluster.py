"""A dask cluster: which workers it has, what they have to do, and whether they will do."""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any

from coordinator.engines.dask.remote import introduce, read_again, take
from coordinator.engines.http.exchange import Answered
from coordinator.engines.http.refusal import PlaceRefusal, Refusal
from coordinator.engines.http.threads import Threads
from coordinator.events import FailureKind, WorkerLost, WorkerReady
from coordinator.hosts.attestation import attestation_error, attested
from coordinator.journal.records import Finished
from coordinator.machine import versions
from coordinator.text import inert
from places.errors import RefusedPlaceError
from tiling.geometry.plan import Tile
from tiling.jobs.job import Job
from tiling.probes.digests import needed
from tiling.protocol.places import Offer

GREETING_S = 15.0
"""Longest wait for what a worker says: it may import NumPy and SciPy first."""

PACKAGE = "tilefan"

LOOK_S = 5.0
"""Longest wait for what the scheduler says."""

READ_S = 600.0
"""Longest wait for a tile that is read again, in a thread that nobody waits for."""

ARRIVES_S = 30.0
"""Longest wait for the first worker of a cluster that has none."""

MOST_THREADS = 64

SAID = ("tilefan", "numpy", "scipy", "python", "cpu", "kernel")


@dataclass(frozen=True, slots=True)
class Members:
    """The workers of a cluster: their threads, and the keys that they have to compute."""

    threads: Mapping[str, int]
    processing: Mapping[str, tuple[Any, ...]]


class Cluster:
    """What a client tells of its cluster. Every method blocks; any thread may call them.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.threads = Threads(MOST_THREADS)

    def members(self) -> Members:
        """Ask the scheduler.

        Raises
        ------
        OSError
            If it does not answer, or can't be asked; the sentence says which.
        """
        if self.closed:
            raise OSError("the client of the dask cluster is closed: make a new one")
        ask = partial(self.client.sync, callback_timeout=LOOK_S)
        try:
            identity = ask(self.client.scheduler.identity, n_workers=-1)
            processing = ask(self.client.scheduler.processing, workers=None)
        except Exception as error:  # of a client that has lost its scheduler, many kinds
            why = f"the scheduler of the dask cluster does not answer: {reason_of(error)}"
            raise OSError(why) from None
        return Members(
            {name: int(each["nthreads"]) for name, each in identity["workers"].items()},
            {name: tuple(keys) for name, keys in processing.items()},
        )

    @property
    def closed(self) -> bool:
        """Whether the client was closed: nothing can be asked any more."""
        return self.client.status in {"closing", "closed"}

    def attract(self) -> None:
        """Wait for a first worker: one that the cluster starts when it has something to do."""
        with suppress(Exception):  # what went wrong is said by who is there afterwards
            future = self.client.submit(int, key=f"tilefan-{secrets.token_hex(8)}", pure=False)
            try:
                future.result(timeout=ARRIVES_S)
            finally:
                future.release()

    def greet_all(self, names: Mapping[str, int], job: Job) -> list[WorkerReady | WorkerLost]:
        """Greet workers at the same time; return what became of each."""
        answers: queue.SimpleQueue[WorkerReady | WorkerLost] = queue.SimpleQueue()
        attested(needed(job))  # computed once, before threads look it up

        def greet(name: str, threads: int) -> None:
            answers.put(self.greet(name, threads, job))

        for name, threads in names.items():
            self.threads.submit(partial(greet, name, threads))
        found = {event.worker: event for event in _within(answers, len(names), GREETING_S)}
        late = "has not answered so far"
        return [found.get(name) or WorkerLost(name, late) for name in names]

    def greet(self, name: str, threads: int, job: Job) -> WorkerReady | WorkerLost:
        """Ask a worker who it is, and have it prove itself for a job."""
        probes = needed(job)
        try:
            there = self.on(name, version, PACKAGE)
            if (why := _other_version(there)) is not None:
                return WorkerLost(name, why, permanent=True)
            said = self.on(name, introduce, probes)
            why = _other_versions(said) or attestation_error(probes, said)
        except Exception as error:
            return WorkerLost(name, reason_of(error))
        if why is not None:
            return WorkerLost(name, why, permanent=True)
        about = tuple((key, inert(str(said.get(key, "?")))[:80]) for key in SAID)
        return WorkerReady(
            name, threads + 1, about, attested(probes), cores=said["cores"], boot=said["boot"]
        )

    def submit(self, key: str, worker: str, function: Any, *arguments: Any) -> Any:
        """Have a worker, and no other, call a function; return the future of this key."""
        import dask

        # Blocks travel in graphs: dask would warn of large ones.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            return self.client.submit(
                function,
                *arguments,
                key=key,
                workers=[worker],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )

    def on(self, name: str, function: Any, *arguments: Any) -> Any:
        """Call a function on a worker, as the client's `run` does, which would wait for ever.

        Returns
        -------
        object
            What it returns, or the error.

        Raises
        ------
        OSError
            If it has left the cluster, or does not answer: a process, or a mount, may hang.
        """
        ask = partial(self.client.sync, self.client._run, callback_timeout=GREETING_S)
        try:
            answers = ask(function, *arguments, workers=[name], on_error="return")
        except TimeoutError:
            raise OSError(f"has not answered within {GREETING_S:g} s") from None
        if name not in answers:
            raise OSError("has left the cluster")
        return answers[name]


@dataclass(frozen=True, slots=True)
class Opener:
    """A worker of a cluster as `coordinator.engines.http.places` has it: it opens any place."""

    cluster: Cluster
    name: str
    serves_places = True
    paths = MappingProxyType[str, str]({})

    def offer(self, offer: Offer) -> Any:
        """Offer it places to open; return its answer, which is not checked.

        Raises
        ------
        Refusal
            If it does not open them.
        """
        try:
            said = self.cluster.on(self.name, take, offer.encode())
        except Exception as error:  # of a client that has lost its scheduler, many kinds
            said = error
        if isinstance(said, BaseException):
            raise Refusal(FailureKind.BROKEN, reason_of(said))
        return said

    def reread(self, job: Job, tile: Tile, place: str) -> Rereading:
        """Return the way of a tile that is in a place already."""
        return Rereading(self.cluster, self.name, (job.encode(), tile, place))


class Rereading:
    """One tile that a worker reads again; see `coordinator.engines.http.audit`.

    Parameters
    ----------
    cluster : Cluster
    worker : str
    arguments : tuple
        Of `coordinator.engines.dask.remote.read_again`.
    """

    def __init__(self, cluster: Cluster, worker: str, arguments: tuple[bytes, Tile, str]) -> None:
        self._cluster = cluster
        self._worker = worker
        self._arguments = arguments
        self._future: Any = None

    def send(self) -> None:
        """Submit the task."""
        key = f"tilefan-{secrets.token_hex(8)}"
        with _refusals():
            self._future = self._cluster.submit(key, self._worker, read_again, *self._arguments)

    def receive(self) -> Answered:
        """Wait for the task; return both digests."""
        try:
            with _refusals():
                got = self._future.result(timeout=READ_S)
        finally:
            self._future.release()
        if not isinstance(got, Finished):
            raise Refusal(FailureKind.CORRUPT, f"answered {type(got).__name__}, not a record")
        return Answered(None, got.asked, got.answered, None, 0)

    def abort(self) -> None:
        """Cancel the task, so that whoever waits is refused."""
        if self._future is not None:
            self._future.cancel()


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn whatever goes wrong with a task into a refusal."""
    try:
        yield
    except RefusedPlaceError as error:
        raise PlaceRefusal(error.type, reason_of(error)) from None
    except BaseException as error:  # a cancelled future raises what is no Exception
        raise Refusal(FailureKind.BROKEN, reason_of(error)) from None


def _within(answers: Any, count: int, within_s: float) -> Iterable[Any]:
    until = time.monotonic() + within_s
    for _ in range(count):
        try:
            yield answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return


def _other_version(there: object) -> str | None:
    """Say what is wrong with the version of tilefan on a worker."""
    here = version("tilefan")
    if isinstance(there, PackageNotFoundError):
        return f"has no tilefan: pip install tilefan=={here} where it runs"
    if isinstance(there, Exception):
        raise there
    if there != here:
        return f"has tilefan {inert(str(there))[:20]}, and here is {here}: install the same there"
    return None


def _other_versions(said: object) -> str | None:
    """Say what is wrong with the versions of NumPy and SciPy on a worker."""
    if isinstance(said, Exception):
        raise said
    if not isinstance(said, dict):
        return "is no tilefan worker"
    here = versions()
    for name in ("numpy", "scipy"):
        there = inert(str(said.get(name, "?")))[:20]
        if there.split(".")[:2] != here[name].split(".")[:2]:
            return f"has {name} {there}, and here is {here[name]}: install the same there"
    return None


def reason_of(error: BaseException) -> str:
    """Return an error as one line."""
    first = (str(error).splitlines() or [""])[0]
    if isinstance(error, RefusedPlaceError) or type(error) is OSError:
        return inert(first)[:300]
    return inert(f"{type(error).__name__}: {first}")[:200]
