"""Why a decision was taken and what came of it, as `offerstream explain --json` writes it."""

from typing import Literal

import msgspec

from schemas.decisions import Feature, UnitId
from schemas.events import MomentKind
from schemas.records import Currency, Id, Money, Name, Probability, Record, Timestamp
from schemas.rollout import Stage


class ExplainedMoment(Record, frozen=True, kw_only=True, gc=False):
    """When it was decided, for whom and for which cart; ``local`` is the time in ``timezone``."""

    decision_id: Id
    offer_id: Id | None
    market: Name
    at: Timestamp
    local: str
    timezone: str
    visitor_id: Id
    user_id: Id | None
    trigger: MomentKind
    cart_id: Id
    cart_value: Money
    currency: Currency | None
    partial: bool


class ExplainedFeature(Record, frozen=True, kw_only=True, gc=False):
    """A feature, its value, null where the visit had none, and what it added to a sum."""

    name: str
    value: Feature | None
    contribution: float


class ExplainedSum(Record, frozen=True, kw_only=True, gc=False):
    """A sum as the decision recorded it: ``total`` is that of ``constant``, ``features`` and ``rest``.

    Features come with the strongest first. ``unit`` as in ``Contributions``.
    """

    unit: Literal["log_odds", "probits", "money"]
    constant: float
    features: tuple[ExplainedFeature, ...]
    rest: float
    total: float


class ExplainedScore(Record, frozen=True, kw_only=True, gc=False):
    """How likely the cart was to be abandoned, and what it came from.

    ``before_calibration`` is the probability that the sum stands for; ``sum`` is null where the record has
    none, and ``unknown`` says why.
    """

    abandonment: Probability
    model: str
    model_version: int
    before_calibration: Probability | None
    sum: ExplainedSum | None
    unknown: str | None


class ExplainedArm(Record, frozen=True, kw_only=True, gc=False):
    """An eligible arm: its probability, and what the policy expected of it, with a 95 % interval.

    ``expected``, ``low`` and ``high`` are money, null where the policy did not say. ``surcharge`` is by how
    much it was valued less for what it uses of a budget.
    """

    name: str
    is_chosen: bool
    probability: Probability
    expected: float | None
    low: float | None
    high: float | None
    surcharge: float


class ExplainedChoice(Record, frozen=True, kw_only=True, gc=False):
    """How the arm was chosen.

    ``reason`` is null for an ordinary draw. ``uplift`` is what the policy expected of the arm ``uplift_of``
    above no offer; null where the record has none, and ``unknown`` says why.
    """

    arm: str
    propensity: Probability
    policy: str
    policy_version: int
    reason: str | None
    unit_id: UnitId | None
    holdout: bool
    holdout_share: Probability | None
    stage: Stage
    canary: bool | None
    controls_version: int
    arms: tuple[ExplainedArm, ...]
    uplift_of: str | None
    uplift: ExplainedSum | None
    unknown: str | None


class RemovedArm(Record, frozen=True, kw_only=True, gc=False):
    """An arm that could not be chosen, the reason as recorded and in words."""

    name: str
    reason: str
    words: str


class Happening(Record, frozen=True, kw_only=True, gc=False):
    """One thing that happened after the decision."""

    what: Literal[
        "published", "shown", "clicked", "redeemed", "expired", "revoked", "ordered", "cart", "reward"
    ]
    at: Timestamp | None
    words: str


class ExplainedReward(Record, frozen=True, kw_only=True, gc=False):
    """What it earned so far, corrections included; ``trained`` as the policy was trained with."""

    profit: float
    margin: float
    cost: float
    trained: float | None
    orders: tuple[str, ...]
    window_ended_at: Timestamp


class FeatureDifference(Record, frozen=True, kw_only=True, gc=False):
    """A feature, its value here, and that of the other decision; null where it had none."""

    name: str
    here: Feature | None
    there: Feature | None


class SimilarDecision(Record, frozen=True, kw_only=True, gc=False):
    """The decision for another visitor that was most like this one, and in what it differed most.

    ``of`` is among how many it was looked for. ``distance`` is the root of the mean squared difference of
    features, each in its standard deviations; 0 for the same.
    """

    decision_id: Id
    arm: str
    at: Timestamp
    cart_value: Money
    distance: float
    of: int
    differs: tuple[FeatureDifference, ...]


class Paragraph(Record, frozen=True, kw_only=True, gc=False):
    """Some sentences, and lines that belong to them, under a heading."""

    heading: str
    sentences: tuple[str, ...]
    lines: tuple[str, ...] = ()


class Explanation(Record, frozen=True, kw_only=True, gc=False, tag="explanation"):
    """A decision explained: what was known, what followed from it, what came of it; the same in words.

    ``reward`` is null before the reward window has ended, ``similar`` where no other decision is known.
    """

    moment: ExplainedMoment
    score: ExplainedScore
    choice: ExplainedChoice
    removed: tuple[RemovedArm, ...]
    happened: tuple[Happening, ...]
    reward: ExplainedReward | None
    similar: SimilarDecision | None
    paragraphs: tuple[Paragraph, ...] = msgspec.field(default=())
