"""What to set so that offers pause or resume, everywhere or in one market, or a market is killed."""

from collections.abc import Mapping, Sequence
from typing import Any

from operators.controls.in_force import value_in
from schemas.errors import SetupError
from schemas.shop import Offer, Shop

Paths = dict[str, Any]


def pausing(shop: Shop, names: Sequence[str], market: str | None) -> Paths:
    """Return what pauses these offers of the shop in force, all where none is named."""
    found: Paths = {}
    for offer in _offers(shop, names, market):
        sells_in = _markets(shop, offer)
        if market is None or sells_in == [market]:
            if not offer.paused:
                found[f"offers.{offer.name}.paused"] = True
        elif market in sells_in:
            found[f"offers.{offer.name}.markets"] = [each for each in sells_in if each != market]
    return found


def resuming(
    file: Shop, settings: Mapping[str, Any], shop: Shop, names: Sequence[str], market: str | None
) -> Paths:
    """Return what lets these offers be made again; where the file says so, what was set is taken back."""
    found: Paths = {}
    for offer in _offers(shop, names, None):
        if offer.paused:
            path = f"offers.{offer.name}.paused"
            found[path] = _back(file, settings, path, wanted=False)
        if market is not None and market not in _markets(shop, offer):
            path = f"offers.{offer.name}.markets"
            wanted = [each for each in shop.markets if each == market or each in _markets(shop, offer)]
            of_file = value_in(file, path)
            is_as_filed = wanted == [each for each in shop.markets if of_file is None or each in of_file]
            found[path] = None if is_as_filed and path in settings else wanted
    return found


def killing(shop: Shop, market: str | None) -> Paths:
    """Return what ends all offers, of a market or of all."""
    path = _kill_path(shop, market)
    return {} if value_in(shop, path) else {path: True}


def reviving(file: Shop, settings: Mapping[str, Any], shop: Shop, market: str | None) -> Paths:
    """Return what takes a kill back, of a market or of all."""
    path = _kill_path(shop, market)
    return {path: _back(file, settings, path, wanted=False)} if value_in(shop, path) else {}


def _kill_path(shop: Shop, market: str | None) -> str:
    if market is None:
        return "killed"
    _check_market(shop, market)
    return f"markets.{market}.killed"


def _back(file: Shop, settings: Mapping[str, Any], path: str, *, wanted: bool) -> bool | None:
    """Return what to set at a path: null where that brings what is wanted from the file."""
    is_filed = bool(value_in(file, path)) is wanted and value_in(file, path) is not None
    return None if is_filed and path in settings else wanted


def _markets(shop: Shop, offer: Offer) -> list[str]:
    return list(shop.markets if offer.markets is None else offer.markets)


def _offers(shop: Shop, names: Sequence[str], market: str | None) -> list[Offer]:
    """Return the offers of these names, all where there are none; SetupError for one that is not there."""
    by_name = {offer.name: offer for offer in shop.offers}
    if market is not None:
        _check_market(shop, market)
    for name in names:
        if name not in by_name:
            raise SetupError(f"OFFER must be one of {', '.join(by_name) or 'none'}; got {name!r}")
    return [by_name[name] for name in names or by_name]


def _check_market(shop: Shop, market: str) -> None:
    if market not in shop.markets:
        raise SetupError(f"--market must be one of {', '.join(shop.markets)}; got {market!r}")
