"""What blocks travel in: the user's choice, what both ends have, and the speed of the link."""

from __future__ import annotations

import pytest

from coordinator.engines.http import link as links
from coordinator.engines.http.link import Link, Speed, check_codec, chosen
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
    assert chosen(choice, None if mb_s is None else mb_s * 1e6) == want


def test_thresholds_are_arguments() -> None:
    """The policy knows no number of its own."""
    assert chosen("auto", 5.0, lz4_below=10, zstd_below=3) == ("narrow", "lz4")
    assert chosen("auto", 5.0, lz4_below=10, zstd_below=7) == ("narrow", "zstd")
    assert chosen("auto", 5.0, lz4_below=4, zstd_below=3) == ("narrow",)


def test_a_speed_follows_what_is_measured() -> None:
    """Unknown at first, then by bytes and seconds of the latest transfers; no time is no news."""
    speed = Speed()
    assert speed.bytes_per_s is None
    speed.add(100, -0.001)
    assert speed.bytes_per_s is None
    for _ in range(50):
        speed.add(1000, 10.0)
    assert speed.bytes_per_s == pytest.approx(100)
    for _ in range(20):
        speed.add(1000, 1.0)
    assert 900 < (speed.bytes_per_s or 0) < 1000


def test_each_direction_has_its_own_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pays, of what both ends have."""
    link = Link("auto")
    link.there.add(10**6, 0.1)
    link.back.add(10**6, 0.001)
    assert link.codecs(link.there) == ()
    link.announced = ("narrow", "zstd", "lz4")
    monkeypatch.setattr(links, "codecs", lambda: ("narrow", "lz4", "zstd"))
    assert link.codecs(link.there) == ("narrow", "zstd")
    assert link.codecs(link.back) == ("narrow",)
    monkeypatch.setattr(links, "codecs", lambda: ("narrow",))
    assert link.codecs(link.there) == ("narrow",)


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
