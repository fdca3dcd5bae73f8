"""The journal as text: whole lines come back, and nothing else does."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from coordinator.errors import InputError, StoreError
from coordinator.journal import file
from coordinator.journal.file import JournalFile
from coordinator.journal.records import (
    Finished,
    Header,
    JournalError,
    Log,
    encode,
    encode_header,
    parse,
)
from coordinator.journal.recovery import check_same
from coordinator.stores.partial import journal_path

HEADER = Header(
    job="ab" * 32,
    parameters=(("sigma", "[2.0, 1.0]"), ("mode", "wrap \n\u2028 é")),
    input_bytes=1128,
    input_mtime_ns=1_700_000_000_123_456_789,
    input_dtype=">f4",
    output_dtype="<f8",
    shape=(50, 5),
    tile=(16, 5),
    halo=((2, 2), (0, 1)),
)
TILES = tuple(Finished(i, f"{i:032x}", f"{i * i:032x}") for i in range(4))


def journal(header: Header = HEADER, tiles: tuple[Finished, ...] = TILES) -> bytes:
    first, seal = encode_header(header)
    return first + b"".join(encode(each, seal) for each in tiles)


def test_what_was_written_is_read() -> None:
    """Header and tiles come back as they were, whatever the parameters say."""
    log = parse(journal())
    assert (log.header, dict(log.finished), log.torn) == (HEADER, dict(enumerate(TILES)), 0)


@given(st.integers(0, len(journal())))
def test_a_torn_journal_keeps_its_whole_lines(length: int) -> None:
    """Cut anywhere, it loses the line that was cut, and those after the cut."""
    torn = journal()[:length]
    head = journal().index(b"\n")
    if length < head:
        with pytest.raises(JournalError, match="torn"):
            parse(torn)
        return
    log = parse(torn)
    ends = {index + 1 for index, byte in enumerate(journal()) if byte == ord("\n")}
    whole = sum(end <= length or end - 1 == length for end in ends) - 1
    assert list(log.finished.values()) == list(TILES[:whole])


@given(st.integers(0, len(journal()) - 1), st.integers(1, 255))
def test_an_edited_byte_costs_one_line_or_two(position: int, flip: int) -> None:
    """No changed byte is believed: what is read of the tiles was written so."""
    edited = bytearray(journal())
    edited[position] ^= flip
    try:
        log = parse(bytes(edited))
    except JournalError:
        assert position <= journal().index(b"\n")
        return
    assert log.header == HEADER
    assert set(log.finished.values()) <= set(TILES)
    assert len(log.finished) >= len(TILES) - 2  # the end of a line joins two


def test_a_tile_of_another_journal_is_no_tile_of_this_one() -> None:
    """A line is bound to the header that it was written under."""
    other = journal(replace(HEADER, tile=(8, 5)))
    mixed = journal(tiles=()) + other.partition(b"\n")[2]
    log = parse(mixed)
    assert (dict(log.finished), log.torn) == ({}, len(TILES))


def test_the_later_line_of_a_tile_counts() -> None:
    """A tile that was computed again has the digests of the second time."""
    again = Finished(1, "0" * 32, "f" * 32)
    assert parse(journal(tiles=(*TILES, again))).finished[1] == again


def test_another_version_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal of another form is named as such."""
    monkeypatch.setattr("coordinator.journal.records.VERSION", 2)
    newer = journal()
    monkeypatch.undo()
    with pytest.raises(JournalError, match="another version"):
        parse(newer)


def read(path: Path) -> Log:
    return parse(journal_path(path).read_bytes())


def test_a_journal_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    """What follows a line that was cut short is not torn with it."""
    path = tmp_path / "out.npy"
    written = JournalFile.create(path, HEADER)
    for each in TILES[:2]:
        written.record(each)
    written.close()
    with journal_path(path).open("ab") as torn:
        torn.write(b"0123456789abcdef 2 00")
    more = JournalFile.reopen(path, read(path), 2)
    more.record(TILES[3])
    more.close()
    assert (sorted(read(path).finished), read(path).torn) == ([0, 1, 3], 1)


def test_a_full_disk_leaves_a_readable_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a line fits: the lines before it are still there, and no line is written after it."""
    path = tmp_path / "out.npy"
    written = JournalFile.create(path, HEADER)
    written.record(TILES[0])
    real, room = file.os.write, [20]

    def write(descriptor: int, line: bytes) -> int:
        if not room:
            raise OSError(28, "No space left on device")
        return real(descriptor, line[: room.pop()])

    monkeypatch.setattr(file.os, "write", write)
    with pytest.raises(StoreError, match="No space left on device"):
        written.record(TILES[1])
    monkeypatch.undo()
    with pytest.raises(StoreError, match="closed"):
        written.record(TILES[2])
    written.close()
    assert (sorted(read(path).finished), read(path).torn) == ([0], 1)


FORGED: dict[str, dict[str, object]] = {
    "no number": {"input_bytes": "1128"},
    "a fraction": {"input_bytes": 1.5},
    "a flag": {"input_bytes": True},
    "less than nothing": {"shape": [-1, 5]},
    "beyond 64 bits": {"shape": [10**400, 5]},
    "a time beyond all calendars": {"input_mtime_ns": 10**30},
    "tiles of nothing": {"tile": [0, 5]},
    "another rank": {"tile": [16]},
    "a halo of one side": {"halo": [[2], [0]]},
    "words for a shape": {"shape": "50"},
    "parameters that are no pairs": {"parameters": [["sigma"]]},
    "a job that is none": {"job": None},
    "a field too many": {"more": 1},
    "another version's type": {"version": [1]},
    "nesting": {"parameters": [[[[[[]]]]]]},
}


def forged(text: str) -> bytes:
    """Return a header line whose checksum is right."""
    return f"{xxhash.xxh3_64_hexdigest(text.encode())} {text}\n".encode()


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_forged_header_is_refused(change: dict[str, object]) -> None:
    """Whoever can write beside the output can write a checksum that fits."""
    text = json.dumps({"version": 1, **asdict(HEADER), **change})
    with pytest.raises(JournalError):
        parse(forged(text))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, "{" * 9, "1" * 5000])
def test_a_header_that_is_none_is_refused(text: str) -> None:
    """Whatever it is instead."""
    with pytest.raises(JournalError):
        parse(forged(text))


@pytest.mark.parametrize(
    "line", ["-1 00 00", "9 00", "x 00 00", "9" * 5000 + " 00 00", "1 00 zz", "\u0661 00 00", ""]
)
def test_a_forged_line_is_no_tile(line: str) -> None:
    """It counts as torn."""
    first, seal = encode_header(HEADER)
    checksum = xxhash.xxh3_64_hexdigest(f"{seal}{line}".encode())
    log = parse(first + f"{checksum} {line}\n".encode())
    assert (dict(log.finished), log.torn) == ({}, 1)


def test_what_a_header_says_moves_no_cursor() -> None:
    """Parameters are told in words, and words may come from a stranger."""
    was = replace(HEADER, job="cd" * 32, parameters=(("\x1b[2Jsigma", "\x1b]0;x\x07"),))
    with pytest.raises(InputError) as told:
        check_same("out.npy", was, HEADER)
    assert "\x1b" not in str(told.value)
    assert "\x07" not in str(told.value)
