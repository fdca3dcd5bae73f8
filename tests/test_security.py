"""SECURITY.md tells the truth: its tests exist, and what it forbids is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
PACKAGES = ("tiling", "places", "worker", "coordinator")
UNPICKLERS = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
RUNNERS = {"eval", "exec", "compile", "__import__"}


def test_every_promise_has_a_test() -> None:
    """Between the heading of the promises and the next, every item names a test."""
    promises = TEXT.partition("## What is promised")[2].partition("## What is not")[0]
    items = re.split(r"^- ", promises, flags=re.MULTILINE)[1:]
    assert len(items) > 12
    assert [item for item in items if "`tests/" not in item] == []


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_tests_exist(path: str, name: str) -> None:
    """A test that was renamed is renamed there too."""
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)


def test_nothing_unpickles() -> None:
    """No module reads pickles, loads arrays in NumPy's unsafe way, or runs text."""
    found = []
    for path in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import(names=names):
                    used = {name.name.partition(".")[0] for name in names} & UNPICKLERS
                case ast.ImportFrom(module=str(module)):
                    used = {module.partition(".")[0]} & UNPICKLERS
                case ast.Call(func=ast.Name(id=name)):
                    used = {name} & RUNNERS
                case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="load" as name)):
                    used = {name}
                case _:
                    used = set()
            found += [f"{path}:{name}" for name in used]
    assert found == []
