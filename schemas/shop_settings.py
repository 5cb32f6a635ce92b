"""Single settings of the offers file, found and replaced by their paths: ``markets.uk.holdout``.

A path names tables from the outside in. Offers, a list in the file, are named by their names.
"""

from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import SetupError

OFFERS: Final = "offers"
MISSING: Final = object()
"""What ``setting_at`` returns where a path leads nowhere."""


def setting_at(document: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401  whatever the file says
    """Return what the file says at a path, ``MISSING`` where it says nothing.

    >>> setting_at({"offers": [{"name": "ten", "value": 10}]}, "offers.ten.value")
    10
    """
    found: Any = _named(document)
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return MISSING
        found = found[part]
    return found


def with_settings(document: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file with these settings replaced, in this order; the one that is given stays as it is.

    Raises SetupError with the path that cannot be set. What the values may be is for ``Shop`` to say.
    """
    made = _named(document)
    for path, value in settings.items():
        made = _set(made, path, value)
    if OFFERS in made:
        made[OFFERS] = list(made[OFFERS].values())
    return made


def is_within(path: str, outer: str) -> bool:
    """Return whether a path is another one, or leads on from it.

    >>> is_within("rules.margin.floor", "rules.margin"), is_within("rules.margins", "rules.margin")
    (True, False)
    """
    return path == outer or path.startswith(f"{outer}.")


def _named(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file with its offers by name."""
    offers = document.get(OFFERS)
    if offers is None:
        return dict(document)
    return {**document, OFFERS: {offer["name"]: offer for offer in offers}}


def _set(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    first, *rest = path.split(".")
    if first == OFFERS:
        _check_offer(document.get(OFFERS, {}), path, rest, value)
        value = value if len(rest) > 1 else {**value, "name": rest[0]}
    return _with_value(document, [first, *rest], value, path)


def _check_offer(offers: Mapping[str, Any], path: str, rest: list[str], value: Any) -> None:  # noqa: ANN401  JSON
    if not rest:
        raise SetupError("offers must be set one by one, as offers.NAME")
    name = rest[0]
    if len(rest) > 1 and name not in offers:
        known = ", ".join(offers) or "none"
        raise SetupError(
            f"{path}: the offer must be one of {known}; got {name!r}; set offers.{name} to add it"
        )
    if len(rest) == 1 and not isinstance(value, Mapping):
        raise SetupError(f"{path} must be a table with the settings of an offer; got {value!r}")
    if rest[1:] == ["name"] or (len(rest) == 1 and value.get("name", name) != name):
        raise SetupError(f"{path}: the name of an offer must stay; add another offer")


def _with_value(table: Mapping[str, Any], parts: list[str], value: Any, path: str) -> dict[str, Any]:  # noqa: ANN401  JSON
    first, *rest = parts
    if not rest:
        return {**table, first: value}
    inner = table.get(first, {})
    if not isinstance(inner, Mapping):
        at = path.removesuffix("." + ".".join(rest))
        raise SetupError(f"{path}: {at} must be a table; it is {inner!r}")
    return {**table, first: _with_value(inner, rest, value, path)}
