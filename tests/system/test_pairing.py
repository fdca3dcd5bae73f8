"""Machines that each have a token of their own come to one: with real processes, by codes only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess, running_workers

IMAGE = np.random.default_rng(7).integers(0, 255, (60, 50), dtype=np.int32)
HOMELESS = {
    name: value
    for name, value in os.environ.items()
    if name not in {"TILEFAN_TOKEN", "TILEFAN_TOKEN_FILE", "TILEFAN_HOSTS"}
}


class Machine:
    """A home of its own, with the coordinator's command line in it."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.home = home
        self.env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "COLUMNS": "250"}

    @property
    def token(self) -> str:
        return (self.home / "config" / "tilefan" / "token").read_text().strip()

    def coord(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "coordinator", *arguments],
            cwd=self.home,
            env={**HOMELESS, **self.env, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def worker(self, *arguments: str, **more: str) -> Iterator[WorkerProcess]:
        env = {**self.env, "TILEFAN_TOKEN": "", "TILEFAN_TOKEN_FILE": "", **more}
        options = ("--kernel", "reference", *arguments)
        with running_workers(1, *options, env=env, insecure=False) as (worker,):
            yield worker


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Machine]:
    return lambda name: Machine(tmp_path / name)


def printed(worker: WorkerProcess) -> list[str]:
    """Return the arguments of the line that a worker prints for the coordinator."""
    found = re.search(r"^  coord (pair \S+ [0-9A-Z]{3}-[0-9A-Z]{3})$", worker.said, re.MULTILINE)
    assert found, worker.said
    return found[1].split()


def test_two_workers_with_tokens_of_their_own(machine: Callable[[str], Machine]) -> None:
    """Paired one after another, all three have one token; then a filter over both is SciPy's."""
    laptop, node1, node2 = machine("laptop"), machine("node1"), machine("node2")
    np.save(laptop.home / "in.npy", IMAGE)
    with node1.worker("--pair") as first, node2.worker("--pair") as second:
        hosts = f"{first.address},{second.address}"
        assert node1.token != node2.token

        before = laptop.coord("doctor", "--hosts", hosts)
        assert before.returncode == 6
        assert before.stderr.count("wants a token, and there is none here") == 2

        done = laptop.coord(*printed(first))
        assert done.returncode == 0, done.stderr
        assert f"paired with {first.address}: this machine has its token now" in done.stdout
        assert done.stdout.splitlines()[-1] == f"next: coord doctor --hosts {first.address}"
        assert laptop.token == node1.token
        assert (laptop.home / "config/tilefan/token").stat().st_mode & 0o777 == 0o600

        between = laptop.coord("doctor", "--hosts", hosts)
        assert between.returncode == 0, between.stderr
        assert (
            f"{second.address}: has another token than {first.address} and this machine: restart "
            f"it with `worker --pair` and run `coord pair {second.address} CODE`; or "
            "`coord token copy 127.0.0.1` and restart it"
        ) in between.stdout

        pair, address, code = printed(second)
        done = laptop.coord(pair, address, code.lower().replace("-", ""))
        assert done.returncode == 0, done.stderr
        assert f"paired with {second.address}: it has the token of" in done.stdout
        assert laptop.token == node1.token == node2.token

        after = laptop.coord("doctor", "--hosts", hosts)
        assert after.returncode == 0, after.stderr
        assert "token" not in after.stdout.partition("\n127")[2]
        blurred = laptop.coord("blur", "in.npy", "--hosts", hosts, "--sigma", "1.5", "--tile", "16")
        assert blurred.returncode == 0, blurred.stderr
        want = ndimage.gaussian_filter(IMAGE, 1.5)
        assert_same_bits(np.load(laptop.home / "in.blur.npy"), want)
        for worker in (first, second):
            assert worker.stop() == 0
            assert laptop.token not in worker.stderr() + worker.said
            assert "paired address=127.0.0.1" in worker.stderr()


