"""Plots as SVG: text keeps its size on every screen, and no mark is told by its colour alone."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

LEFT: Final = 11.0
"""Where the plane begins, in percent of the width; what is left of it holds the labels of the axis."""
RIGHT: Final = 99.0
TOP: Final = 10
HEIGHT: Final = 180
FOOT: Final = 22
PLANE: Final = 1000
MOST_COLOURS: Final = 10

Point = tuple[float, float]
"""Between 0 and 1, from the left and from the bottom."""


class Drawn(str):
    """SVG that a template takes as it is: all that came from outside is escaped in it."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return it for a template that escapes everything else."""
        return self


class Axis(NamedTuple):
    """An axis between two values, with ticks at round ones."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return where a value lies, between 0 and 1."""
        return (value - self.low) / (self.high - self.low)


def axis(low: float, high: float, most: int = 4) -> Axis:
    """Return an axis that holds both values, with at most about so many steps.

    >>> axis(0.03, 0.91)
    Axis(low=0.0, high=1.0, ticks=(0.0, 0.25, 0.5, 0.75, 1.0))
    """
    width = high - low if high > low else max(abs(high), 1.0)
    rough = width / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return Axis(first * step, last * step, tuple(place * step for place in range(first, last + 1)))


def plot(name: str, described: str, marks: str, *, across: str, labels: str = "") -> Drawn:
    """Return a plot: ``marks`` on the plane, ``across`` and ``labels`` around it; ``described`` in words."""
    inner = (
        f'<svg x="{LEFT}%" y="{TOP}" width="{RIGHT - LEFT}%" height="{HEIGHT}" viewBox="0 0 {PLANE} {PLANE}" '
        f'preserveAspectRatio="none" overflow="visible">{marks}</svg>'
    )
    return Drawn(
        f'<svg class="plot" id="plot-{name}" width="100%" height="{TOP + HEIGHT + FOOT}" role="img" '
        f'aria-labelledby="plot-{name}-title"><title id="plot-{name}-title">{escape(described)}</title>'
        f"{across}{inner}{labels}</svg>"
    )


