"""The latest decisions as a list, and one of them in full."""

from typing import Any, Final

from flows.live_page.state.stories import Story
from flows.live_page.view.seen import Seen
from flows.live_page.view.words import clock, moment, money, percent, readable, reason
from schemas.decisions import Decision

SHOWN: Final = 12
TRIGGERS: Final = {
    "cart_idle": "left the cart alone",
    "cart_changed": "changed the cart",
    "checkout_begun": "went to the checkout",
    "session_ended": "ended the visit",
}


def decisions(seen: Seen) -> dict[str, Any]:
    """Return the latest decisions of the market, newest first."""
    found = seen.market.stories.latest(SHOWN)
    return {
        "rows": [_row(seen, story.decision, story) for story in found if story.decision is not None],
        "sentence": f"{seen.market.decisions:,} decisions were read; these are the latest."
        if found
        else "No decision was read yet.",
    }


def _row(seen: Seen, decision: Decision, story: Story) -> dict[str, Any]:
    return {
        "id": decision.decision_id,
        "at": clock(decision.at.seconds, seen.zone),
        "visitor": decision.visitor_id,
        "cart": seen.money(decision.cart_value),
        "abandonment": percent(decision.abandonment),
        "arm": readable(decision.arm),
        "propensity": percent(decision.propensity),
        "then": afterwards(seen, story),
    }


def afterwards(seen: Seen, story: Story) -> str:
    """Return what came of a decision, in a few words."""
    decision = story.decision
    if decision is None:
        return ""
    if story.profit is not None:
        orders = sum(len(each.orders) for each in story.rewards)
        bought = "bought" if orders else "did not buy"
        return f"{bought}, {seen.money(story.profit, signed=True)}"
    if story.ended is not None:
        return f"offer {story.ended.type.removeprefix('offer.')}"
    return "open" if decision.offer_id is not None else "waiting"


def detail(seen: Seen, story: Story) -> dict[str, Any]:
    """Return one decision in full: the moment, the arms, why others were removed, and what came after.

    This is the one place that explains a decision to people.
    """
    decision = story.decision
    if decision is None:
        raise ValueError("a story without its decision has no detail")
    return {
        "id": decision.decision_id,
        "summary": _summary(seen, decision),
        "facts": _facts(seen, decision),
        "arms": [
            (readable(arm), percent(share, 1), arm == decision.arm)
            for arm, share in sorted(decision.probabilities.items(), key=lambda item: -item[1])
        ],
        "removed": _removed(decision),
        "features": sorted(decision.features.items()),
        "after": _after(seen, story),
    }


def _removed(decision: Decision) -> list[tuple[str, str]]:
    """Return the arms that were removed by their reason: what they are, and the reason in words."""
    by_code: dict[str, list[str]] = {}
    for arm, code in decision.removed.items():
        by_code.setdefault(code, []).append(readable(arm))
    return [(", ".join(arms), reason(code)) for code, arms in by_code.items()]


def _summary(seen: Seen, decision: Decision) -> str:
    did = TRIGGERS.get(decision.trigger, readable(decision.trigger))
    what = (
        "No offer was made"
        if decision.arm == "no_offer"
        else f"{readable(decision.arm).capitalize()} was chosen"
    )
    why = "" if decision.reason is None else f", because {reason(decision.reason)}"
    return (
        f"At {moment(decision.at.seconds, seen.zone)} the visitor {did}, worth "
        f"{seen.money(decision.cart_value)}. The model expected it to be left with a "
        f"probability of {percent(decision.abandonment)}. "
        f"{what}, drawn with a probability of {percent(decision.propensity)}{why}."
    )


def _facts(seen: Seen, decision: Decision) -> list[tuple[str, str]]:
    found = [
        ("Visitor", decision.visitor_id),
        ("User", decision.user_id or "not known"),
        ("Cart", decision.cart_id),
        ("Offer", decision.offer_id or "none was published"),
        ("Policy", f"{decision.policy}, after {decision.policy_version:,} updates"),
        ("Model", f"{decision.model}, after {decision.model_version:,} updates"),
        ("Stage", decision.stage),
        ("Controls", f"version {decision.controls_version}"),
        ("Counts until", moment(decision.window_ends_at.seconds, seen.zone)),
    ]
    surcharges = ", ".join(
        f"{readable(arm)} {money(amount, seen.settings.currency)}"
        for arm, amount in decision.surcharges.items()
    )
    return [*found, ("Price of budgets", surcharges)] if surcharges else found


def _after(seen: Seen, story: Story) -> list[str]:
    said = []
    if story.offer is not None:
        until = moment(story.offer.data.expires_at.seconds, seen.zone)
        said.append(f"The offer was published and stands until {until}.")
    if story.ended is not None:
        why = story.ended.data.reason
        word = story.ended.type.removeprefix("offer.")
        at = moment(story.ended.data.at.seconds, seen.zone)
        said.append(f"It was {word} at {at}" + ("." if why == word else f": {readable(why)}."))
    if story.outcome is not None:
        said.append(f"The cart was {story.outcome.kind} at {moment(story.outcome.at.seconds, seen.zone)}.")
    for reward in story.rewards:
        what = "Its window ended" if reward.kind == "window" else "It was corrected"
        said.append(
            f"{what} at {moment(reward.at.seconds, seen.zone)}: margin {seen.money(reward.margin)} less cost "
            f"{seen.money(reward.cost)} is {seen.money(reward.profit, signed=True)}."
        )
    return said or ["Nothing is known yet of what came after."]
