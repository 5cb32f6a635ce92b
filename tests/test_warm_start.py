"""A process that starts warm is told apart from one that starts cold by its time alone."""

import os
import signal
import subprocess
import sys

import pytest

from tests import warm_start

PROGRAM = """
import os, signal, sys, time
print(__name__, sys.argv[1:], os.environ.get("SAID"), os.getcwd(), "scipy" in sys.modules)
print("oh", file=sys.stderr)
if sys.argv[1] == "sleeps":
    sys.stdout.flush()
    time.sleep(60)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def program(tmp_path):
    """A module of its own in a directory of its own, and the environment that finds it."""
    (tmp_path / "program.py").write_text(PROGRAM)
    return {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(tmp_path), "SAID": "hello"}}


def test_it_has_its_words_its_environment_its_directory_and_its_exit_status(program, tmp_path):
    done = warm_start.run("program", [3, "more"], **program)
    assert done.returncode == 3
    assert done.stdout == f"__main__ ['3', 'more'] hello {tmp_path} True\n"
    assert done.stderr == "oh\n"
    cold = subprocess.run(
        [sys.executable, "-m", "program", "3", "more"], capture_output=True, text=True, check=False, **program
    )
    assert (cold.returncode, cold.stdout) == (3, done.stdout.replace("True", "False"))


def test_it_can_be_waited_for_killed_and_asked_to_end(program, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        one, other = (
            warm_start.start("program", ["sleeps"], stdout=log, stderr=log, **program) for _ in "ab"
        )
    with pytest.raises(subprocess.TimeoutExpired):
        one.wait(0.01)
    assert one.poll() is None
    one.kill()
    assert one.wait(20) == one.poll() == -signal.SIGKILL
    other.terminate()
    assert other.wait(20) == -signal.SIGTERM
    one.kill()  # which it is not asked twice


def test_nothing_of_the_project_is_loaded_before_it_starts(program, tmp_path):
    (tmp_path / "program.py").write_text(
        "import sys; print([x for x in sys.modules if x.split('.')[0] in sys.argv])"
    )
    done = warm_start.run("program", ["flows", "operators", "schemas"], **program)
    assert done.stdout == "[]\n"
