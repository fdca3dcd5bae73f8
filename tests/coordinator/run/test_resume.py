"""A run that was cut short goes on where it ended, and gives the same bits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.errors import InputError, StoreError, VerifyError
from coordinator.stores import flat_sink
from coordinator.stores.files import Target
from coordinator.stores.place import Place
from tests.coordinator.run.cut_short import (
    SHAPE,
    SIGMA,
    TILE,
    TILES,
    Killed,
    Watched,
    Workbench,
    kill,
)
from tests.support.equality import assert_same_bits
from tests.support.formats import FITS, FLAT, NIFTI_GZ, parameters


@pytest.fixture(params=parameters((*FLAT, NIFTI_GZ)))
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workbench:
    return Workbench(tmp_path, monkeypatch, request.param)


def assert_done(bench: Workbench) -> None:
    """The output is SciPy's, and nothing lies beside it."""
    assert_same_bits(bench.result(), gaussian_filter(bench.input(), SIGMA))
    assert bench.left == {bench.target.name}


@pytest.mark.parametrize("after", range(1, TILES + 1))
def test_it_goes_on_where_it_ended(bench: Workbench, after: int) -> None:
    """No finished tile is computed again, wherever the run ended."""
    bench.die(after)
    assert bench.left == bench.hidden
    engine = bench.blur(resume=True)
    assert engine.sent == list(range(after, TILES))
    assert_done(bench)


def test_it_can_end_early_again_and_again(bench: Workbench) -> None:
    """Each resumption adds to what the ones before it left."""
    bench.die(1)
    for _ in range(TILES - 2):
        with pytest.raises(Killed):
            bench.blur(Watched(1, kill), resume=True)
    assert bench.blur(resume=True).sent == [TILES - 1]
    assert_done(bench)


def test_the_message_ends_with_the_line_that_goes_on(bench: Workbench) -> None:
    """Whatever ends a run, its error says what is left and how to go on."""

    def fail() -> None:
        raise StoreError("no more")

    with pytest.raises(StoreError, match="no more") as caught:
        bench.blur(Watched(3, fail))
    assert caught.value.__notes__ == [
        "3 of 8 tiles are kept; go on with:\n  coord blur in.npy --resume"
    ]


def test_an_error_before_any_tile_leaves_nothing(bench: Workbench) -> None:
    """There is nothing to resume, so nothing is left, and no line says otherwise."""
    with pytest.raises(Killed) as caught:
        bench.blur(Watched(0, kill))
    assert (bench.left, getattr(caught.value, "__notes__", [])) == (set(), [])


def test_workers_that_disagree_leave_nothing(bench: Workbench) -> None:
    """When two answers to one tile differ, nobody knows which others to believe."""

    def disagree() -> None:
        raise VerifyError("tile 3: different bits")

    with pytest.raises(VerifyError):
        bench.blur(Watched(3, disagree))
    assert bench.left == set()


def test_the_tile_of_the_unfinished_run_is_taken(bench: Workbench) -> None:
    """Without --tile, the plan is the journal's, whatever this fleet would have chosen."""
    bench.die(3)
    assert bench.blur(tile=None, resume=True).sent == [3, 4, 5, 6, 7]
    assert_done(bench)


def touch(bench: Workbench) -> None:
    os.utime(bench.source, ns=(0, bench.source.stat().st_mtime_ns + 1))


def grow(bench: Workbench) -> None:
    with bench.source.open("ab") as file:
        file.write(b"\0")


def reshape(bench: Workbench) -> None:
    bench.save(np.zeros((61, 7)))


def retype(bench: Workbench) -> None:
    bench.save(np.zeros(SHAPE, "f4"))


