"""All rules of a market, asked in their order and told together."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple

from operators.decisions.ledger import DecisionTerms, LedgerEntry
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.rules.rule import Rule, Situation, Values
from schemas.decisions import Decision
from schemas.shop import NO_OFFER, Market, Offer, Shop

MAX_NAMES: Final = 256
"""So many sets of arms are remembered that were left or removed together."""


class Eligibility(NamedTuple):
    """The eligible arms, no_offer first, and the reason why each other arm was removed."""

    eligible: list[str]
    removed: dict[str, str]


class _Asked(NamedTuple):
    """A rule as it is asked at each decision: of one offer of each kind, with the bits of all that are alike.

    ``spares`` is None where the rule has no shorter way.
    """

    spares: Callable[[Situation], bool] | None
    removes: Callable[[Offer, Situation], str | None]
    kinds: tuple[tuple[Offer, int], ...]


class RuleBook:
    """The rules of a market. Bounded as they are."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._arms: tuple[str, ...] = ()
        self._everything = 0
        self._names: dict[int, tuple[str, ...]] = {}
        self._eligible = [NO_OFFER]
        self._asked: tuple[_Asked, ...] = ()
        self._of_decisions = self._with("decided")
        self._of_choices = self._with("chosen")
        self._of_changes = self._with("changed")
        self._of_ends = self._with("ended")
        self._with_price = self._with("surcharges")
        self._holding = self._with("holds_until_s")

    def _with(self, method: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if getattr(type(rule), method) is not getattr(Rule, method))

    @property
    def memory_s(self) -> float:
        """How long what was decided must stand in the ledger."""
        return max(rule.memory_s for rule in self.rules)

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the offers file."""
        for rule in self.rules:
            rule.configure(shop, market)
        offers = shop.arms(market.name)
        self._arms = tuple(offer.name for offer in offers)
        self._everything = (1 << len(self._arms)) - 1
        self._names = {}
        self._eligible = [NO_OFFER, *self._arms]
        self._asked = tuple(_asked(rule, offers) for rule in self.rules if any(map(rule.concerns, offers)))

    def eligibility(self, now: Situation) -> Eligibility:
        """Return which offers may be made: each rule is asked of those that no rule before it has removed."""
        left = everything = self._everything
        reasons: list[tuple[int, str]] = []
        for spares, removes, kinds in self._asked:
            if spares is not None and spares(now):
                continue
            for offer, alike in kinds:
                if alike & left:
                    reason = removes(offer, now)
                    if reason is not None:
                        reasons.append((alike & left, reason))
                        left &= ~alike
            if not left:
                break
        if left == everything:
            return Eligibility(self._eligible.copy(), {})
        return self._without(left, reasons)

    def _without(self, left: int, reasons: Sequence[tuple[int, str]]) -> Eligibility:
        """Return the arms that are left and those removed, each for the first reason, all given as bits."""
        eligible = [NO_OFFER, *self._named(left)]
        if len(reasons) == 1:
            [(gone, reason)] = reasons
            return Eligibility(eligible, dict.fromkeys(self._named(gone), reason))
        removed: dict[str, str] = {}
        for place, arm in enumerate(self._arms):
            if not left >> place & 1:
                removed[arm] = next(reason for gone, reason in reasons if gone >> place & 1)
        return Eligibility(eligible, removed)

    def _named(self, arms: int) -> tuple[str, ...]:
        """Return the names of arms that are given as bits."""
        named = self._names.get(arms)
        if named is None:
            named = tuple([arm for place, arm in enumerate(self._arms) if arms >> place & 1])
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            self._names[arms] = named
        return named

    def publish_s(self, offers: Sequence[Offer], now: Situation) -> dict[str, float]:
        """Return when offers that are made now are published, by name."""
        holding = [rule for rule in self._holding if rule.holds(now)]
        if not holding:
            return dict.fromkeys([offer.name for offer in offers], now.at_s)
        times: dict[str, float] = {}
        for offer in offers:
            latest_s = now.at_s
            for rule in holding:
                held_s = rule.holds_until_s(offer, now)
                if held_s is not None and held_s > latest_s:
                    latest_s = held_s
            times[offer.name] = latest_s
        return times

    def surcharges(self, offers: Sequence[Offer], now: Situation) -> dict[str, float]:
        """Return by how much the choice is to value offers less, of those that cost more than their cost."""
        found: dict[str, float] = {}
        for rule in self._with_price:
            for name, surcharge in rule.surcharges(offers, now).items():
                found[name] = found.get(name, 0.0) + surcharge
        return found

    def decided(self, entry: LedgerEntry) -> None:
        """Tell of a decision that is in the ledger."""
        for rule in self._of_decisions:
            rule.decided(entry)

    def chosen(self, terms: DecisionTerms, record: Decision, values: Values) -> None:
        """Tell what a choice was between."""
        for rule in self._of_choices:
            rule.chosen(terms, record, values)

    def changed(self, decision: OpenDecision) -> None:
        """Tell that orders or feedback have changed what an offer costs."""
        for rule in self._of_changes:
            rule.changed(decision)

    def ended(self, decision: OpenDecision, at_s: float) -> None:
        """Tell that an offer is over."""
        for rule in self._of_ends:
            rule.ended(decision, at_s)

    def corrected(self, terms: DecisionTerms, cost: float, at_s: float) -> None:
        """Tell that what came after a window has changed the cost of its offer."""
        for rule in self.rules:
            rule.corrected(terms, cost, at_s)

    def purchased(self, visitors: Sequence[str], user: str | None, at_s: float) -> None:
        """Tell that a person bought something."""
        for rule in self.rules:
            rule.purchased(visitors, user, at_s)

    def dismissed(self, visitors: Sequence[str], at_s: float) -> None:
        """Tell that a person put an offer away."""
        for rule in self.rules:
            rule.dismissed(visitors, at_s)

    def withdrawn(self) -> list[str]:
        """Return the decisions whose offers must be revoked for what the rules were configured with."""
        return [decision for rule in self.rules for decision in rule.withdrawn()]

    def had_offer(self, visitors: Sequence[str], at_s: float) -> bool:
        """Return whether a person is known to have had an offer lately."""
        return any(rule.had_offer(visitors, at_s) for rule in self.rules)

    def purchased_s(self, visitors: Sequence[str], users: Sequence[str], until_s: float) -> float:
        """Return when a person last bought something, as known at a time, as far as is remembered."""
        return max(rule.purchased_s(visitors, users, until_s) for rule in self.rules)

    def forget(self, time_s: float) -> None:
        """Drop what no moment after a time can need."""
        for rule in self.rules:
            rule.forget(time_s)

    def figures(self) -> dict[str, float]:
        """Return what operators see of the rules."""
        return {name: value for rule in self.rules for name, value in rule.figures().items()}

    def budgets(self, time_s: float) -> dict[str, dict[str, float]]:
        """Return what each budget has, and has used, in the period of a time."""
        return {name: figures for rule in self.rules for name, figures in rule.budgets(time_s).items()}

    def state(self) -> dict[str, bytes]:
        """Return the memory of the rules that have one, by name."""
        states = ((rule.name, rule.state()) for rule in self.rules)
        return {name: state for name, state in states if state is not None}

    def restore(self, states: dict[str, bytes]) -> None:
        """Take up what was remembered; a rule that is new begins without a memory."""
        for rule in self.rules:
            if rule.name in states:
                rule.restore(states[rule.name])


def _asked(rule: Rule, offers: Sequence[Offer]) -> _Asked:
    """Return how a rule is asked of the offers that it concerns."""
    kinds: dict[Hashable, tuple[Offer, int]] = {}
    for place, offer in enumerate(offers):
        if rule.concerns(offer):
            first, alike = kinds.get(rule.alike(offer), (offer, 0))
            kinds[rule.alike(offer)] = first, alike | 1 << place
    spares = None if type(rule).spares is Rule.spares else rule.spares
    return _Asked(spares, rule.removes, tuple(kinds.values()))
