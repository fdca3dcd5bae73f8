"""What blocks travel in: the user's choice, what both ends have, and the speed of the link."""

from __future__ import annotations

import pytest

from coordinator.engines.http import link as links
from coordinator.engines.http.link import Direction, Link, check_codec, chosen
from coordinator.errors import InputError
from coordinator.hosts.hosts_file import parse_hosts


@pytest.mark.parametrize(
    ("choice", "mb_s", "want"),
    [
        ("auto", None, ("narrow",)),
        ("auto", 4000, ("narrow",)),
        ("auto", 400, ("narrow",)),
        ("auto", 399, ("narrow", "lz4")),
        ("auto", 60, ("narrow", "lz4")),
        ("auto", 59, ("narrow", "zstd")),
        ("none", 1, ()),
        ("narrow", 1, ("narrow",)),
        ("lz4", None, ("narrow", "lz4")),
        ("zstd", 4000, ("narrow", "zstd")),
    ],
)
def test_what_is_chosen(choice: links.Codec, mb_s: float | None, want: tuple[str, ...]) -> None:
    """Packed only on a slow link, unless the user says so."""
    speed = None if mb_s is None else mb_s * 1e6
    assert chosen(choice, speed, speed or 0.0) == want


def test_thresholds_are_arguments() -> None:
    """The policy knows no number of its own."""
    assert chosen("auto", 5.0, 5.0, lz4_below=10, zstd_below=3) == ("narrow", "lz4")
    assert chosen("auto", 5.0, 5.0, lz4_below=10, zstd_below=7) == ("narrow", "zstd")
    assert chosen("auto", 5.0, 5.0, lz4_below=4, zstd_below=3) == ("narrow",)


def test_a_speed_follows_what_is_measured() -> None:
    """Unknown at first, then by bytes and seconds of the latest transfers; no time is no news."""
    speed = Direction()
    assert speed.bytes_per_s is None
    speed.add(100, 1.0, 0.999)
    assert speed.bytes_per_s is None
    for turn in range(50):
        speed.add(1000, 10.0 * turn, 10.0 * (turn + 1))
    assert speed.bytes_per_s == pytest.approx(100)
    for turn in range(20):
        speed.add(1000, 500.0 + turn, 501.0 + turn)
    assert 900 < (speed.bytes_per_s or 0) < 1000


def test_transfers_at_the_same_time() -> None:
    """Three that share a link for three seconds are as fast as the link, not a third of it."""
    speed = Direction()
    for end in (2.8, 3.0, 2.9):
        speed.add(100, 0.0, end)
    assert speed.bytes_per_s == pytest.approx(100, rel=0.3)


def test_each_direction_has_its_own_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pays, of what both ends have."""
    link = Link("auto", [])
    link.there.add(10**6, 0, 0.1)
    link.back.add(10**6, 0, 0.001)
    assert link.sends() == ()
    link.announced = ("narrow", "zstd", "lz4")
    monkeypatch.setattr(links, "codecs", lambda: ("narrow", "lz4", "zstd"))
    assert link.sends() == ("narrow", "zstd")
    assert link.accepts() == ("narrow",)
    monkeypatch.setattr(links, "codecs", lambda: ("narrow",))
    assert link.sends() == ("narrow",)


def test_many_slow_links_are_packed_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share this machine's cores, and most likely its own link; quick ones do not count."""
    monkeypatch.setattr(links, "codecs", lambda: ("narrow", "lz4", "zstd"))
    every: list[Link] = []
    fleet = [Link("auto", every) for _ in range(8)]
    for number, link in enumerate(fleet):
        link.announced = ("narrow", "lz4", "zstd")
        link.there.add(10**7, 0, 0.5 if number < 2 else 0.01)
    assert [link.sends()[1:] for link in fleet] == [("zstd",)] * 2 + [()] * 6
    for link in fleet[2:]:
        link.there.add(10**8, 1, 10)
    assert [link.sends()[1:] for link in fleet] == [("lz4",)] * 8


def test_a_packer_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wanting it is refused, with what to install; auto does without."""
    monkeypatch.setattr(links, "codecs", lambda: ("narrow",))
    for choice in ("auto", "none", "narrow"):
        check_codec(choice)
    with pytest.raises(InputError, match=r"pip install 'tilefan\[codecs\]'"):
        check_codec("zstd")


def test_a_codec_that_there_is_not() -> None:
    """It is named, with those that there are."""
    with pytest.raises(InputError, match="auto none narrow lz4 zstd, not 'gzip'"):
        parse_hosts(["a"]).with_codec("gzip")  # type: ignore[arg-type]
