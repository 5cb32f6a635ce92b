"""What a follower of the offers and decisions topics can say about budgets, from the records alone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson

from schemas.limits import Budget
from schemas.shop import Offer, Shop

TOLERANCE = 1e-6
LATER = datetime.max.replace(tzinfo=UTC)


class Books:
    """Offers made, when they ended, and what they cost, with the time of a correction."""

    def __init__(self, records: list[dict]) -> None:
        self.made, self.costs, self.ends = {}, {}, {}
        for record in records:
            if record["type"] == "offer.decided":
                self.made[record["data"]["offer_id"]] = record["data"]
            elif record["type"].startswith("offer."):
                self.ends[record["data"]["offer_id"]] = datetime.fromisoformat(record["data"]["at"])
            elif record["type"] == "reward":
                at = datetime.fromisoformat(record["at"]) if record["kind"] == "correction" else None
                self.costs.setdefault(record["decision_id"], []).append((at, record["cost"]))

    def periods(self, shop: Shop, budget: Budget) -> dict[tuple[str, str], list[dict]]:
        """Return the offers of a budget by market and period."""
        found = {}
        for data in self.made.values():
            market, arm = shop.markets[data["market"]], data["treatment"]["name"]
            if arm in (budget.offers or [arm]) and market.name in (budget.markets or [market.name]):
                local = datetime.fromisoformat(data["at"]).astimezone(ZoneInfo(market.timezone))
                period = local.isoformat()[: {"hour": 13, "day": 10}[budget.by]]
                found.setdefault((market.name, period), []).append(data)
        return found

    def cost(self, data: dict, offer: Offer, at: datetime | None) -> float:
        """Return what an offer has cost or can still cost at a time; None: in the end."""
        known = self.costs.get(data["offer_id"], [])
        if at is None:
            return sum(cost for _, cost in known)
        if datetime.fromisoformat(data["at"]) > at:
            return 0.0
        if self.ends.get(data["offer_id"], LATER) > at:
            return (offer.max_discount if offer.cost.share else 0.0) + offer.cost.fixed
        return sum(cost for since, cost in known if since is None or since <= at)


def broken_limits(records: list[dict], shop: Shop) -> list[str]:
    """Return what exceeds a budget: money that offers of a period cost or can still cost, or their number.

    An offer can cost the most that it may until it ends; from then on it has cost what its rewards say.
    """
    books, offers = Books(records), {offer.name: offer for offer in shop.offers}
    broken = []
    for name, budget in shop.budgets.items():
        for period, made in books.periods(shop, budget).items():
            if budget.number is not None and len(made) > budget.number:
                broken.append(f"{name} {period}: {len(made)} offers of {budget.number}")
            times = [None, *(datetime.fromisoformat(data["at"]) for data in made)]
            most = max(
                sum(books.cost(data, offers[data["treatment"]["name"]], at) for data in made) for at in times
            )
            if budget.amount is not None and most > budget.amount + TOLERANCE:
                broken.append(f"{name} {period}: {most} of {budget.amount}")
    return broken


def records_of(said: dict[str, list[tuple[str, bytes]]]) -> list[dict]:
    """Return what was said on the topics that a follower reads."""
    return [orjson.loads(value) for stream in ("offers", "decisions") for _, value in said[stream]]
