"""One measurement in a process of its own, so that memory and collector of one do not touch another."""

import os
import subprocess
import sys
from importlib import import_module
from typing import Any, Final

import orjson

TASKS: Final = {
    "page": "flows.bench.page:page",
    "plain": "flows.bench.page:plain",
    "build": "flows.bench.states:build",
    "seal": "flows.bench.states:seal",
    "plain_state": "flows.bench.states:plain_state",
    "decide": "flows.bench.decisions:decide",
    "imports": "flows.bench.memory:imports",
}


def measured(task: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401  what JSON can say
    """Return what a task of the table measured; raises RuntimeError when it failed."""
    done = subprocess.run(  # noqa: S603  the command line is our own
        [sys.executable, "-m", "flows.bench.child", task],
        input=orjson.dumps(given),
        stdout=subprocess.PIPE,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"the measurement {task} ended with status {done.returncode}")
    told: dict[str, Any] = orjson.loads(done.stdout)
    return told


def main(task: str) -> None:
    """Do one task with what stands on standard input; its answer goes to standard output."""
    module, _, name = TASKS[task].partition(":")
    given = orjson.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps(getattr(import_module(module), name)(**given)))


if __name__ == "__main__":
    main(sys.argv[1])
