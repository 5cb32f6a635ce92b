"""Money, times and features as a marketer of one market reads them."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from schemas.decisions import Feature

MONEY: Final = frozenset({"cart_value", "max_item_price", "mean_item_price"})
SECONDS: Final = frozenset(
    {"session_seconds", "seconds_since_last_event", "seconds_since_cart_change", "seconds_since_first_cart"}
)
YES_NO: Final = frozenset({"checkout_started", "known_user", "weekend"})
SHARES: Final = frozenset({"abandonment", "category_focus", "value_vs_peak"})

FEATURES: Final[dict[str, str]] = {
    "moment": "kind of moment",
    "events": "events in the visit",
    "page_views": "pages viewed",
    "product_views": "products viewed",
    "searches": "searches",
    "distinct_products": "different products viewed",
    "distinct_categories": "different categories viewed",
    "category_focus": "share of views in one category",
    "cart_adds": "additions to the cart",
    "cart_removes": "removals from the cart",
    "cart_churn": "removals for each addition",
    "session_seconds": "length of the visit",
    "seconds_since_last_event": "time since the last event",
    "events_per_minute": "events a minute",
    "checkout_started": "checkout begun",
    "visits_before": "earlier visits",
    "known_user": "logged in",
    "hour_sin": "hour of the day (first coordinate)",
    "hour_cos": "hour of the day (second coordinate)",
    "weekend": "weekend",
    "device": "device",
    "source": "source",
    "cart_value": "value of the cart",
    "cart_items": "pieces in the cart",
    "cart_lines": "lines in the cart",
    "max_item_price": "most expensive item",
    "mean_item_price": "mean price of the items",
    "value_vs_peak": "value beside its highest so far",
    "cart_price_position": "price of the items beside what was viewed",
    "seconds_since_cart_change": "time since the cart changed",
    "seconds_since_first_cart": "time since the first addition",
    "coupons_denied": "coupons refused",
    "segment": "segment",
    "abandonment": "predicted abandonment",
}
"""What features are called; those of the shop's own keep their names."""

MOMENTS: Final[dict[str, str]] = {
    "cart_idle": "the cart had been left alone for a while",
    "cart_changed": "the cart had changed",
    "checkout_begun": "the checkout had begun",
    "session_ended": "the visit had ended",
}
"""By ``Decision.trigger``."""


class LocalTerms:
    """How one market writes money and times; ``currency`` is None where it is not known."""

    def __init__(self, currency: str | None, timezone: str) -> None:
        self.currency = currency
        self.timezone = timezone
        self._zone = ZoneInfo(timezone)

    def money(self, amount: float, *, signed: bool = False) -> str:
        """Return an amount with its currency.

        >>> LocalTerms("EUR", "UTC").money(1234.5), LocalTerms(None, "UTC").money(-0.001, signed=True)
        ('1,234.50 EUR', '+0.00')
        """
        rounded = round(amount, 2) + 0.0  # never -0.00
        text = f"{rounded:+,.2f}" if signed else f"{rounded:,.2f}"
        return text if self.currency is None else f"{text} {self.currency}"

    def time(self, at_s: float) -> str:
        """Return a time by the clock on the wall.

        >>> LocalTerms("EUR", "Europe/Berlin").time(1_700_000_000.0)
        'Tuesday, 14 November 2023, 23:13:20'
        """
        at = datetime.fromtimestamp(int(at_s), self._zone)
        return f"{at:%A}, {at.day} {at:%B %Y, %H:%M:%S}"

    def iso(self, at_s: float) -> str:
        """Return a time in RFC 3339 with the offset of the zone."""
        return datetime.fromtimestamp(at_s, self._zone).isoformat(timespec="milliseconds")

    def feature(self, name: str, value: Feature | None) -> str:
        """Return a feature with its value.

        >>> LocalTerms("EUR", "UTC").feature("cart_value", 85.4)
        'value of the cart (85.40 EUR)'
        """
        return f"{FEATURES.get(name, name)} ({self.value(name, value)})"

    def value(self, name: str, value: Feature | None) -> str:
        """Return the value of a feature in its unit."""
        if value is None:
            return "not known"
        if isinstance(value, str):
            return value
        if name in MONEY:
            return self.money(value)
        if name in SECONDS:
            return span(value)
        if name in YES_NO:
            return "yes" if value else "no"
        return (
            f"{value:.0%}" if name in SHARES else f"{value:,.6g}" if value == int(value) else f"{value:,.2f}"
        )


def span(seconds: float) -> str:
    """Return a length of time.

    >>> span(45), span(600), span(90_000)
    ('45 s', '10 min', '25 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.0f} h"


def in_hundred(probability: float) -> str:
    """Return a probability as people count.

    >>> in_hundred(0.62), in_hundred(0.004), in_hundred(0.9996)
    ('62 in 100', '4 in 1,000', 'nearly all')
    """
    if probability >= 0.995:
        return "all" if probability == 1.0 else "nearly all"
    if probability < 0.01:
        return f"{probability * 1000:.0f} in 1,000" if probability >= 0.0005 else "hardly any"
    return f"{probability * 100:.0f} in 100"
