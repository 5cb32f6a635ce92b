"""An incident that is planted in the demo, and when the worker noticed it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from flows.live_page.view.now import drift_words
from flows.simulation.settings import DAY_S
from schemas.decisions import Drift

Incident = Literal["checkout"]
AFTER: Final = 1 / 4
"""What share of the demo is over when it begins."""
AFTER_S: Final = 40.0
"""When it begins in a demo without an end, in seconds."""
NOTICED_BY: Final = ("base_rate", "log_loss")
FOREVER_DAYS: Final = 3650.0


@dataclass(frozen=True)
class Planted:
    """A checkout that breaks so many seconds after the shoppers have begun, in their own time."""

    after_s: float

    @classmethod
    def in_demo(cls, seconds: float | None, speed: float) -> "Planted":
        """Return the incident of a demo of so many seconds."""
        return cls((AFTER_S if seconds is None else seconds * AFTER) * speed)

    @property
    def days(self) -> tuple[float, float]:
        """From when to when the checkout is broken, as the shoppers' settings have it."""
        return self.after_s / DAY_S, FOREVER_DAYS

    def noticed(self, drifts: Iterable[Drift], began_s: float) -> Drift | None:
        """Return the first drift that says so: more carts are left, or the model is wrong more often."""
        broke_s = began_s + self.after_s
        found = [
            each
            for each in drifts
            if each.at.seconds >= broke_s and each.what in NOTICED_BY and each.after > each.before
        ]
        return min(found, key=lambda each: each.at.seconds, default=None)

    def words(self, drift: Drift | None, began_s: float) -> str:
        """Return whether it was noticed, and how."""
        if drift is None:
            return "The checkout is broken, and the worker has not noticed it yet."
        late_s = drift.at.seconds - began_s - self.after_s
        return (
            f"The worker noticed the broken checkout {late_s / 60:.0f} minutes of the shop's time later: "
            f"{drift_words(drift.what)} went from {drift.before:.2f} to {drift.after:.2f}. It takes "
            "half an hour until a cart counts as left."
        )
