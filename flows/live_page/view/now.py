"""What happens now: whether the worker runs, what comes in and goes out, and what it says of itself."""

from typing import Any, Final

from flows.live_page.state.offer_counts import OfferCounts, State
from flows.live_page.view import plots
from flows.live_page.view.seen import Seen
from flows.live_page.view.words import NOTHING, clock, count, moment, per_second
from flows.observability.metric_names import Metric
from operators.decisions.verdicts import Level, Verdict, verdicts

STATUS: Final[dict[str, tuple[Level, str]]] = {
    "ok": ("good", "running"),
    "degraded": ("watch", "running, with concerns"),
    "stalled": ("bad", "stalled"),
    "silent": ("bad", "not answering"),
}
RECENT: Final = 5
"""Rates are means over so many looks at the worker, a quarter of a minute."""
OF_OUTCOMES: Final = ("base_rate", "log_loss")
"""Drifts of what becomes of carts say more than those of single features."""
BADGES: Final[dict[Level, str]] = {"good": "good", "watch": "watch", "bad": "wrong", "unknown": "open"}


def status(seen: Seen) -> dict[str, Any]:
    """Return whether the worker runs, and what time it has come to."""
    level, word = STATUS.get(seen.figures.health.status, ("bad", "not answering"))
    return {
        "level": level,
        "word": word,
        "time": moment(seen.market.time_s, seen.zone),
        "clock": clock(seen.market.time_s, seen.zone),
    }


def tiles(seen: Seen) -> dict[str, Any]:
    """Return events in and offers out, the carts at risk, and the open offers."""
    rates, exposition = seen.figures.rates, seen.figures.exposition
    recent = rates[-RECENT:]
    events_now, offers_now = (
        (sum(each.events for each in recent) / len(recent), sum(each.offers for each in recent) / len(recent))
        if recent
        else (None, None)
    )
    risk = seen.market.risk.now(seen.market.time_s)
    open_carts = exposition.total(Metric.STATE_ITEMS, kind="carts")
    offers = seen.market.offers
    events = exposition.total(Metric.EVENTS, outcome="processed")
    events_in = [each.events for each in rates]
    offers_out = [each.offers for each in rates]
    return {
        "tiles": [
            {
                "name": "Events in",
                "figure": NOTHING if events_now is None else f"{per_second(events_now)} a second",
                "about": f"{events:,.0f} since the worker started",
                "spark": plots.sparkline(events_in, "events a second over the last minutes"),
            },
            {
                "name": "Offers out",
                "figure": NOTHING if offers_now is None else f"{per_second(offers_now * 60)} a minute",
                "about": f"{exposition.total(Metric.PUBLISHED, stream='offers', type='offer.decided'):,.0f} "
                "since the worker started",
                "spark": plots.sparkline(offers_out, "offers a second over the last minutes"),
            },
            {
                "name": "Carts at risk",
                "figure": f"{risk.carts:,}",
                "about": f"more likely left than bought, worth {seen.money(risk.value)} together; "
                f"{open_carts:,.0f} carts are open",
                "spark": "",
            },
            {
                "name": "Offers open",
                "figure": f"{offers.total('open'):,}",
                "about": f"of {count(offers.total('made'), 'offer')} read; {_ends(offers)}",
                "spark": "",
            },
        ]
    }


def _ends(offers: OfferCounts) -> str:
    ends: tuple[State, ...] = ("redeemed", "expired", "revoked")
    return ", ".join(f"{offers.total(state):,} {state}" for state in ends)


def diagnosis(seen: Seen) -> dict[str, Any]:
    """Return what the worker says is wrong, then what the market's self-diagnosis says, worst first."""
    found = [
        Verdict("bad" if seen.figures.health.status == "stalled" else "watch", each)
        for each in seen.figures.health.reasons
    ]
    if seen.figures.health.status == "silent":
        found.append(
            Verdict(
                "bad", "The worker does not answer, so its own figures are missing; topics are still read."
            )
        )
    if seen.own_figures:
        said = " ".join(seen.figures.health.reasons)
        found += [
            each for each in verdicts(seen.own_figures, seen.settings.holdout) if each.sentence not in said
        ]
    if (drift := _drift(seen)) is not None:
        found.append(drift)
    if seen.skipped:
        found.append(
            Verdict("watch", f"This page could not keep up and has left out {seen.skipped:,} records.")
        )
    if seen.state.unreadable:
        found.append(
            Verdict("watch", f"{seen.state.unreadable:,} records are not of this version and were left out.")
        )
    order = ("bad", "watch", "unknown", "good")
    found.sort(key=lambda each: order.index(each.level))
    wrong = sum(each.level in ("bad", "watch") for each in found)
    return {
        "found": [(each.level, BADGES[each.level], each.sentence) for each in found],
        "sentence": "Nothing needs you now." if not wrong else f"{count(wrong, 'thing')} to look at.",
    }


def _drift(seen: Seen) -> Verdict | None:
    """Return what has moved in the last hour of events."""
    recent = [each for each in seen.market.model.drifts if each.at.seconds > seen.market.time_s - 3600]
    if not recent:
        return None
    latest = next((each for each in reversed(recent) if each.what in OF_OUTCOMES), recent[-1])
    return Verdict(
        "watch",
        f"Something changed at {clock(latest.at.seconds, seen.zone)}: {drift_words(latest.what)} went from "
        f"{latest.before:.2f} to {latest.after:.2f} and stayed there. "
        + _asked(latest.what, latest.before, latest.after),
    )


def drift_words(what: str) -> str:
    """Return the figure that moved in words.

    >>> drift_words("base_rate"), drift_words("feature:device")
    ('the share of carts that are left', 'the feature `device`')
    """
    known = {
        "base_rate": "the share of carts that are left",
        "log_loss": "the error of the abandonment model",
    }
    return known.get(what, f"the feature `{what.removeprefix('feature:')}`")


def _asked(what: str, before: float, after: float) -> str:
    if what == "base_rate" and after > before:
        return "More carts are left than before: does the checkout work?"
    if what == "log_loss" and after > before:
        return "The model is surprised by what happens: has the shop changed, or has something broken?"
    return "Has the shop, or what it sends, changed?"
