"""What happened after a decision, in the order of time, and what it has earned."""

from collections.abc import Sequence

from flows.studies.explain.decision_story import DecisionStory
from flows.studies.explain.local_terms import LocalTerms
from flows.studies.explain.removal_words import end_words
from schemas.decisions import Reward
from schemas.explanation import ExplainedReward, Happening

CARTS = {
    "purchased": "The cart was bought",
    "abandoned": "The cart was abandoned",
    "recovered": "The cart was bought after it had counted as abandoned",
}
"""By ``Outcome.kind``."""


def happenings(story: DecisionStory, terms: LocalTerms) -> tuple[Happening, ...]:
    """Return what is known to have happened after a decision.

    Nobody says when an offer was shown or clicked: that comes after its publication.
    """
    found = [*_of_offer(story), *_of_rewards(story.rewards, terms)]
    if story.outcome is not None:
        words = CARTS[story.outcome.kind]
        found.append(Happening(what="cart", at=story.outcome.at, words=words))
    published = story.decision.publish_at or story.decision.at
    return tuple(sorted(found, key=lambda each: (each.at or published).seconds))


def reward_so_far(rewards: Sequence[Reward]) -> ExplainedReward | None:
    """Return what a decision has earned, None before its window has ended."""
    ended = next((each for each in rewards if each.kind == "window"), None)
    if ended is None:
        return None
    trained = [each.trained_profit for each in rewards if each.trained_profit is not None]
    return ExplainedReward(
        profit=sum(each.profit for each in rewards),
        margin=sum(each.margin for each in rewards),
        cost=sum(each.cost for each in rewards),
        trained=sum(trained) if trained else None,
        orders=tuple(dict.fromkeys(order for each in rewards for order in each.orders)),
        window_ended_at=ended.at,
    )


def _of_offer(story: DecisionStory) -> list[Happening]:
    found: list[Happening] = []
    decision, offer, ended = story.decision, story.offer, story.ended
    if decision.offer_id is None:
        return found
    published = decision.publish_at
    channel = "" if offer is None else f" on the channel {offer.data.treatment.channel}"
    held = published is not None and published.seconds > decision.at.seconds
    words = f"The offer was published{channel}{', held until quiet hours were over' if held else ''}"
    found.append(Happening(what="published", at=published or decision.at, words=words))
    last = max(story.rewards, key=lambda each: each.at.seconds, default=None)
    if last is not None and last.shown:
        found.append(_undated("shown", "The offer was shown"))
    if last is not None and last.clicked:
        found.append(_undated("clicked", "The offer was clicked"))
    if ended is not None:
        what = ended.type.removeprefix("offer.")
        order = "" if ended.data.order_id is None else f" with the order {ended.data.order_id}"
        words = f"{end_words(ended.data.reason)}{order}"
        found.append(Happening(what=what, at=ended.data.at, words=words))  # type: ignore[arg-type]
    elif last is not None and last.redeemed:
        found.append(_undated("redeemed", "The offer was redeemed"))
    return found


def _undated(what: str, words: str) -> Happening:
    return Happening(what=what, at=None, words=words)  # type: ignore[arg-type]


def _of_rewards(rewards: Sequence[Reward], terms: LocalTerms) -> list[Happening]:
    found = [
        Happening(what="ordered", at=at, words=_order_words(order, profit, terms, reward))
        for reward in rewards
        for order, at, profit in zip(reward.orders, reward.ordered_at, reward.order_profits, strict=True)
    ]
    found += [Happening(what="reward", at=each.at, words=_reward_words(each, terms)) for each in rewards]
    return found


def _order_words(order: str, profit: float, terms: LocalTerms, reward: Reward) -> str:
    brought = terms.money(profit, signed=True)
    if reward.kind == "correction" and reward.cause != "order":
        return f"The order {order} was changed by {brought}"
    return f"The order {order} came, which brought {brought}"


def _reward_words(reward: Reward, terms: LocalTerms) -> str:
    profit = terms.money(reward.profit, signed=True)
    if reward.kind == "window":
        earned = (
            f"{profit} (margin {terms.money(reward.margin)}, cost of the offer {terms.money(reward.cost)})"
        )
        return f"The reward window ended: the decision had earned {earned}"
    cause = {"order": "a late order", "update": "an update of an order", "cancellation": "a cancellation"}
    why = cause.get(reward.cause or "order", "a refund")
    return f"The reward was corrected by {profit}, after {why}"
