"""Attestation: the digests of fixed probes, which a worker must have before it gets a tile.

A probe is all cases of `tiling.probes.correlations` for one pair of dtypes and one edge mode, or
one of `tiling.probes.windows`; its weights are given, so nobody's `exp` matters. A job needs the
probes of the operations that it is made of. What SciPy makes of each stands in
`tiling.probes.expected`, so whoever compares needs no SciPy of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping

import xxhash

from tiling.dtypes import Dtype
from tiling.jobs.job import Job
from tiling.kernels import Kernel
from tiling.operations import Correlations, Operation, Step
from tiling.probes.expected import MODES, TABLE, WINDOWS

DIGITS = 12
"""Hexadecimal digits of a digest: 48 bits tell any honest difference; a liar is not stopped so."""


@functools.cache
def expected() -> Mapping[str, str]:
    """Return the digest of every probe there is, as SciPy 1.17 gives it on x86-64."""
    rows = (line.split() for line in TABLE.splitlines() if line)
    windows = dict(line.split() for line in WINDOWS.splitlines() if line)
    return windows | {
        f"{source}-{target}-{mode}": digest
        for source, target, *digests in rows
        for mode, digest in zip(MODES, digests, strict=True)
    }


def needed(job: Job) -> tuple[str, ...]:
    """Return the probes that a job needs, in order; none if it only copies or adds.

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
    found = (_probes(step, dtypes[step.inputs[0]]) for step in program.steps)
    return tuple(sorted({name for names in found for name in names}))


def _probes(step: Step, source: Dtype) -> Iterator[str]:
    match step.operation:
        case Correlations(passes):
            yield from (f"{source.name}-{step.target.name}-{each.mode}" for each in passes)
        case Operation() as operation:
            yield f"{operation.KIND}-{source.name}"


def digest_of(name: str, kernel: Kernel) -> str:
    """Let a kernel compute a probe; return the digest of what it makes.

    Parameters
    ----------
    name : str
        A key of `expected`.
    kernel : Kernel
    """
    state = xxhash.xxh3_128()
    for data in _outcomes(name, kernel):
        state.update(data)
    return state.hexdigest()[:DIGITS]


def _outcomes(name: str, kernel: Kernel) -> Iterator[bytes]:
    from tiling.probes import windows
    from tiling.probes.correlations import cases

    if name.partition("-")[0] in windows.MAKERS:
        yield from windows.outcomes(name, kernel)
        return
    source, target, mode = name.split("-")
    for case in cases([(source, target)]):
        if case.mode == mode:
            yield case.outcome(kernel).tobytes()


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