def grid(up: Axis, texts: Sequence[str]) -> str:
    """Return a line and a label at each tick of the axis that goes up."""
    drawn = []
    for tick, text in zip(up.ticks, texts, strict=True):
        y = TOP + HEIGHT * (1 - up.at(tick))
        kind = "zero" if tick == 0 and up.low < 0 else "tick"
        drawn.append(
            f'<line class="{kind}" x1="{LEFT}%" x2="{RIGHT}%" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 1}%" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        )
    return "".join(drawn)


def feet(texts: Sequence[tuple[float, str]]) -> str:
    """Return labels below the plane, each at its place between 0 and 1."""
    drawn = []
    for at, text in texts:
        anchor = "start" if at <= 0 else "end" if at >= 1 else "middle"
        x = LEFT + (RIGHT - LEFT) * at
        drawn.append(
            f'<text x="{x:.1f}%" y="{TOP + HEIGHT + 16}" text-anchor="{anchor}">{escape(text)}</text>'
        )
    return "".join(drawn)


def line(points: Sequence[Point], kind: str) -> str:
    """Return a line through points; a single one is a short stroke."""
    if len(points) == 1:
        (x, y) = points[0]
        points = [(max(x - 0.02, 0.0), y), (min(x + 0.02, 1.0), y)]
    path = "L".join(f"{_x(x)} {_y(y)}" for x, y in points)
    return f'<path class="mark {kind}" d="M{path}"/>'


def band(low: Sequence[Point], high: Sequence[Point], kind: str) -> str:
    """Return the area between two lines."""
    path = "L".join(f"{_x(x)} {_y(y)}" for x, y in (*low, *reversed(high)))
    return f'<path class="{kind}" d="M{path}Z"/>'


def box(left: float, right: float, low: float, high: float, kind: str) -> str:
    """Return a rectangle."""
    return (
        f'<rect class="mark {kind}" x="{_x(left)}" y="{_y(high)}" width="{(right - left) * PLANE:.1f}" '
        f'height="{max(high - low, 0.0) * PLANE:.1f}"/>'
    )


def dot(at: Point, kind: str, radius: int = 5) -> str:
    """Return a round dot of so many pixels, on the picture and not on the plane, which is stretched."""
    x, y = LEFT + (RIGHT - LEFT) * at[0], TOP + HEIGHT * (1 - at[1])
    return f'<circle class="mark {kind}" cx="{x:.1f}%" cy="{y:.1f}" r="{radius}"/>'


def note(at: Point, text: str, kind: str = "note") -> str:
    """Return a short text on the picture."""
    x, y = LEFT + (RIGHT - LEFT) * at[0], TOP + HEIGHT * (1 - at[1])
    return f'<text class="{kind}" x="{x:.1f}%" y="{y + 4:.1f}" text-anchor="middle">{escape(text)}</text>'


def sparkline(values: Sequence[float], described: str) -> Drawn:
    """Return a small line without axes, from zero to the greatest value; empty for fewer than two values."""
    if len(values) < 2:
        return Drawn("")
    most = max(*values, 1e-9)
    points = [(place / (len(values) - 1), value / most) for place, value in enumerate(values)]
    path = "L".join(f"{_x(x)} {_y(y)}" for x, y in points)
    return Drawn(
        f'<svg class="spark" width="100%" height="32" viewBox="0 -40 {PLANE} {PLANE + 80}" '
        f'preserveAspectRatio="none" role="img" aria-label="{escape(described)}">'
        f'<path class="mark" d="M{path}"/></svg>'
    )


def interval_bar(mean: float, low: float, high: float, shared: Axis, described: str) -> Drawn:
    """Return a dot with its interval on an axis that several rows share, with a stroke at zero."""
    zero = "" if not shared.low <= 0 <= shared.high else _stroke(shared.at(0.0), "zero", 2, 22)
    left, right = max(shared.at(low), 0.0) * 100, min(shared.at(high), 1.0) * 100
    return Drawn(
        f'<svg class="interval" width="100%" height="24" role="img" aria-label="{escape(described)}">{zero}'
        f'<line class="reach" x1="{left:.1f}%" x2="{right:.1f}%" y1="12" y2="12"/>'
        f'<circle class="mark" cx="{shared.at(mean) * 100:.1f}%" cy="12" r="4.5"/></svg>'
    )


def budget_bar(spent: float, used: float, elapsed: float | None, described: str) -> Drawn:
    """Return a bar of shares: what is spent, what is reserved beside it, and how much of the time is over."""
    spent, used = min(spent, 1.0), min(max(used, spent), 1.0)
    time = "" if elapsed is None else _stroke(min(max(elapsed, 0.0), 1.0), "now", 0, 28)
    return Drawn(
        f'<svg class="budget" width="100%" height="28" role="img" aria-label="{escape(described)}">'
        '<rect class="room" x="0" y="6" width="100%" height="16"/>'
        f'<rect class="reserved" x="0" y="6" width="{used * 100:.1f}%" height="16" fill="url(#hatch)"/>'
        f'<rect class="mark" x="0" y="6" width="{spent * 100:.1f}%" height="16"/>{time}</svg>'
    )


def swatch(kind: str) -> Drawn:
    """Return a piece of a line or a field for a legend."""
    if kind in ("policy", "holdout"):
        return Drawn(
            f'<svg class="swatch" width="28" height="12" aria-hidden="true"><line class="mark {kind}" '
            'x1="1" x2="27" y1="6" y2="6"/></svg>'
        )
    return Drawn(
        f'<svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="mark {kind}" width="12" '
        'height="12"/></svg>'
    )


def arm_kinds(arms: Sequence[str]) -> dict[str, str]:
    """Return a colour for each arm as a class, the same whatever else there is; no offer is grey."""
    named = sorted(arm for arm in arms if arm != "no_offer")
    return {arm: f"arm-{place % MOST_COLOURS}" for place, arm in enumerate(named)} | {"no_offer": "arm-none"}


def _stroke(at: float, kind: str, top: int, bottom: int) -> str:
    return f'<line class="{kind}" x1="{at * 100:.1f}%" x2="{at * 100:.1f}%" y1="{top}" y2="{bottom}"/>'


def _x(share: float) -> str:
    return f"{share * PLANE:.1f}"


def _y(share: float) -> str:
    return f"{(1 - share) * PLANE:.1f}"
