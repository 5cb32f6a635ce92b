"""Parameters of Google Analytics 4, in any of the forms in which they are sent and exported."""

from typing import Final

from schemas.adapters.decoded import Fields
from schemas.adapters.values import id_of

VALUES: Final = ("string_value", "int_value", "double_value", "float_value")
UNSAID: Final = frozenset({"(not set)", "(data deleted)"})
"""What the export writes where nothing was said."""


def params_of(params: object) -> Fields | None:
    """Return parameters by name, from a list of keys and values or from an object; None for anything else.

    >>> params_of([{"key": "tax", "value": {"string_value": None, "double_value": 2.5}}])
    {'tax': 2.5}
    """
    if params is None:
        return {}
    if isinstance(params, dict):
        return {name: _value(value) for name, value in params.items()}
    if isinstance(params, list):
        pairs = (each for each in params if isinstance(each, dict) and isinstance(each.get("key"), str))
        return {each["key"]: _value(each.get("value")) for each in pairs}
    return None


def said(value: object) -> object:
    """Return an id or a word, None where it stands for nothing.

    >>> said(507), said("(not set)")
    ('507', None)
    """
    return None if isinstance(value, str) and value in UNSAID else id_of(value)


def first(fields: Fields, *names: str, otherwise: object = None) -> object:
    """Return the first of these fields that is given."""
    return next((fields[name] for name in names if fields.get(name) is not None), otherwise)


def _value(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in VALUES if value.get(name) is not None), None)
