"""What came of a soak, figure by figure."""

import statistics
from collections.abc import Mapping, Sequence

from tests.soak.slopes import slope
from tests.soak.soak import SPIN, Sample

ALLOWED = {
    "memory": 0.15,
    "memory of one process": 0.3,
    "disk": 0.15,
    "restart": 0.25,
    "latency p50": 0.5,
    "latency p95": 0.5,
    "seal": 0.5,
}
"""The growth in an hour, as a share of the figure, that is not called one; other figures are only shown."""
PACED = ("restart", "latency p50", "latency p95", "seal")
"""Judged by how fast the machine is at the time, which others may be using too."""
NEAR_S = 30.0
UNITS = {"memory": "MB", "disk": "MB", "state": "items", "restart": "s"}
HEAD = f"{'figure':32}{'median':>10} {'unit':6}{'an hour':>9}{'at least':>9}{'allowed':>9}  verdict"


def table(figures: Mapping[str, Sequence[Sample]], warm_s: float) -> tuple[list[str], bool]:
    """The lines of all figures after that time, and whether all that are judged are flat."""
    lines, flat = [HEAD], True
    for name in sorted({*figures, *ALLOWED}, key=lambda name: (name not in ALLOWED, name)):
        samples = [each for each in figures.get(name, ()) if each.at_s > warm_s]
        paced = _paced(samples, figures.get(SPIN, ())) if name in PACED else samples
        found, allowed = slope(paced), ALLOWED.get(name)
        verdict = "GROWS" if found.grows(allowed or 0.0) else "flat" if found.is_known else "NOT JUDGED"
        flat = flat and (allowed is None or verdict == "flat")
        lines.append(
            f"{name:32}{found.median:10.1f} {UNITS.get(name.split()[0], 'ms'):6}"
            f"{found.growth:+9.0%}{found.least:+9.0%}"
            + (f"{'':9}  not judged" if allowed is None else f"{allowed:9.0%}  {verdict}")
        )
    return lines, flat


def _paced(samples: Sequence[Sample], spins: Sequence[Sample]) -> list[tuple[float, float]]:
    """Times as they would be were the machine always as fast as at its median."""
    usual = statistics.median(each.value for each in spins) if spins else 1.0

    def near(at_s: float) -> float:
        return statistics.median([each.value for each in spins if abs(each.at_s - at_s) < NEAR_S] or [usual])

    return [(at_s, value * usual / near(at_s)) for at_s, value in samples]
