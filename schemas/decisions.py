"""What auditors and trainers read on the decisions topic: tagged by ``type``."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, FiniteFloat, TypeAdapter

from schemas.events import Id, Name
from schemas.offers import MomentKind, OutputModel, Probability

UnitId = Annotated[str, Field(pattern=r"^(user|visitor):", max_length=208)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Decision(OutputModel):
    """One arm was chosen for a cart, ``no_offer`` included: context, probabilities, choice.

    ``removed`` says for each arm that was not eligible why; ``probabilities`` are those it was drawn from and
    ``propensity`` that of ``arm``. ``reason`` says why it was not an ordinary draw: stale, history and so on.

    ``holdout``: this visitor gets no offers. What follows it is for the analysis of lift, null where there
    was nothing to choose from: ``unit_id`` is what was randomised, user:... or visitor:...; ``assignment``
    its first one, which stays; ``assigned_at`` its first eligible moment; ``holdout_share`` the probability
    with which it was to be held out. ``conflict``: a visitor and a user were assigned apart and then found to
    be one person, which gets no offers from then on, whatever the assignment says.
    """

    type: Literal["decision"]
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    user_id: Id | None
    market: Name
    at: AwareDatetime
    cart_id: Id
    cart_value: Money
    trigger: MomentKind
    features: dict[str, FiniteFloat | str]
    abandonment: Probability
    eligible: tuple[str, ...]
    removed: dict[str, str]
    probabilities: dict[str, Probability]
    arm: str
    propensity: Probability
    holdout: bool
    unit_id: UnitId | None
    assignment: Literal["policy", "holdout"] | None
    assigned_at: AwareDatetime | None
    holdout_share: Probability | None
    conflict: bool
    shadow: bool
    teaches: bool
    reason: str | None
    offer_id: Id | None
    policy: str
    policy_version: int
    model: str
    model_version: int
    expires_at: AwareDatetime | None
    window_ends_at: AwareDatetime


class Reward(OutputModel):
    """What a decision brought: at the end of its window, or a correction by an order that came later.

    ``profit`` is what this record adds: margin less cost, in the market's currency; it may be negative.
    ``ordered_at`` and ``order_profits`` say of each of ``orders`` when it happened and what part of
    ``profit`` it brought; the rest, such as the cost of showing an offer, came of the decision itself.
    """

    type: Literal["reward"]
    reward_id: Id
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    market: Name
    at: AwareDatetime
    arm: str
    kind: Literal["window", "correction"]
    profit: FiniteFloat
    margin: FiniteFloat
    cost: FiniteFloat
    orders: tuple[str, ...]
    ordered_at: tuple[AwareDatetime, ...]
    order_profits: tuple[FiniteFloat, ...]
    holdout: bool
    shown: bool
    clicked: bool
    redeemed: bool


class Score(OutputModel):
    """How likely a cart was to be abandoned, as seen at a moment."""

    type: Literal["score"]
    moment_id: Id
    visitor_id: Id
    market: Name
    at: AwareDatetime
    cart_id: Id
    cart_value: Money
    kind: MomentKind
    abandonment: Probability
    model: str
    model_version: int


class Outcome(OutputModel):
    """What became of a cart.

    ``abandonment`` is what the model said before it learned this; ``weight`` what the lesson counted, null
    where there was none. ``treated`` says whether an offer preceded it, null where nobody decided;
    ``decision_id`` is the latest decision for the cart.
    """

    type: Literal["outcome"]
    outcome_id: Id
    moment_id: Id | None
    decision_id: Id | None
    visitor_id: Id
    market: Name
    at: AwareDatetime
    cart_id: Id
    kind: Literal["purchased", "abandoned", "recovered"]
    treated: bool | None
    weight: Money | None
    abandonment: Probability | None


class Drift(OutputModel):
    """A figure that the abandonment model lives by moved to another level; keyed by the market.

    ``what`` is log_loss (nats), base_rate (share of carts abandoned), or feature:NAME: a number's level
    between 0 and 1, a half being its mean when the watch began, or a word's share. The outcome
    ``outcome_id`` made it certain. ``triggered`` is what it led to: report (nothing), forget or reset.
    """

    type: Literal["drift"]
    drift_id: Id
    outcome_id: Id
    market: Name
    at: AwareDatetime
    what: Annotated[str, Field(pattern=r"^(log_loss|base_rate|feature:.+)$")]
    before: FiniteFloat
    after: FiniteFloat
    triggered: Literal["report", "forget", "reset"]
    model: str
    model_version: int


DecisionRecord = Annotated[Decision | Reward | Score | Outcome | Drift, Field(discriminator="type")]
DECISIONS: Final[TypeAdapter[DecisionRecord]] = TypeAdapter(DecisionRecord)
