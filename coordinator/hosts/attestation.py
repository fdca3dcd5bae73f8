"""Whose bits to believe: a worker's digests of fixed probes against those of SciPy.

On x86-64 the wanted digests come with the code. On other machines SciPy itself may have other bits
(compilers contract multiply and add where the processor can), and the bits promised are those of
the coordinator's machine; so there SciPy is asked here.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping, Sequence

from coordinator.text import inert
from tiling.probes.digests import digest_of, expected, first_difference

TABULATED = frozenset({"x86_64", "AMD64"})
"""What `platform.machine` calls the machines that the table is about."""


def wanted(names: Sequence[str], machine: str = "") -> Mapping[str, str]:
    """Return the digests that a worker must have, by the names of the probes."""
    if (machine or platform.machine()) in TABULATED:
        return expected()
    return {name: _here(name) for name in names}


@functools.cache
def _here(name: str) -> str:
    from tiling.kernels import reference

    return digest_of(name, reference.run)


def proof(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what a worker without a fault has proved: probes, each with the digest it gave."""
    digests = wanted(names)
    return tuple((name, digests[name]) for name in names)


def fault(names: Sequence[str], said: object) -> str | None:
    """Return in words what is wrong with a worker's answer, if anything is.

    Parameters
    ----------
    names : sequence of str
        The probes that it was asked for.
    said : object
        What its JSON says.
    """
    answer = said if isinstance(said, dict) else {}
    digests = answer.get("digests")
    digests = digests if isinstance(digests, dict) else {}
    probe = first_difference(names, digests, wanted(names))
    if probe is None:
        return None
    about = {key: inert(str(answer.get(key, "?")))[:60] for key in ("cpu", "scipy", "numpy")}
    kernel = inert(str(answer.get("kernel", "?")))[:60]
    return (
        f"computes other bits than SciPy 1.17: {probe} is the first probe that differs "
        f"({about['cpu']}, SciPy {about['scipy']}, NumPy {about['numpy']}, kernel {kernel}): "
        "give it the coordinator's versions, or start it with --kernel reference"
    )
