"""What is shipped to run elsewhere fits together: images, mounts, commands, dashboard, alerts and locks."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from prometheus_client import generate_latest

from flows.cli import main
from flows.observability.metrics import Metrics
from flows.settings import Settings
from schemas.shop import Shop

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/offerstream.json").read_text())
ALERTS = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]] + [
    rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]
]
PORT = "9464"
DIGEST = "@sha256:[0-9a-f]{64}$"


def names_and_labels() -> dict[str, set[str]]:
    """Every series Prometheus can read, with its labels."""
    registry = Metrics().registry
    found: dict[str, set[str]] = {}
    for line in generate_latest(registry.prometheus).decode().splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            found.update({name + suffix: {"le"} if suffix == "_bucket" else set() for suffix in suffixes})
    for metric in registry.samples:
        found[metric.value.name] |= set(metric.value.labels)
    return found


SERIES = names_and_labels()
OF_THE_SCRAPE = {"job", "instance"}
"""Labels that Prometheus gives to what it reads."""


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:offerstream|process)_\w+", expression))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_in_use_is_exposed_by_the_worker(expression):
    names = names_in(expression)
    assert names <= SERIES.keys()
    grouped = {
        label.strip()
        for group in re.findall(r"\b(?:by|on|ignoring) \(([^)]*)\)", expression)
        for label in group.split(",")
    }
    assert grouped <= OF_THE_SCRAPE.union(*(SERIES[name] for name in names))


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_legend_uses_existing_labels(panel):
    for target in panel["targets"]:
        labels = set().union(*(SERIES[name] for name in names_in(target["expr"])))
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_panel_asks_the_provisioned_datasource(panel):
    provisioned = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    assert panel["datasource"]["uid"] in [source["uid"] for source in provisioned["datasources"]]
    assert len({tuple(other["gridPos"].values()) for other in DASHBOARD["panels"]}) == len(
        DASHBOARD["panels"]
    )


RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_names_labels_that_its_expression_keeps(rule):
    kept = {
        label.strip() for group in re.findall(r"\bby \(([^)]*)\)", rule["expr"]) for label in group.split(",")
    } or OF_THE_SCRAPE.union(*(SERIES[name] for name in names_in(rule["expr"])))
    assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= kept


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_on_an_increase_of_what_is_rare_fires_for_the_first_time_too(rule):
    for name in re.findall(r"increase\((\w+)\[1h\]", rule["expr"]):
        assert f"or ({name} unless {name} offset" in rule["expr"]


@pytest.mark.parametrize(
    "name",
    [
        *("drift_detected_total", "choice_entropy", "missed_rewards", "orders_unattributed_share"),
        *("budget_overrun", 'rejects_total{class="control"}'),
    ],
)
def test_what_the_worker_detects_has_a_panel_and_an_alert(name):
    for expressions in (EXPRESSIONS[: -len(RULES)], EXPRESSIONS[-len(RULES) :]):
        assert any(f"offerstream_{name}" in expression for expression in expressions)


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name):
    pinned = r":v?\d+\.\d+\.\d+" + ("$" if SERVICES[name]["image"].startswith("offerstream:") else DIGEST)
    assert re.search(pinned, SERVICES[name]["image"])


def test_the_image_that_is_built_starts_from_one_pinned_python_and_runs_without_root():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.12\.\d+-slim-\w+" + DIGEST, bases.pop())
    (user,) = (line for line in lines if line.startswith("USER"))
    assert re.fullmatch(r"USER [1-9]\d{3,}:[1-9]\d{3,}", user)
    uid, gid = user.removeprefix("USER ").split(":")
    made = "\n".join(lines[: lines.index(user)])
    assert f"groupadd --gid {gid} " in made
    assert f"useradd --uid {uid} --gid {gid} " in made
    assert f"install --directory --owner {uid} --group {gid} /state" in made
    last_copied = max(i for i, line in enumerate(lines) if line.startswith(("COPY", "RUN")))
    assert lines.index(user) > last_copied


def test_the_image_has_two_stages_and_installs_what_production_needs_only():
    text = (ROOT / "Dockerfile").read_text()
    assert len(re.findall("^FROM", text, re.MULTILINE)) == 2
    assert set(re.findall(r"\w[\w-]*\.lock", text)) == {
        f"requirements{name}.lock" for name in ("", "-avro", "-msk")
    }
    assert re.findall(r"ARG REQUIREMENTS=(\S+)", text) == ["requirements.lock"]
    assert "pip install --require-hashes" in text
    assert not re.search(r"\[\w+\]", "".join(re.findall("pip install.*", text)))


def test_the_embedded_broker_is_an_extra_that_only_developers_have_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {
        name: {Requirement(each).name for each in asked}
        for name, asked in project["optional-dependencies"].items()
    }
    assert extras["demo"] == {"noida-db"} | extras["ui"]
    assert "noida" not in " ".join(project["dependencies"])
    assert "noida" not in (ROOT / "requirements.lock").read_text()


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^[a-z]\S+==\S+", (ROOT / lock).read_text(), re.MULTILINE))


def test_each_lock_has_the_pins_of_the_smaller_one_and_what_few_need_is_extra():
    least, avro, msk, dev = (pins(f"requirements{name}.lock") for name in ("", "-avro", "-msk", "-dev"))
    assert least < avro < dev
    assert avro < msk
    assert "fastavro" in {pin.split("==")[0] for pin in avro - least}
    assert "aws-msk-iam-sasl-signer-python" in {pin.split("==")[0] for pin in msk - avro}


@pytest.mark.parametrize("name", ["worker", "simulator"])
def test_the_containers_run_the_version_there_is(name):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert SERVICES[name]["image"] == f"offerstream:{version}"


@pytest.mark.parametrize("name", ["worker", "simulator"])
def test_the_containers_get_the_example_offers(name):
    (mount,) = (each for each in SERVICES[name]["volumes"] if each.startswith("."))
    source, target, mode = mount.split(":")
    assert (source, mode) == ("./schemas/example_offers.toml", "ro")
    assert f"--offers={target}" in SERVICES[name]["command"]
    Shop.model_validate(tomllib.loads((ROOT / source).read_text()))


def test_what_the_dockerfile_copies_exists_and_is_not_ignored():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    files = {file for names in copied for file in names.split()}
    let_through = (ROOT / ".dockerignore").read_text().splitlines()
    assert files == {line[1:] for line in let_through if line.startswith("!")}
    assert all((ROOT / file).exists() for file in files)


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_exists_and_every_volume_is_declared(name):
    for mount in SERVICES[name].get("volumes", []):
        source = mount.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_services_with_a_health_check(name):
    waits = SERVICES[name].get("depends_on", {})
    assert set(waits) <= SERVICES.keys()
    for other in waits if isinstance(waits, dict) else ():
        assert other == "worker" or "test" in SERVICES[other]["healthcheck"]


@pytest.mark.parametrize("name", ["worker", "simulator"])
def test_the_containers_run_known_commands_with_known_options(name, monkeypatch, capsys):
    command, *options = SERVICES[name]["command"]
    monkeypatch.setattr("sys.argv", ["offerstream", command, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {option.split("=")[0] for option in options} <= known


def test_prometheus_and_the_health_check_ask_where_the_worker_listens():
    (job,) = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"worker:{PORT}"]}]
    assert Settings.model_fields["metrics_port"].default == int(PORT)
    assert "metrics_host" in Settings.model_fields
    assert "--set=metrics_host=0.0.0.0" in SERVICES["worker"]["command"]
    assert f"http://127.0.0.1:{PORT}/livez" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-msk.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_requirement_with_hashes_and_names_no_host(lock):
    text = (ROOT / lock).read_text()
    pinned = {}
    for block in re.split(r"\n(?=\w)", text.replace("\\\n", "")):
        line = re.match(r"([\w.-]+)==([^ ;]+)(.*)", block, re.DOTALL)
        if line:
            assert "--hash=sha256:" in line[3], line[1]
            pinned[line[1]] = line[2]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    if lock == "requirements-dev.lock":
        asked += [name for name in project["dependency-groups"]["dev"] if isinstance(name, str)]
        asked += project["project"]["optional-dependencies"]["demo"]
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pinned[requirement.name.lower()]), requirement
    assert "://" not in text
    assert "--index" not in text
