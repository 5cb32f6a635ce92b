"""One measurement in a process of its own, so that its memory and garbage collector disturb no other."""

import os
import subprocess
import sys
from importlib import import_module
from typing import Any, Final

import orjson

from flows.kafka.broker_process import LEASH

TASKS: Final = {
    "dataflow": "flows.bench.dataflow:dataflow",
    "plain_loop": "flows.bench.dataflow:plain_loop",
    "build": "flows.bench.states:build",
    "seal": "flows.bench.states:seal",
    "plain_state": "flows.bench.states:plain_state",
    "decide": "flows.bench.decisions:decide",
    "imports": "flows.bench.memory:imports",
}


def measure_in_child(task: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401  what JSON can say
    """Return what a task of the table measures; raises RuntimeError where it fails."""
    done = subprocess.run(  # noqa: S603  the command line is our own
        [*LEASH, sys.executable, "-m", "flows.bench.child", task],
        input=orjson.dumps(given),
        stdout=subprocess.PIPE,
        check=False,
        start_new_session=True,  # Ctrl-C reaches the parent alone
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"the measurement {task} ended with status {done.returncode}")
    figures: dict[str, Any] = orjson.loads(done.stdout)
    return figures


def main(task: str) -> None:
    """Do one task with the arguments on standard input; its figures go to standard output."""
    module, _, name = TASKS[task].partition(":")
    given = orjson.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps(getattr(import_module(module), name)(**given)))


if __name__ == "__main__":
    main(sys.argv[1])
