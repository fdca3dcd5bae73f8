"""Settings: every limit of a worker in one value, with name, default, unit and reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from worker.machine import usable_cores, usable_memory

MIB = 2**20
GIB = 2**30
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits of one worker.

    Parameters
    ----------
    threads : int
        Tiles computed at the same time. SciPy frees the interpreter lock, so a core each.
    pipelined : int
        Tiles admitted beyond those: one, so that a transfer overlaps the computing.
    tile_bytes : int
        Largest block, sent or answered, in bytes. Coordinators cut tiles of some 10 MB; this is
        room for arrays that people send whole to the plain API.
    memory_bytes : int
        Memory that all tiles together may reserve. Half of the machine's: another worker, or
        an interactive session, may run beside this one.
    job_bytes : int
        Largest description of a job, in bytes: one pass with the most taps takes 5.6 MB.
    jobs : int
        Jobs in the cache; the least recently used one is dropped. A dropped job costs its
        coordinator one registration.
    jobs_bytes : int
        Bytes of the descriptions of all jobs in the cache.
    passes : int
        Passes of all calls of one job: a gigantic pipeline has hundreds.
    places : int
        Offered places that are remembered; a forgotten one costs its coordinator one more offer.
    chunk_bytes : int
        Largest chunk of a zarr that is read or written by reference, in bytes, decoded.
    cache_bytes : int
        Of decoded chunks that are kept for the tiles beside, in bytes.
    tile_work : int
        Most multiply-adds of one tile: samples times the taps of all passes. A core does some
        10^9 a second, so this is a quarter of an hour; no deadline of a coordinator is so long.
    trial_work : int
        Most multiply-adds of a trial's first block, about: at most some 100 ms of one core, once
        for each job. 0 for none.
    max_order : int
        Highest derivative that the plain API makes taps for; higher ones exceed float64.
    tap_terms : int
        Most taps times terms of their polynomial that the plain API computes: 8 MB of them.
    body_base_s, body_bytes_per_s : float
        A body must be read, or an answer taken, within the base and the time that its bytes need
        on the slowest link worth computing over (a congested 10 Mbit/s).
    idle_s : float
        A connection without a request, or whose request line and headers are not complete, is
        closed after so many seconds. aiohttp's clients drop an idle one after 15 s; a worker with
        less would now and then drop a request on its way.
    connections : int
        Connections at the same time; more are answered 503 and closed. A coordinator opens one for
        each slot; a process may have 1,024 files open.
    requests : int
        Requests of one connection; then it is closed, and the client opens another. The memory that
        a library keeps for a connection is bounded by that.
    slow_tile_s : float
        A tile that took longer from the end of its body to its answer is logged.
    lingering_s : float
        The rest of a refused body is read and dropped for so many seconds, so that the refusal
        arrives before the connection closes.
    retry_after_s : int
        ``Retry-After`` of a refused tile; tiles take between milliseconds and seconds.
    drain_s : float
        Longest drain, from the first signal to the exit. Schedulers commonly kill after 30 s.
    header_bytes : int
        Longest header line, in bytes; ours stay under 1,500 at 32 axes.
    headers : int
        Most header lines of a request; clients send a dozen.
    until : float
        Time at which this worker will be stopped, in seconds since 1970: coordinators send it no
        tile that would not be finished by then.
    """

    threads: int = field(default_factory=usable_cores)
    pipelined: int = 1
    tile_bytes: int = 2 * GIB
    memory_bytes: int = field(default_factory=lambda: usable_memory() // 2)
    job_bytes: int = 8 * MIB
    jobs: int = 64
    jobs_bytes: int = 64 * MIB
    passes: int = 1024
    places: int = 64
    chunk_bytes: int = 128 * MIB
    cache_bytes: int = field(default_factory=lambda: min(256 * MIB, usable_memory() // 16))
    tile_work: int = 10**12
    trial_work: int = 10**8
    max_order: int = 32
    tap_terms: int = 2**20
    body_base_s: float = 10.0
    body_bytes_per_s: float = 1.0 * MIB
    idle_s: float = 20.0
    connections: int = 256
    requests: int = 10_000
    slow_tile_s: float = 30.0
    lingering_s: float = 2.0
    retry_after_s: int = 1
    drain_s: float = 25.0
    header_bytes: int = 8 * 2**10
    headers: int = 64
    until: float = inf

    def transfer_s(self, body_bytes: int) -> float:
        """Return the seconds that the transfer of a body of this size may take."""
        return self.body_base_s + body_bytes / self.body_bytes_per_s
