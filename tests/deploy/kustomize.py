"""What ``kustomize build`` makes of our overlays: a test compares both where kustomize is there.

Of kustomize it knows resources, generated ConfigMaps (without the hash in their names), labels, a namespace,
replicas, strategic merges and the operation ``add`` of JSON patches; anything else is an error.
"""

from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
KNOWN = {
    *("apiVersion", "kind", "resources", "configMapGenerator", "labels"),
    *("namespace", "replicas", "patches"),
}
MERGED_BY = {"containers": "name", "env": "name", "volumes": "name", "ports": "containerPort"}
MERGED_BY |= {"volumeMounts": "mountPath"}
"""The lists that are merged entry by entry, and what tells their entries apart; others are replaced."""


def build(directory: Path) -> list[Manifest]:
    """The manifests of a kustomization."""
    wanted = yaml.safe_load((directory / "kustomization.yaml").read_text())
    assert wanted.keys() <= KNOWN, wanted.keys() - KNOWN
    found: list[Manifest] = []
    for name in wanted.get("resources", ()):
        path = directory / name
        found += build(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
    for made in wanted.get("configMapGenerator", ()):
        data = {name: (directory / name).read_text() for name in made["files"]}
        found.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": made["name"]}, "data": data}
        )
    for patch in wanted.get("patches", ()):
        content = yaml.safe_load((directory / patch["path"]).read_text())
        _patch(one_of(found, **(patch.get("target") or target_of(content))), content)
    for each in found:
        for labels in wanted.get("labels", ()):
            assert labels.keys() == {"pairs"}
            each["metadata"].setdefault("labels", {}).update(labels["pairs"])
        if "namespace" in wanted:
            each["metadata"]["namespace"] = wanted["namespace"]
    for scaled in wanted.get("replicas", ()):
        one_of(found, kind="StatefulSet", name=scaled["name"])["spec"]["replicas"] = scaled["count"]
    return found


def target_of(patch: Manifest) -> dict[str, str]:
    """What a strategic merge is for."""
    return {"kind": patch["kind"], "name": patch["metadata"]["name"]}


def one_of(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one manifest of a kind and a name."""
    (found,) = (each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def _patch(manifest: Manifest, patch: Any) -> None:
    if isinstance(patch, dict):
        _merge(manifest, patch)
        return
    for step in patch:
        assert step["op"] == "add", step
        assert step["path"].endswith("/-"), step
        at: Any = manifest
        for part in step["path"].split("/")[1:-1]:
            at = at[part]
        at.append(step["value"])


def _merge(into: Manifest, patch: Manifest) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        elif isinstance(value, list) and key in MERGED_BY and key in into:
            _merge_lists(into[key], value, MERGED_BY[key])
        else:
            into[key] = value


def _merge_lists(into: list[Manifest], patch: list[Manifest], by: str) -> None:
    for entry in patch:
        same = [each for each in into if each[by] == entry[by]]
        if same:
            _merge(same[0], entry)
        else:
            into.append(entry)
