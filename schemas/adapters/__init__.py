"""What shops already emit, turned into native events; one file a format."""

from schemas.adapters.decoding import FORMATS, Decode, decoder
from schemas.adapters.rees46 import REES46_HEADER

__all__ = ["FORMATS", "REES46_HEADER", "Decode", "decoder"]
