"""How simulated shoppers shop, and where their events go."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flows.simulation.kafka_link import SimulationTopics
from operators.simulation import SHOP_CARTS
from schemas.errors import SetupError
from schemas.shop import Shop

DAY_S: Final = 86_400.0
MAX_VISITS_PER_HOUR: Final = 1_000_000
MAX_YEARS: Final = 20
"""A file ends now, and events of long ago are rejected."""


@dataclass(frozen=True)
class SimulationSettings:
    """How busy the shop is, how fast its time runs, and where its events go.

    ``speed`` is in simulated seconds per second, ``visits_per_hour`` in simulated hours. Where ``to`` is a
    file, events are written as fast as possible and nobody reacts to offers. On the days of
    ``broken_checkout``, from and to, counted from the start, no order is completed. The simulation ends after
    ``seconds`` of real time, for a file after the simulated time that they stand for; None: not by itself.
    """

    shop: Shop
    to: SimulationTopics | Path
    market: str = "default"
    seed: int = 0
    speed: float = 1.0
    visits_per_hour: float = 600.0
    cart_share: float = SHOP_CARTS
    seasons: bool = True
    seconds: float | None = None
    broken_checkout: tuple[float, float] | None = None

    @property
    def real_s(self) -> float:
        """The length in real seconds."""
        return math.inf if self.seconds is None else self.seconds

    @property
    def simulated_s(self) -> float:
        """The length in simulated seconds."""
        return self.real_s * self.speed

    def __post_init__(self) -> None:
        """Raise SetupError for what cannot be simulated."""
        if self.market not in self.shop.markets:
            known = ", ".join(self.shop.markets)
            raise SetupError(f"market must be one of {known}; got {self.market!r}")
        for name in ("speed", "visits_per_hour"):
            if not 0 < getattr(self, name) < math.inf:
                raise SetupError(f"{name} must be a number above 0; got {getattr(self, name)!r}")
        if self.visits_per_hour > MAX_VISITS_PER_HOUR:
            raise SetupError(
                f"visits_per_hour must be at most {MAX_VISITS_PER_HOUR:,}; got {self.visits_per_hour!r}"
            )
        if not 0 < self.cart_share <= 1:
            raise SetupError(f"cart_share must be above 0 and at most 1; got {self.cart_share!r}")
        if self.seconds is not None:
            self._check_length(self.seconds)
        if self.broken_checkout is not None and not 0 <= self.broken_checkout[0] < self.broken_checkout[1]:
            raise SetupError(
                f"broken_checkout must be two days, the first before the second; got {self.broken_checkout!r}"
            )

    def _check_length(self, seconds: float) -> None:
        if not seconds >= 0:
            raise SetupError(f"seconds must be a number from 0; got {seconds!r}")
        if isinstance(self.to, Path) and self.simulated_s > MAX_YEARS * 365 * DAY_S:
            raise SetupError(
                f"seconds must be at most {MAX_YEARS} years of a file, at that speed; got {seconds!r}"
            )
