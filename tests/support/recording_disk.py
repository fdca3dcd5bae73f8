"""A filesystem in memory that records what the system asks of it, over FUSE, in its own process.

`python -m tests.support.recording_disk FOLDER LOG` mounts it and appends each change and each fsync
to a file, as pickled tuples. So what a power cut leaves can be worked out afterwards: see
`tests.support.power_cut`. Pages that were written through a map are seen when the system writes
them, not before. It needs the right to mount, and no library: the structures are those of
<linux/fuse.h>, version 7.31.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pickle
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeAlias

import pytest

ROOT = 1
FUSE_DEVICE = os.makedev(10, 229)
REFUSED = 77
"""Exit code of one that can't be mounted here."""

Change: TypeAlias = tuple[Any, ...]

HEADER = struct.Struct("<IIQQIIIHH")
ATTRIBUTES = struct.Struct("<QQQQQQ10I")
ENTRY = struct.Struct("<QQQQII")
SIZE, MODE = 8, 1
"""Of a change of attributes: what is changed."""

EXCHANGE, NO_REPLACE = 2, 1
"""Of a rename."""


@dataclass
class Node:
    """A file or a folder."""

    mode: int
    data: bytearray = field(default_factory=bytearray)
    names: dict[bytes, int] = field(default_factory=dict)
    mtime_ns: int = 0

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


