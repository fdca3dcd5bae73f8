"""The folder of a fleet that is up: its token, and the announcements and logs of its workers.

It lies in the user's state folder under a name that nobody can guess, and goes with the fleet.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from coordinator.errors import StoreError
from coordinator.launch.arrivals import Absence, Started, announced, read_log
from coordinator.stores.atomic_file import write_text
from tiling.protocol.token import FILE_NAME, Token

TOKEN_BYTES: Final = 32

_NAME: Final = re.compile("[0-9a-f]{16}")

LOOK_S: Final = 0.1
"""Between two looks for announcements."""


@dataclass(frozen=True, slots=True)
class FleetFolder:
    """The folder of one fleet.

    Parameters
    ----------
    path : Path
        Its last part names the fleet.
    """

    path: Path

    @classmethod
    def make(cls, parent: Path | None = None) -> FleetFolder:
        """Make a folder with a token that no other fleet has.

        Parameters
        ----------
        parent : Path, optional
            In the user's state folder unless given.

        Raises
        ------
        StoreError
            If the system forbids it.
        """
        parent = parent or platformdirs.user_state_path("tilefan") / "fleets"
        made = cls(parent.absolute() / secrets.token_hex(8))
        try:
            made.path.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise StoreError(f"{made.path}: can't be made: {error.strerror}") from None
        write_text(made.token_file, secrets.token_urlsafe(TOKEN_BYTES) + "\n", mode=0o600)
        return made

    @property
    def name(self) -> str:
        """The name of the fleet."""
        return self.path.name

    @property
    def token_file(self) -> Path:
        """The file with the fleet's token."""
        return self.path / FILE_NAME

    @property
    def token(self) -> Token:
        """The fleet's token."""
        return Token.parse(self.token_file.read_text("ascii"))

    def announcement(self, worker: object) -> Path:
        """Return where a worker that sees this folder announces itself."""
        return self.path / f"{worker}.json"

    def log(self, worker: object) -> Path:
        """Return where its log is."""
        return self.path / f"{worker}.log"

    def note(self, worker: object, text: str) -> None:
        """Keep what a worker elsewhere has announced; nothing as long as nobody knows."""
        self.announcement(worker).write_text(text, "utf-8")

    def came(self, worker: object) -> bool | None:
        """Whether such a worker has come; None if it was not started."""
        try:
            return self.announcement(worker).stat().st_size > 0
        except OSError:
            return None

    def remove(self) -> None:
        """Remove it, if it is there: that ends the workers that announced themselves in it.

        Only files that belong in it are removed, whatever a hosts.toml may name as such a folder.
        """
        if not _NAME.fullmatch(self.name):
            return
        for pattern in (FILE_NAME, "*.json", "*.log"):
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()

    def wait(
        self, names: Iterable[str], within_s: float, ended: Callable[[str], str | None]
    ) -> list[Started]:
        """Wait for workers to announce themselves here; return what became of each.

        Parameters
        ----------
        names : iterable of str
        within_s : float
        ended : callable
            Returns why no announcement of this worker will come; None while one may.
        """
        until = time.monotonic() + within_s
        awaited = list(names)
        results: dict[str, Started] = {}
        while len(results) < len(awaited):
            late = time.monotonic() > until
            for name in awaited:
                if name not in results and (found := self._look(name, late, within_s, ended)):
                    results[name] = found
            if len(results) < len(awaited):
                time.sleep(LOOK_S)
        return [results[name] for name in awaited]

    def _look(
        self, name: str, late: bool, within_s: float, ended: Callable[[str], str | None]
    ) -> Started | None:
        reason = ended(name)  # first: what ends after this line has announced itself before
        try:
            arrival = announced(name, self.announcement(name).read_text("utf-8"))
        except OSError:
            arrival = None
        if arrival is not None:
            return arrival
        reason = reason or (f"no word within {within_s:g} s" if late else None)
        return Absence(name, reason, read_log(self.log(name))) if reason else None
