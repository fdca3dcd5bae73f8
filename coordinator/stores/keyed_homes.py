"""Homes of chunked outputs, a folder or a bucket: where chunks grow and become an array.

On a disk they grow in a hidden folder that is renamed onto the final one when it is whole. In a
bucket nothing can be renamed, so chunks are written where they will be; but no reader takes them
for an array before there is metadata, and its last key is written last, only if nobody else has.
So that no two machines write chunks there, each claims the prefix before.
The lock and the journal of such an output are in a folder of this user.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import tensorstore as ts

from coordinator.errors import InputError, StoreError
from coordinator.stores import folder
from coordinator.stores.atomic_file import sync_folder, usual_mode
from coordinator.stores.keys import open_keys, translated
from coordinator.stores.partial import ZARR_KEYS, is_zarr, partial_path
from coordinator.stores.place import Place

CLAIM = ".tilefan"
"""Of an output in a bucket: a key, and a file in its hidden folder, of one word.

Where both have the same, all that is there is ours. The key is made only if there is none.
"""


ONLY_CLAIM = ts.KvStore.KeyRange(CLAIM, f"{CLAIM}\0")


class Home(Protocol):
    """Where an output is; each method may raise OSError too."""

    @property
    def path(self) -> Path:
        """Where it will be, or what stands for that; its lock and journal are beside it."""

    @property
    def place(self) -> Place:
        """Where chunks grow."""

    def begin(self, *, keep: bool) -> None:
        """Make it empty, unless what an unfinished run left is to be kept.

        Raises
        ------
        InputError
            If something is there that is not ours.
        StoreError
            If what is to be kept can't be.
        """

    def publish(self, documents: Mapping[str, bytes], *, overwrite: bool, sync: bool) -> None:
        """Make the chunks an array, by writing these keys.

        Raises
        ------
        FileExistsError
            If somebody has put something there since.
        """

    def clear(self) -> None:
        """Remove what is left of an output besides its final place."""

    def discard(self) -> None:
        """Remove the chunks."""


@dataclass(frozen=True, slots=True)
class FolderHome:
    """A folder on this machine."""

    path: Path

    @property
    def place(self) -> Place:
        """See `Home`."""
        return Place(partial_path(self.path))

    def begin(self, *, keep: bool) -> None:
        """See `Home`."""
        replaced = is_zarr(self.place.path) and is_zarr(self.path)
        if not keep or replaced:  # a run that was killed after the exchange left the older array
            folder.empty(self.place.path, ZARR_KEYS)
        elif not folder.clean(self.place.path):
            raise StoreError(f"{self.place.path}: has links in it; start anew with --overwrite")

    def publish(self, documents: Mapping[str, bytes], *, overwrite: bool, sync: bool) -> None:
        """See `Home`."""
        if sync:  # long before the metadata: until then an unfinished run can be gone on with
            folder.sync(self.place.path)
        for key, value in documents.items():
            (self.place.path / key).parent.mkdir(exist_ok=True)
            (self.place.path / key).write_bytes(value)
        if sync:
            folder.sync(self.place.path)
        if overwrite and folder.is_folder(self.path):
            self.place.path.chmod(usual_mode(self.path))
            folder.put_in_place(self.place.path, self.path)
        else:
            try:
                self.place.path.rename(self.path)  # onto an empty folder at most
            except OSError:
                if not self.path.exists():
                    raise
                raise FileExistsError from None
        if sync:
            sync_folder(self.path)

    def clear(self) -> None:
        """Remove the array that was replaced."""
        self.discard()

    def discard(self) -> None:
        """See `Home`."""
        if self.place.path.exists():  # what is left of an older array is known by its metadata
            folder.empty(self.place.path, ZARR_KEYS)
            self.place.path.rmdir()


@dataclass(frozen=True, slots=True)
class BucketHome:
    """A prefix of a bucket; `path` stands for it on this machine."""

    place: Place
    path: Path

    @property
    def _partial(self) -> Path:
        return partial_path(self.path)

    @property
    def _ours(self) -> Path:
        return self._partial / CLAIM

    def begin(self, *, keep: bool) -> None:
        """See `Home`."""
        store = open_keys(self.place)
        with translated(str(self.place), StoreError):
            if self._exists(store):
                self._give_up(store)
                raise InputError(
                    f"{self.place}: exists, and can't be replaced at once; remove it first, or "
                    "name another output"
                )
            if self._is_ours(store):
                if not keep:
                    self._empty(store)
            else:
                self._claim(store, keep=keep)

    def _exists(self, store: ts.KvStore) -> bool:
        """Tell whether there is an array already, or a group: ours is whole then."""
        return any(store.read(name).result().state == "value" for name in ZARR_KEYS)

    def _give_up(self, store: ts.KvStore) -> None:
        """Take back the claim, and the chunks unless they are an array."""
        if self._is_ours(store):
            if not self._exists(store):
                self._empty(store)
            store.delete_range(ONLY_CLAIM).result()

    def _is_ours(self, store: ts.KvStore) -> bool:
        """Tell whether this run, or one that it goes on with, has claimed the prefix."""
        if not self._ours.exists():
            return False
        ours: bool = store.read(CLAIM).result().value == self._ours.read_bytes()
        return ours

    def _claim(self, store: ts.KvStore, *, keep: bool) -> None:
        """Take the prefix if it is empty, or nobody but a run before has taken it."""
        before = store.read(CLAIM).result()
        if before.state == "missing":
            self._ours.write_text(secrets.token_hex(16))
            word, none = self._ours.read_bytes(), before.stamp.generation
            store.write(CLAIM, word, if_equal=none).result()
        if store.read(CLAIM).result().state == "missing":
            raise InputError(f"{self.place}: nothing can be written there; is there such a bucket?")
        if not self._is_ours(store):
            raise InputError(
                f"{self.place}: another coordinator writes there, or was cut short; name another "
                "output, or remove what is below it"
            )
        if not keep and len(store.list().result()) > 1:
            store.delete_range(ONLY_CLAIM).result()
            raise InputError(f"{self.place}: there is something below it; name another output")

    def _empty(self, store: ts.KvStore) -> None:
        """Remove all but the claim."""
        first, last = ONLY_CLAIM.inclusive_min, ONLY_CLAIM.exclusive_max
        store.delete_range(ts.KvStore.KeyRange(exclusive_max=first)).result()
        store.delete_range(ts.KvStore.KeyRange(inclusive_min=last)).result()

    def publish(self, documents: Mapping[str, bytes], *, overwrite: bool, sync: bool) -> None:  # noqa: ARG002 -- what is in a bucket is stored
        """See `Home`."""
        store, (*others, last) = open_keys(self.place), documents
        with translated(str(self.place), StoreError):
            if not self._is_ours(store):
                raise FileExistsError
            for key in others:
                store.write(key, documents[key]).result()
            before = store.read(last).result()
            if before.state == "missing":
                store.write(last, documents[last], if_equal=before.stamp.generation).result()
            if before.state == "value" or store.read(last).result().value != documents[last]:
                raise FileExistsError
            store.delete_range(ONLY_CLAIM).result()

    def clear(self) -> None:
        """Remove the folder that stood for it."""
        shutil.rmtree(self._partial, ignore_errors=True)

    def discard(self) -> None:
        """See `Home`."""
        with translated(str(self.place), StoreError):
            self._give_up(open_keys(self.place))
        self.clear()
