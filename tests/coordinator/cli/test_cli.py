"""`coord blur` through real processes: what it writes, and how it says no."""

from __future__ import annotations

import http.server
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tests.support.strategies import Array, samples

ENDS_WITHIN_S = 120
"""A hung command fails the test; a busy machine does not."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "TILEFAN_HOSTS"}


def coord(folder: Path, *arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "coordinator", *map(str, arguments)],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        **{"env": ENVIRONMENT, **more},
    )


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return all that lies in a folder, hidden files too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def array() -> Array:
    return samples((40, 30, 3), "<i4", 1, special=False)


@pytest.fixture
def folder(tmp_path: Path, array: Array) -> Path:
    np.save(tmp_path / "in.npy", array)
    return tmp_path


BLURS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "defaults": ([], {"sigma": 0.5}),
    "sigma per axis": (["--sigma", "2,2,0"], {"sigma": (2.0, 2.0, 0.0)}),
    "mode per axis": (
        ["--mode", "wrap,mirror,nearest"],
        {"sigma": 0.5, "mode": ["wrap", "mirror", "nearest"]},
    ),
    "constant": (
        ["--mode", "constant", "--cval", "-3.5", "--sigma", "3"],
        {"sigma": 3, "mode": "constant", "cval": -3.5},
    ),
    "order": (["--order", "0,1,2", "--sigma", "1"], {"sigma": 1, "order": (0, 1, 2)}),
    "truncate": (["--truncate", "2.5", "--sigma", "2"], {"sigma": 2, "truncate": 2.5}),
    "radius": (["--radius", "3,50,1", "--sigma", "2"], {"sigma": 2, "radius": (3, 50, 1)}),
    "axes": (["--axes=-1,0", "--sigma", "2,1"], {"sigma": (2, 1), "axes": (-1, 0)}),
    "dtype": (["--dtype", "float32"], {"sigma": 0.5, "output": "float32"}),
    "big-endian": (["--dtype", ">f8"], {"sigma": 0.5, "output": ">f8"}),
    "tile": (["--tile", "7,30,2", "--sigma", "2"], {"sigma": 2}),
    "one tile size": (["--tile", "9", "--sigma", "2"], {"sigma": 2}),
}


@pytest.mark.parametrize(("options", "parameters"), BLURS.values(), ids=BLURS)
def test_options_are_scipys_parameters(
    folder: Path, array: Array, options: list[str], parameters: dict[str, Any]
) -> None:
    """The output is the file that np.save would write of SciPy's answer, beside provenance."""
    done = coord(folder, "blur", "in.npy", *options)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    want = ndimage.gaussian_filter(array, **parameters)
    assert_same_bits(np.load(folder / "in.blur.npy"), want)
    np.save(folder / "want.npy", want)
    assert contents(folder).keys() == {"in.npy", "in.blur.npy", "in.blur.npy.json", "want.npy"}
    assert (folder / "in.blur.npy").read_bytes() == (folder / "want.npy").read_bytes()


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.float32(2.5), id="no axes"),
        pytest.param(np.zeros((0, 4), "i2"), id="no samples"),
        pytest.param(np.asfortranarray(samples((9, 8), ">f8", 2, special=False)), id="Fortran"),
        pytest.param(samples((9, 8), "?", 3, special=False), id="bool"),
        pytest.param(samples((2,) * 6, "<c8", 4, special=False), id="complex, 6 axes"),
    ],
)
def test_every_kind_of_array(tmp_path: Path, array: Any) -> None:
    """Whatever SciPy filters."""
    np.save(tmp_path / "in.npy", array)
    done = coord(tmp_path, "blur", "in.npy", "--sigma", "1", "-o", "out.npy", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert_same_bits(np.load(tmp_path / "out.npy"), ndimage.gaussian_filter(array, 1))


def test_quiet_or_not(folder: Path) -> None:
    """Without --quiet a last line on stderr tells of the run; with it there is nothing at all."""
    loud = coord(folder, "blur", "in.npy", "-o", "a.npy")
    quiet = coord(folder, "blur", "in.npy", "-o", "b.npy", "-q")
    assert loud.stderr.strip()
    assert "\x1b" not in loud.stderr
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert (folder / "a.npy").read_bytes() == (folder / "b.npy").read_bytes()


def test_overwrite(folder: Path, array: Array) -> None:
    """An older output is replaced when that is asked for."""
    (folder / "out.npy").write_bytes(b"older")
    assert coord(folder, "blur", "in.npy", "-o", "out.npy", "--overwrite").returncode == 0
    assert_same_bits(np.load(folder / "out.npy"), ndimage.gaussian_filter(array, 0.5))


BAD: dict[str, tuple[list[str], int, str]] = {
    "no input": (["missing.npy"], 2, "no such file"),
    "the root": (["/"], 2, "folder"),
    "this folder": (["."], 2, "folder"),
    "empty": (["empty.npy"], 2, "not a .npy file"),
    "text": (["text.npy"], 2, "not a .npy file"),
    "truncated": (["cut.npy"], 2, "truncated"),
    "pickled": (["pickled.npy"], 2, "pickled"),
    "float16": (["half.npy"], 2, "float16"),
    "below a file": (["in.npy/in.npy"], 7, "Not a directory"),
    "output exists": (["in.npy", "-o", "text.npy"], 2, "--overwrite"),
    "output is the input": (["in.npy", "-o", "in.npy", "--overwrite"], 2, "is the input"),
    "output links to the input": (["in.npy", "-o", "link.npy", "--overwrite"], 2, "is the input"),
    "output a folder": (["in.npy", "-o", "."], 2, "a folder"),
    "output no file": (["in.npy", "-o", "/dev/null", "--overwrite"], 2, "not a file"),
    "output is a dash": (["in.npy", "-o", "-"], 2, "no stdout"),
    "output in no folder": (["in.npy", "-o", "none/out.npy"], 2, "no folder"),
    "output below a file": (["in.npy", "-o", "in.npy/out.npy"], 2, "no folder"),
    "output not writable": (["in.npy", "-o", "/proc/out.npy", "--no-notes"], 7, "can't be written"),
    "output too long": (["in.npy", "-o", "n" * 300], 7, "too long"),
    "mode unknown": (["in.npy", "--mode", "reflekt"], 2, "did you mean reflect?"),
    "modes too many": (["in.npy", "--mode", "wrap,wrap"], 2, "give one, or one for each"),
    "sigmas too few": (["in.npy", "--sigma", "1,2"], 2, "give one, or one for each"),
    "sigma negative": (["in.npy", "--sigma", "-1"], 2, "sigma must be"),
    "sigma NaN": (["in.npy", "--sigma", "nan"], 2, "sigma must be"),
    "sigma infinite": (["in.npy", "--sigma", "1,inf,1"], 2, "sigma must be"),
    "sigma text": (["in.npy", "--sigma", "one"], 2, "numbers separated by commas"),
    "sigma beyond sense": (["in.npy", "--sigma", "1e9"], 2, "taps"),
    "order negative": (["in.npy", "--order", "-1"], 2, "order must be"),
    "order fraction": (["in.npy", "--order", "0.5"], 2, "integers"),
    "radius negative": (["in.npy", "--radius", "-1"], 2, "Radius must be"),
    "radius fraction": (["in.npy", "--radius", "1.5"], 2, "integers"),
    "truncate negative": (["in.npy", "--truncate", "-9"], 2, "Radius must be"),
    "truncate NaN": (["in.npy", "--truncate", "nan"], 2, "truncate"),
    "truncate infinite": (["in.npy", "--truncate", "inf"], 2, "truncate"),
    "axis out of range": (["in.npy", "--axes", "3"], 2, "axis 3 is out of range"),
    "axes repeated": (["in.npy", "--axes", "0,-3"], 2, "unique"),
    "cval complex": (["in.npy", "--cval", "1j"], 2, "cval must be"),
    "cval text": (["in.npy", "--cval", "x"], 2, "not a number"),
    "dtype unknown": (["in.npy", "--dtype", "float31"], 2, "float31"),
    "dtype nonsense": (["in.npy", "--dtype", "i4,,"], 2, "no dtype"),
    "dtype of objects": (["in.npy", "--dtype", "O"], 2, "numeric"),
    "tile of another rank": (["in.npy", "--tile", "8,8"], 2, "axes"),
    "tile zero": (["in.npy", "--tile", "8,0,3"], 2, "at least one sample"),
    "tile text": (["in.npy", "--tile", "big"], 2, "integers"),
    "hosts missing": (["in.npy", "--hosts", "none.toml"], 2, "none.toml"),
    "hosts no TOML": (["in.npy", "--hosts", "text.npy"], 2, "text.npy"),
    "hosts none": (["in.npy", "--hosts", "nobody.toml"], 2, "hosts"),
    "hosts misspelt": (["in.npy", "--hosts", "misspelt.toml"], 2, "misspelt.toml: 2 mistakes"),
    "hosts port": (["in.npy", "--hosts", "port.toml"], 2, "99999"),
    "hosts twice": (["in.npy", "--hosts", "twice.toml"], 2, "twice"),
    "option unknown": (["in.npy", "--sigmas", "1"], 2, "--sigma"),
    "no argument": ([], 2, "INPUT"),
}


@pytest.fixture
def bad_folder(folder: Path) -> Path:
    whole = (folder / "in.npy").read_bytes()
    (folder / "empty.npy").touch()
    (folder / "text.npy").write_text("this is = no array\n" * 9)
    (folder / "cut.npy").write_bytes(whole[:-1])
    (folder / "link.npy").symlink_to("in.npy")
    np.save(folder / "pickled.npy", np.array([{}, None]), allow_pickle=True)
    np.save(folder / "half.npy", np.zeros(3, "f2"))
    (folder / "nobody.toml").write_text("hosts = []")
    (folder / "misspelt.toml").write_text('hots = ["a"]')
    (folder / "port.toml").write_text('hosts = ["a:99999"]')
    (folder / "twice.toml").write_text('hosts = ["a:1", "a:1"]')
    return folder


def refused(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    """Assert that a command ended with this code and one sentence that holds these words."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    first, *more = done.stderr.strip().splitlines()
    assert words in (first if first.startswith("coord: ") else more[-1])
    if first.startswith("coord: "):
        assert all(line.startswith("  ") for line in more)  # mistakes in hosts.toml, one a line
    else:
        assert first.startswith("Usage: ")
        assert more[-1].startswith("Error: ")


@pytest.mark.parametrize(("arguments", "code", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(
    bad_folder: Path, arguments: list[str], code: int, words: str
) -> None:
    """One sentence, the documented exit code, and every file is as it was."""
    before = contents(bad_folder)
    refused(coord(bad_folder, "blur", *arguments), code, words)
    assert contents(bad_folder) == before


def test_a_full_disk(folder: Path) -> None:
    """The output's room is taken first, so this is an error with a sentence; nothing is left."""
    before = contents(folder)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    done = coord(folder, "blur", "in.npy", "--quiet", preexec_fn=limit)
    refused(done, 7, "can't be written")
    assert contents(folder) == before


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port of loopback that nobody listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def web_server() -> Iterator[int]:
    """Serve something that is not a worker."""

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>It works!</html>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("neighbour", [closed_port, web_server])
def test_no_worker_answers(folder: Path, neighbour: Any) -> None:
    """Exit code 3, naming the host, whether nobody is there or somebody else."""
    with neighbour() as port:
        (folder / "hosts.toml").write_text(f'hosts = ["127.0.0.1:{port}"]')
        before = contents(folder)
        done = coord(
            folder, "blur", "in.npy", "-q", env={**ENVIRONMENT, "TILEFAN_HOSTS": "hosts.toml"}
        )
    assert done.returncode == 3, done.stderr
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_ends_the_run(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Sent amid a run of minutes, while its first tiles take seconds: nothing is left of it."""
    np.save(tmp_path / "in.npy", np.ones((3000, 512)))
    before = contents(tmp_path)
    options = ["--sigma", "0,20000", "--radius", "100000", "--tile", "99,512", "--progress", "json"]
    with subprocess.Popen(
        [sys.executable, "-m", "coordinator", "blur", "in.npy", *options],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell may have started us with SIGINT ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        try:
            assert any("RunStarted" in line for line in process.stdout)
            assert (tmp_path / ".in.blur.npy.partial").exists()
            process.send_signal(number)
            _, rest = process.communicate(timeout=ENDS_WITHIN_S)
        finally:
            process.kill()
    assert process.returncode == code, rest
    assert "Traceback" not in rest
    assert rest.strip().splitlines()[-1] == "coord: interrupted: nothing was written"
    assert contents(tmp_path) == before


def test_a_log_moves_no_cursor() -> None:
    """Lines come from loggers of ours, from the level that is asked for."""
    program = """
import logging
from coordinator.cli.log import configure
configure("info")
log = logging.getLogger("tilefan.coordinator")
log.debug("hidden")
log.info("worker %s", "\\x1b[2J")
logging.getLogger("asyncio").info("hidden")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    (line,) = done.stderr.splitlines()
    assert "INFO tilefan.coordinator: worker" in line
    assert "\x1b" not in line


def test_a_log_is_asked_for(folder: Path) -> None:
    """It has each event of the run, in order; an unknown level is refused."""
    done = coord(folder, "blur", "in.npy", "--log-level", "debug")
    assert done.returncode == 0
    events = re.findall(r" DEBUG tilefan\.run: (\w+)\(", done.stderr)
    assert {"RunStarted", "WorkerReady"} <= set(events)
    assert events[-2:] == ["RunFinished", "OutputWritten"]
    assert 0 < events.count("TileSent") == events.count("TileStored")
    quiet = coord(folder, "blur", "in.npy", "-o", "b.npy", "--log-level", "info")
    assert "tilefan.run" not in quiet.stderr
    refused(coord(folder, "blur", "in.npy", "--log-level", "loud"), 2, "--log-level")
