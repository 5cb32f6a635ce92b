"""The latest decisions as a list, and one of them in full."""

from typing import Any, Final

from flows.live_page.state.stories import Story
from flows.live_page.view.plots import Drawn
from flows.live_page.view.seen import Seen
from flows.live_page.view.words import clock, moment, percent, readable
from flows.studies.explain.decision_story import DecisionStory
from flows.studies.explain.explained import explained
from flows.studies.explain.text import as_html
from schemas.decisions import Decision

SHOWN: Final = 12
OTHERS: Final = 300
"""Among so many of the latest decisions one is looked for that is like it."""


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
    """Return one decision in full: explained, with its probabilities and what was known of the moment."""
    decision = story.decision
    if decision is None:
        raise ValueError("a story without its decision has no detail")
    others = [each.decision for each in seen.market.stories.latest(OTHERS) if each.decision is not None]
    told = DecisionStory(decision, story.offer, story.ended, tuple(story.rewards), story.outcome, others)
    return {
        "id": decision.decision_id,
        "explanation": Drawn(as_html(explained(told, seen.shop))),
        "facts": _facts(seen, decision),
        "arms": [
            (readable(arm), percent(share, 1), arm == decision.arm)
            for arm, share in sorted(decision.probabilities.items(), key=lambda item: -item[1])
        ],
        "features": sorted(decision.features.items()),
    }


def _facts(seen: Seen, decision: Decision) -> list[tuple[str, str]]:
    return [
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
