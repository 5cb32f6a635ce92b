"""An output directory has all of its files or none, whatever ends the run that writes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.files.unfinished import ASIDE, all_or_nothing
from schemas.errors import SetupError

ROOT = Path(__file__).parents[3]


def contents(directory):
    return {path.name: path.read_text() for path in directory.iterdir()}


def filled(directory):
    with all_or_nothing(directory) as aside:
        (aside / "offers.jsonl").write_text("new")


def test_files_stand_in_the_directory_when_all_are_written(tmp_path):
    with all_or_nothing(tmp_path / "out") as aside:
        (aside / "offers.jsonl").write_text("a")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [ASIDE]
        (aside / "scores.jsonl").write_text("b")
    assert contents(tmp_path / "out") == {"offers.jsonl": "a", "scores.jsonl": "b"}


@pytest.mark.parametrize("step", ["pass", "(aside / 'offers.jsonl').rename(aside.parent / 'offers.jsonl')"])
def test_what_a_killed_run_has_left_is_removed_by_the_next(tmp_path, step):
    code = f"""
import os, sys, pathlib
from flows.files.unfinished import all_or_nothing
with all_or_nothing(pathlib.Path(sys.argv[1])) as aside:
    (aside / 'offers.jsonl').write_text('old')
    {step}
    os.kill(os.getpid(), 9)
"""
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code, out], env=environment, check=False).returncode == -9
    assert (out / ASIDE).is_dir()
    filled(out)
    assert contents(out) == {"offers.jsonl": "new"}


def test_what_is_not_of_the_run_is_never_removed(tmp_path):
    (tmp_path / ASIDE).mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SetupError, match="must be new or empty"):
        filled(tmp_path)
    assert contents(tmp_path) == {"mine.txt": "mine"}
