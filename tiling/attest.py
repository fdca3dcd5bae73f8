"""What a worker must prove before it gets a tile: the digests of fixed probes.

A probe is all cases of `tiling.kernels.probe` for one pair of dtypes and one edge mode; its weights
are given, so nobody's `exp` matters. A job needs the probes of the passes that it makes. What SciPy
makes of each stands in `tiling.attested`; so whoever compares needs no SciPy of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import xxhash

from tiling.attested import MODES, TABLE
from tiling.job import Job
from tiling.kernels import Kernel
from tiling.operations import Correlations

DIGITS = 12
"""Hexadecimal digits of a digest: 48 bits tell any honest difference; a liar is not stopped so."""


@functools.cache
def expected() -> Mapping[str, str]:
    """Return the digest of every probe there is, as SciPy 1.17 gives it on x86-64."""
    rows = (line.split() for line in TABLE.splitlines() if line)
    return {
        f"{source}-{target}-{mode}": digest
        for source, target, *digests in rows
        for mode, digest in zip(MODES, digests, strict=True)
    }


def needed(job: Job) -> tuple[str, ...]:
    """Return the probes that a job needs, in order; none if it only copies.

    Examples
    --------
    >>> import numpy as np
    >>> from tiling.filters import FILTERS
    >>> call = FILTERS["gaussian_filter"].call(2, np.dtype("i4"), 1, mode=["wrap", "reflect"])
    >>> needed(Job(2, (call,)))
    ('int32-int32-reflect', 'int32-int32-wrap')
    """
    program = job.program
    dtypes = program.dtypes
    return tuple(
        sorted(
            {
                f"{dtypes[step.inputs[0]].name}-{step.target.name}-{each.mode}"
                for step in program.steps
                if isinstance(step.operation, Correlations)
                for each in step.operation.passes
            }
        )
    )


def digest_of(name: str, kernel: Kernel) -> str:
    """Let a kernel compute a probe; return the digest of what it makes.

    Parameters
    ----------
    name : str
        A key of `expected`.
    kernel : Kernel
    """
    from tiling.kernels.probe import cases

    source, target, mode = name.split("-")
    state = xxhash.xxh3_128()
    for case in cases([(source, target)]):
        if case.mode == mode:
            state.update(case.outcome(kernel).data)
    return state.hexdigest()[:DIGITS]


def first_difference(
    names: Iterable[str], got: Mapping[str, object], wanted: Mapping[str, str]
) -> str | None:
    """Return the first probe whose digest is not the wanted one.

    Examples
    --------
    >>> first_difference(["a", "b"], {"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    'b'
    """
    return next((name for name in names if got.get(name) != wanted[name]), None)
