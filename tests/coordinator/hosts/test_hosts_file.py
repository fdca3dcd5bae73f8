"""hosts.toml: what is accepted, and how each mistake is told."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.errors import ConfigError, InputError
from coordinator.hosts.addresses import normalise
from coordinator.hosts.hosts_file import Config, Defaults, Host, find_hosts, load_hosts, parse_hosts

if TYPE_CHECKING:
    from collections.abc import Callable
from tests.support.certificates import issue

EXAMPLE = Path(__file__).parents[3] / "hosts.example.toml"


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Config]:
    def write_and_load(text: str) -> Config:
        path = tmp_path / "hosts.toml"
        path.write_text(text, "utf-8")
        return load_hosts(path)

    return write_and_load


def mistakes(parse: Callable[[Any], Config], given: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(given)
    return caught.value.mistakes


def test_one_line_is_enough(load: Callable[[str], Config]) -> None:
    """A list of strings gives hosts with the defaults."""
    want = Config(
        (Host("node1:8080", "http://node1:8080"), Host("node2:9000", "http://node2:9000")),
        Defaults(),
    )
    assert load('hosts = ["node1", "node2:9000"]') == want


def test_tables_and_defaults(load: Callable[[str], Config]) -> None:
    """A host's own slots come before those of [defaults]; whole numbers serve as numbers."""
    config = load(
        '[[hosts]]\nurl = "a"\nslots = 2\n[[hosts]]\nurl = "b"\n'
        "[defaults]\nslots = 7\nsilent_after_s = 3"
    )
    assert [host.slots for host in config.hosts] == [2, 7]
    assert config.defaults == Defaults(slots=7, silent_after_s=3.0)


def test_strings_and_tables_may_share_a_list(load: Callable[[str], Config]) -> None:
    """TOML lets a list hold both, and so do we."""
    config = load('hosts = ["a", {url = "b", slots = 3}]')
    assert [(host.name, host.slots) for host in config.hosts] == [("a:8080", None), ("b:8080", 3)]


def test_a_byte_order_mark_does_no_harm(load: Callable[[str], Config]) -> None:
    """Some editors put one before the text."""
    assert load('\ufeffhosts = ["a"]').hosts[0].name == "a:8080"


def test_python_lists() -> None:
    """`Fleet([...])` takes the same addresses, and one string with commas between them."""
    assert parse_hosts(("127.0.0.1:8081",)).hosts == (
        Host("127.0.0.1:8081", "http://127.0.0.1:8081"),
    )
    assert parse_hosts("node1:8080, node2") == parse_hosts(["node1:8080", "node2"])


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("node1", "http://node1:8080"),
        ("NODE1.Lab.example.", "http://node1.lab.example:8080"),
        ("http://node1/", "http://node1:8080"),
        ("https://node1", "https://node1:8080"),
        ("HTTP://node1:1", "http://node1:1"),
        ("gpu_7:65535", "http://gpu_7:65535"),
        ("[::1]", "http://[::1]:8080"),
        ("[0:0::0:1]:81", "http://[::1]:81"),
        ("https://[fe80::1]:443", "https://[fe80::1]:443"),
        ("10.0.0.7:8080", "http://10.0.0.7:8080"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    """All spellings of an address come to one form, which is its own form."""
    assert normalise(text) == url
    assert normalise(url) == url


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        (" ", "white space"),
        ("node1 :80", "white space"),
        ("node1\n", "white space"),
        ("node\x1b[31m", "control characters"),
        ("node1:0", "from 1 to 65535, got '0'"),
        ("node1:65536", "from 1 to 65535, got '65536'"),
        ("node1:http", "from 1 to 65535, got 'http'"),
        ("node1:-1", "from 1 to 65535"),
        ("[::1]:99999", "from 1 to 65535, got '99999'"),
        ("::1", "square brackets"),
        ("fe80::1:8080", "square brackets"),
        ("[::1", "no address"),
        ("[nonsense]", "no address"),
        ("ftp://node1", "http or https, got 'ftp'"),
        ("ann@node1", "user name"),
        ("http://ann:pw@node1", "user name"),
        ("node1/v1", "path or query"),
        ("node1:8080?x=1", "path or query"),
        ("node1#x", "path or query"),
        ("http://", "no valid host name"),
        (":8080", "no valid host name"),
        ("192.168.1.300", "no valid host name"),
        ("n\u00f6de", "no valid host name"),
        ("-node", "no valid host name"),
    ],
)
def test_bad_addresses(text: str, says: str) -> None:
    """What is no address is refused with its reason, under its key, in plain characters."""
    (sentence,) = mistakes(parse_hosts, [text])
    assert sentence.startswith("hosts[0]: ")
    assert says in sentence
    assert sentence.isascii()
    assert sentence.isprintable()


