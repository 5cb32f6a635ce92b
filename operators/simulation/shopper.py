"""The people who visit the simulated shop."""

from typing import NamedTuple

from operators.simulation.random_streams import RandomStream, cumulative_shares
from operators.simulation.segments import DEVICES, Segment


class Shopper(NamedTuple):
    """A person at one visit; segment, device and user stay the same over all visits.

    Attributes
    ----------
    number
        Names the person.
    visit
        The number of the visit, from 0.
    segment
        The kind of shopper.
    visitor
        The visitor id, another one on a second device.
    user
        The user id, None while the shop does not know it.
    device
        One of ``DEVICES``.
    favourite
        The category that the shopper focuses on.
    consents
        Whether the shopper agreed to offers by e-mail and in the app.
    """

    number: int
    visit: int
    segment: Segment
    visitor: str
    user: str | None
    device: str
    favourite: str
    consents: bool = True


def new_shopper(
    rng: RandomStream, number: int, segment: Segment, tag: str, categories: tuple[str, ...]
) -> Shopper:
    """Return a new shopper; a quarter of them are known to the shop from the first visit on."""
    user = f"u-{tag}-{number}" if rng.random() < 0.25 else None
    device = rng.weighted_choice(DEVICES, cumulative_shares(segment.devices))
    return Shopper(number, 0, segment, f"v-{tag}-{number}", user, device, rng.choice(categories))
