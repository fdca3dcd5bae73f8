"""The worker's thread pool, with admission by slots and reserved memory.

A request takes a slot, and reserves the memory that it will need, before its body is read, and
keeps both until its answer is sent. So a worker's memory is bounded by its memory at rest and the
reservations, whatever is asked of it. There is no queue of requests: without a free slot or enough
memory a request is refused at once, with ``Retry-After`` and ``Tilefan-Retry-S``. So it is if a run
waits that has had less of this worker, see `worker.runtime.shares`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar

from tiling.kernels.watch import Watch, watching
from tiling.protocol.wire import RETRY_S as RETRY_HEADER
from worker.errors import Kind, RefusedError
from worker.runtime.shares import RETRY_S, Shares

T = TypeVar("T")


_ADDRESS = "address "


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for a slot, and what for.

    Parameters
    ----------
    run : str
        Run of a coordinator; empty if it names none.
    client : str
        Address that the request came from.
    tile : int, optional
        Number of the tile, if it is one.
    """

    run: str = ""
    client: str = ""
    tile: int | None = None

    @property
    def sharer(self) -> str:
        """With whom others share the worker: the run, or all that the address sends without one."""
        return self.run or f"{_ADDRESS}{self.client}"


_NOBODY = Request()


class Pool:
    """Threads, and the slots that admit work to them.

    Parameters
    ----------
    threads : int
        Calls that run at the same time.
    pipelined : int
        Slots beyond that.
    memory_bytes : int
        Memory that all slots together may reserve.
    retry_after_s : int
        ``Retry-After`` of a refused request, in seconds.
    on_abandoned : callable, optional
        Told the seconds of computing that were for nothing, whenever a client has gone.
    """

    def __init__(
        self,
        threads: int,
        pipelined: int,
        memory_bytes: int,
        retry_after_s: int,
        on_abandoned: Callable[[float], None] | None = None,
    ) -> None:
        self.slots = threads + pipelined
        self.memory_bytes = memory_bytes
        self._retry_after_s = retry_after_s
        self._on_abandoned = on_abandoned
        self._shares = Shares(self.slots)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="tile")
        self._taken: dict[Slot, None] = {}  # in the order of their admission
        self._idle = asyncio.Event()
        self._idle.set()
        self._held_bytes = 0
        self.draining = False

    @property
    def in_flight(self) -> int:
        """Slots taken."""
        return len(self._taken)

    @property
    def queue(self) -> int:
        """Slots taken whose call is in no thread: a body, a thread or an answer is awaited."""
        return sum(not slot.running for slot in self._taken)

    @property
    def reserved_bytes(self) -> int:
        """Memory reserved by the slots taken, and held."""
        return self._held_bytes + sum(slot.reserved_bytes for slot in self._taken)

    @contextmanager
    def holding(self, more_bytes: int) -> Iterator[None]:
        """Hold memory for what is no tile, however much is reserved: tiles wait for it."""
        self._held_bytes += more_bytes
        try:
            yield
        finally:
            self._held_bytes -= more_bytes

    def computing(self, run: str | None, most: int) -> list[dict[str, Any]]:
        """Return what is known of the tiles that hold a slot, the oldest first, in JSON's types.

        Parameters
        ----------
        run : str or None
            Only tiles of this run; None for all.
        most : int
            Tiles.
        """
        now = time.monotonic()
        tiles = (slot for slot in self._taken if slot.request.tile is not None)
        slots = (slot for slot in tiles if run is None or slot.request.run == run)
        return [
            {
                "run": slot.request.run,
                "tile": slot.request.tile,
                "share": round(slot.watch.share, 6),
                "seconds": round(slot.computing_s(now), 3),
            }
            for slot in islice(slots, most)
        ]

    def admit(self, request: Request = _NOBODY) -> Slot:
        """Take a slot; use it in a ``with`` statement.

        Parameters
        ----------
        request : Request, optional

        Raises
        ------
        RefusedError
            If there is none, or the worker drains.
        """
        if self.draining:
            raise self._refusal(Kind.DRAINING, "this worker takes no more tiles: ask another")
        is_free = len(self._taken) < self.slots
        if not self._shares.admits(request.sharer, time.monotonic(), is_free=is_free):
            taken = f"all {self.slots} slots are taken"
            why = "others wait, who have had less" if is_free else taken
            raise self._refusal(Kind.BUSY, f"{why}: try again later")
        slot = Slot(self, request)
        self._taken[slot] = None
        self._idle.clear()
        return slot

    def waiting(self, most: int) -> list[dict[str, Any]]:
        """Return the runs that were turned away and not admitted since, in JSON's types.

        Parameters
        ----------
        most : int
            Runs; those that wait longest.
        """
        waiting = self._shares.waiting(time.monotonic(), most)
        return [
            {"run": "" if name.startswith(_ADDRESS) else name, "seconds": round(seconds, 3)}
            for name, seconds in waiting
        ]

    def check_memory(self, request: Request, more_bytes: int) -> None:
        """Refuse a reservation of more bytes than are free now, or than this pool has.

        Parameters
        ----------
        request : Request
            Whose reservation it is.
        more_bytes : int

        Raises
        ------
        RefusedError
        """
        if more_bytes > self.memory_bytes:
            detail = f"needs {more_bytes} bytes of {self.memory_bytes}: send smaller tiles"
            raise RefusedError(Kind.MEMORY, detail)
        if self.reserved_bytes + more_bytes > self.memory_bytes:
            self._shares.turned_away(request.sharer, time.monotonic())
            raise self._refusal(Kind.BUSY, "other tiles have the memory: try again later")

    def _refusal(self, kind: Kind, detail: str) -> RefusedError:
        headers = {"Retry-After": str(self._retry_after_s)}
        if kind is Kind.BUSY:
            headers[RETRY_HEADER] = str(RETRY_S)
        return RefusedError(kind, detail, headers)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run a call in a thread; return its future."""
        return self._executor.submit(work)

    async def run(self, work: Callable[[], T]) -> T:
        """Run a short call for a request that has its slot in another pool."""
        return await asyncio.wrap_future(self.submit(work))

    def release(self, slot: Slot) -> None:
        """Make a slot free."""
        del self._taken[slot]
        self._shares.finished(slot.request.sharer, slot.computed_s, time.monotonic())
        if slot.abandoned and self._on_abandoned is not None:
            self._on_abandoned(slot.computed_s)
        if not self._taken:
            self._idle.set()

    async def drain(self) -> None:
        """Admit no more requests; return when no slot is taken."""
        self.draining = True
        await self._idle.wait()

    def close(self) -> None:
        """End the threads once they are idle."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class Slot:
    """The right to run one call; released when the call has returned.

    If the client is lost while its tile is computed, the watch is cancelled, and the slot stays
    taken until the thread has left the computation.

    Attributes
    ----------
    request : Request
        Whose slot it is.
    watch : Watch
        On what it computes.
    reserved_bytes : int
    computed_s : float
        Seconds that the call was in a thread, once it has returned.
    abandoned : bool
        Whether the client has gone while its call waited, ran, or was answered.
    """

    def __init__(self, pool: Pool, request: Request) -> None:
        self.request = request
        self.watch = Watch()
        self.reserved_bytes = 0
        self.computed_s = 0.0
        self.abandoned = False
        self._pool = pool
        self._work: Future[Any] | None = None
        self._began_s: float | None = None

    @property
    def running(self) -> bool:
        """Whether its call is in a thread now."""
        return self._work is not None and self._work.running()

    def reserve(self, more_bytes: int) -> None:
        """Reserve memory until the slot is released.

        Raises
        ------
        RefusedError
            If that much is not free, or is more than the pool has.
        """
        self._pool.check_memory(self.request, more_bytes)
        self.reserved_bytes += more_bytes

    async def run(self, work: Callable[[], T]) -> T:
        """Run a call in a thread, under the watch, and return its result."""
        future = self._work = self._pool.submit(partial(self._watched, work))
        return await asyncio.wrap_future(future)

    def _watched(self, work: Callable[[], T]) -> T:
        self._began_s = began_s = time.monotonic()
        try:
            with watching(self.watch):
                return work()
        finally:
            self.computed_s = time.monotonic() - began_s

    def computing_s(self, now: float) -> float:
        """Return the seconds that the call has been in a thread up to now; 0 before.

        Parameters
        ----------
        now : float
            Time in seconds, of a monotonic clock.
        """
        return self.computed_s or (0.0 if self._began_s is None else now - self._began_s)

    def __enter__(self) -> Self:
        """Return the slot."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the slot, now or when its thread is free, which it is soon."""
        self.abandoned = self._work is not None and kind is asyncio.CancelledError
        if self._work is None or self._work.done() or self._work.cancel():
            self._pool.release(self)
            return
        self.watch.cancel()
        loop = asyncio.get_running_loop()
        self._work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._pool.release, self))
