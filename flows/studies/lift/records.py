"""The records that lift is measured on, as they stand in the files of a replay or an export."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Record(msgspec.Struct, kw_only=True):
    """What all records have."""

    market: str
    at: Moment

    @property
    def at_s(self) -> float:
        """When it happened, seconds since 1970."""
        return self.at.timestamp()


class Decided(Record, kw_only=True):
    """A decision, and who was assigned when; null where there was nothing to choose from."""

    decision_id: str
    window_ends_at: Moment
    unit_id: str | None
    assignment: Literal["policy", "holdout"] | None
    assigned_at: Moment | None
    holdout_share: Share | None
    conflict: bool


class Rewarded(Record, kw_only=True):
    """What a decision brought: each of ``order_profits`` by an order, the rest of ``profit`` by itself."""

    decision_id: str
    kind: Literal["window", "correction"]
    profit: float
    ordered_at: list[Moment]
    order_profits: list[float]

    def __post_init__(self) -> None:
        """Raise ValueError unless each order has its profit."""
        if len(self.ordered_at) != len(self.order_profits):
            raise ValueError("`ordered_at` and `order_profits` must be equally long")
