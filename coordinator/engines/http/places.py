"""The places of a run: offered to each worker, and closed before the output is finished."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from coordinator.dispatch.instructions import Send
from coordinator.engines import TileRun
from coordinator.engines.http.refusal import Refusal, shown
from coordinator.engines.http.terms import Proof, Terms, draw
from coordinator.engines.http.threads import Threads
from coordinator.errors import InputError, StoreError, VerifyError
from coordinator.events import FailureKind, WorkerLost, WorkerPlaces, WorkerReady
from coordinator.hosts.by_reference import ByReference
from coordinator.journal.digests import Seals
from coordinator.journal.records import Finished
from coordinator.stores import Sink, Source
from coordinator.stores.folder import clean
from coordinator.stores.nonce import Nonce
from coordinator.stores.stored import StoredHere, where
from places.network import boot
from tiling.geometry.plan import Tile
from tiling.protocol.places import Offer, nonce_beside
from tiling.protocol.references import Reference

LOG = logging.getLogger("tilefan.http")

CLOSED = "serves no places: start it with `worker --serve-from FOLDER`"

ELSEWHERE = "is in no place that workers open: it is in memory, masked, encoded or on a web server"

BROKEN_OFF_S = 1.0
"""How long a run that ends badly waits for workers that write."""


MOST_WAYS = 3
"""In which a tile is sent again for its place: offered anew, answered by bytes, sent by bytes."""


class Opener(Protocol):
    """A worker that may open places."""

    @property
    def serves_places(self) -> bool:
        """Whether it opens any."""

    @property
    def paths(self) -> Mapping[str, str]:
        """What it calls folders of this machine."""

    def offer(self, offer: Offer) -> Any:
        """Offer it places to open; return its answer, which is not checked.

        Raises
        ------
        Refusal
            If it does not open them.
        """


class Places:
    """What a run offers, and the terms that each worker has got.

    Parameters
    ----------
    tiles : TileRun
    choice : str
        See `coordinator.hosts.by_reference`.

    Raises
    ------
    InputError
        If by reference is required, and the input is in no place.
    StoreError
        If the nonce can't be planted.
    """

    def __init__(self, tiles: TileRun, choice: ByReference) -> None:
        self._tiles = tiles
        self._choice = choice
        self._lock = threading.Lock()
        self._terms: dict[str, Terms] = {}
        self._offers: dict[str, Offer] = {}
        self._nonce: Nonce | None = None
        self._is_over = False
        self._read = None if choice == "never" else where(tiles.source)
        self._write = None if self._read is None else where(tiles.sink)
        self._proof: Proof | None = None
        self._writers: Counter[int] = Counter()  # of tiles in flight
        self._twice: dict[int, Finished] = {}
        if choice == "require" and self._read is None:
            raise InputError(
                f"by reference is required, and {tiles.source.name} {ELSEWHERE}; leave out "
                "--by-reference require"
            )

    @property
    def is_chunked(self) -> bool:
        """Whether the output is stored in chunks."""
        return self._write is not None and self._write.array.kind == "zarr"

    def offer_to_all(
        self, openers: Iterable[tuple[str, Opener]], threads: Threads
    ) -> Iterator[WorkerPlaces]:
        """Offer the places to workers, all at the same time; yield what is to be told of each."""
        said = threads.map(lambda each: self.offer_to(*each), openers)
        return (event for event in said if event is not None)

    def offer_to(self, worker: str, opener: Opener) -> WorkerPlaces | None:
        """Offer the places to a worker; return what is to be told of it, if anything is.

        Raises
        ------
        StoreError
            If the input can't be read, or the nonce can't be planted.
        """
        if self._read is None:
            return None
        serves = opener.serves_places
        terms = self._offer(worker, opener) if serves else Terms(reason=CLOSED)
        with self._lock:
            self._terms[worker] = terms
        if not serves and self._choice != "require":
            return None
        return WorkerPlaces(worker, terms.reads, terms.writes, terms.reason)

    def renew(self, worker: str, opener: Opener) -> None:
        """Offer the places to a worker again, which has forgotten them.

        Raises
        ------
        Refusal
            If it does not take them as before.
        """
        assert self._proof is not None  # noqa: S101 -- it had taken them
        offer = self._offers[worker]
        terms, before = self._proof.judge(offer, opener.offer(offer)), self.terms(worker)
        if (terms.place, terms.writes) != (before.place, before.writes):
            reason = shown(terms.reason) or "sees other places than before"
            with self._lock:
                self._terms[worker] = Terms(reason=reason)
            raise Refusal(FailureKind.BROKEN, reason)

    def terms(self, worker: str) -> Terms:
        """Return the terms of a worker; bytes if there are none."""
        return self._terms.get(worker, Terms())

    def checked(self, ready: WorkerReady) -> WorkerReady | WorkerLost:
        """Return what becomes of a worker that is ready: it is left out if it must read itself."""
        terms = self.terms(ready.worker)
        if self._choice != "require" or terms.reads:
            return ready
        return WorkerLost(ready.worker, f"not by reference: {terms.reason}", permanent=True)

    def demote(self, worker: str, reason: str, *, reads: bool) -> WorkerPlaces | None:
        """Go back to bytes with a worker that can't read, or can't write; None if it may not be."""
        before = self.terms(worker)
        place = before.place if reads else ""
        if self._choice == "require" and not place:
            return None
        self._terms[worker] = Terms(place, writes=False, reason=reason)
        return WorkerPlaces(worker, bool(place), writes=False, reason=reason)

    def reference(self, send: Send, tile: Tile) -> Reference | None:
        """Return how a tile is to be sent; None by bytes."""
        terms = self.terms(send.worker)
        if not terms.reads:
            return None
        into = terms.into(hedge=send.hedge, chunked=self.is_chunked)
        if into == "place":
            self._writers[tile.index] += 1
        return Reference(terms.place, tile.read.start, into)

    def answered(self, finished: Finished, *, stored: bool) -> None:
        """Take note of a tile that another worker may have written, or may write."""
        others = self._writers.pop(finished.tile, 0) - stored
        if others > 0:
            self._twice.setdefault(finished.tile, finished)

    def close(self) -> None:
        """Let no worker write any more; then read again what several may have written.

        Raises
        ------
        StoreError
            If a worker writes on and on, or a tile can't be read.
        VerifyError
            If such a tile has other bits than were answered.
        """
        self._is_over = True
        if self._nonce is None:
            return
        self._nonce.remove()
        self._nonce = None
        if self._twice and self._write is not None and self.is_chunked:
            clean(Path(self._write.array.path))  # what a killed worker has not written whole
        seals = Seals(self._tiles.job)
        for number, finished in self._twice.items():
            tile = self._tiles.plan[number]
            block = self._tiles.sink.read(tile.write)
            if seals.answered(tile, finished.asked, block) != finished.answered:
                raise VerifyError(
                    f"tile {number} was sent to several workers, and the output has other bits "
                    "than were answered: one of them computes, or stores, wrongly"
                )

    def break_off(self) -> None:
        """Let no worker write any more, as far as that can be had soon."""
        self._is_over = True
        if self._nonce is not None:
            nonce, self._nonce = self._nonce, None
            try:
                nonce.remove(BROKEN_OFF_S)
            except StoreError as error:
                LOG.warning("%s", error)

    def _offer(self, worker: str, opener: Opener) -> Terms:
        proof = self._proven()
        offer = self._offers[worker] = proof.offer(opener.paths)
        return agreed_on(proof, offer, opener)

    def _proven(self) -> Proof:
        """Return what workers have to see; plant the nonce when it is first wanted."""
        with self._lock:
            if self._proof is None:
                assert self._read is not None  # noqa: S101 -- else nothing is offered
                boxes, samples = draw(self._tiles.source, random.Random())  # noqa: S311 -- a sample
                nonce = "" if self._write is None else self._planted(self._write)
                self._proof = Proof(self._read, self._write, nonce, boxes, samples, boot())
            return self._proof

    def _planted(self, write: StoredHere) -> str:
        """Plant the nonce; return what is in it. A thread may be so late that the run is over."""
        nonce = self._nonce = Nonce.plant(Path(nonce_beside(write.array.path, write.array.kind)))
        if self._is_over:
            self.break_off()
            raise StoreError(f"{write.array.path}: the run is over")
        return nonce.content


def agreed_on(proof: Proof, offer: Offer, opener: Opener) -> Terms:
    """Make an offer to a worker; return the terms."""
    try:
        terms = proof.judge(offer, opener.offer(offer))
    except Refusal as refusal:
        return Terms(reason=refusal.reason)
    return Terms(terms.place, terms.writes, shown(terms.reason))


def terms_of(
    openers: Mapping[str, Opener], source: Source, sink: Sink | None = None
) -> dict[str, Terms]:
    """Return the terms that workers which were greeted would get.

    Parameters
    ----------
    openers : mapping of str to Opener
    source : Source
    sink : Sink, optional
        The output as it grows.

    Raises
    ------
    StoreError
        If the input can't be read, or the nonce can't be planted.
    """
    read, write = where(source), where(sink)
    if read is None:
        return dict.fromkeys(openers, Terms(reason=ELSEWHERE))
    boxes, samples = draw(source, random.Random())  # noqa: S311 -- a sample
    nonce = write and Nonce.plant(Path(nonce_beside(write.array.path, write.array.kind)))
    try:
        proof = Proof(read, write, nonce.content if nonce else "", boxes, samples, boot())
        return {
            worker: agreed_on(proof, proof.offer(opener.paths), opener)
            if opener.serves_places
            else Terms(reason=CLOSED)
            for worker, opener in openers.items()
        }
    finally:
        if nonce:
            nonce.remove(BROKEN_OFF_S)
