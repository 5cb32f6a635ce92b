"""Figures as people read them: money with its currency, shares, times in the market's zone, names."""

import math
from datetime import datetime, tzinfo
from typing import Final

SIGNS: Final = {"EUR": "€", "GBP": "£", "USD": "$"}
MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EN DASH}"


def money(amount: float, currency: str, *, signed: bool = False) -> str:
    """Return an amount with its currency.

    >>> money(1234.5, "EUR"), money(0.42, "CHF", signed=True)
    ('€1,234.50', '+0.42 CHF')
    """
    number = f"{abs(amount):,.2f}"
    is_zero = float(number.replace(",", "")) == 0
    sign = "" if is_zero else MINUS if amount < 0 else "+" if signed else ""
    return f"{sign}{SIGNS[currency]}{number}" if currency in SIGNS else f"{sign}{number} {currency}"


def money_interval(low: float, high: float, currency: str) -> str:
    """Return the ends of an interval of money.

    >>> money_interval(0.1, 0.73, "EUR")
    '€0.10 to €0.73'
    """
    return f"{money(low, currency)} to {money(high, currency)}"


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent.

    >>> percent(0.314)
    '31 %'
    """
    return f"{share * 100:.{digits}f} %"


def count(number: float, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    >>> count(1, "cart"), count(1200, "cart")
    ('1 cart', '1,200 carts')
    """
    return f"{number:,.0f} {one if number == 1 else many or one + 's'}"


def per_second(rate: float) -> str:
    """Return a rate as people read it: with a digit where it is small.

    >>> per_second(1234.5), per_second(0.25)
    ('1,234', '0.2')
    """
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def clock(at_s: float, zone: tzinfo) -> str:
    """Return a time of day in a zone; a dash for none."""
    return f"{datetime.fromtimestamp(at_s, zone):%H:%M:%S}" if math.isfinite(at_s) else NOTHING


def moment(at_s: float, zone: tzinfo) -> str:
    """Return a date and a time in a zone, with the zone's name; a dash for none."""
    if not math.isfinite(at_s):
        return NOTHING
    at = datetime.fromtimestamp(at_s, zone)
    return f"{at.day} {at:%b %Y, %H:%M:%S %Z}"


def span(seconds: float) -> str:
    """Return a length of time in the unit that fits.

    >>> span(1800), span(86400), span(7200), span(45)
    ('30 minutes', '1 day', '2 hours', '45 seconds')
    """
    for unit_s, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit_s:
            return count(round(seconds / unit_s), name)
    return count(round(seconds), "second")


def readable(name: str) -> str:
    """Return the name of an offer, a stage or a reason as words.

    >>> readable("ten_percent"), readable("no_offer")
    ('ten percent', 'no offer')
    """
    return name.replace("_", " ")


REASONS: Final = {
    "killed": "all offers are stopped",
    "paused": "the offer is paused",
    "not_started": "its campaign has not begun",
    "campaign_ended": "its campaign is over",
    "weekday": "it is not made on this day of the week",
    "stale": "the moment was read too late for its channel",
    "no_consent": "the person has not agreed to its channel",
    "min_cart_value": "the cart is worth too little",
    "max_cart_value": "the cart is worth too much",
    "visitor_kind": "it is for other visitors, new or known ones",
    "sku": "the cart does not hold the products it is for, or holds one it is not for",
    "category": "the cart does not hold the categories it is for, or holds one it is not for",
    "audience": "the visitor is not in its audience",
    "out_of_stock": "something in the cart, or a product of the offer, is sold out",
    "margin_floor": "too little margin would be left",
    "margin_unknown": "the margin of the cart is not known",
    "open_offer": "the person has an open offer already",
    "cooldown": "the person had an offer lately",
    "cooldown_purchase": "the person bought something lately",
    "cooldown_dismissal": "the person put an offer away lately",
    "first_touch": "nobody gets a discount the first time",
    "cap": "the person has had as many as the cap allows",
    "cap_total": "the market has made as many as the cap allows",
    "budget": "what it may cost does not fit into the budget",
    "quiet_hours": "it is the person's quiet hours",
    "holdout": "the person is held out, to measure what offers are worth",
    "rollout": "the person is outside of the canary",
    "shadow": "the market is in shadow mode: nothing is published",
    "no_eligible_arm": "no offer was allowed here",
}
"""Why an arm was removed, or why a decision was no ordinary draw, in words."""


def reason(code: str) -> str:
    """Return why an arm was removed in words; a code that is not known stays as it is."""
    return REASONS.get(code, readable(code))
