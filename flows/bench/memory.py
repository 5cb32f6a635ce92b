"""How much memory a process has, according to Linux."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

LIBRARIES: Final = (
    *("bytewax.dataflow", "confluent_kafka", "numpy", "river.bandit", "river.tree", "river.forest"),
    *("rocksdict", "pydantic_settings", "prometheus_client", "msgspec", "orjson"),
)


def rss_bytes(pid: int | str = "self", *, peak: bool = False) -> int:
    """Return the resident memory of a process, now or at its peak."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has no {name} any more")


def forget_peak() -> None:
    """Reset the peak."""
    Path("/proc/self/clear_refs").write_text("5")


def imports() -> dict[str, Any]:
    """Return the memory of a process that has imported the worker's libraries and does nothing else."""
    for name in LIBRARIES:
        import_module(name)
    return {"rss": rss_bytes()}
