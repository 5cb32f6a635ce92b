"""What a hesitating shopper does next: comes back or not, and what an offer changes about that."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from operators.simulation.random_streams import Dice
from operators.simulation.response_model import EXPOSURE, REDEEMS, Cart, base_chance, seen_chance
from operators.simulation.scripts import Event, Script, written
from schemas.shop import Offer

PAUSE_S: Final = 600.0
"""Nobody comes back to a cart sooner by himself, so an offer for an idle cart comes in time."""
RETURN_S: Final = 1200.0
RETURN_AT_MOST_S: Final = 7200.0
DELAY_S: Final = {"on_site": 120.0, "app": 900.0, "email": 2400.0}
"""The mean time from a decision to the order it leads to, by channel, before it is cut off."""
DELAY_AT_MOST_S: Final = {"on_site": 1500.0, "app": 7200.0, "email": 14400.0}
LEAST_DELAY_S: Final = 15.0

Planned = list[tuple[float, Event]]


class Timing(NamedTuple):
    """How long shoppers take, cut so that every order falls into the shortest reward window of the shop."""

    pause_s: float
    return_at_most_s: float

    def delay_at_most_s(self, offer: Offer) -> float:
        """The longest time from a decision to an order with this offer."""
        limit_s = min(offer.expires_after.total_seconds(), offer.reward_window.total_seconds())
        return max(min(DELAY_AT_MOST_S[offer.channel], 0.8 * limit_s), 2 * LEAST_DELAY_S)


class Luck(NamedTuple):
    """All that is random about one cart's fate, drawn alike whatever is decided."""

    buys: float
    sees: float
    redeems: float
    clicks: float
    dismisses: float
    delay: float
    returns_s: float


def timing(offers: Sequence[Offer]) -> Timing:
    """The timing that suits the shop's reward windows."""
    shortest_s = min((offer.reward_window.total_seconds() for offer in offers), default=RETURN_AT_MOST_S)
    return Timing(min(PAUSE_S, 0.3 * shortest_s), min(RETURN_AT_MOST_S, 0.8 * shortest_s))


def luck(dice: Dice, times: Timing) -> Luck:
    """Draw the luck of a cart from a stream of its own."""
    return Luck(
        buys=dice.random(),
        sees=dice.random(),
        redeems=dice.random(),
        clicks=dice.random(),
        dismisses=dice.random(),
        delay=dice.random(),
        returns_s=dice.within(RETURN_S, times.pause_s, times.return_at_most_s),
    )


def by_itself(script: Script, cart: Cart, draw: Luck) -> Planned:
    """The events after the pause if nobody makes an offer: an order or nothing."""
    if draw.buys >= base_chance(cart):
        return []
    return _order(script, cart, cart.at_s + draw.returns_s, ())


class Offered(NamedTuple):
    """An offer on its way to a shopper: which, under what id, and when the world heard of it."""

    offer: Offer
    offer_id: str
    at_s: float


def to_offer(script: Script, cart: Cart, draw: Luck, made: Offered, times: Timing) -> Planned:
    """The events that follow an offer, instead of those that would come by themselves.

    Seen or not, clicked, dismissed, redeemed or bought without it: with the chances of ``taste.outcomes``.
    """
    offer, segment = made.offer, cart.segment
    if draw.sees >= EXPOSURE[offer.channel]:
        late_s = made.at_s + 1.0 - cart.at_s - draw.returns_s
        return by_itself(script, cart, draw._replace(returns_s=draw.returns_s + max(late_s, 0.0)))
    mean_s, most_s = DELAY_S[offer.channel], times.delay_at_most_s(offer)
    delay_s = Dice.stretched(draw.delay, min(mean_s, most_s), LEAST_DELAY_S, most_s)
    buys = draw.buys < seen_chance(cart, offer)
    redeems = buys and draw.redeems < REDEEMS
    clicks = redeems or draw.clicks < segment.clicks
    planned = [_reaction(script, made, "shown", made.at_s + 0.3 * delay_s)]
    if clicks:
        planned.append(_reaction(script, made, "clicked", made.at_s + 0.5 * delay_s))
    elif not buys and draw.dismisses < segment.dismisses:
        planned.append(_reaction(script, made, "dismissed", made.at_s + 0.4 * delay_s))
    if redeems:
        redeemed = _reaction(script, made, "redeemed", made.at_s + 0.9 * delay_s)
        redeemed[1]["order_id"] = f"o-{script.visit}"
        planned.append(redeemed)
    if buys:
        planned += _order(script, cart, made.at_s + delay_s, (made.offer_id,) if redeems else ())
    return planned


def _reaction(script: Script, made: Offered, what: str, at_s: float) -> tuple[float, Event]:
    event_id = f"{script.visit}-{made.offer.name}-{what}"
    return _event(script, at_s, event_id, f"offer_{what}", {"offer_id": made.offer_id})


def _order(script: Script, cart: Cart, at_s: float, offer_ids: tuple[str, ...]) -> Planned:
    items = list(cart.items)
    checkout = {"items": items, "cart_id": cart.id}
    order: Event = {"order_id": f"o-{script.visit}", "items": items, "cart_id": cart.id}
    if offer_ids:
        order["offer_ids"] = list(offer_ids)
    return [
        _event(script, at_s - 1.0, f"{script.visit}-checkout", "checkout_started", checkout),
        _event(script, at_s, f"{script.visit}-order", "order_completed", order),
    ]


def _event(script: Script, at_s: float, event_id: str, kind: str, fields: Event) -> tuple[float, Event]:
    at_s = round(at_s, 3)
    return at_s, {"id": event_id, "type": kind, "time": written(at_s), **script.common, **fields}
