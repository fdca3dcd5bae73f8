"""The laws of DESIGN.md that imports, names and lengths can break."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("tiling", "places", "worker", "coordinator", "tilefan")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
IMPURE = {
    *("asyncio", "aiohttp", "pathlib", "os", "time", "random", "logging", "typer", "rich"),
    *("socket", "subprocess", "threading"),
}
KERNEL_ONLY = {"scipy"}
LONGEST = 400

each_file = pytest.mark.parametrize(
    "path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in FILES]
)


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level names that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.ImportFrom():
                pytest.fail(f"{path}:{node.lineno}: a relative import hides where it leads")


def forbidden(path: Path) -> set[str]:
    """Return what a file must not import."""
    package, *folders, _ = path.relative_to(ROOT).parts
    others = {
        "tiling": {"worker", "coordinator", "places"} | IMPURE,
        "places": {"worker", "coordinator", "asyncio", "aiohttp", "socket"},
        "worker": {"coordinator"},
        "coordinator": {"worker", "asyncio", "aiohttp"},
        "tilefan": {"worker", "asyncio", "aiohttp", "numpy"},
    }[package]
    return others if (package, *folders[:1]) == ("tiling", "kernels") else others | KERNEL_ONLY


LAW: dict[str, dict[str, frozenset[str]]] = {
    "coordinator": {
        **{unit: frozenset() for unit in ("dispatch", "hosts", "stores", "history")},
        **{unit: frozenset({"stores"}) for unit in ("journal", "checks")},
        "display": frozenset({"history"}),
        "report": frozenset({"history", "stores"}),
        **{
            unit: frozenset()
            for unit in ("errors", "events", "text", "machine", "interruption", "warn")
        },
        "web": frozenset({"display", "history", "report"}),
        "engines": frozenset({"dispatch", "hosts", "stores", "journal"}),
        "launch": frozenset({"hosts", "stores"}),
        "run": frozenset({"engines", "stores", "journal", "checks"}),
        "planning": frozenset({"engines", "hosts", "stores"}),
        "api": frozenset({"run", "engines", "checks", "hosts", "launch", "stores", "display"}),
        "workflows": frozenset(
            {
                *("api", "checks", "dispatch", "display", "engines", "hosts", "journal", "launch"),
                *("planning", "report", "run", "stores", "web"),
            }
        ),
        "cli": frozenset(
            {"workflows", "run", "checks", "hosts", "launch", "display", "report", "planning"}
        ),
        **{unit: frozenset({"api"}) for unit in ("__init__", "ndimage")},
        "__main__": frozenset({"cli"}),
    },
    "tiling": {
        **{unit: frozenset() for unit in ("__init__", "errors", "dtypes", "geometry")},
        "operations": frozenset({"geometry"}),
        "jobs": frozenset({"geometry", "operations"}),
        "filters": frozenset({"geometry", "operations", "jobs"}),
        "kernels": frozenset({"geometry", "operations"}),
        "probes": frozenset({"geometry", "operations", "kernels", "jobs"}),
        "protocol": frozenset({"geometry", "jobs"}),
    },
    "places": {
        **{unit: frozenset() for unit in ("__init__", "errors", "below", "network", "flat")},
        "codecs": frozenset(),
        "chunks": frozenset({"codecs"}),
        "boxes": frozenset({"chunks"}),
        "buckets": frozenset({"chunks", "network"}),
        "chunk_files": frozenset({"below", "flat", "chunks"}),
        "roots": frozenset({"below", "buckets"}),
        "offers": frozenset(
            {"below", "network", "flat", "chunks", "boxes", "buckets", "chunk_files", "roots"}
        ),
    },
    "worker": {
        **{unit: frozenset() for unit in ("__init__", "errors", "settings", "machine")},
        **{unit: frozenset() for unit in ("usage", "log", "rate_limit", "security", "runtime")},
        "state": frozenset({"security", "runtime"}),
        "announcement": frozenset({"security"}),
        "lifetime": frozenset({"announcement", "security", "runtime", "state"}),
        "http": frozenset({"security", "runtime", "state"}),
        "endpoints": frozenset({"security", "runtime", "state", "http"}),
        "middleware": frozenset({"security", "runtime", "state", "http", "endpoints"}),
        "app": frozenset({"security", "runtime", "state", "http", "endpoints", "middleware"}),
        "server": frozenset({"security", "runtime", "state", "http", "endpoints", "app"}),
        "cli": frozenset(
            {
                *("security", "runtime", "state", "http", "endpoints", "app", "server", "usage"),
                *("announcement", "lifetime"),
            }
        ),
        "__main__": frozenset({"cli"}),
    },
    "tilefan": {
        "__init__": frozenset({"ndimage"}),
        **{unit: frozenset() for unit in ("ndimage", "dask", "xarray")},
    },
}
"""What each subpackage, or module beside them, may import of its own package besides itself."""

ROOTS = {
    "coordinator": {"errors", "events", "text", "machine", "interruption", "warn"},
    "tiling": {"errors", "dtypes"},
    "places": {"errors"},
    "worker": {"errors", "settings", "machine", "log", "rate_limit"},
    "tilefan": set(),
}
"""What everything in a package may import."""

NO_CLOCK = {"asyncio", "os", "time", "threading", "socket"}
"""What the dispatcher must not import: it is told events, and the time."""


def units_imported(path: Path) -> Iterator[str]:
    """Yield the subpackages of its own package that a file imports, inside functions too."""
    package = path.relative_to(ROOT).parts[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            first, _, rest = node.module.partition(".")
            if first == package:
                yield from [rest.partition(".")[0]] if rest else (name.name for name in node.names)


@each_file
def test_subpackages_obey_their_law(path: Path) -> None:
    """A subpackage imports what its row of the law names, and nothing else of its package."""
    relative = path.relative_to(ROOT)
    package, unit = relative.parts[0], relative.with_suffix("").parts[1]
    allowed = LAW[package][unit] | ROOTS[package] | {unit}
    assert set(units_imported(path)) <= allowed


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem) for p in FILES if p.parent.name == "dispatch"]
)
def test_the_dispatcher_has_no_clock_and_no_sockets(path: Path) -> None:
    """Time, dice and thresholds are arguments of the dispatcher."""
    assert not set(imported(path)) & NO_CLOCK


def test_the_law_names_what_exists() -> None:
    """A row for each subpackage and module, and none for what is gone."""
    for package, rows in LAW.items():
        folder = ROOT / package
        found = {
            path.stem
            for path in folder.iterdir()
            if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert found == set(rows)


def test_there_is_something_to_read() -> None:
    """Every package has files, so that the tests below can't pass by reading nothing."""
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(PACKAGES)


