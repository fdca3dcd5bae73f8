"""Workers whose machine computes other bits than this one are told apart by the probes."""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.kernels import reference
from tiling.probes.digests import SUBNORMALS, digest_of, expected, first_difference, needed

X86 = platform.machine() in {"x86_64", "AMD64"}
FUSED = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
"""Settings of NumPy without fused multiply-adds."""

MXCSR_DEFAULT = 0x1F80
FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 1 << 15, 1 << 6


def job(name: str, dtype: npt.DTypeLike, **parameters: Any) -> Job:
    return Job(2, (FILTERS[name].call(2, np.dtype(dtype), **parameters),))


def set_mxcsr(value: int) -> None:
    """Set the SSE control register of this thread, as code compiled with ``-ffast-math`` does."""
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(b"\x0f\xae\x17\xc3")  # ldmxcsr [rdi]; ret
        start = ctypes.c_char.from_buffer(page)
        call = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint32))(ctypes.addressof(start))
        call(ctypes.byref(ctypes.c_uint32(value)))
        del start


def digests_without_subnormals(flags: int, names: list[str]) -> dict[str, str]:
    """Return digests that a thread computes after subnormals are switched off in it."""
    found: dict[str, str] = {}

    def compute() -> None:
        set_mxcsr(MXCSR_DEFAULT | flags)
        found.update({name: digest_of(name, reference.run) for name in names})

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    return found


JOBS = {
    "gaussian of float32": job("gaussian_filter", "f4", sigma=1),
    "gaussian of float64": job("gaussian_filter", "f8", sigma=1),
    "gaussian of int16 to float64": job("gaussian_filter", "i2", sigma=1, output="f8"),
    "mean of float32": job("uniform_filter", "f4", size=3),
    "median of float64": job("median_filter", "f8", size=3),
    "erosion of float32": job("binary_erosion", "f4"),
    "minimum of float64": job("minimum_filter", "f8", size=3),
    "copy of float64 to float32": job("gaussian_filter", "f8", sigma=0, output="f4"),
    "gradient of complex64": job("gaussian_gradient_magnitude", "c8", sigma=1),
}


@pytest.mark.skipif(not X86, reason="the control register is x86's")
@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
@pytest.mark.parametrize(
    "flags",
    [FLUSH_TO_ZERO, DENORMALS_ARE_ZERO, FLUSH_TO_ZERO | DENORMALS_ARE_ZERO],
    ids=["flush to zero", "denormals are zero", "both"],
)
def test_a_worker_without_subnormals_is_found_out(job: Job, flags: int) -> None:
    """A library may have switched them off; then every job on floats differs in a probe."""
    names = list(needed(job))
    assert SUBNORMALS in names
    found = digests_without_subnormals(flags, names)
    assert first_difference(names, found, expected()) is not None
    assert found[SUBNORMALS] != expected()[SUBNORMALS]


@pytest.mark.skipif(not X86, reason="the control register is x86's")
def test_kernels_are_probed_with_subnormals() -> None:
    """Each probe of SciPy on floats has some, in case only a kernel drops them."""
    names = [
        name
        for name in expected()
        if name.startswith(("float32-float32", "float64-float64", "complex128-complex128"))
        or name.endswith(("-float32", "-float64", "-complex64"))
        if not name.startswith(("root-", "int", "uint", "bool"))
    ]
    kept = [
        name
        for name, digest in digests_without_subnormals(DENORMALS_ARE_ZERO, names).items()
        if digest == expected()[name]
    ]
    assert kept == []


SCRIPT = """
import sys
from tiling.kernels import reference
from tiling.probes.digests import digest_of
for name in sys.argv[1:]:
    print(digest_of(name, reference.run))
"""


def digests_elsewhere(names: list[str], environment: dict[str, str]) -> dict[str, str]:
    """Return digests that another process computes under other settings."""
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, *names],
        cwd=Path(__file__).parents[3],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(names, answer.stdout.split(), strict=True))


def has_fma() -> bool:
    from numpy._core._multiarray_umath import __cpu_features__

    return bool(__cpu_features__.get("FMA3"))


@pytest.mark.skipif(not X86 or not has_fma(), reason="this processor has no fused multiply-add")
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_worker_without_fused_products_is_found_out(dtype: str) -> None:
    """NumPy's products of complex numbers have other last bits there, and no other probe has."""
    names = list(needed(job("gaussian_gradient_magnitude", dtype, sigma=1)))
    found = digests_elsewhere(names, FUSED)
    differing = {name for name in names if found[name] != expected()[name]}
    assert differing == {f"multiply-{dtype}"}


def test_an_honest_worker_with_fewer_features_passes() -> None:
    """Real arithmetic is the same with and without vectors and fused products."""
    names = [name for name in expected() if "complex" not in name and "-" in name]
    arithmetic = [name for name in names if name.startswith(("add-", "subtract-", "multiply-"))]
    found = digests_elsewhere([*arithmetic, SUBNORMALS, "root-float64", "root-int8"], FUSED)
    assert first_difference(list(found), found, expected()) is None
