"""What the self-diagnosis of a market means, in sentences. The thresholds are those of the shipped alerts."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from operators.decisions.order_joins import ORDER_KEYS, OrderKey

LOST: Final = 0.9
"""Above this share of orders that met nobody known, orders practically never join."""
MOST_LOST: Final = 0.5
"""Above this share, more is wrong than browsers that refuse to be followed."""
COLLAPSED: Final = 0.1
"""Below this entropy the choices are always the same arm but for exploration."""
UNSETTLED: Final = 0.95
"""Above this entropy the probabilities are practically even."""
UPDATES: Final = 2000
"""After this many updates the probabilities should no longer be even."""
SILENCE_S: Final = 3600.0
MISSED: Final = 10.0
"""Orders that should have been attributed in a silence; so many are missing by chance once in 20,000."""
RARE: Final = 0.002
"""Below this conversion, orders are attributed by accident rather than as a rule."""
NO_ARM: Final = 0.5
UNBALANCED: Final = 0.001
CARRIED: Final = 0.5
"""What this share of the orders that met nobody carries is looked at as the cause."""

_ADVICE: Final[dict[OrderKey, str]] = {
    "visitor": "Is their `visitor_id` the one of the clickstream, or an id of the server's own?",
    "user": "Does the clickstream ever name the `user_id`, as at a login?",
    "cart": "Do cart events carry the same `cart_id`?",
    "checkout": "Do checkout events carry the same `checkout_id`?",
    "offer": "Are their `offer_ids` those of published offers?",
}
"""What to ask of orders that carry a key and meet nobody by it; a code may be of any campaign."""

Level = Literal["good", "watch", "bad", "unknown"]


class Verdict(NamedTuple):
    """One sentence and how serious it is."""

    level: Level
    sentence: str


def verdicts(figures: Mapping[str, float], expected_holdout: float | None = None) -> list[Verdict]:
    """Return one verdict a question, from the figures of ``Diagnosis.figures``."""
    return [
        _orders(figures),
        _rewards(figures),
        _choices(figures),
        _convergence(figures),
        _arms(figures),
        _holdout(figures, expected_holdout),
    ]


def _orders(figures: Mapping[str, float]) -> Verdict:
    seen, lost = figures.get("orders_seen"), figures.get("orders_unattributed_share")
    if seen is None:
        return Verdict("unknown", "What orders came is not known here, only those that were attributed.")
    if seen == 0:
        return Verdict("unknown", "No order has come yet.")
    if lost is None:
        return Verdict("unknown", f"Only {seen:,.0f} orders have come yet: too few to say whether they join.")
    if lost > LOST:
        return Verdict(
            "bad",
            f"Orders come but do not join: {lost:.0%} of the last ones met no visit, cart or decision. "
            + _why_lost(figures),
        )
    if lost > MOST_LOST:
        return Verdict(
            "watch",
            f"Most orders do not join: {lost:.0%} met no visit, cart or decision. " + _why_lost(figures),
        )
    return Verdict("good", f"Orders join: {1 - lost:.0%} of the last ones met a visit, a cart or a decision.")


def _why_lost(figures: Mapping[str, float]) -> str:
    """What orders that met nobody carry, and what to look at."""
    shares = {key: figures.get(f"unattributed_with_{key}", 0.0) for key in ORDER_KEYS}
    carried = ", ".join(f"{key} {share:.0%}" for key, share in shares.items() if share >= 0.005)
    asked = " ".join(_ADVICE[key] for key in _ADVICE if shares[key] >= CARRIED)
    if not carried:
        return "They carry no visitor, user, cart, checkout, code or offer: send one that carts have too."
    return f"What they carry: {carried}. {asked or 'Send the `cart_id`, the `user_id` or the `visitor_id`.'}"


def _choices(figures: Mapping[str, float]) -> Verdict:
    found = figures.get("choice_entropy")
    if found is None:
        return Verdict("unknown", "Too few choices yet to say whether they collapsed.")
    if found < COLLAPSED:
        return Verdict(
            "watch",
            f"The choices have collapsed: entropy {found:.2f} of 1, below {COLLAPSED:g}. Nearly always the "
            "same arm is drawn; either it is best for everybody, or the others are no longer tried.",
        )
    return Verdict("good", f"Several arms are in use: the entropy of the choices is {found:.2f} of 1.")


def _convergence(figures: Mapping[str, float]) -> Verdict:
    found, updates = figures.get("probability_entropy"), int(figures.get("policy_updates", 0))
    if found is None:
        return Verdict("unknown", "Too few choices yet to say whether the policy converges.")
    if found <= UNSETTLED and not figures.get("orders_attributed"):
        return Verdict(
            "unknown",
            "The policy has preferences, but no order was attributed yet: they come from costs alone.",
        )
    if found <= UNSETTLED:
        return Verdict(
            "good", f"The policy has preferences: the entropy of its probabilities is {found:.2f} of 1."
        )
    if updates < UPDATES:
        return Verdict(
            "unknown", f"The probabilities are still nearly even, after {updates:,} of {UPDATES:,} updates."
        )
    return Verdict(
        "watch",
        f"The policy does not converge: after {updates:,} updates its probabilities are still nearly even "
        f"(entropy {found:.2f} of 1). Either no arm is better for anybody, or rewards do not say so.",
    )


def _rewards(figures: Mapping[str, float]) -> Verdict:
    silence_s, missed = figures.get("reward_silence_seconds"), figures.get("missed_rewards", 0.0)
    attributed = figures.get("orders_attributed", 0.0)
    if silence_s is None:
        return Verdict("unknown", "No decision yet, so no reward could arrive.")
    minutes = f"{silence_s / 60:,.0f} minutes"
    if silence_s > SILENCE_S and missed > MISSED:
        return Verdict(
            "bad",
            f"No reward for {minutes} while decisions are taken: about {missed:.0f} orders should have been "
            f"attributed. {_why_missed(figures)}",
        )
    if not attributed:
        return Verdict("unknown", f"No order was attributed yet, {minutes} after the first decision.")
    conversion = figures.get("conversion")
    if conversion is not None and conversion < RARE:
        return Verdict(
            "watch",
            f"Hardly any decision is followed by an order: {conversion:.2%}. Do carts and orders have the "
            "same visitors?",
        )
    return Verdict(
        "good",
        f"Rewards arrive: {attributed:,.0f} orders were attributed, the last {minutes} before the end.",
    )


def _why_missed(figures: Mapping[str, float]) -> str:
    seen, lost = figures.get("orders_seen"), figures.get("orders_unattributed_share", 0.0)
    if seen == 0:
        return "No order has come at all: is the topic that has them among `events_topics`?"
    if lost > MOST_LOST:
        return "Orders come, but most do not join, as said above."
    return "Do orders still reach the worker, with the visitor's, the user's or the cart's id?"


def _arms(figures: Mapping[str, float]) -> Verdict:
    found = figures.get("no_eligible_arm_share")
    if found is None:
        return Verdict("unknown", "Too few decisions yet to say how often there was no eligible arm.")
    finding = f"{found:.0%} of decisions found no eligible arm"
    if found > NO_ARM:
        return Verdict("watch", f"{finding}: look at `min_cart_value` and at how late moments are read.")
    return Verdict("good", f"{finding}.")


def _holdout(figures: Mapping[str, float], expected: float | None) -> Verdict:
    share, p_value = figures.get("holdout_share"), figures.get("holdout_p_value")
    if share is None:
        return Verdict("unknown", "Too few units yet to say whether the holdout is in balance.")
    finding = f"{share:.1%} of units are held out"
    if p_value is None or expected is None:
        return Verdict("unknown", f"{finding}; what was set is not known here.")
    if p_value < UNBALANCED:
        return Verdict(
            "bad",
            f"The holdout is out of balance: {finding}, set are {expected:.1%} (p = {p_value:.1g}). Lift "
            "cannot be trusted: are user and visitor ids stable, and has the setting changed?",
        )
    return Verdict(
        "good", f"The holdout is in balance: {finding}, set are {expected:.1%} (p = {p_value:.2g})."
    )
