"""Numbers as shops write them: as numbers, as text, as money with marks and separators."""

import math
import re
from typing import Final, NamedTuple

MONEY_DIGITS: Final = 6
"""Amounts that are computed are rounded to so many digits, so that they show no binary fractions."""

LONGEST: Final = 64
"""A longer text is no number."""

_MARK: Final = r"[A-Z]{3}|[A-Z]{0,2}[$€£¥₹₽₩₺₴₪₫₱฿]|kr\.?|zł|Kč|Ft|Fr\.?|lei"
_MONEY: Final = re.compile(
    rf"([-\u2212]?)\s*({_MARK})?\s*([-\u2212]?)\s*(\d[\d.,'\u2019 \u00a0\u202f]*|[.,]\d+)\s*({_MARK})?",
    re.ASCII,
)
_CODE: Final = re.compile(r"[A-Z]{3}")
_SPACES: Final = str.maketrans("", "", "'\u2019 \u00a0\u202f")


class Number(NamedTuple):
    """A number that was read; it ``is_plain`` unless it had to be picked out of a text of money.

    ``currency`` is the code that stood beside it.
    """

    value: float
    is_plain: bool = True
    currency: str | None = None


def number_of(value: object) -> Number | None:
    """The finite number that `value` is or says, None where it says none; a boolean is no number.

    >>> [number_of(text).value for text in (" 10.00 ", "$10.00", "10,00", "1,299.00", "1.299,00 €", "-5")]
    [10.0, 10.0, 10.0, 1299.0, 1299.0, -5.0]
    >>> number_of("10.00 EUR")
    Number(value=10.0, is_plain=False, currency='EUR')
    >>> number_of("dear"), number_of("NaN"), number_of(True), number_of(None)
    (None, None, None, None)
    """
    if type(value) is int:
        return Number(value)
    if type(value) is float:
        return Number(value) if math.isfinite(value) else None
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    try:
        plain = float(value)
    except ValueError:
        return _money(value.strip())
    return Number(plain) if math.isfinite(plain) else None


def amount_of(value: object) -> float | None:
    """Return the finite number that `value` is or says, None where it says none, or one too great.

    >>> amount_of(3), amount_of("2.50"), amount_of("2,50 €"), amount_of("free"), amount_of(True)
    (3.0, 2.5, 2.5, None, None)
    """
    found = number_of(value)
    try:
        return None if found is None else float(found.value)
    except OverflowError:
        return None


def _money(text: str) -> Number | None:
    found = _MONEY.fullmatch(text)
    if found is None:
        return None
    sign, before, inner_sign, digits, after = found.groups()
    if (sign and inner_sign) or (before and after):
        return None
    amount = _decimal(digits.translate(_SPACES))
    if amount is None:
        return None
    mark = before or after or ""
    return Number(-amount if sign or inner_sign else amount, False, mark if _CODE.fullmatch(mark) else None)


def _decimal(digits: str) -> float | None:
    """The number of digits with points and commas; three digits after a lone mark are thousands."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return float(digits)
    mark = digits[last]
    whole, fraction = digits[:last], digits[last + 1 :]
    other = "," if mark == "." else "."
    if mark in whole or (other not in whole and len(fraction) == 3 and whole not in ("", "0")):
        whole, fraction = whole + mark + fraction, ""
        other = mark
    groups = whole.split(other)
    if any(each in whole.replace(other, "") for each in ".,"):
        return None
    if len(groups) > 1 and not (
        1 <= len(groups[0]) <= 3 and len(groups[-1]) == 3 and all(len(each) in (2, 3) for each in groups[1:])
    ):
        return None
    return float(f"{''.join(groups) or '0'}.{fraction or '0'}")
