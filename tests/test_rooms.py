"""The rooms keep to themselves: imports run one way, the machine is pure, nothing names a machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "operators", "flows")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
WORLD = {
    *("asyncio", "concurrent", "ctypes", "http", "io", "logging", "multiprocessing", "os", "pathlib"),
    *("platform", "secrets", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib", "bytewax", "confluent_kafka", "noida_db", "prometheus_client"),
    *("pydantic_settings", "rich", "rocksdict"),
}
FORBIDDEN = {
    "schemas": {"operators", "flows", "numpy", "river", "bytewax", "confluent_kafka", "rocksdict"},
    "operators": {"flows"} | WORLD,
    "flows": set(),
}
WIRING = "operators/streaming/bytewax_logic.py"
WORLDLY_CALLS = {"open", "print", "input", "breakpoint", "exec", "eval", "__import__"}
WORLDLY_METHODS = {"now", "utcnow", "today", "uuid1", "uuid4"}
SEEDED = {"default_rng", "Generator", "Philox", "PCG64", "SeedSequence", "Random"}


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names of all that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def impurities(tree: ast.AST) -> Iterator[str]:
    """What a machine does that depends on more than what it was given."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) if name in WORLDLY_CALLS:
                yield name
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in SEEDED and not node.args:
                yield f"{name} without a seed"
            case ast.Attribute(attr=name) if name in WORLDLY_METHODS:
                yield name
            case ast.Attribute(value=ast.Name(id="random") | ast.Attribute(attr="random"), attr=name):
                if name not in SEEDED:
                    yield f"random.{name}"


ARROWS = {
    "state": set(),
    "streaming": set(),
    "bandits": set(),
    "controls": set(),
    "ingest": {"controls", "streaming"},
    "sessions": {"state", "streaming"},
    "experiments": {"streaming"},
    "abandonment": set(),
    "decisions": {"abandonment", "bandits", "controls", "experiments", "state", "streaming"},
    "recommendations": {"state"},
    "evaluation": {"bandits"},
    "simulation": set(),
}
"""Which rooms of operators a room may import; the rooms stand in such an order that arrows only lead up."""

FLAT = {
    "operators": {"__init__.py"},
    "flows": {"__init__.py", "cli.py", "settings.py", "assembly.py", "dataflow.py"},
}


def rooms_imported(path: Path) -> set[str]:
    """The rooms of operators that a file imports."""
    modules = [
        node.module.split(".")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    return {parts[1] for parts in modules if parts[0] == "operators" and len(parts) > 1}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_one_way(path):
    room = name_of(path).split("/")[0]
    allowed = {"bytewax"} if name_of(path) == WIRING else set()
    assert not set(imported(ast.parse(path.read_text()))) & FORBIDDEN[room] - allowed


def test_nothing_lies_flat_beside_the_rooms():
    for room, allowed in FLAT.items():
        flat = {path.name for path in (ROOT / room).iterdir() if path.is_file() and path.suffix != ".typed"}
        assert flat == allowed
        for folder in folders(ROOT / room):
            assert (ROOT / room / folder / "__init__.py").exists(), folder


def test_the_rooms_of_operators_import_each_other_without_circles(capsys):
    found = {room: set() for room in ARROWS}
    for path in (path for path in FILES if path.parts[len(ROOT.parts)] == "operators"):
        room = path.relative_to(ROOT).parts[1]
        if path.name != room:
            found.setdefault(room, set()).update(rooms_imported(path) - {room})
    with capsys.disabled():
        arrows = "; ".join(f"{room} -> {', '.join(sorted(to))}" for room, to in ARROWS.items() if to)
        print(f"\nallowed among the rooms of operators: {arrows}")  # noqa: T201  so that people see the arrows
    assert found == ARROWS, "an arrow that is new, or one that is no longer needed"
    built = set()
    for room, to in ARROWS.items():
        assert to <= built, f"{room} imports a room below it"
        built.add(room)


def folders(path: Path) -> set[str]:
    return {each.name for each in path.iterdir() if each.is_dir()} - {"__pycache__"}


def test_tests_mirror_the_rooms():
    assert folders(ROOT / "tests" / "operators") == folders(ROOT / "operators")
    assert folders(ROOT / "tests" / "flows") <= folders(ROOT / "flows")


@pytest.mark.parametrize("path", [path for path in FILES if "operators" in path.parts], ids=name_of)
def test_operators_decide_from_what_they_are_given_alone(path):
    assert not list(impurities(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_prometheus_is_known_to_two_files_only(path):
    if "prometheus_client" in imported(ast.parse(path.read_text())):
        assert name_of(path) in {"flows/observability/registry.py", "flows/observability/health.py"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_kafka_is_known_to_its_folder_to_the_broker_we_start_and_to_the_shoppers_we_play(path):
    if "confluent_kafka" in imported(ast.parse(path.read_text())):
        assert name_of(path).startswith(("flows/kafka/", "flows/simulation/"))


@pytest.mark.parametrize(
    "code",
    [
        "open('x')",
        "datetime.now(UTC)",
        "random.random()",
        "np.random.normal()",
        "np.random.default_rng()",
        "Random()",
        "uuid.uuid4()",
    ],
)
def test_the_rule_of_purity_sees_what_breaks_it(code):
    assert list(impurities(ast.parse(code)))


@pytest.mark.parametrize("code", ["np.random.default_rng(seed).normal()", "random.Random(7)", "rng.random()"])
def test_the_rule_of_purity_lets_seeded_chance_pass(code):
    assert not list(impurities(ast.parse(code)))


def test_no_file_names_a_path_of_somebodys_machine():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    personal = re.compile(rf"(?<![\w.])/(?:home|root|Users|work)/|{re.escape(str(ROOT))}/")
    found = [
        f"{name_of(path)}: {line.strip()[:100]}"
        for path in paths
        if path.is_file()
        for line in path.read_text(errors="ignore").splitlines()
        if personal.search(line)
    ]
    assert not found