def swap(bench: Workbench) -> None:
    if bench.library is FITS:
        pytest.skip("all FITS files are big-endian")
    bench.save(np.zeros(SHAPE, ">f8"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (touch, "the input changed: it was modified"),
        (grow, r"the input changed: it had \d+ bytes, and has \d+"),
        (reshape, r"it was float64.* \(60, 7\), and is float64.* \(61, 7\)"),
        (retype, r"it was float64.* \(60, 7\), and is float32.* \(60, 7\)"),
        (swap, r"it was float64 \(60, 7\), and is float64 \(big-endian\) \("),
    ],
    ids=["modified", "grown", "other shape", "other dtype", "other byte order"],
)
def test_another_input_is_refused(
    bench: Workbench, change: Callable[[Workbench], None], words: str
) -> None:
    """It says what about the input changed, and leaves all as it was."""
    bench.die(3)
    change(bench)
    with pytest.raises(InputError, match=words):
        bench.blur(resume=True)
    assert bench.left == bench.hidden


def test_an_input_edited_behind_its_clock_is_refused(bench: Workbench) -> None:
    """Size and time are the same; the block of a finished tile is not."""
    bench.die(3)
    before = bench.source.stat()
    changed = bench.input()
    changed[0, 0] += 1
    bench.save(changed)
    os.utime(bench.source, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match="the input changed: tile 0 reads other bytes"):
        bench.blur(resume=True)


@pytest.mark.parametrize(
    ("tile", "parameters", "words"),
    [
        (TILE, {"sigma": 2.0}, "sigma was 1.5, and is 2.0"),
        (TILE, {"mode": "wrap"}, "mode was None, and is wrap"),
        (TILE, {"output": "float32"}, "output was None, and is float32"),
        ((16, 7), {}, "tile was 8,7, and is 16,7"),
        ((16, 7), {"sigma": 2.0}, "sigma was 1.5, and is 2.0; tile was 8,7, and is 16,7"),
    ],
    ids=["sigma", "mode", "dtype", "tile", "both"],
)
def test_another_filter_or_plan_is_refused(
    bench: Workbench, tile: tuple[int, ...], parameters: dict[str, object], words: str
) -> None:
    """It says what was asked before, and what is asked now; the unfinished run is still there."""
    bench.die(3)
    with pytest.raises(InputError, match=words):
        bench.blur(tile=tile, parameters=parameters, resume=True)
    bench.blur(resume=True)
    assert_done(bench)


def test_the_same_in_other_words_is_the_same(bench: Workbench) -> None:
    """What counts is what is computed, not how it was said."""
    bench.die(3)
    same = {"sigma": [SIGMA, SIGMA], "mode": "reflect", "truncate": 4.0}
    assert len(bench.blur(parameters=same, resume=True).sent) == TILES - 3
    assert_done(bench)


def test_tiles_are_not_thrown_away_unless_told_so(bench: Workbench) -> None:
    """Without --resume, an unfinished run is in the way; --overwrite takes it away, and says so."""
    bench.die(3)
    with pytest.raises(InputError, match=r"left 3 tiles .* by --resume, or .* --overwrite"):
        bench.blur()
    assert len(bench.blur(overwrite=True).sent) == TILES
    assert bench.said == [f"{bench.target}: starting anew; --resume would have kept 3 tiles"]
    assert_done(bench)


def test_nothing_to_resume_is_no_error(bench: Workbench) -> None:
    """A script may always say --resume."""
    assert len(bench.blur(resume=True).sent) == TILES
    assert "nothing to resume" in bench.said[0]
    assert_done(bench)


def tear(bench: Workbench) -> None:
    data = bench.journal.read_bytes()
    bench.journal.write_bytes(data[:-10])


def edit(bench: Workbench) -> None:
    lines = bench.journal.read_bytes().splitlines(keepends=True)
    bench.journal.write_bytes(b"".join((*lines[:2], lines[2].replace(b" 1 ", b" 7 "), *lines[3:])))


def scribble(bench: Workbench) -> None:
    first = gaussian_filter(bench.input(), SIGMA)[0, 0]
    data = bench.partial.read_bytes()
    at = max(data.find(first.tobytes()), data.find(first.byteswap().tobytes()))
    assert at > 0
    bench.partial.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def shorten(bench: Workbench) -> None:
    with bench.partial.open("r+b") as file:
        file.truncate(60 * 7 * 8)


