"""An explanation in sentences, the same for a terminal, a page and a program."""

from itertools import groupby

from flows.studies.explain.choice_words import chances, shown_arm, why
from flows.studies.explain.local_terms import MOMENTS, LocalTerms, in_hundred
from flows.studies.explain.removal_words import NOT_DRAWN
from flows.studies.explain.score_words import risk
from schemas.explanation import ExplainedChoice, Explanation, Paragraph, SimilarDecision
from schemas.shop import NO_OFFER


def paragraphs(found: Explanation, terms: LocalTerms) -> tuple[Paragraph, ...]:
    """Return an explanation in words."""
    return (
        Paragraph(heading="What was decided", sentences=_decided(found, terms)),
        risk(found.score, terms),
        chances(found.choice, terms),
        *why(found.choice, terms),
        *_removed(found),
        _afterwards(found, terms),
        _others(found, terms),
    )


def _decided(found: Explanation, terms: LocalTerms) -> tuple[str, ...]:
    moment, choice = found.moment, found.choice
    who = f"visitor {moment.visitor_id}"
    if moment.user_id is not None:
        who += f" (user {moment.user_id})"
    worth = terms.money(moment.cart_value)
    if moment.partial:
        worth += ", as far as its lines could be read"
    when = f"{terms.time(moment.at.seconds)} ({terms.timezone}), market {moment.market}"
    sentences = [
        f"{when}: {MOMENTS.get(moment.trigger, moment.trigger)}.",
        f"It belonged to {who} and was worth {worth}.",
    ]
    if choice.reason in NOT_DRAWN and choice.reason != "shadow":
        return (*sentences, "No offer was made.", NOT_DRAWN[choice.reason])
    made = "No offer was made" if choice.arm == NO_OFFER else f"The offer {choice.arm} was made"
    if choice.reason == "shadow":
        made = f"It chose {shown_arm(choice.arm)}"
        sentences.append(NOT_DRAWN["shadow"])
    sentences.append(
        f"{made}. It was drawn by chance, with a probability of {in_hundred(choice.propensity)}."
    )
    if choice.canary is not None:
        sentences.append(f"The market was being rolled out, and the person is {_canary(choice)}.")
    return tuple(sentences)


def _canary(choice: ExplainedChoice) -> str:
    if choice.canary:
        return "in the canary, for whom the policy chooses"
    return f"outside of the canary, for whom the rule `{choice.policy}` chooses"


def _removed(found: Explanation) -> tuple[Paragraph, ...]:
    if not found.removed:
        return ()
    by_reason = sorted(found.removed, key=lambda each: each.words)
    lines = [
        f"{', '.join(each.name for each in group)}: {words}"
        for words, group in groupby(by_reason, key=lambda each: each.words)
    ]
    sentence = "Each of these was removed for the first reason that applied."
    return (Paragraph(heading="What could not be chosen", sentences=(sentence,), lines=tuple(lines)),)


def _afterwards(found: Explanation, terms: LocalTerms) -> Paragraph:
    reward = found.reward
    if reward is not None:
        earned = f"All in all the decision has earned {terms.money(reward.profit, signed=True)}."
        if reward.trained is not None and abs(reward.trained - reward.profit) >= 0.005:
            trained = terms.money(reward.trained, signed=True)
            earned += f" The policy was trained with {trained}, since more would be out of proportion."
    elif len(found.choice.arms) > 1 or found.choice.holdout:
        earned = "Its reward window has not ended, or its reward is not among these records."
    else:
        earned = "No reward was awaited, since there was nothing to choose from."
    lines = [
        each.words if each.at is None else f"{terms.time(each.at.seconds)}: {each.words}"
        for each in found.happened
    ]
    return Paragraph(heading="What happened afterwards", sentences=(earned,), lines=tuple(lines))


def _others(found: Explanation, terms: LocalTerms) -> Paragraph:
    heading, similar = "What another visitor like this one got", found.similar
    if similar is None:
        words = "No other decision between the same arms is among these records."
        return Paragraph(heading=heading, sentences=(words,))
    when, worth = terms.time(similar.at.seconds), terms.money(similar.cart_value)
    sentences = [
        f"The most similar of {similar.of:,} other decisions is {similar.decision_id}.",
        f"It was taken on {when} for a cart of {worth} and chose {shown_arm(similar.arm)}.",
        _difference(similar, terms),
    ]
    if similar.arm != found.choice.arm and len(found.choice.arms) > 1:
        sentences.append("That two visitors who are alike get different things is how the policy learns.")
    return Paragraph(heading=heading, sentences=tuple(sentences))


def _difference(similar: SimilarDecision, terms: LocalTerms) -> str:
    if not similar.differs:
        return "In its features it hardly differed."
    pairs = (
        f"{terms.feature(each.name, each.there)} instead of {terms.value(each.name, each.here)}"
        for each in similar.differs
    )
    return f"It differed most in: {'; '.join(pairs)}."
