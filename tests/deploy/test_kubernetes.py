"""The manifests of deploy/kubernetes: valid for Kubernetes, locked down, and true of the worker they run."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from flows.cli import main
from flows.kafka.client_file import read_client_file
from flows.reference.prometheus_rule import ALERTS, RULE, prometheus_rule
from flows.settings import read_settings
from schemas.shop import load_shop
from tests.deploy.kustomize import build, one_of

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
OVERLAYS = ("one", "several")
BUILT = {name: build(KUBERNETES / name) for name in OVERLAYS}
VERSIONS = ("1.28", "1.37")
DOCUMENT = ROOT / "docs/how-to/run-on-kubernetes.md"
OF_OTHERS = {"PodMonitor", "PrometheusRule"}
"""Kinds that are not of Kubernetes itself: its schemas do not know them."""
SECRETS = {"offerstream-kafka": {"password", "ca.crt"}}
"""What an operator has to make, with the files in it that the settings name."""
each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def stateful_set(overlay):
    return one_of(BUILT[overlay], "StatefulSet", "offerstream")["spec"]


def pod(overlay):
    return stateful_set(overlay)["template"]["spec"]


def worker(overlay):
    (container,) = pod(overlay)["containers"]
    return container


def manifests():
    return [
        pytest.param(each, id=f"{name}-{each['kind']}") for name, found in BUILT.items() for each in found
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", manifests())
def test_kubernetes_knows_every_field(manifest, version):
    if manifest["kind"] not in OF_OTHERS:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_notice_what_is_wrong():
    wrong = {**one_of(BUILT["one"], "Service", "offerstream"), "spec": {"ports": [{"port": "http"}]}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)
    wrong["spec"] = {"prots": []}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def kustomize():
    """The command of kustomize, where it is there by itself or within kubectl."""
    known = (["kustomize", "build"], ["kubectl", "kustomize"])
    return next((each for each in known if shutil.which(each[0])), None)


@each_overlay
def test_kustomize_makes_the_same_of_it(overlay):
    command = kustomize()
    if command is None:
        pytest.skip("there is neither kustomize nor kubectl here")
    done = subprocess.run([*command, KUBERNETES / overlay], capture_output=True, text=True, check=True)
    text = re.sub(r"(offerstream-settings)-[a-z0-9]{10}\b", r"\1", done.stdout)
    theirs = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}
    ours = {(each["kind"], each["metadata"]["name"]): each for each in BUILT[overlay]}
    assert theirs == ours


def test_the_overlay_of_the_document_goes_on_top_of_ours(tmp_path):
    (text,) = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    shown = yaml.safe_load(text)
    (made,) = shown["configMapGenerator"]
    base = yaml.safe_load((KUBERNETES / "base/kustomization.yaml").read_text())["configMapGenerator"]
    assert [{"name": made["name"], "files": made["files"]}] == base
    assert shown["images"][0]["name"] == worker("one")["image"].partition(":")[0]
    if (command := kustomize()) is None:
        pytest.skip("there is neither kustomize nor kubectl here")
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/kustomization.yaml").write_text(text)
    for name in made["files"]:
        (tmp_path / "shop" / name).write_text("# mine\n")
    done = subprocess.run([*command, tmp_path / "shop"], capture_output=True, text=True, check=True)
    found = list(yaml.safe_load_all(done.stdout))
    (settings,) = (each["data"] for each in found if each["kind"] == "ConfigMap")
    assert settings == dict.fromkeys(made["files"], "# mine\n")
    (run,) = (each["spec"]["template"]["spec"] for each in found if each["kind"] == "StatefulSet")
    assert run["containers"][0]["image"] == "registry.example/offerstream:0.1.0"


@each_overlay
def test_nothing_runs_as_root_or_writes_outside_of_its_volumes(overlay):
    (user,) = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    uid, gid = map(int, user)
    assert pod(overlay)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": gid,
        "fsGroup": gid,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert worker(overlay)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(overlay)["automountServiceAccountToken"] is False


@each_overlay
def test_what_is_mounted_is_there_and_secrets_and_settings_are_read_only(overlay):
    volumes = {each["name"]: each for each in pod(overlay)["volumes"]}
    claims = {each["metadata"]["name"] for each in stateful_set(overlay)["volumeClaimTemplates"]}
    mounts = worker(overlay)["volumeMounts"]
    assert {each["name"] for each in mounts} == volumes.keys() | claims
    for each in mounts:
        source = volumes.get(each["name"], {})
        assert each.get("readOnly", False) == ("configMap" in source or "secret" in source)
    one_of(BUILT[overlay], "ConfigMap", volumes["settings"]["configMap"]["name"])
    assert volumes["kafka"]["secret"]["secretName"] in SECRETS
    assert volumes["kafka"]["secret"]["defaultMode"] == 0o440


@pytest.fixture
def mounted(tmp_path):
    """Lays out the files of an overlay as its pod sees them, and translates paths of the pod."""

    def lay_out(overlay):
        volumes = {each["name"]: each for each in pod(overlay)["volumes"]}
        for mount in worker(overlay)["volumeMounts"]:
            directory = tmp_path / mount["mountPath"].lstrip("/")
            directory.mkdir(parents=True, exist_ok=True)
            source = volumes.get(mount["name"], {})
            if "configMap" in source:
                data = one_of(BUILT[overlay], "ConfigMap", source["configMap"]["name"])["data"]
                for name, text in data.items():
                    here = re.sub(r"(?<=[\"=:])/(?=etc|run|state)", f"{tmp_path}/", text)
                    (directory / name).write_text(here)
            for name in SECRETS.get(source.get("secret", {}).get("secretName"), ()):
                (directory / name).write_text("secret")
        return tmp_path

    return lay_out


@each_overlay
def test_the_settings_are_those_of_the_worker_and_leave_it_time_to_stop(overlay, mounted):
    root = mounted(overlay)
    (config,) = (each.removeprefix("--config=") for each in worker(overlay)["args"] if "--config" in each)
    settings = read_settings(root / config.lstrip("/"))
    assert settings.bootstrap == "kafka-bootstrap.kafka.svc:9093"
    assert settings.kafka_settings()["sasl.password"] == "secret"
    assert Path(settings.kafka_settings()["ssl.ca.location"]).read_text() == "secret"
    assert settings.shop().markets
    assert settings.metrics_host == "0.0.0.0"
    assert settings.state.is_relative_to(root / "state")
    assert settings.state != root / "state"
    grace_s = pod(overlay)["terminationGracePeriodSeconds"]
    assert grace_s >= settings.stop_within.total_seconds() + 30


def test_the_files_of_the_base_are_commented_and_load():
    load_shop(KUBERNETES / "base/offers.toml")
    tomllib.loads((KUBERNETES / "base/worker.toml").read_text())
    assert "bootstrap.servers" in read_client_file(KUBERNETES / "base/client.properties")


@each_overlay
def test_the_command_has_these_options(overlay, capsys):
    command, *options = worker(overlay)["args"]
    with pytest.raises(SystemExit):
        main([command, "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {option.split("=")[0] for option in options} <= known


@each_overlay
def test_the_image_is_of_this_version(overlay):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert worker(overlay)["image"] == f"offerstream:{version}"


@each_overlay
def test_a_waiting_worker_is_not_killed_and_one_that_hangs_is(overlay):
    container = worker(overlay)
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: get["path"] for name, get in asked.items()} == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert {get["port"] for get in asked.values()} == {"metrics"}
    assert ports["metrics"] == 9464


@each_overlay
def test_it_asks_for_what_it_needs_and_is_not_throttled(overlay):
    resources = worker(overlay)["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}
    (claim,) = stateful_set(overlay)["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert stateful_set(overlay)["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"


def selectors(manifest):
    """Everything in a manifest that selects pods of ours."""
    if isinstance(manifest, dict):
        labels = manifest.get("matchLabels", {})
        if "app.kubernetes.io/name" in labels:
            yield labels
        for value in manifest.values():
            yield from selectors(value)
    elif isinstance(manifest, list):
        for value in manifest:
            yield from selectors(value)


@each_overlay
def test_whatever_selects_pods_selects_ours(overlay):
    labels = stateful_set(overlay)["template"]["metadata"]["labels"]
    found = list(selectors(BUILT[overlay]))
    assert len(found) >= 3
    service = one_of(BUILT[overlay], "Service", "offerstream")
    for each in (*found, service["spec"]["selector"]):
        assert each.items() <= labels.items()
    assert stateful_set(overlay)["serviceName"] == service["metadata"]["name"]


@each_overlay
def test_the_network_lets_in_prometheus_and_out_to_kafka_alone(overlay):
    policy = one_of(BUILT[overlay], "NetworkPolicy", "offerstream")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    names = {each["name"] for each in worker(overlay)["ports"]}
    within = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    assert within == names
    assert all("from" in rule for rule in policy["ingress"])
    assert all("to" in rule for rule in policy["egress"])
    out = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    servers = read_client_file(KUBERNETES / "base/client.properties")["bootstrap.servers"]
    assert {53, int(servers.rpartition(":")[2])} <= out


@each_overlay
def test_prometheus_finds_each_process_as_the_job_of_the_alerts(overlay):
    spec = one_of(BUILT[overlay], "PodMonitor", "offerstream")["spec"]
    assert spec.keys() == {"jobLabel", "selector", "podMetricsEndpoints"}
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint.keys() == {"port", "path", "interval"}
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
    job = stateful_set(overlay)["template"]["metadata"]["labels"][spec["jobLabel"]]
    assert f'job="{job}"' in (ROOT / "deploy/prometheus/alerts.yml").read_text()


@each_overlay
def test_the_alerts_are_the_shipped_ones(overlay):
    alerts = (ROOT / ALERTS).read_text()
    assert (ROOT / RULE).read_text() == prometheus_rule(alerts), "run: python -m flows.reference.generate"
    assert one_of(BUILT[overlay], "PrometheusRule", "offerstream")["spec"] == yaml.safe_load(alerts)


def test_several_processes_know_the_addresses_of_all_and_each_its_own_number():
    spec, container = stateful_set("several"), worker("several")
    (listed,) = (each.removeprefix("--addresses=") for each in container["args"] if "--addresses" in each)
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert listed.split(",") == [
        f"offerstream-{number}.{spec['serviceName']}:{ports['processes']}"
        for number in range(spec["replicas"])
    ]
    assert "--process=$(PROCESS)" in container["args"]
    (process,) = container["env"]
    label = "metadata.labels['apps.kubernetes.io/pod-index']"
    assert process == {"name": "PROCESS", "valueFrom": {"fieldRef": {"fieldPath": label}}}
    assert spec["podManagementPolicy"] == "Parallel"
    assert one_of(BUILT["several"], "Service", "offerstream")["spec"]["publishNotReadyAddresses"] is True