class Disk:
    """What there is, and the log of how it came to be."""

    def __init__(self, log: IO[bytes]) -> None:
        self.nodes = {ROOT: Node(stat.S_IFDIR | 0o755)}
        self._log = log

    def record(self, *change: Any) -> None:
        pickle.dump(change, self._log)
        self._log.flush()

    def attributes(self, number: int) -> bytes:
        node = self.nodes[number]
        links = sum([*each.names.values()].count(number) for each in self.nodes.values())
        seconds, rest = divmod(node.mtime_ns, 10**9)
        size, times = len(node.data), (seconds,) * 3
        return ATTRIBUTES.pack(
            number, size, -(-size // 512), *times, *(rest,) * 3, node.mode, links, 0, 0, 0, 4096, 0
        )

    def entry(self, number: int) -> bytes:
        return ENTRY.pack(number, 0, 0, 0, 0, 0) + self.attributes(number)

    def find(self, folder: int, name: bytes) -> int:
        number = self.nodes[folder].names.get(name)
        if number is None:
            raise OSError(errno.ENOENT, "")
        return number

    def make(self, folder: int, name: bytes, mode: int) -> int:
        if name in self.nodes[folder].names:
            raise OSError(errno.EEXIST, "")
        number = max(self.nodes) + 1
        self.nodes[number] = Node(mode, mtime_ns=time.time_ns())
        self._name(folder, name, number)
        return number

    def _name(self, folder: int, name: bytes, number: int | None) -> None:
        """Let a name mean another node, or none."""
        if number is None:
            del self.nodes[folder].names[name]
        else:
            self.nodes[folder].names[name] = number
        self.record("name", folder, name, number, number and self.nodes[number].mode)

    def remove(self, folder: int, name: bytes, *, is_folder: bool) -> None:
        node = self.nodes[self.find(folder, name)]
        if is_folder and node.names:
            raise OSError(errno.ENOTEMPTY, "")
        self._name(folder, name, None)

    def link(self, number: int, folder: int, name: bytes) -> int:
        if name in self.nodes[folder].names:
            raise OSError(errno.EEXIST, "")
        self._name(folder, name, number)
        return number

    def rename(self, old: tuple[int, bytes], new: tuple[int, bytes], flags: int) -> None:
        number, other = self.find(*old), self.nodes[new[0]].names.get(new[1])
        if other is not None and flags & NO_REPLACE:
            raise OSError(errno.EEXIST, "")
        if other is not None and not flags & EXCHANGE and self.nodes[other].names:
            raise OSError(errno.ENOTEMPTY, "")
        self.record("together")
        self._name(*old, other if flags & EXCHANGE else None)
        self._name(*new, number)
        self.record("apart")

    def write(self, number: int, at: int, data: bytes) -> None:
        node = self.nodes[number]
        node.data.extend(bytes(max(0, at - len(node.data))))
        node.data[at : at + len(data)] = data
        node.mtime_ns = time.time_ns()
        self.record("write", number, at, data)

    def resize(self, number: int, size: int) -> None:
        node = self.nodes[number]
        del node.data[size:]
        node.data.extend(bytes(size - len(node.data)))
        self.record("resize", number, size)

    def chmod(self, number: int, mode: int) -> None:
        self.nodes[number].mode = mode
        self.record("mode", number, mode)


class Server:
    """Answers the system's requests."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._answers: dict[int, Callable[[int, bytes], bytes]] = {
            1: lambda node, body: disk.entry(disk.find(node, body[:-1])),
            3: lambda node, _: self._attributes(node),
            4: self._set_attributes,
            9: lambda node, body: disk.entry(disk.make(node, body[8:-1], _folder(body))),
            10: lambda node, body: self._remove(node, body[:-1], is_folder=False),
            11: lambda node, body: self._remove(node, body[:-1], is_folder=True),
            12: lambda node, body: self._rename(node, body, 8),
            13: lambda node, body: disk.entry(disk.link(_number(body), node, body[8:-1])),
            14: self._open,
            15: self._read,
            16: self._write,
            17: lambda *_: struct.pack("<5Q4I6I", *(10**6,) * 5, 4096, 255, 4096, *(0,) * 7),
            18: self._done,
            20: self._fsync,
            25: self._done,
            27: self._open,
            28: self._list,
            29: self._done,
            30: self._fsync,
            35: self._create,
            43: self._allocate,
            45: lambda node, body: self._rename(node, body, 16),
        }

    def answer(self, opcode: int, node: int, body: bytes) -> bytes:
        if opcode == 26:
            major, minor, ahead = struct.unpack_from("<III", body)
            assert (major, minor >= 31) == (7, True)
            return struct.pack("<IIIIHHIIHHI7I", 7, 31, ahead, 1 << 5, 0, 0, 2**17, 1, *(0,) * 10)
        if opcode not in self._answers:
            raise OSError(errno.ENOSYS, "")
        return self._answers[opcode](node, body)

    def _attributes(self, node: int) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._disk.attributes(node)

    def _set_attributes(self, node: int, body: bytes) -> bytes:
        what, _, _, size = struct.unpack_from("<IIQQ", body)
        (mode,) = struct.unpack_from("<I", body, 68)
        if what & SIZE:
            self._disk.resize(node, size)
        if what & MODE:
            self._disk.chmod(node, mode)
        return self._attributes(node)

    def _create(self, node: int, body: bytes) -> bytes:
        _, mode = struct.unpack_from("<II", body)
        return self._disk.entry(self._disk.make(node, body[16:-1], mode)) + bytes(16)

    def _open(self, *_: Any) -> bytes:
        return bytes(16)

    def _done(self, *_: Any) -> bytes:
        return b""

    def _read(self, node: int, body: bytes) -> bytes:
        _, at, size = struct.unpack_from("<QQI", body)
        return bytes(self._disk.nodes[node].data[at : at + size])

    def _write(self, node: int, body: bytes) -> bytes:
        _, at, size = struct.unpack_from("<QQI", body)
        self._disk.write(node, at, body[40 : 40 + size])
        return struct.pack("<II", size, 0)

    def _allocate(self, node: int, body: bytes) -> bytes:
        _, at, length, mode = struct.unpack_from("<QQQI", body)
        if not mode and at + length > len(self._disk.nodes[node].data):
            self._disk.resize(node, at + length)
        return b""

    def _fsync(self, node: int, _: bytes) -> bytes:
        self._disk.record("fsync", node)
        return b""

    def _remove(self, node: int, name: bytes, *, is_folder: bool) -> bytes:
        self._disk.remove(node, name, is_folder=is_folder)
        return b""

    def _rename(self, node: int, body: bytes, start: int) -> bytes:
        flags = struct.unpack_from("<I", body, 8)[0] if start == 16 else 0
        old, new, _ = body[start:].split(b"\0")
        self._disk.rename((node, old), (_number(body), new), flags)
        return b""

    def _list(self, node: int, body: bytes) -> bytes:
        _, first, size = struct.unpack_from("<QQI", body)
        found = b""
        names = list(self._disk.nodes[node].names.items())
        for place, (name, number) in enumerate(names[first:], first + 1):
            kind = self._disk.nodes[number].mode >> 12
            one = struct.pack("<QQII", number, place, len(name), kind) + name
            one += bytes(-len(one) % 8)
            if len(found) + len(one) > size:
                break
            found += one
        return found


def _number(body: bytes) -> int:
    return int(struct.unpack_from("<Q", body)[0])


def _folder(body: bytes) -> int:
    return stat.S_IFDIR | int(struct.unpack_from("<I", body)[0])


def serve(folder: str, log: str) -> None:
    """Mount the filesystem and answer until it is unmounted."""
    device = os.open(_device(log), os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"tilefan", folder.encode(), b"fuse.tilefan", 6, options):
        sys.exit(REFUSED)
    with Path(log).open("wb") as file:
        server = Server(Disk(file))
        while request := _request(device):
            _, opcode, unique, node, *_ = HEADER.unpack_from(request)
            try:
                code, body = 0, server.answer(opcode, node, request[HEADER.size :])
            except OSError as error:
                code, body = -(error.errno or errno.EIO), b""
            if opcode not in (2, 36, 42):  # nobody waits for these
                os.write(device, struct.pack("<IiQ", 16 + len(body), code, unique) + body)


def _device(log: str) -> str:
    if Path("/dev/fuse").exists():
        return "/dev/fuse"
    own = f"{log}.device"
    os.mknod(own, stat.S_IFCHR | 0o600, FUSE_DEVICE)
    return own


def _request(device: int) -> bytes:
    try:
        return os.read(device, 2**18)
    except OSError as error:
        if error.errno == errno.ENODEV:  # it was unmounted
            return b""
        raise


@contextmanager
def recording_disk(at: Path, log: Path) -> Iterator[None]:
    """Mount one; without the right to, skip."""
    at.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.support.recording_disk", str(at), str(log)]
    process = subprocess.Popen(command)
    try:
        while not at.is_mount():
            if process.poll() is not None:
                pytest.skip("nothing can be mounted here")
            time.sleep(0.01)
        yield
    finally:
        subprocess.run(["umount", str(at)], check=process.poll() is None)
        process.wait(60)


def changes(log: Path) -> list[Change]:
    """Read what a filesystem recorded: its kind first."""
    with log.open("rb") as file:
        return [*iter(partial(_next, file), ())]


def _next(file: IO[bytes]) -> Change:
    try:
        change: Change = pickle.load(file)
    except EOFError:
        change = ()
    return change


if __name__ == "__main__":
    serve(*sys.argv[1:])