def behead(bench: Workbench) -> None:
    bench.journal.write_bytes(b"x" + bench.journal.read_bytes())


@pytest.mark.parametrize(
    ("spoil", "again"),
    [
        (tear, [2, 3, 4, 5, 6, 7]),
        (edit, [1, 3, 4, 5, 6, 7]),
        (scribble, [0, 3, 4, 5, 6, 7]),
        (shorten, list(range(8))),
        (behead, list(range(8))),
        (lambda bench: bench.journal.unlink(), list(range(8))),
        (lambda bench: bench.partial.unlink(), list(range(8))),
    ],
    ids=["torn", "edited", "output", "short output", "header", "no journal", "no output"],
)
def test_what_is_spoilt_is_computed_again(
    bench: Workbench, spoil: Callable[[Workbench], None], again: list[int]
) -> None:
    """A damaged journal or output costs time, never a bit."""
    bench.die(3)
    spoil(bench)
    assert bench.blur(resume=True).sent == again
    assert_done(bench)


def test_a_second_coordinator_is_refused(bench: Workbench) -> None:
    """While one writes an output, another one can neither begin nor resume it."""
    refused = []

    def intrude() -> None:
        for options in ({"resume": True}, {"overwrite": True}, {}):
            with pytest.raises(StoreError, match="another coordinator is writing it") as caught:
                files_blur(bench, **options)
            refused.append(caught.value.exit_code)

    bench.blur(Watched(2, intrude))
    assert refused == [7, 7, 7]
    assert_done(bench)


def files_blur(bench: Workbench, **options: bool) -> None:
    bench.blur(Watched(), **options)


def test_the_lock_goes_with_the_run(bench: Workbench) -> None:
    """A sink that was left can be opened again at once, though its array is still referred to."""
    first = Target.of(Place(bench.target), (3, 4), np.dtype("f8")).create()
    assert first.suspend()
    second = Target.of(Place(bench.target), (3, 4), np.dtype("f8")).create(keep=True)
    second.discard()
    assert first.array.shape == second.array.shape


def test_a_folder_that_vanishes(bench: Workbench) -> None:
    """Half-way through, the output's folder is removed: exit 7, and no line to resume."""

    def vanish() -> None:
        shutil.rmtree(bench.target.parent)

    with pytest.raises(StoreError, match="can't be written: No such file or directory") as caught:
        bench.blur(Watched(4, vanish))
    assert (caught.value.exit_code, getattr(caught.value, "__notes__", [])) == (7, [])
    assert not bench.target.parent.exists()


def test_a_name_taken_by_a_folder_at_the_last_moment(bench: Workbench) -> None:
    """The output can't be put in place: exit 7, and everything is kept for another try."""
    with pytest.raises(StoreError, match="somebody has made this file") as caught:
        bench.blur(Watched(TILES, bench.target.mkdir))
    assert caught.value.exit_code == 7
    bench.target.rmdir()
    assert bench.blur(resume=True).sent == []
    assert_done(bench)


def test_a_disk_that_is_full_at_the_start(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room for the output: exit 7 and nothing is left; what was kept before stays kept."""

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(flat_sink.os, "posix_fallocate", full)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        bench.blur()
    assert (caught.value.exit_code, bench.left) == (7, set())


def test_a_disk_that_is_full_when_resuming(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept stays kept."""
    bench.die(3)

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(flat_sink.os, "posix_fallocate", full)
    with pytest.raises(StoreError, match="No space left on device"):
        bench.blur(resume=True)
    assert bench.left == bench.hidden


def test_a_name_with_no_room_for_the_partial_file(bench: Workbench) -> None:
    """The name itself is short enough, the hidden one beside it is not: exit 7, in words."""
    bench.target = bench.target.with_name("x" * 250)
    with pytest.raises(StoreError, match="its name is too long: 250 bytes"):
        bench.blur()
    assert bench.left == set()
