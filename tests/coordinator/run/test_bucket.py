"""zarr in buckets, of servers here: chunks first, metadata last; and from a web server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.errors import InputChangedError, InputError, StoreError
from coordinator.events import Event, TileStored
from coordinator.stores.files import open_place
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import Placement, RunOptions
from tests.coordinator.run.cut_short import SIGMA, TILES, Killed, Watched, Workbench, kill
from tests.support.bucket_server import SCHEMES, BucketServer, bucket_server
from tests.support.equality import assert_same_bits
from tests.support.formats import ZARR

ts = pytest.importorskip("tensorstore")
pytest.importorskip("zarr")


@pytest.fixture(scope="module", params=SCHEMES)
def server(request: pytest.FixtureRequest) -> Iterator[BucketServer]:
    with bucket_server(request.param) as server:
        yield server


@pytest.fixture
def bench(
    server: BucketServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Workbench:
    for name, value in {**server.environment, "XDG_STATE_HOME": str(tmp_path / "state")}.items():
        monkeypatch.setenv(name, value)
    bench = Workbench(tmp_path, monkeypatch, ZARR)
    bench.target = Path(f"{server.scheme}://bucket/{request.node.name}/out.zarr")
    return bench


def keys_of(bench: Workbench) -> list[str]:
    """Return the keys below the output."""
    from coordinator.stores.keys import open_keys
    from coordinator.stores.place import Place

    return sorted(key.decode() for key in open_keys(Place(bench.target)).list().result())


def put(bench: Workbench, key: str, value: bytes) -> None:
    from coordinator.stores.keys import open_keys
    from coordinator.stores.place import Place

    open_keys(Place(bench.target)).write(key, value).result()


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.glob("state/tilefan/outputs/*")]


def assert_done(bench: Workbench, tmp_path: Path) -> None:
    assert_same_bits(open_place(bench.target).array, gaussian_filter(bench.input(), SIGMA))
    assert "zarr.json" in keys_of(bench)
    assert left(tmp_path) == []


def test_killed_and_resumed(bench: Workbench, tmp_path: Path) -> None:
    """No metadata until the end; finished tiles are not computed again."""
    bench.die(3)
    assert keys_of(bench)
    assert "zarr.json" not in keys_of(bench)
    with pytest.raises(InputError, match=r"://bucket/.*/out\.zarr: an unfinished run left 3 tiles"):
        bench.blur()
    assert bench.blur(resume=True).sent == [3, 4, 5, 6, 7]
    assert_done(bench, tmp_path)


def test_a_chunk_that_was_changed_is_computed_again(bench: Workbench, tmp_path: Path) -> None:
    """A chunk that is there proves nothing."""
    bench.die(3)
    put(bench, "c/0/0", b"something else")
    assert bench.blur(resume=True).sent == [0, 3, 4, 5, 6, 7]
    assert_done(bench, tmp_path)


def test_what_is_there_is_never_touched(bench: Workbench, tmp_path: Path) -> None:
    """Neither an array nor any other object."""
    bench.blur()
    with pytest.raises(InputError, match="exists, and can't be replaced at once"):
        bench.blur(overwrite=True)
    assert_done(bench, tmp_path)
    bench.target = bench.target.with_name("other.zarr")
    put(bench, "precious", b"1")
    with pytest.raises(InputError, match="something below it"):
        bench.blur(overwrite=True)
    assert keys_of(bench) == ["precious"]
    assert left(tmp_path) == []


def test_no_output_among_the_chunks_of_an_array(bench: Workbench, tmp_path: Path) -> None:
    """Be it the input or another one."""
    bench.blur()
    bench.target = bench.target / "c" / "x.zarr"
    with pytest.raises(InputError, match=r"would be among the chunks of .*/out\.zarr; name"):
        bench.blur()
    assert (keys_of(bench), left(tmp_path)) == ([], [])


def test_where_there_is_no_bucket(bench: Workbench, tmp_path: Path) -> None:
    """Nobody else is blamed for it."""
    bench.target = Path(str(bench.target).replace("bucket", "no-bucket", 1))
    with pytest.raises((InputError, StoreError), match=r"such a bucket|Not Found"):
        bench.blur()
    assert left(tmp_path) == []


def test_nothing_is_left_of_a_run_without_tiles(bench: Workbench, tmp_path: Path) -> None:
    """No object, and no file here."""
    with pytest.raises(Killed):
        bench.blur(Watched(0, kill))
    assert (keys_of(bench), left(tmp_path)) == ([], [])


def test_starting_anew(bench: Workbench, tmp_path: Path) -> None:
    """The chunks of the run before are removed."""
    bench.die(3)
    put(bench, "c/9/9", b"stale")
    bench.blur(overwrite=True)
    assert "c/9/9" not in keys_of(bench)
    assert_done(bench, tmp_path)


@pytest.mark.parametrize("flag", ["resume", "overwrite"])
def test_killed_when_it_was_whole(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    """Before it took its claim back: that is removed later, and nothing of the array."""
    from coordinator.stores import keyed_homes

    class Deadly:
        """Keys of which none can be removed."""

        def __init__(self, keys: Any) -> None:
            self.read, self.write, self.list = keys.read, keys.write, keys.list

        def delete_range(self, _: object) -> None:
            kill()

    real = keyed_homes.open_keys
    with monkeypatch.context() as patched:
        patched.setattr(keyed_homes, "open_keys", lambda place: Deadly(real(place)))
        patched.setattr(keyed_homes.BucketHome, "discard", kill)
        with pytest.raises(Killed):
            bench.blur()
    assert keyed_homes.CLAIM in keys_of(bench)
    with pytest.raises(InputError, match="exists, and can't be replaced at once"):
        bench.blur(**{flag: True})
    assert keyed_homes.CLAIM not in keys_of(bench)
    assert_same_bits(open_place(bench.target).array, gaussian_filter(bench.input(), SIGMA))


def test_somebody_else_is_first(bench: Workbench) -> None:
    """What they wrote is there still, and our chunks are kept."""
    with pytest.raises(StoreError, match="somebody has made this meanwhile"):
        bench.blur(Watched(TILES, lambda: put(bench, "zarr.json", b"{}")))
    from coordinator.stores.keys import open_keys
    from coordinator.stores.place import Place

    assert open_keys(Place(bench.target)).read("zarr.json").result().value == b"{}"


def test_one_output_of_two_machines(bench: Workbench, tmp_path: Path) -> None:
    """The second finds the claim of the first, before there is any chunk, and removes nothing."""
    from coordinator.stores.keyed_homes import BucketHome
    from coordinator.stores.partial import partial_path
    from coordinator.stores.place import Place

    one, other = (BucketHome(Place(bench.target), tmp_path / name) for name in ("a", "b"))
    for home in (one, other):
        partial_path(home.path).mkdir()
    one.begin(keep=False)
    for keep in (False, True):
        with pytest.raises(InputError, match="another coordinator writes there"):
            other.begin(keep=keep)
    put(bench, "c/0/0", b"1")
    other.discard()
    assert "c/0/0" in keys_of(bench)
    partial_path(other.path).mkdir()
    with pytest.raises(FileExistsError):
        other.publish({"zarr.json": b"{}"}, overwrite=True, sync=True)
    one.publish({"zarr.json": b"{}"}, overwrite=False, sync=True)
    assert keys_of(bench) == ["c/0/0", "zarr.json"]


def test_nothing_is_left_of_an_output_that_is_not_opened(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interruption between the claim and the first tile takes the claim back."""
    from coordinator.stores.keyed_sink import KeyedSink

    monkeypatch.setattr(KeyedSink, "_open", lambda *_: kill())
    with pytest.raises(Killed):
        bench.blur()
    assert (keys_of(bench), left(tmp_path)) == ([], [])


