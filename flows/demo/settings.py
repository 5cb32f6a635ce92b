"""What can be chosen of a demo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from schemas.errors import SetupError

OFFERS: Final = Path(__file__).with_name("offers.toml")
"""Offers with short windows, so that rewards arrive during the demo."""


@dataclass(frozen=True)
class DemoSettings:
    """How long the demo lasts (None: until Ctrl-C), how fast its time runs, how busy the shop is.

    ``incident`` is one that is planted in it. ``browser``: the page may be opened in one. ``out`` is the
    directory that it leaves, None: one in the current directory that is not there yet.
    """

    seconds: float | None = 90.0
    speed: float = 120.0
    visits_per_hour: float = 10_000.0
    seed: int = 0
    incident: Literal["checkout"] | None = None
    browser: bool = True
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise SetupError for a length that is none."""
        if self.seconds is not None and not self.seconds >= 0:
            raise SetupError(f"seconds must be a number from 0; got {self.seconds!r}")
