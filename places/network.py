"""Whether a file is on a disk of this machine, and which machine that is."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from tiling.protocol.boot import boot_name

LOCAL = frozenset(
    {
        *(0xEF53, 0x58465342, 0x9123683E, 0x01021994),  # ext4, XFS, Btrfs, tmpfs
        *(0x2FC12FC1, 0xF2F52010, 0xCA451A4E, 0x858458F6),  # ZFS, F2FS, bcachefs, ramfs
        *(0x3153464A, 0x52654973),  # JFS, ReiserFS
    }
)
"""What `statfs` calls file systems whose files nobody writes from elsewhere; see linux/magic.h."""


BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Statfs(ctypes.Structure):
    _fields_ = [("type", ctypes.c_long), ("rest", ctypes.c_byte * 248)]


def is_local(descriptor: int) -> bool:
    """Tell whether an open file is on a disk of this machine; when in doubt, it is not."""
    if sys.platform != "linux":  # the structure is Linux's
        return False
    about = _Statfs()
    try:
        fails = ctypes.CDLL(None, use_errno=True).fstatfs(descriptor, ctypes.byref(about))
    except (OSError, AttributeError):  # another C library
        return False
    return not fails and about.type & 0xFFFFFFFF in LOCAL


def boot() -> str:
    """Return what names this machine since it was booted; empty where the system does not tell."""
    try:
        return boot_name(BOOT_ID.read_bytes())
    except OSError:
        return ""


def identity(descriptor: int) -> tuple[int, int]:
    """Return what tells an open file from all others of a machine."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