def test_from_a_bucket(bench: Workbench, tmp_path: Path) -> None:
    """And back to a file."""
    bench.blur()
    bench.source, bench.target = bench.target, tmp_path / "back.npy"
    filter_chain(
        [("gaussian_filter", {"sigma": 1})], bench.source, bench.target, RunOptions(style="none")
    )
    want = gaussian_filter(open_place(bench.source).array, 1)
    assert_same_bits(np.load(bench.target), want)


@pytest.mark.parametrize("in_group", [False, True])
@pytest.mark.parametrize("anew", [False, True])
def test_an_input_that_is_replaced(
    bench: Workbench, tmp_path: Path, *, in_group: bool, anew: bool
) -> None:
    """It is gone, or written anew with the same metadata, in a group too: no mixture is kept."""
    from coordinator.stores.keys import open_keys
    from coordinator.stores.place import Place

    root = bench.target.with_name("in.zarr")
    keys, below = open_keys(Place(root)), "a/" if in_group else ""
    all_of_it = ts.KvStore.KeyRange("a/", "a0") if in_group else ts.KvStore.KeyRange()
    if in_group:
        keys.write("zarr.json", b'{"zarr_format": 3, "node_type": "group"}').result()
    document = {
        "shape": [24, 20],
        "data_type": "float32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [3, 20]}},
    }

    def write(value: int) -> None:
        spec = {"driver": "zarr3", "kvstore": keys.spec().to_json(), "metadata": document}
        array = ts.open({**spec, "path": below}, create=True, open=True).result()
        array.write(np.float32(value)).result()

    def replace(_: float, event: Event) -> None:
        if isinstance(event, TileStored) and event.tile == 0:
            keys.delete_range(all_of_it).result()
            for value in [2] * anew:
                write(value)

    write(1)
    source, target = f"{root}::a" if in_group else root, tmp_path / "out.npy"
    options = RunOptions(Placement(tile=3), style="none", log=replace)
    with pytest.raises(InputChangedError, match="would be a mixture"):
        filter_chain([("gaussian_filter", {"sigma": 1})], Place.parse(source), target, options)
    assert not target.exists()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class _Closed(_Quiet):
    def do_GET(self) -> None:
        self.send_error(403)


