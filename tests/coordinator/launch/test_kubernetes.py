"""The manifest that `coord up k8s` prints: valid YAML, and objects that fit together."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from coordinator.cli.main import app
from coordinator.hosts.hosts_file import load_hosts
from coordinator.launch.kubernetes import Manifest
from tiling.protocol.token import Token
from worker.cli import app as worker


def objects(text: str) -> dict[str, Any]:
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def test_the_objects_fit_together(tmp_path: Any) -> None:
    """One label, one name, one port; as many workers in hosts.toml as there are pods."""
    found = objects(Manifest("registry:5000/tilefan:1", workers=3, threads=2, port=9000).text())
    assert set(found) == {"Secret", "ConfigMap", "Service", "StatefulSet"}
    label = {"app.kubernetes.io/name": "tilefan"}
    assert all(each["metadata"] == {"name": "tilefan", "labels": label} for each in found.values())
    pods, service = found["StatefulSet"]["spec"], found["Service"]["spec"]
    assert service["clusterIP"] == "None"
    assert service["selector"] == pods["selector"]["matchLabels"] == label
    assert pods["template"]["metadata"]["labels"] == label
    (container,) = pods["template"]["spec"]["containers"]
    ports = [service["ports"][0]["port"], container["ports"][0]["containerPort"]]
    assert ports == [9000, container["readinessProbe"]["tcpSocket"]["port"]]
    assert (container["image"], pods["replicas"]) == ("registry:5000/tilefan:1", 3)
    path = tmp_path / "hosts.toml"
    path.write_text(found["ConfigMap"]["data"]["hosts.toml"])
    names = [host.name for host in load_hosts(path).hosts]
    assert names == [f"tilefan-{number}.tilefan:9000" for number in range(3)]


def test_the_worker_takes_the_command_line() -> None:
    """As it stands, once Kubernetes has put the pod's name into it."""
    container = objects(Manifest("x").text())["StatefulSet"]["spec"]["template"]["spec"]
    program, *arguments = container["containers"][0]["command"]
    assert program == "worker"
    line = [each.replace("$(POD)", "tilefan-0") for each in arguments]
    variables = {"TILEFAN_TOKEN": "t" * 40}
    line += ["--tls-key", "x"]  # ends it before it serves
    ended = CliRunner().invoke(worker, line, env=variables)
    assert "a key without a certificate" in ended.stderr


def test_each_has_a_token_of_its_own() -> None:
    """A new one each time."""
    tokens = {objects(Manifest("x").text())["Secret"]["stringData"]["token"] for _ in range(3)}
    assert len(tokens) == 3
    assert all(Token.parse(each) for each in tokens)


@pytest.mark.parametrize("image", ['a"b', "a: b", "a # b", "{{x}}", "a\nb: c", "*a"])
def test_no_image_is_more_than_a_name(image: str) -> None:
    """Whatever is in it."""
    spec = objects(Manifest(image).text())["StatefulSet"]["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == image


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("up k8s -n 8", "coord up k8s -n 8 --image"),
        ("up k8s -n 8 --image x --install", "--install has no meaning for coord up k8s"),
        ("up local node1", "coord up local takes no 'node1'"),
        ("up local --wait nan", "nan is no time"),
        ("up local --wait inf", "inf is no time"),
        ("hosts --wait nan", "nan is no time"),
        ("up local --ssh-config x", "--ssh-config has no meaning for coord up local"),
        ("up ssh", "on which machines?"),
        ("up ssh node1 node1", "node1 stands twice"),
        ("up -n 4", "coord up local -n 4"),
        ("up --hosts none.toml", "none.toml remembers no workers"),
    ],
)
def test_mistakes_on_the_line(line: str, says: str) -> None:
    """Exit code 2, and what would be right."""
    ended = CliRunner().invoke(app, line.split())
    assert (ended.exit_code, says in ended.stderr) == (2, True), ended.stderr


def test_it_is_printed() -> None:
    """The manifest, and nothing else."""
    ended = CliRunner().invoke(app, ["up", "k8s", "-n", "5", "--image", "x"])
    assert ended.exit_code == 0
    hosts = objects(ended.stdout)["ConfigMap"]["data"]["hosts.toml"].partition("= ")[2]
    assert len(json.loads(hosts)) == 5
