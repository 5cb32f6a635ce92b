"""The wheel runs by itself: in an empty environment with what requirements.lock names, and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from packaging.requirements import Requirement

from tests.builders import carted, looked, ordered, viewed

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "operators", "schemas")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NO_SOURCE = shutil.ignore_patterns(".*", "__pycache__")
DATA = {
    *("schemas/example_offers.toml", "flows/demo/offers.toml", "flows/studies/report/page.css"),
    "flows/studies/report/plotly-basic.min.js.gz",
    *(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "flows" / "live_page").rglob("*")
        if path.suffix in {".css", ".html", ".js", ".svg"}
    ),
}
OFFLINE = ("--quiet", "--no-deps", "--no-index")
OF_AVRO = {f"flows.kafka.schema_registry.{name}" for name in ("avro", "client")}
OF_UI = {f"flows.live_page.{name}" for name in ("app", "guard", "rendering", "server", "streams")}
IMPORTS = """
import importlib, json, sys
print(json.dumps({name: importlib.import_module(name).__file__ for name in sys.argv[1:]}))
"""


class Installed(NamedTuple):
    """An environment that has the wheel; its commands know nothing of the checkout."""

    source: Path
    wheel: Path
    place: Path
    cwd: Path

    @property
    def files(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def run(self, program: str, *words: object) -> subprocess.CompletedProcess[str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
        return subprocess.run(
            [self.place / "bin" / program, *map(str, words)],
            cwd=self.cwd, env=kept | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


def pip(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def link_what_a_lock_names(lock: str, place: Path) -> None:
    """Put the locked packages of this environment into another one, without a download."""
    (site,) = place.glob("lib/python*/site-packages")
    for line in re.findall(r"^(\w.*?)\s*\\$", (ROOT / lock).read_text(), re.MULTILINE):
        package = Requirement(line)
        if package.name == "setuptools" or not (package.marker is None or package.marker.evaluate()):
            continue
        locked = distribution(package.name)
        for top in {file.parts[0] for file in locked.files or ()} - {"..", "__pycache__"}:
            (site / top).symlink_to(locked.locate_file(top))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, built from a copy with this environment's setuptools, in an environment of its own."""
    room = tmp_path_factory.mktemp("wheel")
    source, place, cwd = room / "source", room / "venv", room / "elsewhere"
    cwd.mkdir()
    for name in (*ROOMS, "tests", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=NO_SOURCE)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", room, source)
    (wheel,) = room.glob("*.whl")
    install(wheel, place, "requirements.lock")
    return Installed(source, wheel, place, cwd)


def install(wheel: Path, place: Path, lock: str) -> None:
    """Make an environment of the wheel and what a lock names."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    pip("--python", place / "bin/python", "install", *OFFLINE, "--no-compile", wheel)
    link_what_a_lock_names(lock, place)


@pytest.fixture(scope="module")
def installed_with_avro(installed):
    """The same wheel in an environment that has the extra `avro` too."""
    place = installed.place.with_name("venv-avro")
    install(installed.wheel, place, "requirements-avro.lock")
    return installed._replace(place=place)


def test_the_wheel_has_the_three_rooms_with_their_data_and_no_more(installed):
    metadata = f"offerstream-{PROJECT['version']}.dist-info"
    assert {name.split("/")[0] for name in installed.files} == {*ROOMS, metadata}
    there = {
        path.relative_to(installed.source).as_posix()
        for room in ROOMS
        for path in (installed.source / room).rglob("*")
        if path.is_file()
    }
    assert {name for name in installed.files if not name.startswith(metadata)} == there
    assert there >= DATA | {f"{room}/py.typed" for room in ROOMS}


def test_what_the_lock_names_is_all_that_the_wheel_needs(installed):
    assert "No broken requirements" in pip("--python", installed.place / "bin/python", "check")


def check_imports(installed: Installed, but: set[str]) -> None:
    names = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in installed.files
        if name.endswith(".py")
    }
    done = installed.run("python", "-c", IMPORTS, *sorted(names - but))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert all(Path(file).is_relative_to(installed.place) for file in found.values())
    assert found.keys() == names - but


def test_every_module_is_imported_from_the_wheel(installed):
    check_imports(installed, but=OF_AVRO | OF_UI)


def test_with_the_extra_for_avro_every_module_but_those_of_the_live_page_is(installed_with_avro):
    assert "No broken requirements" in pip("--python", installed_with_avro.place / "bin/python", "check")
    check_imports(installed_with_avro, but=OF_UI)


def test_the_policies_are_imported_without_the_stream(installed):
    script = "import operators.bandits, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = installed.run("python", "-c", script)
    assert done.returncode == 0, done.stderr
    assert not {"flows", "bytewax", "confluent_kafka", "pydantic_settings"} & set(done.stdout.split())


def test_the_command_line_helps(installed):
    done = installed.run("offerstream", "--help")
    assert done.returncode == 0, done.stderr
    assert "usage: offerstream" in done.stdout
    assert installed.run("offerstream", "--version").stdout == f"offerstream {PROJECT['version']}\n"


def test_recorded_events_are_replayed(installed, tmp_path):
    events = [looked(0), viewed(10), carted(60), ordered(300), viewed(20, "bob"), carted(90, "bob")]
    lines = [orjson.dumps(event) for event in sorted(events, key=lambda event: event["time"])]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join([*lines, b"no event", b""]))
    done = installed.run("offerstream", "replay", tmp_path / "events.jsonl", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    counted = {name: summary["input"][name] for name in ("read", "processed", "rejected")}
    assert counted == {"read": 7, "processed": 6, "rejected": 1}
    assert len((tmp_path / "out/scores.jsonl").read_text().splitlines()) > 0


def test_the_demo_says_what_it_needs_beyond_the_lock(installed):
    done = installed.run("offerstream", "demo")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'offerstream[demo]'" in done.stderr


def test_the_worker_says_what_avro_needs_beyond_the_lock(installed):
    done = installed.run("offerstream", "live", "--schema-registry", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'offerstream[avro]'" in done.stderr