@contextmanager
def web(folder: Path, handler: type[_Quiet] = _Quiet) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def test_from_a_web_server(tmp_path: Path) -> None:
    """It is only read from."""
    array = np.random.default_rng(1).random((20, 9))
    ZARR.save(tmp_path / "in.zarr", array)
    quiet = RunOptions(style="none", notes=True)
    with web(tmp_path) as url:
        source, target = Path(f"{url}/in.zarr"), tmp_path / "out.zarr"
        filter_chain([("gaussian_filter", {"sigma": 1})], source, target, quiet)
        assert_same_bits(ZARR.load(target), gaussian_filter(array, 1))
        with pytest.raises(InputError, match="a web server is only read from"):
            filter_chain([("gaussian_filter", {"sigma": 1})], target, source, quiet)
        with pytest.raises(InputError, match="no zarr array"):
            open_place(Path(f"{url}/nix.zarr"))


def test_what_may_not_be_read(tmp_path: Path) -> None:
    """It is the store that fails, not what the user asked for."""
    with web(tmp_path, _Closed) as url, pytest.raises(StoreError, match="Forbidden"):
        open_place(Path(f"{url}/x.zarr"))


@pytest.mark.parametrize("url", ["s3://bucket/x.zarr", "gs://bucket/x.zarr", "{}/x.zarr"])
def test_where_nobody_answers(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """It is tried again for some seconds, less here, and then said."""
    few = {"max_retries": 2, "initial_delay": "1ms", "max_delay": "1ms"}
    monkeypatch.setattr("coordinator.stores.keys.RETRIES", few)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for scheme in SCHEMES:
            for name, value in BucketServer(scheme, address).environment.items():
                monkeypatch.setenv(name, value)
        with pytest.raises(StoreError, match=r"All 2 retry attempts failed: .* connect"):
            open_place(Path(url.format(address)))
