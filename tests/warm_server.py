"""The server of warm_start: it has the packages loaded, and forks for each process that it is asked for."""

import ctypes
import json
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import NamedTuple

PACKAGES = (
    *("bytewax.operators", "bytewax.recovery", "bytewax.testing", "cel_expr_python", "confluent_kafka.admin"),
    *("msgspec", "orjson", "prometheus_client.parser", "pydantic.json_schema", "pydantic_settings"),
    *("rich.table", "river.bandit", "river.forest", "river.linear_model", "river.tree", "rocksdict"),
    *("scipy.optimize", "scipy.stats", "sqlite3", "urllib.request"),
)
MOST_BYTES = 1 << 17  # of a request: a long environment
PR_SET_PDEATHSIG = 1


class Started(NamedTuple):
    """What a forked process is to be."""

    module: str
    words: list[str]
    env: dict[str, str]
    cwd: str


def serve(requests: socket.socket) -> Started | None:
    """Fork for each request; returns the request in what was forked, None in the server at the end."""
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    usual = signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests, waking], [], [])
        if waking in ready:
            os.read(waking, 1024)
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            with suppress(BrokenPipeError):  # nobody asks for it any more
                os.write(running[pid], status.to_bytes(4, "little"))
            os.close(running.pop(pid))
        if requests not in ready:
            continue
        data, files, _, _ = socket.recv_fds(requests, MOST_BYTES, 3)
        if not data:
            return None
        out, err, status = files
        if pid := os.fork():
            running[pid] = status
            os.close(out)
            os.close(err)
            requests.send(b"%d" % pid)
            continue
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, usual)
        os.dup2(out, 1)
        os.dup2(err, 2)
        for each in (*files, *running.values(), waking, woken):
            os.close(each)
        requests.close()
        return Started(*json.loads(data))


def main() -> None:
    """Load the packages and serve; in what was forked, be what was asked for."""
    for name in PACKAGES:
        __import__(name)
    server = os.getpid()
    asked = serve(socket.socket(fileno=int(sys.argv[1])))
    if asked is None:
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        return
    os.environ.clear()
    os.environ.update(asked.env)
    os.chdir(asked.cwd)
    sys.path[0] = asked.cwd
    sys.argv[1:] = asked.words
    runpy.run_module(asked.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
