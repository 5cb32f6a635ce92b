"""Ordered mode gives the same bytes in every process, whatever seed its hashes have."""

import os
import subprocess
import sys
from pathlib import Path

import orjson

from tests.laws.shopping import OFFERS_TOML

ROOT = Path(__file__).parents[2]
SETS = ("session_gap=6m", "correction=2h")


def test_two_processes_with_different_hash_seeds_write_the_same_bytes(events, tmp_path):
    (tmp_path / "offers.toml").write_text(OFFERS_TOML)
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    running = {}
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [
            sys.executable,
            "-m",
            "flows.cli",
            "replay",
            str(log),
            "--format",
            "native",
            "--out",
            str(out),
        ]
        sets = [word for one in SETS for word in ("--set", one)]
        env = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        running[out] = subprocess.Popen(
            [*command, "--offers", str(tmp_path / "offers.toml"), *sets],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
        )
    try:
        for process in running.values():
            process.communicate(timeout=120)
            assert process.returncode == 0
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    first, second = ({path.name: path.read_bytes() for path in out.iterdir()} for out in running)
    assert first == second
    assert len(first) == 10
    assert first["decisions.jsonl"].count(b"\n") > 60
