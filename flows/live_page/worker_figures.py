"""What the worker says of itself: its metrics and its health, asked every few seconds."""

import json
import math
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from flows.observability.metric_names import BudgetFigure, MarketFigure, Metric
from flows.observability.registry import Exposition

ASK_EVERY_S: Final = 3.0
"""The worker answers with its whole exposition, which costs it milliseconds."""
ANSWER_S: Final = 5.0
RATES_KEPT: Final = 60


class Health(NamedTuple):
    """What /healthz says: ok, degraded, stalled, or ``silent`` where nobody answers; and why."""

    status: str = "silent"
    reasons: tuple[str, ...] = ()


class Rate(NamedTuple):
    """Events taken and offers published per second, up to a time of the page's own clock."""

    at_s: float
    events: float
    offers: float


class WorkerFigures(NamedTuple):
    """The latest figures of the worker; ``exposition`` is empty while it does not answer."""

    exposition: Exposition = Exposition("")
    health: Health = Health()
    rates: tuple[Rate, ...] = ()

    def market_figures(self, market: str) -> dict[str, float]:
        """Return the figures of a market by the names that the market itself has for them."""
        found = {}
        for figure in MarketFigure:
            labels = figure.value.labels_of(market)
            names = figure.value.metric.value.labels
            if names[:1] == ("market",):
                value = self.exposition.one(figure.value.metric, **dict(zip(names, labels, strict=True)))
                if value is not None:
                    found[figure.name] = value
        return found

    def budget_figures(self, market: str) -> dict[str, dict[str, float]]:
        """Return the figures of each budget of a market, by its name."""
        found: dict[str, dict[str, float]] = {}
        for figure in BudgetFigure:
            for budget, value in self.exposition.by(figure.value.metric, "budget", market=market).items():
                found.setdefault(budget, {})[figure.name] = value
        return found


class WorkerWatch:
    """Asks a worker at an address; keeps ``RATES_KEPT`` rates."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._before: tuple[float, float, float] | None = None
        self._rates: deque[Rate] = deque(maxlen=RATES_KEPT)
        self.figures = WorkerFigures()

    def ask(self) -> None:
        """Ask once."""
        text = _answer(f"{self.url}/metrics")
        if text is None:
            self._before = None
            self.figures = WorkerFigures(rates=tuple(self._rates))
            return
        exposition = Exposition(text)
        self.took(
            exposition.total(Metric.EVENTS, outcome="processed"),
            exposition.total(Metric.PUBLISHED, type="offer.decided"),
        )
        self.figures = WorkerFigures(exposition, _health(_answer(f"{self.url}/healthz")), tuple(self._rates))

    def took(self, events: float, offers: float) -> None:
        """Take the worker's totals; a total that has fallen is that of a worker that was started again."""
        now_s = self._clock()
        if self._before is not None:
            at_s, events_before, offers_before = self._before
            passed_s = now_s - at_s
            if passed_s > 0 and events >= events_before and offers >= offers_before:
                rate = Rate(now_s, (events - events_before) / passed_s, (offers - offers_before) / passed_s)
                self._rates.append(rate)
        self._before = (now_s, events, offers)


def _health(text: str | None) -> Health:
    try:
        said: dict[str, Any] = json.loads(text or "")
    except ValueError:
        return Health()
    return Health(str(said.get("status", "silent")), tuple(map(str, said.get("reasons", ()))))


def _answer(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310  the worker's own address
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:  # a stalled worker answers with 503, and says why
            return error.read().decode(errors="replace")
    except (OSError, ValueError):
        return None


def known(value: float | None) -> bool:
    """Return whether a figure is a number."""
    return value is not None and math.isfinite(value)