EXCEPTIONS = {
    # coord demo compares with SciPy in the same run: that is its purpose.
    "coordinator/workflows/demo.py": {"scipy"},
    # The live page serves browsers, in a thread that no run waits for; only --web imports it.
    "coordinator/web/server.py": {"asyncio", "aiohttp"},
}


@each_file
def test_imports_obey_the_one_law(path: Path) -> None:
    """Nothing impure in tiling; worker and coordinator apart; no event loop in the coordinator."""
    allowed = EXCEPTIONS.get(str(path.relative_to(ROOT)), set())
    assert not set(imported(path)) & (forbidden(path) - allowed)


@each_file
def test_no_file_is_a_drawer_for_everything(path: Path) -> None:
    """A file is named after what it holds."""
    assert not {"util", "utils", "helper", "helpers", "manager", "misc"} & set(path.stem.split("_"))


@each_file
def test_no_file_is_too_long(path: Path) -> None:
    """A file that needs more lines is two files."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@each_file
def test_nothing_prints_below_the_command_lines(path: Path) -> None:
    """Code emits facts; only the command lines talk."""
    calls = (
        node.func.id
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    assert path.stem == "cli" or "print" not in calls


def loaded(statements: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after these statements."""
    report = "\nimport sys; sys.stderr.write('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", statements + report],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def assert_not_loaded(modules: set[str], *names: str) -> None:
    """Each of these is a module that exists, and is not among those loaded."""
    for name in names:
        assert importlib.util.find_spec(name) is not None, f"{name} was renamed or is gone"
    assert not modules & set(names)


