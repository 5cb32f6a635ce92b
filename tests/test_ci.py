"""What checks a change leaves nothing out in silence; `.ci/run` runs here with stand-ins for all programs."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STEPS = ["install", "lint", "types", "test", "coverage", "test-apache"]
PROGRAMS = {
    "browser": ["chromium"],
    "alerts": ["promtool"],
    "py312": ["python3.12"],
    "apache": ["java", "mvn"],
}
PACKAGES = {
    "browser": "chromium",
    "alerts": "prometheus",
    "py312": "python3.12 python3.12-venv",
    "apache": "openjdk-17-jre-headless maven",
}
LEFT_OUT = {
    "browser": "the report and the live page in a browser",
    "alerts": "the alerts",
    "py312": "Python 3.12",
}
LEFT_OUT |= {"apache": "Apache Kafka"}
TESTS = "make test ARGS=--chromium=required --promtool=required"
each_tool = pytest.mark.parametrize("tool", PROGRAMS)
APT_GET = """
echo "apt-get $@" >> "$LOG"
[ "$1" = update ] && exit 0
[ -n "${APT_BROKEN:-}" ] && echo "E: the mirror sleeps" >&2 && exit 100
for word; do case $word in
    chromium | python3.12) cp "$BIN/true" "$BIN/$word" ;;
    openjdk-17-jre-headless) cp "$BIN/true" "$BIN/java" ;;
    maven) cp "$BIN/true" "$BIN/mvn" ;;
    prometheus) cp "$BIN/true" "$BIN/promtool" ;;
