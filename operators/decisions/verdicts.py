"""What the self-diagnosis of a market means, in sentences. The thresholds are those of the shipped alerts."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

COLLAPSED: Final = 0.1
"""Below this entropy the choices are always the same arm but for exploration."""
UNSETTLED: Final = 0.95
"""Above this entropy the probabilities are practically even."""
UPDATES: Final = 2000
"""After this many updates the probabilities should no longer be even."""
SILENCE_S: Final = 3600.0
MISSED: Final = 10.0
"""Orders that should have been attributed in a silence; so many are missing by chance once in 20,000."""
NO_ARM: Final = 0.5
UNBALANCED: Final = 0.001

Level = Literal["good", "watch", "bad", "unknown"]


class Verdict(NamedTuple):
    """One sentence and how serious it is."""

    level: Level
    sentence: str


def verdicts(figures: Mapping[str, float], expected_holdout: float | None = None) -> list[Verdict]:
    """Return one verdict a question, from the figures of ``Diagnosis.figures``."""
    return [
        _choices(figures),
        _convergence(figures),
        _rewards(figures),
        _arms(figures),
        _holdout(figures, expected_holdout),
    ]


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
    if silence_s is None:
        return Verdict("unknown", "No decision yet, so no reward could arrive.")
    minutes = f"{silence_s / 60:,.0f} minutes"
    if silence_s > SILENCE_S and missed > MISSED:
        return Verdict(
            "bad",
            f"No reward for {minutes} while offers go out: about {missed:.0f} orders should have been "
            "attributed. Do orders still reach the worker, with the visitor's id?",
        )
    return Verdict("good", f"Rewards arrive: the last order was attributed {minutes} before the end.")


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
        return Verdict("unknown", "No unit yet, so nothing is known of the holdout.")
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
