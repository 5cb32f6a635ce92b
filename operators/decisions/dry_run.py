"""What decisions of the past would have been under another shop, as far as the ledger can say."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol, cast
from zoneinfo import ZoneInfo

import msgspec

from operators.decisions.ledger import Ledger, LedgerEntry, read_entry
from operators.decisions.rollout import ROLLOUT, route
from operators.decisions.rules import Eligibility, RuleBook, Situation, build_rules
from operators.decisions.rules.rule import Person
from operators.experiments.assignment import HOLDOUT, place_of
from operators.state.rows import StateRows
from operators.streaming.messages import Moment
from schemas.decisions import Decision, decode_decision
from schemas.shop import NO_OFFER, Market, Shop

NOT_RULES: Final = frozenset({HOLDOUT, ROLLOUT})
"""Reasons that say who gets no offers, whatever the rules allow."""


class DryRun(msgspec.Struct):
    """The decisions of a market that were looked at, and what would have been otherwise.

    ``removed`` counts arms that were allowed and would not have been, ``allowed`` those that were not and
    would have been, both by arm and reason. ``before`` and ``after`` are the expected choices by arm: after,
    the probabilities of what is still allowed are scaled up to one; of what is newly allowed nobody knows
    them. ``no_offers`` are decisions for persons who get none. ``canary`` counts the persons who would be in
    the canary and those who would not.
    """

    decisions: int = 0
    no_offers: int = 0
    removed: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    allowed: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    changed: int = 0
    canary: tuple[int, int] | None = None


class _Numbered(msgspec.Struct, array_like=True):
    seq: int


_SEQ: Final = msgspec.msgpack.Decoder(_Numbered)


class Past(Protocol):
    """A ledger that is only read."""

    def after(self, seq: int, /) -> Iterator[bytes]:
        """Return the entries with a greater sequence number, in ascending order."""

    def named(self, name: str, /) -> Iterator[bytes]:
        """Return the entries of a name, the newest first."""


class _Before:
    """A ledger as it was before one of its entries. What rules remember beside it goes into a new one."""

    def __init__(self, ledger: Past, beside: Ledger) -> None:
        self.seq = 0
        self._ledger = ledger
        self._beside = beside

    def named(self, name: str) -> Iterator[bytes]:
        """Return the earlier entries of a name, the newest first."""
        return (entry for entry in self._ledger.named(name) if _SEQ.decode(entry).seq < self.seq)

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401  whatever a ledger can do
        """Return everything else that a ledger can do."""
        return getattr(self._beside, method)


class _Side:
    """The rules of a market under one shop, with the memory of what was decided."""

    def __init__(self, shop: Shop, market: str, ledger: _Before) -> None:
        self.market: Market = shop.markets[market]
        self.offers = {offer.name: offer for offer in shop.arms(market)}
        self.ledger = ledger
        self._rules = RuleBook(build_rules(cast("Ledger", ledger), StateRows()))
        self._rules.configure(shop, self.market)

    def asked(self, entry: LedgerEntry, moment: Moment) -> Eligibility:
        """Return what the rules would have allowed."""
        self.ledger.seq = entry.seq
        zone = ZoneInfo(self.market.timezone if moment.timezone is None else moment.timezone)
        person = Person((moment.visitor,), () if moment.user is None else (moment.user,), zone)
        now = Situation(moment, person, entry.features, self.market)
        return self._rules.eligibility(now)

    def decided(self, entry: LedgerEntry) -> None:
        """Remember a decision."""
        self._rules.decided(entry)


def dry_run(
    ledger: Past,
    shops: tuple[Shop, Shop],
    market: str,
    *,
    since_s: float,
    memory: Callable[[], Ledger],
) -> DryRun:
    """Return how the decisions of a market since a time would have differed under another shop.

    ``shops`` are the one in force and the other one. Entries of earlier times fill the memory of the rules.
    The rules are asked under both shops, and only where they differ something counts as changed: what the
    ledger does not tell, such as the stock of then, is the same for both. What was decided stays decided: an
    offer that would not have been made still starts its cooldown and counts for its caps. ``memory`` makes
    empty ledgers, for what rules remember.
    """
    found = DryRun()
    old, new = (_Side(shop, market, _Before(ledger, memory())) for shop in shops)
    units: set[str] = set()
    for entry in map(read_entry, ledger.after(-1)):
        if entry.terms.at_s >= since_s:
            moment = msgspec.msgpack.decode(entry.moment, type=Moment)
            decision = decode_decision(entry.decided)
            _compare(found, decision, old.asked(entry, moment), new.asked(entry, moment))
            if decision.unit_id is not None:
                units.add(decision.unit_id)
        old.decided(entry)
        new.decided(entry)
    rollout = new.market.rollout
    if rollout.stage == "canary":
        inside = sum(route(rollout, place_of(market, unit)).canary is True for unit in units)
        found.canary = inside, len(units) - inside
    return found


def _compare(found: DryRun, decision: Decision, old: Eligibility, new: Eligibility) -> None:
    found.decisions += 1
    gone = {arm: why for arm, why in new.removed.items() if arm in decision.eligible} | {
        arm: "no such offer"
        for arm in decision.eligible
        if arm not in new.removed and arm not in new.eligible and arm in old.eligible
    }
    gone = {arm: why for arm, why in gone.items() if old.removed.get(arm) != why}
    come = {
        arm: decision.removed.get(arm, "new offer")
        for arm in new.eligible
        if arm not in decision.eligible and arm not in old.eligible
    }
    if NOT_RULES & set(decision.removed.values()):
        found.no_offers += 1
        gone, come = {}, {}
    found.removed.update(gone.items())
    found.allowed.update(come.items())
    found.changed += bool(gone or come)
    _add(found.before, decision.probabilities)
    _add(found.after, _without(decision.probabilities, gone))


def _without(probabilities: Mapping[str, float], gone: Mapping[str, str]) -> dict[str, float]:
    kept = {arm: share for arm, share in probabilities.items() if arm not in gone}
    total = sum(kept.values())
    return {arm: share / total for arm, share in kept.items()} if total > 0 else {NO_OFFER: 1.0}


def _add(sums: dict[str, float], probabilities: Mapping[str, float]) -> None:
    for arm, share in probabilities.items():
        sums[arm] = sums.get(arm, 0.0) + share
