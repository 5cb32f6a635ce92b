"""The events of a hesitating shopper: a return or nothing, and what an offer changes about that."""

from typing import Final, NamedTuple

from operators.simulation.native_event import Event, native_event
from operators.simulation.random_streams import RandomStream
from operators.simulation.response_model import EXPOSURE, REDEEMS, HesitatingCart, base_chance, chance_if_seen
from operators.simulation.response_timing import LEAST_DELAY_S, ResponseTiming
from operators.simulation.visit_script import VisitScript
from schemas.shop import Offer

RETURN_S: Final = 1200.0
"""The mean time until a shopper returns without an offer, before it is cut off."""
DELAY_S: Final = {"on_site": 120.0, "app": 900.0, "email": 2400.0}
"""The mean time from a decision to the order it leads to, by channel, before it is cut off."""

PlannedEvents = list[tuple[float, Event]]


class CartDraws(NamedTuple):
    """Everything that is random about what follows a cart, drawn alike whatever is decided.

    All are uniform from 0 to 1, but ``returns_s``: seconds until the shopper returns without an offer.
    """

    buys: float
    sees: float
    redeems: float
    clicks: float
    dismisses: float
    delay: float
    returns_s: float

    @classmethod
    def of(cls, rng: RandomStream, timing: ResponseTiming) -> "CartDraws":
        """Return the draws of a cart from a stream of its own."""
        return cls(
            buys=rng.random(),
            sees=rng.random(),
            redeems=rng.random(),
            clicks=rng.random(),
            dismisses=rng.random(),
            delay=rng.random(),
            returns_s=rng.truncated_exponential(RETURN_S, timing.pause_s, timing.return_at_most_s),
        )


def without_offer(script: VisitScript, cart: HesitatingCart, draws: CartDraws) -> PlannedEvents:
    """Return the events after the pause if the shop makes no offer: an order or nothing."""
    if draws.buys >= base_chance(cart):
        return []
    return _order(script, cart, cart.at_s + draws.returns_s, ())


class DeliveredOffer(NamedTuple):
    """An offer on its way to a shopper: which, under what id, and when it reached the world."""

    offer: Offer
    offer_id: str
    at_s: float


def after_offer(
    script: VisitScript,
    cart: HesitatingCart,
    draws: CartDraws,
    delivered: DeliveredOffer,
    timing: ResponseTiming,
) -> PlannedEvents:
    """Return the events that follow an offer, instead of those without one.

    The offer is seen or not, clicked, dismissed, redeemed or not used by a buyer, with the chances of
    ``response_model.outcomes``.
    """
    offer, segment = delivered.offer, cart.segment
    if draws.sees >= EXPOSURE[offer.channel]:
        late_s = delivered.at_s + 1.0 - cart.at_s - draws.returns_s
        return without_offer(script, cart, draws._replace(returns_s=draws.returns_s + max(late_s, 0.0)))
    mean_s, most_s = DELAY_S[offer.channel], timing.delay_at_most_s(offer)
    delay_s = RandomStream.truncated_exponential_quantile(
        draws.delay, min(mean_s, most_s), LEAST_DELAY_S, most_s
    )
    buys = draws.buys < chance_if_seen(cart, offer)
    redeems = buys and draws.redeems < REDEEMS
    clicks = redeems or draws.clicks < segment.clicks
    planned = [_feedback(script, delivered, "shown", delivered.at_s + 0.3 * delay_s)]
    if clicks:
        planned.append(_feedback(script, delivered, "clicked", delivered.at_s + 0.5 * delay_s))
    elif not buys and draws.dismisses < segment.dismisses:
        planned.append(_feedback(script, delivered, "dismissed", delivered.at_s + 0.4 * delay_s))
    if redeems:
        redeemed = _feedback(script, delivered, "redeemed", delivered.at_s + 0.9 * delay_s)
        redeemed[1]["order_id"] = f"o-{script.visit}"
        planned.append(redeemed)
    if buys:
        offer_ids = (delivered.offer_id,) if redeems else ()
        planned += _order(script, cart, delivered.at_s + delay_s, offer_ids)
    return planned


def _feedback(script: VisitScript, delivered: DeliveredOffer, what: str, at_s: float) -> tuple[float, Event]:
    event_id = f"{script.visit}-{delivered.offer.name}-{what}"
    return _event(script, at_s, event_id, f"offer_{what}", {"offer_id": delivered.offer_id})


def _order(
    script: VisitScript, cart: HesitatingCart, at_s: float, offer_ids: tuple[str, ...]
) -> PlannedEvents:
    items = list(cart.items)
    checkout = {"items": items, "cart_id": cart.id}
    order: Event = {"order_id": f"o-{script.visit}", "items": items, "cart_id": cart.id}
    if offer_ids:
        order["offer_ids"] = list(offer_ids)
    return [
        _event(script, at_s - 1.0, f"{script.visit}-checkout", "checkout_started", checkout),
        _event(script, at_s, f"{script.visit}-order", "order_completed", order),
    ]


def _event(script: VisitScript, at_s: float, event_id: str, kind: str, fields: Event) -> tuple[float, Event]:
    at_s = round(at_s, 3)
    return at_s, native_event(event_id, kind, at_s, script.common, fields)
