"""Jobs as JSON: there and back with the same bits, and nothing believed."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tiling.errors import TilingError, WireError
from tiling.filters import FILTERS, gaussian_filter
from tiling.geometry.edges import Mode
from tiling.geometry.halo import Halo
from tiling.jobs.job import MAX_CALLS, MAX_NDIM, Call, Job
from tiling.kernels import reference
from tiling.kernels.apply import apply
from tiling.operations import Correlations
from tiling.operations.passes import Pass

F4, F8, C16, I4 = (np.dtype(name) for name in ("<f4", "<f8", "<c16", "<i4"))
MODES: tuple[Mode, ...] = ("reflect", "mirror", "nearest", "constant", "wrap")


def job_of(*passes: Pass, ndim: int = 2, source: Any = F4, target: Any = F4) -> Job:
    return Job(ndim, (Call("gaussian_filter", Correlations(passes), source, target),))


def taps(*values: float) -> bytes:
    return np.array(values, "<f8").tobytes()


PINNED = job_of(
    Pass(0, taps(0.25, 0.5, 0.25), "reflect"),
    Pass(1, taps(-0.0, math.inf, 1e-310), "constant", complex(0.1, -2)),
    source=C16,
    target=C16,
)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    ndim = draw(st.integers(1, 5))
    numbers = st.floats(allow_nan=False)

    def one_pass() -> Pass:
        weights = draw(st.lists(st.floats(), min_size=1, max_size=9))
        size = len(weights)
        return Pass(
            draw(st.integers(0, ndim - 1)),
            taps(*weights),
            draw(st.sampled_from(MODES)),
            complex(draw(numbers), draw(numbers)),
            draw(st.integers(-(size // 2), (size - 1) // 2)),
        )

    steps = draw(st.integers(0, 3))
    passes = tuple(one_pass() for _ in range(steps))
    dtypes = draw(
        st.lists(st.sampled_from([F4, F8, I4] if steps else [F4, F8]), min_size=2, max_size=4)
    )
    return Job(
        ndim,
        tuple(Call("f", Correlations(passes), a, b) for a, b in itertools.pairwise(dtypes)),
    )


@given(jobs())
def test_there_and_back(job: Job) -> None:
    """Decoding gives the equal job, of the same bytes and the same name."""
    again = Job.decode(job.encode())
    assert again == job
    assert again.encode() == job.encode()
    assert again.digest == job.digest


@given(jobs(), jobs())
def test_different_jobs_have_different_names(a: Job, b: Job) -> None:
    """The digest tells jobs apart."""
    assert (a.digest == b.digest) == (a == b)


def test_the_digest_is_pinned() -> None:
    """Another version of this program on another machine gives the same name."""
    assert PINNED.digest == "1b444a67fbdff3212b991332049ae53e16442a357bf7493953a47f90eb447dbb"


NAN_PAYLOAD = float(np.array(0xFFF80000DEADBEEF, "u8").view("f8"))
FILLS = [math.nan, -math.nan, NAN_PAYLOAD, -math.inf, -0.0, complex(0, math.nan)]


@pytest.mark.parametrize("cval", [*FILLS, complex(-math.nan, NAN_PAYLOAD)])
def test_every_fill_value_travels(cval: complex) -> None:
    """Hexadecimal floats carry what JSON's numbers can't, and a NaN keeps sign and payload."""
    job = job_of(Pass(0, taps(1), "constant", cval))
    (step,) = Job.decode(job.encode()).calls[0].operation.passes
    assert_same_bits(np.array(step.cval, C16), np.array(cval, C16))
    call = FILTERS["minimum_filter"].call(1, F8, 3, mode="constant", cval=complex(cval).real)
    (again,) = Job.decode(Job(1, (call,)).encode()).calls
    assert_same_bits(np.array(again.operation.cval), np.array(complex(cval.real)))


def test_jobs_tell_nans_apart() -> None:
    """Two jobs whose fill values have unlike bits have unlike names."""
    names = {job_of(Pass(0, taps(1), "constant", cval)).digest for cval in FILLS[:3]}
    assert len(names) == 3


def test_halos_of_calls_add_up() -> None:
    """Two calls reach as far as both together; what reflects, as far on either side."""
    passes = Pass(0, taps(1, 2, 3, 4), "wrap"), Pass(1, taps(1, 2, 3), "reflect", 0, 1)
    call = Call("f", Correlations(passes), F4, F4)
    job = Job(2, (call, call))
    assert job.halo == Halo((4, 4), (2, 4))
    assert job.wraps == (True, False)


def test_calls_run_one_after_another() -> None:
    """Each reads what the one before wrote, in the dtype that it wrote, and the last is cropped."""
    x = np.arange(40, dtype="<f4").reshape(5, 8) / 7
    first, second = gaussian_filter(2, F4, 1.0, output=I4), gaussian_filter(2, I4, 0.7, output=F8)
    out = np.empty((3, 2), F8)
    apply(Job(2, (first, second)).program, x, (slice(1, 4), slice(6, 8)), out, reference.run)
    between, whole = np.empty((5, 8), I4), np.empty((5, 8), F8)
    everything = (slice(0, 5), slice(0, 8))
    apply(Job(2, (first,)).program, x, everything, between, reference.run)
    apply(Job(2, (second,)).program, between, everything, whole, reference.run)
    assert_same_bits(out, whole[1:4, 6:8].copy())


def changed(path: str, value: Any) -> bytes:
    """Encode the pinned job with one value changed, or removed if it is `...`."""
    job = json.loads(PINNED.encode())
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place: Any = job
    for key in parents:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(job).encode()


PASS = "calls.0.operation.passes.0"
WRONG = [
    *[("ndim", value) for value in (-1, MAX_NDIM + 1, 10**30, 1, True, 2.0, "2", None, ...)],
    *[("calls", value) for value in ([], {}, None, "ab", [None], [[]], [1], ...)],
    *[("more", 1), ("calls.0.more", 1), ("calls.0.operation.more", 1), (f"{PASS}.more", 1)],
    *[("calls.0.filter", value) for value in (1, None, "x" * 101, ...)],
    *[("calls.0.operation", value) for value in (None, [], "correlations", {}, ...)],
    *[("calls.0.operation.kind", value) for value in ("run", None, [], {}, 1, ...)],
    *[("calls.0.operation.passes", value) for value in (None, {}, "ab", [None], [[]], ...)],
    *[("calls.0.source", value) for value in ("|O", ">f4", "f4", "<f4", "<f2", None, [], {}, ...)],
    *[("calls.0.target", value) for value in ("|V8", "<f8", "", ["<f4"], 4, ...)],
    *[(f"{PASS}.axis", value) for value in (-1, 2, 10**30, 0.0, True, "0", None, ...)],
    *[(f"{PASS}.weights", value) for value in ("", "AAAA", "é", "*" * 8, 1, None, [], ...)],
    *[(f"{PASS}.mode", value) for value in ("", "WRAP", None, [], {}, ...)],
    *[(f"{PASS}.cval", value) for value in ([], ["0x0"], ["0", "x"], [0, 0], "00", None, ...)],
    *[(f"{PASS}.cval", ["0x1p99999", "0"]), (f"{PASS}.cval", ["0", "0", "0"])],
    *[
        (f"{PASS}.cval", ["0", f"nan:{bits}"])
        for bits in ("", "7ff8", "7ff0000000000000", "x" * 16)
    ],
    *[(f"{PASS}.origin", value) for value in (2, -2, 10**30, 0.0, True, "0", None, ...)],
]


@pytest.mark.parametrize(
    ("path", "value"), WRONG, ids=[f"{path}={str(value)[:20]}" for path, value in WRONG]
)
def test_wrong_values_are_refused(path: str, value: Any) -> None:
    """Every key is checked for its type and range, and none may be missing or unknown."""
    with pytest.raises(TilingError):
        Job.decode(changed(path, value))


def test_the_unchanged_job_is_not_refused() -> None:
    """So the refusals above are due to the change."""
    assert Job.decode(changed("ndim", 2)) == PINNED


def test_too_many_calls_are_refused() -> None:
    """A job is no programme."""
    call = PINNED.calls[0]
    assert Job.decode(Job(2, (call,) * MAX_CALLS).encode())
    with pytest.raises(WireError):
        Job.decode(Job(2, (call,) * (MAX_CALLS + 1)).encode())


def test_calls_that_do_not_fit_together_are_refused() -> None:
    """A call reads the dtype that the one before wrote."""
    ints, floats = gaussian_filter(1, I4, 1), gaussian_filter(1, F4, 1)
    with pytest.raises(WireError, match="dtype"):
        Job.decode(Job(1, (ints, floats)).encode())


def decodes_or_refuses(body: bytes) -> None:
    try:
        job = Job.decode(body)
    except TilingError:
        return
    assert job.encode()
    assert job.halo


@given(st.binary(max_size=100))
def test_any_bytes(body: bytes) -> None:
    """Random bytes raise our errors or nothing."""
    decodes_or_refuses(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[" * 10**5, b'{"ndim":' + b"1" * 5000 + b"}", b"\xff\xfe", b"\x00\x00"],
    ids=["empty", "half", "null", "deep", "long number", "utf-16", "zeros"],
)
def test_no_json_is_refused(body: bytes) -> None:
    """Also where the parser itself gives up."""
    with pytest.raises(WireError):
        Job.decode(body)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.data())
def test_any_json_in_any_place(data: st.DataObject) -> None:
    """A job with one value replaced by anything raises our errors or is a job."""
    path = data.draw(st.sampled_from([path for path, _ in WRONG if "more" not in path]))
    decodes_or_refuses(changed(path, data.draw(ANYTHING)))
