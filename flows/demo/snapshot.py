"""What the demo knows at one moment, and its figures as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

BARS: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class ArmFigures:
    """One arm: how often it was chosen, its mean reward and its true value so far (None: not known yet)."""

    decisions: int = 0
    reward: float | None = None
    true_value: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """Everything the view shows at one moment; money in the market's currency, None where it is not known.

    ``curve`` is the reward per decision over time, oldest first; ``recent`` are the latest offers as text,
    newest first; ``incident`` says what became of one that was planted.
    """

    elapsed_s: float = 0.0
    simulated_s: float = 0.0
    events: int = 0
    events_per_s: float = 0.0
    rejects: Mapping[str, int] = field(default_factory=dict)
    visitors: int = 0
    carts: int = 0
    decisions: int = 0
    offers: int = 0
    arms: Mapping[str, ArmFigures] = field(default_factory=dict)
    reward: float | None = None
    profit_treated: float | None = None
    profit_holdout: float | None = None
    share_of_oracle: float | None = None
    auc: float | None = None
    log_loss: float | None = None
    base_log_loss: float | None = None
    curve: Sequence[float] = ()
    recent: Sequence[str] = ()
    behind_s: float = 0.0
    incident: str = ""


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """Return the values as one line of bars, each the mean of its part of them.

    >>> sparkline([0, 1, 2, 3], width=4)
    '▁▃▆█'
    """
    if not values:
        return ""
    count = min(width, len(values))
    cuts = [len(values) * n // count for n in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(cuts)]
    low, high = min(means), max(means)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((mean - low) * scale)] for mean in means)


def line(now: Snapshot) -> str:
    """Return the view in one line, for use without a terminal."""
    return (
        f"{now.elapsed_s:.0f} s ({hours(now.simulated_s)} simulated): {now.events:,} events, "
        f"{now.events_per_s:,.0f}/s, {sum(now.rejects.values())} rejected, {now.carts:,} carts, "
        f"{now.decisions:,} decisions, {now.offers:,} offers, reward {money(now.reward)}, "
        f"treated {money(now.profit_treated)} / holdout {money(now.profit_holdout)} per visitor, "
        f"AUC {figure(now.auc)}"
    )


def model(now: Snapshot) -> str:
    """Return how good the abandonment model is."""
    base = "" if now.base_log_loss is None else f" (base rate {now.base_log_loss:.3f})"
    return f"AUC {figure(now.auc)}, log loss {figure(now.log_loss)}{base}"


def rejects(now: Snapshot) -> str:
    """Return how much was rejected, by class."""
    if not any(now.rejects.values()):
        return "none"
    return ", ".join(f"{count:,} {name}" for name, count in sorted(now.rejects.items()) if count)


def hours(seconds: float) -> str:
    """Return seconds in hours."""
    return f"{seconds / 3600:.1f} h"


def money(amount: float | None) -> str:
    """Return an amount; a dash for one that is not known."""
    return "-" if amount is None else f"{amount:.2f}"


def figure(value: float | None) -> str:
    """Return a figure with three digits; a dash for one that is not known."""
    return "-" if value is None else f"{value:.3f}"


def percent(share: float | None) -> str:
    """Return a share in percent; a dash for one that is not known."""
    return "-" if share is None else f"{share:.0%}"
