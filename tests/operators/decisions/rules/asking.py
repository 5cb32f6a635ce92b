"""Words for tests of rules: a moment as rules see it, and what the ledger has of a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.ledger import NO_COST, DecisionTerms, LedgerEntry, write_entry
from operators.decisions.rules import Rule, Situation
from operators.decisions.rules.rule import NOTHING_KNOWN, Lookups, Person
from schemas.rules import Rules
from schemas.shop import Market, Offer, Shop
from tests.builders import MINUTE, T0, changed, moment, offer


def of(*offers: Offer, **more: Any) -> Shop:
    """A shop with these offers; ``zone`` is its market's, ``tables`` its rules."""
    market = {"timezone": more.pop("zone", "UTC"), "rules": Rules.model_validate(more.pop("tables", {}))}
    return Shop(markets={"default": Market(name="default", **market)}, offers=offers or (offer(),), **more)


def local(text: str, zone: str = "UTC", fold: int = 0) -> float:
    """A time by the clock of a zone, as tests tell times: in seconds after ``T0``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() - T0


def now(
    at: float = 0.0,
    *visitors: str,
    user: str | None = None,
    zone: str = "UTC",
    held: Sequence[Any] = (),
    context: dict[str, Any] | None = None,
    lookups: Lookups = NOTHING_KNOWN,
    **more: Any,
) -> Situation:
    """What rules see at a moment of Ann, or of these visitors; ``more`` are fields of the moment."""
    people = visitors or ("ann",)
    about = changed(moment(at, people[0], user=user), **more)
    person = Person(people, () if user is None else (user,), ZoneInfo(zone), tuple(held))
    market = Market(name="default", currency="EUR", timezone=zone)
    return Situation(about, person, {**about.features, **(context or {})}, market, lookups)


def entry(
    at: float,
    arm: str | None = "ten_percent",
    visitor: str = "ann",
    *,
    seq: int = 1,
    cart: str | None = None,
    user: str | None = None,
    published: float | None = None,
    choice: bool = True,
) -> LedgerEntry:
    """A decision; ``arm`` None: no offer was made; ``published`` later than ``at``: it was held."""
    time_s = T0 + at
    terms = DecisionTerms(
        decision=f"decision {seq}",
        moment=f"moment {seq}",
        at_s=time_s,
        visitor=visitor,
        cart=f"cart of {visitor}" if cart is None else cart,
        arm="no_offer" if arm is None else arm,
        group="policy",
        treated=arm is not None,
        is_trainable=True,
        window_ends_s=time_s + MINUTE if choice else time_s,
        expires_s=None if arm is None else time_s + MINUTE,
        cost=NO_COST,
        user=user,
        published_s=None if arm is None else T0 + (at if published is None else published),
    )
    return LedgerEntry(
        seq=seq,
        terms=terms,
        none_probability=1.0,
        features={"events": 3.0},
        decided=b"{}",
        offered=None if arm is None else b"{}",
        since_s=None,
        moment=b"",
    )


class Past:
    """A ledger, and what was decided one after the other."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.entries: list[LedgerEntry] = []

    def decided(self, at: float, arm: str | None = "ten_percent", visitor: str = "ann", **more: Any) -> None:
        self.entries.append(entry(at, arm, visitor, seq=len(self.entries) + 1, **more))
        write_entry(self.ledger, self.entries[-1])


def configured(rule: Rule, shop: Shop) -> Any:
    """A rule that has taken up a shop."""
    rule.configure(shop, shop.markets["default"])
    return rule


def not_held(_offer: Offer, _now: Situation) -> None:
    """No offer is held before it is published."""


def held_until(at: float) -> Any:
    """All offers are held until a time."""
    return lambda _offer, _now: T0 + at
