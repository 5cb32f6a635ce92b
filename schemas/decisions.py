"""What auditors and trainers read on the decisions topic: tagged by ``type``."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec

from schemas.events import MomentKind
from schemas.records import Id, Money, Name, Probability, Record, Timestamp, decoder
from schemas.rollout import Stage

UnitId = Annotated[str, msgspec.Meta(pattern="^(user|visitor):", max_length=208)]
Feature = int | float | str


class Contributions(Record, frozen=True, kw_only=True, gc=False):
    """What each feature adds to a sum: that of ``constant``, ``features`` and ``rest``.

    ``features`` are those that add or take most, at most 33; ``rest`` is what all others add. ``unit``:
    log_odds or probits, of the abandonment before calibration, where a number is compared with its mean and a
    word with none; or money, where every feature is compared with its mean over all updates.
    """

    unit: Literal["log_odds", "probits", "money"]
    constant: float
    features: dict[str, float]
    rest: float


class Expectation(Record, frozen=True, kw_only=True, gc=False):
    """What the policy takes an arm to earn in the market's currency: a mean, and its standard deviation."""

    mean: float
    deviation: float


class Decision(Record, frozen=True, kw_only=True, gc=False, tag="decision"):
    """One arm was chosen for a cart, ``no_offer`` included: context, probabilities, choice.

    ``removed`` gives for each arm that was not eligible the reason; ``probabilities`` are those it was drawn
    from and ``propensity`` that of ``arm``. ``reason`` says why it was not an ordinary draw: holdout, shadow,
    rollout (outside a canary without a rule), stale, no_eligible_arm, or unrecorded (rebuilt from the record
    of its offer alone); ``is_trainable`` is false then, and the policy is not updated from it.

    ``holdout``: this visitor gets no offers. What follows it is for the analysis of lift, null where there
    was nothing to choose from: ``unit_id`` is what was randomised, user:... or visitor:...; ``assignment``
    its first one, which stays; ``assigned_at`` its first eligible moment; ``holdout_share`` the probability
    with which it was to be held out. ``no_offer_probability`` is the probability, over the holdout and the
    draw, that no offer was made; null in records of earlier versions. ``conflict``: a visitor and a user were
    assigned to different groups and then found to be one person, which gets no offers from then on, whatever
    the assignment says.

    ``partial``: some lines of the cart could not be read as the shop wrote them, so that ``cart_value`` may
    not be what the shopper saw. ``lines_left_out`` is how many lines it counts beside those of the offer.

    ``controls_version`` is that of the controls in force, 0 where the offers file alone was. ``stage`` is how
    far the market was rolled out; ``canary`` whether the person is in the canary, null where there was none;
    ``policy`` is what the arm was drawn by, the rollout's rule or the policy. ``surcharges`` are by how much
    money arms were valued less in the choice, for what they use of a budget. ``publish_at`` is when the offer
    is published, later than ``at`` where it is held for quiet hours.

    The rest is for explanations, null or empty where it was not asked for and in records of earlier versions.
    ``score_contributions`` add up to the abandonment before calibration, null for a model that is no sum of
    features. ``expected`` is what the policy expects of each eligible arm before surcharges, where it
    estimates rewards, has learned and drew or could have drawn. ``uplift_contributions`` add up to how much
    more it expects of the arm ``uplift_of`` than of no_offer; that is the arm drawn, or the most probable
    offer where no_offer was drawn.
    """

    decision_id: Id
    moment_id: Id
    visitor_id: Id
    user_id: Id | None
    market: Name
    at: Timestamp
    cart_id: Id
    cart_value: Money
    lines_left_out: int = 0
    partial: bool = False
    trigger: MomentKind
    features: dict[str, Feature]
    abandonment: Probability
    eligible: tuple[str, ...]
    removed: dict[str, str]
    probabilities: dict[str, Probability]
    arm: str
    propensity: Probability
    holdout: bool
    unit_id: UnitId | None
    assignment: Literal["policy", "holdout"] | None
    assigned_at: Timestamp | None
    holdout_share: Probability | None
    no_offer_probability: Probability | None = None
    conflict: bool
    shadow: bool
    is_trainable: bool
    reason: str | None
    offer_id: Id | None
    policy: str
    policy_version: int
    model: str
    model_version: int
    expires_at: Timestamp | None
    window_ends_at: Timestamp
    controls_version: int = 0
    stage: Stage = "online"
    canary: bool | None = None
    surcharges: dict[str, Money] = msgspec.field(default_factory=dict)
    publish_at: Timestamp | None = None
    score_contributions: Contributions | None = None
    expected: dict[str, Expectation] = msgspec.field(default_factory=dict)
    uplift_of: str | None = None
    uplift_contributions: Contributions | None = None


