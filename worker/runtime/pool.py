"""Admission and computing: a fixed number of slots, threads and bytes.

A request takes a slot, and reserves what it will need of the memory, before its body is read, and
keeps both until its answer is on its way. So a worker's memory is what it has at rest and what is
reserved, whatever is asked of it. There is no queue to grow: who finds no slot or no memory is
refused at once and told when to come again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from worker.errors import Kind, RefusedError

T = TypeVar("T")


class Pool:
    """Threads, and the slots that lead to them.

    Parameters
    ----------
    threads : int
        Pieces of work done at the same time.
    pipelined : int
        Slots beyond that.
    memory_bytes : int
        What all slots together may reserve.
    retry_after_s : int
        What a refused request is told to wait.
    """

    def __init__(self, threads: int, pipelined: int, memory_bytes: int, retry_after_s: int) -> None:
        self.slots = threads + pipelined
        self.memory_bytes = memory_bytes
        self._retry_after_s = retry_after_s
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="tile")
        self._taken: set[Slot] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.draining = False

    @property
    def in_flight(self) -> int:
        """Slots taken."""
        return len(self._taken)

    @property
    def queue(self) -> int:
        """Slots taken whose work is in no thread now: arriving, waiting or leaving."""
        return sum(not slot.running for slot in self._taken)

    @property
    def reserved_bytes(self) -> int:
        """Memory reserved by the slots taken."""
        return sum(slot.reserved_bytes for slot in self._taken)

    def admit(self) -> Slot:
        """Take a slot; use it in a ``with`` statement.

        Raises
        ------
        RefusedError
            If there is none, or the worker is going away.
        """
        if self.draining:
            raise self._refusal(Kind.DRAINING, "this worker takes nothing more: ask another")
        if len(self._taken) >= self.slots:
            raise self._refusal(Kind.BUSY, f"all {self.slots} slots are taken: try again later")
        slot = Slot(self)
        self._taken.add(slot)
        self._idle.clear()
        return slot

    def check_memory(self, more_bytes: int) -> None:
        """Refuse a reservation for which there is no room: now, or ever."""
        if more_bytes > self.memory_bytes:
            detail = f"needs {more_bytes} bytes of {self.memory_bytes}: send smaller tiles"
            raise RefusedError(Kind.MEMORY, detail)
        if self.reserved_bytes + more_bytes > self.memory_bytes:
            raise self._refusal(Kind.BUSY, "other tiles have the memory: try again later")

    def _refusal(self, kind: Kind, detail: str) -> RefusedError:
        return RefusedError(kind, detail, {"Retry-After": str(self._retry_after_s)})

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Hand a piece of work to the threads."""
        return self._executor.submit(work)

    async def do(self, work: Callable[[], T]) -> T:
        """Do a short piece of work for a request that has its slot in another pool."""
        return await asyncio.wrap_future(self.submit(work))

    def release(self, slot: Slot) -> None:
        """Give a slot back."""
        self._taken.discard(slot)
        if not self._taken:
            self._idle.set()

    async def drain(self) -> None:
        """Admit nothing from now on; return when no slot is taken."""
        self.draining = True
        await self._idle.wait()

    def close(self) -> None:
        """Let the threads go once they have nothing to do."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class Slot:
    """The right to one piece of work; given back when the work is really over.

    A thread can't be stopped: if the request is gone while its tile is computed, the slot stays
    taken until the thread is free.
    """

    def __init__(self, pool: Pool) -> None:
        self.reserved_bytes = 0
        self._pool = pool
        self._work: Future[Any] | None = None

    @property
    def running(self) -> bool:
        """Whether its work is in a thread now."""
        return self._work is not None and self._work.running()

    def reserve(self, more_bytes: int) -> None:
        """Reserve memory until the slot is given back.

        Raises
        ------
        RefusedError
            If so much is not free, or is more than this worker ever has.
        """
        self._pool.check_memory(more_bytes)
        self.reserved_bytes += more_bytes

    async def run(self, work: Callable[[], T]) -> T:
        """Do a piece of work in a thread and return its result."""
        future = self._work = self._pool.submit(work)
        return await asyncio.wrap_future(future)

    def __enter__(self) -> Self:
        """Return the slot."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the slot back, now or when its thread is free."""
        if self._work is None or self._work.done() or self._work.cancel():
            self._pool.release(self)
            return
        loop = asyncio.get_running_loop()
        self._work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._pool.release, self))
