"""Digests of fixed probes, by which a worker proves its bits before it gets a tile.

A probe is all cases of `tiling.probes.correlations` for one pair of dtypes and one edge mode, or
one of `tiling.probes.windows` or `tiling.probes.arithmetic`; its weights are constants, and do not
depend on a machine's `exp`. A job needs the probes of the operations that it is made of. What SciPy
makes of each stands in `tiling.probes.expected`, so the coordinator needs no SciPy; what NumPy
makes of arithmetic depends on the processor, and is computed by the coordinator.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import xxhash

from tiling.dtypes import Dtype
from tiling.jobs.job import Job
from tiling.kernels import Kernel
from tiling.operations import KINDS, Arithmetic, Correlations, Operation, Step
from tiling.probes.expected import MODES, TABLE, WINDOWS

SUBNORMALS = "subnormals"
"""The probe of every job that reads or writes floats, or passes them on between its steps."""

DIGITS = 12
"""Hexadecimal digits of a digest: 48 bits find every difference but a forged one."""


class Expected(Mapping[str, str]):
    """The digests of all probes, by name: SciPy's from the table, NumPy's computed when asked for.

    Examples
    --------
    >>> "add-float32" in Expected(), "add-float16" in Expected()
    (True, False)
    """

    def __getitem__(self, name: str) -> str:
        """Return the digest of a probe.

        Parameters
        ----------
        name : str

        Returns
        -------
        str
            `DIGITS` hexadecimal digits.

        Raises
        ------
        KeyError
            If there is no such probe.
        """
        return _computed_digest(name) if name in _computed_names() else _table()[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a probe of this name, without computing it."""
        return name in _table() or name in _computed_names()

    def __iter__(self) -> Iterator[str]:
        """Yield all names."""
        yield from _table()
        yield from _computed_names()

    def __len__(self) -> int:
        """Return the number of probes."""
        return len(_table()) + len(_computed_names())


def expected() -> Expected:
    """Return the digest of every probe there is: SciPy 1.17 on x86-64, and NumPy here."""
    return Expected()


@functools.cache
def _computed_names() -> frozenset[str]:
    from tiling.probes import arithmetic

    return frozenset(arithmetic.names())


@functools.cache
def _computed_digest(name: str) -> str:
    from tiling.probes import arithmetic

    return _digest(arithmetic.outcomes(name))


def of_kernels() -> Mapping[str, str]:
    """Return the digests of the probes that a kernel computes."""
    return {name: digest for name, digest in _table().items() if name != SUBNORMALS}


def quick() -> list[str]:
    """Return the probes of a start: one edge mode of every pair of dtypes, and all windows."""
    return [name for name in of_kernels() if name.count("-") == 1 or name.endswith("-reflect")]


@functools.cache
def _table() -> Mapping[str, str]:
    rows = (line.split() for line in TABLE.splitlines() if line)
    windows = dict(line.split() for line in WINDOWS.splitlines() if line)
    return windows | {
        f"{source}-{target}-{mode}": digest
        for source, target, *digests in rows
        for mode, digest in zip(MODES, digests, strict=True)
    }


@functools.lru_cache(maxsize=64)  # it holds for any fill value, where -0.0 passes for 0.0
def needed(job: Job) -> tuple[str, ...]:
    """Return the probes that a job needs, in order; none if it only copies integers.

    Parameters
    ----------
    job : Job

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
    sources = (tuple(dtypes[number] for number in step.inputs) for step in program.steps)
    found = {name for each in map(_probes, program.steps, sources) for name in each}
    if any(dtype.kind in "fc" for dtype in dtypes):
        found.add(SUBNORMALS)
    return tuple(sorted(found))


def _probes(step: Step, sources: tuple[Dtype, ...]) -> Iterator[str]:
    match step.operation:
        case Correlations(()):
            yield from (f"copy-{source.name}" for source in sources if source.kind in "fc")
        case Correlations(passes):
            yield from (f"{sources[0].name}-{step.target.name}-{each.mode}" for each in passes)
        case Operation() as operation:
            yield f"{operation.KIND}-{sources[0].name}"
        case Arithmetic(function) if not step.operation.by_layout:
            yield f"{function}-{np.result_type(*sources).name}"


def digest_of(name: str, kernel: Kernel) -> str:
    """Let a kernel compute a probe; return the digest of what it makes.

    Parameters
    ----------
    name : str
        A key of `expected`.
    kernel : Kernel
    """
    return _digest(_outcomes(name, kernel))


def _digest(outcomes: Iterable[bytes]) -> str:
    state = xxhash.xxh3_128()
    for data in outcomes:
        state.update(data)
    return state.hexdigest()[:DIGITS]


def _outcomes(name: str, kernel: Kernel) -> Iterator[bytes]:
    if name.count("-") == 2:
        from tiling.probes.correlations import cases

        source, target, mode = name.split("-")
        for case in cases([(source, target)]):
            if case.mode == mode:
                yield case.outcome(kernel).tobytes()
    elif name.partition("-")[0] in KINDS:
        from tiling.probes import windows

        yield from windows.outcomes(name, kernel)
    else:
        from tiling.probes import arithmetic

        yield from (
            arithmetic.subnormal_outcomes() if name == SUBNORMALS else arithmetic.outcomes(name)
        )


def first_difference(
    names: Iterable[str], got: Mapping[str, object], reference: Mapping[str, str]
) -> str | None:
    """Return the first probe whose digest is not the wanted one.

    Parameters
    ----------
    names : iterable of str
        The probes, in the order in which they are compared.
    got : mapping of str to object
        Digests from a worker, not checked.
    wanted : mapping of str to str
        A digest for each name.

    Examples
    --------
    >>> first_difference(["a", "b"], {"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    'b'
    """
    return next((name for name in names if got.get(name) != reference[name]), None)
