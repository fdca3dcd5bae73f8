"""The name of a machine since it was booted, by which workers on one machine are recognised."""

from __future__ import annotations

import xxhash


def boot_name(boot_id: bytes) -> str:
    r"""Return what names a machine: 32 hexadecimal digits.

    A digest, for the id itself need not be known to whoever may ask for health.

    Parameters
    ----------
    boot_id : bytes
        As Linux has it in ``/proc/sys/kernel/random/boot_id``. It is the same in all containers of
        a machine; other names of machines are not: each container has its own, or only the
        administrator may read them.

    Examples
    --------
    >>> boot_name(b"01234567-89ab-cdef-0123-456789abcdef\n")
    '405c76cbce45f8994d2b368b63eb87ea'
    """
    return xxhash.xxh3_128_hexdigest(boot_id.strip())
