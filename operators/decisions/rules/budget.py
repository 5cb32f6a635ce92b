"""What offers may cost all in all: none that could exceed a budget, and fewer where money runs short."""

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import msgspec

from operators.decisions.budgets.account import AccountState, BudgetAccount, Reservation, Reservations
from operators.decisions.budgets.money import MICROS, micros_up
from operators.decisions.budgets.pace import Pace, Terms
from operators.decisions.budgets.pacing import Pacing, PacingState
from operators.decisions.budgets.periods import Periods
from operators.decisions.budgets.traffic import Traffic
from operators.decisions.ledger import CostRule, DecisionTerms, LedgerEntry
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.reward import Earnings, cost_rule
from operators.decisions.rules.rule import Rule, Situation, Values
from operators.state.rows import StateRows
from schemas.decisions import Decision
from schemas.shop import NO_OFFER, Market, Offer, Shop

REASON: Final = "budget"
LEAST_GRACE_S: Final = 300.0
"""Events are read a little out of order; nothing is given back sooner than this after the end of an offer."""


class _State(msgspec.Struct, array_like=True):
    accounts: dict[str, AccountState]
    pacing: PacingState


class BudgetRule(Rule):
    """Removes an offer whose greatest cost does not fit into a budget, and puts a price on paced ones.

    Bounded as ``BudgetAccount`` is for each budget, ``Choices``, and the arms.
    """

    name: ClassVar[str] = "budget"

    def __init__(self, rows: StateRows) -> None:
        self._rows = rows
        self._held: dict[str, Reservations] = {}
        self._accounts: dict[str, BudgetAccount] = {}
        self._of_arm: dict[str, tuple[BudgetAccount, ...]] = {}
        self._most: dict[str, int] = {}
        self._pacing = Pacing()
        self._greatest: dict[BudgetAccount, int] = {}

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the budgets."""
        zone = ZoneInfo(market.timezone)
        arms = {offer.name: offer for offer in shop.arms(market.name)}
        learned = self._pacing.state()
        before, self._accounts, paces = self._accounts, {}, list[Pace]()
        of_arm: dict[str, list[BudgetAccount]] = {}
        for name, budget in shop.budgets.items():
            if budget.markets is not None and market.name not in budget.markets:
                continue
            account = before.get(name)
            if account is None:
                account = BudgetAccount(budget, Periods(budget, zone), self._held_of(name))
            else:
                account.configure(budget, Periods(budget, zone))
            self._accounts[name] = account
            covered = [arm for arm in arms if budget.offers is None or arm in budget.offers]
            for arm in covered:
                of_arm.setdefault(arm, []).append(account)
            for what, limit in (("amount", budget.amount), ("number", budget.number)):
                if budget.paced and limit is not None:
                    pace = Pace(name, account, what, Traffic(zone))  # type: ignore[arg-type]
                    grace_s = _grace_s(account)
                    pace.terms = {arm: _terms(arms[arm], grace_s) for arm in covered}
                    paces.append(pace)
        for name in before.keys() - self._accounts.keys():
            self._held_of(name).clear()
        self._of_arm = {arm: tuple(found) for arm, found in of_arm.items()}
        costs = {arm: cost_rule(offer) for arm, offer in arms.items()}
        self._most = {arm: _most(rule) or 0 for arm, rule in costs.items()}
        self._greatest = {}
        for arm, accounts in self._of_arm.items():
            for account in accounts:
                self._greatest[account] = max(self._most[arm], self._greatest.get(account, 0))
        self._pacing = Pacing(paces, costs)
        self._pacing.restore(learned)

    # A choice

    def concerns(self, offer: Offer) -> bool:
        """Return whether a budget covers the offer."""
        return offer.name in self._of_arm

    def alike(self, offer: Offer) -> Hashable:
        """Return its budgets, and what it costs at most."""
        return self._of_arm[offer.name], self._most[offer.name]

    def spares(self, now: Situation) -> bool:
        """Return whether the most that any offer costs fits into every budget."""
        at_s, has_room = now.at_s, True
        for account, most in self._greatest.items():
            account.release(at_s)
            has_room = has_room and account.has_room(at_s, most)
        return has_room

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``budget`` for an offer that costs more at most than one of its budgets has left."""
        most = self._most[offer.name]
        for account in self._of_arm.get(offer.name, ()):
            account.release(now.at_s)
            if not account.has_room(now.at_s, most):
                return REASON
        return None

    def surcharges(self, offers: Sequence[Offer], now: Situation) -> dict[str, float]:
        """Return the price of what offers are expected to use of their budgets at this cart."""
        if not self._pacing.paces or self._pacing.is_free(now.at_s):
            return {}
        return self._pacing.surcharges([offer.name for offer in offers], now.moment.cart_value, now.at_s)

    def chosen(self, terms: DecisionTerms, record: Decision, values: Values) -> None:
        """Learn what the choice was between, and what is expected of the offer that was made."""
        pacing, at_s = self._pacing, terms.at_s  # the record's time is rounded
        if not pacing.paces:
            return
        for account in self._accounts.values():
            account.release(at_s)
        pacing.advance(at_s)
        if record.reason not in {None, "no_eligible_arm"}:
            return
        most, removed = self._most, record.removed
        arms = [arm for arm in record.eligible if arm in most]
        if REASON in removed.values():
            arms += [arm for arm, reason in removed.items() if reason == REASON and arm in most]
        if arms:
            pacing.observe(at_s, record.cart_value, arms, lambda: _gains(arms, values))
        accounts = self._of_arm.get(terms.arm)
        if accounts is not None:
            for account in accounts:
                account.choose(terms.decision)
            self._expect(terms, record.cart_value)

    def _expect(self, terms: DecisionTerms, cart_value: float) -> None:
        pacing, arm, at_s = self._pacing, terms.arm, terms.at_s
        at_cart = pacing.at_cart(arm, cart_value)
        for pace in pacing.paces:
            if pace.what == "amount" and arm in pace.terms and pace.period is not None:
                use = pace.use(arm, pacing.rates, at_s, pace.period.end_s).at(at_cart)
                pace.account.expect(terms.decision, micros_up(use), at_cart)

    # What follows

    def decided(self, entry: LedgerEntry) -> None:
        """Reserve the most that an offer can cost."""
        terms = entry.terms
        if not terms.treated or terms.expires_s is None:
            return
        most = _most(terms.cost)
        for account in self._of_arm.get(terms.arm, ()):
            account.reserve(
                terms.decision,
                Reservation(
                    at_s=terms.at_s,
                    arm=terms.arm,
                    most=(account.limit or 0) if most is None else most,
                    cost=micros_up(terms.cost.fixed) if terms.cost.charged == "decided" else 0,
                    release_s=_settles_s(terms, None, terms.expires_s) + _grace_s(account),
                    over_s=terms.window_ends_s,
                ),
            )

    def changed(self, decision: OpenDecision) -> None:
        """Settle what an offer costs by now."""
        terms = decision.terms
        cost = micros_up(decision.earnings.cost(terms))
        changes = [each.settle(terms.decision, cost) for each in self._accounts_of(terms)]
        self._learn_cost(terms, changes)

    def ended(self, decision: OpenDecision, at_s: float) -> None:
        """Note when the rest is given back."""
        self.changed(decision)
        terms, earnings = decision.terms, decision.earnings
        is_charged = earnings.is_charged(terms)
        learned = False
        for account in self._accounts_of(terms):
            grace_s = 0.0 if earnings.withheld else _grace_s(account)
            held = account.end(terms.decision, _settles_s(terms, earnings, at_s) + grace_s)
            if held is not None and held.at_cart > 0.0 and not learned:
                learned = True
                self._pacing.rates.ended(terms.arm, held.at_cart, charged=is_charged)

    def corrected(self, terms: DecisionTerms, cost: float, at_s: float) -> None:
        """Settle what an order or a revision after the window has changed."""
        change = micros_up(cost)
        if change and terms.treated:
            for account in self._accounts.values():
                if account.held.get(terms.decision) is not None or account in self._of_arm.get(terms.arm, ()):
                    account.spend_late(terms.decision, terms.at_s, change)

    def withdrawn(self) -> list[str]:
        """Return the offers without which a lowered budget is kept, the newest first."""
        beyond = (decision for account in self._accounts.values() for decision in account.beyond())
        return list(dict.fromkeys(beyond))

    def forget(self, time_s: float) -> None:
        """Drop the offers whose cost is final."""
        for account in self._accounts.values():
            account.forget(time_s)

    def figures(self) -> dict[str, float]:
        """Return how many reservations are held, and what was spent beyond budgets after they had ended."""
        return {
            "budget_reservations": sum(len(each.held) for each in self._accounts.values()),
            "budget_overrun": sum(each.overrun for each in self._accounts.values()) / MICROS,
        }

    def budgets(self, time_s: float) -> dict[str, dict[str, float]]:
        """Return what each budget has, and has used, in the period of a time; nothing outside of a campaign.

        Money is in the market's currency. ``elapsed`` is the share of the period that is over, left out where
        that has no beginning or no end.
        """
        found: dict[str, dict[str, float]] = {}
        if not math.isfinite(time_s):  # before the first event, and after the last of a file
            return found
        for name, account in self._accounts.items():
            period = account.periods.at(time_s)
            if period is None:
                continue
            totals, budget = account.totals_of(period), account.budget
            figures = {"spent": totals.spent / MICROS, "used": totals.used / MICROS, "made": totals.made}
            if budget.amount is not None:
                figures["amount"] = budget.amount
            if budget.number is not None:
                figures["number"] = budget.number
            if math.isfinite(period.start_s) and math.isfinite(period.end_s):
                figures["elapsed"] = (time_s - period.start_s) / (period.end_s - period.start_s)
            found[name] = figures
        return found

    def state(self) -> bytes | None:
        """Return all accounts, and what the prices go by; None where there is no budget."""
        if not self._accounts:
            return None
        accounts = {name: each.state() for name, each in self._accounts.items()}
        return msgspec.msgpack.encode(_State(accounts, self._pacing.state()))

    def restore(self, state: bytes) -> None:
        """Take up the accounts of the budgets that there still are, and what the prices go by."""
        was = msgspec.msgpack.decode(state, type=_State)
        for name, account in was.accounts.items():
            if name in self._accounts:
                self._accounts[name].restore(account)
            else:
                self._held_of(name).clear()
        self._pacing.restore(was.pacing)

    def _held_of(self, name: str) -> Reservations:
        if name not in self._held:
            self._held[name] = Reservations(self._rows, name)
        return self._held[name]

    def _accounts_of(self, terms: DecisionTerms) -> Iterable[BudgetAccount]:
        return self._accounts.values() if terms.treated else ()

    def _learn_cost(self, terms: DecisionTerms, changes: Sequence[int]) -> None:
        change = next((each for each in changes if each), 0)
        if change:
            self._pacing.rates.cost(terms.arm, change / MICROS)