@given(st.text())
def test_any_text_is_an_address_or_a_config_error(text: str) -> None:
    """No input gets a foreign error out of us, and an accepted address is in its final form."""
    try:
        (host,) = parse_hosts([text]).hosts
    except ConfigError as error:
        said = str(error)
    else:
        said = host.url
        assert normalise(said) == said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", ['hosts: is missing; write hosts = ["node1:8080"]']),
        (
            "hosts = []",
            ['hosts (line 1): is empty; name at least one worker, such as hosts = ["node1:8080"]'],
        ),
        (
            'hosts = "a"',
            ['hosts (line 1): must be a list such as ["node1:8080", "node2:8080"], got \'a\''],
        ),
        ("hosts = [5]", ["hosts[0] (line 1): must be a table, got 5"]),
        (
            'host = ["a"]',
            [
                'hosts: is missing; write hosts = ["node1:8080"]',
                "host (line 1): no such key; did you mean hosts?",
            ],
        ),
        (
            'hosts = ["a"]\n[defaults]\nslot = 3\nspeed = 1',
            [
                "defaults.slot (line 3): no such key; did you mean slots?",
                "defaults.speed (line 4): no such key; known here: slots, connect_timeout_s, "
                "silent_after_s, slow_link_mb_s, max_in_flight_mb, wire_codec, by_reference",
            ],
        ),
        (
            '[[hosts]]\nurl = "a"\n[[hosts]]\nURL = "b"',
            [
                'hosts[1].url (line 3): is missing; such as "node1:8080"',
                "hosts[1].URL (line 4): no such key; did you mean url?",
            ],
        ),
        (
            '[[hosts]]\nurl = 5\nslots = "2"\n[[hosts]]\nurl = "a:80800"\nslots = 0',
            [
                "hosts[0].url (line 2): must be a valid string, got 5",
                "hosts[0].slots (line 3): must be a valid integer, got '2'",
                "hosts[1].url (line 5): a port is a number from 1 to 65535, "
                "got '80800' in 'a:80800'",
                "hosts[1].slots (line 6): must be greater than or equal to 1, got 0",
            ],
        ),
        (
            'hosts = ["a"]\n[defaults]\nslots = 2.0\nconnect_timeout_s = 0\n'
            "silent_after_s = true\nslow_link_mb_s = nan\nmax_in_flight_mb = inf\n"
            "wire_codec = 'lz5'",
            [
                "defaults.slots (line 3): must be a valid integer, got 2.0",
                "defaults.connect_timeout_s (line 4): must be greater than 0, got 0",
                "defaults.silent_after_s (line 5): must be a valid number, got True",
                "defaults.slow_link_mb_s (line 6): must be a finite number, got nan",
                "defaults.max_in_flight_mb (line 7): must be a finite number, got inf",
                "defaults.wire_codec (line 8): must be 'auto', 'none', 'narrow', 'lz4' or 'zstd', "
                "got 'lz5'",
            ],
        ),
        (
            'hosts = ["node1", "x", "Node1:8080", "https://node1", "y:0"]',
            [
                "hosts[4] (line 1): a port is a number from 1 to 65535, got '0' in 'y:0'",
                "hosts[2] (line 1): node1:8080 is listed already, as hosts[0]; keep one",
                "hosts[3] (line 1): node1:8080 is listed already, as hosts[0]; keep one",
            ],
        ),
        (
            'hosts = ["a"]\n[[hosts]]\nurl = "b"',
            ["has both hosts = [...] and [[hosts]]; TOML allows one form, so keep one of them"],
        ),
        (
            'hosts = [{url = [1]}, {url = [1]}, [], "a", true]',
            [
                "hosts[0].url (line 1): must be a valid string, got [1]",
                "hosts[1].url (line 1): must be a valid string, got [1]",
                "hosts[2] (line 1): must be a table, got []",
                "hosts[4] (line 1): must be a table, got True",
            ],
        ),
        ('hosts = ["a"]\ndefaults = 5', ["defaults (line 2): must be a table, got 5"]),
    ],
)
def test_all_mistakes_at_once(load: Callable[[str], Config], text: str, want: list[str]) -> None:
    """Each mistake is one sentence, with its key and line."""
    assert list(mistakes(load, text)) == want


def test_not_toml(load: Callable[[str], Config]) -> None:
    """TOML's own complaint says where."""
    (sentence,) = mistakes(load, "hosts: [node1]\n")
    assert sentence.startswith("is not TOML: ")
    assert "line 1" in sentence


def test_missing_folder_and_binary_files(tmp_path: Path) -> None:
    """A file that can't be read as text says so, and what to write."""
    binary = tmp_path / "hosts.toml"
    binary.write_bytes(b"\x93NUMPY\x01")
    assert "not UTF-8" in mistakes(load_hosts, binary)[0]
    assert "can't be read" in mistakes(load_hosts, tmp_path)[0]
    assert (
        'no such file; write the line hosts = ["node1:8080"'
        in mistakes(load_hosts, tmp_path / "none.toml")[0]
    )


@pytest.mark.parametrize(
    "hosts", ["node1,,node2", [None], [], [b"a"]], ids=["str", "none", "empty", "bytes"]
)
def test_bad_python_lists(hosts: object) -> None:
    """The Python API gets the same sentences."""
    assert mistakes(parse_hosts, hosts)[0].startswith("hosts")


