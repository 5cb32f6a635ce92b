"""What shops already emit, turned into native events; one file a format."""

from schemas.adapters.decoding import FORMATS, MAX_EVENT_BYTES, Decode, decoder
from schemas.adapters.rees46 import REES46_HEADER

__all__ = ["FORMATS", "MAX_EVENT_BYTES", "REES46_HEADER", "Decode", "decoder"]
