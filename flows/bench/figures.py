"""What is measured: the names of the figures, their units, their yardsticks and their targets."""

from typing import Final, NamedTuple

import msgspec


class FigureSpec(NamedTuple):
    """A figure: its unit, what its yardstick is, and its target as a bound on the value or the ratio."""

    unit: str
    against: str
    target: str


FIGURES: Final = {
    "page_events_per_s": FigureSpec(
        "events/s", "the same machines in a plain loop", ">= 60000, ratio >= 0.35"
    ),
    "kafka_events_per_s": FigureSpec("events/s", "the dataflow from a file", ">= 40000"),
    "offer_latency_p99_ms": FigureSpec("ms", "a bare consume-produce loop on the same broker", "< 50"),
    "seal_ms_20k": FigureSpec("ms", "pickle.dumps of the same state", "<= 50"),
    "seal_ms_100k": FigureSpec("ms", "pickle.dumps of the same state", "<= 250"),
    "decision_us": FigureSpec("us", "a pull of River's LinUCBDisjoint", "< 60"),
    "bytes_per_visitor": FigureSpec("bytes", "pickle.dumps of the same state", "<= 400"),
    "rss_per_visitor": FigureSpec("bytes", "the same state as plain dicts and lists", "<= 2000"),
    "start_rss_mb": FigureSpec("MB", "its libraries imported and nothing started", "< 400"),
}


class Figure(msgspec.Struct, frozen=True):
    """A figure as it is written: ``yardstick`` is in the same unit, ``ratio`` is value by yardstick."""

    name: str
    value: float
    unit: str
    yardstick: float
    ratio: float
    against: str
    note: str


def figure(name: str, value: float, yardstick: float, note: str = "") -> Figure:
    """Return a figure of the table, rounded to four digits."""
    spec = FIGURES[name]
    return Figure(
        name,
        rounded(value),
        spec.unit,
        rounded(yardstick),
        rounded(value / yardstick),
        spec.against,
        note,
    )


def rounded(value: float) -> float:
    """Return a number with four significant digits.

    >>> rounded(61234.5), rounded(0.123456)
    (61230.0, 0.1235)
    """
    return float(f"{value:.4g}")
