"""Attestation: a worker's digests of fixed probes against those of SciPy.

On x86-64 the expected digests come with the code. On other machines SciPy itself may have other
bits (compilers contract multiply and add where the processor can), and the bits promised are those
of the coordinator's machine; so there SciPy computes the probes here.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping, Sequence

from coordinator.text import inert
from tiling.operations.arithmetic import FUNCTIONS
from tiling.probes.digests import SUBNORMALS, digest_of, expected, first_difference

TABULATED = frozenset({"x86_64", "AMD64"})
"""Names that `platform.machine` has for the architecture of the table."""


def expected_digests(names: Sequence[str], machine: str = "") -> Mapping[str, str]:
    """Return the digests that a worker must have, by the names of the probes.

    Parameters
    ----------
    names : sequence of str
    machine : str
        Architecture of the coordinator; this machine's unless given.
    """
    if (machine or platform.machine()) in TABULATED:
        return expected()
    return {name: _computed_here(name) for name in names}


@functools.cache
def _computed_here(name: str) -> str:
    from tiling.kernels import reference

    return digest_of(name, reference.run)


def attested(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the probes that an accepted worker has computed, each with its digest."""
    digests = expected_digests(names)
    return tuple((name, digests[name]) for name in names)


def attestation_error(names: Sequence[str], answer: object) -> str | None:
    """Return the error of a worker's answer as a sentence, or None for a right answer.

    Parameters
    ----------
    names : sequence of str
        The probes that it was asked for.
    answer : object
        Its JSON, parsed and not checked.
    """
    fields = answer if isinstance(answer, dict) else {}
    digests = fields.get("digests")
    digests = digests if isinstance(digests, dict) else {}
    probe = first_difference(names, digests, expected_digests(names))
    if probe is None:
        return None
    cpu, scipy, numpy, kernel = (
        inert(str(fields.get(key, "?")))[:60] for key in ("cpu", "scipy", "numpy", "kernel")
    )
    return (
        f"computes other bits than SciPy 1.17: {probe} is the first probe that differs "
        f"({cpu}, SciPy {scipy}, NumPy {numpy}, kernel {kernel}): {_remedy(probe, kernel)}"
    )


def _remedy(probe: str, kernel: str) -> str:
    """Say what helps where this probe differs."""
    from tiling.probes.arithmetic import COPY

    kind = probe.partition("-")[0]
    if probe == SUBNORMALS:
        return (
            "a library in it takes the smallest floats for zero (one compiled with -ffast-math); "
            "start it without that library"
        )
    if kind in FUNCTIONS or kind == COPY:
        return (
            "NumPy computes otherwise on its processor than here; coordinate from a machine like "
            "it, or leave it out"
        )
    versions = "give it the coordinator's versions of NumPy and SciPy"
    return versions if kernel == "reference" else f"{versions}, or start it with --kernel reference"