def test_the_message_lists_every_mistake() -> None:
    """One mistake goes on one line; more are listed below their number."""
    with pytest.raises(InputError) as one:
        parse_hosts([""])
    assert str(one.value) == "hosts: hosts[0]: is empty; give an address such as node1:8080"
    with pytest.raises(InputError) as two:
        parse_hosts(["", "a", "a"])
    assert str(two.value).splitlines()[0] == "hosts: 2 mistakes"
    assert two.value.exit_code == 2


def test_example_parses_as_it_is() -> None:
    """A copy of the example with nothing changed is a valid file that changes no default."""
    assert load_hosts(EXAMPLE) == Config((Host("node1:8080", "http://node1:8080"),), Defaults())


def test_example_shows_every_key_once_with_its_default() -> None:
    """Settings that are switched off included, the keys are the schema's, with its defaults."""
    text = EXAMPLE.read_text("utf-8")
    every = tomllib.loads(re.sub(r"^#(?=\w)", "", text, flags=re.MULTILINE))
    assert {name: list(table) for name, table in every.items() if name != "hosts"} == {
        "defaults": [f.name for f in fields(Defaults)]
    }
    assert [list(table) for table in every["hosts"]] == [
        ["url", "slots", "certificate", "ca", "paths"]
    ]
    shown = {key: value for key, value in every["defaults"].items() if key != "slots"}
    assert shown == {f.name: f.default for f in fields(Defaults) if f.name != "slots"}


def test_example_explains_every_key() -> None:
    """Above each key stands a comment that names its default."""
    blocks = re.findall(r"((?:^#(?!\w).*\n)+)^#?(\w+) = ", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert len(blocks) == 5 + len(fields(Defaults))
    assert [key for comment, key in blocks if "Default" not in comment] == []


PIN = issue("worker").pin


def test_certificates_protect_https_only(load: Callable[[str], Config], tmp_path: Path) -> None:
    """A pin or an authority beside http, both at once, or what is no certificate: each is named."""
    authority = issue("authority", authority=True).write_certificate(tmp_path / "ca.pem")
    good = load(f'[[hosts]]\nurl = "https://a"\ncertificate = "{PIN}"')
    assert (good.hosts[0].certificate, good.hosts[0].ca) == (PIN, None)
    assert load('[[hosts]]\nurl = "https://a"\nca = "ca.pem"').hosts[0].ca == authority
    for lines, says in (
        (f'url = "a"\ncertificate = "{PIN}"', "hosts[0].certificate (line 3): is of no use with"),
        (f'url = "a"\ncertificate = "{PIN}"', 'write url = "https://a:8080"'),
        ('url = "http://a"\nca = "ca.pem"', "hosts[0].ca (line 3): is of no use with http"),
        (f'url = "https://a"\ncertificate = "{PIN}"\nca = "ca.pem"', "keep one of the two"),
        ('url = "https://a"\nca = "none.pem"', "none.pem can't be read: No such file"),
        ('url = "https://a"\nca = "hosts.toml"', "hosts.toml holds no certificate in PEM"),
        ('url = "https://a"\ncertificate = ""', "the whole certificate in base64"),
        (f'url = "https://a"\ncertificate = "{PIN[:-8]}"', "the whole certificate in base64"),
        ('url = "https://a"\ncertificate = "sha256:00"', "the whole certificate in base64"),
    ):
        assert says in mistakes(load, f"[[hosts]]\n{lines}")[0]


def test_nesting_without_end(tmp_path: Path) -> None:
    """It is a mistake in the file like any other."""
    path = tmp_path / "hosts.toml"
    path.write_text("x=" + "[" * 3000 + "]" * 3000)
    with pytest.raises(ConfigError, match="not TOML"):
        load_hosts(path)


@pytest.mark.parametrize("key", ["connect_timeout_s", "silent_after_s"])
def test_times_that_no_clock_takes(tmp_path: Path, key: str) -> None:
    """A number of seconds that the system can't wait for is refused."""
    path = tmp_path / "hosts.toml"
    path.write_text(f'hosts = ["a:1"]\n[defaults]\n{key} = 1e300\n')
    with pytest.raises(ConfigError, match=key):
        load_hosts(path)


def test_a_file_without_end_is_no_hosts_file() -> None:
    """It is read no further than a hosts file can be long."""
    with pytest.raises(ConfigError, match="no hosts file"):
        load_hosts(Path("/dev/zero"))


def test_a_fleet_is_named_by_a_file_or_by_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is there is a file, whatever its name; a plain word is one that is missing."""
    monkeypatch.chdir(tmp_path)
    assert find_hosts("node1:8080, https://node2") == parse_hosts(["node1:8080", "https://node2"])
    many = [f"worker-{number}:8080" for number in range(100)]  # too long for a file's name
    assert find_hosts(",".join(many)) == parse_hosts(many)
    (tmp_path / "a,b:1").write_text('hosts = ["c"]')
    assert [host.name for host in find_hosts("a,b:1").hosts] == ["c:8080"]
    with pytest.raises(ConfigError, match="no such file; did you mean the worker node1:8080"):
        find_hosts("node1")
