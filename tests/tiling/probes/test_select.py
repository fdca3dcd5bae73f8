"""The native kernel is left, with one note, whatever is wrong with it."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiling.errors import UnsupportedError
from tiling.kernels import native, reference
from tiling.kernels.native import library
from tiling.probes import select as module
from tiling.probes.select import select

PROBES = ("float32-float32-wrap",)


def assert_left(why: str) -> None:
    selected = select("auto", PROBES)
    assert (selected.name, selected.kernel) == ("reference", reference.run)
    assert why in selected.note
    assert "\n" not in selected.note
    with pytest.raises(UnsupportedError, match="can't serve"):
        select("native", PROBES)


def test_it_serves() -> None:
    """Here it has been built, and has SciPy's bits."""
    assert (
        select("auto", PROBES) == select("native", PROBES) == module.Selected("native", native.run)
    )
    assert select("reference", PROBES).kernel is reference.run


def test_what_does_not_depend_on_a_kernel_is_no_proof() -> None:
    """Nor does it keep one from serving."""
    assert select("native", ("subnormals", "add-float32", "no such probe")).name == "native"


@pytest.mark.parametrize("error", [RuntimeError("no such thing\nat all"), MemoryError("none left")])
def test_a_kernel_that_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """SciPy's own functions serve; who asked for the native one hears why not."""

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(native, "run", fail)
    assert_left(str(error).partition("\n")[0])


def test_a_kernel_that_was_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there was no compiler."""

    def missing() -> int:
        raise OSError("kernel_v1.so: cannot open shared object file")

    monkeypatch.setattr(library, "best_level", missing)
    assert_left("was not built")


@pytest.mark.parametrize("length", [64, 1000, 100_000, -1])
def test_a_kernel_that_was_cut_short(tmp_path: Path, length: int) -> None:
    """The system would load it, and end the process when its missing pages are touched."""
    whole = Path(library.__file__).with_name("kernel_v1.so").read_bytes()
    torn = tmp_path / "torn.so"
    torn.write_bytes(whole[:length])
    with torn.open("rb") as file, pytest.raises(OSError, match=r"torn\.so: it was cut short"):
        library.check_whole(file)
    torn.write_bytes(whole)
    with torn.open("rb") as file:
        library.check_whole(file)


def test_another_library_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has none of the functions."""
    library.best_level.cache_clear()
    monkeypatch.setattr(library, "load", lambda _: ctypes.CDLL(None))
    assert_left("machine_level")


def test_a_kernel_whose_bits_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe is named."""

    def nearly(operation: Any, block: Any, crop: Any, out: Any) -> None:
        reference.run(operation, block, crop, out)
        out.flat[0] = np.nextafter(out.flat[0], np.inf)

    monkeypatch.setattr(native, "run", nearly)
    assert_left(PROBES[0])


def test_where_the_table_does_not_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    """SciPy here is asked before the kernel is left."""
    monkeypatch.setattr(module, "of_kernels", lambda: {PROBES[0]: "another one"})
    assert select("auto", PROBES).name == "native"
