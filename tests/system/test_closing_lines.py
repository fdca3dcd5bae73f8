"""What a run says at its end, and what it does not say twice."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from coordinator.report.provenance import load_provenance
from tests.coordinator.cli.test_cli import ENVIRONMENT, coord, refused
from tests.support.processes import WorkerProcess, running_workers

SCIPY = version("scipy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "in.npy", np.random.default_rng(0).random((300, 200)))
    return tmp_path


@pytest.fixture
def hosts(two_workers: list[WorkerProcess]) -> str:
    return ",".join(worker.address for worker in two_workers)


def test_a_run_says_where_its_files_are(folder: Path, hosts: str) -> None:
    """The last line names output, size, time, who, and what else was asked for."""
    done = coord(folder, "blur", "in.npy", "--hosts", hosts, "--tile", 20, "--report", "run.html")
    took = r"in [\d.]+ m?s on 2 workers( \(\d+ retried\))?"
    pattern = rf"wrote in\.blur\.npy \(0\.48 MB\) {took}; report run\.html"
    assert re.fullmatch(pattern, done.stderr.splitlines()[-1]), done.stderr
    here = coord(folder, "blur", "in.npy", "-o", "b.npy").stderr.splitlines()
    assert re.fullmatch(r"wrote b\.npy \(0\.48 MB\) in [\d.]+ m?s on this machine", here[-1])


def test_what_was_proved_is_said_and_kept(folder: Path, hosts: str) -> None:
    """In the closing lines, in the provenance and by `coord show`."""
    options = ("--hosts", hosts, "--tile", 20, "--verify", "2%")
    done = coord(folder, "blur", "in.npy", *options)
    words = "verified: 3 of 150 tiles recomputed by SciPy, equal"
    assert done.stderr.splitlines()[-1] == words
    assert load_provenance(folder / "in.blur.npy").verified == (3, 150)
    assert words.replace(": ", "  ") in coord(folder, "show", "in.blur.npy").stdout


@pytest.mark.parametrize(("sample", "count"), [("100%", ""), ("1%", "1 of ")])
def test_verify_says_what_it_has_found(folder: Path, sample: str, count: str) -> None:
    """Equal to which SciPy, and how much of it was compared."""
    np.save(folder / "in.npy", np.zeros((3000, 1000)))
    coord(folder, "blur", "in.npy")
    done = coord(folder, "verify", "in.blur.npy", "in.npy", "--sample", sample)
    first = f"in.blur.npy is equal to SciPy {SCIPY}, bit for bit ({count}"
    assert done.stdout.startswith(first)
    assert coord(folder, "verify", "in.blur.npy", "in.npy", "-q").stdout == ""


def test_a_failure_is_said_once(folder: Path) -> None:
    """By the command, not by the display as well."""
    done = coord(folder, "blur", "in.npy", "--hosts", "127.0.0.1:1,127.0.0.1:2")
    assert done.returncode == 3
    assert done.stderr.count("no usable worker") == 1
    assert done.stderr.count("127.0.0.1:1") == 1


def test_a_missing_worker_is_named_with_the_reason(folder: Path, hosts: str) -> None:
    """As the run starts, in plain progress too; at the end it is counted."""
    done = coord(folder, "blur", "in.npy", "--hosts", f"{hosts},127.0.0.1:1")
    lost = "127.0.0.1:1 lost: connection refused"
    assert done.returncode == 0
    assert lost in done.stderr.splitlines()[0]
    assert done.stderr.count("127.0.0.1:1") == 1
    assert re.search(r"on \d workers?, 1 lost$", done.stderr.rstrip())


def test_a_wrong_token_is_told_whole(folder: Path, hosts: str) -> None:
    """The line ends with what to do, not somewhere before."""
    token = folder / "token"
    token.touch(0o600)
    token.write_text("t" * 32)
    with running_workers(1, "--token-file", str(token), insecure=False) as (worker,):
        done = coord(folder, "blur", "in.npy", "--hosts", f"{hosts},{worker.address}")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^{worker.address} lost: wants a.* token.*chmod 600 it$", done.stderr, re.M)
    assert done.stderr.count(worker.address) == 1


def test_quiet_is_quiet(folder: Path, hosts: str) -> None:
    """Not a word, though the token goes to another machine in clear text."""
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text("a" * 40)
    where = ("--hosts", f"{hosts},192.0.2.1:1", "--token-file", "token")
    done = coord(folder, "blur", "in.npy", "-q", *where)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_clear_text_is_warned_of_once_per_fleet(folder: Path, hosts: str) -> None:
    """By the first command that sends the token to these hosts; another fleet has its own."""
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text("a" * 40)
    env = {**ENVIRONMENT, "XDG_CACHE_HOME": str(folder / "cache")}

    def warned(fleet: str) -> bool:
        done = coord(folder, "hosts", "--hosts", fleet, "--token-file", "token", env=env)
        return "in clear text" in done.stderr

    other = f"{hosts},192.0.2.1:1"
    assert [warned(other), warned(other), warned(f"{other},192.0.2.1:2")] == [True, False, True]
    assert not warned(hosts)


def test_addresses_do_wherever_a_hosts_file_does(folder: Path, hosts: str) -> None:
    """`blur`, `plan`, `hosts`, `doctor` and `config` take them."""
    for command in (("plan", "in.npy"), ("hosts",), ("doctor",), ("config",)):
        done = coord(folder, *command, "--hosts", hosts)
        assert done.returncode == 0, done.stderr
        assert all(address in done.stdout for address in hosts.split(","))


def test_old_variables_still_work_and_say_so(folder: Path, hosts: str) -> None:
    """The new name counts where both are set."""
    old = {**ENVIRONMENT, "COORD_HOSTS": hosts}
    done = coord(folder, "blur", "in.npy", "--tile", 20, env=old)
    assert "COORD_HOSTS still works; its name is now TILEFAN_HOSTS" in done.stderr
    assert "on 2 workers" in done.stderr
    both = {**old, "TILEFAN_HOSTS": hosts.split(",")[0]}
    done = coord(folder, "blur", "in.npy", "--overwrite", env=both)
    assert "COORD_" not in done.stderr
    assert "on 1 worker" in done.stderr


def test_nothing_is_verified_by_a_guess(folder: Path) -> None:
    """Without a provenance the filter must be said; another input is told from wrong bits."""
    np.save(folder / "other.npy", np.zeros((300, 200)))
    coord(folder, "blur", "in.npy", "--sigma", "2", "-o", "plain.npy", "--no-provenance")
    refused(coord(folder, "verify", "plain.npy", "in.npy"), 2, "say --filter and how")
    coord(folder, "blur", "in.npy", "--sigma", "2")
    done = coord(folder, "verify", "in.blur.npy", "other.npy")
    assert done.returncode == 2
    assert "in.blur.npy was made from another array than other.npy" in done.stderr


def test_workers_that_did_nothing_are_not_counted(folder: Path, hosts: str) -> None:
    """A tile has one maker; who was lost is named."""
    done = coord(folder, "blur", "in.npy", "--hosts", f"{hosts},127.0.0.1:1", "--tile", "300,200")
    assert "on 1 worker, 1 lost" in done.stderr