def test_all_refuse(machine: Callable[[str], Machine]) -> None:
    """Where nobody takes our token, it may be ours that is the odd one."""
    laptop, node = machine("laptop"), machine("node")
    with ExitStack() as stack:
        workers = [stack.enter_context(node.worker()) for _ in range(2)]
        hosts = ",".join(worker.address for worker in workers)
        done = laptop.coord("doctor", "--hosts", hosts, TILEFAN_TOKEN="x" * 43)
        assert done.returncode == 6
        assert done.stderr.count("as all 2 have: ours is the odd one, or each has its own") == 2
        assert "or start with `worker --pair`" not in done.stderr
        assert "which all machines of the fleet must share: start with `worker --pair`" in (
            workers[0].stderr() + workers[1].stderr()
        )


def test_a_worker_that_encrypts(machine: Callable[[str], Machine]) -> None:
    """The certificate comes over the same channel, and the lines that are printed make a fleet."""
    laptop, node = machine("laptop"), machine("node")
    np.save(laptop.home / "in.npy", IMAGE)
    with node.worker("--pair", "--tls") as worker:
        done = laptop.coord(*printed(worker))
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines[-1] == "next: coord doctor --hosts hosts.toml"
        toml = "\n".join(lines[lines.index("[[hosts]]") : -1])
        assert toml in worker.said
        (laptop.home / "hosts.toml").write_text(toml)
        assert laptop.coord("doctor").returncode == 0
        plain = laptop.coord("pair", worker.address, "000000")
        assert plain.returncode == 3
        assert "if it was started with --tls, write https://" in plain.stderr


def test_mistakes(machine: Callable[[str], Machine]) -> None:
    """Each has its sentence and its exit code; a wrong code takes nothing away but a try."""
    laptop, node = machine("laptop"), machine("node")
    with node.worker() as closed, node.worker("--pair") as worker:
        _, address, code = printed(worker)
        wrong = "000000" if code != "000-000" else "111111"
        for arguments, exit_code, words in (
            (("pair", closed.address, code), 6, "is not pairing: start `worker --pair` there"),
            (("pair", address, wrong), 6, "wrong code: another code is shown there: 2 more tries"),
            (("pair", f"https://{address}", code), 6, "or write http:// before its name"),
            (("pair", address, "12345"), 2, "six letters and digits, such as K7Q-3XW"),
            (("pair", address), 2, "no code: `worker --pair` prints it"),
            (("pair", "node 1", code), 2, "has white space"),
            (("pair", "127.0.0.1:1", code), 3, "start `worker --pair --port 1` there"),
        ):
            done = laptop.coord(*arguments)
            assert (done.returncode, words in done.stderr) == (exit_code, True), done.stderr
        assert not (laptop.home / "config").exists()
        assert laptop.coord("pair", address, code).returncode == 0
        again = laptop.coord("pair", address, code)
        assert again.returncode == 6
        assert "the code was used: for a new one, stop the worker and start it" in again.stderr


def test_tokens_of_the_environment(machine: Callable[[str], Machine]) -> None:
    """What stands in TILEFAN_TOKEN is given and used, and never replaced."""
    laptop, node = machine("laptop"), machine("node")
    ours, theirs = "c" * 43, "w" * 43
    with node.worker("--pair", TILEFAN_TOKEN=theirs) as worker:
        done = laptop.coord(*printed(worker), TILEFAN_TOKEN=ours)
        assert done.returncode == 6
        assert "its token is in TILEFAN_TOKEN of its environment" in done.stderr
        hosts = ("hosts", "--hosts", worker.address)
        assert laptop.coord(*hosts, TILEFAN_TOKEN=theirs).returncode == 0
        assert not (node.home / "config").exists()
    with node.worker("--pair") as worker:
        refused = laptop.coord(*printed(worker), "--take", TILEFAN_TOKEN=ours)
        assert refused.returncode == 2
        assert laptop.coord(*printed(worker), TILEFAN_TOKEN=ours).returncode == 0
        assert node.token == ours


def test_a_second_laptop_takes_the_fleets_token(machine: Callable[[str], Machine]) -> None:
    """With --take the worker keeps its token, and so its other coordinators keep it."""
    laptop, node = machine("laptop"), machine("node")
    own = laptop.home / "config" / "tilefan" / "token"
    own.parent.mkdir(parents=True)
    own.touch(0o600)
    own.write_text("c" * 43)
    with node.worker("--pair") as worker:
        before = node.token
        done = laptop.coord(*printed(worker), "--take")
        assert done.returncode == 0, done.stderr
        assert node.token == laptop.token == before
        assert laptop.coord("hosts", "--hosts", worker.address).returncode == 0
