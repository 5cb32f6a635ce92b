"""What could be chosen and what spoke for it, in sentences."""

from typing import Final

from flows.studies.explain.local_terms import FEATURES, LocalTerms, in_hundred
from schemas.explanation import ExplainedArm, ExplainedChoice, ExplainedFeature, Paragraph
from schemas.shop import NO_OFFER

HEADING: Final = "What could be chosen"
MOST_NAMED: Final = 3
LEAST_SHOWN: Final = 0.0005
"""Arms that are less probable than this are in no sentence, but in the list."""


def shown_arm(name: str) -> str:
    """Return an arm as it is called in sentences."""
    return "no offer" if name == NO_OFFER else name


def chances(choice: ExplainedChoice, terms: LocalTerms) -> Paragraph:
    """Return the arms with their probabilities and what was expected of them."""
    if len(choice.arms) < 2:
        return Paragraph(heading=HEADING, sentences=("Nothing but no offer.",))
    likely = [each for each in choice.arms if each.probability >= LEAST_SHOWN]
    shares = ", ".join(f"{in_hundred(each.probability)} {shown_arm(each.name)}" for each in likely)
    sentences = [f"Visitors like this one got, as things stood then: {shares}."]
    if choice.holdout_share:
        sentences.append(
            f"Before that, {in_hundred(choice.holdout_share)} are held out and never get offers."
        )
    if choice.unknown is not None:
        sentences.append(choice.unknown)
    else:
        sentences += [
            f"The policy `{choice.policy}` chose after {choice.policy_version:,} updates.",
            "An offer is drawn more often the more it is expected to earn, and sometimes to learn more.",
            "That step is no sum; exact are the probabilities, what was expected and what adds up to it.",
            "Intervals are of 95 %, for the mean of such carts.",
        ]
    lines = tuple(_arm(each, terms) for each in choice.arms)
    return Paragraph(heading=HEADING, sentences=tuple(sentences), lines=lines)


def _arm(arm: ExplainedArm, terms: LocalTerms) -> str:
    chosen = " (chosen)" if arm.is_chosen else ""
    line = f"{shown_arm(arm.name)}{chosen}: {in_hundred(arm.probability)}"
    if arm.expected is not None and arm.low is not None and arm.high is not None:
        ends = f"{terms.money(arm.low)} to {terms.money(arm.high)}"
        line += f", expected to earn {terms.money(arm.expected)} ({ends})"
    if arm.surcharge:
        line += f", valued {terms.money(arm.surcharge)} less for what it uses of a budget"
    return line


def why(choice: ExplainedChoice, terms: LocalTerms) -> tuple[Paragraph, ...]:
    """Return what spoke for an offer and against it, nothing where that is not known."""
    uplift, arm = choice.uplift, choice.uplift_of
    if uplift is None or arm is None:
        return ()
    much, average = (terms.money(each, signed=True) for each in (uplift.total, uplift.constant))
    sentences = [] if choice.arm != NO_OFFER else [f"The most likely offer was {arm}."]
    sentences.append(
        f"For this cart the policy expected {much} of {arm} beside no offer, for the average cart {average}."
    )
    for sign, words in ((1.0, "for"), (-1.0, "against")):
        named = [each for each in uplift.features if sign * each.contribution > 0.0]
        if named:
            sentences.append(f"What spoke most {words} it: {_names(named)}.")
    lines = [
        f"{terms.money(each.contribution, signed=True)}: {terms.feature(each.name, each.value)}"
        for each in uplift.features
    ]
    lines += [
        f"{terms.money(uplift.rest, signed=True)}: all other features",
        f"{average}: the average cart",
    ]
    return (Paragraph(heading=f"Why {arm}, and why not", sentences=tuple(sentences), lines=tuple(lines)),)


def _names(features: list[ExplainedFeature]) -> str:
    return ", ".join(FEATURES.get(each.name, each.name) for each in features[:MOST_NAMED])
