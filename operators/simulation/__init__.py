"""Simulated shoppers whose taste is known: events in event time, and the true value of every offer."""

from operators.simulation.response_model import Cart
from operators.simulation.segments import SEGMENTS, Segment
from operators.simulation.world import DEMO_CARTS, SHOP_CARTS, World, WorldSettings

__all__ = ["DEMO_CARTS", "SEGMENTS", "SHOP_CARTS", "Cart", "Segment", "World", "WorldSettings"]
