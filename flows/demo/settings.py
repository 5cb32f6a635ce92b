"""What can be chosen of a demo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import SetupError

OFFERS: Final = Path(__file__).with_name("offers.toml")
"""Offers with short windows, so that rewards arrive during the demo."""


@dataclass(frozen=True)
class DemoSettings:
    """How long the demo lasts (None: until Ctrl-C), how fast its time runs, how busy the shop is."""

    seconds: float | None = 60.0
    speed: float = 300.0
    visits_per_hour: float = 4000.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise SetupError for a length that is none."""
        if self.seconds is not None and not self.seconds >= 0:
            raise SetupError(f"seconds must be a number from 0; got {self.seconds!r}")
