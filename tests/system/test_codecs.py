"""What tiles travel in changes what travels, and no bit of the result."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from coordinator import Fleet
from coordinator.events import Event, TileAnswered
from coordinator.hosts.codec import Codec
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess
from tiling.protocol.packing import packers

packs = pytest.mark.skipif(not packers(), reason="numcodecs is not installed")

SMOOTH = ndimage.gaussian_filter(np.random.default_rng(1).random((600, 800), np.float32), 5)
PICTURE = (SMOOTH * 255).astype(np.int32)


@pytest.mark.parametrize(
    ("codec", "picture", "smooth"),
    [
        pytest.param("none", 1.0, 1.0),
        pytest.param("narrow", 0.25, 1.0),
        pytest.param("auto", 0.25, 1.0, id="auto, on this machine"),
        pytest.param("lz4", 0.2, 0.9, marks=packs),
        pytest.param("zstd", 0.2, 0.9, marks=packs),
    ],
)
def test_the_same_bits_in_fewer_bytes(
    two_workers: list[WorkerProcess], codec: Codec, picture: float, smooth: float
) -> None:
    """Each codec, over real workers, for whole numbers and for fractions."""
    answers: list[TileAnswered] = []

    def hear(_: float, event: Event) -> None:
        if isinstance(event, TileAnswered):
            answers.append(event)

    addresses = [worker.address for worker in two_workers]
    with Fleet(addresses, wire_codec=codec, listen=hear) as fleet:
        for array, share in ((PICTURE, picture), (SMOOTH, smooth)):
            answers.clear()
            got = fleet.gaussian_filter(array, 1.0, tile=(600, 400))
            assert_same_bits(got, ndimage.gaussian_filter(array, 1.0))
            blocks = 2 * (600 * 404 + 600 * 400) * 4
            assert sum(event.wire_bytes for event in answers) <= share * blocks
