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
