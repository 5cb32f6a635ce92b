"""Simulated shoppers whose taste is known: events in event time, and the true value of every offer."""

from operators.shoppers.segments import SEGMENTS, Segment
from operators.shoppers.taste import Cart
from operators.shoppers.world import DEMO_CARTS, SHOP_CARTS, World, WorldSettings

__all__ = ["DEMO_CARTS", "SEGMENTS", "SHOP_CARTS", "Cart", "Segment", "World", "WorldSettings"]
