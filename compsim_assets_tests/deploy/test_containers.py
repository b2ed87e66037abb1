"""Compose file, image, Helm values: no root, nothing writable but volumes, no port beyond this machine, no secret."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PLATFORM = sorted(set(SERVICES) - {"postgres"})
VALUES = yaml.safe_load((DEPLOY / "helm/values.yaml").read_text())
USUAL = yaml.safe_load((ROOT / "compsim_assets/running/dagster.yaml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_the_services_are_there() -> None:
    assert set(SERVICES) == {"postgres", "code", "daemon", "webserver"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_as_little_as_it_needs(name: str) -> None:
    service = SERVICES[name]
    user, group = map(int, service["user"].split(":"))
    assert min(user, group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"privileged", "network_mode", "pid", "ipc", "devices", "cap_add"}.isdisjoint(service)
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_comes_back_and_says_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "always"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(service["healthcheck"])
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}  # a log that grows fills the disk
    for other, how in service.get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}, other
    assert "postgres" in service.get("depends_on", {"postgres": None})


def test_no_port_beyond_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"webserver"}
    assert all(port.startswith("127.0.0.1:") for port in published["webserver"])
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == ["inside"]
    assert "--socket" in SERVICES["code"]["command"]  # whoever may call a code server runs code
    assert {"--port", "-p", "--host"}.isdisjoint(SERVICES["code"]["command"])


def test_named_volumes_hold_what_must_last() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service["volumes"]]
    named = {mount.split(":")[0] for mount in mounts if re.match(r"[a-z]+:", mount)}
    assert named == set(COMPOSE["volumes"]) == {"history", "state", "run"}
    bound = {mount for mount in mounts if mount.split(":")[0] not in named}
    assert {mount.endswith(":/universe:ro") for mount in bound} == {True}
    home = re.findall(r"^    DAGSTER_HOME=(\S+)|COMPSIM_DATA=(\S+)|TMPDIR=(\S+)", DOCKERFILE, re.MULTILINE)
    paths = [path for groups in home for path in groups if path]
    assert len(paths) == 3
    assert all(path.startswith("/var/lib/compsim/") for path in paths)


def strings(tree: Any, place: str = "") -> list[tuple[str, str]]:
    """Every value of a document, with the keys that lead to it."""
    if isinstance(tree, dict):
        return [pair for key, value in tree.items() for pair in strings(value, f"{place}.{key}")]
    if isinstance(tree, list):
        return [pair for value in tree for pair in strings(value, place)]
    return [(place, str(tree))]


def test_secrets_come_from_files() -> None:
    assert COMPOSE["secrets"] == {"DAGSTER_PG_PASSWORD": {"file": "./secrets/DAGSTER_PG_PASSWORD"}}
    assert all(service["secrets"] == ["DAGSTER_PG_PASSWORD"] for service in SERVICES.values())
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/deploy/secrets/" in ignored
    for document in (COMPOSE, VALUES, yaml.safe_load((DEPLOY / "postgresql.yaml").read_text())):
        for place, value in strings(document):
            if re.search(r"(?i)passw|secret|token", place):
                assert re.match(r"(?i)(\./secrets/|/run/secrets/)?[\w-]*$|false$", value), f"{place}: {value}"
                assert not place.lower().endswith("password"), place
    assert "DAGSTER_PG_PASSWORD" not in DOCKERFILE


def test_the_image_runs_as_nobody_special_and_holds_no_more_than_it_needs() -> None:
    instructions = [line.split()[0] for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert instructions[-1] == "ENTRYPOINT"
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == [SERVICES["code"]["user"]]
    assert "--constraint constraints.txt" in DOCKERFILE
    first, *allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert first == "**"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    needed = {name for line in copied for name in line.split()}
    assert {line[1:] for line in allowed if line.startswith("!")} == needed
    for name in needed:
        assert (ROOT / name).exists()


def test_what_the_image_installs_is_pinned() -> None:
    pins = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", DOCKERFILE)
    for extra in extras.split(","):
        for requirement in PROJECT["optional-dependencies"][extra]:
            assert re.split(r"[\[<>=; ]", requirement)[0].lower() in pins, requirement


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)


def test_helm_values_say_the_same_as_dagster_yaml() -> None:
    daemon = VALUES["dagsterDaemon"]
    queue, usual = daemon["runCoordinator"]["config"]["queuedRunCoordinator"], USUAL["concurrency"]["runs"]
    assert queue == {camel(key): value for key, value in usual.items()}
    for helm, ours in (("runMonitoring", "run_monitoring"), ("runRetries", "run_retries")):
        assert daemon[helm] == {camel(key): value for key, value in USUAL[ours].items()}
    ticks = {camel(kind): days["purge_after_days"] for kind, days in USUAL["retention"].items()}
    assert {kind: VALUES["retention"][kind]["purgeAfterDays"] for kind in ticks} == ticks
    launcher = VALUES["runLauncher"]["config"]["customRunLauncher"]
    assert launcher == {**USUAL["run_launcher"], "config": {}}
    logs = VALUES["computeLogManager"]["config"]["customComputeLogManager"]
    assert logs == {**USUAL["compute_logs"], "config": logs["config"]}


def test_helm_pods_may_as_little() -> None:
    (code,) = VALUES["dagster-user-deployments"]["deployments"]
    for pod in (VALUES["dagsterWebserver"], VALUES["dagsterDaemon"], code):
        assert pod["podSecurityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["securityContext"]["allowPrivilegeEscalation"] is False
        assert pod["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in pod["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert VALUES["dagsterWebserver"]["service"]["type"] == "ClusterIP"
    storage = yaml.safe_load((DEPLOY / "postgresql.yaml").read_text())["storage"]["postgres"]["postgres_db"]
    assert VALUES["postgresql"]["postgresqlScheme"] == storage["scheme"]
