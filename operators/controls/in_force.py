"""The shop in force: the offers file with the settings of controls, checked like the file itself."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from schemas.errors import SetupError, setup_message
from schemas.shop import Shop
from schemas.shop_settings import MISSING, setting_at, with_settings

Check = Callable[[Shop], None]
"""Raises SetupError for a shop that does not fit the settings of the worker."""

READ_AT_START: Final = ("currency", "timezone", "rates")
"""The settings of a market by which events are read and sessions are counted."""


class InForce(NamedTuple):
    """The shop as it is now, and why some settings are left out of it, by path."""

    shop: Shop
    left_out: dict[str, str]


def controlled(file: Shop, settings: Mapping[str, Any], check: Check) -> Shop:
    """Return the shop of a file with these settings; raises SetupError that names what is wrong."""
    try:
        document = with_settings(file.document, settings)
        made = Shop.model_validate(document)
    except ValidationError as error:
        raise SetupError(_words(error, document)) from None
    check(made)
    _check_same_markets(file, made)
    return made


def fitting(file: Shop, settings: Mapping[str, Any], check: Check) -> InForce:
    """Return the shop with those settings that fit its file, which may have changed since they were set.

    Where they do not fit all together each one is tried, in their order and then once more, since some only
    fit after others.
    """
    if not settings:
        return InForce(file, {})
    try:
        return InForce(controlled(file, settings, check), {})
    except SetupError:
        shop, kept = file, dict[str, Any]()
        left_out = dict.fromkeys(settings, "")
        for path in (*settings, *settings):
            if path in left_out:
                with_it = {each: settings[each] for each in settings if each in kept or each == path}
                try:
                    shop = controlled(file, with_it, check)
                except SetupError as error:
                    left_out[path] = str(error)
                else:
                    kept = with_it
                    del left_out[path]
        return InForce(shop, left_out)


def value_in(shop: Shop, path: str) -> Any:  # noqa: ANN401  JSON
    """Return what holds at a path, defaults included, as JSON has it; None where there is nothing.

    >>> value_in(Shop(), "markets.default.holdout")
    0.05
    """
    found = setting_at(shop.model_dump(mode="json"), path)
    return None if found is MISSING else found


def _words(error: ValidationError, document: Mapping[str, Any]) -> str:
    """Return what is wrong, with the offer's name instead of its number."""
    names = [offer.get("name") for offer in document.get("offers", ())]
    return re.sub(
        r"^offers\.#(\d+)", lambda found: f"offers.{names[int(found[1]) - 1]}", setup_message(error)
    )


def _check_same_markets(file: Shop, made: Shop) -> None:
    """Refuse what only a start can change: other stations have read it."""
    if made.markets.keys() != file.markets.keys():
        known = ", ".join(file.markets)
        raise SetupError(f"markets must stay {known} while the worker runs; change the offers file")
    for name, market in made.markets.items():
        of_file = file.markets[name]
        for key in READ_AT_START:
            if getattr(market, key) != getattr(of_file, key):
                raise SetupError(f"markets.{name}.{key} is read at start; change the offers file")
        if (market.margin_rate is None) != (of_file.margin_rate is None):
            raise SetupError(
                f"markets.{name}.margin_rate is given or left out at start; change the offers file"
            )
