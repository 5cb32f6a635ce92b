"""How likely a cart was to be abandoned, in sentences."""

import math
from typing import Final

from flows.studies.explain.local_terms import LocalTerms, in_hundred
from schemas.explanation import ExplainedScore, ExplainedSum, Paragraph

UNITS: Final = {"log_odds": "log-odds", "probits": "probits"}
HEADING: Final = "How likely the cart was to be abandoned"


def risk(score: ExplainedScore, terms: LocalTerms) -> Paragraph:
    """Return what the model predicted, and what each feature added to that."""
    likely = (
        f"Of carts like this one, {in_hundred(score.abandonment)} are abandoned, by the model "
        f"`{score.model}` after {score.model_version:,} updates."
    )
    found = score.sum
    if found is None or score.before_calibration is None:
        return Paragraph(heading=HEADING, sentences=(likely, score.unknown or ""))
    unit = UNITS[found.unit]
    adds_up = (
        f"The features below add up to {found.total:+.3f} {unit}, which is {score.before_calibration:.1%}; "
        f"how such carts ended lately made {score.abandonment:.1%} of it (calibration)."
    )
    lines = [
        f"{each.contribution:+.3f} {unit}{_factor(found, each.contribution)}: "
        f"{terms.feature(each.name, each.value)}"
        for each in found.features
    ]
    lines += [
        f"{found.rest:+.3f} {unit}: all other features",
        f"{found.constant:+.3f} {unit}: where every cart begins",
    ]
    return Paragraph(heading=HEADING, sentences=(likely, adds_up), lines=tuple(lines))


def _factor(of: ExplainedSum, contribution: float) -> str:
    """Return what log-odds do to the odds; probits do nothing as simple."""
    return f", odds x {math.exp(contribution):.2f}" if of.unit == "log_odds" else ""
