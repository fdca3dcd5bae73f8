"""Daemon threads for what may block: sockets, name servers, stores.

Those of `concurrent.futures` are joined when the interpreter ends, so that Ctrl-C would wait for a
name server or a peer that says nothing.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Work: TypeAlias = Callable[[], None]
"""What a thread does; it reports by a queue, and raises nothing."""


FEW = 32
"""Threads that are started at once; more only while these get nowhere."""

GROW_S = 0.02
"""How long nothing is finished before more threads are started, as many as there are."""


class Threads:
    """Threads that are used again; a few, and many if peers keep them waiting.

    Parameters
    ----------
    most : int
        Of them; beyond, work waits for a thread.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0  # less the work that waits for a thread
        self._finished = 0
        self._growing = False

    def submit(self, work: Work) -> None:
        """Have some work done in a thread."""
        self._work.put(work)
        with self._lock:
            self._idle -= 1
            if self._idle < 0 and self._threads < min(FEW, self._most):
                self._start(1)
            elif self._idle < 0 and not self._growing:
                self._growing = True
                threading.Thread(target=self._grow, name="tilefan", daemon=True).start()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Call a function with each item, all at the same time; return the results in order.

        Raises
        ------
        Exception
            The first that a call raises.
        """
        done: queue.SimpleQueue[tuple[int, R | BaseException, bool]] = queue.SimpleQueue()

        def call(index: int, item: T) -> None:
            try:
                done.put((index, function(item), True))
            except BaseException as error:
                done.put((index, error, False))

        count = 0
        for count, item in enumerate(items, 1):
            self.submit(lambda index=count, item=item: call(index, item))  # type: ignore[misc]
        results: dict[int, Any] = {}
        while len(results) < count:
            index, result, fine = done.get()
            if not fine:
                assert isinstance(result, BaseException)  # noqa: S101 -- for the type checker
                raise result
            results[index] = result
        return [results[index] for index in sorted(results)]

    def close(self) -> None:
        """End each thread after the work that it has."""
        with self._lock:
            for _ in range(self._threads):
                self._work.put(None)
            self._threads = self._idle = 0

    def _start(self, count: int) -> None:
        for _ in range(count):
            threading.Thread(target=self._serve, name="tilefan", daemon=True).start()
        self._threads += count
        self._idle += count

    def _grow(self) -> None:
        """Start threads while work waits and nothing is finished."""
        while True:
            finished = self._finished
            time.sleep(GROW_S)
            with self._lock:
                if self._idle >= 0 or self._threads >= self._most:
                    self._growing = False
                    return
                if self._finished == finished:
                    self._start(min(-self._idle, self._threads, self._most - self._threads))

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # what it holds may be large
            with self._lock:
                self._idle += 1
                self._finished += 1


class Turns:
    """Work that is done one piece after another; none waits for its turn in a thread.

    Parameters
    ----------
    threads : Threads
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._waiting: deque[Work] = deque()
        self._busy = False

    def submit(self, work: Work) -> None:
        """Have some work done after what was submitted before."""
        with self._lock:
            self._waiting.append(work)
            if self._busy:
                return
            self._busy = True
        self._threads.submit(self._drain)

    def _drain(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                work = self._waiting.popleft()
            work()
            del work