class Reward(Record, frozen=True, kw_only=True, gc=False, tag="reward"):
    """What a decision earned: at the end of its window, or a correction by an order that came later.

    ``cause`` is what a correction follows from: an order that came late, or an update, a refund or the
    cancellation of an order; null for the end of a window and in records of earlier versions. ``partial``:
    lines of an order could not be taken as they stood.
    ``profit`` is what this record adds: margin less cost, in the market's currency; it may be negative.
    ``trained_profit`` is what it adds to the reward that the policy was trained with: another number than
    ``profit`` where the reward was capped; null where the decision does not train, and in records of earlier
    versions.
    ``ordered_at`` and ``order_profits`` give for each of ``orders`` when it happened and what part of
    ``profit`` it brought; the rest, such as the cost of showing an offer, is due to the decision itself.
    """

    reward_id: Id
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    market: Name
    at: Timestamp
    arm: str
    kind: Literal["window", "correction"]
    profit: float
    trained_profit: float | None = None
    margin: float
    cost: float
    orders: tuple[str, ...]
    ordered_at: tuple[Timestamp, ...]
    order_profits: tuple[float, ...]
    holdout: bool
    shown: bool
    clicked: bool
    redeemed: bool
    cause: Literal["order", "update", "refund", "cancellation"] | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError unless each order has its time and its profit."""
        if not len(self.orders) == len(self.ordered_at) == len(self.order_profits):
            raise ValueError("`orders`, `ordered_at` and `order_profits` must be equally long")


class Score(Record, frozen=True, kw_only=True, gc=False, tag="score"):
    """How likely a cart was to be abandoned, as predicted at a moment."""

    moment_id: Id
    visitor_id: Id
    market: Name
    at: Timestamp
    cart_id: Id
    cart_value: Money
    kind: MomentKind
    abandonment: Probability
    model: str
    model_version: int


class Outcome(Record, frozen=True, kw_only=True, gc=False, tag="outcome"):
    """What became of a cart.

    ``abandonment`` is what the model predicted before it was trained on this; ``weight`` the weight of that
    update, null where there was none. ``treated`` says whether an offer preceded it, null where nobody
    decided; ``decision_id`` is the latest decision for the cart. ``features`` are what the model was trained
    on, or judged by where an offer preceded, and ``model_version`` the updates it had before; null where it
    was neither, and in records of earlier versions.
    """

    outcome_id: Id
    moment_id: Id | None
    decision_id: Id | None
    visitor_id: Id
    market: Name
    at: Timestamp
    cart_id: Id
    kind: Literal["purchased", "abandoned", "recovered"]
    treated: bool | None
    weight: Money | None
    abandonment: Probability | None
    features: dict[str, Feature] | None = None
    model_version: int | None = None


class Drift(Record, frozen=True, kw_only=True, gc=False, tag="drift"):
    """A figure that the abandonment model depends on moved to another level; keyed by the market.

    ``what`` is log_loss (nats), base_rate (share of carts abandoned), or feature:NAME: a number's level
    between 0 and 1, a half being its mean when monitoring began, or a word's share. The outcome
    ``outcome_id`` made it certain. ``triggered`` is what it led to: report (nothing), forget or reset.
    """

    drift_id: Id
    outcome_id: Id
    market: Name
    at: Timestamp
    what: Annotated[str, msgspec.Meta(pattern="^(log_loss|base_rate|feature:.+)$")]
    before: float
    after: float
    triggered: Literal["report", "forget", "reset"]
    model: str
    model_version: int


class ControlApplied(Record, frozen=True, kw_only=True, gc=False, tag="control_applied"):
    """A change by controls is in force in a market from now on; keyed by the market.

    ``version`` is its number among all records of the controls, and that of the decisions that follow it.
    ``set`` has what was changed by its path in the offers file, null where the file holds again; ``before``
    what held there until then. ``approved_by`` is null for a change that needed nobody's approval.
    """

    control_id: Id
    market: Name
    at: Timestamp
    version: int
    change_id: Id
    set: dict[str, Any]
    before: dict[str, Any]
    by: str
    approved_by: str | None
    comment: str | None


DecisionRecord = Decision | Reward | Score | Outcome | Drift | ControlApplied
DECISION_RECORDS: Final[dict[str, type[DecisionRecord]]] = {
    "decision": Decision,
    "reward": Reward,
    "score": Score,
    "outcome": Outcome,
    "drift": Drift,
    "control_applied": ControlApplied,
}
decode_decision: Final = decoder(Decision)
"""Return the Decision in some bytes; raises as ``schemas.records.decoder`` says."""
read_decision_record: Final[Callable[[bytes | str], DecisionRecord]] = decoder(DecisionRecord)  # type: ignore[arg-type]
"""Return the record of the decisions topic in some bytes; raises as ``schemas.records.decoder`` says."""
