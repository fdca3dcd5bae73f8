"""The compiled kernel is left, with one note, whatever is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from tiling.errors import UnsupportedError
from tiling.kernels import compiled, reference
from tiling.probes.select import select

PAIRS = [("float32", "float32")]


@pytest.mark.parametrize(
    "error",
    [
        ImportError("no numba"),
        EOFError("Ran out of input"),
        NotImplementedError("not usable in pure-python"),
        RuntimeError("array type not supported"),
        OSError(5, "Input/output error"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_compiled_kernel_that_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """SciPy's own functions serve; who asked for the compiled one hears why not."""

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(compiled, "run", fail)
    selected = select("auto", None, PAIRS)
    assert (selected.name, selected.kernel) == ("reference", reference.run)
    assert str(error) in selected.note
    assert "\n" not in selected.note
    with pytest.raises(UnsupportedError, match="can't serve"):
        select("compiled", None, PAIRS)