RUN_HELP = """
from coordinator.cli.main import app
try:
    app({})
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.parametrize(
    "arguments",
    [[], ["blur"], ["demo"], ["plan"], ["diff"], ["show"], ["hosts"], ["config"], ["run"]],
)
def test_help_is_quick(arguments: list[str]) -> None:
    """Help loads neither NumPy nor aiohttp nor the live display."""
    modules = loaded(RUN_HELP.format([*arguments, "--help"]))
    assert "coordinator.cli.main" in modules
    assert_not_loaded(modules, "numpy", "scipy", "aiohttp", "asyncio", "rich.live")


def test_ctrl_c_is_answered_soon() -> None:
    """What takes long to import comes later: until then it would show a traceback."""
    modules = loaded("import coordinator.__main__") - loaded("")
    assert "coordinator.__main__" in modules
    assert_not_loaded(modules, "typing", "contextlib", "re")


def test_the_facade_loads_what_is_used() -> None:
    """Whoever imports `tilefan` waits neither for NumPy nor for the errors' sake."""
    modules = loaded("import tilefan; tilefan.TilefanError, tilefan.TilingError, dir(tilefan)")
    assert "coordinator.errors" in modules
    assert_not_loaded(modules, "numpy", "scipy", "importlib.metadata", "coordinator.api.fleet")


def test_the_coordinator_of_a_fleet_loads_no_scipy() -> None:
    """The http engine and the file commands compute nothing, so they load no kernel's library."""
    modules = loaded(
        "import coordinator.engines.http.engine, coordinator.workflows.filter_file\n"
        "import coordinator.api.fleet"
    )
    assert "coordinator.engines.http.engine" in modules
    assert_not_loaded(modules, *KERNEL_ONLY)


RUN_BLUR = """
import numpy as np
from coordinator.cli.main import app
np.save("{0}/in.npy", np.ones((30, 20), "i4"))
try:
    app(["blur", "{0}/in.npy", "--quiet"])
except SystemExit as end:
    assert not end.code, end.code
"""


def test_a_small_blur_loads_what_it_needs(tmp_path: Path) -> None:
    """Beyond NumPy, Typer and its pydantic it is our own run: start-up is most of what it costs."""
    modules = loaded(RUN_BLUR.format(tmp_path))
    assert (tmp_path / "in.blur.npy").exists()
    own = ("display.live", "report.page", "run.memory_limit", "checks.recompute", "api.fleet")
    assert_not_loaded(modules, *(f"coordinator.{name}" for name in own))
    assert_not_loaded(modules, "coordinator.hosts.hosts_file")
    assert_not_loaded(modules, *(f"coordinator.stores.{name}" for name in ("tiff", "hdf5", "fits")))
    assert_not_loaded(modules, "tiling.filters.ranks", "tiling.operations.windows")
    assert_not_loaded(modules, "rich", "aiohttp", "asyncio", "logging", "scipy")


WALK = [
    pytest.param(path, name, id=f"{path}:{name}")
    for path, name in re.findall(
        r"^\| `([\w/]+\.py)` \| `([\w.]+)` \| .+ \|$",
        (ROOT / "docs" / "architecture.md").read_text("utf-8"),
        re.MULTILINE,
    )
]


def definitions(nodes: Sequence[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Yield the functions and classes of a module, and the methods as ``Class.method``."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from definitions(node.body, f"{node.name}.")


@pytest.mark.parametrize(("path", "name"), WALK)
def test_the_walk_of_a_tile_names_what_exists(path: str, name: str) -> None:
    """A function that moves is moved in docs/architecture.md too."""
    assert name in set(definitions(ast.parse((ROOT / path).read_text("utf-8")).body))


def test_the_walk_of_a_tile_is_read() -> None:
    """Every row of its tables is among those that are checked."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    heads = [line for line in rows if line.startswith(("| file", "|---"))]
    assert len(rows) - len(heads) == len(WALK) > 40
