"""The lines of hosts.toml that `coord up` writes: what is ours, and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.errors import ConfigError, InputError
from coordinator.hosts.hosts_file import Host, load_hosts
from coordinator.launch.folder import FleetFolder
from coordinator.launch.local import LocalFleet
from coordinator.launch.section import BEGIN, END, FleetFile
from coordinator.launch.ssh import SshFleet

FOLDER = FleetFolder(Path("/state/tilefan/fleets/0123456789abcdef"))
URLS = ("http://node1:81", "http://node2:82")
HOSTS = [Host("node1:81", "http://node1:81"), Host("node2:82", "http://node2:82")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hosts.toml"


@pytest.mark.parametrize(
    "plan",
    [
        LocalFleet(),
        LocalFleet(workers=7, threads=1, until_idle="2h", wait_s=2.5),
        SshFleet(("node1", "me@node2"), ssh_config='/a "b"\\c\x7f\n', install=True, port=8080),
    ],
    ids=lambda plan: plan.by,
)
def test_what_is_written_is_read(path: Path, plan: LocalFleet | SshFleet) -> None:
    """A plan comes back as it was, up and down; the workers are those of any hosts.toml."""
    written = FleetFile.read(path).write(plan, FOLDER, HOSTS)
    assert FleetFile.read(path) == written == FleetFile(path, "", "", plan, FOLDER, URLS)
    config = load_hosts(path)
    assert [host.url for host in config.hosts] == ["http://node1:81", "http://node2:82"]
    assert config.token_file == FOLDER.token_file
    assert written.write(plan) == FleetFile.read(path) == FleetFile(path, "", "", plan)


def test_the_owners_lines_stay(path: Path) -> None:
    """Settings before and after ours, and workers that were not started from here."""
    before = "# mine\n[defaults]\nslots = 3\n\n"
    after = '\n[[hosts]]\nurl = "other:9"\n'
    path.write_text(f'{before}{BEGIN}[up]\nby = "local"\n{END}{after}')
    FleetFile.read(path).write(LocalFleet(workers=3), FOLDER, HOSTS)
    text = path.read_text()
    assert text.startswith(before + BEGIN)
    assert text.endswith(END + after)
    assert [host.name for host in load_hosts(path).hosts] == ["node1:81", "node2:82", "other:9"]
    assert load_hosts(path).hosts[0].slots == 3


def test_a_strangers_file_is_left_alone(path: Path) -> None:
    """Exit code 2, and what to write instead."""
    path.write_text('hosts = ["node1"]')
    with pytest.raises(InputError, match="another file"):
        FleetFile.read(path)
    assert path.read_text() == 'hosts = ["node1"]'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('by = "carrier pigeon"', "up"),
        ('by = "local"\nwokers = 2', "wokers"),
        ('by = "local"\nworkers = "many"', "workers"),
        ('by = "ssh"', "nodes"),
        ("by =", "can't be read"),
    ],
)
def test_mistakes_in_it(path: Path, line: str, says: str) -> None:
    """Each is told with its key, as those of the rest of the file are."""
    path.write_text(f"{BEGIN}[up]\n{line}\n{END}")
    with pytest.raises(ConfigError, match=says):
        FleetFile.read(path)


def test_options_are_no_targets(path: Path) -> None:
    """A file can't make ssh run a command here."""
    path.write_text(f'{BEGIN}[up]\nby = "ssh"\nnodes = ["-oProxyCommand=touch x"]\n{END}')
    with pytest.raises(InputError, match="no target of ssh"):
        FleetFile.read(path)


def test_other_commands_say_how_to_go_on(path: Path) -> None:
    """A file whose workers are down is one whose workers can be started."""
    FleetFile.read(path).write(LocalFleet())
    with pytest.raises(ConfigError, match=f"coord up --hosts {path}"):
        load_hosts(path)


def test_a_folder_loses_only_what_is_a_fleets(tmp_path: Path) -> None:
    """Whatever a hosts.toml names as the folder: other files, and other folders, stay."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "token").touch()
    FleetFolder(home).remove()
    assert (home / "token").exists()
    folder = FleetFolder.make(tmp_path)
    (folder.path / "thesis.txt").touch()
    folder.remove()
    assert [path.name for path in folder.path.iterdir()] == ["thesis.txt"]
