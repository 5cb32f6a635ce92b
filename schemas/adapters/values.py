"""Values as other systems write them, in the form of native fields; what cannot be read stays as it is."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas.adapters.decoded import Decoded, Fields

MAX_NAME: Final = 100
"""So much is kept of the name of what is not modelled."""

_OFFER_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\.[0-9a-f]{24}")


def given(fields: Fields) -> Fields:
    """Return the fields without those that say nothing."""
    return {name: value for name, value in fields.items() if value is not None}


def id_of(value: object) -> object:
    """Return an id as text: databases number their rows, and those numbers arrive as numbers; empty is none.

    >>> id_of(507), id_of(507.0), id_of("G-32"), id_of(" ")
    ('507', '507', 'G-32', None)
    """
    if type(value) is str:
        return value if value.strip() else None
    if type(value) is int or (type(value) is float and value.is_integer()):
        return str(int(value))
    return value


def first_id(fields: Mapping[str, Any], names: Iterable[str]) -> object:
    """Return the first id among the fields of these names."""
    for name in names:
        found = id_of(fields.get(name))
        if found is not None:
            return found
    return None


def currency_of(value: object) -> object:
    """Return a currency in capitals; empty is none.

    >>> currency_of("usd"), currency_of("")
    ('USD', None)
    """
    return (value.strip().upper() or None) if isinstance(value, str) else value


def locale_of(value: object) -> object:
    """Return a locale as a language tag; empty is none.

    >>> locale_of("en_GB"), locale_of("de"), locale_of(" ")
    ('en-GB', 'de', None)
    """
    return (value.strip().replace("_", "-") or None) if isinstance(value, str) else value


def granted_if(value: object) -> Fields | None:
    """Return the consent to e-mail that a ticked box gives; an empty box may never have been seen.

    >>> granted_if(True), granted_if(False)
    ({'email': True}, None)
    """
    return {"email": True} if value is True else None


def is_offer_id(value: object) -> bool:
    """Return whether an id has the shape of our offers' ids; promotions of the shop have ids of their own.

    >>> is_offer_id("default.dda7873c0e884161b23b5c63"), is_offer_id("promo_1")
    (True, False)
    """
    return isinstance(value, str) and _OFFER_ID.fullmatch(value) is not None


def codes_of(amounts: Mapping[Any, float | None]) -> list[Fields] | None:
    """Return the discount codes of an order from what each took off it, None where there is none."""
    return [given({"code": code, "amount": amount}) for code, amount in amounts.items()] or None


def object_in(outer: Fields, name: str, dropped: list[str]) -> Fields:
    """Return the object under a name, an empty one where there is none; append the name of what is odd."""
    inner = outer.get(name)
    if isinstance(inner, dict):
        return inner
    if inner is not None and inner != []:  # PHP writes an empty object as an empty list
        dropped.append(name)
    return {}


def with_dropped(decoded: Decoded, names: Iterable[str]) -> Decoded:
    """Return a decoded event of which these fields were dropped as well."""
    more = tuple(names)
    return Decoded(decoded.event, more + decoded.dropped, decoded.trace) if more else decoded
