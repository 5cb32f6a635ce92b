"""The offers by state, and the budgets that pay for them."""

import math
from typing import Any

from flows.live_page.view import plots
from flows.live_page.view.seen import Seen
from flows.live_page.view.words import count, money_interval, percent, readable


def offers(seen: Seen) -> dict[str, Any]:
    """Return each offer: how many are open, how others ended, and what decisions for it earned."""
    counts, course = seen.market.offers, seen.market.course
    names = [offer.name for offer in seen.offers]
    earned = {
        name: found for name in ("no_offer", *names) if (found := course.per_decision(name)) is not None
    }
    ends = [value for each in earned.values() for value in (each.low, each.high) if math.isfinite(value)]
    shared = plots.axis(min([0.0, *ends]), max([0.0, *ends])) if ends else None
    rows = []
    for name, offer in [("no_offer", None), *((offer.name, offer) for offer in seen.offers)]:
        found, bar, words = earned.get(name), None, "not known yet"
        if found is not None:
            words = seen.money(found.mean)
            if math.isfinite(found.low) and shared is not None:
                interval = money_interval(found.low, found.high, seen.settings.currency)
                bar = plots.interval_bar(
                    found.mean, found.low, found.high, shared, f"{words}, 95 % interval {interval}"
                )
                words += f" ({interval})"
        is_stopped = offer is not None and (offer.paused or seen.settings.killed or seen.shop.killed)
        rows.append(
            {
                "name": name,
                "readable": readable(name),
                "is_offer": offer is not None,
                "paused": offer is not None and offer.paused,
                "state": ""
                if offer is None
                else "paused"
                if offer.paused
                else "stopped"
                if is_stopped
                else "made",
                "channel": "" if offer is None else readable(offer.channel),
                "counts": None if offer is None else counts.of(name),
                "earned": words,
                "bar": bar,
            }
        )
    paused = sum(offer.paused for offer in seen.offers)
    sentence = f"{count(counts.total('open'), 'offer is', 'offers are')} open"
    sentence += f", and {count(paused, 'kind is', 'kinds are')} paused." if paused else "."
    best = max(
        (name for name in earned if course.earned[name].count >= 30),
        key=lambda name: earned[name].mean,
        default=None,
    )
    if best is not None:
        found = earned[best]
        sentence += f" Decisions for {readable(best)} earned most where they were taken: "
        sentence += f"{seen.money(found.mean)} each"
        if math.isfinite(found.low):
            sentence += f" (95 % interval {money_interval(found.low, found.high, seen.settings.currency)})"
        sentence += ". Different offers go to different carts, so this does not rank them."
    return {"rows": rows, "sentence": sentence, "reasons": counts.reasons.most_common(6)}


def budgets(seen: Seen) -> dict[str, Any]:
    """Return what is left of each budget, beside how much of its time is."""
    found = seen.figures.budget_figures(seen.name)
    rows = []
    for name, budget in seen.shop.budgets.items():
        if budget.markets is not None and seen.name not in budget.markets:
            continue
        figures = found.get(name)
        if figures is None:
            rows.append(
                {"name": readable(name), "sentence": "What it has used is not known yet.", "bar": None}
            )
            continue
        rows.append({"name": readable(name)} | _budget(seen, budget.by, figures))
    sentence = (
        ""
        if rows
        else "There is no budget in the offers file, so nothing limits what offers cost all in all."
    )
    return {"rows": rows, "sentence": sentence}


def _budget(seen: Seen, by: str, figures: dict[str, float]) -> dict[str, Any]:
    elapsed = figures.get("elapsed")
    if "amount" in figures and figures["amount"] > 0:
        whole, spent, used = figures["amount"], figures["spent"], figures["used"]
        words = (
            f"{seen.money(max(whole - used, 0.0))} of {seen.money(whole)} left; {seen.money(spent)} is spent "
            f"and {seen.money(max(used - spent, 0.0))} reserved for offers that are open"
        )
    else:
        whole, spent = max(figures.get("number", 0.0), 1.0), figures["made"]
        used = spent
        words = f"{whole - spent:,.0f} of {count(whole, 'offer')} left"
    if elapsed is not None:
        pace = (
            "as fast as"
            if abs(used / whole - elapsed) < 0.1
            else "faster than"
            if used / whole > elapsed
            else "slower than"
        )
        words += (
            f". {percent(elapsed)} of the {by} is over and {percent(used / whole)} is used: {pace} the clock"
        )
    return {
        "sentence": f"{words}.",
        "bar": plots.budget_bar(spent / whole, used / whole, elapsed, f"{words}."),
    }
