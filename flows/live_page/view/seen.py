"""What a part of the page is made of: one market's state, and what the worker says of itself."""

from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

from flows.live_page.state.market_state import MarketState
from flows.live_page.state.page_state import PageState
from flows.live_page.view.words import money
from flows.live_page.worker_figures import WorkerFigures
from flows.studies.lift.run import MarketLift
from schemas.shop import Market, Offer, Shop


@dataclass(frozen=True)
class Seen:
    """One market as it is seen now; ``lift`` is computed now and then, None where it is not known."""

    state: PageState
    name: str
    figures: WorkerFigures
    lift: MarketLift | None = None
    skipped: int = 0

    @property
    def market(self) -> MarketState:
        """What was folded of the market's records."""
        return self.state.markets[self.name]

    @property
    def shop(self) -> Shop:
        """The shop in force."""
        return self.state.shop

    @property
    def settings(self) -> Market:
        """The market as it is in force."""
        return self.shop.markets[self.name]

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers that the market may make."""
        return self.shop.arms(self.name)

    @property
    def zone(self) -> tzinfo:
        """The market's time zone."""
        return ZoneInfo(self.settings.timezone)

    @cached_property
    def own_figures(self) -> dict[str, float]:
        """The market's figures by their names."""
        return self.figures.market_figures(self.name)

    def money(self, amount: float, *, signed: bool = False) -> str:
        """Return an amount in the market's currency."""
        return money(amount, self.settings.currency, signed=signed)


def horizon_of(shop: Shop, market: str) -> timedelta:
    """Return how long what a visitor buys counts for the lift: the longest window of the market's offers."""
    return max((offer.reward_window for offer in shop.arms(market)), default=timedelta(days=7))