def _gains(arms: Sequence[str], values: Values) -> dict[str, float]:
    """Return by how much each arm is worth more than no offer."""
    found = values([NO_OFFER, *arms])
    return {arm: found[arm] - found[NO_OFFER] for arm in arms}


def _most(rule: CostRule) -> int | None:
    """Return the most an offer can cost, None where it has no limit."""
    if rule.share > 0.0 and rule.limit is None:
        return None
    share = 0 if rule.limit is None or rule.share == 0.0 else micros_up(rule.limit)
    return share + micros_up(rule.fixed)


def _grace_s(account: BudgetAccount) -> float:
    return max(account.budget.grace.total_seconds(), LEAST_GRACE_S)


def _terms(offer: Offer, grace_s: float) -> Terms:
    open_s, window_s = offer.expires_after.total_seconds(), offer.reward_window.total_seconds()
    most = (_most(cost_rule(offer)) or 0) / MICROS
    if offer.cost.charged == "redeemed":
        return Terms(most, open_s + grace_s, grace_s)
    held_s = max(open_s, window_s) + grace_s
    return Terms(most, held_s, held_s)


def _settles_s(terms: DecisionTerms, earnings: Earnings | None, end_s: float) -> float:
    """Return from when on nothing but a late redemption changes the cost of an offer that ended.

    One that is charged for any order, or whose orders do not say which of them redeemed it, can cost more
    until the end of its window.
    """
    is_clear = terms.cost.charged == "redeemed" and (
        earnings is None or not earnings.redemption_seen or any(each.redeems for each in earnings.orders)
    )
    is_clear |= earnings is not None and earnings.withheld
    return end_s if is_clear else max(end_s, terms.window_ends_s)
