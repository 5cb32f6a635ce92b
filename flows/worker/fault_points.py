"""Named points at which a test can kill the worker, as ``kill -9`` does."""

import os
import signal
from collections.abc import Callable


def fault_injector(order: str | None) -> Callable[[str], None]:
    """Return what each point calls: it kills this process when ``order`` (``name`` or ``name:n``) says so."""
    if not order:
        return lambda _name: None
    wanted, _, count = order.partition(":")
    left = int(count) if count else 1

    def reach(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return reach


fault_point = fault_injector(os.environ.get("OFFERSTREAM_CRASH_AT"))