esac; done
"""


class Machine:
    """A machine that has the programs it is given, and what its `.ci/run` said and called."""

    def __init__(self, room):
        self.bin, self.log = room / "bin", room / "log"
        self.bin.mkdir()
        self.log.touch()
        for name in ("bash", "cp", "dirname"):
            (self.bin / name).symlink_to(shutil.which(name))
        self.program("true", "exit 0")
        self.program("python3", "exit 0")
        self.program("id", "echo ${STUB_UID:-1000}")
        self.program("make", 'echo "make $@" >> "$LOG"; [ "$1" != "${BROKEN:-}" ]')
        for names in PROGRAMS.values():
            for name in names:
                self.program(name, "exit 0")

    def program(self, name, script):
        path = self.bin / name
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def without(self, tool):
        for name in PROGRAMS[tool]:
            (self.bin / name).unlink()
        return self

    def with_apt(self, knows=True):
        self.program("apt-get", APT_GET)
        self.program("apt-cache", f"exit {0 if knows else 100}")
        return self

    def run(self, **env):
        done = subprocess.run(
            [ROOT / ".ci/run"],
            env={"LOG": str(self.log)} | dict.fromkeys(("PATH", "BIN", "HOME"), str(self.bin)) | env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    @property
    def called(self):
        return self.log.read_text().splitlines()

    @property
    def made(self):
        return [line.split()[1] for line in self.called if line.startswith("make ")]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_machine_that_has_everything_runs_every_step_and_tells_how_long_it_took(machine):
    code, said = machine.run(CI="true")
    assert code == 0
    assert machine.made == STEPS
    assert TESTS in machine.called
    assert sum(" s  " in line and line.endswith(": passed") for line in said.splitlines()) == 2 * len(STEPS)
    assert said.endswith("all steps passed\n")
    assert "LEFT OUT" not in said


@pytest.mark.parametrize("broken", STEPS[1:])
def test_a_step_that_fails_fails_the_run_and_the_others_still_run(broken, machine):
    code, said = machine.run(BROKEN=broken)
    assert code == 1
    assert machine.made == STEPS
    assert said.splitlines()[-1].startswith("FAILED: [")
    assert said.count(": FAILED") == 2


def test_nothing_runs_where_nothing_is_installed(machine):
    code, said = machine.run(BROKEN="install")
    assert code == 1
    assert machine.made == ["install"]
    assert said.endswith("nothing else was run\n")


@each_tool
def test_what_cannot_be_had_on_somebodys_machine_is_left_out_with_words(tool, machine):
    code, said = machine.without(tool).run()
    assert code == 0
    assert f"LEFT OUT: {LEFT_OUT[tool]}: no " in said
    assert "all steps passed" in said


@each_tool
@pytest.mark.parametrize("apt", [True, False])
def test_the_same_fails_in_ci(tool, apt, machine):
    if apt:
        machine.with_apt(knows=False)
    code, said = machine.without(tool).run(CI="true", STUB_UID="0")
    assert code == 1
    assert f"FAILED: [{LEFT_OUT[tool]}: no " in said
    assert "coverage" in machine.made
    assert ("apt-get knows no package " in said) == apt


@each_tool
def test_what_is_missing_is_installed_first_and_then_required(tool, machine):
    code, _ = machine.without(tool).with_apt().run(STUB_UID="0")
    assert code == 0
    install = f"apt-get install -y --no-install-recommends {PACKAGES[tool]}"
    assert machine.called[:3] == ["apt-get update", install, "make install"]
    assert machine.made == STEPS
    assert TESTS in machine.called


@each_tool
def test_an_installation_that_fails_is_shown_and_fails_the_run(tool, machine):
    code, said = machine.without(tool).with_apt().run(STUB_UID="0", APT_BROKEN="yes")
    assert code == 1
    assert "E: the mirror sleeps" in said
    assert f"FAILED: [{LEFT_OUT[tool]}: no " in said
    assert "coverage" in machine.made


@each_tool
def test_what_is_named_is_left_out_on_purpose(tool, machine):
    code, said = machine.without(tool).with_apt().run(CI="true", STUB_UID="0", OFFERSTREAM_CI_WITHOUT=tool)
    assert code == 0
    assert f"LEFT OUT: {LEFT_OUT[tool]}, as OFFERSTREAM_CI_WITHOUT asks" in said
    assert not any(line.startswith("apt-get") for line in machine.called)


def test_a_name_that_is_none_of_them_is_refused(machine):
    code, said = machine.run(OFFERSTREAM_CI_WITHOUT="browser kafka")
    assert code == 2
    assert said == "OFFERSTREAM_CI_WITHOUT must name some of: browser alerts py312 apache; got kafka\n"
    assert machine.made == []


def test_coverage_is_counted_on_python_3_12_where_there_is_one(machine):
    machine.run()
    (there,) = (line for line in machine.called if line.startswith("make coverage"))
    assert there.startswith("make coverage VENV=build/py312 PYTHON=python3.12 TESTS=")
    assert "make test-apache VENV=build/py312 PYTHON=python3.12" in machine.called
    machine.log.write_text("")
    machine.without("py312").run()
    (gone,) = (line for line in machine.called if line.startswith("make coverage"))
    assert gone.startswith("make coverage TESTS=")


def test_an_older_java_package_name_is_not_insisted_on(machine):
    machine.without("apache").with_apt().program("apt-cache", '[ "$2" != openjdk-17-jre-headless ]')
    machine.run(STUB_UID="0")
    assert "apt-get install -y --no-install-recommends default-jre-headless maven" in machine.called


def test_the_workflow_is_a_machine_for_ci_run_and_pins_its_actions():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    *others, last = job["steps"]
    assert (last["run"], last["env"]["CI"]) == (".ci/run", "true")
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in others if "uses" in step)
    (setup,) = (step["with"] for step in others if step.get("uses", "").startswith("actions/setup-python"))
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    supported = {each.rpartition(" ")[2] for each in classifiers if re.search(r":: 3\.\d+$", each)}
    assert set(setup["python-version"].split()) == supported


def test_the_hooks_before_a_commit_run_what_the_environment_has_and_what_make_runs():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    run = [hook["entry"].replace(" --force-exclude", "") for hook in repository["hooks"]]
    made = re.findall(
        r"^\t\$\(BIN\)/((?:ruff|mypy).*?)(?: \.)?$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert run == [f".venv/bin/{line}" for line in made]
