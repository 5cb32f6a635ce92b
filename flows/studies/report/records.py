"""What the report reads of each kind of record, line by line; what else stands in a line is skipped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec

from flows.studies.lift.records import Decided, Record, Rewarded, Share
from schemas.errors import SetupError


class Decision(Decided, kw_only=True):
    """A choice with its probabilities, and the group of its visitor."""

    visitor_id: str
    probabilities: dict[str, Share]
    arm: str
    propensity: Share
    holdout: bool
    is_trainable: bool
    reason: str | None
    offer_id: str | None
    policy: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError where the arm is none of those that were drawn from."""
        if self.arm not in self.probabilities:
            raise ValueError("`arm` must be one of `probabilities`")


class Reward(Rewarded, kw_only=True):
    """What a decision brought."""

    visitor_id: str
    arm: str
    orders: list[str]
    holdout: bool


class Outcome(Record, kw_only=True):
    """What became of a cart and what was predicted; nothing was where ``abandonment`` is None."""

    kind: Literal["purchased", "abandoned", "recovered"]
    treated: bool | None
    abandonment: Share | None


class Drift(Record, kw_only=True):
    """A figure moved to another level."""

    what: str
    before: float | None = None
    after: float | None = None
    triggered: str | None = None

    @property
    def words(self) -> str:
        """What moved, from where to where, and what it led to."""
        said = self.what
        if self.before is not None and self.after is not None:
            said += f" from {self.before:.2f} to {self.after:.2f}"
        return said if self.triggered in (None, "report") else f"{said}, led to: {self.triggered}"


class Truth(Record, kw_only=True):
    """What a decision over simulated shoppers was truly worth, and what the best one was."""

    holdout: bool
    value: float
    best: float
    no_offer: float


NEEDED: Final = ("decisions", "rewards", "outcomes")
KINDS: Final[dict[str, type[Record]]] = {
    "decisions": Decision,
    "rewards": Reward,
    "outcomes": Outcome,
    "drifts": Drift,
    "truth": Truth,
}

R = TypeVar("R", bound=Record)


def read(path: Path, kind: type[R]) -> Iterator[R]:
    """Return the records of a file one by one; SetupError names the line that is none."""
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = decode(line)
                record.at_s  # noqa: B018  a moment without a zone, or out of range, is found here
            except (msgspec.MsgspecError, ValueError, OverflowError) as error:
                raise SetupError(
                    f"{path}, line {number} must be of type {kind.__name__.lower()} as the worker writes it; "
                    f"got: {error}"
                ) from None
            yield record
