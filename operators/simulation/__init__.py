"""Simulated shoppers with a known response to offers: their events, and the true value of each arm."""

from operators.simulation.response_model import HesitatingCart
from operators.simulation.segments import SEGMENTS, Segment
from operators.simulation.world import World
from operators.simulation.world_settings import DEMO_CARTS, SHOP_CARTS, WorldSettings

__all__ = ["DEMO_CARTS", "SEGMENTS", "SHOP_CARTS", "HesitatingCart", "Segment", "World", "WorldSettings"]
