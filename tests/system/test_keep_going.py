"""`coord blur --keep-going`: a tile that fails everywhere does not take the others with it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.coordinators import tiles_in
from tests.support.worker_in_process import address, serve
from tiling.kernels.reference import run as reference
from tiling.operations import Operation

POISON = 12345.5
"""A sample that makes the kernel below fail; no probe block has it."""


def choosy(
    operation: Operation,
    block: npt.NDArray[Any],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
) -> None:
    """Filter every block but the poisoned one."""
    if (block == POISON).any():
        raise ArithmeticError("poisoned")
    reference(operation, block, crop, out)


async def blur(folder: Path, *flags: str) -> tuple[int, str]:
    """Run the command against a choosy worker; return its exit code and what it said."""
    async with serve(kernel=choosy) as (_, client):
        host, port = address(client)
        (folder / "hosts.toml").write_text(f'hosts = ["{host}:{port}"]')
        command = ["-m", "coordinator", "blur", "in.npy", "-o", "out.npy", "--tile", "10"]
        coord = await asyncio.create_subprocess_exec(
            *(sys.executable, *command, "--hosts", "hosts.toml", *flags),
            cwd=folder,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await coord.communicate()
        assert coord.returncode is not None
        return coord.returncode, said.decode()


@pytest.mark.parametrize("flags", [(), ("--keep-going",)], ids=["stop", "keep going"])
def test_a_tile_that_fails_everywhere(
    tmp_path: Path, flags: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """Exit 4, the tile and the worker named, no file; the other tiles are done if asked for."""
    array = np.random.default_rng(1).random((30, 30))
    array[5, 5] = POISON
    np.save(tmp_path / "in.npy", array)
    code, said = asyncio.run(blur(tmp_path, *flags))
    assert code == 4
    block = said.partition("coord: tile 0 failed" if not flags else "coord: 1 tile failed")[2]
    first, second, *_ = block.splitlines()
    assert first == ("" if flags else " wherever it was sent")
    assert second.startswith("  tile 0: 127.0.0.1:" if flags else "  127.0.0.1:")
    assert second.count("HTTP 500") == 1
    assert not (tmp_path / "out.npy").exists()
    assert tiles_in(tmp_path / "out.npy") == 8 or not flags
    assert "poisoned" in caplog.text  # in the worker's log, with its traceback
