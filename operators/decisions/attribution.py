"""What decisions earn: an order is credited to one of them at most, and what came of each is learned."""

from collections.abc import Iterator, Sequence

from operators.bandits import Policy
from operators.decisions.ledger import Entry, Ledger, read
from operators.decisions.output_records import correction_said, window_said
from operators.decisions.reward import OpenDecision, late_profit, opened
from operators.decisions.statistics import MarketStatistics
from operators.streaming.messages import Fact, OutputRecord
from schemas.shop import Market


def credited(
    order: Fact, held: Sequence[OpenDecision], ledger: Ledger, correction_s: float
) -> OpenDecision | Entry | None:
    """Return the one decision an order is credited to: the one it names, its cart's, or the latest.

    ``held`` are its buyer's decisions that are watched. A ledger's entry is returned where the window had
    ended, but not the correction period; None where no decision preceded the order.
    """
    happened_s = order.own_s
    windows = [each for each in held if each.at_s < happened_s <= each.window_ends_s and not each.learned]
    among: list[OpenDecision | Entry] = [*windows]
    if not windows or order.offers:
        over = _correctable(ledger.of_visitor(order.visitor), held, happened_s, correction_s)
        among += [entry for entry in over if not windows or entry.decision in order.offers]
    return max(
        among,
        key=lambda of: (of.decision in order.offers, of.cart == order.cart, of.at_s, of.decision),
        default=None,
    )


def _correctable(
    written: Iterator[bytes], held: Sequence[OpenDecision], happened_s: float, correction_s: float
) -> Iterator[Entry]:
    learning = {each.decision for each in held if not each.learned}
    for entry in map(read, written):
        if entry.at_s + correction_s < happened_s:
            return
        choice_was_made = entry.window_ends_s > entry.at_s
        if entry.at_s < happened_s and choice_was_made and entry.decision not in learning:
            yield entry


def learn(
    each: OpenDecision, market: Market, policy: Policy, tallies: MarketStatistics, ledger: Ledger
) -> OutputRecord:
    """Learn what came of a decision whose window has ended; return its record.

    LookupError where the ledger has lost it.
    """
    cost = each.cost()
    profit = each.margin - cost
    if each.teaches:
        found = ledger.get(each.decision)
        if found is None:
            raise LookupError(f"the ledger of market {market.name!r} has lost decision {each.decision}")
        policy.update(each.arm, read(found).features, profit)
    tallies.closed(each, profit)
    return window_said(market.name, each, cost)


def correct(
    order: Fact, entry: Entry, market: Market, policy: Policy, tallies: MarketStatistics
) -> OutputRecord:
    """Change what was learned from a decision whose window had ended before this order was read."""
    earned, cost = late_profit(entry, order, market.margin_rate)
    if entry.teaches:
        policy.revise(entry.arm, entry.features, earned - cost)
    tallies.corrected(entry, earned - cost)
    return correction_said(market.name, opened(entry), order, (earned, cost))
