"""Admission and computing: a fixed number of slots over a fixed number of threads.

A request takes a slot before its body is read and keeps it until its answer is on its way, so the
slots bound everything that a request can use: a thread, a body, an answer. There is no queue to
grow: who finds no slot is refused at once and told when to come again.
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
    retry_after_s : int
        What a refused request is told to wait.
    """

    def __init__(self, threads: int, pipelined: int, retry_after_s: int) -> None:
        self.slots = threads + pipelined
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
    def running(self) -> int:
        """Slots whose work is in a thread now."""
        return sum(slot.running for slot in self._taken)

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

    def _refusal(self, kind: Kind, detail: str) -> RefusedError:
        return RefusedError(kind, detail, {"Retry-After": str(self._retry_after_s)})

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Hand a piece of work to the threads."""
        return self._executor.submit(work)

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
        self._pool = pool
        self._work: Future[Any] | None = None

    @property
    def running(self) -> bool:
        """Whether its work is in a thread now."""
        return self._work is not None and self._work.running()

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
